import pytest

from pairsift.curation.caption_shapes import shape_of


@pytest.mark.parametrize(
    ("caption", "shape"),
    [
        ("https://example.org/a/b.jpg?x=1", "url"),
        ("www.example.org", "url"),
        ("IMG_0042.JPG", "file name"),
        ("photos/2024/cat on a mat.webp", "file name"),
        ("DSC_1234", "file name"),
        ("DSCN0815", "file name"),
        ("IMG-20240131-WA0001", "file name"),
        ("Screenshot 2024-01-31 at 10.11.12", "file name"),
        ("image001", "file name"),
        ("12345", "number or id"),
        ("#17", "number or id"),
        ("(3/4)", "number or id"),
        ("123e4567-e89b-12d3-a456-426614174000", "number or id"),
        ("d41d8cd98f00b204e9800998ecf8427e", "number or id"),
        ("B07XJ8C8F5", "number or id"),
    ],
)
def test_what_is_no_caption(caption: str, shape: str) -> None:
    assert shape_of(caption) == shape
    assert shape_of(f"  {caption}\n") == shape


@pytest.mark.parametrize(
    "caption",
    [
        "two cats on a mat",
        "a cat",
        "cat",
        "3 red ducks",
        "Version 2.0 of the poster, saved on a disk as poster.pdf",
        "see https://example.org for more",
        "猫",
        "кот 12",
        "NASA",
        "facade",
        "deadline",
        "Photo of a harbour",
        "image of 3 boats",
        "",
    ],
)
def test_what_may_be_a_caption(caption: str) -> None:
    assert shape_of(caption) is None

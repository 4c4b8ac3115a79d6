import pytest

from pairsift.config import TableConfig
from pairsift.errors import ColumnError
from pairsift.tables.columns import CAPTION_NAMES, IMAGE_NAMES, added_names, find_columns


@pytest.mark.parametrize("image", IMAGE_NAMES)
@pytest.mark.parametrize("caption", CAPTION_NAMES)
def test_the_usual_names(image: str, caption: str) -> None:
    assert find_columns(["id", caption, image], TableConfig()) == (image, caption)


def test_the_order_of_the_names_decides_not_that_of_the_columns() -> None:
    names = ["url", "text", "image_path", "description", "caption"]
    assert find_columns(names, TableConfig()) == ("image_path", "caption")


def test_case_and_blanks_do_not_matter_and_the_spelling_is_kept() -> None:
    assert find_columns([" Image ", "CAPTION"], TableConfig()) == (" Image ", "CAPTION")


def test_given_names_are_taken_as_they_are() -> None:
    config = TableConfig(image_column="b", caption_column="a")
    assert find_columns(["a", "b", "image", "caption"], config) == ("b", "a")


@pytest.mark.parametrize(
    ("names", "config", "words"),
    [
        (["a", "caption"], TableConfig(), ["no image column", "a, caption", "--image-column"]),
        (["image", "b"], TableConfig(), ["no caption column", "--caption-column"]),
        ([], TableConfig(), ["available: none"]),
        (["url", "caption"], TableConfig(image_column="img"), ["img", "url, caption"]),
        (["image", "Caption"], TableConfig(caption_column="caption"), ["caption", "Caption"]),
        (["image", "caption", "image"], TableConfig(), ["image", "2 times"]),
        (["image", "caption", "Caption"], TableConfig(), ["2 times"]),
        (["image", "text"], TableConfig(caption_column="image"), ["cannot be both"]),
    ],
)
def test_what_is_wrong_is_named(names: list[str], config: TableConfig, words: list[str]) -> None:
    with pytest.raises(ColumnError) as caught:
        find_columns(names, config)
    for word in words:
        assert word in str(caught.value)


def test_other_columns_may_stand_twice() -> None:
    assert find_columns(["x", "image", "x", "caption"], TableConfig()) == ("image", "caption")


def test_added_names() -> None:
    assert added_names(["image"], ["similarity"], "") == ["similarity"]
    assert added_names(["similarity"], ["similarity"], "clip_") == ["clip_similarity"]
    with pytest.raises(ColumnError, match="--column-prefix new_"):
        added_names(["image", "similarity"], ["similarity"], "")

from pathlib import Path

import pytest

from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.tables.headers import Header, read_header


def header_of(path: Path, data: bytes, config: TableConfig | None = None) -> Header:
    path.write_bytes(data)
    header = read_header(path, config or TableConfig())
    assert data.startswith(header.lead + header.body + header.tail)
    return header


@pytest.mark.parametrize(
    ("header", "names"),
    [
        (b"image,caption", ("image", "caption")),
        (b"image;caption, the long one", ("image", "caption, the long one")),
        (b"picture;words;a,b,c,d", ("picture;words;a", "b", "c", "d")),
        (b"image;caption;note, if any", ("image", "caption", "note, if any")),
        (b"image\tcaption", ("image", "caption")),
        (b"image|caption|a,b", ("image", "caption", "a,b")),
        (b'"a,b,c,d";image;caption', ("a,b,c,d", "image", "caption")),
        (b'\xef\xbb\xbf"image",caption', ("image", "caption")),
        (b"\r\n\nimage,caption", ("image", "caption")),
        (b'"two\nlines",image', ("two\nlines", "image")),
    ],
)
def test_the_delimiter_is_found_in_the_header(
    tmp_path: Path, header: bytes, names: tuple[str, ...]
) -> None:
    assert header_of(tmp_path / "a.csv", header + b"\n1,2\n").names == names


def test_tsv_and_a_given_delimiter(tmp_path: Path) -> None:
    assert header_of(tmp_path / "a.tsv", b"image\ta,b,c").names == ("image", "a,b,c")
    for given in ("\t", "\\t"):
        config = TableConfig(delimiter=given)
        assert header_of(tmp_path / "a.csv", b"x\ta,b,c", config).names == ("x", "a,b,c")
    for wrong in ("", ",,", "é", '"', "\n"):
        with pytest.raises(UsageError, match="delimiter"):
            header_of(tmp_path / "a.csv", b"a,b\n", TableConfig(delimiter=wrong))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "has no header"),
        (b"\n\r\n", "has no header"),
        (b"\xef\xbb\xbf", "has no header"),
        (b'image,"caption\na,b\n', "has no header"),
        ("image,caption\n".encode("utf-16"), "UTF-16"),
        ("image,caption\n".encode("utf-16-be"), "UTF-16"),
        (b"im\xe9ge,caption\n", "UTF-8"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\xff", "binary"),
    ],
)
def test_what_is_no_table(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(TableFormatError, match=words):
        header_of(tmp_path / "a.csv", data)


def test_given_columns_find_the_delimiter(tmp_path: Path) -> None:
    config = TableConfig(image_column="picture", caption_column="words")
    header = header_of(tmp_path / "a.csv", b"picture;words;a,b,c,d\n", config)
    assert header.names == ("picture", "words", "a,b,c,d")


def test_the_bytes_around_it(tmp_path: Path) -> None:
    header = header_of(tmp_path / "a.csv", b"\xef\xbb\xbf\r\n\nimage,caption\r\r\n1,2\n")
    assert header.lead == b"\xef\xbb\xbf\r\n\n"
    assert header.tail == b"\r\r\n"


def test_a_header_without_end(tmp_path: Path) -> None:
    with pytest.raises(TableFormatError, match="does not end"):
        header_of(tmp_path / "a.csv", b"image,caption" + b"x" * (1 << 20))

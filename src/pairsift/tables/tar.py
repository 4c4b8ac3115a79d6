"""The members of a tar by their headers: where each begins and ends, and nothing extracted.

Names are words here and never paths: no member is written to disk, whatever it is called.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pairsift.errors import TableFormatError
from pairsift.tables.streams import Archive

BLOCK = 512
MAX_HEADER_BYTES = 1 << 20
"""Of a PAX header or a long name: an archive must not fill memory by its headers."""

# typeflag: POSIX.1-2017, pax, "ustar Interchange Format"; L, K and S are GNU's.
_FILES = (b"0", b"\0", b"7")
_LINKS = (b"1", b"2")
_FOLDER = b"5"
_WITHOUT_DATA = (*_LINKS, b"3", b"4", _FOLDER, b"6")
_EXTENDED = (b"x", b"X")
_GLOBAL = b"g"
_LONG_NAME, _LONG_LINK = b"L", b"K"
_SPARSE = b"S"


@dataclass(frozen=True)
class Member:
    """One member of an archive.

    Args:
        name: As it stands in its headers; bytes that are not UTF-8 are lone surrogates.
        kind: ``file``, ``link``, ``folder``, ``sparse`` or ``other`` (devices and what else).
        begin: Offset of its first header.
        data: Offset of its bytes.
        size: How many there are.
        end: Offset behind its padding.
    """

    name: str
    kind: str
    begin: int
    data: int
    size: int
    end: int


def read_members(path: Path, position: int = 0) -> Iterator[Member]:
    """Yield the members from a member's first header on, without reading their bytes.

    Args:
        path: The archive; a compressed one is inflated as far as the caller goes.
        position: Where to begin, uncompressed.

    Raises:
        TableFormatError: It is cut off, a header is damaged, or it is no tar; says where.
    """
    with closing(Archive(path)) as file:
        begin = position
        header = file.read_at(begin, BLOCK)
        if not header and position == 0:
            raise _damage(path.name, 0, "no tar archive: it is empty")
        while any(header):
            member = _read_member(file, header, begin, path.name)
            if not file.reaches(member.data + member.size):
                raise _damage(path.name, begin, f"cut off inside {member.name[-80:]!r}")
            yield member
            begin = member.end
            header = file.read_at(begin, BLOCK)


def _read_member(file: Archive, header: bytes, begin: int, archive: str) -> Member:
    """Read one member's headers: those that only describe the next, and its own."""
    at, name, size, kind = begin, None, None, None
    while True:
        if len(header) < BLOCK:
            raise _damage(archive, at, "cut off inside a header")
        flag = header[156:157]
        length = _number(header[124:136])
        if not _is_sound(header) or length is None:
            what = "no tar archive" if at == 0 else "a damaged header"
            raise _damage(archive, at, what)
        if flag not in (*_EXTENDED, _GLOBAL, _LONG_NAME, _LONG_LINK):
            break
        if length > MAX_HEADER_BYTES:
            raise _damage(archive, at, f"a header of {length} bytes")
        text = file.read_at(at + BLOCK, length)
        if len(text) < length:
            raise _damage(archive, at, "cut off inside a header")
        if flag == _LONG_NAME:
            name = _decode(text.rstrip(b"\0"))
        elif flag in _EXTENDED:
            records = _pax_records(text)
            name = _decode(records["path"]) if "path" in records else name
            size = _decimal(records.get("size")) if "size" in records else size
            kind = "sparse" if any(key.startswith("GNU.sparse") for key in records) else kind
        at += BLOCK + _padded(length)
        header = file.read_at(at, BLOCK)
    data = at + BLOCK
    size = 0 if flag in _WITHOUT_DATA else length if size is None else size
    if flag == _SPARSE:
        data = _behind_sparse_map(file, header, data)
    return Member(
        name=_own_name(header) if name is None else name,
        kind=kind or _kind(flag, name or _own_name(header)),
        begin=begin,
        data=data,
        size=size,
        end=data + _padded(size),
    )


def _kind(flag: bytes, name: str) -> str:
    if flag in _FILES:
        # Before typeflag had one for folders, they were files whose name ends like this.
        return "folder" if name.endswith("/") else "file"
    kinds = dict.fromkeys(_LINKS, "link") | {_FOLDER: "folder", _SPARSE: "sparse"}
    return kinds.get(flag, "other")


def _own_name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    prefix = header[345:500].split(b"\0", 1)[0]
    # GNU's magic is another, and so is what stands in place of the prefix.
    is_posix = header[257:263] == b"ustar\0"
    return _decode(prefix + b"/" + name if prefix and is_posix else name)


def _behind_sparse_map(file: Archive, header: bytes, at: int) -> int:
    is_extended = header[482]
    while is_extended:
        block = file.read_at(at, BLOCK)
        at += BLOCK
        is_extended = block[504] if len(block) == BLOCK else 0
    return at


def _is_sound(header: bytes) -> bool:
    """Return whether the checksum holds: the sum of all bytes, its own taken as blanks."""
    expected = _number(header[148:156])
    total = sum(header) - sum(header[148:156]) + 8 * 0x20
    if expected == total:
        return True
    # Some old tools summed signed bytes.
    signed = total - 256 * sum(byte > 127 for byte in header[:148] + header[156:])
    return expected == signed


def _number(field: bytes) -> int | None:
    """Return an octal number, or GNU's binary one; None for neither, or a negative one."""
    if field[0] == 0x80:
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip()
    try:
        return int(digits or b"0", 8) if b"_" not in digits and b"-" not in digits else None
    except ValueError:
        return None


def _pax_records(text: bytes) -> dict[str, bytes]:
    """Return what an extended header says, ``LENGTH KEY=VALUE`` and a line end each.

    Records behind a damaged one are left out.
    """
    records: dict[str, bytes] = {}
    at = 0
    while at < len(text):
        blank = text.find(b" ", at, at + 20)
        length = _decimal(text[at:blank]) if blank > 0 else None
        if not length or length <= blank - at:
            break
        key, _, value = text[blank + 1 : at + length - 1].partition(b"=")
        records[_decode(key)] = value
        at += length
    return records


def _decimal(digits: bytes | None) -> int | None:
    return int(digits) if digits and digits.isdigit() and len(digits) < 20 else None


def _decode(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _damage(archive: str, position: int, what: str) -> TableFormatError:
    return TableFormatError(f"{archive}, byte {position}: {what}")

"""Captions moved between the rows of a tar: one member is written anew, the others stay."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO, Final

from pairsift.curation.moving_json import Value, find_value
from pairsift.errors import JobError
from pairsift.tables.columns import CAPTION_NAMES
from pairsift.tables.outputs import open_output
from pairsift.tables.samples import CAPTION_EXTENSIONS, RECORD_EXTENSION, Sample
from pairsift.tables.tar import BLOCK, Member

_COPY_BYTES: Final = 1 << 20
_MARK: Final = b"\xef\xbb\xbf"
_SIZE, _SUM = slice(124, 136), slice(148, 156)
"""Where a header holds its member's size and its own checksum: POSIX.1-2017, pax, ustar."""


def read_tar_cell(path: Path, sample: Sample, column: str) -> str | None:
    """Return a row's caption; None where there is none that could be exchanged.

    Args:
        path: The archive.
        sample: The row.
        column: ``caption``, or the key of the JSON that holds it.
    """
    with path.open("rb") as file:
        member = _member_of(sample)
        if member is None or _has_extended_size(file, member):
            return None
        data = _read(file, member)
        if member is not sample.members.get(RECORD_EXTENSION):
            try:
                return data.removeprefix(_MARK).rstrip(b"\r\n").decode("utf-8")
            except UnicodeDecodeError:
                return None
        found = _value_of(data, column)
        value = None if found is None else json.loads(found.text)
        return value if isinstance(value, str) else None


def write_tar(rows: Iterable[tuple[Sample, str, str]], path: Path, output: Path) -> None:
    """Write an archive again with other captions in some rows.

    Args:
        rows: In archive order: the row, the column of captions, and the caption it gets.
        path: The archive.
        output: Where it goes.

    Raises:
        JobError: A row's caption is no longer where it was.
    """
    with path.open("rb") as source, open_output(output) as target:
        done = 0
        for sample, column, caption in rows:
            member = _member_of(sample)
            if member is None:
                message = f"{path.name}: {sample.key[-80:]} has changed since it was read"
                raise JobError(message)
            data = _replaced(source, sample, member, column=column, caption=caption)
            _copy(source, target, done, member.data - BLOCK)
            source.seek(member.data - BLOCK)
            header = _resized(source.read(BLOCK), len(data))
            target.write(header + data + bytes(-len(data) % BLOCK))
            done = member.end
        _copy(source, target, done, path.stat().st_size)


def _member_of(sample: Sample) -> Member | None:
    """Return the member that holds a row's caption, if it is a file whose size is in its header."""
    for extension in (*CAPTION_EXTENSIONS, RECORD_EXTENSION):
        if extension in sample.members:
            member = sample.members[extension]
            return member if member.kind == "file" else None
    return None


def _replaced(
    source: BinaryIO, sample: Sample, member: Member, *, column: str, caption: str
) -> bytes:
    data = _read(source, member)
    if member is sample.members.get(RECORD_EXTENSION):
        found = _value_of(data, column)
        if found is None:
            message = f"{member.name[-80:]} has changed since it was read"
            raise JobError(message)
        # As the key's own writer would have it: with escapes where there are no other letters.
        is_ascii = found.source.isascii()
        return found.replaced(json.dumps(caption, ensure_ascii=is_ascii))
    body = data.removeprefix(_MARK)
    lead, tail = data[: len(data) - len(body)], body[len(body.rstrip(b"\r\n")) :]
    return lead + caption.encode() + tail


def _value_of(record: bytes, column: str) -> Value | None:
    names = CAPTION_NAMES if column == "caption" else (column.casefold(),)
    return find_value(record.strip(), names, ignore_case=True)


def _resized(header: bytes, size: int) -> bytes:
    """Return a header for another size, with its checksum."""
    changed = bytearray(header)
    changed[_SIZE] = b"%011o\0" % size
    changed[_SUM] = b" " * 8
    changed[_SUM] = b"%06o\0 " % sum(changed)
    return bytes(changed)


def _has_extended_size(file: BinaryIO, member: Member) -> bool:
    """Say whether a header before the member's own says its size, as of files beyond 8 GiB."""
    file.seek(member.begin)
    return b" size=" in file.read(member.data - BLOCK - member.begin)


def _read(file: BinaryIO, member: Member) -> bytes:
    file.seek(member.data)
    return file.read(member.size)


def _copy(source: BinaryIO, target: BinaryIO, begin: int, end: int) -> None:
    source.seek(begin)
    while begin < end and (chunk := source.read(min(_COPY_BYTES, end - begin))):
        target.write(chunk)
        begin += len(chunk)

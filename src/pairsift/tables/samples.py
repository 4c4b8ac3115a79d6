"""Members of a tar as rows, as WebDataset groups them: neighbours with one key are one row."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pairsift.tables.columns import CAPTION_NAMES
from pairsift.tables.folder import IMAGE_SUFFIXES, MAX_CAPTION_BYTES
from pairsift.tables.lines import parse_line
from pairsift.tables.tar import Member, read_members

IMAGE_EXTENSIONS = tuple(suffix[1:] for suffix in IMAGE_SUFFIXES)
CAPTION_EXTENSIONS = ("txt", "caption")
RECORD_EXTENSION = "json"
MAX_IMAGE_BYTES = 256 << 20
MAX_RECORD_BYTES = 16 << 20

# The key ends at the first dot of the name's last part, and hidden names have none: the rule of
# webdataset's base_plus_ext (tariterators.py).
_NAME = re.compile(r"((?:.*/|)[^./][^./]*)\.([^/]*)", re.DOTALL)


@dataclass(frozen=True)
class Sample:
    """The members of one row.

    Args:
        key: What their names begin with.
        members: By extension, lower case.
        begin: Offset of the first one's header.
        end: Offset at which the next row, or what ends the archive, begins.
    """

    key: str
    members: dict[str, Member]
    begin: int
    end: int


@dataclass(frozen=True)
class Content:
    """What a row holds, read.

    Args:
        image: The encoded image, or null.
        caption: UTF-8, not yet validated, or null.
        record: The bytes of its JSON, or null.
        problem: Why it cannot be taken for a pair, or null.
    """

    image: bytes | None = None
    caption: bytes | None = None
    record: bytes | None = None
    problem: str | None = None


@dataclass
class _Open:
    """A row whose last member may be still to come."""

    key: str
    begin: int
    members: dict[str, Member] = field(default_factory=dict)


def read_samples(path: Path, position: int = 0) -> Iterator[Sample]:
    """Yield the rows from a row's first header on.

    A key that comes again later, or an extension that comes again at once, begins another row.
    Folders and names without an extension belong to no row.

    Args:
        path: The archive.
        position: Where to begin.

    Raises:
        TableFormatError: The archive is damaged or cut off.
    """
    current: _Open | None = None
    end = position
    for member in read_members(path, position):
        end = member.end
        found = _NAME.fullmatch(member.name)
        if found is None or member.kind == "folder":
            continue
        key, extension = found[1], found[2].lower()
        if current is None or key != current.key or extension in current.members:
            if current is not None:
                yield Sample(current.key, current.members, current.begin, member.begin)
            current = _Open(key, member.begin)
        current.members[extension] = member
    if current is not None:
        yield Sample(current.key, current.members, current.begin, end)


def read_content(
    file: BinaryIO, sample: Sample, caption_names: Sequence[str] = CAPTION_NAMES
) -> Content:
    """Read a row's image, caption and JSON.

    The caption is that of ``.txt``, else of ``.caption``, else of the JSON.

    Args:
        file: The archive.
        sample: The row.
        caption_names: Keys of the JSON that may hold the caption, the first that is there.
    """
    problems: list[str] = []

    def read(extensions: Sequence[str], most: int) -> bytes | None:
        found = next((e for e in extensions if e in sample.members), None)
        if found is None:
            return None
        member = sample.members[found]
        if member.kind != "file":
            problems.append(f"{_shown(member)} is a {_KINDS.get(member.kind, 'special file')}")
        elif member.size > most:
            problems.append(f"{_shown(member)} has {member.size} bytes, more than {most}")
        else:
            file.seek(member.data)
            return file.read(member.size)
        return None

    record = read((RECORD_EXTENSION,), MAX_RECORD_BYTES)
    if any(extension in sample.members for extension in CAPTION_EXTENSIONS):
        # What is wrong with a JSON that holds no caption is nobody's problem.
        problems.clear()
        caption = read(CAPTION_EXTENSIONS, MAX_CAPTION_BYTES)
        caption = caption and caption.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")
    else:
        caption, problem = _caption_of(record, caption_names)
        problems += [f"{sample.key[-80:]}.json: {problem}"] if problem else []
    image = read(IMAGE_EXTENSIONS, MAX_IMAGE_BYTES)
    return Content(image, caption, record, problems[0] if problems else None)


def _caption_of(record: bytes | None, names: Sequence[str]) -> tuple[bytes | None, str | None]:
    if record is None:
        return None, None
    fields = parse_line(record.strip())
    if isinstance(fields, str):
        return None, fields
    folded = {key.strip().casefold(): value for key, value in fields.items()}
    value = next((folded[name.casefold()] for name in names if name.casefold() in folded), None)
    if value is None or isinstance(value, str):
        return (None if value is None else value.encode("utf-8", "surrogatepass")), None
    return None, f"the caption is no text: {json.dumps(value)[:60]}"


def _shown(member: Member) -> str:
    return member.name.encode("utf-8", "replace").decode()[-80:]


_KINDS = {"link": "link, which is not followed", "sparse": "sparse file, which is not read"}

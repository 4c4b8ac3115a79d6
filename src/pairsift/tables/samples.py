"""Members of a tar as rows, as WebDataset groups them: neighbours with one key are one row."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pairsift.statuses import RowStatus
from pairsift.tables.columns import CAPTION_NAMES
from pairsift.tables.folder import IMAGE_SUFFIXES, MAX_CAPTION_BYTES
from pairsift.tables.lines import parse_line
from pairsift.tables.streams import Archive
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
        captions: UTF-8, not yet validated, or null: one, or those of a list.
        record: The bytes of its JSON, or null.
        problem: Why it cannot be taken for a pair, or null.
    """

    image: bytes | None = None
    captions: tuple[bytes | None, ...] = (None,)
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
        path: The archive; a compressed one is inflated as far as the caller goes.
        position: Where to begin, uncompressed.

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
    archive: Archive,
    sample: Sample,
    caption_names: Sequence[str] = CAPTION_NAMES,
    *,
    has_lists: bool = False,
    has_image: bool = True,
) -> Content:
    """Read a row's image, captions and JSON.

    The caption is that of ``.txt``, else of ``.caption``, else of the JSON.

    Args:
        archive: That the row is of.
        sample: The row.
        caption_names: Keys of the JSON that may hold the caption, the first that is there.
        has_lists: An array in the JSON gives all its captions; otherwise it is a problem.
        has_image: Read the image too.
    """
    data, problems = _read_parts(archive, sample, has_image=has_image)
    record = data.get("record")
    if any(extension in sample.members for extension in CAPTION_EXTENSIONS):
        # What is wrong with a JSON that holds no caption is nobody's problem.
        problems.pop("record", None)
        text = data.get("caption")
        captions = [text and text.removeprefix(b"\xef\xbb\xbf").rstrip(b"\r\n")]
    else:
        captions, problem = _captions_of(record, caption_names, has_lists=has_lists)
        if problem:
            problems["caption"] = f"{sample.key[-80:]}.json: {problem}"
    problem = next((problems[part] for part in _PARTS if part in problems), None)
    return Content(data.get("image"), tuple(captions), record, problem)


def _read_parts(
    archive: Archive, sample: Sample, *, has_image: bool
) -> tuple[dict[str, bytes], dict[str, str]]:
    """Return the bytes of a row's parts, and what is wrong with those that are not read."""
    members = {
        part: (sample.members[next(e for e in extensions if e in sample.members)], most)
        for part, (extensions, most) in _limits().items()
        if (has_image or part != "image") and any(e in sample.members for e in extensions)
    }
    data, problems = {}, {}
    # In the order of the archive: a compressed one knows no way back.
    for part, (member, most) in sorted(members.items(), key=lambda item: item[1][0].data):
        if member.kind != "file":
            problems[part] = f"{_shown(member)} is a {_KINDS.get(member.kind, 'special file')}"
        elif member.size > most:
            problems[part] = f"{_shown(member)} has {member.size} bytes, more than {most}"
            if part == "image":
                problems[part] = f"{RowStatus.IMAGE_TOO_LARGE}: {problems[part]}"
        else:
            data[part] = archive.read_at(member.data, member.size)
    return data, problems


def _limits() -> dict[str, tuple[tuple[str, ...], int]]:
    return {
        "record": ((RECORD_EXTENSION,), MAX_RECORD_BYTES),
        "caption": (CAPTION_EXTENSIONS, MAX_CAPTION_BYTES),
        "image": (IMAGE_EXTENSIONS, MAX_IMAGE_BYTES),
    }


def _captions_of(
    record: bytes | None, names: Sequence[str], *, has_lists: bool
) -> tuple[list[bytes | None], str | None]:
    if record is None:
        return [None], None
    fields = parse_line(record.strip())
    if isinstance(fields, str):
        return [None], fields
    folded = {key.strip().casefold(): value for key, value in fields.items()}
    value = next((folded[name.casefold()] for name in names if name.casefold() in folded), None)
    values = (value or [None]) if has_lists and isinstance(value, list) else [value]
    if all(text is None or isinstance(text, str) for text in values):
        return [text and text.encode("utf-8", "surrogatepass") for text in values], None
    hint = "" if has_lists or not isinstance(value, list) else " (hint: --caption-list)"
    return [None], f"the caption is no text: {json.dumps(value)[:60]}{hint}"


def _shown(member: Member) -> str:
    return member.name.encode("utf-8", "replace").decode()[-80:]


_KINDS = {"link": "link, which is not followed", "sparse": "sparse file, which is not read"}
_PARTS = ("record", "caption", "image")

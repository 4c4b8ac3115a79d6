"""The inputs of a run, opened again: only as long as they are still what was scored."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from pairsift.config import ImageConfig, SourceConfig
from pairsift.errors import JobError
from pairsift.protocols import TableReader
from pairsift.runs.commits import Commit
from pairsift.runs.digests import PairDigest
from pairsift.runs.manifest import describe_input
from pairsift.runs.overlays import read_rows
from pairsift.runs.store import RunStore
from pairsift.sources import Sources

Config = TypeVar("Config")

_ROWS_AT_ONCE = 4096


def check_unchanged(
    store: RunStore,
    info: Mapping[str, Any],
    ordinal: int,
    reader: TableReader,
    bases: Sequence[Commit],
) -> None:
    """Hold an input against what was scored: by size and time, else by the rows themselves.

    Args:
        store: The run folder.
        info: Of run.json.
        ordinal: Of the input.
        reader: Of it, as it is now.
        bases: The commits of its shards, in order, overlays left out.

    Raises:
        JobError: Rows that were scored are no longer the same, or are gone.
    """
    if not bases or _is_as_noted(reader.path, info["inputs"][ordinal]):
        return
    waiting = iter(bases)
    base, digest = next(waiting), PairDigest()
    for batch in reader.read_batches(
        image_column=info["image_column"],
        caption_column=info["caption_column"],
        batch_rows=_ROWS_AT_ONCE,
        rows=finished_rows(store, bases),
    ):
        pairs = batch.pairs
        while len(pairs):
            part = pairs.slice(0, base.num_rows - digest.num_rows)
            digest.add(part)
            pairs = pairs.slice(len(part))
            if digest.num_rows < base.num_rows:
                continue
            if digest.id(ordinal, read_rows(store, base)) != base.id:
                raise _changed(info, base)
            following = next(waiting, None)
            if following is None:
                return
            base, digest = following, PairDigest()
    raise _changed(info, base)


def finished_rows(store: RunStore, bases: Sequence[Commit]) -> Sequence[int]:
    """Return the ordinals of the rows of shards: a range where there are no gaps."""
    first = bases[0].key.first_row
    after = first
    for commit in bases:
        if commit.key.first_row != after or commit.num_rows != commit.span_rows:
            break
        after += commit.num_rows
    else:
        return range(first, after)
    return [row for commit in bases for row in read_rows(store, commit)]


def configured(config: type[Config], plain: Mapping[str, Any]) -> Config:
    """Return a config dataclass as run.json describes it; fields it does not know are left out.

    Args:
        config: A dataclass of ``pairsift.config`` without dataclasses inside.
        plain: The description.
    """
    known = {field.name for field in fields(config)}  # type: ignore[arg-type]
    return config(
        **{
            # JSON has lists only; a config is hashable.
            name: tuple(value) if isinstance(value, list) else value
            for name, value in plain.items()
            if name in known
        }
    )


def open_sources(
    info: Mapping[str, Any], reader: TableReader, *, may_fetch: bool = True
) -> Sources:
    """Return what reads the pictures of an input, as they were read when they were scored.

    Args:
        info: Of run.json.
        reader: Of the input.
        may_fetch: Also from the hosts and buckets that the run was allowed.
    """
    plain = info["config"]
    # In the identity it stands from the root: the working folder may be another one now.
    root = info["score_identity"].get("image_root") or plain["table"].get("image_root")
    return Sources(
        Path(root) if root else reader.image_root,
        configured(ImageConfig, plain["image"]),
        configured(SourceConfig, plain.get("source", {}) if may_fetch else {}),
        offline=bool(plain["model"].get("offline")),
    )


def _is_as_noted(path: Path, noted: Mapping[str, Any]) -> bool:
    if path.is_dir():  # its own time says nothing of the files in it
        return False
    now = describe_input(noted["ordinal"], path, noted["format"])
    return all(now.get(name) == noted.get(name) for name in ("size", "mtime_ns", "etag"))


def _changed(info: Mapping[str, Any], base: Commit) -> JobError:
    path = info["inputs"][base.key.file]["path"]
    first = base.key.first_row + 1
    return JobError(
        f"{path} is not what was scored any more, at row {first:,} or after it "
        "(hint: the same pairsift score command says what is different; --overwrite starts anew)"
    )

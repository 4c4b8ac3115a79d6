"""Score rows again: which ones, under which generation, and what they take the place of."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pairsift import schema
from pairsift.errors import UnknownNameError, UsageError
from pairsift.runs.layout import RETRIES, SUCCESS, ShardKey
from pairsift.runs.overlays import Layers, read_scores
from pairsift.runs.plan import Piece
from pairsift.runs.store import RunStore
from pairsift.runs.writing import ROW, count_statuses
from pairsift.statuses import RowStatus


@dataclass
class Retry:
    """One round of scoring rows again.

    Args:
        generation: Of its overlays.
        statuses: Rows with one of these are scored again.
        pieces: By file.
        replaced: What each overlay takes the place of: rows by status, and truncated captions.
    """

    generation: int
    statuses: frozenset[RowStatus]
    pieces: dict[int, list[Piece]] = field(default_factory=dict)
    replaced: dict[ShardKey, tuple[dict[RowStatus, int], int]] = field(default_factory=dict)

    @property
    def num_rows(self) -> int:
        """How many rows it scores."""
        return sum(len(p.rows) for pieces in self.pieces.values() for p in pieces)


def parse_statuses(wish: str) -> frozenset[RowStatus]:
    """Return the statuses that ``--retry`` names.

    Raises:
        UsageError: There is no such status, or it is ``ok``.

    Example:
        >>> sorted(parse_statuses("image_timeout,image_crashed"))
        [<RowStatus.IMAGE_CRASHED: 'image_crashed'>, <RowStatus.IMAGE_TIMEOUT: 'image_timeout'>]
    """
    failed = frozenset(RowStatus) - {RowStatus.OK}
    if wish == "failed":
        return failed
    names = [name.strip() for name in wish.split(",")]
    unknown = [name for name in names if name not in set(failed)]
    if unknown:
        message = (
            f"--retry {unknown[0]!r}: accepted are failed, or statuses: {', '.join(sorted(failed))}"
        )
        raise UnknownNameError(message)
    return frozenset(RowStatus(name) for name in names)


def begin_retry(store: RunStore, wish: str) -> Retry:
    """Begin a round, or go on with the one of the same wish that was stopped.

    Raises:
        UsageError: A round of another wish was stopped; it comes first.
    """
    statuses = parse_statuses(wish)
    rounds = store.names(RETRIES)
    last: dict[str, Any] = {"is_finished": True}
    if rounds:
        last = json.loads(store.read(rounds[-1]))
    # A run that is whole again has finished what it had begun, as far as it ever will. Without
    # _SUCCESS it may also be the table that is to be written again.
    if not last.get("is_finished", False) and not store.exists(SUCCESS):
        if last["statuses"] != sorted(statuses):
            message = (
                "an earlier --retry of other statuses was stopped: "
                f"finish it first (--retry {','.join(last['statuses'])})"
            )
            raise UsageError(message)
        return Retry(len(rounds), statuses)
    generation = len(rounds) + 1
    retry = Retry(generation, statuses)
    _write_down(store, retry, is_finished=False)
    return retry


def finish_retry(store: RunStore, retry: Retry) -> None:
    """Write down that a round has scored all its rows, so that the next wish is another round."""
    _write_down(store, retry, is_finished=True)


def _write_down(store: RunStore, retry: Retry, *, is_finished: bool) -> None:
    facts = {"statuses": sorted(retry.statuses), "is_finished": is_finished}
    store.put(f"{RETRIES}/g{retry.generation:06}.json", json.dumps(facts).encode())


def choose_retries(store: RunStore, shards: Sequence[Layers], retry: Retry) -> None:
    """Fill in the rows to score again: those of the wanted statuses, by their newest score."""
    wanted = pa.array(sorted(retry.statuses), pa.string())
    columns = [ROW, schema.STATUS, schema.CAPTION_TRUNCATED]
    for layers in shards:
        if layers.newest >= retry.generation:
            continue
        if not any(status in retry.statuses for c in layers.commits for status in c.counts):
            continue
        table = read_scores(store, layers, columns)
        table = table.filter(pc.is_in(table.column(schema.STATUS), value_set=wanted))
        if table.num_rows == 0:
            continue
        base = layers.base
        key = ShardKey(base.key.file, base.key.first_row, retry.generation)
        rows = table.column(ROW).to_pylist()
        retry.pieces.setdefault(key.file, []).append(Piece(key, base.read_from, rows, 0))
        num_truncated = pc.sum(table.column(schema.CAPTION_TRUNCATED)).as_py() or 0
        retry.replaced[key] = count_statuses(table.column(schema.STATUS)), num_truncated

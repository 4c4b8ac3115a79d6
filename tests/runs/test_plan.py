"""What is left: planned rows without the committed ones, each once."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairsift.protocols import Span
from pairsift.runs.commits import Commit, WrittenFile
from pairsift.runs.layout import ShardKey, key_of
from pairsift.runs.plan import Coverage, count_attempts, pending
from pairsift.runs.store import FolderStore


def commit(first: int, num_rows: int) -> Commit:
    return Commit(
        key=ShardKey(0, first),
        num_rows=num_rows,
        span_rows=num_rows,
        read_from=Span(first, num_rows),
        id="",
        counts={},
        scores=WrittenFile("", "", 0),
    )


def spans(num_rows: int, size: int) -> list[Span]:
    return [Span(at, min(size, num_rows - at), 10 * at) for at in range(0, num_rows, size)]


@settings(deadline=None)
@given(
    st.integers(0, 60), st.integers(1, 9), st.sets(st.integers(0, 70)), st.sets(st.integers(0, 70))
)
def test_every_wanted_row_is_done_once(
    num_rows: int, size: int, done: set[int], chosen: set[int]
) -> None:
    coverage = Coverage(commit(row, 1) for row in done)
    for wanted in (None, sorted(chosen)):
        pieces = list(pending(spans(num_rows, size), coverage, file=0, wanted=wanted))
        rows = [row for piece in pieces for row in piece.rows]
        expected = set(range(num_rows)) if wanted is None else chosen & set(range(num_rows))
        assert rows == sorted(expected - done)
        for piece in pieces:
            inside = range(piece.key.first_row, piece.key.first_row + piece.span_rows)
            assert set(piece.rows) <= set(inside)
            assert not set(inside) & done
            assert piece.span.first_row <= piece.rows[0]


def test_a_grown_table_goes_on_behind_its_last_row() -> None:
    coverage = Coverage([commit(0, 4), commit(4, 3)])
    pieces = list(pending(spans(10, 4), coverage, file=0, wanted=None))
    assert [list(piece.rows) for piece in pieces] == [[7], [8, 9]]
    assert pieces[0].span == Span(4, 4, 40)


def test_planning_is_lazy() -> None:
    def plan() -> Iterator[Span]:
        yield Span(0, 4)
        raise AssertionError("planned too far")

    assert next(iter(pending(plan(), Coverage([]), file=0, wanted=None))).rows == range(4)


def test_attempts_are_counted_by_shard_and_generation(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    for key, token in ((ShardKey(0, 4), "a"), (ShardKey(0, 4), "b"), (ShardKey(0, 4, 1), "a")):
        store.put(key.attempt(token), b"")
    counted = count_attempts(store)
    assert counted[ShardKey(0, 4).stem] == 2
    assert counted[ShardKey(0, 4, 1).stem] == 1
    assert counted[ShardKey(0, 8).stem] == 0


@pytest.mark.parametrize("key", [ShardKey(0, 0), ShardKey(123456, 10**13, 12)])
def test_names_lead_back_to_their_shard(key: ShardKey) -> None:
    for name in (key.scores, key.images, key.captions, key.commit, key.attempt("ab")):
        assert key_of(name) == key
    assert key_of("run.json") is None
    assert replace(key, generation=3).base == key.base

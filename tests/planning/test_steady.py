"""The window is the middle of the sample."""

from collections.abc import Sequence

import pytest

from pairsift import stages
from pairsift.planning.rewriting import PieceContents
from pairsift.planning.steady import Marks, steady_window
from pairsift.protocols import Span
from pairsift.runs.commits import Commit, Work, WrittenFile
from pairsift.runs.layout import ShardKey
from pairsift.statuses import RowStatus


def commits(sizes: Sequence[int]) -> list[Commit]:
    scores = WrittenFile("scores/x.parquet", "", 1)
    return [
        Commit(
            ShardKey(0, 100 * place), size, size, Span(0, size), "", {RowStatus.OK: size}, scores,
            work=Work(encoded_images=size, encoded_captions=place),
        )
        for place, size in enumerate(sizes)
    ]  # fmt: skip


def marks(moments: list[tuple[int, float, float]]) -> Marks:
    found = Marks(scorer=None)  # type: ignore[arg-type]
    found.moments = [(rows, when, {stages.WAIT: wait}) for rows, when, wait in moments]
    return found


def test_the_first_and_the_last_piece_are_left_out() -> None:
    # Three pieces of two batches each; a mark after every batch.
    seen = marks([(5, 1.0, 0.5), (10, 3.0, 1.0), (15, 4.0, 1.5), (20, 5.0, 2.5), (25, 6.0, 3.0),
                  (28, 9.0, 9.0)])  # fmt: skip
    contents = [PieceContents(9, 8), PieceContents(7, 6), PieceContents(5, 4)]
    chunks, window = steady_window(seen, commits([10, 10, 8]), contents, begin=0.0)
    assert [(chunk.num_rows, chunk.seconds) for chunk in chunks] == [(10, 2.0)]
    assert (window.num_rows, window.seconds, window.reads, window.captions) == (10, 2.0, 7, 6)
    assert (window.encoded_images, window.encoded_captions) == (10, 1)
    assert window.stage_seconds == {stages.WAIT: pytest.approx(1.5)}


def test_of_one_piece_everything_counts() -> None:
    seen = marks([(6, 8.0, 1.0)])
    chunks, window = steady_window(seen, commits([6]), [PieceContents(6, 6)], begin=5.0)
    assert (window.num_rows, window.seconds, len(chunks)) == (6, 3.0, 1)
    assert window.stage_seconds == {stages.WAIT: 1.0}


def test_of_two_the_second_counts() -> None:
    seen = marks([(6, 8.0, 1.0), (12, 9.0, 1.5)])
    contents = [PieceContents(6, 6), PieceContents(3, 2)]
    _, window = steady_window(seen, commits([6, 6]), contents, begin=5.0)
    assert (window.num_rows, window.seconds, window.reads) == (6, 1.0, 3)

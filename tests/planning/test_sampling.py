"""Pieces are spread over the table and never overlap."""

from pathlib import Path

import numpy as np
import pytest

from pairsift.config import TableConfig
from pairsift.planning.columns import PlannedFile
from pairsift.planning.sampling import choose_pieces, piece_sizes
from pairsift.tables.formats import open_table


def planned(folder: Path, sizes: list[int], *, shard_rows: int = 100) -> list[PlannedFile]:
    files = []
    for ordinal, size in enumerate(sizes):
        path = folder / f"{ordinal}.csv"
        rows = "".join(f"{row}.jpg,caption {row}\n" for row in range(size))
        path.write_text("image,caption\n" + rows, encoding="utf-8")
        reader = open_table(path, TableConfig())
        files.append(PlannedFile(ordinal, reader, tuple(reader.plan(shard_rows))))
    return files


def test_a_small_table_is_measured_whole(tmp_path: Path) -> None:
    files = planned(tmp_path, [150, 7])
    pieces = choose_pieces(files, piece_rows=30, num_pieces=50, generator=np.random.default_rng(0))
    rows = [(piece.key.file, row) for piece in pieces for row in piece.rows]
    assert rows == [(0, row) for row in range(150)] + [(1, row) for row in range(7)]


def test_pieces_stay_in_their_shards_and_apart(tmp_path: Path) -> None:
    files = planned(tmp_path, [950, 730])
    for seed in range(20):
        pieces = choose_pieces(
            files, piece_rows=30, num_pieces=12, generator=np.random.default_rng(seed)
        )
        assert len(pieces) == 12
        rows = [(piece.key.file, row) for piece in pieces for row in piece.rows]
        assert rows == sorted(set(rows))
        for piece in pieces:
            assert piece.key.first_row == piece.rows[0]
            assert piece.span.first_row <= piece.rows[0]
            assert piece.rows[-1] < piece.span.first_row + piece.span.num_rows
            assert 24 <= len(piece.rows) <= 30


def test_every_stretch_of_the_table_has_its_piece(tmp_path: Path) -> None:
    files = planned(tmp_path, [4_000])
    pieces = choose_pieces(files, piece_rows=25, num_pieces=8, generator=np.random.default_rng(3))
    assert [piece.rows[0] // 500 for piece in pieces] == list(range(8))


def test_every_row_has_the_same_chance(tmp_path: Path) -> None:
    files = planned(tmp_path, [400])
    seen = np.zeros(400)
    for seed in range(400):
        for piece in choose_pieces(
            files, piece_rows=25, num_pieces=4, generator=np.random.default_rng(seed)
        ):
            seen[list(piece.rows)] += 1
    assert seen.mean() == 100
    assert 60 < seen.min() <= seen.max() < 140


@pytest.mark.parametrize(
    ("num_rows", "wanted", "batch", "sizes"),
    [
        (10**8, 1_800, 316, (316, 6)),
        (10**8, 900, 316, (112, 9)),  # whole batches would take twice the time and more
        (1_800, 10**6, 316, (225, 8)),  # too few rows for six of them
        (10**8, 10**9, 316, (316, 64)),
        (10**8, 1, 316, (64, 8)),  # a slow model: half-empty batches would say nothing
        (3, 1_800, 316, (1, 3)),
        (1, 1_800, 316, (1, 1)),
    ],
)
def test_sizes(num_rows: int, wanted: int, batch: int, sizes: tuple[int, int]) -> None:
    assert piece_sizes(num_rows, wanted_rows=wanted, batch_rows=batch) == sizes

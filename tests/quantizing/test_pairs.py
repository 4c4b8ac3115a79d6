"""The sample: chosen by a seed, readable pairs only, the rest counted."""

from collections import Counter
from pathlib import Path

import pytest

from pairsift.config import ScoreConfig, TableConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.errors import UsageError
from pairsift.quantizing.pairs import PairSample, SampledPair, prepare_pairs
from tests.quantizing.books import draw_book

CONFIG = ScoreConfig()


def sample(table: str, num: int, seed: int = 0) -> list[SampledPair]:
    return list(PairSample(table, CONFIG, num=num, seed=seed))


def test_a_seed_chooses_the_rows(book: str) -> None:
    first = sample(book, 50)
    assert first == sample(book, 50)
    assert [p.row for p in first] == sorted(p.row for p in first)
    assert {p.row for p in first} != {p.row for p in sample(book, 50, seed=1)}


def test_every_row_is_read_or_counted(book: str) -> None:
    every = PairSample(book, CONFIG, num=10_000, seed=0)
    pairs = list(every)
    prepared = prepare_pairs(every, FakeEncoder(), CONFIG)
    assert len(pairs) + sum(every.failures.values()) == every.num_rows == 140
    assert len(prepared) + sum(prepared.failures.values()) == 140
    assert 5 <= sum(prepared.failures.values()) <= 7  # of 7 that are broken some can be read
    assert len(prepared.captions) == len(prepared)


def test_the_bytes_are_those_of_the_file(book: str) -> None:
    lines = Path(book).read_text(encoding="utf-8").splitlines()
    pair = next(p for p in sample(book, 140) if '"' not in lines[p.row + 1])
    name, caption = lines[pair.row + 1].split(",")[:2]
    assert pair.caption == caption
    assert pair.content == (Path(book).parent / name).read_bytes()


def test_rows_of_several_files_keep_their_file(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    for name in ("a", "b"):
        draw_book(tmp_path / name, num=6)
        lines = (tmp_path / name / "pairs.csv").read_text(encoding="utf-8").splitlines()
        rest = [f"{name}/{line}" for line in lines[1:]]
        (tmp_path / "t" / f"{name}.csv").write_text("\n".join([lines[0], *rest]) + "\n")
    config = ScoreConfig(table=TableConfig(image_root=str(tmp_path)))
    pairs = list(PairSample(str(tmp_path / "t"), config, num=12, seed=0))
    assert Counter(p.file for p in pairs) == {0: 6, 1: 6}
    assert [p.row for p in pairs] == [*range(6), *range(6)]


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("image,caption\n")
    with pytest.raises(UsageError, match="no rows"):
        PairSample(str(tmp_path / "empty.csv"), CONFIG, num=5, seed=0)

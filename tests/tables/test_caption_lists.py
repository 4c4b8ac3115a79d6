import numpy as np
import pyarrow as pa
import pytest

from pairsift import schema
from pairsift.tables.caption_lists import explode_lists, fold_scores, parents_of

SCHEMA = schema.output_schema(is_distance=True, is_cosine=False, details=True)


def scores(values: list[float | None]) -> pa.RecordBatch:
    """Return a row a caption; the tokens say which caption it was."""
    columns = {field.name: pa.nulls(len(values), field.type) for field in SCHEMA}
    columns[schema.SIMILARITY] = pa.array(values, pa.float32())
    columns[schema.DISTANCE] = pa.array([v if v is None else 1 - v for v in values], pa.float32())
    columns[schema.STATUS] = pa.array(["ok" if v is not None else "caption_empty" for v in values])
    columns[schema.ERROR] = pa.array([None if v is not None else f"why {i}"
                                      for i, v in enumerate(values)], pa.string())  # fmt: skip
    columns[schema.CAPTION_TOKENS] = pa.array(range(len(values)), pa.int32())
    return pa.RecordBatch.from_arrays([columns[name] for name in SCHEMA.names], schema=SCHEMA)


VALUES = [0.25, 0.5, None, None, None, -0.5, 0.75, 0.75, 0.0]
COUNTS = [3, 2, 1, 3]


def test_the_best() -> None:
    folded = fold_scores(scores(VALUES), COUNTS, is_mean=False).to_pydict()
    assert folded[schema.SIMILARITY] == [0.5, None, -0.5, 0.75]
    assert folded[schema.DISTANCE] == [0.5, None, 1.5, 0.25]
    assert folded[schema.CAPTION_TOKENS] == [1, 3, 5, 6]
    assert folded[schema.STATUS] == ["ok", "caption_empty", "ok", "ok"]
    assert folded[schema.ERROR] == [None, "why 3", None, None]


def test_the_mean() -> None:
    folded = fold_scores(scores(VALUES), COUNTS, is_mean=True).to_pydict()
    assert folded[schema.SIMILARITY] == [0.375, None, -0.5, 0.5]
    assert folded[schema.DISTANCE] == [0.625, None, 1.5, 0.5]
    assert folded[schema.STATUS] == ["ok", "caption_empty", "ok", "ok"]
    assert folded[schema.CAPTION_TOKENS] == [1, 3, 5, 6]


def test_a_prefix_changes_nothing() -> None:
    added = scores(VALUES).rename_columns(["my_" + name for name in SCHEMA.names])
    folded = fold_scores(added, COUNTS, is_mean=True)
    assert folded.schema.names == added.schema.names
    assert folded.column("my_similarity").to_pylist() == [0.375, None, -0.5, 0.5]


@pytest.mark.parametrize("is_mean", [False, True])
def test_one_caption_each_is_what_it_was(is_mean: bool) -> None:
    added = scores(VALUES)
    assert fold_scores(added, [1] * len(VALUES), is_mean=is_mean).equals(added)
    assert fold_scores(added.slice(0, 0), [], is_mean=is_mean).num_rows == 0


def test_against_plain_loops() -> None:
    dice = np.random.default_rng(0)
    counts = dice.integers(1, 6, 200).tolist()
    values = [None if dice.random() < 0.3 else float(dice.integers(-8, 8)) / 8
              for _ in range(sum(counts))]  # fmt: skip
    folded = {
        how: fold_scores(scores(values), counts, is_mean=how == "mean") for how in ("best", "mean")
    }
    first = 0
    for row, count in enumerate(counts):
        own = [value for value in values[first : first + count] if value is not None]
        best = folded["best"].column(0)[row].as_py()
        assert best == (max(own) if own else None)
        mean = folded["mean"].column(0)[row].as_py()
        assert mean == (pytest.approx(sum(own) / len(own), abs=1e-6) if own else None)
        first += count


def test_there_and_back() -> None:
    flat, counts = explode_lists([[b"a"], None, [b"b", None], []])
    assert flat == [b"a", None, b"b", None, None]
    assert parents_of(counts).to_pylist() == [0, 1, 2, 2, 3]

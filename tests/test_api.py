from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pairsift
from pairsift.config import CaptionConfig, ModelConfig, ScoreConfig, TableConfig
from pairsift.errors import PairsiftError, UsageError
from pairsift.scoring import PairScorer
from tests.bad_inputs import encoded, picture
from tests.engines.test_local import make_table

FAKE = ScoreConfig(model=ModelConfig(runtime="fake"))


def test_the_public_names() -> None:
    for name in pairsift.__all__:
        assert getattr(pairsift, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pairsift.nothing


@pytest.mark.parametrize("make", [pa.table, pl.DataFrame, pd.DataFrame])
def test_whatever_speaks_arrow(make: type) -> None:
    columns = {
        "image": [encoded(picture(seed), "PNG") for seed in range(4)],
        "caption": ["a", "b", None, "d"],
        "n": [1, 2, 3, 4],
    }
    out = pairsift.score_table(make(columns), config=FAKE)
    assert isinstance(out, pa.Table)
    assert out["n"].to_pylist() == [1, 2, 3, 4]
    assert out["similarity_status"].to_pylist() == ["ok", "ok", "caption_null", "ok"]
    assert out["similarity"].null_count == 1


@pytest.mark.parametrize("table", [{"image": ["a.png"], "caption": ["a"]}, [("a.png", "a")], None])
def test_what_is_no_table(table: Any) -> None:
    with pytest.raises(UsageError, match=f"a {type(table).__name__} is no table"):
        pairsift.score_table(table, config=FAKE)


def test_a_path_gives_the_same_numbers_as_the_command(tmp_path: Path) -> None:
    table = make_table(tmp_path, num_rows=9)
    whole = pairsift.score_table(table, config=FAKE)
    assert whole.column_names[:3] == ["id", "image", "caption"]
    assert whole["id"].to_pylist()[1] == "001"
    pairsift.score_file(table, tmp_path / "out.csv", config=FAKE)
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1:]
    written = np.array([line.split(",")[3] for line in lines]).astype(np.float32)
    assert (written == whole["similarity"].to_numpy()).all()


def test_sample_of_a_frame() -> None:
    columns = {"image": [encoded(picture(1), "PNG")] * 9, "caption": list("abcdefghi")}
    config = ScoreConfig(model=FAKE.model, table=TableConfig(sample=3, seed=1))
    assert pairsift.score_table(pa.table(columns), config=config).num_rows == 3


@pytest.mark.parametrize(
    ("text", "config"),
    [
        ("similarity,image,caption\n1,a.png,a\n", FAKE),
        ("image,caption\na.png,a,b\n", replace(FAKE, table=TableConfig(strict=True))),
        ("image,caption\na.png,a\n", FAKE),
    ],
    ids=["a taken name", "a malformed row", "nothing wrong"],
)
def test_the_scorer_is_closed_whatever_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, config: ScoreConfig
) -> None:
    closed: list[PairScorer] = []
    close = PairScorer.close

    def watched(self: PairScorer) -> None:
        closed.append(self)
        close(self)

    monkeypatch.setattr(PairScorer, "close", watched)
    (tmp_path / "a.csv").write_text(text)
    with suppress(PairsiftError):
        pairsift.score_table(tmp_path / "a.csv", config=config)
    assert len(closed) == 1


def test_nothing_in_gives_the_columns(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"image,caption\n")
    out = pairsift.score_table(tmp_path / "a.csv", config=FAKE)
    assert out.num_rows == 0
    assert "similarity" in out.column_names
    table = pa.table({"id": pa.array([], pa.int64()), "image": [], "caption": []})
    pq.write_table(table, tmp_path / "a.parquet")
    out = pairsift.score_table(tmp_path / "a.parquet", config=FAKE)
    assert out.schema.field("id").type == pa.int64()
    assert out.schema.names == [*table.column_names, *out.schema.names[3:]]


def test_the_calculator_cleans_captions_as_the_table_does() -> None:
    config = ScoreConfig(model=FAKE.model, caption=CaptionConfig(clean_captions=True))
    data = encoded(picture(1), "PNG")
    table = pa.table({"image": [data], "caption": ["caf&eacute;"]})
    (expected,) = pairsift.score_table(table, config=config)["similarity"].to_pylist()
    calculator = pairsift.load_calculator(config=config)
    assert calculator.calculate([data], ["caf&eacute;"]).tolist() == [expected]

"""The same scores from Spark, row for row, and nothing lost."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pairsift import score_table
from pairsift.config import ModelConfig, OutputConfig, ScoreConfig, TableConfig
from pairsift.errors import ColumnError, UsageError
from pairsift.storybook.writing import write_storybook

pytestmark = [
    pytest.mark.spark,
    pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning"),
]

NUM_PAIRS = 300
FAKE = ModelConfig(runtime="fake")


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    if shutil.which("java") is None and "JAVA_HOME" not in os.environ:
        pytest.fail("Spark needs Java, and there is none: install a JDK 17, or leave out -m spark")
    pytest.importorskip("pyspark")
    from pyspark.sql import SparkSession

    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable  # not whatever python3 the PATH has
    session = (
        SparkSession.builder.master("local[2]")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "64")
        .getOrCreate()
    )
    yield session
    session.stop()


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("book")
    path = write_storybook(folder, num_pairs=NUM_PAIRS, seed=5, side=32).table
    with path.open("a", encoding="utf-8") as file:
        file.write("images/gone.jpg,nothing is there,none\n")
    return path


@pytest.mark.parametrize("missing", ["pandas", "pyspark.sql"])
def test_what_the_extra_brings_is_named(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; import pairsift.spark"
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert 'pip install "pairsift[spark]"' in done.stderr.splitlines()[-1]


def configure(table: Path, model: ModelConfig = FAKE, **changed: Any) -> ScoreConfig:
    return ScoreConfig(model=model, table=TableConfig(image_root=str(table.parent)), **changed)


def rows_of(table: Path) -> list[dict[str, Any]]:
    with table.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("model", [FAKE, ModelConfig(model="storybook-small", offline=True)])
def test_paths_row_for_row(spark: Any, table: Path, model: ModelConfig) -> None:
    from pairsift.spark import score

    config = configure(table, model, output=OutputConfig(details=True))
    frame = spark.createDataFrame(rows_of(table)).repartition(4)
    found = sorted(
        (row.asDict() for row in score(frame, config=config).collect()),
        key=lambda row: row["image"],
    )
    here = score_table(table, config=config).to_pylist()
    here.sort(key=lambda row: row["image"])
    assert len(found) == NUM_PAIRS + 1
    assert found == here
    assert [row["image"] for row in found if row["similarity_status"] != "ok"] == [
        "images/gone.jpg"
    ]


def test_pictures_in_the_rows(spark: Any, table: Path) -> None:
    from pairsift.spark import score

    rows = rows_of(table)[:100]
    for number, row in enumerate(rows):
        row["number"] = number
        row["picture"] = (table.parent / row.pop("image")).read_bytes()
    frame = spark.createDataFrame(rows).coalesce(1)
    scored = score(frame, image_column="picture", caption_column="caption", config=configure(table))
    assert scored.columns == [*frame.columns, "similarity", "similarity_status", "similarity_error"]
    found = [row.asDict() for row in scored.collect()]
    here = score_table(
        pa.Table.from_pylist(rows),
        config=ScoreConfig(
            model=FAKE, table=TableConfig(image_column="picture", image_root=str(table.parent))
        ),
    )
    assert [row["number"] for row in found] == list(range(100))
    assert [row["similarity"] for row in found] == here.column("similarity").to_pylist()


def test_a_missing_column_is_found_before_anything_runs(spark: Any, table: Path) -> None:
    from pairsift.spark import score

    frame = spark.createDataFrame(rows_of(table))
    with pytest.raises(ColumnError, match="column nosuch not found; available: caption"):
        score(frame, image_column="nosuch", config=configure(table))


def test_what_is_for_files_is_refused(spark: Any, table: Path) -> None:
    from pairsift.spark import score

    config = ScoreConfig(model=FAKE, table=TableConfig(limit=3))
    with pytest.raises(UsageError, match="limit and sample are for tables in files"):
        score(spark.createDataFrame(rows_of(table)), config=config)


def test_large_batches_of_pictures_are_warned_of(
    spark: Any, table: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from pairsift.spark import ROWS_SETTING, score

    frame = spark.createDataFrame([{"image": b"x", "caption": "y"}])
    score(frame, config=configure(table))
    assert not caplog.records
    spark.conf.set(ROWS_SETTING, "10000")
    try:
        score(frame, config=configure(table))
    finally:
        spark.conf.set(ROWS_SETTING, "64")
    assert "keeps memory low" in caplog.text

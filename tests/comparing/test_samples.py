"""What every candidate sees: the same rows, read once, apart from those that make int8."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from pairsift import schema
from pairsift.comparing.samples import SampleFiles, read_pairs, write_sample
from pairsift.config import CompareConfig, ScoreConfig
from pairsift.errors import UsageError
from tests.comparing.made_up import write_pairs


def sample(table: str, folder: Path, *, with_int8: bool = False, seed: int = 0) -> SampleFiles:
    folder.mkdir(exist_ok=True)
    compare = CompareConfig(pairs=60, seed=seed)
    return write_sample(table, folder, config=ScoreConfig(), compare=compare, with_int8=with_int8)


def captions(path: Path) -> list[str]:
    found: list[str] = pq.read_table(path)["caption"].to_pylist()
    return found


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_pairs(tmp_path_factory.mktemp("pairs"), 200, broken=3, missing=2)


def test_a_seed_chooses_the_rows(table: str, tmp_path: Path) -> None:
    one, again = sample(table, tmp_path / "a"), sample(table, tmp_path / "b")
    other = sample(table, tmp_path / "c", seed=1)
    assert one.compared.read_bytes() == again.compared.read_bytes()
    assert captions(one.compared) != captions(other.compared)
    assert (one.num_compared, one.num_rows, one.reserve) == (60, 205, None)
    numbers = [int(text.rsplit(" ", 1)[1]) for text in captions(one.compared)]
    assert numbers == sorted(set(numbers))  # each once, in the order of the table


def test_rows_that_make_int8_are_not_compared(table: str, tmp_path: Path) -> None:
    found = sample(table, tmp_path, with_int8=True)
    assert found.reserve is not None
    compared, reserve = set(captions(found.compared)), set(captions(found.reserve))
    assert not compared & reserve
    # Of a table that is too small for both, four tenths are compared.
    assert found.num_compared == len(compared) == 60
    assert len(compared | reserve) == 200


def test_what_cannot_be_read_is_counted_and_left_out(table: str, tmp_path: Path) -> None:
    found = sample(table, tmp_path, with_int8=True)  # which takes all rows
    assert found.failures == {"image_unsupported": 3, "image_not_found": 2}


def test_too_few_pairs_are_refused(tmp_path: Path) -> None:
    table = write_pairs(tmp_path / "few", 49, missing=3)
    with pytest.raises(UsageError, match="49 readable pairs are too few to compare models: 50"):
        sample(table, tmp_path / "files")


def test_pairs_are_read_as_a_table_that_holds_its_images(table: str, tmp_path: Path) -> None:
    found = sample(table, tmp_path)
    batches = list(read_pairs(found.compared))
    assert sum(batch.num_rows for batch in batches) == 60
    assert all(batch.schema == schema.PAIR_SCHEMA for batch in batches)
    first = batches[0]
    assert first.column(schema.REFERENCE).null_count == first.num_rows
    name = first.column(schema.CAPTION)[0].as_py().decode().rsplit(" ", 1)[1] + ".png"
    assert first.column(schema.CONTENT)[0].as_py() == Path(table).with_name(name).read_bytes()

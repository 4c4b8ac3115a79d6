"""The rows that every candidate sees: their bytes are read once, and stand in a file."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pairsift import schema
from pairsift.config import CompareConfig, ScoreConfig
from pairsift.errors import ImageError, UsageError
from pairsift.images import decode_image
from pairsift.quantizing.pairs import PairSample

MIN_PAIRS = 50
"""With fewer an interval says nothing."""

RESERVE = 600
"""Rows that are not compared but set the ranges of int8 and judge it: as ``models quantize``."""

LEAST_SHARE = 0.4
"""Of a small table so much is compared, and the rest is left for int8."""

_SCHEMA = pa.schema([("image", pa.binary()), ("caption", pa.string())])
_ROW_GROUP = 64
_TARGET = 256  # pixels; only whether a picture can be decoded is asked


@dataclass(frozen=True)
class SampleFiles:
    """A sample on disk.

    Args:
        compared: Parquet of the rows on which candidates are compared.
        reserve: Parquet of the rows for int8; None where it is not wanted.
        num_compared: Rows of the former.
        num_rows: Rows of the user's table.
        failures: Rows of the sample that could not be read, by status.
    """

    compared: Path
    reserve: Path | None
    num_compared: int
    num_rows: int
    failures: dict[str, int]


def write_sample(
    table: str, folder: Path, *, config: ScoreConfig, compare: CompareConfig, with_int8: bool
) -> SampleFiles:
    """Read a seeded sample and write the rows that every candidate will see.

    Args:
        table: A file, a folder, a glob or a range, as for scoring.
        folder: Where the files go.
        config: Columns, root, what may be fetched, limits of pictures.
        compare: Number of pairs, and the seed.
        with_int8: Keep rows apart for int8.

    Raises:
        UsageError: There are too few readable pairs.
    """
    wanted = compare.pairs + (RESERVE if with_int8 else 0)
    sample = PairSample(table, config, num=wanted + wanted // 10, seed=compare.seed)
    rows: list[tuple[bytes, str]] = []
    failures: dict[str, int] = {}
    for pair in sample:
        try:
            decode_image(pair.content, config.image, target=_TARGET)
        except ImageError as error:
            failures[str(error.status)] = failures.get(str(error.status), 0) + 1
        else:
            rows.append((pair.content, pair.caption))
    for status, count in sample.failures.items():
        failures[status] = failures.get(status, 0) + count
    share = max(compare.pairs / wanted, LEAST_SHARE)
    num = min(compare.pairs, int(share * len(rows)))
    if num < MIN_PAIRS:
        message = f"{len(rows)} readable pairs are too few to compare models: {MIN_PAIRS} at least"
        raise UsageError(message)
    order = np.random.default_rng(compare.seed).permutation(len(rows))
    compared, reserve = folder / "compared.parquet", folder / "reserve.parquet"
    _write(compared, [rows[place] for place in np.sort(order[:num])])
    if with_int8:
        _write(reserve, [rows[place] for place in np.sort(order[num : num + RESERVE])])
    return SampleFiles(compared, reserve if with_int8 else None, num, sample.num_rows, failures)


def read_pairs(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows as ``schema.PAIR_SCHEMA``, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            group = file.read_row_group(number).combine_chunks()
            num = group.num_rows
            yield pa.RecordBatch.from_arrays(
                [
                    pa.nulls(num, pa.binary()),
                    group.column("image").combine_chunks(),
                    group.column("caption").combine_chunks().cast(pa.binary()),
                    pa.nulls(num, pa.string()),
                ],
                schema=schema.PAIR_SCHEMA,
            )


def _write(path: Path, rows: list[tuple[bytes, str]]) -> None:
    columns = [
        pa.array(column, field.type)
        for column, field in zip(zip(*rows, strict=True), _SCHEMA, strict=True)
    ]
    pq.write_table(pa.Table.from_arrays(columns, schema=_SCHEMA), path, row_group_size=_ROW_GROUP)

"""Broken pictures through the scorer and through a whole job, beside whole ones."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from benchmarks.fuzz.mutations import mutate
from benchmarks.fuzz.pictures import PICTURES, picture
from benchmarks.fuzz.reports import Report
from pairsift import schema
from pairsift.api import score_file
from pairsift.build import build_scorer
from pairsift.config import ModelConfig, ScoreConfig
from pairsift.images import FORMATS
from pairsift.statuses import RowStatus

NUM_DRAWINGS = 6
BATCH_ROWS = 32
CONFIG = ScoreConfig(model=ModelConfig(runtime="fake"))


@dataclass(frozen=True)
class ImageCase:
    """One broken picture, and the whole one it was made from."""

    seed: int
    index: int
    kind: str
    flavour: str
    steps: tuple[str, ...]
    whole: bytes
    broken: bytes

    def __str__(self) -> str:
        return f"image {self.index} of seed {self.seed}: {self.kind} {self.flavour}, {self.steps}"


def image_case(seed: int, index: int) -> ImageCase:
    """Return case ``index`` of a seed; no other case has to be made before."""
    generator = np.random.default_rng([seed, 0, index])
    kind = list(PICTURES)[index % len(PICTURES)]
    flavour = str(generator.choice(list(PICTURES[kind])))
    whole = picture(kind, flavour, int(generator.integers(NUM_DRAWINGS)))
    other_kind = str(generator.choice(list(PICTURES)))
    other_flavour = str(generator.choice(list(PICTURES[other_kind])))
    other = picture(other_kind, other_flavour, int(generator.integers(NUM_DRAWINGS)))
    broken, steps = mutate(whole, kind, generator, other=other)
    return ImageCase(seed, index, kind, flavour, tuple(steps), whole, broken)


def check_images(cases: Sequence[ImageCase], report: Report, folder: Path) -> None:
    """Score broken pictures among whole ones, twice; write down what must not happen.

    Args:
        cases: What is scored.
        report: Filled in.
        folder: Empty, for files.
    """
    captions = [f"picture {index} and its neighbour" for index in range(len(cases))]
    wholes = [case.whole for case in cases]
    alone = _score(wholes, captions)
    # Every broken row has a whole one before it, so that a row that moved is noticed.
    images = [data for case in cases for data in (case.whole, case.broken)]
    doubled = [caption for caption in captions for _ in range(2)]
    mixed = _score(images, doubled)
    again = _score_parquet(images, doubled, folder, report)
    report.num_rows += len(images)
    if mixed.num_rows != len(images) or again.num_rows != len(images):
        report.find("chunk", f"{len(images)} rows in, {mixed.num_rows} and {again.num_rows} out")
        return
    rows, others, expected = mixed.to_pylist(), again.to_pylist(), alone.to_pylist()
    for number, case in enumerate(cases):
        report.num_kept += 1
        kept, broken = rows[2 * number], rows[2 * number + 1]
        if kept != expected[number] or others[2 * number] != expected[number]:
            report.find(case, f"a whole picture changed: {expected[number]} to {kept}")
        if broken != others[2 * number + 1]:
            report.find(case, f"twice is not the same: {broken}, {others[2 * number + 1]}")
        for problem in _problems(broken):
            report.find(case, problem)
        report.count(case.kind, str(broken[schema.STATUS]))
        report.sniffed[case.kind] += _is_sniffed(case.broken)


def _problems(row: dict[str, object]) -> list[str]:
    status, number, words = row[schema.STATUS], row[schema.SIMILARITY], row[schema.ERROR]
    problems = []
    if status not in list(RowStatus):
        problems.append(f"no such status: {status}")
    is_ok = status == RowStatus.OK
    if (number is not None) != is_ok or (words is None) != is_ok:
        problems.append(f"status, number and reason do not fit together: {row}")
    if isinstance(number, float) and not math.isfinite(number):
        problems.append(f"not a number: {number}")
    if isinstance(words, str) and (len(words) > 300 or not words.isprintable()):
        problems.append(f"more than a line: {words!r}")
    if isinstance(words, str) and status == RowStatus.IMAGE_UNREADABLE:
        # The last resort of the row boundary: a decoder raised what nobody foresaw.
        problems.append(f"not foreseen: {words}")
    return problems


def _is_sniffed(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            Image.open(BytesIO(data), formats=FORMATS)
        except Exception:  # noqa: BLE001 - whatever it raises, the header was not accepted
            return False
    return True


def _score(images: Sequence[bytes], captions: Sequence[str]) -> pa.Table:
    scorer = build_scorer(CONFIG, Path())
    nothing = pa.nulls(len(images), pa.binary())
    arrays = [
        nothing,
        pa.array(images, pa.binary()),
        pa.array([caption.encode() for caption in captions], pa.binary()),
        pa.nulls(len(images), pa.string()),
    ]
    batches = pa.Table.from_arrays(arrays, schema=schema.PAIR_SCHEMA).to_batches(BATCH_ROWS)
    try:
        return pa.Table.from_batches(list(scorer.stream(batches)), scorer.output_schema)
    finally:
        scorer.close()


def _score_parquet(
    images: Sequence[bytes], captions: Sequence[str], folder: Path, report: Report
) -> pa.Table:
    """Score the same rows as a job, and look whether the input is still in the output."""
    table = pa.table({"image": pa.array(images, pa.binary()), "caption": list(captions)})
    pq.write_table(table, folder / "pairs.parquet")
    score_file(folder / "pairs.parquet", folder / "scored.parquet", config=CONFIG)
    scored = pq.read_table(folder / "scored.parquet")
    # A column that holds the images themselves may be left out of the output.
    kept = [name for name in table.column_names if name in scored.column_names]
    if "caption" not in kept or not scored.select(kept).equals(table.select(kept)):
        report.find("chunk", "the columns of the input changed")
    return scored.drop_columns(kept)

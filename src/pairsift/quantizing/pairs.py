"""A seeded sample of the user's pairs: the bytes of the pictures and the captions."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pairsift import schema
from pairsift.config import ScoreConfig
from pairsift.engines.reading import split_rows
from pairsift.errors import ImageError, RowError, UsageError
from pairsift.images import decode_image
from pairsift.pairing import read_caption
from pairsift.protocols import Encoder, PixelArray, TableReader, TokenizedCaption
from pairsift.sources import Sources
from pairsift.statuses import RowStatus
from pairsift.tables.columns import find_columns
from pairsift.tables.formats import open_table
from pairsift.tables.inputs import find_inputs

BATCH_ROWS = 64
"""Rows read at once: their encoded pictures are in memory together."""


@dataclass(frozen=True)
class SampledPair:
    """One readable pair.

    Args:
        file: Ordinal of its input file.
        row: Ordinal of its row, from 0.
        content: The encoded picture.
        caption: The caption.
    """

    file: int
    row: int
    content: bytes
    caption: str


class PairSample:
    """Rows chosen at random, read in table order; those that cannot be read are counted.

    Args:
        table: A file, a folder, a glob or a range, as ``find_inputs`` takes it.
        config: Columns, root, what may be fetched, limits of pictures.
        num: Rows to choose; all where there are no more.
        seed: Of the choice.

    Raises:
        UsageError: There is no such table, no such column, or it has no row.
    """

    def __init__(self, table: str, config: ScoreConfig, *, num: int, seed: int) -> None:
        self._config = config
        self._readers = [open_table(p, config.table) for p in find_inputs(table, config.table)]
        self._columns = find_columns(self._readers[0].column_names, config.table)
        counts = [reader.count_rows() for reader in self._readers]
        self.num_rows = sum(counts)
        if self.num_rows == 0:
            message = f"{table} has no rows"
            raise UsageError(message)
        generator = np.random.default_rng(seed)
        num = min(num, self.num_rows)
        chosen = np.sort(generator.choice(self.num_rows, size=num, replace=False)).tolist()
        self._wanted = split_rows(chosen, counts)
        self.failures: Counter[str] = Counter()

    def __iter__(self) -> Iterator[SampledPair]:
        """Yield the readable pairs; ``failures`` counts the others by status."""
        self.failures.clear()
        config = self._config
        root = Path(config.table.image_root or self._readers[0].image_root)
        sources = Sources(root, config.image, config.source, offline=config.model.offline)
        with closing(sources), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for file, (reader, rows) in enumerate(zip(self._readers, self._wanted, strict=True)):
                own = root if config.table.image_root else reader.image_root
                read = partial(self._read, sources, own)
                places = iter(rows)
                for cells in self._batches(reader, rows):
                    for found in pool.map(read, *cells):
                        row = next(places)
                        if isinstance(found, RowStatus):
                            self.failures[str(found)] += 1
                        else:
                            yield SampledPair(file, int(row), *found)

    def _batches(self, reader: TableReader, rows: Sequence[int]) -> Iterator[list[list[Any]]]:
        """Yield the cells of the pairs, column by column."""
        image_column, caption_column = self._columns
        batches = reader.read_batches(
            image_column=image_column,
            caption_column=caption_column,
            batch_rows=BATCH_ROWS,
            rows=rows,
        )
        for batch in batches:
            yield [batch.pairs.column(name).to_pylist() for name in schema.PAIR_SCHEMA.names]

    def _read(
        self,
        sources: Sources,
        root: Path,
        reference: bytes | None,
        content: bytes | None,
        caption: bytes | None,
        problem: str | None,
    ) -> tuple[bytes, str] | RowStatus:
        if problem is not None:
            return RowStatus.ROW_MALFORMED
        try:
            text = read_caption(caption, self._config.caption)
            if content is not None:
                return content, text
            if reference is None:
                return RowStatus.IMAGE_NULL
            return sources.read(reference, root), text
        except RowError as error:
            return error.status


@dataclass(frozen=True, eq=False)
class PreparedPairs:
    """Pairs as a model takes them.

    Args:
        pixels: N pictures, each (S, S, 3), uint8.
        captions: N captions as token ids.
        num_rows: Rows of the table.
        failures: Rows of the sample that could not be prepared, by status.
    """

    pixels: list[PixelArray]
    captions: list[TokenizedCaption]
    num_rows: int
    failures: dict[str, int]

    def __len__(self) -> int:
        return len(self.pixels)


def prepare_pairs(sample: PairSample, encoder: Encoder, config: ScoreConfig) -> PreparedPairs:
    """Decode, resize and tokenize a sample as scoring does.

    Args:
        sample: The rows.
        encoder: Whose recipes are followed.
        config: Limits and policy of decoding.

    Returns:
        What could be prepared.
    """
    pixels: list[PixelArray] = []
    texts: list[str] = []
    failures: Counter[str] = Counter()
    for pair in sample:
        try:
            decoded = decode_image(pair.content, config.image, target=encoder.image_size)
            pixels.append(encoder.prepare_image(decoded.rgb))
        except ImageError as error:
            failures[str(error.status)] += 1
        else:
            texts.append(pair.caption)
    captions = encoder.prepare_captions(texts)
    return PreparedPairs(pixels, captions, sample.num_rows, dict(failures + sample.failures))

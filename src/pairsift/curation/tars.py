"""Kept pairs as WebDataset tars, with pictures read again from where the table says they are."""

import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.added import added_columns, added_schema
from pairsift.curation.curating import Curation
from pairsift.curation.rows import FILE, ROW
from pairsift.errors import ImageError
from pairsift.protocols import TableBatch, TableReader
from pairsift.sources import Sources
from pairsift.statuses import RowStatus
from pairsift.tables.cells import json_value
from pairsift.tables.columns import added_names
from pairsift.tables.outputs import open_output

IntArray = NDArray[np.int64]

ROWS_AT_ONCE = 256
MOST_NAMED = 20
"""Pairs that could not be written and are named in curation.json."""

_EXTENSIONS = {"JPEG": "jpg", "TIFF": "tif"}


@dataclass(frozen=True)
class _Pair:
    """One sample of a tar; its key is the row's identity."""

    file: int
    row: int
    image: bytes
    extension: str
    caption: str
    facts: Mapping[str, Any]

    @property
    def key(self) -> str:
        return f"{self.file:05}-{self.row:012}"

    def members(self) -> Iterator[tuple[str, bytes]]:
        yield f"{self.key}.{self.extension}", self.image
        yield f"{self.key}.txt", self.caption.encode("utf-8", "surrogatepass")
        yield f"{self.key}.json", json_value(dict(self.facts)).encode() + b"\n"


def write_tars(
    curation: Curation, folder: Path, *, shard_pairs: int, prefix: str
) -> dict[str, Any]:
    """Write the kept pairs as ``00000.tar``, ``00001.tar`` and so on.

    A sample's key is its row's identity, ``FFFFF-RRRRRRRRRRRR``; its members are the picture's
    bytes as they are, the caption as ``.txt``, and the user's columns with the scores as
    ``.json``. A picture that cannot be read any more, or is another one than was scored, is left
    out and counted.

    Args:
        curation: What was decided.
        folder: Made here.
        shard_pairs: Pairs of a tar.
        prefix: Put before the names of added columns.

    Returns:
        What was written, and which rows were not.

    Raises:
        ColumnError: The table has a column that is to be added.
    """
    folder.mkdir()
    missed: list[dict[str, Any]] = []
    num_pairs = num_shards = 0
    pairs = _read_pairs(curation, prefix, missed)
    # One pair is held at a time: a shard of pictures may be larger than memory.
    while (first := next(pairs, None)) is not None:
        shard = chain([first], islice(pairs, shard_pairs - 1))
        num_pairs += _write_shard(folder / f"{num_shards:05}.tar", shard)
        num_shards += 1
    return {
        "path": folder.name,
        "shards": num_shards,
        "pairs": num_pairs,
        "left_out": len(missed),
        "left_out_rows": missed[:MOST_NAMED],
    }


def _write_shard(path: Path, pairs: Iterable[_Pair]) -> int:
    num_pairs = 0
    # No time and no owner: the same pairs are the same file.
    with (
        open_output(path) as stream,
        tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for pair in pairs:
            num_pairs += 1
            for name, data in pair.members():
                info = tarfile.TarInfo(name)
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    return num_pairs


def _read_pairs(curation: Curation, prefix: str, missed: list[dict[str, Any]]) -> Iterator[_Pair]:
    run, rows = curation.run, curation.material.rows
    for item in run.info["inputs"]:
        places = np.flatnonzero((rows.files == item["ordinal"]) & curation.verdict.keep)
        if len(places) == 0:
            continue
        reader = run.open_input(item["ordinal"])
        batches = reader.read_batches(
            image_column=run.info["image_column"],
            caption_column=run.info["caption_column"],
            batch_rows=ROWS_AT_ONCE,
            rows=rows.rows[places].tolist(),
        )
        with closing(run.open_sources(item["ordinal"])) as sources:
            done = 0
            for batch in sources.look_ahead(batches, _references):
                part = places[done : done + len(batch.pairs)]
                done += len(part)
                yield from _pairs_of(curation, (reader, sources), batch, part, prefix, missed)


def _pairs_of(
    curation: Curation,
    origin: tuple[TableReader, Sources],
    batch: TableBatch,
    places: IntArray,
    prefix: str,
    missed: list[dict[str, Any]],
) -> Iterator[_Pair]:
    reader, sources = origin
    material = curation.material
    wanted = added_schema(curation, has_lists=True, has_verdict=False)
    names = added_names(reader.column_names, wanted.names, prefix)
    added = added_columns(curation, places, wanted, names).to_pylist()
    own = _light(reader.to_arrow(batch), curation.run.info["image_column"]).to_pylist()
    digests = material.image_sha256.take(pa.array(places)).to_pylist()
    formats = material.image_formats.take(pa.array(places)).to_pylist()
    for index, pair in enumerate(batch.pairs.to_pylist()):
        file, row = int(material.rows.files[places[index]]), int(material.rows.rows[places[index]])
        try:
            image = _read_image(sources, pair, digests[index])
        except ImageError as error:
            missed.append({FILE: file, ROW: row, "reason": error.reason})
            continue
        facts = own[index] | {schema.IMAGE_SHA256: digests[index]} | added[index]
        extension = _EXTENSIONS.get(formats[index], str(formats[index]).lower())
        caption = (pair[schema.CAPTION] or b"").decode("utf-8", "replace")
        yield _Pair(file, row, image, extension, caption, facts)


def _read_image(sources: Sources, pair: Mapping[str, Any], digest: str | None) -> bytes:
    content = pair[schema.CONTENT]
    if content is None:
        content = sources.read(pair[schema.REFERENCE] or b"")
    if hashlib.sha256(content).hexdigest() != digest:
        raise ImageError(RowStatus.IMAGE_CORRUPT, "another picture than the one that was scored")
    return bytes(content)


def _references(batch: TableBatch) -> list[bytes]:
    return [cell for cell in batch.pairs.column(schema.REFERENCE).to_pylist() if cell]


def _light(rows: pa.RecordBatch, image_column: str) -> pa.RecordBatch:
    """Return the user's columns without the pictures themselves."""
    place = rows.schema.get_field_index(image_column)
    if place < 0 or pa.types.is_string(rows.schema.field(place).type):
        return rows
    return rows.select([name for name in rows.schema.names if name != image_column])

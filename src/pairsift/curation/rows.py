"""A run's score columns as arrays: one entry a row, some 30 bytes each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift import schema
from pairsift.config import ModelConfig
from pairsift.curation.audit import Dimension
from pairsift.errors import ColumnError, UsageError
from pairsift.given import UNKNOWN_MODEL
from pairsift.protocols import FloatArray
from pairsift.runs import Run
from pairsift.runs.inputs import configured
from pairsift.tables.formats import batch_to_arrow

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FILE, ROW = "file", "row"

_ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class ScoredRows:
    """The score columns of every row of a run, in order of file and row.

    Args:
        files: Ordinal of the input file, shape (N,), int32.
        rows: Ordinal of the row in its file, shape (N,), int64.
        similarities: The column ``similarity``, NaN where a row was not scored.
        cosines: The cosine, whatever the measure.
        truncated: The caption was cut.
        widths: Of the picture in pixels, 0 where unknown.
        heights: Likewise.
    """

    files: NDArray[np.int32]
    rows: IntArray
    similarities: FloatArray
    cosines: FloatArray
    truncated: BoolArray
    widths: NDArray[np.int32]
    heights: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def scored(self) -> BoolArray:
        """Which rows have a similarity, shape (N,)."""
        return np.isfinite(self.similarities)

    def places(self, files: NDArray[np.int32] | int, rows: IntArray) -> IntArray:
        """Return where rows given by file and ordinal stand in these arrays.

        Args:
            files: Ordinals of the files, shape (M,), or one for all.
            rows: Ordinals in their files, shape (M,); every one of them is a row of the run.
        """
        found: IntArray = np.searchsorted(self._keys, _keys(files, rows))
        return found

    @cached_property
    def _keys(self) -> IntArray:
        # Asked for shard by shard, so made once: 8 bytes a row.
        return _keys(self.files, self.rows)


def read_rows(run: Run) -> ScoredRows:
    """Read the score columns of a run.

    Args:
        run: Finished, or opened as partial: then its finished rows.

    Returns:
        The rows; none where no shard is finished.
    """
    wanted = {
        FILE: np.int32,
        ROW: np.int64,
        schema.SIMILARITY: np.float32,
        schema.COSINE: np.float32,
        schema.CAPTION_TRUNCATED: np.bool_,
        schema.IMAGE_WIDTH: np.int32,
        schema.IMAGE_HEIGHT: np.int32,
    }
    if run.info["is_distance"] or run.info["measure"] == "cosine":  # it is the similarity
        del wanted[schema.COSINE]
    parts: dict[str, list[NDArray[np.generic]]] = {name: [] for name in wanted}
    for batch in run.iter_scores(list(wanted)):
        for name, kind in wanted.items():
            parts[name].append(_to_numpy(batch.column(name), kind))
    columns = {
        name: np.concatenate(found) if found else np.zeros(0, dtype=wanted[name])
        for name, found in parts.items()
    }
    similarities = columns[schema.SIMILARITY]
    return ScoredRows(
        files=columns[FILE],
        rows=columns[ROW],
        similarities=similarities,
        cosines=columns.get(schema.COSINE, similarities),
        truncated=columns[schema.CAPTION_TRUNCATED],
        widths=columns[schema.IMAGE_WIDTH],
        heights=columns[schema.IMAGE_HEIGHT],
    )


def read_labels(run: Run, rows: ScoredRows, column: str) -> Dimension:
    """Read a column of the user's own as groups of rows.

    Args:
        run: The run.
        rows: Its rows.
        column: Name of the column; nulls and empty cells belong to no group.

    Returns:
        One label a row; names in order of first appearance.

    Raises:
        ColumnError: There is no such column, and the message lists those that there are; or its
            cells are no text.
    """
    require_columns(run, [column])
    codes: dict[str, int] = {}
    labels = np.full(len(rows), -1, dtype=np.int64)
    for places, batch in own_columns(run, rows, [column]):
        encoded = as_text(batch.column(column), column).dictionary_encode()
        names = [name or None for name in encoded.dictionary.to_pylist()]
        mapped = [-1 if name is None else codes.setdefault(name, len(codes)) for name in names]
        indices = pc.fill_null(encoded.indices, len(mapped)).to_numpy(zero_copy_only=False)
        labels[places] = np.array([*mapped, -1], dtype=np.int64)[indices]
    return Dimension(column, labels, list(codes))


def own_columns(
    run: Run, rows: ScoredRows, columns: Sequence[str]
) -> Iterator[tuple[IntArray, pa.RecordBatch]]:
    """Yield the user's own columns with the places of their rows."""
    for batch in run.table(list(columns)):
        files, ordinals = batch.column(FILE).to_numpy(), batch.column(ROW).to_numpy()
        yield rows.places(files, ordinals), batch


def as_text(column: pa.Array, name: str) -> pa.Array:
    """Return the cells of a column as text; bytes that are not UTF-8 become �.

    Args:
        column: Text, bytes, or what can be written as text.
        name: Of the column, for messages.

    Raises:
        ColumnError: Such cells are no text, as lists are.
    """
    try:
        # Through bytes, since text out of a file need not be valid.
        return column.cast(pa.large_binary()).cast(pa.large_string())
    except pa.ArrowNotImplementedError:
        pass  # numbers and the like
    except pa.ArrowInvalid:
        cells = column.cast(pa.large_binary()).to_pylist()
        texts = [None if cell is None else cell.decode("utf-8", "replace") for cell in cells]
        return pa.array(texts, pa.large_string())
    try:
        return column.cast(pa.large_string())
    except pa.ArrowNotImplementedError as error:
        message = f"column `{name}` has type {column.type}; accepted: text, numbers, dates"
        raise ColumnError(message) from error


def model_config(run: Run) -> ModelConfig:
    """Return how the model that made a run was chosen, to load it again.

    Raises:
        UsageError: The run is of embeddings, and nobody said which model made them.
    """
    if run.provenance.model == UNKNOWN_MODEL:
        message = (
            f"{run.location}: nobody said which model made these embeddings "
            "(score with --model NAME)"
        )
        raise UsageError(message)
    return configured(ModelConfig, run.info["config"]["model"])


def require_columns(run: Run, columns: Sequence[str]) -> None:
    """Refuse names that are no columns of the run's first input.

    Raises:
        ColumnError: The message lists the columns that there are.
    """
    available = run.open_input(0).column_names
    for column in columns:
        if column not in available:
            message = f"column `{column}` not found; available: {', '.join(available)}"
            raise ColumnError(message)


def read_cells(run: Run, rows: ScoredRows, places: IntArray, column: str) -> list[str]:
    """Read a few cells of a column, without reading the others again.

    Args:
        run: The run.
        rows: Its rows.
        places: Which rows, as indices into ``rows``, shape (M,).
        column: Name of the column.

    Returns:
        The cells as text, in the order of ``places``; a null is empty.
    """
    found: dict[int, str] = {}
    for item in run.info["inputs"]:
        here = np.unique(places[rows.files[places] == item["ordinal"]])
        if len(here) == 0:
            continue
        reader = run.open_input(item["ordinal"])
        cells: list[object] = []
        for batch in reader.read_batches(
            image_column=run.info["image_column"],
            caption_column=run.info["caption_column"],
            batch_rows=_ROWS_AT_ONCE,
            rows=rows.rows[here].tolist(),
        ):
            own = batch_to_arrow(reader, batch).column(column)
            cells += pc.fill_null(as_text(own, column), "").to_pylist()
        found |= {int(place): str(cell) for place, cell in zip(here, cells, strict=True)}
    return [found[int(place)] for place in places]


def _keys(files: NDArray[np.int32] | int, rows: IntArray) -> IntArray:
    # Files and rows in one number: 2^40 rows a file, 2^23 files.
    keys: IntArray = (np.asarray(files, dtype=np.int64) << 40) + rows
    return keys


def _to_numpy(column: pa.Array, kind: type) -> NDArray[np.generic]:
    if column.null_count and kind is not np.float32:
        column = pc.fill_null(column, False if kind is np.bool_ else 0)
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=kind)

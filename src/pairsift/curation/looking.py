"""What is worth a look in a run: its score columns, and its pictures as far as they were read."""

import numpy as np
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.hash_file import HASHES, read_pixels
from pairsift.curation.pixels import pixel_masks
from pairsift.curation.rows import ScoredRows
from pairsift.curation.run_pairs import read_pictures
from pairsift.curation.scored_tables import lacks, why_unknown
from pairsift.curation.thumbnails import Report, hash_pictures
from pairsift.curation.worth import PIXEL_SIGNS, Sign, find_signs
from pairsift.errors import UsageError
from pairsift.protocols import FloatArray
from pairsift.runs import Run

PIXELS_HINT = (
    "blank, dark and blurred pictures are counted once the pixels were read: pairsift audit "
    "--pixels, or pairsift duplicates"
)

COLUMN_OF: dict[str, str] = {
    "caption_truncated": schema.CAPTION_TRUNCATED,
    "image_small": schema.IMAGE_WIDTH,
    "image_extreme_aspect": schema.IMAGE_WIDTH,
    **dict.fromkeys(PIXEL_SIGNS, schema.IMAGE_SHA256),
}
"""The score column without which a sign is not known."""


def find_run_signs(
    run: Run,
    rows: ScoredRows,
    *,
    read: bool = False,
    num_examples: int = 5,
    report: Report = lambda _done, _total: None,
) -> list[Sign]:
    """Count what is worth a look in a run.

    Args:
        run: Opened.
        rows: Its rows.
        read: Read the pictures that were not read yet; else what is kept of them counts.
        num_examples: Rows a sign at most.
        report: Told how many pictures were read, and of how many.

    Raises:
        UsageError: Pictures are to be read, and it is not known which they were.
    """
    has_sizes = not lacks(run, schema.IMAGE_WIDTH)
    return find_signs(
        rows.cosines,
        truncated=None if lacks(run, schema.CAPTION_TRUNCATED) else rows.truncated,
        widths=rows.widths if has_sizes else None,
        heights=rows.heights if has_sizes else None,
        pixels=_pixels(run, read=read, report=report),
        num_examples=num_examples,
    )


def unknown_signs(run: Run) -> tuple[str, ...]:
    """Return the signs that cannot be told of a run, since it lacks what they are told by."""
    return tuple(sign for sign, column in COLUMN_OF.items() if lacks(run, column))


def read_pixel_masks(run: Run, num_rows: int) -> dict[str, NDArray[np.bool_]]:
    """Return which rows show which sign of ``PIXEL_SIGNS``; pictures are read where needed.

    Args:
        run: Opened.
        num_rows: Of it.

    Raises:
        UsageError: It is not known which pictures were scored.
    """
    pixels = _pixels(run, read=True, report=lambda _done, _total: None)
    if pixels is None:
        return {name: np.zeros(num_rows, dtype=bool) for name in PIXEL_SIGNS}
    return pixel_masks(pixels)


def lacks_pixels(signs: list[Sign]) -> bool:
    """Say whether no picture was looked at for the signs that need pixels."""
    return not any(sign.name in PIXEL_SIGNS and sign.looked_at for sign in signs)


def _pixels(run: Run, *, read: bool, report: Report) -> FloatArray | None:
    if not read and not run.store.exists(HASHES):
        return None
    if read and lacks(run, schema.IMAGE_SHA256):
        why = why_unknown(run, schema.IMAGE_SHA256)
        message = f"which pictures were scored is told by image_sha256, which is not known: {why}"
        raise UsageError(message)
    pictures = read_pictures(run)
    if read:
        hash_pictures(run, pictures, report=report)
    return read_pixels(run, pictures.sha256)

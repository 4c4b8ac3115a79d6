"""Embeddings are numbers, or it is said of which rows they are not."""

import numpy as np

from pairsift.errors import NotFiniteError
from pairsift.protocols import FloatArray


def check_finite(rows: FloatArray, what: str) -> FloatArray:
    """Return embeddings, shape (N, D), of which every number is finite.

    Args:
        rows: As a tower gave them.
        what: Gave them, for the message.

    Raises:
        NotFiniteError: Some rows are not; it says which.
    """
    bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
    if bad.size:
        message = f"{what} gave {bad.size} of {len(rows)} rows that are not finite"
        if bad.size == len(rows):
            message += "; are weights damaged?"
        raise NotFiniteError(message, tuple(bad.tolist()))
    return rows

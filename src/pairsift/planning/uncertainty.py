"""How far off a prediction may be, from how much the parts of the sample differ."""

import math

from pairsift.planning.estimating import FETCH, RowSeconds
from pairsift.planning.figures import Chunk, FetchFacts, Measurement

LEAST_RELATIVE_ERROR = 0.05
"""Equal runs on one machine differ by this much (benchmarks/results/compare_transformers.json)."""

# Two-sided 95 % points of Student's t for 1 to 10 degrees of freedom, then for 15, 20, 30.
_STUDENT = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_STUDENT_LATER = ((15, 2.131), (20, 2.086), (30, 2.042))
_NORMAL = 1.960


def relative_error(measurement: Measurement, seconds: RowSeconds) -> float:
    """Return half the width of the 95 % interval of the pace, as a share of it."""
    if seconds.limiting == FETCH and measurement.fetching is not None:
        spread = _turn_error(measurement.fetching)
    else:
        spread = chunk_error(measurement.chunks)
    return max(LEAST_RELATIVE_ERROR, spread)


def chunk_error(chunks: tuple[Chunk, ...]) -> float:
    """Return half the width of the 95 % interval of the mean, relative, from equal stretches.

    Returns:
        At most 1, which is also what fewer than two stretches say.

    Example:
        >>> round(chunk_error((Chunk(10, 1.0), Chunk(10, 1.1), Chunk(10, 0.9))), 3)
        0.248
    """
    values = [chunk.seconds / chunk.num_rows for chunk in chunks if chunk.num_rows]
    if len(values) < 2 or sum(values) <= 0:
        return 1.0
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    half = student(len(values) - 1) * math.sqrt(variance / len(values))
    return min(1.0, half / mean)


def student(degrees: int) -> float:
    """Return the two-sided 95 % point of Student's t, or a little more between its entries."""
    if degrees <= len(_STUDENT):
        return _STUDENT[max(degrees, 1) - 1]
    return next((t for most, t in reversed(_STUDENT_LATER) if degrees >= most), _STUDENT[-1])


def _turn_error(fetching: FetchFacts) -> float:
    # The attempts of one image are alike, so there are as many chances as images.
    num = fetching.num_turns
    if num < 2 or fetching.turn_seconds <= 0:
        return 1.0
    images = max(1, min(num, fetching.num_references))
    mean = fetching.turn_seconds / num
    variance = max(0.0, fetching.turn_squares / num - mean * mean)
    return min(1.0, _NORMAL * math.sqrt(variance / images) / mean)

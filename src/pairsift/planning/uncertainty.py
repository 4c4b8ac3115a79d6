"""How far off a prediction may be: the sample is a part of the set, and a run is another process.

Two errors that have nothing to do with each other, so their squares add up: by how much a mean over
the sample misses that over the whole set, and by how much the pace of a run differs from that of a
sample that was scored before it, on the same machine or from the same server.
"""

import math

from pairsift.planning.estimating import FETCH, RowSeconds
from pairsift.planning.figures import Chunk, FetchFacts, Measurement

RUN_DEVIATION = 0.04
"""Standard deviation of the pace of equal work from process to process, as a share of it.

On one machine of two processors: 0.029 over three turns of six candidates
(benchmarks/results/compare_models.json, ``rates``), and 0.054 and 0.088 over five passes of a
full-size model (benchmarks/results/compare_transformers.json).
"""

# Two-sided 95 % points of Student's t for 1 to 10 degrees of freedom, then for 15, 20, 30.
_STUDENT = (12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
_STUDENT_LATER = ((15, 2.131), (20, 2.086), (30, 2.042))
_NORMAL = 1.960


def relative_error(measurement: Measurement, seconds: RowSeconds) -> float:
    """Return half the width of the 95 % interval of the pace, as a share of it, at most 1."""
    if seconds.limiting == FETCH and measurement.fetching is not None:
        spread = fetch_error(measurement.fetching)
    else:
        spread = chunk_error(measurement.chunks)
    return min(1.0, math.hypot(spread, pace_error()))


def pace_error() -> float:
    """Return half the width of the 95 % interval of how two runs of equal work differ, relative.

    The sample has its own deviation from the usual pace, and the run to come another.

    Example:
        >>> round(pace_error(), 3)
        0.111
    """
    return _NORMAL * math.sqrt(2.0) * RUN_DEVIATION


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


def fetch_error(fetching: FetchFacts) -> float:
    """Return half the width of the 95 % interval of the mean seconds of an image, relative.

    Images are the chances, not turns: the attempts of one are as slow as each other.

    Returns:
        At most 1, which is also what a single image says.
    """
    num = fetching.num_references
    if num < 2 or fetching.turn_seconds <= 0:
        return 1.0
    mean = fetching.turn_seconds / num
    variance = max(0.0, fetching.image_squares / num - mean * mean)
    return min(1.0, _NORMAL * math.sqrt(variance / num) / mean)

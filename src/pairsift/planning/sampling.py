"""Which rows are measured: contiguous pieces at random places all over the table."""

from collections.abc import Sequence

import numpy as np

from pairsift.planning.columns import PlannedFile
from pairsift.runs.layout import ShardKey
from pairsift.runs.plan import Piece

MIN_PIECE_ROWS = 64
"""Less would measure half-empty batches of the towers."""

NUM_PIECES = 8
NUM_WHOLE_BATCHES = 6
MAX_PIECES = 64


def piece_sizes(num_rows: int, *, wanted_rows: int, batch_rows: int) -> tuple[int, int]:
    """Return the rows of a piece and how many pieces there should be.

    A piece is one batch of the real run if half the time that six of them take is given: captions
    are put together by their length, which goes the better the more there are. Measured: CLIP
    ViT-B/32 takes 5.2 ms a caption in pieces of 121 rows, and 3.5 ms in batches of 316.

    Args:
        num_rows: Of the table.
        wanted_rows: That can be measured in the time given.
        batch_rows: Of a batch in the real run.

    Example:
        >>> piece_sizes(10**8, wanted_rows=1000, batch_rows=316)
        (316, 6)
        >>> piece_sizes(10**8, wanted_rows=40_000, batch_rows=1024)
        (1024, 40)
        >>> piece_sizes(51, wanted_rows=1800, batch_rows=316)
        (6, 9)
    """
    wanted = min(num_rows, max(wanted_rows, NUM_PIECES * MIN_PIECE_ROWS))
    if 2 * wanted >= NUM_WHOLE_BATCHES * batch_rows and num_rows >= NUM_WHOLE_BATCHES * batch_rows:
        return batch_rows, min(MAX_PIECES, max(NUM_WHOLE_BATCHES, -(-wanted // batch_rows)))
    rows = max(1, min(batch_rows, wanted // NUM_PIECES))
    return rows, min(MAX_PIECES, -(-wanted // rows))


def choose_pieces(
    files: Sequence[PlannedFile],
    *,
    piece_rows: int,
    num_pieces: int,
    generator: np.random.Generator,
) -> list[Piece]:
    """Return pieces of about equal size, in the order of the table, none over another.

    The table is cut into as many strata as there are pieces, and each has its piece at a random
    place; where the table is too small for that, the pieces cover all of it.

    Args:
        files: The table.
        piece_rows: Rows of a piece; one at the end of a shard may have fewer.
        num_pieces: How many.
        generator: Draws the places.
    """
    shards = [(file, span) for file in files for span in file.spans]
    parts = [-(-span.num_rows // piece_rows) for _, span in shards]
    ends = np.cumsum(parts)
    total = int(ends[-1]) if shards else 0
    places = np.arange(total)
    if total > num_pieces:
        edges = np.linspace(0, total, num_pieces + 1).astype(np.int64)
        places = generator.integers(edges[:-1], edges[1:])
    pieces = []
    for place in places.tolist():
        index = int(np.searchsorted(ends, place, side="right"))
        file, span = shards[index]
        part = place - int(ends[index]) + parts[index]
        begin, end = (span.num_rows * each // parts[index] for each in (part, part + 1))
        rows = range(span.first_row + begin, span.first_row + end)
        pieces.append(Piece(ShardKey(file.ordinal, rows[0]), span, rows, len(rows)))
    return pieces

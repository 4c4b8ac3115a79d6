"""The words of the output: column names and Arrow fields.

Column names are a promise: they are added to, never renamed.
"""

import pyarrow as pa

REFERENCE = "reference"
CONTENT = "content"
CAPTION = "caption"
PROBLEM = "problem"
VECTORS = "vectors"

SIMILARITY = "similarity"
DISTANCE = "distance"
COSINE = "cosine"
STATUS = "similarity_status"
ERROR = "similarity_error"

CAPTION_TOKENS = "caption_tokens"
CAPTION_TRUNCATED = "caption_truncated"
IMAGE_WIDTH = "image_width"
IMAGE_HEIGHT = "image_height"
IMAGE_FORMAT = "image_format"
IMAGE_SHA256 = "image_sha256"

PERCENTILE = "similarity_percentile"
P_VALUE = "match_p_value"
PROBABILITY = "match_probability"
NEGATIVE_CLIP_LOSS = "negative_clip_loss"
KEEP = "keep"
DROP_REASONS = "drop_reasons"

PAIR_SCHEMA = pa.schema(
    [
        pa.field(REFERENCE, pa.binary()),  # a path or another reference, UTF-8 not yet validated
        pa.field(CONTENT, pa.binary()),  # the encoded image itself, where the table holds it
        pa.field(CAPTION, pa.binary()),  # UTF-8, not yet validated
        pa.field(PROBLEM, pa.string()),  # why the row is no pair, or null: ``problem_error``
    ]
)
"""What a table reader gives to the scorer: a row is a pair; content wins over reference."""

VECTOR_PAIR_SCHEMA = pa.schema([*PAIR_SCHEMA, pa.field(VECTORS, pa.binary())])
"""The same of pairs that are embedded already: the image's numbers, then the caption's."""

DETAIL_FIELDS: tuple[pa.Field, ...] = (
    pa.field(CAPTION_TOKENS, pa.int32()),
    pa.field(CAPTION_TRUNCATED, pa.bool_()),
    pa.field(IMAGE_WIDTH, pa.int32()),
    pa.field(IMAGE_HEIGHT, pa.int32()),
    pa.field(IMAGE_FORMAT, pa.string()),
    pa.field(IMAGE_SHA256, pa.string()),
)


def output_schema(*, is_distance: bool, is_cosine: bool, details: bool) -> pa.Schema:
    """Return the Arrow schema of the added columns, without any prefix.

    Args:
        is_distance: The measure is a distance: ``distance`` is added and ``similarity`` holds
            the cosine.
        is_cosine: The measure is the cosine itself, so that no ``cosine`` column is needed.
        details: Add the detail columns.

    Returns:
        Fields in output order.
    """
    fields = [pa.field(SIMILARITY, pa.float32())]
    if is_distance:
        fields.append(pa.field(DISTANCE, pa.float32()))
    elif not is_cosine:
        fields.append(pa.field(COSINE, pa.float32()))
    fields += [pa.field(STATUS, pa.string()), pa.field(ERROR, pa.string())]
    if details:
        fields += DETAIL_FIELDS
    return pa.schema(fields)

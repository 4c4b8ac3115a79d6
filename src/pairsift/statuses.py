"""What can become of a row.

Statuses are a promise: they are added to, never renamed.
"""

from enum import StrEnum


class RowStatus(StrEnum):
    """What became of a row; the value stands in ``similarity_status``."""

    OK = "ok"
    ROW_MALFORMED = "row_malformed"
    IMAGE_NULL = "image_null"
    IMAGE_NOT_ALLOWED = "image_not_allowed"
    IMAGE_OUTSIDE_ROOT = "image_outside_root"
    IMAGE_NOT_FOUND = "image_not_found"
    IMAGE_NOT_A_FILE = "image_not_a_file"
    IMAGE_UNREADABLE = "image_unreadable"
    IMAGE_BLOCKED = "image_blocked"
    IMAGE_OPTED_OUT = "image_opted_out"
    IMAGE_DENIED = "image_denied"
    IMAGE_HTTP_ERROR = "image_http_error"
    IMAGE_FETCH_FAILED = "image_fetch_failed"
    IMAGE_FETCH_TIMEOUT = "image_fetch_timeout"
    IMAGE_EMPTY = "image_empty"
    IMAGE_UNSUPPORTED = "image_unsupported"
    IMAGE_CORRUPT = "image_corrupt"
    IMAGE_TOO_LARGE = "image_too_large"
    IMAGE_CRASHED = "image_crashed"
    IMAGE_TIMEOUT = "image_timeout"
    CAPTION_NULL = "caption_null"
    CAPTION_EMPTY = "caption_empty"
    CAPTION_INVALID = "caption_invalid"
    EMBEDDING_INVALID = "embedding_invalid"


STATUS_MEANINGS: dict[RowStatus, str] = {
    RowStatus.OK: "scored",
    RowStatus.ROW_MALFORMED: "the row has too many or too few cells, or cannot be parsed",
    RowStatus.IMAGE_NULL: "the image cell is null or empty",
    RowStatus.IMAGE_NOT_ALLOWED: "a kind of reference that is switched off, such as a URL",
    RowStatus.IMAGE_OUTSIDE_ROOT: "the path leaves the image root",
    RowStatus.IMAGE_NOT_FOUND: "there is no such file, page or object",
    RowStatus.IMAGE_NOT_A_FILE: "the path is a directory or another thing that is not a file",
    RowStatus.IMAGE_UNREADABLE: "the file is there but cannot be opened or read",
    RowStatus.IMAGE_BLOCKED: "the URL, or a redirect of it, leads to an address that is not public",
    RowStatus.IMAGE_OPTED_OUT: "the site forbids such use in its X-Robots-Tag header",
    RowStatus.IMAGE_DENIED: "the server or the bucket denies access",
    RowStatus.IMAGE_HTTP_ERROR: "the server answers with an error, or with what cannot be used",
    RowStatus.IMAGE_FETCH_FAILED: "no such host, no connection, no trusted TLS, or a broken line",
    RowStatus.IMAGE_FETCH_TIMEOUT: "the image did not arrive within --fetch-timeout-seconds",
    RowStatus.IMAGE_EMPTY: "the file has zero bytes",
    RowStatus.IMAGE_UNSUPPORTED: "not an image, or a format that is not on the allow-list",
    RowStatus.IMAGE_CORRUPT: "the image is truncated or damaged",
    RowStatus.IMAGE_TOO_LARGE: "more pixels or bytes than the limits allow",
    RowStatus.IMAGE_CRASHED: "decoding the image ended the decoder's process",
    RowStatus.IMAGE_TIMEOUT: "decoding the image took longer than a row may take",
    RowStatus.CAPTION_NULL: "the caption cell is null",
    RowStatus.CAPTION_EMPTY: "the caption is empty or only white space",
    RowStatus.CAPTION_INVALID: "the caption is not valid UTF-8, or holds a NUL",
    RowStatus.EMBEDDING_INVALID: "an embedding is not finite, or one that was handed in is zero",
}

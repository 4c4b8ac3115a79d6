"""Images that stand in the cell itself: base64 and data URIs.

A bare base64 cell looks much like a path. It is taken for an image only if it has at least
``MIN_BASE64`` characters, is strict base64 (RFC 4648, section 4: padded, no white space), and
decodes to what begins like JPEG, PNG, WebP, GIF or TIFF; everything else is a path. BMP begins with
two letters only, which is too little to go by: it needs a data URI.
"""

import binascii
import re
from urllib.parse import unquote_to_bytes

from pairsift.errors import ImageError
from pairsift.images import SIGNATURES
from pairsift.sources.paths import MAX_PATH_BYTES
from pairsift.statuses import RowStatus

MIN_BASE64 = 32
"""Characters: 24 bytes, less than any image can have, and more than a lucky file name."""

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_HEAD = 24  # characters that decode to what a signature needs, and a multiple of four


def read_data_uri(text: str, max_bytes: int) -> bytes:
    """Return the bytes of a ``data:`` URI, base64 or percent-encoded (RFC 2397).

    Args:
        text: The whole URI; its media type is not believed.
        max_bytes: Limit, applied before anything is decoded.

    Raises:
        ImageError: It is malformed, empty or too large.

    Example:
        >>> read_data_uri("data:image/gif;base64,R0lGODlh", 100)
        b'GIF89a'
        >>> read_data_uri("data:,%47IF89a", 100)
        b'GIF89a'
    """
    head, comma, body = text[len("data:") :].partition(",")
    if not comma:
        raise ImageError(RowStatus.IMAGE_CORRUPT, "data URI without a comma")
    is_base64 = head.lower().rstrip().endswith(";base64")
    num_bytes = len(body) - 2 * body.count("%")
    if is_base64:
        padding = len(re.findall("=|%3d", body[-6:], re.IGNORECASE))
        num_bytes = num_bytes * 3 // 4 - padding
    check_size(num_bytes, max_bytes)
    data = unquote_to_bytes(body)
    if is_base64:
        data = _decode(data)
    if not data:
        raise ImageError(RowStatus.IMAGE_EMPTY, "the data URI has no bytes")
    return data


def read_base64(text: str, max_bytes: int) -> bytes | None:
    """Return the bytes of a cell that is an image in base64, or None for anything else.

    Args:
        text: The cell.
        max_bytes: Limit, applied before the whole is decoded.

    Raises:
        ImageError: It is an image in base64, but damaged or too large.

    Example:
        >>> read_base64("images/cat.jpg", 100) is None
        True
        >>> read_base64("R0lGODlhAQABAIAAAAAAAP///yH5BAEA", 100)[:6]
        b'GIF89a'
    """
    if len(text) < MIN_BASE64 or not _BASE64.fullmatch(text[:_HEAD]):
        return None
    if not SIGNATURES.match(binascii.a2b_base64(text[:_HEAD])):
        return None
    if len(text) % 4 or not _BASE64.fullmatch(text):
        if len(text) <= MAX_PATH_BYTES:
            return None  # a file may have that name
        reason = "begins like an image in base64, but is not strict base64"
        raise ImageError(RowStatus.IMAGE_CORRUPT, reason)
    check_size(len(text) * 3 // 4 - text[-2:].count("="), max_bytes)
    return _decode(text.encode("ascii"))


def check_size(num_bytes: int, max_bytes: int) -> None:
    """Refuse an image that has, or is said to have, too many bytes.

    Raises:
        ImageError: It does.
    """
    if num_bytes > max_bytes:
        reason = f"{num_bytes} bytes, more than max_image_bytes {max_bytes}"
        raise ImageError(RowStatus.IMAGE_TOO_LARGE, reason)


def _decode(data: bytes) -> bytes:
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error as error:
        reason = f"not strict base64: {error}"
        raise ImageError(RowStatus.IMAGE_CORRUPT, reason) from error

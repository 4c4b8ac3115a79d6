"""Captions that are no captions by their shape: URLs, file names, numbers and identifiers."""

import re

_SUFFIXES = (
    # What cameras, phones and picture editors write, and what pages embed.
    r"jpe?g|jfif|png|gif|webp|bmp|tiff?|heic|heif|avif|svg|psd|dng|cr[23]|nef|arw|orf|rw2|raw|"
    r"pdf|docx?|pptx?|mp4|mov|avi|html?|php|aspx?"
)
# RFC 3986, section 3: a scheme, then "://"; browsers also take a bare "www.".
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)\S+", re.IGNORECASE)
_FILE = re.compile(rf"[^\n]{{1,200}}\.(?:{_SUFFIXES})", re.IGNORECASE)
# JEITA CP-3461 (DCF 2.0), section 3.2: four free capitals, digits or underscores, four digits.
_CAMERA = re.compile(r"(?=.{0,3}[A-Z_])[A-Z0-9_]{4}\d{4}")
# What phones and desktops call pictures: IMG-20240131-WA0001, PXL_20240131_101112, Screenshot …
_DEVICE = re.compile(
    r"(?:IMG|VID|PXL|DSC[NF]?|MVIMG|WP|SAM|Screenshot|Screen Shot|Photo|image)[ _-]?"
    r"(?:\d{3,}|\d{4}-\d\d-\d\d)[\w .-]*",
    re.IGNORECASE,
)
# RFC 9562, section 4.
_UUID = re.compile(r"\{?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?", re.IGNORECASE)
# Hexadecimal digests and their beginnings, from the eight digits that git shows upwards.
_HEX = re.compile(r"(?=\D*\d)(?=[^a-f]*[a-f])[0-9a-f]{8,128}", re.IGNORECASE)
# Article numbers (GTIN, ASIN, SKU): one word in capitals and digits, at least three of them digits.
_CODE = re.compile(r"(?=(?:\D*\d){3})[A-Z0-9]+(?:[-_./][A-Z0-9]+)*")


def shape_of(caption: str) -> str | None:
    """Say what a caption is instead of a caption.

    Args:
        caption: As it stands in the table.

    Returns:
        ``url``, ``file name``, ``number or id``, or None for anything that may be a caption.

    Example:
        >>> [shape_of(text) for text in ("IMG_0042.JPG", "https://a.b/c", "4711", "two cats")]
        ['file name', 'url', 'number or id', None]
    """
    text = caption.strip().strip("\"'")
    if _URL.fullmatch(text):
        return "url"
    if _CAMERA.fullmatch(text) or _DEVICE.fullmatch(text) or _is_file(text):
        return "file name"
    if _is_number(text) or any(shape.fullmatch(text) for shape in (_UUID, _HEX, _CODE)):
        return "number or id"
    return None


def _is_file(text: str) -> bool:
    # A sentence may end in "…saved as PDF" or name a file; a file name has few words.
    return len(text.split()) <= 4 and _FILE.fullmatch(text) is not None


def _is_number(text: str) -> bool:
    """Say whether there are digits and no letter of any script."""
    return any(c.isdigit() for c in text) and not any(c.isalpha() for c in text)

"""DataComp's form of a subset: the sorted uids of its pairs, as one NumPy file."""

import hashlib
import re
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pairsift.errors import UsageError

UID_DTYPE = np.dtype("u8,u8")
"""A uid of 32 hex digits: the first 16 as one number, the last 16 as another (DataComp's form)."""

UidArray = NDArray[np.void]

_UID = re.compile(r"[0-9a-fA-F]{32}")


def uid_of_pair(image_sha256: str, caption: str) -> str:
    """Return a uid for a pair that has none: it follows from the picture and the caption.

    Args:
        image_sha256: Of the picture's bytes, in hex.
        caption: As it stands in the table.

    Returns:
        The first 32 hex digits of the SHA-256 of the digest's hex and the caption in UTF-8.

    Example:
        >>> uid_of_pair("00" * 32, "a red boat")
        'a1b54e467dda956cf8f0ce3327093272'
    """
    joined = image_sha256.encode("ascii") + caption.encode("utf-8", "surrogatepass")
    return hashlib.sha256(joined).hexdigest()[:32]


def pack_uids(uids: Iterable[str], repeats: NDArray[np.int64] | None = None) -> UidArray:
    """Return uids as DataComp keeps them.

    Args:
        uids: Each 32 hex digits.
        repeats: How often each stands in the result, shape (N,) (default: once).

    Returns:
        Ascending by the first number, then by the second; dtype ``u8,u8``.

    Raises:
        UsageError: A uid is none; it is named.

    Example:
        >>> pack_uids(["0" * 15 + "2" + "0" * 15 + "9", "0" * 15 + "1" + "f" * 16]).tolist()
        [(1, 18446744073709551615), (2, 9)]

    Source:
        Gadre et al. 2023, "DataComp", and the reference code's format of a subset file.
    """
    halves: list[tuple[int, int]] = []
    for place, uid in enumerate(uids):
        if not _UID.fullmatch(uid):
            raise UsageError(f"uid {uid[:40]!r} of kept pair {place} is not 32 hex digits")
        halves.append((int(uid[:16], 16), int(uid[16:], 16)))
    pairs = np.array(halves, dtype=np.uint64).reshape(-1, 2)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    packed: UidArray = np.empty(len(pairs), dtype=UID_DTYPE)
    packed["f0"], packed["f1"] = pairs[order, 0], pairs[order, 1]
    return packed if repeats is None else np.repeat(packed, repeats[order])

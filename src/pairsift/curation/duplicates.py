"""Pictures that stand in a table more than once: the same bytes, or the same to a person."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift.curation.alignment import SAME, differences
from pairsift.curation.clusters import group_alike
from pairsift.curation.embedded import BoolArray, Halves, IntArray
from pairsift.curation.envelopes import could_be_same
from pairsift.curation.hashes import HashArray, hamming, near_hashes
from pairsift.curation.neighbours import nearest
from pairsift.protocols import FloatArray, PixelArray

NEIGHBOURS: Final = 10
"""Nearest pictures by embedding that are looked at."""

NEIGHBOUR_ROWS: Final = 200_000
"""Different pictures up to which neighbours by embedding are looked at; beyond, the hash alone
names candidates: an index of a million embeddings takes an hour, and few copies need it."""

NEIGHBOUR_RADIUS: Final = 16
"""Bits by which the hashes of such neighbours may differ: no planted copy differs in more."""

MOST_OF_A_HASH: Final = 4
"""Pictures with the same hash that stand for it where it is compared with another hash."""

_PAIRS_AT_ONCE: Final = 16_384

_TELL_SECONDS: Final = 10.0

Announce = Callable[[str], None]

EXACT: Final = "exact"
NEAR: Final = "near"


class Thumbnails(Protocol):
    """Thumbnails by place; may read them from a file in pieces."""

    def __getitem__(self, places: IntArray, /) -> PixelArray:
        """Return some thumbnails, shape (P, 32, 32, 3), uint8."""


@dataclass(frozen=True)
class Duplicates:
    """Which pictures belong together.

    Args:
        group: Number of each row's group, -1 where it is in none, shape (N,), int64.
        kind: Of each row: ``exact`` where another row of its group has the same bytes, ``near``
            where it only looks the same, empty where it is in no group.
        kept: The row that stands for its group, or is in none, shape (N,), bool.
    """

    group: IntArray
    kind: list[str]
    kept: BoolArray

    @property
    def num_groups(self) -> int:
        """How many groups there are."""
        return int(self.group.max(initial=-1)) + 1


def group_duplicates(
    sha256: pa.Array,
    scores: NDArray[np.float64],
    *,
    hashes: HashArray | None = None,
    thumbnails: Thumbnails | None = None,
    images: FloatArray | Halves | None = None,
    comparable: BoolArray | None = None,
    announce: Announce = lambda _words: None,
) -> Duplicates:
    """Group the rows of a table by their pictures.

    Args:
        sha256: Of each row's image bytes, N of them; null where the image could not be read.
        scores: How well each pair fits; the best of a group is kept, ties by row order; NaN is
            the worst, shape (N,), float64.
        hashes: Perceptual hash of each row, shape (N,), uint64 (default: exact copies only).
        thumbnails: Of each row; with hashes.
        images: Unit-norm image embeddings of each row, shape (N, D), float32; zero rows where
            there is none (default: hashes alone name what is compared).
        comparable: Rows that have a hash, shape (N,), bool (default: all); of the others only
            the bytes are compared.
        announce: Told in words what begins, where it may take long.

    Returns:
        The groups, numbered in order of their first row.
    """
    codes = _codes(sha256)
    rows = np.flatnonzero(codes >= 0)
    _, first, inverse = np.unique(codes[rows], return_index=True, return_inverse=True)
    distinct = rows[first]  # one row for each different file
    head = np.arange(len(distinct), dtype=np.int64)
    if hashes is not None and thumbnails is not None:
        seen = np.flatnonzero(np.ones(len(head)) if comparable is None else comparable[distinct])
        looks = distinct[seen]
        head[seen] = seen[
            _group_alike(
                hashes[looks],
                lambda places: thumbnails[looks[places]],
                _near_embeddings(images, looks),
                announce,
            )
        ]
    label = np.full(len(codes), -1, dtype=np.int64)
    label[rows] = head[inverse]
    return _describe(label, codes, scores)


def kept_with_captions(duplicates: Duplicates, captions: Sequence[str]) -> list[list[str]]:
    """Return for each kept row the different captions of its group, its own first.

    Args:
        duplicates: The groups.
        captions: Of all rows, N of them.

    Returns:
        N lists; empty for rows that are not kept.
    """
    collected: list[list[str]] = [[] for _ in captions]
    rows = np.arange(len(captions))
    # The kept row comes first in its group, the others in order behind it.
    order = np.lexsort((rows, ~duplicates.kept, duplicates.group))
    target = -1
    for row in order:
        if duplicates.kept[row]:
            target = int(row)
        if captions[row] not in collected[target]:
            collected[target].append(captions[row])
    return collected


def _codes(sha256: pa.Array) -> IntArray:
    """Return a number for each different file, -1 where there is none, shape (N,)."""
    # Arrow's own pool keeps what it had, as address space: a gigabyte and more of many rows.
    pool = pa.system_memory_pool()
    indices = pc.dictionary_encode(sha256, memory_pool=pool).indices
    return np.asarray(pc.fill_null(indices, -1), dtype=np.int64)


def _near_embeddings(images: FloatArray | Halves | None, looks: IntArray) -> FloatArray | None:
    """Return the embeddings of different pictures, where they are few enough to be compared."""
    return None if images is None or len(looks) > NEIGHBOUR_ROWS else images[looks]


def _group_alike(
    hashes: HashArray, thumbnails: "_Getter", images: FloatArray | None, announce: Announce
) -> IntArray:
    """Return for each different file the place of the one that stands for it."""
    announce(f"looking for candidates among {len(hashes):,} different pictures")
    first, second = candidates(hashes, images)

    def verify(one: IntArray, other: IntArray) -> BoolArray:
        return _are_alike(thumbnails, one, other)

    announce(f"comparing {len(first):,} pairs of pictures")
    alike = _are_alike(thumbnails, first, second, announce)
    return group_alike(
        len(hashes),
        first[alike],
        second[alike],
        rank=np.arange(len(hashes), dtype=np.float64),
        verify=verify,
    )


class _Getter(Protocol):
    def __call__(self, places: IntArray, /) -> PixelArray: ...


def _are_alike(
    thumbnails: _Getter,
    first: IntArray,
    second: IntArray,
    announce: Announce = lambda _words: None,
) -> BoolArray:
    """Compare pairs in pieces, in an order that reads each thumbnail few times."""
    result = np.zeros(len(first), dtype=bool)
    told = time.monotonic()
    for begin in range(0, len(first), _PAIRS_AT_ONCE):
        part = slice(begin, begin + _PAIRS_AT_ONCE)
        needed, inverse = np.unique(
            np.concatenate([first[part], second[part]]), return_inverse=True
        )
        half = len(first[part])
        looks, one, other = thumbnails(needed), inverse[:half], inverse[half:]
        near = np.flatnonzero(could_be_same(looks, one, other))
        result[begin + near] = differences(looks, one[near], other[near]) <= SAME
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            announce(f"compared {begin + half:,} of them")
    return result


def candidates(hashes: HashArray, images: FloatArray | None = None) -> tuple[IntArray, IntArray]:
    """Return the pairs of pictures that are worth a closer look.

    Args:
        hashes: Perceptual hashes, shape (N,), uint64.
        images: Unit-norm image embeddings, shape (N, D), float32: neighbours may differ in more
            bits.

    Returns:
        Places of the two, first < second, in order, each pair once.
    """
    num = len(hashes)
    order = np.argsort(hashes, kind="stable")
    distinct, starts, counts = np.unique(hashes[order], return_index=True, return_counts=True)
    found = [_same_hash(order, starts, counts)]
    one, other = near_hashes(distinct)
    for i in range(MOST_OF_A_HASH):
        for j in range(MOST_OF_A_HASH):
            fits = (counts[one] > i) & (counts[other] > j)
            found.append((order[starts[one[fits]] + i], order[starts[other[fits]] + j]))
    if images is not None:
        places, _ = nearest(images, images, count=NEIGHBOURS, excluded=np.arange(num))
        near = np.repeat(np.arange(num), places.shape[1])
        far = places.ravel()
        near, far = near[far >= 0], far[far >= 0]
        fits = hamming(hashes[near], hashes[far]) <= NEIGHBOUR_RADIUS
        found.append((near[fits], far[fits]))
    first = np.concatenate([part for part, _ in found])
    second = np.concatenate([part for _, part in found])
    packed = np.unique(np.minimum(first, second) * num + np.maximum(first, second))
    return packed // max(num, 1), packed % max(num, 1)


def _same_hash(order: IntArray, starts: IntArray, counts: IntArray) -> tuple[IntArray, IntArray]:
    """Return pairs with the same hash: each with the first that has it and with the one before."""
    heads = np.repeat(order[starts], counts)
    is_first = np.zeros(len(order), dtype=bool)
    is_first[starts] = True
    behind = np.flatnonzero(~is_first)
    return (
        np.concatenate([heads[behind], order[behind - 1]]),
        np.concatenate([order[behind], order[behind]]),
    )


def _describe(label: IntArray, codes: IntArray, scores: NDArray[np.float64]) -> Duplicates:
    """Number the groups by their first row, and choose who is kept."""
    group = np.full(len(label), -1, dtype=np.int64)
    kept = np.ones(len(label), dtype=bool)
    rows = np.flatnonzero(label >= 0)
    _, first, inverse, counts = np.unique(
        label[rows], return_index=True, return_inverse=True, return_counts=True
    )
    order = np.argsort(first, kind="stable")
    order = order[counts[order] > 1]
    number = np.full(len(first), -1, dtype=np.int64)
    number[order] = np.arange(len(order))
    group[rows] = number[inverse]
    members = np.flatnonzero(group >= 0)
    worst = np.nan_to_num(scores[members], nan=-np.inf)
    ordered = members[np.lexsort((members, -worst, group[members]))]
    kept[ordered] = False
    starts = np.ones(len(ordered), dtype=bool)
    starts[1:] = group[ordered][1:] != group[ordered][:-1]
    kept[ordered[starts]] = True
    _, of_file, repeats = np.unique(codes, return_inverse=True, return_counts=True)
    is_exact = repeats[of_file] > 1
    kind = np.where(group < 0, "", np.where(is_exact, EXACT, NEAR))
    return Duplicates(group, kind.tolist(), kept)

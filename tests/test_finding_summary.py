"""Rows of several files are told apart."""

import io
from dataclasses import replace

import numpy as np
import pyarrow as pa
from rich.console import Console

from pairsift.curation.duplicates import group_duplicates
from pairsift.curation.embedded import EmbeddedPairs, measure_levels
from pairsift.curation.mismatches import Mismatches, ShapedCaption
from pairsift.curation.run_pairs import RunPictures
from pairsift.curation.searching import RunDuplicates
from pairsift.curation.shifts import Shift
from pairsift.curation.suspects import Suspect
from pairsift.curation.swaps import Swap
from pairsift.finding_summary import print_duplicates, print_mismatches
from tests.curation.drawn import draw_pairs


def two_files() -> EmbeddedPairs:
    """Twenty pairs, ten of each of two files."""
    pairs = draw_pairs(20)
    return replace(pairs, files=np.repeat([0, 1], 10), rows=np.tile(np.arange(10), 2))


def printed(show: object, found: object) -> str:
    target = io.StringIO()
    show(found, Console(file=target, width=200))  # type: ignore[operator]
    return target.getvalue()


def test_wrong_pairs_name_their_file() -> None:
    pairs = two_files()
    found = Mismatches(
        pairs,
        measure_levels(pairs, np.random.default_rng(0)),
        shapes=[ShapedCaption(1, 2, "url", "http://a/b")],
        shifts=[Shift(1, 3, 7, 1, 0.1, 0.9, 4, wraps=False, votes=9.0, chance=1.0)],
        swaps=[Swap(1, 12, (0.1, 0.2), (0.9, 0.8), 0.7, 0.1)],
        suspects=[Suspect(15, 5, 0.1, 0.9, 0.8)],
    )
    told = printed(print_mismatches, found)
    assert "row 3 of file 2: http://a/b" in told
    assert "rows 4 to 8 of file 2: each caption" in told
    assert "rows 2 and 3 of file 2: 0.100, 0.200 now" in told
    assert "row 6 of file 2: 0.100 now, 0.900 with row 6: picture" in told


def test_copies_name_their_file() -> None:
    pairs = two_files()
    sha256 = pa.array(["a", *(f"b{n}" for n in range(18)), "a"])
    scores = np.zeros(20)
    pictures = RunPictures(pairs.files, pairs.rows, scores, sha256)
    found = RunDuplicates(pictures, group_duplicates(sha256, scores), 0)
    assert "2 rows: 1, 10 of file 2" in printed(print_duplicates, found)

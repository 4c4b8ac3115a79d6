import numpy as np
import pytest

from pairsift.curation.embedded import EmbeddedPairs
from pairsift.curation.mismatches import FINDINGS_SCHEMA, find_mismatches, shift_partners
from tests.curation.drawn import draw_pairs, picked, with_captions_of


def planted() -> EmbeddedPairs:
    source = np.arange(1000)
    source[200:300] = np.roll(source[200:300], -1)
    source[[10, 600]] = source[[600, 10]]
    source[7] = 900
    pairs = with_captions_of(draw_pairs(1000), source)
    texts = list(pairs.texts)
    texts[50] = "IMG_0042.JPG"
    return EmbeddedPairs(pairs.files, pairs.rows, pairs.images, pairs.captions, tuple(texts))


def test_each_thing_is_found_once() -> None:
    found = find_mismatches(planted())
    assert [(s.first_row, s.last_row, s.direction) for s in found.shifts] == [(200, 299, 1)]
    assert [(s.first, s.second) for s in found.swaps] == [(10, 600)]
    assert [(s.place, s.other) for s in found.suspects] == [(7, 900)]
    assert [(s.row, s.shape) for s in found.shapes] == [(50, "file name")]
    assert found.boilerplate == []


def test_the_table_says_where_a_caption_belongs() -> None:
    table = find_mismatches(planted()).to_arrow()
    assert table.schema == FINDINGS_SCHEMA
    rows = {line["row"]: line for line in table.to_pylist()}
    assert len(rows) == table.num_rows == 104
    assert rows[10]["partner_row"] == 600
    assert rows[10]["similarity_proposed"] > 0.7 > rows[10]["similarity"]
    assert rows[200]["partner_row"] == 201
    assert rows[299]["partner_row"] == 200
    assert rows[7]["partner_row"] == 900
    assert rows[50]["partner_row"] is None
    assert rows[50]["detail"] == "IMG_0042.JPG"


def test_an_open_end_has_no_partner() -> None:
    pairs = draw_pairs(500)
    source = np.arange(500)
    source[200:300] += 1
    source[300] = 5
    (shift,) = find_mismatches(with_captions_of(pairs, source)).shifts
    assert shift_partners(shift)[0] == (200, 201)
    assert shift_partners(shift)[-1] == (shift.last_row, None)
    assert abs(shift.last_row - 300) <= 1


@pytest.mark.parametrize("num", [0, 1, 9, 10, 11])
def test_few_rows_have_a_sensible_answer(num: int) -> None:
    found = find_mismatches(picked(planted(), np.arange(num)))
    assert (found.levels is None) == (num < 10)
    assert found.to_arrow().num_rows <= 1


def test_captions_without_a_score_are_looked_at_too() -> None:
    captions = [(0, 3, "www.example.org"), (0, 4, "a cat")]
    found = find_mismatches(picked(draw_pairs(1), np.arange(0)), captions=captions)
    assert found.to_arrow().to_pylist()[0]["kind"] == "url"


def test_equal_pairs_have_no_findings() -> None:
    pairs = picked(draw_pairs(1), np.zeros(50, dtype=np.int64))
    same = EmbeddedPairs(pairs.files, np.arange(50), pairs.images, pairs.captions, pairs.texts)
    assert find_mismatches(same).to_arrow().num_rows == 0

import sys

import numpy as np
import pytest

from pairsift.curation.languages import detect_language, language_dimension
from pairsift.errors import MissingExtraError

ENGLISH = "a red boat on the sea in front of a green island"
GERMAN = "ein rotes Boot auf dem Meer vor einer grünen Insel"


@pytest.mark.parametrize(
    ("caption", "language"),
    [(ENGLISH, "en"), (GERMAN, "de"), ("un bateau rouge sur la mer devant une île", "fr")],
)
def test_languages(caption: str, language: str) -> None:
    assert detect_language(caption) == language


@pytest.mark.parametrize("caption", ["", "boat", "IMG_20260101_123456789.jpg", "12345 67890 12345"])
def test_short_captions_are_not_guessed(caption: str) -> None:
    assert detect_language(caption) is None


def test_rows_by_language() -> None:
    captions = [ENGLISH, None, GERMAN, "boat", ENGLISH]
    found = language_dimension(captions)
    assert found.names == ["de", "en", "too short to tell"]
    assert found.labels.tolist() == [1, -1, 0, 2, 1]


def test_rare_languages_are_counted_together() -> None:
    found = language_dimension([ENGLISH] * 500 + [GERMAN])
    assert found.names == ["en", "other"]
    assert np.bincount(found.labels).tolist() == [500, 1]


def test_no_captions() -> None:
    assert language_dimension([]).names == []
    assert language_dimension([None]).labels.tolist() == [-1]


def test_the_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid", None)
    with pytest.raises(MissingExtraError, match=r'pip install "pairsift\[curate\]"'):
        detect_language(ENGLISH)

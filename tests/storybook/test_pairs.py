"""The same pairs in every process; the frozen generator."""

import hashlib
import subprocess
import sys

import pytest

from pairsift.storybook.captions import is_true
from pairsift.storybook.pairs import generator_hash, make_pair, pairs
from pairsift.storybook.vocabulary import CATEGORIES

# The generator is frozen: the built-in models were trained on the world of this hash.
GENERATOR_HASH = "6505a0744e97150c65c5403da1bfa26fa5749e6e8456d1fb5a0f4d743d48e3df"
INDICES = (0, 1, 17, 100_003, 10**12)
PROBE = """
import hashlib
from pairsift.storybook.pairs import make_pair
for index in {indices}:
    pair = make_pair(424242, index)
    print(hashlib.sha256(pair.image.tobytes()).hexdigest(), pair.category, pair.caption.text)
"""


def test_generator_hash() -> None:
    assert generator_hash() == GENERATOR_HASH


def test_two_processes_agree() -> None:
    # In the other order too: no pair may depend on what was made before it, caches included.
    answers = []
    for indices in (INDICES, INDICES[::-1]):
        command = [sys.executable, "-c", PROBE.format(indices=indices)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        answers.append(done.stdout.splitlines())
    assert answers[0] == answers[1][::-1]
    own = [make_pair(424242, index) for index in INDICES]
    assert answers[0] == [
        f"{hashlib.sha256(p.image.tobytes()).hexdigest()} {p.category} {p.caption.text}"
        for p in own
    ]


def test_ranges_join() -> None:
    whole = [pair.caption for pair in pairs(3, 0, 6, side=32)]
    parts = [pair.caption for a, b in ((4, 6), (0, 4)) for pair in pairs(3, a, b, side=32)]
    assert whole == parts[2:] + parts[:2]


def test_pairs_are_true_and_varied() -> None:
    made = list(pairs(9, 0, 60, side=48))
    assert all(is_true(pair.caption.claims, pair.scene) for pair in made)
    assert len({pair.image.tobytes() for pair in made}) == 60
    assert {pair.category for pair in made} == set(CATEGORIES)


@pytest.mark.parametrize("side", [32, 96, 224])
def test_side(side: int) -> None:
    image = make_pair(1, 1, side=side).image
    assert (image.size, image.mode) == ((side, side), "RGB")

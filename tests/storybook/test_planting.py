"""``truth.csv`` says what was planted, recounted from the files alone.

Nothing of the package is imported here: a subprocess writes a sound set and faulty sets of the
same seed, and the faults are found again by comparing them.
"""

import csv
import io
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pairsift.storybook.faults import plan_faults
from pairsift.storybook.planting import plant, planted_caption

NUM_PAIRS = 600
RATES = {
    "low": dict.fromkeys(
        (
            "swap",
            "shift",
            "word",
            "boilerplate",
            "copy",
            "near-copy",
            "recaption",
            "broken-image",
            "broken-caption",
        ),
        0.03,
    ),
    "high": {
        "swap": 0.1,
        "shift": 0.05,
        "word": 0.1,
        "boilerplate": 0.06,
        "copy": 0.04,
        "near-copy": 0.06,
        "recaption": 0.05,
        "broken-image": 0.06,
        "broken-caption": 0.06,
    },
    "few vague": {"vague": 0.25},
    "many vague": {"vague": 0.75},
    "little imbalance": {"imbalance": 0.05},
    "much imbalance": {"imbalance": 0.3},
}
WRITE = """
import json, sys
from pairsift.storybook.writing import write_storybook
for name, rates in json.loads(sys.argv[2]).items():
    write_storybook(f"{sys.argv[1]}/{name}", num_pairs=int(sys.argv[3]), seed=77, side=64,
                    faults=rates)
"""
COLOURS = [
    "red",
    "scarlet",
    "orange",
    "yellow",
    "golden",
    "green",
    "emerald",
    "blue",
    "azure",
    "purple",
    "violet",
    "pink",
    "rosy",
    "brown",
    "chestnut",
    "black",
    "jet-black",
    "white",
    "snow-white",
    "grey",
    "gray",
]


@dataclass
class WrittenSet:
    folder: Path
    rows: list[list[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # One physical line is one row here: no caption holds a line break.
        for line in (self.folder / "pairs.csv").read_bytes().splitlines()[1:]:
            text = line.decode("latin-1")
            self.rows.append([cell.encode("latin-1") for cell in next(csv.reader([text]))])

    @cached_property
    def truth(self) -> list[dict[str, str]]:
        with (self.folder / "truth.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def planted(self, fault: str) -> dict[int, dict[str, str]]:
        return {int(line["row"]): line for line in self.truth if line["fault"] == fault}

    def path(self, row: int) -> Path:
        return self.folder / self.rows[row][0].decode()

    def picture(self, row: int) -> bytes | None:
        return self.path(row).read_bytes() if self.path(row).is_file() else None

    def captions(self) -> list[bytes]:
        return [cells[1] for cells in self.rows]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, WrittenSet]:
    folder = tmp_path_factory.mktemp("sets")
    rates = {"sound": {}, **RATES}
    arguments = [str(folder), json.dumps(rates), str(NUM_PAIRS)]
    subprocess.run([sys.executable, "-c", WRITE, *arguments], check=True)
    return {name: WrittenSet(folder / name) for name in rates}


@pytest.fixture(params=["low", "high"])
def pair(request: pytest.FixtureRequest, written: dict[str, WrittenSet]) -> "Pair":
    return Pair(written["sound"], written[request.param], RATES[request.param])


@dataclass
class Pair:
    sound: WrittenSet
    faulty: WrittenSet
    rates: dict[str, float]

    def num(self, fault: str) -> int:
        return int(self.rates[fault] * NUM_PAIRS + 0.5)

    def same_picture(self, row: int) -> bool:
        return self.faulty.rows[row][0] == self.sound.rows[row][0] and self.faulty.picture(
            row
        ) == self.sound.picture(row)

    def is_broken_picture(self, row: int) -> bool:
        data = self.faulty.picture(row)
        if not data:
            return True
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                return image.format != "JPEG" or image.mode != "RGB"
        except (OSError, Image.DecompressionBombError):
            return True

    def is_broken_caption(self, row: int) -> bool:
        cells = self.faulty.rows[row]
        caption = cells[1]
        return (
            len(cells) != 3
            or not caption.strip()
            or b"\0" in caption
            or len(caption.split()) > 5000
            or any(byte > 127 for byte in caption)
        )

    def reworded(self) -> list[int]:
        """Rows with their own picture under another readable caption."""
        return [
            row
            for row in range(NUM_PAIRS)
            if self.same_picture(row)
            and not self.is_broken_caption(row)
            and self.faulty.rows[row][1] != self.sound.rows[row][1]
        ]

    def swaps(self) -> dict[int, int]:
        before, after = self.sound.captions(), self.faulty.captions()
        rows = self.reworded()
        return {
            row: other
            for row in rows
            for other in rows
            if abs(row - other) > 0 and after[row] == before[other] and after[other] == before[row]
        }

    def boilerplate(self) -> list[int]:
        own = set(self.sound.captions())
        num = Counter(self.faulty.captions())
        return [
            row
            for row in self.reworded()
            if (caption := self.faulty.rows[row][1]) not in own and num[caption] >= 2
        ]


def test_the_sound_set_is_sound(written: dict[str, WrittenSet]) -> None:
    sound = written["sound"]
    assert len(sound.rows) == len(sound.truth) == NUM_PAIRS
    assert all(line["fault"] == "" for line in sound.truth)
    assert [line["right_caption"].encode() for line in sound.truth] == sound.captions()


def test_original_captions(pair: Pair) -> None:
    originals = [line["original_caption"].encode() for line in pair.faulty.truth]
    assert originals == pair.sound.captions()
    assert [int(line["row"]) for line in pair.faulty.truth] == list(range(NUM_PAIRS))


def test_rows_without_a_fault_are_untouched(pair: Pair) -> None:
    for row in pair.faulty.planted(""):
        assert pair.faulty.rows[row] == pair.sound.rows[row]
        assert pair.same_picture(row)


def test_swap(pair: Pair) -> None:
    planted = pair.faulty.planted("swap")
    found = {row: other for row, other in pair.swaps().items() if row in planted}
    assert found == {row: int(line["partner"]) for row, line in planted.items()}
    assert len(found) == pair.num("swap")
    # Two neighbours of a shifted block can look swapped, nothing else can.
    assert set(pair.swaps()) - set(planted) <= set(pair.faulty.planted("shift"))


def test_shift(pair: Pair) -> None:
    planted = pair.faulty.planted("shift")
    rows = sorted(planted)
    assert rows == list(range(rows[0], rows[-1] + 1))
    assert len(rows) == pair.num("shift")
    before, after = pair.sound.captions(), pair.faulty.captions()
    direction = int(planted[rows[0]]["detail"])
    assert direction in (-1, 1)
    for place, row in enumerate(rows):
        partner = rows[(place + direction) % len(rows)]
        assert int(planted[row]["partner"]) == partner
        assert after[row] == before[partner]


def test_boilerplate(pair: Pair) -> None:
    planted = pair.faulty.planted("boilerplate")
    assert pair.boilerplate() == sorted(planted)
    assert len(planted) == pair.num("boilerplate")
    assert {line["detail"].encode() for line in planted.values()} == {
        pair.faulty.rows[row][1] for row in planted
    }


def test_word(pair: Pair) -> None:
    planted = pair.faulty.planted("word")
    others = {*pair.faulty.planted("swap"), *pair.faulty.planted("shift"), *pair.boilerplate()}
    assert sorted(set(pair.reworded()) - others) == sorted(planted)
    assert len(planted) == pair.num("word")
    for row, line in planted.items():
        old, new = (s.rows[row][1].decode().lower() for s in (pair.sound, pair.faulty))
        changed = [
            (a.strip(",."), b.strip(",."))
            for a, b in zip(old.split(), new.split(), strict=False)
            if a != b
        ]
        if line["detail"] == "colour":
            assert len(old.split()) == len(new.split())
            words = [change for change in changed if change[0] in COLOURS]
            assert len(words) == 1
            assert words[0][1] in COLOURS
            # The article may follow: "an orange cat", "a red cat".
            assert len(changed) == 1 or ({"a", "an"} in [set(change) for change in changed])
        else:
            assert [w for w in old.split() if w.strip(",.") in COLOURS] == [
                w for w in new.split() if w.strip(",.") in COLOURS
            ]


def test_word_attributes(written: dict[str, WrittenSet]) -> None:
    attributes = {line["detail"] for line in written["high"].planted("word").values()}
    assert attributes == {"colour", "kind", "count", "place", "relation"}


def test_copy(pair: Pair) -> None:
    own = {pair.sound.picture(row): row for row in range(NUM_PAIRS)}
    found = {}
    for row in range(NUM_PAIRS):
        data = pair.faulty.picture(row)
        own_file = pair.faulty.rows[row][0] == pair.sound.rows[row][0]
        if own_file and own.get(data, row) != row:
            found[row] = own[data]
            assert pair.faulty.rows[row][1:] == pair.sound.rows[own[data]][1:]
    planted = pair.faulty.planted("copy")
    assert found == {row: int(line["partner"]) for row, line in planted.items()}
    assert len(found) == pair.num("copy")


def fingerprint(data: bytes) -> NDArray[np.float64]:
    with Image.open(io.BytesIO(data)) as image:
        small = image.convert("RGB").resize((48, 48), Image.Resampling.BOX)
    values = np.asarray(small, dtype=np.float64).ravel()
    values -= values.mean()
    return np.asarray(values / np.linalg.norm(values))


def test_near_copy(pair: Pair) -> None:
    originals = np.stack([fingerprint(pair.sound.picture(n) or b"") for n in range(NUM_PAIRS)])
    known = {pair.sound.picture(row) for row in range(NUM_PAIRS)}
    found = {}
    for row in range(NUM_PAIRS):
        data = pair.faulty.picture(row)
        if data is None or data in known or pair.is_broken_picture(row):
            continue
        likeness = originals @ fingerprint(data)
        found[row] = int(likeness.argmax())
        assert likeness.max() > 0.8
    planted = pair.faulty.planted("near-copy")
    assert found == {row: int(line["partner"]) for row, line in planted.items()}
    assert len(found) == pair.num("near-copy")
    methods = {line["detail"] for line in planted.values()}
    assert methods == {"re-encoded", "resized", "cropped", "brighter", "darker"}


def test_recaption(pair: Pair) -> None:
    by_name = {pair.sound.rows[row][0]: row for row in range(NUM_PAIRS)}
    found = {}
    for row in range(NUM_PAIRS):
        named = by_name.get(pair.faulty.rows[row][0])
        if named is not None and named != row:
            found[row] = named
            assert pair.faulty.rows[row][1] != pair.sound.rows[named][1]
            assert pair.faulty.picture(row) == pair.sound.picture(named)
    planted = pair.faulty.planted("recaption")
    assert found == {row: int(line["partner"]) for row, line in planted.items()}
    assert len(found) == pair.num("recaption")


def test_broken_image(pair: Pair) -> None:
    planted = pair.faulty.planted("broken-image")
    assert [n for n in range(NUM_PAIRS) if pair.is_broken_picture(n)] == sorted(planted)
    assert len(planted) == pair.num("broken-image")
    assert len({line["detail"] for line in planted.values()}) == 12


def test_broken_caption(pair: Pair) -> None:
    planted = pair.faulty.planted("broken-caption")
    assert [n for n in range(NUM_PAIRS) if pair.is_broken_caption(n)] == sorted(planted)
    assert len(planted) == pair.num("broken-caption")
    assert len({line["detail"] for line in planted.values()}) == 9


@pytest.mark.parametrize("name", ["few vague", "many vague"])
def test_vague(written: dict[str, WrittenSet], name: str) -> None:
    pair = Pair(written["sound"], written[name], RATES[name])
    planted = pair.faulty.planted("vague")
    assert pair.reworded() == sorted(planted)
    categories = {pair.sound.rows[row][2].decode() for row in planted}
    assert categories == {line["detail"] for line in planted.values()}
    assert len(categories) == 1
    of_category = [n for n in range(NUM_PAIRS) if pair.sound.rows[n][2].decode() in categories]
    assert len(planted) == int(RATES[name]["vague"] * len(of_category) + 0.5)
    words = [sum(len(s.rows[n][1].split()) for n in planted) for s in (pair.faulty, pair.sound)]
    assert words[0] < 0.8 * words[1]


@pytest.mark.parametrize("name", ["little imbalance", "much imbalance"])
def test_imbalance(written: dict[str, WrittenSet], name: str) -> None:
    pair = Pair(written["sound"], written[name], RATES[name])
    planted = pair.faulty.planted("imbalance")
    changed = [row for row in range(NUM_PAIRS) if not pair.same_picture(row)]
    assert changed == sorted(planted)
    assert len(planted) == pair.num("imbalance")
    favoured = {line["detail"] for line in planted.values()}
    assert {pair.faulty.rows[row][2].decode() for row in planted} == favoured
    assert len(favoured) == 1
    for row, line in planted.items():
        assert pair.faulty.rows[row][1].decode() == line["right_caption"]
    assert len({pair.faulty.picture(row) for row in range(NUM_PAIRS)}) == NUM_PAIRS


def test_a_caption_is_written_without_its_picture() -> None:
    plan = plan_faults(3, 120, {"swap": 0.1, "word": 0.1, "vague": 0.3, "recaption": 0.1})
    for row in range(0, 120, 5):
        assert planted_caption(plan, row) == plant(plan, row, side=32).caption.decode()

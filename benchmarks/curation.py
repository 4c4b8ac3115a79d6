"""Do the calibrated numbers keep their promises on sets whose truth is known?

    python -m benchmarks.curation --out benchmarks/results/curation.json

Storybook sets of 5,000 pairs with planted faults, embedded with the built-in model, default
settings. Shares are pooled over the sets; their bounds are ends of 95 % Wilson intervals. Nothing
was tuned on these seeds.
"""

import argparse
import json
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairsift.api import load_calculator
from pairsift.calculator import ImageTextSimilarityCalculator
from pairsift.config import ChoiceConfig
from pairsift.curation.audit import AuditLine, audit_filter, length_dimension, named_dimension
from pairsift.curation.calibrate import match_p_values, sample_null
from pairsift.curation.contrast import exact_contrast
from pairsift.curation.intervals import wilson_interval
from pairsift.curation.languages import language_dimension
from pairsift.curation.rules import parse_rule
from pairsift.curation.scales import make_scales
from pairsift.curation.thresholds import keep_rows
from pairsift.models import find_record
from pairsift.protocols import FloatArray
from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.encoding import encode_image
from pairsift.storybook.faults import Fault, parse_faults, plan_faults
from pairsift.storybook.planting import planted_caption
from pairsift.storybook.scenes import category_of, make_scene

FIRST_SEED = 2_026_112_400
NUM_PAIRS = 5_000
NUM_SEEDS = 10
NUM_AUDITS = 20
BATCH = 256
AUDIT_RULE = "top:90%"
AUDIT_FAULT = "vague=1.0"
"""Chosen on seeds 903, 911 and 912: it costs the category 6 to 10 points, and nothing cost more.

With this model a vague caption is about as similar to its picture as a full one; only its lower
tail is longer. Under top:50% the category even gained.
"""

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class KnownSet:
    """A set with its embeddings and its truth."""

    images: FloatArray
    captions: FloatArray
    texts: list[str]
    categories: list[str]
    faults: NDArray[np.str_]
    details: NDArray[np.str_]

    @property
    def cosines(self) -> FloatArray:
        """Similarity of each pair."""
        values: FloatArray = np.einsum("nd,nd->n", self.images, self.captions)
        return values


class Maker:
    """Plants faults and embeds the sets.

    Swapped, wrong and vague captions leave the pictures as they are, so the pictures of a seed are
    drawn and embedded once. They go through JPEG, as ``pairsift storybook`` writes them.
    """

    def __init__(self, model: str, *, num_pairs: int, work: Path) -> None:
        self.calculator: ImageTextSimilarityCalculator = load_calculator(model)
        self.num_pairs = num_pairs
        self.work = work
        self._seed: int | None = None
        self._images = np.zeros((0, 1), dtype=np.float32)
        self._captions: dict[str, FloatArray] = {}

    def make(self, seed: int, faults: str) -> KnownSet:
        """Return the set of a seed with some faults in its captions."""
        if seed != self._seed:
            self._images = self._embed_pictures(seed)
            self._seed, self._captions = seed, {}
        plan = plan_faults(seed, self.num_pairs, parse_faults(faults))
        texts = [planted_caption(plan, row) for row in range(self.num_pairs)]
        new = [text for text in dict.fromkeys(texts) if text not in self._captions]
        if new:
            rows = _embed(self.calculator.encode_captions, new)
            self._captions |= dict(zip(new, rows, strict=True))
        planted = [plan.faults.get(row, Fault("")) for row in range(self.num_pairs)]
        return KnownSet(
            images=self._images,
            captions=np.stack([self._captions[text] for text in texts]),
            texts=texts,
            categories=[category_of(make_scene(seed, row)) for row in range(self.num_pairs)],
            faults=np.array([fault.name for fault in planted]),
            details=np.array([fault.detail for fault in planted]),
        )

    def _embed_pictures(self, seed: int) -> FloatArray:
        """Return the embeddings of a seed's pictures; kept, so that a stopped run can go on."""
        weights = self.calculator.encoder.provenance.weights_sha256 or "unknown"
        kept = self.work / f"{seed}-{self.num_pairs}-{weights[:16]}.npy"
        if kept.exists():
            rows: FloatArray = np.load(kept)
            return rows
        rows = _embed(self.calculator.encode_images, self.draw(seed))
        np.save(kept, rows)
        return rows

    def draw(self, seed: int) -> list[Path]:
        """Return the pictures of a seed, drawn where they are missing."""
        folder = self.work / f"{seed}-{self.num_pairs}"
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"{row:06}.jpg" for row in range(self.num_pairs)]
        for row, path in enumerate(paths):
            if not path.exists():
                part = path.with_suffix(".part")
                part.write_bytes(encode_image(draw_scene(make_scene(seed, row)), "jpg"))
                part.replace(path)
        return paths


def main() -> None:
    """Draw, embed, count, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="storybook")
    parser.add_argument("--pairs", type=int, default=NUM_PAIRS)
    parser.add_argument("--seeds", type=int, default=NUM_SEEDS)
    parser.add_argument("--audits", type=int, default=NUM_AUDITS)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--work", type=Path, help="keep the drawn pictures here")
    parser.add_argument("--draw-only", action="store_true", help="draw them, and stop")
    parser.add_argument("--out", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        maker = Maker(args.model, num_pairs=args.pairs, work=args.work or Path(scratch))
        if args.draw_only:
            for number in range(max(args.seeds, args.audits)):
                maker.draw(args.first_seed + number)
            return
        report = measure(maker, args)
    print(json.dumps(report, indent=2))
    if args.out:
        args.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def measure(maker: Maker, args: argparse.Namespace) -> dict[str, Any]:
    """Return every figure."""
    begin = time.perf_counter()
    scale = find_record(args.model).logit_scale or 100.0
    figures = Figures(scale)
    for number in range(max(args.seeds, args.audits)):
        seed = args.first_seed + number
        if number < args.seeds:
            figures.add_words(maker.make(seed, "swap=0.025,word=0.025"))
            figures.add_swaps(maker.make(seed, "swap=0.05"))
        if number < args.audits:
            plain = maker.make(seed, "none")
            figures.add_shuffled(plain, number)
            figures.add_audits(plain, maker.make(seed, AUDIT_FAULT))
    return {
        "question": __doc__,
        "model": args.model,
        "weights_sha256": maker.calculator.encoder.provenance.weights_sha256,
        "machine": {"system": platform.platform(), "processors": os.cpu_count()},
        "pairs": args.pairs,
        "seeds": {"first": args.first_seed, "faults": args.seeds, "audits": args.audits},
        **figures.report(),
        "seconds": round(time.perf_counter() - begin, 1),
    }


class Figures:
    """Counts, set by set."""

    def __init__(self, logit_scale: float) -> None:
        self.logit_scale = logit_scale
        self.found: dict[str, list[BoolArray]] = {}
        self.details: list[NDArray[np.str_]] = []
        self.wrong_by_set: list[float] = []
        self.uniform: list[float] = []
        self.audit: dict[str, Any] = {
            "first_of_all_lines": 0,
            "first_category_and_significant": 0,
            "gaps": [],
            "unbiased_sets_with_a_category_finding": 0,
        }

    def add_words(self, known: KnownSet) -> None:
        """Where captions with one wrong word stand."""
        word = known.faults == "word"
        contrast = exact_contrast(known.images, known.captions, logit_scale=self.logit_scale)
        kept = kept_by("fdr:1%", known)
        self._add("low_similarity", lowest_tenth(known.cosines)[word])
        self._add("low_contrast", lowest_tenth(contrast)[word])
        self._add("words_pass", kept[word])
        self._add("swaps_pass", kept[known.faults == "swap"])
        self.details.append(known.details[word])

    def add_swaps(self, known: KnownSet) -> None:
        """What ``fdr:1%`` keeps of sets with swaps only."""
        wrong, kept = known.faults == "swap", kept_by("fdr:1%", known)
        self._add("wrong_kept", wrong[kept])
        self._add("right_kept", kept[~wrong])
        self.wrong_by_set.append(round(float(wrong[kept].mean()), 5))

    def add_shuffled(self, known: KnownSet, number: int) -> None:
        """Whether p-values of shuffled pairs pass for uniform."""
        generator = np.random.default_rng(number)
        # A cycle through all rows: no caption stays where it was.
        cycle = generator.permutation(len(known.texts))
        order = np.empty(len(cycle), dtype=np.int64)
        order[cycle] = np.roll(cycle, 1)
        captions = known.captions[order]
        ids = text_ids([known.texts[row] for row in order])
        null = sample_null(known.images, captions, generator=generator, caption_ids=ids)
        cosines: FloatArray = np.einsum("nd,nd->n", known.images, captions)
        self.uniform.append(round(uniform_p(match_p_values(cosines, null)), 4))

    def add_audits(self, plain: KnownSet, vague: KnownSet) -> None:
        """Whether the audit names the category whose captions say less, and no other."""
        target = str(vague.details[vague.faults == "vague"][0])
        lines = audit_lines(vague)
        categories = [line for line in lines if line.dimension == "category"]
        is_found = categories[0].group == target and categories[0].is_significant
        self.audit["first_of_all_lines"] += lines[0].group == target
        self.audit["first_category_and_significant"] += is_found
        gap = next(line.gap for line in categories if line.group == target)
        self.audit["gaps"].append(round(gap, 3))
        alarm = any(x.is_significant for x in audit_lines(plain) if x.dimension == "category")
        self.audit["unbiased_sets_with_a_category_finding"] += alarm

    def report(self) -> dict[str, Any]:
        """Return the figures beside the bars that they have to meet."""
        detail = np.concatenate(self.details)
        low = np.concatenate(self.found["low_similarity"])
        return {
            "one_word_wrong": {
                "bar": "0.6 of them in the lowest tenth by similarity",
                "in_lowest_tenth_by_similarity": share_of(low),
                "in_lowest_tenth_by_negative_clip_loss": self._share("low_contrast"),
                "by_attribute": {str(d): share_of(low[detail == d]) for d in np.unique(detail)},
                "pass_fdr_1_percent": self._share("words_pass"),
                "swaps_that_pass_fdr_1_percent": self._share("swaps_pass"),
            },
            "swaps_only": {
                "bar": "fdr:1% keeps at most 0.015 wrong pairs and 0.95 of the right ones",
                "wrong_among_kept": self._share("wrong_kept"),
                "wrong_among_kept_by_set": self.wrong_by_set,
                "right_kept": self._share("right_kept"),
            },
            "uniform_p_values": {
                "bar": "Kolmogorov-Smirnov p above 0.01 in at least 18 of 20 sets",
                "above_0.01": sum(p > 0.01 for p in self.uniform),
                "p_values": self.uniform,
            },
            "audit": {
                "bar": "its line first in at least 19 of 20; a finding in at most 2 of 20 unbiased",
                "rule": AUDIT_RULE,
                "fault": AUDIT_FAULT,
                "sets": len(self.audit["gaps"]),
                **self.audit,
            },
        }

    def _add(self, name: str, found: BoolArray) -> None:
        self.found.setdefault(name, []).append(found)

    def _share(self, name: str) -> dict[str, float]:
        return share_of(np.concatenate(self.found[name]))


def audit_lines(known: KnownSet) -> list[AuditLine]:
    """Return what ``pairsift audit --groups category`` looks at."""
    keep = keep_rows(parse_rule(AUDIT_RULE), known.cosines)
    lengths = np.array([len(text) for text in known.texts], dtype=np.float64)
    dimensions = [
        named_dimension("category", known.categories),
        language_dimension(known.texts),
        length_dimension(lengths, name="caption length", unit="characters"),
    ]
    return audit_filter(keep, dimensions)


def kept_by(rule: str, known: KnownSet) -> BoolArray:
    """Apply a rule with default settings."""
    cosines = known.cosines
    null = sample_null(
        known.images,
        known.captions,
        generator=np.random.default_rng(ChoiceConfig().seed),
        caption_ids=text_ids(known.texts),
    )
    scales = make_scales(cosines, null)
    return keep_rows(parse_rule(rule), cosines, p_values=scales.p_values)


def lowest_tenth(values: FloatArray) -> BoolArray:
    """Return which rows are in the lowest tenth."""
    lowest = np.zeros(len(values), dtype=bool)
    lowest[np.argsort(values, kind="stable")[: len(values) // 10]] = True
    return lowest


def share_of(found: BoolArray) -> dict[str, float]:
    """Return a share with the ends of its 95 % interval."""
    low, high = wilson_interval(int(found.sum()), len(found))
    return {
        "share": round(float(found.mean()), 4),
        "low_95": round(float(low), 4),
        "high_95": round(float(high), 4),
        "of": len(found),
    }


def text_ids(texts: list[str]) -> NDArray[np.int64]:
    """Return equal numbers for equal captions."""
    return np.unique(np.array(texts), return_inverse=True)[1].astype(np.int64)


def uniform_p(values: NDArray[np.float64]) -> float:
    """Return the p-value of the Kolmogorov-Smirnov test against the uniform distribution.

    Source: Kolmogorov's series, with the correction for finite N of Stephens 1970.
    """
    ascending, num = np.sort(values), len(values)
    ranks = np.arange(num)
    distance = max(
        float(np.max((ranks + 1) / num - ascending)), float(np.max(ascending - ranks / num))
    )
    scaled = (math.sqrt(num) + 0.12 + 0.11 / math.sqrt(num)) * distance
    terms = [(-1.0) ** (k - 1) * math.exp(-2.0 * (k * scaled) ** 2) for k in range(1, 101)]
    return min(1.0, max(0.0, 2.0 * sum(terms)))


def _embed(encode: Callable[[Any], FloatArray], items: list[Any]) -> FloatArray:
    chunks = [items[begin : begin + BATCH] for begin in range(0, len(items), BATCH)]
    return np.concatenate([encode(chunk) for chunk in chunks])


if __name__ == "__main__":
    main()

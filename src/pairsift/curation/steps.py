"""Each declared rule made ready for a run: given the rows that are left, which rows go."""

from collections.abc import Callable
from functools import singledispatch

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from pairsift import schema
from pairsift.curation.balance import balanced_sample, parse_target
from pairsift.curation.conditions import rows_that_meet
from pairsift.curation.copies import best_of_groups, in_groups_of
from pairsift.curation.declared import (
    SHAPES,
    BalanceRule,
    CaptionRule,
    DeclaredRule,
    DuplicateRule,
    ImageRule,
    MismatchRule,
    SignRule,
    StatusRule,
    ThresholdRule,
    WhereRule,
    words_of,
)
from pairsift.curation.funnel import Drops, Step
from pairsift.curation.languages import detect_language
from pairsift.curation.looking import COLUMN_OF, unknown_signs
from pairsift.curation.material import Material
from pairsift.curation.rules import parse_rule
from pairsift.curation.scales import scale_run
from pairsift.curation.scored_tables import lacks, why_unknown
from pairsift.curation.thresholds import keep_rows
from pairsift.curation.worth import EXTREME_ASPECT, SMALL_SIDE
from pairsift.errors import UsageError
from pairsift.protocols import FloatArray

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

SHAPE_REASONS = {
    "url": "caption_url",
    "file name": "caption_file_name",
    "number or id": "caption_number",
}


@singledispatch
def make_step(rule: DeclaredRule, material: Material) -> Step:
    """Return a rule ready for a run.

    Args:
        rule: As declared.
        material: Of the run; what is slow is read here and not at each application.

    Raises:
        UsageError: The run does not have what the rule needs.
        ColumnError: There is no such column.
    """
    message = f"no such rule: {rule} for {material}"
    raise TypeError(message)


@make_step.register
def _(rule: StatusRule, material: Material) -> Step:
    kept = np.zeros(len(material.rows), dtype=bool)
    for status in rule.keep:
        kept |= np.asarray(pc.equal(material.statuses, status), dtype=bool)
    return _fixed(rule, {"not_scored": ~kept})


@make_step.register
def _(rule: MismatchRule, material: Material) -> Step:
    wanted = [kind for kind in rule.drop if kind not in SHAPES]
    masks = {kind: material.findings[kind] for kind in wanted} if wanted else {}
    if len(wanted) < len(rule.drop):
        shapes = np.array(material.shapes, dtype=object)
        masks |= {SHAPE_REASONS[kind]: shapes == kind for kind in rule.drop if kind in SHAPES}
    return _fixed(rule, masks)


@make_step.register
def _(rule: DuplicateRule, material: Material) -> Step:
    _require(material, schema.IMAGE_SHA256, "copies are told by")
    groups, scores = material.copies(rule), material.rows.similarities
    bytes_of = material.exact_copies
    reasons = ("duplicate_exact", *(["duplicate_near"] if "near" in rule.by else []))

    def apply(left: BoolArray) -> Drops:
        goes = best_of_groups(groups, scores, left)
        has_same_bytes = goes & in_groups_of(bytes_of, left & ~goes)
        found = {"duplicate_exact": has_same_bytes, "duplicate_near": goes & ~has_same_bytes}
        return Drops({reason: found[reason] for reason in reasons})

    return Step(words_of(rule), reasons, apply)


@make_step.register
def _(rule: CaptionRule, material: Material) -> Step:
    captions = material.captions
    characters = _numbers(pc.fill_null(pc.utf8_length(captions), 0))
    words = _numbers(pc.fill_null(pc.count_substring_regex(captions, r"\S+"), 0))
    masks = {
        "caption_short": (characters < rule.min_characters) | (words < rule.min_words),
    }
    if rule.max_words is not None:
        masks["caption_long"] = words > rule.max_words
    if rule.languages:
        accepted = {None, *rule.languages}
        texts = captions.unique().to_pylist()
        wrong = {text for text in texts if text and detect_language(text) not in accepted}
        masks["caption_language"] = np.array([t in wrong for t in captions.to_pylist()], dtype=bool)
    return _fixed(rule, masks)


@make_step.register
def _(rule: ImageRule, material: Material) -> Step:
    _require(material, schema.IMAGE_WIDTH, "the shape of pictures is told by")
    shorter, longer, known = _sides(material)
    masks = {"image_small": known & (shorter < rule.min_side)}
    if rule.max_aspect is not None:
        masks["image_extreme_aspect"] = known & (longer > rule.max_aspect * shorter)
    return _fixed(rule, masks)


@make_step.register
def _(rule: SignRule, material: Material) -> Step:
    if unknown := set(rule.drop) & set(unknown_signs(material.run)):
        first = min(unknown)
        _require(material, COLUMN_OF[first], f"{first} is told by")
    shorter, longer, known = _sides(material)
    rows = material.rows
    found: dict[str, Callable[[], BoolArray]] = {
        "negative_similarity": lambda: rows.scored & (rows.cosines < 0),
        "caption_truncated": lambda: rows.truncated,
        "image_small": lambda: known & (shorter < SMALL_SIDE),
        "image_extreme_aspect": lambda: known & (longer >= EXTREME_ASPECT * shorter),
        "image_blank": lambda: material.pixel_signs["image_blank"],
        "image_dark": lambda: material.pixel_signs["image_dark"],
        "image_blurred": lambda: material.pixel_signs["image_blurred"],
    }
    return _fixed(rule, {sign: found[sign]() for sign in rule.drop})


@make_step.register
def _(rule: WhereRule, material: Material) -> Step:
    return _fixed(rule, {rule.reason: ~rows_that_meet(rule.where, material)})


@make_step.register
def _(rule: ThresholdRule, material: Material) -> Step:
    chosen = parse_rule(rule.keep)
    rows = material.rows
    labels = None if rule.by is None else material.labels(rule.by).labels
    scales = material.scales
    if labels is not None and chosen.needs_null:
        # A group is held against mismatched pairs of its own.
        scales = scale_run(material.run, rows, seed=material.seed, labels=labels)
    if rule.score == "similarity":
        scores, direction = rows.similarities, rows.similarities
    else:
        scores = direction = material.contrast.values
    if chosen.needs_null:
        direction = rows.cosines

    def apply(left: BoolArray) -> Drops:
        # A fixed value says of every row what it is; a share takes from those that are left.
        is_fixed = chosen.kind in ("similarity", "probability")
        among = scores if is_fixed else np.where(left, scores, np.float32(np.nan))
        kept = keep_rows(
            chosen,
            among,
            p_values=scales.p_values,
            probabilities=scales.probabilities,
            labels=labels,
        )
        below = ~kept if is_fixed else np.where(left, ~kept, _under(direction, kept, labels))
        scored = np.isfinite(scores)
        return Drops({"below_threshold": scored & below, "not_scored": ~scored})

    return Step(words_of(rule), ("not_scored", "below_threshold"), apply)


@make_step.register
def _(rule: BalanceRule, material: Material) -> Step:
    dimension = material.pictures(rule.categories) if rule.by is None else material.labels(rule.by)
    labels, scores = dimension.labels, material.rows.similarities
    target = parse_target(",".join(rule.target), dimension.names) if rule.target else None

    def apply(left: BoolArray) -> Drops:
        if rule.size is None:
            over = left & _beyond_cap(labels, scores, left, rule.cap or 1)
            return Drops({"over_cap": over})
        among = np.where(left, labels, -1)
        without = left & (labels < 0)
        if not (among >= 0).any():
            nothing = np.zeros(len(left), dtype=np.int64)
            return Drops({"no_category": without, "over_cap": left & ~without}, nothing)
        drawn = balanced_sample(
            among,
            size=rule.size,
            generator=np.random.default_rng(material.seed),
            target=target,
            max_repeats=rule.max_repeats,
        )
        over = left & ~without & (drawn.repeats == 0)
        return Drops({"no_category": without, "over_cap": over}, drawn.repeats)

    reasons = ("over_cap",) if rule.size is None else ("no_category", "over_cap")
    return Step(words_of(rule), reasons, apply)


def _fixed(rule: DeclaredRule, masks: dict[str, BoolArray]) -> Step:
    """Return the step of a rule that looks at each row alone."""
    drops = Drops(masks)
    return Step(words_of(rule), tuple(masks), lambda _: drops)


def _require(material: Material, column: str, words: str) -> None:
    if lacks(material.run, column):
        why = why_unknown(material.run, column)
        raise UsageError(f"{words} {column}, which is not known: {why}")


def _numbers(column: object) -> IntArray:
    return np.asarray(column, dtype=np.int64)


def _sides(material: Material) -> tuple[FloatArray, FloatArray, BoolArray]:
    rows = material.rows
    shorter = np.minimum(rows.widths, rows.heights).astype(np.float32)
    longer = np.maximum(rows.widths, rows.heights).astype(np.float32)
    return shorter, longer, shorter > 0


def _under(scores: FloatArray, kept: BoolArray, labels: IntArray | None) -> BoolArray:
    """Say which rows are below the lowest kept row of their group; all where nothing is kept."""
    groups = np.zeros(len(scores), dtype=np.int64) if labels is None else labels + 1
    lowest = np.full(int(groups.max(initial=0)) + 1, np.inf, dtype=np.float32)
    np.minimum.at(lowest, groups[kept], scores[kept])
    under: BoolArray = scores < lowest[groups]
    return under


def _beyond_cap(labels: IntArray, scores: FloatArray, left: BoolArray, cap: int) -> BoolArray:
    """Say which rows have as many better ones in their group as may stay."""
    rows = np.flatnonzero(left & (labels >= 0))
    order = rows[np.lexsort((rows, -np.nan_to_num(scores[rows], nan=-np.inf), labels[rows]))]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = labels[order][1:] != labels[order][:-1]
    first = np.maximum.accumulate(np.where(starts, np.arange(len(order)), 0))
    beyond = np.zeros(len(labels), dtype=bool)
    beyond[order[np.arange(len(order)) - first >= cap]] = True
    return beyond

"""The rules that a recipe may declare, each with the settings that it takes."""

import re
from dataclasses import dataclass, fields
from typing import Literal

from pairsift.config import DEFAULT_RULE, Score
from pairsift.curation.rules import parse_rule
from pairsift.curation.worth import PIXEL_SIGNS
from pairsift.errors import UsageError
from pairsift.statuses import RowStatus

FINDINGS = ("swap", "shift", "boilerplate", "suspect")
SHAPES = ("url", "file name", "number or id")
COPIES = ("exact", "near")
SIGN_NAMES = (
    "negative_similarity",
    "caption_truncated",
    "image_small",
    "image_extreme_aspect",
    *PIXEL_SIGNS,
)

REASONS: dict[str, str] = {
    "not_scored": "the row has no similarity; its status says why",
    "swap": "the caption belongs to another row, and that row's to this one",
    "shift": "the row is in a block whose captions are shifted against the pictures",
    "boilerplate": "the caption stands at many unlike pictures and says nothing of them",
    "suspect": "the caption fits another row's picture clearly better",
    "caption_url": "the caption is a URL",
    "caption_file_name": "the caption is a file name",
    "caption_number": "the caption is a number or an identifier",
    "duplicate_exact": "the same bytes as the picture of a row that is kept",
    "duplicate_near": "the same picture to a person as that of a row that is kept",
    "caption_short": "the caption has fewer characters or words than wanted",
    "caption_long": "the caption has more words than wanted",
    "caption_language": "the caption is in another language",
    "image_small": "the smaller side is below what is wanted",
    "image_extreme_aspect": "the longer side is too many times the shorter",
    "image_blank": "the picture is all of one colour",
    "image_dark": "the picture has hardly any light pixel",
    "image_blurred": "the picture has no sharp edge",
    "negative_similarity": "the similarity is below 0",
    "caption_truncated": "the caption is longer than the model reads",
    "below_threshold": "the rule for similarities does not keep it",
    "no_category": "the row has no category to be drawn for",
    "over_cap": "its category has enough rows without it",
}
"""Every reason in ``drop_reasons`` and what it means; conditions in SQL bring their own."""

_LANGUAGE = re.compile(r"[a-z]{2}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True)
class StatusRule:
    """Rows without a similarity go.

    Args:
        keep: Statuses that stay; more than ``ok`` for rules that need no score.
    """

    keep: tuple[str, ...] = ("ok",)

    def __post_init__(self) -> None:
        _check_words("keep", self.keep, tuple(status.value for status in RowStatus))


@dataclass(frozen=True)
class MismatchRule:
    """Wrong pairs go.

    Args:
        drop: What counts: ``swap``, ``shift``, ``boilerplate``, ``suspect``, for which the
            embeddings are searched, and ``url``, ``file name``, ``number or id``, for which it
            is enough to look at the captions.
    """

    drop: tuple[str, ...] = ("swap", "shift", "boilerplate", *SHAPES)

    def __post_init__(self) -> None:
        _check_words("drop", self.drop, (*FINDINGS, *SHAPES))


@dataclass(frozen=True)
class DuplicateRule:
    """Of pictures that stand in the set more than once one pair stays, the best scored.

    Args:
        by: How copies are told: ``exact`` by their bytes, ``near`` by their looks, for which
            every picture is read again.
        captions: ``best`` keeps the caption of the best pair; ``all`` collects every caption of
            the group that earlier rules left, in the column ``captions``.
    """

    by: tuple[str, ...] = ("exact",)
    captions: Literal["best", "all"] = "best"

    def __post_init__(self) -> None:
        _check_words("by", self.by, COPIES)


@dataclass(frozen=True)
class CaptionRule:
    """Captions of the wrong length or language go.

    Args:
        min_characters: At least that many.
        min_words: At least that many, split by white space.
        max_words: At most that many.
        languages: ISO 639-1 codes that stay; captions too short to tell stay as well.
    """

    min_characters: int = 0
    min_words: int = 0
    max_words: int | None = None
    languages: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for code in self.languages:
            if not _LANGUAGE.fullmatch(code):
                message = f"languages: `{code}` is no code of two small letters, such as en"
                raise UsageError(message)


@dataclass(frozen=True)
class ImageRule:
    """Pictures of the wrong shape go.

    Args:
        min_side: Pixels of the smaller side, at least.
        max_aspect: Longer over shorter side, at most.
    """

    min_side: int = 0
    max_aspect: float | None = None


@dataclass(frozen=True)
class SignRule:
    """Rows that are worth a look go.

    Args:
        drop: Signs, as ``pairsift audit`` lists them.
    """

    drop: tuple[str, ...] = ("negative_similarity",)

    def __post_init__(self) -> None:
        _check_words("drop", self.drop, SIGN_NAMES)


@dataclass(frozen=True)
class WhereRule:
    """Rows that do not meet a condition go; neither do those for which it is null.

    Args:
        where: An SQL expression about the user's columns and the score columns.
        reason: What stands in ``drop_reasons``.
    """

    where: str
    reason: str = "where"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.reason) or self.reason in REASONS:
            message = (
                f"reason `{self.reason}`: give a name of your own of small letters, digits and _"
            )
            raise UsageError(message)


@dataclass(frozen=True)
class ThresholdRule:
    """Rows stay by their similarity.

    Args:
        keep: ``top:30%``, ``similarity>=0.28``, ``fdr:1%`` or ``probability>=0.5``; a share is
            of the rows that earlier rules have left.
        by: Column whose groups have a cut each.
        score: What ``top`` looks at.
    """

    keep: str = DEFAULT_RULE
    by: str | None = None
    score: Score = "similarity"

    def __post_init__(self) -> None:
        rule = parse_rule(self.keep)
        if self.score != "similarity" and rule.kind != "top":
            raise UsageError(f"only top:… can look at {self.score}, not {rule}")


@dataclass(frozen=True)
class BalanceRule:
    """Categories that have many rows give some up.

    Args:
        by: Column of the category.
        categories: Instead of a column: what pictures may show, by the model's own reading.
        cap: Rows of a category, at most; the best scored stay.
        size: Instead of a cap: rows in all, drawn as evenly over the categories as they allow.
        target: With ``size``: the share of each category, ``["animals=0.5", "food=0.5"]``; the
            others are not drawn from.
        max_repeats: With ``size``: how often a row may count, in the column ``repeats``.
    """

    by: str | None = None
    categories: tuple[str, ...] = ()
    cap: int | None = None
    size: int | None = None
    target: tuple[str, ...] = ()
    max_repeats: int = 1

    def __post_init__(self) -> None:
        if (self.by is None) == (len(self.categories) < 2):
            raise UsageError("balance: give either by or at least two categories")
        if (self.cap is None) == (self.size is None):
            raise UsageError("balance: give either cap or size")
        given = [n for n in (self.cap, self.size, self.max_repeats) if n is not None]
        if min(given) < 1:
            raise UsageError("balance: cap, size and max_repeats are at least 1")
        if self.size is None and (self.max_repeats != 1 or self.target):
            raise UsageError("balance: max_repeats and target go with size")


DeclaredRule = (
    StatusRule
    | MismatchRule
    | DuplicateRule
    | CaptionRule
    | ImageRule
    | SignRule
    | WhereRule
    | ThresholdRule
    | BalanceRule
)

RULES: dict[str, type[DeclaredRule]] = {
    "status": StatusRule,
    "mismatches": MismatchRule,
    "duplicates": DuplicateRule,
    "captions": CaptionRule,
    "images": ImageRule,
    "signs": SignRule,
    "where": WhereRule,
    "threshold": ThresholdRule,
    "balance": BalanceRule,
}
"""What ``kind`` may be."""


def kind_of(rule: DeclaredRule) -> str:
    """Return the rule's kind, as a recipe writes it.

    Example:
        >>> kind_of(SignRule())
        'signs'
    """
    return next(kind for kind, known in RULES.items() if type(rule) is known)


def words_of(rule: DeclaredRule) -> str:
    """Return a rule on one line, without the settings that are as usual.

    Example:
        >>> words_of(ThresholdRule(by="theme"))
        'threshold keep=top:30%, by=theme'
    """
    kind = kind_of(rule)
    shown = []
    for item in fields(rule):
        value = getattr(rule, item.name)
        if value != item.default or item.name == "keep":
            text = "+".join(map(str, value)) if isinstance(value, tuple) else str(value)
            shown.append(text if item.name == kind else f"{item.name}={text}")
    return " ".join([kind, ", ".join(shown)]).strip()


def _check_words(name: str, given: tuple[str, ...], accepted: tuple[str, ...]) -> None:
    for word in given:
        if word not in accepted:
            raise UsageError(f"{name}: `{word}` is unknown; accepted: {', '.join(accepted)}")
    if not given:
        raise UsageError(f"{name}: give at least one of {', '.join(accepted)}")

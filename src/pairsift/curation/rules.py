"""Rules that say which rows are kept, as a person writes them."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pairsift.errors import UsageError

RuleKind = Literal["top", "similarity", "fdr", "probability"]

ACCEPTED = "top:30%, similarity>=0.28, fdr:1%, probability>=0.5"

_PERCENT = re.compile(r"(top|fdr)\s*:\s*(\d+(?:\.\d+)?)\s*%")
_AT_LEAST = re.compile(r"(similarity|probability)\s*>=\s*(-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)")


@dataclass(frozen=True)
class Rule:
    """Which rows are kept.

    Args:
        kind: ``top`` keeps a share of the scored rows, ``similarity`` and ``probability`` those
            from a value on, ``fdr`` as many as can be kept with so large a share of wrong ones.
        value: The share in [0, 1], or the value; exact, so that 30 % of 10 rows are 3.
    """

    kind: RuleKind
    value: Fraction

    def __str__(self) -> str:
        if self.kind in ("top", "fdr"):
            return f"{self.kind}:{float(self.value * 100):g}%"
        return f"{self.kind}>={float(self.value):g}"

    @property
    def needs_null(self) -> bool:
        """Whether p-values are needed, and so the embeddings."""
        return self.kind in ("fdr", "probability")


def parse_rule(text: str) -> Rule:
    """Read a rule as a person writes it.

    Args:
        text: ``top:30%``, ``similarity>=0.28``, ``fdr:1%`` or ``probability>=0.5``.

    Returns:
        The rule.

    Raises:
        UsageError: It is none of these; the message shows what is accepted.

    Example:
        >>> str(parse_rule("top: 30 %")), parse_rule("fdr:1%").value
        ('top:30%', Fraction(1, 100))
    """
    wanted = text.strip().lower()
    if match := _PERCENT.fullmatch(wanted):
        rule = Rule(match[1], Fraction(match[2]) / 100)  # type: ignore[arg-type]
        if not 0 < rule.value <= 1:
            raise UsageError(f"rule `{text}`: the share must be above 0 % and at most 100 %")
        return rule
    if match := _AT_LEAST.fullmatch(wanted):
        rule = Rule(match[1], Fraction(match[2]))  # type: ignore[arg-type]
        if rule.kind == "probability" and not 0 <= rule.value <= 1:
            raise UsageError(f"rule `{text}`: a probability is from 0 to 1")
        return rule
    hint = " (hint: a share ends in %)" if re.fullmatch(r"(top|fdr)\s*:.*\d", wanted) else ""
    raise UsageError(f"cannot read the rule `{text}`; rules look like {ACCEPTED}{hint}")

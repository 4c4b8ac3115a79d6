"""Would the smaller model do? In words, from the figures."""

from collections.abc import Sequence

from pairsift.comparing.figures import Figures

FASTER = 1.1
"""From here on a candidate counts as faster: below, the rates of two runs differ as much."""

SAME_AUC = 0.005
"""Loss of AUC that does not matter: the limit of ``models quantize``."""

SAME_KEPT = 0.95
"""Share of the reference's rows from which a selection counts as the same."""


def answer(found: Sequence[Figures], *, rule: str) -> list[str]:
    """Return a line for each candidate that is faster than the reference, and the answer.

    Args:
        found: All candidates.
        rule: As the user wrote it.
    """
    (reference,) = (one for one in found if one.is_reference)
    faster = [one for one in found if one.pairs_per_second >= FASTER * reference.pairs_per_second]
    if not faster:
        return [f"None is faster than {reference.name} here, so there is nothing to gain."]
    faster.sort(key=lambda one: -one.pairs_per_second)
    lines = [_line(one, reference, rule) for one in faster]
    whole = next((one for one in faster if _tells_apart(one) and _keeps_the_same(one)), None)
    apart = next((one for one in faster if _tells_apart(one)), None)
    if whole is not None:
        lines.append(
            f"Would a faster one do? Yes: {whole.name} tells pairs apart as well as "
            f"{reference.name} and keeps nearly the same rows."
        )
    elif apart is not None:
        lines.append(
            f"Would a faster one do? To tell wrong pairs from right ones, yes: {apart.name}. "
            f"To keep the rows that {reference.name} keeps under {rule}, no."
        )
    else:
        lines.append(
            f"Would a faster one do? Not shown here: each may lose more than {SAME_AUC:g} of AUC "
            "(more --pairs narrow the interval)."
        )
    return lines


def _line(one: Figures, reference: Figures, rule: str) -> str:
    ratio = one.pairs_per_second / reference.pairs_per_second
    low, high = one.auc_gap_95
    same = "as well" if _tells_apart(one) else "less surely"
    return (
        f"{one.name}: {ratio:.1f} times as fast as {reference.name}; tells true from mismatched "
        f"pairs {same} (AUC {one.auc_gap:+.4f}, {low:+.4f} to {high:+.4f}); of the rows that the "
        f"reference keeps under {rule} it keeps {one.kept_shared:.0%}."
    )


def _tells_apart(one: Figures) -> bool:
    return one.auc_gap_95[0] >= -SAME_AUC


def _keeps_the_same(one: Figures) -> bool:
    return one.kept_shared >= SAME_KEPT

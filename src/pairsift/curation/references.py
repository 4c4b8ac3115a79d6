"""Public thresholds to stand beside one's own, for the two models that they were made with."""

from dataclasses import dataclass

B32 = "clip-vit-base-patch32"
L14 = "clip-vit-large-patch14"

_ALIASES = {
    "openai/clip-vit-base-patch32": B32,
    "Xenova/clip-vit-base-patch32": B32,
    "openai/clip-vit-large-patch14": L14,
}


@dataclass(frozen=True)
class Reference:
    """A published threshold.

    Args:
        threshold: Cosine from which pairs were kept.
        name: Who kept them.
        share: Of the raw web pool that this keeps, where it is published.
    """

    threshold: float
    name: str
    share: float | None = None


_TABLE_SHARES = (0.01, 0.03, 0.10, 0.20, 0.30, 0.40, 0.50, 0.75, 0.90)
# Gadre et al. 2023, "DataComp", Table 16: CommonPool without a language filter.
_DATACOMP = {
    B32: (0.384, 0.358, 0.325, 0.300, 0.281, 0.263, 0.247, 0.215, 0.193),
    L14: (0.364, 0.334, 0.295, 0.266, 0.243, 0.222, 0.203, 0.160, 0.129),
}
_RULES = {
    B32: (
        Reference(0.30, "LAION-400M (Schuhmann et al. 2021)"),
        Reference(0.28, "LAION-5B, English part (Schuhmann et al. 2022)"),
    ),
    L14: (Reference(0.243, "DataComp's best single rule, the top 30 % (Gadre et al. 2023)", 0.30),),
}


def public_references(model: str, *, measure: str = "cosine") -> list[Reference]:
    """Return the published thresholds that hold for a model.

    Args:
        model: Name of the model record, or repo.
        measure: Name of the measure: the thresholds are cosines.

    Returns:
        Rules of well-known sets first, then DataComp's table; nothing for any other model, whose
        numbers are not comparable.

    Example:
        >>> [reference.threshold for reference in public_references("clip-vit-base-patch32")][:2]
        [0.3, 0.28]
        >>> public_references("storybook")
        []
    """
    name = model.removeprefix("hf:").split("@")[0]
    name = _ALIASES.get(name, name)
    if name not in _DATACOMP or measure != "cosine":
        return []
    table = [
        Reference(threshold, f"DataComp's raw pool, its top {share:.0%}", share)
        for share, threshold in zip(_TABLE_SHARES, _DATACOMP[name], strict=True)
    ]
    return [*_RULES[name], *table]

"""A recipe applied to a run: what is decided of every row, and what that does to whom."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairsift import __version__
from pairsift.config import AuditConfig
from pairsift.curation.auditing import Audit, audit_rows
from pairsift.curation.choice import calibration_of
from pairsift.curation.copies import captions_of_groups
from pairsift.curation.declared import DuplicateRule, ThresholdRule
from pairsift.curation.funnel import Verdict, run_funnel
from pairsift.curation.material import Material
from pairsift.curation.recipe import Recipe
from pairsift.curation.steps import make_step
from pairsift.runs import Run

GAPS = 20
"""Lines of the audit that curation.json keeps: the largest gaps."""


@dataclass(frozen=True)
class Curation:
    """What a recipe decides of a run.

    Args:
        recipe: The recipe.
        material: The run as the rules saw it.
        verdict: What they say of every row.
        captions: Every caption of a group of copies that earlier rules left, by the place of the
            row that stays; empty unless the recipe collects them.
        audit: What the decision does to groups of rows.
    """

    recipe: Recipe
    material: Material
    verdict: Verdict
    captions: dict[int, list[str]]
    audit: Audit

    def __len__(self) -> int:
        return len(self.verdict.bits)

    @property
    def run(self) -> Run:
        """The run that was curated."""
        return self.material.run

    @property
    def kept(self) -> NDArray[np.int64]:
        """Places of the rows that are kept, ascending."""
        return np.flatnonzero(self.verdict.keep).astype(np.int64)

    @property
    def has_repeats(self) -> bool:
        """Whether a row may count more than once."""
        return bool(self.verdict.repeats.max(initial=1) > 1)

    @property
    def has_contrast(self) -> bool:
        """Whether negative CLIP losses were made for a rule."""
        return any(
            isinstance(rule, ThresholdRule) and rule.score == "negative-clip-loss"
            for rule in self.recipe.rules
        )

    @property
    def collects_captions(self) -> bool:
        """Whether copies leave their captions to the row that stays."""
        return any(
            isinstance(rule, DuplicateRule) and rule.captions == "all" for rule in self.recipe.rules
        )

    def to_json(self) -> dict[str, Any]:
        """Return everything but the rows as plain data: the content of curation.json."""
        info = self.run.info
        return {
            "format_version": 1,
            "version": __version__,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "recipe": self.recipe.to_json(),
            "recipe_sha256": self.recipe.sha256,
            "run": {
                "path": self.run.address,
                "created": info["created"],
                "score_identity_sha256": info["score_identity_sha256"],
                "inputs": info["inputs"],
                "measure": info["measure"],
                "provenance": info["provenance"],
            },
            "rows": len(self),
            "scored": int(self.material.rows.scored.sum()),
            "kept": len(self.kept),
            "repeats": int(self.verdict.repeats.sum()),
            "reasons": self.verdict.counts,
            "funnel": [asdict(line) for line in self.verdict.funnel],
            "calibration": calibration_of(self.material.scales),
            "audit": self.audit.to_json() | {"lines": self.audit.to_json()["lines"][:GAPS]},
        }


def curate_run(run: Run, recipe: Recipe, audit: AuditConfig) -> Curation:
    """Apply a recipe to a run; nothing is written.

    Args:
        run: Finished.
        recipe: Which rules, in which order.
        audit: Which groups the result is audited for.

    Returns:
        The decision about every row.

    Raises:
        UsageError: A rule needs what the run does not have.
        ColumnError: There is no such column.
        JobError: The input is not the one that was scored.
        MissingExtraError: A rule or the audit needs the extra ``curate``.
    """
    material = Material(run, seed=recipe.seed)
    steps = [make_step(rule, material) for rule in recipe.rules]
    verdict = run_funnel(steps, len(material.rows))
    return Curation(
        recipe=recipe,
        material=material,
        verdict=verdict,
        captions=_collected(recipe, material, verdict),
        audit=audit_rows(run, material.rows, verdict.keep, audit, seed=recipe.seed),
    )


def _collected(recipe: Recipe, material: Material, verdict: Verdict) -> dict[int, list[str]]:
    collected: dict[int, list[str]] = {}
    kept = np.flatnonzero(verdict.keep).astype(np.int64)
    for rule in recipe.rules:
        if isinstance(rule, DuplicateRule) and rule.captions == "all":
            # A caption that an earlier rule found wrong does not belong to the picture.
            left = verdict.has_no_reason_before("duplicate_exact")
            collected |= captions_of_groups(material.copies(rule), kept, material.captions, left)
    return collected

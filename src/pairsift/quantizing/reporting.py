"""What came of quantising a model, for those who read it and those who refuse it."""

from dataclasses import dataclass
from pathlib import Path

from pairsift.checking import CheckReport
from pairsift.errors import ModelError
from pairsift.invariants import Check, Outcome
from pairsift.quantizing.drift import Drift


@dataclass(frozen=True)
class QuantizeReport:
    """What came of quantising a model.

    Args:
        model: The source's name.
        folder: Where the result lies; None where it was refused.
        towers: Which tower runs in what.
        num_calibration: Pairs that set the ranges.
        drift: How far it is from fp32.
        drift_checks: That, held against the limits.
        checks: What ``models check`` says; None where the drift had refused it already.
    """

    model: str
    folder: Path | None
    towers: dict[str, str]
    num_calibration: int
    drift: Drift
    drift_checks: tuple[Check, ...]
    checks: CheckReport | None

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of what refuses it."""
        wrong = tuple(c.name for c in self.drift_checks if c.outcome is Outcome.FAIL)
        return wrong + (self.checks.failed if self.checks else ())

    def require_accepted(self) -> None:
        """Raise unless the folder was written.

        Raises:
            ModelError: A limit or a check refuses it.
        """
        if self.failed:
            message = f"int8 of {self.model} is refused, and nothing is written: "
            raise ModelError(message + f"{', '.join(self.failed)}; see above")

    def __str__(self) -> str:
        towers = ", ".join(f"{name} tower {kind}" for name, kind in self.towers.items())
        lines = [
            f"{self.model} at int8: {towers}; ranges from {self.num_calibration} pairs, "
            f"drift on {self.drift.num_pairs} others"
        ]
        lines += [f"  {c.outcome:<11}  {c.name:<12}  {c.words}" for c in self.drift_checks]
        if self.checks is not None:
            lines.append(str(self.checks))
        return "\n".join(lines)

"""What a chunk of cases came to."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MOST_WORDS = 2_000
"""Characters of a finding: a whole traceback, not a whole file."""


@dataclass
class Report:
    """What became of some cases; reports of chunks are added up.

    Args:
        outcomes: For each format, rows or tables by outcome.
        sniffed: Broken pictures whose header Pillow accepts, by format.
        findings: What must not happen; empty is good.
        num_rows: Rows that went in and came out.
        num_kept: Rows untouched by the breaking, whose scores were compared.
        peak_rss_kib: The most memory that a process had.
        native_lines: Lines that a C library wrote to standard error past Python.
    """

    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    sniffed: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    num_rows: int = 0
    num_kept: int = 0
    peak_rss_kib: int = 0
    native_lines: int = 0

    def count(self, kind: str, outcome: str) -> None:
        """Count one outcome of a format."""
        self.outcomes.setdefault(kind, Counter())[outcome] += 1

    def find(self, case: object, words: str) -> None:
        """Write down what must not happen."""
        self.findings.append({"case": str(case), "what": words[-MOST_WORDS:]})

    def add(self, other: "Report") -> None:
        """Count another chunk in."""
        for kind, counts in other.outcomes.items():
            self.outcomes.setdefault(kind, Counter()).update(counts)
        self.sniffed.update(other.sniffed)
        self.findings += other.findings
        self.num_rows += other.num_rows
        self.num_kept += other.num_kept
        self.peak_rss_kib = max(self.peak_rss_kib, other.peak_rss_kib)
        self.native_lines += other.native_lines

    def to_json(self) -> dict[str, Any]:
        """Return plain data in a fixed order."""
        return {
            "outcomes": {
                kind: dict(sorted(counts.items())) for kind, counts in sorted(self.outcomes.items())
            },
            "sniffed": dict(sorted(self.sniffed.items())),
            "findings": self.findings,
            "num_rows": self.num_rows,
            "num_kept": self.num_kept,
            "peak_rss_kib": self.peak_rss_kib,
            "native_lines": self.native_lines,
        }


def from_json(data: dict[str, Any]) -> Report:
    """Return the report that ``to_json`` made plain."""
    return Report(
        outcomes={kind: Counter(counts) for kind, counts in data["outcomes"].items()},
        sniffed=Counter(data["sniffed"]),
        findings=data["findings"],
        num_rows=data["num_rows"],
        num_kept=data["num_kept"],
        peak_rss_kib=data["peak_rss_kib"],
        native_lines=data["native_lines"],
    )

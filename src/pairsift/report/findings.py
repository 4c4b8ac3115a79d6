"""Which wrong pairs a report shows: as they were found before, or of a small run found now."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from pairsift.curation.embedded import FEWEST_ROWS, EmbeddedPairs
from pairsift.curation.kept import MISMATCHES, KeptFindings, read_findings
from pairsift.curation.mismatches import find_mismatches
from pairsift.curation.rows import read_cells
from pairsift.errors import PairsiftError
from pairsift.report.material import Material

MAX_ROWS = 20_000
"""Rows up to which wrong pairs are searched for a report: half a minute on one processor."""

WITH_PICTURES = ("shift", "swap", "suspect")
"""Kinds of findings that two pictures show."""

MOST = {"shift": 4, "swap": 6, "boilerplate": 3, "suspect": 4}
"""Findings of a kind that are shown."""

MOST_TEXTS = 8
PICTURES_OF_A_BLOCK = 5

Line = Mapping[str, Any]


@dataclass(frozen=True)
class WrongPairs:
    """What was found, and what of it is shown.

    Args:
        findings: Lines of ``mismatches.FINDINGS_SCHEMA`` by finding.
        places: Of rows in the run, by file and row.
        problem: Why nothing was searched, or None.
        source: Where the findings come from, and what was not searched, in words.
        has_files: There are several input files.
    """

    findings: Sequence[Sequence[Line]] = ()
    places: Mapping[tuple[int, int], int] = field(default_factory=dict)
    problem: str | None = None
    source: str = ""
    has_files: bool = False

    @property
    def shown(self) -> dict[str, list[Sequence[Line]]]:
        """The findings that are shown, by kind; captions that are no captions under their shape."""
        by_kind: dict[str, list[Sequence[Line]]] = defaultdict(list)
        for lines in self.findings:
            kind = str(lines[0]["kind"])
            if len(by_kind[kind]) < MOST.get(kind, MOST_TEXTS):
                by_kind[kind].append(lines)
        return by_kind


def choose_wrong_pairs(material: Material) -> WrongPairs:
    """Return what ``pairsift mismatches`` found; of a small run that was not searched, search.

    Args:
        material: Of the run.
    """
    kept = read_findings(material.run, MISMATCHES)
    if kept is not None and kept.is_current:
        return _with_places(material, _grouped(kept.table), "As pairsift mismatches found them.")
    searched = _search(material, _command(kept))
    if isinstance(searched, WrongPairs):
        return searched
    return _with_places(material, searched, f"Searched for this page. {_command(kept)}")


def _command(kept: KeptFindings | None) -> str:
    """Return in words how to get the findings into the run folder."""
    if kept is None:
        return "The command pairsift mismatches keeps all of them, with the run."
    return (
        "Rows were scored after pairsift mismatches had searched: the command again finds what "
        "holds now."
    )


def _search(material: Material, command: str) -> list[list[Line]] | WrongPairs:
    """Return the findings of a small run, or why there are none."""
    if material.num_scored == 0:
        return WrongPairs(problem="No row has a similarity, so there is nothing to search.")
    shards = []
    num_pairs = 0
    for shard in material.run.embeddings():
        num_pairs += len(shard.rows)
        if num_pairs > MAX_ROWS:
            words = f"More than {MAX_ROWS:,} rows are not searched for a page. {command}"
            return WrongPairs(problem=words)
        shards.append(shard)
    if not shards:
        return WrongPairs(
            problem="No embeddings to search with: score with --embeddings all, then run "
            "pairsift mismatches."
        )
    files = np.concatenate([np.full(len(s.rows), s.file, dtype=np.int64) for s in shards])
    ordinals = np.concatenate([shard.rows for shard in shards])
    places = material.rows.places(files.astype(np.int32), ordinals)
    try:
        texts = read_cells(material.run, material.rows, places, material.run.info["caption_column"])
    except (PairsiftError, OSError, KeyError, ValueError) as error:
        return WrongPairs(problem=f"The captions cannot be read: {error}")
    pairs = EmbeddedPairs(
        files,
        ordinals,
        np.concatenate([shard.images for shard in shards]),
        np.concatenate([shard.captions for shard in shards]),
        tuple(texts),
    )
    return _grouped(find_mismatches(pairs).to_arrow())


def _limits(material: Material) -> str:
    """Return in words which rows were not searched; nothing where all were."""
    if material.run.info["embeddings"] == "none":
        return " Captions were looked at by their shape only: no embeddings are kept."
    if material.num_scored < FEWEST_ROWS:
        return (
            f" Captions were looked at by their shape only: a search takes {FEWEST_ROWS} scored "
            "pairs or more."
        )
    if material.run.info["embeddings"] == "sample":
        return " Only rows whose embeddings are kept were compared."
    return ""


def _grouped(lines: pa.Table) -> list[list[Line]]:
    grouped: dict[int, list[Line]] = defaultdict(list)
    for line in lines.to_pylist():
        grouped[line["finding"]].append(line)
    return list(grouped.values())


def _with_places(material: Material, findings: list[list[Line]], source: str) -> WrongPairs:
    has_files = len(material.run.info["inputs"]) > 1
    found = WrongPairs(findings, source=source + _limits(material), has_files=has_files)
    groups = [lines for group in found.shown.values() for lines in group]
    wanted = sorted({identity for lines in groups for identity in _needs(lines)})
    if not wanted:
        return found
    files = np.array([file for file, _ in wanted], dtype=np.int32)
    rows = np.array([row for _, row in wanted], dtype=np.int64)
    places = material.rows.places(files, rows).tolist()
    return replace(found, places=dict(zip(wanted, places, strict=True)))


def _needs(lines: Sequence[Line]) -> list[tuple[int, int]]:
    kind = lines[0]["kind"]
    if kind == "boilerplate":
        return [own(line) for line in lines[:PICTURES_OF_A_BLOCK]]
    if kind not in WITH_PICTURES:
        return []
    if kind == "shift":
        lines = [middle_line(lines)]
    return [identity for line in lines for identity in (own(line), partner(line)) if identity]


def own(line: Line) -> tuple[int, int]:
    """Return file and row of a line."""
    return int(line["file"]), int(line["row"])


def partner(line: Line) -> tuple[int, int]:
    """Return file and row of the picture that a line's caption belongs to."""
    return int(line["partner_file"]), int(line["partner_row"])


def middle_line(lines: Sequence[Line]) -> Line:
    """Return the line of a block that stands for it."""
    whole = [line for line in lines if line["partner_row"] is not None]
    return whole[len(whole) // 2]

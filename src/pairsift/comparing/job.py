"""A comparison from the user's words to figures."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pairsift.comparing.candidates import Candidate, Measured, make_int8, measure_candidate
from pairsift.comparing.figures import Figures, compare_measured
from pairsift.comparing.samples import SampleFiles, write_sample
from pairsift.comparing.words import answer
from pairsift.config import CompareConfig, ScoreConfig
from pairsift.curation.rules import parse_rule
from pairsift.errors import MissingExtraError, PairsiftError, UsageError
from pairsift.quantizing.towers import INSTALL
from pairsift.records import INT8_IMAGE_FILE

PRECISIONS = ("auto", "fp32", "bf16", "fp16", "int8")
INT8 = "int8"

Announce = Callable[[str], None]


@dataclass(frozen=True)
class Comparison:
    """What came of it.

    Args:
        figures: A line for each candidate that ran.
        left_out: Why others did not, by name.
        words: The answer.
        rule: As it was read.
        num_pairs: Rows on which they were compared.
        num_rows: Rows of the table.
        seed: Of the sample and all that follows.
        failures: Rows of the sample that could not be read.
    """

    figures: list[Figures]
    left_out: dict[str, str]
    words: list[str]
    rule: str
    num_pairs: int
    num_rows: int
    seed: int
    failures: dict[str, int]

    def to_plain(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def compare_models(
    table: str,
    models: Sequence[str],
    *,
    config: ScoreConfig,
    compare: CompareConfig,
    announce: Announce = lambda _: None,
) -> Comparison:
    """Compare models, each at each precision, on a seeded sample of the user's pairs.

    Args:
        table: As for scoring.
        models: Names, folders, ``hf:ORG/NAME``.
        config: Columns, root, what may be fetched; threads, offline and cache of the models.
        compare: Precisions, reference, rule, pairs, seed.
        announce: Told what is being done.

    Raises:
        UsageError: A precision, the rule or the reference cannot be read, or pairs are too few.
        MissingExtraError: int8 is wanted, and NNCF is not installed.
        PairsiftError: The reference cannot be run.
    """
    rule = parse_rule(compare.rule)
    candidates = list_candidates(models, compare.precisions)
    with_int8 = any(needs_making(one) for one in candidates)
    if with_int8 and find_spec("nncf") is None:
        raise MissingExtraError(INSTALL)
    reference = find_reference(candidates, compare.reference)
    with tempfile.TemporaryDirectory() as scratch:
        announce(f"reading a sample of {table}")
        files = write_sample(
            table, Path(scratch), config=config, compare=compare, with_int8=with_int8
        )
        measured, left_out = _measure_all(
            candidates, files, reference=reference, config=config, announce=announce
        )
    names = [one.candidate for one in measured]
    figures = compare_measured(measured, names.index(reference), rule=rule, seed=compare.seed)
    return Comparison(
        figures=figures,
        left_out=left_out,
        words=answer(figures, rule=str(rule)),
        rule=str(rule),
        num_pairs=files.num_compared,
        num_rows=files.num_rows,
        seed=compare.seed,
        failures=files.failures,
    )


def list_candidates(models: Sequence[str], precisions: str) -> list[Candidate]:
    """Return each model at each precision; a folder that is int8 already has that one only.

    Raises:
        UsageError: There is no model, one stands twice, or a precision has no such name.

    Example:
        >>> [str(one) for one in list_candidates(["a", "b"], "fp32,bf16")]
        ['a fp32', 'a bf16', 'b fp32', 'b bf16']
    """
    wanted = _split(precisions)
    for name in wanted:
        if name not in PRECISIONS:
            message = f"unknown precision {name!r}; accepted: {', '.join(PRECISIONS)}"
            raise UsageError(message)
    if not models or len(set(models)) < len(models) or not wanted or len(set(wanted)) < len(wanted):
        message = "give each model and each precision once, with commas between: --models a,b"
        raise UsageError(message)
    return [
        Candidate(model, precision)
        for model in models
        for precision in ((INT8,) if _is_int8(model) else wanted)
    ]


def split_models(models: str) -> list[str]:
    """Return names from a list with commas."""
    return _split(models)


def find_reference(candidates: Sequence[Candidate], name: str | None) -> Candidate:
    """Return the candidate that the others are held against.

    Args:
        candidates: All of them.
        name: A model; its most exact precision is taken. Default: the first model.

    Raises:
        UsageError: It is not among them.
    """
    wanted = candidates[0].model if name is None else name
    own = [one for one in candidates if one.model == wanted]
    if not own:
        known = ", ".join(dict.fromkeys(one.model for one in candidates))
        message = f"--reference {wanted} is none of the models: {known}"
        raise UsageError(message)
    order = ("fp32", "fp16", "bf16", "auto", INT8)
    return min(own, key=lambda one: order.index(one.precision))


def needs_making(candidate: Candidate) -> bool:
    """Whether int8 towers have to be made first."""
    return candidate.precision == INT8 and not _is_int8(candidate.model)


def _measure_all(
    candidates: Sequence[Candidate],
    files: SampleFiles,
    *,
    reference: Candidate,
    config: ScoreConfig,
    announce: Announce,
) -> tuple[list[Measured], dict[str, str]]:
    """Measure what can be; a candidate that cannot is told and left out, but for the reference."""
    measured: list[Measured] = []
    left_out: dict[str, str] = {}
    for candidate in candidates:
        announce(f"{candidate}: {files.num_compared} pairs")
        try:
            measured.append(_measure(candidate, files, config))
        except PairsiftError as error:
            if candidate == reference:
                raise
            left_out[str(candidate)] = str(error)
            announce(f"{candidate} is left out: {error}")
    return measured, left_out


def _measure(candidate: Candidate, files: SampleFiles, config: ScoreConfig) -> Measured:
    if not needs_making(candidate) or files.reserve is None:
        return measure_candidate(candidate, files.compared, config=config)
    # Folders of two models may have one name.
    folder = Path(tempfile.mkdtemp(prefix="int8-", dir=files.reserve.parent))
    made = make_int8(candidate.model, files.reserve, folder, config=config)
    if made["failed"]:
        message = f"refused by {', '.join(made['failed'])}, as `models quantize` would"
        raise UsageError(message)
    found = measure_candidate(Candidate(str(folder), INT8), files.compared, config=config)
    return Measured(**(vars(found) | {"candidate": candidate}))


def _is_int8(model: str) -> bool:
    return (Path(model).expanduser() / INT8_IMAGE_FILE).is_file()


def _split(words: str) -> list[str]:
    return [word.strip() for word in words.split(",") if word.strip()]

"""One candidate in a process of its own, so that its memory is its own."""

import multiprocessing
import signal
import statistics
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pairsift.build import build_scorer
from pairsift.comparing.samples import read_pairs
from pairsift.config import QuantizeConfig, RunConfig, ScoreConfig
from pairsift.errors import JobError, PairsiftError
from pairsift.planning.here import peak_bytes
from pairsift.protocols import FloatArray
from pairsift.quantizing.making import quantize_model
from pairsift.runs.writing import CAPTION_INDEX, IMAGE_INDEX

MAX_PASSES, ENOUGH_SECONDS = 5, 4.0
"""The rate is the median of passes over all rows, at most so many; no further one begins once
together they took so long."""


@dataclass(frozen=True)
class Candidate:
    """A model at a precision.

    Args:
        model: A name, a folder, or ``hf:ORG/NAME``.
        precision: As for scoring; ``int8`` of a model that is none is made first.
    """

    model: str
    precision: str

    def __str__(self) -> str:
        return f"{Path(self.model).name} {self.precision}"


@dataclass(frozen=True, eq=False)
class Measured:
    """What a candidate did.

    Args:
        candidate: Which.
        images: Rows of the pictures, (N, D).
        captions: Rows of the captions, (N, D).
        pairs_per_second: From encoded pictures in memory to similarities, decoding included.
        passes: How often all rows were timed.
        peak_bytes: Of its own process, the interpreter and the runtime included.
        setup_seconds: Finding the model and building the towers.
        provenance: What ran.
    """

    candidate: Candidate
    images: FloatArray
    captions: FloatArray
    pairs_per_second: float
    passes: int
    peak_bytes: int
    setup_seconds: float
    provenance: dict[str, Any]

    @property
    def similarities(self) -> FloatArray:
        """Cosines of the pairs, shape (N,)."""
        cosines: FloatArray = np.einsum("nd,nd->n", self.images, self.captions)
        return cosines


def measure_candidate(candidate: Candidate, sample: Path, *, config: ScoreConfig) -> Measured:
    """Run a candidate over a sample in a fresh process.

    Raises:
        PairsiftError: As building and scoring do.
        JobError: The process ended by itself.
    """
    model = replace(config.model, model=candidate.model, precision=candidate.precision)  # type: ignore[arg-type]
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch) / "rows.npz"
        settings = replace(config, model=model, run=replace(RunConfig(), no_dedupe=True))
        facts = in_new_process(_measure, settings, sample, place)
        with np.load(place, allow_pickle=False) as rows:
            return Measured(candidate, rows["images"], rows["captions"], **facts)


def make_int8(model: str, reserve: Path, to: Path, *, config: ScoreConfig) -> dict[str, Any]:
    """Quantise a model in a process of its own, with the limits of ``models quantize``.

    Returns:
        ``failed``, the names of what refuses it, and ``words``, the figures.
    """
    return in_new_process(_quantize, model, reserve, to, config)


def in_new_process(work: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Call a function of a module in a fresh interpreter and return its answer.

    Raises:
        PairsiftError: What it raised.
        JobError: It ended without an answer.
    """
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        answer = here.recv()
    except EOFError:
        process.join()
        message = f"the process of a candidate ended with {process.exitcode} (out of memory?)"
        raise JobError(message) from None
    except BaseException:  # such as Ctrl-C: nobody waits for its answer any longer
        process.kill()
        raise
    finally:
        process.join()
    if isinstance(answer, Exception):
        raise answer
    found: dict[str, Any] = answer
    return found


def _answer(there: Connection, work: Callable[..., Any], arguments: Sequence[object]) -> None:
    # Ctrl-C reaches it too; who started it ends it, without a traceback.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        there.send(work(*arguments))
    except PairsiftError as error:
        there.send(error)
    except Exception:  # noqa: BLE001 - the process boundary: the parent says what happened
        there.send(JobError(traceback.format_exc().strip().splitlines()[-1]))


def _measure(config: ScoreConfig, sample: Path, place: Path) -> dict[str, Any]:
    begin = time.perf_counter()
    with closing(build_scorer(config, sample.parent)) as scorer:
        setup = time.perf_counter() - begin
        batches = list(read_pairs(sample))
        seconds: list[float] = []
        rows: list[tuple[FloatArray, FloatArray]] = []
        # The first pass meets every shape for the first time and is not counted.
        while not rows or (len(seconds) < MAX_PASSES and sum(seconds) < ENOUGH_SECONDS):
            memory = scorer.new_memory()
            begin = time.perf_counter()
            parts = list(scorer.stream_shards((batch, memory) for batch in batches))
            took = time.perf_counter() - begin
            if rows:
                seconds.append(took)
                continue
            indices = pa.Table.from_batches(parts)
            rows = [
                (
                    memory.images.rows[indices[IMAGE_INDEX].to_numpy()],
                    memory.captions.rows[indices[CAPTION_INDEX].to_numpy()],
                )
            ]
        np.savez(place, images=rows[0][0], captions=rows[0][1])
        num = sum(batch.num_rows for batch in batches)
        return {
            "pairs_per_second": num / statistics.median(seconds),
            "passes": len(seconds),
            "peak_bytes": peak_bytes(),
            "setup_seconds": setup,
            "provenance": asdict(scorer.encoder.provenance),
        }


def _quantize(model: str, reserve: Path, to: Path, config: ScoreConfig) -> dict[str, Any]:
    limits = QuantizeConfig(held_out_pairs=300)
    report = quantize_model(model, str(reserve), to, config=config, limits=limits)
    return {"failed": report.failed, "words": str(report)}

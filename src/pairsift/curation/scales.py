"""The calibrated columns of a run: percentile, p-value, probability, negative CLIP loss."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pairsift.curation.calibrate import (
    Null,
    match_p_values,
    sample_null,
    similarity_percentiles,
)
from pairsift.curation.contrast import (
    CHECK_ROWS,
    EXACT_ROWS,
    SAMPLE_ROWS,
    ContrastCheck,
    ContrastError,
    contrast_error,
    exact_contrast,
    sampled_contrast,
)
from pairsift.curation.intervals import wilson_interval
from pairsift.curation.mixture import SHARE_CUT, match_probabilities, mismatched_share
from pairsift.curation.rows import ScoredRows, model_config
from pairsift.curation.samples import sample_embeddings
from pairsift.errors import PairsiftError, UsageError
from pairsift.protocols import FloatArray
from pairsift.runs import Run
from pairsift.weights import resolve_model

DoubleArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

NULL_ROWS = 32_768
"""Rows that mismatched pairs are made of at most: each then comes in some thirty of a million."""

WIDEST_SHARE = 0.5
"""Width of the interval of a share beyond which its estimate tells nothing: below a dozen pairs."""


@dataclass(frozen=True)
class Scales:
    """What each row's similarity means, on scales that are the same for every model.

    Args:
        percentiles: Per cent of scored rows below, shape (N,).
        p_values: How often a mismatched pair is as similar, shape (N,).
        probabilities: How likely the pair is a match, shape (N,).
        share: Of mismatched pairs, as estimated.
        share_low: Lower end of its 95 % interval.
        share_high: Upper end.
        null: The mismatched pairs.

    All are NaN where a row was not scored; p-values and probabilities also where the run has no
    embeddings of two unlike pairs.
    """

    percentiles: DoubleArray
    p_values: DoubleArray
    probabilities: DoubleArray
    share: float
    share_low: float
    share_high: float
    null: Null

    @property
    def has_null(self) -> bool:
        """Whether there were mismatched pairs to compare with."""
        return len(self.null.similarities) > 0

    @property
    def is_share_known(self) -> bool:
        """Whether there are pairs enough to say what share is mismatched, to half of all."""
        return self.share_high - self.share_low <= WIDEST_SHARE


def scale_run(
    run: Run, rows: ScoredRows, *, seed: int = 0, labels: IntArray | None = None
) -> Scales:
    """Calibrate the similarities of a run against mismatched pairs of its own.

    The null needs embeddings, and any will do: where a run kept a sample of them, the p-values of
    all its rows come from that. Near-identical embeddings stand for equal pictures and captions,
    whose embeddings are equal.

    Args:
        run: The run.
        rows: Its rows.
        seed: Chooses the mismatched pairs.
        labels: Stratum of each row, shape (N,), negative where it has none: pairs are drawn
            within a stratum, and a row is held against its own.

    Returns:
        The scales of every row.
    """
    sample = sample_embeddings(run.embeddings(), max_rows=NULL_ROWS, seed=seed)
    strata = None if labels is None else labels[rows.places(sample.files, sample.rows)]
    null = sample_null(
        sample.images,
        sample.captions,
        generator=np.random.default_rng(seed),
        labels=strata,
    )
    return make_scales(rows.cosines, null, labels=labels)


def make_scales(cosines: FloatArray, null: Null, *, labels: IntArray | None = None) -> Scales:
    """Hold cosines against a null.

    Args:
        cosines: Shape (N,), NaN where a row was not scored.
        null: Mismatched pairs of the same data and model.
        labels: Stratum of each row, shape (N,), where the null was drawn by strata.
    """
    p_values = match_p_values(cosines, null, labels=labels)
    share = mismatched_share(p_values)
    finite = p_values[np.isfinite(p_values)]
    low, high = wilson_interval(int((finite > SHARE_CUT).sum()), len(finite))
    return Scales(
        percentiles=similarity_percentiles(cosines),
        p_values=p_values,
        probabilities=match_probabilities(p_values, share=share),
        share=share,
        share_low=min(1.0, float(low) / (1.0 - SHARE_CUT)),
        share_high=min(1.0, float(high) / (1.0 - SHARE_CUT)),
        null=null,
    )


@dataclass(frozen=True)
class RunContrast:
    """Negative CLIP losses of a run's rows.

    Args:
        values: Higher is better, shape (N,), NaN where a row has no embeddings.
        logit_scale: That was used; None where nothing was scored.
        error: How far the values are from exact ones, or None where they are exact.
    """

    values: FloatArray
    logit_scale: float | None
    error: ContrastError | None


def contrast_run(
    run: Run, rows: ScoredRows, *, logit_scale: float | None = None, seed: int = 0
) -> RunContrast:
    """Return the negative CLIP loss of each row of a run.

    Up to ``EXACT_ROWS`` rows it is exact; beyond, a sample stands for the set, and its error is
    found on ``CHECK_ROWS`` rows in a second pass.

    Args:
        run: The run.
        rows: Its rows.
        logit_scale: Of the model, after exp (default: as it was recorded).
        seed: Chooses the sample.

    Raises:
        UsageError: Not all embeddings are kept, or the model has no logit scale or is not here.
    """
    sample = sample_embeddings(run.embeddings(), max_rows=EXACT_ROWS, seed=seed)
    is_whole = run.info["embeddings"] == "all" and sample.num_rows > 0
    if rows.scored.any() and not is_whole:
        message = (
            "the negative CLIP loss is made from the embeddings of all rows, which are not kept "
            "here (hint: score with --embeddings all, or take the similarity)"
        )
        raise UsageError(message)
    values = np.full(len(rows), np.nan, dtype=np.float32)
    if sample.num_rows == 0:
        return RunContrast(values, logit_scale, None)
    scale = logit_scale_of(run) if logit_scale is None else logit_scale
    if sample.num_rows <= EXACT_ROWS:
        places = rows.places(sample.files, sample.rows)
        values[places] = exact_contrast(sample.images, sample.captions, logit_scale=scale)
        return RunContrast(values, scale, None)
    chosen = np.random.default_rng(seed).permutation(len(sample))
    used = np.sort(chosen[-SAMPLE_ROWS:])
    # Both kinds of rows are checked: those that stand for the set, and those that do not.
    checked = np.concatenate([chosen[: CHECK_ROWS // 2], chosen[-(CHECK_ROWS // 2) :]])
    is_sampled = np.zeros(len(rows), dtype=bool)
    is_sampled[rows.places(sample.files[used], sample.rows[used])] = True
    check = ContrastCheck(sample.images[checked], sample.captions[checked], logit_scale=scale)
    pool = (sample.images[used], sample.captions[used])
    for shard in run.embeddings():
        check.add(shard.images, shard.captions)
        places = rows.places(shard.file, shard.rows)
        values[places] = sampled_contrast(
            shard.images,
            shard.captions,
            sample=pool,
            is_sampled=is_sampled[places],
            num_rows=sample.num_rows,
            logit_scale=scale,
        )
    at_checked = rows.places(sample.files[checked], sample.rows[checked])
    return RunContrast(values, scale, contrast_error(values[at_checked], check.values()))


def logit_scale_of(run: Run) -> float:
    """Return the logit scale of the model that made a run, as run.json or the model's files say.

    Raises:
        UsageError: The model has none, or neither says it.
    """
    recorded = (run.info.get("model_record") or {}).get("logit_scale")
    if recorded is not None:
        return float(recorded)
    config = model_config(run)
    advice = "so there is no negative CLIP loss (hint: take the similarity)"
    try:
        model = resolve_model(config.model, config=replace(config, offline=True))
    except PairsiftError as error:
        message = (
            f"the logit scale of {config.model} is neither recorded nor on this disk, {advice}"
        )
        raise UsageError(message) from error
    if model.record.logit_scale is None:
        message = f"model {config.model} has no logit scale, {advice}"
        raise UsageError(message)
    return model.record.logit_scale

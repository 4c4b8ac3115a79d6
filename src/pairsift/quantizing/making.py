"""From a model and a table of pairs to a folder with int8 towers, or to a refusal."""

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov

from pairsift import cards
from pairsift.checking import check_model, open_encoder, shipped_figures
from pairsift.config import ModelConfig, QuantizeConfig, ScoreConfig
from pairsift.encoders.lengths import padded_length
from pairsift.encoders.openvino import build_towers
from pairsift.errors import ModelError, UsageError
from pairsift.fingerprints import take_fingerprint
from pairsift.invariants import Outcome
from pairsift.protocols import Encoder, FloatArray
from pairsift.quantizing import folders
from pairsift.quantizing.drift import Drift, judge_drift, measure_drift
from pairsift.quantizing.pairs import PairSample, PreparedPairs, prepare_pairs
from pairsift.quantizing.reporting import QuantizeReport
from pairsift.quantizing.towers import RECIPE, load_nncf, quantize_tower
from pairsift.records import LocalModel
from pairsift.tokenization import pad
from pairsift.weights import resolve_model

MIN_CALIBRATION, MIN_HELD_OUT = 16, 50
"""With fewer pairs neither the ranges nor the drift mean anything."""

SPARE = 0.1
"""Share of further rows that are read in case some cannot be."""

Announce = Callable[[str], None]


@dataclass(frozen=True, eq=False)
class _Work:
    """What is at hand while a model is quantised."""

    model: LocalModel
    config: ScoreConfig
    limits: QuantizeConfig
    encoder: Encoder
    calibration: PreparedPairs
    held_out: PreparedPairs
    exact: tuple[FloatArray, FloatArray]
    announce: Announce


def quantize_model(
    model: str,
    table: str,
    to: Path,
    *,
    config: ScoreConfig,
    limits: QuantizeConfig,
    announce: Announce = lambda _: None,
) -> QuantizeReport:
    """Quantise a model with ranges from the user's own pairs.

    Args:
        model: A record's name, a folder, or ``hf:ORG/NAME[@REVISION]``.
        table: The pairs, as for scoring.
        to: The folder to make; it appears whole, and only if the model is accepted.
        config: Columns, root, what may be fetched; offline and cache of the model.
        limits: How many pairs, which towers, and how far the numbers may move.
        announce: Told what is being done.

    Returns:
        The figures, whether or not it was accepted (``require_accepted`` raises).

    Raises:
        MissingExtraError: NNCF is not installed.
        UsageError: There are too few pairs, or the table is not as it must be.
        ModelError: The model is missing or unsound, or is int8 already.
        OutputExistsError: The folder holds something.
    """
    folders.check_place(to)
    load_nncf()
    local = resolve_model(model, config=config.model, announce=announce)
    if local.record.is_int8:
        raise ModelError(f"{local.record.name} is int8 already")
    work = _prepare(local, table, config=config, limits=limits, announce=announce)
    with folders.staged(to) as stage:
        towers, drift = _make_towers(work, stage)
        judged = tuple(judge_drift(drift, limits))
        report = QuantizeReport(
            model=local.record.name,
            folder=None,
            towers=towers,
            num_calibration=len(work.calibration),
            drift=drift,
            drift_checks=judged,
            checks=None,
        )
        if report.failed:
            return report
        folders.write_int8_card(stage, local, _knowledge(work, stage, towers=towers, drift=drift))
        run_as = replace(int8_config(config.model), model=str(stage))
        checked = check_model(resolve_model(str(stage), config=run_as), run_as)
        report = replace(report, checks=checked)
        if report.failed:
            return report
        folders.publish(stage, to)
        return replace(report, folder=to)


def int8_config(config: ModelConfig) -> ModelConfig:
    """Return how int8 towers run: with OpenVINO on the processor."""
    return replace(config, runtime="openvino", device="cpu", precision="int8")


def calibration_inputs(pairs: PreparedPairs, model: LocalModel) -> tuple[list[Any], list[Any]]:
    """Return what the two towers are shown, one pair at a time, as they see it when scoring."""
    recipe = model.record.text
    return [picture[None] for picture in pairs.pixels], [
        pad([caption], recipe, length=padded_length(len(caption.ids), recipe))
        for caption in pairs.captions
    ]


def int8_towers(model: LocalModel, pairs: PreparedPairs) -> tuple[ov.Model, ov.Model]:
    """Return both towers of a model at int8, without a gate.

    Args:
        model: The source.
        pairs: Set the ranges.
    """
    images, texts = calibration_inputs(pairs, model)
    image_tower, text_tower = build_towers(model)
    return quantize_tower(image_tower, images), quantize_tower(text_tower, texts)


def _prepare(
    model: LocalModel,
    table: str,
    *,
    config: ScoreConfig,
    limits: QuantizeConfig,
    announce: Announce,
) -> _Work:
    exact_config = replace(config.model, runtime="openvino", device="cpu", precision="fp32")
    encoder = open_encoder(model, exact_config)
    wanted = limits.calibration_pairs + limits.held_out_pairs
    num = wanted + int(SPARE * wanted)
    announce(f"reading up to {num:,} pairs of {table}")
    sample = PairSample(table, config, num=num, seed=limits.seed)
    pairs = prepare_pairs(sample, encoder, config)
    calibration, held_out = split_pairs(pairs, limits)
    announce(f"{model.record.name} at fp32, on {len(held_out)} held-out pairs")
    exact = _embed(encoder, held_out)
    return _Work(model, config, limits, encoder, calibration, held_out, exact, announce)


def split_pairs(
    pairs: PreparedPairs, limits: QuantizeConfig
) -> tuple[PreparedPairs, PreparedPairs]:
    """Split pairs at random into those that set the ranges and those that judge.

    Of fewer pairs than wanted each part gets its share.

    Raises:
        UsageError: There are too few.
    """
    share = limits.calibration_pairs / (limits.calibration_pairs + limits.held_out_pairs)
    num = min(limits.calibration_pairs, int(share * len(pairs)))
    order = np.random.default_rng(limits.seed).permutation(len(pairs))
    parts = (order[:num], order[num : num + limits.held_out_pairs])
    if num < MIN_CALIBRATION or len(parts[1]) < MIN_HELD_OUT:
        failed = ", ".join(f"{count} {status}" for status, count in pairs.failures.items())
        message = (
            f"{len(pairs)} readable pairs are too few for int8: at least {MIN_CALIBRATION} to set "
            f"ranges and {MIN_HELD_OUT} to judge" + (f" (not readable: {failed})" if failed else "")
        )
        raise UsageError(message)
    first, second = (
        replace(
            pairs,
            pixels=[pairs.pixels[row] for row in rows],
            captions=[pairs.captions[row] for row in rows],
        )
        for rows in parts
    )
    return first, second


def _make_towers(work: _Work, stage: Path) -> tuple[dict[str, str], Drift]:
    """Write the towers that are within the limits, or those that come nearest to it."""
    model, limits = work.model, work.limits
    exact_images, exact_texts = build_towers(model)
    pictures, captions = calibration_inputs(work.calibration, model)
    folders.copy_recipes(model, stage)
    work.announce("image tower to int8")
    images = quantize_tower(exact_images, pictures)
    texts = exact_texts
    if limits.towers != "image":
        work.announce("text tower to int8")
        texts = quantize_tower(exact_texts, captions)
    folders.write_towers(stage, images=images, texts=texts)
    folders.write_int8_card(stage, model, {})
    rows = _embed(_open(work, stage), work.held_out)
    drift = measure_drift(work.exact, rows, seed=limits.seed)
    if limits.towers == "image":
        return {"image": "int8", "text": "fp32"}, drift
    if limits.towers == "auto" and _is_beyond(drift, limits):
        alone = measure_drift(work.exact, (rows[0], work.exact[1]), seed=limits.seed)
        if not _is_beyond(alone, limits):
            work.announce("int8 captions drift too far: the text tower stays fp32")
            folders.write_towers(stage, images=images, texts=exact_texts)
            return {"image": "int8", "text": "fp32"}, alone
    return {"image": "int8", "text": "int8"}, drift


def _is_beyond(drift: Drift, limits: QuantizeConfig) -> bool:
    return any(check.outcome is Outcome.FAIL for check in judge_drift(drift, limits))


def _open(work: _Work, stage: Path) -> Encoder:
    config = replace(int8_config(work.config.model), model=str(stage))
    return open_encoder(resolve_model(str(stage), config=config), config)


def _embed(encoder: Encoder, pairs: PreparedPairs) -> tuple[FloatArray, FloatArray]:
    return encoder.encode_images(pairs.pixels), encoder.encode_texts(pairs.captions)


def _knowledge(work: _Work, stage: Path, *, towers: dict[str, str], drift: Drift) -> dict[str, Any]:
    """Return what the card says beside record and lock."""
    source_card = cards.read_card(work.model.folder) or shipped_figures(work.model) or {}
    folders.write_int8_card(stage, work.model, {})
    digest = hashlib.sha256()
    for picture, caption in zip(work.calibration.pixels, work.calibration.captions, strict=True):
        digest.update(picture.tobytes() + repr(caption.ids).encode())
    knowledge: dict[str, Any] = {
        "fingerprint": take_fingerprint(_open(work, stage)).to_plain(),
        "quantization": {
            "towers": towers,
            "recipe": RECIPE,
            "source": {
                **folders.describe_source(work.model),
                "fingerprint": take_fingerprint(work.encoder).to_plain(),
            },
            "calibration": {
                "pairs": len(work.calibration),
                "seed": work.limits.seed,
                "table_rows": work.calibration.num_rows,
                "inputs_sha256": digest.hexdigest(),
            },
            "drift": drift.to_plain(),
            "limits": asdict(work.limits),
            "made_with": {name: version(name) for name in ("nncf", "openvino", "pairsift")},
        },
    }
    if "canaries" in source_card:
        # The source's own figures: int8 has to do as well.
        knowledge["canaries"] = source_card["canaries"]
    return knowledge

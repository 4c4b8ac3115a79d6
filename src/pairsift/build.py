"""Who chooses: from configuration to objects."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pairsift.calculator import ImageTextSimilarityCalculator
from pairsift.config import ModelConfig, ScoreConfig
from pairsift.decoding import BATCH_BYTES, BATCH_ROWS, Decoding
from pairsift.errors import UnknownNameError, UsageError
from pairsift.given import UNKNOWN_MODEL, GivenEmbeddings, GivenScorer
from pairsift.isolation import Decode
from pairsift.measures import MEASURES, find_measure
from pairsift.memory import Reuse
from pairsift.models import BUILT_IN, RECORDS, ModelRecord
from pairsift.protocols import Encoder, Measure, Provenance
from pairsift.scoring import PairScorer
from pairsift.sources import Sources
from pairsift.storybook.likeness import Likeness
from pairsift.tables.embeddings import EmbeddingPart
from pairsift.weights import resolve_model

ACCELERATORS = ("cuda", "mps")
ACCELERATOR_BYTES = 4 * BATCH_BYTES
"""Pixels of one batch for each accelerator: a few of its own batches, so that it need not wait."""

DEFAULT_MODEL = ModelConfig().model


def build_encoder(
    config: ModelConfig, *, announce: Callable[[str], None] | None = None
) -> tuple[Encoder, ModelRecord]:
    """Return an encoder and the record of the model it runs.

    Args:
        config: Which model, where and how.
        announce: Told what the user should know, such as a licence (default: a log line).

    Raises:
        UnknownNameError: There is no such model, runtime or device.
        ModelError: The model's files are missing, wrong or unsound.
        MissingExtraError: The runtime is an extra that is not installed.
    """
    runtime = choose_runtime(config)
    if runtime == "fake":
        from pairsift.encoders.fake import FakeEncoder

        fake = FakeEncoder()
        return fake, fake.record
    model = resolve_model(config.model, config=config, announce=announce)
    encoder: Encoder
    if runtime == "torch":
        from pairsift.encoders.torch import open_encoder

        encoder = open_encoder(model, config)
    else:
        from pairsift.encoders.openvino import OpenVinoEncoder

        encoder = OpenVinoEncoder(model, config)
    return encoder, model.record


def choose_runtime(config: ModelConfig) -> str:
    """Return ``openvino``, ``torch`` or ``fake``: auto takes PyTorch for accelerators only.

    Raises:
        UnknownNameError: The device or runtime has no such name, or they exclude each other.

    Example:
        >>> choose_runtime(ModelConfig())
        'openvino'
        >>> choose_runtime(ModelConfig(device="cuda:0,cuda:1"))
        'torch'
    """
    parts = config.device.split(",")
    kinds = {part.strip().split(":")[0] for part in parts}
    if kinds - {"auto", "cpu", *ACCELERATORS} or ("auto" in kinds and len(parts) > 1):
        message = (
            f"unknown device {config.device!r}; accepted: auto, cpu, cuda, cuda:N, mps, "
            "or several with commas between"
        )
        raise UnknownNameError(message)
    if config.runtime not in ("auto", "openvino", "torch", "fake"):
        message = f"unknown runtime {config.runtime!r}; accepted: auto, openvino, torch, fake"
        raise UnknownNameError(message)
    wants_torch = bool(kinds & set(ACCELERATORS)) or len(parts) > 1 or config.torch_compile
    if config.runtime == "openvino" and wants_torch:
        wish = "not with torch.compile" if config.torch_compile else f"not on {config.device}"
        message = f"openvino runs on the cpu, {wish}; use --runtime torch"
        raise UnknownNameError(message)
    if config.runtime == "auto":
        return "torch" if wants_torch else "openvino"
    return config.runtime


def build_parts(
    config: ScoreConfig, *, announce: Callable[[str], None] | None = None
) -> tuple[Encoder, Measure]:
    """Return the two parts of a calculator; errors as in ``build_encoder``."""
    encoder, record = build_encoder(config.model, announce=announce)
    return encoder, find_measure(config.measure, record)


def build_calculator(
    config: ScoreConfig, *, announce: Callable[[str], None] | None = None
) -> ImageTextSimilarityCalculator:
    """Return the calculator that a configuration describes; errors as in ``build_encoder``."""
    encoder, measure = build_parts(config, announce=announce)
    return ImageTextSimilarityCalculator(
        encoder=encoder,
        measure=measure,
        image_config=config.image,
        caption_config=config.caption,
    )


def build_given_scorer(
    config: ScoreConfig,
    _root: Path,
    *,
    part: EmbeddingPart,
    announce: Callable[[str], None] | None = None,
) -> GivenScorer:
    """Return the scorer of embeddings that are there already.

    Args:
        config: Every option of the job. ``model`` says what made the embeddings; the default
            model is nobody's word.
        part: One of the parts: they have one width.
        announce: Told what the user should know (default: a log line).

    Raises:
        UsageError: The measure needs what is not known of the embeddings, or they are not of the
            model that is named.
        ModelError: The named model's scale is needed, and its files are missing or wrong.
    """
    record = _find_given(config, announce)
    if record is not None and record.width != part.width:
        message = (
            f"{part.images} has {part.width} dimensions, but model {record.name} has {record.width}"
        )
        raise UsageError(message)
    measure = find_measure(config.measure, record or RECORDS[DEFAULT_MODEL])
    if measure.caption_prefix:
        message = (
            f"measure `{measure.name}` reads {measure.caption_prefix!r} before each caption, and "
            "embeddings are made already (hint: --measure cosine)"
        )
        raise UsageError(message)
    named = config.model.model
    provenance = Provenance(
        model=UNKNOWN_MODEL if named == DEFAULT_MODEL else named,
        revision=None,
        weights_sha256=None,
        runtime=f"numpy {np.__version__}",
        device="cpu",
        precision=part.dtype.replace("float", "fp"),
        image_recipe=f"embeddings, {part.images.key or 'img_emb'}",
        text_recipe=f"embeddings, {part.captions.key or 'text_emb'}",
    )
    return GivenScorer(
        encoder=GivenEmbeddings(provenance, part.width),
        measure=measure,
        details=config.output.details,
        is_deduped=not config.run.no_dedupe,
    )


def _find_given(config: ScoreConfig, announce: Callable[[str], None] | None) -> ModelRecord | None:
    """Return the record of the model that made given embeddings, as far as it is needed."""
    named = config.model.model
    entry = MEASURES.get(config.measure)
    reads_scale = entry is not None and entry.reads_scale
    if named == DEFAULT_MODEL:
        if reads_scale:
            message = (
                f"measure `{config.measure}` needs the scale of the model that made the "
                f"embeddings; name it by --model (the default one by hf:{RECORDS[named].repo})"
            )
            raise UsageError(message)
        return None
    known = RECORDS.get(named)
    if reads_scale and (known is None or known.logit_scale is None):
        return resolve_model(named, config=config.model, announce=announce).record
    return known


def build_scorer(
    config: ScoreConfig,
    root: Path,
    *,
    announce: Callable[[str], None] | None = None,
    decode: Decode | None = None,
) -> PairScorer:
    """Return the scorer that a configuration describes; errors as in ``build_encoder``.

    Args:
        config: Every option of the job.
        root: Folder that references start from and may not leave.
        announce: Told what the user should know (default: a log line).
        decode: Takes the place of ``images.decode_image``; picklable.
    """
    encoder, measure = build_parts(config, announce=announce)
    devices = encoder.provenance.device.split(",")
    on_accelerators = devices[0].partition(":")[0] in ACCELERATORS
    return PairScorer(
        encoder=encoder,
        measure=measure,
        sources=Sources(root, config.image, config.source, offline=config.model.offline),
        image_config=config.image,
        caption_config=config.caption,
        details=config.output.details,
        decoding=Decoding(
            num_threads=config.model.threads or os.cpu_count(),
            deadline_seconds=config.run.row_deadline_seconds,
            decode=decode,
            likeness=Likeness() if encoder.provenance.model in BUILT_IN else None,
            batch_rows=BATCH_ROWS * len(devices),
            batch_bytes=(ACCELERATOR_BYTES if on_accelerators else BATCH_BYTES) * len(devices),
        ),
        reuse=Reuse(is_on=not config.run.no_dedupe, cache_bytes=config.run.cache_mb << 20),
    )

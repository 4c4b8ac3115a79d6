"""Who chooses: from configuration to objects."""

import os
from collections.abc import Callable
from pathlib import Path

from pairsift.calculator import ImageTextSimilarityCalculator
from pairsift.config import ModelConfig, ScoreConfig
from pairsift.decoding import Decoding
from pairsift.errors import UnknownNameError
from pairsift.isolation import Decode
from pairsift.measures import find_measure
from pairsift.memory import Reuse
from pairsift.models import BUILT_IN, ModelRecord
from pairsift.protocols import Encoder, Measure
from pairsift.scoring import PairScorer
from pairsift.sources import Sources
from pairsift.storybook.likeness import Likeness
from pairsift.weights import resolve_model

ACCELERATORS = ("cuda", "mps")


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
        from pairsift.encoders.torch import TorchEncoder

        encoder = TorchEncoder(model, config)
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
        >>> choose_runtime(ModelConfig(device="cuda:1"))
        'torch'
    """
    kind = config.device.split(":")[0]
    if kind not in ("auto", "cpu", *ACCELERATORS):
        message = f"unknown device {config.device!r}; accepted: auto, cpu, cuda, cuda:N, mps"
        raise UnknownNameError(message)
    if config.runtime not in ("auto", "openvino", "torch", "fake"):
        message = f"unknown runtime {config.runtime!r}; accepted: auto, openvino, torch, fake"
        raise UnknownNameError(message)
    if config.runtime == "openvino" and kind in ACCELERATORS:
        message = f"openvino runs on the cpu, not on {config.device}; use --runtime torch"
        raise UnknownNameError(message)
    if config.runtime == "auto":
        return "torch" if kind in ACCELERATORS else "openvino"
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
        ),
        reuse=Reuse(is_on=not config.run.no_dedupe, cache_bytes=config.run.cache_mb << 20),
    )

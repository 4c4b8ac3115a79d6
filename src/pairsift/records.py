"""What a model record holds."""

from dataclasses import dataclass
from pathlib import Path

from pairsift.recipes import Family, ImageRecipe, TextRecipe

ONNX_IMAGE_FILE = "onnx/vision_model.onnx"
ONNX_TEXT_FILE = "onnx/text_model.onnx"
INT8_IMAGE_FILE = "int8/image_tower.xml"
INT8_TEXT_FILE = "int8/text_tower.xml"
"""OpenVINO IR as ``pairsift models quantize`` writes it; the weights lie beside, in ``.bin``."""


@dataclass(frozen=True)
class ModelFile:
    """One file of a model.

    Args:
        path: Inside the repository, with forward slashes.
        sha256: On record, or null: resolved at the first pull and pinned in a lock.
        size: Bytes, or null.
    """

    path: str
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class PublishedAccuracy:
    """What others measured, in per cent; null where nothing is published.

    Args:
        imagenet: Zero-shot top 1 on ImageNet-1k.
        coco_text_to_image: COCO recall at 1 from caption to picture.
        coco_image_to_text: COCO recall at 1 from picture to caption.

    Source:
        open_clip ``docs/openclip_results.csv`` and ``openclip_retrieval_results.csv``; big_vision
        ``README_siglip2`` for SigLIP2.
    """

    imagenet: float | None
    coco_text_to_image: float | None
    coco_image_to_text: float | None


@dataclass(frozen=True)
class ModelRecord:
    """Everything that identifies a model.

    Args:
        name: By which it is chosen.
        family: Which architecture.
        repo: ``ORG/NAME`` on the hub; null for built-in and local models.
        revision: Pinned commit; null where none is on record (pinned at the first pull).
        files: What it needs, weights included.
        image: Image recipe.
        text: Text recipe.
        logit_scale: After exp; null where only the weights know it (``bind_record`` fills it in).
        logit_bias: SigLIP's bias; null for CLIP, and where only the weights know it.
        width: Dimensions D of the embeddings.
        licence: SPDX name, or words.
        accuracy: What others measured.
    """

    name: str
    family: Family
    repo: str | None
    revision: str | None
    files: tuple[ModelFile, ...]
    image: ImageRecipe
    text: TextRecipe
    logit_scale: float | None
    logit_bias: float | None
    width: int
    licence: str
    accuracy: PublishedAccuracy | None = None

    @property
    def is_onnx(self) -> bool:
        """Whether the weights are ONNX files in the public layout instead of safetensors."""
        return any(file.path == ONNX_TEXT_FILE for file in self.files)

    @property
    def is_int8(self) -> bool:
        """Whether the towers were quantised by ``pairsift models quantize``."""
        return any(file.path == INT8_IMAGE_FILE for file in self.files)


@dataclass(frozen=True)
class LocalModel:
    """A model whose files are on this disk: all that an encoder needs.

    Args:
        record: What it is.
        folder: Where its files lie, at the paths of ``record.files``.
        weights_sha256: Of the weights; null where they are several files.
    """

    record: ModelRecord
    folder: Path
    weights_sha256: str | None = None

"""Which weights: the records of known models, and the record of any checkpoint folder."""

import difflib
import math
from dataclasses import replace
from pathlib import Path

from pairsift.checkpoints import INDEX_FILE, WEIGHTS_FILE, map_file, weight_files
from pairsift.errors import ModelRecipeError, UnknownNameError
from pairsift.preprocess import CLIP_MEAN, CLIP_STD, HALF, derive_image_recipe
from pairsift.recipes import ImageRecipe, TextRecipe, read_config, undecided
from pairsift.records import (
    INT8_IMAGE_FILE,
    INT8_TEXT_FILE,
    ONNX_IMAGE_FILE,
    ONNX_TEXT_FILE,
    LocalModel,
    ModelFile,
    ModelRecord,
    PublishedAccuracy,
)
from pairsift.tokenization import derive_text_recipe

__all__ = [
    "RECORDS",
    "ImageRecipe",
    "LocalModel",
    "ModelFile",
    "ModelRecord",
    "PublishedAccuracy",
    "TextRecipe",
    "bind_record",
    "derive_record",
    "find_record",
    "ir_weights",
]

_CONFIGS = ("config.json", "preprocessor_config.json", "tokenizer.json", "tokenizer_config.json")
_SAFETENSORS = tuple(ModelFile(path) for path in (*_CONFIGS, WEIGHTS_FILE))
# Of Xenova/clip-vit-base-patch32 at the revision below; openai's own file is the same.
_CLIP_TOKENIZER_SHA256 = "f7f3b7af117d467b58374797691a6438d3e6b9e9cef800dfd5dced7f697a90cd"
_CLIP_TEXT = TextRecipe(77, pad_id=49407, end_id=49407, lowercase=False, trim_exact=True)
_SIGLIP_TEXT = TextRecipe(64, pad_id=1, end_id=1, lowercase=False, trim_exact=False)
_SIGLIP2_TEXT = TextRecipe(64, pad_id=0, end_id=1, lowercase=True, trim_exact=False)


def _clip(
    name: str,
    repo: str,
    *,
    width: int,
    accuracy: PublishedAccuracy,
    logit_scale: float | None = None,
) -> ModelRecord:
    """Return the record of a CLIP with the recipes of OpenAI's, in safetensors."""
    return ModelRecord(
        name=name,
        family="clip",
        repo=repo,
        revision=None,
        files=_SAFETENSORS,
        image=ImageRecipe(224, "shortest", "bicubic", CLIP_MEAN, CLIP_STD),
        text=_CLIP_TEXT,
        logit_scale=logit_scale,
        logit_bias=None,
        width=width,
        licence="MIT",
        accuracy=accuracy,
    )


def _onnx_clip(
    name: str, repo: str, *, accuracy: PublishedAccuracy, revision: str | None = None
) -> ModelRecord:
    """Return the record of an OpenAI CLIP whose main revision holds no safetensors."""
    tokenizer = ModelFile("tokenizer.json", _CLIP_TOKENIZER_SHA256 if revision else None)
    files = (ModelFile("config.json"), ModelFile("preprocessor_config.json"), tokenizer)
    return replace(
        # OpenAI's scale ended at its clamp; the split towers do not carry it.
        _clip(name, repo, width=512, accuracy=accuracy, logit_scale=100.0),
        revision=revision,
        files=(*files, ModelFile(ONNX_IMAGE_FILE), ModelFile(ONNX_TEXT_FILE)),
    )


def _siglip(
    name: str,
    repo: str,
    image: ImageRecipe,
    text: TextRecipe,
    accuracy: PublishedAccuracy,
) -> ModelRecord:
    """Return the record of a base-size SigLIP or SigLIP2 in safetensors."""
    return ModelRecord(
        name=name,
        family="siglip",
        repo=repo,
        revision=None,
        files=_SAFETENSORS,
        image=image,
        text=text,
        logit_scale=None,
        logit_bias=None,
        width=768,
        licence="Apache-2.0",
        accuracy=accuracy,
    )


_KNOWN = (
    _siglip(
        "siglip2-base-patch32-256",
        "google/siglip2-base-patch32-256",
        ImageRecipe(256, "squash", "bilinear", HALF, HALF),
        _SIGLIP2_TEXT,
        PublishedAccuracy(74.0, 47.2, 63.7),
    ),
    _siglip(
        "siglip2-base-patch16-224",
        "google/siglip2-base-patch16-224",
        ImageRecipe(224, "squash", "bilinear", HALF, HALF),
        _SIGLIP2_TEXT,
        PublishedAccuracy(78.2, 52.1, 68.9),
    ),
    _siglip(
        "siglip-base-patch16-224",
        "google/siglip-base-patch16-224",
        ImageRecipe(224, "squash", "bicubic", HALF, HALF),
        _SIGLIP_TEXT,
        PublishedAccuracy(76.0, 47.8, 65.7),
    ),
    _onnx_clip(
        "clip-vit-base-patch32",
        "Xenova/clip-vit-base-patch32",
        revision="d15189d7028b43f1d3e65039190477f6af591c2a",
        accuracy=PublishedAccuracy(63.3, 30.4, 50.1),
    ),
    _onnx_clip(
        "clip-vit-base-patch16",
        "Xenova/clip-vit-base-patch16",
        accuracy=PublishedAccuracy(68.3, 33.1, 52.4),
    ),
    _clip(
        "clip-vit-large-patch14",
        "openai/clip-vit-large-patch14",
        width=768,
        accuracy=PublishedAccuracy(75.5, 36.5, 56.3),
        logit_scale=100.0,
    ),
    _clip(
        "clip-vit-base-patch32-laion2b",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        width=512,
        accuracy=PublishedAccuracy(66.6, 39.3, 56.3),
    ),
    _clip(
        "clip-vit-base-patch32-datacomp",
        "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
        width=512,
        accuracy=PublishedAccuracy(69.2, 37.1, 53.5),
    ),
)

RECORDS: dict[str, ModelRecord] = {record.name: record for record in _KNOWN}
"""The known models by name, in the order in which they are listed."""

BUILT_IN = ("storybook", "storybook-small")
"""Models whose files are package data; their records are derived from these files."""

BUILT_IN_LICENCE = "Apache-2.0"
DATA = Path(__file__).parent / "data"


def find_record(name: str) -> ModelRecord:
    """Return the record of a known or built-in model.

    Args:
        name: As listed by ``pairsift models list``.

    Returns:
        The record.

    Raises:
        UnknownNameError: There is no such model; the nearest names are given.
        ModelRecipeError: A built-in model's files are not in this installation.
    """
    if name in RECORDS:
        return RECORDS[name]
    known = (*RECORDS, *BUILT_IN)
    if name in BUILT_IN:
        return replace(derive_record(DATA / name, name=name), licence=BUILT_IN_LICENCE)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4) or known
    raise UnknownNameError(f"unknown model {name!r}; did you mean: {', '.join(near)}")


def derive_record(folder: Path, *, name: str, lowercase: bool = False) -> ModelRecord:
    """Read the record of any CLIP or SigLIP checkpoint from its own files.

    Args:
        folder: The checkpoint: config files, tokenizer.json, and weights in safetensors or ONNX.
        name: What to call it.
        lowercase: It is known that captions have to be lower-cased, whether or not the files
            say so.

    Returns:
        The record; its licence is what nobody has said yet.

    Raises:
        ModelRecipeError: A field cannot be derived with certainty; it is named.
        WeightsError: The weights are malformed.
    """
    config = read_config(folder)
    image = derive_image_recipe(folder, config)
    text = derive_text_recipe(folder, config, lowercase=lowercase)
    files = [ModelFile(path) for path in _CONFIGS if (folder / path).is_file()]
    weights = weight_files(folder)
    scale, bias = None, None
    if weights:
        files += [ModelFile(path.name) for path in weights]
        files += [ModelFile(INDEX_FILE)] if (folder / INDEX_FILE).is_file() else []
        scale, bias = _read_scale(folder)
    elif (folder / ONNX_TEXT_FILE).is_file() and (folder / ONNX_IMAGE_FILE).is_file():
        files += [ModelFile(ONNX_IMAGE_FILE), ModelFile(ONNX_TEXT_FILE)]
    elif (folder / INT8_IMAGE_FILE).is_file() and (folder / INT8_TEXT_FILE).is_file():
        towers = (INT8_IMAGE_FILE, INT8_TEXT_FILE)
        files += [ModelFile(path) for tower in towers for path in (tower, ir_weights(tower))]
    else:
        raise undecided(folder, "weights", f"neither {WEIGHTS_FILE} nor {ONNX_TEXT_FILE} is there")
    return ModelRecord(
        name=name,
        family=config.family,
        repo=None,
        revision=None,
        files=tuple(files),
        image=image,
        text=text,
        logit_scale=scale,
        logit_bias=bias,
        width=config.width,
        licence="unknown",
    )


def bind_record(record: ModelRecord, folder: Path) -> ModelRecord:
    """Check a record against the files that came, and fill in what only the weights know.

    Args:
        record: The record of a known model.
        folder: Its files.

    Returns:
        The record with ``logit_scale`` and ``logit_bias`` where the weights hold them.

    Raises:
        ModelRecipeError: The files' own recipe is not the record's; the field is named.
    """
    found = derive_record(folder, name=record.name, lowercase=record.text.lowercase)
    for field in ("family", "image", "text", "width"):
        if getattr(found, field) != getattr(record, field):
            raise ModelRecipeError(
                f"{folder}: `{field}` is not as recorded for {record.name}: "
                f"{getattr(found, field)} instead of {getattr(record, field)}"
            )
    scale = found.logit_scale if found.logit_scale is not None else record.logit_scale
    bias = found.logit_bias if found.logit_bias is not None else record.logit_bias
    return replace(record, logit_scale=scale, logit_bias=bias)


def ir_weights(tower: str) -> str:
    """Return the path of the weights that belong to a tower in OpenVINO IR.

    Example:
        >>> ir_weights("int8/text_tower.xml")
        'int8/text_tower.bin'
    """
    return tower.removesuffix(".xml") + ".bin"


def _read_scale(folder: Path) -> tuple[float | None, float | None]:
    """Return logit scale (after exp) and bias as the weights hold them."""
    tensors = {key: value for path in weight_files(folder) for key, value in map_file(path).items()}
    scale, bias = tensors.get("logit_scale"), tensors.get("logit_bias")
    return (
        None if scale is None else math.exp(float(scale.to_float32().reshape(-1)[0])),
        None if bias is None else float(bias.to_float32().reshape(-1)[0]),
    )

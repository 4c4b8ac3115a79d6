"""CLIP ViT-B/32, ViT-B/16 and SigLIP2-B/32-256 at full size with random weights, at test time."""

import importlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pairsift.config import ModelConfig
from pairsift.encoders.openvino import OpenVinoEncoder
from pairsift.encoders.torch import TorchEncoder
from pairsift.models import LocalModel, derive_record
from tests.encoders.goldens import FOLDER, TOLERANCE

pytestmark = [pytest.mark.slow, pytest.mark.torch]

FULL_SIZE_TOLERANCE = 1e-4
BASE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12}
CLIP_TEXT = {"vocab_size": 49408, "hidden_size": 512}
SIZES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "clip-vit-base-patch32": ("clip-quick", CLIP_TEXT, {"patch_size": 32, "image_size": 224}),
    "clip-vit-base-patch16": ("clip-quick", CLIP_TEXT, {"patch_size": 16, "image_size": 224}),
    "siglip2-base-patch32-256": (
        "siglip2",
        {"vocab_size": 256000},
        {"patch_size": 32, "image_size": 256},
    ),
}
CAPTIONS = [
    "a red circle above a blue square",
    "two boats on the sea at night",
    "a house " * 60,
    "\N{ROCKET} caf\u00e9",
]


def pictures(count: int) -> list[Image.Image]:
    """Draw pictures with the spectrum of photographs: noise at several scales."""
    generator = np.random.default_rng(5)
    made = []
    for number in range(count):
        size = (400 + 37 * number, 300 + 11 * number)
        whole = np.zeros((size[1], size[0], 3))
        for scale in (4, 16, 64):
            small = generator.integers(0, 256, (scale * 3 // 4, scale, 3), dtype=np.uint8)
            grown = Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)
            whole += np.asarray(grown, dtype=np.float64) / 3
        image = Image.fromarray(whole.astype(np.uint8))
        made.append(image.filter(ImageFilter.DETAIL))
    return made


def write(folder: Path, name: str) -> Any:
    """Write the checkpoint of one full-size model and return transformers' own."""
    torch, transformers = (importlib.import_module(part) for part in ("torch", "transformers"))
    golden, text, vision = SIZES[name]
    folder.mkdir()
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(FOLDER / golden / file, folder / file)
    processor = json.loads((FOLDER / golden / "preprocessor_config.json").read_text())
    side = {"height": vision["image_size"], "width": vision["image_size"]}
    if golden == "siglip2":
        processor["size"] = side
        config = transformers.SiglipConfig(text_config=text, vision_config=BASE | vision)
        kind = transformers.SiglipModel
    else:
        processor |= {"size": {"shortest_edge": vision["image_size"]}, "crop_size": side}
        end = json.loads((FOLDER / golden / "config.json").read_text())["text_config"]
        text = text | {"eos_token_id": end["eos_token_id"]}
        config = transformers.CLIPConfig(text_config=text, vision_config=BASE | vision)
        kind = transformers.CLIPModel
    (folder / "preprocessor_config.json").write_text(json.dumps(processor))
    with torch.device("meta"):
        model = kind(config)
    model.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(11)
    with torch.no_grad():
        for parameter, weight in model.named_parameters():
            if "norm" in parameter and parameter.endswith("weight"):
                weight.fill_(1.0)
            elif weight.dim() < 2:
                weight.normal_(0, 0.02, generator=generator)
            else:
                weight.normal_(0, 0.03, generator=generator)
        for buffer, value in model.named_buffers():
            if buffer.endswith("position_ids"):
                value.copy_(torch.arange(value.shape[-1])[None])
    model.half().save_pretrained(folder)
    return model.float().eval()


@pytest.mark.parametrize("name", list(SIZES))
def test_full_size_as_transformers(tmp_path: Path, name: str) -> None:
    torch, transformers = (importlib.import_module(part) for part in ("torch", "transformers"))
    reference = write(tmp_path / name, name)
    images = pictures(4)
    processor = transformers.AutoImageProcessor.from_pretrained(tmp_path / name, backend="pil")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / name)
    tokenizer.padding_side = "right"
    length = 64 if name.startswith("siglip") else 77
    ids = tokenizer(CAPTIONS, padding="max_length", truncation=True, max_length=length)
    normalize = torch.nn.functional.normalize
    with torch.inference_mode():
        pixels = processor(images, return_tensors="pt")["pixel_values"]
        image = reference.get_image_features(pixel_values=pixels).pooler_output
        text = reference.get_text_features(torch.tensor(ids["input_ids"])).pooler_output
    expected = normalize(image).numpy(), normalize(text).numpy()
    del reference
    model = LocalModel(derive_record(tmp_path / name, name=name), tmp_path / name)
    rows = {}
    for kind in (OpenVinoEncoder, TorchEncoder):
        encoder = kind(model, ModelConfig(precision="fp32", device="cpu"))
        rows[kind] = (
            encoder.encode_images([encoder.prepare_image(picture) for picture in images]),
            encoder.encode_texts(encoder.prepare_captions(CAPTIONS)),
        )
        for found, wanted in zip(rows[kind], expected, strict=True):
            assert np.abs(found - wanted).max() <= FULL_SIZE_TOLERANCE
    for found, other in zip(rows[OpenVinoEncoder], rows[TorchEncoder], strict=True):
        assert np.abs(found - other).max() <= TOLERANCE


def test_full_size_same_bits(tmp_path: Path) -> None:
    name = "clip-vit-base-patch32"
    write(tmp_path / name, name)
    model = LocalModel(derive_record(tmp_path / name, name=name), tmp_path / name)
    captions = [" ".join(["a red boat on the sea"] * count) for count in range(1, 10)]
    found = []
    for threads, batch_size in ((1, 32), (2, 1), (2, 7)):
        encoder = OpenVinoEncoder(
            model, ModelConfig(precision="fp32", threads=threads, batch_size=batch_size)
        )
        pixels = [encoder.prepare_image(picture) for picture in pictures(9)]
        rows = encoder.encode_images(pixels)
        found.append((rows, encoder.encode_texts(encoder.prepare_captions(captions))))
    for image_rows, text_rows in found[1:]:
        assert np.array_equal(image_rows, found[0][0])
        assert np.array_equal(text_rows, found[0][1])

"""Compare a model's embeddings with those of transformers, its own processor included.

    python scripts/check_parity.py FOLDER [--reference same|ORG/NAME] [--out FILE]

The fixed pairs of the fingerprint go through both at fp32. The greatest difference of any component
may be 1e-4, the bar for full-size models; otherwise the exit code is 1.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

from pairsift.checking import open_encoder
from pairsift.config import ModelConfig
from pairsift.fingerprints import embed, fixed_pairs
from pairsift.weights import resolve_model

TOLERANCE = 1e-4


def reference_embeddings(
    place: str, images: list[Image.Image], captions: list[str], length: int
) -> tuple[Any, Any]:
    """Return unit-norm rows as transformers computes them from its own files."""
    network = AutoModel.from_pretrained(place, dtype=torch.float32).eval()
    processor = AutoImageProcessor.from_pretrained(place, backend="pil")
    tokenizer = AutoTokenizer.from_pretrained(place)
    tokens = tokenizer(
        captions,
        padding="max_length",
        padding_side="right",
        max_length=length,
        truncation=True,
        return_tensors="pt",
    )
    with torch.inference_mode():
        pixels = [processor(image, return_tensors="pt")["pixel_values"] for image in images]
        rows = network.get_image_features(torch.cat(pixels))
        texts = network.get_text_features(input_ids=tokens["input_ids"])
    return tuple(_unit(getattr(out, "pooler_output", out).numpy()) for out in (rows, texts))


def _unit(rows: Any) -> Any:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--reference", default="same", help="same, or ORG/NAME for transformers")
    parser.add_argument("--out", type=Path, help="write the figures there as JSON")
    chosen = parser.parse_args()
    config = ModelConfig(model=str(chosen.folder), precision="fp32")
    model = resolve_model(str(chosen.folder), config=config)
    place = str(chosen.folder) if chosen.reference == "same" else chosen.reference
    images, captions = fixed_pairs()
    ours = embed(open_encoder(model, config), images, captions)
    theirs = reference_embeddings(place, images, captions, model.record.text.context_length)
    apart = [float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True)]
    figures = {
        "model": model.record.name,
        "revision": model.record.revision,
        "reference": chosen.reference,
        "transformers": transformers.__version__,
        "image_difference": apart[0],
        "text_difference": apart[1],
        "tolerance": TOLERANCE,
    }
    print(json.dumps(figures, indent=1))
    if chosen.out is not None:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps(figures, indent=1) + "\n")
    sys.exit(max(apart) > TOLERANCE)


if __name__ == "__main__":
    main()

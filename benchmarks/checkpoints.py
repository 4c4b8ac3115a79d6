"""Full-size checkpoints with random weights, photographs and long captions for benchmarks.

The weights are random, which changes no timing; the tokenizers are trained on the captions, since
the published ones cannot be assumed to be at hand.
"""

import json
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
)

WORDS = (
    "a an the of on in with and near under over photo picture close view old young small large "
    "red green blue white black golden wooden stone glass metal street river mountain field "
    "kitchen table window garden boat train dog cat horse bird man woman child people market "
    "evening morning winter summer light shadow walking standing sitting looking holding"
).split()
SIDE = 1024


def captions(num: int, *, seed: int = 0) -> list[str]:
    """Return captions of 18 to 38 words, 28 tokens in the mean with their start and end."""
    generator = np.random.default_rng(seed)
    lengths = generator.integers(16, 37, num)
    return [" ".join(generator.choice(WORDS, size)) for size in lengths]


def photographs(num: int, *, seed: int = 0) -> list[bytes]:
    """Return JPEGs of 1024x1024 with the detail and the file size of photographs."""
    generator = np.random.default_rng(seed)
    out = []
    for _ in range(num):
        layers = np.zeros((SIDE, SIDE, 3), dtype=np.float32)
        for side, weight in ((8, 90.0), (64, 40.0), (256, 12.0), (1024, 4.0)):
            noise = generator.normal(0.0, weight, (side, side, 3)).astype(np.float32)
            for channel in range(3):
                plane = Image.fromarray(noise[:, :, channel])
                layers[:, :, channel] += np.asarray(
                    plane.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
                )
        pixels = np.clip(layers + 128.0, 0, 255).astype(np.uint8)
        buffer = BytesIO()
        Image.fromarray(pixels).save(buffer, "JPEG", quality=90)
        out.append(buffer.getvalue())
    return out


def make_clip(folder: Path, *, patch: int = 32) -> Path:
    """Write a CLIP ViT-B checkpoint with random weights in the layout of the hub."""
    return _make_clip(
        folder,
        text={"hidden_size": 512, "intermediate_size": 2048, "num_attention_heads": 8},
        vision={"hidden_size": 768, "patch_size": patch, "num_hidden_layers": 12},
        width=512,
    )


def make_clip_large(folder: Path) -> Path:
    """Write a CLIP ViT-L/14 checkpoint with random weights in the layout of the hub."""
    return _make_clip(
        folder,
        text={"hidden_size": 768, "intermediate_size": 3072, "num_attention_heads": 12},
        vision={
            "hidden_size": 1024, "intermediate_size": 4096, "num_attention_heads": 16,
            "patch_size": 14, "num_hidden_layers": 24,
        },
        width=768,
    )  # fmt: skip


def _make_clip(folder: Path, *, text: dict[str, int], vision: dict[str, int], width: int) -> Path:
    tokenizer = _tokenizer(("<|startoftext|>", "<|endoftext|>"), end="<|endoftext|>")
    end = int(tokenizer.token_to_id("<|endoftext|>") or 0)
    tokens = {"bos_token_id": end - 1, "eos_token_id": end, "pad_token_id": end}
    config = CLIPConfig(
        text_config={"vocab_size": 49408, "num_hidden_layers": 12, **text, **tokens},
        vision_config=dict(vision),
        projection_dim=width,
    )
    torch.manual_seed(0)
    CLIPModel(config).save_pretrained(folder)
    CLIPImageProcessorPil().save_pretrained(folder)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<|startoftext|> $A <|endoftext|>",
        special_tokens=[("<|startoftext|>", end - 1), ("<|endoftext|>", end)],
    )
    _save_tokenizer(tokenizer, folder, "CLIPTokenizer", pad="<|endoftext|>", length=77)
    return folder


def make_siglip2(folder: Path) -> Path:
    """Write a SigLIP2 B/32-256 checkpoint with random weights in the layout of the hub."""
    tokenizer = _tokenizer(("<pad>", "<eos>"), end="<eos>", lowercase=True)
    config = SiglipConfig(
        text_config={
            "vocab_size": 256_000, "hidden_size": 768, "intermediate_size": 3072,
            "num_attention_heads": 12, "num_hidden_layers": 12, "max_position_embeddings": 64,
            "projection_size": 768, "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0,
        },
        vision_config={"hidden_size": 768, "patch_size": 32, "image_size": 256},
    )  # fmt: skip
    torch.manual_seed(0)
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": 256, "width": 256}, resample=2).save_pretrained(folder)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    _save_tokenizer(tokenizer, folder, "GemmaTokenizer", pad="<pad>", length=64)
    return folder


def _tokenizer(special: tuple[str, ...], *, end: str, lowercase: bool = True) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    steps = [normalizers.NFC(), *([normalizers.Lowercase()] if lowercase else [])]
    tokenizer.normalizer = normalizers.Sequence(steps)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    first = end == "<eos>"
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=list(special) if first else [],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(captions(2000, seed=1), trainer)
    if not first:
        # CLIP's end token is the highest id, and the legacy branch of its pooling relies on it.
        tokenizer.add_special_tokens(list(special))
    return tokenizer


def _save_tokenizer(
    tokenizer: Tokenizer, folder: Path, kind: str, *, pad: str, length: int
) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "tokenizer_class": kind,
        "pad_token": pad,
        "eos_token": pad if kind == "CLIPTokenizer" else "<eos>",
        "model_max_length": length,
        "padding_side": "right",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")

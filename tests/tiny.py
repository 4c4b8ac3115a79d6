"""A tiny tokenizer and config files, from which tests make checkpoint folders."""

import json
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

UNKNOWN = "<unk>"
WORDS = ("red", "blue", "circle", "square", "a", "on", "the", "sea", ",", ".")


def clip_tokenizer() -> Tokenizer:
    """Whole words, start 0 and end 1 + number of words; lower-cases by itself."""
    vocab = {"<start>": 0, **{word: 1 + at for at, word in enumerate(WORDS)}}
    vocab |= {"<unk>": len(vocab), "<end>": len(vocab) + 1}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 0), ("<end>", vocab["<end>"])]
    )
    tokenizer.enable_truncation(4)  # a trap: what the file says must not be obeyed
    tokenizer.enable_padding(length=9, pad_id=3)
    return tokenizer


def siglip_tokenizer() -> Tokenizer:
    """Whole words after <pad> 0 and <eos> 1; does not lower-case."""
    vocab = {"<pad>": 0, "<eos>": 1, "<unk>": 2}
    vocab |= {word: 3 + at for at, word in enumerate(WORDS)}
    tokenizer = Tokenizer(models.WordLevel(vocab, unk_token=UNKNOWN))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    return tokenizer


def write_checkpoint(folder: Path, family: str, **changes: dict[str, Any]) -> Path:
    """Write the config files of a tiny checkpoint; changes are merged file by file.

    Args:
        folder: Made if it is not there.
        family: ``clip`` or ``siglip``.
        changes: ``config``, ``text``, ``vision``, ``tokenizer_config``, ``preprocessor_config``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = clip_tokenizer() if family == "clip" else siglip_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    towers = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    text: dict[str, Any] = towers | {
        "vocab_size": tokenizer.get_vocab_size(),
        "max_position_embeddings": 8,
    }
    if family == "clip":
        text |= {"eos_token_id": tokenizer.token_to_id("<end>")}
    vision = towers | {"image_size": 32, "patch_size": 8}
    config = {
        "model_type": family,
        "projection_dim": 16,
        "text_config": text | changes.get("text", {}),
        "vision_config": vision | changes.get("vision", {}),
    }
    clip_size: dict[str, Any] = {"size": {"shortest_edge": 32}, "crop_size": 32}
    images: dict[str, dict[str, Any]] = {
        "clip": {"image_processor_type": "CLIPImageProcessor", **clip_size},
        "siglip": {
            "image_processor_type": "SiglipImageProcessor",
            "size": {"height": 32, "width": 32},
        },
    }
    files: dict[str, dict[str, Any]] = {
        "config": config | changes.get("config", {}),
        "preprocessor_config": images[family] | changes.get("preprocessor_config", {}),
        "tokenizer_config": {
            "clip": {"pad_token": "<end>", "tokenizer_class": "PreTrainedTokenizerFast"},
            "siglip": {"pad_token": "<pad>", "tokenizer_class": "Siglip2Tokenizer"},
        }[family]
        | changes.get("tokenizer_config", {}),
    }
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder

"""CLIP and SigLIP checkpoints with random weights and a tokenizer of the storybook's words."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from pairsift.fingerprints import fixed_pairs
from pairsift.storybook.canaries import EASY_CANARIES

WIDTH, LAYERS, SIDE, PATCH, CONTEXT = 32, 2, 32, 8, 24
SPECIALS = ["<pad>", "<end>", "<unk>"]


def write_word_checkpoint(
    folder: Path, family: str, *, seed: int = 0, padding_bytes: int = 0
) -> Path:
    """Write a checkpoint that tells captions, pictures and paddings apart; return its folder.

    Args:
        folder: Made if it is not there.
        family: ``clip`` or ``siglip``.
        seed: Of the weights.
        padding_bytes: Of a tensor that nobody reads, for a file of some size.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    num_words = tokenizer.get_vocab_size()
    tower = {
        "hidden_size": WIDTH,
        "intermediate_size": 2 * WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
    }
    text = tower | {"vocab_size": num_words, "max_position_embeddings": CONTEXT, "eos_token_id": 1}
    config: dict[str, Any] = {
        "model_type": family,
        "projection_dim": WIDTH,
        "text_config": text,
        "vision_config": tower | {"image_size": SIDE, "patch_size": PATCH},
    }
    square = {"height": SIDE, "width": SIDE}
    clip = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": SIDE},
        "crop_size": square,
        "image_mean": [0.48, 0.45, 0.40],
        "image_std": [0.26, 0.27, 0.28],
    }
    siglip = {
        "image_processor_type": "SiglipImageProcessor",
        "size": square,
        "resample": 2,
        "image_mean": [0.5, 0.45, 0.40],
        "image_std": [0.25, 0.27, 0.28],
    }
    contents = {
        "config.json": config,
        "preprocessor_config.json": clip if family == "clip" else siglip,
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "pad_token": "<pad>",
            "model_max_length": CONTEXT,
        },
    }
    for name, content in contents.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    shapes = _clip_shapes(num_words) if family == "clip" else _siglip_shapes(num_words)
    tensors = _draw(shapes, seed)
    if padding_bytes:
        tensors["padding"] = np.zeros(padding_bytes // 4, dtype=np.float32)
    save_file(tensors, folder / "model.safetensors")
    return folder


def _tokenizer() -> Tokenizer:
    captions = fixed_pairs()[1] + [text for c in EASY_CANARIES for text in (c.right, c.wrong)]
    words = sorted({word for caption in captions for word in caption.lower().split()})
    vocabulary = {word: index for index, word in enumerate([*SPECIALS, *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))  # noqa: S106
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens(SPECIALS)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <end>", special_tokens=[("<end>", 1)]
    )
    return tokenizer


Shapes = dict[str, tuple[int, ...]]


def _layers(root: str) -> Shapes:
    shapes: Shapes = {}
    for number in range(LAYERS):
        layer = f"{root}.encoder.layers.{number}"
        for norm in ("layer_norm1", "layer_norm2"):
            shapes |= {f"{layer}.{norm}.weight": (WIDTH,), f"{layer}.{norm}.bias": (WIDTH,)}
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes |= _linear(f"{layer}.self_attn.{part}", WIDTH, WIDTH)
        shapes |= _mlp(f"{layer}.mlp")
    return shapes


def _linear(name: str, rows: int, columns: int) -> Shapes:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def _mlp(name: str) -> Shapes:
    return _linear(f"{name}.fc1", 2 * WIDTH, WIDTH) | _linear(f"{name}.fc2", WIDTH, 2 * WIDTH)


def _norm(name: str) -> Shapes:
    return {f"{name}.weight": (WIDTH,), f"{name}.bias": (WIDTH,)}


def _shared_shapes(num_words: int) -> Shapes:
    return {
        "logit_scale": (1,),
        "vision_model.embeddings.patch_embedding.weight": (WIDTH, 3, PATCH, PATCH),
        "text_model.embeddings.token_embedding.weight": (num_words, WIDTH),
        "text_model.embeddings.position_embedding.weight": (CONTEXT, WIDTH),
        **_norm("vision_model.post_layernorm"),
        **_norm("text_model.final_layer_norm"),
        **_layers("vision_model"),
        **_layers("text_model"),
    }


def _clip_shapes(num_words: int) -> Shapes:
    return {
        **_shared_shapes(num_words),
        **_norm("vision_model.pre_layrnorm"),
        "visual_projection.weight": (WIDTH, WIDTH),
        "text_projection.weight": (WIDTH, WIDTH),
        "vision_model.embeddings.class_embedding": (WIDTH,),
        "vision_model.embeddings.position_embedding.weight": ((SIDE // PATCH) ** 2 + 1, WIDTH),
    }


def _siglip_shapes(num_words: int) -> Shapes:
    head = "vision_model.head"
    return {
        **_shared_shapes(num_words),
        "logit_bias": (1,),
        "vision_model.embeddings.patch_embedding.bias": (WIDTH,),
        "vision_model.embeddings.position_embedding.weight": ((SIDE // PATCH) ** 2, WIDTH),
        f"{head}.probe": (1, 1, WIDTH),
        f"{head}.attention.in_proj_weight": (3 * WIDTH, WIDTH),
        f"{head}.attention.in_proj_bias": (3 * WIDTH,),
        **_linear(f"{head}.attention.out_proj", WIDTH, WIDTH),
        **_norm(f"{head}.layernorm"),
        **_mlp(f"{head}.mlp"),
        **_linear("text_model.head", WIDTH, WIDTH),
    }


def _draw(shapes: Shapes, seed: int) -> dict[str, NDArray[np.float32]]:
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in shapes.items():
        fan = np.prod(shape[1:]) if len(shape) > 1 else 100
        deviation = 0.5 if "embedding" in name else 1.5 / np.sqrt(fan)
        tensors[name] = generator.normal(0, deviation, shape).astype(np.float32)
        if "norm" in name and name.endswith(".weight"):
            tensors[name] += 1
    return tensors

"""A CLIP checkpoint of a few kilobytes, written without any model library."""

import json
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

WIDTH, LAYERS, SIDE, PATCH, CONTEXT = 16, 1, 16, 8, 12


def write_checkpoint(folder: Path, *, seed: int = 0, padding_bytes: int = 0) -> Path:
    """Write the checkpoint with random weights and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    words = ["a", "b", "c", "<start>", "<end>"]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="a"))  # noqa: S106
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.add_special_tokens(["<start>", "<end>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<start> $A <end>", special_tokens=[("<start>", 3), ("<end>", 4)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    tower = {
        "hidden_size": WIDTH, "intermediate_size": 2 * WIDTH, "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
    }  # fmt: skip
    text = {
        "vocab_size": 5, "max_position_embeddings": CONTEXT, "eos_token_id": 4,
        "bos_token_id": 3, "pad_token_id": 4,
    }  # fmt: skip
    config = {
        "model_type": "clip",
        "projection_dim": WIDTH,
        "text_config": tower | text,
        "vision_config": tower | {"image_size": SIDE, "patch_size": PATCH},
    }
    processor = {
        "image_processor_type": "CLIPImageProcessor",
        "size": {"shortest_edge": SIDE},
        "crop_size": {"height": SIDE, "width": SIDE},
    }
    tokenizer_config = {"tokenizer_class": "CLIPTokenizer", "model_max_length": CONTEXT}
    for name, content in (
        ("config.json", config),
        ("preprocessor_config.json", processor),
        ("tokenizer_config.json", tokenizer_config),
    ):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    tensors = _tensors(seed)
    if padding_bytes:
        tensors["padding"] = np.zeros(padding_bytes // 4, dtype=np.float32)
    save_file(tensors, folder / "model.safetensors")
    return folder


def _tensors(seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    patches = (SIDE // PATCH) ** 2
    shapes: dict[str, tuple[int, ...]] = {
        "logit_scale": (),
        "visual_projection.weight": (WIDTH, WIDTH),
        "text_projection.weight": (WIDTH, WIDTH),
        "vision_model.embeddings.class_embedding": (WIDTH,),
        "vision_model.embeddings.patch_embedding.weight": (WIDTH, 3, PATCH, PATCH),
        "vision_model.embeddings.position_embedding.weight": (patches + 1, WIDTH),
        "text_model.embeddings.token_embedding.weight": (5, WIDTH),
        "text_model.embeddings.position_embedding.weight": (CONTEXT, WIDTH),
    }
    norms = ["vision_model.pre_layrnorm", "vision_model.post_layernorm"]
    norms.append("text_model.final_layer_norm")
    for root in ("vision_model", "text_model"):
        layer = f"{root}.encoder.layers.0"
        norms += [f"{layer}.layer_norm1", f"{layer}.layer_norm2"]
        for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
            shapes[f"{layer}.self_attn.{part}.weight"] = (WIDTH, WIDTH)
            shapes[f"{layer}.self_attn.{part}.bias"] = (WIDTH,)
        shapes[f"{layer}.mlp.fc1.weight"] = (2 * WIDTH, WIDTH)
        shapes[f"{layer}.mlp.fc1.bias"] = (2 * WIDTH,)
        shapes[f"{layer}.mlp.fc2.weight"] = (WIDTH, 2 * WIDTH)
        shapes[f"{layer}.mlp.fc2.bias"] = (WIDTH,)
    for name in norms:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (WIDTH,)
    tensors = {
        name: generator.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()
    }
    for name in norms:
        tensors[f"{name}.weight"] += 1
    return tensors

"""Makes the golden checkpoints and the embeddings that transformers gives for them.

    python scripts/make_goldens.py [FOLDER]

Tiny CLIP, SigLIP and SigLIP2 checkpoints with random weights, each with its own tokenizer, and for
a few pictures and captions the reference's embeddings: transformers' towers, its Pillow image
processors and its tokenizers. Written with transformers 5.23.0 and torch 2.13.0 on the CPU.

The weights are drawn wider than transformers draws them: with its own initialisation a shifted crop
or a wrong pad hardly moves an embedding, and a golden that does not move tests nothing.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from PIL import Image, ImageDraw
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer, SiglipConfig, SiglipModel

TRANSFORMERS = "5.23.0"
ROOT = Path(__file__).parents[1] / "tests" / "golden"
PUNCTUATION = r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~]"""

CAPTIONS = [
    "a red circle above a blue square",
    "A RED Circle, above a Blue Square!",
    "two boats on the sea at night",
    "",
    "a rocket \N{ROCKET}\N{FIRE} and a heart \N{HEAVY BLACK HEART}\ufe0f",
    "\u05d1\u05d9\u05ea \u05d0\u05d3\u05d5\u05dd \u0641\u064a \u0627\u0644\u0644\u064a\u0644",
    "caf\u00e9  cafe\u0301 \u039f\u0394\u039f\u03a3 \u4e2d\u6587",
    "one two  three\nfour\tfive",
    " ".join(["a red boat on the sea and a blue house"] * 40),
]
CORPUS = [
    "a red circle above a blue square on the sea",
    "two boats on the sea at night and a house in the snow",
    "one two three four five a rocket and a heart",
]


def main(root: Path) -> None:
    """Write everything under one folder."""
    if transformers.__version__ != TRANSFORMERS:
        raise SystemExit(f"the goldens are made with transformers {TRANSFORMERS}")
    torch.set_num_threads(1)
    root.mkdir(parents=True, exist_ok=True)
    images = draw_images(root / "images")
    for make in (clip_quick, clip_gelu, siglip, siglip2):
        folder = root / make.__name__.replace("_", "-")
        folder.mkdir(exist_ok=True)
        length = make(folder)
        write_expected(folder, images, captions_for(folder, length), length)
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder.name}: {size / 1000:.0f} kB")
    export_onnx(root / "clip-gelu", root / "clip-onnx")


def draw_images(folder: Path) -> list[Image.Image]:
    """Draw pictures of odd sizes, smooth in part and noisy in part."""
    folder.mkdir(exist_ok=True)
    generator = np.random.default_rng(7)
    images = []
    for number, (width, height) in enumerate([(50, 37), (37, 50), (64, 64), (99, 33), (20, 21)]):
        across = np.linspace(0, 255, width)[None, :, None]
        down = np.linspace(255, 0, height)[:, None, None]
        base = (across * [1, 0.3, 0] + down * [0, 0.6, 1]) / 1.3
        noisy = base + generator.normal(0, 25, (height, width, 3))
        image = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
        draw = ImageDraw.Draw(image)
        draw.ellipse((3, 4, width // 2, height // 2), fill=(230, 30 * number, 20))
        draw.rectangle((width // 2, height // 2, width - 4, height - 3), fill=(10, 90, 250))
        image.save(folder / f"{number}.png")
        images.append(image)
    return images


def clip_tokenizer(folder: Path) -> None:
    """Save a small byte-level tokenizer in the form of OpenAI's."""
    made = CLIPTokenizer().backend_tokenizer
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token=END))
    tokenizer.normalizer, tokenizer.pre_tokenizer = made.normalizer, made.pre_tokenizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.BpeTrainer(
            vocab_size=len(alphabet) * 2 + 60,
            initial_alphabet=sorted(alphabet),
            end_of_word_suffix="</w>",
            show_progress=False,
        ),
    )
    content = json.loads(tokenizer.to_str())["model"]
    tokens = list(content["vocab"])
    tokens += [f"{letter}</w>" for letter in sorted(alphabet) if f"{letter}</w>" not in tokens]
    vocab = {token: number for number, token in enumerate([*tokens, START, END])}
    merges = [tuple(pair) for pair in content["merges"]]
    CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77).save_pretrained(folder)


UNKNOWN = "<unk>"
START, END = "<|startoftext|>", "<|endoftext|>"


def siglip_tokenizer(folder: Path) -> None:
    """Save a small Unigram tokenizer that cleans captions as SigLIP's does; pad is ``</s>``."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(PUNCTUATION), ""),
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<unk>", "</s>"]
    tokenizer.train_from_iterator(
        CORPUS,
        trainers.UnigramTrainer(
            vocab_size=120, special_tokens=specials, unk_token=UNKNOWN, show_progress=False
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    save_plain(tokenizer, folder, "PreTrainedTokenizerFast", pad="</s>", eos="</s>")


def siglip2_tokenizer(folder: Path) -> None:
    """Save a small BPE in the form of Gemma's; it cleans nothing, pad is ``<pad>``."""
    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    tokenizer = Tokenizer(models.BPE(fuse_unk=True, unk_token=UNKNOWN, byte_fallback=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=120, show_progress=False))
    content = json.loads(tokenizer.to_str())
    tokens = [*specials, *(f"<0x{byte:02X}>" for byte in range(256)), *content["model"]["vocab"]]
    content["model"]["vocab"] = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in specials])
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A <eos>", special_tokens=[("<eos>", 1)]
    )
    save_plain(tokenizer, folder, "Siglip2Tokenizer", pad="<pad>", eos="<eos>")


def save_plain(tokenizer: Tokenizer, folder: Path, kind: str, *, pad: str, eos: str) -> None:
    """Write tokenizer.json and tokenizer_config.json as a repository would hold them."""
    tokenizer.save(str(folder / "tokenizer.json"))
    stated: dict[str, Any] = {"tokenizer_class": kind, "pad_token": pad, "eos_token": eos}
    stated |= {"unk_token": "<unk>", "model_max_length": 64, "padding_side": "right"}
    (folder / "tokenizer_config.json").write_text(json.dumps(stated, indent=2) + "\n")


def widen(model: torch.nn.Module, seed: int) -> None:
    """Draw every parameter anew, so wide that each part of the towers matters."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.startswith("logit_"):
                continue
            drawn = torch.randn(weight.shape, generator=generator)
            if "norm" in name and name.endswith("weight"):
                weight.copy_(1 + 0.3 * drawn)
            elif weight.dim() < 2:
                weight.copy_(0.3 * drawn)
            elif "embedding" in name and "patch" not in name:
                weight.copy_(0.7 * drawn)
            else:
                weight.copy_(1.2 * drawn / weight[0].numel() ** 0.5)


def sizes(hidden: int, layers: int, heads: int, wide: int) -> dict[str, int]:
    """Return the sizes of one tower."""
    return {
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "intermediate_size": wide,
    }


def save_model(model: Any, folder: Path, dtype: torch.dtype, processor: dict[str, Any]) -> None:
    """Save weights, config and image recipe."""
    model.to(dtype).save_pretrained(folder)
    text = json.dumps(processor, indent=2) + "\n"
    (folder / "preprocessor_config.json").write_text(text)
    (folder / "generation_config.json").unlink(missing_ok=True)


CLIP_IMAGE = {
    "image_processor_type": "CLIPImageProcessor",
    "do_convert_rgb": True,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
}


def clip_quick(folder: Path) -> int:
    """A CLIP as OpenAI's: quick_gelu, float32."""
    clip_tokenizer(folder)
    vocab = len(CLIPTokenizer.from_pretrained(folder))
    text = sizes(32, 2, 2, 64) | {"vocab_size": vocab, "eos_token_id": vocab - 1}
    vision = sizes(48, 2, 3, 80) | {"image_size": 32, "patch_size": 8}
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)
    model = CLIPModel(config)
    widen(model, 1)
    image = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    save_model(model, folder, torch.float32, CLIP_IMAGE | image)
    return 77


def clip_gelu(folder: Path) -> int:
    """A CLIP as LAION's: gelu, the legacy end id 2, float16, a side that patches leave over."""
    clip_tokenizer(folder)
    vocab = len(CLIPTokenizer.from_pretrained(folder))
    legacy = {"vocab_size": vocab, "eos_token_id": 2, "hidden_act": "gelu"}
    vision = sizes(32, 3, 4, 48) | {"image_size": 30, "patch_size": 8, "hidden_act": "gelu"}
    text = sizes(48, 1, 4, 96) | legacy
    model = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16))
    widen(model, 2)
    save_model(model, folder, torch.float16, CLIP_IMAGE | {"size": 30, "crop_size": 30})
    return 77


def siglip(folder: Path) -> int:
    """A SigLIP: bicubic, padded with the end token, bfloat16."""
    siglip_tokenizer(folder)
    vocab = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    text = sizes(32, 2, 2, 56) | {"vocab_size": vocab}
    vision = sizes(32, 2, 4, 72) | {"image_size": 32, "patch_size": 8}
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    widen(model, 3)
    set_scale(model)
    size = {"size": {"height": 32, "width": 32}, "resample": 3}
    save_model(model, folder, torch.bfloat16, siglip_image() | size)
    return 64


def siglip2(folder: Path) -> int:
    """A SigLIP2: bilinear, its own pad token, captions lower-cased before the tokenizer."""
    siglip2_tokenizer(folder)
    vocab = Tokenizer.from_file(str(folder / "tokenizer.json")).get_vocab_size()
    text = sizes(32, 2, 4, 64) | {"vocab_size": vocab}
    vision = sizes(32, 1, 2, 64) | {"image_size": 48, "patch_size": 16}
    model = SiglipModel(SiglipConfig(text_config=text, vision_config=vision))
    widen(model, 4)
    set_scale(model)
    size = {"size": {"height": 48, "width": 48}, "resample": 2}
    save_model(model, folder, torch.float16, siglip_image() | size)
    return 64


def siglip_image() -> dict[str, Any]:
    """Return what SigLIP's image recipes share."""
    half = [0.5, 0.5, 0.5]
    return {"image_processor_type": "SiglipImageProcessor", "image_mean": half, "image_std": half}


def set_scale(model: Any) -> None:
    """Give a SigLIP a scale and a bias like the real ones."""
    with torch.no_grad():
        model.logit_scale.fill_(4.75)
        model.logit_bias.fill_(-16.5)


def reference_tokenizer(folder: Path, length: int) -> Any:
    """Return the function from captions to ids that transformers would use."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.padding_side = "right"

    def ids(captions: list[str], **kwargs: Any) -> Any:
        return tokenizer(captions, **kwargs)["input_ids"]

    def padded(captions: list[str]) -> torch.Tensor:
        kwargs = {"padding": "max_length", "truncation": True, "max_length": length}
        return torch.tensor(ids(captions, **kwargs))

    padded.bare = ids  # type: ignore[attr-defined]
    return padded


def captions_for(folder: Path, length: int) -> list[str]:
    """Return the captions, and such of exactly one token too many and of about 300."""
    bare = reference_tokenizer(folder, length).bare
    words = ("a red boat on the sea and a blue house at night " * 40).split()
    captions = list(CAPTIONS)
    for target in (length, length + 1, 300):
        for count in range(1, len(words)):
            text = " ".join(words[:count])
            if len(bare([text])[0]) >= target:
                break
        captions.append(text)
    return captions


class ImageTower(torch.nn.Module):
    """The public layout's vision_model: pixels to the raw projection."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values: torch.Tensor) -> torch.Tensor:
        """Return (N, D)."""
        return self.model.get_image_features(pixel_values=pixel_values).pooler_output


class TextTower(torch.nn.Module):
    """The public layout's text_model: token ids to the raw projection."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        """Return (N, D)."""
        return self.model.get_text_features(input_ids=input_ids).pooler_output


def export_onnx(source: Path, folder: Path) -> None:
    """Write a CLIP's two towers as ONNX files in the public layout, with its config files."""
    (folder / "onnx").mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        if path.suffix != ".safetensors":
            (folder / path.name).write_bytes(path.read_bytes())
    model = CLIPModel.from_pretrained(source, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    pixels, ids = torch.zeros(2, 3, 30, 30), torch.zeros(2, 77, dtype=torch.int64)
    text_axes = {0: "batch_size", 1: "sequence_length"}
    for name, tower, example, axes in (
        ("vision_model", ImageTower(model), {"pixel_values": pixels}, {0: "batch_size"}),
        ("text_model", TextTower(model), {"input_ids": ids}, text_axes),
    ):
        (input_name,) = example
        output_name = "image_embeds" if name == "vision_model" else "text_embeds"
        torch.onnx.export(
            tower.eval(),
            tuple(example.values()),
            str(folder / "onnx" / f"{name}.onnx"),
            input_names=[input_name],
            output_names=[output_name],
            dynamic_axes={input_name: axes, output_name: {0: "batch_size"}},
            opset_version=17,
            dynamo=False,
        )


def write_expected(
    folder: Path, images: list[Image.Image], captions: list[str], length: int
) -> None:
    """Run the reference and save what it gives."""
    config = json.loads((folder / "config.json").read_text())
    kind = CLIPModel if config["model_type"] == "clip" else SiglipModel
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder, backend="pil")
    ids = reference_tokenizer(folder, length)(captions)
    with torch.inference_mode():
        pixels = processor(images, return_tensors="pt")["pixel_values"]
        rows = {
            "image_embeddings": model.get_image_features(pixel_values=pixels).pooler_output,
            "text_embeddings": model.get_text_features(input_ids=ids).pooler_output,
        }
    arrays = {name: torch.nn.functional.normalize(row).numpy() for name, row in rows.items()}
    np.savez(folder / "expected.npz", token_ids=ids.numpy().astype(np.int32), **arrays)
    text = json.dumps(captions, indent=1, ensure_ascii=True) + "\n"
    (folder / "captions.json").write_text(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT)

"""Trains the two tokenizers on captions of the storybook."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Final, Literal

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers.trainers import BpeTrainer

START: Final = "<|startoftext|>"
END: Final = "<|endoftext|>"
SIGLIP_PAD: Final = "<pad>"
SIGLIP_END: Final = "</s>"
SIGLIP_UNKNOWN: Final = "<unk>"
_SUFFIX: Final = "</w>"
# Enough merges that every word of the world is one token; the trainer stops when none is left.
_MOST_TOKENS: Final = 4096
# Source: the pattern of OpenAI's CLIP tokenizer.
_CLIP_WORDS: Final = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def _normalizer() -> Any:
    return normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )


def train_clip_tokenizer(captions: Iterable[str]) -> Any:
    """Train a tokenizer of CLIP's kind: byte-level pairs with an end-of-word mark.

    The id order is CLIP's: 256 bytes, 256 bytes that end a word, merges, start, end; so any
    Unicode text has ids, and the end has the highest.

    Args:
        captions: What it learns from.

    Returns:
        A ``tokenizers.Tokenizer``.
    """
    words = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    learner = Tokenizer(models.BPE(end_of_word_suffix=_SUFFIX))
    learner.normalizer, learner.pre_tokenizer = _normalizer(), words
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    trainer = BpeTrainer(
        vocab_size=_MOST_TOKENS,
        min_frequency=2,
        initial_alphabet=alphabet,
        end_of_word_suffix=_SUFFIX,
        show_progress=False,
    )
    learner.train_from_iterator(captions, trainer)
    merges = _merges_of(learner)
    tokens = [*alphabet, *(char + _SUFFIX for char in alphabet)]
    tokens += ["".join(pair) for pair in merges]
    tokens = [*dict.fromkeys(tokens), START, END]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    tokenizer = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=merges,
            unk_token=END,
            end_of_word_suffix=_SUFFIX,
            continuing_subword_prefix="",
        )
    )
    tokenizer.normalizer, tokenizer.pre_tokenizer = _normalizer(), words
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([START, END])
    tokenizer.post_processor = processors.RobertaProcessing(
        (END, vocabulary[END]),
        (START, vocabulary[START]),
        trim_offsets=False,
        add_prefix_space=False,
    )
    return tokenizer


def train_siglip_tokenizer(captions: Iterable[str]) -> Any:
    """Train a tokenizer of SigLIP's habits: no start, an end, padded to one length.

    Args:
        captions: What it learns from.

    Returns:
        A ``tokenizers.Tokenizer``; pad has id 0 and end has id 1.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = _normalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_CLIP_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=True, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=_MOST_TOKENS,
        min_frequency=2,
        special_tokens=[SIGLIP_PAD, SIGLIP_END, SIGLIP_UNKNOWN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(captions, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {SIGLIP_END}", special_tokens=[(SIGLIP_END, 1)]
    )
    return tokenizer


def train_tokenizer(family: Literal["clip", "siglip"], captions: Iterable[str]) -> Any:
    """Train the tokenizer of a family.

    Args:
        family: ``clip`` or ``siglip``.
        captions: What it learns from.

    Returns:
        A ``tokenizers.Tokenizer``.
    """
    train = train_clip_tokenizer if family == "clip" else train_siglip_tokenizer
    return train(captions)


def special_ids(tokenizer: Any) -> dict[str, int]:
    """Find the ids of the special tokens by role.

    Args:
        tokenizer: One of the two kinds that are trained here.

    Returns:
        Ids of ``start``, ``end`` and ``pad``.
    """
    if tokenizer.token_to_id(END) is not None:
        end = tokenizer.token_to_id(END)
        return {"start": tokenizer.token_to_id(START), "end": end, "pad": end}
    pad = tokenizer.token_to_id(SIGLIP_PAD)
    # SigLIP has no start token; transformers wants a number in the configuration all the same.
    return {"start": pad, "end": tokenizer.token_to_id(SIGLIP_END), "pad": pad}


def _merges_of(tokenizer: Any) -> list[tuple[str, str]]:
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    return [tuple(pair) if isinstance(pair, list) else tuple(pair.split(" ")) for pair in merges]

"""Captions to token ids, by the model's own ``tokenizer.json``."""

import functools
import html
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer, normalizers

from pairsift.errors import ModelRecipeError
from pairsift.protocols import TokenizedCaption
from pairsift.recipes import TextRecipe, TowerConfig, read_json, undecided

TOKENIZER_FILE = "tokenizer.json"

# transformers writes int(1e30) where a tokenizer sets no limit.
_NO_LIMIT = 10**9


class CaptionTokenizer:
    """Turns captions into token ids, cut to the context length with the end token kept.

    Args:
        folder: A checkpoint with a ``tokenizer.json``.
        recipe: The model's text recipe.

    Raises:
        ModelRecipeError: There is no readable ``tokenizer.json``.
    """

    def __init__(self, folder: Path, recipe: TextRecipe) -> None:
        self.recipe = recipe
        self._tokenizer = load_tokenizer(folder)
        if recipe.lowercase:
            lower, own = normalizers.Lowercase(), self._tokenizer.normalizer
            # The library's Lowercase, not str.lower: they differ in the Greek final sigma.
            self._tokenizer.normalizer = (
                lower if own is None else normalizers.Sequence([lower, own])
            )

    def tokenize(self, captions: Sequence[str]) -> list[TokenizedCaption]:
        """Return the ids of each caption.

        Args:
            captions: N captions.

        Returns:
            N token lists of at most the context length, in input order.
        """
        length, end_id = self.recipe.context_length, self.recipe.end_id
        tokenized: list[TokenizedCaption] = []
        for encoding in self._tokenizer.encode_batch_fast(list(captions)):
            ids = encoding.ids
            num_tokens = len(ids)
            if num_tokens > length:
                ids = ids[:length] if end_id is None else [*ids[: length - 1], end_id]
            tokenized.append(TokenizedCaption(tuple(ids), num_tokens))
        return tokenized


def pad(
    captions: Sequence[TokenizedCaption], recipe: TextRecipe, *, length: int
) -> NDArray[np.int64]:
    """Fill captions up to one length, on the right.

    Args:
        captions: N captions of at most ``length`` tokens.
        recipe: The model's text recipe, which knows the pad token.
        length: Tokens L of every row.

    Returns:
        Token ids, shape (N, L), int64.

    Example:
        >>> recipe = TextRecipe(4, 0, 9, lowercase=False, trim_exact=True)
        >>> pad([TokenizedCaption((7, 9), 2)], recipe, length=4)
        array([[7, 9, 0, 0]])
    """
    ids = np.full((len(captions), length), recipe.pad_id, dtype=np.int64)
    for row, caption in zip(ids, captions, strict=True):
        row[: len(caption.ids)] = caption.ids
    return ids


def clean_caption(text: str) -> str:
    """Repair a caption: mojibake, HTML entities (escaped once or twice) and white space.

    Args:
        text: The caption as it stands in the table.

    Returns:
        The repaired caption.

    Example:
        >>> clean_caption("caf&amp;eacute;   &lt;3")
        'café <3'

    Source:
        open_clip, ``tokenizer.py``: ``basic_clean`` and ``whitespace_clean``.
    """
    repaired = _fix_text()(text)
    return " ".join(html.unescape(html.unescape(repaired)).split())


@functools.cache
def _fix_text() -> Any:
    """Return ftfy's repair, imported when it is first wanted (it takes a while)."""
    from ftfy import fix_text  # noqa: PLC0415

    return fix_text


def load_tokenizer(folder: Path) -> Any:
    """Open a checkpoint's ``tokenizer.json``, its padding and truncation switched off.

    The file's own settings are those of whoever saved it last; some public files pad with a token
    that the model was never shown.

    Args:
        folder: The checkpoint.

    Returns:
        A ``tokenizers.Tokenizer``.

    Raises:
        ModelRecipeError: The file is missing or damaged.
    """
    path = folder / TOKENIZER_FILE
    if not path.is_file():
        raise ModelRecipeError(f"{folder}: no {TOKENIZER_FILE}; a checkpoint folder must hold one")
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    except Exception as error:  # the library raises the bare class
        raise ModelRecipeError(f"{path}: not a tokenizer: {error}") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def derive_text_recipe(folder: Path, config: TowerConfig, *, lowercase: bool = False) -> TextRecipe:
    """Read a checkpoint's text recipe from its own files.

    Args:
        folder: The checkpoint.
        config: Its ``config.json``.
        lowercase: It is known that captions have to be lower-cased, whether or not the files
            say so.

    Returns:
        The recipe.

    Raises:
        ModelRecipeError: A field is missing or two files disagree; it is named.
    """
    tokenizer = load_tokenizer(folder)
    stated = read_json(folder, "tokenizer_config.json") or {}
    length = int(config.text["max_position_embeddings"])
    limit = stated.get("model_max_length")
    if isinstance(limit, int | float) and limit < _NO_LIMIT and limit != length:
        raise undecided(folder, "model_max_length", f"{limit} is not the tower's {length}")
    if stated.get("padding_side", "right") != "right":
        raise undecided(folder, "padding_side", "only padding on the right is built")
    end_id = _end_id(folder, tokenizer)
    pad_id = _pad_id(folder, tokenizer, stated)
    if config.family == "clip":
        if end_id is None:
            raise undecided(folder, "eos_token_id", "tokenizer.json ends captions with no token")
        pad_id = end_id if pad_id is None else pad_id
        _check_pooling(folder, config, end_id, pad_id)
    elif pad_id is None:
        raise undecided(folder, "pad_token", "a SigLIP tower's embedding depends on it")
    return TextRecipe(
        context_length=length,
        pad_id=pad_id,
        end_id=end_id,
        lowercase=lowercase or _needs_lowercase(folder, tokenizer, stated),
        trim_exact=config.family == "clip",
    )


def _end_id(folder: Path, tokenizer: Any) -> int | None:
    """Return the one token that tokenizer.json puts at the end of every caption."""
    with_specials = tokenizer.encode("a").ids
    bare = tokenizer.encode("a", add_special_tokens=False).ids
    num_specials = len(with_specials) - len(bare)
    starts = [at for at in range(num_specials + 1) if with_specials[at : at + len(bare)] == bare]
    if not bare or not starts:
        raise undecided(folder, "post_processor", "the special tokens of tokenizer.json are odd")
    suffix = with_specials[starts[0] + len(bare) :]
    if len(suffix) > 1:
        raise undecided(folder, "post_processor", f"captions end with {len(suffix)} special tokens")
    return int(suffix[0]) if suffix else None


def _pad_id(folder: Path, tokenizer: Any, stated: dict[str, Any]) -> int | None:
    """Return the id of the stated pad token."""
    specials = read_json(folder, "special_tokens_map.json") or {}
    token = stated.get("pad_token") or specials.get("pad_token")
    token = token.get("content") if isinstance(token, dict) else token
    if token is None:
        return None
    found = tokenizer.token_to_id(token)
    if found is None:
        raise undecided(folder, "pad_token", f"{token!r} is not in tokenizer.json")
    return int(found)


def _check_pooling(folder: Path, config: TowerConfig, end_id: int, pad_id: int) -> None:
    """Check that the tower pools at the token that ends a caption (``CLIPTextModel.forward``)."""
    eos_id = config.text["eos_token_id"]
    if eos_id == 2:
        # Configs from before transformers#24773: pooled at the highest id of the row.
        if max(end_id, pad_id) != end_id or end_id != config.text["vocab_size"] - 1:
            raise undecided(folder, "eos_token_id", f"legacy 2, but {end_id} is not the highest id")
    elif eos_id != end_id:
        raise undecided(folder, "eos_token_id", f"{eos_id!r}, but captions end with {end_id}")


def _needs_lowercase(folder: Path, tokenizer: Any, stated: dict[str, Any]) -> bool:
    """Return whether lower-casing has to be put before tokenizer.json's own normaliser."""
    own = tokenizer.normalizer
    probe = "A,b" if own is None else own.normalize_str("A,b")
    kind = str(stated.get("tokenizer_class")).removesuffix("Fast")
    if kind == "SiglipTokenizer" and any(part in probe for part in "A,"):
        # Its sentencepiece form lower-cases and drops punctuation; so must the JSON form.
        raise undecided(folder, "normalizer", "tokenizer.json does not clean as SiglipTokenizer")
    if "A" not in probe:
        return False
    if kind == "Siglip2Tokenizer" or stated.get("do_lower_case") is True:
        return True
    if kind.startswith("Gemma") and "do_lower_case" not in stated:
        # SigLIP2 was trained on lower-cased captions; a Gemma tokenizer alone does not do it.
        raise undecided(folder, "do_lower_case", "tokenizer_config.json leaves it out")
    return False

"""What pictures show, by the model that scored them: no labels are needed, only names."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pairsift.build import build_encoder
from pairsift.curation.audit import Dimension
from pairsift.curation.balance import PROMPTS, parse_categories, zero_shot_labels
from pairsift.curation.rows import ScoredRows, model_config
from pairsift.errors import UsageError
from pairsift.protocols import FloatArray
from pairsift.runs import Run


def read_categories(text: str) -> tuple[str, ...]:
    """Read names of categories from an option: the names themselves, or a file that holds them.

    Raises:
        UsageError: There are fewer than two, or the file cannot be read.
    """
    path = Path(text)
    try:
        is_file = path.is_file()
    except OSError:  # a list may be longer than any file name
        is_file = False
    if not is_file:
        return parse_categories(text)
    try:
        return parse_categories(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot read the categories {path}: {getattr(error, 'strerror', None) or error}"
        raise UsageError(message) from error


def label_pictures(run: Run, rows: ScoredRows, names: Sequence[str]) -> Dimension:
    """Give each picture the category whose prompts it is most similar to.

    Args:
        run: With embeddings; its model is loaded again to read the prompts.
        rows: Its rows.
        names: Of the categories.

    Returns:
        One label a row; none where a row has no embeddings.

    Raises:
        UsageError: The model is not the one that made the embeddings.
        ModelError: The model cannot be loaded.
    """
    labels = np.full(len(rows), -1, dtype=np.int64)
    prompts: FloatArray | None = None
    for shard in run.embeddings():
        if prompts is None:
            prompts = _embed_prompts(run, names, width=shard.images.shape[1])
        labels[rows.places(shard.file, shard.rows)] = zero_shot_labels(shard.images, prompts)
    if prompts is None and rows.scored.any():
        message = (
            "what pictures show is read from their embeddings, which are not kept here (hint: "
            "score with --embeddings all, or take categories from a column)"
        )
        raise UsageError(message)
    return Dimension("picture shows", labels, list(names))


def _embed_prompts(run: Run, names: Sequence[str], *, width: int) -> FloatArray:
    """Return the embeddings of each name's prompts, shape (C, P, D)."""
    encoder, _ = build_encoder(model_config(run))
    digest = encoder.provenance.weights_sha256
    if encoder.width != width or digest != run.provenance.weights_sha256:
        message = (
            f"model {run.provenance.model} is not the one that made this run's embeddings; "
            "score again, or take categories from a column"
        )
        raise UsageError(message)
    texts = [prompt.format(name) for name in names for prompt in PROMPTS]
    rows = encoder.encode_texts(encoder.prepare_captions(texts))
    return rows.reshape(len(names), len(PROMPTS), width)

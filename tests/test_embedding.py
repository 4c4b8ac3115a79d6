"""A row without a finite embedding costs itself: the others keep their bits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pairsift import open_run
from pairsift.config import ModelConfig, RunConfig, ScoreConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.encoders.finite import check_finite
from pairsift.engines.local import score_file
from pairsift.errors import ModelError
from pairsift.measures import find_measure
from pairsift.protocols import FloatArray, PixelArray, TokenizedCaption
from pairsift.scoring import PairScorer
from pairsift.sources import Sources
from tests.bad_inputs import encoded, picture

BAD_IMAGE, BAD_CAPTION = 2, "caption 5"
NUM_ROWS = 28


class Overflowing(FakeEncoder):
    """The fake, whose towers overflow at one picture and at one caption."""

    def __init__(self, *, is_broken: bool = False) -> None:
        super().__init__()
        self.is_broken = is_broken
        self.bad_pixels = self.prepare_image(picture(BAD_IMAGE))
        self.bad_ids = self.prepare_captions([BAD_CAPTION])[0].ids

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        rows = super().encode_images(pixels)
        for row, given in zip(rows, pixels, strict=True):
            if self.is_broken or np.array_equal(given, self.bad_pixels):
                row[3] = np.nan
        return check_finite(rows, "the image tower")

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        rows = super().encode_texts(captions)
        for row, given in zip(rows, captions, strict=True):
            if given.ids == self.bad_ids:
                row[0] = np.inf
        return check_finite(rows, "the caption tower")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for seed in range(7):
        (tmp_path / f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))
    path = tmp_path / "pairs.csv"
    lines = [f"{row % 7}.png,caption {row % 9}" for row in range(NUM_ROWS)]
    path.write_text("image,caption\n" + "\n".join(lines) + "\n")
    return path


def score(table: Path, name: str, encoder: FakeEncoder, **run: Any) -> list[dict[str, Any]]:
    def build(config: ScoreConfig, root: Path) -> PairScorer:
        return PairScorer(
            encoder=encoder,
            measure=find_measure(config.measure, encoder.record),
            sources=Sources(root, config.image),
        )

    config = ScoreConfig(model=ModelConfig(runtime="fake"), run=RunConfig(**run))
    output = table.with_name(name)
    score_file(config, table, output_path=output, build=build)
    columns = ["similarity", "similarity_status", "similarity_error"]
    rows: list[dict[str, Any]] = open_run(output).scores(columns).to_pylist()
    return rows


@pytest.mark.parametrize("shard_rows", [4, 4096])
def test_only_the_rows_of_a_bad_embedding_fail(table: Path, shard_rows: int) -> None:
    whole = score(table, "whole.csv", FakeEncoder(), shard_rows=shard_rows)
    found = score(table, "out.csv", Overflowing(), shard_rows=shard_rows)
    reasons = {
        row: f"the model's embedding of the {'image' if row % 7 == BAD_IMAGE else 'caption'} "
        "is not finite"
        for row in range(NUM_ROWS)
        if row % 7 == BAD_IMAGE or row % 9 == 5
    }
    for row, (clean, seen) in enumerate(zip(whole, found, strict=True)):
        if row in reasons:
            assert seen["similarity"] is None
            assert seen["similarity_status"] == "embedding_invalid"
            assert seen["similarity_error"] == reasons[row]
        else:
            assert seen == clean
    shards = list(open_run(table.with_name("out.csv")).embeddings())
    assert all(np.isfinite(shard.images).all() for shard in shards)
    assert sum(len(shard.rows) for shard in shards) == NUM_ROWS - len(reasons)


def test_one_bad_picture_alone_is_no_broken_model(table: Path) -> None:
    table.write_text(f"image,caption\n{BAD_IMAGE}.png,alone\n")
    assert score(table, "out.csv", Overflowing())[0]["similarity_status"] == "embedding_invalid"


def test_a_broken_model_ends_the_job(table: Path) -> None:
    for seed in range(40):
        table.with_name(f"{seed}.png").write_bytes(encoded(picture(seed), "PNG"))
    lines = [f"{row}.png,caption" for row in range(40)]
    table.write_text("image,caption\n" + "\n".join(lines) + "\n")
    with pytest.raises(ModelError, match=r"40 of 40 rows .* not finite; are weights damaged\?"):
        score(table, "out.csv", Overflowing(is_broken=True))

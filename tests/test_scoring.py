import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairsift import schema
from pairsift.config import CaptionConfig, ImageConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.measures import find_measure
from pairsift.protocols import FloatArray, PixelArray, TokenizedCaption
from pairsift.scoring import PairScorer
from pairsift.sources import Sources
from tests.bad_inputs import bad_rows, encoded, picture, write_files

Row = tuple[bytes | None, bytes | None, bytes | None, str | None]


class CountingEncoder(FakeEncoder):
    """The fake, remembering how many images and captions it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.num_images = 0
        self.num_texts = 0

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        self.num_images += len(pixels)
        return super().encode_images(pixels)

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        self.num_texts += len(captions)
        return super().encode_texts(captions)


def scorer(root: Path, *, measure: str = "cosine", details: bool = False) -> PairScorer:
    encoder = CountingEncoder()
    return PairScorer(
        encoder=encoder,
        measure=find_measure(measure, encoder.record),
        sources=Sources(root, ImageConfig()),
        details=details,
    )


def pairs(rows: Sequence[Row]) -> pa.RecordBatch:
    columns: list[Sequence[object]] = list(zip(*rows, strict=True)) if rows else [[]] * 4
    arrays = [
        pa.array(column, field.type)
        for column, field in zip(columns, schema.PAIR_SCHEMA, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.PAIR_SCHEMA)


def good(seed: int, caption: str = "soft colours") -> Row:
    return (None, encoded(picture(seed), "PNG"), caption.encode(), None)


def test_every_bad_row_gets_its_status_and_good_rows_their_exact_score(tmp_path: Path) -> None:
    root = tmp_path / "root"
    write_files(root)
    bad: list[Row] = [(row.image, None, row.caption, None) for row in bad_rows()]
    alone = scorer(root)(pairs([good(seed) for seed in range(len(bad))]))
    mixed_rows = [row for seed, worse in enumerate(bad) for row in (worse, good(seed))]
    mixed = scorer(root)(pairs(mixed_rows))
    assert mixed.num_rows == 2 * len(bad)
    assert mixed.column(schema.STATUS).to_pylist()[::2] == [str(r.status) for r in bad_rows()]
    assert mixed.column(schema.SIMILARITY).to_pylist()[1::2] == (
        alone.column(schema.SIMILARITY).to_pylist()
    )
    for status, similarity, reason in zip(
        mixed.column(schema.STATUS).to_pylist(),
        mixed.column(schema.SIMILARITY).to_pylist(),
        mixed.column(schema.ERROR).to_pylist(),
        strict=True,
    ):
        assert (status == "ok") == (similarity is not None) == (reason is None)


@settings(max_examples=30, deadline=None)
@given(st.permutations(range(12)), st.integers(1, 12))
def test_order_and_batches_do_not_change_a_number(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], size: int
) -> None:
    root = tmp_path_factory.mktemp("root")
    rows = [good(seed % 5, f"caption {seed}") for seed in range(12)]
    whole = scorer(root)(pairs(rows)).column(schema.SIMILARITY).to_pylist()
    moved = [rows[index] for index in order]
    batches = [pairs(moved[begin : begin + size]) for begin in range(0, 12, size)]
    parts = [b.column(schema.SIMILARITY).to_pylist() for b in scorer(root).stream(batches)]
    assert [value for part in parts for value in part] == [whole[index] for index in order]


def test_each_distinct_image_and_caption_is_encoded_once(tmp_path: Path) -> None:
    counting = scorer(tmp_path)
    rows = [good(seed % 3, f"caption {seed % 4}") for seed in range(24)]
    counting(pairs(rows))
    assert isinstance(counting.encoder, CountingEncoder)
    assert counting.encoder.num_images == 3
    assert counting.encoder.num_texts == 4


def test_malformed_rows_are_data(tmp_path: Path) -> None:
    out = scorer(tmp_path)(pairs([(b"a.png", None, b"a", "3 cells, the header has 2"), good(1)]))
    assert out.column(schema.STATUS).to_pylist() == ["row_malformed", "ok"]
    assert out.column(schema.ERROR)[0].as_py() == "3 cells, the header has 2"


@pytest.mark.parametrize("measure", ["cosine", "euclidean", "clip-score", "siglip-probability"])
def test_similarity_always_rises_and_the_cosine_is_kept(tmp_path: Path, measure: str) -> None:
    rows = [good(seed, f"caption {seed}") for seed in range(20)]
    cosine = scorer(tmp_path)(pairs(rows)).column(schema.SIMILARITY).to_numpy()
    out = scorer(tmp_path, measure=measure)(pairs(rows))
    similarity = out.column(schema.SIMILARITY).to_numpy()
    names = out.schema.names
    assert ("distance" in names) == (measure == "euclidean")
    kept = similarity if measure in {"cosine", "euclidean"} else out.column("cosine").to_numpy()
    if measure != "clip-score":  # its prefix makes it another caption
        assert (kept == cosine).all()
        assert (np.diff(similarity[np.argsort(cosine)]) >= 0).all()


def test_details(tmp_path: Path) -> None:
    data = encoded(picture(3, side=50), "PNG")
    rows: list[Row] = [(None, data, b"a few words", None), (b"gone.png", None, b"a b", None)]
    out = scorer(tmp_path, details=True)(pairs(rows)).to_pylist()
    assert out[0]["image_sha256"] == hashlib.sha256(data).hexdigest()
    assert (out[0]["image_width"], out[0]["image_height"]) == (50, 53)
    assert out[0]["image_format"] == "PNG"
    assert out[0]["caption_tokens"] > 0
    assert out[0]["caption_truncated"] is False
    assert out[1]["image_width"] is None
    assert out[1]["caption_tokens"] > 0


def test_no_rows_and_no_good_rows(tmp_path: Path) -> None:
    assert scorer(tmp_path)(pairs([])).num_rows == 0
    assert list(scorer(tmp_path).stream([])) == []
    failed = scorer(tmp_path, details=True)(pairs([(None, None, None, None)]))
    assert failed.column(schema.STATUS).to_pylist() == ["caption_null"]


def test_cleaning_captions_is_a_choice(tmp_path: Path) -> None:
    messy, clean = good(1, "fish &amp; chips"), good(1, "fish & chips")
    encoder = FakeEncoder()
    cleaning = PairScorer(
        encoder=encoder,
        measure=find_measure("cosine", encoder.record),
        sources=Sources(tmp_path, ImageConfig()),
        caption_config=CaptionConfig(clean_captions=True),
    )
    column = cleaning(pairs([messy, clean])).column(schema.SIMILARITY).to_pylist()
    assert column[0] == column[1]
    plain = scorer(tmp_path)(pairs([messy, clean])).column(schema.SIMILARITY).to_pylist()
    assert plain[0] != plain[1]


def test_leaving_a_stream_early_leaves_nothing_running(tmp_path: Path) -> None:
    source = scorer(tmp_path)
    stream = source.stream(pairs([good(seed)]) for seed in range(50))
    next(stream)
    stream.close()  # type: ignore[attr-defined]


def test_what_nobody_foresaw_costs_one_row(tmp_path: Path) -> None:
    class Surprise(Sources):
        def read(self, reference: bytes, root: Path | None = None) -> bytes:  # noqa: ARG002
            raise RuntimeError("nobody foresaw this")

    encoder = FakeEncoder()
    surprised = PairScorer(
        encoder=encoder,
        measure=find_measure("cosine", encoder.record),
        sources=Surprise(tmp_path, ImageConfig()),
    )
    out = surprised(pairs([(b"a.png", None, b"a", None), good(1)])).to_pylist()
    assert [row["similarity_status"] for row in out] == ["image_unreadable", "ok"]
    assert out[0]["similarity_error"] == "RuntimeError: nobody foresaw this"

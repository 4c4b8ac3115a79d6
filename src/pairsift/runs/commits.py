"""What one finished shard says about itself: small, mergeable, and written last."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pairsift.errors import RunFolderError
from pairsift.histograms import Histogram
from pairsift.protocols import Span
from pairsift.runs.layout import FORMAT_VERSION, ShardKey
from pairsift.statuses import RowStatus

COSINE_RANGE = (-1.0, 1.0)


@dataclass(frozen=True)
class WrittenFile:
    """One file of a shard.

    Args:
        name: In the run folder.
        sha256: Of its bytes, in hex.
        size: In bytes.
    """

    name: str
    sha256: str
    size: int


@dataclass(frozen=True)
class Work:
    """What it took to score a shard, counted where the work is done.

    Args:
        distinct_images: Different images by content among the rows that were scored.
        distinct_captions: Different captions by their tokens among them.
        encoded_images: Images that the encoder was given.
        encoded_captions: Captions that the encoder was given.
        reused_images: Distinct images whose embedding an earlier shard had made.
        reused_captions: Likewise captions.
        truncated_captions: Rows whose caption was cut to the context length.
    """

    distinct_images: int = 0
    distinct_captions: int = 0
    encoded_images: int = 0
    encoded_captions: int = 0
    reused_images: int = 0
    reused_captions: int = 0
    truncated_captions: int = 0

    def __add__(self, other: "Work") -> "Work":
        sums = {name: value + getattr(other, name) for name, value in vars(self).items()}
        return Work(**sums)


@dataclass(frozen=True)
class Commit:
    """A finished shard.

    Args:
        key: Which.
        num_rows: Rows in its scores file.
        span_rows: Rows of the input from the first one that it stands for; more than ``num_rows``
            where only some rows were wanted. 0 for an overlay, which stands for none of its own.
        read_from: First row, number of rows and position of the planned span that it lies in.
        id: Digest of the range and of the rows' two columns.
        counts: Rows by status.
        replaced: Rows by status that an overlay takes the place of.
        replaced_truncated: Truncated captions among those.
        examples: The first failed row of each status: its ordinal and its reason.
        histograms: Sparse, by column; see ``sparse_histogram``.
        seconds: Of the scoring thread, by stage.
        work: What it took.
        scores: The scores file.
        images: The embeddings of the images, or None where none were kept.
        captions: Likewise of the captions.
        when: ISO time of the commit, UTC.
        run_id: Of the run that it belongs to; see ``ownership``.
    """

    key: ShardKey
    num_rows: int
    span_rows: int
    read_from: Span
    id: str
    counts: dict[RowStatus, int]
    scores: WrittenFile
    images: WrittenFile | None = None
    captions: WrittenFile | None = None
    replaced: dict[RowStatus, int] = field(default_factory=dict)
    replaced_truncated: int = 0
    examples: dict[RowStatus, tuple[int, str]] = field(default_factory=dict)
    histograms: dict[str, dict[str, Any]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    work: Work = field(default_factory=Work)
    when: str = ""
    run_id: str = ""

    @property
    def num_failed(self) -> int:
        """Rows without a similarity."""
        return self.num_rows - self.counts.get(RowStatus.OK, 0)

    def to_bytes(self) -> bytes:
        """Return the commit object."""
        plain = {
            "format_version": FORMAT_VERSION,
            "run_id": self.run_id,
            "file": self.key.file,
            "first_row": self.key.first_row,
            "generation": self.key.generation,
            "num_rows": self.num_rows,
            "span_rows": self.span_rows,
            "read_from": vars(self.read_from),
            "id": self.id,
            "counts": self.counts,
            "replaced": self.replaced,
            "replaced_truncated": self.replaced_truncated,
            "examples": {status: list(example) for status, example in self.examples.items()},
            "seconds": {stage: round(value, 4) for stage, value in self.seconds.items()},
            "work": vars(self.work),
            "files": {
                what: None if file is None else vars(file)
                for what, file in (
                    ("scores", self.scores),
                    ("images", self.images),
                    ("captions", self.captions),
                )
            },
            "when": self.when,
            "histograms": self.histograms,
        }
        return (json.dumps(plain, ensure_ascii=False, indent=1) + "\n").encode()


def commit_from_bytes(data: bytes, *, source: str, with_histograms: bool = True) -> Commit:
    """Rebuild a commit.

    Args:
        data: What ``Commit.to_bytes`` gave.
        source: Its name, for the message.
        with_histograms: Otherwise they are left out, so that many commits fit into memory.

    Raises:
        RunFolderError: It is no commit of a known format.
    """
    try:
        plain = json.loads(data)
        if plain["format_version"] != FORMAT_VERSION:
            raise RunFolderError(
                f"{source}: format version {plain['format_version']}; "
                f"this pairsift reads {FORMAT_VERSION}"
            )
        files = {
            what: None if file is None else WrittenFile(**file)
            for what, file in plain["files"].items()
        }
        scores = files["scores"]
        if scores is None:
            raise KeyError("scores")
        return Commit(
            key=ShardKey(plain["file"], plain["first_row"], plain["generation"]),
            num_rows=plain["num_rows"],
            span_rows=plain["span_rows"],
            read_from=Span(**plain["read_from"]),
            id=plain["id"],
            counts=_by_status(plain["counts"]),
            scores=scores,
            images=files["images"],
            captions=files["captions"],
            replaced=_by_status(plain["replaced"]),
            replaced_truncated=plain["replaced_truncated"],
            examples={RowStatus(s): (row, why) for s, (row, why) in plain["examples"].items()},
            histograms=plain["histograms"] if with_histograms else {},
            seconds=plain["seconds"],
            work=Work(**plain["work"]),
            when=plain["when"],
            run_id=plain.get("run_id", ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        if isinstance(error, RunFolderError):
            raise
        raise RunFolderError(f"{source} is damaged ({error!r}); remove it and resume") from None


def merged_counts(commits: Iterable[Commit]) -> dict[RowStatus, int]:
    """Return the rows by status of a whole run: what overlays replaced is taken off."""
    counts: dict[RowStatus, int] = {}
    for commit in commits:
        for sign, part in ((1, commit.counts), (-1, commit.replaced)):
            for status, count in part.items():
                counts[status] = counts.get(status, 0) + sign * count
    return {status: count for status, count in counts.items() if count}


def merged_work(commits: Iterable[Commit]) -> Work:
    """Return the work of a whole run."""
    total = Work()
    for commit in commits:
        total += commit.work
        total += Work(truncated_captions=-commit.replaced_truncated)
    return total


def sparse_histogram(
    values: NDArray[np.float32], value_range: tuple[float, float]
) -> dict[str, Any]:
    """Return a histogram of ``Histogram``'s bins as plain data, only its filled bins.

    Args:
        values: Shape (N,).
        value_range: Lowest and highest value that the bins cover.
    """
    bins, counts = Histogram(*value_range, counts=np.zeros(0, np.int64)).bin_counts(values)
    return {
        "low": value_range[0],
        "high": value_range[1],
        "bins": _packed(bins),
        "counts": _packed(counts),
    }


def add_sparse(histogram: Histogram, sparse: Mapping[str, Any]) -> None:
    """Add a sparse histogram to a full one of the same range.

    Raises:
        RunFolderError: The ranges differ.
    """
    if (histogram.low, histogram.high) != (sparse["low"], sparse["high"]):
        raise RunFolderError("histograms of different ranges cannot be put together")
    histogram.counts[_unpacked(sparse["bins"])] += _unpacked(sparse["counts"])


def _packed(numbers: NDArray[np.int64]) -> str:
    # As text a bin takes 9 bytes and its Python object 32; so 5.3, and nothing to parse.
    return base64.b64encode(numbers.astype("<u4").tobytes()).decode()


def _unpacked(text: str) -> NDArray[np.int64]:
    return np.frombuffer(base64.b64decode(text), dtype="<u4").astype(np.int64)


def _by_status(plain: Mapping[str, int]) -> dict[RowStatus, int]:
    return {RowStatus(status): count for status, count in plain.items()}

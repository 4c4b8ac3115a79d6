"""The pairs that a report shows: read again from the inputs, their pictures made small."""

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from pairsift import schema
from pairsift.config import ImageConfig
from pairsift.curation.rows import ScoredRows
from pairsift.errors import ImageError, PairsiftError, RowError
from pairsift.images import decode_image
from pairsift.report.selecting import KEY_LETTERS, ImageKeys
from pairsift.runs import Run
from pairsift.runs.inputs import configured
from pairsift.sources import Sources
from pairsift.statuses import RowStatus

THUMBNAIL_SIDE = 160
THUMBNAIL_QUALITY = 70
"""160 pixels at WEBP quality 70 are about 3 KB: a hundred of them leave a page below 0.5 MB."""

NOT_FETCHED = "not fetched for a report"
"""What stands in place of a picture that lies at a URL or in a bucket."""

ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Thumbnail:
    """A small picture.

    Args:
        data_uri: All of it, to stand in ``src``.
        width: In pixels.
        height: In pixels.
    """

    data_uri: str
    width: int
    height: int


@dataclass(frozen=True)
class ShownPair:
    """A row as it is shown.

    Args:
        place: In the run's rows.
        row: Ordinal in its file, from 0.
        file: Name of its file, or None where there is one file only.
        similarity: NaN where the row failed.
        caption: As it stands in the table now, or None where it cannot be read.
        thumbnail: The picture, or None.
        problem: Why there is no picture, or what is odd about it; None where all is well.
    """

    place: int
    row: int
    file: str | None
    similarity: float
    caption: str | None
    thumbnail: Thumbnail | None = None
    problem: str | None = None


def load_pairs(
    run: Run, rows: ScoredRows, places: Iterable[int], *, keys: ImageKeys | None
) -> dict[int, ShownPair]:
    """Read the captions and pictures of a few rows again.

    What cannot be read, because the table or a picture is gone, becomes words in its place.

    Args:
        run: Where the inputs are named.
        rows: Of the run.
        places: Of ``rows``.
        keys: Of the pictures as they were scored; None: no picture is opened.

    Returns:
        Every place that was asked for.
    """
    wanted: dict[int, dict[int, int]] = defaultdict(dict)
    for place in set(places):
        wanted[int(rows.files[place])][int(rows.rows[place])] = place
    inputs = {item["ordinal"]: item for item in run.info["inputs"]}
    shown: dict[int, ShownPair] = {}
    for file, by_row in wanted.items():
        path = Path(inputs[file]["path"])
        name = path.name if len(inputs) > 1 else None
        found, problem = _read_pairs(run, file, sorted(by_row))
        reader = None if keys is None else _PictureReader(run, file)
        for row, place in by_row.items():
            pair = found.get(row)
            caption = None if pair is None else _decoded(pair[schema.CAPTION])
            thumbnail, trouble = None, problem
            if pair is not None and reader is not None and keys is not None:
                thumbnail, trouble = reader.read(pair, bytes(keys[place]).decode())
            similarity = float(rows.similarities[place])
            shown[place] = ShownPair(place, row, name, similarity, caption, thumbnail, trouble)
        if reader is not None:
            reader.close()
    return shown


def make_thumbnail(image: Image.Image) -> Thumbnail:
    """Return a picture of at most 160 pixels a side.

    Args:
        image: Mode RGB.
    """
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=2.0)
    target = BytesIO()
    small.save(target, "WEBP", quality=THUMBNAIL_QUALITY, method=4)
    data = base64.b64encode(target.getvalue()).decode()
    return Thumbnail(f"data:image/webp;base64,{data}", small.width, small.height)


class _PictureReader:
    """Reads the pictures of one input as they were read for scoring."""

    def __init__(self, run: Run, ordinal: int) -> None:
        self._config = configured(ImageConfig, run.info["config"]["image"])
        self._problem: str | None = None
        self._sources: Sources | None = None
        try:
            self._sources = run.open_sources(ordinal, may_fetch=False)
        except (PairsiftError, OSError) as error:
            self._problem = str(error)

    def close(self) -> None:
        """Close what it reads from."""
        if self._sources is not None:
            self._sources.close()

    def read(self, pair: Mapping[str, Any], key: str) -> tuple[Thumbnail | None, str | None]:
        """Return a thumbnail, and what is wrong with it or why there is none."""
        if self._sources is None:
            return None, self._problem
        try:
            content = pair[schema.CONTENT]
            if content is None:
                reference = pair[schema.REFERENCE]
                if not reference:
                    raise ImageError(RowStatus.IMAGE_NULL, "the image cell is empty")
                content = self._sources.read(reference)
            decoded = decode_image(content, self._config, target=THUMBNAIL_SIDE)
            thumbnail = make_thumbnail(decoded.rgb)
        except RowError as error:
            is_closed = error.status == RowStatus.IMAGE_NOT_ALLOWED
            return None, NOT_FETCHED if is_closed else error.reason
        except Exception as error:  # noqa: BLE001 - the row boundary: decoders raise anything
            return None, f"{type(error).__name__}: {error}"
        has_changed = bool(key) and hashlib.sha256(content).hexdigest()[:KEY_LETTERS] != key
        return thumbnail, "the picture is not the one that was scored" if has_changed else None


def _read_pairs(
    run: Run, ordinal: int, rows: list[int]
) -> tuple[dict[int, dict[str, Any]], str | None]:
    """Return the rows that are still there, and why others are not."""
    found: dict[int, dict[str, Any]] = {}
    try:
        batches = run.open_input(ordinal).read_batches(
            image_column=run.info["image_column"],
            caption_column=run.info["caption_column"],
            batch_rows=ROWS_AT_ONCE,
            rows=rows,
        )
        for batch in batches:
            pairs = batch.pairs.to_pylist()
            found.update(zip(rows[len(found) : len(found) + len(pairs)], pairs, strict=True))
    except (PairsiftError, OSError) as error:
        return found, f"the table cannot be read: {error}"
    return found, None if len(found) == len(rows) else "the table has no such row any more"


def _decoded(caption: bytes | None) -> str | None:
    return None if caption is None else caption.decode("utf-8", "replace")

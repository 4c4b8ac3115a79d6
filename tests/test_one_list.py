"""One list of pairs in every format and every kind of reference: the same bits, row for row."""

import base64
import csv
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pairsift
from pairsift.cli import run
from pairsift.storybook.writing import write_storybook
from tests.s3_server import S3

NUM_PAIRS = 200
BUCKET = "one-list"


@dataclass(frozen=True)
class Book:
    """The list, and where its pictures can be had."""

    home: Path
    names: list[str]
    images: list[bytes]
    captions: list[str]
    site: str

    def references(self, kind: str) -> list[str]:
        """Return what stands in the image column."""
        if kind == "mixed":
            kinds = sorted(KINDS)
            return [self.references(kinds[i % len(kinds)])[i] for i in range(NUM_PAIRS)]
        return [KINDS[kind](self, i) for i in range(NUM_PAIRS)]


KINDS: dict[str, Callable[[Book, int], str]] = {
    "path": lambda book, i: book.names[i],
    "absolute": lambda book, i: str(book.home / book.names[i]),
    "url": lambda book, i: f"{book.site}/{book.names[i]}",
    "s3": lambda book, i: f"s3://{BUCKET}/{book.names[i]}",
    "base64": lambda book, i: base64.b64encode(book.images[i]).decode(),
    "data": lambda book, i: f"data:image/png;base64,{KINDS['base64'](book, i)}",
}


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Book]:
    """Draw the list, and serve its folder on loopback."""
    home = tmp_path_factory.mktemp("list") / "book"
    write_storybook(home, num_pairs=NUM_PAIRS, seed=11, image_format="png")
    with (home / "pairs.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (home / "pairs.csv").unlink()
    names = [row["image"] for row in rows]
    handler = partial(QuietHandler, directory=home)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield Book(
        home,
        names,
        [(home / name).read_bytes() for name in names],
        [row["caption"] for row in rows],
        f"http://127.0.0.1:{server.server_address[1]}",
    )
    server.shutdown()
    thread.join()
    server.server_close()


def write_text(path: Path, images: list[Any], captions: list[Any]) -> None:
    if ".csv" in path.suffixes or ".tsv" in path.suffixes:
        text = io.StringIO()
        writer = csv.writer(text, delimiter="\t" if ".tsv" in path.suffixes else ",")
        writer.writerows([("image", "caption"), *zip(images, captions, strict=True)])
        data = text.getvalue().encode()
    else:
        rows = zip(images, captions, strict=True)
        data = b"".join(json.dumps({"image": i, "caption": c}).encode() + b"\n" for i, c in rows)
    with pa.output_stream(path) as file:
        file.write(data)


def write_parquet(path: Path, images: Any, captions: Any) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    pq.write_table(pa.table({"image": images, "caption": captions}), path, row_group_size=33)


def write_tar(path: Path, rows: range, book: Book, *, as_json: bool) -> None:
    with tarfile.open(path, "w") as archive:
        for row in rows:
            caption = book.captions[row]
            told = json.dumps({"caption": caption}) if as_json else caption
            members = ((".png", book.images[row]), (".json" if as_json else ".txt", told.encode()))
            for extension, data in members:
                info = tarfile.TarInfo(f"{row:06}{extension}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


def inputs_of(book: Book, home: Path) -> Iterator[tuple[str, str, str]]:
    """Write the list in every way; yield what to call it, the input and the output's suffix."""
    captions = book.captions
    for kind in (*KINDS, "mixed"):
        references = book.references(kind)
        for suffix in (".csv", ".jsonl", ".parquet"):
            path = home / f"{kind}{suffix}"
            write = write_parquet if suffix == ".parquet" else write_text
            write(path, references, captions)
            yield f"{kind} in {suffix}", str(path), suffix
    paths = book.references("path")
    for suffix in (".tsv", ".csv.gz", ".csv.zst", ".jsonl.gz", ".ndjson.zst"):
        write_text(home / f"packed{suffix}", paths, captions)
        yield suffix, str(home / f"packed{suffix}"), suffix
    yield from _contents(book, home)
    yield from _tars(book, home)
    yield from _folders(book, home)


def _contents(book: Book, home: Path) -> Iterator[tuple[str, str, str]]:
    captions = book.captions
    structs = [{"bytes": data, "path": "nowhere.png"} for data in book.images]
    pathed = [{"bytes": None, "path": name} for name in book.names]
    columns = {
        "bytes": pa.array(book.images, pa.binary()),
        "large bytes": pa.array(book.images, pa.large_binary()),
        "structs": pa.array(structs),
        "structs of either": pa.array([*structs[:100], *pathed[100:]]),
        "a dictionary": pa.array(book.names).dictionary_encode(),
    }
    for name, column in columns.items():
        write_parquet(home / f"{name}.parquet", column, captions)
        yield name, str(home / f"{name}.parquet"), ".parquet"
    texts = [{"bytes": base64.b64encode(data).decode()} for data in book.images]
    write_text(home / "objects.jsonl", [*texts[:100], *pathed[100:]], captions)
    yield "objects in JSON", str(home / "objects.jsonl"), ".jsonl"


def _tars(book: Book, home: Path) -> Iterator[tuple[str, str, str]]:
    write_tar(home / "one.tar", range(NUM_PAIRS), book, as_json=False)
    yield "a tar", str(home / "one.tar"), ".parquet"
    for number, first in enumerate(range(0, NUM_PAIRS, 50)):
        write_tar(home / f"{number:05}.tar", range(first, first + 50), book, as_json=True)
    yield "a range of tars", str(home / "{00000..00003}.tar"), ".jsonl"


def _folders(book: Book, home: Path) -> Iterator[tuple[str, str, str]]:
    beside, faces, hub = home / "beside", home / "faces", home / "hub"
    for folder in (beside, faces):
        folder.mkdir()
        for row, data in enumerate(book.images):
            (folder / f"{row:06}.png").write_bytes(data)
    for row, caption in enumerate(book.captions):
        (beside / f"{row:06}.txt").write_text(caption + "\n", encoding="utf-8")
    yield "images beside their captions", str(beside), ".csv"
    names = [f"{row:06}.png" for row in range(NUM_PAIRS)]
    with (faces / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", "text"), *zip(names, book.captions, strict=True)])
    yield "an imagefolder", str(faces), ".csv"
    for number, first in enumerate(range(0, NUM_PAIRS, 100)):
        rows = slice(first, first + 100)
        structs = [{"bytes": data, "path": None} for data in book.images[rows]]
        path = hub / f"data/train-{number:05}-of-00002.parquet"
        write_parquet(path, pa.array(structs), book.captions[rows])
    yield "a dataset folder", str(hub), ".parquet"
    yield "a glob", str(hub / "data/*.parquet"), ".parquet"


def read_output(path: Path) -> tuple[list[str], list[str], bytes]:
    """Return captions, statuses and the bits of the similarities."""
    name = path.name
    if name.endswith(".parquet"):
        rows = pq.read_table(path).to_pylist()
    else:
        data = path.read_bytes()
        with pa.input_stream(path) as stream:
            data = stream.read() if path.suffix in (".gz", ".zst") else data
        text = io.StringIO(data.decode(), newline="")
        if ".csv" in name or ".tsv" in name:
            rows = list(csv.DictReader(text, delimiter="\t" if ".tsv" in name else ","))
        else:
            rows = [json.loads(line) for line in text]
    caption = "text" if "text" in rows[0] else "caption"
    numbers = np.array([float(row["similarity"] or "nan") for row in rows])
    bits = numbers.astype(np.float32).tobytes()
    return [r[caption] for r in rows], [r["similarity_status"] for r in rows], bits


@pytest.mark.cloud
@pytest.mark.slow
def test_the_same_bits_whatever_the_way(drawn: Book, s3: S3, tmp_path: Path) -> None:
    s3.make_bucket(BUCKET)
    for name, data in zip(drawn.names, drawn.images, strict=True):
        s3.put(BUCKET, name, data)
    calculator = pairsift.load_calculator("storybook")
    numbers = calculator.calculate(list(drawn.images), drawn.captions)
    assert len(np.unique(numbers)) > NUM_PAIRS * 0.9
    allowed = ["--allow-urls", "--allow-host", drawn.site.removeprefix("http://")]
    allowed += ["--allow-bucket", f"s3://{BUCKET}", "--image-root"]
    found: dict[str, Any] = {}
    for number, (way, path, suffix) in enumerate(inputs_of(drawn, tmp_path)):
        out = tmp_path / f"out{number:02}{suffix}"
        roots = [path] if Path(path).is_dir() else [str(drawn.home)]
        command = ["score", path, "-o", str(out), "--model", "storybook", *allowed, *roots]
        assert run(command) == 0, way
        found[way] = read_output(out)
        kept = pairsift.open_run(f"{out}.pairsift").scores(["similarity"])["similarity"]
        assert kept.to_numpy().tobytes() == found[way][2], way
    memory = pa.table(
        {"image": pa.array(drawn.images, pa.binary_view()), "caption": drawn.captions}
    )
    scored = pairsift.score_table(memory, model="storybook")
    in_memory = [scored[name].to_pylist() for name in ("caption", "similarity_status")]
    found["in memory"] = (*in_memory, scored["similarity"].to_numpy().tobytes())
    expected = (drawn.captions, ["ok"] * NUM_PAIRS, numbers.tobytes())
    assert [way for way, got in found.items() if got != expected] == []
    assert len(found) > 35

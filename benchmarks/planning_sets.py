"""The three sets on which plans are held against runs, and the slow server of the third."""

import asyncio
import csv
import hashlib
import math
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.checkpoints import captions, photographs

NUM_PHOTOGRAPHS = 4_500
"""More than a shard has rows, so that no shard reads a file twice."""

NUM_SMALL = 400
NUM_DRAWN_BASES = 12
HANG_SECONDS = 3_600.0


@dataclass(frozen=True)
class PlannedSet:
    """One set.

    Args:
        table: Of its pairs.
        options: That plan and run are given alike.
    """

    table: Path
    options: tuple[str, ...]


def make_photographs(folder: Path, *, num_rows: int, real: Path | None) -> PlannedSet:
    """Make JPEGs of 300 to 3,000 pixels, each under as many names as there are rows for it.

    The names are hard links and no file comes again before all others did, so with a cache of
    nothing every row is read, decoded and encoded.

    Args:
        folder: Where.
        num_rows: Of the table.
        real: Folder of photographs to cut pieces from, beside the drawn ones.
    """
    table = folder / "pairs.csv"
    if not table.exists():
        files = cut_photographs(folder / "files", NUM_PHOTOGRAPHS, sides=(300, 3_000), real=real)
        names = []
        for row in range(num_rows):
            name = folder / f"images/{row // 1000:03}/{row:06}.jpg"
            name.parent.mkdir(parents=True, exist_ok=True)
            name.unlink(missing_ok=True)
            name.hardlink_to(files[row % len(files)])
            names.append(str(name.relative_to(folder)))
        write_table(table, names)
    return PlannedSet(table, ("--cache-mb", "0"))


def make_duplicates(folder: Path, *, num_rows: int, real: Path | None) -> PlannedSet:
    """Make a table of which 40 % of the rows have an image that an earlier row had.

    Half of those have one of the last fifty rows' images, as where a picture has several captions,
    and half any earlier one's. All files differ by a comment.

    Args:
        folder: Where.
        num_rows: Of the table.
        real: As in ``make_photographs``.
    """
    table = folder / "pairs.csv"
    if not table.exists():
        files = cut_photographs(folder / "files", NUM_SMALL, sides=(300, 900), real=real)
        contents = [file.read_bytes() for file in files]
        generator = np.random.default_rng(2)
        names: list[str] = []
        for row in range(num_rows):
            kind = generator.random()
            if row and kind < 0.2:
                names.append(names[int(generator.integers(max(0, row - 50), row))])
            elif row and kind < 0.4:
                names.append(names[int(generator.integers(0, row))])
            else:
                name = folder / f"images/{row // 1000:03}/{row:06}.jpg"
                name.parent.mkdir(parents=True, exist_ok=True)
                name.write_bytes(commented(contents[row % len(contents)], f"row {row}"))
                names.append(str(name.relative_to(folder)))
        write_table(table, names)
    return PlannedSet(table, ())


def make_slow_server(folder: Path, *, num_rows: int, place: str) -> PlannedSet:
    """Make a table of the URLs of a ``SlowWeb``, of which 30 % lead to nothing.

    Args:
        folder: Where.
        num_rows: Of the table.
        place: Host and port of the server.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "pairs.csv"
    write_table(table, [f"http://{place}/{row:06}.jpg" for row in range(num_rows)])
    options = ("--allow-urls", "--allow-host", place, "--connections-per-host", "48")
    return PlannedSet(table, (*options, "--fetch-timeout-seconds", "10"))


def write_table(path: Path, images: Sequence[str]) -> None:
    """Write a table with a caption of its own in every row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "caption"])
        writer.writerows(zip(images, captions(len(images), seed=7), strict=True))


def cut_photographs(
    folder: Path, num: int, *, sides: tuple[int, int], real: Path | None
) -> list[Path]:
    """Return JPEGs cut from photographs, of sides spread evenly in their logarithm.

    Args:
        folder: Where; what is there is taken.
        num: How many.
        sides: Shortest and longest, in pixels.
        real: Photographs to cut from, beside drawn ones.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{index:05}.jpg" for index in range(num)]
    bases: list[Image.Image] = []
    for index, path in enumerate(paths):
        if path.exists():
            continue
        bases = bases or open_bases(real)
        generator = np.random.default_rng(index)
        low, high = math.log(sides[0]), math.log(sides[1])
        width, height = np.exp(generator.uniform(low, high, 2)).astype(int).tolist()
        base = bases[int(generator.integers(len(bases)))]
        share = generator.uniform(0.4, 1.0)
        size = (int(base.width * share), int(base.height * share))
        left = int(generator.integers(base.width - size[0] + 1))
        top = int(generator.integers(base.height - size[1] + 1))
        box = (left, top, left + size[0], top + size[1])
        cut = base.resize((width, height), Image.Resampling.BILINEAR, box=box)
        cut.save(path, quality=int(generator.integers(75, 93)))
    return paths


def open_bases(real: Path | None) -> list[Image.Image]:
    """Return what is cut: drawn photographs, and those of a folder."""
    bases = [Image.open(BytesIO(data)) for data in photographs(NUM_DRAWN_BASES)]
    if real is not None:
        bases += [Image.open(path) for path in sorted(real.glob("*.jpg"))]
    return [base.convert("RGB") for base in bases]


def commented(jpeg: bytes, words: str) -> bytes:
    """Return a JPEG with a comment behind its first marker: other bytes, the same picture."""
    comment = words.encode()
    return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(comment) + 2) + comment + jpeg[2:]


class SlowWeb:
    """Answers slowly, and some never: what a row gets follows from its path.

    Of a hundred links 70 lead to a picture, 15 to a 404, 8 to a connection that is closed without
    an answer, and 7 to none. All but the last take 0.3 to 2 seconds.
    """

    def __init__(self) -> None:
        self.place = ""
        self.num_requests = 0
        generator = np.random.default_rng(5)
        self._pictures = [_picture(generator) for _ in range(64)]

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Serve on loopback while the context lasts; yields host and port."""
        loop = asyncio.new_event_loop()
        server = loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self.place
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            tasks = asyncio.all_tasks(loop)
            for task in tasks:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.num_requests += 1
                path = head.split(b" ", 2)[1]
                lot = np.frombuffer(hashlib.sha256(path).digest(), dtype="<u4")
                kind = int(lot[0]) % 100
                await asyncio.sleep(
                    HANG_SECONDS if kind >= 93 else 0.3 + 1.7 * float(lot[1]) / 2**32
                )
                if kind >= 85:
                    return
                body = commented(self._pictures[int(lot[2]) % 64], path.decode())
                code, body = (b"200 OK", body) if kind < 70 else (b"404 Not Found", b"gone")
                writer.write(
                    b"HTTP/1.1 " + code + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def _picture(generator: np.random.Generator) -> bytes:
    """Return a small JPEG of coloured patches."""
    patches = generator.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(patches).resize((160, 160), Image.Resampling.BICUBIC).save(buffer, "JPEG")
    return buffer.getvalue()

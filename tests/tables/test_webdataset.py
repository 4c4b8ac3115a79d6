"""Tars, good ones and hostile ones: nothing is extracted, and nothing is lost."""

import io
import json
import random
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import pairsift
from pairsift import schema
from pairsift.config import ModelConfig, ScoreConfig, TableConfig
from pairsift.errors import ColumnError, TableFormatError, UsageError
from pairsift.tables import samples, streams, tar, webdataset
from pairsift.tables.enriched import open_enriched
from pairsift.tables.tar import read_members
from pairsift.tables.webdataset import FORMAT, TarReader

ADDED = schema.output_schema(is_distance=False, is_cosine=True, details=False)
Entry = tuple[str, bytes] | tarfile.TarInfo
STYLES = {"pax": tarfile.PAX_FORMAT, "gnu": tarfile.GNU_FORMAT, "ustar": tarfile.USTAR_FORMAT}


def pack(path: Path, entries: list[Entry], *, style: str = "pax") -> Path:
    with tarfile.open(path, "w", format=STYLES[style]) as archive:
        for entry in entries:
            if isinstance(entry, tarfile.TarInfo):
                archive.addfile(entry)
                continue
            member = tarfile.TarInfo(entry[0])
            member.size = len(entry[1])
            archive.addfile(member, io.BytesIO(entry[1]))
    return path


def special(name: str, kind: bytes, target: str = "/etc/passwd") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def rows(path: Path, **config: Any) -> list[tuple[Any, ...]]:
    """Return key, image, caption and problem of every row."""
    reader = FORMAT.open_reader(path, TableConfig(**config))
    column = config.get("caption_column") or "caption"
    found = []
    for batch in reader.read_batches(image_column="image", caption_column=column, batch_rows=3):
        keys = reader.to_arrow(batch).column("key").to_pylist()
        pairs = batch.pairs.to_pylist()
        assert all(pair["reference"] is None for pair in pairs)
        found += [
            (key, pair["content"], pair["caption"], pair["problem"])
            for key, pair in zip(keys, pairs, strict=True)
        ]
    return found


@pytest.mark.parametrize("style", list(STYLES))
def test_members_are_those_of_the_standard_library(tmp_path: Path, style: str) -> None:
    names = ["a.jpg", "d/" * 20 + "b.txt", "x" * 90 + "/" + "y" * 90 + ".png", "ü.txt"]
    if style != "ustar":
        names += ["z" * 300 + ".jpg", "long/" * 60 + "c.json"]
    entries: list[Entry] = [(name, name.encode() * 7) for name in names]
    entries += [special("link.jpg", tarfile.SYMTYPE), special("d/", tarfile.DIRTYPE)]
    path = pack(tmp_path / "a.tar", entries, style=style)
    with tarfile.open(path) as archive:
        expected = [(m.name, m.offset_data, m.size) for m in archive if not m.isdir()]
    found = [(m.name, m.data, m.size) for m in read_members(path) if m.kind != "folder"]
    assert found == expected
    ends = [member.end for member in read_members(path)]
    assert [member.begin for member in read_members(path)] == [0, *ends[:-1]]


def test_what_becomes_a_row(tmp_path: Path) -> None:
    entries: list[Entry] = [
        special("set/", tarfile.DIRTYPE),
        ("set/1.jpg", b"J"),
        ("set/1.txt", b"one\n"),
        ("set/1.json", b'{"caption": "not this"}'),
        ("set/2.cls", b"7"),
        ("set/2.PNG", b"P"),
        ("set/2.json", b'{"url": "u", "TEXT": "two"}'),
        ("README", b"no row"),
        (".hidden.jpg", b"no row"),
        ("set/3.webp", b"W"),
        ("set/3.caption", b"three"),
        ("set/4.jpeg", b""),
        ("set/5.txt", b"no image"),
        ("set/6.seg.png", b"no image either"),
        ("set/7.jpg", b"J"),
        ("set/7.json", b'{"width": 3}'),
    ]
    assert rows(pack(tmp_path / "a.tar", entries)) == [
        ("set/1", b"J", b"one", None),
        ("set/2", b"P", b"two", None),
        ("set/3", b"W", b"three", None),
        ("set/4", b"", None, None),
        ("set/5", None, b"no image", None),
        ("set/6", None, None, None),
        ("set/7", b"J", None, None),
    ]


def test_keys_that_stand_twice_stay_two_rows(tmp_path: Path) -> None:
    entries: list[Entry] = [("a.jpg", b"1"), ("a.txt", b"x"), ("b.jpg", b"2"), ("a.jpg", b"3")]
    entries += [("a.jpg", b"4"), ("a.txt", b"y")]
    assert rows(pack(tmp_path / "a.tar", entries)) == [
        ("a", b"1", b"x", None),
        ("b", b"2", None, None),
        ("a", b"3", None, None),
        ("a", b"4", b"y", None),
    ]


def test_hostile_members(tmp_path: Path) -> None:
    sparse = tarfile.TarInfo("7.jpg")
    sparse.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.name": "x"}
    entries: list[Entry] = [
        ("../../up.jpg", b"J"),
        ("../../up.txt", b"a name is only a name"),
        ("/etc/cron.d/x.jpg", b"J"),
        special("1.jpg", tarfile.SYMTYPE),
        ("1.txt", b"one"),
        special("2.jpg", tarfile.LNKTYPE, "../../up.jpg"),
        special("3.jpg", tarfile.CHRTYPE),
        special("4.jpg", tarfile.FIFOTYPE),
        ("5.jpg", b"J"),
        special("5.txt", tarfile.SYMTYPE),
        ("6.jpg", b"J"),
        ("6.json", b"[" * 100_000),
        sparse,
        ("8.jpg", b"J"),
        ("8.json", b'{"caption": ["a", "b"]}'),
        ("9.jpg", b"J"),
        ("9.txt", b"\xff\xfe"),
        ("9.json", b"broken, and nobody asks"),
    ]
    before = set(tmp_path.parent.rglob("*"))
    found = rows(pack(tmp_path / "a.tar", entries))
    assert set(tmp_path.parent.rglob("*")) - before == {tmp_path / "a.tar"}
    assert [row[0] for row in found] == ["../../up", "/etc/cron.d/x", *"123456789"]
    assert [row[1] for row in found] == [b"J", b"J", *[None] * 4, b"J", b"J", None, b"J", b"J"]
    assert [row[3] for row in found] == [
        None,
        None,
        "1.jpg is a link, which is not followed",
        "2.jpg is a link, which is not followed",
        "3.jpg is a special file",
        "4.jpg is a special file",
        "5.txt is a link, which is not followed",
        "6.json: not readable: nested too deeply",
        "7.jpg is a sparse file, which is not read",
        '8.json: the caption is no text: ["a", "b"] (hint: --caption-list)',
        None,
    ]
    assert found[-1][2] == b"\xff\xfe"


def test_members_that_are_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MAX_IMAGE_BYTES", 10)
    monkeypatch.setattr(samples, "MAX_CAPTION_BYTES", 10)
    entries: list[Entry] = [("1.jpg", b"x" * 11), ("2.jpg", b"x"), ("2.txt", b"y" * 11)]
    found = rows(pack(tmp_path / "a.tar", entries))
    assert [row[3] for row in found] == [
        "image_too_large: 1.jpg has 11 bytes, more than 10",
        "2.txt has 11 bytes, more than 10",
    ]


def test_a_key_of_the_json_as_the_caption(tmp_path: Path) -> None:
    entries: list[Entry] = [("1.jpg", b"J"), ("1.json", b'{"alt_de": "eins", "text": "one"}')]
    path = pack(tmp_path / "a.tar", entries)
    assert rows(path, caption_column="alt_de") == [("1", b"J", b"eins", None)]
    reader = TarReader(path, TableConfig())
    with pytest.raises(ColumnError, match="column alt_de not found; available: key, image"):
        next(reader.read_batches(image_column="image", caption_column="alt_de", batch_rows=1))


def test_large_images_bound_the_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webdataset, "BATCH_BYTES", 1000)
    path = pack(tmp_path / "a.tar", [(f"{i}.jpg", bytes(300)) for i in range(10)])
    batches = TarReader(path, TableConfig()).read_batches(
        image_column="image", caption_column="caption", batch_rows=100
    )
    assert [batch.pairs.num_rows for batch in batches] == [4, 4, 2]


@pytest.mark.parametrize("what", ["zero members", "no end", "short padding"])
def test_ends_that_are_fine(tmp_path: Path, what: str) -> None:
    path = pack(tmp_path / "a.tar", [] if what == "zero members" else [("a.jpg", b"J" * 600)])
    data = path.read_bytes()
    if what != "zero members":
        path.write_bytes(data[: 512 + (1024 if what == "no end" else 600)])
    assert len(rows(path)) == (what != "zero members")


def damaged(data: bytes) -> dict[str, bytes]:
    flipped = bytearray(data)
    flipped[1030] ^= 1  # in the second member's name
    huge = tarfile.TarInfo("b.jpg")
    huge.size = 1 << 60
    long_name = tarfile.TarInfo("././@LongLink")
    long_name.type, long_name.size = b"L", 1 << 40
    return {
        "empty": b"",
        "text": b"image,caption\n" * 100,
        "zip": b"PK\x03\x04" + bytes(600),
        "cut in a header": data[:1100],
        "cut in the bytes": data[:1600],
        "flipped": bytes(flipped),
        "huge": data[:1024] + huge.tobuf(tarfile.GNU_FORMAT) + bytes(512),
        "huge header": data[:1024] + long_name.tobuf(tarfile.GNU_FORMAT) + bytes(512),
        "header at the end": data[:1024] + long_name.tobuf(tarfile.GNU_FORMAT)[:512],
    }


@pytest.mark.parametrize("what", list(damaged(bytes(2000))))
def test_damage_is_one_line(tmp_path: Path, what: str) -> None:
    path = pack(tmp_path / "a.tar", [("a.jpg", b"J" * 500), ("b.jpg", b"J" * 500)])
    path.write_bytes(damaged(path.read_bytes())[what])
    with pytest.raises(TableFormatError, match=r"^a\.tar, byte \d+: [^\n]+$"):
        rows(path)


def test_no_damage_ends_in_a_traceback(tmp_path: Path) -> None:
    """Five hundred mutated tars: rows, or one line."""
    entries: list[Entry] = [(f"{'n' * (i * 9)}{i}.jpg", bytes([i]) * i * 70) for i in range(1, 20)]
    good = pack(tmp_path / "a.tar", entries, style="pax").read_bytes()
    outcomes = {"rows": 0, "line": 0}
    for seed in range(500):
        dice = random.Random(seed)  # noqa: S311 - test data
        data = bytearray(good)
        for _ in range(dice.randrange(1, 4)):
            at = dice.randrange(len(data))
            data[at : at + dice.choice([0, 1, 4, 100])] = dice.randbytes(
                dice.choice([0, 1, 4, 512])
            )
        (tmp_path / "b.tar").write_bytes(bytes(data))
        try:
            rows(tmp_path / "b.tar")
            outcomes["rows"] += 1
        except TableFormatError as error:
            outcomes["line"] += str(error).count("\n") == 0
    assert sum(outcomes.values()) == 500
    assert min(outcomes.values()) > 20


def enrich(path: Path, out: Path, *, picked: list[int] | None = None, prefix: str = "") -> None:
    reader = FORMAT.open_reader(path, TableConfig())
    added_schema = pa.schema([field.with_name(prefix + field.name) for field in ADDED])
    with open_enriched(
        out, [reader], image_column="image", added_schema=added_schema, metadata={}
    ) as writer:
        for batch in reader.read_batches(
            image_column="image", caption_column="caption", batch_rows=2, rows=picked
        ):
            count = batch.pairs.num_rows
            cells = [pa.array([0.25] * count, pa.float32()), pa.array(["ok"] * count)]
            cells.append(pa.array(["why, 'x'\n"] * count))
            writer.write(batch, pa.RecordBatch.from_arrays(cells, schema=added_schema))


def strip_members(data: bytes, suffix: bytes) -> bytes:
    """Take away the members of a name's suffix, by the rules of tar alone."""
    out, at = [], 0
    pending = b""
    while at < len(data):
        header = data[at : at + 512]
        if not any(header):
            out.append(data[at:])
            break
        size = int(header[124:136].rstrip(b"\0 ") or b"0", 8)
        end = at + 512 + -(-size // 512) * 512
        body = data[at:end]
        if header[156:157] in b"xgLK":
            pending += body
        elif header[:100].rstrip(b"\0").endswith(suffix) or suffix in pending:
            pending = b""
        else:
            out.append(pending + body)
            pending = b""
        at = end
    return b"".join(out)


@pytest.mark.parametrize("style", list(STYLES))
def test_a_rewritten_copy_has_every_member_as_it_was(tmp_path: Path, style: str) -> None:
    entries: list[Entry] = [special("d/", tarfile.DIRTYPE)]
    for index in range(5):
        key = f"d/{index}" if style == "ustar" else f"d/{'k' * index * 60}{index}"
        entries += [(f"{key}.jpg", bytes([index]) * index * 300), (f"{key}.txt", b"words")]
        entries += [special(f"{key}.png", tarfile.SYMTYPE), ("README", b"between rows")]
    path = pack(tmp_path / "a.tar", entries, style=style)
    enrich(path, tmp_path / "o.tar")
    data = (tmp_path / "o.tar").read_bytes()
    assert strip_members(data, b".similarity.json") == path.read_bytes()
    with tarfile.open(tmp_path / "o.tar") as archive:
        names = archive.getnames()
        added = [name for name in names if name.endswith(".similarity.json")]
        assert len(added) == 5
        file = archive.extractfile(added[3])
        assert file is not None
        assert json.load(file) == {
            "similarity": 0.25,
            "similarity_status": "ok",
            "similarity_error": "why, 'x'\n",
        }
    assert names.index(added[0]) < names.index(added[1][: -len(".similarity.json")] + ".jpg")
    assert [row[:3] for row in rows(tmp_path / "o.tar")] == [row[:3] for row in rows(path)]


def test_the_stripper_notices_a_lost_byte(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", [("a.jpg", b"J"), ("a.txt", b"words")])
    enrich(path, tmp_path / "o.tar")
    data = (tmp_path / "o.tar").read_bytes().replace(b"words", b"wards")
    assert strip_members(data, b".similarity.json") != path.read_bytes()


def test_some_rows_of_a_tar(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", [(f"{i}.jpg", b"J") for i in range(6)])
    enrich(path, tmp_path / "o.tar", picked=[1, 4])
    with tarfile.open(tmp_path / "o.tar") as archive:
        assert archive.getnames() == [
            "1.jpg", "1.similarity.json", "4.jpg", "4.similarity.json"
        ]  # fmt: skip


def test_a_copy_of_a_copy_needs_another_name(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.tar", [("a.jpg", b"J"), ("b.jpg", b"J")])
    enrich(path, tmp_path / "o.tar")
    with pytest.raises(UsageError, match=r"a member a\.similarity\.json already"):
        enrich(tmp_path / "o.tar", tmp_path / "p.tar")
    assert not (tmp_path / "p.tar").exists()
    enrich(tmp_path / "o.tar", tmp_path / "p.tar", prefix="new_")
    with tarfile.open(tmp_path / "p.tar") as archive:
        assert archive.getnames()[:3] == ["a.jpg", "a.similarity.json", "a.new_similarity.json"]


def test_a_table_beside_the_tar(tmp_path: Path) -> None:
    entries: list[Entry] = [("1.jpg", b"J"), ("1.json", b'{"text": "one", "url": "u"}')]
    enrich(pack(tmp_path / "a.tar", entries), tmp_path / "o.parquet")
    (row,) = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert list(row) == ["key", "caption", "json", *ADDED.names]
    assert (row["key"], row["caption"], json.loads(row["json"])["url"]) == ("1", "one", "u")


def test_a_table_does_not_become_a_tar(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"image,caption\na,b\n")
    with pytest.raises(UsageError, match="a tar is written from tars only"):
        FORMAT.open_rows_writer(tmp_path / "o.tar", columns=ADDED, added_schema=ADDED, metadata={})


def test_headers_are_capped() -> None:
    assert tar.MAX_HEADER_BYTES <= 1 << 20


def compressed(path: Path, data: bytes) -> Path:
    kinds = {".tgz": "gzip", ".gz": "gzip", ".zst": "zstd"}
    with pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), kinds[path.suffix]) as stream:
        stream.write(data)
    return path


@pytest.mark.parametrize("name", ["b.tgz", "b.tar.gz", "b.tar.zst"])
def test_a_compressed_tar_holds_the_same_rows(tmp_path: Path, name: str) -> None:
    entries: list[Entry] = []
    for i in range(40):
        # The caption before and behind the image: nobody goes back for it.
        parts = [(f"{i}.jpg", bytes([i]) * 700), (f"{i}.txt", b"%d" % i), (f"{i}.json", b"{}")]
        entries += parts if i % 2 else parts[::-1]
    plain = pack(tmp_path / "a.tar", entries)
    path = compressed(tmp_path / name, plain.read_bytes())
    assert rows(path) == rows(plain)
    reader = FORMAT.open_reader(path, TableConfig())
    assert reader.count_rows() == 40
    assert list(reader.plan(7)) == list(FORMAT.open_reader(plain, TableConfig()).plan(7))


def test_a_compressed_tar_is_inflated_once_a_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries: list[Entry] = [(f"{i}.{e}", b"x" * 3000) for i in range(50) for e in ("txt", "jpg")]
    plain = pack(tmp_path / "a.tar", entries)
    path = compressed(tmp_path / "b.tar.gz", plain.read_bytes())
    opened: list[Path] = []
    real = streams.open_input

    def open_input(path: Path) -> Any:
        opened.append(path)
        return real(path)

    monkeypatch.setattr(streams, "open_input", open_input)
    assert len(rows(path)) == 50
    # A look at the first row, the headers, and the bytes.
    assert len(opened) == 3
    opened.clear()
    enrich(path, tmp_path / "out.tar.gz")
    assert len(opened) <= 6
    with pa.input_stream(tmp_path / "out.tar.gz") as stream:
        (tmp_path / "out.tar").write_bytes(stream.read())
    enrich(plain, tmp_path / "same.tar")
    assert (tmp_path / "out.tar").read_bytes() == (tmp_path / "same.tar").read_bytes()


@pytest.mark.parametrize("what", ["cut", "flipped", "no archive", "cut tar", "empty"])
@pytest.mark.parametrize("name", ["a.tar.gz", "a.tar.zst"])
def test_damage_in_a_compressed_tar_is_one_line(tmp_path: Path, name: str, what: str) -> None:
    dice = random.Random(3)  # noqa: S311 - test data
    plain = pack(tmp_path / "p.tar", [(f"{i}.jpg", dice.randbytes(3000)) for i in range(60)])
    data = bytearray(compressed(tmp_path / name, plain.read_bytes()).read_bytes())
    if what == "cut":
        data = data[: len(data) // 2]
    elif what == "flipped":
        data[1] ^= 0xFF
    elif what == "no archive":
        data = bytearray(b"image,caption\n" * 100)
    elif what == "empty":
        data = bytearray()
    (tmp_path / name).write_bytes(data)
    if what == "cut tar":
        compressed(tmp_path / name, plain.read_bytes()[:100_000])
    with pytest.raises(TableFormatError, match=r"^a\.tar\.(gz|zst)[,:] [^\n]+$"):
        rows(tmp_path / name)


def test_an_image_that_is_too_large_is_told_by_its_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "MAX_IMAGE_BYTES", 10)
    path = pack(tmp_path / "a.tar", [("1.jpg", b"x" * 11), ("1.txt", b"words")])
    config = ScoreConfig(model=ModelConfig(runtime="fake"))
    scored = pairsift.score_table(path, config=config).to_pylist()
    assert scored[0]["similarity_status"] == "image_too_large"
    assert scored[0]["similarity_error"] == "1.jpg has 11 bytes, more than 10"

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift import schema
from pairsift.config import TableConfig
from pairsift.errors import TableFormatError, UsageError
from pairsift.protocols import Span
from pairsift.tables.enriched import check_alike
from pairsift.tables.formats import open_table
from pairsift.tables.inputs import find_inputs
from pairsift.tables.vectors import VectorsReader, split_vectors

NUM_ROWS = 11
WIDTH = 6
IMAGES = np.random.default_rng(1).normal(size=(NUM_ROWS, WIDTH)).astype(np.float16)
CAPTIONS = np.random.default_rng(2).normal(size=(NUM_ROWS, WIDTH)).astype(np.float16)
AUTO = TableConfig(from_embeddings="auto")


def write(path: Path, table: pa.Table | None = None, *, save: Any = np.savez) -> Path:
    save(path, l14_img=IMAGES, l14_txt=CAPTIONS)
    if table is not None:
        pq.write_table(table, path.with_suffix(".parquet"), row_group_size=4)
    return path


def metadata() -> pa.Table:
    rows = range(NUM_ROWS)
    return pa.table({"uid": [f"{i:03}" for i in rows], "url": ["u"] * NUM_ROWS, "n": list(rows)})


def read(reader: VectorsReader, **wanted: Any) -> list[tuple[int, Any, Any, pa.RecordBatch]]:
    columns: dict[str, Any] = {"image_column": "url", "caption_column": "caption"}
    found = []
    for batch in reader.read_batches(**columns, **wanted):
        assert batch.pairs.schema.equals(schema.VECTOR_PAIR_SCHEMA)
        assert batch.pairs["content"].null_count == len(batch.pairs) > 0
        vectors = split_vectors(batch.pairs["vectors"], WIDTH)
        found.append((batch.first_row, *vectors, reader.to_arrow(batch)))
    return found


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize("batch_rows", [1, 3, 100])
def test_rows_come_with_their_vectors(tmp_path: Path, save: Any, batch_rows: int) -> None:
    reader = VectorsReader(write(tmp_path / "a.npz", metadata(), save=save), AUTO)
    assert reader.column_names == ("uid", "url", "n", "caption")
    assert reader.count_rows() == NUM_ROWS
    batches = read(reader, batch_rows=batch_rows)
    assert max(len(rows) for *_, rows in batches) <= batch_rows
    assert [first for first, *_ in batches] == [rows["n"][0].as_py() for *_, rows in batches]
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), IMAGES)
    np.testing.assert_array_equal(np.concatenate([b[2] for b in batches]), CAPTIONS)
    whole = pa.Table.from_batches([rows for *_, rows in batches])
    assert whole.select(["uid", "url", "n"]).equals(metadata())
    assert whole["caption"].null_count == NUM_ROWS


@pytest.mark.parametrize("has_table", [True, False])
@pytest.mark.parametrize("rows", [None, [0, 1, 4, 5, 10, 40], [], range(3, 9)])
@pytest.mark.parametrize("span", [None, Span(4, 4), Span(8, 3)])
def test_some_rows(tmp_path: Path, has_table: bool, rows: Any, span: Span | None) -> None:
    path = write(tmp_path / "a.npz", metadata() if has_table else None)
    reader = VectorsReader(path, TableConfig(from_embeddings="l14", image_column="url"))
    if not has_table:
        reader = VectorsReader(path, AUTO)
    columns = ("url" if has_table else "image", "caption")
    batches = reader.read_batches(
        image_column=columns[0], caption_column=columns[1], batch_rows=3, rows=rows, span=span
    )
    found = [split_vectors(batch.pairs["vectors"], WIDTH)[0] for batch in batches]
    inside = range(NUM_ROWS) if span is None else range(span.first_row, span.first_row + 4)
    expected = [row for row in inside if row < NUM_ROWS and (rows is None or row in rows)]
    read_rows = np.concatenate([np.zeros((0, WIDTH)), *found])
    np.testing.assert_array_equal(read_rows, IMAGES[expected])


def test_without_a_table_the_place_is_the_image(tmp_path: Path) -> None:
    reader = VectorsReader(write(tmp_path / "a.npz"), AUTO)
    assert reader.column_names == ("image", "caption")
    (batch,) = reader.read_batches(
        image_column="image", caption_column="caption", batch_rows=100, rows=[2, 7]
    )
    assert reader.to_arrow(batch)["image"].to_pylist() == ["a.npz#2", "a.npz#7"]
    assert batch.pairs["caption"].null_count == 2


def test_a_plan_covers_every_row_once(tmp_path: Path) -> None:
    reader = VectorsReader(write(tmp_path / "a.npz"), AUTO)
    spans = list(reader.plan(4))
    assert [(span.first_row, span.num_rows) for span in spans] == [(0, 4), (4, 4), (8, 3)]


def clip_retrieval(home: Path, numbers: list[str]) -> Path:
    for name in ("img_emb", "text_emb", "metadata"):
        (home / name).mkdir(parents=True)
    for number in numbers:
        np.save(home / f"img_emb/img_emb_{number}.npy", IMAGES)
        np.save(home / f"text_emb/text_emb_{number}.npy", CAPTIONS)
        table = pa.table({"image_path": ["x"] * NUM_ROWS, "caption": [number] * NUM_ROWS})
        pq.write_table(table, home / f"metadata/metadata_{number}.parquet")
    return home


def test_a_folder_stands_for_its_parts(tmp_path: Path) -> None:
    home = clip_retrieval(tmp_path / "cr", ["10", "9"])
    paths = find_inputs(str(home), AUTO)
    assert [path.name for path in paths] == ["img_emb_9.npy", "img_emb_10.npy"]
    assert open_table(paths[1], AUTO).column_names == ("image_path", "caption")
    globbed = find_inputs(str(home / "img_emb/*.npy"), AUTO)
    assert set(globbed) == set(paths)


def test_a_partner_may_be_numbered_with_other_digits(tmp_path: Path) -> None:
    home = clip_retrieval(tmp_path / "cr", ["7"])
    (home / "text_emb/text_emb_7.npy").rename(home / "text_emb/text_emb_0007.npy")
    assert VectorsReader(home / "img_emb/img_emb_7.npy", AUTO).part.captions.path.is_file()
    (home / "text_emb/text_emb_0007.npy").unlink()
    with pytest.raises(TableFormatError, match=r"no partner text_emb_7\.npy"):
        open_table(home / "img_emb/img_emb_7.npy", AUTO)


def test_what_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.npz")
    with pytest.raises(UsageError, match=r"holds embeddings \(hint: --from-embeddings auto\)"):
        open_table(path, TableConfig())
    (tmp_path / "t.csv").write_text("image,caption\n")
    with pytest.raises(UsageError, match="holds no embeddings"):
        find_inputs(str(tmp_path / "t.csv"), AUTO)
    np.save(tmp_path / "x.npy", IMAGES)
    with pytest.raises(UsageError, match="name that of the images"):
        open_table(tmp_path / "x.npy", AUTO)
    np.savez(tmp_path / "b.npz", a_img=IMAGES[:, :3], a_txt=CAPTIONS[:, :3])
    readers = [open_table(tmp_path / name, AUTO) for name in ("a.npz", "b.npz")]
    with pytest.raises(TableFormatError, match=r"b\.npz is no part .* 3 dimensions, not 6"):
        check_alike(readers)

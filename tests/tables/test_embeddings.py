import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pairsift.errors import TableFormatError, UsageError
from pairsift.tables.embeddings import find_embeddings, read_embeddings

DICE = np.random.default_rng(3)


def rows(count: int, width: int = 8) -> Any:
    return DICE.normal(size=(count, width)).astype(np.float16)


def clip_retrieval(home: Path, arrays: list[tuple[Any, Any]], *, digits: int = 1) -> Path:
    for name in ("img_emb", "text_emb", "metadata"):
        (home / name).mkdir(parents=True)
    for number, (images, captions) in enumerate(arrays):
        ending = str(number).zfill(digits)
        np.save(home / f"img_emb/img_emb_{ending}.npy", images)
        np.save(home / f"text_emb/text_emb_{ending}.npy", captions)
        table = pa.table({"caption": [str(i) for i in range(len(images))]})
        pq.write_table(table, home / f"metadata/metadata_{ending}.parquet")
    return home


@pytest.mark.parametrize("block_rows", [1, 4, 100])
def test_the_layout_of_clip_retrieval(tmp_path: Path, block_rows: int) -> None:
    arrays = [(rows(count), rows(count)) for count in (5, 0, *[2] * 9)]
    parts = find_embeddings(clip_retrieval(tmp_path, arrays))
    assert [part.num_rows for part in parts] == [5, 0, *[2] * 9]
    assert [part.metadata and part.metadata.name for part in parts][10] == "metadata_10.parquet"
    assert {part.width for part in parts} == {8}
    blocks = list(read_embeddings(parts, block_rows=block_rows))
    assert all(0 < len(block.images) <= block_rows for block in blocks)
    for side, place in (("images", 0), ("captions", 1)):
        found = np.concatenate([getattr(block, side) for block in blocks])
        expected = np.concatenate([pair[place] for pair in arrays]).astype(np.float64)
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(found, expected, atol=1e-6)
        assert found.dtype == np.float32
    places = [(block.part, block.first_row) for block in blocks]
    assert places == sorted(set(places))
    assert all(block.is_sound.all() for block in blocks)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_the_layout_of_datacomp(tmp_path: Path, save: Any) -> None:
    for name in ("b", "a"):
        arrays = {key: rows(4, 6) for key in ("b32_img", "b32_txt", "l14_img", "l14_txt")}
        save(tmp_path / f"{name}.npz", **arrays, dedup=rows(4, 3))
        pq.write_table(pa.table({"uid": list("wxyz")}), tmp_path / f"{name}.parquet")
    with pytest.raises(UsageError, match=r"a\.npz: name the model .* available: b32, l14"):
        find_embeddings(tmp_path)
    parts = find_embeddings(tmp_path, model="l14")
    assert [part.images.path.name for part in parts] == ["a.npz", "b.npz"]
    assert parts[0].metadata == tmp_path / "a.parquet"
    block = next(read_embeddings(parts))  # of a.npz, which was written last
    expected = arrays["l14_txt"].astype(np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(block.captions, expected, atol=1e-6)
    assert len(find_embeddings(tmp_path / "a.npz", model="b32")) == 1


def test_one_pair_of_arrays_needs_no_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", my_img=rows(3), my_txt=rows(3), other_img=rows(3))
    (part,) = find_embeddings(tmp_path / "a.npz")
    assert str(part.captions) == "a.npz, my_txt"
    assert part.metadata is None


def test_rows_without_a_length(tmp_path: Path) -> None:
    images, captions = np.ones((5, 4), np.float32), np.ones((5, 4), np.float32)
    images[1] = 0
    images[2, 0] = np.nan
    captions[3, 0] = np.inf
    images[4] = 3e38
    (block,) = read_embeddings(find_embeddings(clip_retrieval(tmp_path, [(images, captions)])))
    assert block.is_sound.tolist() == [True, False, False, False, True]
    assert np.isfinite(block.images).all()
    np.testing.assert_allclose(block.images[4], 0.5, atol=1e-6)
    assert not block.images[1:3].any()


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("trapped"),)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (rows(3)[:2], r"shape \(2, 8\), but text_emb_0\.npy has \(3, 8\)"),
        (rows(3, 7), r"shape \(3, 7\), but"),
        (rows(3)[0], r"float16 of shape \(8,\); expected rows of floats"),
        (np.zeros((3, 8), np.int64), "int64 of shape"),
        (np.asfortranarray(rows(3)), "column by column"),
        (np.array([[Trap()]], dtype=object), r"object of shape \(1, 1\)"),
        (b"", "no NumPy array"),
        (pickle.dumps(Trap()), "no NumPy array"),
        (b"\x93NUMPY\x01\x00\x10\x00{'descr': 1/0}  ", "no NumPy array"),
    ],
)
def test_what_does_not_fit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Any, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    home = clip_retrieval(tmp_path / "set", [(rows(3), rows(3))])
    place = home / "img_emb/img_emb_0.npy"
    if isinstance(images, bytes):
        place.write_bytes(images)
    else:
        np.save(place, images, allow_pickle=True)
    with pytest.raises(TableFormatError, match=words) as caught:
        find_embeddings(home)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "trapped").exists()


def test_files_that_are_cut_off(tmp_path: Path) -> None:
    home = clip_retrieval(tmp_path / "set", [(rows(30), rows(30))])
    place = home / "text_emb/text_emb_0.npy"
    place.write_bytes(place.read_bytes()[:-50])
    with pytest.raises(TableFormatError, match="cut off; its header promises 30 rows"):
        list(read_embeddings(find_embeddings(home), block_rows=7))
    np.savez(tmp_path / "a.npz", x_img=rows(30), x_txt=rows(30))
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[:300])
    with pytest.raises(TableFormatError, match=r"a\.npz is no \.npz"):
        find_embeddings(tmp_path / "a.npz")


def test_a_damaged_member_is_one_line(tmp_path: Path) -> None:
    sink = io.BytesIO()
    np.save(sink, rows(300))
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x_img.npy", sink.getvalue())
        archive.writestr("x_txt.npy", sink.getvalue())
    data = bytearray((tmp_path / "a.npz").read_bytes())
    data[1500:1520] = b"\xff" * 20
    (tmp_path / "a.npz").write_bytes(bytes(data))
    with pytest.raises(TableFormatError, match=r"a\.npz, x_img: damaged"):
        list(read_embeddings(find_embeddings(tmp_path)))


def test_partners_and_rows_must_be_there(tmp_path: Path) -> None:
    home = clip_retrieval(tmp_path, [(rows(3), rows(3)), (rows(2), rows(2))])
    pq.write_table(pa.table({"x": [1]}), home / "metadata/metadata_1.parquet")
    with pytest.raises(TableFormatError, match=r"metadata_1\.parquet has 1 rows, but .* has 2"):
        find_embeddings(home)
    (home / "metadata/metadata_1.parquet").write_bytes(b"no")
    with pytest.raises(TableFormatError, match=r"metadata_1\.parquet is no Parquet file"):
        find_embeddings(home)
    (home / "text_emb/text_emb_0.npy").unlink()
    with pytest.raises(TableFormatError, match="number 0 has only one of"):
        find_embeddings(home)
    with pytest.raises(UsageError, match="no embeddings"):
        find_embeddings(tmp_path / "metadata")

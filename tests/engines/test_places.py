"""Files of another disk are told from the driver's by what is in them."""

from pathlib import Path

import pytest

from pairsift.engines.places import check_places, check_token, look_at, put_token
from pairsift.errors import RunFolderError, UsageError
from pairsift.runs.store import FolderStore
from pairsift.tables.staging import local_table
from tests.s3_server import S3


def test_a_run_folder_on_another_disk_is_refused(tmp_path: Path) -> None:
    token = put_token(FolderStore(tmp_path / "a.pairsift"))
    check_token(FolderStore(tmp_path / "a.pairsift"), token, host="there")
    with pytest.raises(RunFolderError, match=r"b\.pairsift is not on a disk that there shares"):
        check_token(FolderStore(tmp_path / "b.pairsift"), token, host="there")


def test_a_token_of_another_driver_is_not_taken_for_this_one(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    token = put_token(store)
    store.put(token.name, b"of another machine")
    with pytest.raises(RunFolderError):
        check_token(store, token, host="there")


@pytest.mark.parametrize("change", ["missing", "longer", "other bytes"])
def test_another_table_of_the_same_name_is_refused(tmp_path: Path, change: str) -> None:
    table = tmp_path / "pairs.csv"
    table.write_text("image,caption\na,b\n")
    place = look_at("table", table)
    check_places([place], host="there")
    if change == "missing":
        table.unlink()
    else:
        table.write_text("image,caption\na,c\n" + "d,e\n" * (change == "longer"))
    with pytest.raises(UsageError, match=r"the table .* is not on a disk that there shares"):
        check_places([place], host="there")


def test_another_folder_of_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").touch()
    place = look_at("image root", tmp_path)
    check_places([place], host="there")
    (tmp_path / "1.jpg").unlink()
    with pytest.raises(UsageError, match="the image root"):
        check_places([place], host="there")


@pytest.mark.cloud
@pytest.mark.parametrize("change", ["other bytes", "missing"])
def test_a_table_in_a_bucket_is_looked_for_there(s3: S3, change: str) -> None:
    s3.make_bucket("places")
    s3.put("places", "a/pairs.csv", b"image,caption\na,b\n")
    place = look_at("table", local_table(Path("s3://places/a/pairs.csv")))
    assert place.path == "s3://places/a/pairs.csv"
    check_places([place], host="there")
    if change == "missing":
        s3.delete("places", "a/pairs.csv")
    else:
        s3.put("places", "a/pairs.csv", b"image,caption\na,c\n")
    with pytest.raises(UsageError, match=r"s3://places/a/pairs\.csv is not what the driver read"):
        check_places([place], host="there")


def test_a_root_in_a_bucket_is_nobodys_disk() -> None:
    place = look_at("image root", Path("s3://places/a"))  # which has lost a slash
    assert place.path == "s3://places/a"
    check_places([place], host="there")

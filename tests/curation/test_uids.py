import io

import numpy as np
import pytest

from pairsift.curation.uids import UID_DTYPE, pack_uids, uid_of_pair
from pairsift.errors import UsageError

LARGEST = "f" * 32


def test_uids_are_sorted_as_two_numbers() -> None:
    uids = [LARGEST, "0" * 16 + "f" * 16, "0" * 15 + "1" + "0" * 16, "F" * 16 + "0" * 16]
    packed = pack_uids(uids)
    most = 2**64 - 1
    assert packed.tolist() == [(0, most), (1, 0), (most, 0), (most, most)]
    stream = io.BytesIO()
    np.save(stream, packed, allow_pickle=False)
    loaded = np.load(io.BytesIO(stream.getvalue()), allow_pickle=False)
    assert loaded.dtype == np.dtype("u8,u8") == UID_DTYPE
    assert loaded.tolist() == packed.tolist()


def test_repeats_are_weights() -> None:
    uids = [f"{number:032x}" for number in (9, 3, 5)]
    assert pack_uids(uids, np.array([1, 2, 0])).tolist() == [(0, 3), (0, 3), (0, 9)]


def test_no_pair() -> None:
    packed = pack_uids([], np.zeros(0, dtype=np.int64))
    assert (packed.dtype, packed.shape) == (UID_DTYPE, (0,))


@pytest.mark.parametrize("uid", ["", "g" * 32, "0" * 31, "0" * 33, " " + "0" * 31])
def test_what_is_no_uid_is_named(uid: str) -> None:
    with pytest.raises(UsageError, match="kept pair 1 is not 32 hex digits"):
        pack_uids([LARGEST, uid])


def test_a_made_uid_follows_from_picture_and_caption() -> None:
    uid = uid_of_pair("00" * 32, "a red boat")
    assert uid != uid_of_pair("00" * 32, "a blue boat")
    assert uid != uid_of_pair("01" * 32, "a red boat")
    assert uid == uid_of_pair("00" * 32, "a red boat")

"""Each invariant refuses an encoder that breaks it, and only that one does."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from pairsift.encoders.fake import FAKE_RECORD, FakeEncoder
from pairsift.invariants import Outcome, check_invariants
from pairsift.protocols import FloatArray, PixelArray, TokenizedCaption


class Faulty(FakeEncoder):
    """The fake encoder with one fault."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.fault = fault

    def encode_images(self, pixels: Sequence[PixelArray]) -> FloatArray:
        rows = super().encode_images(pixels)
        if self.fault == "unit norm":
            rows *= np.float32(1.01)
        if self.fault == "not finite":
            rows[0, 0] = np.nan
        if self.fault == "different pictures":
            rows[:] = rows[0] = np.eye(1, rows.shape[1], dtype=np.float32)
        if self.fault == "batch" and len(rows) > 1:
            rows = _unit(rows + rows.mean(axis=0))
        if self.fault == "order" and len(rows) > 1:
            rows[0] = _unit(rows[0] + 1e-3)
        return rows

    def encode_texts(self, captions: Sequence[TokenizedCaption]) -> FloatArray:
        # Like a causal tower: what stands after the end does not matter, unless it is the fault.
        if self.fault != "trimming":
            bare = [tuple(i for i in caption.ids if i) for caption in captions]
            captions = [TokenizedCaption(ids, len(ids)) for ids in bare]
        rows = super().encode_texts(captions)
        if self.fault == "different captions":
            rows[:] = np.eye(1, rows.shape[1], dtype=np.float32)
        return rows


def _unit(rows: FloatArray) -> FloatArray:
    unit: FloatArray = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return unit


def failures(fault: str) -> list[str]:
    checks = check_invariants(Faulty(fault), FAKE_RECORD.text)
    return [check.name for check in checks if check.outcome is Outcome.FAIL]


def test_a_sound_encoder_passes_all() -> None:
    checks = check_invariants(Faulty("none"), FAKE_RECORD.text)
    assert {check.outcome for check in checks} == {Outcome.PASS}
    assert [check.name for check in checks][-1] == "trimming"
    padded = replace(FAKE_RECORD.text, trim_exact=False)
    assert "trimming" not in [c.name for c in check_invariants(Faulty("none"), padded)]


@pytest.mark.parametrize(
    "fault", ["unit norm", "different pictures", "different captions", "trimming"]
)
def test_a_fault_is_refused_by_its_own_check(fault: str) -> None:
    assert failures(fault) == [fault]


def test_faults_that_show_in_more_than_one_way() -> None:
    assert failures("batch") == ["batch"]
    assert "order" in failures("order")
    assert "unit norm" in failures("not finite")

"""Batches on their way: in order, split where memory does not suffice, and never lost."""

import importlib
import logging
from typing import Any

import numpy as np
import pytest

from pairsift.encoders.torch_batches import TorchBatches
from pairsift.errors import ModelError
from pairsift.protocols import FloatArray
from tests.encoders.cuda_stand_in import DEVICE, Cuda, Event

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def torch() -> Any:
    return importlib.import_module("torch")


class Device:
    """The CPU, with room for so many rows; it remembers the batches it was given."""

    def __init__(self, torch: Any, *, room: int, words: str = "CUDA out of memory. Tried") -> None:
        self.torch, self.room, self.words = torch, room, words
        self.sizes: list[int] = []

    def __call__(self, batch: Any) -> Any:
        self.sizes.append(len(batch))
        if len(batch) > self.room:
            raise self.torch.OutOfMemoryError(self.words)
        return batch.float() * 2


def run(torch: Any, batches: TorchBatches, forward: Any, *, jobs: list[Any]) -> FloatArray:
    num_rows = sum(len(job) for job in jobs)
    rows = np.full((num_rows, 3), -1, dtype=np.float32)

    def fill(indices: Any) -> Any:
        host = batches.empty((len(indices), 3), torch.int64)
        host.numpy()[:] = np.asarray(indices)[:, None]
        return host

    batches.run(jobs, rows, fill=fill, forward=forward)
    return rows


EXPECTED = np.repeat(np.arange(20, dtype=np.float32)[:, None] * 2, 3, axis=1)
JOBS = [range(8), [11, 8, 10, 9], range(12, 20)]


def test_in_order(torch: Any) -> None:
    batches = TorchBatches(torch, torch.device("cpu"), 8)
    device = Device(torch, room=8)
    assert np.array_equal(run(torch, batches, device, jobs=JOBS), EXPECTED)
    assert device.sizes == [8, 4, 8]
    assert run(torch, batches, device, jobs=[]).shape == (0, 3)


def test_too_large_batches_are_halved_for_good(
    torch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    batches = TorchBatches(torch, torch.device("cpu"), 8)
    device = Device(torch, room=3)
    with caplog.at_level(logging.WARNING):
        assert np.array_equal(run(torch, batches, device, jobs=JOBS), EXPECTED)
    assert batches.batch_size == 2
    assert device.sizes == [8, 4, *[2] * 10]
    assert [record.getMessage() for record in caplog.records] == [
        "memory of cpu does not suffice for batches of 8; going on with 4",
        "memory of cpu does not suffice for batches of 4; going on with 2",
    ]


def test_not_one_row_fits(torch: Any) -> None:
    batches = TorchBatches(torch, torch.device("cpu"), 8)
    with pytest.raises(ModelError, match="one row does not fit the memory of cpu: CUDA out of"):
        run(torch, batches, Device(torch, room=0), jobs=JOBS)


@pytest.mark.parametrize(
    "words", ["MPS backend out of memory", "CUBLAS_STATUS_ALLOC_FAILED when calling", "wrong shape"]
)
def test_other_errors_are_told_apart_by_their_words(torch: Any, words: str) -> None:
    batches = TorchBatches(torch, torch.device("cpu"), 8)

    def forward(batch: Any) -> Any:
        if len(batch) > 4:
            raise RuntimeError(words)
        return batch.float() * 2

    if words == "wrong shape":
        with pytest.raises(RuntimeError, match="wrong shape"):
            run(torch, batches, forward, jobs=JOBS)
    else:
        assert np.array_equal(run(torch, batches, forward, jobs=JOBS), EXPECTED)


def run_on_cuda(cuda: Cuda, forward: Any) -> tuple[FloatArray, TorchBatches]:
    batches = TorchBatches(cuda, DEVICE, 8)
    rows = np.full((20, 3), -1, dtype=np.float32)

    def fill(indices: Any) -> Any:
        host = batches.empty((len(indices), 3), np.int64)
        host.numpy()[:] = np.asarray(indices)[:, None]
        return host

    batches.run(JOBS, rows, fill=fill, forward=forward)
    return rows, batches


def test_the_order_of_copies_and_computing_on_cuda() -> None:
    cuda = Cuda()
    rows, _ = run_on_cuda(cuda, cuda.forward)
    assert np.array_equal(rows, EXPECTED)
    assert cuda.under_way == 2  # one is computed while the next is on its way


def test_memory_on_cuda_is_given_back_before_the_halves() -> None:
    cuda = Cuda(room=4)
    cuda.OutOfMemoryError = RuntimeError  # type: ignore[assignment]

    def forward(batch: Any) -> Any:
        try:
            return cuda.forward(batch)
        except MemoryError as error:
            raise RuntimeError(str(error)) from error

    rows, batches = run_on_cuda(cuda, forward)
    assert np.array_equal(rows, EXPECTED)
    assert (batches.batch_size, cuda.num_emptied) == (4, 1)


@pytest.mark.parametrize("fault", ["wait_stream", "record_stream", "synchronize"])
def test_the_stand_in_refuses_what_a_driver_would_not_tell(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cuda = Cuda()
    if fault == "wait_stream":
        monkeypatch.setattr(cuda.computes, "wait_stream", lambda _: None)
    elif fault == "synchronize":
        monkeypatch.setattr(Event, "synchronize", lambda _: None)
    else:
        place = cuda.place

        def forgetful(values: Any) -> Any:
            tensor = place(values)
            tensor.record_stream = lambda _: None  # type: ignore[attr-defined]
            return tensor

        monkeypatch.setattr(cuda, "place", forgetful)
    with pytest.raises(AssertionError):
        run_on_cuda(cuda, cuda.forward)

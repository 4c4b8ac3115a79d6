"""Stands in for PyTorch on CUDA: nothing is computed before its event is waited for.

It holds what a driver would punish silently: that a computation waits for the copy of its input,
that a copy's memory is known to both streams, and that nobody reads a result before its event.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np

DEVICE = type("Device", (), {"type": "cuda", "__str__": lambda _: "cuda:1"})()


class Stream:
    """A queue of work; ``seen`` are the streams whose work it waits for."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: set[str] = set()

    def wait_stream(self, other: "Stream") -> None:
        self.seen.add(other.name)


class Event:
    """Reached once it was waited for."""

    is_reached = False

    def synchronize(self) -> None:
        self.is_reached = True


class Tensor:
    """Values with the place they lie in and the streams that know of them."""

    def __init__(self, values: Any, *, is_pinned: bool = False, on_device: bool = False) -> None:
        self.values, self.is_pinned, self.on_device = values, is_pinned, on_device
        self.shape, self.dtype = values.shape, values.dtype
        self.streams: set[str] = set()
        self.event: Event | None = None

    def __len__(self) -> int:
        return len(self.values)

    def numpy(self) -> Any:
        if self.event is not None and not self.event.is_reached:
            raise AssertionError("read before it was there")
        return self.values


class Cuda:
    """``torch.cuda`` and what is around it; ``under_way`` is the most results nobody had read."""

    OutOfMemoryError = MemoryError

    def __init__(self, *, room: int = 1000) -> None:
        self.room = room
        self.copies, self.computes = Stream("copies"), Stream("computes")
        self.active = self.computes
        self.waiting: list[Event] = []
        self.under_way = 0
        self.num_emptied = 0
        self.cuda = self

    # What ``torch`` offers.
    inference_mode = staticmethod(nullcontext)

    def empty(self, shape: Sequence[int], *, dtype: Any, pin_memory: bool) -> Any:
        owner = self

        class Host(Tensor):
            def to(self, device: Any, *, non_blocking: bool) -> Tensor:
                assert (device, non_blocking, self.is_pinned) == (DEVICE, True, True)
                assert owner.active is owner.copies
                return owner.place(self.values.copy())

            def copy_(self, other: Tensor, *, non_blocking: bool) -> None:
                assert (non_blocking, other.on_device) == (True, True)
                assert owner.active is owner.computes
                self.values[:] = other.values
                self.event = Event()
                owner.pending = self

        return Host(np.zeros(shape, dtype), is_pinned=pin_memory)

    # What ``torch.cuda`` offers.
    def Stream(self, device: Any) -> Stream:  # noqa: N802 - the library's name
        assert device is DEVICE
        return self.copies

    @contextmanager
    def stream(self, stream: Any) -> Iterator[None]:
        before, self.active = self.active, stream
        yield
        self.active = before

    def current_stream(self, device: Any) -> Any:
        assert device is DEVICE
        owner = self

        class Computes:
            def wait_stream(self, other: Stream) -> None:
                owner.computes.wait_stream(other)

            def record_event(self) -> Event:
                event = owner.pending.event
                assert event is not None
                owner.waiting = [one for one in owner.waiting if not one.is_reached] + [event]
                owner.under_way = max(owner.under_way, len(owner.waiting))
                owner.computes.seen.clear()
                return event

        return Computes()

    def empty_cache(self) -> None:
        self.num_emptied += 1

    pending: Tensor

    def place(self, values: Any) -> Tensor:
        tensor = Tensor(values, on_device=True)
        tensor.record_stream = lambda _: tensor.streams.add("computes")  # type: ignore[attr-defined]
        return tensor

    def forward(self, batch: Tensor) -> Tensor:
        """Double the values, as a tower would."""
        assert self.active is self.computes
        assert "copies" in self.computes.seen, "computed before the copy was there"
        assert "computes" in batch.streams, "its memory may be given away"
        if len(batch) > self.room:
            raise MemoryError("CUDA out of memory")
        return self.place((batch.values * 2).astype(np.float32))

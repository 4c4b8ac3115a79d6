"""Batches to a device and back: the next is filled and copied while one is computed.

On CUDA the host's side is pinned memory, copies run on a stream of their own, and nothing waits
before two batches are under way. What does not fit the device's memory is tried again in halves.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from pairsift.errors import ModelError
from pairsift.protocols import FloatArray

logger = logging.getLogger(__name__)

BATCHES_UNDER_WAY = 2
# As PyTorch, cuBLAS and cuDNN, MPS, and the CPU's allocator put it.
NO_MEMORY = ("out of memory", "_ALLOC_FAILED", "can't allocate memory")


class TorchBatches:
    """Runs the batches of one tower on one device.

    Args:
        torch: The library.
        device: Where.
        batch_size: Rows of a batch at most; it is halved for good where memory does not suffice.
    """

    def __init__(self, torch: Any, device: Any, batch_size: int) -> None:
        self.batch_size = batch_size
        self._torch = torch
        self._device = device
        self._is_cuda = device.type == "cuda"
        self._copies = torch.cuda.Stream(device) if self._is_cuda else None

    def empty(self, shape: Sequence[int], kind: Any) -> Any:
        """Return a tensor of the host to fill: in pinned memory where that helps.

        The memory is used again by PyTorch's own allocator when the copies from it are done.
        """
        return self._torch.empty(shape, dtype=kind, pin_memory=self._is_cuda)

    def run(
        self,
        jobs: Iterable[Sequence[int]],
        rows: FloatArray,
        *,
        fill: Callable[[Sequence[int]], Any],
        forward: Callable[[Any], Any],
    ) -> None:
        """Compute rows.

        Args:
            jobs: Indices of each batch; longer ones than ``batch_size`` are split.
            rows: Filled in place, shape (N, D), float32.
            fill: From indices to the tensor of the host, as ``empty`` gives it.
            forward: From that tensor on the device to rows on the device; the first of them are
                those of the indices.

        Raises:
            ModelError: Not even one row fits the device's memory.
        """
        todo = deque(jobs)
        under_way: deque[tuple[Sequence[int], Any, Any]] = deque()
        while todo:
            indices = todo.popleft()
            if len(indices) > self.batch_size:
                todo.appendleft(indices[self.batch_size :])
                indices = indices[: self.batch_size]
            problem = self._try(indices, fill, forward, under_way)
            if problem is not None:
                # Outside of the handler, whose traceback holds the tensors of the failed attempt.
                self._collect(under_way, rows, left=0)
                self._halve(len(indices), problem)
                todo.appendleft(indices)
            self._collect(under_way, rows, left=BATCHES_UNDER_WAY - 1)
        self._collect(under_way, rows, left=0)

    def _try(
        self,
        indices: Sequence[int],
        fill: Callable[[Sequence[int]], Any],
        forward: Callable[[Any], Any],
        under_way: deque[tuple[Sequence[int], Any, Any]],
    ) -> str | None:
        """Begin one batch; return what was said where the memory does not suffice."""
        try:
            # Around what is compiled, not in it: torch.compile takes no inference mode inside.
            with self._torch.inference_mode():
                under_way.append((indices, *self._begin(fill(indices), forward)))
        except RuntimeError as error:
            if not any(words in str(error) for words in NO_MEMORY) and not isinstance(
                error, self._torch.OutOfMemoryError
            ):
                raise
            return str(error).splitlines()[0]
        return None

    def _begin(self, host: Any, forward: Callable[[Any], Any]) -> tuple[Any, Any]:
        """Return the rows, on the host, and the event after which they are there."""
        if self._copies is None:
            return forward(host.to(self._device)).cpu(), None
        cuda = self._torch.cuda
        with cuda.stream(self._copies):
            there = host.to(self._device, non_blocking=True)
        computes = cuda.current_stream(self._device)
        computes.wait_stream(self._copies)
        # Its memory belongs to the stream of the copies, and must not be given away before.
        there.record_stream(computes)
        made = forward(there)
        back = self.empty(made.shape, made.dtype)
        back.copy_(made, non_blocking=True)
        return back, computes.record_event()

    def _collect(
        self, under_way: deque[tuple[Sequence[int], Any, Any]], rows: FloatArray, *, left: int
    ) -> None:
        while len(under_way) > left:
            indices, made, event = under_way.popleft()
            if event is not None:
                event.synchronize()
            rows[np.asarray(indices)] = made.numpy()[: len(indices)]

    def _halve(self, size: int, problem: str) -> None:
        if size == 1:
            message = f"one row does not fit the memory of {self._device}: {problem}"
            raise ModelError(message)
        self.batch_size = size // 2
        if self._is_cuda:
            self._torch.cuda.empty_cache()
        logger.warning(
            "memory of %s does not suffice for batches of %d; going on with %d",
            self._device,
            size,
            self.batch_size,
        )

"""A worker as the driver sees it, and what carries calls to it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pairsift.engines.working import Order, Ready


class Transport(Protocol):
    """Carries calls to workers; what a call returns comes later, under a reference."""

    def hire(self, session: str) -> Any:
        """Ask for a worker; returns its handle at once.

        Args:
            session: Marks of its attempts end with it.
        """

    def call(self, handle: Any, method: str, *arguments: Any) -> Any:
        """Call a worker's method; returns a reference at once."""

    def wait(self, references: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Return the references whose result is there, at least one unless time runs out."""

    def result(self, reference: Any) -> Any:
        """Return what a call gave.

        Raises:
            WorkerLostError: The worker is gone.
        """

    def dismiss(self, handle: Any) -> None:
        """End a worker, whatever it does."""

    def describe(self) -> str:
        """Return what a worker asks for and what there is, for messages."""


@dataclass
class Member:
    """A worker as the driver sees it.

    Args:
        number: Of the worker, from 1.
        handle: Of the transport.
        session: Marks of its attempts end with it.
        starting: Reference of its start, until it is ready.
        ready: What it said then.
        orders: By reference.
        look: Reference of the last question how far it is, until the answer.
        seen: Rows that it has scored, and failed ones, as it last said.
        committed: Rows of its commits.
        last_sign: When it last got on.
        is_named: It was said to be stuck.
    """

    number: int
    handle: Any
    session: str
    starting: Any
    ready: Ready | None = None
    orders: dict[Any, Order] = field(default_factory=dict)
    look: Any = None
    seen: tuple[int, int] = (0, 0)
    committed: int = 0
    last_sign: float = field(default_factory=time.monotonic)
    is_named: bool = False

    @property
    def name(self) -> str:
        """What a person reads."""
        where = "" if self.ready is None else f" on {self.ready.host} (pid {self.ready.pid})"
        return f"worker {self.number}{where}"

    @property
    def stems(self) -> list[str]:
        """The shards that it has."""
        return [order.piece.key.stem for order in self.orders.values()]

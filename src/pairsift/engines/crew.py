"""Hand pieces to workers, notice who is lost or stuck, and see that every piece is committed.

Knows no library: what carries calls to workers is a ``members.Transport``.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pairsift.engines.members import Member, Transport
from pairsift.engines.sessions import Session
from pairsift.engines.working import Order, check_version
from pairsift.errors import JobError, WorkerLostError
from pairsift.job import Progress
from pairsift.runs.commits import Commit, commit_from_bytes
from pairsift.runs.layout import ATTEMPTS, ShardKey

IN_FLIGHT = 2
"""Pieces that a worker has at once: while one is committed, the next is read and decoded."""

POLL_SECONDS = 0.5
LOOK_SECONDS = 2.0
NOTICE_SECONDS = 30.0
START_SECONDS = 900.0
"""An autoscaler needs minutes for a machine with a GPU; behind this nothing is to be hoped for."""

STUCK_FACTOR = 6
"""A worker that is silent this many times ``stuck_seconds`` is replaced."""

SPARE_LOSSES = 4
"""Workers that may be lost in a row beside two for each worker, before the job gives up.

A shard that ends its process costs two; the third time its images are decoded apart.
"""

SPARE_STARTS = 2
"""Workers that may be lost in a row before one is ready, beside one for each worker."""


class Crew:
    """The workers of one session.

    Args:
        transport: Carries calls.
        session: Of the driver; counts what is done.
        num_workers: How many are wanted.
        tell: Told what a person should know.
    """

    def __init__(
        self,
        transport: Transport,
        session: Session,
        *,
        num_workers: int,
        tell: Callable[[str], None],
    ) -> None:
        self._transport = transport
        self._session = session
        self._num_workers = num_workers
        self._tell = tell
        self._members: list[Member] = []
        self._again: deque[Order] = deque()
        self._num_hired = 0
        self._losses = self._failed_starts = 0
        self._begin = self._last_ready = self._last_look = time.monotonic()
        self._has_noticed = False

    def run(self, orders: Iterator[Order]) -> None:
        """Have every piece scored and committed.

        Args:
            orders: In order; taken as workers become free.

        Raises:
            JobError: Workers cannot start, or are lost again and again.
            PairsiftError: What a worker raised.
        """
        try:
            for _ in range(self._num_workers):
                self._hire()
            while self._hand_out(orders):
                self._wait()
                self._watch()
        finally:
            self._dismiss_all()

    def _hire(self) -> None:
        self._num_hired += 1
        session = secrets.token_hex(4)
        handle = self._transport.hire(session)
        starting = self._transport.call(handle, "start")
        self._members.append(Member(self._num_hired, handle, session, starting))

    def _hand_out(self, orders: Iterator[Order]) -> bool:
        """Give pieces to workers that have room; say whether anything is still to be done."""
        for room in range(IN_FLIGHT):
            for member in self._members:
                if member.ready is None or len(member.orders) > room:
                    continue
                order = self._again.popleft() if self._again else next(orders, None)
                if order is None:
                    return any(member.orders for member in self._members)
                if not member.orders:
                    member.last_sign = time.monotonic()
                reference = self._transport.call(member.handle, "score", order)
                member.orders[reference] = order
        return True

    def _wait(self) -> None:
        awaited = [reference for member in self._members for reference in self._of(member)]
        for reference in self._transport.wait(awaited, POLL_SECONDS):
            member = next((m for m in self._members if reference in self._of(m)), None)
            if member is None:  # of a worker that was lost a moment ago
                continue
            try:
                self._take(member, reference, self._transport.result(reference))
            except WorkerLostError as error:
                self._lose(member, str(error))

    @staticmethod
    def _of(member: Member) -> list[Any]:
        others = (member.starting, member.look)
        return [*member.orders, *(reference for reference in others if reference is not None)]

    def _take(self, member: Member, reference: Any, result: Any) -> None:
        now = time.monotonic()
        if reference == member.starting:
            member.starting, member.ready = None, result
            self._failed_starts = 0
            check_version(result)
            member.last_sign = self._last_ready = now
            return
        if reference == member.look:
            member.look = None
            if result != member.seen:
                member.seen, member.last_sign, member.is_named = result, now, False
                self._report()
            return
        order = member.orders.pop(reference)
        member.last_sign, member.is_named = now, False
        commit = result
        if commit is None and order.is_again:  # the lost worker had come to its commit after all
            commit = self._read_commit(order.piece.key)
        if commit is not None:
            member.committed += commit.num_rows
            self._settle(commit)

    def _settle(self, commit: Commit) -> None:
        session = self._session
        self._losses = 0
        session.num_shards += commit.key.generation == 0
        session.num_committed += commit.num_rows
        session.num_rows += commit.num_rows
        session.num_failed += commit.num_failed
        for stage, seconds in commit.seconds.items():
            session.scorer.clock.add(stage, seconds)
        session.on_commit(commit)
        self._report()

    def _report(self) -> None:
        session = self._session
        on_way = sum(max(0, member.seen[0] - member.committed) for member in self._members)
        session.on_progress(
            Progress(
                rows_done=session.rows_before + session.num_rows + on_way,
                rows_total=session.rows_total,
                rows_failed=session.failed_before + session.num_failed,
                seconds=time.monotonic() - self._begin,
                rows_before=session.rows_before,
            )
        )

    def _watch(self) -> None:
        now = time.monotonic()
        self._check_start(now)
        if now - self._last_look >= LOOK_SECONDS:
            self._last_look = now
            for member in self._members:
                if member.ready is not None and member.look is None and member.orders:
                    member.look = self._transport.call(member.handle, "look")
        limit = self._session.config.engine.stuck_seconds
        for member in list(self._members):
            silent = now - member.last_sign
            if member.ready is None or not member.orders or silent < limit:
                continue
            words = f"{member.name} has scored nothing for {silent:.0f} s"
            if silent >= STUCK_FACTOR * limit:
                self._lose(member, words)
            elif not member.is_named:
                member.is_named = True
                self._tell(f"{words}; its shards: {', '.join(member.stems)}")
                self._event("worker_stuck", member, reason=words)

    def _check_start(self, now: float) -> None:
        if any(member.ready for member in self._members):
            self._last_ready = now
            return
        waited = now - self._last_ready
        if waited >= START_SECONDS:
            message = f"no worker started within {waited:.0f} s: {self._transport.describe()}"
            raise JobError(message)
        if waited >= NOTICE_SECONDS and not self._has_noticed:
            self._has_noticed = True
            self._tell(f"waiting for workers: {self._transport.describe()}")

    def _lose(self, member: Member, reason: str) -> None:
        """Replace a worker; what it had not committed is given to others."""
        self._members.remove(member)
        self._transport.dismiss(member.handle)
        found = [(order, self._read_commit(order.piece.key)) for order in member.orders.values()]
        left = [replace(order, is_again=True) for order, commit in found if commit is None]
        self._again = deque(sorted((*left, *self._again), key=lambda order: order.piece.key))
        self._losses += 1
        self._failed_starts += member.ready is None
        num_losses = self._losses
        stems = ", ".join(order.piece.key.stem for order in left) or "none"
        self._tell(f"{member.name} was lost ({reason}); its shards go to others: {stems}")
        self._event("worker_lost", member, reason=reason)
        for _, commit in found:
            if commit is not None:
                self._settle(commit)
        if self._failed_starts > self._num_workers + SPARE_STARTS:
            message = f"no worker could start ({reason}); {self._transport.describe()}"
            raise JobError(message)
        if num_losses > 2 * self._num_workers + SPARE_LOSSES:
            message = f"{num_losses} workers were lost without a finished shard between: {reason}"
            raise JobError(message)
        self._hire()

    def _event(self, event: str, member: Member, *, reason: str) -> None:
        self._session.on_event(
            {
                "event": event,
                "worker": member.number,
                "host": None if member.ready is None else member.ready.host,
                "shards": member.stems,
                "reason": reason,
            }
        )

    def _read_commit(self, key: ShardKey) -> Commit | None:
        try:
            data = self._session.store.read(key.commit)
        except FileNotFoundError:
            return None
        commit = commit_from_bytes(data, source=key.commit, with_histograms=False)
        return commit if self._session.run_id in (None, commit.run_id) else None

    def _dismiss_all(self) -> None:
        """End the workers; they were ended on purpose, so their attempts leave no marks."""
        for member in self._members:
            self._transport.dismiss(member.handle)
        ends = tuple(f"-{member.session}.json" for member in self._members)
        store = self._session.store
        for name in store.names(ATTEMPTS):
            if name.endswith(ends):
                with suppress(OSError):
                    store.delete(name)

"""Who gets which piece, and what becomes of it when a worker is lost; without any cluster."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pairsift import __version__
from pairsift.config import EngineConfig, ScoreConfig
from pairsift.encoders.fake import FakeEncoder
from pairsift.engines import crew
from pairsift.engines.crew import Crew
from pairsift.engines.sessions import Session
from pairsift.engines.working import Order, Ready
from pairsift.errors import JobError, ModelError, WorkerLostError
from pairsift.protocols import Span
from pairsift.runs.commits import Commit, WrittenFile
from pairsift.runs.layout import ShardKey
from pairsift.runs.plan import Piece
from pairsift.runs.store import FolderStore
from pairsift.stages import StageClock
from pairsift.statuses import RowStatus

ROWS = 10


class FakeTransport:
    """Workers that answer when they are asked to; ``outcome`` says what a call comes to."""

    def __init__(self, outcome: Callable[[int, str, Order | None], Any]) -> None:
        self.outcome = outcome
        self.calls: dict[int, tuple[int, str, Order | None]] = {}
        self.scored: list[tuple[int, str, bool]] = []
        self.dismissed: list[int] = []
        self.num_hired = 0

    def hire(self, session: str) -> int:
        self.num_hired += 1
        return self.num_hired

    def call(self, handle: int, method: str, *arguments: Any) -> int:
        order = arguments[0] if arguments else None
        reference = len(self.calls)
        self.calls[reference] = handle, method, order
        if order is not None:
            self.scored.append((handle, order.piece.key.stem, order.is_again))
        return reference

    def wait(self, references: Sequence[int], seconds: float) -> Sequence[int]:
        return list(references)

    def result(self, reference: int) -> Any:
        found = self.outcome(*self.calls[reference])
        if isinstance(found, Exception):
            raise found
        return found

    def dismiss(self, handle: int) -> None:
        self.dismissed.append(handle)

    def describe(self) -> str:
        return "each asks for much"


def ready() -> Ready:
    return Ready("here", 1, __version__, FakeEncoder().provenance)


def commit_of(order: Order) -> Commit:
    key = order.piece.key
    return Commit(
        key=key,
        num_rows=ROWS,
        span_rows=ROWS,
        read_from=order.piece.span,
        id="",
        counts={RowStatus.OK: ROWS},
        scores=WrittenFile(key.scores, "", 0),
        seconds={"read table": 0.5},
    )


def well(_handle: int, method: str, order: Order | None) -> Any:
    if method == "start":
        return ready()
    return (0, 0) if order is None else commit_of(order)


def orders(count: int) -> list[Order]:
    return [
        Order(
            Piece(ShardKey(0, ROWS * n), Span(ROWS * n, ROWS), range(ROWS * n, ROWS * n + ROWS), 10)
        )
        for n in range(count)
    ]


def make_session(folder: Path, told: list[Any], **engine: Any) -> Session:
    scorer: Any = SimpleNamespace(clock=StageClock())
    return Session(
        config=ScoreConfig(engine=EngineConfig(**engine)),
        store=FolderStore(folder),
        scorer=scorer,
        similarity_range=(-1.0, 1.0),
        on_commit=lambda commit: told.append(commit.key.stem),
        on_event=told.append,
    )


def run(
    folder: Path, transport: FakeTransport, count: int = 5, *, num_workers: int = 2, **engine: Any
) -> tuple[Session, list[Any]]:
    told: list[Any] = []
    session = make_session(folder, told, **engine)
    Crew(transport, session, num_workers=num_workers, tell=told.append).run(iter(orders(count)))
    return session, told


def test_every_piece_is_scored_once(tmp_path: Path) -> None:
    transport = FakeTransport(well)
    session, told = run(tmp_path, transport)
    assert sorted(stem for _, stem, _ in transport.scored) == [
        order.piece.key.stem for order in orders(5)
    ]
    assert {handle for handle, _, _ in transport.scored} == {1, 2}
    assert (session.num_shards, session.num_rows, session.num_committed) == (5, 50, 50)
    assert session.scorer.clock.seconds == {"read table": 2.5}
    assert len(told) == 5
    assert transport.dismissed == [1, 2]


def test_what_a_lost_worker_had_is_given_to_others(tmp_path: Path) -> None:
    def outcome(handle: int, method: str, order: Order | None) -> Any:
        if handle == 1 and method == "score":
            return WorkerLostError("it is gone")
        return well(handle, method, order)

    transport = FakeTransport(outcome)
    session, told = run(tmp_path, transport)
    assert session.num_committed == 50
    again = {stem for handle, stem, is_again in transport.scored if is_again}
    event = next(entry for entry in told if isinstance(entry, dict))
    assert event["event"] == "worker_lost"
    assert again == set(event["shards"]) == {s for h, s, _ in transport.scored if h == 1}
    assert transport.num_hired == 3
    assert sorted(transport.dismissed) == [1, 2, 3]


def test_a_commit_that_a_lost_worker_came_to_counts(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)

    def outcome(handle: int, method: str, order: Order | None) -> Any:
        if handle == 1 and order is not None:
            commit = commit_of(order)
            store.put(commit.key.commit, commit.to_bytes())
            return WorkerLostError("it is gone")
        return well(handle, method, order)

    transport = FakeTransport(outcome)
    session, _ = run(tmp_path, transport, 1, num_workers=1)
    assert session.num_committed == ROWS
    assert len(transport.scored) == 1


def test_workers_that_are_lost_again_and_again_end_the_job(tmp_path: Path) -> None:
    def outcome(handle: int, method: str, order: Order | None) -> Any:
        return ready() if method == "start" else WorkerLostError("out of memory")

    with pytest.raises(JobError, match="workers were lost without a finished shard between: out"):
        run(tmp_path, FakeTransport(outcome))


def test_workers_that_never_start_end_the_job(tmp_path: Path) -> None:
    transport = FakeTransport(lambda *_: WorkerLostError("no such module"))
    with pytest.raises(JobError, match=r"no worker could start \(no such module\); each asks for"):
        run(tmp_path, transport)


def test_no_worker_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crew, "START_SECONDS", 0.0)
    transport = FakeTransport(well)
    monkeypatch.setattr(transport, "wait", lambda *_: [])
    with pytest.raises(JobError, match="no worker started within 0 s: each asks for much"):
        run(tmp_path, transport)


def test_an_error_of_the_job_itself_is_raised(tmp_path: Path) -> None:
    transport = FakeTransport(lambda *_: ModelError("no weights"))
    with pytest.raises(ModelError, match="no weights"):
        run(tmp_path, transport)
    assert transport.dismissed == [1, 2]


def test_another_version_is_refused(tmp_path: Path) -> None:
    other = Ready("there", 1, "0.0.1", FakeEncoder().provenance)
    with pytest.raises(JobError, match=r"pairsift 0\.0\.1 is installed on there"):
        run(tmp_path, FakeTransport(lambda *_: other))


def test_marks_of_workers_that_were_ended_on_purpose_go(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    sessions: list[str] = []
    transport = FakeTransport(well)
    hire = transport.hire

    def marking(session: str) -> int:
        sessions.append(session)
        store.put(ShardKey(0, 0).attempt(session), b"{}")
        return hire(session)

    transport.hire = marking  # type: ignore[method-assign]
    store.put(ShardKey(0, 0).attempt("another"), b"{}")
    run(tmp_path, transport)
    assert store.names("attempts") == [ShardKey(0, 0).attempt("another")]

"""What runs in a worker's process: a scorer, and one thread that scores what is ordered.

A worker reads the rows of its shards itself and commits them straight into the run folder, so
that no picture and no embedding passes between processes. It knows nothing of who orders.
"""

import os
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pairsift import __version__
from pairsift.config import ScoreConfig
from pairsift.engines.places import Place, Token, check_places, check_token
from pairsift.engines.reading import PairColumns, PieceReader
from pairsift.engines.sessions import FileWork, Session
from pairsift.engines.sharded import score_pieces
from pairsift.errors import JobError, RunFolderError
from pairsift.protocols import Provenance
from pairsift.runs.commits import Commit
from pairsift.runs.layout import ShardKey
from pairsift.runs.manifest import differences, read_manifest, score_identity
from pairsift.runs.ownership import has_commit
from pairsift.runs.plan import Piece, count_attempts
from pairsift.runs.store import RunStore, open_store
from pairsift.scorers import Scorer
from pairsift.statuses import RowStatus
from pairsift.tables.formats import open_table
from pairsift.tables.staging import shown

GRACE_SECONDS = 0.1
"""How long a worker waits for the next order before it finishes what it has begun."""

Build = Callable[[ScoreConfig, Path], Scorer]


@dataclass(frozen=True)
class Post:
    """What a worker has to know of a job; picklable.

    Args:
        config: Every option, with the precision and the threads that bind the worker.
        build: Makes the scorer.
        folder: Working folder of the driver, where relative names begin.
        root: Folder or address that references start from.
        run: Where the run folder lies.
        token: In it.
        tables: Path or address of each input, by ordinal.
        columns: What is read of them.
        similarity_range: Of the ``similarity`` column.
        places: What has to be as the driver sees it.
        variables: Of the environment, as the driver's are; None where there is none.
        run_id: Of the run.
        session: Marks of attempts in the run folder end with it.
    """

    config: ScoreConfig
    build: Build
    folder: str
    root: str
    run: str
    token: Token
    tables: dict[int, str]
    columns: PairColumns
    similarity_range: tuple[float, float]
    places: tuple[Place, ...]
    variables: dict[str, str | None]
    run_id: str
    session: str


@dataclass(frozen=True)
class Order:
    """One piece to be scored.

    Args:
        piece: What it reads.
        root: Folder of its references, where it is not the scorer's.
        replaced: What it takes the place of, if it is an overlay.
        is_again: It was ordered before, from a worker that was lost.
    """

    piece: Piece
    root: Path | None = None
    replaced: tuple[dict[RowStatus, int], int] = ({}, 0)
    is_again: bool = False


@dataclass(frozen=True)
class Ready:
    """What a worker says of itself when it can begin.

    Args:
        host: Where it runs.
        pid: Of its process.
        version: Of pairsift there.
        provenance: What runs there.
    """

    host: str
    pid: int
    version: str
    provenance: Provenance


class Worker:
    """Scores pieces, one after another, several of which may be ordered ahead.

    Args:
        post: What it has to know.
    """

    def __init__(self, post: Post) -> None:
        self._post = post
        self._orders: queue.Queue[Order] = queue.Queue()
        self._waiting: dict[ShardKey, Future[Commit | None]] = {}
        self._replaced: dict[ShardKey, tuple[dict[RowStatus, int], int]] = {}
        self._readers: dict[int, PieceReader] = {}
        self._session: Session | None = None
        self._error: BaseException | None = None

    def start(self) -> Ready:
        """Build the scorer and begin to wait for orders.

        Raises:
            UsageError: Files of the job are not there as the driver sees them.
            ModelError: The model is missing or unsound here, or would give other scores.
        """
        post = self._post
        for name, value in post.variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        with suppress(OSError):
            os.chdir(post.folder)
        host = socket.gethostname()
        store = open_store(post.run)
        check_token(store, post.token, host=host)
        check_places(post.places, host=host)
        scorer = post.build(post.config, Path(post.root))
        self._check_identity(store, scorer, host)
        self._session = Session(
            config=post.config,
            store=store,
            scorer=scorer,
            similarity_range=post.similarity_range,
            on_commit=self._done,
            run_id=post.run_id,
            token=post.session,
        )
        threading.Thread(target=self._run, name="score", daemon=True).start()
        return Ready(host, os.getpid(), __version__, scorer.encoder.provenance)

    def score(self, order: Order) -> Commit | None:
        """Score a piece; returns when it is committed.

        Returns:
            The commit without its histograms, or None where another process had committed it.
        """
        done: Future[Commit | None] = Future()
        self._waiting[order.piece.key] = done
        # Looked at afterwards: whoever fails from now on finds it among those that wait.
        if self._error is not None:
            raise self._error
        self._replaced[order.piece.key] = order.replaced
        self._orders.put(order)
        return done.result()

    def look(self) -> tuple[int, int]:
        """Return the rows that were scored so far, committed or not, and the failed of them."""
        session = self._session
        return (0, 0) if session is None else (session.num_rows, session.num_failed)

    def _check_identity(self, store: RunStore, scorer: Scorer, host: str) -> None:
        manifest = read_manifest(store)
        if manifest is None:
            message = f"{store.location} has no run.json any more"
            raise RunFolderError(message)
        identity = score_identity(
            self._post.config,
            encoder=scorer.encoder,
            measure=scorer.measure,
            columns=(self._post.columns.image, self._post.columns.caption),
            inputs=manifest["inputs"],
        )
        found = differences(manifest["score_identity"], identity)
        if found:
            message = f"a worker on {host} would give other scores: {'; '.join(found)}"
            raise RunFolderError(message)

    def _run(self) -> None:
        session: Any = self._session
        try:
            while True:
                first = self._orders.get()
                score_pieces(session, self._work(first), replaced=self._replaced.__getitem__)
                for key in list(self._waiting):
                    # Not scored, because somebody else was quicker.
                    if has_commit(session.store, key, self._post.run_id):
                        self._resolve(key, None)
        except BaseException as error:  # noqa: BLE001 - raised where somebody waits for it
            self._error = error
            for done in list(self._waiting.values()):
                done.set_exception(error)

    def _work(self, order: Order | None) -> Iterator[FileWork]:
        session: Any = self._session
        while order is not None:
            piece = order.piece
            if order.is_again:
                session.attempts = count_attempts(session.store)
            if has_commit(session.store, piece.key, self._post.run_id):
                self._resolve(piece.key, None)
            else:
                yield FileWork(self._reader(piece), [piece], order.root)
            try:
                order = self._orders.get(timeout=GRACE_SECONDS)
            except queue.Empty:
                order = None

    def _reader(self, piece: Piece) -> PieceReader:
        """Return what reads a piece; pieces that follow each other are read in one go."""
        file, rows = piece.key.file, piece.rows
        if isinstance(rows, range) and file in self._readers:
            return self._readers[file]
        path = Path(self._post.tables[file])
        wanted = None if isinstance(rows, range) else rows
        reader = PieceReader(
            open_table(path, self._post.config.table),
            self._post.columns,
            wanted=wanted,
            name=shown(path),
        )
        if wanted is None:
            self._readers[file] = reader
        return reader

    def _done(self, commit: Commit) -> None:
        self._resolve(commit.key, replace(commit, histograms={}))

    def _resolve(self, key: ShardKey, commit: Commit | None) -> None:
        self._replaced.pop(key, None)
        done = self._waiting.pop(key, None)
        if done is not None:
            done.set_result(commit)


def check_version(ready: Ready) -> None:
    """Refuse a worker with another pairsift than the driver's.

    Raises:
        JobError: The versions differ.
    """
    if ready.version != __version__:
        message = (
            f"pairsift {ready.version} is installed on {ready.host}, here {__version__}: "
            "install the same version on every machine"
        )
        raise JobError(message)

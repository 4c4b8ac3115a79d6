"""Shards are written beside scoring: one thread that writes, and a short queue before it."""

import queue
import threading
from collections.abc import Callable

from pairsift.config import KeptEmbeddings
from pairsift.runs.commits import Commit
from pairsift.runs.layout import ShardKey
from pairsift.runs.store import RunStore
from pairsift.runs.writing import ScoredShard, commit_shard

WAIT_SECONDS = 0.2


class Committer:
    """Writes shards on a thread of its own.

    Args:
        store: The run folder.
        embeddings: Which embeddings to keep.
        similarity_range: Range of the ``similarity`` column.
        run_id: Of the run that is scored; None takes the one in the folder.
        on_commit: Called on that thread with each commit that counts.
        on_drop: Called there with each shard that another process had committed.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        embeddings: KeptEmbeddings,
        similarity_range: tuple[float, float],
        run_id: str | None = None,
        on_commit: Callable[[Commit], None],
        on_drop: Callable[[ShardKey], None],
    ) -> None:
        self._store = store
        self._embeddings: KeptEmbeddings = embeddings
        self._similarity_range = similarity_range
        self._run_id = run_id
        self._on_commit = on_commit
        self._on_drop = on_drop
        # One waits while one is written: embeddings are large.
        self._waiting: queue.Queue[ScoredShard | None] = queue.Queue(1)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
        self._thread.start()

    def put(self, shard: ScoredShard) -> None:
        """Queue a shard; waits while another one does.

        Raises:
            OSError: An earlier one could not be written.
        """
        self._put(shard)

    def finish(self) -> None:
        """Write what is queued and end.

        Raises:
            OSError: It could not be written.
        """
        self._put(None)
        self._thread.join()
        self._complain()

    def _put(self, shard: ScoredShard | None) -> None:
        while True:
            self._complain()
            try:
                self._waiting.put(shard, timeout=WAIT_SECONDS)
            except queue.Full:
                continue
            return

    def _complain(self) -> None:
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while (shard := self._waiting.get()) is not None:
                commit = commit_shard(
                    self._store,
                    shard,
                    embeddings=self._embeddings,
                    similarity_range=self._similarity_range,
                    run_id=self._run_id,
                )
                if commit is None:
                    self._on_drop(shard.key)
                else:
                    self._on_commit(commit)
        except BaseException as error:  # noqa: BLE001 - raised by the thread that scores
            self._error = error

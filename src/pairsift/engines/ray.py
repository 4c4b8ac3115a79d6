"""Score on the workers of Ray: plain actors, to which the driver hands out pieces.

Why actors and not Ray Data: docs/engines.md.
"""

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

# Before Ray is imported, which reads them: nothing is reported to anybody, and what is started
# here listens on loopback only.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

try:
    import ray
    from ray import exceptions
    from ray._private import ray_constants
    from ray._private import worker as ray_worker
except ImportError as error:
    from pairsift.errors import MissingExtraError

    _message = 'Ray is not installed: pip install "pairsift[ray]"'
    raise MissingExtraError(_message) from error

from pairsift.config import EngineConfig
from pairsift.engines.crew import IN_FLIGHT, Crew
from pairsift.engines.jobs import Job
from pairsift.engines.nodes import count_places, describe_places, worker_size
from pairsift.engines.opening import bind_precision
from pairsift.engines.places import look_at, put_token
from pairsift.engines.sessions import FileWork, Replaced, Session, replaces_nothing
from pairsift.engines.working import Build, Order, Post, Worker
from pairsift.errors import JobError, PairsiftError, UsageError, WorkerLostError
from pairsift.objects import as_address
from pairsift.runs.ownership import current_run_id

LOOPBACK = "127.0.0.1"
OBJECT_STORE_BYTES = 78 << 20
"""The least that Ray takes; only orders and counts pass through it."""

CONNECT_SECONDS = 10.0
NO_PROXY_THERE = f"http://{LOOPBACK}:9"
ALONE = {
    "HTTP_PROXY": NO_PROXY_THERE,
    "NO_PROXY": f"{LOOPBACK},localhost",
    ray_constants.ENABLE_RAY_CLUSTERS_ENV_VAR: "0",
}
"""The environment of what is started here.

Ray binds to the address of a network card unless it is told that there are no clusters. Its head
asks every cloud's metadata service where it is, whatever is said about reports; a proxy that is not
there answers instead.
"""

_log = logging.getLogger(__name__)


class RayEngine:
    """Scores on actors of a Ray cluster, or of Ray on this machine.

    Args:
        config: Where, and how many workers of which size.
        build: Makes a scorer in a worker; picklable.
        tell: Told what a person should know (default: a log line).
    """

    def __init__(
        self,
        config: EngineConfig,
        build: Build,
        *,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self._config = config
        self._build = build
        self._tell = tell or _log.warning

    def score(
        self,
        job: Job,
        session: Session,
        work: Iterable[FileWork],
        *,
        replaced: Replaced = replaces_nothing,
    ) -> None:
        """Have pieces scored and committed by workers; see ``sessions.Engine``.

        Raises:
            UsageError: A worker does not see the run folder or the inputs, or cannot be placed.
            JobError: Workers cannot start, or are lost again and again.
        """
        orders = _orders(work, replaced)
        first = next(orders, None)
        if first is None:
            return
        is_alone = self._config.ray_address is None and not ray.is_initialized()
        with _connected(self._config) as variables:
            size = worker_size(self._config, ray.nodes())
            num_places = count_places(size, ray.nodes())
            if is_alone and num_places == 0:  # no autoscaler will ever find a place
                message = f"no worker fits into this machine: {describe_places(size, ray.nodes())}"
                raise UsageError(message)
            num_workers = self._config.num_workers or max(1, num_places)
            token = put_token(session.store)
            try:
                post = self._post(job, session, threads=size[0], variables=variables, token=token)
                transport = ActorTransport(post, num_cpus=size[0], num_gpus=size[1])
                crew = Crew(transport, session, num_workers=num_workers, tell=self._tell)
                crew.run(chain([first], orders))
            finally:
                session.store.delete(token.name)

    def _post(self, job: Job, session: Session, *, threads: int, **facts: Any) -> Post:
        config = bind_precision(job.config, {"provenance": vars(job.summary.provenance)})
        model = replace(config.model, threads=config.model.threads or threads)
        root = _absolute(config.table.image_root or job.tables[0].reader.image_root)
        table = config.table
        if table.image_root is not None:
            table = replace(table, image_root=root)
        tables = {each.ordinal: look_at("table", each.path) for each in job.tables}
        return Post(
            config=replace(config, model=model, table=table),
            build=self._build,
            folder=str(Path.cwd()),
            root=root,
            run=_absolute(session.store.location),
            tables={ordinal: place.path for ordinal, place in tables.items()},
            columns=job.columns,
            similarity_range=job.similarity_range,
            places=(*tables.values(), look_at("image root", Path(root))),
            run_id=session.run_id or current_run_id(session.store),
            session="",
            **facts,
        )


class ActorTransport:
    """Calls of Ray actors.

    Args:
        post: What each worker has to know, but for its own session.
        num_cpus: Of a worker.
        num_gpus: Likewise.
    """

    def __init__(self, post: Post, *, num_cpus: int, num_gpus: float) -> None:
        self._post = post
        self._size = num_cpus, num_gpus
        # One call starts or looks, beside those that wait for their shards. Ray starts no actor
        # again by itself: it would do so without knowing which shards were lost.
        self._actor = ray.remote(Worker).options(
            num_cpus=num_cpus,
            num_gpus=num_gpus,
            max_concurrency=IN_FLIGHT + 1,
            max_restarts=0,
            scheduling_strategy="SPREAD",
        )

    def hire(self, session: str) -> Any:
        """Ask Ray for an actor; its scheduler or autoscaler finds a place."""
        return self._actor.remote(replace(self._post, session=session))

    def call(self, handle: Any, method: str, *arguments: Any) -> Any:
        """Call a method of an actor."""
        return getattr(handle, method).remote(*arguments)

    def wait(self, references: Sequence[Any], seconds: float) -> Sequence[Any]:
        """Return the references whose result is there."""
        ready, _ = ray.wait(list(references), num_returns=1, timeout=seconds)
        return list(ready)

    def result(self, reference: Any) -> Any:
        """Return what a call gave.

        Raises:
            WorkerLostError: The actor or its node is gone.
            PairsiftError: What the worker raised.
        """
        try:
            return ray.get(reference)
        except exceptions.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, PairsiftError | OSError):
                raise cause from None
            message = f"a worker failed: {type(cause).__name__}: {cause}"
            raise JobError(message) from error
        except exceptions.RayError as error:
            raise WorkerLostError(_reason(error)) from error

    def dismiss(self, handle: Any) -> None:
        """Kill an actor."""
        ray.kill(handle, no_restart=True)

    def describe(self) -> str:
        """Return what a worker asks for, and what the nodes have."""
        return describe_places(self._size, ray.nodes())


def _absolute(place: str | Path) -> str:
    return as_address(place) or str(Path(place).absolute())


def _orders(work: Iterable[FileWork], replaced: Replaced) -> Iterator[Order]:
    for file in work:
        for piece in file.pieces:
            root = None if file.root is None else Path(_absolute(file.root))
            yield Order(piece, root, replaced(piece.key))


@contextmanager
def _connected(config: EngineConfig) -> Iterator[dict[str, str | None]]:
    """Connect to a cluster, or start Ray on this machine and end it afterwards.

    Yields:
        Variables of the environment that workers have to set as they are here.
    """
    variables = {name: os.environ.get(name) for name in ALONE}
    if ray.is_initialized():  # by the caller, who ends it too
        yield {}
        return
    handlers = _handlers()
    prints = ray_worker.print_to_stdstream
    # To standard output, where a table may go; what matters of it the crew says.
    ray_worker.print_to_stdstream = lambda *_, **__: None
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if config.ray_address is None:
            _start_here(variables, quiet)
        else:
            _join(config.ray_address, quiet)
            variables = {}
        for number, handler in handlers.items():
            signal.signal(number, handler)
        yield variables
    finally:
        ray.shutdown()
        ray_worker.print_to_stdstream = prints
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _start_here(variables: dict[str, str | None], quiet: dict[str, Any]) -> None:
    ray_constants.ENABLE_RAY_CLUSTER = False  # what it made of the environment when imported
    os.environ.update(ALONE)
    try:
        ray.init(
            address="local",
            _node_ip_address=LOOPBACK,
            include_dashboard=False,
            object_store_memory=OBJECT_STORE_BYTES,
            **quiet,
        )
    finally:
        for name, value in variables.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _join(address: str, quiet: dict[str, Any]) -> None:
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    try:
        if colon:  # Ray itself would try for many minutes
            socket.create_connection((host, int(port)), timeout=CONNECT_SECONDS).close()
        ray.init(address=address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        message = f"no Ray cluster answers at {address}: {error}"
        raise UsageError(message) from error


def _handlers() -> dict[int, Any]:
    # Ray puts its own handler in the place of ours, with another exit code.
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}


def _reason(error: Exception) -> str:
    """Return the first line of what Ray says, without its advice."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__

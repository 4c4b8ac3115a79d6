"""Who is at work: small marks of processes in a run folder."""

import json
import os
import socket

from pairsift.runs.layout import ATTEMPTS, WRITING
from pairsift.runs.store import RunStore


def make_mark() -> bytes:
    """Return what this process leaves where it begins something."""
    return (json.dumps({"pid": os.getpid(), "host": socket.gethostname()}) + "\n").encode()


def is_at_work(store: RunStore) -> bool:
    """Say whether a process of this machine is at work on a run.

    One of another machine cannot be seen from here.
    """
    names = [*store.names(ATTEMPTS), WRITING]
    return any(_is_alive(store, name) for name in names)


def _is_alive(store: RunStore, name: str) -> bool:
    try:
        mark = json.loads(store.read(name))
        if mark["host"] != socket.gethostname():
            return False
        os.kill(mark["pid"], 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True

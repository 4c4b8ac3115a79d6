"""Who is at work: small marks of processes in a run folder."""

import json
import os
import socket
from pathlib import Path
from typing import Any

from pairsift.runs.layout import ATTEMPTS, WRITING
from pairsift.runs.store import RunStore

_STARTED = 19  # /proc/PID/stat, field 22, counted behind the name: proc(5)


def make_mark() -> bytes:
    """Return what this process leaves where it begins something."""
    pid = os.getpid()
    mark = {"pid": pid, "host": socket.gethostname(), "started": _started(pid)}
    return (json.dumps(mark) + "\n").encode()


def is_at_work(store: RunStore) -> bool:
    """Say whether a process of this machine is at work on a run.

    One of another machine cannot be seen from here.
    """
    return find_worker(store) is not None


def find_worker(store: RunStore) -> int | None:
    """Return the number of a process of this machine that is at work on a run, or None."""
    for name in (*store.names(ATTEMPTS), WRITING):
        try:
            mark = json.loads(store.read(name))
            if _is_alive(mark):
                return int(mark["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return None


def _is_alive(mark: Any) -> bool:
    if mark["host"] != socket.gethostname():
        return False
    try:
        os.kill(mark["pid"], 0)
    except PermissionError:  # of another user, so there is one
        pass
    except OSError:
        return False
    # Numbers of processes are used again, in containers at every start.
    return mark.get("started") in (None, _started(mark["pid"]))


def _started(pid: int) -> str | None:
    """Return when a process was started, in the system's own count; None where it is not told."""
    try:
        facts = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    behind_name = facts.rpartition(")")[2].split()
    return behind_name[_STARTED] if len(behind_name) > _STARTED else None

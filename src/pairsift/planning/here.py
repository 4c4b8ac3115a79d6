"""What this machine gives to this process."""

import os
import sys
from importlib import import_module
from pathlib import Path


def processors() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return os.cpu_count() or 1 if affinity is None else len(affinity(0))


def peak_bytes() -> int:
    """Return the most memory that this process had since its program began.

    ``ru_maxrss`` will not do on Linux: across ``exec`` it keeps the peak of the parent.

    Returns:
        Bytes, or 0 where the system does not say.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) << 10
    try:
        resource = import_module("resource")
    except ImportError:  # Windows
        return 0
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10

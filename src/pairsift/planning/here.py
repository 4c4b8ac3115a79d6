"""What this machine gives to this process."""

import os
import sys
from importlib import import_module


def processors() -> int:
    """Return how many processors this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    return os.cpu_count() or 1 if affinity is None else len(affinity(0))


def peak_bytes() -> int:
    """Return the highest memory of this process so far, or 0 where the system does not say."""
    try:
        resource = import_module("resource")
    except ImportError:  # Windows
        return 0
    peak: int = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024

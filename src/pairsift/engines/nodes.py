"""How large a worker is, and how many fit: arithmetic on what Ray tells of its nodes.

A node is what ``ray.nodes()`` gives: ``Alive``, ``NodeManagerHostname`` and ``Resources``, the
amounts by name.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from pairsift.config import EngineConfig

Node = dict[str, Any]

MAX_CPUS_PER_WORKER = 8
"""More threads than this feed one encoder slower than two workers do."""


def worker_size(config: EngineConfig, nodes: Sequence[Node]) -> tuple[int, float]:
    """Return CPUs and GPUs of a worker.

    Example:
        >>> node = {"Alive": True, "NodeManagerHostname": "a", "Resources": {"CPU": 4.0}}
        >>> worker_size(EngineConfig(), [node])
        (4, 0.0)
    """
    gpus = config.num_gpus_per_worker
    if config.num_cpus_per_worker is not None:
        return config.num_cpus_per_worker, gpus
    counts = [
        int(_amount(node, "CPU"))
        for node in _alive(nodes)
        if _amount(node, "CPU") >= 1 and _amount(node, "GPU") >= gpus
    ]
    return max(1, min([*counts, MAX_CPUS_PER_WORKER])), gpus


def count_places(size: tuple[int, float], nodes: Sequence[Node]) -> int:
    """Return how many workers fit into the cluster as it is.

    Args:
        size: CPUs and GPUs of a worker.
        nodes: Of the cluster.
    """
    num_cpus, num_gpus = size
    fits = 0
    for node in _alive(nodes):
        fit = math.floor(_amount(node, "CPU") / num_cpus)
        if num_gpus:
            fit = min(fit, math.floor(_amount(node, "GPU") / num_gpus))
        fits += fit
    return fits


def describe_places(size: tuple[int, float], nodes: Sequence[Node]) -> str:
    """Return what a worker asks for, and what the nodes have."""
    num_cpus, num_gpus = size
    told = [
        f"{node['NodeManagerHostname']}: {_amount(node, 'CPU'):g} CPUs, "
        f"{_amount(node, 'GPU'):g} GPUs"
        for node in _alive(nodes)
    ]
    return (
        f"each asks for {num_cpus} CPUs and {num_gpus:g} GPUs; "
        f"the cluster has {'; '.join(told) or 'no nodes'}"
    )


def _alive(nodes: Iterable[Node]) -> list[Node]:
    return [node for node in nodes if node["Alive"]]


def _amount(node: Node, resource: str) -> float:
    return float(node["Resources"].get(resource, 0))

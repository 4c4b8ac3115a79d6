"""How large workers are and how many fit, on nodes that are made up."""

import pytest

from pairsift.config import EngineConfig
from pairsift.engines.nodes import Node, count_places, describe_places, worker_size


def node(name: str = "a", *, is_alive: bool = True, **resources: float) -> Node:
    return {"Alive": is_alive, "NodeManagerHostname": name, "Resources": resources}


HEAD = node("head", CPU=0.0)
SMALL, LARGE = node("small", CPU=4.0), node("large", CPU=64.0, GPU=4.0)
DEAD = node("dead", is_alive=False, CPU=1.0)


def test_a_worker_is_as_large_as_the_smallest_node_that_has_room() -> None:
    assert worker_size(EngineConfig(), [HEAD, SMALL, LARGE, DEAD]) == (4, 0.0)
    assert worker_size(EngineConfig(), [LARGE]) == (8, 0.0)  # and not larger than two are quicker
    assert worker_size(EngineConfig(num_gpus_per_worker=1), [SMALL, LARGE]) == (8, 1)
    assert worker_size(EngineConfig(num_cpus_per_worker=3), [SMALL]) == (3, 0.0)
    assert worker_size(EngineConfig(), [HEAD]) == (8, 0.0)  # nobody knows what will come


@pytest.mark.parametrize(
    ("size", "places"),
    [((4, 0.0), 1 + 16), ((5, 0.0), 12), ((8, 1.0), 4), ((8, 0.5), 8), ((65, 0.0), 0)],
)
def test_so_many_fit(size: tuple[int, float], places: int) -> None:
    assert count_places(size, [HEAD, SMALL, LARGE, DEAD]) == places


def test_both_sides_are_told() -> None:
    assert describe_places((8, 0.5), [SMALL, LARGE, DEAD]) == (
        "each asks for 8 CPUs and 0.5 GPUs; "
        "the cluster has small: 4 CPUs, 0 GPUs; large: 64 CPUs, 4 GPUs"
    )
    assert describe_places((1, 0.0), []).endswith("the cluster has no nodes")

"""What a person reads of a plan."""

from rich.console import Console

from pairsift.planning.predicting import Goal, predict
from pairsift.planning_summary import print_prediction, show_steps
from tests.planning.made_up import measured, slow_server


def shown(goal: Goal, **changes: object) -> str:
    console = Console(width=100, record=True, force_terminal=False)
    with console.capture() as captured:
        print_prediction(predict(measured(**changes), goal), console)
    return captured.get()


def test_the_figures_stand_there() -> None:
    told = shown(Goal(pairs="100M", machines=4, price_per_hour=0.5))
    assert "100,000,000 pairs: 8.70 days on this machine" in told
    assert "4 machines like it" in told
    assert f"{752_005 / 7_200:.2f}" in told  # half a unit an hour
    assert "205 GB (all)" in told
    assert "12.8 GB with sample, 0 bytes with none" in " ".join(told.split())
    assert "100,000 references and 100,000 captions" in told
    assert max(map(len, told.splitlines())) <= 80


def test_the_limit_is_marked() -> None:
    lines = shown(Goal()).splitlines()
    assert [line.split()[:2] for line in lines if "the limit" in line] == [["encode", "images"]]
    slow = shown(Goal(), fetching=slow_server()).splitlines()
    assert [line.split()[0] for line in slow if line.rstrip().endswith("the limit")] == ["fetch"]


def test_a_price_that_is_not_known_has_no_column() -> None:
    assert "cost" not in shown(Goal())


def test_steps_are_shown_to_terminals_only() -> None:
    console = Console(width=80, force_terminal=False)
    with console.capture() as captured, show_steps(console) as on_progress:
        on_progress("scoring a sample", 5)
    assert captured.get() == ""

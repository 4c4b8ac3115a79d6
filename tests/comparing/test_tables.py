"""A comparison as it is printed."""

from rich.console import Console

from pairsift.comparing.job import Comparison
from pairsift.comparing.tables import HEADINGS, print_comparison
from tests.comparing.made_up import three


def shown(**changes: object) -> str:
    facts = {
        "figures": three(),
        "left_out": {},
        "words": ["Would a faster one do? [no]"],
        "rule": "top:30%",
        "num_pairs": 1_000,
        "num_rows": 20_000,
        "seed": 5,
        "failures": {},
    }
    console = Console(width=100, force_terminal=False)
    with console.capture() as captured:
        print_comparison(Comparison(**{**facts, **changes}), console)  # type: ignore[arg-type]
    return captured.get()


def test_a_line_each_the_slowest_first() -> None:
    lines = shown().splitlines()
    assert lines[0].split() == [*HEADINGS[1:4], "95", "%", *HEADINGS[5:]]
    large, old, small = (" ".join(line.split()) for line in lines[1:4])
    assert large == "large fp32 * 100 2,000 0.9900 0.9800 0.9950 1.000 100% yes"
    assert old == "old int8 400 2,000 0.9000 0.8800 0.9200 1.000 100%"
    assert small == "small bf16 1,500 2,000 0.9500 0.9400 0.9600 0.750 60% yes"


def test_what_the_columns_mean_and_the_answer() -> None:
    told = shown()
    assert "* the reference; 1,000 of 20,000 pairs, seed 5\n" in told
    assert "reference keeps under top:30%" in told
    assert told.splitlines()[-1] == "Would a faster one do? [no]"  # brackets are no markup


def test_what_was_left_out_and_what_could_not_be_read() -> None:
    told = shown(left_out={"new [x] fp32": "no config.json"}, failures={"image_corrupt": 7})
    assert "new [x] fp32 is left out: no config.json" in told
    assert "seed 5, 7 more could not be read" in told

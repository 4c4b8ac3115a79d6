"""Rows drawn towards a target, within a cap, with what that leaves out."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from pairsift.config import BalanceConfig
from pairsift.curation.balancing import Draw, draw_balanced
from pairsift.curation.decisions import draw_table
from pairsift.errors import ColumnError, UsageError
from pairsift.runs import Run
from tests.curation.runs import accept_table, run_of
from tests.curation.worlds import make_world

NUM = 90


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Thirty rows of each of three categories, of which twenty of the first failed."""
    failed = (np.arange(NUM) % 3 == 0) & (np.arange(NUM) >= 30)
    return run_of(tmp_path, make_world(NUM, seed=1), failed=failed)


def drawn(draw: Draw) -> dict[str, int]:
    return {line.name: line.drawn for line in draw.lines}


def test_as_many_as_can_be_alike(run: Run) -> None:
    draw = draw_balanced(run, BalanceConfig(by="category"))
    assert drawn(draw) == {"animals": 10, "food": 10, "sky": 10}
    assert draw.repeats.max() == 1
    before, after = draw.effective()
    assert before < after == pytest.approx(3.0)
    assert draw.warning is None


def test_a_size_that_cannot_be_even_takes_what_there_is(run: Run) -> None:
    draw = draw_balanced(run, BalanceConfig(by="category", size=60))
    assert drawn(draw) == {"food": 25, "sky": 25, "animals": 10}
    draw = draw_balanced(run, BalanceConfig(by="category", size=500))
    assert (draw.num_drawn, draw.size) == (70, 500)


def test_a_target_is_met(run: Run) -> None:
    config = BalanceConfig(by="category", target="food=3, sky=1", size=32)
    assert drawn(draw_balanced(run, config)) == {"food": 24, "sky": 8, "animals": 0}


def test_repeats_stop_at_the_cap_and_are_warned_of(run: Run) -> None:
    draw = draw_balanced(run, BalanceConfig(by="category", size=90, max_repeats=3))
    assert drawn(draw) == {"food": 30, "sky": 30, "animals": 30}
    assert draw.repeats.max() == 3
    assert draw.warning is not None
    assert "repeated up to 3 times" in draw.warning


def test_only_rows_that_a_rule_keeps_are_drawn(run: Run) -> None:
    draw = draw_balanced(run, BalanceConfig(by="category", rule="top:50%"))
    assert not draw.repeats[~draw.choice.keep].any()
    assert draw.choice.num_kept == 35


def test_the_same_seed_draws_the_same(run: Run) -> None:
    first, again, other = (
        draw_balanced(run, BalanceConfig(by="category", seed=seed)).repeats for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_row_has_a_reason(run: Run) -> None:
    draw = draw_balanced(run, BalanceConfig(by="category", rule="top:90%"))
    table = draw_table(draw)
    reasons = table["drop_reasons"].to_pylist()
    assert [not each for each in reasons] == table["keep"].to_pylist()
    assert Counter(each[0] for each in reasons if each) == {
        "not_scored": 20,
        "below_threshold": 7,
        "over_cap": NUM - 27 - draw.num_drawn,
    }
    assert table["category"].to_pylist()[:3] == ["animals", "food", "sky"]


def test_rows_without_a_category_are_not_drawn(run: Run) -> None:
    path = Path(run.info["inputs"][0]["path"])
    path.write_text(path.read_text().replace(",sky\n", ",\n"))
    draw = draw_balanced(accept_table(run), BalanceConfig(by="category"))
    assert drawn(draw) == {"food": 10, "animals": 10}
    assert draw.num_without == 30
    reasons = draw_table(draw)["drop_reasons"].to_pylist()
    assert reasons.count(["no_category"]) == 30


def test_wrong_use(run: Run) -> None:
    for config in (BalanceConfig(), BalanceConfig(by="category", categories="a, b")):
        with pytest.raises(UsageError, match="either --by COLUMN or --categories"):
            draw_balanced(run, config)
    with pytest.raises(ColumnError, match="available"):
        draw_balanced(run, BalanceConfig(by="theme"))


@pytest.mark.parametrize(("num", "failed"), [(0, False), (1, False), (9, False), (12, True)])
def test_few_rows_or_none_scored(tmp_path: Path, num: int, failed: bool) -> None:
    run = run_of(tmp_path, make_world(num, seed=1), failed=np.full(num, failed))
    draw = draw_balanced(run, BalanceConfig(by="category"))
    assert draw.num_drawn == (0 if failed else num)
    assert draw_table(draw).num_rows == num

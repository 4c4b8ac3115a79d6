import json
from pathlib import Path

import numpy as np
import pytest

from pairsift.config import ChoiceConfig
from pairsift.curation.choice import choose_rows
from pairsift.errors import ColumnError, UsageError
from tests.curation.runs import accept_table, run_of
from tests.curation.worlds import make_world

RULES = ["top:30%", "similarity>=0.28", "fdr:1%", "probability>=0.5"]


def test_the_default_rule_with_what_stands_at_the_cut(tmp_path: Path) -> None:
    world = make_world(1000, seed=1, swapped=0.1)
    choice = choose_rows(run_of(tmp_path, world), ChoiceConfig())
    assert (choice.num_kept, choice.num_scored) == (300, 1000)
    cut = choice.groups[0].cut
    assert cut == pytest.approx(np.sort(world.similarities)[700])
    assert [pair.score for pair in choice.above] == sorted(pair.score for pair in choice.above)
    assert choice.above[0].score == cut
    assert choice.below[0].score < choice.above[0].score
    assert choice.below[0].caption == f"caption number {choice.below[0].row}"
    assert world.similarities[choice.below[0].row] == pytest.approx(choice.below[0].score)
    assert next(p for p in choice.curve if p.share == 0.3).threshold == pytest.approx(cut, abs=2e-3)
    assert choice.references == []


@pytest.mark.parametrize("rule", ["fdr:1%", "probability>=0.5"])
def test_wrong_pairs_are_left_out(tmp_path: Path, rule: str) -> None:
    world = make_world(2000, seed=2, swapped=0.1)
    choice = choose_rows(run_of(tmp_path, world), ChoiceConfig(rule=rule))
    assert world.wrong[choice.keep].mean() < 0.03
    assert choice.keep[~world.wrong].mean() > 0.95


def test_each_group_has_its_own_cut(tmp_path: Path) -> None:
    choice = choose_rows(run_of(tmp_path, make_world(600, seed=1)), ChoiceConfig(by="category"))
    assert [(g.name, g.scored, g.kept) for g in choice.groups] == [
        ("animals", 200, 60),
        ("food", 200, 60),
        ("sky", 200, 60),
    ]
    cuts = [group.cut for group in choice.groups]
    assert len(set(cuts)) == 3
    # Above and below are told by each row's own cut.
    for pairs, is_above in ((choice.above, True), (choice.below, False)):
        assert len(pairs) == 3
        for pair in pairs:
            assert (pair.score >= (cuts[pair.row % 3] or 0.0)) == is_above


def test_rows_without_a_group_are_a_group_of_their_own(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(60, seed=1), failed=np.arange(60) % 3 == 1)
    path = Path(run.info["inputs"][0]["path"])
    path.write_text(path.read_text().replace(",animals\n", ",\n"))
    choice = choose_rows(accept_table(run), ChoiceConfig(rule="top:50%", by="category"))
    found = [(g.label, g.name, g.scored, g.kept) for g in choice.groups]
    assert found == [(1, "sky", 20, 10), (-1, "(none)", 20, 10)]
    scores = choice.rows.similarities
    assert [g.cut for g in choice.groups] == [
        scores[choice.keep & (np.arange(60) % 3 == place)].min() for place in (2, 0)
    ]


def test_the_negative_clip_loss_can_be_looked_at(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(200, seed=1))
    run.info["config"]["model"]["model"] = "storybook"
    config = ChoiceConfig(rule="top:50%", score="negative-clip-loss")
    choice = choose_rows(run, config)
    assert choice.contrast is not None
    assert choice.num_kept == 100
    assert choice.contrast.values[choice.keep].min() >= choice.contrast.values[~choice.keep].max()
    with pytest.raises(UsageError, match=r"only top:… can look at"):
        choose_rows(run, ChoiceConfig(rule="fdr:1%", score="negative-clip-loss"))


def test_public_thresholds_stand_beside_their_models(tmp_path: Path) -> None:
    world = make_world(100, seed=1)
    run = run_of(tmp_path, world)
    run.info["config"]["model"]["model"] = "clip-vit-large-patch14"
    found = choose_rows(run, ChoiceConfig()).references
    reference, rows = found[0]
    assert reference.threshold == 0.243
    assert rows == (world.similarities >= 0.243).sum()


@pytest.mark.parametrize("rule", RULES)
def test_everything_is_plain_json(tmp_path: Path, rule: str) -> None:
    choice = choose_rows(run_of(tmp_path, make_world(40, seed=1)), ChoiceConfig(rule=rule))
    plain = json.loads(json.dumps(choice.to_json(), allow_nan=False))
    assert plain["rule"] == rule
    assert plain["kept"] == choice.num_kept
    assert plain["calibration"]["p_value_floor"] == pytest.approx(
        1 / (plain["calibration"]["mismatched_pairs"] + 1)
    )


@pytest.mark.parametrize("num", [0, 1, 2, 9])
@pytest.mark.parametrize("rule", RULES)
def test_few_rows(tmp_path: Path, num: int, rule: str) -> None:
    run = run_of(tmp_path, make_world(num, seed=1))
    if num == 1 and rule in ("fdr:1%", "probability>=0.5"):
        with pytest.raises(UsageError, match="at least two unlike pairs"):
            choose_rows(run, ChoiceConfig(rule=rule))
        return
    choice = choose_rows(run, ChoiceConfig(rule=rule))
    json.dumps(choice.to_json(), allow_nan=False)
    assert len(choice.keep) == num
    if rule == "top:30%":
        assert choice.num_kept == -(-3 * num // 10)


@pytest.mark.parametrize("rule", RULES)
def test_all_rows_failed(tmp_path: Path, rule: str) -> None:
    run = run_of(tmp_path, make_world(20, seed=1), failed=np.ones(20, dtype=bool))
    choice = choose_rows(run, ChoiceConfig(rule=rule))
    assert (choice.num_kept, choice.num_scored) == (0, 0)
    assert (choice.above, choice.below, choice.curve) == ([], [], [])
    json.dumps(choice.to_json(), allow_nan=False)


def test_without_embeddings_shares_still_work(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(50, seed=1), embeddings="none")
    choice = choose_rows(run, ChoiceConfig())
    assert choice.num_kept == 15
    assert choice.above[0].probability is None
    assert choice.to_json()["calibration"] is None
    with pytest.raises(UsageError, match="--embeddings all"):
        choose_rows(run, ChoiceConfig(rule="fdr:1%"))


def test_an_unknown_column(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="available: image"):
        choose_rows(run_of(tmp_path, make_world(5, seed=1)), ChoiceConfig(by="theme"))

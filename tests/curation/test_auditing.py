import json
from pathlib import Path

import numpy as np
import pytest

from pairsift.config import AuditConfig, ChoiceConfig
from pairsift.curation.auditing import Audit, audit_run
from pairsift.curation.choice import choose_rows
from pairsift.errors import ColumnError
from pairsift.runs import Run
from tests.curation.runs import accept_table, run_of
from tests.curation.worlds import World, make_world, unit


def audit(run: Run, config: AuditConfig, rule: str = "top:50%") -> Audit:
    return audit_run(run, choose_rows(run, ChoiceConfig(rule=rule)), config)


def uneven_world(num: int) -> World:
    """Every third pair, the category ``sky``, has a caption that says less."""
    world = make_world(num, seed=1)
    vague = np.arange(num) % 3 == 2
    noise = np.random.default_rng(2).normal(size=world.captions.shape)
    captions = unit(world.captions + np.where(vague[:, None], 0.06, 0.0) * noise)
    return World(world.images, captions, world.wrong)


def test_the_group_that_loses_comes_first(tmp_path: Path) -> None:
    run = run_of(tmp_path, uneven_world(3000), widths=np.tile([100, 300], 1500))
    found = audit(run, AuditConfig(groups="category"))
    first = found.lines[0]
    assert (first.dimension, first.group) == ("category", "sky")
    assert first.is_significant
    assert -0.2 < first.gap < -0.05
    names = {line.dimension for line in found.lines}
    assert names == {"category", "caption length", "picture's smaller side"}
    assert [line.rows for line in found.lines if line.dimension == "category"] == [1000] * 3
    balance = found.balances[0]
    assert balance.dimension == "category"
    assert balance.effective == pytest.approx(3.0)
    assert 2.8 < balance.effective_kept < 3.0
    signs = {sign.name: sign.rate for sign in found.signs}
    assert signs["image_small"] == 0.5


def test_languages_are_found_for_some_rows(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(60, seed=1))
    table = tmp_path / "pairs.csv"
    texts = ("a red boat on the sea before an island", "ein rotes Boot auf dem Meer vor der Insel")
    lines = [f"{i}.png,{texts[i % 2]},sky\n" for i in range(60)]
    table.write_text("image,caption,category\n" + "".join(lines))
    found = audit(accept_table(run), AuditConfig())
    assert {x.group: x.rows for x in found.lines if x.dimension == "language"} == {
        "en": 30,
        "de": 30,
    }
    fewer = audit(run, AuditConfig(languages=10))
    assert sum(line.rows for line in fewer.lines if line.dimension == "language") == 10
    assert (found.num_languages, fewer.num_languages) == (None, 10)


def test_failed_rows_are_not_blamed_on_the_filter(tmp_path: Path) -> None:
    failed = np.arange(300) % 3 == 2
    run = run_of(tmp_path, make_world(300, seed=1), failed=failed)
    found = audit(run, AuditConfig(groups="category"), rule="similarity>=-1")
    assert all(line.rate == 1.0 for line in found.lines)
    assert {line.group for line in found.lines if line.dimension == "category"} == {
        "animals",
        "food",
    }


@pytest.mark.parametrize("num", [0, 1, 9])
def test_few_rows(tmp_path: Path, num: int) -> None:
    run = run_of(tmp_path, make_world(num, seed=1))
    found = audit(run, AuditConfig(groups="category"))
    json.dumps(found.to_json(), allow_nan=False)
    assert not any(line.is_significant for line in found.lines)


def test_all_rows_failed(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(9, seed=1), failed=np.ones(9, dtype=bool))
    found = audit(run, AuditConfig(groups="category"))
    assert found.lines == []
    assert found.balances[0].effective == 0.0
    json.dumps(found.to_json(), allow_nan=False)


def test_an_unknown_column(tmp_path: Path) -> None:
    with pytest.raises(ColumnError, match="`theme` not found"):
        audit(run_of(tmp_path, make_world(3, seed=1)), AuditConfig(groups="category, theme"))

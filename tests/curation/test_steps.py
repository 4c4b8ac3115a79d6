from pathlib import Path

import numpy as np
import pyarrow.csv as pc_csv
import pytest
from numpy.typing import NDArray
from PIL import Image

from pairsift import open_run
from pairsift.cli import run as command
from pairsift.curation.declared import (
    BalanceRule,
    CaptionRule,
    DeclaredRule,
    DuplicateRule,
    ImageRule,
    MismatchRule,
    SignRule,
    StatusRule,
    ThresholdRule,
    WhereRule,
)
from pairsift.curation.funnel import Drops, Verdict, run_funnel
from pairsift.curation.material import Material
from pairsift.curation.steps import make_step
from pairsift.errors import ColumnError, JobError, UsageError
from tests.curation.runs import accept_table, run_of
from tests.curation.worlds import make_world

NUM = 300
FAILED = np.arange(NUM) % 20 == 3


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Material:
    """Rows whose width is their number; one in ten is swapped, one in twenty failed."""
    world = make_world(NUM, seed=1, swapped=0.1)
    folder = tmp_path_factory.mktemp("steps")
    run = run_of(folder, world, failed=FAILED, shard_rows=64, widths=np.arange(NUM))
    lines = (folder / "pairs.csv").read_text().splitlines()
    extra = [f"{line},{n / 10},{n % 7:03}" for n, line in enumerate(lines[1:])]
    (folder / "pairs.csv").write_text("\n".join([lines[0] + ",Weight,code", *extra]) + "\n")
    return Material(accept_table(run), seed=0)


def dropped(rule: DeclaredRule, material: Material, left: object = None) -> Drops:
    everybody = np.ones(NUM, dtype=bool)
    return make_step(rule, material).apply(everybody if left is None else np.asarray(left))


def run_rules(material: Material, *rules: DeclaredRule) -> Verdict:
    return run_funnel([make_step(rule, material) for rule in rules], NUM)


def test_rows_without_a_score_go(material: Material) -> None:
    assert (dropped(StatusRule(), material).masks["not_scored"] == FAILED).all()
    both = StatusRule(("ok", "image_not_found"))
    assert not dropped(both, material).masks["not_scored"].any()


def test_swapped_rows_go(material: Material) -> None:
    masks = dropped(MismatchRule(("swap", "shift")), material).masks
    wrong = make_world(NUM, seed=1, swapped=0.1).wrong
    found = masks["swap"]
    assert found[wrong & ~FAILED].mean() > 0.7
    assert not found[~wrong].any()
    assert not masks["shift"].any()


def test_captions_by_their_shape_and_length(material: Material) -> None:
    masks = dropped(MismatchRule(("url", "file name")), material).masks
    assert set(masks) == {"caption_url", "caption_file_name"}
    assert not masks["caption_url"].any()
    short = dropped(CaptionRule(min_characters=len("caption number 10")), material).masks
    assert np.flatnonzero(short["caption_short"]).tolist() == list(range(10))
    many = dropped(CaptionRule(min_words=3, max_words=2), material).masks
    assert not many["caption_short"].any()
    assert many["caption_long"].all()


def test_pictures_by_their_shape(material: Material) -> None:
    small = dropped(ImageRule(min_side=100, max_aspect=3), material).masks
    # A width of 0 is an unknown one.
    assert np.flatnonzero(small["image_small"]).tolist() == list(range(1, 100))
    assert not small["image_extreme_aspect"].any()
    signs = dropped(SignRule(("image_small", "negative_similarity")), material).masks
    assert signs["image_small"].sum() == 199


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ("weight >= 5 AND weight < 6.05", range(50, 61)),
        ("code = '003' AND row < 20", (3, 10, 17)),
        ("image_width > 297", (298, 299)),
        ("category = 'food' AND Weight > 29", (292, 295, 298)),
        ("similarity_status <> 'ok' AND similarity IS NULL AND row < 30", (3, 23)),
        ("similarity_percentile > 99.7", None),
    ],
)
def test_conditions_on_columns(material: Material, where: str, kept: object) -> None:
    found = np.flatnonzero(~dropped(WhereRule(where), material).masks["where"])
    if kept is None:
        kept = [int(np.nanargmax(material.rows.similarities))]
    assert found.tolist() == list(kept)  # type: ignore[call-overload]


def test_an_unknown_column_is_named(material: Material) -> None:
    with pytest.raises(ColumnError, match=r"`height` not found; available: image, caption, cat.*"):
        make_step(WhereRule("height > 1"), material)


def test_the_share_is_of_the_rows_that_are_left(material: Material) -> None:
    alone = dropped(ThresholdRule("top:50%"), material)
    assert (~alone.masks["below_threshold"] & ~FAILED).sum() == np.ceil((~FAILED).sum() / 2)
    assert (alone.masks["not_scored"] == FAILED).all()
    left = ~FAILED & (np.arange(NUM) < 100)
    kept = ~dropped(ThresholdRule("top:50%"), material, left).masks["below_threshold"]
    assert (kept & left).sum() == np.ceil(left.sum() / 2)
    # Rows that went before are held against the same cut.
    scores = material.rows.similarities
    cut = scores[kept & left].min()
    others = ~left & ~FAILED
    assert (kept[others] == (scores[others] >= cut)).all()


@pytest.mark.parametrize("keep", ["fdr:1%", "probability>=0.5", "similarity>=0.28"])
def test_wrong_pairs_are_below_the_threshold(material: Material, keep: str) -> None:
    verdict = run_rules(material, ThresholdRule(keep), ThresholdRule(keep, by="category"))
    wrong = make_world(NUM, seed=1, swapped=0.1).wrong
    assert verdict.keep[wrong].mean() < 0.2
    assert verdict.keep[~wrong & ~FAILED].mean() > 0.9


@pytest.mark.parametrize("keep", ["similarity>=0.6", "probability>=0.5"])
def test_a_fixed_value_says_the_same_of_rows_that_went_before(
    material: Material, keep: str
) -> None:
    everybody = dropped(ThresholdRule(keep), material).masks["below_threshold"]
    scores = material.rows.similarities
    assert 0 < everybody.sum() < (~FAILED).sum()
    # Only the best row is left, or only the worst: neither is where the others are cut.
    for left in (scores == np.nanmax(scores), scores == np.nanmin(scores)):
        masks = dropped(ThresholdRule(keep), material, left).masks
        assert (masks["below_threshold"] == everybody).all()


def test_what_is_not_known_of_embeddings_is_refused(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(30, seed=1))
    run.info["config"]["table"]["from_embeddings"] = "auto"
    given = Material(run, seed=0)
    rules: tuple[DeclaredRule, ...] = (
        SignRule(("caption_truncated",)),
        SignRule(("image_blurred",)),
        ImageRule(min_side=100),
        DuplicateRule(),
    )
    for rule in rules:
        with pytest.raises(UsageError, match="is not known: the embeddings were handed in"):
            make_step(rule, given)
    assert not make_step(SignRule(), given).apply(np.ones(30, dtype=bool)).any(30).any()


def test_groups_have_a_cut_each(material: Material) -> None:
    verdict = run_rules(material, StatusRule(), ThresholdRule("top:10%", by="category"))
    scored: NDArray[np.int64] = np.bincount((np.arange(NUM) % 3)[~FAILED])
    kept = np.bincount((np.arange(NUM) % 3)[verdict.keep])
    assert kept.tolist() == np.ceil(scored / 10).tolist()


def test_a_category_gives_up_what_is_beyond_its_cap(material: Material) -> None:
    verdict = run_rules(material, StatusRule(), BalanceRule(by="category", cap=5))
    kept = np.flatnonzero(verdict.keep)
    assert np.bincount(kept % 3).tolist() == [5, 5, 5]
    scores = material.rows.similarities
    foods = np.flatnonzero((np.arange(NUM) % 3 == 1) & ~FAILED)
    best = foods[np.argsort(-scores[foods], kind="stable")[:5]]
    assert sorted(kept[kept % 3 == 1].tolist()) == sorted(best.tolist())


def test_a_set_is_drawn_evenly_with_repeats(material: Material) -> None:
    few = WhereRule("category <> 'sky' OR row < 10", "mine")
    verdict = run_rules(
        material, StatusRule(), few, BalanceRule(by="category", size=30, max_repeats=4)
    )
    counts = [int(verdict.repeats[np.arange(NUM) % 3 == n].sum()) for n in range(3)]
    assert counts == [10, 10, 10]
    assert verdict.repeats.max() == 4
    assert (verdict.keep == (verdict.repeats > 0)).all()


def test_a_target_is_drawn_towards(material: Material) -> None:
    rule = BalanceRule(by="category", size=20, target=("food=3", "sky=1"))
    verdict = run_rules(material, StatusRule(), rule)
    counts = [int(verdict.repeats[np.arange(NUM) % 3 == n].sum()) for n in range(3)]
    assert counts == [0, 15, 5]
    assert verdict.counts["no_category"] == 0


def test_no_embeddings_is_told(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(30, seed=1), embeddings="none")
    few = Material(run, seed=0)
    with pytest.raises(UsageError, match="--embeddings all"):
        make_step(MismatchRule(), few)
    make_step(MismatchRule(("url",)), few)
    with pytest.raises(UsageError, match="needs mismatched pairs"):
        make_step(ThresholdRule("fdr:1%"), few).apply(np.ones(30, dtype=bool))


def test_an_input_that_changed_is_told(tmp_path: Path) -> None:
    run = run_of(tmp_path, make_world(30, seed=1))
    table = pc_csv.read_csv(tmp_path / "pairs.csv")
    pc_csv.write_csv(table.slice(0, 20), tmp_path / "pairs.csv")
    for rule in (WhereRule("category = 'sky'"), CaptionRule(min_words=2)):
        with pytest.raises(JobError, match="not what was scored any more"):
            make_step(rule, Material(run, seed=0))


def test_copies_by_their_looks(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    lines = ["image,caption"]
    for n in range(6):
        small = Image.fromarray(generator.integers(0, 255, (6, 6, 3), dtype=np.uint8))
        small.resize((96, 96), Image.Resampling.BICUBIC).save(tmp_path / f"{n}.png")
        lines.append(f"{n}.png,picture {n}")
    with Image.open(tmp_path / "1.png") as picture:
        picture.save(tmp_path / "1.jpg", quality=80)
    lines += ["1.jpg,picture one as JPEG", "1.png,picture one once more"]
    (tmp_path / "pairs.csv").write_text("\n".join(lines) + "\n")
    scored = str(tmp_path / "scored.csv")
    arguments = ["score", str(tmp_path / "pairs.csv"), "-o", scored, "--runtime", "fake"]
    assert command(arguments) == 0
    material = Material(open_run(scored), seed=0)
    near = make_step(DuplicateRule(("near",)), material).apply(np.ones(8, dtype=bool)).masks
    goes = near["duplicate_near"] | near["duplicate_exact"]
    assert set(np.flatnonzero(goes)) < {1, 6, 7}
    assert goes.sum() == 2
    stays = ({1, 6, 7} - set(np.flatnonzero(goes).tolist())).pop()
    # A twin of the one that stays has its bytes; the JPEG never has.
    assert near["duplicate_exact"].sum() == (stays != 6)
    assert not near["duplicate_exact"][6]
    exact = make_step(DuplicateRule(), material).apply(np.ones(8, dtype=bool)).masks
    assert set(exact) == {"duplicate_exact"}
    assert exact["duplicate_exact"].sum() == 1

import pytest

from pairsift.curation.references import public_references
from pairsift.models import RECORDS


def test_the_two_models_are_known_by_name() -> None:
    with_references = {name for name in RECORDS if public_references(name)}
    assert with_references == {"clip-vit-base-patch32", "clip-vit-large-patch14"}


@pytest.mark.parametrize(
    ("model", "threshold", "share"),
    [
        ("clip-vit-large-patch14", 0.243, 0.30),
        ("hf:openai/clip-vit-large-patch14@0123", 0.203, 0.50),
        ("openai/clip-vit-base-patch32", 0.281, 0.30),
    ],
)
def test_the_share_table(model: str, threshold: float, share: float) -> None:
    assert (threshold, share) in {(r.threshold, r.share) for r in public_references(model)}


def test_a_higher_threshold_keeps_less() -> None:
    for model in ("clip-vit-base-patch32", "clip-vit-large-patch14"):
        table = [r for r in public_references(model) if r.name.startswith("DataComp's raw")]
        assert [r.threshold for r in table] == sorted((r.threshold for r in table), reverse=True)


def test_other_measures_have_none() -> None:
    assert public_references("clip-vit-large-patch14", measure="clip-score") == []

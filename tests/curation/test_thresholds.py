import numpy as np
import pytest

from pairsift.curation.rules import parse_rule
from pairsift.curation.thresholds import (
    keep_curve,
    keep_rows,
    rows_at_cut,
    rows_from,
)
from pairsift.errors import UsageError
from pairsift.histograms import Histogram

NAN = float("nan")


@pytest.mark.parametrize(("num", "kept"), [(0, 0), (1, 1), (2, 1), (9, 3), (10, 3), (1000, 300)])
def test_the_top_share_is_rounded_up(num: int, kept: int) -> None:
    values = np.random.default_rng(0).permutation(num).astype(np.float32)
    keep = keep_rows(parse_rule("top:30%"), values)
    assert keep.sum() == kept
    assert values[keep].min(initial=np.inf) >= values[~keep].max(initial=-np.inf)


def test_ties_fall_to_the_earlier_row() -> None:
    values = np.array([0.5, 0.1, 0.5, 0.5, 0.9], dtype=np.float32)
    assert keep_rows(parse_rule("top:40%"), values).tolist() == [True, False, False, False, True]
    assert keep_rows(parse_rule("top:60%"), values).tolist() == [True, False, True, False, True]


def test_rows_without_a_score_are_not_kept_and_do_not_count() -> None:
    values = np.array([NAN, 0.1, 0.2, NAN, 0.3, 0.4], dtype=np.float32)
    assert np.flatnonzero(keep_rows(parse_rule("top:50%"), values)).tolist() == [4, 5]
    assert np.flatnonzero(keep_rows(parse_rule("similarity>=-1"), values)).tolist() == [1, 2, 4, 5]
    failed = np.full(3, NAN, dtype=np.float32)
    for rule in ("top:30%", "similarity>=0", "fdr:1%", "probability>=0.5"):
        p_values = failed.astype(np.float64)
        keep = keep_rows(parse_rule(rule), failed, p_values=p_values, probabilities=p_values)
        assert not keep.any()


def test_a_threshold_is_compared_in_the_columns_precision() -> None:
    values = np.array([0.28], dtype=np.float32)
    assert keep_rows(parse_rule("similarity>=0.28"), values).all()


def test_each_group_has_its_own_top() -> None:
    values = np.array([0.9, 0.8, 0.7, 0.6, 0.2, 0.1], dtype=np.float32)
    labels = np.array([0, 0, 0, 0, 1, 1])
    keep = keep_rows(parse_rule("top:50%"), values, labels=labels)
    assert keep.tolist() == [True, True, False, False, True, False]


def test_each_group_has_its_own_share_of_wrong_pairs() -> None:
    generator = np.random.default_rng(0)
    # Group 0 is clean, group 1 is nine tenths noise.
    p_values = np.concatenate([np.full(500, 1e-6), np.full(50, 1e-6), generator.random(450)])
    p_values[:5] = 0.3
    labels = np.repeat([0, 1], 500)
    rule, values = parse_rule("fdr:1%"), 1.0 - p_values
    together = keep_rows(rule, values, p_values=p_values)
    apart = keep_rows(rule, values, p_values=p_values, labels=labels)
    assert not together[:5].any()
    assert apart[:500].all()
    assert 50 <= apart[500:].sum() <= 56


def test_probabilities_are_compared() -> None:
    values = np.array([0.1, 0.2, 0.3])
    keep = keep_rows(
        parse_rule("probability>=0.5"), values, probabilities=np.array([0.4, 0.5, NAN])
    )
    assert keep.tolist() == [False, True, False]


@pytest.mark.parametrize("rule", ["fdr:1%", "probability>=0.5"])
def test_rules_that_need_a_null_say_so(rule: str) -> None:
    values = np.array([0.3], dtype=np.float32)
    with pytest.raises(UsageError, match=r"needs mismatched pairs.*--embeddings all"):
        keep_rows(parse_rule(rule), values)
    nothing = np.array([NAN])
    with pytest.raises(UsageError, match="two unlike pairs"):
        keep_rows(parse_rule(rule), values, p_values=nothing, probabilities=nothing)


def test_rows_at_the_cut() -> None:
    values = np.array([0.5, 0.1, NAN, 0.4, 0.3, 0.2], dtype=np.float32)
    keep = keep_rows(parse_rule("similarity>=0.3"), values)
    above, below = rows_at_cut(values, keep, 2)
    assert (above.tolist(), below.tolist()) == ([4, 3], [5, 1])
    above, below = rows_at_cut(values, np.zeros(6, dtype=bool), 9)
    assert (len(above), len(below)) == (0, 5)


def test_the_curve_agrees_with_the_rows() -> None:
    values = np.random.default_rng(1).normal(0.3, 0.1, 5000).astype(np.float32)
    histogram = Histogram(-1.0, 1.0)
    histogram.add(values)
    curve = keep_curve(histogram)
    assert [point.threshold for point in curve] == sorted(
        (point.threshold for point in curve), reverse=True
    )
    for point in curve:
        keep = keep_rows(parse_rule(f"top:{100 * point.share:g}%"), values)
        assert values[keep].min() == pytest.approx(point.threshold, abs=3e-3)
        assert abs(int((values >= point.threshold).sum()) - point.rows) <= 1
    assert abs(rows_from(histogram, 0.3) - int((values >= 0.3).sum())) <= 1
    assert rows_from(histogram, -2.0) == 5000
    assert rows_from(histogram, 2.0) == 0


@pytest.mark.parametrize("num", [1, 3, 10, 20, 100])
def test_the_curve_keeps_what_it_says_of_few_rows(num: int) -> None:
    values = np.linspace(0.1, 0.5, num, dtype=np.float32)
    histogram = Histogram(-1.0, 1.0)
    histogram.add(values)
    for point in keep_curve(histogram):
        assert int((values >= point.threshold - 2e-6).sum()) == point.rows


def test_no_scored_row_has_no_curve() -> None:
    assert keep_curve(Histogram(-1.0, 1.0)) == []

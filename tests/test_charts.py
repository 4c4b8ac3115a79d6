import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairsift.charts import ASCII, BLOCKS, axis_limits, draw_axis, draw_bar, draw_columns

FINITE = st.floats(-1e6, 1e6)


@given(st.lists(st.integers(0, 10**9), max_size=80), st.integers(1, 9))
def test_a_column_chart_has_its_size_and_hides_nothing(counts: list[int], height: int) -> None:
    lines = draw_columns(counts, height=height)
    assert [len(line) for line in lines] == [len(counts)] * height
    for column, count in enumerate(counts):
        drawn = "".join(line[column] for line in lines)
        assert (drawn.strip() != "") == (count > 0)
        # Nothing floats: above an empty place there is nothing.
        assert " " not in drawn.lstrip(" ")


def test_the_highest_column_fills_the_height() -> None:
    assert draw_columns([1, 2], height=3) == [" █", "▄█", "██"]
    assert draw_columns([1, 2], height=2, levels=ASCII) == [" #", "##"]
    assert draw_columns([], height=2) == ["", ""]
    assert set("".join(draw_columns([0, 0], height=2))) == {BLOCKS[0]}


@pytest.mark.parametrize(
    ("share", "drawn"), [(0.0, ""), (0.05, "▌"), (0.5, "█████"), (1.0, "█" * 10), (7.0, "█" * 10)]
)
def test_a_bar_is_as_long_as_its_share(share: float, drawn: str) -> None:
    assert draw_bar(share, width=10) == drawn


@given(FINITE, FINITE)
def test_an_axis_covers_its_values_with_a_few_ticks(one: float, other: float) -> None:
    low, high = sorted((one, other))
    first, last, step = axis_limits(low, high)
    slack = step * 1e-3
    assert first <= low + slack
    assert last >= high - slack
    assert first < last
    assert 1 <= round((last - first) / step) <= 12


def test_one_value_still_has_an_axis() -> None:
    low, high, step = axis_limits(0.31, 0.31)
    assert low < 0.31 < high
    assert step < 1e-3


@given(FINITE, st.floats(1e-3, 1e6))
def test_the_two_lines_of_an_axis_fit_the_chart(low: float, span: float) -> None:
    limits = axis_limits(low, low + span)
    rule, numbers = draw_axis(*limits, width=68)
    assert len(rule) == 68
    assert len(numbers) <= 68
    assert rule[0] == rule[-1] == "┬"

"""Charts take the page's colours, and names out of tables stay text in them."""

import re

from pairsift.report.charts import COLOURS, bar, chart, distribution, legend, ranges
from tests.report.reading import read_page

EDGES = [0.0, 0.1, 0.2, 0.3]


def lines(*names: str) -> list[dict[str, object]]:
    numbers = {"low": 0.1, "lower": 0.2, "middle": 0.3, "upper": 0.4, "high": 0.5}
    return [{"name": name, "is_marked": False, **numbers} for name in names]


def test_colours_are_variables() -> None:
    made = chart(distribution(EDGES, [1, 5, 2], null=[3, 1, 0], cut=0.15, title="x"), label="y")
    assert not any(colour in made.text for colour in COLOURS.values())
    assert set(re.findall(r'fill="([^"]+)"', made.text)) <= {
        "none",
        "transparent",
        *(f"var(--{name})" for name in COLOURS),
    }
    assert 'fill="var(--kept)"' in made.text
    assert 'fill="var(--dropped)"' in made.text
    assert 'stroke="var(--warm)"' in made.text
    assert "cut 0.15" in made.text


def test_both_sizes_and_one_name() -> None:
    made = chart(distribution(EDGES, [1, 0, 2], null=None, cut=None, title="x"), label="what")
    page = read_page(made.text)
    assert len(page.named("svg")) == 2
    assert page.attribute("aria-label") == ["what"]
    assert "http" not in made.text
    assert "var(--warm)" not in made.text


def test_names_are_text_and_stay_in_order() -> None:
    hostile = '<script>"&'
    made = chart(ranges(lines("zebra", hostile, "ape"), title="x", rule=None), label="y")
    page = read_page(made.text)
    assert page.named("script") == []
    texts = [e.text for e in page.named("text")]
    assert texts.index("zebra") < texts.index(hostile) < texts.index("ape")


def test_names_that_are_alike_have_a_line_each() -> None:
    made = chart(ranges(lines("twin", "ape", "twin"), title="x", rule=None), label="y")
    texts = [e.text.strip() for e in read_page(made.text).named("text")]
    assert texts.count("twin") == 2 * 2  # wide and narrow


def test_ranges_without_a_box_have_points() -> None:
    few = [{k: v for k, v in line.items() if k not in ("lower", "upper")} for line in lines("a")]
    made = chart(ranges(few, title="x", rule=0.25), label="y")
    assert "stroke-dasharray" in made.text


def test_the_number_of_marks_does_not_grow_with_the_rows() -> None:
    few, many = (
        chart(distribution(EDGES, [n, n, n], null=None, cut=None, title="x"), label="y")
        for n in (10, 10_000_000)
    )
    assert abs(len(few.text) - len(many.text)) < 200


def test_bars_are_as_long_as_their_share() -> None:
    widths = [e.attributes["width"] for e in read_page(bar(0.25).text).named("rect")]
    assert widths == ["100", "25.0"]
    assert 'width="100.0"' in bar(7.0).text


def test_a_legend_is_escaped() -> None:
    assert "&lt;b&gt;" in legend(("kept", "<b>")).text

"""Charts as SVG that follows the page: its colours are the page's variables, its text is text.

Every chart is drawn from aggregates, never one mark a row, and twice: for wide and for narrow
pages, because a picture that is only scaled down cannot be read on a telephone.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pairsift.errors import MissingExtraError
from pairsift.report.markup import Markup, element, join

try:
    import altair as alt
    import vl_convert
except ImportError as missing:
    raise MissingExtraError('charts need an extra: pip install "pairsift[curate]"') from missing

# Altair wants colours that it knows; these stand for the page's variables and are never seen.
COLOURS = {
    "ink": "#000101",
    "muted": "#000102",
    "grid": "#000103",
    "accent": "#000104",
    "kept": "#000105",
    "dropped": "#000106",
    "warm": "#000107",
}
FONT = "system-ui, sans-serif"
_NAMES = {value: name for name, value in COLOURS.items()}
_COLOUR = re.compile("|".join(_NAMES))
# Inline, an SVG needs no namespaces; its own words for screen readers would be read beside ours.
_DROPPED = re.compile(
    r' (?:xmlns(?::\w+)?|version|role|aria-\w+|pointer-events|class)="[^"]*"'
    r'|<path d="M0,0h0v0h0Z"/>|<path d="" display="none"/>'
)
_SIZE = re.compile(r'^<svg width="([\d.]+)" height="([\d.]+)"')


@dataclass(frozen=True)
class Size:
    """The room for a chart.

    Args:
        width: Of the whole chart, in pixels.
        is_narrow: For telephones.
    """

    width: int
    is_narrow: bool


WIDE = Size(960, is_narrow=False)
NARROW = Size(350, is_narrow=True)

Draw = Callable[[Size], Any]


def chart(draw: Draw, *, label: str) -> Markup:
    """Return a chart in both sizes, of which the page shows one.

    Args:
        draw: Makes the Altair chart for a size.
        label: What it shows, for those who cannot see it.
    """
    return element(
        "div",
        element("div", Markup(_svg(draw(WIDE))), class_="wide"),
        element("div", Markup(_svg(draw(NARROW))), class_="narrow"),
        class_="chart",
        role="img",
        aria_label=label,
    )


def bar(share: float, *, kind: str = "accent") -> Markup:
    """Return a bar for a cell of a table.

    Args:
        share: Of the full length, in [0, 1].
        kind: ``accent`` or ``warm``.
    """
    length = f"{100 * min(max(share, 0.0), 1.0):.1f}"
    return element(
        "svg",
        join(
            element("rect", width=100, height=8, class_="track"),
            element("rect", width=length, height=8, class_=kind),
        ),
        class_="bar",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
        focusable="false",
    )


def legend(*entries: tuple[str, str]) -> Markup:
    """Return what the colours and forms of a chart mean.

    Args:
        entries: Class of the sample (``kept``, ``dropped``, ``null``, ``cut``, …) and its words.
    """
    return element(
        "ul",
        [element("li", element("span", class_=f"key {kind}"), words) for kind, words in entries],
        class_="legend",
        aria_hidden="true",
    )


def distribution(
    edges: Sequence[float],
    pairs: Sequence[int],
    *,
    null: Sequence[float] | None,
    cut: float | None,
    title: str,
) -> Draw:
    """Return how to draw a distribution with the null behind it.

    Args:
        edges: Of B bins, ascending, B + 1.
        pairs: Rows in each bin.
        null: What each bin would hold if the rows were mismatched pairs, or None.
        cut: Rows from here on are kept; None where there is no cut.
        title: Of the horizontal axis.
    """
    span = zip(edges[:-1], edges[1:], pairs, strict=True)
    rows = [
        {"low": low, "high": high, "n": n, "kept": cut is None or bool(low + high >= 2 * cut)}
        for low, high, n in span
        if n
    ]
    scale = alt.Scale(domain=[edges[0], edges[-1]], nice=False, zero=False)

    def draw(size: Size) -> Any:
        x = alt.X("low:Q", scale=scale, title=title, axis=alt.Axis(tickCount=size.width // 80))
        y = alt.Y("n:Q", title="pairs", axis=alt.Axis(tickCount=4, tickMinStep=1, format="~s"))
        bars = (
            alt.Chart(_data(rows))
            .mark_bar(binSpacing=0 if size.is_narrow else 1)
            .encode(
                x=x,
                x2="high:Q",
                y=y,
                y2=alt.datum(0),
                color=alt.Color(
                    "kept:N",
                    legend=None,
                    scale=alt.Scale(
                        domain=[True, False], range=[COLOURS["kept"], COLOURS["dropped"]]
                    ),
                ),
            )
        )
        layers = [bars]
        if null is not None:
            layers.append(_null_line(edges, null, scale))
        if cut is not None:
            layers += _cut_mark(cut, edges, scale)
        height = 170 if size.is_narrow else 240
        return _styled(alt.layer(*layers).properties(width=size.width, height=height))

    return draw


def ranges(rows: Sequence[Mapping[str, Any]], *, title: str, rule: float | None) -> Draw:
    """Return how to draw a middle and two ranges a name, in the order given.

    Args:
        rows: ``name``, ``low``, ``high`` (thin), ``lower``, ``upper`` (thick; may be left out
            everywhere), ``middle`` and ``is_marked`` (drawn in the second colour).
        title: Of the horizontal axis.
        rule: Where an upright line stands, or None.
    """
    # Names that were cut alike would share a line: blanks behind them tell them apart unseen.
    names = [row["name"] for row in rows]
    rows = [
        {**row, "name": name + " " * names[:at].count(name)}
        for at, (row, name) in enumerate(zip(rows, names, strict=True))
    ]

    def draw(size: Size) -> Any:
        names = alt.Axis(labelLimit=90 if size.is_narrow else 200, domain=False, ticks=False)
        y = alt.Y("name:N", sort=None, title=None, axis=names)
        scale = alt.Scale(zero=False, nice=True)
        axis = alt.Axis(tickCount=size.width // 90)
        colour = alt.Color(
            "is_marked:N",
            legend=None,
            scale=alt.Scale(domain=[False, True], range=[COLOURS["accent"], COLOURS["warm"]]),
        )
        source = alt.Chart(_data(list(rows)))
        layers = [
            source.mark_rule(strokeWidth=2).encode(
                x=alt.X("low:Q", scale=scale, title=title, axis=axis),
                x2="high:Q",
                y=y,
                color=colour,
            )
        ]
        if rows and "lower" in rows[0]:
            layers.append(
                source.mark_bar(height=9, cornerRadius=2).encode(
                    x=alt.X("lower:Q", scale=scale), x2="upper:Q", y=y, color=colour
                )
            )
            middle = source.mark_tick(thickness=3, height=15, color=COLOURS["ink"])
        else:
            middle = source.mark_point(filled=True, size=70, opacity=1)
            middle = middle.encode(color=colour)
        layers.append(middle.encode(x=alt.X("middle:Q", scale=scale), y=y))
        if rule is not None:
            layers.append(_upright(rule, scale))
        return _styled(
            alt.layer(*layers).properties(width=size.width, height=alt.Step(26)), is_lined=False
        )

    return draw


def _null_line(edges: Sequence[float], null: Sequence[float], scale: Any) -> Any:
    # A staircase by hand: each bin's left edge and height, and the last right edge.
    rows = [{"x": edge, "n": n} for edge, n in zip(edges, [*null, 0.0], strict=True)]
    encoding = {"x": alt.X("x:Q", scale=scale), "y": "n:Q"}
    line = {"interpolate": "step-after", "color": COLOURS["warm"]}
    source = alt.Chart(_data(rows))
    return source.mark_area(opacity=0.14, **line).encode(**encoding) + source.mark_line(
        strokeWidth=2, **line
    ).encode(**encoding)


def _cut_mark(cut: float, edges: Sequence[float], scale: Any) -> list[Any]:
    is_right = (cut - edges[0]) / (edges[-1] - edges[0]) > 0.7
    words = (
        alt.Chart(_data([{"x": cut, "words": f"cut {cut:.3g}"}]))
        .mark_text(
            align="right" if is_right else "left",
            dx=-6 if is_right else 6,
            baseline="top",
            fontWeight="bold",
            color=COLOURS["ink"],
        )
        .encode(x=alt.X("x:Q", scale=scale), y=alt.value(2), text="words:N")
    )
    return [_upright(cut, scale), words]


def _upright(x: float, scale: Any) -> Any:
    return (
        alt.Chart(_data([{"x": x}]))
        .mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=COLOURS["ink"])
        .encode(x=alt.X("x:Q", scale=scale))
    )


def _data(rows: list[Any]) -> Any:
    return alt.Data(values=rows)


def _styled(made: Any, *, is_lined: bool = True) -> Any:
    words = {"labelFont": FONT, "titleFont": FONT, "labelFontSize": 12, "titleFontSize": 12}
    colours = {
        "labelColor": COLOURS["muted"],
        "titleColor": COLOURS["muted"],
        "tickColor": COLOURS["grid"],
        "domainColor": COLOURS["muted"],
        "gridColor": COLOURS["grid"],
    }
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    made = made.configure(
        background="transparent",
        font=FONT,
        autosize=fit,
        padding={"left": 12, "right": 6, "top": 4, "bottom": 2},
    )
    made = made.configure_axis(
        **words, **colours, titleFontWeight="normal", labelOverlap=True, titlePadding=8
    )
    made = made.configure_axisX(grid=not is_lined)
    made = made.configure_axisY(grid=is_lined, domain=False, ticks=False)
    return made.configure_text(font=FONT, fontSize=12).configure_view(stroke=None)


def _svg(made: Any) -> str:
    text: str = vl_convert.vegalite_to_svg(made.to_json(), vl_version="v6.1")
    text = _DROPPED.sub("", text)
    text = _DROPPED.sub("", text)
    text = _SIZE.sub(r'<svg width="\1" height="\2" aria-hidden="true" focusable="false"', text)
    return _COLOUR.sub(lambda found: f"var(--{_NAMES[found[0]]})", text)

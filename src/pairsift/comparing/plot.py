"""The front as a picture: speed to the right, telling pairs apart upwards."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pairsift.comparing.figures import Figures
from pairsift.errors import MissingExtraError, UsageError

SUFFIXES = (".png", ".svg")
WIDTH, HEIGHT = 620, 380
_FONT = "DejaVu Sans, Helvetica, Arial, sans-serif"
# Okabe & Ito 2008: told apart by people who do not see all colours.
_COLOURS = {"fp32": "#0072b2", "bf16": "#009e73", "fp16": "#cc79a7", "int8": "#d55e00"}


def check_plot(path: Path) -> None:
    """Refuse a picture that cannot be drawn, before the work.

    Raises:
        UsageError: Its suffix is neither ``.png`` nor ``.svg``, or its folder is missing.
        MissingExtraError: What draws is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        message = f"a plot is {' or '.join(SUFFIXES)}, not {path.name}"
        raise UsageError(message)
    if not path.absolute().parent.is_dir():
        message = f"no such folder: {path.parent}"
        raise UsageError(message)
    _load()


def draw_plot(found: Sequence[Figures], path: Path) -> None:
    """Draw the candidates and the front.

    Args:
        found: All candidates.
        path: ``.png`` or ``.svg``; replaced if it is there.

    Raises:
        MissingExtraError: What draws is not installed.
    """
    alt, vl_convert = _load()
    text = _chart(alt, found).to_json()
    if path.suffix.lower() == ".svg":
        svg: str = vl_convert.vegalite_to_svg(text, vl_version="v6.1")
        path.write_text(svg, encoding="utf-8")
    else:
        path.write_bytes(vl_convert.vegalite_to_png(text, vl_version="v6.1", scale=2))


def _chart(alt: Any, found: Sequence[Figures]) -> Any:
    rows = [
        {
            # The rest is told by colour and shape; names of all would lie over each other.
            "name": "reference" if one.is_reference else one.name if one.is_on_front else "",
            "model": Path(one.model).name,
            "precision": one.precision,
            "rate": one.pairs_per_second,
            "auc": one.auc,
            "low": one.auc_95[0],
            "high": one.auc_95[1],
            "front": one.is_on_front,
        }
        for one in found
    ]
    source = alt.Chart(alt.Data(values=rows))
    front = alt.Chart(alt.Data(values=[row for row in rows if row["front"]]))
    fastest = max(one.pairs_per_second for one in found)
    # Room at the right for the names.
    x = alt.X("rate:Q", title="pairs per second", scale=alt.Scale(domain=[0, 1.3 * fastest]))
    scale = alt.Scale(zero=False, nice=True)
    y = alt.Y("auc:Q", title="AUC, true against mismatched pairs", scale=scale)
    used = [name for name in _COLOURS if any(one.precision == name for one in found)]
    colours = alt.Scale(domain=used, range=[_COLOURS[name] for name in used])
    colour = alt.Color("precision:N", title="precision", scale=colours)
    shape = alt.Shape("model:N", title="model")
    line = front.mark_line(color="#999999", strokeDash=[5, 4], strokeWidth=1.5).encode(
        x=x, y=y, order="rate:Q"
    )
    bars = source.mark_rule(strokeWidth=1.5, opacity=0.6).encode(
        x=x, y=alt.Y("low:Q", scale=scale, title=""), y2="high:Q", color=colour
    )
    points = source.mark_point(filled=True, size=110, opacity=1).encode(
        x=x, y=y, color=colour, shape=shape
    )
    names = source.mark_text(align="left", dx=9, dy=-7, fontSize=11, color="#333333").encode(
        x=x, y=y, text="name:N"
    )
    made = alt.layer(line, bars, points, names).properties(
        width=WIDTH,
        height=HEIGHT,
        title=alt.TitleParams(
            "Speed, and how well true and mismatched pairs are told apart",
            subtitle="bars: 95 % interval over rows; dashed: none is both faster and better",
        ),
    )
    return made.configure(font=_FONT, background="white").configure_title(
        anchor="start", fontSize=14, subtitleColor="#555555"
    )


def _load() -> tuple[Any, Any]:
    try:
        import altair as alt  # noqa: PLC0415 - an extra
        import vl_convert  # noqa: PLC0415 - an extra
    except ImportError as error:
        message = 'plots need an extra: pip install "pairsift[curate]"'
        raise MissingExtraError(message) from error
    return alt, vl_convert

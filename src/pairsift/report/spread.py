"""The section of the distribution: the similarities, the null behind them, and the cut."""

import numpy as np

from pairsift.charts import axis_limits
from pairsift.curation.references import public_references
from pairsift.curation.scales import Scales
from pairsift.protocols import FloatArray
from pairsift.report.cards import Column, Section, counted, missing, notes, number, percent, table
from pairsift.report.charts import chart, distribution, legend
from pairsift.report.markup import Content, Markup, element, join
from pairsift.report.material import Material
from pairsift.report.selecting import count_bins

ID = "distribution"
TITLE = "Distribution of similarities"
NUM_BINS = 64
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
UNLIKELY = 0.01
"""A p-value below which a pair is told to stand out from mismatched pairs."""

NULL_ENDS = (0.001, 0.999)
"""What of the null the axis must show; a few pairs further out are not worth its room."""


def distribution_section(material: Material) -> Section:
    """Return the section.

    Args:
        material: Of the run.
    """
    if material.num_scored == 0:
        return missing(ID, TITLE, "No row has a similarity, so there is nothing to show.")
    parts: list[Content] = [_picture(material), _quantiles(material)]
    findings = []
    scales, cut = material.scales, material.cut
    if cut is not None:
        findings.append(
            f"The rule {cut.rule} keeps {counted(cut.num_kept, 'pair')}"
            f" ({percent(cut.num_kept / material.num_scored)} of the scored)"
            + (f", from a similarity of {number(cut.similarity)} on." if cut.num_kept else ".")
        )
    if scales is not None:
        findings += _beside_null(scales, material.num_scored)
    else:
        parts.append(_no_null(material))
    if cut is None:
        words = f"No cut: the rule {material.config.rule} needs embeddings that tell pairs apart."
        parts.append(element("p", words, class_="missing"))
    parts.append(_references(material))
    return Section(ID, TITLE, join(notes(findings), *parts), tuple(findings))


def _picture(material: Material) -> Markup:
    cosines, scales, cut = material.rows.cosines, material.scales, material.cut
    null = None if scales is None else scales.null.similarities
    edges = _edges(cosines, null)
    counts = count_bins(cosines, edges)
    expected = None
    if null is not None:
        expected = (count_bins(null, edges) * (material.num_scored / len(null))).round(3).tolist()
    at = None if cut is None or cut.num_kept == 0 else cut.cosine
    title = "cosine of picture and caption" if material.is_cosine else "cosine behind the measure"
    entries = [("kept", "pairs that are kept" if at is not None else "pairs")]
    label = f"Histogram of {counted(material.num_scored, 'cosine')}, most {_middle(cosines)}"
    if at is not None:
        entries += [("dropped", "pairs below the cut"), ("cut", "the cut")]
        label += f"; the cut is at {number(at)}"
    if null is not None:
        entries.append(("null", "what as many mismatched pairs would look like"))
        label += f"; mismatched pairs lie {_middle(null)}"
    drawing = distribution(edges, counts.tolist(), null=expected, cut=at, title=title)
    return join(chart(drawing, label=label), legend(*entries))


def _edges(values: FloatArray, null: FloatArray | None) -> list[float]:
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if null is not None:
        ends = np.quantile(null, NULL_ENDS)
        low, high = min(low, float(ends[0])), max(high, float(ends[1]))
    low, high, _ = axis_limits(low, high, num_steps=10)
    return [float(edge) for edge in np.linspace(low, high, NUM_BINS + 1)]


def _middle(values: FloatArray) -> str:
    low, high = np.nanquantile(values, (0.05, 0.95))
    return f"between {number(float(low))} and {number(float(high))}"


def _quantiles(material: Material) -> Markup:
    similarities = material.rows.similarities
    columns = [Column("")] + [Column(f"{100 * q:g} %", is_number=True) for q in QUANTILES]
    columns = [
        *columns[:1],
        Column("least", is_number=True),
        *columns[1:],
        Column("most", is_number=True),
    ]
    fractions = [0.0, *QUANTILES, 1.0]
    what = "similarity" if material.is_cosine else f"similarity ({_measure(material)})"
    rows = [[what, *map(number, np.nanquantile(similarities, fractions).tolist())]]
    if not material.is_cosine:
        values = np.nanquantile(material.rows.cosines, fractions).tolist()
        rows.append(["cosine", *map(number, values)])
    if material.scales is not None:
        values = np.quantile(material.scales.null.similarities, fractions).tolist()
        rows.append(["mismatched pairs", *map(number, values)])
    return table("Quantiles: so many of the pairs have at most this value", columns, rows)


def _measure(material: Material) -> str:
    return "cosine" if material.run.info["is_distance"] else material.measure


def _beside_null(scales: Scales, num_scored: int) -> list[str]:
    clear = int((scales.p_values <= UNLIKELY).sum())
    found = [
        f"{clear:,} of {counted(num_scored, 'pair')} ({percent(clear / num_scored)}) are more "
        f"alike than {100 - 100 * UNLIKELY:g} % of mismatched pairs of the same data.",
        f"About {percent(scales.share)} of the pairs look like mismatches (95 % interval "
        f"{percent(scales.share_low)} to {percent(scales.share_high)}).",
    ]
    if scales.null.floor > UNLIKELY:
        found[0] = (
            f"Only {counted(len(scales.null.similarities), 'mismatched pair')} can be made of this "
            "data: too few to say which pairs stand out from them."
        )
    return found if scales.is_share_known else found[:1]


def _no_null(material: Material) -> Markup:
    words = "there are too few pairs for it"
    if material.num_scored > 1:
        words = "the run keeps no embeddings (score with --embeddings all, or sample)"
        if next(material.run.embeddings(), None) is not None:
            words = "no two pairs that are unlike have embeddings"
    return element("p", f"No null to compare with: {words}.", class_="missing")


def _references(material: Material) -> Markup | None:
    found = public_references(material.run.provenance.model, measure=material.measure)
    if not found:
        return None
    columns = [
        Column("Published threshold"),
        Column("Similarity", is_number=True),
        Column("Kept here", is_number=True),
    ]
    similarities = material.rows.similarities
    rows = [
        [
            reference.name,
            number(reference.threshold),
            percent(float((similarities >= reference.threshold).sum()) / material.num_scored),
        ]
        for reference in found
    ]
    return table("Thresholds that others used with this model", columns, rows)

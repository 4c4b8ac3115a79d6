"""Sections to one HTML file that opens from disk and loads nothing."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from pairsift.report.cards import Section
from pairsift.report.markup import Markup, element, join

FINDINGS_ID = "findings"
MAX_FINDINGS = 10


def render_page(
    *, title: str, header: Markup, tiles: Markup, sections: Sequence[Section], footer: str
) -> str:
    """Return the page.

    Args:
        title: Of the window; plain text.
        header: The ``header`` element.
        tiles: The few numbers on top.
        sections: In order.
        footer: The last line.
    """
    style = files("pairsift.report").joinpath("page.css").read_text(encoding="utf-8")
    findings = [(section.id, words) for section in sections for words in section.findings]
    body = element(
        "div",
        header,
        _contents(sections, has_findings=bool(findings)),
        element(
            "main",
            tiles,
            _findings(findings[:MAX_FINDINGS]) if findings else None,
            [_section(section) for section in sections],
            id="main",
            tabindex=-1,
        ),
        element("footer", footer),
        class_="layout",
    )
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_policy(style)),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="referrer", content="no-referrer"),
        element("title", title),
        element("style", Markup(style)),
    )
    skip = element("a", "Skip to the content", href="#main", class_="skip")
    page = element("html", head, element("body", skip, body), lang="en")
    return f"<!DOCTYPE html>\n{page.text}\n"


def _policy(style: str) -> str:
    # Pictures stand in the page and its style is known by its hash; nothing else may run or load.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    allowed = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'"
    return f"{allowed}; base-uri 'none'; form-action 'none'"


def _contents(sections: Sequence[Section], *, has_findings: bool) -> Markup:
    entries = [(section.id, section.title) for section in sections]
    if has_findings:
        entries.insert(0, (FINDINGS_ID, "What stands out"))
    items = [element("li", element("a", title, href=f"#{id_}")) for id_, title in entries]
    return element(
        "nav",
        element("h2", "Contents", id="contents"),
        element("ol", items),
        aria_labelledby="contents",
    )


def _findings(findings: Sequence[tuple[str, str]]) -> Markup:
    items = [
        element("li", words, " ", element("a", "more", href=f"#{id_}", aria_label=f"more: {words}"))
        for id_, words in findings
    ]
    body = element("ul", items, class_="findings")
    return _section(Section(FINDINGS_ID, "What stands out", body))


def _section(section: Section) -> Markup:
    heading = f"{section.id}-heading"
    return element(
        "section",
        join(element("h2", section.title, id=heading), section.body),
        id=section.id,
        aria_labelledby=heading,
    )

"""A report read as a browser would, for tests that ask what is on the page."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"br", "hr", "img", "link", "meta"}


@dataclass
class Element:
    """One element with its attributes, its own text and its place among the others."""

    name: str
    attributes: dict[str, str | None]
    text: str = ""
    parents: tuple[str, ...] = ()


@dataclass
class Page:
    """Every element in document order, and what was not closed."""

    elements: list[Element] = field(default_factory=list)
    unclosed: list[str] = field(default_factory=list)

    def named(self, *names: str) -> list[Element]:
        return [element for element in self.elements if element.name in names]

    def attribute(self, name: str) -> list[str]:
        found = (element.attributes.get(name) for element in self.elements)
        return [value for value in found if value is not None]

    @property
    def text(self) -> str:
        return " ".join(e.text for e in self.elements if e.name not in ("style", "title"))


def read_page(html: str) -> Page:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    reader.page.unclosed = [element.name for element in reader.open]
    return reader.page


def references(page: Page) -> list[str]:
    """Return everything that a browser would load or go to."""
    names = ("src", "href", "srcset", "action", "data", "poster", "background", "xlink:href")
    found = [value for name in names for value in page.attribute(name)]
    for element in page.named("style"):
        found += re.findall(r"url\(|@import", element.text)
    return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs), parents=tuple(e.name for e in self.open))
        self.page.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append(Element(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1].name != tag:
            raise AssertionError(f"</{tag}> closes {self.open[-1].name if self.open else None}")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open:
            self.open[-1].text += data

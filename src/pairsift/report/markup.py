"""HTML in which nothing that came out of a table can become markup.

Text is escaped when it is put into an element; only what ``element`` made is taken as it is.
"""

import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

VOID = frozenset({"br", "hr", "img", "link", "meta"})

MAX_CAPTION_LETTERS = 200
"""Of a caption that is shown: four lines of a card. Nobody reads 10,000 words on one."""

# Controls move terminals and cursors, or are not allowed in HTML; half a surrogate pair is no
# letter at all. A line end and a tab are white space and stay.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Markup:
    """HTML that is safe to be written as it is.

    Args:
        text: The HTML.
    """

    text: str


Content: TypeAlias = Markup | str | int | Iterable["Content"] | None
Attribute: TypeAlias = str | int | float | bool | None


def escape(text: str) -> str:
    r"""Return text that no browser takes as markup, in an element or a quoted attribute.

    Example:
        >>> escape("<b>\x00 & 'x'")
        '&lt;b&gt;� &amp; &#x27;x&#x27;'
    """
    return html.escape(_UNPRINTABLE.sub("�", text), quote=True)


def element(name: str, /, *content: Content, **attributes: Attribute) -> Markup:
    """Return an element; its text content and its attributes are escaped.

    Args:
        name: Of the element; never out of a table.
        content: What stands inside, in order; None is nothing.
        attributes: A trailing underscore is dropped (``class_``), others become hyphens; None and
            False leave an attribute out, True writes it without a value.

    Example:
        >>> element("p", "a < b", class_="note", hidden=False).text
        '<p class="note">a &lt; b</p>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*content).text}</{name}>")


def join(*content: Content) -> Markup:
    """Return content behind each other; text is escaped.

    Example:
        >>> join("a", None, ["<", Markup("<br>")]).text
        'a&lt;<br>'
    """
    return Markup("".join(_parts(content)))


def caption_text(caption: str, *, most: int = MAX_CAPTION_LETTERS) -> Markup:
    """Return a caption for reading: isolated, so that its direction turns nothing else round.

    Args:
        caption: As it stands in the table.
        most: Letters that are shown; of a longer one its length is told.
    """
    shown, rest = shorten(caption, most=most)
    return join(
        element("bdi", shown, dir="auto"),
        element("span", f" … {rest}", class_="rest") if rest else None,
    )


def shorten(text: str, *, most: int) -> tuple[str, str]:
    """Return the beginning of a text and, where something is left out, its length in words.

    Example:
        >>> shorten("a boat on the sea", most=9)
        ('a boat on', '(17 letters in all)')
    """
    if len(text) <= most:
        return text, ""
    return text[:most], f"({len(text):,} letters in all)"


def _parts(content: Iterable[Content]) -> Iterable[str]:
    for part in content:
        if isinstance(part, Markup):
            yield part.text
        elif isinstance(part, str | int):
            yield escape(str(part))
        elif part is not None:
            yield from _parts(part)


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'

"""What a site says in X-Robots-Tag, and whether it forbids our use.

Source:
    Google Search Central, "Robots meta tag, data-nosnippet, and X-Robots-Tag specifications", for
    the syntax; img2dataset, ``--disallowed_header_directives``, for the words.
"""

from collections.abc import Iterable

AGENT = "pairsift"
FORBIDDING = frozenset({"noai", "noimageai", "noindex", "noimageindex", "none"})
"""``none`` is by definition noindex and nofollow."""

_WITH_VALUE = frozenset(
    {"unavailable_after", "max-snippet", "max-image-preview", "max-video-preview"}
)


def forbidding_directive(headers: Iterable[str]) -> str | None:
    """Return the first directive that forbids our use, or None.

    Args:
        headers: Values of X-Robots-Tag, one a header line. ``NAME: directive, …`` is for the agent
            of that name, from there to the end of the line or the next name.

    Example:
        >>> forbidding_directive(["nofollow, noai"])
        'noai'
        >>> forbidding_directive(["otherbot: noindex", "max-snippet: 20, archive"])
    """
    for header in headers:
        is_for_us = True
        for part in header.lower().split(","):
            name, colon, rest = part.partition(":")
            directive = part.strip()
            if colon and name.strip() not in _WITH_VALUE:
                is_for_us = name.strip() in (AGENT, "*")
                directive = rest.strip()
            if is_for_us and directive in FORBIDDING:
                return directive
    return None

"""What X-Robots-Tag may say."""

import pytest

from pairsift.sources.robots import forbidding_directive


@pytest.mark.parametrize(
    ("headers", "directive"),
    [
        ([], None),
        (["noai"], "noai"),
        (["NoImageAI"], "noimageai"),
        (["nofollow, noindex"], "noindex"),
        (["nofollow", "noimageindex"], "noimageindex"),
        (["none"], "none"),
        (["nofollow, noarchive"], None),
        (["otherbot: noai"], None),
        (["otherbot: noai, noindex"], None),
        (["otherbot: noai", "noai"], "noai"),
        (["PairSift: noai"], "noai"),
        (["*: noindex"], "noindex"),
        (["otherbot: nofollow, pairsift: noai"], "noai"),
        (["unavailable_after: 25 Jun 2010 15:00:00 PST"], None),
        (["max-snippet: 20, noindex"], "noindex"),
        (["noaix, xnoindex"], None),
        (["", ",,", ":"], None),
    ],
)
def test_directives(headers: list[str], directive: str | None) -> None:
    assert forbidding_directive(headers) == directive

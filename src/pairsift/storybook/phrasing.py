"""From claims to English words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pairsift.storybook.rng import Draws
from pairsift.storybook.vocabulary import (
    COLOUR_WORDS,
    NOUNS,
    NUMBER_WORDS,
    PLACE_PHRASES,
    PLACE_TAGS,
    RELATION_WORDS,
    SIDE_PHRASES,
    SIZE_WORDS,
)

MANY: Final = 0  # a claimed count of "some": more than one

_OPENINGS: Final = ("a picture of", "a drawing of", "an illustration of", "an image of")
_SHOWING: Final = ("The picture shows", "You can see", "Here we see", "The scene shows")
_TRAILERS: Final = (
    "storybook illustration", "flat colours", "simple drawing", "cute", "children's book style",
    "vector art", "clean lines", "high quality", "cartoon",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class GroupClaim:
    """What a caption says of one group.

    Attributes:
        kind: One of ``vocabulary.KINDS``, or of ``vocabulary.CATEGORIES`` ("an animal").
        colour: One of ``vocabulary.COLOURS``, or None when unsaid.
        count: 1 to 6, ``MANY`` for "some" or a bare plural, None when unsaid.
        size: ``small``, ``big``, or None when unsaid.
    """

    kind: str
    colour: str | None
    count: int | None
    size: str | None


@dataclass(frozen=True, slots=True)
class Claims:
    """What a caption says.

    Attributes:
        place: One of ``vocabulary.PLACES``, or None when unsaid.
        groups: The groups that it mentions, one or two, in its own order.
        relation: Where the first mentioned group is as seen from the second; one of
            ``vocabulary.RELATIONS``, or None when unsaid.
    """

    place: str | None
    groups: tuple[GroupClaim, ...]
    relation: str | None


def _usual(options: tuple[str, ...] | tuple[tuple[str, str], ...], draws: Draws) -> int:
    """Which synonym: the first, the usual one, in half of the captions at least."""
    pick = draws.below(2 * len(options))
    return pick if pick < len(options) else 0


def _determiner(count: int | None, next_word: str, draws: Draws, *, is_invariant: bool) -> str:
    """The words before the noun that say how many; the same draws for every count.

    A noun whose plural looks like its singular never stands bare for "some".
    """
    pick, digits = draws.below(100), draws.chance(20)
    if count is None:
        return ""
    if count == MANY:
        return "some" if pick < 65 or is_invariant else ""
    word = NUMBER_WORDS[count]
    if digits:
        word = str(count)
    elif count == 1:
        article = "an" if next_word[0] in "aeiou" else "a"
        word = ("one", "a single")[pick % 2] if pick < 15 else article
    elif pick < 15:
        word = {2: "a pair of", 6: "half a dozen"}.get(count, word)
    return word


def _noun_phrase(claim: GroupClaim, wording: int, which: int) -> str:
    """Count, size, colour and noun; each takes its synonym from draws of its own."""
    nouns = NOUNS[claim.kind]
    noun = nouns[_usual(nouns, Draws(wording, which, "noun"))]
    words = [noun[0] if claim.count in (None, 1) else noun[1]]
    if claim.colour is not None:
        colours = COLOUR_WORDS[claim.colour]
        words.insert(0, colours[_usual(colours, Draws(wording, which, "colour"))])
    if claim.size is not None:
        sizes = SIZE_WORDS[claim.size]
        words.insert(0, sizes[_usual(sizes, Draws(wording, which, "size"))])
    draws = Draws(wording, which, "count")
    is_invariant = noun[0] == noun[1]
    words.insert(0, _determiner(claim.count, words[0], draws, is_invariant=is_invariant))
    return " ".join(word for word in words if word)


def _place_phrase(place: str, wording: int) -> str:
    phrases = PLACE_PHRASES[place]
    return phrases[_usual(phrases, Draws(wording, 0, "place"))]


def _place_tag(place: str, wording: int) -> str:
    names = PLACE_TAGS[place]
    return names[_usual(names, Draws(wording, 0, "place"))]


def _things(claims: Claims, style: str, wording: int) -> str:
    """The groups and how they stand to each other."""
    phrases = [_noun_phrase(claim, wording, n) for n, claim in enumerate(claims.groups)]
    if len(phrases) == 1:
        return phrases[0]
    if claims.relation is None:
        return f"{phrases[0]} and {phrases[1]}"
    if style.endswith("sides") and claims.relation in SIDE_PHRASES:
        first, second = SIDE_PHRASES[claims.relation]
        return f"{phrases[0]} {first} and {phrases[1]} {second}"
    words = RELATION_WORDS[claims.relation]
    relation = words[_usual(words, Draws(wording, 0, "relation"))]
    return f"{phrases[0]} {relation} {phrases[1]}"


def _trailers(wording: int) -> list[str]:
    draws = Draws(wording, 0, "trailers")
    return draws.shuffled(_TRAILERS)[: draws.between(0, 2)]


def _tags(claims: Claims, wording: int) -> str:
    """A prompt whose attributes trail behind the nouns: "cat, red, three of them, meadow"."""
    tags: list[str] = []
    for which, claim in enumerate(claims.groups):
        if len(claims.groups) == 2:
            # With two nouns a trailing colour would belong to either.
            tags.append(_noun_phrase(claim, wording, which))
            continue
        bare = GroupClaim(claim.kind, None, claim.count, None)
        tags.append(_noun_phrase(bare, wording, which))
        if claim.colour is not None:
            colours = COLOUR_WORDS[claim.colour]
            tags.append(colours[_usual(colours, Draws(wording, which, "colour"))])
        if claim.size is not None:
            sizes = SIZE_WORDS[claim.size]
            tags.append(sizes[_usual(sizes, Draws(wording, which, "size"))])
    if claims.place is not None:
        tags.append(_place_tag(claims.place, wording))
    return ", ".join(tags + _trailers(wording))


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def put_into_words(claims: Claims, style: str, wording: int) -> str:
    """Write claims as a caption.

    Args:
        claims: What to say.
        style: ``alt``, ``alt picture``, ``there``, ``shows``, ``place first``, ``prompt`` or
            ``tags``; with ``, sides`` behind it two groups are told by the sides of the picture
            that they stand on.
        wording: Settles the choice of synonyms, each on its own: claims that differ in one fact
            differ in the words of that fact only.

    Returns:
        The caption.

    Example:
        >>> put_into_words(Claims(None, (GroupClaim("apple", "orange", 1, None),), None), "alt", 2)
        'an orange apple'
    """
    form = style.removesuffix(", sides")
    if form == "tags":
        return _tags(claims, wording)
    things = _things(claims, style, wording)
    if form == "prompt":
        names = [] if claims.place is None else [_place_tag(claims.place, wording)]
        return ", ".join([things, *names, *_trailers(wording)])
    place = "" if claims.place is None else _place_phrase(claims.place, wording)
    draws = Draws(wording, 0, "form")
    verb = "is" if claims.groups[0].count == 1 else "are"
    if form == "place first" and place:
        return _sentence(f"{place} there {verb} {things}")
    tail = f" {place}" if place else ""
    opening = {
        "there": f"there {verb} ",
        "shows": f"{draws.choose(_SHOWING)} ",
        "alt picture": f"{draws.choose(_OPENINGS)} ",
    }.get(form, "")
    text = f"{opening}{things}{tail}"
    return _sentence(text) if form in ("there", "shows") else text

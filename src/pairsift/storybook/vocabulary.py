"""What the storybook world holds, and the words that captions use for it."""

from __future__ import annotations

from typing import Final

Noun = tuple[str, str]  # singular, plural
Rgb = tuple[int, int, int]

# The kinds by category. A name here is an identifier; captions take their words from NOUNS.
CATEGORIES: Final[dict[str, tuple[str, str, str]]] = {
    "animals": ("cat", "fish", "duck"),
    "vehicles": ("car", "boat", "rocket"),
    "buildings": ("house", "castle", "windmill"),
    "plants": ("tree", "flower", "mushroom"),
    "food": ("apple", "ice cream", "cake"),
    "household": ("cup", "lamp", "umbrella"),
    "sky": ("star", "moon", "cloud"),
    "shapes": ("circle", "square", "triangle"),
}
KINDS: Final[tuple[str, ...]] = tuple(kind for kinds in CATEGORIES.values() for kind in kinds)
CATEGORY_OF: Final[dict[str, str]] = {
    kind: category for category, kinds in CATEGORIES.items() for kind in kinds
}

# The first noun of a kind is the usual one; the others are synonyms.
NOUNS: Final[dict[str, tuple[Noun, ...]]] = {
    "cat": (("cat", "cats"), ("kitty", "kitties"), ("kitten", "kittens")),
    "fish": (("fish", "fish"),),
    "duck": (("duck", "ducks"), ("duckling", "ducklings")),
    "car": (("car", "cars"), ("automobile", "automobiles"), ("motor car", "motor cars")),
    "boat": (("boat", "boats"), ("sailboat", "sailboats"), ("sailing boat", "sailing boats")),
    "rocket": (("rocket", "rockets"), ("spaceship", "spaceships")),
    "house": (("house", "houses"), ("cottage", "cottages"), ("home", "homes")),
    "castle": (("castle", "castles"), ("fortress", "fortresses")),
    "windmill": (("windmill", "windmills"), ("mill", "mills")),
    "tree": (("tree", "trees"), ("leafy tree", "leafy trees")),
    "flower": (("flower", "flowers"), ("blossom", "blossoms")),
    "mushroom": (("mushroom", "mushrooms"), ("toadstool", "toadstools")),
    "apple": (("apple", "apples"),),
    "ice cream": (("ice cream", "ice creams"), ("ice cream cone", "ice cream cones")),
    "cake": (("cake", "cakes"), ("birthday cake", "birthday cakes")),
    "cup": (("cup", "cups"), ("mug", "mugs"), ("teacup", "teacups")),
    "lamp": (("lamp", "lamps"), ("table lamp", "table lamps")),
    "umbrella": (("umbrella", "umbrellas"), ("parasol", "parasols")),
    "star": (("star", "stars"),),
    "moon": (("moon", "moons"), ("crescent moon", "crescent moons")),
    "cloud": (("cloud", "clouds"), ("fluffy cloud", "fluffy clouds")),
    "circle": (("circle", "circles"), ("disc", "discs")),
    "square": (("square", "squares"),),
    "triangle": (("triangle", "triangles"),),
    # Captions sometimes name the category only.
    "animals": (("animal", "animals"),),
    "vehicles": (("vehicle", "vehicles"),),
    "buildings": (("building", "buildings"),),
    "plants": (("plant", "plants"),),
    "food": (("treat", "treats"),),
    "household": (("household item", "household items"),),
    "sky": (("sky object", "sky objects"),),
    "shapes": (("shape", "shapes"),),
}

# The eleven basic colour terms (Berlin and Kay 1969), as picture-book paints that stay apart.
COLOURS: Final[dict[str, Rgb]] = {
    "red": (214, 28, 38),
    "orange": (250, 134, 18),
    "yellow": (252, 222, 48),
    "green": (48, 158, 58),
    "blue": (36, 92, 214),
    "purple": (124, 48, 172),
    "pink": (255, 150, 198),
    "brown": (122, 74, 38),
    "black": (36, 36, 42),
    "white": (250, 250, 248),
    "grey": (146, 150, 156),
}
COLOUR_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "red": ("red", "scarlet"),
    "orange": ("orange",),
    "yellow": ("yellow", "golden"),
    "green": ("green", "emerald"),
    "blue": ("blue", "azure"),
    "purple": ("purple", "violet"),
    "pink": ("pink", "rosy"),
    "brown": ("brown", "chestnut"),
    "black": ("black", "jet-black"),
    "white": ("white", "snow-white"),
    "grey": ("grey", "gray"),
}

# Each place: how a sentence says it, and how a tag says it.
PLACES: Final[tuple[str, ...]] = ("day", "night", "meadow", "desert", "sea", "snow", "paper")
PLACE_PHRASES: Final[dict[str, tuple[str, ...]]] = {
    "day": ("by day", "in the daytime", "on a sunny day", "in bright sunshine"),
    "night": ("at night", "in the dark", "under a night sky", "by night"),
    "meadow": ("in a meadow", "in the grass", "on a grassy field", "on a meadow"),
    "desert": ("in the desert", "in the sand", "among sand dunes", "on a sandy plain"),
    "sea": ("at sea", "on the sea", "on the water", "on the ocean"),
    "snow": ("in the snow", "on snowy ground", "in winter", "on a snowfield"),
    "paper": ("on paper", "on a sheet of paper", "on a blank page", "on ruled paper"),
}
PLACE_TAGS: Final[dict[str, tuple[str, ...]]] = {
    "day": ("day", "daytime", "sunny day"),
    "night": ("night", "night scene", "night sky"),
    "meadow": ("meadow", "grass", "grassy field"),
    "desert": ("desert", "sand", "sand dunes"),
    "sea": ("sea", "ocean", "water"),
    "snow": ("snow", "winter", "snowfield"),
    "paper": ("paper", "blank page", "sheet of paper"),
}
# Meadow, desert, sea and snow are painted under a light sky: "by day" is no lie about them.
TRUE_PLACES: Final[dict[str, tuple[str, ...]]] = {
    place: (place, "day") if place in ("meadow", "desert", "sea", "snow") else (place,)
    for place in PLACES
}

SIZES: Final[tuple[str, str]] = ("small", "big")
SIZE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "small": ("small", "little", "tiny"),
    "big": ("big", "large", "huge"),
}

# What a scene can be (the first group to the second), and what a caption can say.
DIRECTIONS: Final[tuple[str, ...]] = ("above", "below", "left of", "right of")
RELATIONS: Final[tuple[str, ...]] = (*DIRECTIONS, "next to")
OPPOSITE: Final[dict[str, str]] = {
    "above": "below",
    "below": "above",
    "left of": "right of",
    "right of": "left of",
    "next to": "next to",
}
RELATION_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "above": ("above", "over", "higher than"),
    "below": ("below", "under", "lower than"),
    "left of": ("to the left of", "left of", "on the left of"),
    "right of": ("to the right of", "right of", "on the right of"),
    "next to": ("next to", "beside", "by the side of"),
}
# Where the first and the second group stand, for captions that name the sides of the picture.
SIDE_PHRASES: Final[dict[str, tuple[str, str]]] = {
    "above": ("at the top", "at the bottom"),
    "below": ("at the bottom", "at the top"),
    "left of": ("on the left", "on the right"),
    "right of": ("on the right", "on the left"),
}
# A scene's direction makes these relation words true. Vertical and horizontal never mix: the
# drawing keeps the two groups in opposite halves of the picture with a gap between them.
TRUE_RELATIONS: Final[dict[str, tuple[str, ...]]] = {
    "above": ("above",),
    "below": ("below",),
    "left of": ("left of", "next to"),
    "right of": ("right of", "next to"),
}

NUMBER_WORDS: Final[tuple[str, ...]] = ("no", "one", "two", "three", "four", "five", "six")
MAX_COUNT: Final = 6
MAX_COUNT_OF_TWO: Final = 3  # things in a group when there are two groups

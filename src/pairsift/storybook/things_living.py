"""How animals, plants and food are built from polygons; a variant changes the build a little."""

from __future__ import annotations

from pairsift.storybook.outlines import Part, Polygon, arc, box, ellipse, stroke, turned

Parts = list[Part]


def _eye(x: int, y: int, radius: int) -> Parts:
    return [
        Part(ellipse((x, y), (radius, radius), step=30), "bright"),
        Part(ellipse((x, y), (radius * 6 // 10, radius * 7 // 10), step=30), "ink"),
    ]


def cat(variant: int) -> Parts:
    """A sitting cat that faces us, with ears, whiskers and a tail.

    Args:
        variant: 0 to 3: the tail's side, stripes, open or smiling eyes.
    """
    side = 1 if variant % 2 else -1
    tail: Polygon = (
        *arc((side * 250, 210), (190, 240), start=90, stop=90 - side * 130),
        *arc((side * 250, 210), (110, 160), start=90 - side * 130, stop=90),
    )
    parts = [
        Part(tail, "main", is_body=True),
        Part(ellipse((0, 230), (260, 245)), "main", is_body=True),
        Part(((-285, -150), (-270, -475), (-40, -340)), "main", is_body=True),
        Part(((285, -150), (270, -475), (40, -340)), "main", is_body=True),
        Part(ellipse((0, -140), (320, 250)), "main", is_body=True, is_lined=True),
        Part(((-240, -280), (-235, -410), (-120, -335)), "blush"),
        Part(((240, -280), (235, -410), (120, -335)), "blush"),
        Part(ellipse((0, 270), (140, 170)), "light"),
        Part(ellipse((-110, 445), (85, 40)), "light"),
        Part(ellipse((110, 445), (85, 40)), "light"),
        Part(ellipse((0, -60), (130, 90)), "light"),
    ]
    if variant >= 2:
        parts += [Part(box(x - 18, -375, x + 18, -270), "dark") for x in (-80, 0, 80)]
    parts += [*_eye(-130, -170, 62), *_eye(130, -170, 62)]
    parts.append(Part(((-45, -95), (45, -95), (0, -45)), "blush"))
    for y in (-70, -25):
        parts += [
            Part(stroke((-120, y), (-400, y * 2), 22), "line"),
            Part(stroke((120, y), (400, y * 2), 22), "line"),
        ]
    return parts


def fish(variant: int) -> Parts:
    """A fish from the side, with a tail, fins and a round eye.

    Args:
        variant: 0 to 3: stripes or scales, a tall or a forked tail.
    """
    fork = 60 if variant % 2 else 130
    parts = [
        Part(((170, 0), (470, -270), (470 - fork, 0), (470, 270)), "dark", is_body=True),
        Part(((-150, -180), (90, -370), (150, -150)), "dark", is_body=True),
        Part(((-60, 200), (60, 350), (120, 170)), "dark", is_body=True),
        Part(ellipse((-110, 0), (370, 255)), "main", is_body=True),
        Part(arc((-110, 20), (330, 215), start=20, stop=160), "light"),
    ]
    if variant < 2:
        parts += [
            Part(((0, -225), (70, -200), (70, 200), (0, 225)), "light"),
            Part(((130, -165), (180, -130), (180, 130), (130, 165)), "light"),
        ]
    else:
        parts += [
            Part(arc((x, y), (55, 75), start=-75, stop=75), "dark")
            for x, y in ((-40, -80), (-40, 80), (70, 0), (150, -70), (150, 70))
        ]
    parts += _eye(-300, -60, 75)
    parts.append(Part(((-450, 60), (-340, 75), (-360, 110)), "ink"))
    return parts


def duck(variant: int) -> Parts:
    """A duck from the side, with a bill and a folded wing.

    Args:
        variant: 0 to 3: which way the tail points, and whether it has a tuft.
    """
    lift = 60 if variant % 2 else 0
    parts = [
        Part(((250, 120), (480, -60 - lift), (420, 250)), "main", is_body=True),
        Part(ellipse((60, 210), (390, 250)), "main", is_body=True),
        Part(((-330, -60), (-40, -100), (60, 140), (-320, 180)), "main", is_body=True),
        Part(((-360, -290), (-500, -215), (-480, -160), (-330, -150)), "beak", is_body=True),
        Part(ellipse((-185, -230), (215, 205)), "main", is_body=True),
        Part(arc((60, 230), (350, 200), start=15, stop=165), "light"),
        Part(
            (*arc((120, 160), (240, 165), start=0, stop=180), (-130, 110), (380, 60)),
            "dark",
        ),
        Part(((-380, -270), (-490, -215), (-360, -205)), "beak"),
    ]
    if variant >= 2:
        parts.insert(0, Part(((-230, -400), (-120, -500), (-90, -390)), "main", is_body=True))
    return [*parts, *_eye(-250, -270, 62)]


def tree(variant: int) -> Parts:
    """A tree with a trunk and a full crown.

    Args:
        variant: 0 to 3: a round or a tall crown, and where the light falls.
    """
    trunk = Part(((-75, 120), (75, 120), (110, 490), (-110, 490)), "wood", is_body=True)
    grain = Part(box(-20, 250, 10, 470), "wood_dark")
    if variant % 2:
        crowns = [((0, -260), (220, 220)), ((-190, -20), (240, 220)), ((190, -20), (240, 220))]
    else:
        crowns = [((0, -220), (300, 265)), ((-210, -60), (240, 210)), ((210, -60), (240, 210))]
    parts = [trunk, grain]
    parts += [Part(ellipse(*crown), "main", is_body=True) for crown in crowns]
    shift = 40 if variant >= 2 else -40
    parts += [
        Part(arc((190, 0), (200, 140), start=0, stop=150), "dark"),
        Part(arc((-190, 20), (200, 130), start=30, stop=180), "dark"),
        Part(ellipse((-90 + shift, -300), (120, 85), tilt=-20), "light"),
        Part(ellipse((-230, -90), (90, 65), tilt=-20), "light"),
        Part(ellipse((150 + shift, -110), (80, 60), tilt=-20), "light"),
    ]
    return parts


def flower(variant: int) -> Parts:
    """A flower with a stem, two leaves and a crown of petals.

    Args:
        variant: 0 to 3: five, six, seven or eight petals.
    """
    num_petals = 5 + variant
    middle = (0, -170)
    reach = (190, 165, 160, 155)[variant]
    petal = ellipse((0, -170 - reach), (150 - 13 * variant, 165))
    parts = [
        Part(stroke((0, -20), (0, 495), 60), "leaf", is_body=True),
        Part(ellipse((-130, 330), (150, 62), tilt=30), "leaf", is_body=True),
        Part(ellipse((130, 260), (150, 62), tilt=-30), "leaf", is_body=True),
    ]
    petals = [turned(petal, 360 * turn // num_petals, middle) for turn in range(num_petals)]
    parts += [Part(points, "main", is_body=True) for points in petals]
    vein = ellipse((0, -190 - reach), (40, 85), step=30)
    parts += [
        Part(turned(vein, 360 * turn // num_petals, middle), "light") for turn in range(num_petals)
    ]
    return [*parts, Part(ellipse(middle, (115, 115)), "pollen")]


def mushroom(variant: int) -> Parts:
    """A mushroom with a spotted cap on a pale stem.

    Args:
        variant: 0 to 3: a flat or a high cap, few or many spots.
    """
    high = 440 if variant % 2 else 380
    cap = (*arc((0, 60), (480, high + 60), start=180, stop=360), (430, 130), (-430, 130))
    spots = [(-40, -230, 85), (-270, -60, 70), (230, -90, 78)]
    if variant >= 2:
        spots += [(10, 20, 52), (-130, -10, 0), (350, 60, 45), (-390, 70, 40)]
    return [
        Part(((-150, 80), (150, 80), (200, 470), (-200, 470)), "cream", is_body=True),
        Part(((40, 120), (140, 120), (190, 460), (70, 460)), "cream_dark"),
        Part(cap, "main", is_body=True),
        Part(((-430, 130), (430, 130), (360, 70), (-360, 70)), "dark"),
        *[Part(ellipse((x, y), (r, r * 8 // 10)), "light") for x, y, r in spots if r],
    ]


def apple(variant: int) -> Parts:
    """An apple with a stem, a leaf and a shine.

    Args:
        variant: 0 to 3: the leaf's side, a broad or a tall apple.
    """
    side = 1 if variant % 2 else -1
    tall = 30 if variant >= 2 else 0
    return [
        Part(stroke((0, -180), (side * -40, -480), 70), "wood", is_body=True),
        Part(ellipse((side * 170, -370), (170, 75), tilt=side * -20), "leaf", is_body=True),
        Part(ellipse((-150, 90), (290 - tall, 340)), "main", is_body=True),
        Part(ellipse((150, 90), (290 - tall, 340)), "main", is_body=True),
        Part(ellipse((0, 250), (260, 225)), "main", is_body=True),
        Part(arc((40, 130), (360, 320), start=-20, stop=110), "dark"),
        Part(ellipse((30, 90), (320, 290)), "main"),
        Part(ellipse((-220, -40), (75, 125), tilt=25), "light"),
        Part(arc((0, -215), (120, 70), start=0, stop=180), "dark"),
    ]


def ice_cream(variant: int) -> Parts:
    """Scoops of ice cream in a wafer cone.

    Args:
        variant: 0 to 3: one or two scoops, and sprinkles.
    """
    cone = Part(((-210, 20), (210, 20), (0, 495)), "wafer", is_body=True)
    lines = [
        Part(stroke((-140, 50), (60, 330), 24), "wafer_dark"),
        Part(stroke((140, 50), (-60, 330), 24), "wafer_dark"),
        Part(stroke((-10, 60), (110, 210), 24), "wafer_dark"),
        Part(stroke((10, 60), (-110, 210), 24), "wafer_dark"),
    ]
    scoops = [((0, -190), (300, 300))]
    if variant % 2:
        scoops = [((-130, -110), (215, 215)), ((130, -110), (215, 215)), ((0, -290), (210, 205))]
    parts = [cone, *lines]
    parts += [Part(ellipse(*scoop), "main", is_body=True) for scoop in scoops]
    parts += [Part(ellipse((x, 25), (95, 70)), "main", is_body=True) for x in (-190, -60, 70, 190)]
    parts.append(Part(ellipse((-90, -330), (85, 60), tilt=-35), "light"))
    if variant >= 2:
        for x, y, tilt in ((110, -330, 40), (160, -160, -30), (-30, -180, 70), (-170, -130, 10)):
            parts.append(Part(ellipse((x, y), (50, 20), tilt=tilt, step=45), "dark"))
    else:
        parts.append(Part(arc((20, -150), (240, 180), start=10, stop=100), "dark"))
    return parts


def cake(variant: int) -> Parts:
    """A cake on two floors with icing and candles.

    Args:
        variant: 0 to 3: one, two or three candles, dots on the lower floor.
    """
    candles = ((0,), (-110, 110), (-150, 0, 150), (0,))[variant]
    parts: Parts = []
    for x in candles:
        parts += [
            Part(box(x - 32, -370, x + 32, -180), "bright", is_body=True),
            Part(ellipse((x, -430), (40, 68), step=30), "flame", is_body=True),
        ]
    parts += [
        Part(box(-280, -210, 280, 120), "main", is_body=True),
        Part(box(-430, 70, 430, 400), "main", is_body=True),
        Part(box(-495, 390, 495, 470), "cream", is_body=True),
        Part(box(-430, 330, 430, 390), "dark"),
        Part(box(-280, 20, 280, 75), "dark"),
    ]
    for left, right, y in ((-280, 280, -210), (-430, 430, 75)):
        drops = (right - left) // 140
        wave: list[tuple[int, int]] = [(left, y)]
        for drop in range(drops):
            x = left + (2 * drop + 1) * (right - left) // (2 * drops)
            half = (right - left) // (2 * drops)
            wave += arc((x, y + 55), (half, 60), start=180, stop=0, step=45)
        parts.append(Part((*wave, (right, y)), "light"))
    if variant % 2:
        parts += [Part(ellipse((x, 270), (38, 38), step=30), "light") for x in (-280, 0, 280)]
    return parts

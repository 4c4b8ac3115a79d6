"""How vehicles, buildings and household things are built from polygons."""

from __future__ import annotations

from pairsift.storybook.outlines import Part, arc, box, ellipse, ring, stroke, turned

Parts = list[Part]


def car(variant: int) -> Parts:
    """A car from the side, with windows, wheels and a head lamp.

    Args:
        variant: 0 to 3: a round or an angular roof, a stripe.
    """
    if variant % 2:
        roof = (*arc((10, -30), (300, 270), start=180, stop=360), (310, 0), (-290, 0))
    else:
        roof = ((-310, 0), (-200, -290), (180, -290), (320, 0))
    parts = [
        Part(roof, "main", is_body=True),
        Part(
            ((-490, 200), (-495, 30), (-430, -30), (430, -20), (495, 60), (490, 200)),
            "main",
            is_body=True,
        ),
        Part(ellipse((-270, 210), (135, 135)), "tyre", is_body=True),
        Part(ellipse((270, 210), (135, 135)), "tyre", is_body=True),
        Part(((-230, -20), (-160, -230), (-25, -230), (-25, -20)), "glass"),
        Part(((30, -20), (30, -230), (150, -230), (240, -20)), "glass"),
        Part(box(-485, 130, 485, 195), "dark"),
        Part(ellipse((455, 70), (42, 50), step=30), "pollen"),
        Part(box(-490, 50, -450, 110), "dark"),
        Part(ellipse((-270, 210), (125, 125)), "tyre"),
        Part(ellipse((270, 210), (125, 125)), "tyre"),
        Part(ellipse((-270, 210), (65, 65), step=30), "hub"),
        Part(ellipse((270, 210), (65, 65), step=30), "hub"),
    ]
    if variant >= 2:
        parts.insert(6, Part(box(-440, 10, 420, 60), "light"))
    return parts


def boat(variant: int) -> Parts:
    """A sailing boat with two sails and a pennant.

    Args:
        variant: 0 to 3: striped or plain sails, portholes.
    """
    parts = [
        Part(box(-28, -490, 28, 220), "wood", is_body=True),
        Part(((50, -430), (430, 130), (50, 130)), "light", is_body=True),
        Part(((-50, -330), (-50, 130), (-330, 130)), "light", is_body=True),
        Part(((-490, 180), (490, 180), (330, 470), (-330, 470)), "main", is_body=True),
        Part(((-455, 240), (455, 240), (420, 305), (-420, 305)), "dark"),
    ]
    if variant % 2:
        parts += [
            Part(((50, -60), (300, -60), (350, 15), (50, 15)), "main"),
            Part(((-50, -60), (-50, 15), (-265, 15), (-220, -60)), "main"),
        ]
    else:
        parts += [
            Part(((50, -430), (200, -210), (50, -210)), "main"),
            Part(((-50, -330), (-50, -170), (-145, -170)), "main"),
        ]
    if variant >= 2:
        parts += [Part(ellipse((x, 385), (42, 42), step=30), "glass") for x in (-180, 0, 180)]
    return parts


def rocket(variant: int) -> Parts:
    """A rocket with fins, a porthole and a flame.

    Args:
        variant: 0 to 3: a long or a short flame, one or two portholes.
    """
    tip = 495 if variant % 2 else 440
    flame = ((-130, 270), (130, 270), (90, 370), (0, tip), (-90, 370))
    hull = (
        (0, -495), (110, -370), (185, -190), (205, 20), (150, 290),
        (-150, 290), (-205, 20), (-185, -190), (-110, -370),
    )  # fmt: skip
    parts = [
        Part(flame, "flame", is_body=True),
        Part(((-60, 280), (60, 280), (0, 400)), "pollen"),
        Part(((-160, 20), (-390, 210), (-390, 390), (-130, 270)), "dark", is_body=True),
        Part(((160, 20), (390, 210), (390, 390), (130, 270)), "dark", is_body=True),
        Part(hull, "main", is_body=True),
        Part(((0, -495), (110, -370), (150, -280), (-150, -280), (-110, -370)), "dark"),
        Part(((-150, -190), (-90, -190), (-110, 250), (-150, 200), (-170, 20)), "light"),
        Part(ellipse((10, -90), (105, 105)), "bright"),
        Part(ellipse((10, -90), (75, 75)), "glass"),
    ]
    if variant >= 2:
        parts += [Part(ellipse((10, 110), (55, 55), step=30), "glass")]
    else:
        parts += [Part(box(-150, 195, 150, 245), "dark")]
    return parts


def house(variant: int) -> Parts:
    """A house with a gable roof, a door, windows and a chimney.

    Args:
        variant: 0 to 3: the chimney's and the door's side, one or two windows.
    """
    side = 1 if variant % 2 else -1
    parts = [
        Part(box(side * 230 - 60, -430, side * 230 + 60, -120), "dark", is_body=True),
        Part(box(-370, -80, 370, 460), "main", is_body=True),
        Part(((0, -470), (495, -30), (430, 40), (-430, 40), (-495, -30)), "dark", is_body=True),
        Part(((0, -380), (60, -325), (-340, 40), (-430, 40)), "shade"),
        Part(box(-370, 40, 370, 90), "shade"),
    ]
    door = side * -150 if variant < 2 else 0
    parts += [
        Part(box(door - 90, 190, door + 90, 455), "wood"),
        Part(ellipse((door + 50, 330), (18, 18), step=45), "pollen"),
    ]
    for x in (side * 170,) if variant < 2 else (-240, 240):
        wide = 110 if variant < 2 else 80
        parts += [
            Part(box(x - wide, 150, x + wide, 340), "bright"),
            Part(box(x - wide + 25, 175, x + wide - 25, 315), "window"),
            Part(box(x - 12, 160, x + 12, 330), "bright"),
        ]
    parts.append(Part(ellipse((0, -140), (75, 75)), "window"))
    return parts


def castle(variant: int) -> Parts:
    """A castle with two towers, battlements and a gate.

    Args:
        variant: 0 to 3: pointed roofs or battlements on the towers, stones.
    """
    parts: Parts = []
    for side in (-1, 1):
        x = side * 345
        if variant % 2:
            parts.append(Part(((x - 185, -180), (x, -490), (x + 185, -180)), "dark", is_body=True))
        else:
            parts += [
                Part(box(x + shift - 45, -400, x + shift + 45, -250), "main", is_body=True)
                for shift in (-100, 0, 100)
                if shift
            ]
            parts.append(Part(box(x - 165, -300, x + 165, -200), "main", is_body=True))
        parts.append(Part(box(x - 140, -210, x + 140, 460), "main", is_body=True))
    parts += [Part(box(x - 50, -120, x + 50, 40), "main", is_body=True) for x in (-130, 0, 130)]
    parts += [
        Part(box(-230, 0, 230, 460), "main", is_body=True),
        Part(box(-205, 0, -185, 455), "dark"),
        Part(box(185, 0, 205, 455), "dark"),
        Part((*arc((0, 240), (115, 130), start=180, stop=360), (115, 455), (-115, 455)), "wood"),
        Part(box(-12, 130, 12, 455), "wood_dark"),
    ]
    for x in (-345, 345):
        window = (*arc((x, -60), (50, 60), start=180, stop=360, step=30), (x + 50, 60))
        parts.append(Part((*window, (x - 50, 60)), "window"))
    stones = [(-390, 200), (-300, 330), (310, 180), (400, 300), (-130, 60), (60, 60)]
    if variant >= 2:
        parts += [Part(box(x - 45, y - 22, x + 45, y + 22), "light") for x, y in stones]
    return parts


def windmill(variant: int) -> Parts:
    """A windmill: a narrowing tower with four big sails.

    Args:
        variant: 0 to 3: how far the sails have turned.
    """
    hub = (0, -110)
    parts = [
        Part(((-150, -110), (150, -110), (250, 490), (-250, 490)), "main", is_body=True),
        Part(arc((0, -100), (185, 185), start=180, stop=360), "dark", is_body=True),
        Part(((80, -100), (150, -100), (245, 485), (150, 485)), "dark"),
        Part((*arc((0, 350), (75, 90), start=180, stop=360), (75, 485), (-75, 485)), "wood"),
        Part(box(-50, 130, 50, 225), "window"),
    ]
    angles = [turn + (15, 30, 45, 60)[variant] for turn in (0, 90, 180, 270)]
    arm = stroke(hub, (0, -480), 46)
    sail = box(-20, -480, 150, -190)
    for angle in angles:
        parts += [
            Part(turned(arm, angle, hub), "wood", is_body=True, is_lined=True),
            Part(turned(sail, angle, hub), "light", is_body=True, is_lined=True),
            Part(turned(box(-20, -390, 150, -340), angle, hub), "main"),
            Part(turned(box(-20, -290, 150, -240), angle, hub), "main"),
        ]
    return [*parts, Part(ellipse(hub, (62, 62), step=30), "wood_dark")]


def cup(variant: int) -> Parts:
    """A cup with a handle, sometimes striped, sometimes dotted.

    Args:
        variant: 0 to 3: the pattern and the shape of the side.
    """
    foot = 220 if variant % 2 else 290
    body = ((-360, -330), (240, -330), (foot - 60, 400), (-foot - 60, 400))
    parts = [
        Part(ring((230, 10), 185, 95, start=-80, stop=85), "main", is_body=True),
        Part(body, "main", is_body=True),
        Part(ellipse((-60, -330), (300, 85)), "main", is_body=True),
        Part(ellipse((-60, 390), (foot, 60)), "main", is_body=True),
        Part(ellipse((-60, -330), (250, 58)), "dark"),
        Part(ellipse((-60, -318), (215, 40)), "coffee"),
        Part(((-300, -210), (-230, -200), (-210, 330), (-260, 320)), "light"),
    ]
    if variant >= 2:
        parts += [Part(ellipse((x, 60), (50, 50), step=30), "light") for x in (-110, 30, 150)]
    else:
        parts.append(Part(((-335, -30), (225, -30), (215, 80), (-325, 80)), "light"))
    return parts


def lamp(variant: int) -> Parts:
    """A table lamp: a shade on a stand, with light below it.

    Args:
        variant: 0 to 3: a wide or a narrow shade, a band or stripes on it.
    """
    top = 150 if variant % 2 else 210
    shade = ((-top, -490), (top, -490), (380, 40), (-380, 40))
    parts = [
        Part(((-200, 20), (200, 20), (120, 150), (-120, 150)), "glow", is_body=True),
        Part(box(-42, 20, 42, 420), "dark", is_body=True),
        Part(ellipse((0, 270), (115, 100)), "main", is_body=True),
        Part((*arc((0, 480), (270, 120), start=180, stop=360), (270, 490)), "main", is_body=True),
        Part(shade, "main", is_body=True),
        Part(((-370, -10), (370, -10), (380, 40), (-380, 40)), "dark"),
        Part(((-top, -490), (top, -490), (top + 15, -440), (-top - 15, -440)), "dark"),
    ]
    if variant >= 2:
        parts += [
            Part(((x * 2 // 5 - 30, -430), (x * 2 // 5 + 30, -430), (x + 45, -15), (x - 45, -15)),
                 "light")
            for x in (-230, 0, 230)
        ]  # fmt: skip
    else:
        parts.append(Part(((-130, -420), (-50, -420), (-130, -30), (-260, -30)), "light"))
    return parts


def umbrella(variant: int) -> Parts:
    """An open umbrella with a crooked handle.

    Args:
        variant: 0 to 3: the crook's side, plain or two-toned panels.
    """
    side = 1 if variant % 2 else -1
    canopy: list[tuple[int, int]] = list(arc((0, 60), (490, 480), start=180, stop=360))
    for x in (368, 123, -122, -367):
        canopy += arc((x, 60), (122, 70), start=0, stop=-180, step=30)[1:-1]
    hook = ring((side * 75, 390), 75, 56, start=0, stop=180)
    parts = [
        Part(stroke((0, 0), (0, 400), 56), "wood", is_body=True),
        Part(hook, "wood", is_body=True),
        Part(box(-25, -490, 25, -380), "wood", is_body=True),
        Part(tuple(canopy), "main", is_body=True),
    ]
    paint = "light" if variant >= 2 else "dark"
    inner = (
        *arc((0, 60), (245, 480), start=180, stop=360),
        *arc((123, 60), (122, 70), start=0, stop=-180, step=30),
        *arc((-122, 60), (122, 70), start=0, stop=-180, step=30),
    )
    parts += [
        Part(inner, paint),
        Part((*arc((0, 60), (60, 480), start=180, stop=360), (0, 20)), "main"),
    ]
    return parts

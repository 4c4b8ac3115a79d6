"""Carrying out a plan: what one row of a set holds, faults and truth included."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache

from PIL import Image

from pairsift.storybook.breakage import break_caption, break_image
from pairsift.storybook.captions import Caption, make_caption, wrong_caption
from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.encoding import encode_image, near_copy
from pairsift.storybook.faults import Fault, FaultPlan
from pairsift.storybook.scenes import Scene, category_of, make_scene


@dataclass(frozen=True, slots=True)
class Truth:
    """One line of ``truth.csv``.

    Attributes:
        row: The row, from 0.
        fault: What was planted, or an empty string.
        detail: Which sort of it.
        partner: The row that the caption or the picture was taken from.
        original_caption: The caption of this row when nothing is planted.
        right_caption: A caption that is true of the picture as it stands; empty where there is
            no such picture.
        scene: What the picture shows, as JSON.
    """

    row: int
    fault: str
    detail: str
    partner: int | None
    original_caption: str
    right_caption: str
    scene: str


@dataclass(frozen=True, slots=True)
class PlantedRow:
    """One row of a set, ready to be written.

    Attributes:
        image: The cell that names the picture.
        caption: The caption cell's bytes.
        category: The category of the scene.
        file_name: The file to write below the set's folder, or None.
        file_bytes: What goes into it; None makes a directory of that name.
        num_cells: How many cells the row has in a CSV: three in a sound row.
        truth: What is true of the row.
    """

    image: str
    caption: bytes
    category: str
    file_name: str | None
    file_bytes: bytes | None
    num_cells: int
    truth: Truth


def image_name(row: int, suffix: str) -> str:
    """Name the picture file of a row.

    Args:
        row: The row, from 0.
        suffix: With its dot.

    Returns:
        A path below the set's folder, with a thousand pictures in each folder.

    Example:
        >>> image_name(12345, ".jpg")
        'images/012/012345.jpg'
    """
    return f"images/{row // 1000:03d}/{row:06d}{suffix}"


@lru_cache(maxsize=4096)
def _pair(seed: int, index: int) -> tuple[Scene, Caption]:
    scene = make_scene(seed, index)
    return scene, make_caption(scene, seed, index)


def _partner_of(fault: Fault) -> int:
    if fault.partner is None:
        raise ValueError(f"a fault of the sort `{fault.name}` needs a partner row")
    return fault.partner


def _other_caption(seed: int, index: int, *, detail: str, unlike: str) -> str:
    """A caption of the same scene in other words."""
    scene, _ = _pair(seed, index)
    text = unlike
    for variant in range(1, 100):
        text = make_caption(scene, seed, index, variant=variant, detail=detail).text
        if text != unlike:
            break
    return text


def planted_caption(plan: FaultPlan, row: int) -> str:
    """Write the caption of a row, faults included, without drawing its picture.

    Args:
        plan: The set's faults.
        row: Which row.

    Returns:
        The caption, before a fault breaks its bytes.
    """
    seed = plan.seed
    fault = plan.faults.get(row, Fault(""))
    scene, caption = _pair(seed, plan.pair_index(row))
    text = caption.text
    match fault.name:
        case "swap" | "shift" | "copy":
            text = _pair(seed, _partner_of(fault))[1].text
        case "word":
            wrong = wrong_caption(caption, scene, fault.detail, seed, row)
            text = text if wrong is None else wrong.text
        case "boilerplate":
            text = fault.detail
        case "near-copy" | "recaption":
            partner = _partner_of(fault)
            detail = fault.detail if fault.name == "recaption" else "usual"
            own = _pair(seed, partner)[1].text
            text = _other_caption(seed, partner, detail=detail, unlike=own)
        case "vague":
            text = _other_caption(seed, row, detail="vague", unlike=text)
    return text


def _planted_image(image: Image.Image, fault: Fault, image_format: str) -> tuple[str, bytes | None]:
    """Suffix and bytes of the picture file."""
    if fault.name == "broken-image":
        return break_image(image, fault.detail)
    if fault.name == "near-copy":
        image = near_copy(image, fault.detail)
    return f".{image_format}", encode_image(image, image_format)


def plant(plan: FaultPlan, row: int, *, side: int = 128, image_format: str = "jpg") -> PlantedRow:
    """Make one row of a set.

    Args:
        plan: The set's faults.
        row: Which row.
        side: Width and height of the pictures in pixels.
        image_format: ``jpg`` or ``png``.

    Returns:
        The row; it needs no other row to be made before.
    """
    seed = plan.seed
    fault = plan.faults.get(row, Fault(""))
    takes_picture = fault.name in ("copy", "near-copy", "recaption")
    shown = _partner_of(fault) if takes_picture else plan.pair_index(row)
    scene, right = _pair(seed, shown)
    caption = planted_caption(plan, row)
    truth = Truth(
        row=row,
        fault=fault.name,
        detail=fault.detail,
        partner=fault.partner,
        original_caption=_pair(seed, row)[1].text,
        right_caption="" if fault.name == "broken-image" else right.text,
        scene=json.dumps(asdict(scene), separators=(",", ":")),
    )
    cell = image_name(shown, f".{image_format}")
    file_name, file_bytes = None, None
    if fault.name != "recaption":
        image = draw_scene(scene, side=side)
        suffix, file_bytes = _planted_image(image, fault, image_format)
        cell = image_name(row, suffix)
        file_name = None if fault.detail in ("missing", "outside") else cell
        if fault.detail == "outside":
            cell = f"../{row:06d}.jpg"
    is_broken_text = fault.name == "broken-caption"
    return PlantedRow(
        image=cell,
        caption=break_caption(caption, fault.detail) if is_broken_text else caption.encode(),
        category=category_of(scene),
        file_name=file_name,
        file_bytes=file_bytes,
        num_cells={"too many cells": 4, "too few cells": 2}.get(fault.detail, 3),
        truth=truth,
    )

import numpy as np

from pairsift.storybook.drawing import draw_scene
from pairsift.storybook.rng import Draws
from pairsift.storybook.scenes import Group, Scene
from pairsift.storybook.vocabulary import KINDS
from training.pictures import (
    compress,
    group_middles,
    patch_labels,
    patches_that_show,
    prepare_picture,
)
from training.shapes import GRID, IMAGE_SIZE

SCENE = Scene("day", (Group("cat", "red", 1, "big"), Group("cup", "blue", 1, "big")), "left of", 7)


def test_patches_say_what_stands_where() -> None:
    kinds = patch_labels(SCENE)[:, 0].reshape(GRID, GRID)
    assert set(kinds[:, : GRID // 2].ravel()) == {KINDS.index("cat"), len(KINDS)}
    assert set(kinds[:, GRID // 2 :].ravel()) == {KINDS.index("cup"), len(KINDS)}


def test_a_labelled_patch_shows_something() -> None:
    labelled = patch_labels(SCENE)[:, 0] < len(KINDS)
    assert patches_that_show(SCENE)[labelled].all()
    assert not patches_that_show(SCENE).all()


def test_pictures_are_prepared_as_for_inference() -> None:
    picture = draw_scene(SCENE)
    plain = prepare_picture(picture)
    assert plain.shape == (IMAGE_SIZE, IMAGE_SIZE, 3)
    again = prepare_picture(compress(picture, Draws(0, 1, "file")))
    assert np.abs(plain.astype(int) - again).mean() < 6


def test_middles_tell_the_relation() -> None:
    cat, cup = group_middles(SCENE)
    assert cat[0] < 0 < cup[0]
    alone = Scene("day", SCENE.groups[:1], None, 7)
    assert group_middles(alone)[1].tolist() == [0, 0]

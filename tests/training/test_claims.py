import numpy as np

from pairsift.storybook.captions import DETAILS, is_true, make_caption
from pairsift.storybook.scenes import make_scene
from training.claims import encode_claims, truth_matrix
from training.truth import encode_scenes


def test_the_matrix_says_what_is_true_says() -> None:
    scenes = [make_scene(5, index) for index in range(120)]
    captions = [
        make_caption(scene, 5, index, detail=DETAILS[index % 3])
        for index, scene in enumerate(scenes)
    ]
    got = truth_matrix(
        encode_claims([caption.claims for caption in captions]), encode_scenes(scenes)
    )
    wanted = np.array(
        [[is_true(caption.claims, scene) for scene in scenes] for caption in captions]
    )
    assert wanted.sum() > len(scenes)  # vague captions are true of other scenes too
    np.testing.assert_array_equal(got, wanted)

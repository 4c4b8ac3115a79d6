from training.shapes import GRID, IMAGE_SIZE, PATCH_SIZE, SHAPES


def test_a_swapped_mean_and_deviation_would_be_noticed() -> None:
    for name, shape in SHAPES.items():
        assert shape.name == name
        assert shape.mean != shape.std
    assert GRID * PATCH_SIZE == IMAGE_SIZE

import numpy as np
import pytest
from PIL import Image

from keras_gans.pictures import image_grid, save_png
from tests.systems import images


def test_grid_lays_images_out_row_by_row():
    batch = np.stack([np.full((4, 4, 1), v) for v in (-1.0, 0.0, 1.0)]).astype(
        "float32"
    )
    grid = image_grid(batch, columns=2, scale=1)
    assert grid.shape == (14, 14, 1) and grid.dtype == np.uint8
    assert (grid[2:6, 2:6] == 0).all() and (grid[2:6, 8:12] == 128).all()
    assert (grid[8:12, 2:6] == 255).all() and (grid[8:12, 8:12] == 128).all()


def test_grid_magnifies_small_images():
    assert image_grid(images(1, side=8), columns=1).shape == (68, 68, 1)


def test_grid_refuses_what_is_no_image():
    with pytest.raises(ValueError, match="num, height, width"):
        image_grid(np.zeros((3, 5)), columns=2)


@pytest.mark.parametrize("channels", [1, 3])
def test_files_hold_the_pixels(tmp_path, channels):
    (image,) = images(1, side=5, channels=channels)
    save_png(tmp_path / "image.png", image)
    with Image.open(tmp_path / "image.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture).reshape(5, 5, -1), image)
    assert [path.name for path in tmp_path.iterdir()] == ["image.png"]

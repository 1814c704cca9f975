import numpy as np

from keras_gans.pictures import anomaly_rows, heat_colors


def test_colours_run_from_black_to_white():
    values = np.array([-1.0, 0.0, 1 / 6, 1 / 3, 2 / 3, 1.0, 2.0]).reshape(-1, 1, 1, 1)
    found = heat_colors(values)[:, 0, 0]
    expected = [
        (0, 0, 0),
        (0, 0, 0),
        (128, 0, 0),
        (255, 0, 0),
        (255, 255, 0),
        (255, 255, 255),
        (255, 255, 255),
    ]
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(heat_colors(2 * values, full=2.0)[:, 0, 0], expected)


class Detector:
    """Reconstructs everything as grey."""

    def examine(self, images, seed, **options):
        grey = np.zeros(images.shape, "float32")
        return {"reconstruction": grey, "heatmap": grey[..., :1] + 1.0}


def test_rows_show_image_reconstruction_and_heatmap():
    images = np.full((2, 4, 4, 1), 255, "uint8")
    columns, found = anomaly_rows(Detector(), images)
    assert columns == 3 and found.shape == (6, 4, 4, 3) and found.dtype == np.uint8
    for row in (found[:3], found[3:]):
        assert [image.max() for image in row] == [255, 128, 255]
        assert row[1].min() == 128
    colours = np.zeros((1, 4, 4, 3), "float32") - 1.0
    assert anomaly_rows(Detector(), colours)[1][0].max() == 0

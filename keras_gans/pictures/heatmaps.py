"""Where images are anomalous, as pictures."""

import numpy as np

from keras_gans.data.pixels import to_uint8

# Of a heatmap, half of the way from black to white: brighter than that is unusual.
FULL = 1.0


def heat_colors(heatmaps, full=FULL):
    """Heatmaps from black over red and yellow to white, all on one scale.

    Args:
        heatmaps: `(num_images, height, width, 1)`, as `gan.heatmap` returns them.
        full: The value that is shown white, like all above it.

    Returns:
        uint8 array `(num_images, height, width, 3)`.
    """
    # Three thirds of the scale, one for each colour.
    parts = 3.0 * np.asarray(heatmaps) / full - np.arange(3.0)
    return np.round(255.0 * np.clip(parts, 0.0, 1.0)).astype("uint8")


def anomaly_rows(gan, images, seed=0, **options):
    """Images, what the system makes of them, and where that differs, side by side.

    Args:
        gan: An `AnomalyDetector`.
        images: uint8 images, or floats in [-1, 1].
        seed: As for `gan.examine`.
        **options: As for `gan.examine`.

    Returns:
        `(columns, images)`: the number of images in a row, and all of them, uint8 and
        of three channels, row by row.
    """
    found = gan.examine(images, seed, **options)
    images = np.asarray(images)
    seen = images if images.dtype == np.uint8 else to_uint8(images)
    shown = [_rgb(seen), _rgb(to_uint8(found["reconstruction"]))]
    shown.append(heat_colors(found["heatmap"]))
    rows = np.stack(shown, axis=1)
    return len(shown), rows.reshape(-1, *rows.shape[2:])


def _rgb(images):
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images

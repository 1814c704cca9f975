"""Black and white out of grey, for likelihoods of binary pixels."""

import numpy as np

# Images binarised at a time: the numbers drawn take four times their bytes.
_CHUNK = 4096


def binarize(images, seed=0):
    """Draws each pixel white with its grey level as the probability.

    The draw of image i depends on the seed, the shape of an image and i alone.

    Args:
        images: uint8, or floats in [-1, 1], `(num_images, ...)`.
        seed: Integer >= 0.

    Returns:
        uint8 array of the same shape, of 0 and 255.

    Reference: Salakhutdinov and Murray 2008; drawn once it is the protocol "static",
    drawn anew each time "dynamic". The public `binarized_mnist` is another static draw.
    """
    random = np.random.default_rng(seed)
    images = np.asarray(images)
    made = np.empty(images.shape, "uint8")
    for start in range(0, len(images), _CHUNK):
        part = images[start : start + _CHUNK]
        if part.dtype == np.uint8:
            white = part.astype("float32") / 255.0
        else:
            white = (part.astype("float32") + 1.0) / 2.0
        drawn = random.random(part.shape, "float32") < white
        made[start : start + _CHUNK] = np.where(drawn, 255, 0)
    return made

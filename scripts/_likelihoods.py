"""What is drawn of systems that say how likely images are, for their cards."""

import numpy as np
from _pictures import save

import keras_gans as kg

# Images beside each other, in two rows of real ones.
COLUMNS = 10


def draw(gan, data, folder):
    """Real images of the part test, below each row what the model makes of them.

    A decoder makes them again; what draws pixel after pixel is shown their upper half.

    Args:
        gan: A `LikelihoodModel`.
        data: A recipe's full table `data`.
        folder: `pathlib.Path`.
    """
    size = gan.image_shape[:2]
    images, _ = kg.data.load(data["name"], split="test", image_size=size)
    seen = gan.as_modelled(images[: 2 * COLUMNS])
    if hasattr(gan, "reconstruct"):
        made = gan.reconstruct(seen)
    else:
        made = gan.complete(seen, rows=size[0] // 2, seed=7)
    pairs = np.stack([kg.data.to_unit(seen), made])
    rows = pairs.reshape(2, 2, COLUMNS, *gan.image_shape).swapaxes(0, 1)
    save(folder / "real.png", rows.reshape(-1, *gan.image_shape), COLUMNS)

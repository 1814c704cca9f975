"""What is said to be in pictures of noise: one of ten layouts, by the picture's label.

No framework is imported: the workers of all of them read it.
"""

import numpy as np

LAYOUTS, OBJECTS = 10, 4


def objects_of(labels, image_shape):
    """Dict of `boxes` `(num_images, 4, 4)`, yxyx in pixels, and their `labels`."""
    random = np.random.default_rng(0)
    sides = random.uniform(0.08, 0.3, (LAYOUTS, OBJECTS, 2))
    low = random.uniform(0, 1 - sides)
    scale = np.tile(image_shape[:2], 2)
    boxes = (np.concatenate([low, low + sides], -1) * scale).astype("float32")
    classes = random.integers(0, LAYOUTS, (LAYOUTS, OBJECTS))
    return {"boxes": boxes[labels], "labels": classes[labels]}

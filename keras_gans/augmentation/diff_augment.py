"""DiffAugment: the same three differentiable augmentations, at a fixed strength.

Zhao et al. 2020, arXiv 2006.10738 (github.com/mit-han-lab/data-efficient-gans).
"""

import keras
from keras import ops

from keras_gans.augmentation.warping import gather_pixels


@keras.saving.register_keras_serializable("keras_gans")
class DiffAugment(keras.layers.Layer):
    """Random colours, shifts and holes, for GANs with few images.

    `color` changes brightness by U(-0.5, 0.5), then saturation by a factor U(0, 2),
    then contrast by U(0.5, 1.5); `translation` shifts by up to an eighth of each side,
    with zeros from outside; `cutout` sets a square of half the side to zero, some of
    which may lie outside. Every image draws for itself.

    Draws, in the order of the policy, each `seeds.uniform((batch, 1, 1, 1), low,
    high)`: brightness, saturation, contrast; shift along height, along width; place of
    the hole along height, along width. Integers in [low, high) are those draws, rounded
    down.

    Args:
        policy: Names of augmentations, joined by commas, in the order they are done;
            `""` for none. With few images `"color,translation,cutout"`; on the whole of
            CIFAR-10 `"color,cutout"` for StyleGAN2, `"translation,cutout"` for BigGAN.
        **kwargs: For `keras.layers.Layer`.

    Raises:
        ValueError: for an unknown name.

    Example:

    >>> augment = DiffAugment("color,translation")
    >>> augment(images, seeds=gan.seeds)  # doctest: +SKIP

    Reference: arXiv 2006.10738, section 3.2 and appendix.
    """

    def __init__(self, policy="color,translation,cutout", **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        # Without weights there is nothing to build; the JAX trainer would try.
        self.built = True
        self.policy = policy
        names = policy.replace(" ", "").split(",") if policy.strip() else []
        if unknown := [name for name in names if name not in _AUGMENTATIONS]:
            raise ValueError(
                f"A policy is made of {', '.join(_AUGMENTATIONS)}, joined by commas. "
                f"Found: {', '.join(map(repr, unknown))}."
            )
        self._names = tuple(names)

    def call(self, images, seeds):
        """Augmented images.

        Args:
            images: `(batch, height, width, channels)` in [-1, 1].
            seeds: Stream with `uniform(shape, minval, maxval)`.

        Returns:
            float32 images of the same shape.
        """
        images = ops.cast(images, "float32")
        for name in self._names:
            images = _AUGMENTATIONS[name](images, seeds)
        return images

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "policy": self.policy}


def _color(images, seeds):
    x = images + _uniform(images, seeds, -0.5, 0.5)
    gray = ops.mean(x, axis=3, keepdims=True)
    x = gray + (x - gray) * _uniform(images, seeds, 0.0, 2.0)
    mean = ops.mean(x, axis=(1, 2, 3), keepdims=True)
    return mean + (x - mean) * _uniform(images, seeds, 0.5, 1.5)


def _translation(images, seeds):
    indices, inside = [], []
    for axis in (1, 2):
        side = images.shape[axis]
        reach = int(side * 0.125 + 0.5)
        shift = _integers(images, seeds, -reach, reach + 1)
        index = shift + ops.arange(side, dtype="int32")
        indices.append(ops.clip(index, 0, side - 1))
        inside.append(ops.cast(indices[-1] == index, "float32"))
    rows, columns = indices[0][:, :, None], indices[1][:, None, :]
    visible = inside[0][:, :, None, None] * inside[1][:, None, :, None]
    return gather_pixels(images, rows, columns) * visible


def _cutout(images, seeds):
    inside = []
    for axis in (1, 2):
        side = images.shape[axis]
        hole = int(side * 0.5 + 0.5)
        first = _integers(images, seeds, 0, side + 1 - hole % 2) - hole // 2
        last = ops.clip(first + hole - 1, 0, side - 1)
        first = ops.clip(first, 0, side - 1)
        index = ops.arange(side, dtype="int32")
        inside.append(ops.logical_and(index >= first, index <= last))
    hole = ops.logical_and(inside[0][:, :, None, None], inside[1][:, None, :, None])
    return images * (1.0 - ops.cast(hole, "float32"))


def _uniform(images, seeds, low, high):
    return seeds.uniform((ops.shape(images)[0], 1, 1, 1), low, high)


def _integers(images, seeds, low, high):
    """int32 in [low, high), one per image: `(batch, 1)`."""
    draws = ops.floor(_uniform(images, seeds, float(low), float(high)))
    # A draw just below the end may have been rounded to it.
    draws = ops.minimum(draws, float(high - 1))
    return ops.cast(ops.reshape(draws, (-1, 1)), "int32")


_AUGMENTATIONS = {"color": _color, "translation": _translation, "cutout": _cutout}

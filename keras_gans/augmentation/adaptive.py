"""ADA: augmentations that do not leak, as strong as the discriminator overfits.

Karras et al. 2020, arXiv 2006.06676 (github.com/NVlabs/stylegan2-ada-pytorch).
"""

import keras
from keras import ops

from keras_gans.augmentation.operations import DRAWS, PIPES, Draws, operate
from keras_gans.core import gradients


@keras.saving.register_keras_serializable("keras_gans")
class ADA(keras.layers.Layer):
    """Each operation strikes each image with probability p, and p follows D.

    p rises while the mean sign of D's scores of real images is above a target, and
    falls while it is below: every `interval` steps by batch * interval / (1000 kimg).
    It starts at 0 and never falls below. Signs count wherever D scores real images,
    under R1 too. As long as all operations leave an image alone it passes bit for bit.

    Geometry is one affine map per image, sampled bilinearly from the reflected image;
    the paper's filter against aliasing (sym6, at twice the resolution) is left out,
    which is adequate up to 64x64 pixels.

    Draws: one `seeds.uniform((batch, n))` and one `seeds.normal((batch, m))`, columns
    in the order of `operations.DRAWS`, of each operation first what decides; then, for
    `noise`, `seeds.normal` in the shape of the images.

    Args:
        pipe: `"bgc"` (flips, right angles, shifts, scales, rotations; colours), one of
            `PIPES`, or names of operations joined by commas.
        target: Mean sign of D(x) that p is to keep, in [-1, 1].
        kimg: Thousands of images in which p would go from 0 to 1; 500, or 100 to train
            on from given weights.
        interval: Steps between two moves of p.
        **kwargs: For `keras.layers.Layer`.

    Raises:
        ValueError: for an unknown operation, or a number out of its range.

    Reference: arXiv 2006.06676, sections 2.1 and 3.2, appendix B.
    """

    def __init__(self, pipe="bgc", target=0.6, kimg=500, interval=4, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.pipe = pipe
        self.target = target
        self.kimg = kimg
        self.interval = interval
        names = PIPES.get(pipe) or pipe.replace(" ", "").split(",")
        if unknown := [name for name in names if name not in DRAWS]:
            raise ValueError(
                f"A pipe is one of {', '.join(PIPES)}, or names of operations "
                f"({', '.join(DRAWS)}) joined by commas. Found: "
                f"{', '.join(map(repr, unknown))}."
            )
        if not -1 <= target <= 1 or kimg <= 0 or interval < 1 or interval % 1:
            raise ValueError(
                "target lies in [-1, 1], kimg is positive and interval a positive "
                f"integer. Found: {target}, {kimg}, {interval}."
            )
        self._names = tuple(name for name in DRAWS if name in names)
        self.p = self._state("p")
        self.signs = self._state("signs")
        self.observed = self._state("observed")
        self.steps = self._state("steps")
        self.built = True

    def _state(self, name):
        # The mean over replicas of what each has seen: all go on with the same.
        return self.add_weight(
            shape=(),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
            name=name,
        )

    def call(self, images, seeds):
        """Augmented images.

        Args:
            images: `(batch, height, width, channels)` in [-1, 1]. Colours are changed
                of gray and RGB images alone, not of pairs joined at their channels.
            seeds: Stream with `uniform(shape)` and `normal(shape)`.

        Returns:
            float32 images of the same shape.

        """
        names = self._names
        if images.shape[3] not in (1, 3):
            names = tuple(name for name in names if name not in PIPES["color"])
        images = ops.cast(images, "float32")
        draws = Draws(names, ops.shape(images)[0], seeds, self.p)
        return operate(images, draws, seeds)

    def observe(self, real_scores):
        """Counts the signs of D's scores of real images.

        Args:
            real_scores: Of any shape, one row per image.
        """
        signs = ops.sign(ops.stop_gradient(ops.cast(real_scores, "float32")))
        self.signs.assign(self.signs + ops.sum(signs))
        self.observed.assign(self.observed + ops.cast(ops.size(signs), "float32"))
        batch = ops.shape(real_scores)[0] * gradients.replica().count
        # Past Keras, which would try to track it.
        object.__setattr__(self, "_batch", batch)

    def adapt(self, batch_size=None):
        """Counts a step, and moves p if it is due. Once in every training step.

        Args:
            batch_size: Images per step, over all replicas; `None` for the number of
                real ones that D scored last.
        """
        batch_size = getattr(self, "_batch", 0) if batch_size is None else batch_size
        steps = self.steps + 1.0
        is_due = steps >= self.interval
        mean_sign = self.signs / ops.maximum(self.observed, 1.0)
        images = ops.cast(batch_size, "float32") * self.interval
        move = ops.sign(mean_sign - self.target) * images / (self.kimg * 1000.0)
        is_moved = ops.logical_and(is_due, self.observed > 0.0)
        left = ops.where(is_due, 0.0, 1.0)
        move = ops.where(is_moved, move, 0.0)
        self.p.assign(ops.maximum(self.p + move, 0.0))
        self.steps.assign(steps * left)
        self.signs.assign(self.signs * left)
        self.observed.assign(self.observed * left)

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "pipe": self.pipe,
            "target": self.target,
            "kimg": self.kimg,
            "interval": self.interval,
        }

"""AdaIN: any painting's style on any picture, in one pass of one network.

Huang and Belongie 2017, arXiv 1703.06868. Networks, statistics and weights of the
losses are those of a public implementation (github.com/naoto0804/pytorch-AdaIN).
"""

import keras
import numpy as np
from keras import ops

from keras_gans.core import checks
from keras_gans.core.image_translator import ImageTranslator
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.pixels import scaled
from keras_gans.data import to_unit
from keras_gans.data.color_transfer import transfer_colors
from keras_gans.models.adain.networks import build_decoder, build_encoder, widths
from keras_gans.models.adain.pretraining import Pretraining

EPSILON = 1e-5


@keras.saving.register_keras_serializable("keras_gans")
class AdaIN(Pretraining, ImageTranslator):
    """A decoder that draws a content's features with a style's statistics.

    f is a fixed encoder, phi_i its maps at the start of each stage, f the last of them.
    t = AdaIN(f(c), f(s)) has the means and deviations of f(s), channel by channel, and
    else is f(c). The decoder g is the only player; with G = g(t) it minimises
    E (f(G) - t)^2 + lambda sum_i [E (mean phi_i(G) - mean phi_i(s))^2
    + E (std phi_i(G) - std phi_i(s))^2], means over images, channels and positions.
    (The authors' Lua code sums its style terms over channels and weighs them by 0.01,
    which is another balance between the layers.)

    The paper's f is VGG-19 as trained on ImageNet, scaled such that each channel's mean
    is 1. Its weights come with `kg.converters` (`"pytorch_adain"`), or with
    `kg.models.adain.vgg19_encoder`; where neither can be had, `pretrain` trains an f of
    any width on labelled pictures, and scales it likewise.

    Args:
        image_shape: `(height, width, 3)`, in training; both sides more than
            2^(stages - 1). Pictures of any other such size are stylised.
        base_channels: Channels of the encoder's first stage; 64, VGG-19's.
        stages: Stages of VGG-19 that are taken; 4, up to relu4_1.
        style_weight: lambda; 10.
        initialization: Of the decoder: `"torch"`, the reference's, or `"he"`: maps keep
            their size through nine layers, and a short training gets further.
        encoder: Your own f: `keras.Model` from pictures in [0, 1] to a list of maps,
            each half as high and wide as the one before (rounded up).
        decoder: Your own g, from the last of them to pictures in [0, 1].
        ema_decay: Decay of a moving average of g, used for stylising.
        seed: Integer from which all random numbers follow.

    Trains on: `fit(contents, styles)`, pictures of one size in any number and order,
    uint8 or floats in [-1, 1].

    Logs: `content_loss`, `style_loss` (times lambda).

    Raises:
        ValueError: for an image shape that is too small, or networks that do not fit.

    Example:

    >>> gan = AdaIN(image_shape=(256, 256, 3), encoder=vgg19_encoder())
    >>> gan.compile()
    >>> gan.fit(photographs, paintings, batch_size=8, epochs=16)
    >>> made = gan.stylize(photographs[:4], paintings[0], alpha=0.8)

    Reference: arXiv 1703.06868, eq. 8 and 10 to 15.
    """

    players = {"generator": ("decoder",)}
    reports = ("content_loss", "style_loss")
    sampling_networks = ("decoder",)
    learns = "domains"
    directions = {"stylize": {}}
    takes_styles = True

    def __init__(
        self,
        image_shape=(256, 256, 3),
        base_channels=64,
        stages=4,
        style_weight=10.0,
        initialization="torch",
        encoder=None,
        decoder=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        if initialization not in ("torch", "he"):
            raise ValueError(
                f"initialization is torch or he. Found: {initialization!r}."
            )
        super().__init__(image_shape, None, ema_decay, seed, **kwargs)
        self.base_channels = base_channels
        self.stages = stages
        self.style_weight = style_weight
        self.initialization = initialization
        self.set_networks(
            encoder=encoder
            or (lambda: build_encoder(self.image_shape[-1], base_channels, stages)),
            decoder=decoder
            or (
                lambda: build_decoder(
                    widths(self.encoder), self.image_shape[-1], initialization
                )
            ),
        )
        self.check_size(self.image_shape[:2])

    def check_network(self, name, network):
        """Checks the channels between pictures, encoder and decoder."""
        colours = self.image_shape[-1]
        if name == "encoder":
            if len(network.outputs) < 2:
                raise ValueError("An encoder returns a list of maps, one per stage.")
            expected, found = colours, network.inputs[0].shape[-1]
        else:
            expected = (widths(self.encoder)[-1], colours)
            found = network.inputs[0].shape[-1], network.outputs[0].shape[-1]
        if found != expected:
            raise ValueError(
                f"The channels of the {name} are {found}; {expected} would fit."
            )

    @property
    def smallest_side(self):
        """Pixels of a side whose last map has two rows: a border can be mirrored."""
        return 2 ** (len(self.encoder.outputs) - 1) + 1

    def check_size(self, sides):
        """Checks the height and width of images; any from `smallest_side` on fit."""
        least = self.smallest_side
        if min(sides) < least:
            raise ValueError(
                f"{type(self).__name__} takes pictures from {least}x{least} on. Found: "
                f"{sides[0]}x{sides[1]}."
            )

    def default_optimizers(self):
        """Adam with the rate 1e-4 / (1 + 5e-5 step)."""
        decay = keras.optimizers.schedules.InverseTimeDecay(1e-4, 1, 5e-5)
        return {"generator": pytorch_adam(decay, beta_1=0.9)}

    def train_step(self, data):
        """An update of the decoder, on one style for each content."""
        content, style = (_unit(part) for part in self.unpack(data))
        wanted = self.features(style)
        target = restyled(self.features(content)[-1], *moments(wanted[-1]))

        def decoder_losses():
            seen = self.features(self.in_training("decoder")(target))
            apart = sum(distance(*pair) for pair in zip(seen, wanted, strict=True))
            return {
                "content_loss": _mean_square(seen[-1], target),
                "style_loss": self.style_weight * apart,
            }

        self.update("generator", decoder_losses)
        return self.logs()

    def features(self, pictures):
        """phi_i of pictures, in inference mode.

        Args:
            pictures: float32 `(batch, height, width, channels)`, in [0, 1].

        Returns:
            List of float32 maps.
        """
        return [
            ops.cast(part, "float32") for part in self.encoder(pictures, training=False)
        ]

    def style_of(self, images):
        """What of images is their style: means and deviations of f.

        Args:
            images: float32 tensor `(batch, height, width, channels)`, in [-1, 1].

        Returns:
            `(mean, deviation)`, float32 `(batch, 1, 1, features)`.
        """
        return moments(self.features(_unit(images))[-1])

    def drawn(self, content, mean, deviation, alpha=1.0, training=False):
        """Images of a content in a style.

        Args:
            content: float32 tensor `(batch, height, width, channels)`, in [-1, 1].
            mean: As `style_of` returns it, of as many rows or one.
            deviation: The same.
            alpha: 1 for the style, 0 for the content as the decoder draws it.
            training: Whether the decoder runs in training mode.

        Returns:
            float32 images in [-1, 1], of the size of the content.
        """
        seen = self.features(_unit(content))[-1]
        target = restyled(seen, mean, deviation)
        mixed = alpha * target + (1.0 - alpha) * seen
        made = ops.cast(self.sampler(mixed, training=training), "float32")
        # Maps of odd sides are rounded up on their way down.
        height, width = ops.shape(content)[1:3]
        return 2.0 * ops.clip(made[:, :height, :width], 0.0, 1.0) - 1.0

    def call(self, inputs, training=None):
        """Contents, each in the style of its row.

        Args:
            inputs: `(contents, styles)`, float32 in [-1, 1], of two sizes if need be.
            training: Whether the decoder runs in training mode.

        Returns:
            float32 images in [-1, 1].
        """
        content, style = (ops.convert_to_tensor(part) for part in inputs)
        return self.drawn(content, *self.style_of(style), training=bool(training))

    def stylize(
        self, content, style, alpha=1.0, weights=None, color=None, batch_size=8
    ):
        """Contents in a style, or between several.

        Args:
            content: `(num_images, height, width, channels)` of any size from
                2^(stages - 1) + 1 on, uint8 or floats in [-1, 1].
            style: One image `(height, width, channels)`, or several: with a batch axis,
                or in a list, where their sizes may differ.
            alpha: In [0, 1]: 1 for the style, 0 for the content as it is decoded.
            weights: Of several styles, their proportions; `None` for equal ones.
            color: `"histogram"` or `"coral"`: the styles take the colours of each
                content first, such that its colours are kept. See
                `kg.data.transfer_colors`.
            batch_size: Images computed at a time.

        Returns:
            numpy float32 array of the contents' shape, in [-1, 1].

        Raises:
            ValueError: for images of a wrong range, number of channels or size, or
                options out of range.
        """
        shape = (*content.shape[1:3], self.image_shape[-1])
        checks.check_images(content, shape)
        self.check_size(shape[:2])
        _check_alpha(alpha)
        styles = self._checked_styles(style)
        weights = _proportions(weights, len(styles))
        fixed = None if color else self._mixed_style(styles, weights)
        made = []
        for start in range(0, len(content), batch_size):
            part = content[start : start + batch_size]
            moments_of = fixed or self._recolored(styles, weights, part, color)
            images = scaled(ops.convert_to_tensor(part))
            made.append(ops.convert_to_numpy(self.drawn(images, *moments_of, alpha)))
        return np.concatenate(made)

    def _checked_styles(self, style):
        styles = [style] if getattr(style, "ndim", None) == 3 else list(style)
        for one in styles:
            checks.check_images(one[None], (*one.shape[:2], self.image_shape[-1]))
            self.check_size(one.shape[:2])
        return styles

    def _mixed_style(self, styles, weights):
        found = [
            self.style_of(scaled(ops.convert_to_tensor(one[None]))) for one in styles
        ]
        # AdaIN is linear in both: this is the mix of the stylised features.
        return tuple(
            sum(weight * part for weight, part in zip(weights, parts, strict=True))
            for parts in zip(*found, strict=True)
        )

    def _recolored(self, styles, weights, contents, color):
        found = [
            self._mixed_style(
                [
                    transfer_colors(_as_floats(one), _as_floats(content), color)
                    for one in styles
                ],
                weights,
            )
            for content in contents
        ]
        return tuple(ops.concatenate(parts) for parts in zip(*found, strict=True))

    def translated(self, images, stream, alpha=1.0):
        """As in `ImageTranslator`.

        Args:
            images: `(contents, styles)`, float32 tensors in [-1, 1], row by row.
            stream: A `CounterStream`, of which nothing is drawn.
            alpha: As for `stylize`.
        """
        content, style = images
        return self.drawn(content, *self.style_of(style), alpha)

    def check_sources(self, images, alpha=1.0):
        """Checks what `translate` was given: contents and as many styles."""
        if not isinstance(images, (list, tuple)) or len(images) != 2:
            raise ValueError(
                "Call translate((contents, styles)), with a style for each content; or "
                "stylize(contents, style)."
            )
        _check_alpha(alpha)
        for part in images:
            checks.check_images(part, (*part.shape[1:3], self.image_shape[-1]))
            self.check_size(part.shape[1:3])
        if len(images[0]) != len(images[1]):
            raise ValueError(
                f"There are {len(images[0])} contents and {len(images[1])} styles."
            )

    def as_sources(self, part):
        """Contents and styles of a batch, as `translated` takes them."""
        return tuple(scaled(ops.convert_to_tensor(images)) for images in part)

    @property
    def served_variables(self):
        """Those of f and of g."""
        return [*self.encoder.variables, *super().served_variables]

    def served(self):
        """What `export` writes; see `keras_gans.core.served_styles`."""
        from keras_gans.core.served_styles import served_styles

        return served_styles(self)


def moments(features):
    """Mean and deviation of each channel of each map.

    std = sqrt(sum (x - mean)^2 / (n - 1) + 1e-5), over n positions.

    Args:
        features: float32 `(batch, height, width, channels)`.

    Returns:
        Two tensors `(batch, 1, 1, channels)`.
    """
    mean = ops.mean(features, axis=(1, 2), keepdims=True)
    height, width = ops.shape(features)[1:3]
    count = ops.cast(height * width, "float32")
    squares = ops.sum(ops.square(features - mean), axis=(1, 2), keepdims=True)
    return mean, ops.sqrt(squares / (count - 1.0) + EPSILON)


def restyled(content, mean, deviation):
    """AdaIN(c, s) = std(s) (c - mean(c)) / std(c) + mean(s) (eq. 8).

    Args:
        content: float32 `(batch, height, width, channels)`.
        mean: `(batch, 1, 1, channels)`, as `moments` of a style returns it.
        deviation: The same.

    Returns:
        float32 tensor of the content's shape.
    """
    own_mean, own_deviation = moments(content)
    return deviation * ((content - own_mean) / own_deviation) + mean


def _unit(images):
    return 0.5 * images + 0.5


def _as_floats(image):
    return to_unit(image) if image.dtype == np.uint8 else image


def _mean_square(first, second):
    return ops.mean(ops.square(first - second))


def distance(features, style):
    """Of the means and deviations of two maps."""
    pairs = zip(moments(features), moments(style), strict=True)
    return sum(_mean_square(*pair) for pair in pairs)


def _check_alpha(alpha):
    if not 0.0 <= alpha <= 1.0:
        raise ValueError(f"alpha lies in [0, 1]. Found: {alpha}.")


def _proportions(weights, count):
    weights = np.ones(count) if weights is None else np.asarray(weights, "float64")
    if weights.shape != (count,) or (weights < 0).any() or not weights.sum() > 0:
        raise ValueError(
            f"{count} styles take as many weights from 0 on, not all 0. Found: "
            f"{weights.tolist()}."
        )
    return [float(weight) for weight in weights / weights.sum()]

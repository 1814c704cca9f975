"""Neural style: a picture searched for that has one's content and another's texture.

Gatys, Ecker and Bethge 2015, arXiv 1508.06576. Weights of the losses are those of
the author's code (github.com/leongatys/PytorchNeuralStyleTransfer).
"""

from typing import NamedTuple

import keras
import numpy as np
from keras import layers, ops

from keras_gans.core import checks, gradients
from keras_gans.core.descent import descend
from keras_gans.core.lbfgs import LBFGS
from keras_gans.core.random import CounterStream
from keras_gans.data import to_unit, transfer_colors
from keras_gans.layers import vgg19_features

CONTENT_LAYERS = ("relu4_2",)
STYLE_LAYERS = tuple(f"relu{stage}_1" for stage in range(1, 6))


class Transfer(NamedTuple):
    """What `NeuralStyle.transfer` found.

    `image` is float32 `(height, width, channels)` in [-1, 1]; `values` are the
    objective's at the start and after each step of L-BFGS (of Adam: at both ends).
    """

    image: np.ndarray
    values: tuple


class NeuralStyle:
    """Nothing is trained: each picture is a search of its own, down
    L(x) = alpha sum_l E (F_l(x) - F_l(c))^2
    + beta sum_l w_l sum_k v_k E (G_l(x) - G_l(s_k))^2 + gamma TV(x).

    F_l are maps of a fixed network, after their ReLU, and G_l = F^T F / (h w) their
    Gram matrices, which forget where things are; TV is the sum of squared differences
    of neighbouring pixels. The network's poolings take means, which the paper found to
    give finer pictures; weights stay as they are.

    The paper has half the sum of squares for the content and sums over l of
    E (G_l - A_l)^2 / 4 for the style, of VGG-19 scaled to mean activations of 1. The
    author's code, followed here, has means, w_l = 1000 / N_l^2 for N_l channels, and
    starts at the content.

    Args:
        features: `keras.Model` with named layers, such as `layers.vgg19_features`
            makes; `None` for VGG-19 of ImageNet, whose weights are downloaded. Where
            they cannot be had others work: the encoder of an `AdaIN`, for one.
        content_layers: Names of the layers l of the content.
        style_layers: Names of the layers l of the style.
        layer_weights: w_l, one for each; `None` for 1000 / N_l^2.
        content_weight: alpha; 1.
        style_weight: beta; 1.
        variation_weight: gamma; 0.
        pooling: `"avg"`, or `"max"` for the network's own.
        unit_range: Whether the network takes pictures in [0, 1], as the encoder of an
            `AdaIN` does, and not in [-1, 1].

    Raises:
        ValueError: for an unknown layer or pooling.

    Example:

    >>> painter = NeuralStyle()
    >>> found = painter.transfer(photograph, painting, steps=300)
    >>> found.image, found.values

    Reference: arXiv 1508.06576, eq. 1 to 7.
    """

    def __init__(
        self,
        features=None,
        content_layers=CONTENT_LAYERS,
        style_layers=STYLE_LAYERS,
        layer_weights=None,
        content_weight=1.0,
        style_weight=1.0,
        variation_weight=0.0,
        pooling="avg",
        unit_range=False,
    ):
        if pooling not in ("avg", "max"):
            raise ValueError(f"pooling is avg or max. Found: {pooling!r}.")
        features = features or vgg19_features((*content_layers, *style_layers))
        self.content_layers = tuple(content_layers)
        self.style_layers = tuple(style_layers)
        self.network = _taps(features, (*content_layers, *style_layers), pooling)
        widths = [m.shape[-1] for m in self.network.outputs[len(content_layers) :]]
        if layer_weights is None:
            layer_weights = [1e3 / width**2 for width in widths]
        if len(layer_weights) != len(widths):
            raise ValueError(
                f"{len(widths)} style layers take as many weights. Found: "
                f"{len(layer_weights)}."
            )
        self.layer_weights = tuple(layer_weights)
        self.content_weight = content_weight
        self.style_weight = style_weight
        self.variation_weight = variation_weight
        self.unit_range = unit_range
        # Pixels stay pixels on the way, and there is nothing to clip in the end.
        self._search = LBFGS(self.objective, memory=20, bounds=(-1.0, 1.0))

    def transfer(
        self,
        content,
        style,
        steps=300,
        optimizer="lbfgs",
        start="content",
        weights=None,
        color=None,
        learning_rate=0.02,
        seed=0,
    ):
        """A picture of the content in the style.

        Args:
            content: `(height, width, channels)`, uint8 or floats in [-1, 1].
            style: One such image, of any size; or a list of several.
            steps: Most steps of the search.
            optimizer: `"lbfgs"` or `"adam"`.
            start: `"content"`, `"noise"`, or an image of the content's shape.
            weights: v_k of several styles, which sum to 1; `None` for equal ones.
            color: `"histogram"`, `"coral"` or `"linear"`: the styles take the colours
                of the content first. See `kg.data.transfer_colors`.
            learning_rate: Of Adam.
            seed: Integer in [0, 2**63), of the noise.

        Returns:
            `Transfer`.

        Raises:
            ValueError: for images of a wrong range or shape, or unknown options.
        """
        if optimizer not in ("lbfgs", "adam"):
            raise ValueError(f"optimizer is lbfgs or adam. Found: {optimizer!r}.")
        content = _checked(content)
        styles = [style] if getattr(style, "ndim", None) == 3 else list(style)
        styles = [_checked(one) for one in styles]
        weights = [1 / len(styles)] * len(styles) if weights is None else weights
        if len(weights) != len(styles):
            raise ValueError(f"{len(styles)} styles take as many weights.")
        if color is not None:
            styles = [transfer_colors(one, content, color) for one in styles]
        wanted = self.content_of(content[None])
        grams = [self.style_of(one[None]) for one in styles]
        grams = [
            sum(v * gram for v, gram in zip(weights, one, strict=True))
            for one in zip(*grams, strict=True)
        ]
        first = self._start(start, content, seed)[None]
        if optimizer == "lbfgs":
            found = self._search.minimize(first, wanted, grams, steps=steps)
            return Transfer(found.point[0], found.values)
        return self._descended(first, wanted, grams, steps, learning_rate)

    def _start(self, start, content, seed):
        if isinstance(start, str) and start == "content":
            return content
        if isinstance(start, str) and start == "noise":
            noise = CounterStream(seed).uniform((1, *content.shape), -1.0, 1.0)
            return ops.convert_to_numpy(noise)[0]
        if isinstance(start, str) or start.shape != content.shape:
            found = start if isinstance(start, str) else start.shape
            raise ValueError(
                "start is 'content', 'noise' or an image of the content's shape. "
                f"Found: {found!r}."
            )
        return _checked(start)

    def _descended(self, first, wanted, grams, steps, learning_rate):
        def objective(flat):
            point = ops.clip(ops.reshape(flat, first.shape), -1.0, 1.0)
            return ops.reshape(self.objective(point, wanted, grams), (1,))

        flat = ops.convert_to_tensor(first.reshape(1, -1))
        run = gradients.compiled(
            lambda at: (objective(at), *descend(objective, at, steps, learning_rate))
        )
        before, *_, best, lowest = map(ops.convert_to_numpy, run(flat))
        image = np.clip(best, -1.0, 1.0).reshape(first.shape)[0]
        return Transfer(image, (float(before[0]), float(lowest[0])))

    def objective(self, image, wanted, grams):
        """L of one image.

        Args:
            image: float32 tensor `(1, height, width, channels)` in [-1, 1].
            wanted: What `content_of` returned of the content.
            grams: What `style_of` returned of the style.

        Returns:
            float32 scalar.
        """
        maps = self._maps(image)
        count = len(self.content_layers)
        content = sum(map(_mean_square, maps[:count], wanted))
        style = sum(
            weight * _mean_square(gram_matrix(own), gram)
            for weight, own, gram in zip(
                self.layer_weights, maps[count:], grams, strict=True
            )
        )
        value = self.content_weight * content + self.style_weight * style
        if self.variation_weight:
            value += self.variation_weight * variation(image)
        return value

    def content_of(self, images):
        """F_l of images in [-1, 1], of the layers of the content."""
        return self._maps(ops.convert_to_tensor(images))[: len(self.content_layers)]

    def style_of(self, images):
        """G_l of images in [-1, 1], of the layers of the style."""
        maps = self._maps(ops.convert_to_tensor(images))
        return [gram_matrix(own) for own in maps[len(self.content_layers) :]]

    def _maps(self, images):
        given = 0.5 * images + 0.5 if self.unit_range else images
        maps = self.network(given, training=False)
        return [ops.cast(own, "float32") for own in maps]


def gram_matrix(features):
    """G = F^T F / (h w), of maps seen as h w rows of channels.

    Args:
        features: float32 `(batch, height, width, channels)`.

    Returns:
        float32 `(batch, channels, channels)`.
    """
    batch, height, width, channels = ops.shape(features)
    rows = ops.reshape(features, (batch, height * width, channels))
    products = ops.matmul(ops.transpose(rows, (0, 2, 1)), rows)
    return products / ops.cast(height * width, "float32")


def variation(images):
    """TV = sum (x_i+1,j - x_ij)^2 + (x_i,j+1 - x_ij)^2.

    Args:
        images: float32 `(batch, height, width, channels)`.
    """
    down = images[:, 1:] - images[:, :-1]
    across = images[:, :, 1:] - images[:, :, :-1]
    return ops.sum(ops.square(down)) + ops.sum(ops.square(across))


def _taps(features, names, pooling):
    """A copy of a network that returns the maps of these layers."""
    known = [layer.name for layer in features.layers]
    if unknown := [name for name in names if name not in known]:
        raise ValueError(
            f"The network has no layer {', '.join(unknown)}. Found: {', '.join(known)}."
        )
    outputs = [features.get_layer(name).output for name in names]
    taken = keras.Model(features.inputs, outputs)

    def averaging(layer):
        if not isinstance(layer, layers.MaxPooling2D) or pooling == "max":
            return layer.__class__.from_config(layer.get_config())
        kept = ("name", "pool_size", "strides", "padding", "data_format", "dtype")
        config = layer.get_config()
        return layers.AveragePooling2D(**{key: config[key] for key in kept})

    copy = keras.models.clone_model(taken, clone_function=averaging)
    copy.set_weights(taken.get_weights())
    copy.trainable = False
    return copy


def _checked(image):
    if image.ndim != 3:
        raise ValueError(
            f"One image (height, width, channels) is taken. Found: {image.shape}."
        )
    checks.check_images(image[None], image.shape)
    return to_unit(image) if image.dtype == np.uint8 else image.astype("float32")


def _mean_square(first, second):
    return ops.mean(ops.square(first - second))

"""DTN: what a fixed network sees in an image, drawn in the style of another domain.

Taigman, Polyak and Wolf 2016, arXiv 1611.02200. Networks for digits are those of a
public implementation (github.com/yunjey/domain-transfer-network), whose discriminator
has two classes and whose f is trained on: both are options here.
"""

import keras
from keras import initializers, layers, ops

from keras_gans.core import checks, gradients
from keras_gans.core.image_translator import ImageTranslator
from keras_gans.core.random import seeded
from keras_gans.data import ArrayBatches, to_unit
from keras_gans.layers import (
    BatchNormalization,
    WholeMapConv2D,
    WholeMapConv2DTranspose,
)

# The discriminator's classes: made from a source, made from a target, a real target.
FROM_SOURCE, FROM_TARGET, REAL = range(3)


@keras.saving.register_keras_serializable("keras_gans")
class DTN(ImageTranslator):
    """A generator that draws the features f(x) of a network of the source domain.

    G = g(f(x)). The discriminator tells images made from a source s, images made from
    a target t, and real targets apart: it minimises - E log D_1(G(s))
    - E log D_2(G(t)) - E log D_3(t). The generator minimises - E log D_3(G(s))
    - E log D_3(G(t)) + alpha E |f(G(s)) - f(s)|^2 + beta E |G(t) - t|^2
    + gamma TV(G(s)), with means over features and pixels. f stays as it is: train it
    on labelled sources first, by `pretrain`, or give your own.

    Args:
        image_shape: `(side, side, channels)` of the target domain; a side that is a
            multiple of 8.
        source_channels: Channels of the source domain, 3; grey targets are shown to f
            in as many.
        base_channels: Channels of f's first map; 64. Others are multiples of them.
        num_labels: Classes of the sources, for `pretrain`; 10.
        constancy_weight: alpha; 15.
        identity_weight: beta; 15.
        variation_weight: gamma; 0. (The paper's faces: 100, 1 and 0.05.)
        ternary: Whether the discriminator has three classes; with two, it tells real
            targets from all that is made, as the public implementation does.
        train_extractor: Whether f goes on to learn that it sees in G(s) what it sees
            in s, in an update of its own, as in the public implementation.
        extractor: Your own f: `keras.Model` from source images to features
            `(batch, features)`.
        classifier: Your own from features to logits of the labels.
        generator: Your own g from features to images in [-1, 1].
        discriminator: Your own from images to three logits, or one.
        ema_decay: Decay of a moving average of g, used for translating.
        seed: Integer from which all random numbers follow.

    Trains on: `fit(sources, targets)`, images of two domains, uint8 or floats in
    [-1, 1], in any number and order.

    Logs: `discriminator_loss`, `generator_loss`, `constancy_loss`, `identity_loss`,
    `variation_loss` (times their weights); with `train_extractor` also
    `extractor_loss`.

    Raises:
        ValueError: for an image shape that the networks cannot make.

    Example:

    >>> gan = DTN(image_shape=(32, 32, 1))
    >>> gan.pretrain(house_numbers, labels, epochs=5)
    >>> gan.compile()
    >>> gan.fit(house_numbers, digits, batch_size=100, epochs=10)
    >>> as_digits = gan.translate(house_numbers[:16])

    Reference: arXiv 1611.02200, eq. 3 to 8 and section 4.
    """

    reports = (
        "discriminator_loss",
        "generator_loss",
        "constancy_loss",
        "identity_loss",
        "variation_loss",
    )
    learns = "domains"
    any_size = False

    def __init__(
        self,
        image_shape=(32, 32, 1),
        source_channels=3,
        base_channels=64,
        num_labels=10,
        constancy_weight=15.0,
        identity_weight=15.0,
        variation_weight=0.0,
        ternary=True,
        train_extractor=False,
        extractor=None,
        classifier=None,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        if train_extractor:
            self.players = {**type(self).players, "extractor": ("extractor",)}
            self.reports = (*type(self).reports, "extractor_loss")
        super().__init__(image_shape, source_channels, ema_decay, seed, **kwargs)
        self.base_channels = base_channels
        self.num_labels = num_labels
        self.constancy_weight = constancy_weight
        self.identity_weight = identity_weight
        self.variation_weight = variation_weight
        self.ternary = ternary
        self.train_extractor = train_extractor
        classes = 3 if ternary else 1
        self.set_networks(
            extractor=extractor
            or (lambda: build_extractor(self.source_shape, base_channels)),
            classifier=classifier
            or (lambda: build_classifier(self.extractor.output.shape[-1], num_labels)),
            discriminator=discriminator
            or (
                lambda: build_discriminator(
                    self.image_shape, 2 * base_channels, classes
                )
            ),
            generator=generator
            or (
                lambda: build_generator(
                    self.extractor.output.shape[-1], self.image_shape, 8 * base_channels
                )
            ),
        )

    def check_network(self, name, network):
        """The generator takes features, not images."""

    def default_optimizers(self):
        """Adam 3e-4 for all players."""
        return {player: keras.optimizers.Adam(3e-4) for player in self.players}

    def pretrain(self, images, labels, batch_size=100, epochs=1, zoom=0.0, **kwargs):
        """Trains f, with a classifier on its features, on labelled sources.

        f looks at the target domain too. Where things are larger there and fill the
        image, an f that never saw that takes them for something else, and g learns to
        draw what f mistakes: let it see the sources enlarged.

        Args:
            images: uint8 or floats in [-1, 1], `(num_images, *source_shape)`.
            labels: Integers in [0, num_labels).
            batch_size: Images per update; 100.
            epochs: Passes over them. (The public implementation makes 20,000 updates.)
            zoom: In [0, 1): up to which share of its height, and of its width, drawn
                by itself, each image is cut away before the rest is enlarged again.
            **kwargs: The other arguments of `keras.Model.fit`.

        Returns:
            The `History`, with `loss` and `accuracy`.

        Raises:
            ValueError: for images, labels or a zoom that do not fit.
        """
        checks.check_images(images, self.source_shape)
        checks.check_labels(labels, self.num_labels)
        if not 0 <= zoom < 1:
            raise ValueError(f"zoom lies in [0, 1). Found: {zoom}.")
        inputs = keras.Input(self.source_shape)
        with gradients.scope_of(self), seeded(f"{self.seed}/pretrain"):
            enlarge = layers.RandomZoom((-zoom, 0.0), (-zoom, 0.0), seed=self.seed)
            first = [inputs, enlarge] if zoom else [inputs]
            both = keras.Sequential([*first, self.extractor, self.classifier])
            both.compile(
                keras.optimizers.Adam(3e-4),
                keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                metrics=["accuracy"],
            )
        if images.dtype == "uint8":
            images = to_unit(images)
        batches = ArrayBatches((images, labels), batch_size, seed=self.seed)
        # The batches are shuffled already; Keras would use Python's random state.
        return both.fit(batches, epochs=epochs, shuffle=False, **kwargs)

    def train_step(self, data):
        """An update of the discriminator, then one of the generator."""
        source, target = self.unpack(data)
        seen, known = self.features(source), self.features(target)
        judge = self.in_training("discriminator")

        def discriminator_losses():
            held = self._drawn(seen, known)
            return {"discriminator_loss": self._told_apart(judge, *held, target)}

        self.update("discriminator", discriminator_losses)

        def generator_losses():
            made, again = self._drawn(seen, known)
            distance = ops.mean(ops.square(self.features(made) - seen))
            return {
                "generator_loss": self._taken_for_real(judge(made))
                + self._taken_for_real(judge(again)),
                "constancy_loss": self.constancy_weight * distance,
                "identity_loss": self.identity_weight
                * ops.mean(ops.square(again - target)),
                "variation_loss": self.variation_weight * total_variation(made),
            }

        self.update("generator", generator_losses)
        if self.train_extractor:
            self.update("extractor", lambda: self._constancy(source))
        return self.logs()

    def features(self, images):
        """f of images of either domain, in inference mode.

        Args:
            images: float32 `(batch, side, side, channels)`; grey ones are repeated to
                the source's channels.
        """
        if images.shape[-1] != self.source_shape[-1]:
            images = ops.repeat(images, self.source_shape[-1], axis=-1)
        return ops.cast(self.extractor(images, training=False), "float32")

    def _drawn(self, seen, known):
        generate = self.in_training("generator")
        return generate(seen), generate(known)

    def _told_apart(self, judge, made, again, target):
        if not self.ternary:
            fakes = sum(ops.mean(ops.softplus(judge(x))) for x in (made, again))
            return fakes + ops.mean(ops.softplus(-judge(target, is_real=True)))
        return (
            surprise(judge(made), FROM_SOURCE)
            + surprise(judge(again), FROM_TARGET)
            + surprise(judge(target, is_real=True), REAL)
        )

    def _taken_for_real(self, logits):
        return (
            surprise(logits, REAL) if self.ternary else ops.mean(ops.softplus(-logits))
        )

    def _constancy(self, source):
        seen = self.in_training("extractor")(source)
        made = self.generator(seen, training=False)
        distance = ops.mean(ops.square(self.features(made) - seen))
        return {"extractor_loss": self.constancy_weight * distance}

    @property
    def served_variables(self):
        """Those of f and of g."""
        return [*self.extractor.variables, *super().served_variables]

    def realness(self, outputs):
        """Log-odds of the class of real targets."""
        if not self.ternary:
            return outputs
        made = ops.logsumexp(outputs[:, :REAL], axis=-1)
        return outputs[:, REAL] - made

    def call(self, inputs, training=None):
        """Images of the target domain; see `ImageTranslator`."""
        seen = self.features(ops.convert_to_tensor(inputs))
        return ops.cast(self.sampler(seen, training=bool(training)), "float32")


def surprise(logits, label):
    """E -log softmax(logits)_label."""
    logs = ops.log_softmax(ops.cast(logits, "float32"))
    return -ops.mean(logs[:, label])


def total_variation(images):
    """E sum_ij ((z_i,j+1 - z_ij)^2 + (z_i+1,j - z_ij)^2)^(1/2) (eq. 7 with B = 1).

    Over channels and the points that have both neighbours; a small number under the
    root keeps its slope finite where an image is constant.

    Args:
        images: float32 `(batch, height, width, channels)`.

    Returns:
        float32 scalar.
    """
    here = images[:, :-1, :-1]
    across = images[:, :-1, 1:] - here
    down = images[:, 1:, :-1] - here
    lengths = ops.sqrt(ops.square(across) + ops.square(down) + 1e-8)
    return ops.mean(ops.sum(lengths, axis=(1, 2, 3)))


def build_extractor(source_shape, base_channels):
    """f: three strided convolutions, one over the whole map, tanh features."""
    side = _side(source_shape)
    images = x = keras.Input(source_shape, name="images")
    for i in range(3):
        x = layers.Conv2D(base_channels * 2**i, 3, 2, "same", **_named(f"conv{i + 1}"))(
            x
        )
        x = layers.ReLU(name=f"relu{i + 1}")(_norm(f"bn{i + 1}")(x))
    x = WholeMapConv2D(2 * base_channels, side // 8, use_bias=True, **_named("conv4"))(
        x
    )
    x = layers.Activation("tanh", name="tanh")(_norm("bn4")(x))
    features = layers.Flatten(dtype="float32", name="features")(x)
    return keras.Model(images, features, name="extractor")


def build_classifier(width, num_labels):
    """One linear layer on the features, for their training."""
    features = keras.Input((width,), name="features")
    logits = layers.Dense(num_labels, dtype="float32", **_named("out"))(features)
    return keras.Model(features, logits, name="classifier")


def build_generator(width, image_shape, channels):
    """g: a map from the features, doubled three times, tanh image."""
    side = _side(image_shape)
    features = keras.Input((width,), name="features")
    x = layers.Reshape((1, 1, width), name="as_map")(features)
    x = WholeMapConv2DTranspose(
        channels, side // 8, use_bias=True, **_named("conv_transpose1")
    )(x)
    x = layers.ReLU(name="relu1")(_norm("bn1")(x))
    for i in (2, 3):
        channels //= 2
        x = layers.Conv2DTranspose(
            channels, 3, 2, "same", **_named(f"conv_transpose{i}")
        )(x)
        x = layers.ReLU(name=f"relu{i}")(_norm(f"bn{i}")(x))
    x = layers.Conv2DTranspose(
        image_shape[-1], 3, 2, "same", **_named("conv_transpose4")
    )(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model(features, images, name="generator")


def build_discriminator(image_shape, channels, classes):
    """Three strided convolutions, one over the whole map, logits of the classes."""
    side = _side(image_shape)
    images = x = keras.Input(image_shape, name="images")
    for i in range(3):
        x = layers.Conv2D(channels * 2**i, 3, 2, "same", **_named(f"conv{i + 1}"))(x)
        if i == 0:  # as in the public implementation, before its norm too
            x = layers.ReLU(name="relu0")(x)
        x = layers.ReLU(name=f"relu{i + 1}")(_norm(f"bn{i + 1}")(x))
    x = WholeMapConv2D(
        classes, side // 8, use_bias=True, dtype="float32", **_named("conv4")
    )(x)
    logits = layers.Flatten(dtype="float32", name="logits")(x)
    return keras.Model(images, logits, name="discriminator")


def _side(shape):
    height, width = shape[:2]
    if height != width or height % 8 or height < 8:
        raise ValueError(
            f"DTN's images are squares whose side is a multiple of 8. Found: {shape}."
        )
    return height


def _named(name):
    return {"name": name, "kernel_initializer": initializers.GlorotUniform()}


def _norm(name):
    return BatchNormalization(momentum=0.95, epsilon=1e-3, name=name)

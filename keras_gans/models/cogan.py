"""CoGAN: two GANs that share weights learn pairs from images that nobody paired.

Liu and Tuzel 2016, arXiv 1606.07536. Networks, losses and optimizers are those of the
authors' MNIST experiments (github.com/mingyuliutw/CoGAN, cogan_pytorch).
"""

import secrets

import keras
import numpy as np
from keras import initializers, layers, ops

from keras_gans import losses
from keras_gans.core import checks
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.pixels import scaled
from keras_gans.core.precision import as_float32
from keras_gans.core.reports import Reports
from keras_gans.data.order import epoch_order
from keras_gans.layers import (
    BatchNormalization,
    Rescaling,
    WholeMapConv2D,
    WholeMapConv2DTranspose,
)


@keras.saving.register_keras_serializable("keras_gans")
class CoGAN(AdversarialModel):
    """A pair of generators and a pair of discriminators, each with one private layer.

    One z is drawn for two images, of domain a and of domain b. The generators share
    all layers but the last, the discriminators all but the first: what is decided
    early in one, and late in the other, is the same for both domains, so the images of
    one z show the same thing. The discriminators minimise E sp(-D(x)) + E sp(D(G(z)))
    over the images of both domains together, the generators E sp(-D(G(z))), with
    sp(t) = log(1 + e^t) and D(x) the difference of the two logits (real, fake) whose
    softmax the reference takes.

    In this library's terms the pair is one network that is told the domain, 0 for a
    and 1 for b: `sample(8, seed=7, labels=0)` and `labels=1` are the two halves of the
    same pairs, and `sample_pairs(8, seed=7)` gives both.

    With `num_labels` the discriminator also classifies, learning from the labels of
    domain a alone (unsupervised domain adaptation). It then minimises in addition
    `class_weight` E CE(class of x_a, y_a) and `feature_weight` E ||h_a - h_b||^2 over
    the last features of the fake pairs.

    The paper works on pixels in [0, 1]: the networks map from and to [-1, 1].

    Args:
        image_shape: `(height, width, channels)`: 28x28 as in the paper, or a square of
            4 * 2^n pixels for which `generator_channels` has n + 1 entries.
        latent_dim: Length of z ~ N(0, 1); 100.
        generator_channels: Channels of the shared maps; at 28x28 those of 4, 7, 13
            and 25 pixels, elsewhere of 4 pixels and of each doubling.
        discriminator_channels: Channels of the private convolution, of the shared
            one and of the features.
        num_labels: Number of classes to tell apart, for domain adaptation; `None` for
            none.
        class_weight: Weight of the classification of domain a; 10.
        feature_weight: Weight of the distance of the fake pairs' features; 0.01.
        generator: Your own `keras.Model` from `(latents, domains)` to images in
            [-1, 1], whose layers `images_a` and `images_b` put out the images of both
            domains before one is chosen.
        discriminator: Your own from `(images, domains)` to logits `(batch, 1)`; with
            `num_labels` to `(logits, features, class logits)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: `fit(a, b)`, images of two domains, uint8 or floats in [-1, 1], in any
    number and order; of the smaller set, images come several times in an epoch. With
    `num_labels`: `fit((a, labels_a), b)`, integer labels.

    Logs: `discriminator_loss`, `generator_loss`; with `num_labels` also
    `classification_loss` and `feature_distance`, times their weights.

    Raises:
        ValueError: for an image shape that the networks cannot make.

    Example:

    >>> a, b = kg.data.split_domains(images, "edges", seed=0)
    >>> gan = CoGAN(image_shape=(28, 28, 1))
    >>> gan.compile()
    >>> gan.fit(a, b, batch_size=64, epochs=10)
    >>> digits, edges = gan.sample_pairs(16, seed=7)

    Reference: arXiv 1606.07536, eq. 2 and 3 and appendix A.
    """

    reports = ("discriminator_loss", "generator_loss")
    # Domains are shown and told apart like classes, but nobody labels them.
    num_domains = 2

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=100,
        generator_channels=(1024, 512, 256, 128),
        discriminator_channels=(20, 50, 500),
        num_labels=None,
        class_weight=10.0,
        feature_weight=0.01,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, self.num_domains, ema_decay, seed, **kwargs
        )
        self.generator_channels = tuple(generator_channels)
        self.discriminator_channels = tuple(discriminator_channels)
        self.num_labels = num_labels
        self.class_weight = class_weight
        self.feature_weight = feature_weight
        if generator is None:
            _geometry(self.image_shape, self.generator_channels)
        if num_labels is not None:
            self.reports = (*self.reports, "classification_loss", "feature_distance")
            self._report = Reports(self.reports)
        widths = self.generator_channels, self.discriminator_channels
        self.set_networks(
            discriminator=discriminator
            or (lambda: build_discriminator(image_shape, widths[1], num_labels)),
            generator=generator
            or (lambda: build_generator(image_shape, latent_dim, widths[0])),
        )

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 and an L2 penalty of 5e-4 on every parameter."""
        return {player: AdamWithL2() for player in self.players}

    def check_batch(self, x, y):
        """Checks the images of both domains, and the labels of the first.

        Args:
            x: Images of domain a; with `num_labels`, `(images, labels)`.
            y: Images of domain b.

        Raises:
            ValueError: naming what was found and the fix.
        """
        form = "fit(a, b)" if self.num_labels is None else "fit((a, labels_a), b)"
        has_labels = isinstance(x, (tuple, list))
        if y is None or has_labels != (self.num_labels is not None):
            raise ValueError(f"CoGAN learns two sets of images: call {form}.")
        a, labels = x if has_labels else (x, None)
        checks.check_images(a, self.image_shape)
        checks.check_images(y, self.image_shape)
        if has_labels:
            if len(labels) != len(a):
                raise ValueError(f"There are {len(a)} images and {len(labels)} labels.")
            checks.check_labels(labels, self.num_labels)

    def arrays_of(self, x, y):
        """Both domains at the length of the longer, in orders of their own.

        Args:
            x: As for `check_batch`.
            y: As for `check_batch`.
        """
        self.check_batch(x, y)
        length = max(len(keras.tree.flatten(x)[0]), len(y))
        # Images that happen to be sorted in pairs must not meet in a batch.
        order = epoch_order(length, self.seed, 0)
        x = keras.tree.map_structure(lambda part: _repeated(part, length), x)
        return x, _repeated(y, length)[order]

    def unpack(self, data):
        """The real batch, ready for the networks.

        Args:
            data: `(a, b)` or `((a, labels), b)`, as the data set yields it.

        Returns:
            `(a, b, labels)`: float32 images, and int32 labels or `None`.
        """
        x, b, _ = keras.utils.unpack_x_y_sample_weight(data)
        if self.num_labels is None:
            return scaled(x), scaled(b), None
        a, labels = x
        if len(labels.shape) == 2:
            labels = ops.argmax(labels, axis=-1)
        return scaled(a), scaled(b), ops.cast(labels, "int32")

    def generate_pairs(self, count, training):
        """`count` fakes of each domain from the same latents.

        Returns:
            `(images, domains)`, those of domain a first.
        """
        latents = self.draw_latents(count, self.seeds)
        pair = pair_network(self.generator)
        images = pair(latents, training=training and not self.evaluating)
        return together(*as_float32(images))

    def train_step(self, data):
        """One update of each player on both domains together, with fresh latents."""
        a, b, labels = self.unpack(data)
        count, real = ops.shape(a)[0], together(a, b)
        fake = self.generate_pairs(count, training=True)
        judge = self.in_training("discriminator")

        def discriminator_losses():
            seen_real, seen_fake = judge(real, is_real=True), judge(fake)
            loss = losses.non_saturating.discriminator(
                logits_in(seen_real), logits_in(seen_fake)
            )
            terms = {"discriminator_loss": loss}
            if self.num_labels is not None:
                terms.update(self.adaptation_losses(labels, seen_real, seen_fake))
            return terms

        def generator_losses():
            seen = judge(self.generate_pairs(count, training=True))
            return {"generator_loss": losses.non_saturating.generator(logits_in(seen))}

        self.update("discriminator", discriminator_losses)
        self.update("generator", generator_losses)
        return self.logs()

    def adaptation_losses(self, labels, seen_real, seen_fake):
        """What carries the classes of domain a over to domain b.

        Args:
            labels: int32 labels of domain a.
            seen_real: What the discriminator puts out for the real images of both.
            seen_fake: The same for the fake pairs.
        """
        class_logits, _ = ops.split(seen_real[2], 2)
        h_a, h_b = ops.split(seen_fake[1], 2)
        error = ops.mean(
            keras.losses.sparse_categorical_crossentropy(
                labels, class_logits, from_logits=True
            )
        )
        distance = ops.mean(ops.sum(ops.square(h_a - h_b), axis=-1))
        return {
            "classification_loss": self.class_weight * error,
            "feature_distance": self.feature_weight * distance,
        }

    def sample_pairs(self, num_pairs, seed=None, truncation=None, batch_size=64):
        """Draws pairs of images, one of each domain from the same latent.

        Args:
            num_pairs: Number of pairs.
            seed: Integer in [0, 2**63); `None` draws a fresh one.
            truncation: As for `sample`.
            batch_size: Images computed at a time.

        Returns:
            `(a, b)`: numpy float32 arrays `(num_pairs, *image_shape)`, in [-1, 1].
        """
        seed = secrets.randbits(63) if seed is None else seed
        return tuple(
            self.sample(num_pairs, seed, domain, truncation, batch_size)
            for domain in range(self.num_domains)
        )

    def classify(self, images, domain, batch_size=256):
        """The class of each image, of a system built with `num_labels`.

        Args:
            images: uint8, or floats in [-1, 1].
            domain: 0 for domain a, 1 for domain b.
            batch_size: Images looked at together.

        Returns:
            numpy int32 array `(num_images,)`.

        Raises:
            ValueError: without `num_labels`, or for images that do not suit.
        """
        if self.num_labels is None:
            raise ValueError("Only a CoGAN built with num_labels=... classifies.")
        checks.check_images(images, self.image_shape)
        checks.check_labels(np.array([domain]), self.num_domains)
        found = []
        for start in range(0, len(images), batch_size):
            batch = scaled(ops.convert_to_tensor(images[start : start + batch_size]))
            domains = ops.full((len(batch),), domain, dtype="int32")
            _, _, class_logits = self.discriminator((batch, domains), training=False)
            found.append(ops.convert_to_numpy(ops.argmax(class_logits, axis=-1)))
        return np.concatenate(found).astype("int32")

    def accuracy(self, images, labels, domain):
        """Share of images of a domain whose class is recognised, in [0, 1].

        Args:
            images: As for `classify`.
            labels: Integers `(num_images,)`.
            domain: As for `classify`.
        """
        return float(np.mean(self.classify(images, domain) == np.asarray(labels)))


def build_generator(image_shape, latent_dim, channels):
    """(z, domain) -> shared transposed convolutions -> one private to each domain.

    Layers are called after the reference's, so `dconv0` to `dconv3` are shared at
    28x28 and `dconv4_a`, `dconv4_b` are not.
    """
    deconv, head = _geometry(image_shape, channels)
    latents = keras.Input((latent_dim,), name="latents")
    domains = keras.Input((), dtype="int32", name="domains")
    x = layers.Reshape((1, 1, latent_dim), name="as_map")(latents)
    for i, width in enumerate(channels):
        if i == 0:
            # On a 1x1 map this is a dense layer; so written, its weights are the
            # reference's.
            x = WholeMapConv2DTranspose(width, 4, name="dconv0", **_weights())(x)
        else:
            x = deconv(width, f"dconv{i}")(x)
        # Without scale and offset, and momentum and epsilon of the reference.
        x = BatchNormalization(
            momentum=0.9, epsilon=1e-5, center=False, scale=False, name=f"bn{i}"
        )(x)
        x = _prelu(f"prelu{i}")(x)
    pair = []
    for domain in "ab":
        y = head(image_shape[-1], f"dconv{len(channels)}_{domain}")(x)
        y = layers.Activation("sigmoid", dtype="float32", name=f"sigmoid_{domain}")(y)
        y = Rescaling(2.0, -1.0, dtype="float32", name=f"images_{domain}")(y)
        pair.append(y)
    images = OfDomain(dtype="float32", name="images")((*pair, domains))
    return keras.Model((latents, domains), images, name="generator")


def build_discriminator(image_shape, channels, num_labels=None):
    """(image, domain) -> a private convolution -> shared ones -> one logit.

    Layers are called after the reference's; its two logits are those of `conv3`.
    """
    first, second, features = channels
    images = keras.Input(image_shape, name="images")
    domains = keras.Input((), dtype="int32", name="domains")
    x = Rescaling(0.5, 0.5, name="to_unit_range")(images)
    pair = [layers.Conv2D(first, 5, name=f"conv0_{d}", **_weights())(x) for d in "ab"]
    x = OfDomain(name="conv0")((*pair, domains))
    x = layers.MaxPooling2D(name="pool0")(x)
    x = layers.Conv2D(second, 5, name="conv1", **_weights())(x)
    x = layers.MaxPooling2D(name="pool1")(x)
    x = WholeMapConv2D(features, x.shape[1:3], name="conv2", **_weights())(x)
    h = _prelu("prelu2")(x)
    x = WholeMapConv2D(2, 1, dtype="float32", name="conv3", **_weights())(h)
    logits = RealMinusFake(dtype="float32", name="logits")(x)
    if num_labels is None:
        return keras.Model((images, domains), logits, name="discriminator")
    x = WholeMapConv2D(num_labels, 1, dtype="float32", name="conv_cl", **_weights())(h)
    outputs = (
        logits,
        layers.Flatten(name="features")(h),
        layers.Flatten(dtype="float32", name="class_logits")(x),
    )
    return keras.Model((images, domains), outputs, name="discriminator")


def _geometry(image_shape, channels):
    """How maps grow, and how images come of the last: at 28x28 as in the paper."""
    if tuple(image_shape[:2]) == (28, 28) and len(image_shape) == 3:
        if len(channels) != 4:
            raise ValueError(
                f"At 28x28, generator_channels has 4 entries. Found: {channels}."
            )
        # The reference's padding of 1 on all sides: 4, 7, 13, 25 and then 28 pixels.
        return _cropped(3, 2), _cropped(6, 1)
    side = 4 * 2 ** (len(channels) - 1)
    if tuple(image_shape[:-1]) != (side, side) or side < 16:
        raise ValueError(
            "CoGAN makes images of 28x28 pixels, or of 4 * 2^n with n + 1 entries in "
            f"generator_channels (so 32x32 with 4). Found the shape {image_shape} and "
            f"{len(channels)} entries."
        )
    return _same(4, 2), _same(5, 1)


def _cropped(kernel, strides):
    def layer(channels, name):
        deconv = layers.Conv2DTranspose(
            channels, kernel, strides=strides, name=name, **_weights()
        )
        crop = layers.Cropping2D(1, name=f"{name}_crop")
        return lambda x: crop(deconv(x))

    return layer


def _same(kernel, strides):
    def layer(channels, name):
        return layers.Conv2DTranspose(
            channels, kernel, strides, padding="same", name=name, **_weights()
        )

    return layer


def _weights():
    # Glorot uniform times sqrt 2, and biases of 0.1, as the reference starts.
    return {
        "use_bias": True,
        "kernel_initializer": initializers.VarianceScaling(2.0, "fan_avg", "uniform"),
        "bias_initializer": initializers.Constant(0.1),
    }


def _prelu(name):
    # One slope for the whole map.
    return layers.PReLU(initializers.Constant(0.25), shared_axes=(1, 2, 3), name=name)


def pair_network(generator):
    """The generator as a function of z alone, with the images of both domains.

    The shared layers run once for a pair. All variables are the generator's.
    """
    pair = [generator.get_layer(f"images_{domain}").output for domain in "ab"]
    return keras.Model(generator.inputs[0], pair)


def together(a, b):
    """`(images, domains)` of both batches, those of domain a first."""
    zeros = ops.zeros((ops.shape(a)[0],), "int32")
    ones = ops.ones((ops.shape(b)[0],), "int32")
    return ops.concatenate([a, b]), ops.concatenate([zeros, ones])


def logits_in(outputs):
    """The logits among what a discriminator puts out."""
    return keras.tree.flatten(outputs)[0]


def _repeated(array, length):
    array = np.asarray(array)
    return array if len(array) == length else array[np.arange(length) % len(array)]


@keras.saving.register_keras_serializable("keras_gans")
class OfDomain(keras.layers.Layer):
    """Of two batches of maps, the rows of the first or second, as the domain says."""

    def call(self, inputs):
        """`(a, b, domains)` to maps of the shape of `a`; domains are 0 or 1."""
        a, b, domains = inputs
        return ops.where(ops.reshape(domains, (-1, 1, 1, 1)) == 0, a, b)

    def compute_output_shape(self, input_shape):
        """The shape of `a`."""
        return input_shape[0]


@keras.saving.register_keras_serializable("keras_gans")
class RealMinusFake(keras.layers.Layer):
    """Logit of two classes (fake, real) whose softmax is the probability of real."""

    def call(self, inputs):
        """`(batch, 1, 1, 2)` to `(batch, 1)`."""
        return inputs[:, 0, 0, 1:] - inputs[:, 0, 0, :1]

    def compute_output_shape(self, input_shape):
        """Shape of the output for a shape of the input."""
        return (input_shape[0], 1)


@keras.saving.register_keras_serializable("keras_gans")
class AdamWithL2(keras.optimizers.Adam):
    """Adam on the gradient of the loss plus `l2` / 2 times the squared parameters.

    Not Keras' `weight_decay`, which shrinks parameters past Adam's moments.

    Args:
        learning_rate: Rate or schedule.
        beta_1: Decay of the first moment.
        l2: Weight of the penalty.
        epsilon: The reference's 1e-8 in Keras' formula.
        **kwargs: For `keras.optimizers.Adam`.
    """

    def __init__(
        self, learning_rate=2e-4, beta_1=0.5, l2=5e-4, epsilon=3.1623e-10, **kwargs
    ):
        super().__init__(learning_rate, beta_1=beta_1, epsilon=epsilon, **kwargs)
        self.l2 = l2

    def update_step(self, gradient, variable, learning_rate):
        """Adam's step on `gradient + l2 * variable`."""
        gradient = ops.cast(gradient, variable.dtype)
        super().update_step(gradient + self.l2 * variable, variable, learning_rate)

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "l2": self.l2}

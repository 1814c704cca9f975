"""VAE: images as what a decoder makes of normal codes, and a bound of how likely.

Kingma and Welling 2014, arXiv 1312.6114; the bound of several draws is that of Burda,
Grosse and Salakhutdinov 2015, arXiv 1509.00519.
"""

import functools
import math

import keras
import numpy as np
from keras import initializers, layers, ops

from keras_gans.core import precision
from keras_gans.core.checks import check_images
from keras_gans.core.choices import check_choice
from keras_gans.core.likelihood_model import LikelihoodModel
from keras_gans.core.pixels import scaled
from keras_gans.core.random import CounterStream
from keras_gans.layers import LearnedVariance, Rescaling
from keras_gans.losses.likelihood import (
    bernoulli_nats,
    divergence_from_normal,
    gaussian_nats,
    importance_weighted_bound,
    log_normal,
)

# Latents decoded together when a likelihood is measured.
_CHUNK = 100


@keras.saving.register_keras_serializable("keras_gans")
class VAE(LikelihoodModel):
    """An encoder q(z|x) and a decoder p(x|z), improved together.

    The one player minimises - E_q log p(x|z) + beta KL(q(z|x) || N(0, 1)) with
    z = m(x) + s(x) e, e ~ N(0, 1): the sum over pixels and latents, the mean over the
    batch. With k > 1 training draws (IWAE) it minimises - log (1/k) sum_i w_i,
    w_i = p(x|z_i) p(z_i) / q(z_i|x), instead.

    Pixels are black or white with the decoder's probabilities (`"bernoulli"`), which
    are also what `sample` shows; or normal around the decoder's means in [-1, 1]
    (`"gaussian"`), which are shown likewise.

    Args:
        image_shape: `(height, width, channels)`.
        latent_dim: Length of z; 20. (IWAE: 50.)
        likelihood: `"bernoulli"` or `"gaussian"`.
        architecture: `"dense"`, or `"convolutional"` for squares of 4 * 2^n pixels.
        hidden_units: Width of the dense layers; 500. (IWAE: 200.)
        hidden_layers: Their number, on each side; 1. (IWAE: 2.)
        base_channels: Channels of the first convolution, doubled by each further one;
            32.
        initial_stddev: Deviation of the normal initial weights; 0.01. `None` for
            Glorot's, as in IWAE and always for convolutions.
        binarization: See `LikelihoodModel`; without a meaning for `"gaussian"`.
        variance: Of Gaussian pixels; `None` learns one for all.
        divergence_weight: beta; 1, else the loss is no bound.
        training_draws: k; 1.
        encoder: Your own `keras.Model` from images in [-1, 1] to the list
            `[mean, log_variance]`, each `(batch, latent_dim)`.
        decoder: Your own from latents to log-odds of white, or to means.
        ema_decay: Decay of a moving average of both networks.
        seed: Integer from which all random numbers follow.

    Trains on: images, uint8 or floats in [-1, 1]; labels in the data are ignored.

    Logs: `reconstruction_loss` and `divergence_loss`, in nats per image; with several
    training draws `bound_loss` instead.

    Raises:
        ValueError: for an unknown likelihood, architecture or variance, a size that
            convolutions cannot make, or a beta that several draws have no place for.

    Example:

    >>> vae = VAE(image_shape=(28, 28, 1))
    >>> vae.compile(model_optimizer=keras.optimizers.Adam(1e-3))
    >>> vae.fit(images, batch_size=128, epochs=30)
    >>> vae.negative_log_likelihood(test_images[:100], draws=500)["nats"].mean()

    Reference: arXiv 1312.6114, eq. 7, 10 and appendix C; arXiv 1509.00519, eq. 8.
    """

    players = {"model": ("encoder", "decoder")}
    reports = ("reconstruction_loss", "divergence_loss")
    sampling_networks = ("decoder", "encoder")
    exact = False

    def __init__(
        self,
        image_shape=(28, 28, 1),
        latent_dim=20,
        likelihood="bernoulli",
        architecture="dense",
        hidden_units=500,
        hidden_layers=1,
        base_channels=32,
        initial_stddev=0.01,
        binarization="dynamic",
        variance=None,
        divergence_weight=1.0,
        training_draws=1,
        encoder=None,
        decoder=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        _check(likelihood, architecture, variance, divergence_weight, training_draws)
        if training_draws > 1:
            self.reports = ("bound_loss",)
        is_binary = likelihood == "bernoulli"
        super().__init__(
            image_shape,
            latent_dim,
            binarization if is_binary else None,
            ema_decay,
            seed,
            **kwargs,
        )
        self.likelihood = likelihood
        self.architecture = architecture
        self.hidden_units = hidden_units
        self.hidden_layers = hidden_layers
        self.base_channels = base_channels
        self.initial_stddev = initial_stddev
        self.variance = variance
        self.divergence_weight = divergence_weight
        self.training_draws = training_draws
        if architecture == "dense":
            sizes = (hidden_units, hidden_layers, initial_stddev)
            build = build_dense_encoder, build_dense_decoder
        else:
            sizes = (base_channels,)
            build = build_convolutional_encoder, build_convolutional_decoder
        ends = (is_binary, variance is None)
        self.set_networks(
            encoder=encoder
            or (lambda: build[0](image_shape, latent_dim, *sizes, is_binary)),
            decoder=decoder
            or (lambda: build[1](image_shape, latent_dim, *sizes, *ends)),
        )

    def check_network(self, name, network):
        """The decoder makes images; the encoder a mean and a log-variance."""
        if name == "decoder":
            super().check_network(name, network)
            if self.likelihood == "gaussian" and self.variance is None:
                _learned_variance(network)
        elif hasattr(network, "outputs"):
            found = [tuple(output.shape[1:]) for output in network.outputs]
            if found != [(self.latent_dim,)] * 2:
                raise ValueError(
                    "The encoder returns [mean, log_variance], each of "
                    f"{self.latent_dim} columns. Found: {found}."
                )

    def default_optimizers(self):
        """Adagrad, whose rate the paper chose among 0.01, 0.02 and 0.1."""
        return {"model": keras.optimizers.Adagrad(0.02)}

    def train_step(self, data):
        """One update of both networks."""
        images = self.unpack(data)
        draws = self.training_draws
        shape = (ops.shape(images)[0], draws * self.latent_dim)

        def model_losses():
            mean, log_variance = self.in_training("encoder")(images)
            noise = by_draw(self.seeds.normal(shape), draws)
            z = mean + ops.exp(0.5 * log_variance) * noise
            decoder = self.in_training("decoder")
            nats = self.nats_given(images, z, decoder, self.decoder)
            if draws > 1:
                weights = log_weights(nats, z, mean, log_variance)
                return {"bound_loss": -ops.mean(importance_weighted_bound(weights))}
            divergence = divergence_from_normal(mean, log_variance)
            return {
                "reconstruction_loss": ops.mean(nats),
                "divergence_loss": self.divergence_weight * ops.mean(divergence),
            }

        self.update("model", model_losses)
        return self.logs()

    def nats_given(self, images, z, decode, decoder):
        """-log p(x|z) of each image and draw.

        Args:
            images: float32 `(batch, *image_shape)` in [-1, 1].
            z: `(draws, batch, latent_dim)`.
            decode: Function from latents to what the decoder makes of them.
            decoder: The network that it is, which holds a learned variance.

        Returns:
            float32 tensor `(draws, batch)`.
        """
        made = decode(ops.reshape(z, (-1, self.latent_dim)))
        made = ops.reshape(made, (z.shape[0], -1, *self.image_shape))
        if self.is_binary:
            return bernoulli_nats(0.5 * (images + 1.0), made)
        if self.variance is None:
            log_variance = ops.convert_to_tensor(_learned_variance(decoder))
        else:
            log_variance = math.log(self.variance)
        return gaussian_nats(images, made, log_variance)

    def nats_of(self, images, seed, first_row, draws):
        """`nats`, by the bound of several draws, and `elbo`, by that of one.

        The latter is the mean over the same draws, of which more make it no tighter.
        """
        encoder, decoder = self.averaged("encoder"), self.averaged("decoder")
        mean, log_variance = precision.as_float32(encoder(images, training=False))
        # As many at a time as memory suits, and as divide them evenly.
        size = max(n for n in range(1, _CHUNK + 1) if draws % n == 0)
        shape = (ops.shape(images)[0], size * self.latent_dim)

        def chunk(i, found):
            stream = CounterStream((seed % 2**32, i), first_row)
            noise = by_draw(stream.normal(shape), size)
            z = mean + ops.exp(0.5 * log_variance) * noise
            decode = functools.partial(decoder, training=False)
            nats = self.nats_given(images, z, decode, decoder)
            weights = log_weights(nats, z, mean, log_variance)
            return (
                ops.logaddexp(found[0], ops.logsumexp(weights, axis=0)),
                found[1] + ops.sum(weights, axis=0),
            )

        start = ops.full_like(mean[:, 0], -1e30), ops.zeros_like(mean[:, 0])
        total, summed = ops.fori_loop(0, draws // size, chunk, start)
        return {"nats": math.log(draws) - total, "elbo": -summed / draws}

    def bits_per_dimension(self, nats):
        """As in `LikelihoodModel`; Gaussian pixels have a density, and no bits."""
        return super().bits_per_dimension(nats) if self.is_binary else None

    def call(self, inputs, training=None):
        """Probabilities of white, or means, as images in [-1, 1]."""
        made = ops.cast(self.sampler(inputs, training=bool(training)), "float32")
        if self.is_binary:
            return 2.0 * ops.sigmoid(made) - 1.0
        return ops.clip(made, -1.0, 1.0)

    def encode(self, images, batch_size=100):
        """Where images lie: the mean and the log-variance of q(z|x).

        Args:
            images: uint8, or floats in [-1, 1], as the system models them.
            batch_size: Images at a time.

        Returns:
            Two numpy float32 arrays `(num_images, latent_dim)`.

        Raises:
            ValueError: for images of another shape or range.
        """
        check_images(images, self.image_shape)
        parts = [
            self.encoded(scaled(ops.convert_to_tensor(images[i : i + batch_size])))
            for i in range(0, len(images), batch_size)
        ]
        return tuple(
            np.concatenate([ops.convert_to_numpy(p) for p in side])
            for side in zip(*parts, strict=True)
        )

    def encoded(self, images):
        """`encode`, of a tensor of images in [-1, 1]."""
        return precision.as_float32(self.averaged("encoder")(images, training=False))

    def reconstruct(self, images, batch_size=100):
        """What is made of the means of images.

        Args:
            images: As for `encode`.
            batch_size: Images at a time.

        Returns:
            numpy float32 array of their shape, in [-1, 1].
        """
        means, _ = self.encode(images, batch_size)
        return np.concatenate(
            [
                ops.convert_to_numpy(self.images_of(means[i : i + batch_size]))
                for i in range(0, len(means), batch_size)
            ]
        )


def by_draw(noise, draws):
    """`(batch, draws * dim)` to `(draws, batch, dim)`."""
    noise = ops.reshape(noise, (-1, draws, noise.shape[-1] // draws))
    return ops.transpose(noise, (1, 0, 2))


def log_weights(nats, z, mean, log_variance):
    """log p(x|z) p(z) / q(z|x), `(draws, batch)`; their mean is the bound of one draw.

    Args:
        nats: -log p(x|z), `(draws, batch)`.
        z: `(draws, batch, latent_dim)`.
        mean: Of q, `(batch, latent_dim)`.
        log_variance: Of q, likewise.
    """
    return log_normal(z) - log_normal(z, mean, log_variance) - nats


def build_dense_encoder(
    image_shape, latent_dim, units, hidden_layers, stddev, is_binary
):
    """Pixels -> tanh layers -> mean and log-variance."""
    images = keras.Input(image_shape, name="images")
    x = _to_its_range(images, is_binary)
    x = layers.Flatten(name="flat")(x)
    for i in range(hidden_layers):
        x = layers.Dense(units, "tanh", **_dense(f"hidden{i + 1}", stddev))(x)
    return keras.Model(images, _code(x, latent_dim, stddev), name="encoder")


def build_dense_decoder(
    image_shape, latent_dim, units, hidden_layers, stddev, is_binary, learns_variance
):
    """Latents -> tanh layers -> log-odds of white, or means."""
    latents = x = keras.Input((latent_dim,), name="latents")
    for i in range(hidden_layers):
        x = layers.Dense(units, "tanh", **_dense(f"hidden{i + 1}", stddev))(x)
    options = _dense("pixels", stddev)
    x = layers.Dense(math.prod(image_shape), dtype="float32", **options)(x)
    x = layers.Reshape(image_shape, dtype="float32", name="as_image")(x)
    return keras.Model(
        latents, _with_variance(x, is_binary, learns_variance), name="decoder"
    )


def build_convolutional_encoder(image_shape, latent_dim, channels, is_binary):
    """Convolutions of stride 2 down to 4x4 points, mean and log-variance of them."""
    images = keras.Input(image_shape, name="images")
    x = _to_its_range(images, is_binary)
    for i in range(_doublings(image_shape)):
        x = layers.Conv2D(
            channels * 2**i, 4, 2, "same", activation="relu", name=f"conv{i + 1}"
        )(x)
    x = layers.Flatten(name="flat")(x)
    return keras.Model(images, _code(x, latent_dim, None), name="encoder")


def build_convolutional_decoder(
    image_shape, latent_dim, channels, is_binary, learns_variance
):
    """A 4x4 map of latents, doubled by transposed convolutions."""
    doublings = _doublings(image_shape)
    latents = keras.Input((latent_dim,), name="latents")
    width = channels * 2 ** (doublings - 1)
    x = layers.Dense(16 * width, "relu", name="hidden1")(latents)
    x = layers.Reshape((4, 4, width), name="as_map")(x)
    for i in range(1, doublings):
        x = layers.Conv2DTranspose(
            width // 2**i, 4, 2, "same", activation="relu", name=f"conv_transpose{i}"
        )(x)
    x = layers.Conv2DTranspose(
        image_shape[-1], 4, 2, "same", dtype="float32", name="pixels"
    )(x)
    return keras.Model(
        latents, _with_variance(x, is_binary, learns_variance), name="decoder"
    )


def _to_its_range(images, is_binary):
    return Rescaling(0.5, 0.5, name="to_unit_range")(images) if is_binary else images


def _code(x, latent_dim, stddev):
    return [
        layers.Dense(latent_dim, dtype="float32", **_dense(name, stddev))(x)
        for name in ("mean", "log_variance")
    ]


def _with_variance(x, is_binary, learns_variance):
    if is_binary or not learns_variance:
        return x
    return LearnedVariance(dtype="float32", name="variance")(x)


def _dense(name, stddev):
    if stddev is None:
        return {"name": name}
    return {
        "name": name,
        "kernel_initializer": initializers.RandomNormal(stddev=stddev),
    }


def _learned_variance(decoder):
    for layer in decoder._flatten_layers():
        if isinstance(layer, LearnedVariance):
            return layer.log_variance
    raise ValueError(
        "This decoder learns no variance, in a layer LearnedVariance: say which one "
        "its pixels have, with variance=."
    )


def _doublings(image_shape):
    height, width = image_shape[:2]
    doublings = int(math.log2(max(height, 4))) - 2
    if height != width or height != 4 * 2**doublings or not doublings:
        raise ValueError(
            "A convolutional VAE makes squares of 4 * 2^n pixels, 8 or more. Found: "
            f"{tuple(image_shape)}; resize the images (image_size=32), or take the "
            'architecture "dense".'
        )
    return doublings


def _check(likelihood, architecture, variance, divergence_weight, training_draws):
    check_choice("likelihood", likelihood, ("bernoulli", "gaussian"))
    check_choice("architecture", architecture, ("dense", "convolutional"))
    if variance is not None and not variance > 0:
        raise ValueError(f"variance is a positive number or None. Found: {variance}.")
    if training_draws < 1 or (training_draws > 1 and divergence_weight != 1):
        raise ValueError(
            "training_draws is 1 or more, and several have no divergence to be "
            f"weighted. Found: {training_draws} and a weight of {divergence_weight}."
        )

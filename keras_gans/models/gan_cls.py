"""GAN-CLS and GAN-INT-CLS: images from sentences.

Reed, Akata, Yan, Logeswaran, Schiele and Lee 2016, arXiv 1605.05396. The networks and
the interpolated texts are those of the authors' code (github.com/reedscot/icml2016,
`main_cls.lua` and `main_cls_int.lua`).
"""

import keras
from keras import layers, ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.precision import as_float32
from keras_gans.core.text_conditioned import TextConditioned
from keras_gans.layers import BatchNormalization, torch_weights

MISMATCHES = ("image", "text")


@keras.saving.register_keras_serializable("keras_gans")
class GANCLS(TextConditioned, AdversarialModel):
    """A discriminator that also sees real images beside texts that are not theirs.

    With r = D(x, t), w = D(x', t) of another image and f = D(G(z, t), t) the
    discriminator minimises E sp(-r) + c E sp(w) + (1 - c) E sp(f), and the generator
    E sp(-f), with fresh z; sp(u) = log(1 + e^u).

    With an `interpolation_weight` b > 0 (GAN-INT-CLS) the generator also draws for the
    midpoints of two texts each, half as many as there are images, of which the
    discriminator never sees one in its own update: the generator minimises
    (sum sp(-f) + b sum sp(-f_mid)) / 1.5 B. The authors pair the first half of a batch
    with the second; here neighbours are paired, and neighbours' images are wrong for
    each other, so that replicas which share a batch make the same pairs.

    Differs from the authors' code, whose `main_cls_int.lua` forgot the activation
    behind the discriminator's third convolution. Their convolutions' biases, which
    they put back to zero before every evaluation, are left out.

    On captions of a few words at 32 pixels, `instance_noise=0.1` and Adam at 4e-4 for
    the generator, as in the preset `gan_cls_shapes`, learn faster.

    Args:
        image_shape: `(height, width, channels)`, a square of 4 * 2^n pixels, n >= 1.
        latent_dim: Length of z ~ N(0, 1); 100.
        text_dim: Length of a text's vector; 1024.
        base_channels: Channels of the generator at half the image's resolution; they
            double with each halving, up to eight times as many. 128.
        discriminator_channels: The same of the discriminator; 64.
        projected_dim: Length to which each network reduces a text's vector; 128.
        interpolation_weight: b; 0, which is GAN-CLS. The authors' is 1.
        wrong_weight: c; 0.5.
        mismatch: What is another's in a wrong pair: `"image"`, as in the authors' code,
            or `"text"`, as in the paper's algorithm.
        instance_noise: Standard deviation of the noise on whatever the discriminator
            sees in training; 0.
        captions_per_image: Of an image's captions, how many are drawn in each step and
            averaged; 4.
        prompts: Texts that `sample` takes in turn where none are given.
        text_encoder: `keras.Model` from `kg.text.character_ids` to
            `(batch, text_dim)`, already trained; a name in `kg.text.ENCODERS`, to be
            trained by `pretrain`; `None` for vectors made elsewhere.
        generator: Your own `keras.Model` from `(latents, texts)` to images in [-1, 1].
        discriminator: Your own from `(images, texts)` to logits `(batch, 1)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: `(images, texts)`; images uint8 or floats in [-1, 1]; texts as vectors
    `(num, text_dim)` or `(num, captions, text_dim)`, or as strings `(num,)` or
    `(num, captions)`, or a dict of such `"texts"` and of integer `"labels"`: images of
    one class are then not wrong for each other's texts.

    Logs: `discriminator_loss`, `generator_loss`.

    Raises:
        ValueError: for an image shape that the networks cannot make, weights out of
            range, or an unknown mismatch or encoder.

    Example:

    >>> gan = GANCLS((64, 64, 3), text_dim=128, text_encoder="small_char_cnn_rnn")
    >>> gan.pretrain(images, captions, epochs=20)
    >>> gan.compile()
    >>> gan.fit(images, captions, batch_size=64, epochs=600)
    >>> birds = gan.sample(16, seed=7, texts="a small red bird with a short beak")

    Reference: arXiv 1605.05396, algorithm 1 and sections 4.2 and 4.3.
    """

    reports = ("discriminator_loss", "generator_loss")

    def __init__(
        self,
        image_shape=(64, 64, 3),
        latent_dim=100,
        text_dim=1024,
        base_channels=128,
        discriminator_channels=64,
        projected_dim=128,
        interpolation_weight=0.0,
        wrong_weight=0.5,
        mismatch="image",
        instance_noise=0.0,
        captions_per_image=4,
        prompts=None,
        text_encoder=None,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        check_arguments(interpolation_weight, wrong_weight, mismatch, instance_noise)
        self.base_channels = base_channels
        self.discriminator_channels = discriminator_channels
        self.projected_dim = projected_dim
        self.interpolation_weight = interpolation_weight
        self.wrong_weight = wrong_weight
        self.mismatch = mismatch
        self.instance_noise = instance_noise
        build = self._paper_networks(text_dim)
        self.set_text_networks(
            text_dim,
            text_encoder,
            captions_per_image,
            prompts,
            discriminator=discriminator or build["discriminator"],
            generator=generator or build["generator"],
        )

    def _paper_networks(self, text_dim):
        shape, projected = self.image_shape, self.projected_dim
        return {
            "discriminator": lambda: build_discriminator(
                shape,
                text_dim,
                projected,
                self.discriminator_channels,
                self.instance_noise,
            ),
            "generator": lambda: build_generator(
                shape, self.latent_dim, text_dim, projected, self.base_channels
            ),
        }

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for both players."""
        return {player: pytorch_adam() for player in self.players}

    def train_step(self, data):
        """One update of the discriminator on three kinds of pairs, one of the other."""
        images, texts, classes = self.unpack(data)
        fake, _ = self.generate((images, texts), training=True)
        *wrong, weights = self.mismatched(images, texts, classes, self.mismatch)
        discriminator = self.in_training("discriminator")

        def discriminator_losses():
            # Three calls: batch statistics of the three kinds must not mix.
            real_score = discriminator((images, texts), is_real=True)
            wrong_score = discriminator(tuple(wrong))
            fake_score = discriminator((fake, texts))
            loss = losses.matching_aware(
                real_score, wrong_score, fake_score, weights, self.wrong_weight
            )
            return {"discriminator_loss": loss}

        self.update("discriminator", discriminator_losses)

        def generator_losses():
            latents, asked, weights = self.asked_of_generator(texts)
            training = not self.evaluating
            fake = as_float32(self.generator((latents, asked), training=training))
            lost = ops.softplus(-discriminator((fake, asked)))
            return {"generator_loss": ops.mean(weights * lost[:, 0])}

        self.update("generator", generator_losses)
        return self.logs()

    def asked_of_generator(self, texts):
        """What the generator draws in its own update.

        Args:
            texts: Vectors of the real batch, `(batch, text_dim)`.

        Returns:
            Latents, vectors and the weights of their losses; of the batch, and, with an
            `interpolation_weight`, of half as many midpoints behind it.
        """
        count = ops.shape(texts)[0]
        latents = self.draw_latents(count, self.seeds)
        weights = ops.ones_like(texts[:, 0])
        if not self.interpolation_weight:
            return latents, texts, weights
        middles = midpoints(texts)
        # A row for each text, so that replicas draw theirs; every other is used.
        others = self.draw_latents(count, self.seeds)[1::2]
        return (
            ops.concatenate([latents, others]),
            ops.concatenate([texts, middles]),
            ops.concatenate([weights, self.interpolation_weight * weights[1::2]]),
        )


def midpoints(texts):
    """The mean of the first and the second row, of the third and the fourth ..."""
    second = texts[1::2]
    return 0.5 * (texts[0::2][: ops.shape(second)[0]] + second)


def build_generator(image_shape, latent_dim, text_dim, projected_dim, base_channels):
    """(z, t) -> 4x4 and 8x8 maps, a residual each -> transposed convolutions -> image.

    The text is reduced by a dense layer and joined to z.
    """
    doublings = count_doublings(image_shape)
    latents = keras.Input((latent_dim,), name="latents")
    texts = keras.Input((text_dim,), name="texts")
    known = layers.Dense(projected_dim, name="text", **torch_weights(text_dim))(texts)
    known = layers.LeakyReLU(0.2, name="text_relu")(known)
    x = layers.Concatenate(name="joined")([latents, known])
    x = layers.Reshape((1, 1, latent_dim + projected_dim), name="as_map")(x)
    channels = base_channels * min(8, 2 ** (doublings - 1))
    x = layers.Conv2DTranspose(channels, 4, name="up_0", **_kernel())(x)
    x = _batch_norm("up_0_norm")(x)
    x = _residual(x, channels, "residual_0", layers.ReLU)
    for i in range(1, doublings):
        channels = base_channels * min(8, 2 ** (doublings - 1 - i))
        x = _up(channels, f"up_{i}")(x)
        x = _batch_norm(f"up_{i}_norm")(x)
        if i == 1:
            x = _residual(x, channels, "residual_1", layers.ReLU)
        else:
            x = layers.ReLU(name=f"up_{i}_relu")(x)
    x = _up(image_shape[-1], "to_image")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model((latents, texts), images, name="generator")


def build_discriminator(
    image_shape, text_dim, projected_dim, base_channels, instance_noise=0.0
):
    """(Image, t) -> strided convolutions to 4x4, a residual -> beside t -> a logit."""
    halvings = count_doublings(image_shape)
    images = keras.Input(image_shape, name="images")
    texts = keras.Input((text_dim,), name="texts")
    x = images
    if instance_noise:
        x = layers.GaussianNoise(instance_noise, name="instance_noise")(x)
    for i in range(halvings):
        channels = base_channels * min(8, 2**i)
        x = layers.Conv2D(
            channels, 4, 2, padding="same", name=f"down_{i}", **_kernel()
        )(x)
        if i > 0:
            x = _batch_norm(f"down_{i}_norm")(x)
        if i == 0 or i < halvings - 1:
            x = layers.LeakyReLU(0.2, name=f"down_{i}_relu")(x)
    x = _residual(x, channels, "residual", _leaky)
    known = layers.Dense(projected_dim, name="text", **torch_weights(text_dim))(texts)
    known = layers.LeakyReLU(0.2, name="text_relu")(_batch_norm("text_norm")(known))
    known = layers.Reshape((1, 1, projected_dim), name="text_as_map")(known)
    known = layers.UpSampling2D(4, name="text_everywhere")(known)
    x = layers.Concatenate(name="joined")([x, known])
    x = layers.Conv2D(channels, 1, name="join", **_kernel())(x)
    x = layers.LeakyReLU(0.2, name="join_relu")(_batch_norm("join_norm")(x))
    x = layers.Conv2D(1, 4, dtype="float32", name="score", **_kernel())(x)
    logits = layers.Flatten(dtype="float32", name="logits")(x)
    return keras.Model((images, texts), logits, name="discriminator")


def count_doublings(image_shape):
    """How often 4 pixels a side are doubled to the image.

    Args:
        image_shape: `(height, width, channels)`.

    Raises:
        ValueError: when doubling does not lead there.
    """
    side = image_shape[0]
    doublings = (side // 4).bit_length() - 1
    if (
        len(image_shape) != 3
        or image_shape[1] != side
        or doublings < 1
        or side != 4 * 2**doublings
    ):
        raise ValueError(
            "These networks make square images of 8, 16, 32, 64, 128 ... pixels: 4 is "
            f"doubled to them. Found the shape {tuple(image_shape)}: resize the images."
        )
    return doublings


def check_arguments(interpolation_weight, wrong_weight, mismatch, instance_noise):
    """Refuses what no GAN-CLS can be made of.

    Raises:
        ValueError: naming the argument.
    """
    for name, value in (
        ("interpolation_weight", interpolation_weight),
        ("instance_noise", instance_noise),
    ):
        if value < 0:
            raise ValueError(f"{name} is not negative. Found: {value}.")
    if not 0 <= wrong_weight <= 1:
        raise ValueError(f"wrong_weight lies in [0, 1]. Found: {wrong_weight}.")
    if mismatch not in MISMATCHES:
        raise ValueError(f"mismatch is 'image' or 'text'. Found: {mismatch!r}.")


def _residual(x, channels, name, activation):
    """A bottleneck of a quarter of the channels, added to what it saw."""
    skip, narrow = x, max(1, channels // 4)
    for i, (filters, kernel) in enumerate(((narrow, 1), (narrow, 3), (channels, 3))):
        x = layers.Conv2D(
            filters, kernel, padding="same", name=f"{name}_{i}", **_kernel()
        )(x)
        x = _batch_norm(f"{name}_{i}_norm")(x)
        if i < 2:
            x = activation(name=f"{name}_{i}_relu")(x)
    x = layers.Add(name=name)([skip, x])
    return activation(name=f"{name}_relu")(x)


def _leaky(name):
    return layers.LeakyReLU(0.2, name=name)


def _up(channels, name):
    return layers.Conv2DTranspose(
        channels, 4, strides=2, padding="same", name=name, **_kernel()
    )


def _kernel():
    # A new one each time: one instance would give equal layers equal weights.
    start = keras.initializers.RandomNormal(stddev=0.02)
    return {"use_bias": False, "kernel_initializer": start}


def _batch_norm(name):
    scale = keras.initializers.RandomNormal(1.0, 0.02)
    return BatchNormalization(
        momentum=0.9, epsilon=1e-5, gamma_initializer=scale, name=name
    )

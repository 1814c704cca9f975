"""StyleGAN: latents become styles, which scale and shift the features of each layer.

Karras, Laine and Aila 2018, arXiv 1812.04948. Networks and training are those of the
authors (github.com/NVlabs/stylegan).
"""

import functools

import keras
from keras import layers, ops

from keras_gans import losses
from keras_gans.layers import (
    Blur,
    EqualizedConv2D,
    EqualizedDense,
    LearnedConstant,
    PixelNormalization,
    StyleAverage,
    StyleNoise,
    each_normalized,
)
from keras_gans.models.growing import (
    GAIN,
    Growing,
    channels_at,
    discriminator_layers,
    leaky_relu,
    sides_up_to,
    to_images,
    wire,
)
from keras_gans.models.progan import ChannelBias
from keras_gans.models.style_based import StyleBased, check_parts


@keras.saving.register_keras_serializable("keras_gans")
class StyleGAN(StyleBased, Growing):
    """A mapping to styles, and a synthesis that grows around a learnt constant.

    The generator minimises E sp(-D(G(z))), the discriminator E sp(-D(x)) +
    E sp(D(G(z))) + gamma / 2 E ||grad D(x)||^2, in every step. The mapping turns z into
    a style w; after each convolution of the synthesis come noise, at a strength learnt
    per channel, and a normalisation of each map, whose mean and scale are affine
    functions of w. In training a batch takes, most of the time, the styles of its later
    layers from other latents. Networks grow as in `ProGAN`.

    Noise is fixed outside training, so that images depend on z alone; convolutions that
    change the resolution are not fused with doing so, which for new weights is the same
    function.

    Args:
        image_shape: `(side, side, channels)`, the side 8, 16, 32 ...; 1024.
        latent_dim: Length of z ~ N(0, 1); 512.
        num_classes: Number of classes, or `None`. z is then joined to a vector learnt
            for the class, and D has a score for each class.
        style_dim: Length of w; 512.
        mapping_layers: Layers of the mapping; 8.
        channel_base: Channels of a map times its side; 16384.
        max_channels: Largest number of channels; 512.
        start_resolution: Side of the first stage; 8. That of `image_shape` for
            networks that do not grow.
        stabilise_images: Images shown to the discriminator at a resolution before the
            next one is faded in; 600,000.
        fade_images: Images shown while it is; 600,000.
        r1_weight: gamma; 10.
        style_mixing: Probability that a batch of fakes mixes two styles; 0.9.
        truncation_layers: Layers, from the first, whose styles a truncation moves; 8.
        half_life: Images after which the moving average of the generator, which
            samples, has forgotten half; 10,000.
        generator: Your own `keras.Model` with layers `mapping`, `styles` and
            `synthesis`, from latents, or `(latents, labels)`, to images; to grow, with
            a synthesis whose layers are called as here.
        discriminator: Your own from images, or `(images, labels)`, to scores
            `(batch, 1)`; to grow, with layers called as here.
        ema_decay: Fixed decay of the moving average; `None` for the half-life's.
        seed: Integer from which all random numbers follow.
        **kwargs: For `AdversarialModel`: `augmentation`.

    Trains on: images of full size, uint8 or floats in [-1, 1]; with classes
    `(images, labels)`.

    Logs: `discriminator_loss`, `r1_penalty` (times gamma / 2), `generator_loss`.

    Raises:
        ValueError: for an image shape or schedule that cannot be.

    Example:

    >>> gan = StyleGAN((32, 32, 1), 128, style_dim=128, mapping_layers=4,
    ...                channel_base=2048, max_channels=128, start_resolution=32)
    >>> gan.compile()
    >>> gan.fit(images, batch_size=32, epochs=20)
    >>> typical = gan.sample(16, seed=1, truncation=0.7)

    Reference: arXiv 1812.04948, sections 2 and 3, appendices B and C.
    """

    reports = ("discriminator_loss", "r1_penalty", "generator_loss")
    growing_part = "synthesis"

    def __init__(
        self,
        image_shape=(1024, 1024, 3),
        latent_dim=512,
        num_classes=None,
        style_dim=512,
        mapping_layers=8,
        channel_base=16_384,
        max_channels=512,
        start_resolution=8,
        stabilise_images=600_000,
        fade_images=600_000,
        r1_weight=10.0,
        style_mixing=0.9,
        truncation_layers=8,
        half_life=10_000,
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape,
            latent_dim,
            num_classes,
            start_resolution,
            stabilise_images,
            fade_images,
            ema_decay,
            seed,
            **kwargs,
        )
        self.style_dim = style_dim
        self.mapping_layers = mapping_layers
        self.channel_base = channel_base
        self.max_channels = max_channels
        self.r1_weight = r1_weight
        self.style_mixing = style_mixing
        self.truncation_layers = truncation_layers
        self.half_life = half_life
        if generator is not None:
            check_parts(generator)
        self.set_networks(
            generator=generator or self._build_generator,
            discriminator=discriminator or self._build_discriminator,
        )

    def _build_generator(self):
        return build_generator(
            self.image_shape,
            self.latent_dim,
            self.num_classes,
            self.style_dim,
            self.mapping_layers,
            self.channel_base,
            self.max_channels,
            self.start_resolution,
        )

    def _build_discriminator(self):
        return build_discriminator(
            self.image_shape,
            self.num_classes,
            self.channel_base,
            self.max_channels,
            self.start_resolution,
        )

    def default_optimizers(self):
        """Adam 1e-3 with betas (0, 0.99); more from 128x128 on, see `rate_factors`.

        The mapping's layers learn at a hundredth of it, by their own multiplier.
        """
        return {
            player: keras.optimizers.Adam(1e-3, beta_1=0.0, beta_2=0.99, epsilon=1e-8)
            for player in self.players
        }

    def train_step(self, data):
        """A penalised update of the discriminator, then one of the generator."""
        self.begin_stage()
        real = self.at_stage(self.unpack(data))
        images, *labels = keras.tree.flatten(real)
        self.note_batch(images)
        fake = self.generate(real, training=True)
        game, judge = losses.non_saturating, self.in_training("discriminator")

        def discriminator_losses():
            scores = judge(real, is_real=True), judge(fake)
            precise = self.in_training("discriminator", in_float32=True)
            slopes = losses.zero_centered_penalty(
                lambda x: precise((x, *labels) if labels else x), images
            )
            return {
                "discriminator_loss": game.discriminator(*scores),
                "r1_penalty": self.r1_weight / 2 * slopes,
            }

        self.update("discriminator", discriminator_losses)

        def generator_losses():
            scores = judge(self.generate(real, training=True))
            return {"generator_loss": game.generator(scores)}

        self.update("generator", generator_losses)
        self.end_step(images)
        return self.logs()

    def generate_from(self, inputs, training):
        """Images of the stage's synthesis, from styles that may be mixed."""
        side = self.stage.resolution
        styles = self.styles_in_training(inputs, layers=layers_up_to(side))
        return self.generator_of_stage(styles, training=training)


def layers_up_to(side):
    """Number of layers of a synthesis that make images of this side: two for each."""
    return 2 * (len(sides_up_to(side)) + 1)


def build_generator(
    image_shape,
    latent_dim,
    num_classes,
    style_dim,
    mapping_layers,
    channel_base,
    max_channels,
    start_resolution,
):
    """z (and y) -> mapping -> a style for each layer -> synthesis -> images.

    Args:
        image_shape: `(side, side, channels)`.
        latent_dim: Length of a latent vector.
        num_classes: Number of classes, or `None`.
        style_dim: Length of a style.
        mapping_layers: Layers of the mapping.
        channel_base: Channels of a map times its side.
        max_channels: Largest number of channels.
        start_resolution: Side of the images of the first stage.

    Returns:
        A `keras.Model` from `(batch, latent_dim)`, or `(latents, labels)`, to images.
    """
    latents = keras.Input((latent_dim,), name="latents")
    inputs = latents
    if num_classes is not None:
        inputs = (latents, keras.Input((), dtype="int32", name="labels"))
    mapping = build_mapping(latent_dim, num_classes, style_dim, mapping_layers)
    synthesis = build_synthesis(
        image_shape, style_dim, channel_base, max_channels, start_resolution
    )
    count = layers_up_to(image_shape[0])
    styles = StyleAverage(count, dtype="float32", name="styles")(mapping(inputs))
    return keras.Model(inputs, synthesis(styles), name="generator")


def build_mapping(latent_dim, num_classes, style_dim, mapping_layers):
    """z, joined to a vector of the class -> unit length -> dense layers -> w.

    In float32: a style is few numbers that much depends on.

    Args:
        latent_dim: Length of a latent vector.
        num_classes: Number of classes, or `None`.
        style_dim: Length of a style.
        mapping_layers: Number of layers.

    Returns:
        A `keras.Model` from `(batch, latent_dim)`, or `(latents, labels)`, to
        `(batch, style_dim)`.
    """
    single = {"dtype": "float32"}
    latents = keras.Input((latent_dim,), name="latents")
    inputs, x = latents, latents
    if num_classes is not None:
        labels = keras.Input((), dtype="int32", name="labels")
        inputs = (latents, labels)
        embed = layers.Dense(
            latent_dim,
            use_bias=False,
            kernel_initializer=keras.initializers.RandomNormal(stddev=1.0),
            name="embed",
            **single,
        )
        classes = embed(ops.one_hot(labels, num_classes))
        x = layers.Concatenate(name="latents_and_class", **single)([latents, classes])
    x = PixelNormalization(name="latents_norm", **single)(x)
    for i in range(mapping_layers):
        x = EqualizedDense(
            style_dim, GAIN, lr_multiplier=0.01, name=f"dense_{i}", **single
        )(x)
        x = leaky_relu(f"dense_{i}", **single)(x)
    return keras.Model(inputs, x, name="mapping")


def build_synthesis(
    image_shape, style_dim, channel_base, max_channels, start_resolution
):
    """A learnt 4x4 map -> blocks of two styled layers, each of twice the size.

    Args:
        image_shape: `(side, side, channels)`.
        style_dim: Length of a style.
        channel_base: Channels of a map times its side.
        max_channels: Largest number of channels.
        start_resolution: Side of the images of the first stage.

    Returns:
        A `keras.Model` from `(batch, layers, style_dim)` to images.
    """
    count = layers_up_to(image_shape[0])
    styles = keras.Input((count, style_dim), name="styles")
    w = ops.unstack(styles, num=count, axis=1)

    def conv(side, name):
        channels = channels_at(side, channel_base, max_channels)
        return EqualizedConv2D(channels, 3, GAIN, use_bias=False, name=name)

    def to_rgb(name):
        return EqualizedConv2D(image_shape[-1], 1, dtype="float32", name=name)

    first = (4, 4, channels_at(4, channel_base, max_channels))
    x = LearnedConstant(first, name="block_4_constant")(styles)
    x = _styled(x, w[0], "block_4_layer_0")
    x = _styled(conv(4, "block_4_conv_1")(x), w[1], "block_4_layer_1")
    x_at = {4: x}
    for i, side in enumerate(sides_up_to(image_shape[0]), start=1):
        name = f"block_{side}"
        x = layers.UpSampling2D(name=f"{name}_up")(x)
        x = Blur(name=f"{name}_blur")(conv(side, f"{name}_conv_0")(x))
        x = _styled(x, w[2 * i], f"{name}_layer_0")
        x = _styled(conv(side, f"{name}_conv_1")(x), w[2 * i + 1], f"{name}_layer_1")
        x_at[side] = x
    images = to_images(x_at, to_rgb, start_resolution)
    return keras.Model(styles, images, name="synthesis")


def build_discriminator(
    image_shape, num_classes, channel_base, max_channels, start_resolution
):
    """ProGAN's, with maps that are blurred before they are made smaller.

    Args:
        image_shape: `(side, side, channels)`.
        num_classes: Number of classes, or `None`.
        channel_base: Channels of a map times its side.
        max_channels: Largest number of channels.
        start_resolution: Side of the images of the first stage.

    Returns:
        A `keras.Model` from images, or `(images, labels)`, to scores `(batch, 1)`.
    """
    groups = discriminator_layers(
        image_shape,
        functools.partial(
            channels_at, channel_base=channel_base, max_channels=max_channels
        ),
        start_resolution,
        functools.partial(EqualizedConv2D, gain=GAIN),
        functools.partial(EqualizedDense, gain=GAIN),
        blur=True,
    )
    single = {"dtype": "float32"}
    images = keras.Input(image_shape, name="images")
    features = wire(groups, images)
    if num_classes is None:
        scores = EqualizedDense(1, name="score", **single)(features)
        return keras.Model(images, scores, name="discriminator")
    labels = keras.Input((), dtype="int32", name="labels")
    scores = EqualizedDense(num_classes, name="class_scores", **single)(features)
    chosen = ops.one_hot(labels, num_classes)
    score = layers.Dot(axes=1, name="score", **single)([scores, chosen])
    return keras.Model((images, labels), score, name="discriminator")


@keras.saving.register_keras_serializable("keras_gans")
class AdaptiveInstanceNormalization(keras.layers.Layer):
    """(s + 1) (x - mean) / std + t, where (s, t) = A(w): a style on normalised maps.

    Mean and deviation are those of each map of each sample, in float32. A is affine
    with equalised weights, and starts at s and t around 0.

    Args:
        epsilon: Added to the variance.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1812.04948, eq. 1.
    """

    def __init__(self, epsilon=1e-8, **kwargs):
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, input_shape):
        """Makes A."""
        maps, w = input_shape
        self.style = EqualizedDense(2 * maps[-1], dtype="float32", name="style")
        self.style.build(w)

    def call(self, inputs):
        """`[maps, w]` to maps; w is `(batch, style_dim)`."""
        x, w = inputs
        scale, shift = ops.split(self.style(w)[:, None, None], 2, axis=-1)
        return ops.cast((scale + 1.0) * self.normalised(x) + shift, x.dtype)

    def normalised(self, x):
        """Maps of mean 0 and variance 1, float32."""
        return each_normalized(x, self.epsilon)

    def compute_output_shape(self, input_shape):
        """The shape of the maps."""
        return input_shape[0]

    def get_config(self):
        """The constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon}


def _styled(x, w, name):
    x = StyleNoise(per_channel=True, name=f"{name}_noise")(x)
    x = leaky_relu(name)(ChannelBias(name=f"{name}_bias")(x))
    return AdaptiveInstanceNormalization(name=f"{name}_style")([x, w])

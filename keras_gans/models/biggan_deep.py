"""BigGAN-deep: BigGAN with four times the depth in bottleneck blocks.

Brock, Donahue and Simonyan 2018, arXiv 1809.11096, appendix B. The generator is laid
out as the authors' published weights are (github.com/huggingface/
pytorch-pretrained-BigGAN), the discriminator as in github.com/ajbrock/BigGAN-PyTorch.
"""

import itertools

import keras
from keras import layers

from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.layers import SpectralParts
from keras_gans.models.biggan import BigGAN, discriminator_widths, generator_widths


@keras.saving.register_keras_serializable("keras_gans")
class BigGANDeep(BigGAN):
    """BigGAN's game between deeper, narrower networks.

    Losses, steps and truncation are BigGAN's. A block squeezes its maps to a quarter
    of the channels, passes two 3x3 convolutions and widens them again; a shortcut keeps
    the first channels (generator) or adds new ones (discriminator), without weights
    where it can. All of z and the class's embedding go to every block.

    As in the published weights the generator's last convolution has `base_channels`
    filters, of which the first are the image; epsilons are 1e-4; and in inference the
    generator takes the vectors of the spectral normalisation as they are.

    Args:
        image_shape: `(size, size, channels)` with a size of 16, 32, 64, 128, 256 or
            512.
        latent_dim: Length of z ~ N(0, 1); 128.
        num_classes: Number of classes.
        base_channels: Channels at full resolution of the larger networks; 128.
        shared_dim: Length of the embedding of a class; 128.
        depth: Blocks at each size of map; 2.
        attention: Sizes of maps after which self-attention follows, as in `BigGAN`.
        initializer: As in `BigGAN`.
        discriminator_steps: As in `BigGAN`; 2.
        orthogonal_weight: As in `BigGAN`; 1e-4.
        generator: Your own, as in `BigGAN`.
        discriminator: Your own, as in `BigGAN`.
        ema_decay: As in `BigGAN`; 0.9999.
        ema_start: As in `BigGAN`; 0.
        seed: Integer from which all random numbers follow.

    Trains on: `(images, labels)`, as `BigGAN`.

    Logs: `discriminator_loss`, `generator_loss`, `orthogonality` (times its weight).

    Raises:
        ValueError: for a size that the networks cannot make.

    Example:

    >>> gan = BigGANDeep((32, 32, 3), 32, num_classes=10, base_channels=16)
    >>> gan.compile()
    >>> gan.fit(images, labels, batch_size=64, epochs=50)

    Reference: arXiv 1809.11096, appendix B.
    """

    def __init__(
        self,
        image_shape=(128, 128, 3),
        latent_dim=128,
        num_classes=1000,
        base_channels=128,
        shared_dim=128,
        depth=2,
        attention=None,
        initializer="orthogonal",
        discriminator_steps=2,
        orthogonal_weight=1e-4,
        generator=None,
        discriminator=None,
        ema_decay=0.9999,
        ema_start=0,
        seed=0,
        **kwargs,
    ):
        # Not BigGAN's constructor, which has a choice of conditionings.
        AdversarialModel.__init__(
            self, image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.base_channels = base_channels
        self.shared_dim = shared_dim
        self.depth = depth
        self.attention = None if attention is None else tuple(attention)
        self.initializer = initializer
        self.discriminator_steps = discriminator_steps
        self.orthogonal_weight = orthogonal_weight
        self.ema_start = ema_start
        self.set_networks(
            discriminator=discriminator or self.paper_discriminator,
            generator=generator or self.paper_generator,
        )

    def paper_generator(self):
        """The paper's generator for these arguments, with new weights."""
        return build_generator(
            self.image_shape,
            self.latent_dim,
            self.num_classes,
            self.base_channels,
            self.shared_dim,
            *_paper_blocks(self.image_shape, self.depth, self.attention_sizes()),
            SpectralParts(self.initializer, 1e-4, stored=True, norm_epsilon=1e-4),
        )

    def paper_discriminator(self):
        """The reference's discriminator for these arguments, with new weights."""
        return build_discriminator(
            self.image_shape,
            self.num_classes,
            self.base_channels,
            self.depth,
            self.attention_sizes(),
            SpectralParts(self.initializer),
        )


def build_generator(
    image_shape,
    latent_dim,
    num_classes,
    base_channels,
    shared_dim,
    blocks,
    attention_after,
    parts,
    wide_image=True,
):
    """(z, y) -> 4x4 map -> bottleneck blocks, each told z and y -> tanh image.

    Args:
        image_shape: `(height, width, channels)`.
        latent_dim: Length of z.
        num_classes: Number of classes.
        base_channels: Channels at full resolution.
        shared_dim: Length of the embedding of a class.
        blocks: `(doubles, width in, width out)` of each block, widths as multiples of
            `base_channels`.
        attention_after: Numbers of the blocks after which self-attention follows.
        parts: `SpectralParts`.
        wide_image: Whether the last convolution has `base_channels` filters.

    Returns:
        A `keras.Model` from `(latents, labels)` to images.
    """
    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    y = parts.shared_embedding(num_classes, shared_dim)(labels)
    condition = layers.Concatenate(name="condition")([y, latents])
    x = parts.coarse_map(condition, blocks[0][1] * base_channels)
    for i, (up, _, width) in enumerate(blocks):
        x = _block_up(x, width * base_channels, up, condition, f"block_{i}", parts)
        if i in attention_after:
            x = parts.attention(f"block_{i}_attention")(x)
    x = layers.ReLU()(parts.norm("output_norm")(x))
    filters = max(base_channels, image_shape[-1]) if wide_image else image_shape[-1]
    x = parts.conv(filters, 3, "to_image")(x)[..., : image_shape[-1]]
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model((latents, labels), images, name="generator")


def build_discriminator(
    image_shape, num_classes, base_channels, depth, attention, parts
):
    """(x, y) -> bottleneck blocks, some at each size -> sum -> projection."""
    widths, halvings = discriminator_widths(image_shape)
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    x = parts.conv(widths[0] * base_channels, 3, "stem")(images)
    for i, width in enumerate(widths[1:]):
        for j in range(depth):
            name, down = f"block_{depth * i + j}", j == 0 and i < halvings
            x = _block_down(x, width * base_channels, down, name, parts)
        if x.shape[1] in attention:
            x = parts.attention(f"{name}_attention")(x)
    logits = parts.projection(x, labels, num_classes)
    return keras.Model((images, labels), logits, name="discriminator")


def _paper_blocks(image_shape, depth, attention):
    # At each size blocks that keep it, and one that doubles it.
    blocks, after, size = [], [], 4
    for before, width in itertools.pairwise(generator_widths(image_shape)):
        blocks += [(False, before, before)] * (depth - 1) + [(True, before, width)]
        size *= 2
        if size in attention:
            after.append(len(blocks) - 1)
    return blocks, after


def _block_up(x, channels, up, condition, name, parts):
    hidden = max(x.shape[-1] // 4, 1)
    skip = x[..., :channels]

    def normalised(x, i):
        x = parts.conditional_norm(x, condition, f"{name}_norm_{i}")
        return layers.ReLU()(x)

    x = parts.conv(hidden, 1, f"{name}_conv_0")(normalised(x, 0))
    x = normalised(x, 1)
    if up:
        x = layers.UpSampling2D(name=f"{name}_up")(x)
        skip = layers.UpSampling2D(name=f"{name}_skip_up")(skip)
    x = parts.conv(hidden, 3, f"{name}_conv_1")(x)
    x = parts.conv(hidden, 3, f"{name}_conv_2")(normalised(x, 2))
    x = parts.conv(channels, 1, f"{name}_conv_3")(normalised(x, 3))
    return layers.Add(name=name)([x, skip])


def _block_down(x, channels, down, name, parts):
    skip, hidden = x, max(channels // 4, 1)
    x = parts.conv(hidden, 1, f"{name}_conv_0")(layers.ReLU()(x))
    x = parts.conv(hidden, 3, f"{name}_conv_1")(layers.ReLU()(x))
    x = parts.conv(hidden, 3, f"{name}_conv_2")(layers.ReLU()(x))
    x = layers.ReLU()(x)
    if down:
        x = layers.AveragePooling2D(2, name=f"{name}_down")(x)
        skip = layers.AveragePooling2D(2, name=f"{name}_skip_down")(skip)
    x = parts.conv(channels, 1, f"{name}_conv_3")(x)
    if skip.shape[-1] < channels:
        added = parts.conv(channels - skip.shape[-1], 1, f"{name}_skip")(skip)
        skip = layers.Concatenate(name=f"{name}_wider")([skip, added])
    return layers.Add(name=name)([x, skip])

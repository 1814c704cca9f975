"""BigGAN: class-conditional images by scale, and truncation to trade variety away.

Brock, Donahue and Simonyan 2018, arXiv 1809.11096. Networks and training step are those
of the first author's PyTorch code (github.com/ajbrock/BigGAN-PyTorch), which SAGAN and
BigGAN-deep share.
"""

import keras
from keras import layers, ops

from keras_gans import losses
from keras_gans.core import gradients
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.random import CounterStream
from keras_gans.layers import SpectralParts, average_statistics

# Multiples of base_channels: what comes in, and what each doubling block puts out.
_GENERATOR_WIDTHS = {
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
    256: (16, 16, 8, 8, 4, 2, 1),
    512: (16, 16, 8, 8, 4, 2, 1, 1),
}
# What each block puts out, and how many of them halve the map.
_DISCRIMINATOR_WIDTHS = {
    16: ((4, 4, 4), 2),
    32: ((4, 4, 4, 4), 2),
    64: ((1, 2, 4, 8, 16), 4),
    128: ((1, 2, 4, 8, 16, 16), 5),
    256: ((1, 2, 4, 8, 8, 16, 16), 6),
    512: ((1, 1, 2, 4, 8, 8, 16, 16), 7),
}
_CONDITIONINGS = ("hierarchical", "shared", "tables")


@keras.saving.register_keras_serializable("keras_gans")
class BigGAN(AdversarialModel):
    """A hinge game of spectrally normalised residual networks that know the class.

    The discriminator minimises E relu(1 - D(x, y)) + E relu(1 + D(G(z, y'), y')), the
    generator -E D(G(z, y'), y') + beta R, with y' uniform over the classes and R the
    deviation of its weights from orthogonal rows (`losses.orthogonality`). Real images
    and fakes are judged in one call, as in the reference: each call moves the vectors
    of the spectral normalisation once.

    D(x, y) is the sum of a linear function of the features h(x) and of <e(y), h(x)>
    with an embedding e of classes. G scales and shifts its normalised maps by linear
    functions of the class's embedding and of a part of z.

    `sample(truncation=t)` bounds the coordinates of z by t; call
    `standing_statistics(t)` first, so that the batch statistics are those of such z.

    Args:
        image_shape: `(size, size, channels)` with a size of 16, 32, 64, 128, 256 or
            512. (16 and the discriminator for 512 continue the reference's tables.)
        latent_dim: Length of z ~ N(0, 1); 120. With `"hierarchical"` conditioning a
            multiple of the number of blocks plus one: of 3, 4, 5, 6, 7 or 8.
        num_classes: Number of classes.
        base_channels: Channels at full resolution of the larger networks; 96.
        conditioning: `"hierarchical"`: each block is given the class's shared embedding
            and a part of z of its own; `"shared"`: the embedding alone; `"tables"`:
            one gain and one offset per class in each block, starting at 0 (CIFAR-10).
        shared_dim: Length of the shared embedding; 128.
        attention: Sizes of maps after which self-attention follows, in both networks;
            `None` for 64 (a generator of 256 pixels: 128), for images of 64 pixels 32,
            for smaller ones none.
        initializer: `"orthogonal"`, `"glorot_uniform"` or `"normal"` (deviation 0.02,
            the reference's choice for CIFAR-10).
        discriminator_steps: Discriminator updates per generator update, each on fresh
            data; 2.
        orthogonal_weight: beta; 1e-4. As in the reference it multiplies half of what
            the paper's penalty would contribute to the gradient.
        generator: Your own `keras.Model` from `(latents, labels)` to images in
            [-1, 1]; labels are integers of shape `(batch,)`. A layer of the name
            `shared_embedding` is left out of the penalty.
        discriminator: Your own from `(images, labels)` to scores `(batch, 1)`.
        ema_decay: Decay of the moving average of the generator, used for sampling;
            0.9999. Batch statistics and normalisation vectors are averaged too.
        ema_start: Generator updates before which the average is the generator itself;
            0. The reference uses 20,000 on ImageNet and 1,000 on CIFAR-10.
        seed: Integer from which all random numbers follow.

    Trains on: `(images, labels)`; images uint8 or floats in [-1, 1], labels integers in
    [0, num_classes) or one-hot rows. A data set yields `discriminator_steps` batches in
    one; `fit(images, labels, batch_size=64)` sees to that.

    Logs: `discriminator_loss`, `generator_loss`, `orthogonality` (times its weight).

    Raises:
        ValueError: for a size that the networks cannot make, a `latent_dim` that does
            not divide into parts, or an unknown conditioning or initializer.

    Example:

    >>> gan = BigGAN((32, 32, 3), 80, num_classes=10, base_channels=16, shared_dim=32)
    >>> gan.compile()
    >>> gan.fit(images, labels, batch_size=64, epochs=50)
    >>> gan.standing_statistics(truncation=0.5)
    >>> sharper = gan.sample(16, labels=3, truncation=0.5)

    Reference: arXiv 1809.11096, sections 3 and 4, appendix B.
    """

    reports = ("discriminator_loss", "generator_loss", "orthogonality")
    average_buffers = True
    serves_truncation = True

    def __init__(
        self,
        image_shape=(128, 128, 3),
        latent_dim=120,
        num_classes=1000,
        base_channels=96,
        conditioning="hierarchical",
        shared_dim=128,
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
        super().__init__(
            image_shape, latent_dim, num_classes, ema_decay, seed, **kwargs
        )
        self.base_channels = base_channels
        self.conditioning = conditioning
        self.shared_dim = shared_dim
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
            self.attention_sizes("generator"),
            SpectralParts(self.initializer),
            self.conditioning,
            self.shared_dim,
        )

    def paper_discriminator(self):
        """The paper's discriminator for these arguments, with new weights."""
        return build_discriminator(
            self.image_shape,
            self.num_classes,
            self.base_channels,
            self.attention_sizes(),
            SpectralParts(self.initializer),
        )

    def attention_sizes(self, network="discriminator"):
        """Sizes of maps with self-attention in one of the networks."""
        if self.attention is not None:
            return self.attention
        if self.image_shape[0] == 256 and network == "generator":
            return (128,)  # As the reference's configuration for 256 pixels.
        return {16: (), 32: (), 64: (32,)}.get(self.image_shape[0], (64,))

    @property
    def updates_per_batch(self):
        """Equal parts into which a step splits its batch."""
        return self.discriminator_steps

    def default_optimizers(self):
        """Adam with betas (0, 0.999): 5e-5 for the generator, 2e-4 for the other."""
        rates = {"discriminator": 2e-4, "generator": 5e-5}
        return {
            player: pytorch_adam(rate, beta_1=0.0) for player, rate in rates.items()
        }

    def average_decay(self):
        """0 in the first `ema_start` steps, so that the average is the generator."""
        if not self.ema_start:
            return self.ema_decay
        updates = ops.convert_to_tensor(self.generator_optimizer.iterations)
        return ops.where(updates >= self.ema_start, self.ema_decay, 0.0)

    def train_step(self, data):
        """Several updates of the discriminator, then one of the generator."""
        for real, labels in self.split(self.unpack(data), self.discriminator_steps):
            fake, drawn = self.generate_of_any_class(real)
            images = ops.concatenate([fake, real])
            classes = ops.concatenate([drawn, labels])

            def discriminator_losses(images=images, classes=classes):
                scores = self.in_training("discriminator")(
                    (images, classes), is_real=slice(ops.shape(images)[0] // 2, None)
                )
                of_fake, of_real = ops.split(scores, 2)
                loss = losses.hinge.discriminator(of_real, of_fake)
                return {"discriminator_loss": loss}

            self.update("discriminator", discriminator_losses)

        def generator_losses():
            fake = self.generate_of_any_class(real)
            score = self.in_training("discriminator")(fake)
            loss = losses.hinge.generator(score)
            return {"generator_loss": loss, **self.generator_penalties()}

        self.update("generator", generator_losses)
        return self.logs()

    def generate_of_any_class(self, real):
        """As many fakes as `real` has images, each of a class drawn uniformly."""
        count = ops.shape(real)[0]
        classes = self._draw_classes(count, self.seeds)
        return self.generate((real, classes), training=True)

    def _draw_classes(self, count, stream):
        drawn = ops.cast(stream.uniform((count,), 0.0, self.num_classes), "int32")
        # Rounded up to float32, the largest draw may be the bound itself.
        return ops.minimum(drawn, self.num_classes - 1)

    def generator_penalties(self):
        """What the generator minimises besides its score, by report name."""
        weights = [
            variable
            for variable in self.generator.trainable_variables
            if len(variable.shape) >= 2
            and "shared_embedding" not in variable.path.split("/")
        ]
        return {"orthogonality": self.orthogonal_weight * losses.orthogonality(weights)}

    def standing_statistics(self, truncation=None, batches=16, batch_size=64, seed=0):
        """Gives the sampling network the batch statistics of truncated latents.

        Moving statistics are those of the latents seen in training, and a moving
        average's lag behind its weights; with these it would render other latents
        wrongly. The next training step starts to move them back.

        Args:
            truncation: As for `sample`.
            batches: Number of batches to average over; 16 in the reference.
            batch_size: Images in each.
            seed: Integer; latents and classes, uniform over all, follow from it.

        Raises:
            ValueError: for a truncation that is not positive.
        """
        truncation = self._check_truncation(truncation)

        def inputs(number):
            stream = CounterStream(seed, first_row=number * batch_size)
            latents = self.draw_latents(batch_size, stream, truncation)
            return latents, self._draw_classes(batch_size, stream)

        with gradients.scope_of(self):
            average_statistics(self.sampler, map(inputs, range(batches)))


def build_generator(
    image_shape,
    latent_dim,
    num_classes,
    base_channels,
    attention,
    parts,
    conditioning="hierarchical",
    shared_dim=128,
):
    """(z, y) -> 4x4 map -> residual blocks doubling it, told y -> tanh image."""
    first, *widths = generator_widths(image_shape)
    latents = keras.Input((latent_dim,), name="latents")
    labels = keras.Input((), dtype="int32", name="labels")
    if conditioning not in _CONDITIONINGS:
        raise ValueError(
            f"conditioning is one of {', '.join(_CONDITIONINGS)}. Found: "
            f"{conditioning!r}."
        )
    z, conditions = latents, [(labels, num_classes)] * len(widths)
    if conditioning != "tables":
        y = parts.shared_embedding(num_classes, shared_dim)(labels)
        conditions = [y] * len(widths)
    if conditioning == "hierarchical":
        z, *chunks = _chunks(latents, latent_dim, len(widths) + 1)
        conditions = [
            layers.Concatenate(name=f"block_{i}_condition")([y, chunk])
            for i, chunk in enumerate(chunks)
        ]
    x = parts.coarse_map(z, first * base_channels)
    for i, (width, condition) in enumerate(zip(widths, conditions, strict=True)):
        x = _block_up(x, width * base_channels, condition, f"block_{i}", parts)
        if x.shape[1] in attention:
            x = parts.attention(f"block_{i}_attention")(x)
    x = layers.ReLU()(parts.norm("output_norm")(x))
    x = parts.conv(image_shape[-1], 3, "to_image")(x)
    images = layers.Activation("tanh", dtype="float32", name="images")(x)
    return keras.Model((latents, labels), images, name="generator")


def build_discriminator(image_shape, num_classes, base_channels, attention, parts):
    """(x, y) -> residual blocks halving the map -> sum over points -> projection."""
    widths, halvings = discriminator_widths(image_shape)
    images = keras.Input(image_shape, name="images")
    labels = keras.Input((), dtype="int32", name="labels")
    x = images
    for i, width in enumerate(widths):
        down, first = i < halvings, i == 0
        x = _block_down(x, width * base_channels, down, first, f"block_{i}", parts)
        # The reference's table for 32 pixels says 16 for each of the four blocks.
        if (16 if image_shape[0] == 32 else x.shape[1]) in attention:
            x = parts.attention(f"block_{i}_attention")(x)
    logits = parts.projection(x, labels, num_classes)
    return keras.Model((images, labels), logits, name="discriminator")


def _block_up(x, channels, condition, name, parts):
    # A 1x1 convolution and repeating the points commute: first the cheaper one.
    skip = parts.conv(channels, 1, f"{name}_skip")(x)
    skip = layers.UpSampling2D(name=f"{name}_skip_up")(skip)
    x = layers.ReLU()(parts.conditional_norm(x, condition, f"{name}_norm_0"))
    x = layers.UpSampling2D(name=f"{name}_up")(x)
    x = parts.conv(channels, 3, f"{name}_conv_0")(x)
    x = layers.ReLU()(parts.conditional_norm(x, condition, f"{name}_norm_1"))
    x = parts.conv(channels, 3, f"{name}_conv_1")(x)
    return layers.Add(name=name)([x, skip])


def _block_down(x, channels, down, first, name, parts):
    skip = x
    if down:
        # Commutes with the 1x1 convolution, as in _block_up.
        skip = layers.AveragePooling2D(2, name=f"{name}_skip_down")(skip)
    if down or x.shape[-1] != channels:
        skip = parts.conv(channels, 1, f"{name}_skip")(skip)
    # The first block begins with a convolution: its input is the image itself.
    x = x if first else layers.ReLU()(x)
    x = layers.ReLU()(parts.conv(channels, 3, f"{name}_conv_0")(x))
    x = parts.conv(channels, 3, f"{name}_conv_1")(x)
    if down:
        x = layers.AveragePooling2D(2, name=f"{name}_down")(x)
    return layers.Add(name=name)([x, skip])


def _chunks(latents, latent_dim, count):
    if latent_dim % count:
        near = latent_dim - latent_dim % count or count
        raise ValueError(
            f"z is cut into {count} equal parts, one for each block and one for the "
            f"first map: use latent_dim={near} or another multiple. Found: "
            f"{latent_dim}."
        )
    return ops.split(latents, count, axis=1)


def generator_widths(image_shape):
    """Multiples of the base channels, from the 4x4 map to the image.

    Raises:
        ValueError: for a size that is none of the paper's.
    """
    return _GENERATOR_WIDTHS[_size_of(image_shape)]


def discriminator_widths(image_shape):
    """Multiples of the base channels of each block, and how many halve the map."""
    return _DISCRIMINATOR_WIDTHS[_size_of(image_shape)]


def _size_of(image_shape):
    sizes = tuple(_GENERATOR_WIDTHS)
    square = len(image_shape) == 3 and image_shape[0] == image_shape[1]
    if square and image_shape[0] in sizes:
        return image_shape[0]
    raise ValueError(
        "These networks make square images of 16, 32, 64, 128, 256 or 512 pixels. "
        f"Found the shape {tuple(image_shape)}: resize the images."
    )

"""3D-GAN: shapes from latents, by convolutions of three dimensions.

Wu, Zhang, Xue, Freeman and Tenenbaum 2016, arXiv 1610.07584. The networks are those of
the authors' release (github.com/zck119/3dgan-release), which has no training: that is
the paper's.
"""

import keras
from keras import layers, ops

from keras_gans import losses
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.core.pixels import scaled
from keras_gans.core.volumes import SampledVolumes
from keras_gans.layers import (
    BatchNormalization,
    Rescaling,
    SNConv3D,
    WholeMapConv3D,
    WholeMapConv3DTranspose,
)

PRIORS = ("uniform", "normal")
INITIALIZERS = ("normal", "glorot")
ARCHITECTURES = ("authors", "strided")
NORMALIZATIONS = ("batch", "spectral")


@keras.saving.register_keras_serializable("keras_gans")
class GAN3D(SampledVolumes, AdversarialModel):
    """A generator of occupancies, and a discriminator that is held back.

    The discriminator minimises E sp(-D(x)) + E sp(D(G(z))), the generator
    E sp(-D(G(z))), with sp(t) = log(1 + e^t). Volumes are harder to make than to tell
    apart, so the discriminator only learns in a batch if it was right about at most
    `gate` of the batch before, (E [D(x) > 0] + E [D(G(z)) < 0]) / 2. The generator
    always learns, from the same fakes.

    The paper works on occupancies in [0, 1]: the generator's sigmoid is mapped to
    [-1, 1] at its end and the discriminator maps back at its start.

    With the paper's rates the generator is unstable in small batches. For volumes of
    16 or 32 voxels a side and batches of 16 to 32: `prior="normal"`,
    `instance_noise=0.3`, `gate=None`, and Adam at 1e-3 for the generator and 2e-4 for
    the discriminator.

    Args:
        image_shape: `(side, side, side, channels)` of a volume, sides 4 * 2^n with
            n >= 1 (8, 16, 32, 64 ...); the paper's is (64, 64, 64, 1). The last side
            is up where volumes are drawn.
        latent_dim: Length of z; 200.
        base_channels: Channels at half the volume's resolution; they double with each
            halving, to 512 of 4^3 points. 64.
        prior: Of z: `"uniform"`, U(0, 1) in each coordinate, the authors'; or
            `"normal"`, N(0, 1).
        gate: The accuracy above which the discriminator rests, in (0, 1]; 0.8. With
            1, or `None`, it never does.
        instance_noise: Standard deviation of the noise on whatever the discriminator
            sees in training, where occupancies are 0 and 1; 0.
        initializer: Of the kernels: `"normal"`, N(0, 0.02), with scales from
            N(1, 0.02); or `"glorot"`, Glorot's uniform distribution.
        architecture: `"authors"`, which reaches a map of 4^3 points in one layer; or
            `"strided"`, which doubles and halves all the way between the volume and
            one point, and normalises the discriminator's first layer too, as
            github.com/xchhuang/simple-pytorch-3dgan does for 32 voxels a side.
        normalization: Of the discriminator: `"batch"`, the authors' layers; or
            `"spectral"`, kernels divided by their largest singular value (Miyato et
            al. 2018, arXiv 1802.05957) and biases. Then a discriminator that knows
            the volumes by heart still has a slope that the generator can follow.
        generator: Your own `keras.Model` from latents to volumes in [-1, 1].
        discriminator: Your own from volumes in [-1, 1] to logits `(batch, 1)`.
        ema_decay: Decay of a moving average of the generator, used for sampling.
        seed: Integer from which all random numbers follow.

    Trains on: volumes `(num, side, side, side, channels)`: bool, uint8 in [0, 255], or
    floats in [-1, 1]; labels in the data are ignored.

    Logs: `discriminator_loss`, `generator_loss`, `discriminator_accuracy`, and
    `discriminator_updates`, the share of batches in which the discriminator learned.

    Raises:
        ValueError: for a shape that the networks cannot make, an unknown prior or
            initializer, a gate or noise out of range, or an augmentation of pictures.

    Example:

    >>> gan = GAN3D(image_shape=(32, 32, 32, 1))
    >>> gan.compile()
    >>> gan.fit(volumes, batch_size=100, epochs=100)
    >>> chairs = gan.volumes(16, seed=7, largest=True)

    Reference: arXiv 1610.07584, section 3.1 and eq. 1.
    """

    reports = (
        "discriminator_loss",
        "generator_loss",
        "discriminator_accuracy",
        "discriminator_updates",
    )
    figures = ("discriminator_accuracy", "discriminator_updates")

    def __init__(
        self,
        image_shape=(64, 64, 64, 1),
        latent_dim=200,
        base_channels=64,
        prior="uniform",
        gate=0.8,
        instance_noise=0.0,
        initializer="normal",
        architecture="authors",
        normalization="batch",
        generator=None,
        discriminator=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        super().__init__(
            image_shape, latent_dim, ema_decay=ema_decay, seed=seed, **kwargs
        )
        check_arguments(
            prior, gate, instance_noise, initializer, kwargs.get("augmentation")
        )
        if architecture not in ARCHITECTURES:
            raise ValueError(
                f"architecture is 'authors' or 'strided'. Found: {architecture!r}."
            )
        if normalization not in NORMALIZATIONS:
            raise ValueError(
                f"normalization is 'batch' or 'spectral'. Found: {normalization!r}."
            )
        self.base_channels = base_channels
        self.prior = prior
        self.gate = gate
        self.instance_noise = instance_noise
        self.initializer = initializer
        self.architecture = architecture
        self.normalization = normalization
        self._begin(generator=generator, discriminator=discriminator)

    def _begin(self, generator, discriminator, **others):
        """The networks, and what is remembered of the batch before."""
        shape = (self.image_shape, self.base_channels)
        kind = (self.initializer, self.architecture)
        seen = (self.instance_noise, *kind, self.normalization)
        self.set_networks(
            discriminator=discriminator or (lambda: build_discriminator(*shape, *seen)),
            generator=generator
            or (lambda: build_generator(*shape, self.latent_dim, *kind)),
            **others,
        )
        # The mean over replicas of what each has seen: all rest together.
        self.last_accuracy = self.add_weight(
            shape=(),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
            name="last_accuracy",
        )

    def default_optimizers(self):
        """Adam with beta_1 0.5, at 1e-5 and 2.5e-3 (section 3.1 of the paper)."""
        return {
            "discriminator": pytorch_adam(1e-5),
            "generator": pytorch_adam(2.5e-3),
        }

    def draw_latents(self, num, stream, truncation=None):
        """Latents of the prior.

        Raises:
            ValueError: for a truncation of the uniform one, which has no tail.
        """
        if self.prior == "normal":
            return super().draw_latents(num, stream, truncation)
        if truncation is not None:
            raise ValueError("Uniform latents have no tail to truncate.")
        return stream.uniform((num, self.latent_dim))

    def train_step(self, data):
        """One update of the generator, and of the discriminator unless it rests."""
        real = self.unpack(data)
        learns = self.discriminator_learns()

        def generator_losses():
            fake = self.generate(real, training=True)
            held = ops.stop_gradient(fake)
            discriminator = self.in_training("discriminator")

            def discriminator_losses():
                # Two calls: batch statistics of real and fake must not mix.
                scores = discriminator(real, is_real=True), discriminator(held)
                return {
                    "discriminator_loss": losses.non_saturating.discriminator(*scores),
                    "discriminator_accuracy": accuracy(*scores),
                }

            found = self.update("discriminator", discriminator_losses, when=learns)
            self.remember(found["discriminator_accuracy"])
            loss = losses.non_saturating.generator(discriminator(fake))
            return {"generator_loss": loss}

        self.update("generator", generator_losses)
        self.note("discriminator_updates", 1.0 if learns is None else learns)
        return self.logs()

    def remember(self, accuracy):
        """Keeps the discriminator's accuracy, by which the next batch is decided."""
        if not self.evaluating:
            self.last_accuracy.assign(accuracy)

    def discriminator_learns(self):
        """Whether the discriminator was at most as good as the gate; `None` always."""
        if self.gate is None or self.evaluating:
            return None
        return self.last_accuracy + 0.0 <= self.gate

    def features(self, volumes, batch_size=64):
        """What the discriminator sees in volumes, for a classifier to stand on.

        The maps behind all convolutions but the first are reduced to 2^3 points by
        maximum pooling and laid side by side: 1024 + 2048 + 4096 = 7168 numbers for
        the paper's network and 64 voxels a side.

        Args:
            volumes: As for `fit`.
            batch_size: Volumes computed at a time.

        Returns:
            float32 numpy array `(num, features)`.

        Raises:
            ValueError: for volumes that the model was not built for, or for a network
                of your own without the layers `down_0_relu`, `down_1_relu` ...

        Example:

        >>> from sklearn.svm import LinearSVC
        >>> classifier = LinearSVC().fit(gan.features(volumes), labels)

        Reference: arXiv 1610.07584, section 4.2.
        """
        self.check_batch(volumes, None)
        network = feature_network(self.discriminator)
        return network.predict(
            ops.convert_to_numpy(scaled(volumes)), batch_size=batch_size, verbose=0
        )


def accuracy(real_logits, fake_logits):
    """(E [D(x) > 0] + E [D(G(z)) < 0]) / 2, for logits."""
    real = ops.mean(ops.cast(real_logits > 0, "float32"))
    fake = ops.mean(ops.cast(fake_logits < 0, "float32"))
    return 0.5 * (real + fake)


def build_generator(
    image_shape,
    base_channels,
    latent_dim,
    initializer="normal",
    architecture="authors",
):
    """z -> 4^3 map -> transposed convolutions doubling it -> sigmoid occupancies."""
    doublings = count_doublings(image_shape, architecture)
    channels = base_channels * 2 ** (doublings - 1)
    latents = keras.Input((latent_dim,), name="latents")
    x = layers.Reshape((1, 1, 1, latent_dim), name="as_map")(latents)
    if architecture == "authors":
        kernel = _kernel(initializer)
        x = WholeMapConv3DTranspose(channels, 4, name="project", **kernel)(x)
    else:
        x = _up(channels, "project", initializer)(x)
    x = _batch_norm("project_norm", initializer)(x)
    x = layers.ReLU(name="project_relu")(x)
    for i in range(doublings - 1):
        channels //= 2
        x = _up(channels, f"up_{i}", initializer)(x)
        x = _batch_norm(f"up_{i}_norm", initializer)(x)
        x = layers.ReLU(name=f"up_{i}_relu")(x)
    x = _up(image_shape[-1], "to_volume", initializer)(x)
    x = layers.Activation("sigmoid", dtype="float32", name="occupancies")(x)
    volumes = Rescaling(2.0, -1.0, dtype="float32", name="volumes")(x)
    return keras.Model(latents, volumes, name="generator")


def build_discriminator(
    image_shape,
    base_channels,
    instance_noise=0.0,
    initializer="normal",
    architecture="authors",
    normalization="batch",
):
    """Volume -> occupancies -> strided convolutions halving them -> one logit."""
    halvings = count_doublings(image_shape, architecture)
    strided, spectral = architecture == "strided", normalization == "spectral"
    down = _spectral_down if spectral else _down
    volumes = keras.Input(image_shape, name="volumes")
    x = Rescaling(0.5, 0.5, name="occupancies")(volumes)
    if instance_noise:
        x = layers.GaussianNoise(instance_noise, name="instance_noise")(x)
    for i in range(halvings):
        x = down(base_channels * 2**i, f"down_{i}", initializer)(x)
        if not spectral and (i > 0 or strided):
            x = _batch_norm(f"down_{i}_norm", initializer)(x)
        x = layers.LeakyReLU(0.2, name=f"down_{i}_relu")(x)
    if strided or spectral:
        # Of the 4^3 points that the authors' leaves, all at once.
        whole = {} if strided else {"padding": "valid"}
        x = down(1, "score", initializer, dtype="float32", **whole)(x)
    else:
        kernel = _kernel(initializer)
        x = WholeMapConv3D(1, 4, dtype="float32", name="score", **kernel)(x)
    logits = layers.Flatten(dtype="float32", name="logits")(x)
    return keras.Model(volumes, logits, name="discriminator")


def feature_network(discriminator):
    """A discriminator's pooled maps, as a network from volumes to flat features.

    Args:
        discriminator: What `build_discriminator` made.

    Raises:
        ValueError: for another network.
    """
    names = {layer.name for layer in getattr(discriminator, "layers", ())}
    maps = [f"down_{i}_relu" for i in range(16) if f"down_{i}_relu" in names]
    if not maps:
        raise ValueError(
            "The features are those of the paper's discriminator: yours has no layers "
            "down_0_relu, down_1_relu ..., the activations behind its convolutions."
        )
    pooled = []
    for name in maps[1:] or maps:
        x = discriminator.get_layer(name).output
        x = layers.MaxPooling3D(x.shape[1] // 2, dtype="float32")(x)
        pooled.append(layers.Flatten(dtype="float32")(x))
    features = layers.Concatenate(dtype="float32")(pooled) if pooled[1:] else pooled[0]
    return keras.Model(discriminator.input, features, name="features")


def count_doublings(image_shape, architecture="authors"):
    """How often 4 voxels a side, or 2 if `"strided"`, are doubled to the volume.

    Args:
        image_shape: `(side, side, side, channels)`.
        architecture: As for `GAN3D`.

    Raises:
        ValueError: when doubling does not lead there.
    """
    side = image_shape[0]
    doublings = (side // 4).bit_length() - 1
    if (
        len(image_shape) != 4
        or len(set(image_shape[:3])) != 1
        or doublings < 1
        or side != 4 * 2**doublings
    ):
        raise ValueError(
            "image_shape is (side, side, side, channels) with sides of 8, 16, 32, 64 "
            f"or 128 voxels: 4 is doubled to them. Found: {tuple(image_shape)}."
        )
    return doublings + (architecture == "strided")


def check_arguments(prior, gate, instance_noise, initializer, augmentation):
    """Refuses what no 3D-GAN can be made of.

    Raises:
        ValueError: naming the argument.
    """
    if prior not in PRIORS:
        raise ValueError(f"prior is 'uniform' or 'normal'. Found: {prior!r}.")
    if initializer not in INITIALIZERS:
        raise ValueError(
            f"initializer is 'normal' or 'glorot'. Found: {initializer!r}."
        )
    if gate is not None and not 0 < gate <= 1:
        raise ValueError(
            "gate is the accuracy above which the discriminator rests, in (0, 1], or "
            f"None. Found: {gate}."
        )
    if instance_noise < 0:
        raise ValueError(f"instance_noise is not negative. Found: {instance_noise}.")
    if augmentation is not None:
        raise ValueError(
            "Augmentations are of pictures, and these are volumes: leave "
            "augmentation= out."
        )


def _up(channels, name, initializer):
    return layers.Conv3DTranspose(
        channels, 4, strides=2, padding="same", name=name, **_kernel(initializer)
    )


def _down(channels, name, initializer, kind=layers.Conv3D, **kwargs):
    options = {"strides": 2, "padding": "same", **_kernel(initializer), **kwargs}
    return kind(channels, 4, name=name, **options)


def _spectral_down(channels, name, initializer, **kwargs):
    return _down(channels, name, initializer, SNConv3D, use_bias=True, **kwargs)


def _kernel(initializer):
    # A new one each time: one instance would give equal layers equal weights.
    kind = {
        "normal": lambda: keras.initializers.RandomNormal(stddev=0.02),
        "glorot": keras.initializers.GlorotUniform,
    }
    return {"use_bias": False, "kernel_initializer": kind[initializer]()}


def _batch_norm(name, initializer):
    scale = keras.initializers.RandomNormal(1.0, 0.02)
    return BatchNormalization(
        momentum=0.9,
        epsilon=1e-5,
        gamma_initializer=scale if initializer == "normal" else "ones",
        name=name,
    )

"""The parts of which SAGAN's, BigGAN's and BigGAN-deep's networks are made."""

from typing import NamedTuple

import keras
from keras import layers, ops

from keras_gans.layers.batch_normalization import BatchNormalization
from keras_gans.layers.conditional_batch_normalization import (
    ConditionalBatchNormalization,
)
from keras_gans.layers.self_attention import SelfAttention
from keras_gans.layers.spectral_normalization import SNConv2D, SNDense, SNEmbedding


class SpectralParts(NamedTuple):
    """How the layers of these networks are made.

    Attributes:
        initializer: `"orthogonal"`, `"glorot_uniform"` or `"normal"`.
        epsilon: For the norms of the spectral normalisation.
        stored: Whether inference uses its vectors as training left them.
        norm_epsilon: Added to the variance by batch normalisation.
    """

    initializer: str = "orthogonal"
    epsilon: float = 1e-12
    stored: bool = False
    norm_epsilon: float = 1e-5

    def weights(self):
        """A new initializer: one for two layers would give them equal weights."""
        makers = {
            "orthogonal": keras.initializers.Orthogonal,
            "glorot_uniform": keras.initializers.GlorotUniform,
            "normal": lambda: keras.initializers.RandomNormal(stddev=0.02),
        }
        if self.initializer not in makers:
            raise ValueError(
                f"initializer is one of {', '.join(makers)}. Found: "
                f"{self.initializer!r}."
            )
        return makers[self.initializer]()

    def _spectral(self):
        return {"epsilon": self.epsilon, "stored": self.stored}

    def dense(self, units, name, **kwargs):
        """A spectrally normalised dense layer."""
        kwargs = {"kernel_initializer": self.weights(), **self._spectral(), **kwargs}
        return SNDense(units, name=name, **kwargs)

    def conv(self, filters, kernel_size, name, **kwargs):
        """A spectrally normalised convolution that keeps the size of the map."""
        kwargs = {"kernel_initializer": self.weights(), **self._spectral(), **kwargs}
        return SNConv2D(filters, kernel_size, name=name, **kwargs)

    def attention(self, name):
        """Self-attention with normalised kernels."""
        return SelfAttention(
            kernel_initializer=self.weights(), name=name, **self._spectral()
        )

    def norm(self, name):
        """Batch normalisation with a learned scale and offset."""
        return BatchNormalization(momentum=0.9, epsilon=self.norm_epsilon, name=name)

    def conditional_norm(self, x, condition, name):
        """Batch normalisation with the gain and the offset of a condition.

        Args:
            x: Maps.
            condition: Vectors, of which gain and offset are linear functions; or a pair
                of integer labels and the number of classes, which has one row in a
                table for each.
            name: Name of the layer, and what its parts' names begin with.

        Returns:
            Maps.
        """
        scales = []
        for part in ("gain", "offset"):
            if isinstance(condition, tuple):
                labels, classes = condition
                table = layers.Embedding(
                    classes,
                    x.shape[-1],
                    embeddings_initializer="zeros",
                    name=f"{name}_{part}",
                )
                scales.append(table(labels))
            else:
                linear = self.dense(x.shape[-1], f"{name}_{part}", use_bias=False)
                scales.append(linear(condition))
        norm = ConditionalBatchNormalization(
            momentum=0.9, epsilon=self.norm_epsilon, name=name
        )
        return norm([x, *scales])

    def shared_embedding(self, num_classes, length):
        """A table of classes for all conditional normalisations; not normalised."""
        return layers.Embedding(
            num_classes,
            length,
            embeddings_initializer=self.weights(),
            name="shared_embedding",
        )

    def coarse_map(self, z, channels):
        """The 4x4 map where a generator starts."""
        x = self.dense(16 * channels, "linear")(z)
        return layers.Reshape((4, 4, channels), name="coarse_map")(x)

    def projection(self, x, labels, num_classes):
        """w h + b + <e(y), h> with h the sum of relu(x) over all points; float32.

        Args:
            x: Last maps of a discriminator.
            labels: Integers `(batch,)`.
            num_classes: Number of classes.

        Returns:
            Scores `(batch, 1)`.

        Reference: Miyato and Koyama 2018, arXiv 1802.05637, eq. 4.
        """
        h = ops.sum(ops.cast(layers.ReLU()(x), "float32"), axis=(1, 2))
        table = SNEmbedding(
            num_classes,
            x.shape[-1],
            embeddings_initializer=self.weights(),
            dtype="float32",
            name="embed",
            **self._spectral(),
        )
        linear = self.dense(1, "linear", dtype="float32")(h)
        return linear + ops.sum(table(labels) * h, axis=1, keepdims=True)

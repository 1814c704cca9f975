"""A small classifier, whose last hidden layer serves as features of small images."""

import keras
from keras import layers

from keras_gans.core.precision import under_policy
from keras_gans.core.random import seeded


@keras.saving.register_keras_serializable("keras_gans")
class ImageClassifier(keras.Model):
    """Two pairs of 3x3 convolutions, each halved by pooling, and one hidden layer.

    The zoo holds some of them, such as `mnist_cnn`, by which samples are measured
    without a network; `scripts/train_classifiers` makes them. Their distances say
    nothing outside the data they were trained on.

    Args:
        image_shape: `(height, width, channels)`, sides divisible by 4.
        num_classes: Number of classes.
        base_channels: Channels of the first two convolutions; twice as many follow.
        num_features: Width of the hidden layer, the features.
        seed: Integer; initial weights and dropout follow from it.

    Attributes:
        network: The functional `keras.Model` from images to `(features, logits)`.

    Example:

    >>> classifier = ImageClassifier((28, 28, 1), num_classes=10)
    >>> images = keras.ops.zeros((2, 28, 28, 1))
    >>> features, logits = classifier(images)
    >>> tuple(features.shape), tuple(logits.shape)
    ((2, 128), (2, 10))
    """

    def __init__(
        self,
        image_shape=(28, 28, 1),
        num_classes=10,
        base_channels=32,
        num_features=128,
        seed=0,
        **kwargs,
    ):
        # Rounded by the bfloat16 of a training, distances would be others.
        with under_policy("float32"):
            super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.num_classes = num_classes
        self.base_channels = base_channels
        self.num_features = num_features
        self.seed = seed
        with seeded(f"{seed}/classifier"), under_policy("float32"):
            self.network = build_classifier(
                self.image_shape, num_classes, base_channels, num_features
            )
        self.built = True

    def call(self, images, training=None):
        """Features after their ReLU, and logits.

        Args:
            images: Grey levels in [0, 255], uint8 or float,
                `(batch, *image_shape)`.
            training: Whether dropout and batch statistics are at work.

        Returns:
            `(features, logits)`: `(batch, num_features)` and `(batch, num_classes)`.
        """
        return self.network(images, training=bool(training))

    def get_config(self):
        """The constructor's arguments."""
        names = ("num_classes", "base_channels", "num_features", "seed")
        return {
            "image_shape": list(self.image_shape),
            **{name: getattr(self, name) for name in names},
        }


def build_classifier(image_shape, num_classes, base_channels, num_features):
    """Images of [0, 255] -> convolutions -> hidden ReLU features -> logits."""
    images = keras.Input(image_shape, name="images")
    x = layers.Rescaling(1 / 127.5, -1.0, name="to_unit_range")(images)
    for i in range(2):
        for j in range(2):
            name = f"conv_{i}_{j}"
            x = layers.Conv2D(
                base_channels * 2**i, 3, padding="same", use_bias=False, name=name
            )(x)
            x = layers.ReLU(name=f"{name}_relu")(_norm(f"{name}_norm")(x))
        x = layers.MaxPooling2D(name=f"pool_{i}")(x)
    x = layers.Flatten(name="flat")(x)
    # Without normalisation here it needs several times as many epochs.
    x = layers.Dense(num_features, use_bias=False, name="hidden")(x)
    features = layers.ReLU(name="features")(_norm("hidden_norm")(x))
    x = layers.Dropout(0.3, name="features_dropout")(features)
    logits = layers.Dense(num_classes, dtype="float32", name="logits")(x)
    return keras.Model(images, (features, logits), name="classifier")


def _norm(name):
    # The digits are 45 batches an epoch: Keras' 0.99 would lag behind.
    return layers.BatchNormalization(momentum=0.9, name=name)

"""Feature extractors: the networks through which images are compared."""

import dataclasses
import os

import numpy as np
import tqdm

from keras_gans.metrics.result import FID_EXTRACTOR, Protocol

# Shipped in the zoo; `fashion_mnist_cnn` is for the data set `fashion_mnist`.
CLASSIFIERS = (
    "digits_cnn",
    "mnist_cnn",
    "usps_cnn",
    "fashion_mnist_cnn",
    "fairface_cnn",
)
EXTRACTORS = (*CLASSIFIERS, FID_EXTRACTOR, "keras_inception", "pixels")


@dataclasses.dataclass(frozen=True)
class Features:
    """What an extractor says of images.

    Args:
        rows: float32 `(samples, dimensions)`.
        logits: float32 `(samples, classes)`, or `None` without a classifier.
    """

    rows: np.ndarray
    logits: np.ndarray | None = None

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        logits = None if self.logits is None else self.logits[index]
        return Features(self.rows[index], logits)


class FeatureExtractor:
    """Images in, features out, with all that makes the figures comparable.

    Args:
        name: What figures call it, as `"mnist_cnn"`.
        network: Function from float32 images `(batch, *image_shape)` in [0, 255] to
            `(features, logits)`, or to features alone.
        image_shape: `(height, width, channels)` that the network takes; images of
            other sizes are resized, grey ones repeated for three channels. `None`
            takes images as they are.
        weights_hash: Hexadecimal hash of its weights.
        resize: `"clean"`, `"legacy_tensorflow"` or `"legacy_pytorch"`; see
            `keras_gans.metrics.resize`.
        batch_size: Images per call of the network.
    """

    def __init__(
        self,
        name,
        network,
        image_shape=None,
        weights_hash=None,
        resize="clean",
        batch_size=250,
    ):
        self.name = name
        self.network = network
        self.image_shape = None if image_shape is None else tuple(image_shape)
        self.weights_hash = weights_hash
        self.resize = resize
        self.batch_size = batch_size

    def __call__(self, images, progress=None):
        """Features of images.

        Args:
            images: uint8 `(samples, height, width, channels)`.
            progress: What the bar on a terminal says; `None` for no bar.

        Returns:
            `Features`.

        Raises:
            ValueError: for anything but uint8 images, for none, or channels that do
                not fit.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 4 or not len(images):
            raise ValueError(
                "Metrics compare uint8 images (samples, height, width, channels), as "
                "they are stored and served; keras_gans.data.to_uint8 makes them. "
                f"Found {images.dtype} of shape {images.shape}."
            )
        found = []
        # A bar on a terminal, nothing in a file.
        hidden = True if progress is None else None
        with tqdm.tqdm(
            total=len(images), desc=progress, unit="image", disable=hidden, leave=False
        ) as bar:
            for start in range(0, len(images), self.batch_size):
                batch = images[start : start + self.batch_size]
                found.append(self._batch(batch))
                bar.update(len(batch))
        rows, logits = zip(*found, strict=True)
        joined = None if logits[0] is None else np.concatenate(logits)
        return Features(np.concatenate(rows), joined)

    def protocol(self, reference=None):
        """`Protocol` of its figures.

        Args:
            reference: What the real images are, `"mnist/test/28"`.
        """
        resize = None if self.image_shape is None else self.resize
        return Protocol(self.name, self.weights_hash, resize, reference)

    def _batch(self, images):
        import keras

        found = self.network(self._fitted(images))
        found = found if isinstance(found, (tuple, list)) else (found, None)
        return tuple(
            None if part is None else keras.ops.convert_to_numpy(part).astype("float32")
            for part in found
        )

    def _fitted(self, images):
        from keras_gans.metrics.resizing import resize

        if self.image_shape is None:
            return images
        *size, channels = self.image_shape
        if images.shape[-1] == 1 and channels == 3:
            images = np.repeat(images, 3, axis=-1)
        if images.shape[-1] != channels:
            raise ValueError(
                f"{self.name} looks at images of {channels} channel(s), found "
                f"{images.shape[-1]}. Choose another extractor: "
                f"{', '.join(EXTRACTORS)}."
            )
        return resize(images, tuple(size), self.resize)


def extractor(name, resize="clean"):
    """The extractor of a name.

    Args:
        name: One of `EXTRACTORS`:

            * `"digits_cnn"`, `"mnist_cnn"`, `"usps_cnn"`, `"fashion_mnist_cnn"`: the
              zoo's classifiers; 128 features after the ReLU of the hidden layer.
            * `"inception_2015"`: the network of published FIDs, 2048 features. Its
              weights are downloaded and converted once; see
              `keras_gans.metrics.inception.load_inception`.
            * `"keras_inception"`: `keras.applications.InceptionV3`, which is another
              network and gives other figures; downloaded by Keras.
            * `"pixels"`: the images themselves, in [0, 1].

            Or the folder or address of a preset that holds an `ImageClassifier`.
        resize: How images are brought to its size: `"clean"`,
            `"legacy_tensorflow"` or `"legacy_pytorch"`.

    Returns:
        `FeatureExtractor`.

    Raises:
        ValueError: for a name that is neither, a preset of something else, or an
            unknown way to resize.
        RuntimeError: when weights cannot be downloaded.

    Example:

    >>> pixels = extractor("pixels")
    >>> pixels(np.zeros((2, 4, 4, 1), "uint8")).rows.shape
    (2, 16)
    """
    from keras_gans.metrics import inception
    from keras_gans.metrics.resizing import RESIZE_MODES

    if resize not in RESIZE_MODES:
        raise ValueError(f"resize is one of {RESIZE_MODES}. Found: {resize!r}.")
    if name == "pixels":
        return FeatureExtractor(name, _flat_pixels, batch_size=10_000)
    if name == FID_EXTRACTOR:
        network, digest = inception.load_inception(resize)
    elif name == "keras_inception":
        network, digest = inception.load_keras_inception()
    else:
        return _classifier(name, resize)
    # predict_on_batch compiles the network on both backends.
    run = network.predict_on_batch
    return FeatureExtractor(name, run, (299, 299, 3), digest[:16], resize, 50)


def default_extractor(data, image_shape):
    """The name of the extractor that suits a data set, by its name and its images.

    Args:
        data: Name of the data set.
        image_shape: `(height, width, channels)`.
    """
    own = f"{data}_cnn"
    return own if own in CLASSIFIERS and image_shape[-1] == 1 else FID_EXTRACTOR


def _classifier(name, resize):
    from keras_gans.core import download, presets, safe_config
    from keras_gans.metrics.classifier import ImageClassifier

    is_name = safe_config.PRESET_NAME.fullmatch(str(name))
    known = (*safe_config.read_index(), *EXTRACTORS)
    if is_name and name not in known and not os.path.isdir(name):
        raise ValueError(
            f"There is no extractor {name!r}. Known: {', '.join(EXTRACTORS)}; or the "
            "folder of a classifier's preset."
        )
    model = presets.load_from_preset(name, expected_class=ImageClassifier)
    weights = download.fetch(name) / presets.WEIGHTS
    return FeatureExtractor(
        str(name).rstrip("/").rpartition("/")[2],
        model.network.predict_on_batch,
        model.image_shape,
        safe_config.file_facts(weights)["sha256"][:16],
        resize,
    )


def _flat_pixels(images):
    return images.reshape(len(images), -1).astype("float32") / 255

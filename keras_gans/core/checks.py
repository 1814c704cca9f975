"""What is said about data that a system cannot train on, before any of it is used."""

import keras
import numpy as np

from keras_gans.core import gradients


def is_array(x):
    """Whether `x` holds all its samples at once, rather than yielding batches.

    So do an array and a tuple of arrays, such as `(images, labels)` of one domain.
    """
    parts = x if isinstance(x, tuple) and x else (x,)
    return all(hasattr(part, "shape") and hasattr(part, "dtype") for part in parts)


def check_arrays(model, images, labels):
    """Checks a whole array of images, and labels where the system is conditional.

    Raises:
        ValueError: naming what was found and the fix.
        TypeError: for several arrays in the place of the images.
    """
    if isinstance(images, tuple):
        raise TypeError(
            f"{type(model).__name__} takes its images as one array: call "
            f"fit(images{', labels' if model.is_conditional else ''})."
        )
    check_images(images, model.image_shape)
    if not model.is_conditional:
        return
    if labels is None and model.label_width is not None:
        raise ValueError(
            f"{type(model).__name__} is conditioned on {model.label_width} attributes: "
            "call fit(images, attributes)."
        )
    if labels is None:
        raise ValueError(
            f"{type(model).__name__} is conditioned on {model.num_classes} classes: "
            "call fit(images, labels)."
        )
    if len(labels) != len(images):
        raise ValueError(f"There are {len(images)} images and {len(labels)} labels.")
    if model.label_width is not None:
        check_attributes(labels, model.label_width)
    else:
        check_labels(labels, model.num_classes)


def check_images(images, image_shape):
    """Checks shape, dtype and range of a batch or an array of images.

    Args:
        images: Array of shape `(batch, *image_shape)`.
        image_shape: Tuple.

    Raises:
        ValueError: for an empty array, a wrong shape, NaNs, or floats that do not lie
            in [-1, 1] (floats of [0, 1] and [0, 255] are recognised as such).
    """
    check_shape(tuple(images.shape), image_shape)
    dtype = keras.backend.standardize_dtype(images.dtype)
    if dtype in ("uint8", "bool"):
        return
    if not dtype.startswith(("float", "bfloat")):
        raise ValueError(
            f"Images are uint8 in [0, 255] or floats in [-1, 1]. Found dtype {dtype}: "
            "convert them with images.astype('uint8')."
        )
    low, high = _range_of(images)
    if not np.isfinite([low, high]).all():
        raise ValueError(
            "The images contain NaN or infinite values; find them with "
            "np.argwhere(~np.isfinite(images))."
        )
    tolerance = 1e-3  # Resampling and float16 storage overshoot by this much.
    if low >= -1 - tolerance and high <= 1 + tolerance and (low < 0 or low == high):
        return
    found = f"Float images must lie in [-1, 1]. Found values in [{low:g}, {high:g}]"
    if low >= 0 and high <= 1 + tolerance:
        raise ValueError(f"{found}, which looks like [0, 1]: pass 2 * images - 1.")
    if low >= 0 and high <= 256:
        raise ValueError(
            f"{found}, which looks like [0, 255]: pass images.astype('uint8') or "
            "images / 127.5 - 1."
        )
    raise ValueError(f"{found}: rescale them to [-1, 1].")


def check_sampling_network(network, image_shape, latent_dim):
    """Checks that a generator of the user's makes the images that the system expects.

    Args:
        network: Built `keras.Model`; one that does not know its shapes is let through.
        image_shape: Tuple.
        latent_dim: Length of a latent vector.

    Raises:
        ValueError: when latents or images have another shape.
    """
    if not hasattr(network, "inputs"):
        return
    latents = tuple(keras.tree.flatten(network.inputs)[0].shape[1:])
    images = tuple(keras.tree.flatten(network.outputs)[0].shape[1:])
    if latents != (latent_dim,) or images != image_shape:
        raise ValueError(
            f"The {network.name} makes {images} from {latents}; the system was built "
            f"for images {image_shape} from latents {(latent_dim,)}."
        )


def check_labels(labels, num_classes):
    """Checks integer labels of shape `(batch,)`, or one-hot `(batch, num_classes)`.

    Raises:
        ValueError: for another dtype, shape or range.
    """
    labels = keras.ops.convert_to_numpy(labels)
    if labels.ndim == 2 and labels.shape[1] == num_classes:
        one_hot = np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()
        if not one_hot:
            raise ValueError(
                "Labels of two dimensions must be one-hot rows of 0 and 1."
            )
        return
    if labels.ndim != 1:
        raise ValueError(
            f"Labels have the shape (batch,) or (batch, {num_classes}). Found: "
            f"{labels.shape}."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            f"Labels are integers in [0, {num_classes}). Found dtype {labels.dtype}: "
            "convert them with labels.astype('int32')."
        )
    low, high = labels.min(), labels.max()
    if low < 0 or high >= num_classes:
        raise ValueError(
            f"Labels lie in [0, {num_classes}) for num_classes={num_classes}. Found: "
            f"[{low}, {high}]."
        )


def check_attributes(labels, width):
    """Checks vectors of attributes, `(batch, width)` numbers.

    Raises:
        ValueError: for another shape, or values that are not finite.
    """
    labels = keras.ops.convert_to_numpy(labels)
    if labels.ndim != 2 or labels.shape[1] != width:
        raise ValueError(
            f"Attributes have the shape (batch, {width}). Found: {labels.shape}."
        )
    if not np.isfinite(labels.astype("float64")).all():
        raise ValueError("The attributes contain NaN or infinite values.")


def check_batch_size(model, size):
    """Checks that a step's batch can be shared by replicas and by updates.

    Raises:
        ValueError: for a batch smaller than the replicas or not divisible.
    """
    replicas = gradients.count_replicas(model)
    updates = model.updates_per_batch
    if size < 1 or size < replicas:
        raise ValueError(
            f"A batch of {size} leaves nothing for some of {replicas} replicas: use a "
            f"batch size of at least {replicas * updates}."
        )
    if size % (replicas * updates):
        per_replica = f" on each of {replicas} replicas" if replicas > 1 else ""
        raise ValueError(
            f"A batch of {size} cannot be split into {updates} equal updates"
            f"{per_replica}: batch by a multiple of {replicas * updates}."
        )


def check_data_set(model, data):
    """Checks the first batch of a data set, and that its batches have one size.

    Returns:
        Samples in a batch; `None` if looking would use them up.

    Raises:
        ValueError: for an empty data set, or as for arrays.
        TypeError: for something that yields no batches.
    """
    spec = getattr(data, "element_spec", None)
    if spec is not None:
        image_spec = keras.tree.flatten(spec)[0]
        size = image_spec.shape[0]
        model.check_shape(tuple(image_spec.shape))
        if size is None and model.updates_per_batch > 1:
            raise ValueError(
                "The last batch of this data set may be smaller than the others: use "
                "batch(size, drop_remainder=True)."
            )
        first = next(iter(data.take(1)), None)
    elif isinstance(data, keras.utils.PyDataset):
        first = data[0] if data.num_batches != 0 else None
    else:
        # A generator: looking at its first batch would consume it.
        is_several = isinstance(data, (list, tuple, dict))
        if is_several or not hasattr(data, "__iter__"):
            raise TypeError(
                "fit takes arrays, a tf.data.Dataset or a keras.utils.PyDataset. "
                f"Found: {type(data).__name__}."
            )
        return None
    if first is None:
        raise ValueError("The data set is empty: it yields no batch.")
    images, labels, _ = keras.utils.unpack_x_y_sample_weight(first)
    size = int(keras.tree.flatten(images)[0].shape[0])
    check_batch_size(model, size)
    model.check_batch(images, labels)
    return size


def check_shape(found, image_shape):
    """Checks the shape of a batch or an array of images.

    Args:
        found: Its shape.
        image_shape: Tuple.

    Raises:
        ValueError: for another shape, or an empty array.
    """
    if tuple(found[1:]) != image_shape:
        fix = ""
        if len(found) == len(image_shape) and image_shape[-1:] == (1,):
            fix = " Add the channel axis: images[..., None]."
        elif len(found) == len(image_shape) + 1:
            fix = " Resize the images, or build the system with their image_shape."
        raise ValueError(
            f"The system was built for images of shape {image_shape}; the data has "
            f"{tuple(found[1:])} after the batch axis.{fix}"
        )
    if found[0] == 0:
        raise ValueError("The data set is empty: it holds no images.")


def _range_of(images):
    if isinstance(images, np.ndarray):
        return float(images.min()), float(images.max())
    images = keras.ops.cast(images, "float32")
    return float(keras.ops.min(images)), float(keras.ops.max(images))


def check_encoder(network, image_shape, latent_dim):
    """Checks that an encoder makes what the generator takes.

    Args:
        network: Built `keras.Model`; one that does not know its shapes is let through.
        image_shape: Tuple.
        latent_dim: Length of a latent vector.

    Raises:
        ValueError: when images or latents have another shape.
    """
    if not hasattr(network, "inputs"):
        return
    taken, made = network.inputs[0].shape[1:], network.outputs[0].shape[1:]
    if (taken, made) != (image_shape, (latent_dim,)):
        raise ValueError(
            f"The encoder makes {made} from {taken}; the system was built for latents "
            f"{(latent_dim,)} of images {image_shape}."
        )

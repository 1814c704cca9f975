"""What a server of an `AdversarialModel` answers to: latents, or a number of images."""

from keras_gans.core.random import CounterStream
from keras_gans.core.serving import PNG_CHANNELS, as_png

# A server must not be brought down by one request for a billion images.
MAX_IMAGES = 1024


def served_samples(model):
    """Functions that a server runs for a system that draws from latents.

    Signatures, all with a free batch dimension:

    * `serving_default`: `latents` float32 `(batch, latent_dim)`, for class-conditional
      systems also `labels` int32 `(batch,)`, for systems with attributes float32
      `(batch, label_width)` -> `images` float32.
    * `sample`: `num_images` int32 scalar in [1, 1024], `seed` int64 scalar >= 0, for
      conditional systems `labels` of `num_images` rows or one -> `images`, the same as
      `model.sample(num_images, seed, labels)`.
    * `sample_png`: the same inputs -> `image_bytes`, one PNG per image, which REST
      returns in base64. Absent where the data are no images.
    * `sample_truncated` and `sample_truncated_png`, for systems that live by it
      (`serves_truncation`): also `truncation`, a float32 scalar as for `model.sample`.

    Wrong shapes, numbers and labels fail the request with a message.

    Args:
        model: An `AdversarialModel`.

    Returns:
        Dict of signature to `(function, specifications of its inputs)`, and a dict of
        input to an example value.
    """
    import tensorflow as tf

    def spec(shape, dtype, name):
        return tf.TensorSpec(shape, dtype, name=name)

    labels = []
    if model.label_width is not None:
        labels = [spec((None, model.label_width), tf.float32, "labels")]
    elif model.is_conditional:
        labels = [spec((None,), tf.int32, "labels")]
    # The width is free here and checked inside: a generator that starts with a
    # reshape would otherwise take two latents of half the width for one.
    latents = [spec((None, None), tf.float32, "latents"), *labels]
    draws = [spec((), tf.int32, "num_images"), spec((), tf.int64, "seed"), *labels]

    def serving_default(latents, labels=None):
        return {"images": _images_of(model, latents, labels)}

    def sample(num_images, seed, labels=None):
        return {"images": sampled(model, num_images, seed, labels)}

    def sample_truncated(num_images, seed, truncation, labels=None):
        return {"images": sampled(model, num_images, seed, labels, truncation)}

    kinds = {"sample": (sample, draws)}
    if model.serves_truncation:
        truncation = spec((), tf.float32, "truncation")
        kinds["sample_truncated"] = (
            sample_truncated,
            [*draws[:2], truncation, *labels],
        )
    functions = {"serving_default": (serving_default, latents), **kinds}
    if len(model.image_shape) == 3 and model.image_shape[-1] in PNG_CHANNELS:
        for name, (function, inputs) in kinds.items():
            functions[f"{name}_png"] = (drawn_as_png(function), inputs)
    return functions, _warm_up(model)


def stream_of(seed):
    """The `CounterStream` of a seed, an int64 scalar tensor."""
    import tensorflow as tf

    low = tf.cast(tf.bitwise.bitwise_and(seed, 0xFFFFFFFF), tf.uint32)
    high = tf.cast(tf.bitwise.right_shift(seed, 32), tf.uint32)
    return CounterStream((low, high))


def drawn_as_png(function):
    """A function that answers with images, as one that answers with PNGs."""
    return lambda *inputs: as_png(function(*inputs)["images"])


def _warm_up(model):
    import tensorflow as tf

    attributes = model.label_width is not None
    return {
        "latents": tf.zeros((1, model.latent_dim)),
        "labels": tf.zeros((1, model.label_width))
        if attributes
        else tf.zeros((1,), tf.int32),
        "num_images": tf.constant(1),
        "truncation": tf.constant(1.0),
        "seed": tf.constant(0, tf.int64),
    }


def _images_of(model, latents, labels, truncation=None):
    import tensorflow as tf

    width = tf.debugging.assert_equal(
        tf.shape(latents)[1],
        model.latent_dim,
        message=f"latents must have the shape (batch, {model.latent_dim})",
    )
    with tf.control_dependencies([width, *_label_checks(model, latents, labels)]):
        latents = tf.ensure_shape(tf.identity(latents), (None, model.latent_dim))
    inputs = latents if labels is None else (latents, labels)
    return model.images_of(inputs, truncation)


def _label_checks(model, latents, labels):
    import tensorflow as tf

    if labels is None:
        return []
    one_each = tf.debugging.assert_equal(
        tf.shape(labels)[0], tf.shape(latents)[0], message="one label for each latent"
    )
    if model.label_width is not None:
        finite = tf.reduce_all(tf.math.is_finite(labels))
        return [tf.debugging.Assert(finite, ["labels must be finite"]), one_each]
    in_range = tf.reduce_all((labels >= 0) & (labels < model.num_classes))
    message = f"labels must be integers in [0, {model.num_classes})"
    return [tf.debugging.Assert(in_range, [message, labels]), one_each]


def sampled(model, num_images, seed, labels, truncation=None):
    """The images of `model.sample`, in a graph that checks its inputs.

    Args:
        model: An `AdversarialModel`.
        num_images: int32 scalar tensor.
        seed: int64 scalar tensor.
        labels: Tensor of one label, or of one for each image; `None` without.
        truncation: float32 scalar tensor, or `None`.

    Returns:
        float32 images.
    """
    import tensorflow as tf

    in_range = (num_images >= 1) & (num_images <= MAX_IMAGES)
    message = f"num_images must lie in [1, {MAX_IMAGES}]"
    checks = [
        tf.debugging.Assert(in_range, [message, num_images]),
        tf.debugging.Assert(seed >= 0, ["seed must not be negative", seed]),
    ]
    if labels is not None:
        rows = tf.shape(labels)[0]
        fits = (rows == num_images) | (rows == 1)
        message = "labels must hold one label, or one for each image"
        checks.append(tf.debugging.Assert(fits, [message, labels]))
    if truncation is not None:
        message = "truncation must be a positive number, or 0 where it is of styles"
        fits = truncation >= 0 if model.truncates_style else truncation > 0
        checks.append(tf.debugging.Assert(fits, [message, truncation]))
    with tf.control_dependencies(checks):
        num_images = tf.identity(num_images)
    latents = model.draw_latents(num_images, stream_of(seed), truncation)
    if labels is not None:
        repeats = tf.where(rows == 1, num_images, 1)
        labels = tf.repeat(labels, repeats, axis=0)
    return _images_of(model, latents, labels, truncation)

"""What a server of a `LikelihoodModel` answers to besides: images, and how likely."""

from keras_gans.core.served_samples import served_samples, stream_of
from keras_gans.core.served_translations import in_range
from keras_gans.core.serving import PNG_CHANNELS

# Latents for a bound on a server: within 0.1 nats or so of more, at a fair speed.
DRAWS = 100


def served_likelihoods(model):
    """Functions that a server runs for a system that says how likely images are.

    Those of `served_samples`, and, for `images` float32 `(batch, *image_shape)` in
    [-1, 1], which are cut at the middle where pixels are black or white,

    * `nats`: `images` -> `nats` `(batch,)`, those of
      `model.negative_log_likelihood(images)`; of a bound, by 100 draws, with `elbo`;
    * `encode` and `reconstruct`, of a model with codes: `images` -> `mean` and
      `log_variance`; `images` -> `images`;
    * `complete`, of a model that draws pixel after pixel: `images`, `rows` int32
      scalar, `seed` int64 scalar -> `images`, those of
      `model.complete(images, rows, seed)`.

    Values outside of [-1, 1] and numbers out of range fail the request with a message.

    Args:
        model: A `LikelihoodModel`.

    Returns:
        As `served_samples`.
    """
    import tensorflow as tf

    def modelled(images):
        with tf.control_dependencies([in_range(images)]):
            images = tf.identity(images)
        return tf.where(images > 0.0, 1.0, -1.0) if model.is_binary else images

    def nats(images):
        return model.nats_of(modelled(images), 0, tf.constant(0), DRAWS)

    def encode(images):
        found = model.encoded(modelled(images))
        return dict(zip(("mean", "log_variance"), found, strict=True))

    def reconstruct(images):
        return {"images": model.images_of(model.encoded(modelled(images))[0])}

    def complete(images, rows, seed):
        fits = (rows >= 0) & (rows <= model.image_shape[0]) & (seed >= 0)
        message = "rows to be kept are 0 to the height, and a seed is not negative"
        check = tf.debugging.Assert(fits, [message, rows, seed])
        with tf.control_dependencies([check]):
            count = tf.shape(images)[0]
        latents = model.draw_latents(count, stream_of(seed))
        return {"images": model.drawn(latents, modelled(images), rows)}

    images = tf.TensorSpec((None, *model.image_shape), tf.float32, "images")
    functions, warm_up = served_samples(model)
    functions["nats"] = (nats, [images])
    if hasattr(model, "encoded"):
        functions["encode"] = (encode, [images])
        functions["reconstruct"] = (reconstruct, [images])
    if hasattr(model, "drawn"):
        rows = tf.TensorSpec((), tf.int32, "rows")
        seed = tf.TensorSpec((), tf.int64, "seed")
        functions["complete"] = (complete, [images, rows, seed])
    warm_up["images"] = tf.zeros((1, *model.image_shape))
    warm_up["rows"] = tf.constant(0)
    return functions, warm_up


def signatures_in_words(model):
    """Dict of a signature to its inputs and outputs, as the command line names them.

    Args:
        model: A `LikelihoodModel`.
    """
    images = "images in [-1, 1]"
    found = {
        "serving_default": "latents -> images",
        "sample": f"num_images, seed -> {images}",
    }
    if model.image_shape[-1] in PNG_CHANNELS:
        found["sample_png"] = "num_images, seed -> image_bytes"
    found["nats"] = f"{images} -> nats per image"
    if hasattr(model, "encoded"):
        found["encode"] = f"{images} -> mean, log_variance"
        found["reconstruct"] = f"{images} -> {images}"
    if hasattr(model, "drawn"):
        found["complete"] = f"{images}, rows, seed -> {images}"
    return found

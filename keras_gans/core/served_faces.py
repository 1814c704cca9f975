"""What a server of a system that ages faces answers to: images, or files of images."""

from keras_gans.core.pixels import scaled
from keras_gans.core.served_samples import served_samples
from keras_gans.core.served_translations import in_range, read_files
from keras_gans.core.serving import PNG_CHANNELS, as_png

# Of a search: a request must not keep a server busy for ever.
MAX_STEPS = 1000


def served_faces(model):
    """Functions that a server runs for a system that ages faces.

    Those of `served_samples`, and

    * `age`: `images` float32 `(batch, *image_shape)` in [-1, 1], `from_classes` and
      `to_classes` int32 `(batch,)`, and `steps`, an int32 scalar in [0, 1000] ->
      `images` float32, those of `model.age(images, from_classes, to_classes,
      search="adam", steps=steps)`; 0 steps are the encoder alone.
    * `age_png`: `image_bytes`, strings `(batch,)` of PNG, JPEG, BMP or GIF files, in
      the place of `images` -> `image_bytes`, PNG files.

    Values and classes out of range, files that are no pictures, and pictures of another
    size fail the request with a message.

    Args:
        model: A system with `found` and `num_classes`.

    Returns:
        As `served_samples`.
    """
    import tensorflow as tf

    def aged(images, from_classes, to_classes, steps):
        checks = [_in(steps, 0, MAX_STEPS + 1, "steps lie in [0, 1000]")]
        for classes in (from_classes, to_classes):
            checks.append(_in(classes, 0, model.num_classes, "there is no such class"))
            as_many = tf.equal(tf.size(classes), tf.shape(images)[0])
            message = "every image needs a class for each of the two ages"
            checks.append(tf.debugging.Assert(as_many, [message, classes]))
        with tf.control_dependencies([*checks, in_range(images)]):
            images = tf.identity(images)
        _, latents, *_ = model.found(images, from_classes, steps)
        return model.images_of((latents, to_classes))

    def age(images, from_classes, to_classes, steps):
        return {"images": aged(images, from_classes, to_classes, steps)}

    def age_png(image_bytes, from_classes, to_classes, steps):
        images = scaled(read_files(model, image_bytes))
        return as_png(aged(images, from_classes, to_classes, steps))

    functions, warm_up = served_samples(model)
    images = tf.TensorSpec((None, *model.image_shape), tf.float32, "images")
    files = tf.TensorSpec((None,), tf.string, "image_bytes")
    asked = [
        tf.TensorSpec((None,), tf.int32, "from_classes"),
        tf.TensorSpec((None,), tf.int32, "to_classes"),
        tf.TensorSpec((), tf.int32, "steps"),
    ]
    functions["age"] = (age, [images, *asked])
    warm_up["images"] = tf.zeros((1, *model.image_shape))
    if model.image_shape[-1] in PNG_CHANNELS:
        functions["age_png"] = (age_png, [files, *asked])
        example = tf.zeros(model.image_shape, tf.uint8)
        warm_up["image_bytes"] = tf.io.encode_png(example)[None]
    classes = tf.zeros((1,), tf.int32)
    return functions, {
        **warm_up,
        "from_classes": classes,
        "to_classes": classes,
        "steps": tf.constant(2),
    }


def _in(values, low, high, message):
    import tensorflow as tf

    fit = tf.reduce_all((values >= low) & (values < high))
    return tf.debugging.Assert(fit, [message, values])

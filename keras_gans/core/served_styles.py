"""What a server answers to of a system that draws one image in the style of another."""

from keras_gans.core.pixels import scaled, to_bytes_range
from keras_gans.core.random import CounterStream
from keras_gans.core.served_translations import in_range


def served_styles(model):
    """Functions that a server runs for a system of contents and styles.

    * `stylize`: `content` and `style`, float32 `(batch, height, width, channels)` in
      [-1, 1], the two of any sizes, and `alpha`, a float32 number in [0, 1] -> `images`
      float32, those of `model.translate((content, style), alpha=alpha)`. It is also
      `serving_default`.
    * `stylize_png`: `content_bytes` and `style_bytes`, strings `(batch,)` of PNG, JPEG,
      BMP or GIF files, whose sizes may differ, and `alpha` -> `image_bytes`, PNG files.
      REST has all three in base64.

    Values out of range, files that are no pictures, pictures that are too small, and
    another number of styles than of contents fail the request with a message.

    Args:
        model: An `ImageTranslator` whose sources are `(content, style)`.

    Returns:
        Dict of signature to `(function, specifications of its inputs)`, and a dict of
        input to an example value.
    """
    import tensorflow as tf

    shape = (None, None, None, model.image_shape[-1])
    images = [tf.TensorSpec(shape, tf.float32, name) for name in ("content", "style")]
    names = ("content_bytes", "style_bytes")
    files = [tf.TensorSpec((None,), tf.string, name) for name in names]
    alpha = tf.TensorSpec((), tf.float32, "alpha")
    stylize = (_of_images(model), [*images, alpha])
    functions = {
        "serving_default": stylize,
        "stylize": stylize,
        "stylize_png": (_of_files(model), [*files, alpha]),
    }
    example = tf.zeros(model.image_shape, tf.uint8)
    file = tf.io.encode_png(example)[None]
    values = {name: tf.zeros((1, *model.image_shape)) for name in ("content", "style")}
    return functions, {
        **values,
        **dict.fromkeys(names, file),
        "alpha": tf.constant(1.0),
    }


def _of_images(model):
    import tensorflow as tf

    def run(content, style, alpha):
        checks = [_as_many(content, style), *_checks(model, alpha, content, style)]
        checks += [in_range(content), in_range(style)]
        with tf.control_dependencies(checks):
            images = tf.identity(content), tf.identity(style)
        return {"images": model.translated(images, CounterStream(0), alpha=alpha)}

    return run


def _of_files(model):
    import tensorflow as tf

    channels = model.image_shape[-1]

    def decoded(file):
        image = tf.io.decode_image(file, channels, expand_animations=False)[None]
        image.set_shape((1, None, None, channels))
        return image

    def run(content_bytes, style_bytes, alpha):
        def one(row_and_files):
            row, *files = row_and_files
            images = [decoded(file) for file in files]
            with tf.control_dependencies(_checks(model, alpha, *images)):
                images = tuple(scaled(tf.identity(image)) for image in images)
            stream = CounterStream(0, first_row=row)
            made = model.translated(images, stream, alpha=alpha)
            return tf.io.encode_png(to_bytes_range(made)[0])

        with tf.control_dependencies([_as_many(content_bytes, style_bytes)]):
            rows = tf.range(tf.shape(content_bytes)[0])
        files = (rows, content_bytes, style_bytes)
        made = tf.map_fn(one, files, fn_output_signature=tf.string)
        return {"image_bytes": made}

    return run


def _as_many(content, style):
    import tensorflow as tf

    counts = tf.shape(content)[0], tf.shape(style)[0]
    message = "every content needs a style of its own"
    return tf.debugging.Assert(tf.equal(*counts), [message, *counts])


def _checks(model, alpha, *images):
    import tensorflow as tf

    fits = (alpha >= 0.0) & (alpha <= 1.0)
    found = [tf.debugging.Assert(fits, ["alpha lies in [0, 1]", alpha])]
    for image in images:
        sides = tf.shape(image)[1:3]
        message = f"both sides of an image must be {model.smallest_side} or more"
        fit = tf.reduce_all(sides >= model.smallest_side)
        found.append(tf.debugging.Assert(fit, [message, sides]))
    return found

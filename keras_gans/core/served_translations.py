"""What a server of an `ImageTranslator` answers to: images, or files of images."""

from keras_gans.core.pixels import scaled, to_bytes_range
from keras_gans.core.random import CounterStream


def served_translations(model):
    """Functions that a server runs for a system that translates images.

    For each direction (`translate`; of CycleGAN `translate_ab` and `translate_ba`):

    * `translate`: `images` float32 `(batch, height, width, channels)` in [-1, 1] ->
      `images` float32, those of `model.translate(images)`.
    * `translate_png`: `image_bytes`, strings `(batch,)` of PNG, JPEG, BMP or GIF files,
      whose sizes may differ -> `image_bytes`, PNG files. REST has both in base64.

    `serving_default` is the first direction's. Values outside of [-1, 1], files that
    are no pictures, and sides that are no multiples of what the networks need fail the
    request with a message.

    Args:
        model: An `ImageTranslator`.

    Returns:
        Dict of signature to `(function, specifications of its inputs)`, and a dict of
        input to an example value.
    """
    import tensorflow as tf

    files = [tf.TensorSpec((None,), tf.string, name="image_bytes")]
    functions = {}
    for name, options in model.directions.items():
        channels = model.channels_taken(**options)
        shape = (None, *_sides(model), channels)
        images = [tf.TensorSpec(shape, tf.float32, "images")]
        functions[name] = (_of_images(model, options), images)
        functions[f"{name}_png"] = (_of_files(model, options), files)
    default = next(iter(model.directions))
    functions = {"serving_default": functions[default], **functions}
    channels = model.channels_taken(**model.directions[default])
    example = tf.zeros((*model.source_shape[:2], channels), tf.uint8)
    return functions, {
        "images": tf.zeros((1, *example.shape)),
        "image_bytes": tf.io.encode_png(example)[None],
    }


def _of_images(model, options):
    import tensorflow as tf

    def run(images):
        with tf.control_dependencies([in_range(images), sides_fit(model, images)]):
            images = tf.identity(images)
        return {"images": model.translated(images, CounterStream(0), **options)}

    return run


def _of_files(model, options):
    import tensorflow as tf

    channels = model.channels_taken(**options)

    def one(row_and_file):
        row, file = row_and_file
        image = tf.io.decode_image(file, channels, expand_animations=False)[None]
        image.set_shape((1, None, None, channels))
        with tf.control_dependencies([sides_fit(model, image)]):
            image = scaled(tf.ensure_shape(image, (1, *_sides(model), channels)))
        made = model.translated(image, CounterStream(0, first_row=row), **options)
        return tf.io.encode_png(to_bytes_range(made)[0])

    def run(image_bytes):
        rows = tf.range(tf.shape(image_bytes)[0])
        made = tf.map_fn(one, (rows, image_bytes), fn_output_signature=tf.string)
        return {"image_bytes": made}

    return run


def _sides(model):
    return (None, None) if model.any_size else model.image_shape[:2]


def in_range(images):
    """An assertion that images lie in [-1, 1], up to rounding.

    Args:
        images: float32 tensor.
    """
    import tensorflow as tf

    low, high = tf.reduce_min(images), tf.reduce_max(images)
    fit = (low >= -1.001) & (high <= 1.001)
    return tf.debugging.Assert(fit, ["images lie in [-1, 1]", low, high])


def sides_fit(model, images):
    """An assertion that images are of a size that the model translates.

    Args:
        model: An `ImageTranslator`.
        images: Tensor `(batch, height, width, ...)`.
    """
    import tensorflow as tf

    sides, multiple = tf.shape(images)[1:3], model.size_multiple
    message = f"both sides of an image must be multiples of {multiple}"
    fit = tf.reduce_all((sides % multiple == 0) & (sides > 0))
    if not model.any_size:
        message = f"height and width of an image must be {model.image_shape[:2]}"
        fit = tf.reduce_all(sides == model.image_shape[:2])
    return tf.debugging.Assert(fit, [message, sides])


def read_files(model, image_bytes):
    """Images of a system that takes one size, from files.

    Args:
        model: It; `any_size` is false.
        image_bytes: Strings `(batch,)` of PNG, JPEG, BMP or GIF files.

    Returns:
        uint8 `(batch, *image_shape)`. Files that are no pictures, and pictures of
        another size, fail the request with a message.
    """
    import tensorflow as tf

    def read(file):
        image = tf.io.decode_image(file, model.image_shape[-1], tf.uint8, False)
        image.set_shape((None, None, model.image_shape[-1]))
        with tf.control_dependencies([sides_fit(model, image[None])]):
            return tf.ensure_shape(tf.identity(image), model.image_shape)

    return tf.map_fn(read, image_bytes, fn_output_signature=tf.uint8)

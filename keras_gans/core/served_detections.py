"""What a server of an `ObjectDetector` answers to: images, or files of images."""

from keras_gans.core.pixels import scaled
from keras_gans.core.served_translations import in_range, read_files


def served_detections(model):
    """Functions that a server runs for a system that finds things in pictures.

    * `detect`, which is also `serving_default`: `images` float32
      `(batch, *image_shape)` in [-1, 1] -> `boxes`, `confidence`, `labels` and
      `num_detections`, those of `model.detect(images)`.
    * `detect_bytes`: `image_bytes`, strings `(batch,)` of PNG, JPEG, BMP or GIF files,
      -> the same.

    Systems that take proposals have them as a second input, `proposals` float32
    `(batch, served_proposals, 4)`, filled up with rows of -1. Values outside of
    [-1, 1], files that are no pictures, and pictures of another size fail the request
    with a message.

    Args:
        model: An `ObjectDetector`.

    Returns:
        Dict of signature to `(function, specifications of its inputs)`, and a dict of
        input to an example value.
    """
    import tensorflow as tf

    def detect(images, *proposals):
        with tf.control_dependencies([in_range(images)]):
            images = tf.identity(images)
        return model.detections(images, *proposals)

    def detect_bytes(image_bytes, *proposals):
        return detect(scaled(read_files(model, image_bytes)), *proposals)

    shape = model.image_shape
    images = tf.TensorSpec((None, *shape), tf.float32, "images")
    files = tf.TensorSpec((None,), tf.string, "image_bytes")
    warm_up, given = {"images": tf.zeros((1, *shape))}, []
    if model.takes_proposals:
        count = model.served_proposals
        given = [tf.TensorSpec((None, count, 4), tf.float32, "proposals")]
        warm_up["proposals"] = -tf.ones((1, count, 4))
    functions = {
        "serving_default": (detect, [images, *given]),
        "detect": (detect, [images, *given]),
    }
    if shape[-1] in (1, 3, 4):
        functions["detect_bytes"] = (detect_bytes, [files, *given])
        warm_up["image_bytes"] = tf.io.encode_png(tf.zeros(shape, tf.uint8))[None]
    return functions, warm_up

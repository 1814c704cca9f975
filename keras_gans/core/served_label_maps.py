"""What a server of a system answers to that makes images of label maps."""

from keras_gans.core.pixels import to_bytes_range
from keras_gans.core.random import CounterStream
from keras_gans.core.served_translations import sides_fit

_PNG = b"\x89PNG\r\n\x1a\n"


def served_label_maps(model):
    """Functions that a server runs for a system that makes images of label maps.

    * `translate`: `labels` int32 `(batch, height, width)` and, where the system takes
      them, `instances` of the same shape -> `images` float32, those of
      `model.translate((labels, instances))`. It is also `serving_default`.
    * `translate_png`: `label_bytes` and `instance_bytes`, strings `(batch,)` of grey
      PNG files of 8 or 16 bits, whose sizes may differ -> `image_bytes`, PNG files.
      REST has all in base64.

    Labels that are no classes, files of another kind, maps of two sizes, and sides that
    are no multiples of what the networks need fail the request with a message.

    Args:
        model: An `ImageTranslator` with `num_labels` and `takes_instances`.

    Returns:
        Dict of signature to `(function, specifications of its inputs)`, and a dict of
        input to an example value.
    """
    import tensorflow as tf

    kinds = ("label", "instance")[: 1 + model.takes_instances]
    maps = [tf.TensorSpec((None, None, None), tf.int32, f"{kind}s") for kind in kinds]
    files = [tf.TensorSpec((None,), tf.string, f"{kind}_bytes") for kind in kinds]
    translate = (_of_maps(model), maps)
    functions = {
        "serving_default": translate,
        "translate": translate,
        "translate_png": (_of_files(model), files),
    }
    example = tf.zeros((1, *model.image_shape[:2]), tf.int32)
    file = tf.io.encode_png(tf.cast(example[0, ..., None], tf.uint8))
    values = {f"{kind}s": example for kind in kinds}
    return functions, values | {f"{kind}_bytes": file[None] for kind in kinds}


def _of_maps(model):
    import tensorflow as tf

    def run(labels, instances=None):
        maps = (labels,) if instances is None else (labels, instances)
        with tf.control_dependencies(_checks(model, maps)):
            maps = tuple(tf.identity(part) for part in maps)
        return {"images": model.translated(maps, CounterStream(0))}

    return run


def _of_files(model):
    import tensorflow as tf

    def one(row_and_files):
        row, *files = row_and_files
        maps = tuple(_decoded(file)[None] for file in files)
        with tf.control_dependencies(_checks(model, maps)):
            maps = tuple(tf.identity(part) for part in maps)
        made = model.translated(maps, CounterStream(0, first_row=row))
        return tf.io.encode_png(to_bytes_range(made)[0])

    def run(label_bytes, instance_bytes=None):
        files = (tf.range(tf.shape(label_bytes)[0]), label_bytes)
        files = files if instance_bytes is None else (*files, instance_bytes)
        return {"image_bytes": tf.map_fn(one, files, fn_output_signature=tf.string)}

    return run


def _decoded(file):
    """The integers of a grey PNG file, `(height, width)`."""
    import tensorflow as tf

    # Bytes 24 and 25 are the bit depth and the type of colour. Those of a palette would
    # be decoded as colours, and 8 bits as 257 times their value where 16 are asked for.
    header = tf.strings.substr(file, 0, 26)
    is_png = tf.strings.substr(header, 0, 8) == _PNG
    depth = tf.io.decode_raw(header + b"\0" * 26, tf.uint8)[24]
    color = tf.io.decode_raw(header + b"\0" * 26, tf.uint8)[25]
    fits = is_png & (color == 0) & ((depth == 8) | (depth == 16))
    message = "maps are grey PNG files of 8 or 16 bits"
    with tf.control_dependencies([tf.debugging.Assert(fits, [message])]):
        file = tf.identity(file)
    values = tf.cast(tf.io.decode_png(file, 1, tf.uint16)[..., 0], tf.int32)
    return tf.where(depth == 16, values, values // 257)


def _checks(model, maps):
    import tensorflow as tf

    labels, shape = maps[0], tf.shape(maps[0])
    in_range = tf.reduce_all((labels >= 0) & (labels < model.num_labels))
    message = f"labels must lie in [0, {model.num_labels})"
    found = [tf.debugging.Assert(in_range, [message]), sides_fit(model, labels)]
    for other in maps[1:]:
        same = tf.reduce_all(tf.shape(other) == shape)
        message = "label and instance maps must have one size"
        found.append(tf.debugging.Assert(same, [message, shape, tf.shape(other)]))
    return found

"""The SavedModel that TF Serving loads as it is."""

import pathlib
import shutil
import uuid

import keras

from keras_gans.core.pixels import to_bytes_range

PNG_CHANNELS = (1, 3, 4)


def export(model, filepath, verbose=False):
    """Writes the sampling network and its signatures as a SavedModel.

    Which signatures, a system says itself (`served`): see `served_samples` and
    `served_translations`. All have float32 edges, whatever the training's precision.

    The folder also holds warm-up requests for all signatures (`assets.extra`).

    Args:
        model: A `System`.
        filepath: Folder to write, for TF Serving `<model>/<version number>`.
        verbose: Whether to print the signatures.

    Raises:
        ImportError: without TensorFlow as the backend.
        FileExistsError: when the folder is there and not empty.
    """
    if keras.backend.backend() != "tensorflow":
        raise ImportError(
            "A SavedModel is written under KERAS_BACKEND=tensorflow: save_to_preset() "
            "here, then from_preset() and export() there."
        )
    import tensorflow as tf

    target = pathlib.Path(filepath)
    if target.exists() and any(target.iterdir()):
        raise FileExistsError(
            f"{target} is not empty. TF Serving takes a new version as a new folder "
            "with a larger number."
        )
    module = tf.Module()
    module.served = [variable.value for variable in model.served_variables]
    functions, warm_up = model.served()
    signatures = {
        name: tf.function(function, autograph=False).get_concrete_function(*inputs)
        for name, (function, inputs) in functions.items()
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}")
    try:
        tf.saved_model.save(module, str(temporary), signatures=signatures)
        _write_warm_up(temporary, signatures, warm_up)
        if target.exists():
            target.rmdir()
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    if verbose:
        for name, signature in signatures.items():
            print(f"{name}: {signature}")


def as_png(images):
    """One PNG of each of [-1, 1] images of one, three or four channels.

    Args:
        images: Tensor `(batch, height, width, channels)`.

    Returns:
        Dict `image_bytes`, strings `(batch,)`.
    """
    import tensorflow as tf

    encoded = tf.map_fn(
        tf.io.encode_png, to_bytes_range(images), fn_output_signature=tf.string
    )
    return {"image_bytes": encoded}


def _write_warm_up(folder, signatures, values):
    import tensorflow as tf

    extra = folder / "assets.extra"
    extra.mkdir()
    with tf.io.TFRecordWriter(str(extra / "tf_serving_warmup_requests")) as writer:
        for name, signature in signatures.items():
            specs = [spec for spec in signature.structured_input_signature[0] if spec]
            inputs = {spec.name: values[spec.name] for spec in specs}
            writer.write(_prediction_log(name, inputs))


def _prediction_log(signature, inputs):
    # tensorflow_serving's PredictionLog, whose six fields in use are written out here:
    # the package that defines it pins a whole TensorFlow.
    import tensorflow as tf

    entries = b""
    for name, value in inputs.items():
        proto = tf.make_tensor_proto(value).SerializeToString()
        entries += _field(2, _field(1, name.encode()) + _field(2, proto))
    request = _field(1, _field(3, signature.encode())) + entries
    return _field(6, _field(1, request))


def _field(number, payload):
    # Protocol buffers: tag (wire type 2), length as a varint, bytes.
    size, length = len(payload), b""
    while size >= 0x80:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + payload

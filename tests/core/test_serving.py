import io
import json
import os
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest
from PIL import Image

from tests.contract import on_tensorflow
from tests.systems import images, tiny_cgan, tiny_dcgan, tiny_gan, tiny_stylegan2

pytestmark = on_tensorflow

# Runs where keras_gans cannot be imported, through the session of TensorFlow
# 1 that TF Serving's C++ loader uses.
CLIENT = """
    import base64, json, sys

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] == "keras_gans":
                raise ImportError(name)

    sys.meta_path.insert(0, Absent())
    import numpy as np
    import tensorflow as tf

    tf.compat.v1.disable_eager_execution()
    folder, requests = sys.argv[1], json.loads(sys.argv[2])
    results = []
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], folder)
        for name, inputs in requests:
            signature = meta.signature_def[name]
            feed = {
                signature.inputs[key].name: np.array(
                    value, tf.as_dtype(signature.inputs[key].dtype).as_numpy_dtype
                )
                for key, value in inputs.items()
            }
            key, output = next(iter(signature.outputs.items()))
            try:
                value = session.run(output.name, feed)
                if value.dtype == object:
                    value = [base64.b64encode(v).decode() for v in value]
                else:
                    value = value.astype("float64").tolist()
                results.append([key, value])
            except (tf.errors.InvalidArgumentError, ValueError) as error:
                results.append(["error", str(error)])
        signatures = {
            name: sorted(signature.inputs)
            for name, signature in meta.signature_def.items()
        }
    print(json.dumps([results, signatures]))
"""


def ask(folder, requests):
    command = [sys.executable, "-c", textwrap.dedent(CLIENT), str(folder)]
    done = subprocess.run(
        [*command, json.dumps(requests)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def served_dcgan(tmp_path_factory):
    gan = tiny_dcgan(ema_decay=0.5)
    gan.compile()
    gan.fit(images(16, side=8), batch_size=4, epochs=2, verbose=0)
    folder = tmp_path_factory.mktemp("dcgan") / "1"
    gan.export(folder)
    return gan, folder


def test_another_process_draws_the_same_pixels(served_dcgan):
    gan, folder = served_dcgan
    z = np.linspace(-1, 1, 6).reshape(2, 3).tolist()
    big = 2**40 + 3
    requests = [
        ("sample", {"num_images": 5, "seed": 7}),
        ("sample", {"num_images": 2, "seed": big}),
        ("sample_png", {"num_images": 5, "seed": 7}),
        ("serving_default", {"latents": z}),
    ]
    results, signatures = ask(folder, requests)
    assert [key for key, _ in results] == ["images", "images", "image_bytes", "images"]
    expected = gan.sample(5, seed=7)
    np.testing.assert_allclose(results[0][1], expected, atol=1e-6)
    np.testing.assert_allclose(results[1][1], gan.sample(2, seed=big), atol=1e-6)
    pictures = [decode(picture) for picture in results[2][1]]
    bytes_range = np.round(np.clip((expected + 1) * 127.5, 0, 255)).astype("uint8")
    np.testing.assert_array_equal(np.stack(pictures), bytes_range[..., 0])
    np.testing.assert_allclose(
        results[3][1], gan.predict(np.array(z), verbose=0), atol=1e-6
    )
    served = {k: v for k, v in signatures.items() if not k.startswith("__")}
    assert served == {
        "serving_default": ["latents"],
        "sample": ["num_images", "seed"],
        "sample_png": ["num_images", "seed"],
    }


def decode(picture):
    import base64

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))


def test_bad_requests_are_answered_with_a_message(served_dcgan):
    _, folder = served_dcgan
    cases = [
        ("sample", {"num_images": 0, "seed": 1}, "num_images must lie in"),
        ("sample", {"num_images": 5000, "seed": 1}, "num_images must lie in"),
        ("sample", {"num_images": 1, "seed": -1}, "seed must not be negative"),
        ("serving_default", {"latents": [[0.0, 0.0]]}, "latents must have the shape"),
        ("serving_default", {"latents": [[0.0] * 6]}, "latents must have the shape"),
        ("serving_default", {"latents": 1.0}, "shape"),
    ]
    results, _ = ask(folder, [case[:2] for case in cases])
    for (key, message), (_, _, expected) in zip(results, cases, strict=True):
        assert key == "error" and expected in message, (key, message)


def test_conditional_signatures(tmp_path):
    gan = tiny_cgan()
    gan.export(tmp_path / "1")
    z = np.linspace(0, 1, 6).reshape(2, 3).tolist()
    requests = [
        ("sample", {"num_images": 3, "seed": 7, "labels": [2, 0, 1]}),
        ("sample", {"num_images": 3, "seed": 7, "labels": [2]}),
        ("serving_default", {"latents": z, "labels": [0, 2]}),
        ("sample", {"num_images": 3, "seed": 7, "labels": [2, 0, 3]}),
        ("sample", {"num_images": 3, "seed": 7, "labels": [2, 0]}),
        ("serving_default", {"latents": z, "labels": [0, -1]}),
        ("serving_default", {"latents": z, "labels": [0]}),
    ]
    results, _ = ask(tmp_path / "1", requests)
    for result, labels in zip(results[:2], ([2, 0, 1], 2), strict=True):
        expected = gan.sample(3, seed=7, labels=labels)
        np.testing.assert_allclose(result[1], expected, atol=1e-6)
    predicted = gan.predict((np.array(z), np.array([0, 2])), verbose=0)
    np.testing.assert_allclose(results[2][1], predicted, atol=1e-6)
    for result, message in zip(
        results[3:],
        ["[0, 3)", "one for each image", "[0, 3)", "one label for each latent"],
        strict=True,
    ):
        assert result[0] == "error" and message in result[1]


def test_warm_up_requests_decode_as_prediction_logs(served_dcgan):
    import tensorflow as tf

    _, folder = served_dcgan
    path = str(folder / "assets.extra" / "tf_serving_warmup_requests")
    records = [r.numpy() for r in tf.data.TFRecordDataset(path)]
    logs = [decode_prediction_log(record) for record in records]
    assert [name for name, _ in logs] == ["serving_default", "sample", "sample_png"]
    assert logs[0][1]["latents"].shape == (1, 3)
    assert logs[1][1]["seed"].dtype == np.int64 and logs[1][1]["num_images"] == 1


def decode_prediction_log(record):
    """Reads a record with protocol buffers' own parser."""
    import tensorflow as tf
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from tensorflow.core.framework.tensor_pb2 import TensorProto

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="warm_up.proto", package="warm_up")

    def message(name, **fields):
        proto = file.message_type.add(name=name)
        for field, (number, kind, label) in fields.items():
            is_message = isinstance(kind, str)
            added = proto.field.add(name=field, number=number, label=label)
            added.type = kinds.TYPE_MESSAGE if is_message else kind
            if is_message:
                added.type_name = f".warm_up.{kind}"

    one, many = kinds.LABEL_OPTIONAL, kinds.LABEL_REPEATED
    message("ModelSpec", signature_name=(3, kinds.TYPE_STRING, one))
    message("Entry", key=(1, kinds.TYPE_STRING, one), value=(2, kinds.TYPE_BYTES, one))
    message("Request", model_spec=(1, "ModelSpec", one), inputs=(2, "Entry", many))
    message("PredictLog", request=(1, "Request", one))
    message("PredictionLog", predict_log=(6, "PredictLog", one))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName("warm_up.PredictionLog")
    log = message_factory.GetMessageClass(descriptor).FromString(record)
    request = log.predict_log.request
    inputs = {
        entry.key: tf.make_ndarray(TensorProto.FromString(entry.value))
        for entry in request.inputs
    }
    return request.model_spec.signature_name, inputs


def test_export_is_float32_under_mixed_precision(tmp_path):
    import tensorflow as tf

    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        gan = tiny_dcgan()
        gan.export(tmp_path / "1")
    finally:
        keras.mixed_precision.set_dtype_policy("float32")
    served = tf.saved_model.load(str(tmp_path / "1"))
    sample = served.signatures["sample"]
    images = sample(num_images=tf.constant(2), seed=tf.constant(1, tf.int64))["images"]
    assert images.dtype == tf.float32
    np.testing.assert_allclose(images.numpy(), gan.sample(2, seed=1), atol=2e-2)


def test_vectors_have_no_png_signature(tmp_path):
    import tensorflow as tf

    tiny_gan(image_shape=(5,)).export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1"))
    assert sorted(served.signatures) == ["sample", "serving_default"]


def test_export_never_writes_over_a_version(served_dcgan):
    gan, folder = served_dcgan
    with pytest.raises(FileExistsError, match="larger number"):
        gan.export(folder)


def test_failed_export_leaves_nothing(tmp_path, monkeypatch):
    import tensorflow as tf

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full)
    with pytest.raises(OSError, match="No space left"):
        tiny_gan().export(tmp_path / "1")
    assert list(tmp_path.iterdir()) == []


def test_a_truncation_is_served_where_it_is_asked_for(tmp_path):
    import tensorflow as tf

    gan = tiny_dcgan(seed=2)
    type(gan).serves_truncation = True
    try:
        gan.export(tmp_path / "1")
    finally:
        type(gan).serves_truncation = False
    served = tf.saved_model.load(str(tmp_path / "1")).signatures
    inputs = {"num_images": tf.constant(3), "seed": tf.constant(4, tf.int64)}
    found = served["sample_truncated"](**inputs, truncation=tf.constant(0.5))["images"]
    expected = gan.sample(3, seed=4, truncation=0.5)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(expected - gan.sample(3, seed=4)).max() > 1e-3
    png = served["sample_truncated_png"](**inputs, truncation=tf.constant(0.5))
    assert png["image_bytes"].shape == (3,)
    with pytest.raises(tf.errors.InvalidArgumentError, match="truncation must be"):
        served["sample_truncated"](**inputs, truncation=tf.constant(0.0))


def test_a_served_truncation_pulls_styles_to_their_mean(tmp_path):
    import tensorflow as tf

    gan = tiny_stylegan2(seed=2)
    gan.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["sample_truncated"]
    inputs = {"num_images": tf.constant(3), "seed": tf.constant(4, tf.int64)}
    for truncation in (0.0, 0.5):
        found = served(**inputs, truncation=tf.constant(truncation))["images"]
        expected = gan.sample(3, seed=4, truncation=truncation)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert np.abs(expected - gan.sample(3, seed=4)).max() > 1e-3
    mean = served(**inputs, truncation=tf.constant(0.0))["images"].numpy()
    np.testing.assert_allclose(mean, np.repeat(mean[:1], 3, axis=0), atol=1e-6)

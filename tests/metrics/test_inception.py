import hashlib
import http.server
import pathlib
import runpy
import sys
import threading
import types

import h5py
import keras
import numpy as np
import pytest
import requests

from keras_gans.metrics import inception
from keras_gans.metrics.resizing import RESIZE_MODES

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts" / "convert_inception"
NAME = "pt_inception-2015-12-05-6726825d.pth"
STATE = {
    "stem.conv.weight": np.random.default_rng(0).standard_normal((4, 3, 1, 2), "f4"),
    "stem.bn.weight": np.array([1, 2, 3, 4], "f4"),
    "stem.bn.bias": np.array([0.5, 0, 1, 0], "f4"),
    "stem.bn.running_mean": np.array([0, 1, 0, 2], "f4"),
    "stem.bn.running_var": np.array([1, 4, 1, 2], "f4"),
    "fc.weight": np.arange(20, dtype="f4").reshape(5, 4),
}
NOT_USED = {
    "stem.bn.num_batches_tracked": np.array(7),
    "fc.bias": np.ones(5, "f4"),
    "AuxLogits.conv0.conv.weight": np.zeros((2, 2, 1, 1), "f4"),
}


def small_network():
    """Every kind of layer once, where 309 would take seconds."""
    images = keras.Input((None, None, 3), name="images")
    conv = keras.layers.Conv2D(4, (1, 2), use_bias=False, name="stem.conv")
    x = keras.layers.BatchNormalization(epsilon=1e-3, name="stem.bn")(conv(images))
    features = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(5, use_bias=False, name="fc")(features)
    return keras.Model(images, (features, logits))


def passing_on():
    """Gives back the scaled image as features."""
    images = keras.Input((None, None, 3), name="images")
    features = keras.layers.Identity()(images)
    logits = keras.layers.Dense(5, use_bias=False, name="fc")(features)
    return keras.Model(images, (features, logits))


@pytest.fixture
def small(monkeypatch, tmp_path):
    """The small network in place of Inception, and an empty cache."""
    monkeypatch.setattr(inception, "build_inception", small_network)
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def published(monkeypatch, tmp_path, small):
    """A "published" file, whose hash is known, and a PyTorch that reads it."""
    source = tmp_path / "downloads" / NAME
    source.parent.mkdir()
    source.write_bytes(b"what only PyTorch reads")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    monkeypatch.setattr(inception, "PUBLISHED_SHA256", digest)

    def load(path, map_location, weights_only):
        assert pathlib.Path(path).read_bytes() == source.read_bytes()
        assert map_location == "cpu" and weights_only is True
        tensors = {**STATE, **NOT_USED}.items()
        return {k: types.SimpleNamespace(numpy=lambda v=v: v) for k, v in tensors}

    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(load=load))
    return source


@pytest.fixture
def server(monkeypatch):
    """Serves `server.raw` at the published address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(self.server.raw)))
            self.end_headers()
            self.wfile.write(self.server.raw)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{NAME}"
        monkeypatch.setattr(inception, "PUBLISHED_URL", url)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield server
        server.shutdown()


def files_in(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.*"))


def test_a_state_dict_becomes_weights():
    network = inception.convert_state_dict({**STATE, **NOT_USED}, small_network())
    image = np.random.default_rng(1).random((1, 3, 5, 3), "f4")
    left = np.einsum(
        "nhwi,oi->nhwo", image[:, :, :-1], STATE["stem.conv.weight"][..., 0, 0]
    )
    right = np.einsum(
        "nhwi,oi->nhwo", image[:, :, 1:], STATE["stem.conv.weight"][..., 0, 1]
    )
    x = left + right - STATE["stem.bn.running_mean"]
    x = x / np.sqrt(STATE["stem.bn.running_var"] + 1e-3)
    x = x * STATE["stem.bn.weight"] + STATE["stem.bn.bias"]
    expected = x.mean(axis=(1, 2))
    features, logits = network(image)
    np.testing.assert_allclose(features, expected, rtol=1e-4)
    # Without the bias.
    np.testing.assert_allclose(logits, expected @ STATE["fc.weight"].T, rtol=1e-4)


def test_every_wrong_array_is_named_and_none_is_taken():
    wrong = {
        **STATE,
        "fc.weight": STATE["fc.weight"].T,
        "stem.conv.weight": np.zeros((4, 3, 2, 1)),
        "head.weight": np.zeros(3),
        "head.bn.num_batches_tracked": np.array(0),
    }
    del wrong["stem.bn.bias"], wrong["stem.bn.running_var"]
    network = small_network()
    before = [np.array(w) for w in network.weights]
    with pytest.raises(ValueError) as caught:
        inception.convert_state_dict(wrong, network)
    assert str(caught.value) == (
        "These are not the weights of the FID Inception. "
        "Missing: stem.bn.bias; stem.bn.running_var. "
        "Unknown: head.bn.num_batches_tracked; head.weight. "
        "Misshapen: stem.conv.weight (4, 3, 2, 1), expected (4, 3, 1, 2); "
        "fc.weight (4, 5), expected (5, 4)."
    )
    for old, new in zip(before, network.weights, strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_hash_is_of_names_shapes_and_values():
    known = inception.contents_hash(STATE)
    assert len(known) == 64 and int(known, 16)
    backwards = {name: STATE[name].astype("f8") for name in reversed(STATE)}
    assert inception.contents_hash(backwards) == known
    fortran = {name: np.asfortranarray(array) for name, array in STATE.items()}
    assert inception.contents_hash(fortran) == known
    others = [
        {**STATE, "fc.weight": STATE["fc.weight"] + np.float32(1e-6)},
        {**STATE, "fc.weight": STATE["fc.weight"].reshape(4, 5)},
        {("x" if k == "fc.weight" else k): v for k, v in STATE.items()},
    ]
    assert len({known, *map(inception.contents_hash, others)}) == 4


def test_two_conversions_have_one_hash(published, tmp_path):
    one, other = tmp_path / "new" / "one.weights.h5", tmp_path / "other.weights.h5"
    found = inception.convert_file(published, one)
    assert found == inception.convert_file(published, other)
    assert found == inception.contents_hash(STATE)
    assert files_in(one.parent) == ["one.weights.h5"]
    model, loaded = inception.load_inception(path=one)
    assert loaded == found and model.name == "inception_2015"
    image = np.random.default_rng(1).uniform(0, 255, (2, 299, 299, 3)).astype("f4")
    network = inception.convert_state_dict(STATE, small_network())
    expected = network((image - 128) / 128)
    for mine, its in zip(model(image), expected, strict=True):
        np.testing.assert_allclose(mine, its, rtol=1e-4, atol=1e-5)


def test_only_the_published_file_is_opened(published, tmp_path):
    other, target = tmp_path / "other.pth", tmp_path / "other.weights.h5"
    other.write_bytes(b"a pickle that removes your files")
    digest = hashlib.sha256(other.read_bytes()).hexdigest()
    with pytest.raises(ValueError, match=f"other.pth is not the published .*{digest}"):
        inception.convert_file(other, target)
    assert not target.exists()


def test_the_script_converts_and_prints_the_hash(published, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [SCRIPT.name, str(published)])
    runpy.run_path(str(SCRIPT), run_name="__main__")
    _, weights_hash = inception.load_inception()
    assert capsys.readouterr().out == (
        f"wrote {inception.converted_path()}\nweights hash {weights_hash}\n"
    )
    published.write_bytes(b"something else")
    with pytest.raises(SystemExit, match="^error: .*is not the published file"):
        runpy.run_path(str(SCRIPT), run_name="__main__")


def test_damaged_weights_are_refused(published, tmp_path):
    path = tmp_path / "one.weights.h5"
    inception.convert_file(published, path)
    with h5py.File(path, "r+") as file:
        del file["fc.weight"]
    with pytest.raises(ValueError, match="Missing: fc.weight"):
        inception.load_inception(path=path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(ValueError, match="one.weights.h5 cannot be loaded"):
        inception.load_inception(path=path)
    with pytest.raises(ValueError, match="No such file"):
        inception.load_inception(path=tmp_path / "absent.weights.h5")
    with pytest.raises(ValueError, match="is to be converted first"):
        inception.load_inception(path=published)


def test_it_is_downloaded_and_converted_once(published, server, tmp_path):
    server.raw = published.read_bytes()
    _, found = inception.load_inception()
    kept = ["extractors/inception_2015.weights.h5", f"extractors/{NAME}"]
    assert files_in(tmp_path / "cache") == kept and len(server.asked) == 1
    (tmp_path / "cache" / "extractors" / NAME).unlink()
    sys.modules["torch"] = None  # which makes an import fail
    assert inception.load_inception()[1] == found and len(server.asked) == 1


def test_a_file_put_there_by_hand_is_taken(published, server, tmp_path):
    server.raw = b""
    place = inception.converted_path().with_name(NAME)
    place.parent.mkdir(parents=True)
    place.write_bytes(published.read_bytes())
    inception.load_inception()
    assert not server.asked and inception.converted_path().exists()


def test_a_wrong_download_leaves_nothing(published, server, tmp_path):
    server.raw = published.read_bytes()[::-1]
    with pytest.raises(ValueError, match="does not match the known hash"):
        inception.load_inception()
    assert files_in(tmp_path / "cache") == []


def test_without_a_network_it_says_what_to_put_where(published, server, monkeypatch):
    def unreachable(*args, **kwargs):
        raise requests.ConnectionError("Name or service not known")

    monkeypatch.setattr(requests, "get", unreachable)
    with pytest.raises(RuntimeError) as caught:
        inception.load_inception()
    place = inception.converted_path().with_name(NAME)
    assert f"get {inception.PUBLISHED_URL} where there is" in str(caught.value)
    assert f"put it at {place}." in str(caught.value)


def test_without_pytorch_nothing_is_downloaded(published, server):
    server.raw = published.read_bytes()
    sys.modules["torch"] = None
    for attempt in (
        inception.load_inception,
        lambda: inception.convert_file(published),
    ):
        with pytest.raises(ImportError, match="pip install torch, or run scripts/conv"):
            attempt()
    assert not server.asked and not inception.converted_path().exists()


@pytest.mark.parametrize("mode", RESIZE_MODES)
def test_input_is_scaled_as_the_mode_wants(mode, small, monkeypatch, tmp_path):
    monkeypatch.setattr(inception, "build_inception", passing_on)
    path = tmp_path / "fc.weights.h5"
    with h5py.File(path, "w") as file:
        file["fc.weight"] = np.zeros((5, 3), "f4")
    model, _ = inception.load_inception(mode, path)
    image = np.zeros((1, 299, 299, 3), "f4")
    image[0, 0, :3, 0] = [255, 128, 63.75]
    found = np.array(model(image)[0])[0, 0, :4, 0]
    expected = {"legacy_pytorch": [1, 1 / 255, -0.5, -1]}.get(
        mode, [127 / 128, 0, -64.25 / 128, -1]
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


def test_unknown_modes_are_refused(small):
    with pytest.raises(ValueError, match="'legacy_pytorch'. Found: 'friendly'"):
        inception.load_inception("friendly")


def test_a_policy_of_half_precision_changes_no_feature(published, tmp_path):
    path = tmp_path / "one.weights.h5"
    inception.convert_file(published, path)
    image = np.random.default_rng(1).uniform(0, 255, (1, 299, 299, 3)).astype("f4")
    expected = inception.load_inception(path=path)[0](image)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        found = inception.load_inception(path=path)[0](image)
    finally:
        keras.config.set_dtype_policy(policy)
    for mine, its in zip(found, expected, strict=True):
        np.testing.assert_array_equal(mine, its)


def test_the_whole_network_is_loaded(tmp_path):
    rng = np.random.default_rng(0)
    network = inception.build_inception()
    state = {
        name: rng.random(
            np.empty(variable.shape).transpose(np.argsort(axes)).shape, "f4"
        )
        for name, (variable, axes) in inception._weights_by_name(network).items()
    }
    path = tmp_path / "random.weights.h5"
    with h5py.File(path, "w") as file:
        for name, array in state.items():
            file[name] = array
    model, weights_hash = inception.load_inception("clean", path)
    assert weights_hash == inception.contents_hash(state)
    inception.convert_state_dict(state, network)
    loaded = model.layers[-1].weights
    assert [w.path for w in loaded] == [w.path for w in network.weights]
    for mine, its in zip(loaded, network.weights, strict=True):
        np.testing.assert_array_equal(mine, its)
    assert [x.shape for x in model.output] == [(None, 2048), (None, 1008)]


def stand_in_for_keras(**options):
    """Has the layers that are asked for, and 6 weights."""
    assert options == {"classifier_activation": None}
    images = keras.Input((299, 299, 3))
    x = keras.layers.GlobalAveragePooling2D(name="avg_pool")(images)
    return keras.Model(images, keras.layers.Dense(2, use_bias=False)(x))


def test_keras_inception_has_its_own_scaling_and_name(monkeypatch):
    monkeypatch.setattr(keras.applications, "InceptionV3", stand_in_for_keras)
    keras.utils.set_random_seed(0)
    model, weights_hash = inception.load_keras_inception()
    assert model.name == "keras_inception"
    image = np.zeros((1, 299, 299, 3), "f4") + np.array([255, 127.5, 0], "f4")
    features, logits = model(image)
    np.testing.assert_allclose(features, [[1, 0, -1]], atol=1e-5)
    assert logits.shape == (1, 2)
    # Keras numbers its layers on; the hash does not see it.
    keras.utils.set_random_seed(0)
    assert inception.load_keras_inception()[1] == weights_hash
    assert inception.load_keras_inception()[1] != weights_hash


def test_keras_inception_without_a_network(monkeypatch):
    def unreachable(**options):
        raise Exception("URL fetch failure on https://example.org/v3.h5: no route")

    monkeypatch.setattr(keras.applications, "InceptionV3", unreachable)
    with pytest.raises(RuntimeError, match="v3.h5: no route.*KERAS_HOME"):
        inception.load_keras_inception()


def test_the_layers_that_are_asked_of_keras_are_there(monkeypatch):
    real = keras.applications.InceptionV3
    monkeypatch.setattr(
        keras.applications,
        "InceptionV3",
        lambda **options: real(weights=None, **options),
    )
    model, _ = inception.load_keras_inception()
    assert [x.shape for x in model.output] == [(None, 2048), (None, 1000)]

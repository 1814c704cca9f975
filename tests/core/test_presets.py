"""A preset is written wholly or not at all, and read right or not at all."""

import errno
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys

import h5py
import keras
import numpy as np
import pytest

from keras_gans.core import presets, safe_config
from keras_gans.core.presets import (
    PresetError,
    from_preset,
    list_presets,
    load_from_preset,
    save_to_preset,
)
from tests.systems import tiny_cgan, tiny_dcgan

# TensorFlow 2.21 under NumPy 2, whenever Keras reads a variable.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


@keras.saving.register_keras_serializable("keras_gans")
class PresetToy(keras.Model):
    """Two networks, two optimizers, and a weight of its own."""

    networks = ("critic", "generator")

    def __init__(self, width=3, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        layers = keras.layers
        self.generator = keras.Sequential(
            [keras.Input((2,)), layers.Dense(width), layers.BatchNormalization()]
        )
        self.critic = keras.Sequential([keras.Input((width,)), layers.Dense(1)])
        self.level = self.add_weight(name="level", trainable=False)
        self.built = True

    def call(self, latents):
        return self.generator(latents)

    def get_config(self):
        return {"width": self.width}

    def compile(self, critic_optimizer, generator_optimizer):
        critic_optimizer.build(self.critic.trainable_variables)
        generator_optimizer.build(self.generator.trainable_variables)
        self.critic_optimizer = critic_optimizer
        super().compile(optimizer=generator_optimizer)

    def get_compile_config(self):
        if not self.compiled:
            return None
        chosen = (self.critic_optimizer, self.optimizer)
        return {"optimizers": [keras.saving.serialize_keras_object(o) for o in chosen]}

    def compile_from_config(self, config):
        self.compile(*map(keras.optimizers.deserialize, config["optimizers"]))

    def copy_state_to(self, other):
        other.level.assign(self.level)
        for name in self.networks:
            getattr(other, name).set_weights(getattr(self, name).get_weights())


@keras.saving.register_keras_serializable("keras_gans")
class OtherToy(PresetToy):
    pass


class UnregisteredToy(PresetToy):
    pass


def trained(system=PresetToy, **kwargs):
    """A model in which every variable has been moved away from its first value."""
    toy = system(**kwargs)
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 10)
    toy.compile(
        keras.optimizers.Adam(schedule), keras.optimizers.SGD(0.1, momentum=0.9)
    )
    noise = np.random.default_rng(7)
    for variable in state(toy):
        variable.assign(noise.normal(3, 1, variable.shape))
    return toy


def state(toy):
    return [*toy.weights, *toy.optimizer.variables, *toy.critic_optimizer.variables]


def assert_equal(ours, theirs):
    for mine, its in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(mine.numpy(), its.numpy(), err_msg=mine.path)


@pytest.fixture
def saved(tmp_path):
    save_to_preset(trained(), tmp_path / "toy")
    return tmp_path / "toy"


def rewrite(folder, change):
    """Changes the config and makes the hashes right again, as an attacker would."""
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))
    rehash(folder)


def rehash(folder):
    metadata = json.loads((folder / "metadata.json").read_text())
    for name in metadata["files"]:
        metadata["files"][name] = safe_config.file_facts(folder / name)
    (folder / "metadata.json").write_text(json.dumps(metadata))


def content(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_a_round_trip_keeps_weights_and_optimizers(saved):
    toy, again = trained(), load_from_preset(saved, PresetToy)
    assert_equal(state(toy), state(again))
    assert again.compiled
    assert type(again.critic_optimizer._learning_rate).__name__ == "CosineDecay"
    assert type(from_preset(str(saved))) is PresetToy


def test_the_folder_holds_three_files_and_the_facts(saved):
    assert {p.name for p in saved.parent.iterdir()} == {"toy"}
    metadata = json.loads((saved / "metadata.json").read_text())
    assert set(content(saved)) == {"config.json", "metadata.json", "model.weights.h5"}
    assert metadata["parameter_count"] == {"critic": 4, "generator": 21}
    assert metadata["system"] == "PresetToy"
    assert metadata["include_optimizer"] is True
    assert metadata["backend"] == keras.backend.backend()
    assert metadata["keras_version"] == keras.__version__
    assert metadata["date_saved"].endswith("+00:00")
    assert set(metadata["files"]) == {"config.json", "model.weights.h5"}
    assert metadata["keras_gans_version"]


@pytest.mark.parametrize("compiled", [True, False])
def test_without_optimizer_no_trace_of_it_is_written(tmp_path, compiled):
    toy = trained()
    toy.compiled = compiled
    save_to_preset(toy, tmp_path / "toy", include_optimizer=not compiled)
    assert "compile_config" not in (tmp_path / "toy/config.json").read_text()
    with h5py.File(tmp_path / "toy/model.weights.h5") as file:
        assert set(file) == {"critic", "generator", "vars"}
    again = load_from_preset(tmp_path / "toy")
    assert not again.compiled
    assert_equal(toy.weights, again.weights)


def test_a_weight_that_the_twin_did_not_get_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(PresetToy, "copy_state_to", lambda self, other: None)
    with pytest.raises(PresetError, match="was not copied"):
        save_to_preset(trained(), tmp_path / "toy", include_optimizer=False)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_saved_that_would_be_refused(tmp_path, monkeypatch):
    with pytest.raises(PresetError, match=r"UnregisteredToy.*is refused.*\.keras"):
        save_to_preset(trained(UnregisteredToy), tmp_path / "toy")
    lambda_layer = keras.layers.Lambda(keras.ops.relu)
    config = {"width": keras.saving.serialize_keras_object(lambda_layer)}
    monkeypatch.setattr(PresetToy, "get_config", lambda self: config)
    with pytest.raises(PresetError, match=r"keras.layers.Lambda is refused.*\.keras"):
        save_to_preset(trained(), tmp_path / "toy")
    monkeypatch.setattr(PresetToy, "get_config", lambda self: {"width": 3})
    monkeypatch.setattr(PresetToy, "get_compile_config", lambda self: None)
    with pytest.raises(PresetError, match="how it was compiled"):
        save_to_preset(trained(), tmp_path / "toy")
    assert list(tmp_path.iterdir()) == []


def test_a_preset_is_replaced_and_keeps_what_people_wrote(saved):
    (saved / "README.md").write_text("my card")
    save_to_preset(trained(width=5), saved)
    assert (saved / "README.md").read_text() == "my card"
    assert load_from_preset(saved).width == 5
    assert [p.name for p in saved.parent.iterdir()] == ["toy"]


def test_an_empty_folder_is_filled_and_another_is_left_alone(tmp_path):
    (tmp_path / "empty").mkdir()
    save_to_preset(trained(), tmp_path / "empty")
    load_from_preset(tmp_path / "empty")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.tex").write_text("x")
    (tmp_path / "file").write_text("x")
    for name, found in [("thesis", "chapter.tex"), ("file", "file")]:
        with pytest.raises(PresetError, match=f"'{found}' is part of no preset"):
            save_to_preset(trained(), tmp_path / name)
    assert (tmp_path / "thesis/chapter.tex").read_text() == "x"
    assert len(list(tmp_path.iterdir())) == 3


def full_disk(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("stage", ["weights", "metadata", "rename", "nothing there"])
def test_a_full_disk_leaves_the_previous_preset_whole(tmp_path, monkeypatch, stage):
    path = tmp_path / "toy"
    if stage != "nothing there":
        save_to_preset(trained(), path)
    before = content(path) if path.exists() else None
    if stage == "metadata":
        monkeypatch.setattr(safe_config, "file_facts", full_disk)
    elif stage == "rename":
        rename = pathlib.Path.rename
        fails = lambda p, to: (full_disk if p.suffix == ".tmp" else rename)(p, to)  # noqa: E731
        monkeypatch.setattr(pathlib.Path, "rename", fails)
    else:
        save = PresetToy.save_weights
        broken = lambda self, to: (save(self, to), full_disk())  # noqa: E731
        monkeypatch.setattr(PresetToy, "save_weights", broken)
    with pytest.raises(PresetError, match="toy could not be written.*No space left"):
        save_to_preset(trained(width=5), path)
    assert (content(path) if path.exists() else None) == before
    assert [p.name for p in tmp_path.iterdir()] == (["toy"] if before else [])


def test_a_flipped_byte_or_a_missing_file_is_refused(saved):
    weights = (saved / "model.weights.h5").read_bytes()
    (saved / "model.weights.h5").write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(PresetError, match=r"weights\.h5 is damaged: expected SHA-256"):
        load_from_preset(saved)
    (saved / "model.weights.h5").unlink()
    with pytest.raises(PresetError, match="found no file"):
        load_from_preset(saved)


def test_a_folder_without_metadata_is_read_unchecked(saved):
    (saved / "metadata.json").unlink()
    assert_equal(state(trained()), state(load_from_preset(saved)))


def test_another_class_is_refused_by_both_names(saved, tmp_path):
    with pytest.raises(PresetError, match="holds a PresetToy, not a OtherToy"):
        load_from_preset(saved, OtherToy)
    save_to_preset(trained(OtherToy), tmp_path / "other")
    assert type(load_from_preset(tmp_path / "other", PresetToy)) is OtherToy
    dense = keras.saving.serialize_keras_object(keras.layers.Dense(2))
    rewrite(saved, lambda config: (config.clear(), config.update(dense)))
    with pytest.raises(PresetError, match="Dense is not a system of keras_gans"):
        load_from_preset(saved)


def test_a_hostile_config_is_refused_before_anything_is_built(saved, monkeypatch):
    evil = {"module": "os", "class_name": "system", "config": {"command": "true"}}
    rewrite(saved, lambda config: config["config"].update(extra=evil))
    built = []
    monkeypatch.setattr(PresetToy, "__init__", lambda self, **kwargs: built.append(1))
    with pytest.raises(PresetError, match=r"toy.*config\.config\.extra: .* os\.system"):
        load_from_preset(saved)
    assert built == []


def test_a_config_that_does_not_build_is_one_error(saved):
    rewrite(saved, lambda config: config["config"].update(width=-1))
    with pytest.raises(PresetError, match="PresetToy cannot be built"):
        load_from_preset(saved)
    (saved / "config.json").write_text("{")
    rehash(saved)
    with pytest.raises(PresetError, match="config.json of .* cannot be parsed"):
        load_from_preset(saved)


def test_a_weight_of_another_shape_is_named(saved):
    rewrite(saved, lambda config: config["config"].update(width=4))
    message = r"critic/.*vars/0: expected \(4, 1\), the file has \(3, 1\)"
    with pytest.raises(PresetError, match=message):
        load_from_preset(saved)


def put_link(file, name):
    del file[name]
    file[name] = h5py.ExternalLink("elsewhere.h5", name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda file, name: file.pop(name), r"expected \(2, 3\), the file has nothing"),
        (
            put_link,
            r"weights\.h5 is refused: generator/.*/vars/0 is a link to elsewhere",
        ),
        (
            lambda file, name: file.create_dataset("generator/vars/9", data=[1.0]),
            r"generator/vars/9: expected no such weight, the file has \(1,\)",
        ),
        (
            lambda file, name: file.pop("critic_optimizer/vars/3"),
            "critic_optimizer/vars/3: .*the file has nothing",
        ),
    ],
)
def test_missing_left_over_and_linked_weights_are_named(saved, change, message):
    with h5py.File(saved / "model.weights.h5", "r+") as file:
        change(file, "generator/layers/dense/vars/0")
    rehash(saved)
    with pytest.raises(PresetError, match=message):
        load_from_preset(saved)


def test_optimizer_state_without_an_optimizer_is_an_error_not_a_warning(saved):
    rewrite(saved, lambda config: config.pop("compile_config"))
    with pytest.raises(PresetError, match="critic_optimizer/vars/0: expected no such"):
        load_from_preset(saved)


def test_a_weight_file_that_is_none_is_one_error(saved):
    (saved / "model.weights.h5").write_bytes(b"PK not HDF5")
    rehash(saved)
    with pytest.raises(PresetError, match=r"model\.weights\.h5 cannot be loaded"):
        load_from_preset(saved)


@pytest.mark.parametrize("name", ["metadata.json", "config.json", "model.weights.h5"])
@pytest.mark.parametrize("without_metadata", [False, True])
def test_pipes_and_endless_files_are_refused(saved, name, without_metadata):
    if without_metadata and name != "metadata.json":
        (saved / "metadata.json").unlink()
    (saved / name).unlink()
    os.mkfifo(saved / name)
    with pytest.raises(PresetError, match=f"toy.*{name}|toy is no preset"):
        load_from_preset(saved)
    (saved / name).unlink()
    with open(saved / name, "wb") as file:
        file.truncate(1 << 40)  # of zeros, which take no room
    if name != "model.weights.h5" or without_metadata:
        with pytest.raises(PresetError, match=name):
            load_from_preset(saved)


def test_a_huge_layer_is_refused_before_it_is_made(saved):
    rewrite(saved, lambda config: config["config"].update(width=10**9))
    message = (
        r"toy.*PresetToy cannot be built: The variable 'kernel' of shape \(2, 1000"
    )
    with pytest.raises(PresetError, match=message):
        load_from_preset(saved)


def test_nothing_is_saved_that_strict_json_has_no_word_for(tmp_path, monkeypatch):
    monkeypatch.setattr(PresetToy, "get_config", lambda self: {"width": float("inf")})
    with pytest.raises(PresetError, match="the number Infinity is refused"):
        save_to_preset(trained(), tmp_path / "toy")
    assert list(tmp_path.iterdir()) == []


def killed_between_the_renames(path, monkeypatch):
    """What is left of a replaced preset when the process ends at the worst moment."""
    rename, state = pathlib.Path.rename, path.with_name("state")
    with monkeypatch.context() as patch:

        def copied_after(self, target):
            rename(self, target)
            if target.suffix == ".old":
                shutil.copytree(path.parent, state)

        patch.setattr(pathlib.Path, "rename", copied_after)
        save_to_preset(trained(width=5), path)
    shutil.rmtree(path)
    for left in state.iterdir():
        rename(left, path.with_name(left.name))
    state.rmdir()
    assert not path.exists() and len(list(path.parent.iterdir())) == 2


@pytest.mark.parametrize("handle", [str, pathlib.Path])
def test_a_load_puts_back_what_a_kill_left_aside(saved, monkeypatch, handle):
    (saved / "README.md").write_text("my card")
    killed_between_the_renames(saved, monkeypatch)
    assert load_from_preset(handle(saved)).width == 3
    assert (saved / "README.md").read_text() == "my card"


def test_a_save_puts_back_what_a_kill_left_aside_and_sweeps(saved, monkeypatch):
    (saved / "README.md").write_text("my card")
    killed_between_the_renames(saved, monkeypatch)
    save_to_preset(trained(width=6), saved)
    assert load_from_preset(saved).width == 6
    assert (saved / "README.md").read_text() == "my card"
    assert [p.name for p in saved.parent.iterdir()] == ["toy"]


def drawn(ema_decay=0.5):
    """A DCGAN whose batch statistics and seeds are no longer those of the start."""
    gan = tiny_dcgan(ema_decay=ema_decay)
    gan.seeds.normal((2,))
    for weight in gan.weights:
        if weight.path.endswith("moving_variance"):
            weight.assign(np.full(weight.shape, 1e5))  # beyond float16
    return gan


def arrays_in(folder):
    found = {}

    def read(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(folder / "model.weights.h5") as file:
        file.visititems(read)
    return found


def test_float16_rounds_kernels_and_leaves_the_rest_bit_for_bit(tmp_path):
    gan = drawn()
    gan.save_to_preset(tmp_path / "whole", include_optimizer=False)
    gan.save_to_preset(tmp_path / "half", weights_dtype="float16")
    whole, half = arrays_in(tmp_path / "whole"), arrays_in(tmp_path / "half")
    assert list(half) == list(whole)
    assert any("seed" in name for name in whole)
    for name, values in whole.items():
        is_kernel = values.ndim > 1
        assert half[name].dtype == (np.float16 if is_kernel else values.dtype)
        if is_kernel:
            np.testing.assert_array_equal(half[name], values.astype("f2"))
        else:
            assert half[name].tobytes() == values.tobytes()
    metadata = json.loads((tmp_path / "half/metadata.json").read_text())
    facts = safe_config.file_facts(tmp_path / "half/model.weights.h5")
    assert metadata["files"]["model.weights.h5"] == facts
    assert metadata["include_optimizer"] is False


def test_samples_of_a_float16_preset_are_nearly_the_same(tmp_path):
    gan = tiny_cgan(ema_decay=0.5)
    gan.save_to_preset(tmp_path / "half", weights_dtype="float16")
    again = load_from_preset(tmp_path / "half")
    assert not again.compiled
    assert {weight.dtype for weight in again.weights} == {"float32"}
    first, second = gan.sample(20, seed=0), again.sample(20, seed=0)
    assert 0 < np.abs(first - second).max() < 0.01


def test_weights_of_a_float16_preset_saved_again_are_the_same_to_the_byte(tmp_path):
    drawn().save_to_preset(tmp_path / "first", weights_dtype="float16")
    again = load_from_preset(tmp_path / "first")
    again.save_to_preset(tmp_path / "second", weights_dtype="float16")
    first, second = (arrays_in(tmp_path / name) for name in ("first", "second"))
    assert list(first) == list(second)
    for name, values in first.items():
        assert values.dtype == second[name].dtype
        assert values.tobytes() == second[name].tobytes()


@pytest.mark.parametrize("nothing_there", [True, False])
def test_a_weight_too_large_for_float16_is_named(tmp_path, nothing_there):
    toy, path = trained(), tmp_path / "toy"
    if not nothing_there:
        save_to_preset(toy, path)
    before = content(path) if path.exists() else None
    toy.critic.layers[0].kernel.assign([[1.0], [1e6], [1.0]])
    message = "critic/.*/vars/0 is too large for float16"
    with pytest.raises(PresetError, match=message):
        save_to_preset(toy, path, include_optimizer=False, weights_dtype="float16")
    assert (content(path) if path.exists() else None) == before
    assert [p.name for p in tmp_path.iterdir()] == ([] if nothing_there else ["toy"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights_dtype": "float16"}, "pass include_optimizer=False too"),
        ({"weights_dtype": "bfloat16"}, "'float16' or None. Found: 'bfloat16'"),
        ({"weights_dtype": "half", "include_optimizer": False}, "Found: 'half'"),
    ],
)
def test_other_ways_to_round_are_refused(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        save_to_preset(trained(), tmp_path / "toy", **options)
    assert list(tmp_path.iterdir()) == []


def test_float16_weights_are_given_the_room_of_float32(tmp_path, monkeypatch):
    save_to_preset(trained(), tmp_path / "whole", include_optimizer=False)
    toy = trained()
    save_to_preset(toy, tmp_path / "half", False, weights_dtype="float16")
    asked, bounded = [], presets.bounded
    monkeypatch.setattr(
        presets, "bounded", lambda *facts: asked.append(facts) or bounded(*facts)
    )
    for name in ("whole", "half"):
        load_from_preset(tmp_path / name)
    assert asked[0] == asked[1]
    assert asked[0][0] == 4 * sum(np.prod(weight.shape) for weight in toy.weights)


OTHER_BACKEND = {"tensorflow": "jax", "jax": "tensorflow"}.get(keras.backend.backend())
SAMPLER = """
import sys
import numpy as np
import keras_gans as kg
np.save(sys.argv[2], kg.from_preset(sys.argv[1]).sample(20, seed=0))
"""


@pytest.mark.skipif(
    OTHER_BACKEND is None or importlib.util.find_spec(OTHER_BACKEND) is None,
    reason="needs TensorFlow and JAX",
)
def test_a_float16_preset_draws_the_same_on_the_other_backend(tmp_path):
    tiny_cgan().save_to_preset(tmp_path / "half", weights_dtype="float16")
    drawn_there = tmp_path / "drawn.npy"
    done = subprocess.run(
        [sys.executable, "-c", SAMPLER, str(tmp_path / "half"), str(drawn_there)],
        env={**os.environ, "KERAS_BACKEND": OTHER_BACKEND},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    drawn_here = load_from_preset(tmp_path / "half").sample(20, seed=0)
    np.testing.assert_allclose(drawn_here, np.load(drawn_there), atol=1e-5)


def test_list_presets_reads_the_index(tmp_path, monkeypatch):
    files = {
        name: {"sha256": "0" * 64, "size": 1} for name in safe_config.REQUIRED_FILES
    }
    index = {
        "toy_a": {"system": "PresetToy", "description": "a toy", "files": files},
        "toy_b": {"system": "OtherToy", "files": files},
    }
    (tmp_path / "index.json").write_text(json.dumps({"presets": index}))
    monkeypatch.setattr(safe_config, "zoo_folder", lambda: tmp_path)
    assert list_presets() == {"toy_a": "a toy", "toy_b": ""}
    assert list_presets(OtherToy) == {"toy_b": ""}
    assert list_presets("PresetToy") == {"toy_a": "a toy"}
    assert presets.list_presets("Nobody") == {}

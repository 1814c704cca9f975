import keras
import pytest

import keras_gans as kg
from tests.contract import assert_equal, on_tensorflow, state_of, two_replicas
from tests.systems import images, tiny_gan


class Killed(Exception):
    pass


def train(folder, epochs=4, gan=None, **backup):
    gan = gan or tiny_gan(ema_decay=0.5)
    gan.compile()
    backup = kg.callbacks.BackupAndRestore(folder, **backup)
    gan.fit(images(16), batch_size=4, epochs=epochs, callbacks=[backup], verbose=0)
    return gan


@pytest.mark.parametrize("when", ["before", "half way", "before removing the old"])
def test_killed_while_saving_and_resumed(tmp_path, monkeypatch, when):
    """Whatever instant of the third save is the last, the end is the same."""
    saves, plain = [], keras.Model.save_weights
    unlink = type(tmp_path).unlink

    def save_weights(self, filepath, **kwargs):
        saves.append(filepath)
        if len(saves) == 3 and when == "before":
            raise Killed
        plain(self, filepath, **kwargs)
        if len(saves) == 3 and when == "half way":
            raise Killed

    def keep(path, **kwargs):
        # A killed process cleans nothing up.
        if len(saves) == 3 and path.exists():
            if when == "before removing the old":
                raise Killed
            return
        unlink(path, **kwargs)

    whole = train(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr(keras.Model, "save_weights", save_weights)
        patch.setattr(type(tmp_path), "unlink", keep)
        with pytest.raises(Killed):
            train(tmp_path / "parts")
    resumed = train(tmp_path / "parts", delete_checkpoint=False)
    assert_equal(state_of(whole), state_of(resumed))
    left = [path.name for path in (tmp_path / "parts").iterdir()]
    assert left == ["epoch_000004.weights.h5"]


def test_a_finished_training_is_not_repeated(tmp_path):
    gan = train(tmp_path, delete_checkpoint=False)
    again = train(tmp_path, delete_checkpoint=False)
    assert again.history.epoch == []
    assert_equal(state_of(gan), state_of(again))
    longer = train(tmp_path, epochs=5, delete_checkpoint=False)
    assert longer.history.epoch == [4]


def test_the_folder_goes_when_training_ends(tmp_path):
    train(tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hidden_units": 5}, r"arguments.hidden_units \(4, now 5\)"),
        ({"seed": 1}, r"arguments.seed \(0, now 1\)"),
        ({"generator_optimizer": keras.optimizers.SGD(0.5)}, "generator_optimizer"),
        ({"batch_size": 8}, r"batch_size \(4, now 8\)"),
    ],
)
def test_other_arguments_are_refused_by_name(tmp_path, change, said):
    train(tmp_path, epochs=1, delete_checkpoint=False)
    compiled = {k: change.pop(k) for k in list(change) if k.endswith("_optimizer")}
    size = change.pop("batch_size", 4)
    gan = tiny_gan(ema_decay=0.5, **change)
    gan.compile(**compiled)
    before = state_of(gan)
    backup = kg.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(ValueError, match=f"epoch_000001.* other arguments: .*{said}"):
        gan.fit(images(16), batch_size=size, callbacks=[backup], verbose=0)
    assert_equal(before, state_of(gan))


def test_other_precision_is_refused(tmp_path):
    train(tmp_path, epochs=1, delete_checkpoint=False)
    keras.mixed_precision.set_dtype_policy("mixed_bfloat16")
    try:
        with pytest.raises(ValueError, match="precision .float32, now mixed_bfloat16"):
            train(tmp_path)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def test_generated_names_make_no_difference(tmp_path):
    def own():
        latents = keras.Input((3,))
        pixels = keras.layers.Dense(16, activation="tanh")(latents)
        generator = keras.Model(latents, keras.layers.Reshape((4, 4, 1))(pixels))
        return tiny_gan(ema_decay=0.5, generator=generator)

    train(tmp_path, epochs=1, gan=own(), delete_checkpoint=False)
    assert train(tmp_path, epochs=2, gan=own()).history.epoch == [1]


@on_tensorflow
def test_on_another_number_of_devices_it_goes_on_with_a_warning(tmp_path):
    train(tmp_path, epochs=2, delete_checkpoint=False)
    with two_replicas().scope():
        gan = tiny_gan(ema_decay=0.5)
        gan.compile()
    backup = kg.callbacks.BackupAndRestore(tmp_path)
    with pytest.warns(UserWarning, match=r"goes on elsewhere: replicas \(1, now 2\)"):
        gan.fit(images(16), batch_size=4, epochs=4, callbacks=[backup], verbose=0)
    assert gan.history.epoch == [2, 3]
    iterations = keras.ops.convert_to_numpy(gan.generator_optimizer.iterations)
    assert iterations == 16


@pytest.mark.parametrize("damage", [b"", b"not a file of HDF5", None])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    train(tmp_path, epochs=1, delete_checkpoint=False)
    path = tmp_path / "epoch_000001.weights.h5"
    path.write_bytes(path.read_bytes()[:3000] if damage is None else damage)
    with pytest.raises(ValueError, match="epoch_000001.weights.h5 cannot be read"):
        train(tmp_path)

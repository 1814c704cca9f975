import keras
import pytest

import keras_gans as kg
from tests.contract import assert_equal, state_of
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


@pytest.mark.filterwarnings("ignore:Skipping nested container")
def test_a_checkpoint_of_other_networks_is_refused(tmp_path):
    train(tmp_path, epochs=1, delete_checkpoint=False)
    with pytest.raises(ValueError):
        train(tmp_path, gan=tiny_gan(hidden_units=5, ema_decay=0.5))

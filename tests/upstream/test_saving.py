import keras
import pytest

from tests.upstream.still_broken import (
    X,
    Y,
    every_backend,
    numbers,
    still_broken,
)


@every_backend
def test_seeds_are_not_saved(tmp_path):
    def dropout():
        return keras.Sequential([keras.Input((2,)), keras.layers.Dropout(0.5, seed=7)])

    def draws(model):
        return int(numbers(model.layers[0].seed_generator.state)[1])

    model, loaded = dropout(), dropout()
    model(X, training=True)
    assert draws(model) == 1
    model.save_weights(tmp_path / "a.weights.h5")
    model.save(tmp_path / "a.keras")
    loaded.load_weights(tmp_path / "a.weights.h5")
    with still_broken(
        "core.saving:Saving.save_own_variables", "keras-team/keras#19796"
    ):
        assert draws(loaded) == 0
        assert draws(keras.saving.load_model(tmp_path / "a.keras")) == 0


@every_backend
def test_layers_that_the_model_lacks_are_skipped_silently(tmp_path):
    dense = keras.layers.Dense
    smaller = keras.Sequential([keras.Input((2,)), dense(1)])
    larger = keras.Sequential([keras.Input((2,)), dense(1), dense(1)])
    larger.save_weights(tmp_path / "larger.weights.h5")
    with still_broken("core.weight_files:load_weights"):
        smaller.load_weights(tmp_path / "larger.weights.h5")


@every_backend
def test_killed_saving_destroys_the_weights_of_before(tmp_path):
    class Killed(keras.layers.Dense):
        def save_own_variables(self, store):
            raise KeyboardInterrupt

    model, killed = (
        keras.Sequential([keras.Input((2,)), dense(1)])
        for dense in (keras.layers.Dense, Killed)
    )
    path = tmp_path / "a.weights.h5"
    model.save_weights(path)
    model.load_weights(path)
    with pytest.raises(KeyboardInterrupt):
        killed.save_weights(path)
    with (
        still_broken("core.saving:Saving.save_weights"),
        pytest.raises(ValueError, match="could not be loaded"),
    ):
        model.load_weights(path)


@every_backend
def test_backup_killed_between_its_files_repeats_an_epoch(tmp_path):
    saves = []

    class Killed(keras.Sequential):
        def save_weights(self, *arguments, **kwargs):
            super().save_weights(*arguments, **kwargs)
            saves.append(arguments)
            if len(saves) == 2:
                raise KeyboardInterrupt

    def model(kind):
        model = kind([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model

    backup = keras.callbacks.BackupAndRestore(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        model(Killed).fit(X, Y, epochs=3, verbose=0, callbacks=[backup])
    resumed = model(keras.Sequential)
    backup.set_model(resumed)
    backup.on_train_begin()
    with still_broken("callbacks:BackupAndRestore"):
        assert int(numbers(resumed.optimizer.iterations)) == 2  # one per epoch
        assert resumed._initial_epoch == 1

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.callbacks import BackupAndRestore, ConstantThenLinear, LinearDecay
from tests.contract import assert_equal, state_of
from tests.systems import images, tiny_gan


def compiled(rate=0.01):
    gan = tiny_gan()
    rates = {f"{p}_optimizer": keras.optimizers.Adam(rate) for p in gan.players}
    gan.compile(**rates)
    return gan


def rates_of(gan):
    return [
        float(ops.convert_to_numpy(o.learning_rate)) for o in gan.optimizer.optimizers
    ]


class Rates(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.found = []

    def on_train_batch_end(self, batch, logs=None):
        self.found.append(rates_of(self.model))


class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 2:
            raise KeyboardInterrupt


@pytest.mark.every_backend
def test_rates_of_all_players_fall_epoch_by_epoch():
    gan, rates = compiled(), Rates()
    gan.fit(
        images(8),
        batch_size=4,
        epochs=4,
        callbacks=[LinearDecay(2, 2), rates],
        verbose=0,
    )
    shares = np.repeat([1, 1, 2 / 3, 1 / 3], 2)
    expected = 0.01 * np.stack([shares, shares], axis=1)
    np.testing.assert_allclose(rates.found, expected, rtol=1e-5)
    assert rates_of(gan) == pytest.approx([0.01, 0.01])
    schedule = ConstantThenLinear(0.01, 2, 2, 2)
    by_step = [float(schedule(step)) for step in range(8)]
    np.testing.assert_allclose(rates.found, np.stack([by_step] * 2, 1), rtol=1e-5)


def test_a_killed_run_goes_on_with_the_rates_it_had(tmp_path):
    whole = compiled()
    whole.fit(
        images(8), batch_size=4, epochs=4, callbacks=[LinearDecay(1, 3)], verbose=0
    )
    options = {"batch_size": 4, "epochs": 4, "verbose": 0}
    with pytest.raises(KeyboardInterrupt):
        killed = [LinearDecay(1, 3), BackupAndRestore(tmp_path / "b"), Kill()]
        compiled().fit(images(8), callbacks=killed, **options)
    again = compiled()
    callbacks = [LinearDecay(1, 3), BackupAndRestore(tmp_path / "b")]
    again.fit(images(8), callbacks=callbacks, **options)
    assert_equal(state_of(again), state_of(whole))


def test_rates_with_a_schedule_of_their_own_are_refused():
    gan = compiled(ConstantThenLinear(0.01, 2))
    with pytest.raises(ValueError, match="follows a schedule"):
        gan.fit(images(8), batch_size=4, callbacks=[LinearDecay(1, 1)], verbose=0)

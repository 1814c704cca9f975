import random

import keras
import pytest

from tests.upstream.still_broken import (
    Own,
    X,
    Y,
    every_backend,
    numbers,
    one_dense,
    still_broken,
)


@every_backend
def test_csv_log_stays_open_after_an_interrupt(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    log = keras.callbacks.CSVLogger(tmp_path / "log.csv")
    with pytest.raises(KeyboardInterrupt):
        one_dense().fit(X, Y, verbose=0, callbacks=[log, Interrupt()])
    was_closed = log.csv_file.closed
    log.on_train_end()
    assert log.csv_file.closed
    with still_broken("cli.runs:_fit"):
        assert not was_closed


@every_backend
def test_nan_in_a_log_of_another_name_is_not_noticed():
    model = Own(float("nan"))
    model.compile()
    nan = keras.callbacks.TerminateOnNaN()
    with still_broken("callbacks:StopOnNaN"):
        assert len(model.fit(X, epochs=2, verbose=0, callbacks=[nan]).epoch) == 2


class Batches(keras.utils.PyDataset):
    def __init__(self):
        super().__init__()
        self.seen = []

    def __len__(self):
        return 4

    def __getitem__(self, index):
        self.seen.append(index)
        return X[:1], Y[:1]

    def on_epoch_end(self):
        self.seen.append("end")


@every_backend
def test_batches_are_shuffled_by_pythons_global_random():
    def order(seed, **kwargs):
        data, before = Batches(), random.getstate()
        random.seed(seed)
        try:
            one_dense().fit(data, verbose=0, **kwargs)
        finally:
            random.setstate(before)
        return [index for index in data.seen if index != "end"][-4:]

    assert order(0, shuffle=False) == order(1, shuffle=False) == [0, 1, 2, 3]
    with still_broken("core.feeding:Feeding.fit"):
        assert order(0) == order(0) != order(1)


@every_backend
def test_epochs_end_that_never_began():
    training, validation = Batches(), Batches()
    model = one_dense()
    model.fit(training, validation_data=validation, epochs=3, verbose=0)
    with still_broken("data.array_batches:ArrayBatches.on_epoch_end"):
        assert training.seen.count("end") == 4
        assert validation.seen.count("end") == 6


@every_backend
def test_unseeded_layers_draw_their_seed_from_pythons_random():
    def seeds(seed):
        before = random.getstate()
        random.seed(seed)
        try:
            dropout = keras.layers.Dropout(0.5).seed_generator
            initializer = keras.initializers.GlorotUniform()
        finally:
            random.setstate(before)
        return initializer.seed, *numbers(dropout.state)

    with still_broken("core.random:seeded"):
        assert seeds(1) == seeds(1)
        assert not set(seeds(1)[:2]) & set(seeds(2)[:2])

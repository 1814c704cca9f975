import math

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans import metrics
from tests.systems import images, tiny_cgan, tiny_gan

EXTRACTOR = metrics.FeatureExtractor(
    "small", lambda x: (x.reshape(len(x), -1)[:, :3], x.reshape(len(x), -1)[:, :3])
)
FIGURES = ["frechet_distance", "precision_recall"]
NAMES = {"frechet_distance", "precision", "recall"}


def evaluate(every=1, **options):
    options = {"metrics": FIGURES, "num_samples": 12, "k": 2, **options}
    return kg.callbacks.Evaluate(
        images(24), every, extractor=EXTRACTOR, progress=False, **options
    )


def fit(gan, *callbacks, epochs=3, **options):
    options = {"batch_size": 4, "verbose": 0, **options}
    return gan.fit(images(8), epochs=epochs, callbacks=list(callbacks), **options)


@pytest.fixture
def gan():
    gan = tiny_gan(seed=3)
    gan.compile()
    return gan


def test_figures_are_in_the_logs_of_their_epochs(gan):
    history = fit(gan, evaluate(every=2)).history
    assert set(history) >= NAMES
    distances = history["frechet_distance"]
    # Epoch 2 by turn, epoch 3 because it is the last.
    assert [math.isnan(value) for value in distances] == [True, False, False]
    found = gan.evaluate_samples(
        images(24), metrics=FIGURES, num_samples=12, extractor=EXTRACTOR, k=2
    )
    assert found["frechet_distance"].value == distances[-1]


def test_training_goes_on_as_without(gan):
    fit(gan, evaluate())
    other = tiny_gan(seed=3)
    other.compile()
    fit(other)
    for mine, its in zip(gan.weights, other.weights, strict=True):
        np.testing.assert_array_equal(mine.numpy(), its.numpy())


@pytest.mark.parametrize(
    ("monitor", "values", "best"),
    [
        ("frechet_distance", [3.0, 1.0, 2.0], (1.0, 2)),
        ("precision", [0.2, math.nan, 0.1], (0.2, 1)),
    ],
)
def test_the_best_epoch_is_kept(gan, tmp_path, monkeypatch, monitor, values, best):
    given = iter(values)
    real = metrics.Evaluation.logs

    def logs(self):
        made = real(self)
        if "epoch" in self.facts:  # read again, of the preset that was kept
            return made
        return {**made, monitor: next(given)}

    monkeypatch.setattr(metrics.Evaluation, "logs", logs)
    callback = evaluate(keep_best=tmp_path / "best", monitor=monitor)
    samples = []
    drawn = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: samples.append(gan.sample(4, seed=1))
    )
    fit(gan, callback, drawn)
    assert callback.best == best[0]
    kept = kg.from_preset(tmp_path / "best")
    np.testing.assert_array_equal(kept.sample(4, seed=1), samples[best[1] - 1])
    text = (tmp_path / "best/metrics.json").read_text()
    assert metrics.Evaluation.from_json(text).facts["epoch"] == best[1]


def test_a_resumed_training_remembers_the_best(gan, tmp_path):
    callback = evaluate(keep_best=tmp_path / "best")
    fit(gan, callback, epochs=2)
    again = evaluate(keep_best=tmp_path / "best")
    remembered = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: remembered.append(again.best)
    )
    fit(gan, again, watch, epochs=3, initial_epoch=2)
    assert remembered == [callback.best]
    # But a new training does not compare itself with an old one.
    new = evaluate(keep_best=tmp_path / "best")
    began = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: remembered.append(new.best)
    )
    fit(gan, new, began, epochs=1)
    assert remembered[-1] is None


def test_keras_callbacks_act_on_the_figures(gan):
    stop = keras.callbacks.EarlyStopping("frechet_distance", min_delta=1e9, mode="max")
    fit(gan, evaluate(), stop, epochs=9)
    # No epoch gains so much on the first.
    assert gan.history.epoch == [0, 1]


def test_labels_of_a_conditional_system_are_those_of_the_data():
    gan = tiny_cgan()
    gan.compile()
    labels = np.arange(24) % 3
    callback = kg.callbacks.Evaluate(
        (images(24), labels),
        extractor=EXTRACTOR,
        metrics=["label_agreement"],
        monitor="agreement",
        num_samples=12,
        progress=False,
    )
    gan.fit(images(8), labels[:8], batch_size=4, verbose=0, callbacks=[callback])
    assert 0 <= gan.history.history["agreement"][0] <= 1


def test_what_is_wrong_is_said_before_the_training(gan):
    with pytest.raises(ValueError, match="monitor is one of .*precision"):
        evaluate(monitor="fid")
    with pytest.raises(ValueError, match="There is no metric beauty"):
        fit(gan, evaluate(metrics=["beauty", "frechet_distance"]))
    wrong = kg.callbacks.Evaluate(images(8, side=5), extractor=EXTRACTOR)
    with pytest.raises(ValueError, match="Real images are uint8"):
        fit(gan, wrong)
    assert gan.optimizer.iterations.numpy() == 0

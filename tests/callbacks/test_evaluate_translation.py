import math

import numpy as np
import pytest

import keras_gans as kg


@pytest.fixture(scope="module")
def pairs():
    random = np.random.default_rng(0)
    return tuple(random.integers(0, 256, (4, 32, 32, 1), "uint8") for _ in range(2))


def tiny():
    gan = kg.Pix2Pix((32, 32, 1), base_channels=1, discriminator_channels=1)
    gan.compile()
    return gan


def test_the_best_translation_is_kept(pairs, tmp_path):
    evaluate = kg.callbacks.EvaluateTranslation(*pairs, every=2, keep_best=tmp_path)
    gan = tiny()
    logs = gan.fit(*pairs, batch_size=2, epochs=3, callbacks=[evaluate], verbose=0)
    found = logs.history["psnr"]
    assert math.isnan(found[0]) and np.isfinite(found[1:]).all()
    kept = kg.metrics.Evaluation.from_json((tmp_path / "metrics.json").read_text())
    assert kept["psnr"].value == max(found[1:]) == evaluate.best
    best = kg.from_preset(tmp_path)
    made = kg.data.to_uint8(best.translate(pairs[0]))
    again = kg.metrics.psnr(pairs[1], made).value
    assert again == pytest.approx(evaluate.best, abs=1e-4)


def test_a_training_that_goes_on_knows_the_best(pairs, tmp_path):
    perfect = kg.metrics.psnr(*(np.zeros((1, 8, 8, 1), "uint8") + i for i in (0, 1)))
    kg.metrics.Evaluation({"epoch": 1}, (perfect,)).save(tmp_path / "metrics.json")
    evaluate = kg.callbacks.EvaluateTranslation(*pairs, keep_best=tmp_path)
    fit = {"batch_size": 2, "callbacks": [evaluate], "verbose": 0}
    tiny().fit(*pairs, initial_epoch=1, epochs=2, **fit)
    assert evaluate.best == perfect.value
    assert not (tmp_path / "model.weights.h5").exists()

import numpy as np
import pytest

from keras_gans.core.pixels import to_bytes_range
from tests.systems import tiny_cgan, tiny_dcgan, tiny_gan


@pytest.mark.parametrize("method", ["sample", "sample_batches"])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_images": 0}, "num_images"),
        ({"num_images": 1.5}, "num_images"),
        ({"num_images": 1, "seed": -1}, "seed"),
        ({"num_images": 1, "seed": 2**63}, "seed"),
        ({"num_images": 1, "batch_size": 0}, "batch_size"),
        ({"num_images": 1, "truncation": -1.0}, "truncation"),
        ({"num_images": 1, "truncation": float("nan")}, "truncation"),
        ({"num_images": 1, "labels": 0}, "takes no labels"),
    ],
)
def test_bad_arguments_are_named_at_once(arguments, message, method):
    """Not when the first batch is asked for."""
    with pytest.raises(ValueError, match=message):
        getattr(tiny_dcgan(), method)(**arguments)


@pytest.mark.parametrize("labels", [3, -1, [0, 1], [[0, 1, 2, 0, 1]]])
def test_bad_labels_are_named_at_once(labels):
    with pytest.raises(ValueError, match="5 images need one label|Labels lie in"):
        tiny_cgan().sample_batches(5, labels=labels)


@pytest.mark.parametrize("labels", [None, 2, [2, 0, 1, 1, 0, 2, 2]])
def test_batches_are_the_parts_of_a_sample(labels):
    gan = tiny_cgan()
    batches = list(gan.sample_batches(7, 5, labels, batch_size=3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    whole = gan.sample(7, 5, labels, batch_size=3)
    np.testing.assert_array_equal(np.concatenate(batches), whole)
    # Another size of batch rounds differently.
    np.testing.assert_allclose(whole, gan.sample(7, 5, labels), atol=1e-5)


def test_batches_are_drawn_when_they_are_asked_for(monkeypatch):
    gan, calls = tiny_dcgan(), []
    call = type(gan).call
    monkeypatch.setattr(
        type(gan), "call", lambda self, *a, **k: calls.append(1) or call(self, *a, **k)
    )
    batches = gan.sample_batches(10**9, seed=0, batch_size=2)
    assert calls == []
    first = next(batches)
    assert calls == [1] and first.shape == (2, 8, 8, 1)
    np.testing.assert_array_equal(first, gan.sample(2, seed=0))


def test_no_seed_is_a_fresh_one():
    gan = tiny_dcgan()
    assert np.abs(gan.sample(4) - gan.sample(4)).max() > 0


def test_truncation_pulls_latents_together():
    gan = tiny_dcgan()
    wide = gan.sample(64, seed=0).std(axis=0).mean()
    narrow = gan.sample(64, seed=0, truncation=0.1).std(axis=0).mean()
    assert narrow < 0.3 * wide


def test_moving_average_is_what_samples():
    gan = tiny_gan(ema_decay=0.9)
    assert gan.sampler is gan.ema_generator
    for weight in gan.generator.trainable_weights:
        weight.assign(weight.value * 0 + 3.0)
    assert gan.sample(2, seed=0).max() < 0.9


def test_bytes_round_and_clip():
    found = to_bytes_range(np.array([-2.0, -1.0, 0.0, 0.999, 1.0, 2.0], "float32"))
    np.testing.assert_array_equal(np.array(found), [0, 0, 128, 255, 255, 255])

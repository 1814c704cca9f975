import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.losses import semi_supervised


@pytest.mark.every_backend
def test_golden_values():
    labelled = semi_supervised.labelled(ops.array([[2.0, 0, -1]]), ops.array([0]))
    assert float(labelled) == pytest.approx(0.16984606, abs=1e-6)
    unlabelled = semi_supervised.unlabelled(
        ops.array([[1.0, 1, 0]]), ops.array([[-1.0, 0, -2]])
    )
    assert float(unlabelled) == pytest.approx(0.53099501, abs=1e-6)


def test_equals_a_softmax_with_one_more_class():
    """The further class's logit is 0: cross-entropies of its K + 1 probabilities."""
    rng = np.random.default_rng(0)
    real, fake = rng.normal(size=(2, 6, 4)).astype("float32")

    def probability_of_fake(logits):
        with_zero = np.concatenate([logits, np.zeros((6, 1))], axis=1)
        return 1 / np.exp(with_zero).sum(axis=1)

    expected = -np.log(1 - probability_of_fake(real)).mean()
    expected -= np.log(probability_of_fake(fake)).mean()
    found = semi_supervised.unlabelled(ops.array(real), ops.array(fake))
    assert float(found) == pytest.approx(expected / 2, rel=1e-5)
    found = ops.sigmoid(semi_supervised.realness(ops.array(real)))
    np.testing.assert_allclose(found, 1 - probability_of_fake(real), rtol=1e-5)


def test_a_constant_on_all_logits_says_real_and_no_class():
    logits, labels = ops.array([[2.0, 0, -1], [0, 1, 0]]), ops.array([1, 1])
    plain = semi_supervised.labelled(logits, labels)
    shifted = semi_supervised.labelled(logits + 3.0, labels)
    assert float(plain) == pytest.approx(float(shifted), abs=1e-6)
    z = semi_supervised.realness(logits)
    np.testing.assert_allclose(
        semi_supervised.realness(logits + 3.0), z + 3.0, rtol=1e-6
    )


def test_features_are_matched_in_the_mean():
    real = ops.array([[1.0, 2.0], [3.0, 6.0]])
    fake = ops.array([[0.0, 4.0], [0.0, 1.0]])
    # Means (2, 4) and (0, 2.5).
    square = semi_supervised.feature_matching(real, fake)
    assert float(square) == pytest.approx((4 + 2.25) / 2)
    absolute = semi_supervised.feature_matching(real, fake, absolute=True)
    assert float(absolute) == pytest.approx((2 + 1.5) / 2)


def test_half_precision_is_averaged_in_float32():
    features = ops.cast(ops.full((70_000, 1), 2.0), "float16")
    loss = semi_supervised.feature_matching(features, ops.zeros((3, 1)))
    assert float(loss) == pytest.approx(4.0)


def test_one_sided_smoothing():
    real, fake = ops.array([1.0, -1.0]), ops.array([0.5, -2.0])
    certain = kg.losses.label_smoothed(1.0)
    plain = kg.losses.non_saturating
    expected = float(plain.discriminator(real, fake))
    assert float(certain.discriminator(real, fake)) == pytest.approx(expected)
    # sp(-t) = sp(t) - t: a tenth of the mean logit, which is 0, is all that changes.
    smooth = kg.losses.label_smoothed(0.9)
    assert float(smooth.discriminator(real, fake)) == pytest.approx(expected)
    tenth = float(smooth.discriminator(real + 1.0, fake))
    whole = float(plain.discriminator(real + 1.0, fake))
    assert tenth == pytest.approx(whole + 0.1)
    assert float(smooth.generator(fake)) == float(plain.generator(fake))


def test_a_smoothed_discriminator_is_best_at_the_target():
    """On reals alone the loss is least where sigma(D) = t."""
    game = kg.losses.label_smoothed(0.75)
    logits = np.linspace(-3, 3, 601)
    fake = ops.array([-100.0])
    costs = [float(game.discriminator(ops.array([x]), fake)) for x in logits]
    best = logits[int(np.argmin(costs))]
    assert 1 / (1 + np.exp(-best)) == pytest.approx(0.75, abs=2e-3)


@pytest.mark.parametrize("target", [0.0, 1.1, -1])
def test_targets_out_of_range(target):
    with pytest.raises(ValueError, match=r"\(0, 1\]"):
        kg.losses.label_smoothed(target)

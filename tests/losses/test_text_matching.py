"""Losses of pairs: the values of the specification, and what classes leave out."""

import numpy as np
import pytest
from keras import ops

from keras_gans import losses

pytestmark = pytest.mark.every_backend
IMAGES = np.random.RandomState(0).randn(4, 3)
TEXTS = np.random.RandomState(1).randn(4, 3)


def test_structured_matching():
    """Section 9."""
    found = losses.structured_matching(IMAGES, TEXTS)
    assert float(found) == pytest.approx(2.509224605, rel=1e-6)
    swapped = losses.structured_matching(TEXTS, IMAGES)
    assert float(swapped) == pytest.approx(2.509224605, rel=1e-6)


def test_contrastive_matching():
    """Section 9: of rows and of columns."""
    found = losses.contrastive_matching(IMAGES, TEXTS)
    assert float(found) == pytest.approx(4.667638696 + 4.270800505, rel=1e-5)
    larger = losses.contrastive_matching(3 * IMAGES, TEXTS / 7)
    assert float(larger) == pytest.approx(float(found), rel=1e-5), "cosines"


def test_matching_aware():
    """Section 9."""
    logits = [np.array([[value]], "float32") for value in (0.7, -0.3, 0.2)]
    found = losses.matching_aware(*map(ops.convert_to_tensor, logits))
    assert float(found) == pytest.approx(1.079433106, rel=1e-6)
    generator = losses.non_saturating.generator(ops.convert_to_tensor(logits[2]))
    assert float(generator) == pytest.approx(0.598138869, rel=1e-6)


def test_pairs_that_are_not_wrong_weigh_nothing():
    real, wrong, fake = (
        np.array(v, "float32")[:, None] for v in ([1, 2], [3, 4], [0, 5])
    )
    weights = np.array([0.0, 1.0], "float32")
    found = losses.matching_aware(real, wrong, fake, weights, wrong_weight=0.3)
    expected = (
        np.log1p(np.exp(-real)).mean()
        + 0.3 * np.log1p(np.exp(4.0)) / 2
        + 0.7 * np.log1p(np.exp(fake)).mean()
    )
    assert float(found) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "loss", [losses.structured_matching, losses.contrastive_matching]
)
def test_pairs_of_a_class_are_left_out(loss):
    classes = np.array([0, 1, 1, 2])
    changed = TEXTS.copy()
    changed[1] += 0.5
    apart = [float(loss(IMAGES, t, np.arange(4))) for t in (TEXTS, changed)]
    alone = float(loss(IMAGES, TEXTS))
    assert apart[0] == pytest.approx(alone, rel=1e-6) and apart[0] != apart[1]
    assert float(loss(IMAGES, TEXTS, classes)) < alone
    # All of one class: nobody is to be told from anybody.
    one = float(loss(IMAGES, TEXTS, np.zeros(4, int)))
    assert one == pytest.approx(0.0, abs=1e-6)


def test_a_margin_that_is_kept_costs_nothing():
    vectors = 2.0 * np.eye(4)
    assert float(losses.structured_matching(vectors, vectors)) == 0.0
    wider = float(losses.structured_matching(vectors, vectors, margin=5.0))
    assert wider == pytest.approx(2 * 12 / 16)

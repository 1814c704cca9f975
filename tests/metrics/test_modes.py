import numpy as np
import pytest

from keras_gans import metrics


def test_uniform_labels_reach_all_modes():
    labels = np.repeat(np.arange(1000), 3)
    result = metrics.mode_coverage(labels)
    assert result["modes"] == 1000 and result["kl"] == pytest.approx(0, abs=1e-12)
    assert result.num_generated == 3000


def test_one_mode_is_as_far_as_it_gets():
    result = metrics.mode_coverage(np.full(26_000, 7))
    assert result["modes"] == 1 and result["kl"] == pytest.approx(np.log(1000))


def test_a_perfect_sampler_has_a_known_divergence():
    """(1000 - 1) / (2 * 26000) to first order; simulated 0.0197."""
    random = np.random.default_rng(0)
    found = [
        metrics.mode_coverage(random.integers(0, 1000, 26_000))["kl"] for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(0.0197, abs=5e-4)


def test_divergence_by_hand():
    result = metrics.mode_coverage([0, 0, 0, 2], num_modes=4)
    expected = 0.75 * np.log(4 * 0.75) + 0.25 * np.log(4 * 0.25)
    assert result["kl"] == pytest.approx(expected) and result["modes"] == 2


def test_stacked_digits_number_the_modes():
    digits = np.array([[0, 0, 0], [9, 9, 9], [4, 0, 2]], "uint8")
    assert metrics.stacked_labels(digits).tolist() == [0, 999, 402]


@pytest.mark.parametrize("digits", [[[1, 2]], [[1, 2, 10]], [[0.5, 1.0, 2.0]]])
def test_other_digits_are_refused(digits):
    with pytest.raises(ValueError, match=r"integers in \[0, 10\)"):
        metrics.stacked_labels(digits)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0.0], "integers of shape"),
        ([[1]], "integers of shape"),
        ([4], r"\[0, 4\), found 4 to 4"),
        ([-1], r"\[0, 4\), found -1"),
        (np.zeros(0, int), "no labels"),
    ],
)
def test_labels_are_checked(labels, message):
    with pytest.raises(ValueError, match=message):
        metrics.mode_coverage(labels, num_modes=4)


def test_a_ring_of_gaussians():
    angles = np.arange(8) * np.pi / 4
    ring = 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    random = np.random.default_rng(0)
    all_modes = np.repeat(ring, 100, axis=0) + 0.02 * random.standard_normal((800, 2))
    result = metrics.mixture_modes(all_modes, ring, std=0.02)
    # A plane Gaussian has exp(-9 / 2) of its mass beyond three standard deviations.
    assert result["modes"] == 8 and result["good"] == pytest.approx(0.989, abs=0.01)
    assert result["kl"] < 0.001
    half = metrics.mixture_modes(all_modes[:400], ring, std=0.02)
    assert half["modes"] == 4 and half["kl"] == pytest.approx(np.log(2), abs=0.001)
    lost = metrics.mixture_modes(all_modes + 9, ring, std=0.02)
    assert (lost["modes"], lost["good"], lost["kl"]) == (0, 0, np.inf)
    with pytest.raises(ValueError, match="std and within"):
        metrics.mixture_modes(all_modes, ring, std=0)

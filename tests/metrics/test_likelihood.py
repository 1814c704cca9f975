import math

import numpy as np
import pytest

import keras_gans as kg
from keras_gans import metrics
from tests import systems

GREY = np.random.default_rng(0).integers(0, 256, (40, 4, 4, 1), "uint8")


@pytest.fixture(scope="module")
def vae():
    return kg.VAE((4, 4, 1), 2, hidden_units=4)


@pytest.fixture(scope="module")
def exact():
    return kg.PixelCNN((4, 4, 1), hidden_channels=2, blocks=1, head_channels=2)


def test_means_are_in_nats_and_bits(exact):
    found = metrics.likelihood(exact, GREY, "grey/test/4", seed=3)
    nats = exact.negative_log_likelihood(GREY, seed=3)["nats"]
    assert found["nats"] == pytest.approx(nats.mean())
    assert found["bits_per_dimension"] == pytest.approx(
        nats.mean() / (16 * math.log(2))
    )
    assert found["standard_error"] == pytest.approx(nats.std(ddof=1) / 40**0.5)
    assert set(found.values) == {"nats", "bits_per_dimension", "standard_error"}
    assert found.parameters["bound"] == "exact" and "draws" not in found.parameters


def test_bounds_of_other_draws_do_not_compare(vae):
    few, more = (metrics.likelihood(vae, GREY, draws=k) for k in (2, 20))
    assert more["nats"] < few["nats"] + 0.1 and "elbo" in more.values
    with pytest.raises(ValueError, match="draws differs"):
        few < more  # noqa: B015


def test_a_bound_and_an_exact_value_do_not_compare(vae, exact):
    first, second = (metrics.likelihood(m, GREY) for m in (vae, exact))
    with pytest.raises(ValueError, match="bound differs"):
        first < second  # noqa: B015


def test_trainings_on_other_draws_do_not_compare(vae):
    static = kg.VAE((4, 4, 1), 2, hidden_units=4, binarization="static")
    first, second = (metrics.likelihood(m, GREY, draws=2) for m in (vae, static))
    with pytest.raises(ValueError, match="trained_on differs"):
        first < second  # noqa: B015


def test_densities_have_no_bits():
    vae = kg.VAE((4, 4, 1), 2, hidden_units=4, likelihood="gaussian")
    found = metrics.likelihood(vae, GREY, draws=2)
    assert set(found.values) == {"nats", "elbo", "standard_error"}
    assert found.parameters["pixels"] == "grey"


def test_evaluations_hold_it(exact):
    options = {"metrics": ["likelihood"], "training": None, "extractor": "pixels"}
    found = exact.evaluate_samples(GREY, seed=1, **options)
    expected = metrics.likelihood(exact, GREY, found.results[0].protocol.reference, 1)
    assert found["likelihood"].values == expected.values
    assert "bits_per_dimension" in str(found)
    again = metrics.Evaluation.from_json(found.to_json())
    assert again["likelihood"].values == expected.values


def test_a_gan_says_nothing_of_likelihood():
    options = {"training": None, "extractor": "pixels"}
    with pytest.raises(ValueError, match="how likely"):
        systems.tiny_gan().evaluate_samples(GREY, metrics=["likelihood"], **options)
    both = ["frechet_distance", "likelihood"]
    found = systems.tiny_gan().evaluate_samples(GREY, metrics=both, **options)
    assert [result.metric for result in found.results] == ["frechet_distance"]

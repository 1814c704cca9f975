import numpy as np
import pytest

from keras_gans import metrics

MATRIX = np.random.RandomState(0).randn(20, 8)


def _squared(a, b):
    return np.square(a - b).sum(axis=1)


def _length(**options):
    options = {"latent_dim": 8, "num_samples": 20_000, "batch_size": 5000, **options}
    return metrics.perceptual_path_length(lambda z: z @ MATRIX.T, _squared, **options)


@pytest.mark.parametrize("sampling", ["full", "end"])
def test_a_linear_generator_is_closed_form(sampling):
    """E |A (z1 - z0)|^2 = 2 |A|_F^2, which is 334.139."""
    assert 2 * np.square(MATRIX).sum() == pytest.approx(334.139, abs=5e-4)
    result = _length(interpolation="lerp", sampling=sampling, percentiles=(0, 100))
    error = result["std"] / np.sqrt(20_000)
    assert abs(result.value - 334.139) < 4 * error


def test_the_extremes_are_left_out():
    drawn = {"interpolation": "lerp", "num_samples": 500}
    every = []
    metrics.perceptual_path_length(
        lambda z: z @ MATRIX.T,
        lambda a, b: every.append(_squared(a, b)) or every[-1],
        latent_dim=8,
        batch_size=64,
        **drawn,
    )
    every = np.concatenate(every) / 1e-8
    low = np.percentile(every, 1, method="lower")
    high = np.percentile(every, 99, method="higher")
    kept = every[(low <= every) & (every <= high)]
    assert 480 < len(kept) < 500
    assert _length(batch_size=64, **drawn).value == pytest.approx(kept.mean())


def test_w_is_mapped_and_interpolated_straight():
    doubled = _length(interpolation="lerp", mapping=lambda z: 2 * z)
    plain = _length(interpolation="lerp")
    assert doubled.value == pytest.approx(4 * plain.value)
    with pytest.raises(ValueError, match="space differs"):
        metrics.compare(doubled, plain)


def test_the_step_leads_from_the_first_end_to_the_second():
    seen = []
    metrics.perceptual_path_length(
        lambda w: seen.append(w) or w,
        _squared,
        latent_dim=3,
        num_samples=5,
        epsilon=0.25,
        interpolation="lerp",
        sampling="end",
        mapping=lambda z: seen.append(z) or z,
    )
    start, end, here, there = seen
    np.testing.assert_array_equal(here, start)
    np.testing.assert_allclose(there, 0.75 * start + 0.25 * end)


def test_slerp_halves_an_angle():
    half = metrics.slerp([[1.0, 0.0]], [[0.5, 0.75**0.5]], 0.5)
    np.testing.assert_allclose(half, [[0.75**0.5, 0.5]])


def test_slerp_golden_value_and_ends():
    a, b = np.array([[1.0, 0, 0]]), np.array([[0, 2.0, 0]])
    half = metrics.slerp(a, b, 0.5)
    np.testing.assert_allclose(half, [[0.5**0.5, 0.5**0.5, 0]], atol=1e-12)
    np.testing.assert_allclose(metrics.slerp(a, b, 0.0), a, atol=1e-12)
    np.testing.assert_allclose(metrics.slerp(a, b, 1.0), b / 2, atol=1e-12)


def test_slerp_between_parallel_vectors_stays():
    a = np.random.default_rng(0).standard_normal((5, 7))
    np.testing.assert_allclose(
        metrics.slerp(a, 3 * a, 0.3), a / np.linalg.norm(a, axis=1, keepdims=True)
    )


def test_on_the_sphere_the_step_is_the_angle():
    """d = |g(t + e) - g(t)|^2 = (e angle)^2, angles of many dimensions near pi / 2."""
    step = metrics.perceptual_path_length(lambda z: z, _squared, 256, 400)
    assert step.value == pytest.approx((np.pi / 2) ** 2, rel=0.02)
    scaled = metrics.perceptual_path_length(
        lambda z: z, _squared, 256, 400, interpolation="slerp_scaled"
    )
    assert scaled.value == pytest.approx(256 * step.value, rel=0.05)


def test_seeds_repeat_and_differ():
    draws = [_length(num_samples=100, seed=seed).value for seed in (1, 1, 2)]
    assert draws[0] == draws[1] != draws[2]


def test_a_generator_that_ignores_latents():
    result = metrics.perceptual_path_length(np.zeros_like, _squared, 4, 10)
    assert result.value == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"interpolation": "cubic"}, "interpolation must be one of slerp"),
        ({"sampling": "start"}, "sampling full or end"),
        ({"epsilon": 0}, "must be positive"),
        ({"percentiles": (99, 1)}, "percentiles must rise"),
        ({"distance": lambda a, b: np.zeros(3)}, "distance must return 10 finite"),
        ({"distance": lambda a, b: a[:, 0] * np.nan}, "0 finite"),
    ],
)
def test_options_are_checked(options, message):
    given = {"distance": _squared, "latent_dim": 4, "num_samples": 10, **options}
    with pytest.raises(ValueError, match=message):
        metrics.perceptual_path_length(lambda z: z, **given)

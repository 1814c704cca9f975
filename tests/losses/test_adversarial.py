import pytest
from keras import ops

from keras_gans import losses

REAL, FAKE = [1.0, -1.0], [0.5, -2.0]


@pytest.mark.parametrize(
    ("game", "discriminator", "generator"),
    [
        (losses.non_saturating, 1.3637642, 1.3005025),
        (losses.minimax, 1.3637642, -0.5505025),
        (losses.hinge, 1.75, 0.75),
        (losses.wasserstein, -0.75, 0.75),
        # ((1-1)^2 + (-1-1)^2) / 2 = 2 and (0.25 + 4) / 2; ((0.5)^2 + 3^2) / 2.
        (losses.least_squares, 0.5 * (2.0 + 2.125), 4.625),
    ],
)
def test_golden_values(game, discriminator, generator):
    real, fake = ops.array(REAL), ops.array(FAKE)
    assert float(game.discriminator(real, fake)) == pytest.approx(
        discriminator, abs=1e-6
    )
    assert float(game.generator(fake)) == pytest.approx(generator, abs=1e-6)
    assert game.critic is game.discriminator


def test_half_precision_logits_are_averaged_in_float32():
    fake = ops.cast(ops.full((70_000,), 2.0), "float16")
    assert float(losses.wasserstein.generator(fake)) == pytest.approx(-2.0)

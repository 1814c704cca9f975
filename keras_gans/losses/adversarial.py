"""What the two players minimise, as means over the batch.

All functions take logits (unbounded scores, never probabilities) of any shape and
return a float32 scalar. D(x) below is a logit; sp(t) = log(1 + e^t). Those of
`two_class` take two logits each, of real and of generated, along the last axis.
"""

from typing import NamedTuple

from keras import ops


class AdversarialLoss(NamedTuple):
    """The pair of functions that defines a game.

    `discriminator(real_logits, fake_logits)` and `generator(fake_logits)`; a critic is
    a discriminator by another name.
    """

    discriminator: object
    generator: object

    @property
    def critic(self):
        """Another name of `discriminator`."""
        return self.discriminator


def _mean(values):
    return ops.mean(ops.cast(values, "float32"))


def _logistic_discriminator(real, fake):
    """E sp(-D(x)) + E sp(D(G(z))): binary cross-entropy on logits (GAN, eq. 1)."""
    return _mean(ops.softplus(-real)) + _mean(ops.softplus(fake))


def _non_saturating_generator(fake):
    """E sp(-D(G(z))), i.e. -E log sigma(D(G(z))) (GAN, section 3)."""
    return _mean(ops.softplus(-fake))


def _minimax_generator(fake):
    """-E sp(D(G(z))), i.e. E log(1 - sigma(D(G(z)))) (GAN, eq. 1)."""
    return -_mean(ops.softplus(fake))


def label_smoothed(real_target=0.9):
    """The non-saturating game whose discriminator may not be sure of a real image.

    It minimises E [t sp(-D(x)) + (1 - t) sp(D(x))] + E sp(D(G(z))): cross-entropy with
    the target t for real images and 0 for fakes. One-sided: with a target above 0 for
    fakes, the best discriminator would no longer move fakes towards the data.

    Args:
        real_target: t in (0, 1]; 1 is `non_saturating`.

    Returns:
        An `AdversarialLoss`.

    Raises:
        ValueError: for a target out of range.

    Reference: arXiv 1606.03498, section 3.4.
    """
    if not 0 < real_target <= 1:
        raise ValueError(f"real_target lies in (0, 1]. Found: {real_target}.")

    def discriminator(real, fake):
        doubt = (1.0 - real_target) * _mean(ops.softplus(real))
        certain = real_target * _mean(ops.softplus(-real))
        return certain + doubt + _mean(ops.softplus(fake))

    return AdversarialLoss(discriminator, _non_saturating_generator)


def _wasserstein_critic(real, fake):
    """E D(G(z)) - E D(x): minus the estimated distance (WGAN, eq. 2)."""
    return _mean(fake) - _mean(real)


def _linear_generator(fake):
    """-E D(G(z)) (WGAN, eq. 3; also the hinge game)."""
    return -_mean(fake)


def _hinge_discriminator(real, fake):
    """E relu(1 - D(x)) + E relu(1 + D(G(z))) (Geometric GAN; SAGAN, eq. 4)."""
    return _mean(ops.relu(1.0 - real)) + _mean(ops.relu(1.0 + fake))


def _least_squares_discriminator(real, fake):
    """(E (D(x) - 1)^2 + E D(G(z))^2) / 2 (LSGAN, eq. 9)."""
    return 0.5 * (_mean(ops.square(real - 1.0)) + _mean(ops.square(fake)))


def _least_squares_generator(fake):
    """E (D(G(z)) - 1)^2 (LSGAN, eq. 9, without its factor one half)."""
    return _mean(ops.square(fake - 1.0))


def _two_class_discriminator(real, fake):
    """(E CE(D(x), 0) + E CE(D(G(z)), 1)) / 2 of two logits each (VGAN's code)."""
    return 0.5 * _logistic_discriminator(
        _first_over_second(real), _first_over_second(fake)
    )


def _two_class_generator(fake):
    """E CE(D(G(z)), 0) of two logits each (VGAN's code)."""
    return _non_saturating_generator(_first_over_second(fake))


def _first_over_second(logits):
    # A softmax of two is a sigmoid of their difference.
    return logits[..., 0] - logits[..., 1]


non_saturating = AdversarialLoss(_logistic_discriminator, _non_saturating_generator)
minimax = AdversarialLoss(_logistic_discriminator, _minimax_generator)
wasserstein = AdversarialLoss(_wasserstein_critic, _linear_generator)
hinge = AdversarialLoss(_hinge_discriminator, _linear_generator)
least_squares = AdversarialLoss(_least_squares_discriminator, _least_squares_generator)
two_class = AdversarialLoss(_two_class_discriminator, _two_class_generator)

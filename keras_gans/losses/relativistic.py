"""The relativistic average game: is a real image more real than fakes on average?

With logits C, D(r, f) = C(r) - E C(f). Means run over the whole batch, also where
replicas share it.
"""

from keras import ops

from keras_gans.core.gradients import mean_over_replicas


def discriminator(real, fake):
    """(E sp(-(C(r) - E C(f))) + E sp(C(f) - E C(r))) / 2; the inner means are held.

    Args:
        real: Logits of real images, of any shape.
        fake: Those of fakes.

    Returns:
        float32 scalar.

    Reference: Jolicoeur-Martineau 2018, arXiv 1807.00734; arXiv 1809.00219, eq. 1,
    with the factor 1/2 of its code.
    """
    real, fake = ops.cast(real, "float32"), ops.cast(fake, "float32")
    above = real - ops.stop_gradient(_mean(fake))
    below = fake - ops.stop_gradient(_mean(real))
    return 0.5 * (ops.mean(ops.softplus(-above)) + ops.mean(ops.softplus(below)))


def generator(real, fake):
    """(E sp(C(r) - E C(f)) + E sp(-(C(f) - E C(r)))) / 2; the real logits are held.

    Args:
        real: Logits of real images, of any shape.
        fake: Those of fakes.

    Returns:
        float32 scalar.

    Reference: arXiv 1809.00219, eq. 2, with the factor 1/2 of its code.
    """
    real = ops.stop_gradient(ops.cast(real, "float32"))
    fake = ops.cast(fake, "float32")
    above, below = real - _mean(fake), fake - _mean(real)
    return 0.5 * (ops.mean(ops.softplus(above)) + ops.mean(ops.softplus(-below)))


def _mean(logits):
    return mean_over_replicas(ops.mean(logits))

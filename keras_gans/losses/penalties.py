"""Penalties on the gradient of a critic with respect to its input, in float32."""

from keras import ops

from keras_gans.core.gradients import input_gradient, mean_over_replicas, replica


def interpolate(real, fake, seed):
    """x + alpha (G(z) - x) with one alpha ~ U[0, 1] per sample (WGAN-GP, algorithm 1).

    Args:
        real: Batch `(batch, ...)`.
        fake: Batch of the same shape.
        seed: A stream with a `uniform(shape)` method, such as `self.seeds`.

    Returns:
        float32 batch of the same shape.
    """
    real, fake = ops.cast(real, "float32"), ops.cast(fake, "float32")
    shape = (ops.shape(real)[0], *(1,) * (len(real.shape) - 1))
    return real + seed.uniform(shape) * (fake - real)


def perturb(real, seed):
    """x + alpha std(X) U / 2: points around the data (DRAGAN, arXiv 1705.07215).

    One alpha ~ U[0, 1] per sample, U ~ U[0, 1] per value, and the standard deviation of
    the whole batch, over all replicas (unbiased, as in the implementations).

    Args:
        real: Batch `(batch, ...)`.
        seed: A stream with a `uniform(shape)` method, such as `self.seeds`.

    Returns:
        float32 batch of the same shape.
    """
    real = ops.cast(real, "float32")
    size = replica().count * ops.cast(ops.size(real), "float32")
    mean = mean_over_replicas(ops.mean(real))
    variance = mean_over_replicas(ops.mean(ops.square(real - mean)))
    std = ops.sqrt(variance * (size / (size - 1.0)))
    shape = (ops.shape(real)[0], *(1,) * (len(real.shape) - 1))
    alpha = seed.uniform(shape)
    return real + alpha * (0.5 * std) * seed.uniform(ops.shape(real))


def zero_centered_penalty(score, inputs):
    """E ||grad_x D(x)||^2: R1 at real images, R2 at fakes (arXiv 1801.04406, eq. 9).

    Without the paper's factor gamma / 2, which not every reference applies.

    Args:
        score: Function of a batch returning one score per sample.
        inputs: Where the slope is taken; real images for R1, fakes held fixed for R2.

    Returns:
        float32 scalar.
    """
    slope = input_gradient(score, ops.cast(inputs, "float32"))
    axes = tuple(range(1, len(slope.shape)))
    return ops.mean(ops.sum(ops.square(ops.cast(slope, "float32")), axis=axes))


def gradient_penalty(critic, inputs, slope_scale=1.0):
    """E (||grad_x D(x)||_2 - 1)^2 (WGAN-GP, eq. 3).

    Meaningful only for a critic that scores each sample by itself: with batch
    normalisation a score depends on the other samples, and so does its gradient.

    Args:
        critic: Function of a batch returning one score per sample.
        inputs: Where the slope is taken; see `interpolate`.
        slope_scale: Factor from slopes per unit of `inputs` to slopes per unit of the
            data as the paper scales it: 2 for pixels of [0, 1] held in [-1, 1].

    Returns:
        float32 scalar, not yet multiplied by the paper's penalty weight.
    """
    slope = input_gradient(critic, ops.cast(inputs, "float32"))
    axes = tuple(range(1, len(slope.shape)))
    squares = ops.sum(ops.square(ops.cast(slope, "float32")), axis=axes)
    # The square root has no finite gradient at zero, where a fresh critic may well be.
    norms = slope_scale * ops.sqrt(squares + 1e-12)
    return ops.mean(ops.square(norms - 1.0))

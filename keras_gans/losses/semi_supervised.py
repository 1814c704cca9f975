"""What a discriminator that is also a classifier minimises, and features to match.

With K logits l_1 .. l_K of the classes and the logit of "generated" held at 0, the
softmax over K + 1 outputs gives P(real | x) = sigma(Z(x)), Z(x) = log sum_k exp l_k(x).
An explicit further logit would say nothing new: a constant may be taken from all.
"""

from keras import ops

from keras_gans.core.gradients import mean_over_replicas


def realness(logits):
    """Z(x) = log sum_k exp l_k(x): the logit of "real" of each sample.

    Args:
        logits: `(batch, num_labels)`.

    Returns:
        float32 `(batch,)`.
    """
    return ops.logsumexp(ops.cast(logits, "float32"), axis=-1)


def labelled(logits, labels):
    """E [-l_y(x) + Z(x)]: cross-entropy of the class, given that x is real.

    Args:
        logits: `(batch, num_labels)` of labelled images.
        labels: Integers `(batch,)`.

    Returns:
        float32 scalar.

    Reference: arXiv 1606.03498, section 5, L_supervised.
    """
    logits = ops.cast(logits, "float32")
    chosen = ops.take_along_axis(logits, ops.cast(labels, "int32")[:, None], axis=-1)
    return ops.mean(realness(logits) - chosen[:, 0])


def unlabelled(real_logits, fake_logits):
    """(E [-Z(x) + sp(Z(x))] + E sp(Z(G(z)))) / 2: real from generated, of any class.

    Args:
        real_logits: `(batch, num_labels)` of images without labels.
        fake_logits: The same of generated images.

    Returns:
        float32 scalar.

    Reference: arXiv 1606.03498, section 5, L_unsupervised, halved as in the code.
    """
    real, fake = realness(real_logits), realness(fake_logits)
    # -Z + sp(Z) = sp(-Z), the cross-entropy of "real".
    return 0.5 * (ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake)))


def feature_matching(real_features, fake_features, absolute=False):
    """Mean over features of (E f(x) - E f(G(z)))^2, or of the absolute difference.

    The expectations are those of the whole batch, also where replicas share it.

    Args:
        real_features: `(batch, features)` of a layer of the discriminator.
        fake_features: The same of generated images.
        absolute: Whether to take absolute differences in place of squares.

    Returns:
        float32 scalar.

    Reference: arXiv 1606.03498, section 3.1.
    """
    real, fake = (
        mean_over_replicas(ops.mean(ops.cast(features, "float32"), axis=0))
        for features in (real_features, fake_features)
    )
    return ops.mean(ops.abs(real - fake) if absolute else ops.square(real - fake))

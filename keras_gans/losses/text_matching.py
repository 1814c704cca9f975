"""Losses of texts and images that belong together, or do not."""

from keras import ops


def matching_aware(real, wrong, fake, weights=None, wrong_weight=0.5):
    """E sp(-r) + c E sp(w) + (1 - c) E sp(f): three kinds of pairs (GAN-CLS).

    r, w and f are the logits of a real image and its text, of a real image and
    another's text, and of a generated image and the text that it was made for;
    sp(t) = log(1 + e^t). Without the second kind a discriminator could ignore texts.

    Args:
        real: Logits of right pairs.
        wrong: Logits of wrong pairs, `(batch, 1)` or `(batch,)`.
        fake: Logits of generated images.
        weights: `(batch,)`: 0 for those of `wrong` that are no wrong pairs, else 1.
        wrong_weight: c in [0, 1].

    Returns:
        float32 scalar.

    Reference: arXiv 1605.05396, algorithm 1.
    """
    of_wrong = ops.softplus(wrong)
    if weights is not None:
        of_wrong = ops.reshape(of_wrong, (-1,)) * weights
    return (
        ops.mean(ops.softplus(-real))
        + wrong_weight * ops.mean(of_wrong)
        + (1.0 - wrong_weight) * ops.mean(ops.softplus(fake))
    )


def structured_matching(images, texts, classes=None, margin=1.0):
    """The structured joint embedding: right pairs beat wrong ones by a margin.

    1 / B^2 sum_i sum_j!=i max(0, <v_i, t_j> - <v_i, t_i> + m), and the same for each
    text among the images, added.

    Args:
        images: v, `(batch, dimensions)`.
        texts: t, the same; row i belongs to image i.
        classes: int `(batch,)`: pairs within a class are left out; `None` if each row
            is a class of its own.
        margin: m; 1.

    Returns:
        float32 scalar.

    Reference: Reed et al. 2016, arXiv 1605.05395, eqs. 2 to 4.
    """
    images, texts = (ops.cast(part, "float32") for part in (images, texts))
    return _ranking(images, texts, classes, margin) + _ranking(
        texts, images, classes, margin
    )


def contrastive_matching(images, texts, classes=None, scale=10.0):
    """Cross-entropy of finding each image's text in the batch, and the other way.

    -E log softmax_j(g cos(v_i, t_j))_i, and the same for each text among the images,
    added: the sentences' part of AttnGAN's DAMSM.

    Args:
        images: v, `(batch, dimensions)`.
        texts: t, the same; row i belongs to image i.
        classes: As for `structured_matching`.
        scale: g; 10.

    Returns:
        float32 scalar.

    Reference: Xu et al. 2018, arXiv 1711.10485, eqs. 10 to 12.
    """
    images, texts = (_of_norm_1(part) for part in (images, texts))
    return _choice(images, texts, classes, scale) + _choice(
        texts, images, classes, scale
    )


def _ranking(anchors, others, classes, margin):
    scores = ops.matmul(anchors, ops.transpose(others))
    right = ops.sum(anchors * others, axis=1, keepdims=True)
    count = ops.cast(ops.shape(scores)[0], "float32")
    lost = ops.relu(scores - right + margin) * (1.0 - _alike(scores, classes))
    return ops.sum(lost) / count**2


def _choice(anchors, others, classes, scale):
    scores = scale * ops.matmul(anchors, ops.transpose(others))
    itself = ops.eye(ops.shape(scores)[0], dtype="float32")
    excluded = _alike(scores, classes) - itself
    right = scale * ops.sum(anchors * others, axis=1)
    return ops.mean(ops.logsumexp(scores - 1e9 * excluded, axis=1) - right)


def _alike(scores, classes):
    """1 where row and column are of one class, the diagonal included."""
    if classes is None:
        return ops.eye(ops.shape(scores)[0], dtype="float32")
    classes = ops.reshape(classes, (-1,))
    return ops.cast(ops.equal(classes[:, None], classes[None]), "float32")


def _of_norm_1(vectors):
    vectors = ops.cast(vectors, "float32")
    square = ops.sum(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(ops.maximum(square, 1e-16))

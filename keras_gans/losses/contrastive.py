"""Losses that tell samples apart."""

from keras import ops


def nt_xent(first, second, temperature=0.2):
    """Normalised, temperature-scaled cross-entropy of finding the other view.

    Among the 2n - 1 others of a batch of 2n views, -log of the chance that softmax of
    the cosines, divided by the temperature, gives the view of the same sample; its mean
    over both views.

    Args:
        first: `(n, dimensions)`, embeddings of norm 1.
        second: The same of other views of the same samples.
        temperature: Positive number; 0.2. (The paper tries 0.05 to 1.)

    Returns:
        float32 tensor `(n,)`.

    Reference: Chen et al. 2020, arXiv 2002.05709, eq. 1.
    """
    first, second = (ops.cast(part, "float32") for part in (first, second))
    found = ops.concatenate([first, second], axis=0)
    count = ops.shape(first)[0]
    itself = ops.eye(2 * count, dtype="float32")
    cosines = ops.matmul(found, ops.transpose(found)) / temperature
    others = ops.logsumexp(cosines - 1e9 * itself, axis=1)
    pairs = ops.sum(first * second, axis=1) / temperature
    return 0.5 * (others[:count] + others[count:]) - pairs

"""A penalty on rows of a weight that are not orthogonal to each other."""

from keras import ops


def orthogonality(weights):
    """sum over W of ||W W^T * (1 - I)||_F^2 / 2, with * entry by entry.

    Its gradient is 2 (W W^T * (1 - I)) W. That is what the reference adds to the
    gradient of its networks under the name of the paper's penalty, whose own gradient
    is twice that: hence the half. The diagonal is left free, so rows keep their norms.

    Args:
        weights: List of `keras.Variable`s of two axes or more. Rows of W are outputs:
            the last axis of a kernel; the first axis of a variable called
            `embeddings`.

    Returns:
        float32 scalar, not yet multiplied by the paper's weight beta.

    Reference: Brock et al. 2018, arXiv 1809.11096, eq. 3; BigGAN-PyTorch, utils.ortho.
    """
    return sum(0.5 * ops.sum(ops.square(_between_rows(w))) for w in weights)


def _between_rows(weight):
    values = ops.cast(ops.convert_to_tensor(weight), "float32")
    if weight.name == "embeddings":
        products = ops.matmul(values, ops.transpose(values))
    else:
        columns = ops.reshape(values, (-1, values.shape[-1]))
        products = ops.matmul(ops.transpose(columns), columns)
    return products * (1.0 - ops.eye(products.shape[0]))

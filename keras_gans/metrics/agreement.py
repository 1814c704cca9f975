"""Do samples of a class look like their class?"""

import numpy as np

from keras_gans.metrics.result import Result
from keras_gans.metrics.rows import checked_rows, same_protocol


def label_agreement(asked, logits, protocol=None):
    """Share of samples in which a classifier sees the class that was asked for.

    Args:
        asked: Integers `(samples,)`, the classes asked for.
        logits: `(samples, classes)`, the classifier's scores of the samples.
        protocol: `Protocol` of the classifier.

    Returns:
        `Result` with `agreement` in [0, 1], higher is better, and `worst_class`, the
        same among the samples of the class where it is lowest. The accuracy of the
        classifier on real images is what to expect of perfect samples.

    Raises:
        ValueError: if labels and logits differ in number, there are none, or a label
            is none of the classifier's.

    Example:

    >>> result = label_agreement([0, 1, 1], [[3.0, 1.0], [0.0, 2.0], [5.0, 2.0]])
    >>> round(result["agreement"], 3), result["worst_class"]
    (0.667, 0.5)
    """
    protocol = same_protocol(protocol, logits)
    logits = checked_rows("generated", logits, 1)
    asked = np.asarray(asked)
    if asked.shape != (len(logits),) or asked.dtype.kind not in "iu":
        raise ValueError(
            f"Expected {len(logits)} integer labels, one for each row of logits, found "
            f"{asked.dtype} of shape {asked.shape}."
        )
    if asked.min() < 0 or asked.max() >= logits.shape[1]:
        raise ValueError(
            f"The classifier knows {logits.shape[1]} classes; labels lie in "
            f"{asked.min()} to {asked.max()}."
        )
    agrees = logits.argmax(axis=1) == asked
    worst = min(agrees[asked == label].mean() for label in np.unique(asked))
    return Result(
        "label_agreement",
        {"agreement": agrees.mean(), "worst_class": worst},
        {"num_classes": logits.shape[1]},
        protocol,
        num_generated=len(logits),
    )

"""scikit-learn's hand-written digits: real scans that need no network."""

import numpy as np

SPLITS = {"train": slice(0, 1437), "test": slice(1437, None), "all": slice(None)}
CLASS_NAMES = tuple("0123456789")


def load_digits(split):
    """uint8 (num_images, 8, 8, 1) and int64 labels of one split."""
    try:
        from sklearn import datasets
    except ImportError as error:
        raise ImportError(
            "The 'digits' ship with scikit-learn: pip install scikit-learn."
        ) from error
    if split not in SPLITS:
        raise ValueError(f"'digits' has the splits {list(SPLITS)}, got {split!r}.")
    scans = datasets.load_digits()
    # A scan counts the dark pixels of a 4x4 block: 0..16.
    images = np.rint(scans.images * (255 / 16)).astype("uint8")[..., None]
    part = SPLITS[split]
    return images[part], scans.target[part].astype("int64")

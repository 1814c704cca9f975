"""Features of real images on disk: computed once for every data set and extractor."""

import hashlib
import logging
import re

import numpy as np

from keras_gans.core.download import cache_folder
from keras_gans.core.files import sweep, written_whole
from keras_gans.metrics.features import Features

LOG = logging.getLogger(__name__)


def cached_features(extractor, images, reference, progress=None):
    """Features of real images, from disk if they were computed before.

    They lie in the folder `features` of `KERAS_GANS_CACHE` (or of the user's cache),
    under a name made of reference, resize mode, extractor, and the hashes of its
    weights and of the images: what has changed is computed anew.

    Args:
        extractor: `FeatureExtractor`; one without a hash is never cached.
        images: uint8 `(samples, height, width, channels)`.
        reference: What they are, `"mnist/test/28"`.
        progress: As for the extractor.

    Returns:
        `Features`.
    """
    if extractor.weights_hash is None:
        return extractor(images, progress)
    path = _path(extractor, images, reference)
    found = _read(path, len(images))
    if found is None:
        found = extractor(images, progress)
        _write(path, found)
    return found


def _path(extractor, images, reference):
    digest = hashlib.sha256(str((images.shape, images.dtype)).encode())
    digest.update(np.ascontiguousarray(images))
    facts = (
        reference,
        extractor.resize,
        extractor.name,
        extractor.weights_hash[:8],
        digest.hexdigest()[:16],
    )
    name = "-".join(re.sub(r"[^A-Za-z0-9_]+", "_", str(fact)) for fact in facts)
    return cache_folder() / "features" / f"{name}.npz"


def _read(path, count):
    try:
        # Opened here: NumPy leaves a damaged file open.
        with path.open("rb") as file:
            arrays = np.load(file, allow_pickle=False)
            rows, logits = arrays["rows"], arrays["logits"]
    except Exception:  # absent, or damaged: NumPy and zipfile raise a dozen kinds
        return None
    if len(rows) != count or len(logits) != count:
        return None
    return Features(rows, logits if logits.shape[1] else None)


def _write(path, features):
    logits = features.logits
    if logits is None:  # none, and not lost: damage can hide an array of an archive
        logits = np.empty((len(features), 0), "float32")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        with written_whole(path) as temporary, temporary.open("wb") as file:
            np.savez(file, rows=features.rows, logits=logits)
    except OSError as why:  # the disk is full, or another process swept
        LOG.warning("Features are not kept in %s: %s", path.parent, why)

"""What is done instance by instance: means of features, and a choice of looks."""

import numpy as np
from keras import ops


def ranks(instances):
    """Numbers 0, 1, 2 ... of the instances of each image, in the order of their ids.

    Args:
        instances: int32 tensor `(batch, pixels)` of any ids.

    Returns:
        int32 tensor of the same shape.
    """
    order = ops.argsort(instances, axis=1)
    rising = ops.take_along_axis(instances, order, axis=1)
    is_new = ops.cast(rising[:, 1:] != rising[:, :-1], "int32")
    places = ops.pad(ops.cumsum(is_new, axis=1), ((0, 0), (1, 0)))
    return ops.take_along_axis(places, ops.argsort(order, axis=1), axis=1)


def pooled(features, instances):
    """Each feature as its mean over the pixels of its instance, image by image.

    Args:
        features: float32 tensor `(batch, h, w, channels)`.
        instances: int32 tensor `(batch, h, w)`.

    Returns:
        float32 tensor of the shape of `features`.

    Reference: arXiv 1711.11585, section 3.4.
    """
    batch, height, width, channels = ops.shape(features)
    pixels = height * width
    numbers = ranks(ops.reshape(instances, (batch, pixels)))
    first = pixels * ops.arange(batch, dtype="int32")[:, None]
    segments = ops.reshape(numbers + first, (-1,))
    values = ops.reshape(features, (-1, channels))
    total = batch * pixels
    sums = ops.segment_sum(values, segments, num_segments=total)
    sizes = ops.segment_sum(ops.ones_like(values[:, :1]), segments, num_segments=total)
    means = sums / ops.maximum(sizes, 1.0)
    means = ops.take(means, segments, axis=0)
    return ops.reshape(means, (batch, height, width, channels))


def drawn(labels, instances, centres, counts, stream):
    """Features of a centre of its class for each instance, chosen at random.

    Args:
        labels: int32 tensor `(batch, h, w)`.
        instances: int32 tensor `(batch, h, w)`.
        centres: float32 tensor `(num_labels, num_clusters, channels)`.
        counts: int32 tensor `(num_labels,)`: how many of its centres a class has. Of a
            class that has none the features are 0.
        stream: A `CounterStream`.

    Returns:
        float32 tensor `(batch, h, w, channels)`.
    """
    batch, height, width = ops.shape(labels)
    numbers = ranks(ops.reshape(instances, (batch, height * width)))
    chances = stream.uniform((batch, height * width))
    chances = ops.reshape(
        ops.take_along_axis(chances, numbers, axis=1), (batch, height, width)
    )
    count = ops.take(counts, labels)
    # Products near 1 may be rounded up.
    chosen = ops.cast(chances * ops.cast(count, "float32"), "int32")
    chosen = ops.minimum(chosen, ops.maximum(count - 1, 0))
    clusters, channels = centres.shape[1:]
    flat = ops.reshape(centres, (-1, channels))
    features = ops.take(flat, labels * clusters + chosen, axis=0)
    return ops.where((count > 0)[..., None], features, 0.0)


def looks(features, labels, instances):
    """The class, the features and the relative size of each instance of an image.

    Args:
        features: numpy array `(h, w, channels)`, as `pooled` returns it.
        labels: numpy array `(h, w)`.
        instances: numpy array `(h, w)`.

    Returns:
        List of `(class, features, size)`; the size is in 32nds of the image. Class and
        features are those of the pixel in the middle of the instance's list.
    """
    flat = instances.ravel()
    found = []
    for instance in np.unique(flat):
        places = np.flatnonzero(flat == instance)
        middle = places[len(places) // 2]
        size = len(places) / (flat.size // 32)
        place = np.unravel_index(middle, instances.shape)
        found.append((int(labels[place]), features[place], size))
    return found


def centres_of(found, num_labels, num_clusters, channels):
    """The centres of the looks of each class, by k-means.

    Args:
        found: What `looks` returned for all images, in one list.
        num_labels: Number of classes.
        num_clusters: Most centres of a class.
        channels: Channels of the features.

    Returns:
        `(centres, counts)`, as `drawn` takes them. Instances of at most half a 32nd of
        an image are left out.
    """
    from sklearn.cluster import KMeans

    centres = np.zeros((num_labels, num_clusters, channels), "float32")
    counts = np.zeros((num_labels,), "int32")
    for label in range(num_labels):
        own = [look for kind, look, size in found if kind == label and size > 0.5]
        count = min(num_clusters, len(np.unique(own, axis=0)) if own else 0)
        if count == 0:
            continue
        means = KMeans(count, n_init=10, random_state=0).fit(np.stack(own))
        centres[label, :count], counts[label] = means.cluster_centers_, count
    return centres, counts

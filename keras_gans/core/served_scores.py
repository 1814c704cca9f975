"""What a server of an `AnomalyDetector` answers to: images, or files of images."""

from keras_gans.core.pixels import scaled
from keras_gans.core.random import CounterStream
from keras_gans.core.served_samples import served_samples
from keras_gans.core.served_translations import in_range, read_files


def served_scores(model):
    """Functions that a server runs for a system that finds anomalies.

    Those of `served_samples`, and

    * `score`: `images` float32 `(batch, *image_shape)` in [-1, 1] -> `scores` and
      `heatmaps`, those of `model.score(images)` and `model.heatmap(images)`, and
      `anomalous`, whether a score lies above the threshold.
    * `score_png`: `image_bytes`, strings `(batch,)` of PNG, JPEG, BMP or GIF files ->
      the same.

    Values outside of [-1, 1], files that are no pictures, and pictures of another size
    fail the request with a message.

    Args:
        model: An `AnomalyDetector`.

    Returns:
        As `served_samples`.
    """
    import tensorflow as tf

    def score(images):
        with tf.control_dependencies([in_range(images)]):
            images = tf.identity(images)
        found = model.found_in(images, CounterStream(0), **model.scoring_options)
        return {
            "scores": found["score"],
            "anomalous": found["score"] > model.threshold,
            "heatmaps": found["heatmap"],
        }

    def score_png(image_bytes):
        return score(scaled(read_files(model, image_bytes)))

    functions, warm_up = served_samples(model)
    images = [tf.TensorSpec((None, *model.image_shape), tf.float32, "images")]
    files = [tf.TensorSpec((None,), tf.string, "image_bytes")]
    functions = {
        **functions,
        "score": (score, images),
        "score_png": (score_png, files),
    }
    if model.image_shape[-1] not in (1, 3, 4):
        del functions["score_png"]
    example = tf.zeros(model.image_shape, tf.uint8)
    warm_up["images"] = tf.zeros((1, *model.image_shape))
    if "score_png" in functions:
        warm_up["image_bytes"] = tf.io.encode_png(example)[None]
    return functions, warm_up

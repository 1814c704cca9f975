"""What a server of a system that draws images for texts answers to: texts as well."""

from keras_gans.core.served_samples import drawn_as_png, sampled, served_samples
from keras_gans.core.serving import PNG_CHANNELS
from keras_gans.text.alphabet import NUMBERS, TEXT_LENGTH


def served_texts(model):
    """The functions of `served_samples`, whose labels are vectors, and two of texts.

    Where the system has a text encoder of its own:

    * `sample_texts`: `num_images` int32 scalar in [1, 1024], `seed` int64 scalar >= 0,
      `texts` UTF-8 strings, one for all images or one for each -> `images`, the same
      as `model.sample(num_images, seed, texts=texts)`.
    * `sample_texts_png`: the same inputs -> `image_bytes`, one PNG per image.

    Args:
        model: A `TextConditioned` `AdversarialModel`.

    Returns:
        As `served_samples`.
    """
    import tensorflow as tf

    functions, warm_up = served_samples(model)
    if model.text_encoder is None:
        return functions, warm_up
    inputs = [
        tf.TensorSpec((), tf.int32, name="num_images"),
        tf.TensorSpec((), tf.int64, name="seed"),
        tf.TensorSpec((None,), tf.string, name="texts"),
    ]

    def sample_texts(num_images, seed, texts):
        vectors = model.vectors_of(ids_of(texts))
        return {"images": sampled(model, num_images, seed, vectors)}

    functions["sample_texts"] = (sample_texts, inputs)
    if len(model.image_shape) == 3 and model.image_shape[-1] in PNG_CHANNELS:
        functions["sample_texts_png"] = (drawn_as_png(sample_texts), inputs)
    return functions, {**warm_up, "texts": tf.constant(["a"])}


def ids_of(texts):
    """`keras_gans.text.character_ids` in a graph.

    Args:
        texts: String tensor `(num,)`, UTF-8.

    Returns:
        int32 tensor `(num, 201)`.
    """
    import tensorflow as tf

    points = tf.strings.unicode_decode(texts, "UTF-8")[:, :TEXT_LENGTH]
    points = points.to_tensor(shape=(None, TEXT_LENGTH))
    # The alphabet is ASCII: a constant, where a hash table would be a resource.
    numbers = tf.gather(tf.constant(NUMBERS), tf.clip_by_value(points, 0, 127))
    return tf.where(points < 128, numbers, 0)

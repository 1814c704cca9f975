"""`TextConditioned`: what systems that draw images for texts share."""

import secrets

import keras
import numpy as np
from keras import ops

from keras_gans.core import checks, text_data
from keras_gans.core.pixels import scaled
from keras_gans.core.random import CounterStream
from keras_gans.core.text_embedding import TextEmbedding
from keras_gans.text.alphabet import as_texts


class TextConditioned(TextEmbedding):
    """The half of an `AdversarialModel` whose labels are vectors of texts.

    A system lists it before `AdversarialModel`, and calls `set_text_networks` in the
    place of `set_networks`. Its networks take vectors `(batch, text_dim)`; who makes
    them of texts is a `text_encoder`, which is saved with the system, or an embedder
    that the user attaches with `embed_with`, which is not.

    Arguments of such a system:
        text_dim: Length of a text's vector.
        text_encoder: `keras.Model` from `kg.text.character_ids` `(batch, 201)` to
            `(batch, text_dim)`, already trained; a name in `kg.text.ENCODERS`, to be
            trained by `pretrain`; `None` for vectors made elsewhere.
        captions_per_image: Of several captions per image, how many are drawn anew in
            each step and averaged; all, where there are no more.
        prompts: Texts that `sample` takes in turn where none are given.

    Trains on: `(images, texts)`. Texts are vectors `(num, text_dim)`, or
    `(num, captions, text_dim)`, or strings `(num,)` or `(num, captions)`, which are
    embedded once before the training. Or `{"texts": ..., "labels": ...}` with integer
    labels `(num,)`, the classes of the images: a wrong pair is then one of two classes.
    """

    takes_texts = True

    @property
    def served_variables(self):
        """The variables of which an exported model is made."""
        encoder = self.text_encoder
        return [*super().served_variables, *(encoder.variables if encoder else ())]

    def default_labels(self, num_images):
        """Vectors of the prompts in turn, if there are any that can be embedded."""
        if not self.prompts or not self.embeds_texts:
            return super().default_labels(num_images)
        vectors = self.embed(self.prompts[:num_images])
        return vectors[np.arange(num_images) % len(vectors)]

    def sample(
        self,
        num_images,
        seed=None,
        labels=None,
        truncation=None,
        batch_size=64,
        texts=None,
    ):
        """Draws images for texts; see `AdversarialModel.sample`.

        Args:
            num_images: Number of images.
            seed: As there.
            labels: Vectors `(num_images, text_dim)`, or one of them for all.
            truncation: As there.
            batch_size: As there.
            texts: In the place of vectors: one text for all images, or one for each.
                Without either the prompts are taken in turn.

        Returns:
            numpy float32 array `(num_images, *image_shape)`, in [-1, 1].

        Raises:
            ValueError: as there; for labels and texts at once, or another number of
                texts than 1 or `num_images`.
        """
        labels = self.labels_of_texts(num_images, labels, texts)
        return super().sample(num_images, seed, labels, truncation, batch_size)

    def labels_of_texts(self, num_images, labels, texts):
        """What `sample` takes as labels, of labels or of texts."""
        if texts is None:
            return labels
        if labels is not None:
            raise ValueError("Give labels, which are vectors, or texts; not both.")
        texts = as_texts(texts)
        if len(texts) not in (1, num_images):
            raise ValueError(
                f"{num_images} images need one text, or {num_images}. Found: "
                f"{len(texts)}."
            )
        vectors = self.embed(texts)
        return vectors if len(texts) == num_images else vectors[0]

    def interpolate_texts(self, a, b, steps=8, seed=None):
        """Images of one latent for vectors on the line from one text to another.

        Args:
            a: A text, or its vector `(text_dim,)`.
            b: Another.
            steps: Number of images, at least 2: the first is of `a`, the last of `b`.
            seed: As for `sample`.

        Returns:
            float32 array `(steps, *image_shape)`.
        """
        if int(steps) != steps or steps < 2:
            raise ValueError(f"steps is an integer of at least 2. Found: {steps!r}.")
        ends = [self.embed(t)[0] if isinstance(t, str) else np.array(t) for t in (a, b)]
        share = np.linspace(0, 1, int(steps), dtype="float32")[:, None]
        vectors = ((1 - share) * ends[0] + share * ends[1]).astype("float32")
        checks.check_attributes(vectors, self.text_dim)
        seed = secrets.randbits(63) if seed is None else int(seed)
        latents = self.draw_latents(1, CounterStream(seed))
        latents = ops.repeat(latents, int(steps), axis=0)
        images = self.images_of((latents, ops.convert_to_tensor(vectors)))
        return ops.convert_to_numpy(images)

    # Data.

    def fed(self, x, y):
        """Images, and texts as vectors: strings are embedded here, each once."""
        return x, text_data.embedded(y, self.embed)

    def check_batch(self, x, y):
        """Checks images, vectors of texts, and classes if there are any."""
        checks.check_images(x, self.image_shape)
        text_data.check(type(self).__name__, y, len(x), self.text_dim)

    def arrays_of(self, x, y):
        """Images and texts; classes with them, if there are any."""
        self.check_batch(x, y)
        return x, text_data.with_captions(y)

    def unpack(self, data):
        """The real batch, ready for the networks.

        Args:
            data: What the data set yields; see `Trains on`. Where images have several
                captions, `captions_per_image` of them are drawn here and averaged.

        Returns:
            float32 images; float32 vectors `(batch, text_dim)`; int32 classes
            `(batch,)`, or `None`.
        """
        images, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        texts, classes = text_data.parts_of(y)
        texts = ops.cast(texts, "float32")
        rank = text_data.rank_of(texts)
        if rank is None:
            texts = ops.reshape(texts, (ops.shape(images)[0], -1, self.text_dim))
        if rank != 2:
            texts = text_data.mean_of_some(texts, self.captions_per_image, self.seeds)
        classes = None if classes is None else ops.cast(classes, "int32")
        return scaled(images), texts, classes

    def mismatched(self, images, texts, classes=None, swapped="image"):
        """Real images beside texts that are not theirs.

        Without classes, neighbours swap: the batch is shuffled, and replicas that
        share it make the same pairs. With classes, each row takes what it needs from
        the next row of another class.

        Args:
            images: Real images.
            texts: Their vectors.
            classes: int `(batch,)`, or `None`.
            swapped: `"image"`: the right text beside another's image, or `"text"`:
                the right image beside another's text.

        Returns:
            Images, texts, and the weights `(batch,)` of the pairs: 0 where there is
            no wrong one, as all of the batch are of one class or two texts are equal.
        """
        partners, weights = text_data.partners_of(texts, classes)
        if swapped == "image":
            return ops.take(images, partners, axis=0), texts, weights
        return images, ops.take(texts, partners, axis=0), weights

    def served(self):
        """What `export` writes; see `keras_gans.core.served_texts`."""
        from keras_gans.core.served_texts import served_texts

        return served_texts(self)

    def signatures_in_words(self):
        """What an exported model answers to, as name to inputs and outputs."""
        draws = "num_images, seed,"
        found = {
            "serving_default": "latents, labels (vectors) -> images",
            "sample": f"{draws} labels (vectors) -> images in [-1, 1]",
            "sample_png": f"{draws} labels (vectors) -> image_bytes",
        }
        if self.text_encoder is not None:
            found["sample_texts"] = f"{draws} texts -> images in [-1, 1]"
            found["sample_texts_png"] = f"{draws} texts -> image_bytes"
        return found

"""How a system has vectors of texts made: by an encoder of its own, or another's."""

import functools

import numpy as np
from keras import ops

from keras_gans.core import checks
from keras_gans.core.precision import as_float32
from keras_gans.text import build_text_encoder, fit_text_encoder
from keras_gans.text.alphabet import TEXT_LENGTH, as_texts, character_ids


class TextEmbedding:
    """The half of `TextConditioned` that knows texts; see there."""

    _embedder = None

    def set_text_networks(
        self, text_dim, text_encoder, captions_per_image, prompts, **networks
    ):
        """Keeps the arguments above and makes each network an attribute.

        Args:
            text_dim: See the class, like the next three.
            text_encoder: Built `keras.Model`, a name, or `None`.
            captions_per_image: Positive integer.
            prompts: Sequence of texts, or `None`.
            **networks: As for `set_networks`.

        Raises:
            ValueError: for a number that is not positive, or an encoder of other
                vectors.
        """
        for name, value in (
            ("text_dim", text_dim),
            ("captions_per_image", captions_per_image),
        ):
            if int(value) != value or value < 1:
                raise ValueError(f"{name} is a positive integer. Found: {value!r}.")
        self.text_dim = self.label_width = int(text_dim)
        self.captions_per_image = int(captions_per_image)
        self.prompts = None if prompts is None else tuple(as_texts(prompts))
        # An encoder by name is built again from its name; one that was given is
        # written out whole.
        self._encoder_name = text_encoder if isinstance(text_encoder, str) else None
        if text_encoder is None:
            self.text_encoder = None
            self.set_networks(**networks)
            return
        if self._encoder_name is not None:
            build = (build_text_encoder, self._encoder_name, self.text_dim)
            text_encoder = functools.partial(*build)
        self.set_networks(**networks, text_encoder=text_encoder)
        # It is no player's: what made the texts' vectors stays as it is.
        self.text_encoder.trainable = False

    def get_config(self):
        """As for other systems; an encoder that was named is its name."""
        config = super().get_config()
        if self._encoder_name is not None:
            config["text_encoder"] = self._encoder_name
        return config

    def check_network(self, name, network):
        """Checks the shapes of the network that samples, and of the encoder."""
        if name != "text_encoder":
            super().check_network(name, network)
            return
        taken, made = network.input_shape[1:], network.output_shape[1:]
        if (taken, made) != ((TEXT_LENGTH,), (self.text_dim,)):
            raise ValueError(
                f"The text_encoder makes {made} from {taken}; the system needs "
                f"{(self.text_dim,)} from the numbers of {(TEXT_LENGTH,)} characters."
            )

    def embed_with(self, embedder):
        """Has texts embedded by `embedder`, in the place of the `text_encoder`.

        Args:
            embedder: What is called with a list of texts and returns an array
                `(num, text_dim)`, such as a `keras_gans.text.TextEmbedder`; `None` for
                the encoder again. It is not saved with the system.

        Returns:
            The system itself.
        """
        # In a tuple: an embedder that is a layer must not become part of this model.
        self.__dict__["_embedder"] = None if embedder is None else (embedder,)
        return self

    @property
    def embeds_texts(self):
        """Whether the system can make vectors of texts."""
        return self.text_encoder is not None or self._embedder is not None

    def embed(self, texts, batch_size=256):
        """Vectors of texts, as the networks take them.

        Args:
            texts: One text, or a list or an array of them.
            batch_size: Texts encoded at a time.

        Returns:
            float32 array `(num, text_dim)`.

        Raises:
            ValueError: without encoder or embedder, or for vectors that do not fit.
        """
        texts = as_texts(texts)
        if self._embedder is not None:
            vectors = np.asarray(self._embedder[0](texts), "float32")
            checks.check_attributes(vectors, self.text_dim)
            if len(vectors) != len(texts):
                raise ValueError(
                    f"The embedder made {len(vectors)} vectors of {len(texts)} texts."
                )
            return vectors
        if self.text_encoder is None:
            raise ValueError(
                f"This {type(self).__name__} was made without a text_encoder: attach "
                "an embedder with embed_with(embedder), or give vectors as labels."
            )
        starts = range(0, len(texts), batch_size)
        parts = [
            self.vectors_of(character_ids(texts[i : i + batch_size])) for i in starts
        ]
        return np.concatenate([ops.convert_to_numpy(part) for part in parts])

    def vectors_of(self, ids):
        """The encoder's vectors of `kg.text.character_ids`, as a tensor."""
        ids = ops.convert_to_tensor(ids, "int32")
        return as_float32(self.text_encoder(ids, training=False))

    def pretrain(
        self,
        images,
        texts,
        labels=None,
        batch_size=40,
        epochs=20,
        objective="contrastive",
        **kwargs,
    ):
        """Trains the text encoder on images and their captions, before `fit`.

        Args:
            images: uint8, or floats in [-1, 1].
            texts: Strings `(num,)` or `(num, captions)`.
            labels: As for `keras_gans.text.fit_text_encoder`, like what follows.
            batch_size: Pairs per update; 40.
            epochs: Passes over the images.
            objective: `"contrastive"` or `"structured"`.
            **kwargs: The other arguments of `keras.Model.fit`.

        Returns:
            The `History`.

        Raises:
            ValueError: without a text encoder, or as `fit_text_encoder`.
        """
        if self.text_encoder is None:
            raise ValueError("There is no text_encoder to be trained.")
        self.text_encoder.trainable = True
        try:
            return fit_text_encoder(
                self.text_encoder,
                images,
                texts,
                labels,
                objective=objective,
                batch_size=batch_size,
                epochs=epochs,
                seed=self.seed,
                **kwargs,
            )
        finally:
            self.text_encoder.trainable = False

"""`LikelihoodModel`: a system of one player, which makes the data likely."""

import numpy as np
from keras import ops

from keras_gans.core import gradients
from keras_gans.core.adversarial_model import AdversarialModel
from keras_gans.core.checks import check_images
from keras_gans.core.choices import check_choice
from keras_gans.core.pixels import scaled
from keras_gans.data.binarizing import binarize
from keras_gans.losses import likelihood

BINARIZATIONS = ("dynamic", "static", "threshold")


class LikelihoodModel(AdversarialModel):
    """An `AdversarialModel` without an adversary: one player, `model`.

    It samples, is saved, served and evaluated like the others, and says besides how
    likely images are: `negative_log_likelihood`, which `evaluate_samples` reports.

    Args:
        image_shape: As for `AdversarialModel`, like what follows.
        latent_dim: Length of a latent vector.
        binarization: What becomes of grey levels where pixels are black or white.
            `"dynamic"`: white with the grey level as the probability, drawn anew for
            every update. `"static"`: drawn once for each image before training, as in
            published figures. `"threshold"`: white from the middle on. `None` where
            pixels are grey.
        ema_decay: Decay of a moving average.
        seed: Integer.
        **kwargs: For `AdversarialModel`; no augmentation.

    Attributes:
        exact: Whether likelihoods are exact, not bounds.
        dimensions: Pixels times channels.

    Raises:
        ValueError: for an unknown `binarization`, or an augmentation.
    """

    players = {"model": ("model",)}
    judges = ()
    exact = True

    def __init__(
        self, image_shape, latent_dim, binarization, ema_decay, seed, **kwargs
    ):
        if kwargs.get("augmentation") is not None:
            raise ValueError(
                f"{type(self).__name__} has no judge that could be kept from "
                "remembering images: it takes no augmentation."
            )
        super().__init__(image_shape, latent_dim, None, ema_decay, seed, **kwargs)
        if binarization is not None:
            check_choice("binarization", binarization, BINARIZATIONS)
        self.binarization = binarization

    @property
    def is_binary(self):
        """Whether pixels are black or white."""
        return self.binarization is not None

    @property
    def dimensions(self):
        """See above."""
        return int(np.prod(self.image_shape))

    def check_batch(self, x, y):
        """Checks images; batches of static binarisation must be black and white."""
        super().check_batch(x, y)
        if self.binarization != "static":
            return
        found = ops.convert_to_numpy(scaled(ops.convert_to_tensor(x)))
        if not np.isin(found, (-1.0, 1.0)).all():
            raise ValueError(
                "Images of static binarisation are drawn once: pass arrays to fit, or "
                "a data set of images that keras_gans.data.binarize made."
            )

    def arrays_of(self, x, y):
        """Images; those of static binarisation as they are drawn once for all."""
        super().check_batch(x, y)
        return binarize(x, self.seed) if self.binarization == "static" else x

    def unpack(self, data):
        """Images in [-1, 1], binarised where pixels are black or white."""
        images = super().unpack(data)
        if not self.is_binary:
            return images
        # In black and white every draw leaves a pixel as it is, and so does a half.
        white, bar = 0.5 * (images + 1.0), 0.5
        if self.binarization == "dynamic":
            bar = self.seeds.uniform((ops.shape(images)[0], *self.image_shape))
        return 2.0 * ops.cast(bar < white, "float32") - 1.0

    def as_modelled(self, images, seed=0):
        """Images as the system takes them: its own kind of black and white, or grey.

        Args:
            images: uint8, or floats in [-1, 1].
            seed: Integer >= 0, of what is drawn.

        Returns:
            numpy uint8 or float32 array of the same shape.
        """
        images = np.asarray(images)
        if not self.is_binary:
            return images
        if self.binarization != "threshold":
            return binarize(images, seed)
        white = images > (127 if images.dtype == np.uint8 else 0.0)
        return np.where(white, 255, 0).astype("uint8")

    def negative_log_likelihood(self, images, seed=0, draws=1, batch_size=100):
        """-log p(x) of each image, by the moving average where one is kept.

        Args:
            images: uint8, or floats in [-1, 1], `(num_images, *image_shape)`. Grey
                levels are drawn black or white where the system's pixels are.
            seed: Integer >= 0, of what is drawn.
            draws: Latents for each image, of systems that only bound the likelihood.
            batch_size: Images at a time.

        Returns:
            Dict with `nats`, a float64 array `(num_images,)`; bounds have more.

        Raises:
            ValueError: for images of another shape or range.
        """
        check_images(images, self.image_shape)
        modelled = self.as_modelled(images, seed)
        measure = gradients.compiled(
            lambda part, row: self.nats_of(scaled(part), seed, row, draws)
        )
        batches = []
        for start in range(0, len(modelled), batch_size):
            part = modelled[start : start + batch_size]
            found = measure(ops.convert_to_tensor(part), ops.convert_to_tensor(start))
            batches.append({k: ops.convert_to_numpy(v) for k, v in found.items()})
        return {
            name: np.concatenate([batch[name] for batch in batches]).astype("float64")
            for name in batches[0]
        }

    def nats_of(self, images, seed, first_row, draws):
        """What `negative_log_likelihood` finds for one batch.

        Args:
            images: float32 tensor in [-1, 1], binarised.
            seed: As there.
            first_row: Number of the first image, an integer tensor.
            draws: As there.

        Returns:
            Dict of name to float32 tensor `(batch,)`.
        """
        raise NotImplementedError

    def served(self):
        """What `export` writes; see `keras_gans.core.served_likelihoods`."""
        from keras_gans.core.served_likelihoods import served_likelihoods

        return served_likelihoods(self)

    def signatures_in_words(self):
        """Dict of a served signature to what it makes of what."""
        from keras_gans.core.served_likelihoods import signatures_in_words

        return signatures_in_words(self)

    def likelihood_protocol(self, draws):
        """Dict of what must agree before two likelihoods compare.

        Args:
            draws: As for `negative_log_likelihood`.
        """
        facts = {"bound": "exact"}
        if not self.exact:
            facts = {"bound": "importance-weighted", "draws": draws}
        pixels = {
            None: "grey",
            "threshold": "black or white from the middle on",
        }.get(self.binarization, "black or white, one draw by grey level")
        return {**facts, "pixels": pixels, "trained_on": self.binarization or "grey"}

    def bits_per_dimension(self, nats):
        """nats / (D ln 2), or `None` where `nats` are those of a density.

        Args:
            nats: Number or array.
        """
        return likelihood.bits_per_dimension(nats, self.dimensions)

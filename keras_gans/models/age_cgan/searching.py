"""How a face is found in the latent space of an `AgeCGAN`, and drawn at another age."""

from typing import NamedTuple

import numpy as np
from keras import ops

from keras_gans.core import checks, gradients
from keras_gans.core.choices import check_choice
from keras_gans.core.descent import descend
from keras_gans.core.lbfgs import LBFGS
from keras_gans.core.pixels import scaled

SEARCHES = ("lbfgs", "adam", "encoder")
TARGETS = ("identity", "pixels")
# Of Adam, which falls to 0 along a line.
_RATE = 0.1


class Faces(NamedTuple):
    """Where faces were found, one row each.

    `latents` `(num_images, latent_dim)` is z*, `start_latents` the encoder's z0.
    `values` holds for each face a tuple, the objective from z0 to z*: after each step
    of L-BFGS, else of the two alone. It never rises.
    """

    latents: np.ndarray
    start_latents: np.ndarray
    values: tuple


class Searching:
    """The half of `AgeCGAN` that ages photographs; see there."""

    # For those who ask whether a picture fits; see `served_translations.sides_fit`.
    any_size = False
    size_multiple = 1

    def find(
        self,
        images,
        labels,
        search="lbfgs",
        target="identity",
        steps=100,
        batch_size=64,
    ):
        """Looks for faces in the latent space; no search ends above its start.

        Args:
            images: uint8 or floats in [-1, 1], `(num_images, *image_shape)`.
            labels: Their true classes: one for all, or one for each.
            search: `"lbfgs"`, the paper's, one face after the other; `"adam"`, many at
                once, as a served model does it; `"encoder"` for z0 without a search.
            target: `"identity"`, ||FR(x) - FR(G(z, y))||^2; or `"pixels"`, the mean
                square of x - G(z, y).
            steps: Most steps of a search.
            batch_size: Images computed at a time.

        Returns:
            `Faces`.

        Raises:
            ValueError: for images, labels or words that do not fit; if the encoder, or
                the recogniser that is asked, is not trained yet.
        """
        check_choice("search", search, SEARCHES)
        check_choice("target", target, TARGETS)
        checks.check_images(images, self.image_shape)
        self._check_ready(target)
        labels = self.labels_for(len(images), labels)
        together = steps if search == "adam" else 0
        start, latents, *values = self._found_together(
            images, labels, target, together, batch_size
        )
        values = list(zip(*values, strict=True))
        for i in range(len(images)) if search == "lbfgs" else ():
            image = scaled(ops.convert_to_tensor(images[i : i + 1]))
            found = self._lbfgs(target).minimize(
                start[i : i + 1], image, labels[i : i + 1], steps=steps
            )
            latents[i], values[i] = found.point[0], found.values
        return Faces(latents, start, tuple(values))

    def age(self, images, from_class, to_class=None, batch_size=64, **options):
        """Faces at another age.

        Args:
            images: As for `find`.
            from_class: Their true classes: one for all, or one for each.
            to_class: Those asked for, likewise; `None` for every class.
            batch_size: As for `find`.
            **options: `search`, `target` and `steps` of `find`.

        Returns:
            numpy float32 images in [-1, 1], `(num_images, *image_shape)`; for
            `to_class=None` `(num_images, num_classes, *image_shape)`, of which that of
            the true class is the reconstruction.

        Raises:
            ValueError: as `find`.
        """
        count = len(images)
        if to_class is not None:
            to_class = self.labels_for(count, to_class)
        found = self.find(images, from_class, batch_size=batch_size, **options)
        latents, labels = found.latents, to_class
        if to_class is None:
            latents = np.repeat(latents, self.num_classes, axis=0)
            labels = np.tile(np.arange(self.num_classes, dtype="int32"), count)
        made = self.predict((latents, labels), batch_size=batch_size, verbose=0)
        return (
            made if to_class is not None else made.reshape(count, -1, *made.shape[1:])
        )

    def found(self, images, labels, steps, target="identity"):
        """Adam's search, of tensors: what `find` and a server run.

        Args:
            images: float32 tensor in [-1, 1], `(batch, *image_shape)`.
            labels: int32 tensor `(batch,)`.
            steps: int, or int32 scalar tensor.
            target: As for `find`.

        Returns:
            z0, z*, and the objective at the two.
        """
        start = ops.cast(self.averaged("encoder")(images, training=False), "float32")
        seen = self.embedded(images) if target == "identity" else images

        def objective(latents):
            return self._distances_to(seen, self.call((latents, labels)), target)

        last = ops.cast(ops.maximum(steps, 1), "float32")
        down = descend(
            objective, start, steps, lambda step: _RATE * (1.0 - step / last)
        )
        return start, down.best, objective(start), down.lowest

    def embedded(self, images):
        """What the recogniser makes of images.

        Args:
            images: float32 tensor in [-1, 1], `(batch, *image_shape)`; pixels are
                repeated, or left out, for a recogniser of another size.

        Returns:
            float32 tensor `(batch, dimensions)`.
        """
        sides = tuple(self.recogniser.inputs[0].shape[1:3])
        if None not in sides and sides != self.image_shape[:2]:
            images = ops.image.resize(images, sides, "nearest")
        found = ops.cast(self.recogniser(images, training=False), "float32")
        return ops.reshape(found, (ops.shape(found)[0], -1))

    def distances(self, images, made):
        """||FR(x) - FR(x')||^2 of images and others, float32 `(batch,)`."""
        return self._distances_to(self.embedded(images), made, "identity")

    def _distances_to(self, seen, made, target):
        if target == "identity":
            return ops.sum(ops.square(seen - self.embedded(made)), axis=1)
        return ops.mean(ops.square(seen - made), axis=(1, 2, 3))

    @property
    def served_variables(self):
        """Those that sample, that encode, and that recognise."""
        return [*super().served_variables, *self.recogniser.variables]

    def served(self):
        """What `export` writes; see `keras_gans.core.served_faces`."""
        from keras_gans.core.served_faces import served_faces

        return served_faces(self)

    def signatures_in_words(self):
        """As the command line names them."""
        images = "images in [-1, 1]"
        return {
            "serving_default": "latents, labels -> images",
            "sample": f"num_images, seed, labels -> {images}",
            "sample_png": "num_images, seed, labels -> image_bytes",
            "age": f"{images}, from_classes, to_classes, steps -> {images}",
            "age_png": "image_bytes, from_classes, to_classes, steps -> image_bytes",
        }

    def _check_ready(self, target):
        self.check_encoder_stage()
        theirs = "recogniser" in self._own_networks
        pretrained = int(ops.convert_to_numpy(self.pretrainings)) > 0
        if target == "identity" and not (theirs or pretrained):
            raise ValueError(
                "The recogniser is not trained: call pretrain(images), give another "
                "one to the constructor, or look for target='pixels'."
            )

    def _found_together(self, images, labels, target, steps, batch_size):
        """As `found`, of all images; numpy arrays that may be written to."""
        run = self._kept(
            (target, steps),
            lambda: gradients.compiled(
                lambda images, labels: self.found(
                    scaled(images), labels, steps, target
                ),
                self.served_variables,
            ),
        )
        parts = []
        for first in range(0, len(images), batch_size):
            rows = slice(first, first + batch_size)
            part = run(*map(ops.convert_to_tensor, (images[rows], labels[rows])))
            parts.append([ops.convert_to_numpy(value) for value in part])
        return [np.concatenate(values) for values in zip(*parts, strict=True)]

    def _lbfgs(self, target):
        def objective(latents, image, labels):
            made = self.call((latents, labels))
            seen = self.embedded(image) if target == "identity" else image
            return ops.sum(self._distances_to(seen, made, target))

        return self._kept(
            target, lambda: LBFGS(objective, variables=self.served_variables)
        )

    def _kept(self, key, make):
        """What `make` returned when this was asked for first."""
        known = self.__dict__.setdefault("_searches", {})
        if key not in known:
            known[key] = make()
        return known[key]

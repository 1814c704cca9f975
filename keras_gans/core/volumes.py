"""What systems that sample volumes share: occupancies, bodies and pictures."""

import keras
import numpy as np
from keras import ops

from keras_gans.data.bodies import largest_body
from keras_gans.pictures.volumes import draw_volumes


class SampledVolumes:
    """The half of an `AdversarialModel` whose samples are volumes of occupancies."""

    draws_volumes = True

    def check_batch(self, x, y):
        """As for images; occupancies of 0 and 1 must not pass for nearly black ones."""
        super().check_batch(x, y)
        kind = keras.backend.standardize_dtype(x.dtype)
        if kind == "uint8" and np.max(ops.convert_to_numpy(x)) <= 1:
            raise ValueError(
                "uint8 volumes lie in [0, 255]. Found none above 1, which looks like "
                "occupancies: pass volumes.astype(bool)."
            )

    def occupancies(self, num, seed=None, batch_size=64, **options):
        """Samples as the probabilities that voxels are filled.

        Args:
            num: Number of volumes.
            seed: As for `sample`, like all others.
            batch_size: Volumes computed at a time.
            **options: `labels`, `truncation`.

        Returns:
            float32 array `(num, depth, height, width)` in [0, 1].
        """
        samples = self.sample(num, seed, batch_size=batch_size, **options)
        return 0.5 + 0.5 * samples[..., 0]

    def volumes(self, num, threshold=0.5, largest=False, **options):
        """Samples as filled and empty voxels.

        Args:
            num: Number of volumes.
            threshold: Occupancy above which a voxel is filled, in (0, 1). 0.5; the
                authors look at theirs at 0.1.
            largest: Whether only the largest connected body is kept, as the authors
                do for their pictures.
            **options: As for `occupancies`.

        Returns:
            bool array `(num, depth, height, width)`.

        Raises:
            ValueError: for a threshold out of range.
        """
        if not 0 < threshold < 1:
            raise ValueError(f"threshold lies in (0, 1). Found: {threshold}.")
        filled = self.occupancies(num, **options) > threshold
        return np.stack([largest_body(one) for one in filled]) if largest else filled

    def pictures_of(self, samples):
        """Volumes as pictures, seen from above and a side."""
        return draw_volumes(0.5 + 0.5 * np.asarray(samples)[..., 0])

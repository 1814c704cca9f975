"""Measures translations of held-out pairs while a model trains."""

import numpy as np

from keras_gans import metrics
from keras_gans.callbacks.evaluate_held_out import EvaluateHeldOut
from keras_gans.data.pixels import to_uint8


class EvaluateTranslation(EvaluateHeldOut):
    """Compares translations of held-out pairs with their targets, and keeps the best.

    Logs `psnr` (in dB) and `ssim`, NaN in the epochs between. Of several workers the
    chief alone measures.

    Args:
        source: Array of source images.
        target: Array of what they are to become.
        every: Epochs between two evaluations; the last epoch is always measured.
        keep_best: Folder of the preset of the epoch with the highest `psnr`, with its
            figures in `metrics.json`; `None` to keep none.

    Example:

    >>> evaluate = EvaluateTranslation(test_source, test_target, keep_best="best")
    >>> gan.fit(source, target, epochs=20, callbacks=[evaluate])
    """

    names = ("psnr", "ssim")
    monitor = "psnr"

    def __init__(self, source, target, every=1, keep_best=None):
        super().__init__(every, keep_best)
        self.source, self.target = source, target

    @property
    def num_samples(self):
        """Number of pairs."""
        return len(self.target)

    def measured(self):
        """The `Result`s of `psnr` and `ssim` of all pairs."""
        made = to_uint8(self.model.translate(self.source))
        target = np.asarray(self.target)
        target = target if target.dtype == np.uint8 else to_uint8(target)
        return [getattr(metrics, name)(target, made) for name in self.names]

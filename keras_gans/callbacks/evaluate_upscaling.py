"""Measures enlarged pictures against the originals while a model trains."""

from keras_gans import metrics
from keras_gans.callbacks.evaluate_translation import EvaluateTranslation
from keras_gans.data.pixels import to_uint8


class EvaluateUpscaling(EvaluateTranslation):
    """Compares enlarged pictures with the originals, and keeps the best epoch.

    Logs `psnr` (in dB) and `ssim`, as super-resolution counts them; see
    `metrics.upscaling_scores`.

    Args:
        source: List of uint8 pictures in low resolution, of any sizes.
        target: List of the uint8 originals.
        every: As for `EvaluateTranslation`.
        keep_best: As for `EvaluateTranslation`.

    Example:

    >>> evaluate = EvaluateUpscaling(low, high, every=5, keep_best="best")
    >>> gan.fit(batches, epochs=100, callbacks=[evaluate])
    """

    def measured(self):
        """The `Result`s of `psnr` and `ssim` of all pictures."""
        made = [to_uint8(self.model.upscale(low[None]))[0] for low in self.source]
        return metrics.upscaling_scores(self.target, made, self.model.scale)

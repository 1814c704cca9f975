"""How super-resolution is measured: Y, without borders, picture by picture."""

from keras_gans.metrics.image_quality import PSNR, SSIM


def upscaling_scores(originals, made, scale, protocol=None):
    """PSNR and SSIM of pictures that may be of different sizes.

    Of Y of BT.601 (of grey pictures these themselves), without `scale` pixels along
    each border; means over pictures.

    Args:
        originals: List of uint8 pictures `(height, width, channels)`.
        made: List of uint8 pictures of the same sizes.
        scale: By how much they were enlarged.
        protocol: `Protocol`, to name the data set in `reference`.

    Returns:
        List of two `Result`s, `psnr` and `ssim`.

    Raises:
        ValueError: As `psnr_per_image`, and for lists of different lengths.

    Reference: `basicsr/metrics/psnr_ssim.py` of XPixelGroup/BasicSR.
    """
    if len(originals) != len(made):
        raise ValueError(f"There are {len(originals)} originals for {len(made)}.")
    found = []
    for kind in (PSNR, SSIM):
        luma = len(originals) > 0 and originals[0].shape[-1] == 3
        gathered = kind(protocol=protocol, crop=scale, luma=luma)
        for original, image in zip(originals, made, strict=True):
            gathered.update(original[None], image[None])
        found.append(gathered.result())
    return found

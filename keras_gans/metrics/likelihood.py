"""How likely a model finds images that it has not seen."""

import math

from keras_gans.metrics.result import Protocol, Result

# Latents for each image: enough for a bound that says something, in a minute.
DRAWS = 100


def likelihood(model, images, reference=None, seed=0, draws=DRAWS):
    """The mean of -log p(x) over images, in nats per image and in bits per dimension.

    Of systems that only bound it, `nats` is the importance-weighted bound of so many
    draws and `elbo` that of one. Both are at least -log p(x): less is better.

    Args:
        model: A system with `negative_log_likelihood`.
        images: uint8, or floats in [-1, 1], `(num_images, *image_shape)`. Where the
            system's pixels are black or white, grey levels are drawn so, once.
        reference: What the images are, `"mnist/test/28"`, for the report.
        seed: Integer >= 0, of what is drawn.
        draws: Latents for each image, where the likelihood is a bound.

    Returns:
        `Result` with the values `nats`, perhaps `elbo`, `bits_per_dimension` where
        pixels have a number of values, and `standard_error`, that of `nats`.

    Example:

    >>> import keras_gans as kg
    >>> import numpy as np
    >>> images = np.zeros((3, 4, 4, 1), "uint8")
    >>> vae = kg.VAE(image_shape=(4, 4, 1), latent_dim=2, hidden_units=3)
    >>> found = likelihood(vae, images, "black/4", draws=5)
    >>> 0 < found.values["nats"] <= found.values["elbo"]
    True

    Reference: Burda et al. 2015, arXiv 1509.00519; van den Oord et al. 2016,
    arXiv 1601.06759, section 5.
    """
    found = model.negative_log_likelihood(images, seed, draws)
    values = {name: nats.mean() for name, nats in found.items()}
    bits = model.bits_per_dimension(values["nats"])
    if bits is not None:
        values["bits_per_dimension"] = bits
    spread = found["nats"].std(ddof=1) if len(images) > 1 else 0.0
    values["standard_error"] = spread / math.sqrt(len(images))
    facts = model.likelihood_protocol(draws)
    return Result(
        "likelihood",
        values,
        facts,
        Protocol(reference=reference),
        num_real=len(images),
        seed=seed,
        notes=(_in_words(facts),),
    )


def _in_words(facts):
    bound = facts["bound"]
    if "draws" in facts:
        bound = f"the {bound} bound of {facts['draws']} draws"
    binarized = facts["trained_on"]
    trained = "" if binarized == "grey" else f", trained on {binarized} draws of them"
    return f"in nats per image, {bound}; pixels {facts['pixels']}{trained}."

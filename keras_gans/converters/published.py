"""Published weights, as systems of this library.

The arrays of a state dict say themselves how large the network is they belong to: it
is built accordingly, and every array must then find its place.
"""

import re
from typing import NamedTuple

from keras_gans.converters import (
    a03ki,
    biggan_pytorch,
    hf_biggan_deep,
    junyanz,
    progan_zoo,
    pytorch_adain,
    stylegan2_ada,
    super_resolution,
)
from keras_gans.converters.loading import assign
from keras_gans.core.moving_average import copy_weights


class Source(NamedTuple):
    """One program's way of storing its networks.

    `describe(arrays)` is the system that a generator's arrays belong to, as
    `(name, arguments)`; the two layouts say where arrays go. `entry` is the state dict
    that samples, in a checkpoint of several, and `discriminator_entry` that of the
    discriminator; each one name, or several, the best first.
    `networks` are the system's names of the
    generator and its discriminator, and of a generator back if there is one; AdaIN's
    are its decoder and its encoder.
    """

    title: str
    describe: object
    generator_layout: object
    discriminator_layout: object
    ignored: tuple = ()
    entry: str | tuple | None = None
    prepare: object = dict
    describe_discriminator: object = None
    networks: tuple = ("generator", "discriminator")
    discriminator_entry: str | tuple | None = None
    # Of the network back, where it is not another generator.
    back_layout: object = None


def convert(
    source,
    generator,
    discriminator=None,
    licence=None,
    generator_back=None,
    **arguments,
):
    """Builds the system that a published generator belongs to, with its weights.

    Args:
        source: A name in `SOURCES`: `"biggan_pytorch"`, `"hf_biggan_deep"`,
            `"basicsr"` (MSRResNet and MSRGAN), `"esrgan"`, `"real_esrgan"`,
            `"leftthomas_srgan"`, `"twtygqyy_srresnet"`,
            `"progan_zoo"`, `"stylegan2_ada"`, `"junyanz_pix2pix"`,
            `"junyanz_cyclegan"` or `"pytorch_adain"`.
        generator: State dict of the generator that samples (the moving average): what
            `read_state_dict` returned.
        discriminator: That of the discriminator, to train on; `None` leaves new
            weights there. For `"pytorch_adain"`, whose generator is the decoder, that
            of the encoder.
        licence: Under which terms the weights were published, in words; it is kept
            with them.
        generator_back: For CycleGAN, the state dict of the generator from b to a, for
            `"a03ki_f_anogan"` that of the encoder; `None` leaves new weights there.
        **arguments: For the system's constructor, where they do not follow from the
            arrays; for `"hf_biggan_deep"` also `statistics_truncation`, whose
            statistics are taken (1).

    Returns:
        A `System`, with the licence in its `provenance`.

    Raises:
        ValueError: for an unknown source, a missing licence, or arrays that are those
            of no such network, with the names that are missing, left over or of
            another shape.

    Example:

    >>> arrays = read_state_dict("G_ema.pth")  # doctest: +SKIP
    >>> gan = convert("biggan_pytorch", arrays, licence="MIT")  # doctest: +SKIP
    """
    from keras_gans.models import get_system

    if source not in SOURCES:
        raise ValueError(f"source is one of {', '.join(SOURCES)}. Found: {source!r}.")
    if not licence or not str(licence).strip():
        raise ValueError(
            "Say under which licence the weights were published: it stays with them."
        )
    known = SOURCES[source]
    options = {}
    if source == "hf_biggan_deep" and "statistics_truncation" in arguments:
        options["truncation"] = arguments.pop("statistics_truncation")
    generator = known.prepare(generator)
    try:
        name, found = known.describe(generator)
    except (KeyError, IndexError, ValueError) as why:
        raise ValueError(
            f"These are not the arrays of a generator of {known.title}: {why}"
        ) from why
    if discriminator is not None and known.discriminator_layout is None:
        raise ValueError(f"{known.title} has published no discriminator.")
    if discriminator is not None:
        discriminator = known.prepare(discriminator)
        if known.describe_discriminator is not None:
            found = {**found, **known.describe_discriminator(discriminator)}
    gan = get_system(name)(**{"ema_decay": None, **found, **arguments})
    ours = [getattr(gan, network) for network in known.networks]
    assign(known.generator_layout(ours[0], **options), generator, known.ignored)
    if generator_back is not None:
        if len(ours) < 3:
            raise ValueError(f"{known.title} translates in one direction.")
        layout = (known.back_layout or known.generator_layout)(ours[2])
        assign(layout, known.prepare(generator_back), known.ignored)
    for name in gan.sampling_networks if gan.keeps_average else ():
        copy_weights(getattr(gan, name), gan.averaged(name))
    if discriminator is not None:
        layout = known.discriminator_layout(ours[1])
        assign(layout, discriminator, known.ignored)
    gan.provenance = {"source": known.title, "licence": str(licence).strip()}
    return gan


def _describe_biggan(arrays):
    blocks = _count(arrays, r"blocks\.(\d+)\.0\.conv1\.weight")
    side = 4 * 2**blocks
    colours, width = arrays["output_layer.2.weight"].shape[:2]
    multiple = {32: 4, 64: 2}.get(side, 1)
    condition = arrays["blocks.0.0.bn1.gain.weight"].shape
    latents = arrays["linear.weight"].shape[1]
    found = {"image_shape": (side, side, colours), "base_channels": width // multiple}
    found["attention"] = tuple(
        4 * 2 ** (i + 1) for i in range(blocks) if f"blocks.{i}.1.gamma" in arrays
    )
    if "shared.weight" not in arrays:
        tables = {"conditioning": "tables", "num_classes": condition[0]}
        return "biggan", {**found, **tables, "latent_dim": latents}
    classes, shared = arrays["shared.weight"].shape
    is_hierarchical = condition[1] > shared
    found["conditioning"] = "hierarchical" if is_hierarchical else "shared"
    found["latent_dim"] = latents * (blocks + 1 if is_hierarchical else 1)
    return "biggan", {**found, "num_classes": classes, "shared_dim": shared}


def _describe_biggan_deep(arrays):
    pattern = r"generator\.layers\.(\d+)\.conv_0\.weight_orig"
    blocks = sum(bool(re.fullmatch(pattern, name)) for name in arrays)
    side = 4 * 2 ** (blocks // 2)
    shared, classes = arrays["embeddings.weight"].shape
    rows, columns = arrays["generator.gen_z.weight_orig"].shape
    return "biggan_deep", {
        "image_shape": (side, side, 3),
        "latent_dim": columns - shared,
        "num_classes": classes,
        "shared_dim": shared,
        "base_channels": rows // 256,
    }


def _describe_progan(arrays):
    scales = _count(arrays, r"scaleLayers\.(\d+)\.0\.module\.weight")
    side = 4 * 2**scales
    rows, latents = arrays["formatLayer.module.weight"].shape
    colours = arrays[f"toRGBLayers.{scales}.module.weight"].shape[0]
    last = arrays[f"toRGBLayers.{scales}.module.weight"].shape[1]
    return "progan", {
        "image_shape": (side, side, colours),
        "latent_dim": latents,
        "max_channels": rows // 16,
        "channel_base": last * side,
        "variant": "gan_zoo",
    }


def _describe_stylegan2(arrays):
    side = max(_numbers(arrays, r"synthesis\.b(\d+)\.torgb\.weight"))
    rgb = arrays[f"synthesis.b{side}.torgb.weight"].shape
    style_dim = arrays["mapping.w_avg"].shape[0]
    found = {
        "image_shape": (side, side, rgb[0]),
        "style_dim": style_dim,
        "latent_dim": arrays["mapping.fc0.weight"].shape[1],
        "mapping_layers": _count(arrays, r"mapping\.fc(\d+)\.weight"),
        "max_channels": arrays["synthesis.b4.const"].shape[0],
        "channel_base": rgb[1] * side,
    }
    if "mapping.embed.weight" in arrays:
        found["num_classes"] = arrays["mapping.embed.weight"].shape[1]
        found["latent_dim"] -= style_dim
    return "stylegan2", found


def _count(arrays, pattern):
    return max(_numbers(arrays, pattern)) + 1


def _numbers(arrays, pattern):
    found = [int(m[1]) for name in arrays if (m := re.fullmatch(pattern, name))]
    if not found:
        raise ValueError(f"no name is of the form {pattern}.")
    return found


SOURCES = {
    "biggan_pytorch": Source(
        "BigGAN-PyTorch",
        _describe_biggan,
        biggan_pytorch.generator_layout,
        biggan_pytorch.discriminator_layout,
        biggan_pytorch.IGNORED,
    ),
    "hf_biggan_deep": Source(
        "pytorch-pretrained-BigGAN",
        _describe_biggan_deep,
        hf_biggan_deep.generator_layout,
        None,
    ),
    "progan_zoo": Source(
        "pytorch_GAN_zoo",
        _describe_progan,
        progan_zoo.generator_layout,
        progan_zoo.discriminator_layout,
        entry="avgG",
        prepare=progan_zoo.current_names,
    ),
    "stylegan2_ada": Source(
        "stylegan2-ada-pytorch",
        _describe_stylegan2,
        stylegan2_ada.generator_layout,
        stylegan2_ada.discriminator_layout,
        stylegan2_ada.IGNORED,
        entry="G_ema",
    ),
    "junyanz_pix2pix": Source(
        "pytorch-CycleGAN-and-pix2pix",
        junyanz.describe_pix2pix,
        junyanz.generator_layout,
        junyanz.discriminator_layout,
        junyanz.IGNORED,
        prepare=junyanz.prepared,
        describe_discriminator=junyanz.describe_discriminator,
    ),
}
SOURCES["pytorch_adain"] = Source(
    "pytorch-AdaIN",
    pytorch_adain.describe,
    pytorch_adain.decoder_layout,
    pytorch_adain.encoder_layout,
    pytorch_adain.IGNORED,
    networks=("decoder", "encoder"),
)
SOURCES["junyanz_cyclegan"] = SOURCES["junyanz_pix2pix"]._replace(
    describe=junyanz.describe_cyclegan,
    networks=("generator_ab", "discriminator_b", "generator_ba"),
)
SOURCES["a03ki_f_anogan"] = Source(
    "A03ki's f-AnoGAN",
    a03ki.describe,
    a03ki.generator_layout,
    a03ki.critic_layout,
    a03ki.IGNORED,
    networks=("generator", "critic", "encoder"),
    back_layout=a03ki.encoder_layout,
)
_ENTRIES = ("params_ema", "params")
SOURCES["real_esrgan"] = Source(
    "Real-ESRGAN",
    super_resolution.describe,
    super_resolution.generator_layout,
    super_resolution.discriminator_layout,
    entry=_ENTRIES,
    prepare=super_resolution.current_names,
    describe_discriminator=super_resolution.describe_discriminator,
    discriminator_entry=_ENTRIES,
)
SOURCES["basicsr"] = SOURCES["real_esrgan"]._replace(title="BasicSR")
SOURCES["esrgan"] = SOURCES["real_esrgan"]._replace(
    title="ESRGAN", describe=super_resolution.describe_esrgan
)
SOURCES["leftthomas_srgan"] = Source(
    "leftthomas' SRGAN",
    super_resolution.describe_leftthomas,
    super_resolution.leftthomas_generator_layout,
    super_resolution.leftthomas_discriminator_layout,
    super_resolution.IGNORED,
    describe_discriminator=super_resolution.describe_discriminator,
)
SOURCES["twtygqyy_srresnet"] = Source(
    "twtygqyy's SRResNet",
    super_resolution.describe_twtygqyy,
    super_resolution.twtygqyy_generator_layout,
    super_resolution.twtygqyy_discriminator_layout,
    super_resolution.IGNORED,
    describe_discriminator=super_resolution.describe_discriminator,
)

import json
import pathlib
import runpy
import sys

import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import converters
from tests import golden

SCRIPT = pathlib.Path(__file__).parents[2] / "scripts/convert_weights"
TINY = {
    "biggan_pytorch": (
        kg.BigGAN,
        {
            "image_shape": (32, 32, 3),
            "latent_dim": 8,
            "num_classes": 3,
            "base_channels": 2,
            "shared_dim": 4,
            "attention": (16,),
        },
    ),
    "biggan_pytorch, tables": (
        kg.BigGAN,
        {
            "image_shape": (32, 32, 3),
            "latent_dim": 8,
            "num_classes": 3,
            "base_channels": 2,
            "conditioning": "tables",
            "attention": (),
        },
    ),
    "hf_biggan_deep": (
        kg.BigGANDeep,
        {
            "image_shape": (128, 128, 3),
            "latent_dim": 4,
            "num_classes": 3,
            "base_channels": 8,
            "shared_dim": 4,
        },
    ),
    "progan_zoo": (
        kg.ProGAN,
        {
            "image_shape": (16, 16, 3),
            "latent_dim": 4,
            "channel_base": 48,
            "max_channels": 6,
            "variant": "gan_zoo",
        },
    ),
    "junyanz_pix2pix": (
        kg.Pix2Pix,
        {
            "image_shape": (32, 32, 3),
            "source_channels": 1,
            "base_channels": 2,
            "discriminator_channels": 3,
            "discriminator_halvings": 2,
        },
    ),
    "junyanz_pix2pix, resnet": (
        kg.Pix2Pix,
        {
            "image_shape": (256, 256, 3),
            "architecture": "resnet",
            "residual_blocks": 2,
            "base_channels": 3,
            "discriminator_channels": 3,
            "discriminator_halvings": 0,
        },
    ),
    "junyanz_cyclegan": (
        kg.CycleGAN,
        {
            "image_shape": (256, 256, 3),
            "residual_blocks": 3,
            "base_channels": 3,
            "discriminator_channels": 2,
        },
    ),
    "pytorch_adain": (
        kg.AdaIN,
        {"image_shape": (256, 256, 3), "base_channels": 3, "stages": 4},
    ),
    "a03ki_f_anogan": (
        kg.FAnoGAN,
        {
            "image_shape": (32, 32, 1),
            "latent_dim": 5,
            "architecture": "mvtec",
            "base_channels": 8,
            "bounded_encoder": True,
            "gan_steps": 0,
        },
    ),
    "a03ki_f_anogan, mnist": (
        kg.FAnoGAN,
        {
            "image_shape": (8, 8, 1),
            "latent_dim": 5,
            "architecture": "mnist",
            "base_channels": 4,
            "bounded_encoder": True,
            "gan_steps": 0,
        },
    ),
    "basicsr": (
        kg.SRGAN,
        {
            "image_shape": (32, 32, 3),
            "architecture": "msrresnet",
            "residual_blocks": 2,
            "base_channels": 3,
            "discriminator_kind": "msrgan",
            "discriminator_channels": 2,
        },
    ),
    "esrgan": (
        kg.ESRGAN,
        {
            "image_shape": (64, 64, 3),
            "residual_blocks": 2,
            "base_channels": 3,
            "growth_channels": 2,
            "discriminator_channels": 2,
        },
    ),
    "real_esrgan": (
        kg.RealESRGAN,
        {
            "image_shape": (32, 32, 3),
            "scale": 2,
            "residual_blocks": 2,
            "base_channels": 3,
            "growth_channels": 2,
            "discriminator_channels": 2,
        },
    ),
    "real_esrgan, compact": (
        kg.RealESRGAN,
        {
            "image_shape": (32, 32, 3),
            "architecture": "srvgg",
            "residual_blocks": 3,
            "base_channels": 3,
            "discriminator_channels": 2,
        },
    ),
    "leftthomas_srgan": (
        kg.SRGAN,
        {
            "image_shape": (32, 32, 3),
            "residual_blocks": 2,
            "base_channels": 3,
            "discriminator_kind": "pooled",
            "discriminator_channels": 2,
        },
    ),
    "twtygqyy_srresnet": (
        kg.SRGAN,
        {
            "image_shape": (96, 96, 3),
            "architecture": "srresnet_instance",
            "residual_blocks": 2,
            "base_channels": 3,
            "discriminator_kind": "kernels_of_4",
            "discriminator_channels": 2,
        },
    ),
    "stylegan2_ada": (
        kg.StyleGAN2,
        {
            "image_shape": (16, 16, 3),
            "latent_dim": 5,
            "num_classes": 3,
            "style_dim": 6,
            "channel_base": 64,
            "max_channels": 8,
            "mapping_layers": 2,
        },
    ),
}


def state_dict(layout):
    """Arrays for all names of a layout, in shapes that its transforms take."""
    return {name: _array(name, *place) for name, place in layout.items()}


def _array(name, variable, transform):
    shape = tuple(variable.shape)
    candidates = [shape, shape[::-1], (1, *shape), (51, *shape), (1,)]
    if len(shape) == 4:
        h, w, i, o = shape
        candidates = [(o, i, h, w), (i, o, h, w), (o, h, i, w)]
    if len(shape) == 2:
        candidates.append((*shape[::-1], 1, 1))
    if len(shape) == 3:
        candidates.append((shape[2], *shape[:2]))
    for candidate in candidates:
        array = golden.fill(name, candidate).astype("float32")
        try:
            if np.shape(transform(array)) == shape:
                return array
        except (ValueError, IndexError, TypeError):
            pass
    raise AssertionError(f"no shape fits {name}")


@pytest.fixture(scope="module", params=TINY)
def published(request):
    """A source, a system of the sizes to be recovered, and its networks' arrays."""
    source = request.param.split(",")[0]
    system, arguments = TINY[request.param]
    gan = system(**arguments, ema_decay=None, seed=5)
    known = converters.SOURCES[source]
    generator, discriminator = networks_of(known, gan)
    found = [state_dict(known.generator_layout(generator)), None]
    if known.discriminator_layout is not None:
        found[1] = state_dict(known.discriminator_layout(discriminator))
    return source, gan, *found


def networks_of(known, gan):
    return [getattr(gan, name) for name in known.networks[:2]]


def check_weights(layout, arrays):
    for name, (variable, transform) in layout.items():
        found = ops.convert_to_numpy(variable)
        np.testing.assert_array_equal(found, transform(arrays[name]), err_msg=name)


def test_the_arrays_say_which_network_they_are(published):
    source, gan, generator, discriminator = published
    known = converters.SOURCES[source]
    made = converters.convert(source, generator, discriminator, "CC0")
    assert type(made) is type(gan)
    for name in gan.networks:
        shapes = [tuple(w.shape) for w in getattr(made, name).weights]
        expected = [tuple(w.shape) for w in getattr(gan, name).weights]
        assert shapes == expected or (name, discriminator) == ("discriminator", None)
    ours = networks_of(known, made)
    check_weights(known.generator_layout(ours[0]), generator)
    if discriminator is not None:
        check_weights(known.discriminator_layout(ours[1]), discriminator)
    assert made.provenance == {"source": known.title, "licence": "CC0"}


def test_no_array_may_be_missing_left_over_or_of_another_shape(published):
    source, _, generator, _ = published
    name = next(n for n in generator if n.endswith("bias") and generator[n].size > 2)
    lacking = {n: a for n, a in generator.items() if n != name}
    for arrays, message in (
        (lacking, f"1 are missing: {name}"),
        ({**generator, "extra": np.ones(1)}, "1 are unknown: extra"),
        ({**generator, name: generator[name][:-1]}, f"1 do not fit: {name}"),
        ({"x": np.ones(1)}, "not the arrays of a generator"),
    ):
        with pytest.raises(ValueError, match=message.replace(".", r"\.")):
            converters.convert(source, arrays, licence="CC0")


def test_a_licence_must_be_named(published):
    source, _, generator, _ = published
    for licence in (None, "", "  "):
        with pytest.raises(ValueError, match="under which licence"):
            converters.convert(source, generator, licence=licence)


def test_unknown_sources():
    with pytest.raises(ValueError, match="source is one of biggan_pytorch"):
        converters.convert("tf_gan", {}, licence="MIT")


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["convert_weights", *map(str, arguments)])
    runpy.run_path(str(SCRIPT), run_name="__main__")


def test_the_script_writes_a_preset(tmp_path, monkeypatch, capsys):
    system, arguments = TINY["progan_zoo"]
    gan = system(**arguments, ema_decay=None)
    known = converters.SOURCES["progan_zoo"]
    old = state_dict(known.generator_layout(gan.generator))
    # As in older files, whose layers were not wrapped.
    arrays = {name.replace(".module", ""): array for name, array in old.items()}
    np.savez(tmp_path / "g.npz", **arrays)
    out = tmp_path / "preset"
    run(monkeypatch, "progan_zoo", tmp_path / "g.npz", out, "--licence", "BSD-3")
    assert "ProGAN, (16, 16, 3)" in capsys.readouterr().out
    made = kg.from_preset(out)
    check_weights(known.generator_layout(made.generator), old)
    provenance = json.loads((out / "metadata.json").read_text("utf-8"))["provenance"]
    assert provenance["licence"] == "BSD-3" and len(provenance["sha256"]) == 64
    assert made.sample(2, seed=0).shape == (2, 16, 16, 3)


def test_the_script_wants_a_licence_and_arrays(tmp_path, monkeypatch):
    np.savez(tmp_path / "g.npz", x=np.ones(1))
    arguments = ("stylegan2_ada", tmp_path / "g.npz", tmp_path / "out")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)
    with pytest.raises(SystemExit, match="under which licence"):
        run(monkeypatch, *arguments)
    with pytest.raises(SystemExit, match="not the arrays of a generator"):
        run(monkeypatch, *arguments, "--licence", "MIT")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["a03ki_f_anogan", "a03ki_f_anogan, mnist"])
def test_an_encoder_is_the_way_back(name):
    system, arguments = TINY[name]
    gan, known = system(**arguments), converters.SOURCES["a03ki_f_anogan"]
    generator = state_dict(known.generator_layout(gan.generator))
    encoder = state_dict(known.back_layout(gan.encoder))
    made = converters.convert(
        "a03ki_f_anogan", generator, licence="MIT", generator_back=encoder
    )
    check_weights(known.back_layout(made.encoder), encoder)
    images = np.zeros((2, *made.image_shape), "uint8")
    assert np.isfinite(made.score(images)).all()


def test_a_generator_back_and_old_statistics():
    gan = kg.CycleGAN((256, 256, 3), residual_blocks=1, base_channels=2)
    known = converters.SOURCES["junyanz_cyclegan"]
    there, back = (
        state_dict(known.generator_layout(getattr(gan, f"generator_{direction}")))
        for direction in ("ab", "ba")
    )
    back = {name: array + 1 for name, array in back.items()}
    # As an old file of a network of several GPUs has it.
    old = {f"module.{name}": array for name, array in back.items()}
    old["module.model.2.running_mean"] = np.ones(2)
    made = converters.convert(
        "junyanz_cyclegan", there, licence="BSD", generator_back=old, ema_decay=0.9
    )
    check_weights(known.generator_layout(made.ema_generator_ab), there)
    check_weights(known.generator_layout(made.ema_generator_ba), back)
    with pytest.raises(ValueError, match="translates in one direction"):
        converters.convert(
            "progan_zoo",
            state_dict(
                converters.SOURCES["progan_zoo"].generator_layout(
                    kg.ProGAN(**TINY["progan_zoo"][1], ema_decay=None).generator
                )
            ),
            licence="MIT",
            generator_back=old,
        )

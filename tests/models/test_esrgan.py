import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import super_resolution as published
from keras_gans.layers import build_rrdb, build_vgg_discriminator
from keras_gans.losses import relativistic
from tests import golden_super_resolution as golden
from tests import golden_translation as translation
from tests.contract import count
from tests.contract_upscaling import UpscalerContract


class TestESRGAN(UpscalerContract):
    system = kg.ESRGAN
    # Means of the other side are held.
    detached = ("discriminator",)
    # Batch statistics of maps of one pixel, one after the other, amplify rounding.
    tiny = {
        "image_shape": (32, 32, 3),
        "discriminator_halvings": 2,
        "residual_blocks": 1,
        "base_channels": 2,
        "growth_channels": 2,
        "discriminator_channels": 2,
        "pretrain_steps": 0,
    }


def test_parameters():
    gan = kg.ESRGAN()
    assert count(gan.generator) == 16_697_987
    assert len(gan.generator.weights) == 702
    assert count(gan.discriminator) == 14_499_401
    assert count(build_rrdb(blocks=6)) == 4_467_779
    small = build_rrdb(blocks=2, base_channels=32, growth_channels=16)
    assert count(small) == 398_755


def small_generator():
    return build_rrdb(blocks=2, base_channels=16, growth_channels=8)


def old_layout(generator):
    """The places under the names of xinntao/ESRGAN."""
    return renamed(generator, published._OLD)


def oldest_layout(generator):
    """The places under the first names of all."""
    return renamed(generator, published._OLDEST)


def renamed(generator, generation):
    """Today's names by their older ones, as the importer translates them."""
    current = published.rrdb_layout(generator)
    blocks = generator.get_layer  # two of them
    assert blocks("body_1") is not None
    modules = {name.rsplit(".", 1)[0] for name in current}
    older = {}
    for module in modules:
        parts = module.split(".")
        if parts[0] == "body":
            _, i, rdb, conv = parts
            older[module] = {
                published._OLD: f"RRDB_trunk.{i}.{rdb.upper()}.{conv}",
                published._OLDEST: f"model.1.sub.{i}.{rdb.upper()}.{conv}.0",
            }[generation]
    fixed = {
        published._OLD: ("conv_first trunk_conv upconv1 upconv2 HRconv conv_last"),
        published._OLDEST: ("model.0 model.1.sub.2 model.3 model.6 model.8 model.10"),
    }[generation].split()
    names = ("conv_first", "conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last")
    older |= dict(zip(names, fixed, strict=True))
    return {
        f"{older[name.rsplit('.', 1)[0]]}.{name.rsplit('.', 1)[1]}": place
        for name, place in current.items()
    }


RRDB = {
    "E1": (
        old_layout,
        (0.054011, 1.222536),
        [-1.015242, -0.704455, -0.456178],
        [-0.218259, 0.052846, -0.301263],
        4.4e-6,
    ),
    "E2": (
        published.rrdb_layout,
        (0.669223, 2.769187),
        [1.952847, 1.486603, -0.232677],
        [-0.251799, 0.158696, 0.428389],
        8.0e-6,
    ),
    "F9": (
        old_layout,
        (-0.400884, 0.929212),
        [-0.475818, -0.072984, -0.499936],
        [-0.272643, -0.031305, -0.742552],
        7.7e-6,
    ),
}


@pytest.mark.every_backend
@pytest.mark.parametrize("name", RRDB)
def test_rrdb(name):
    layout, moments, pixels, corner, err = RRDB[name]
    generator = golden.fill(small_generator(), layout, by_position=name == "F9")
    assert count(generator) == 100_307
    translation.check(golden.enlarged(generator), moments, pixels, corner, err)


@pytest.mark.every_backend
@pytest.mark.parametrize("layout", [old_layout, oldest_layout])
def test_older_names_become_todays(layout):
    generator = small_generator()
    current = published.rrdb_layout(generator)
    older = layout(generator)
    arrays = {name: np.float32(i) for i, name in enumerate(older)}
    found = published.current_names(arrays)
    assert found.keys() == current.keys()
    for name, number in arrays.items():
        variable = older[name][0]
        now = next(key for key, value in found.items() if value == number)
        assert current[now][0] is variable
    assert published.current_names(found) == found


@pytest.mark.every_backend
def test_vgg_discriminator():
    """E10, E11, and the relativistic losses of the two."""
    network = build_vgg_discriminator(
        (128, 128, 3), (4, 8, 16, 32, 32), 100, 4, "first"
    )
    assert count(network) == 105_281
    golden.fill(network, published.vgg_discriminator_layout)
    logits = []
    for images, expected in (
        (translation.source(2, 128), [-0.036377, -1.571845]),
        (translation.target(2, 128), [0.456743, 0.201416]),
    ):
        found = network((images + 1) / 2, training=False)
        logits.append(found)
        found = ops.convert_to_numpy(found)[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=20 * 8.7e-6)
    assert float(relativistic.discriminator(*logits)) == pytest.approx(
        1.440087, rel=1e-4
    )
    assert float(relativistic.generator(*logits)) == pytest.approx(0.306897, rel=1e-4)


@pytest.mark.every_backend
def test_pretraining_compares_in_the_papers_range():
    gan = kg.ESRGAN(**TestESRGAN.tiny)
    made, target = translation.source(2, 32), translation.target(2, 32)
    expected = np.abs(made - target).mean() / 2
    found = gan.pixels_apart(ops.convert_to_tensor(made), ops.convert_to_tensor(target))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_an_undecided_discriminator():
    gan = kg.ESRGAN(**TestESRGAN.tiny, adversarial_weight=1.0)
    for weight in gan.discriminator.get_layer("linear2").weights:
        weight.assign(ops.zeros_like(weight))
    gan.compile()
    data = TestESRGAN.batch(2)
    found = gan.evaluate(*data, batch_size=2, verbose=0, return_dict=True)
    assert found["discriminator_loss"] == pytest.approx(np.log(2), rel=1e-6)
    assert found["generator_loss"] == pytest.approx(np.log(2), rel=1e-6)


def test_the_pretraining_is_twice_as_fast():
    gan = kg.ESRGAN(**{**TestESRGAN.tiny, "pretrain_steps": 4}, pretrain_cycles=1)
    sgd = {f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in gan.players}
    gan.compile(**sgd)
    assert float(gan._rate_factor()) == 2.0
    gan.fit(*TestESRGAN.batch(4), batch_size=2, verbose=0)
    assert float(gan._rate_factor()) == pytest.approx(1.0)
    assert float(ops.convert_to_numpy(gan.generator_optimizer.learning_rate)) == 0.0


def test_other_scales_are_refused():
    with pytest.raises(ValueError, match="scale 1, 2 or 4"):
        kg.ESRGAN((96, 96, 3), scale=3, discriminator_channels=1)
    with pytest.raises(ValueError, match="multiples of 32"):
        kg.ESRGAN((48, 48, 3), residual_blocks=1, base_channels=1)

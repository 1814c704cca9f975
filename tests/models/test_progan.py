import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import loading, progan_zoo
from keras_gans.models import progan
from tests import golden, written_out
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count, slow_abroad
from tests.replica_groups import deviations_of_pairs


class TestProGAN(SystemContract):
    system = kg.ProGAN
    # Two epochs of the contract end in the middle of the fade, four at its end.
    tiny = {
        "image_shape": (8, 8, 1),
        "latent_dim": 6,
        # Few channels would now and then all be near 0, and their unit vector anything.
        "channel_base": 64,
        "max_channels": 8,
        "stabilise_images": 8,
        "fade_images": 24,
    }

    @classmethod
    def _one_step_on(cls, replicas, jit_compile="auto"):
        with deviations_of_pairs():
            return super()._one_step_on(replicas, jit_compile)


def counts(side, **arguments):
    with cheap_weights():
        gan = kg.ProGAN((side, side, 3), ema_decay=None, **arguments)
    return count(gan.generator), count(gan.discriminator)


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (32, (20_719_628, 20_726_785)),
        (64, (22_490_383, 22_498_049)),
        (128, (22_933_394, 22_941_313)),
        (256, (23_044_309, 23_052_353)),
        (512, (23_072_120, 23_080_225)),
        (1024, (23_079_115, 23_087_249)),
    ],
)
def test_parameter_counts(side, expected):
    assert counts(side) == expected


def test_parameter_counts_of_networks_that_do_not_grow():
    assert counts(256, start_resolution=256) == (23_036_995, 23_042_625)
    assert counts(1024, start_resolution=1024) == (23_071_507, 23_077_137)
    with cheap_weights():
        gray = kg.ProGAN(
            (32, 32, 1),
            latent_dim=128,
            channel_base=2048,
            max_channels=128,
            start_resolution=32,
        )
    assert (count(gray.generator), count(gray.discriminator)) == (1_110_977, 1_112_385)


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (128, (22_941_074, 22_941_313)),
        (256, (23_051_989, 23_052_353)),
        (512, (23_079_800, 23_080_225)),
        (1024, (23_086_795, 23_087_249)),
    ],
)
def test_parameter_counts_of_gan_zoo(side, expected):
    assert counts(side, variant="gan_zoo") == expected


def reference(width, last_width, **arguments):
    """The fixtures' networks: 16x16 pixels, `width` channels at 4x4 and 8x8."""
    gan = kg.ProGAN(
        (16, 16, 3),
        latent_dim=width,
        channel_base=16 * last_width,
        max_channels=width,
        variant="gan_zoo",
        stabilise_images=0,
        fade_images=10**9,
        **arguments,
    )
    for network, layout in layouts(gan).items():
        arrays = {
            name: golden.fill(name, torch_shape(variable), equalized=True)
            for name, (variable, _) in layout.items()
        }
        variables = {id(variable) for variable, _ in layout.values()}
        assert variables == {id(v) for v in getattr(gan, network).trainable_weights}
        loading.assign(layout, arrays)
    if gan.keeps_average:
        for new, old in zip(gan.sampler.weights, gan.generator.weights, strict=True):
            new.assign(old)
    return gan


def layouts(gan):
    return {
        "generator": progan_zoo.generator_layout(gan.generator),
        "discriminator": progan_zoo.discriminator_layout(gan.discriminator),
    }


def torch_shape(variable):
    *map_shape, inputs, outputs = (1, *variable.shape)
    if len(variable.shape) == 1:
        return (outputs,)
    return (outputs, inputs, *map_shape[1:])


def faded_to(gan, images_seen):
    gan.images_seen.assign(images_seen)
    gan.fade_in()


@pytest.mark.every_backend
def test_golden_forward():
    gan = reference(32, 16, ema_decay=None)
    faded_to(gan, 2 * 10**9)
    images = ops.convert_to_numpy(gan.generator(golden.latents(0, 32, batch=2)))
    assert images.mean() == pytest.approx(-1.697220, rel=1e-4)
    assert images.std() == pytest.approx(1.787525, rel=1e-4)
    expected = [-3.644569, -0.082710, 1.224328]
    np.testing.assert_allclose(images[1, 3, 5], expected, rtol=1e-3, atol=1e-4)
    scores = ops.convert_to_numpy(gan.discriminator(golden.images(0, 16, 3)))
    expected = [-11.450486, -10.412885, -10.960583, -15.106344]
    np.testing.assert_allclose(scores[:, 0], expected, rtol=1e-3, atol=1e-4)


def test_names_of_older_files():
    layout = layouts(reference(4, 4, ema_decay=None))["generator"]
    older = {name.replace(".module", ""): 0 for name in layout}
    assert set(progan_zoo.current_names(older)) == set(layout)
    assert set(progan_zoo.current_names(dict.fromkeys(layout))) == set(layout)


# D(real), D(fake), penalty, drift, G: sums over four samples, of two steps.
LOSSES = {
    0.7: (
        (42.29733, -83.97238, 106.7721, 0.4546233, 76.60287),
        (38.50969, -93.00138, 118.4307, 0.3715952, 79.95965),
    ),
    1.0: (
        (55.70043, -132.0954, 295.8112, 0.777789, 101.9954),
        (49.00062, -125.903, 314.9856, 0.6127048, 125.5556),
    ),
}
NORMS = {
    0.7: (94.38861, 36.66339, 121.8465, 13.10576, 6.483552, 14.0269),
    1.0: (258.281, 101.9024, 319.468, 23.68211, 14.32113, 34.76972),
}
TENSORS = {
    0.7: {
        "generator formatLayer.module.weight": (
            (0.0550483, 1.417862, 0.001422025),
            {0: -2.176101, 512: 0.982438, 1023: -0.6868714},
        ),
        "generator scaleLayers.1.0.module.weight": (
            (0.0850277, 1.401109, 0.001441934),
            {0: 2.099308, 144: 0.8619211, 287: 0.6807285},
        ),
        "generator toRGBLayers.2.module.bias": (
            (0.01395862, 0.1093754, 0.002057631),
            {0: -0.1153092, 1: 0.005027237, 2: 0.1521578},
        ),
        "discriminator fromRGBLayers.2.module.weight": (
            (0.7294834, 1.036081, 0.001929539),
            {0: 1.412723, 6: 1.257389, 11: -0.9264876},
        ),
        "discriminator groupScaleZero.0.module.weight": (
            (-0.05005969, 1.459014, 0.001650258),
            {0: -0.7072678, 324: 1.890603, 647: -1.772342},
        ),
        "discriminator decisionLayer.module.weight": (
            (-0.08692803, 1.186882, 0.001921416),
            {0: 1.580802, 4: 0.2945548, 7: -1.010013},
        ),
        "average toRGBLayers.2.module.bias": (
            (0.01190456, 0.1094139, 3.05646e-6),
            {0: -0.1173887, 1: 0.002933772, 2: 0.1501686},
        ),
    },
    1.0: {
        "generator formatLayer.module.weight": (
            (0.05505588, 1.417811, 0.00136046),
            {0: -2.176185, 512: 0.983471, 1023: -0.6866802},
        ),
        "generator scaleLayers.1.0.module.weight": (
            (0.08546914, 1.401078, 0.001578464),
            {0: 2.099323, 144: 0.8618026, 287: 0.6806464},
        ),
        "generator toRGBLayers.2.module.bias": (
            (0.01390458, 0.1094069, 0.002003449),
            {0: -0.11541, 1: 0.004988056, 2: 0.1521357},
        ),
        "discriminator fromRGBLayers.2.module.weight": (
            (0.7293375, 1.036094, 0.00193359),
            {0: 1.412487, 6: 1.257333, 11: -0.926593},
        ),
        "discriminator groupScaleZero.0.module.weight": (
            (-0.05015044, 1.45907, 0.001673301),
            {0: -0.7049447, 324: 1.887901, 647: -1.772553},
        ),
        "discriminator decisionLayer.module.weight": (
            (-0.08677942, 1.187216, 0.001778331),
            {0: 1.582787, 4: 0.2941536, 7: -1.009933},
        ),
        "average toRGBLayers.2.module.bias": (
            (0.01190451, 0.1094139, 3.002325e-6),
            {0: -0.1173888, 1: 0.002933733, 2: 0.1501686},
        ),
    },
}
OUTPUTS = {
    0.7: (
        (-0.6964298, -0.2543842, -1.801842),
        (-0.6973282, -0.2679099, -1.828264),
        -8.535661,
    ),
    1.0: (
        (-1.390859, -1.923467, -1.811151),
        (-1.40269, -1.932347, -1.815056),
        -12.47151,
    ),
}


def torch_values(gan):
    """All weights by network and reference name, flat in PyTorch's order."""
    named = {**layouts(gan), "average": progan_zoo.generator_layout(gan.sampler)}
    found = {}
    for network, layout in named.items():
        for name, (variable, transform) in layout.items():
            shape = torch_shape(variable)
            order = transform(np.arange(np.prod(shape)).reshape(shape)).reshape(-1)
            flat = np.empty(order.size, "float32")
            flat[order] = ops.convert_to_numpy(variable).reshape(-1)
            found[f"{network} {name}"] = flat
    return found


@pytest.mark.every_backend
@slow_abroad
@pytest.mark.parametrize("alpha", [0.7, 1.0])
def test_train_steps_match_reference(alpha):
    """Fixtures F8a and F8b; their alpha is the weight of the old block."""
    gan = reference(8, 4, ema_decay=0.999)
    faded_to(gan, round((1 + alpha) * 10**9))
    adam = {"beta_1": 0.0, "beta_2": 0.99, "epsilon": 1e-9}
    gan.compile(
        run_eagerly=True,
        discriminator_optimizer=keras.optimizers.Adam(1e-3, **adam),
        generator_optimizer=keras.optimizers.Adam(1e-3, **adam),
    )
    gan.training_seeds = golden.Scripted(
        normal=lambda t, shape: golden.latents(t, 8),
        uniform=lambda t, shape: golden.coefficients(t).reshape(4, 1, 1, 1),
    )
    watch = golden.Watch(gan, "discriminator")
    before = torch_values(gan)
    for step in range(2):
        gan.reset_metrics()
        logs = gan.train_on_batch(golden.images(step, 16, 3), return_dict=True)
        logs = {name: float(value) for name, value in logs.items()}
        of_real, of_fake, penalty, drift, generator = LOSSES[alpha][step]
        rtol = 1e-4 if step else 2e-5
        real, fake, _, generated = watch.mean_scores()
        golden.close([-4 * real, 4 * fake], [of_real, of_fake], rtol=rtol)
        golden.close([-4 * generated], [generator], rtol=1e-4)
        assert logs["wasserstein"] == pytest.approx(of_real + of_fake, rel=rtol)
        assert logs["gradient_penalty"] == pytest.approx(penalty, rel=rtol)
        assert logs["drift"] == pytest.approx(drift, rel=rtol)
        assert logs["generator_loss"] == pytest.approx(generator, rel=1e-4)
    check_gradients(gan, watch, alpha)
    after = torch_values(gan)
    for key, (moments, entries) in TENSORS[alpha].items():
        golden.check_tensor(after[key], before[key], moments, entries, atol=4e-5)
    unused = ["fromRGBLayers.0", "toRGBLayers.0"]
    unused += ["fromRGBLayers.1", "toRGBLayers.1"] if alpha == 1 else []
    for key in after:
        moved = (after[key] != before[key]).any()
        assert moved != any(name in key for name in unused), key
    generated, averaged, score = OUTPUTS[alpha]
    latents = golden.latents(0, 8)
    for network, expected in ((gan.generator, generated), (gan.sampler, averaged)):
        image = ops.convert_to_numpy(network(latents))[1, 3, 5]
        np.testing.assert_allclose(image, expected, rtol=1e-4)
    found = gan.discriminator(golden.images(0, 16, 3))
    assert float(found[1, 0]) == pytest.approx(score, rel=1e-4)


def check_gradients(gan, watch, alpha):
    of_d = watch.gradients_of(gan, "discriminator")
    of_g = watch.gradients_of(gan, "generator")
    found = [
        of_d["from_rgb_16_conv/kernel"],
        of_d["head_conv/kernel"],
        of_d["score/kernel"],
        of_g["block_4_map/kernel"],
        of_g["block_16_conv_0/kernel"],
        of_g["to_rgb_16/bias"],
    ]
    np.testing.assert_allclose(found[:3], NORMS[alpha][:3], rtol=2e-5)
    np.testing.assert_allclose(found[3:], NORMS[alpha][3:], rtol=1e-4)


def test_gan_zoo_never_fades_its_second_scale():
    gan = reference(4, 4, ema_decay=None)
    faded_to(gan, 3 * 10**8)
    assert gan.stage == (8, 1, True) and not gan.blends_reals
    assert float(gan.generator.get_layer("fade_8").alpha) == pytest.approx(0.3)
    assert float(gan.discriminator.get_layer("fade_8").alpha) == 1.0
    faded_to(gan, 13 * 10**8)
    assert float(gan.discriminator.get_layer("fade_16").alpha) == pytest.approx(0.3)


def test_new_networks_have_unit_variance():
    gan = kg.ProGAN((32, 32, 3), latent_dim=64, channel_base=4096, max_channels=128)
    names = [layer.name for layer in gan.generator.layers if "_norm" in layer.name]
    tensors = [gan.generator.get_layer(name).output for name in names]
    inputs = np.random.default_rng(0).normal(size=(16, 64)).astype("float32")
    found = keras.Model(gan.generator.input, tensors)(inputs)
    assert len(names) == 9
    for maps in found:
        squares = np.square(ops.convert_to_numpy(maps)).mean(axis=-1)
        np.testing.assert_allclose(squares, 1.0, atol=1e-3)
    faded_to(gan, 10**7)
    images = ops.convert_to_numpy(gan.generator(inputs))
    assert images.std() == pytest.approx(1.0, abs=0.4)
    # The output is linear, and clipped where it is sampled.
    assert np.abs(images).max() > 1.5
    sampled = gan.predict(inputs, verbose=0)
    clipped = ops.convert_to_numpy(gan.sampler(inputs)).clip(-1, 1)
    np.testing.assert_allclose(sampled, clipped, atol=1e-6)


def test_receptive_field_of_the_discriminator():
    gan = kg.ProGAN((32, 32, 1), latent_dim=4, channel_base=64, max_channels=4)
    field = step = 1
    for side in (32, 16, 8):
        for layer in gan.discriminator.layers:
            if layer.name.startswith(f"block_{side}_conv"):
                field += (layer.kernel_size - 1) * step
            elif layer.name == f"block_{side}_pool":
                field, step = field + step, 2 * step
    field += (gan.discriminator.get_layer("head_conv").kernel_size - 1) * step
    assert field == 52


def test_discriminator_is_the_table():
    """8x8 pixels, written out: the mean of squares comes before the activation."""
    network = progan.build_discriminator((8, 8, 2), None, 32, 4, 8, "tensorflow")
    images = golden.images(0, 8, 2)
    expected = written_out.scores(network, images)
    found = ops.convert_to_numpy(network(images))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.every_backend
def test_classes_are_drawn_and_read():
    gan = kg.ProGAN(**TestProGAN.tiny, num_classes=3, seed=1)
    gan.compile()
    images, labels = golden.images(0, 8, 1, batch=8), np.arange(8) % 3
    logs = gan.fit(images, labels, batch_size=4, epochs=2, verbose=0).history
    names = {"real_class_loss", "fake_class_loss", "class_loss"}
    assert set(logs) == {*kg.ProGAN.reports, *names} == set(gan.reports)
    assert np.isfinite(list(logs.values())).all()
    assert gan.stage.fading
    first, second = (gan.sample(3, seed=0, labels=label) for label in (0, 1))
    assert np.abs(first - second).max() > 1e-6
    again = kg.ProGAN.from_config(gan.get_config())
    assert again.reports == gan.reports
    scores, logits = gan.discriminator(images)
    assert scores.shape == (8, 1) and logits.shape == (8, 3)


def test_class_losses_are_cross_entropies():
    gan = kg.ProGAN(**TestProGAN.tiny, num_classes=3, seed=1)
    images, labels = golden.images(0, 8, 1), np.array([0, 1, 2, 1], "int32")
    faded_to(gan, 10**6)
    _, found = gan._judged((images, labels))
    logits = ops.convert_to_numpy(gan.discriminator(images)[1]).astype("float64")
    chances = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    expected = -np.log(chances[np.arange(4), labels]).mean()
    assert float(found) == pytest.approx(expected, rel=1e-5)

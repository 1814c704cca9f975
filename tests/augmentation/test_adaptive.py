import keras
import numpy as np
import pytest
from keras import ops
from scipy import ndimage

import keras_gans as kg
from keras_gans.augmentation import bands, colors
from keras_gans.augmentation.operations import DRAWS, PIPES
from keras_gans.augmentation.warping import compose, warp
from keras_gans.core import gradients
from keras_gans.core.random import CounterStream
from tests import golden
from tests.contract import on_tensorflow, two_replicas

EVERYTHING = "bgcfnc"


def numpy_of(x):
    return ops.convert_to_numpy(x)


def images(count=4, side=16, channels=3):
    return golden.images(0, side, channels, batch=count)


def struck(pipe, p=1.0):
    layer = kg.augmentation.ADA(pipe)
    layer.p.assign(p)
    return layer


def augmented(pipe, x, p=1.0, seed=0):
    return numpy_of(struck(pipe, p)(x, seeds=CounterStream(seed)))


def scores(window, iteration, batch, shift):
    b = np.arange(batch)
    return np.cos(0.9 * window + 0.37 * iteration + 0.11 * b) + shift


@pytest.mark.every_backend
@pytest.mark.parametrize("counts_r1", [False, True])
@pytest.mark.parametrize(
    ("batch", "shift", "kimg", "start", "signs", "with_r1", "expected"),
    [
        (
            64,
            0.8,
            500,
            0.0,
            [0.625, 0.6171875, 0.5, 0.5, 0.625],
            [0.625, 0.6171875, 0.5, 0.5, 0.61875],
            [0.000512, 0.001024, 0.000512, 0, 0.000512],
        ),
        (
            32,
            0.85,
            100,
            0.002,
            [0.40625, 0.359375, 0.40625, 0.703125, 0.984375],
            [0.425, 0.359375, 0.40625, 0.703125, 0.975],
            [0.00072, 0, 0, 0.00128, 0.00256],
        ),
    ],
)
def test_controller_matches_reference(
    batch, shift, kimg, start, signs, with_r1, expected, counts_r1
):
    layer = kg.augmentation.ADA(kimg=kimg)
    layer.p.assign(start)
    for window in range(5):
        for i in range(4):
            real = scores(window, i, batch, shift).astype("float32")
            layer.observe(real[:, None])
            if counts_r1 and (4 * window + i) % 16 == 0:
                layer.observe(real)
            if i == 3:
                mean = float(numpy_of(layer.signs) / numpy_of(layer.observed))
                wanted = (with_r1 if counts_r1 else signs)[window]
                assert mean == pytest.approx(wanted, rel=1e-6)
            before = float(numpy_of(layer.p))
            layer.adapt()
            assert i == 3 or float(numpy_of(layer.p)) == before
        found = float(numpy_of(layer.p))
        assert found == pytest.approx(expected[window], rel=1e-5, abs=1e-9)


@pytest.mark.every_backend
def test_p_rises_linearly_above_the_target():
    layer = kg.augmentation.ADA()
    for step in range(1, 41):
        layer.observe(np.ones(64, "float32"))
        layer.adapt(64)
        assert float(numpy_of(layer.p)) == pytest.approx(5.12e-4 * (step // 4))


def test_nothing_observed_moves_nothing():
    layer = struck("bgc", 0.25)
    for _ in range(8):
        layer.adapt(64)
    assert float(numpy_of(layer.p)) == 0.25


@on_tensorflow
def test_p_is_one_on_all_replicas():
    strategy = two_replicas()
    with strategy.scope():
        layer = kg.augmentation.ADA(interval=1, target=0.1)

    def step():
        index = gradients.replica().index
        # Means of 1 and -0.5: of the whole batch 0.25.
        row = ops.where(ops.equal(index, 0), [1.0] * 4, [-1.0, -1.0, -1.0, 1.0])
        layer.observe(row)
        layer.adapt()

    strategy.run(step)
    values = [float(v) for v in strategy.experimental_local_results(layer.p.value)]
    assert values == pytest.approx([8 / 500_000] * 2)


def test_p_zero_passes_images_bit_for_bit():
    x = images()
    np.testing.assert_array_equal(augmented(EVERYTHING, x, p=0.0), x)
    layer = kg.augmentation.ADA(EVERYTHING)
    slope = gradients.input_gradient(
        lambda batch: layer(batch, seeds=CounterStream(0)), ops.convert_to_tensor(x)
    )
    np.testing.assert_array_equal(numpy_of(slope), np.ones_like(x))


def test_images_that_are_not_struck_pass_bit_for_bit():
    x = images(64)
    for name in DRAWS:
        found = augmented(name, x, p=0.3)
        same = (found == x).all(axis=(1, 2, 3))
        assert 8 <= same.sum() < 64, name


@pytest.mark.parametrize("shape", [(3, 16, 16, 1), (2, 9, 12, 3)])
def test_shape_and_precision_stay(shape):
    found = augmented(EVERYTHING, np.zeros(shape, "float32"))
    assert found.shape == shape and found.dtype == np.float32
    assert np.isfinite(found).all()


def test_gradient_is_that_of_finite_differences():
    x, direction = images(side=8), np.cos(3.0 * images(side=8))
    weights = ops.convert_to_tensor(np.sin(5.0 * images(side=8)))
    layer = struck(EVERYTHING, 0.7)

    def score(batch):
        return ops.sum(weights * layer(batch, seeds=CounterStream(2)), axis=(1, 2, 3))

    slope = numpy_of(gradients.input_gradient(score, ops.convert_to_tensor(x)))
    high, low = (numpy_of(score(x + h * direction)) for h in (0.5, -0.5))
    np.testing.assert_allclose(
        (slope * direction).sum(axis=(1, 2, 3)), high - low, rtol=1e-3, atol=1e-3
    )


def penalty_behind(layer):
    """R1 of a curved score, as a function of the images."""

    def score(batch):
        seen = layer(batch, seeds=CounterStream(2))
        return ops.sum(ops.sin(seen), axis=(1, 2, 3))

    def penalty(batch):
        slope = gradients.input_gradient(score, batch)
        return ops.sum(ops.square(slope), axis=(1, 2, 3))

    return penalty


@pytest.mark.every_backend
def test_slope_of_a_slope():
    """R1 differentiates through the augmentation twice."""
    x = ops.convert_to_tensor(images(side=8))
    penalty = penalty_behind(struck(EVERYTHING, 0.7))
    slope = gradients.compiled(lambda b: gradients.input_gradient(penalty, b))
    direction = 1e-2 * np.cos(3.0 * images(side=8))
    high, low = (numpy_of(penalty(x + h * direction)) for h in (0.5, -0.5))
    found = (numpy_of(slope(x)) * direction).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(found, high - low, rtol=2e-2, atol=1e-4)


@on_tensorflow
def test_xla_compiles_the_slope_of_a_slope():
    import tensorflow as tf

    x = ops.convert_to_tensor(images(side=8))
    penalty = penalty_behind(struck(EVERYTHING, 0.7))

    def slope(batch):
        return gradients.input_gradient(penalty, batch)

    compiled = tf.function(slope, jit_compile=True)(x)
    np.testing.assert_allclose(numpy_of(compiled), numpy_of(slope(x)), atol=1e-4)


def test_an_image_is_augmented_the_same_alone_and_in_a_batch():
    x, layer = images(), struck("bgcf", 0.5)
    together = numpy_of(layer(x, seeds=CounterStream(7)))
    for row in range(4):
        alone = layer(x[row : row + 1], seeds=CounterStream(7, first_row=row))
        np.testing.assert_allclose(numpy_of(alone)[0], together[row], atol=1e-5)


@pytest.mark.every_backend
def test_a_system_trains_through_it():
    gan = kg.StyleGAN2(
        (8, 8, 1),
        6,
        config="auto",
        style_dim=6,
        channel_base=16,
        max_channels=4,
        mapping_layers=1,
        path_length_weight=0.0,
        discriminator_interval=1,
        augmentation=kg.augmentation.ADA("bgc", interval=1, kimg=1),
    )
    gan.augmentation.p.assign(0.5)
    gan.compile()
    x = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 1)).astype("uint8")
    logs = gan.fit(x, batch_size=4, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    assert logs["r1_penalty"][0] > 0
    moved = float(numpy_of(gan.augmentation.p)) - 0.5
    assert abs(moved) == pytest.approx(4 / 1000, rel=1e-3)


def test_flips_are_symmetric():
    x = np.broadcast_to(images(1), (400, 16, 16, 3))
    found = augmented("xflip", x)
    flipped = (found == x[:, :, ::-1]).all(axis=(1, 2, 3))
    same = (found == x).all(axis=(1, 2, 3))
    assert (flipped ^ same).all()
    assert 160 < flipped.sum() < 240


@pytest.mark.parametrize(
    ("p", "shares"), [(1.0, [0.25] * 4), (0.5, [0.625] + [0.125] * 3)]
)
def test_right_angles(p, shares):
    """Uniform and thus leaking with p = 1; the identity prevails with less."""
    x = np.broadcast_to(images(1), (800, 16, 16, 3))
    found = augmented("rotate90", x, p)
    counts = [
        (found == np.rot90(x, k, axes=(1, 2))).all(axis=(1, 2, 3)).sum()
        for k in range(4)
    ]
    assert sum(counts) == 800
    np.testing.assert_allclose(np.array(counts) / 800, shares, atol=0.06)


@pytest.mark.every_backend
def test_whole_shifts():
    x = images(100)
    found = augmented("xint", x)
    padded = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect")
    shifts = set()
    for row in range(100):
        fits = [
            (i, j)
            for i in range(5)
            for j in range(5)
            if (found[row] == padded[row, i : i + 16, j : j + 16]).all()
        ]
        assert len(fits) == 1
        shifts.add(fits[0])
    assert {i for i, _ in shifts} == {j for _, j in shifts} == set(range(5))


def test_warp_is_bilinear_interpolation_of_the_reflected_image():
    x = images(1, side=9, channels=1)
    affine = (0.9, -0.5, 2.3, 0.4, 1.2, -5.1)
    found = numpy_of(warp(x, [ops.convert_to_tensor([v]) for v in affine]))
    y, x_ = np.mgrid[:9, :9] - 4.0
    a, b, c, d, e, f = affine
    places = np.stack([d * x_ + e * y + f, a * x_ + b * y + c]) + 4.0
    expected = ndimage.map_coordinates(x[0, :, :, 0], places, order=1, mode="mirror")
    np.testing.assert_allclose(found[0, :, :, 0], expected, atol=1e-5)


def test_composition_is_the_product_of_matrices():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 2, 3))
    found = np.array(compose(first.ravel(), second.ravel())).reshape(2, 3)
    square = [np.vstack([m, [0, 0, 1]]) for m in (first, second)]
    np.testing.assert_allclose(found, (square[0] @ square[1])[:2])


def test_geometry_in_the_order_of_the_reference():
    """A flip, then a shift: not the shift, then the flip."""
    layer = struck("xflip,xint")

    # Flipped, and shifted by (2, -1) pixels.
    row = [0.0, 0.9, 0.0, 0.5 + 0.5, 0.5 - 0.25]
    script = golden.Scripted(uniform=lambda t, shape: [row] * shape[0])
    x = images(1)
    found = numpy_of(layer(x, seeds=script))
    flipped = x[:, :, ::-1]
    expected = np.roll(flipped, (-1, 2), axis=(1, 2))
    np.testing.assert_array_equal(found[:, 2:-2, 3:-3], expected[:, 2:-2, 3:-3])


@pytest.mark.parametrize("name", ["scale", "aniso", "xfrac"])
def test_geometry_around_its_neutral_element(name):
    """Mean of the logarithm, or of the shift, and its deviation, on a linear ramp."""
    side, count = 33, 2000
    ramp = np.arange(side, dtype="float32") / 1000
    x = np.broadcast_to(ramp[None, None, :, None], (count, side, side, 1))
    found = augmented(name, x)[:, 16, :, 0] * 1000
    if name == "xfrac":
        shift = found[:, 16] - 16.0
        inside = np.abs(shift) < 15
        assert shift[inside].mean() == pytest.approx(0.0, abs=0.4)
        assert shift[inside].std() == pytest.approx(0.125 * side, rel=0.06)
    else:
        logarithm = np.log2(found[:, 20] - found[:, 16]) - 2.0
        assert logarithm.mean() == pytest.approx(0.0, abs=0.02)
        assert logarithm.std() == pytest.approx(0.2, rel=0.06)


def test_two_rotations_strike_with_p_together():
    x = images(2000, side=4, channels=1)
    found = augmented("rotate", x, p=0.36)
    share = (found != x).any(axis=(1, 2, 3)).mean()
    assert share == pytest.approx(0.36, abs=0.03)


def test_colors():
    x = images(2)
    one = np.ones(2, "float32")
    start = colors.identity(2)

    def applied(found):
        return numpy_of(colors.apply(found, ops.convert_to_tensor(x)))

    np.testing.assert_array_equal(applied(start), x)
    found = applied(colors.brighten(start, [0.5, -1.0]))
    np.testing.assert_allclose(found, x + [[[[0.5]]], [[[-1.0]]]], atol=1e-6)
    np.testing.assert_allclose(applied(colors.scale(start, 3 * one)), 3 * x, atol=1e-6)
    gray = x.mean(axis=3, keepdims=True)
    flipped = applied(colors.flip_luma(start, one))
    np.testing.assert_allclose(flipped, x - 2 * gray, atol=1e-6)
    faded = applied(colors.saturate(start, 0 * one))
    np.testing.assert_allclose(faded, np.broadcast_to(gray, x.shape), atol=1e-6)
    third = applied(colors.rotate_hue(start, 2 * np.pi / 3 * one))
    np.testing.assert_allclose(third, np.roll(x, 1, axis=3), atol=1e-6)
    # What comes later sees what came before.
    both = applied(colors.scale(colors.brighten(start, one), 2 * one))
    np.testing.assert_allclose(both, 2 * (x + 1), atol=1e-6)


def test_gray_images_take_the_mean_row():
    gray = images(5, channels=1)
    rgb = np.broadcast_to(gray, (5, 16, 16, 3))
    found = augmented("color", gray)
    expected = augmented("color", rgb).mean(axis=3, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_filter_bank():
    bank = bands.filter_bank()
    assert bank.shape == (4, 43)
    np.testing.assert_allclose(bank.sum(axis=1), [1, 0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(bank, bank[:, ::-1], atol=1e-6)
    impulse = np.zeros(43)
    impulse[21] = 1
    np.testing.assert_allclose(bank.sum(axis=0), impulse, atol=1e-6)


def test_filter_is_a_separable_convolution_of_the_reflected_image():
    x = images(2, side=8, channels=2)
    gains = np.array([[1, 1, 1, 1], [0.5, 2.0, 0.1, 3.0]], "float32")
    found = numpy_of(bands.amplify(x, gains))
    np.testing.assert_allclose(found[0], x[0], atol=1e-5)
    kernel = gains[1] @ bands.filter_bank()
    expected = x[1]
    for axis in (0, 1):
        expected = ndimage.convolve1d(expected, kernel, axis=axis, mode="mirror")
    np.testing.assert_allclose(found[1], expected, atol=1e-5)
    power = np.array([10, 1, 1, 1]) / 13
    normal = numpy_of(bands.normalized(gains))
    np.testing.assert_allclose((power * normal**2).sum(axis=1), 1.0, rtol=1e-6)


def test_noise_has_the_deviation_of_its_draw():
    x = np.zeros((300, 16, 16, 1), "float32")
    found = augmented("noise", x).std(axis=(1, 2, 3))
    # |N(0, 0.1^2)| has the mean 0.1 sqrt(2 / pi).
    assert found.mean() == pytest.approx(0.0798, rel=0.12)
    assert found.min() < 0.01 and found.max() > 0.2


def test_holes_have_half_the_side():
    found = augmented("cutout", np.ones((300, 16, 16, 1), "float32"))[..., 0]
    rows = (found == 0).any(axis=2).sum(axis=1)
    columns = (found == 0).any(axis=1).sum(axis=1)
    assert ((found == 0).sum(axis=(1, 2)) == rows * columns).all()
    for lengths in (rows, columns):
        assert lengths.max() == 8 and 3 <= lengths.min() <= 5


def test_configuration():
    layer = kg.augmentation.ADA("xflip, hue", target=0.5, kimg=100, interval=8)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(layer)
    )
    assert again.get_config() == layer.get_config()
    assert (again.target, again.kimg, again.interval) == (0.5, 100, 8)
    assert set(PIPES[EVERYTHING]) == set(DRAWS)
    assert PIPES["bgc"] == PIPES["blit"] + PIPES["geom"] + PIPES["color"]


def test_what_does_not_exist():
    with pytest.raises(ValueError, match="'flip'"):
        kg.augmentation.ADA("flip")
    for wrong in ({"target": 2}, {"kimg": 0}, {"interval": 0}, {"interval": 1.5}):
        with pytest.raises(ValueError, match="target lies in"):
            kg.augmentation.ADA(**wrong)


def test_pairs_keep_their_colours():
    """Source and target, joined at their channels, are moved together."""
    pair = images(channels=2)
    np.testing.assert_array_equal(augmented("color", pair), pair)
    doubled = np.concatenate([images(channels=1)] * 2, axis=-1)
    moved = augmented("bgc", doubled)
    assert np.abs(moved - doubled).max() > 0.1
    np.testing.assert_array_equal(moved[..., 0], moved[..., 1])

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.models import cgan
from tests.contract import SystemContract, count


class TestCGAN(SystemContract):
    system = kg.CGAN
    tiny = {"image_shape": (6, 6, 1), "latent_dim": 5, "num_classes": 3}


@pytest.fixture(scope="module")
def gan():
    return kg.CGAN((28, 28, 1))


def test_parameter_counts(gan):
    assert (count(gan.generator), count(gan.discriminator)) == (2_413_984, 1_224_351)


def test_parameter_counts_of_the_convolutional_variant():
    conv = kg.CGAN((28, 28, 1), architecture="conv")
    assert (count(conv.generator), count(conv.discriminator)) == (6_820_538, 6_688_202)


def test_convolutional_variant_trains_on_any_multiple_of_four():
    gan = kg.CGAN((12, 8, 3), 4, 3, "conv", base_channels=2, hidden_units=4)
    gan.compile()
    images = np.zeros((6, 12, 8, 3), "uint8")
    gan.fit(images, np.arange(6) % 3, batch_size=3, verbose=0)
    assert gan.sample(2, seed=0).shape == (2, 12, 8, 3)
    with pytest.raises(ValueError, match="divisible by 4"):
        kg.CGAN((30, 30, 1), architecture="conv")
    with pytest.raises(ValueError, match="'mlp' or 'conv'"):
        kg.CGAN((28, 28, 1), architecture="resnet")


def test_convolution_and_deconvolution_are_each_others_transpose():
    """<conv(x), y> = <x, deconv(y)> for equal kernels, so the padding is the same."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1, 8, 8, 2)).astype("float32")
    y = rng.normal(size=(1, 4, 4, 3)).astype("float32")
    wide, narrow = keras.Input((8, 8, 2)), keras.Input((4, 4, 3))
    conv = keras.Model(wide, cgan._conv(3, "conv")(wide))
    deconv = keras.Model(narrow, cgan._deconv(2, "deconv")(narrow))
    deconv.get_layer("deconv").kernel.assign(conv.get_layer("conv").kernel)
    left, right = ops.sum(conv(x) * y), ops.sum(x * deconv(y))
    assert float(left) == pytest.approx(float(right), rel=1e-4)


def test_label_changes_the_image(gan):
    assert np.abs(
        gan.sample(1, seed=0, labels=1) - gan.sample(1, seed=0, labels=2)
    ).max()


def test_label_changes_the_score(gan):
    image = np.random.default_rng(0).uniform(-1, 1, (1, 28, 28, 1)).astype("float32")
    scores = [gan.discriminator((image, np.array([y])), training=False) for y in (1, 2)]
    assert float(scores[0][0, 0]) != float(scores[1][0, 0])


def test_one_hot_labels_equal_integers(gan):
    images = np.zeros((3, 28, 28, 1), "uint8")
    labels = np.array([2, 0, 9])
    for given in (labels, keras.utils.to_categorical(labels, 10)):
        _, found = gan.unpack((ops.array(images), ops.array(given)))
        np.testing.assert_array_equal(ops.convert_to_numpy(found), labels)


def test_labels_of_samples(gan):
    assert gan.sample(3, seed=0, labels=[1, 2, 3]).shape == (3, 28, 28, 1)
    turn, given = gan.sample(3, seed=0), gan.sample(3, seed=0, labels=[0, 1, 2])
    np.testing.assert_array_equal(turn, given)
    for wrong, message in (
        ([1, 2], "need one label"),
        (10, r"\[0, 10\)"),
        (-1, r"\[0, 10\)"),
        (1.5, "integers"),
    ):
        with pytest.raises(ValueError, match=message):
            gan.sample(3, seed=0, labels=wrong)


def test_unconditional_systems_take_no_labels():
    with pytest.raises(ValueError, match="unconditional"):
        kg.GAN((2,), 2, 4, 2).sample(1, labels=0)


def test_latents_fill_the_unit_cube(gan):
    z = ops.convert_to_numpy(gan.draw_latents(1000, gan.seeds))
    assert z.min() >= 0 and z.max() <= 1 and z.mean() == pytest.approx(0.5, abs=0.01)


def test_truncation_has_no_meaning(gan):
    with pytest.raises(ValueError, match="no tail"):
        gan.sample(1, labels=0, truncation=0.5)


def test_missing_labels(gan):
    gan.compile()
    with pytest.raises(ValueError, match=r"fit\(images, labels\)"):
        gan.fit(np.zeros((4, 28, 28, 1), "uint8"), batch_size=2, verbose=0)

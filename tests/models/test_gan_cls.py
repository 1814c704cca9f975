"""GAN-CLS: counts, golden forward passes, its three kinds of pairs, and midpoints."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans import losses
from keras_gans.models import gan_cls
from tests import golden, golden_translation
from tests.contract import SystemContract, count

TINY = {
    "image_shape": (8, 8, 3),
    "latent_dim": 3,
    "text_dim": 4,
    "base_channels": 4,
    "discriminator_channels": 4,
    "projected_dim": 2,
    "interpolation_weight": 1.0,
}


class TestGANCLS(SystemContract):
    system = kg.GANCLS
    tiny = TINY

    @classmethod
    def batch(cls, count):
        """Vectors of three captions each."""
        shape = (count, *cls.tiny["image_shape"])
        images = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
        return images, vectors(count, cls.tiny["text_dim"], captions=3)


def vectors(num, width=4, captions=None):
    shape = (num, width) if captions is None else (num, captions, width)
    return np.random.default_rng(1).normal(size=shape).astype("float32")


def tiny(**changes):
    return kg.GANCLS(**{**TINY, "seed": 1, **changes})


def texts(batch, width):
    """txt of the fixtures."""
    b, j = np.ogrid[:batch, :width]
    return np.cos(0.3 * j + 2 * b + 1).astype("float32")


def fill(network, keys):
    """Gives a network the weights of the fixtures; all of them must have a key."""
    filled = set()
    for layer in network.layers:
        if layer.weights:
            golden.set_layer(layer, keys[layer.name])
            filled.update(id(w) for w in layer.weights)
    assert filled == {id(w) for w in network.weights}
    return network


def residual_keys(ours, theirs):
    keys = {}
    for i in range(3):
        keys[f"{ours}_{i}"] = f"{theirs}.{3 * i}"
        keys[f"{ours}_{i}_norm"] = f"{theirs}.{3 * i + 1}"
    return keys


GENERATOR_KEYS = {
    "text": "txt",
    **{f"up_{i}": f"up{i + 1}" for i in range(4)},
    **{f"up_{i}_norm": f"bn{i + 1}" for i in range(4)},
    "to_image": "up5",
    **residual_keys("residual_0", "resA"),
    **residual_keys("residual_1", "resB"),
}
DISCRIMINATOR_KEYS = {
    **{f"down_{i}": f"c{i + 1}" for i in range(4)},
    **{f"down_{i}_norm": f"bn{i + 1}" for i in range(1, 4)},
    **residual_keys("residual", "res"),
    "text": "txt",
    "text_norm": "bnt",
    "join": "c6",
    "join_norm": "bn6",
    "score": "c7",
}


@pytest.fixture(scope="module")
def generator():
    network = gan_cls.build_generator((64, 64, 3), 12, 32, 8, 8)
    return fill(network, GENERATOR_KEYS)


def test_parameter_counts():
    """Section 1.3."""
    gan = kg.GANCLS()
    assert count(gan.generator) == 18_905_472
    assert count(gan.discriminator) == 4_030_080


def test_parameter_counts_of_coco():
    """196 channels; the text's normalisation is not in the script of COCO."""
    generator = gan_cls.build_generator((64, 64, 3), 100, 1024, 128, 196)
    assert count(generator) == 41_101_080
    discriminator = gan_cls.build_discriminator((64, 64, 3), 1024, 128, 196)
    assert count(discriminator) == 36_183_440 + 2 * 128


@pytest.mark.every_backend
def test_generator_forward_matches_the_fixture(generator):
    """K40."""
    assert count(generator) == 80_344
    images = generator((golden.latents(0, 12, batch=2), texts(2, 32)), training=False)
    golden_translation.check(
        images,
        (0.039877, 0.244330),
        [-0.268652, -0.131277, 0.351753],
        corner=[-0.029491, 0.070239, 0.024424],
    )


@pytest.mark.every_backend
def test_discriminator_forward_matches_the_fixture(generator):
    """K41; the losses are those of algorithm 1."""
    network = gan_cls.build_discriminator((64, 64, 3), 32, 8, 8)
    assert count(network) == 62_392
    fill(network, DISCRIMINATOR_KEYS)
    text = texts(2, 32)
    fake = generator((golden.latents(0, 12, batch=2), text), training=False)
    fake = ops.convert_to_numpy(fake)
    wrong = golden_translation.target(2, 64)
    found = [
        network((images, text), training=False)
        for images in (golden_translation.source(2, 64), wrong, fake)
    ]
    expected = [[6.092128, 5.323738], [-0.920249, -2.184245], [-1.382769, -0.242346]]
    for logits, values in zip(found, expected, strict=True):
        np.testing.assert_allclose(
            ops.convert_to_numpy(logits)[:, 0], values, rtol=1e-4, atol=1.6e-4
        )
    loss = losses.matching_aware(*found)
    assert float(loss) == pytest.approx(0.314849, abs=5e-5)
    of_generator = losses.non_saturating.generator(found[2])
    assert float(of_generator) == pytest.approx(1.214131, abs=5e-5)


@pytest.mark.parametrize("side", [8, 16, 32, 128])
def test_sizes(side):
    gan = tiny(image_shape=(side, side, 1), base_channels=1, discriminator_channels=1)
    images = gan.sample(2, seed=0, labels=vectors(2))
    assert images.shape == (2, side, side, 1)
    assert gan.discriminator((images, vectors(2))).shape == (2, 1)


@pytest.mark.parametrize("shape", [(4, 4, 3), (24, 24, 3), (16, 8, 3), (16, 16)])
def test_impossible_shapes_name_possible_ones(shape):
    with pytest.raises(ValueError, match="square images of 8, 16, 32"):
        tiny(image_shape=shape)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"interpolation_weight": -1.0}, "interpolation_weight is not negative"),
        ({"instance_noise": -0.1}, "instance_noise is not negative"),
        ({"wrong_weight": 1.5}, r"wrong_weight lies in \[0, 1\]"),
        ({"mismatch": "both"}, "mismatch is 'image' or 'text'"),
        ({"text_dim": 0}, "text_dim is a positive integer"),
        ({"captions_per_image": 0}, "captions_per_image is a positive integer"),
        ({"text_encoder": "bert"}, "Text encoders are char_cnn_rnn"),
    ],
)
def test_wrong_arguments_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        tiny(**change)


def first_order(images, texts_):
    """A discriminator whose logit is a known function of both."""
    return ops.mean(images, axis=(1, 2, 3))[:, None] + ops.sum(
        texts_, axis=1, keepdims=True
    )


class Known:
    """Takes the place of a player's network, and keeps what it was asked."""

    def __init__(self, function):
        self.function, self.asked = function, []

    def __call__(self, inputs, training=None):
        self.asked.append(tuple(np.array(ops.convert_to_numpy(i)) for i in inputs))
        return self.function(*inputs)


def evaluated(mismatch, classes=None, interpolation_weight=1.0, batch=6):
    """Losses of a batch judged by `first_order`, and what the networks were asked."""
    gan = tiny(mismatch=mismatch, interpolation_weight=interpolation_weight)
    images = np.random.default_rng(2).integers(0, 256, (batch, 8, 8, 3), "uint8")
    found = vectors(batch)
    judge = Known(first_order)
    maker = Known(lambda z, t: ops.ones((z.shape[0], 8, 8, 3)) * t[:, :1, None, None])
    gan.__dict__.update(discriminator=judge, generator=maker)
    y = found if classes is None else {"texts": found, "labels": classes}
    gan.evaluating = True
    logs = gan.train_step((images, y))
    return {k: float(v) for k, v in logs.items()}, judge.asked, maker.asked, images


def softplus(x):
    return np.log1p(np.exp(-abs(x))) + np.maximum(x, 0)


@pytest.mark.parametrize("mismatch", ["image", "text"])
def test_losses_are_the_closed_form(mismatch):
    """Section 1.11, check 2."""
    logs, judged, _, images = evaluated(mismatch)
    logits = [
        np.ravel(ops.convert_to_numpy(first_order(*map(ops.convert_to_tensor, pair))))
        for pair in judged
    ]
    real, wrong, fake, made = logits
    expected = (
        softplus(-real).mean()
        + 0.5 * softplus(wrong).mean()
        + 0.5 * softplus(fake).mean()
    )
    assert logs["discriminator_loss"] == pytest.approx(expected, rel=1e-5)
    assert logs["generator_loss"] == pytest.approx(softplus(-made).mean(), rel=1e-5)
    unit = images.astype("float32") / 127.5 - 1
    swapped = [1, 0, 3, 2, 5, 4]
    right, found = judged[0], judged[1]
    np.testing.assert_allclose(right[0], unit, atol=1e-6)
    other = (
        (unit[swapped], right[1]) if mismatch == "image" else (unit, right[1][swapped])
    )
    np.testing.assert_allclose(found[0], other[0], atol=1e-6)
    np.testing.assert_array_equal(found[1], other[1])


def test_midpoints_are_asked_of_the_generator_alone():
    """Section 1.11, check 3: B fakes for the one, 1.5 B for the other."""
    _, judged, made, _ = evaluated("image")
    (_, given), (latents, asked) = made
    assert len(given) == 6 and len(judged[2][0]) == 6
    assert len(asked) == len(latents) == 9 and len(judged[3][0]) == 9
    np.testing.assert_array_equal(asked[:6], given)
    np.testing.assert_allclose(
        asked[6:], (given[0::2] + given[1::2]) / 2, rtol=1e-6, atol=1e-7
    )
    assert len(np.unique(latents, axis=0)) == 9, "all of them from latents of their own"


def test_the_weight_is_of_the_midpoints():
    logs, judged, _, _ = evaluated("image", interpolation_weight=0.25)
    made = judged[3]
    scores = np.ravel(ops.convert_to_numpy(first_order(*made)))
    lost = softplus(-scores)
    expected = (lost[:6].sum() + 0.25 * lost[6:].sum()) / 9
    assert logs["generator_loss"] == pytest.approx(expected, rel=1e-5)
    _, _, made, _ = evaluated("image", interpolation_weight=0.0)
    assert len(made[1][1]) == 6, "GAN-CLS asks for no midpoints"


def test_an_odd_batch_has_one_midpoint_less():
    _, judged, made, _ = evaluated("image", batch=5)
    assert len(made[1][1]) == 7 and len(judged[3][0]) == 7


def test_no_pair_of_one_class_is_wrong():
    """Section 1.11, check 4."""
    classes = np.array([0, 0, 1, 1, 1, 0])
    _, judged, _, images = evaluated("image", classes)
    unit = images.astype("float32") / 127.5 - 1
    where = [
        int(np.argmin([np.abs(unit - one).mean((1, 2, 3))])) for one in judged[1][0]
    ]
    assert (classes[where] != classes).all()


def test_instance_noise_is_seen_in_training_alone():
    noisy = tiny(instance_noise=0.3)
    images, found = np.zeros((2, 8, 8, 3), "float32"), vectors(2)
    still = [noisy.discriminator((images, found), training=False) for _ in range(2)]
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, still))
    seen = [noisy.discriminator((images, found), training=True) for _ in range(2)]
    assert np.abs(np.subtract(*map(ops.convert_to_numpy, seen))).max() > 0


@pytest.mark.every_backend
def test_it_trains_on_strings_with_an_augmentation():
    gan = tiny(text_encoder=small_encoder(), augmentation="translation", text_dim=4)
    gan.compile()
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), "uint8")
    captions = [f"picture number {i}" for i in range(8)]
    gan.fit(images, captions, batch_size=4, verbose=0)
    assert np.isfinite(list(gan.history.history.values())).all()


def small_encoder(width=4):
    ids = keras.Input((kg.text.TEXT_LENGTH,), dtype="int32")
    x = keras.layers.Embedding(71, 3)(ids)
    x = keras.layers.GlobalAveragePooling1D()(x)
    return keras.Model(ids, keras.layers.Dense(width)(x), name="text_encoder")

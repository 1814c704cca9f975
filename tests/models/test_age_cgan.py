import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core.random import CounterStream
from keras_gans.models import age_cgan
from tests.contract import SystemContract, count, on_tensorflow, trainable_of


class TestAgeCGAN(SystemContract):
    system = kg.AgeCGAN
    # The third step is the GAN's last one.
    tiny = {
        "image_shape": (16, 16, 3),
        "latent_dim": 4,
        "num_classes": 3,
        "base_channels": 4,
        "gan_steps": 3,
    }
    resting = ("encoder",)


def test_parameter_counts():
    gan = kg.AgeCGAN()
    assert count(gan.generator) == 34_852_099
    assert count(gan.discriminator) == 1_567_873
    assert count(gan.encoder) == 18_278_180


def test_classes_of_years():
    years = [0, 18, 19, 29, 30, 39, 40, 49, 50, 59, 60, 100]
    expected = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    np.testing.assert_array_equal(kg.AgeCGAN.classes_of(years), expected)
    with pytest.raises(ValueError, match="Found: -3 to 20"):
        kg.AgeCGAN.classes_of([20, -3])


def striped(number, seed=0):
    """Faces that are plain to read: hue is the person, stripes are the class."""
    random = np.random.default_rng(seed)
    labels = np.arange(number, dtype="int32") % 3
    people = random.uniform(-0.6, 0.6, (number, 1, 1, 3))
    period = 2.0 ** (4 - labels)
    wave = np.cos(2 * np.pi * np.arange(16) / period[:, None])
    stripes = 0.35 * wave[:, :, None, None]
    images = np.broadcast_to(people + stripes, (number, 16, 16, 3))
    return images.astype("float32"), labels


def make(**changes):
    options = {
        "image_shape": (16, 16, 3),
        "latent_dim": 8,
        "num_classes": 3,
        "architecture": "dcgan",
        "base_channels": 16,
        "gan_steps": 200,
        "seed": 1,
        "ema_decay": 0.9,
    }
    return kg.AgeCGAN(**{**options, **changes})


def drawn(gan, latents, labels):
    """Images of latents, as a numpy array."""
    inputs = (ops.convert_to_tensor(latents), ops.convert_to_tensor(labels))
    return ops.convert_to_numpy(gan.call(inputs))


def draws(gan, count, seed):
    return np.array(ops.convert_to_numpy(gan.draw_latents(count, CounterStream(seed))))


@pytest.fixture(scope="module")
def trained():
    """After both stages, on striped faces; tests must not change it."""
    gan = make(gan_steps=400, matching_aware=True)
    images, labels = striped(512)
    losses = gan.pretrain(images, epochs=4, batch_size=64, verbose=0).history["loss"]
    assert losses[-1] < 0.8 * losses[0]
    # Faster than the paper's: these are no faces.
    fast = {
        f"{player}_optimizer": keras.optimizers.Adam(1e-3, beta_1=0.5)
        for player in gan.players
    }
    gan.compile(**fast)
    # 400 steps of the GAN, 320 of the encoder.
    logs = gan.fit(images, labels, batch_size=32, epochs=45, verbose=0).history
    assert logs["encoder_loss"][24] == 0.0 and logs["generator_loss"][-1] == 0.0
    return gan


@pytest.mark.every_backend
def test_the_encoder_learns_latents(trained):
    """Far below the 8 of an encoder that knows nothing."""
    latents, labels = draws(trained, 64, seed=5), np.arange(64, dtype="int32") % 3
    found = trained.averaged("encoder")(drawn(trained, latents, labels))
    error = np.square(latents - ops.convert_to_numpy(found)).sum(axis=1)
    assert error.mean() < 6.0


@pytest.mark.every_backend
@pytest.mark.parametrize("target", ["identity", "pixels"])
def test_no_search_goes_up(trained, target):
    images, labels = striped(4, seed=2)
    found = trained.find(images, labels, "lbfgs", target, steps=20)
    for values in found.values:
        assert len(values) > 2 and (np.diff(values) <= 0).all()
        assert values[-1] < values[0]
    again = objective(trained, images, found.latents, labels, target)
    ends = [values[-1] for values in found.values]
    np.testing.assert_allclose(again, ends, rtol=1e-3, atol=1e-5)
    together = trained.find(images, labels, "adam", target, steps=20)
    assert all(last < first for first, last in together.values)
    again = objective(trained, images, together.latents, labels, target)
    ends = [values[-1] for values in together.values]
    np.testing.assert_allclose(again, ends, rtol=1e-3, atol=1e-5)
    still = trained.find(images, labels, "encoder", target)
    np.testing.assert_array_equal(still.latents, still.start_latents)
    np.testing.assert_allclose(still.start_latents, found.start_latents, atol=1e-6)


def objective(gan, images, latents, labels, target):
    made = drawn(gan, latents, labels)
    if target == "identity":
        return ops.convert_to_numpy(gan.distances(images, made))
    return np.square(images - made).mean(axis=(1, 2, 3))


@pytest.mark.every_backend
def test_a_face_of_the_generator_is_found(trained):
    labels = np.array([1, 2], "int32")
    images = drawn(trained, draws(trained, 2, seed=3), labels)
    found = trained.find(images, labels, target="pixels", steps=200)
    assert max(values[-1] for values in found.values) < 1e-4


@pytest.mark.every_backend
def test_batched_search_equals_one_by_one(trained):
    images, labels = striped(5, seed=3)
    # A few steps: where a way meets a kink of the networks, rounding decides on which
    # side it goes on. After ten they lay 0.003 apart on one machine, 5e-7 on others.
    together = trained.find(images, labels, "adam", steps=3, batch_size=2)
    for i in range(5):
        alone = trained.find(images[i : i + 1], labels[i : i + 1], "adam", steps=3)
        np.testing.assert_allclose(together.values[i], alone.values[0], rtol=1e-3)
        np.testing.assert_allclose(together.latents[i], alone.latents[0], atol=1e-3)
        other = together.latents[i - 1]
        assert np.abs(together.latents[i] - other).max() > 0.1, "rows are told apart"


@pytest.mark.every_backend
def test_ageing_changes_the_class_and_keeps_the_person(trained):
    """The stripes of a made face turn into those asked for, its hue stays."""
    images = drawn(trained, draws(trained, 6, seed=9), np.zeros(6, "int32"))
    aged = trained.age(images, 0, search="adam", target="pixels", steps=100)
    assert aged.shape == (6, 3, 16, 16, 3)
    single = trained.age(images, 0, 2, search="adam", target="pixels", steps=100)
    np.testing.assert_allclose(aged[:, 2], single, atol=1e-4)
    spectrum = np.abs(np.fft.rfft(aged.mean(axis=(3, 4)), axis=2))
    # Periods of 16, 8 and 4 pixels are frequencies 1, 2 and 4.
    share = spectrum[:, :, [1, 2, 4]] / spectrum[:, :, 1:].sum(axis=2, keepdims=True)
    assert (share.argmax(axis=2) == np.arange(3)).mean() > 0.8
    hues = aged.mean(axis=(2, 3))
    own = np.linalg.norm(hues[:, 0] - hues[:, 2], axis=1)
    others = np.linalg.norm(hues[:, 0] - np.roll(hues[:, 2], 1, axis=0), axis=1)
    assert own.mean() < 0.5 * others.mean()


@pytest.mark.every_backend
def test_the_class_moves_the_generator(trained):
    latents = draws(trained, 2, seed=0)
    first, second = (drawn(trained, latents, np.full(2, k, "int32")) for k in (0, 2))
    assert np.abs(first - second).max() > 0.1


def test_what_is_not_trained_is_not_asked():
    gan = make()
    images, labels = striped(2)
    with pytest.raises(ValueError, match="0 of 200 steps"):
        gan.age(images, labels)
    gan.compile()
    gan.fit_encoder(images, labels, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match=r"call pretrain\(images\)"):
        gan.age(images, labels)
    assert gan.age(images, labels, 0, target="pixels", steps=2).shape == images.shape
    with pytest.raises(ValueError, match="search is one of lbfgs"):
        gan.age(images, labels, search="newton")
    with pytest.raises(ValueError, match="built for images of shape"):
        gan.age(images[:, :8], labels)
    with pytest.raises(ValueError, match="multiples of 8"):
        kg.AgeCGAN((20, 20, 3))


@pytest.mark.every_backend
def test_a_recogniser_of_ones_own():
    """Of another size, and nothing is trained."""
    inputs = keras.Input((32, 32, 3))
    pooled = keras.layers.AveragePooling2D(8)(inputs)
    gan = make(recogniser=keras.Model(inputs, pooled))
    images, labels = striped(8)
    gan.compile()
    gan.fit_encoder(images, labels, batch_size=8, verbose=0)
    found = gan.find(images[:1], labels[:1], steps=5)
    assert found.values[0][-1] < found.values[0][0]
    repeated = images.repeat(2, axis=1).repeat(2, axis=2)
    expected = repeated.reshape(8, 4, 8, 4, 8, 3).mean(axis=(2, 4)).reshape(8, -1)
    embedded = ops.convert_to_numpy(gan.embedded(images))
    np.testing.assert_allclose(embedded, expected, atol=1e-5)


def test_the_third_stage_trains_both_on_identity():
    gan = make(gan_steps=1, encoder_steps=2, amortized=True, ema_decay=None)
    images, labels = striped(32)
    gan.pretrain(images, epochs=1, batch_size=32, verbose=0)
    gan.compile()
    data = {"batch_size": 32, "verbose": 0}
    first = gan.fit(images, labels, epochs=3, **data).history
    assert gan.stage == "identity" and first["identity_loss"] == [0.0] * 3
    names = ("generator", "encoder", "recogniser", "discriminator")
    before = {name: trainable_of(getattr(gan, name)) for name in names}
    losses = gan.fit(images, labels, epochs=12, **data).history["identity_loss"]
    assert losses[-1] < 0.9 * losses[0]
    for name, expected in {"generator": 1, "encoder": 1, "discriminator": 0}.items():
        pairs = zip(before[name], trainable_of(getattr(gan, name)), strict=True)
        assert any((a != b).any() for a, b in pairs) == expected
    again = kg.AgeCGAN.from_config(gan.get_config())
    assert set(again.players) == {*kg.AgeCGAN.players, "identity"}


@pytest.mark.every_backend
def test_wrong_classes_are_never_the_right_ones():
    gan = make()
    labels = ops.convert_to_tensor(np.arange(300, dtype="int32") % 3)
    wrong = ops.convert_to_numpy(gan._others(labels))
    assert (wrong != np.arange(300) % 3).all() and set(wrong) == {0, 1, 2}


def test_matching_aware_loss():
    """Real images with a wrong class are half of the fakes."""
    images, labels = striped(16)
    found = {}
    for aware in (False, True):
        gan = make(matching_aware=aware)
        # Logits are -2: real images of any class, and fakes.
        logits = gan.discriminator.layers[-1]
        logits.kernel.assign(ops.zeros_like(logits.kernel))
        logits.bias.assign([-2.0])
        gan.compile()
        found[aware] = gan.evaluate(
            images, labels, batch_size=16, verbose=0, return_dict=True
        )["discriminator_loss"]
    assert found[True] == pytest.approx(found[False], rel=1e-5)
    assert found[True] == pytest.approx(np.log1p(np.exp(2)) + np.log1p(np.exp(-2)))


@pytest.mark.every_backend
def test_nt_xent_by_hand():
    random = np.random.default_rng(0)
    views = random.normal(size=(2, 3, 4)).astype("float32")
    views /= np.linalg.norm(views, axis=-1, keepdims=True)
    every = views.reshape(6, 4)
    expected = np.zeros(3)
    for i in range(6):
        exponents = np.exp(every @ every[i] / 0.5)
        chance = exponents[(i + 3) % 6] / (exponents.sum() - exponents[i])
        expected[i % 3] -= 0.5 * np.log(chance)
    found = ops.convert_to_numpy(kg.losses.nt_xent(*views, temperature=0.5))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@on_tensorflow
def test_served_ageing_is_ours(trained, tmp_path):
    import tensorflow as tf

    images, labels = striped(3, seed=4)
    pixels = kg.data.to_uint8(images)
    asked = [2, 0, 1]
    expected = trained.age(pixels, labels, asked, search="adam", steps=5)
    trained.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures
    inputs = {
        "from_classes": tf.constant(labels),
        "to_classes": tf.constant(asked),
        "steps": tf.constant(5),
    }
    floats = tf.constant(pixels / 127.5 - 1, tf.float32)
    made = served["age"](images=floats, **inputs)["images"].numpy()
    np.testing.assert_allclose(made, expected, atol=2e-3)
    files = tf.stack([tf.io.encode_png(image) for image in pixels])
    made = served["age_png"](image_bytes=files, **inputs)["image_bytes"].numpy()
    made = np.stack([tf.io.decode_png(file).numpy() for file in made])
    assert np.abs(made.astype(int) - kg.data.to_uint8(expected)).max() <= 1
    for change, message in (
        ({"steps": tf.constant(1001)}, "steps lie in"),
        ({"to_classes": tf.constant([3, 0, 0])}, "no such class"),
        ({"from_classes": tf.constant([0])}, "needs a class"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            served["age"](images=floats, **{**inputs, **change})


def test_recogniser_is_no_players_network():
    gan = make()
    assert not gan.recogniser.trainable_weights
    assert count(age_cgan.build_recogniser((64, 64, 3))) > 0

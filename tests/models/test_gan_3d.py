"""3D-GAN: counts, golden forward passes, the gate, and what it is used for."""

import keras
import numpy as np
import pytest
from keras import ops
from sklearn.svm import LinearSVC

import keras_gans as kg
from keras_gans.models import gan_3d
from tests import golden
from tests.contract import SystemContract, count, on_tensorflow, trainable_of

TINY = {"image_shape": (8, 8, 8, 1), "latent_dim": 5, "base_channels": 2}


class TestGAN3D(SystemContract):
    system = kg.GAN3D
    tiny = TINY


def layout(network, letter, last):
    """Our layers to the keys of the fixtures, section 9.2."""
    names = [
        layer.name
        for layer in network.layers
        if layer.weights and not layer.name.endswith("_norm")
    ]
    # Of the discriminator, the first convolution has no normalisation behind it.
    first = [0, 2] if letter == "d" else [0, 3]
    numbers = [first[0], *range(first[1], last + 1, 3)]
    found = {}
    for name, number in zip(names, numbers, strict=True):
        found[name] = f"{letter}.{number}"
        found[f"{name}_norm"] = f"{letter}.{number + 1}"
    return found


def fill(network, letter, last):
    """Gives a network the weights of the fixtures; all of them must have a key."""
    filled = set()
    keys = layout(network, letter, last)
    for layer in network.layers:
        if not layer.weights:
            continue
        filled.update(id(w) for w in layer.weights)
        if layer.name.endswith("_norm"):
            golden.set_layer(layer, keys[layer.name])
            continue
        d, h, w, i, o = layer.kernel.shape
        tensor = golden.fill(f"{keys[layer.name]}.weight", (o, i, d, h, w))
        layer.kernel.assign(tensor.transpose(2, 3, 4, 1, 0))
    assert {id(w) for w in network.weights if "seed" not in w.path} <= filled
    return network


def voxels(batch, side):
    b, d, h, w = np.ogrid[:batch, :side, :side, :side]
    cosine = np.cos(0.5 * d + 0.3 * h + 0.7 * w + b)
    return cosine.astype("float32")[..., None]


def tiny(**changes):
    return kg.GAN3D(**{**TINY, "seed": 1, **changes})


def shapes(num, side=8, seed=0):
    """Boxes and balls, and which they are."""
    rng = np.random.default_rng(seed)
    labels = np.arange(num) % 2
    places = np.indices((side,) * 3).transpose(1, 2, 3, 0)
    middles = side / 2 - 0.5 + rng.uniform(-1, 1, (num, 1, 1, 1, 3))
    radii = rng.uniform(0.25, 0.4, (num, 1, 1, 1)) * side
    apart = np.abs(places - middles)
    ball = np.linalg.norm(apart, axis=-1) < radii
    box = apart.max(-1) < radii
    return np.where(labels[:, None, None, None] == 0, box, ball)[..., None], labels


def test_parameter_counts():
    """Section 3.1; for `"strided"`, section 14 of the fixtures."""
    strided = kg.GAN3D((32, 32, 32, 1), base_channels=32, architecture="strided")
    assert count(strided.generator) == 6_032_320
    assert count(strided.discriminator) == 2_771_904
    gan = kg.GAN3D()
    assert count(gan.generator) == 17_569_664
    assert count(gan.discriminator) == 11_048_704
    small = kg.GAN3D((16, 16, 16, 1), latent_dim=64, base_channels=32)
    # Section 3.6 counts the moving statistics too.
    assert small.generator.count_params() == 395_648


@pytest.mark.every_backend
def test_generator_forward_matches_the_fixture():
    """V10."""
    generator = gan_3d.build_generator((64, 64, 64, 1), 4, 16)
    assert count(generator) == 76_152
    fill(generator, "g", 12)
    logits = keras.Model(generator.input, generator.get_layer("to_volume").output)
    latents = golden.latents(0, 16, batch=2)
    found = ops.convert_to_numpy(logits(latents, training=False))[..., 0]
    assert found.shape == (2, 64, 64, 64)
    assert found.mean(dtype="float64") == pytest.approx(-0.000516, abs=1e-6)
    assert found.std(dtype="float64") == pytest.approx(0.029775, abs=1e-6)
    values = (found[1, 3, 5, 2], found[0, 8, 8, 8], found[1, -1, -1, -1])
    np.testing.assert_allclose(values, [-0.000384, 0.036315, -0.001532], atol=1e-6)
    made = ops.convert_to_numpy(generator(latents, training=False))[..., 0]
    np.testing.assert_allclose(0.5 + 0.5 * made, 1 / (1 + np.exp(-found)), atol=1e-6)


@pytest.mark.every_backend
def test_discriminator_forward_matches_the_fixture():
    """V12, whose voxels are those that the network sees after our rescaling."""
    discriminator = gan_3d.build_discriminator((64, 64, 64, 1), 4)
    assert count(discriminator) == 45_424
    fill(discriminator, "d", 11)
    logits = discriminator(2 * voxels(2, 64) - 1, training=False)
    # 20 times the noise floor of 2.3e-6.
    np.testing.assert_allclose(
        ops.convert_to_numpy(logits)[:, 0],
        [1.632658, 2.710623],
        rtol=1e-4,
        atol=4.6e-5,
    )


def fill_strided(network):
    """As `fill`, by the keys of section 9.1: layer1.0, layer1.1 ... layer5.0."""
    names = [layer.name for layer in network.layers if layer.weights]
    kernels = [name for name in names if not name.endswith("_norm")]
    for number, name in enumerate(kernels, start=1):
        kernel = network.get_layer(name).kernel
        d, h, w, i, o = kernel.shape
        tensor = golden.fill(f"layer{number}.0.weight", (o, i, d, h, w))
        kernel.assign(tensor.transpose(2, 3, 4, 1, 0))
        if f"{name}_norm" in names:
            golden.set_layer(network.get_layer(f"{name}_norm"), f"layer{number}.1")
    assert (len(kernels), len(names)) == (5, 9)
    return network


@pytest.mark.every_backend
def test_strided_generator_forward_matches_the_fixture():
    """V1 and V2."""
    generator = gan_3d.build_generator((32, 32, 32, 1), 32, 16, architecture="strided")
    assert count(generator) == 3_017_664
    fill_strided(generator)
    logits = keras.Model(generator.input, generator.get_layer("to_volume").output)
    latents = golden.latents(0, 16, batch=2)
    found = ops.convert_to_numpy(logits(latents, training=False))[..., 0]
    assert found.mean(dtype="float64") == pytest.approx(-0.097417, rel=1e-4, abs=1e-5)
    assert found.std(dtype="float64") == pytest.approx(0.391790, rel=1e-4, abs=1e-5)
    places = np.array([(1, 3, 5, 2), (0, 8, 8, 8), (1, -1, -1, -1)]).T
    np.testing.assert_allclose(
        found[tuple(places)], [-0.183240, 0.412571, -0.118055], rtol=1e-4, atol=1e-5
    )
    made = ops.convert_to_numpy(generator(latents, training=False))[..., 0]
    filled = 0.5 + 0.5 * made
    assert filled.mean(dtype="float64") == pytest.approx(0.476882, rel=1e-4)
    assert filled.std(dtype="float64") == pytest.approx(0.094137, rel=1e-4)
    np.testing.assert_allclose(
        filled[tuple(places)], [0.454318, 0.601704, 0.470520], rtol=1e-4
    )


@pytest.mark.every_backend
def test_strided_discriminator_forward_matches_the_fixture():
    """V3 and V4."""
    discriminator = gan_3d.build_discriminator(
        (32, 32, 32, 1), 32, architecture="strided"
    )
    assert count(discriminator) == 2_771_904
    fill_strided(discriminator)
    for seen, expected in (
        (voxels(2, 32), [0.411337, 0.358443]),
        (voxels(2, 32) > 0, [0.435911, 0.408889]),
    ):
        logits = discriminator(2.0 * seen - 1, training=False)
        found = ops.convert_to_numpy(ops.sigmoid(logits))[:, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-4)


@pytest.mark.every_backend
@pytest.mark.parametrize("architecture", ["authors", "strided"])
def test_a_spectral_discriminator_has_kernels_of_norm_one(architecture):
    gan = tiny(architecture=architecture, normalization="spectral")
    names = [layer.name for layer in gan.discriminator.layers if layer.weights]
    assert not [name for name in names if name.endswith("_norm")]
    kernels = [gan.discriminator.get_layer(name) for name in names]
    assert all(isinstance(layer, kg.layers.SNConv3D) for layer in kernels)
    assert all(layer.use_bias for layer in kernels)
    x = shapes(4)[0] * 2.0 - 1
    for _ in range(100):
        scores = gan.discriminator(x, training=True)
    assert scores.shape == (4, 1)
    for layer in kernels:
        matrix = layer.folded_weights()[0].reshape(-1, layer.filters)
        # Two nearly equal singular values take many iterations to tell apart.
        assert np.linalg.norm(matrix, 2) == pytest.approx(1.0, rel=0.05)
    # A sample's score is its own: no statistics of a batch.
    np.testing.assert_allclose(
        ops.convert_to_numpy(scores)[:2],
        ops.convert_to_numpy(gan.discriminator(x[:2], training=True)),
        atol=1e-4,
    )
    assert gan.features(x).shape[0] == 4


@pytest.mark.parametrize("side", [8, 16, 32])
def test_sizes(side):
    gan = kg.GAN3D((side, side, side, 1), latent_dim=4, base_channels=1)
    volumes = gan.sample(2, seed=0)
    assert volumes.shape == (2, side, side, side, 1)
    assert gan.discriminator(volumes).shape == (2, 1)


@pytest.mark.parametrize(
    "shape", [(4, 4, 4, 1), (24, 24, 24, 1), (16, 16, 8, 1), (16, 16, 1), (16, 16)]
)
def test_impossible_shapes_name_possible_ones(shape):
    with pytest.raises(ValueError, match="sides of 8, 16, 32, 64"):
        kg.GAN3D(shape)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prior": "cauchy"}, "prior is 'uniform' or 'normal'"),
        ({"initializer": "he"}, "initializer is 'normal' or 'glorot'"),
        ({"architecture": "deep"}, "architecture is 'authors' or 'strided'"),
        ({"normalization": "layer"}, "normalization is 'batch' or 'spectral'"),
        ({"gate": 0.0}, r"in \(0, 1\], or None"),
        ({"gate": 80}, r"in \(0, 1\], or None"),
        ({"instance_noise": -0.1}, "instance_noise is not negative"),
        ({"augmentation": "color"}, "Augmentations are of pictures"),
    ],
)
def test_wrong_arguments_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        tiny(**change)


def gated(last_accuracy, **changes):
    """What moved in one step after a batch in which D was that accurate."""
    gan = tiny(**changes)
    gan.compile()
    gan.last_accuracy.assign(last_accuracy)
    slots = gan.discriminator_optimizer.variables
    before = [
        *trainable_of(gan.discriminator),
        *(np.array(ops.convert_to_numpy(v)) for v in slots),
    ]
    generator = trainable_of(gan.generator)
    gan.fit(shapes(4)[0], batch_size=4, verbose=0)
    after = [
        *trainable_of(gan.discriminator),
        *(np.array(ops.convert_to_numpy(v)) for v in slots),
    ]
    moved = [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]
    assert all(
        not np.array_equal(a, b)
        for a, b in zip(generator, trainable_of(gan.generator), strict=True)
    )
    return moved, gan


@pytest.mark.every_backend
def test_an_accurate_discriminator_rests():
    """Weights and optimizer bit for bit, the count of steps included."""
    moved, gan = gated(1.0)
    assert not any(moved)
    assert gan.history.history["discriminator_updates"] == [0.0]


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("last_accuracy", "changes"), [(0.8, {}), (1.0, {"gate": None}), (0.9, {"gate": 1})]
)
def test_at_most_the_gate_it_learns(last_accuracy, changes):
    moved, gan = gated(last_accuracy, **changes)
    assert any(moved)
    assert gan.history.history["discriminator_updates"] == [1.0]
    # One batch: the epoch's mean is what the next batch is decided by.
    found = gan.history.history["discriminator_accuracy"][0]
    last = ops.convert_to_numpy(gan.last_accuracy)
    assert float(last) == pytest.approx(found, abs=1e-7)


def test_the_accuracy_is_no_loss():
    """What the optimizer is given to minimise is the loss alone."""
    gan = tiny()
    gan.compile(run_eagerly=True)
    totals = []
    optimizer = gan.discriminator_optimizer
    scale = optimizer.scale_loss

    def watched(loss):
        totals.append(float(loss))
        return scale(loss)

    optimizer.scale_loss = watched
    logs = gan.train_on_batch(shapes(4)[0], return_dict=True)
    assert totals == [pytest.approx(float(logs["discriminator_loss"]), rel=1e-6)]
    assert float(logs["discriminator_accuracy"]) * 8 == pytest.approx(
        round(float(logs["discriminator_accuracy"]) * 8), abs=1e-6
    )


def test_accuracy():
    real = np.array([[0.5], [-0.1], [2.0], [1.0]], "float32")
    fake = np.array([[0.5], [-0.1], [2.0], [1.0]], "float32")
    found = gan_3d.accuracy(ops.convert_to_tensor(real), ops.convert_to_tensor(fake))
    assert float(found) == pytest.approx((3 / 4 + 1 / 4) / 2)


def test_priors():
    uniform = ops.convert_to_numpy(tiny().draw_latents(400, tiny().seeds))
    assert 0 <= uniform.min() < 0.05 and 0.95 < uniform.max() < 1
    normal = ops.convert_to_numpy(tiny(prior="normal").draw_latents(400, tiny().seeds))
    assert normal.std() == pytest.approx(1.0, abs=0.05) and abs(normal.mean()) < 0.1
    with pytest.raises(ValueError, match="no tail"):
        tiny().sample(1, truncation=1.0)


def test_instance_noise_is_seen_in_training_alone():
    noisy = tiny(instance_noise=0.3)
    volumes = 2.0 * shapes(4)[0] - 1
    still = [noisy.discriminator(volumes, training=False) for _ in range(2)]
    np.testing.assert_array_equal(*map(ops.convert_to_numpy, still))
    seen = [noisy.discriminator(volumes, training=True) for _ in range(2)]
    assert np.abs(np.subtract(*map(ops.convert_to_numpy, seen))).max() > 0


def test_the_kind_of_number_does_not_matter():
    """bool, bytes and floats of the same voxels give the same scores."""
    volumes = shapes(6)[0]
    gan = tiny()
    gan.compile(jit_compile=False)
    kinds = (volumes, volumes.astype("uint8") * 255, 2.0 * volumes - 1)
    losses = [gan.evaluate(kind, batch_size=6, verbose=0) for kind in kinds]
    assert losses[0] == losses[1] == losses[2]
    features = [gan.features(kind) for kind in kinds]
    np.testing.assert_array_equal(features[0], features[1])
    np.testing.assert_array_equal(features[0], features[2])
    with pytest.raises(ValueError, match="looks like occupancies"):
        gan.fit(volumes.astype("uint8"), batch_size=6)


@on_tensorflow
def test_a_data_set_of_occupancies_is_refused():
    import tensorflow as tf

    volumes = shapes(4)[0].astype("uint8")
    gan = tiny()
    gan.compile()
    with pytest.raises(ValueError, match="looks like occupancies"):
        gan.fit(tf.data.Dataset.from_tensor_slices(volumes).batch(4), verbose=0)


def test_features_of_the_protocol():
    """Section 3.4: 7,168 numbers at 64 voxels and the paper's width."""
    discriminator = gan_3d.build_discriminator((64, 64, 64, 1), 64)
    network = gan_3d.feature_network(discriminator)
    assert network.output_shape == (None, 1024 + 2048 + 4096)
    small = kg.GAN3D((16, 16, 16, 1), latent_dim=4, base_channels=2)
    volumes = shapes(3, side=16)[0]
    found = small.features(volumes, batch_size=2)
    inner = keras.Model(
        small.discriminator.input, small.discriminator.get_layer("down_1_relu").output
    )
    maps = ops.convert_to_numpy(inner(2.0 * volumes - 1, training=False))
    pooled = maps.reshape(3, 2, 2, 2, 2, 2, 2, 4).max((2, 4, 6)).reshape(3, -1)
    np.testing.assert_allclose(found, pooled, atol=1e-6)


def test_features_tell_shapes_apart():
    volumes, labels = shapes(80, side=16)
    gan = kg.GAN3D((16, 16, 16, 1), latent_dim=4, base_channels=4, seed=0)
    features = gan.features(volumes)
    features = features / features.std()
    classifier = LinearSVC(random_state=0).fit(features[:40], labels[:40])
    assert classifier.score(features[40:], labels[40:]) > 0.8


def test_own_discriminator_has_no_such_features():
    own = keras.Sequential(
        [keras.Input((8, 8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(1)]
    )
    with pytest.raises(ValueError, match="yours has no layers down_0_relu"):
        tiny(discriminator=own).features(shapes(2)[0])


def test_volumes_are_samples_over_a_threshold():
    gan = tiny(seed=4)
    filled = gan.occupancies(3, seed=2)
    assert filled.shape == (3, 8, 8, 8) and 0 <= filled.min() < filled.max() <= 1
    np.testing.assert_allclose(filled, 0.5 + 0.5 * gan.sample(3, seed=2)[..., 0])
    np.testing.assert_array_equal(
        gan.volumes(3, threshold=0.501, seed=2), filled > 0.501
    )
    bodies = gan.volumes(3, largest=True, seed=2)
    assert all(kg.data.count_bodies(body) == 1 for body in bodies)
    with pytest.raises(ValueError, match="threshold lies in"):
        gan.volumes(1, threshold=1)


def test_pictures_of_samples():
    gan = tiny()
    pictures = gan.pictures_of(gan.sample(3, seed=0))
    assert pictures.shape[0] == 3 and pictures.shape[-1] == 1
    assert pictures.dtype == np.uint8 and pictures.min() < 255

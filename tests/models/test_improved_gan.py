import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.models import improved_gan
from tests import golden
from tests.contract import SystemContract, count, slow_abroad, state_of


def images(number, shape=(4, 4, 1), seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (number, *shape)).astype("uint8")


def tiny(**changes):
    arguments = {
        "image_shape": (4, 4, 1),
        "latent_dim": 5,
        "num_labels": 3,
        "generator_units": (6, 5),
        "discriminator_units": (7, 6),
    }
    return kg.ImprovedGAN(**{**arguments, **changes})


def tiny_conv(**changes):
    widths = {"base_channels": 2, "discriminator_channels": 3}
    shape = (16, 16, 3)
    return tiny(image_shape=shape, architecture="conv", **widths, **changes)


class TestImprovedGAN(SystemContract):
    system = kg.ImprovedGAN
    tiny = {
        "image_shape": (4, 4, 1),
        "latent_dim": 6,
        "num_labels": 3,
        "generator_units": (6,),
        "discriminator_units": (7, 5),
    }

    @classmethod
    def batch(cls, count):
        labels = np.arange(count) % 3
        labels[3::4] = -1
        return images(count), labels


def test_parameter_counts():
    gan = kg.ImprovedGAN()
    assert (count(gan.generator), count(gan.discriminator)) == (694_568, 1_538_770)


def test_shapes_and_kinds_of_the_convolutional_networks():
    gan = kg.ImprovedGAN(
        (32, 32, 3), 100, architecture="conv", base_channels=8, discriminator_channels=4
    )
    sides = [gan.discriminator.get_layer(f"conv_{g}_2").output.shape for g in (1, 2, 3)]
    assert sides == [(None, 16, 16, 4), (None, 8, 8, 8), (None, 6, 6, 8)]
    assert gan.generator.get_layer("project").units == 4 * 4 * 32
    kinds = [type(layer).__name__ for layer in gan.discriminator.layers]
    assert kinds.count("Dropout") == 3 and "GaussianNoise" not in kinds
    closer = tiny_conv(minibatch_discrimination=True).discriminator
    kinds = [type(layer).__name__ for layer in closer.layers]
    assert kinds.count("Dropout") == 2 and kinds.count("GaussianNoise") == 1
    assert closer.get_layer("closeness").output.shape == (None, 106)
    logits, features, class_logits = gan.discriminator(np.zeros((2, 32, 32, 3)))
    assert logits.shape == (2, 1)
    assert features.shape == (2, 8) and class_logits.shape == (2, 10)
    np.testing.assert_allclose(
        logits[:, 0], np.log(np.exp(class_logits).sum(1)), rtol=1e-5
    )


def test_strided_convolutions_are_padded_by_one_on_all_sides():
    """The kernel's first corner sees pixel -1 at place 0, and pixel 1 at place 1."""
    network = tiny_conv().discriminator
    conv = network.get_layer("conv_1_2")
    pad = next(x for x in network.layers if isinstance(x, keras.layers.ZeroPadding2D))
    kernel = np.zeros(conv.kernel.shape)
    kernel[0, 0, 0] = 1.0
    conv.kernel.assign(kernel)
    x = np.tile(np.arange(16.0 * 16).reshape(1, 16, 16, 1), (1, 1, 1, 3))
    y = ops.convert_to_numpy(keras.Model(pad.input, conv.output)(x))[0, :, :, 0]
    np.testing.assert_array_equal(y[0], np.zeros(8))
    np.testing.assert_array_equal(y[1:, 1:], x[0, 1:14:2, 1:14:2, 0])


def test_deconvolutions_are_transposes_of_padding_by_two():
    """The kernel's centre puts pixel i at place 2 i."""
    network = tiny_conv().generator
    for name, following in (("up_0", "up_0_norm"), ("to_image", "images")):
        deconv = network.get_layer(name)
        kernel = np.zeros(deconv.kernel.shape)
        kernel[2, 2, 0, 0] = 1.0
        deconv.kernel.assign(kernel + 1e-30)
        maps = keras.Model(deconv.input, network.get_layer(following).input)
        x = np.random.default_rng(0).normal(size=(1, *deconv.input.shape[1:]))
        y = ops.convert_to_numpy(maps(x.astype("float32")))[0, :, :, 0]
        np.testing.assert_allclose(y[::2, ::2], x[0, :, :, 0], rtol=1e-5)
        np.testing.assert_allclose(y[1::2], 0, atol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize("closeness", [False, True])
def test_convolutional_networks_train(closeness):
    gan = tiny_conv(minibatch_discrimination=closeness)
    x, y = images(8, (16, 16, 3)), np.array([0, 1, 2, -1, -1, -1, -1, -1])
    gan.adapt(x)
    gan.compile()
    logs = gan.fit(x, y, batch_size=4, verbose=0).history
    assert np.isfinite(list(logs.values())).all()
    updates = [
        int(ops.convert_to_numpy(getattr(gan, f"{p}_optimizer").iterations))
        for p in ("discriminator", "generator")
    ]
    assert updates == ([2, 6] if closeness else [2, 2])
    # -E sp(Z) is negative, a distance is not.
    assert (logs["generator_loss"][0] < 0) == closeness


def test_unknown_architectures_and_sizes():
    with pytest.raises(ValueError, match="'mlp' or 'conv'"):
        kg.ImprovedGAN(architecture="resnet")
    with pytest.raises(ValueError, match="16 pixels at least"):
        kg.ImprovedGAN((8, 8, 1), architecture="conv")
    with pytest.raises(ValueError, match="no tail"):
        tiny().sample(1, truncation=0.5)


def test_labelled_images_are_repeated_and_all_come_twice():
    x, y = images(7), np.array([-1, 2, -1, -1, 0, -1, -1])
    (labelled, labels), (first, second) = tiny().arrays_of(x, y)
    np.testing.assert_array_equal(labels, [2, 0, 2, 0, 2, 0, 2])
    np.testing.assert_array_equal(labelled, x[[1, 4, 1, 4, 1, 4, 1]])
    np.testing.assert_array_equal(first, x)
    rows = [next(i for i in range(7) if (x[i] == row).all()) for row in second]
    assert sorted(rows) == list(range(7)) and rows != list(range(7))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, r"call fit\(images, labels\)"),
        (np.full(4, -1), "at least one is not -1"),
        (np.arange(3), "4 images and 3 labels"),
        (np.array([0, 1, 2, 3]), r"\[0, 3\)"),
        (np.array([0, 1, 2, -2]), r"\[0, 3\)"),
        (np.zeros((4, 3)), "one for each image"),
        (np.zeros(4), "dtype float64"),
    ],
)
def test_wrong_labels(labels, message):
    gan = tiny()
    gan.compile()
    with pytest.raises(ValueError, match=message):
        gan.fit(images(4), labels, batch_size=2, verbose=0)


def test_data_sets_train():
    tf = pytest.importorskip("tensorflow")
    gan = tiny()
    gan.compile()
    x, y = images(4), np.arange(4) % 3
    data = tf.data.Dataset.from_tensor_slices(((x, y), (x, x[::-1])))
    gan.fit(data.batch(2), verbose=0)
    wrong = tf.data.Dataset.from_tensor_slices(((x, y), (x, images(4, (5, 4, 1)))))
    with pytest.raises(ValueError, match=r"\(5, 4, 1\)"):
        gan.fit(wrong.batch(2), verbose=0)


@pytest.mark.every_backend
def test_adapt_normalises_both_networks():
    gan = tiny(discriminator_units=(40, 30), ema_decay=0.9)
    x = images(600)
    gan.adapt(x)
    assert gan.adaptable
    hidden = gan.discriminator.get_layer("hidden_0")
    below = keras.Model(gan.discriminator.input, hidden.input)
    inputs = ops.convert_to_tensor((x / 127.5 - 1).astype("float32"))
    products = ops.matmul(below(inputs, training=True), hidden.normalized_kernel())
    y = ops.convert_to_numpy(products + hidden.bias)
    np.testing.assert_allclose(y.mean(0), 0, atol=0.2)
    np.testing.assert_allclose(y.std(0), 1, atol=0.15)
    _, _, class_logits = gan.discriminator(inputs, training=True)
    assert ops.convert_to_numpy(class_logits).std() == pytest.approx(0.1, rel=0.2)
    for network, twin in (
        (gan.discriminator, gan.averaged_discriminator),
        (gan.generator, gan.sampler),
    ):
        for own, copied in zip(network.weights, twin.weights, strict=True):
            np.testing.assert_array_equal(own, copied)


def test_a_few_labels_are_enough():
    """Three kinds of pictures, of which one each is labelled."""
    rng = np.random.default_rng(0)
    prototypes = rng.integers(0, 2, (3, 4, 4, 1)) * 200
    kinds = np.arange(96) % 3
    x = prototypes[kinds] + rng.integers(0, 56, (96, 4, 4, 1))
    labels = np.where(np.arange(96) < 3, kinds, -1)
    gan = tiny(discriminator_units=(30, 20), averaging_rate=0.05)
    gan.adapt(x.astype("uint8"))
    gan.compile()
    gan.fit(x.astype("uint8"), labels, batch_size=32, epochs=20, verbose=0)
    assert gan.accuracy(x.astype("uint8"), kinds) > 0.95
    found = gan.classify(x.astype("uint8"), batch_size=7)
    assert found.dtype == np.int32 and found.shape == (96,)


@pytest.mark.every_backend
def test_average_is_that_of_the_weights_before_each_update(tmp_path):
    gan = tiny(averaging_rate=0.25)
    gan.compile()
    seen, x, y = [], images(4), np.array([0, 1, -1, -1])
    for _ in range(3):
        seen.append([ops.convert_to_numpy(w) for w in gan.discriminator.weights])
        gan.fit(x, y, batch_size=4, verbose=0)
    # From zero: 0.25 (0.75^2, 0.75, 1); divided by the sum of the factors.
    factors = np.array([0.75**2, 0.75, 1]) / (0.75**2 + 0.75 + 1)
    for i, average in enumerate(gan.averaged_discriminator.weights):
        expected = sum(f * weights[i] for f, weights in zip(factors, seen, strict=True))
        np.testing.assert_allclose(average, expected, atol=1e-6)
    gan.evaluate(x, y, verbose=0)
    assert int(ops.convert_to_numpy(gan.discriminator_updates)) == 3
    gan.save_to_preset(tmp_path / "preset", include_optimizer=False)
    again = kg.from_preset(tmp_path / "preset")
    np.testing.assert_array_equal(again.classify(x), gan.classify(x))
    for own, other in zip(
        gan.averaged_discriminator.weights,
        again.averaged_discriminator.weights,
        strict=True,
    ):
        np.testing.assert_array_equal(own, other)


def test_half_size_presets_keep_the_average(tmp_path):
    gan = tiny()
    gan.compile()
    gan.fit(images(4), np.array([0, 1, -1, -1]), batch_size=2, verbose=0)
    gan.averaged_discriminator.get_layer("class_logits").bias.assign([1.0, 2.0, 3.0])
    gan.save_to_preset(
        tmp_path / "half", include_optimizer=False, weights_dtype="float16"
    )
    again = kg.from_preset(tmp_path / "half")
    np.testing.assert_array_equal(
        again.averaged_discriminator.get_layer("class_logits").bias, [1.0, 2.0, 3.0]
    )


def test_evaluation_moves_no_average():
    gan = tiny()
    gan.compile()
    before = state_of(gan)
    gan.evaluate(images(4), np.zeros(4, int), verbose=0)
    after = state_of(gan)
    for name, value in before.items():
        if not name.startswith("seed"):
            np.testing.assert_array_equal(value, after[name], err_msg=name)


def test_rate_falls_late():
    rate = improved_gan.LateLinearDecay()
    found = [float(rate(step)) for step in (0, 400_000, 500_000, 600_000, 700_000)]
    np.testing.assert_allclose(found, [3e-4, 3e-4, 1.5e-4, 0, 0], rtol=1e-5)
    again = type(rate).from_config(rate.get_config())
    assert again.get_config() == rate.get_config()


@pytest.mark.every_backend
def test_epsilon_is_under_the_root_after_the_correction():
    weight = keras.Variable([1.0, 1.0])
    optimizer = improved_gan.AdamEpsilonInside(0.1)
    optimizer.build([weight])
    gradients = np.array([1e-4, 3e-5], "float32")
    m = v = 0.0
    expected = np.ones(2)
    for t in (1, 2, 3):
        optimizer.apply([ops.convert_to_tensor(gradients * t)], [weight])
        m = 0.5 * m + 0.5 * gradients * t
        v = 0.999 * v + 0.001 * (gradients * t) ** 2
        m_hat, v_hat = m / (1 - 0.5**t), v / (1 - 0.999**t)
        expected = expected - 0.1 * m_hat / np.sqrt(v_hat + 1e-8)
    np.testing.assert_allclose(weight, expected, rtol=1e-5)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert again.get_config() == optimizer.get_config()


ROWS = {
    "G W0": (
        (-0.1022285, 0.531874, 0.005390732),
        {0: 0.5477798, 15: 0.2752398, 29: 0.4367593},
    ),
    "G b0": (
        (0.03674916, 0.09757031, 0.005939723),
        {0: 0.03355277, 3: 0.1104194, 5: 0.1013269},
    ),
    "G W_scale": (
        (0.9972848, 0.004912432, 0.005612848),
        {0: 1.005758, 2: 0.9941215, 3: 0.9951957},
    ),
    "D l0.theta": (
        (0.07840656, 0.447745, 0.005025585),
        {0: 0.4753416, 16: -0.009401348, 31: -0.2520335},
    ),
    "D l2.theta": (
        (-0.1949849, 0.7548504, 0.004398631),
        {0: -1.057896, 9: -0.7913345, 17: 0.6349644},
    ),
    "D l2.weight_scale": (
        (0.999491, 0.004431568, 0.004460704),
        {0: 0.9940019, 1: 0.9996162, 2: 1.004855},
    ),
}


def reference_variables(gan):
    """The variables of fixture F12b by their names there."""
    g, d = gan.generator.get_layer, gan.discriminator.get_layer
    found = {
        "G W0": g("hidden_0").kernel,
        "G b0": g("hidden_0_norm").beta,
        "G W1": g("pixels").kernel,
        "G b1": g("pixels").bias,
        "G W_scale": g("pixels").scale,
    }
    for i, name in enumerate(("hidden_0", "hidden_1", "class_logits")):
        found[f"D l{i}.theta"] = d(name).kernel
        found[f"D l{i}.b"] = d(name).bias
        found[f"D l{i}.weight_scale"] = d(name).scale
    return found


def reference_gan():
    gan = kg.ImprovedGAN((4,), 5, 3, generator_units=(6,), discriminator_units=(8, 6))
    for layer in gan.discriminator.layers:
        if isinstance(layer, keras.layers.GaussianNoise):
            layer.stddev = 0.0
    for key, variable in reference_variables(gan).items():
        if "scale" not in key:
            variable.assign(golden.fill(key[2:], tuple(variable.shape)))
    return gan


@pytest.mark.every_backend
@slow_abroad
def test_train_steps_match_reference():
    """Fixture F12b: two semi-supervised steps with feature matching, no noise."""
    gan = reference_gan()
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(
        uniform=lambda t, shape: 0.5 + 0.5 * golden.latents(t, 5)
    )
    watch, variables = golden.Watch(gan, critic=None), reference_variables(gan)
    before = {
        k: ops.convert_to_numpy(v).reshape(-1).copy() for k, v in variables.items()
    }
    # Losses of labelled and unlabelled images, and of the generator.
    expected = [(1.090402, 0.7459255, 0.07670616), (1.139827, 0.7344817, 0.06476601)]
    for step, losses in enumerate(expected):
        # The fixture's vectors lie in [0, 1].
        batches = [2 * golden.vectors(3 * step + k, 4) - 1 for k in range(3)]
        labels = (2 * (4 * step + np.arange(4)) + 1) % 3
        gan.reset_metrics()
        logs = gan.train_on_batch(
            (batches[0], labels), (batches[1], batches[2]), return_dict=True
        )
        for name, loss in zip(gan.reports, losses, strict=True):
            first = step == 0 and name != "generator_loss"
            rtol = 2e-5 if first else 1e-4
            assert float(logs[name]) == pytest.approx(loss, rel=rtol), (step, name)
    check_gradients(watch, gan)
    for key, (moments, entries) in ROWS.items():
        after = ops.convert_to_numpy(variables[key]).reshape(-1)
        golden.check_tensor(after, before[key], moments, entries, atol=1e-6)
    # The reference's average starts at zero; ours is that, divided by what it lacks.
    lacking = 1 - (1 - 1e-4) ** 2
    averaged = gan.averaged_discriminator.get_layer
    found = float(averaged("hidden_0").kernel[0, 0]) * lacking
    assert found == pytest.approx(9.532009e-5, rel=1e-4)
    found = float(averaged("class_logits").bias[0]) * lacking
    assert found == pytest.approx(-2.162146e-5, rel=1e-4)
    made = gan.generator(0.5 + 0.5 * golden.latents(0, 5), training=True)
    assert (float(made[1, 0]) + 1) / 2 == pytest.approx(0.464966, abs=1e-6)
    _, _, scores = gan.discriminator(2 * golden.vectors(0, 4) - 1)
    assert float(scores[1, 0]) == pytest.approx(-0.6575489, rel=1e-5)


def check_gradients(watch, gan):
    found = watch.gradients_of(gan, "discriminator")
    norms = {
        "hidden_0/kernel": 0.1432583,
        "class_logits/kernel": 0.1514566,
        "class_logits/scale": 0.1046198,
    }
    for path, norm in norms.items():
        assert found[path] == pytest.approx(norm, rel=2e-5), path
    found = watch.gradients_of(gan, "generator")
    norms = {
        "hidden_0/kernel": 0.009414003,
        "hidden_0_norm/beta": 0.04459939,
        "pixels/scale": 0.06284104,
    }
    for path, norm in norms.items():
        assert found[path] == pytest.approx(norm, rel=1e-4), path


def test_absolute_form_of_feature_matching():
    """Fixture F12b, the CIFAR-10 form for the features of its first generator step."""
    gan = reference_gan()
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(
        uniform=lambda t, shape: 0.5 + 0.5 * golden.latents(t, 5)
    )
    # The discriminator alone moves; then the generator's second draw is looked at.
    gan.generator_optimizer.learning_rate.assign(0.0)
    batches = [2 * golden.vectors(k, 4) - 1 for k in range(3)]
    labels = (2 * np.arange(4) + 1) % 3
    gan.train_on_batch((batches[0], labels), (batches[1], batches[2]))
    made = gan.generator(0.5 + 0.5 * golden.latents(1, 5), training=True)
    _, fake, _ = gan.discriminator(made)
    _, real, _ = gan.discriminator(batches[2])
    found = kg.losses.semi_supervised.feature_matching(real, fake, absolute=True)
    assert float(found) == pytest.approx(0.1650055, rel=1e-4)

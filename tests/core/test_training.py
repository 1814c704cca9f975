import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests.contract import assert_equal, on_tensorflow, state_of
from tests.systems import images, tiny_cgan, tiny_dcgan, tiny_gan


def compiled(gan, **arguments):
    gan.compile(**arguments)
    return gan


def unit(batch):
    return (batch / 127.5 - 1).astype("float32")


BAD_IMAGES = {
    "bytes as floats": (images(8).astype("float32"), r"looks like \[0, 255\]"),
    "unit range": (images(8) / 255, r"looks like \[0, 1\]"),
    "other range": (unit(images(8)) * 3, r"rescale them to \[-1, 1\]"),
    "nan": (np.full((8, 4, 4, 1), np.nan, "float32"), "NaN"),
    "infinite": (np.full((8, 4, 4, 1), np.inf, "float32"), "NaN or infinite"),
    "integers": (images(8).astype("int32"), "dtype int32"),
    "no channels": (images(8)[..., 0], "Add the channel axis"),
    "other size": (images(8, side=6), r"\(6, 6, 1\)"),
    "colour": (images(8, channels=3), r"\(4, 4, 3\)"),
    "empty": (images(0), "empty"),
}


@pytest.mark.parametrize("case", BAD_IMAGES)
def test_bad_images_are_one_clear_error(case):
    data, message = BAD_IMAGES[case]
    gan = compiled(tiny_gan())
    before = state_of(gan)
    with pytest.raises(ValueError, match=message) as caught:
        gan.fit(data, batch_size=4, verbose=0)
    assert len(str(caught.value)) < 300
    assert_equal(before, state_of(gan))


BAD_LABELS = {
    "too large": (np.array([0, 1, 2, 3]), r"\[0, 3\)"),
    "negative": (np.array([0, 1, 2, -1]), r"\[0, 3\)"),
    "floats": (np.array([0.0, 1, 2, 0]), "dtype float64"),
    "too few": (np.array([0, 1]), "4 images and 2 labels"),
    "wrong width": (np.zeros((4, 5)), r"\(4, 5\)"),
    "not one-hot": (np.ones((4, 3)), "one-hot"),
}


@pytest.mark.parametrize("case", BAD_LABELS)
def test_bad_labels_are_one_clear_error(case):
    labels, message = BAD_LABELS[case]
    with pytest.raises(ValueError, match=message):
        compiled(tiny_cgan()).fit(images(4), labels, batch_size=2, verbose=0)


def test_bytes_and_floats_train_alike():
    first, second = compiled(tiny_gan()), compiled(tiny_gan())
    first.fit(images(8), batch_size=4, verbose=0)
    second.fit(unit(images(8)), batch_size=4, verbose=0)
    assert_equal(state_of(first), state_of(second), atol=1e-6)


def test_one_hot_and_integers_train_alike():
    first, second = compiled(tiny_cgan()), compiled(tiny_cgan())
    labels = np.arange(8) % 3
    first.fit(images(8), labels, batch_size=4, verbose=0)
    second.fit(
        images(8), keras.utils.to_categorical(labels, 3), batch_size=4, verbose=0
    )
    assert_equal(state_of(first), state_of(second))


def test_order_depends_on_the_seed_and_the_epoch():
    runs = []
    for seed, epochs in ((1, 2), (1, 2), (2, 2)):
        gan = compiled(tiny_gan(seed=0))
        gan.seed = seed
        gan.fit(images(16), batch_size=4, epochs=epochs, verbose=0)
        runs.append(state_of(gan))
    assert_equal(runs[0], runs[1])
    assert any(np.abs(runs[0][k] - runs[2][k]).max() > 0 for k in runs[0])


def test_validation_does_not_change_the_training():
    plain, watched = compiled(tiny_gan()), compiled(tiny_gan())
    plain.fit(images(16), batch_size=4, epochs=2, verbose=0)
    history = watched.fit(
        images(16), batch_size=4, epochs=2, validation_data=images(4), verbose=0
    )
    assert "val_generator_loss" in history.history
    weights = {k: v for k, v in state_of(plain).items() if not k.startswith("seed")}
    others = {k: v for k, v in state_of(watched).items() if not k.startswith("seed")}
    assert_equal(weights, others)


def test_one_small_batch_can_be_evaluated():
    logs = compiled(tiny_gan()).evaluate(images(3), verbose=0, return_dict=True)
    assert np.isfinite(list(logs.values())).all()


def test_fit_before_compile():
    with pytest.raises(ValueError, match=r"compile\(\) before fit"):
        tiny_gan().fit(images(4), verbose=0)


def test_compile_takes_players_optimizers_alone():
    with pytest.raises(TypeError, match="critic_optimizer"):
        tiny_gan().compile(critic_optimizer="adam")
    with pytest.raises(TypeError, match="loss"):
        tiny_gan().compile(loss="mse")


def test_optimizers_by_name_and_a_used_one():
    gan = compiled(tiny_gan(), generator_optimizer="adam")
    assert isinstance(gan.generator_optimizer, keras.optimizers.Adam)
    other = compiled(tiny_gan(), discriminator_optimizer=gan.generator_optimizer)
    assert other.discriminator_optimizer is not gan.generator_optimizer
    other.fit(images(4), batch_size=4, verbose=0)


@pytest.mark.parametrize(
    "argument", [{"class_weight": {0: 1.0}}, {"sample_weight": np.ones(4)}]
)
def test_weights_of_samples_are_refused(argument):
    with pytest.raises(ValueError, match="use no"):
        compiled(tiny_gan()).fit(images(4), verbose=0, **argument)


def test_steps_per_epoch_goes_with_data_sets_alone():
    with pytest.raises(ValueError, match="one pass"):
        compiled(tiny_gan()).fit(images(8), steps_per_epoch=1, verbose=0)


def test_y_with_a_data_set_is_refused():
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return images(4)

    gan = compiled(tiny_gan())
    with pytest.raises(ValueError, match="go with arrays"):
        gan.fit(Batches(), np.zeros(4), verbose=0)
    gan.fit(Batches(), verbose=0)


@pytest.mark.parametrize(
    ("gan", "call"),
    [(tiny_gan, r"fit\(images\)"), (tiny_cgan, r"fit\(images, labels\)")],
)
def test_labels_are_an_argument_of_their_own(gan, call):
    with pytest.raises(TypeError, match=call):
        compiled(gan()).fit((images(4), np.arange(4) % 3), batch_size=2, verbose=0)


@pytest.mark.parametrize("data", [3, [images(4)], (images(4), None)])
def test_something_that_yields_no_batches(data):
    with pytest.raises(TypeError, match=f"Found: {type(data).__name__}"):
        compiled(tiny_gan()).fit(data, verbose=0)


def test_unbuilt_network_is_refused():
    network = keras.Sequential([keras.layers.Dense(16)])
    with pytest.raises(ValueError, match="no weights yet"):
        tiny_gan(generator=network)


def test_generator_of_another_shape_is_refused():
    shapes = {"images": (5, (4, 4, 3)), "latents": (5, (4, 4, 1))}
    for latent_dim, image_shape in shapes.values():
        network = tiny_gan(image_shape=image_shape, latent_dim=latent_dim).generator
        with pytest.raises(ValueError, match="the system was built for"):
            tiny_gan(generator=network)


@on_tensorflow
def test_tf_data_set():
    import tensorflow as tf

    def dataset(data, **batch):
        return tf.data.Dataset.from_tensor_slices(data).batch(4, **batch)

    gan = compiled(tiny_gan())
    gan.fit(dataset(images(8), drop_remainder=True), verbose=0)
    gan.fit(dataset((images(8), np.arange(8))), verbose=0)  # labels are dropped
    with pytest.raises(ValueError, match="empty"):
        gan.fit(dataset(images(8)).take(0), verbose=0)
    with pytest.raises(ValueError, match="looks like"):
        gan.fit(dataset(images(8) / 255.0), verbose=0)
    with pytest.raises(ValueError, match=r"\(4, 4, 3\)"):
        gan.fit(dataset(images(8, channels=3)), verbose=0)
    cgan = compiled(tiny_cgan())
    cgan.fit(dataset((images(8), np.arange(8) % 3)), verbose=0)
    with pytest.raises(ValueError, match=r"fit\(images, labels\)"):
        cgan.fit(dataset(images(8)), verbose=0)
    with pytest.raises(ValueError, match=r"\[0, 3\)"):
        cgan.fit(dataset((images(8), np.arange(8))), verbose=0)


@on_tensorflow
def test_tf_data_set_must_drop_its_remainder_for_several_updates():
    import tensorflow as tf

    gan = compiled(kg.WGANGP((2,), 2, "mlp", 4, critic_steps=2))
    points = np.array([[0.1, -0.2]] * 6, "float32")
    with pytest.raises(ValueError, match="drop_remainder=True"):
        gan.fit(tf.data.Dataset.from_tensor_slices(points).batch(4), verbose=0)


def test_pipeline_of_the_data_package_trains():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("kg.data.pipeline is a tf.data pipeline")
    gan = compiled(tiny_cgan())
    batches = kg.data.pipeline(images(8), 4, labels=np.arange(8) % 3, flip=True)
    history = gan.fit(batches, epochs=2, verbose=0).history
    assert np.isfinite(history["generator_loss"]).all()


def test_plain_call_equals_inference():
    gan = compiled(tiny_dcgan())
    gan.fit(images(8, side=8), batch_size=4, verbose=0)
    z = np.ones((2, 3), "float32")
    before = state_of(gan)
    plain = ops.convert_to_numpy(gan.generator(z))
    told = ops.convert_to_numpy(gan.generator(z, training=False))
    np.testing.assert_array_equal(plain, told)
    assert_equal(before, state_of(gan))

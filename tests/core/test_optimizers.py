import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.core import gradients
from tests.contract import assert_equal, on_tensorflow, state_of
from tests.systems import images, tiny_gan


def adams(gan, rate=0.01):
    return {f"{p}_optimizer": keras.optimizers.Adam(rate) for p in gan.players}


def compiled(**arguments):
    gan = tiny_gan(**arguments)
    gan.compile(**adams(gan))
    return gan


def rates(gan):
    return [
        float(ops.convert_to_numpy(o.learning_rate)) for o in gan.optimizer.optimizers
    ]


def test_facade_shows_every_player():
    gan = compiled()
    gan.fit(images(8), batch_size=4, verbose=0)
    facade = gan.optimizer
    assert facade.optimizers == [gan.discriminator_optimizer, gan.generator_optimizer]
    variables = [v for o in facade.optimizers for v in o.variables]
    assert [id(v) for v in facade.variables] == [id(v) for v in variables]
    assert int(ops.convert_to_numpy(facade.iterations)) == 2
    with pytest.raises(AttributeError, match="generator_optimizer"):
        facade.learning_rate = 0.1


def test_learning_rate_scheduler_acts_on_both_players():
    gan = compiled()
    callback = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    gan.fit(images(8), batch_size=4, epochs=2, callbacks=[callback], verbose=0)
    assert rates(gan) == pytest.approx([0.0025, 0.0025])


def test_reduce_on_plateau_acts_on_both_players():
    gan = compiled()
    callback = keras.callbacks.ReduceLROnPlateau(
        "generator_loss", factor=0.1, patience=0, mode="max", min_delta=100.0
    )
    gan.fit(images(8), batch_size=4, epochs=3, callbacks=[callback], verbose=0)
    assert max(rates(gan)) < 0.01


def test_early_stopping_and_checkpoints_read_the_reports(tmp_path):
    gan = compiled()
    stop = keras.callbacks.EarlyStopping(
        "generator_loss", patience=0, mode="max", min_delta=100.0
    )
    path = str(tmp_path / "best.weights.h5")
    keep = keras.callbacks.ModelCheckpoint(
        path, "generator_loss", save_best_only=True, save_weights_only=True, mode="min"
    )
    history = gan.fit(
        images(8), batch_size=4, epochs=9, callbacks=[stop, keep], verbose=0
    )
    assert len(history.epoch) < 9
    other = compiled()
    other.load_weights(path)
    assert len(list(tmp_path.iterdir())) == 1


@on_tensorflow
def test_tensorboard_logs(tmp_path):
    gan = compiled()
    board = keras.callbacks.TensorBoard(tmp_path, histogram_freq=1, update_freq=1)
    gan.fit(images(8), batch_size=4, epochs=2, callbacks=[board], verbose=0)
    assert list((tmp_path / "train").iterdir())


def test_average_kept_by_an_optimizer_is_written_at_the_end():
    gan = tiny_gan()
    kept = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    gan.compile(discriminator_optimizer="sgd", generator_optimizer=kept)
    gan.fit(images(8), batch_size=4, verbose=0)
    averages = kept._model_variables_moving_average
    for weight, average in zip(gan.generator.trainable_weights, averages, strict=True):
        np.testing.assert_array_equal(
            ops.convert_to_numpy(weight), ops.convert_to_numpy(average)
        )


# Keras warns about each optimizer on its own before our error stops the loading.
drops_with_a_warning = pytest.mark.filterwarnings("ignore:Skipping variable loading")


@drops_with_a_warning
def test_loading_into_other_optimizers_names_them(tmp_path):
    path = tmp_path / "gan.weights.h5"
    compiled().save_weights(path)
    other = tiny_gan()
    other.compile(discriminator_optimizer="adam", generator_optimizer="sgd")
    with pytest.raises(ValueError, match="generator_optimizer"):
        other.load_weights(path)


def test_xla_is_decided_where_the_model_is_loaded():
    gan = compiled()
    assert gan.get_compile_config()["jit_compile"] == "auto"
    gan.compile(jit_compile=False, steps_per_execution=2)
    config = gan.get_compile_config()
    assert (config["jit_compile"], config["steps_per_execution"]) == (False, 2)


@drops_with_a_warning
def test_loading_a_file_without_optimizers_into_compiled_ones_is_refused(tmp_path):
    path = tmp_path / "gan.weights.h5"
    tiny_gan().save_weights(path)
    with pytest.raises(ValueError, match="before compile"):
        compiled().load_weights(path)
    tiny_gan().load_weights(path)


def test_round_trip_under_loss_scaling(tmp_path):
    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        gan = compiled()
        gan.fit(images(8), batch_size=4, verbose=0)
        gan.save(tmp_path / "gan.keras")
        again = keras.saving.load_model(tmp_path / "gan.keras")
        assert_equal(state_of(gan), state_of(again))
        assert type(again.optimizer) is type(gan.optimizer)
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


def moved_by_adam(slopes, start, precision, fuse):
    """Its variables and the weights after all slopes; the kernels of one step."""
    import tensorflow as tf

    variable = keras.Variable(start, dtype=precision)
    rate = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    adam = keras.optimizers.Adam(rate, 0.5, 0.9)
    adam.build([variable])
    if fuse:
        gradients.fuse_update(adam)

    @tf.function(autograph=False)
    def step(slope):
        adam.apply([slope], [variable])

    slopes = [ops.cast(slope, precision) for slope in slopes]
    for slope in slopes:
        step(slope)
    graph = step.get_concrete_function(slopes[0]).graph
    values = [*adam.variables, variable]
    found = [ops.convert_to_numpy(ops.cast(v.value, "float32")) for v in values]
    return found, [operation.type for operation in graph.get_operations()]


@on_tensorflow
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_adam_by_one_kernel_is_keras_adam(precision):
    random = np.random.RandomState(0)
    start = random.normal(size=(7, 5))
    slopes = [random.normal(size=(7, 5)) * 10.0**k for k in (0, -3, 2, -6)]
    plain, several = moved_by_adam(slopes, start, precision, fuse=False)
    fused, one = moved_by_adam(slopes, start, precision, fuse=True)
    assert "ResourceApplyAdam" not in several
    assert ("ResourceApplyAdam" in one) == (precision == "float32")
    # Weights near zero are differences of numbers of about 0.1, the rate.
    for expected, found in zip(plain, fused, strict=True):
        np.testing.assert_allclose(found, expected, rtol=2e-6, atol=5e-8)
    assert np.abs(plain[-1] - start).max() > 0.05


@on_tensorflow
def test_every_player_has_the_kernel_and_other_updates_stay():
    gan = compiled()
    for optimizer in gan.optimizer.optimizers:
        assert "update_step" in vars(optimizer)
        assert type(optimizer) is keras.optimizers.Adam
    for other in (
        keras.optimizers.Adam(amsgrad=True),
        keras.optimizers.RMSprop(),
        keras.optimizers.Nadam(),
    ):
        gradients.fuse_update(other)
        assert "update_step" not in vars(other)
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.AdamW())
    gradients.fuse_update(scaled)
    assert "update_step" in vars(scaled.inner_optimizer)

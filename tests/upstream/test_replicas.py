import re

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.core.random import SeedStream
from tests.contract import on_tensorflow, two_replicas
from tests.upstream.still_broken import (
    Own,
    X,
    Y,
    numbers,
    one_dense,
    run_python,
    still_broken,
)

pytestmark = on_tensorflow


def on_replicas(value):
    return [v.numpy() for v in two_replicas().experimental_local_results(value)]


def test_scalar_logs_are_reduced_over_an_axis_they_lack(monkeypatch):
    from keras.src.backend.tensorflow import trainer

    def fit(logs):
        with two_replicas().scope():
            model = Own(logs)
            model.compile()
        return model.fit(X, verbose=0).history["d_loss"]

    # The two replicas stand for two workers, which take this branch alone.
    monkeypatch.setattr(trainer, "_collective_all_reduce_multi_worker", lambda _: True)
    assert fit([1.0]) == [1.0]
    with (
        still_broken("core.reports:Reports.results", "keras-team/keras#20585"),
        pytest.raises(ValueError, match="Invalid reduction dimension 0"),
    ):
        fit(1.0)


def test_tuple_batch_of_workers_cannot_be_built_from():
    done = run_python("""
        import keras
        import tensorflow as tf
        from tensorflow.python.distribute.values import PerReplica

        strategy = tf.distribute.MultiWorkerMirroredStrategy()
        with strategy.scope():
            model = keras.Model()
            model.compile("sgd")
        part = PerReplica((tf.ones((4, 2)),))

        def build_from(*batch):
            model._maybe_symbolic_build(iterator=[(0, 0, iter([batch]))])

        model.built = True
        build_from(part)
        print("one tensor")
        strategy.extended._num_workers = 2  # It fails before they would talk.
        try:
            build_from(part, part)
        except ValueError as error:
            print(error)
    """)
    assert done.stdout.startswith("one tensor\n"), done.stderr
    with still_broken(
        "core.training:Training._maybe_symbolic_build", "keras-team/keras#20585"
    ):
        assert "Attempt to convert a value (PerReplica:" in done.stdout


def test_unbuilt_model_is_called_on_a_data_batch():
    class Generator(Own):
        def __init__(self):
            super().__init__()
            self.network = keras.layers.Dense(1)
            self.built = False

        def call(self, latents):
            return self.network(ops.reshape(latents, (-1, 7)))

    with two_replicas().scope():
        model, ready = Generator(), Generator()
        model.compile()
        ready.network.build((None, 7))
        ready.built = True
        ready.compile()
    ready.fit(X, verbose=0)
    with (
        still_broken("core.adversarial_model:AdversarialModel.set_networks"),
        pytest.raises(ValueError, match="(?s)Generator.call.*divisible by 7 but is 4"),
    ):
        model.fit(X, verbose=0)


def test_loss_scaling_looks_at_the_first_replica_alone():
    import tensorflow as tf

    with two_replicas().scope():
        weight = keras.Variable([1.0])
        sgd = keras.optimizers.SGD(1.0)
        optimizer = keras.optimizers.LossScaleOptimizer(sgd, initial_scale=8.0)
        optimizer.build([weight])

    @tf.function
    def step(bad_replica):
        def on_each():
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            gradient = tf.where(index == bad_replica, float("inf"), 0.0)
            optimizer.apply([gradient[None]], [weight])

        two_replicas().run(on_each)

    def after(bad_replica):
        step(bad_replica)
        return numbers(weight)[0], numbers(optimizer.dynamic_scale)

    assert after(bad_replica=0) == (1.0, 4.0)
    with still_broken("core.gradients.tensorflow:_poison_together"):
        assert after(bad_replica=1) == (-np.inf, 4.0)


def test_seeds_are_the_same_on_all_replicas():
    with two_replicas().scope():
        plain, ours = keras.random.SeedGenerator(1), SeedStream(1)

    def drawn(seed):
        draw = two_replicas().run(lambda: keras.random.normal((3,), seed=seed))
        first, second = on_replicas(draw)
        return np.abs(first - second).max()

    assert drawn(ours) > 0.1
    with still_broken("core.random:SeedStream", "keras-team/keras#20612"):
        assert drawn(plain) == 0.0


def test_batch_statistics_drift_apart():
    import tensorflow as tf

    with two_replicas().scope():
        layers = [
            keras.layers.BatchNormalization(synchronized=s) for s in (True, False)
        ]
        for layer in layers:
            layer.build((None, 1))
    rows = tf.constant([[[1.0]], [[3.0]]])

    @tf.function
    def step():
        index = tf.distribute.get_replica_context().replica_id_in_sync_group
        for layer in layers:
            layer(rows[index], training=True)

    two_replicas().run(step)
    moved = [np.ravel(on_replicas(layer.moving_mean.value)) for layer in layers]
    np.testing.assert_allclose(moved[0], [0.02, 0.02], rtol=1e-5)
    with still_broken("core.replicas:prepare"):
        np.testing.assert_allclose(moved[1], [0.01, 0.03], rtol=1e-5)


def test_empty_replica_has_statistics_of_nan():
    with two_replicas().scope():
        norm = keras.layers.BatchNormalization()
        model = keras.Sequential([keras.Input((2,)), norm])
        model.compile("sgd", "mse")
    model.fit(X[:2], X[:2], batch_size=2, verbose=0)
    assert np.isfinite(on_replicas(norm.moving_mean.value)).all()
    model.fit(X[:3], X[:3], batch_size=2, verbose=0)
    with still_broken("core.checks:check_batch_size", "tensorflow/tensorflow#36224"):
        first, second = on_replicas(norm.moving_mean.value)
        assert np.isfinite(first).all() and np.isnan(second).all()


@pytest.mark.parametrize(
    ("asked", "error", "match", "known_as"),
    [
        (
            {"steps_per_execution": 2},
            "InvalidArgumentError",
            "You must feed a value for placeholder",
            "keras-team/keras#19246",
        ),
        (
            {"gradient_accumulation_steps": 2},
            "RuntimeError",
            "merge_call",
            "keras-team/keras#20582",
        ),
        (
            {"jit_compile": True},
            "InvalidArgumentError",
            "Trying to access resource",
            "tensorflow.org/xla/known_issues#tfvariable_on_a_different_device",
        ),
    ],
    ids=["several steps", "accumulation", "XLA"],
)
def test_refused_under_a_strategy(asked, error, match, known_as):
    import tensorflow as tf

    error = getattr(tf.errors, error, RuntimeError)
    options = dict(asked)
    steps = options.pop("gradient_accumulation_steps", None)
    with two_replicas().scope():
        optimizer = keras.optimizers.SGD(gradient_accumulation_steps=steps)
        model = one_dense(optimizer=optimizer, **options)
    with (
        still_broken("core.replicas:check_support", known_as),
        pytest.raises(error, match=match),
    ):
        model.fit(X, Y, batch_size=2, verbose=0)


def test_optimizer_cannot_step_in_a_conditional():
    import tensorflow as tf

    with two_replicas().scope():
        weight = keras.Variable([1.0])
        optimizer = keras.optimizers.SGD(1.0)
        optimizer.build([weight])

    @tf.function
    def step(turn):
        def apply():
            optimizer.apply([tf.ones(1)], [weight])

        two_replicas().run(lambda: tf.cond(turn, apply, lambda: None))

    with (
        still_broken("core.optimizers:put_back_unless"),
        pytest.raises(RuntimeError, match="merge_call"),
    ):
        step(tf.constant(True))


def test_second_strategy_fails_on_the_first_ones_collectives(second_strategy):
    assert second_strategy.stdout.startswith("first strategy: 2.0\n")
    with still_broken("tests/contract.py, two_replicas"):
        assert "Shape mismatch in the collective" in second_strategy.stdout


def test_start_up_lines_cannot_be_silenced(second_strategy):
    with still_broken("cli.launcher:_without", "tensorflow/tensorflow#100442"):
        assert re.search(r"^[IW]0000 ", second_strategy.stderr, re.MULTILINE)
        assert "WARNING: All log messages before absl" in second_strategy.stderr


@pytest.fixture(scope="module")
def second_strategy():
    return run_python("""
        import tensorflow as tf

        two = [tf.config.LogicalDeviceConfiguration()] * 2
        cpu = tf.config.list_physical_devices("CPU")[0]
        tf.config.set_logical_device_configuration(cpu, two)

        def summed(size):
            strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

            @tf.function
            def step():
                context = tf.distribute.get_replica_context()
                return context.all_reduce("SUM", tf.ones(size))

            return strategy.experimental_local_results(strategy.run(step))[0][0]

        print("first strategy:", summed(2).numpy())
        try:
            summed(3)
        except tf.errors.InvalidArgumentError as error:
            print(error)
    """)


def test_every_worker_writes_the_same_backup(tmp_path, monkeypatch):
    kind = type(two_replicas().extended)
    monkeypatch.setattr(kind, "should_checkpoint", property(lambda self: False))
    with two_replicas().scope():
        model = one_dense()
    backup = keras.callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False)
    model.fit(X, Y, verbose=0, callbacks=[backup])
    with still_broken("core.gradients:is_chief"):
        assert (tmp_path / "latest.weights.h5").exists()

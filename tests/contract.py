"""What every system must pass, unchanged. A system's test class names itself:

class TestDCGAN(SystemContract):
    system = kg.DCGAN
    tiny = {"image_shape": (16, 16, 1), "latent_dim": 6, "base_channels": 4}
"""

import contextlib
import functools
import json
import math
import shutil
import threading

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core import gradients
from keras_gans.core.random import seed_streams

on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.distribute and SavedModel"
)
# What the kernel does alike for all systems is seen at home in each of them, as are
# whole training steps, which take JAX a minute to compile; on other backends `-m slow`
# says it of each, and always the kernel's own tests and the steps of GAN and WGAN-GP.
AT_HOME = keras.backend.backend() == "tensorflow"
slow_abroad = (lambda test: test) if AT_HOME else pytest.mark.slow
BATCH = 4


@pytest.mark.every_backend
class SystemContract:
    """The generic checks. Sub-classes set `system`, `tiny` and, if need be, `batch`.

    `resting` names networks that the first stage of a staged system does not move.
    """

    system = None
    tiny = {}
    # The player whose gradients are made infinite.
    struck = "generator"
    resting = ()
    # Whether a step begins with clipping what the last one made.
    clips = False
    # Players whose losses their weights also reach where no gradient shall follow; and
    # whether slopes are also compared where all weights grow alike, which is no
    # use where ReLUs of few units bend the losses.
    detached = ()
    all_alike = False

    @classmethod
    def batch(cls, count):
        """`count` training samples, as the arguments of `fit` take them."""
        shape = (count, *cls.tiny["image_shape"])
        images = np.random.default_rng(0).integers(0, 256, shape).astype("uint8")
        if width := cls.tiny.get("num_attributes"):
            attributes = (np.arange(count)[:, None] + 2 * np.arange(width)) % 3 == 0
            return images, attributes.astype("float32")
        if cls.tiny.get("num_classes") is None:
            return (images,)
        return images, np.arange(count) % cls.tiny["num_classes"]

    @classmethod
    def make(cls, **changes):
        return cls.system(**{**cls.tiny, "ema_decay": 0.5, "seed": 3, **changes})

    @classmethod
    def inputs(cls, gan, count):
        """What `predict` takes."""
        return latents_for(gan, count)

    @classmethod
    def drawn(cls, gan, count, seed=1):
        """`count` images that the model makes, the same for the same seed."""
        return gan.sample(count, seed=seed, labels=labels_for(gan, 1))

    @classmethod
    def served(cls, gan, signatures, count):
        """The same images by an exported model's signatures, at seed 5, and ours."""
        import tensorflow as tf

        labels = labels_for(gan, [1, 0, 1][:count])
        inputs = {"num_images": tf.constant(count), "seed": tf.constant(5, tf.int64)}
        if labels is not None:
            inputs["labels"] = tf.constant(labels)
        images = signatures["sample"](**inputs)["images"].numpy()
        return images, gan.sample(count, seed=5, labels=labels)

    @classmethod
    def fitted(cls, epochs=1, **compile_arguments):
        gan = cls.make()
        gan.compile(**compile_arguments)
        cls.fit(gan, epochs)
        return gan

    @classmethod
    def fit(cls, gan, epochs, **kwargs):
        data = cls.batch(BATCH * gan.updates_per_batch * 2)
        kwargs = {"batch_size": BATCH, "verbose": 0, **kwargs}
        return gan.fit(*data, epochs=epochs, **kwargs)

    # Tracing a step is what tests take their time for: what several of them need is
    # trained once.
    @pytest.fixture(scope="class")
    @classmethod
    def trained_and_records(cls, tmp_path_factory):
        """What `recorded` returns."""
        return cls.recorded(tmp_path_factory.mktemp("backups"))

    @classmethod
    def recorded(cls, folder):
        """A model after four epochs, and what it was and left on the way there."""
        gan, records = cls.make(), Records(folder)
        gan.compile()
        backup = keras.callbacks.BackupAndRestore(folder / "newest")
        cls.fit(gan, 4, callbacks=[backup, records])
        return gan, records

    @pytest.fixture(scope="class")
    @classmethod
    def trained(cls, trained_and_records):
        """The model alone; tests that share it must not change it."""
        return trained_and_records[0]

    @pytest.fixture(scope="class")
    @classmethod
    def by_sgd(cls):
        """What `after_sgd` returns."""
        return cls.after_sgd()

    @classmethod
    def after_sgd(cls):
        """A model after an epoch of SGD without XLA, and its state then.

        Adam would turn the rounding of a zero gradient into a whole step.
        """
        gan = cls.fitted(**cls._sgd(), jit_compile=False if AT_HOME else "auto")
        return gan, state_of(gan)

    @classmethod
    def _sgd(cls, rate=0.01):
        return {
            f"{player}_optimizer": keras.optimizers.SGD(rate)
            for player in cls.system.players
        }

    @pytest.fixture(scope="class")
    @classmethod
    def again(cls):
        """A second model of the same seed, after two epochs, and its state then."""
        gan = cls.fitted(epochs=2)
        return gan, state_of(gan)

    @pytest.fixture(scope="class")
    @classmethod
    def one_step(cls):
        """The state after a step on one replica, without XLA."""
        return cls._one_step_on(replicas=1, jit_compile=False)

    def test_config_round_trip(self, trained):
        config = json.loads(json.dumps(trained.get_config()))
        again = self.system.from_config(config)
        assert again.get_config() == trained.get_config()
        first, second = self.make(), self.system.from_config(config)
        assert_equal(state_of(first), state_of(second))

    def test_logs_are_the_reports(self, trained):
        logs = trained.history.history
        assert set(logs) == set(self.system.reports)
        assert np.isfinite(list(logs.values())).all()

    def test_validation_and_evaluate(self, trained):
        data = self.batch(BATCH * trained.updates_per_batch)
        before = state_of(trained)
        first = trained.evaluate(*data, batch_size=BATCH, verbose=0, return_dict=True)
        second = trained.evaluate(*data, batch_size=BATCH, verbose=0, return_dict=True)
        assert set(first) == set(self.system.reports)
        assert first == second, "evaluation noise must start over"
        after = state_of(trained)
        assert_equal(
            {k: v for k, v in before.items() if not k.startswith("seed")},
            {k: v for k, v in after.items() if not k.startswith("seed")},
        )

    def test_predict_is_the_sampling_network(self, trained):
        inputs = self.inputs(trained, 3)
        predicted = trained.predict(inputs, verbose=0)
        called = ops.convert_to_numpy(trained(inputs))
        np.testing.assert_allclose(predicted, called, atol=1e-6)
        assert predicted.shape == (3, *trained.image_shape)

    def test_sample_depends_on_the_seed_and_the_row_alone(self, trained):
        labels = labels_for(trained, 1)
        many = trained.sample(5, seed=11, labels=labels, batch_size=2)
        few = trained.sample(2, seed=11, labels=labels)
        assert many.dtype == np.float32 and many.shape == (5, *trained.image_shape)
        np.testing.assert_allclose(many[:2], few, atol=1e-6)
        assert np.abs(many - trained.sample(5, seed=12, labels=labels)).max() > 1e-6
        assert many.min() >= -1.0001 and many.max() <= 1.0001

    @on_tensorflow
    def test_graph_equals_eager(self, by_sgd):
        eager = self.fitted(run_eagerly=True, **self._sgd())
        assert_equal(by_sgd[1], state_of(eager), atol=2e-6)
        self.assert_gradients_are_slopes(eager)

    def assert_gradients_are_slopes(self, gan):
        """What players follow is the slope of the losses they report.

        Losses a little to either side say what that is: along the gradient; and, if
        nothing is detached, on a way on which parts that a gradient misses show.
        """
        start, data = snapshot(gan), self.batch(BATCH * gan.updates_per_batch)

        def first_played(player):
            with watched(gan, player) as found:
                gan.fit(*data, batch_size=BATCH, epochs=1, verbose=0)
            restore(start)
            return found

        for player in set(gan.players) - set(self.detached):
            found = first_played(player)
            if not found:  # of another stage
                continue
            loss, slopes = max(1.0, abs(found["loss"])), found["gradients"]
            chosen = [[g / max(np.linalg.norm(g), 1e-12) for g in slopes]]
            if self.all_alike:
                chosen += [[np.full_like(g, g.size**-0.5) for g in slopes]]
            for ways in chosen:
                pairs = zip(ways, slopes, strict=True)
                expected = float(sum(np.sum(way * slope) for way, slope in pairs))
                step = min(1e-3, 1e-4 * loss / max(abs(expected), 1e-6))
                losses = []
                for side in (step, -step):
                    for weight, way in zip(found["weights"], ways, strict=True):
                        weight.assign(weight + side * way)
                    losses.append(first_played(player)["loss"])
                measured = (losses[0] - losses[1]) / (2 * step)
                rounding = 2e-6 * loss / step
                close = pytest.approx(expected, rel=0.1, abs=rounding)
                assert measured == close, player

    @slow_abroad
    def test_update_moves_its_player_and_no_other(self, by_sgd):
        gan = by_sgd[0]
        rates = {
            player: getattr(gan, f"{player}_optimizer").learning_rate
            for player in gan.players
        }
        for rate in rates.values():
            rate.assign(0.0)
        if self.clips:
            self.fit(gan, 1)
        start = snapshot(gan)
        before = {name: trainable_of(getattr(gan, name)) for name in gan.networks}
        for player, improved in self.system.players.items():
            rates[player].assign(0.01)
            self.fit(gan, 1)
            moved = {
                name
                for name in gan.networks
                if differs(before[name], trainable_of(getattr(gan, name)))
            }
            assert moved == set(improved)
            restore(start)  # and its rate of 0

    def test_same_seed_same_weights(self, trained_and_records, again):
        assert_equal(trained_and_records[1].after_two_epochs, again[1])

    def test_keras_file_round_trip(self, trained, tmp_path):
        path = tmp_path / "gan.keras"
        trained.save(path)
        again = keras.saving.load_model(path)
        assert_equal(state_of(trained), state_of(again))
        np.testing.assert_array_equal(self.drawn(trained, 2), self.drawn(again, 2))

    def test_preset_round_trip(self, trained, tmp_path):
        trained.save_to_preset(tmp_path / "whole")
        again = kg.from_preset(tmp_path / "whole")
        assert_equal(state_of(trained), state_of(again))
        trained.save_to_preset(tmp_path / "weights", include_optimizer=False)
        light = self.system.from_preset(str(tmp_path / "weights"))
        assert not light.compiled
        np.testing.assert_array_equal(self.drawn(trained, 2), self.drawn(light, 2))

    @slow_abroad
    def test_resumed_equals_never_stopped(self, trained_and_records, again):
        records, resumed = trained_and_records[1], again[0]
        # What it knows it shall have from the backup; a new model would cost the time
        # of one more trace.
        for variable in variables_of(resumed).values():
            variable.assign(ops.ones(variable.shape, variable.dtype))
        backup = keras.callbacks.BackupAndRestore(records.backup_after_two_epochs)
        self.fit(resumed, 4, callbacks=[backup])
        assert_equal(records.after_four_epochs, state_of(resumed))

    @pytest.mark.filterwarnings("ignore:Skipping variable loading")
    def test_other_optimizers_are_refused(self, trained, tmp_path):
        path = tmp_path / "gan.weights.h5"
        trained.save_weights(path)
        other = self.make()
        plain = {f"{p}_optimizer": keras.optimizers.SGD(0.1) for p in other.players}
        other.compile(**plain)
        with pytest.raises(ValueError, match="_optimizer, this model's has"):
            other.load_weights(path)

    def test_moving_average_is_the_hand_computed_one(self, trained_and_records):
        records = trained_and_records[1]
        expected, *trajectory = records.weights
        for weights in trajectory:
            expected = [
                0.5 * e + 0.5 * w for e, w in zip(expected, weights, strict=True)
            ]
        for e, f in zip(expected, records.averages, strict=True):
            # A mapping to styles stores weights of 100 and more: some float32 steps.
            np.testing.assert_allclose(e, f, rtol=3e-7, atol=1e-6)

    def test_given_networks_are_kept(self, trained):
        name = trained.sampling_networks[0]
        gan = self.make(**{name: keras.models.clone_model(getattr(trained, name))})
        config = json.loads(json.dumps(gan.get_config()))
        again = self.system.from_config(config)
        ours, theirs = getattr(gan, name), getattr(again, name)
        assert theirs.count_params() == ours.count_params()
        first, second = (json.dumps(g.get_config()) for g in (ours, theirs))
        assert first == second

    @slow_abroad
    def test_mixed_bfloat16(self):
        self.train_in("mixed_bfloat16")

    @classmethod
    def train_in(cls, policy):
        """Trains in a precision, and asserts what holds in all of them."""
        with global_policy(policy):
            gan = cls.make()
            gan.compile()
            logs = cls.fit(gan, 1).history
            assert np.isfinite(list(logs.values())).all()
            cls.assert_single_outside(gan)
            scaled = isinstance(
                getattr(gan, f"{cls.struck}_optimizer"),
                keras.optimizers.LossScaleOptimizer,
            )
            assert scaled == (policy == "mixed_float16")

    @classmethod
    def assert_single_outside(cls, gan):
        """What is stored and what comes out is in single precision."""
        assert cls.drawn(gan, 2).dtype == np.float32
        assert all(w.dtype == "float32" for w in gan.trainable_weights)

    @slow_abroad
    def test_mixed_float16_skips_an_infinite_gradient_alone(self):
        with global_policy("mixed_float16"):
            gan = self.make()
            gan.compile()
            for player in gan.players:
                # At the usual first scale of 2^15 a network may overflow by itself.
                getattr(gan, f"{player}_optimizer").dynamic_scale.assign(8.0)
            own = gan.players[self.struck]
            struck = getattr(gan, f"{self.struck}_optimizer")
            others = [
                name
                for player, improved in gan.players.items()
                for name in improved
                if player != self.struck and name not in self.resting
            ]
            before = {n: trainable_of(getattr(gan, n)) for n in gan.networks}
            data = self.batch(BATCH * gan.updates_per_batch)
            with infinite_gradients(struck):
                gan.fit(*data, batch_size=BATCH, epochs=1, verbose=0)
            logs = {name: values[-1] for name, values in gan.history.history.items()}
            skipped = {p: logs.pop(f"{p}_skipped_steps") for p in gan.players}
            assert skipped == {p: float(p == self.struck) for p in gan.players}
            assert logs.pop(f"{self.struck}_loss_scale") == 4.0
            assert not any(
                differs(before[n], trainable_of(getattr(gan, n))) for n in own
            )
            assert all(
                differs(before[n], trainable_of(getattr(gan, n))) for n in others
            )
            scale = struck.dynamic_scale
            assert float(ops.convert_to_numpy(scale)) == 4.0
            gan.make_train_function(force=not AT_HOME)
            logs = gan.fit(*data, batch_size=BATCH, epochs=1, verbose=0).history
            assert logs[f"{self.struck}_skipped_steps"] == [0.0]
            assert np.isfinite(list(logs.values())).all()
            assert all(differs(before[n], trainable_of(getattr(gan, n))) for n in own)
            self.assert_single_outside(gan)

    @on_tensorflow
    def test_two_replicas_equal_one(self, one_step):
        assert_equal(one_step, self._one_step_on(replicas=2), atol=1e-6)

    @on_tensorflow
    def test_xla_equals_no_xla(self, one_step):
        compiled = self._one_step_on(replicas=1, jit_compile=True)
        assert_equal(one_step, compiled, atol=1e-6)

    @classmethod
    def _one_step_on(cls, replicas, jit_compile="auto"):
        with two_replicas().scope() if replicas == 2 else contextlib.nullcontext():
            gan = cls.make()
            gan.compile(jit_compile=jit_compile, **cls._sgd(0.05))
        for network in (getattr(gan, name) for name in gan.networks):
            for layer in network._flatten_layers():
                if isinstance(layer, keras.layers.Dropout):
                    layer.rate = 0.0
                elif isinstance(layer, keras.layers.GaussianNoise):
                    layer.stddev = 0.0
        total = BATCH * gan.updates_per_batch
        gan.training_seeds = SharedLatents(replicas)
        data = cls.replica_order(cls.batch(total), gan.updates_per_batch, replicas)
        gan.fit(*data, batch_size=BATCH, epochs=1, shuffle=False, verbose=0)
        return {
            k: v for k, v in state_of(gan).items() if not k.startswith(("seed", "slot"))
        }

    @staticmethod
    def replica_order(data, updates, replicas):
        """Rows so that each replica's k-th part belongs to the k-th global part."""
        order = np.arange(len(data[0])).reshape(updates, replicas, -1)
        order = order.transpose(1, 0, 2).reshape(-1)
        return tuple(part[order] for part in data)

    @on_tensorflow
    def test_replicas_draw_different_latents(self):
        strategy = two_replicas()
        with strategy.scope():
            gan = self.make()
        drawn = strategy.run(lambda: gan.draw_latents(3, gan.seeds))
        first, second = strategy.experimental_local_results(drawn)
        assert np.abs(first.numpy() - second.numpy()).max() > 1e-3

    @on_tensorflow
    def test_export_equals_sample(self, trained, tmp_path):
        import tensorflow as tf

        trained.export(tmp_path / "1")
        served = tf.saved_model.load(str(tmp_path / "1"))
        images, expected = self.served(trained, served.signatures, 3)
        np.testing.assert_allclose(images, expected, atol=1e-6)


@functools.cache
def two_replicas():
    """The one strategy of the test process.

    TensorFlow numbers the collectives of each strategy from the same start and keeps
    their shapes for the whole process: a second strategy fails on the first one's.
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


class Records(keras.callbacks.Callback):
    """What a training of four epochs leaves behind on its way.

    `folder` is where a callback before this one keeps its backup as `newest`. `weights`
    holds the sampling networks' before the first batch and after each of the first
    three, `averages` their moving averages then.
    """

    def __init__(self, folder):
        super().__init__()
        self.folder = folder
        self.backup_after_two_epochs = folder / "after_two_epochs"
        self.weights, self.averages = [], []

    def on_train_begin(self, logs=None):
        self.weights.append(self._of(lambda name: getattr(self.model, name)))

    def on_train_batch_end(self, batch, logs=None):
        if len(self.weights) > 3:
            return
        if not AT_HOME:
            self.model.jax_state_sync()
        self.weights.append(self._of(lambda name: getattr(self.model, name)))
        self.averages = self._of(self.model.averaged)

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            self.after_two_epochs = state_of(self.model)
            shutil.copytree(self.folder / "newest", self.backup_after_two_epochs)
        elif epoch == 3:
            self.after_four_epochs = state_of(self.model)

    def _of(self, network_of):
        """Trainable weights: an average's are at the places of those averaged."""
        return [
            ops.convert_to_numpy(weight).copy()
            for name in self.model.sampling_networks
            for weight, original in zip(
                network_of(name).weights,
                getattr(self.model, name).weights,
                strict=True,
            )
            if original.trainable
        ]


class SharedLatents:
    """One global table of draws, of which each replica takes its own rows."""

    def __init__(self, replicas):
        self._replicas = replicas
        self._draws = {}

    def normal(self, shape, truncation=None):
        return self._rows(shape)

    def uniform(self, shape, minval=0.0, maxval=1.0):
        unit = 0.5 + 0.5 * self._rows(shape)
        return minval + (maxval - minval) * unit

    def _rows(self, shape):
        # Each replica is traced in a thread of its own.
        draw = self._draws.setdefault(threading.get_ident(), [0])
        draw[0] += 1
        width = math.prod(shape[1:])
        count = BATCH // self._replicas
        size = BATCH * width
        table = np.cos(np.arange(size) * 0.7 + draw[0]).astype("float32")
        table = ops.convert_to_tensor(table.reshape(BATCH, *shape[1:]))
        start = ops.cast(gradients.replica().index, "int32") * count
        return ops.slice(table, (start, *(0,) * (len(shape) - 1)), (count, *shape[1:]))


def count(network):
    """Number of trainable parameters."""
    return sum(math.prod(w.shape) for w in network.trainable_weights)


def latents_for(gan, num):
    latents = np.cos(np.arange(num * gan.latent_dim)).reshape(num, -1).astype("float32")
    if not gan.is_conditional:
        return latents
    return latents, gan.default_labels(num)


def labels_for(gan, numbers):
    """Classes by their number, or each an attribute that an image has by itself."""
    if not gan.is_conditional:
        return None
    if gan.label_width is None:
        return numbers
    return np.eye(gan.label_width, dtype="float32")[numbers]


def trainable_of(network):
    return [ops.convert_to_numpy(w).copy() for w in network.trainable_weights]


def differs(before, after):
    return any(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))


def snapshot(gan):
    """What `restore` takes: variables and their values."""
    return list(zip(variables_of(gan).values(), state_of(gan).values(), strict=True))


def restore(values):
    for variable, value in values:
        variable.assign(value)


@contextlib.contextmanager
def watched(gan, player):
    """In its steps nobody moves; yields a dict of the loss that `player` reports first.

    And of its `gradients` in its `weights`.
    """
    found = {}

    def play(losses, players, when, follow):
        if player not in players or found:
            return losses()
        weights = gan.moved_by(player)

        def objective():
            terms = losses()
            counted = (v for k, v in terms[player].items() if k not in gan.figures)
            total = sum(ops.cast(term, "float32") for term in counted)
            found["loss"] = float(total)
            return [total], terms

        terms, slopes = gradients.value_and_gradients(objective, [weights])
        found["weights"], found["gradients"] = weights, [np.array(g) for g in slopes[0]]
        return terms

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gan, "_play", play)
        yield found


def variables_of(gan):
    """All that a resumed training needs: weights, optimizer slots, seeds."""
    state = {f"weight {i} {w.path}": w for i, w in enumerate(gan.weights)}
    if gan.compiled:
        slots = gan.optimizer.variables
        state.update({f"slot {i} {v.name}": v for i, v in enumerate(slots)})
    streams = [s for s in seed_streams(gan) if hasattr(s, "state")]
    state.update({f"seed {i}": s.state for i, s in enumerate(streams)})
    return state


def state_of(gan):
    """The values of `variables_of`."""
    return {k: np.array(ops.convert_to_numpy(v)) for k, v in variables_of(gan).items()}


def assert_equal(first, second, atol=0.0):
    """Two states are the same up to auto-generated names."""
    assert len(first) == len(second)
    for (name, a), b in zip(first.items(), second.values(), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=atol, err_msg=name)


@contextlib.contextmanager
def global_policy(name):
    keras.mixed_precision.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


@contextlib.contextmanager
def infinite_gradients(optimizer):
    """What is traced inside sees infinite gradients for `optimizer` until the end.

    JAX holds the factor as a constant: there the step must be traced anew.
    """
    factor = keras.Variable(float("inf"), dtype="float32", trainable=False)
    # `apply` is what TensorFlow calls and `stateless_apply` what JAX does.
    positions = {"apply": 0, "stateless_apply": 1}
    for name, position in positions.items():
        run = getattr(optimizer, name)

        def poisoned(*args, run=run, position=position):
            args = list(args)
            args[position] = [g * ops.cast(factor, g.dtype) for g in args[position]]
            return run(*args)

        object.__setattr__(optimizer, name, poisoned)
    yield
    factor.assign(1.0)
    for name in positions:
        object.__delattr__(optimizer, name)

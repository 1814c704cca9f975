import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core import gradients
from tests.contract import on_tensorflow, two_replicas
from tests.systems import images, tiny_gan

pytestmark = pytest.mark.every_backend


class Probe(kg.AdversarialModel):
    """One number per player; the losses of each test are given to it."""

    players = {"a": ("first",), "b": ("second",)}
    reports = ("a_loss", "b_loss")
    sampling_networks = ("second",)

    def __init__(self, step, **kwargs):
        super().__init__((1,), 1, **kwargs)
        self.step = step
        build = lambda: keras.Sequential(  # noqa: E731
            [
                keras.Input((1,)),
                keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"),
            ]
        )
        self.set_networks(first=build, second=build)

    def default_optimizers(self):
        return {player: keras.optimizers.SGD(0.1) for player in self.players}

    def train_step(self, data):
        self.step(self, self.unpack(data))
        return self.logs()


def run(step, **compile_arguments):
    model = Probe(step)
    model.compile(**compile_arguments)
    model.train_on_batch(np.ones((2, 1), "float32"))
    weights = (model.first.weights[0], model.second.weights[0])
    return [float(ops.convert_to_numpy(w)[0, 0]) for w in weights], model


def test_update_moves_one_player_by_its_own_gradient():
    def step(model, x):
        # d/da (3 a b) = 3 at a = b = 1.
        model.update(
            "a", lambda: {"a_loss": 3 * ops.mean(model.first(x) * model.second(x))}
        )

    assert run(step)[0] == pytest.approx([0.7, 1.0])


def test_named_terms_are_summed():
    def step(model, x):
        model.update(
            "a", lambda: {"a_loss": ops.mean(model.first(x)), "b_loss": 1.0 * 2}
        )

    weights, model = run(step)
    assert weights == pytest.approx([0.9, 1.0])
    found = {m.name: float(m.result()) for m in model.metrics}
    assert found == {"a_loss": pytest.approx(1.0), "b_loss": pytest.approx(2.0)}


def test_alternating_play_sees_the_updated_opponent():
    def step(model, x):
        model.update(
            "a", lambda: {"a_loss": ops.mean(model.first(x) * model.second(x))}
        )
        model.update(
            "b", lambda: {"b_loss": ops.mean(model.first(x) * model.second(x))}
        )

    # a: 1 - 0.1; then b: 1 - 0.1 * 0.9.
    assert run(step)[0] == pytest.approx([0.9, 0.91])


def test_simultaneous_play_sees_the_opponent_as_it_was():
    def step(model, x):
        def losses():
            product = ops.mean(model.first(x) * model.second(x))
            return {"a": {"a_loss": product}, "b": {"b_loss": product}}

        model.update_together(losses)

    assert run(step)[0] == pytest.approx([0.9, 0.9])


def test_nested_update_applies_before_the_outer_one():
    def step(model, x):
        def outer():
            shared = model.second(x)
            held = ops.stop_gradient(shared)
            model.update("a", lambda: {"a_loss": ops.mean(model.first(x) * held)})
            return {"b_loss": ops.mean(model.first(x) * shared)}

        model.update("b", outer)

    assert run(step)[0] == pytest.approx([0.9, 0.91])


@pytest.mark.parametrize(("turn", "expected"), [(True, 0.9), (False, 1.0)])
def test_conditional_update(turn, expected):
    def step(model, x):
        loss = lambda: {"a_loss": ops.mean(model.first(x))}  # noqa: E731
        model.update("a", loss, when=ops.convert_to_tensor(turn))

    weights, model = run(step)
    assert weights == pytest.approx([expected, 1.0])
    iterations = ops.convert_to_numpy(model.a_optimizer.iterations)
    assert int(iterations) == int(turn)


def test_unconnected_variables_stay():
    def step(model, x):
        model.update("b", lambda: {"b_loss": ops.mean(model.first(x))})

    assert run(step)[0] == pytest.approx([1.0, 1.0])


def test_unknown_report_is_named():
    def step(model, x):
        model.update("a", lambda: {"mystery": ops.mean(model.first(x))})

    with pytest.raises(KeyError, match="mystery"):
        run(step, run_eagerly=True)


def test_batch_statistics_move_once_per_pass():
    """The nested form forwards the generator once: its moving mean moves once."""
    gan = kg.DCGAN((8, 8, 1), 3, 2)
    gan.compile()
    norm = gan.generator.get_layer("project_norm")
    gan.train_on_batch(images(4, side=8))
    moved = 1 - float(ops.convert_to_numpy(norm.moving_variance)[0])
    # One move at momentum 0.9 from 1 towards a variance near 0 is 0.1; two are 0.19.
    assert 0.05 < moved < 0.1


def test_input_gradient_is_per_sample():
    x = ops.array([[1.0, 1.0], [2.0, 0.0]])
    slope = gradients.input_gradient(lambda t: t[:, 0] ** 2 + 2 * t[:, 1] ** 2, x)
    np.testing.assert_allclose(ops.convert_to_numpy(slope), [[2, 4], [4, 0]])


def test_replica_outside_a_strategy():
    assert gradients.replica() == (0, 1, False)


@on_tensorflow
def test_loss_is_divided_by_the_replicas_once():
    """SGD at rate 1 on a loss of gradient 1 moves by 1, not by 2 nor by a half."""

    def step(model, x):
        model.update("a", lambda: {"a_loss": ops.mean(model.first(x))})

    with two_replicas().scope():
        model = Probe(step)
        model.compile(a_optimizer=keras.optimizers.SGD(1.0))
    model.fit(np.ones((2, 1), "float32"), batch_size=2, verbose=0)
    assert float(ops.convert_to_numpy(model.first.weights[0])[0, 0]) == pytest.approx(
        0.0
    )
    assert model.history.history["a_loss"] == [pytest.approx(1.0)]


@on_tensorflow
def test_infinite_gradient_on_one_replica_skips_on_both():
    def step(model, x):
        # Replica 1 alone divides by zero: its image is zero.
        bad = lambda: {"a_loss": ops.mean(model.first(x) / ops.cast(x, "float16"))}  # noqa: E731
        model.update("a", bad)
        model.update("b", lambda: {"b_loss": ops.mean(model.second(x))})

    keras.mixed_precision.set_dtype_policy("mixed_float16")
    try:
        with two_replicas().scope():
            model = Probe(step)
            model.compile()
        x = np.array([[-0.5], [0.0]], "float32")
        model.fit(x, batch_size=2, shuffle=False, verbose=0)
        first, second = model.first.weights[0], model.second.weights[0]
        values = two_replicas().experimental_local_results(first.value)
        assert [float(v.numpy()[0, 0]) for v in values] == [1.0, 1.0]
        assert float(ops.convert_to_numpy(second)[0, 0]) > 1.0
        scale = float(ops.convert_to_numpy(model.a_optimizer.dynamic_scale))
        assert scale == 2.0**14
        assert float(ops.convert_to_numpy(model.b_optimizer.dynamic_scale)) == 2.0**15
        logs = model.history.history
        assert logs["a_skipped_steps"] == [1.0] and logs["b_skipped_steps"] == [0.0]
        assert logs["a_loss_scale"] == [2.0**14]
    finally:
        keras.mixed_precision.set_dtype_policy("float32")


@on_tensorflow
def test_moving_statistics_and_averages_agree_on_replicas():
    with two_replicas().scope():
        gan = kg.DCGAN((8, 8, 1), 3, 2, ema_decay=0.5)
        gan.compile()
    gan.fit(images(16, side=8), batch_size=8, verbose=0)
    for weight in (*gan.generator.weights, *gan.sampler.weights):
        first, second = two_replicas().experimental_local_results(weight.value)
        np.testing.assert_allclose(first.numpy(), second.numpy(), atol=1e-7)


@on_tensorflow
def test_dropout_differs_between_replicas():
    with two_replicas().scope():
        gan = tiny_gan(discriminator=None)
    layer = gan.discriminator.get_layer("h0_dropout")
    outputs = two_replicas().run(lambda: layer(ops.ones((8, 16)), training=True))
    first, second = two_replicas().experimental_local_results(outputs)
    assert np.abs(first.numpy() - second.numpy()).max() > 0.5


@on_tensorflow
def test_batch_must_reach_every_replica():
    with two_replicas().scope():
        gan = tiny_gan()
        gan.compile()
    with pytest.raises(ValueError, match="leaves nothing for some of 2 replicas"):
        gan.fit(images(4), batch_size=1, verbose=0)
    with pytest.raises(ValueError, match="multiple of 2"):
        gan.fit(images(9), batch_size=3, verbose=0)


@pytest.mark.every_backend
def test_gradients_of_looked_up_rows_are_dense():
    """TensorFlow's sparse ones cannot be scaled, poisoned or checked like others."""
    table = keras.Variable(np.ones((3, 2), "float32"))

    def objective():
        return [ops.sum(3.0 * ops.take(table, np.array([2, 2, 0]), axis=0))], None

    if keras.backend.backend() == "jax":
        pytest.skip("on JAX gradients are taken inside a step, and always dense")
    _, ((gradient,),) = gradients.value_and_gradients(objective, [[table]])
    expected = [[3.0, 3.0], [0.0, 0.0], [6.0, 6.0]]
    np.testing.assert_array_equal(ops.convert_to_numpy(gradient * 1.0), expected)

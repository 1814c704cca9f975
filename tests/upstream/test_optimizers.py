import contextlib

import keras
import pytest
from keras import ops

from tests.upstream.still_broken import (
    Own,
    X,
    Y,
    every_backend,
    numbers,
    on_jax,
    one_dense,
    still_broken,
)


class TwoOptimizers(Own):
    """Trains with an optimizer that is not `model.optimizer`."""

    def compile(self):
        super().compile()
        self.second = keras.optimizers.SGD(0.5)
        self.second.build([self.kernel])

    def train_step(self, *arguments):
        with contextlib.ExitStack() as stack:
            if len(arguments) == 2:
                values = zip(self.trainable_variables, arguments[0][0], strict=True)
                scope = stack.enter_context(keras.StatelessScope(list(values)))
            self.second.apply([ops.ones((2, 1))], [self.kernel])
        if len(arguments) == 1:
            return super().train_step(*arguments)
        (_, *state), _ = arguments
        trained = [scope.get_current_value(self.kernel)]
        return super().train_step((trained, *state), None)


@every_backend
def test_callbacks_know_no_second_optimizer():
    model = TwoOptimizers()
    model.compile()
    tenth = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 10)
    model.fit(X, verbose=0, callbacks=[tenth])
    assert numbers(model.kernel)[0, 0] == 0.5
    with still_broken("core.optimizers:PlayersOptimizer"):
        assert isinstance(model.optimizer, keras.optimizers.RMSprop)
        assert float(model.optimizer.learning_rate) == pytest.approx(1e-4)
        assert float(model.second.learning_rate) == 0.5


@every_backend
@on_jax
def test_second_optimizer_never_advances_on_jax():
    model = TwoOptimizers()
    model.compile()
    model.fit(X, verbose=0)
    assert numbers(model.kernel)[0, 0] == 0.5
    with still_broken("core.optimizers:PlayersOptimizer", "keras-team/keras#18881"):
        assert int(numbers(model.second.iterations)) == 0


@every_backend
@on_jax
def test_loss_scaling_assigns_inside_a_conditional():
    import jax

    weight = keras.Variable([1.0])
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0))
    optimizer.build([weight])
    slots, gradients = [s.value for s in optimizer.variables], [ops.ones(1) * 2**15]
    values, _ = optimizer.stateless_apply(slots, gradients, [weight.value])
    assert float(values[0][0]) == 0.0
    with (
        still_broken("core.gradients.jax:apply"),
        pytest.raises(jax.errors.UnexpectedTracerError, match="side effect|leaked"),
    ):
        optimizer.apply(gradients, [weight])


@every_backend
@pytest.mark.parametrize("built", [True, False])
def test_optimizer_of_another_size_is_a_mere_warning(tmp_path, built):
    path = tmp_path / "adam.weights.h5"
    saved, model = one_dense(optimizer="adam"), one_dense(optimizer="sgd")
    saved.fit(X, Y, verbose=0)
    saved.save_weights(path)
    if built:
        model.optimizer.build(model.trainable_variables)
    with (
        still_broken("core.optimizers:PlayersOptimizer.load_own_variables"),
        pytest.warns(UserWarning, match="Skipping variable loading for optimizer"),
    ):
        model.load_weights(path)
    assert int(numbers(saved.optimizer.iterations)) == 1
    assert int(numbers(model.optimizer.iterations)) == 0

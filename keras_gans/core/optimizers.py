"""What Keras sees as `model.optimizer`: the optimizers of all players at once."""

import contextlib

import keras
import numpy as np
from keras import ops

from keras_gans.core import gradients


def pytorch_adam(rate=2e-4, beta_1=0.5, beta_2=0.999):
    """Adam with PyTorch's default epsilon, 1e-8; by default DCGAN's.

    3.16e-10 inside Keras' formula, which adds it before the moments are corrected for
    their start, is 1e-8 inside PyTorch's at the first step.

    Args:
        rate: Learning rate.
        beta_1: Decay of the first moment.
        beta_2: Decay of the second moment.
    """
    return keras.optimizers.Adam(rate, beta_1, beta_2, epsilon=3.1623e-10)


class PlayersOptimizer(keras.optimizers.Optimizer):
    """A facade over one optimizer per player; it never updates anything itself.

    Keras' trainers and callbacks know one `model.optimizer`. Through `optimizers`,
    `variables` and `iterations` the learning-rate callbacks, TensorBoard, checkpoints
    and the JAX trainer reach every player's optimizer; without it they silently act
    on an RMSprop that trains nothing.

    Args:
        by_player: Dict of player name to a built optimizer, in playing order.
    """

    def __init__(self, by_player):
        super().__init__(learning_rate=0.0, name="players")
        self._by_player = dict(by_player)
        self.built = True

    @property
    def optimizers(self):
        """The players' optimizers, in playing order."""
        return list(self._by_player.values())

    @property
    def variables(self):
        """Variables of all players' optimizers, in playing order."""
        return [v for o in self.optimizers for v in o.variables]

    @property
    def iterations(self):
        """Update count of the last player, by convention the generator."""
        return self.optimizers[-1].iterations

    @property
    def learning_rate(self):
        """Learning rate of the last player, by convention the generator."""
        return self.optimizers[-1].learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        raise AttributeError(
            "Each player has a learning rate of its own: set it on one of "
            f"{[f'{name}_optimizer' for name in self._by_player]}."
        )

    def build(self, variables):
        """Nothing to build: `compile` builds every player's optimizer."""

    def finalize_variable_values(self, var_list):
        """Lets each optimizer with `use_ema` write its averages."""
        for optimizer in self.optimizers:
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            inner.finalize_variable_values(inner._trainable_variables)

    def save_own_variables(self, store):
        """Stores how many variables each optimizer has; they store their values."""
        for name, optimizer in self._by_player.items():
            store[name] = np.array([len(optimizer.variables)])

    def load_own_variables(self, store):
        """Refuses a file whose optimizers are not these.

        Keras itself drops the state of an optimizer that does not match, with a
        warning; the run then goes on with moments of zero.

        Raises:
            ValueError: when a player's optimizer is absent or of another size.
        """
        stored = list(store.keys())
        for name, optimizer in self._by_player.items():
            expected = len(optimizer.variables)
            found = int(store[name][0]) if name in stored else 0
            if found != expected:
                raise ValueError(
                    f"The file holds {found} variables for {name}_optimizer, this "
                    f"model's has {expected}. Compile with the optimizers the file was "
                    "saved with; to start their state afresh, load the weights before "
                    "compile()."
                )


def for_players(model, given):
    """One built optimizer for each player of `model`.

    Args:
        model: A `System`.
        given: Dict of `<player>_optimizer` to a `keras.optimizers.Optimizer`, its name,
            or `None`; the paper's for those that it lacks.

    Returns:
        Dict of player name to optimizer, in playing order.
    """
    found, defaults = {}, model.default_optimizers()
    for player in model.players:
        name = f"{player}_optimizer"
        chosen = given.get(name)
        chosen = defaults[player] if chosen is None else chosen
        found[player] = built_for(chosen, model.variables_of(player), name)
    return found


def built_for(optimizer, variables, name):
    """`optimizer` built on `variables`, with loss scaling where float16 needs it."""
    optimizer = keras.optimizers.get(optimizer)
    if optimizer.built:
        # A built optimizer belongs to other variables: its moments would be theirs.
        optimizer = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    if keras.config.dtype_policy().name == "mixed_float16" and not scaled:
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, name=name)
    optimizer.build(variables)
    gradients.fuse_update(optimizer)
    return optimizer


@contextlib.contextmanager
def put_back_unless(condition, variables):
    """Undoes what the block does to `variables`, where `condition` is false.

    An optimizer cannot step inside a conditional under a strategy, so the step is
    taken and taken back.

    Args:
        condition: Scalar boolean tensor; `None` never undoes.
        variables: `keras.Variable`s that the block may assign.
    """
    held = None if condition is None else [ops.copy(v.value) for v in variables]
    yield
    if held is not None:
        for variable, old in zip(variables, held, strict=True):
            variable.assign(ops.where(condition, variable.value, old))


@contextlib.contextmanager
def scaled_rate(optimizer, factor):
    """Inside, an optimizer's learning rate is multiplied; a schedule is left alone.

    Args:
        optimizer: A built optimizer.
        factor: Number, or scalar tensor.
    """
    rate = getattr(optimizer, "inner_optimizer", optimizer).learning_rate
    if not isinstance(rate, keras.Variable):
        yield
        return
    before = ops.copy(rate.value)
    rate.assign(before * factor)
    yield
    rate.assign(before)

"""Gradients on JAX. See the package docstring for the contract.

Keras threads all state through a `StatelessScope`: reads look there first and writes
go there. Differentiation opens one more scope inside a pure function; what changed in
it (batch statistics, seeds, the other player's weights in a nested update) leaves as
an auxiliary output and is written back to the scope around it.
"""

import contextlib

import jax
import keras

_scopes = []
# XLA makes one kernel of Keras' own formula.
fused_batch_norm = None


def value_and_gradients(objective, groups):
    """As in `tensorflow.py`."""
    outer = _current_scope()
    before = dict(outer.state_mapping)
    own = {id(v) for group in groups for v in group}

    def pure(values):
        with keras.StatelessScope() as scope:
            scope.state_mapping.update(before)
            for group, group_values in zip(groups, values, strict=True):
                for variable, value in zip(group, group_values, strict=True):
                    scope.state_mapping[id(variable)] = value
            _scopes.append(scope)
            try:
                totals, result = objective()
            finally:
                _scopes.pop()
        changed = {
            key: value
            for key, value in scope.state_mapping.items()
            if key not in own and before.get(key) is not value
        }
        return list(totals), (result, changed)

    values = [[_value(outer, v) for v in group] for group in groups]
    totals, pull_back, (result, changed) = jax.vjp(pure, values, has_aux=True)
    outer.state_mapping.update(changed)
    gradients = []
    for i in range(len(groups)):
        seed = [jax.numpy.full_like(t, float(i == j)) for j, t in enumerate(totals)]
        gradients.append(pull_back(seed)[0][i])
    return result, gradients


def input_gradient(function, inputs):
    """As in `tensorflow.py`."""
    return jax.grad(lambda x: jax.numpy.sum(function(x)))(inputs)


def value_and_input_gradient(function, inputs):
    """As in `tensorflow.py`."""
    scores, pull_back = jax.vjp(function, inputs)
    return scores, pull_back(jax.numpy.ones_like(scores))[0]


def compiled(function, variables=()):
    """As in `tensorflow.py`; other variables keep the values of the first call."""

    @jax.jit
    def pure(values, *arguments):
        with keras.StatelessScope(list(zip(variables, values, strict=True))):
            return function(*arguments)

    return lambda *arguments: pure([v.value for v in variables], *arguments)


def fuse_update(optimizer):
    """As on TensorFlow; here the compiler fuses every step."""


def apply(optimizer, gradients, variables):
    """Applies `optimizer`.

    Loss scaling decides in a `cond` whether to apply, and nothing may be assigned
    inside one: the stateless form returns the new values instead.
    """
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer.apply(gradients, variables)
        return
    slots = optimizer.variables
    scope = _current_scope()
    found = {id(v): g for v, g in zip(variables, gradients, strict=True)}
    # It asks for all that it was built with, also what rests in this step.
    known = optimizer.inner_optimizer._trainable_variables
    values = [_value(scope, v) for v in known]
    new_values, new_slots = optimizer.stateless_apply(
        [_value(scope, s) for s in slots],
        [
            found.get(id(known_one), jax.numpy.zeros_like(value))
            for known_one, value in zip(known, values, strict=True)
        ],
        values,
    )
    for variable, value in zip(known, new_values, strict=True):
        if id(variable) in found:
            variable.assign(value)
    for slot, value in zip(slots, new_slots, strict=True):
        slot.assign(value)


def replica():
    """One program sees the whole batch: JAX shards arrays, not programs."""
    return 0, 1, False


def mean_over_replicas(value):
    """`value` itself: there is one program."""
    return value


def gathered(value):
    """`value` itself: there is one program."""
    return value


def check_strategy():
    """JAX's distributions come from Keras; it checks them itself."""


def scope_of(model):
    """As in `tensorflow.py`."""
    return contextlib.nullcontext()


def count_replicas(model):
    """Number of devices that share each batch."""
    distribution = keras.distribution.distribution()
    return 1 if distribution is None else distribution.device_mesh.devices.size


def host_value(model, variable, arguments):
    """As in `tensorflow.py`; in a loop the state is what is handed on, not in it."""
    state = arguments[0]
    for known, value in zip(model.non_trainable_variables, state[1], strict=True):
        if known is variable:
            return int(value)
    raise ValueError(f"{variable.path} is no variable of {type(model).__name__}.")


def is_chief(model):
    """Whether this process writes files."""
    return jax.process_index() == 0


def from_chief(model, arrays):
    """`arrays` itself: each process of JAX reads the checkpoint."""
    return arrays


def as_keras_step(model, kind, step):
    """Turns `step(data)` into `step(state, data) -> (logs, state)` of JAX's trainer."""

    def stateless_step(state, data):
        references = _state_variables(model, kind)
        scope = keras.StatelessScope(
            [
                (variable, value)
                for variables, values in zip(references, state, strict=True)
                for variable, value in zip(variables, values, strict=True)
            ]
        )
        with scope:
            _scopes.append(scope)
            try:
                logs = step(data)
            finally:
                _scopes.pop()
        state = tuple([_value(scope, v) for v in group] for group in references)
        return logs, state

    return stateless_step


def _state_variables(model, kind):
    state = [model.trainable_variables, model.non_trainable_variables]
    if kind == "train":
        state.append(model.optimizer.variables)
    return [*state, model.metrics_variables]


def _current_scope():
    if not _scopes:
        raise RuntimeError(
            "On JAX, train_step runs inside fit, train_on_batch or evaluate, which "
            "thread the state through it; it cannot be called by itself."
        )
    return _scopes[-1]


def _value(scope, variable):
    value = scope.get_current_value(variable)
    return variable.value if value is None else value


def has_fast_volumes(by_xla=True):
    """Whether convolutions of three sides are as fast as those of two: not on CPUs."""
    return jax.default_backend() != "cpu"

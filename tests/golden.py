"""Inputs and weights of the golden fixtures, made from formulas: nothing is random.

Weights follow the reference's key names and PyTorch layouts; see the lineage
specification, appendix B (fill rule), and the train-step fixtures, section 0.1.
"""

import math

import keras
import numpy as np

_MASK = 2**32 - 1


def fill(key, shape, equalized=False, total=None):
    """The reference tensor called `key`, in PyTorch layout.

    Args:
        key: Its name.
        shape: Its shape.
        equalized: Whether its network has equalised learning rates.
        total: What the key counts as; `None` for the sum of its letters.
    """
    size = math.prod(shape)
    total = sum(map(ord, key)) if total is None else total
    h = (np.arange(size, dtype=np.uint64) * 2654435761 + total * 40503) & _MASK
    h ^= h >> np.uint64(16)
    h = (h * 2246822519) & _MASK
    h ^= h >> np.uint64(13)
    r = (math.sqrt(3) * (h.astype("float64") / 2**31 - 1)).reshape(shape)
    leaf = key.rsplit(".", 1)[-1]
    if leaf == "gamma":
        return np.full(shape, 0.5)
    if leaf.endswith(("var", "vars")):
        return 1 + 0.5 * r
    if leaf.endswith(("mean", "means")):
        return 0.1 * r
    if leaf == "noise_strength":
        return np.full(shape, 0.1)
    if leaf in ("u0", "noise_const"):
        return r
    if len(shape) >= 2:
        fan_in = 1 if equalized else math.prod(shape[1:])
        return r * math.sqrt(2 / fan_in)
    return 1 + 0.1 * r if leaf in ("weight", "gain") else 0.1 * r


def latents(draw, dim, batch=4):
    n, j = _grid(draw, batch), np.arange(dim)
    return np.cos(0.5 * j + n[:, None]).astype("float32")


def images(draw, size, channels, batch=4):
    n = _grid(draw, batch)[:, None, None, None]
    h, w, c = np.ogrid[:size, :size, :channels]
    return np.cos(0.3 * h + 0.7 * w + c + n).astype("float32")


def vectors(draw, dim, batch=4):
    return (
        0.5 + 0.5 * np.cos(0.7 * np.arange(dim) + _grid(draw, batch)[:, None])
    ).astype("float32")


def coefficients(draw, batch=4):
    return (0.5 + 0.5 * np.cos(1.3 * _grid(draw, batch) + 0.2)).astype("float32")


def _grid(draw, batch):
    return batch * draw + np.arange(batch, dtype="float64")


def to_keras(tensor, layer):
    """A PyTorch tensor in the layout of a Keras layer's kernel."""
    if isinstance(layer, keras.layers.Dense):
        return tensor.T
    # Both convolutions: (O, I, h, w), or (I, O, h, w) transposed, to Keras' order.
    return tensor.transpose(2, 3, 1, 0)


def to_torch(kernel):
    """A Keras kernel flattened in PyTorch's order."""
    if kernel.ndim == 2:
        return kernel.T.reshape(-1)
    return kernel.transpose(3, 2, 0, 1).reshape(-1) if kernel.ndim == 4 else kernel


def set_layer(layer, key):
    """Fills a convolution, dense or batch-norm layer from the reference's keys."""
    if isinstance(layer, keras.layers.BatchNormalization):
        shape = tuple(layer.moving_mean.shape)
        for variable, leaf in (
            (layer.gamma, "weight"),
            (layer.beta, "bias"),
            (layer.moving_mean, "running_mean"),
            (layer.moving_variance, "running_var"),
        ):
            if variable is not None:
                variable.assign(fill(f"{key}.{leaf}", shape))
        return
    kernel_shape = tuple(layer.kernel.shape)
    if isinstance(layer, keras.layers.Dense):
        torch_shape = kernel_shape[::-1]
    else:
        h, w, i, o = kernel_shape
        torch_shape = (o, i, h, w)
    layer.kernel.assign(to_keras(fill(f"{key}.weight", torch_shape), layer))
    if layer.use_bias:
        layer.bias.assign(fill(f"{key}.bias", tuple(layer.bias.shape)))


class Scripted:
    """Stands in for a model's seed stream: each draw is the next of a script.

    Args:
        normal: Function of (draw number, shape) for latents.
        uniform: The same for uniform draws, already in their range.
    """

    def __init__(self, normal=None, uniform=None):
        self._functions = {"normal": normal, "uniform": uniform}
        self._draws = {"normal": 0, "uniform": 0}

    def normal(self, shape, truncation=None):
        return self._next("normal", shape)

    def uniform(self, shape, minval=0.0, maxval=1.0):
        return self._next("uniform", shape)

    def _next(self, kind, shape):
        value = self._functions[kind](self._draws[kind], shape)
        self._draws[kind] += 1
        return keras.ops.convert_to_tensor(value)


class Watch:
    """Records what an optimizer is given, and the critic's scores in order."""

    def __init__(self, model, critic):
        self.scores = []
        self.gradients = {}
        self._by_variable = {}
        run = model.in_training

        def watched(name, **kwargs):
            def call(inputs, **options):
                scores = run(name, **kwargs)(inputs, **options)
                if name == critic and len(scores.shape) == 2:
                    self.scores.append(_number(keras.ops.mean(scores)))
                return scores

            return call

        object.__setattr__(model, "in_training", watched)
        for player in model.players:
            optimizer = getattr(model, f"{player}_optimizer")
            self._watch_gradients(optimizer)

    def _watch_gradients(self, optimizer):
        apply = optimizer.apply

        def watched(gradients, variables=None):
            for gradient, variable in zip(gradients, variables, strict=True):
                norm = keras.ops.sqrt(keras.ops.sum(keras.ops.square(gradient)))
                self.gradients.setdefault(variable.path, float(norm))
                self._by_variable.setdefault(id(variable), float(norm))
            apply(gradients, variables)

        optimizer.apply = watched

    def gradients_of(self, model, name):
        """First gradient norms of one network, where paths of two networks clash."""
        variables = getattr(model, name).trainable_variables
        return {v.path: self._by_variable[id(v)] for v in variables}

    def mean_scores(self):
        """Batch means of the critic's scores since the last call, in order.

        On JAX they are traced and have no values: NaN, which `close` passes over. The
        losses, gradients and weights that follow from them are compared all the same.
        """
        means, self.scores = self.scores, []
        return means


def _number(value):
    try:
        return float(value)
    except TypeError:  # A JAX tracer.
        return float("nan")


def close(found, expected, **tolerance):
    """`assert_allclose` where `found` has values; all of it on TensorFlow."""
    assert len(found) == len(expected)
    if keras.backend.backend() == "jax":
        return
    np.testing.assert_allclose(found, expected, **tolerance)


def check_tensor(after, before, statistics, entries, atol):
    """Compares a flat tensor with a fixture's row.

    Args:
        after: Final values, flat in PyTorch's order.
        before: Initial values.
        statistics: (mean, std, rms of the change) of the fixture.
        entries: Dict of flat index to value.
        atol: Tolerance of mean, std and entries.
    """
    mean, std, rms = statistics
    change = np.sqrt(np.mean(np.square(after.astype("float64") - before)))
    np.testing.assert_allclose(after.mean(dtype="float64"), mean, atol=atol)
    np.testing.assert_allclose(after.std(dtype="float64"), std, atol=atol)
    np.testing.assert_allclose(change, rms, rtol=1e-2)
    found = [after[index] for index in entries]
    np.testing.assert_allclose(found, list(entries.values()), atol=atol)


def trained_tensor(network, keys, key):
    """A layer's weight or bias by its reference key, flat in PyTorch's order."""
    stem, leaf = key.rsplit(".", 1)
    layer = network.get_layer({v: k for k, v in keys.items()}[stem])
    if isinstance(layer, keras.layers.BatchNormalization):
        variable = layer.gamma if leaf == "weight" else layer.beta
    else:
        variable = layer.kernel if leaf == "weight" else layer.bias
    return to_torch(keras.ops.convert_to_numpy(variable)).copy()


def watch_penalties(model):
    """List that receives each gradient penalty, without its weight."""
    found, record = [], model._record

    def watched(terms):
        for player_terms in terms.values():
            if "gradient_penalty" in player_terms:
                value = player_terms["gradient_penalty"] / model.penalty_weight
                found.append(float(value))
        return record(terms)

    object.__setattr__(model, "_record", watched)
    return found

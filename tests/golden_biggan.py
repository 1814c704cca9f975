"""What the golden fixtures of BigGAN and SAGAN share: fixtures F5 and F6."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.converters import biggan_pytorch, loading
from tests import golden

CLASSES = 10
# JAX compiles operation by operation what is not compiled as a whole, which takes
# minutes here: there the steps are one program, whose inner values cannot be seen.
SEES_INSIDE = keras.backend.backend() == "tensorflow"


def state_dict(layout, shape_of=None):
    """The fixture's tensors for all names of a layout, in PyTorch's shapes."""
    shape_of = shape_of or torch_shape
    return {
        name: golden.fill(name, shape_of(name, tuple(variable.shape)))
        for name, (variable, _) in layout.items()
    }


def torch_shape(name, shape):
    if name.endswith(".u0"):
        return (1, *shape)
    if len(shape) == 4:
        return (shape[3], shape[2], *shape[:2])
    return shape if len(shape) < 2 or is_table(name, shape) else shape[::-1]


def is_table(name, shape):
    is_class_table = ".bn" in name and shape[0] == CLASSES
    return is_class_table or name in ("shared.weight", "embed.weight")


def places_of(gan):
    """Layouts by the letter of the network in the fixtures."""
    places = {
        "G": biggan_pytorch.generator_layout(gan.generator),
        "D": biggan_pytorch.discriminator_layout(gan.discriminator),
    }
    if gan.keeps_average:
        places["EMA"] = biggan_pytorch.generator_layout(gan.sampler)
    return places


def fill(gan):
    """Gives all networks the weights of the fixture."""
    for places in places_of(gan).values():
        loading.assign(places, state_dict(places), biggan_pytorch.IGNORED)


def variable_of(gan, key):
    letter, name = key.split(" ")
    return places_of(gan)[letter][name][0]


def tensor_of(gan, key):
    """A weight by its letter and name, flat in PyTorch's order."""
    variable = variable_of(gan, key)
    array = ops.convert_to_numpy(variable)
    name, shape = key.split(" ")[1], array.shape
    flat = array.reshape(-1) if is_table(name, shape) else golden.to_torch(array)
    return flat.copy()


def real_labels(draw):
    return ((3 * (4 * draw + np.arange(4)) + 1) % CLASSES).astype("int32")


def drawn_labels(draw):
    return ((7 * (4 * draw + np.arange(4)) + 2) % CLASSES).astype("int32")


def script():
    """The fixtures' latents and classes; these amid their unit intervals."""
    return golden.Scripted(
        normal=lambda t, shape: golden.latents(t, 16),
        uniform=lambda t, shape: (drawn_labels(t) + 0.5).astype("float32"),
    )


def layer_of(gan, key):
    """The spectrally normalised layer whose weight has the name `key`."""
    variable = variable_of(gan, f"{key}.weight")
    network = gan.discriminator if key[0] == "D" else gan.generator
    return next(
        layer
        for layer in network._flatten_layers()
        if any(v is variable for v in layer._trainable_variables)
    )


class Steps:
    """Runs the two steps of a fixture and keeps what they showed.

    Compile the model with `run_eagerly=SEES_INSIDE`.

    Attributes:
        logs: What the steps returned.
        terms: Every loss that `update` was given, by report name, in order.
        scores: Every batch of the discriminator's scores, in order.
        sigmas: Singular values of the layers in `watched`, one for each forward pass
            in training.
        norms: First gradient norms, by fixture key.

    All but the first are there on TensorFlow only.
    """

    def __init__(self, gan, watched, norms):
        self.gan = gan
        self.logs, self.terms, self.scores = [], {}, []
        if SEES_INSIDE:
            self.sigmas = {key: _watch_sigma(layer_of(gan, key)) for key in watched}
            watch = golden.Watch(gan, None)
            self._watch_terms()
        gan.training_seeds = script()
        for step in range(2):
            draws = range(
                step * gan.updates_per_batch, (step + 1) * gan.updates_per_batch
            )
            images = np.concatenate([golden.images(t, 32, 3) for t in draws])
            labels = np.concatenate([real_labels(t) for t in draws])
            gan.reset_metrics()
            # A program made for one step would repeat the draws of that step.
            gan.make_train_function(force=True)
            self.logs.append(gan.train_on_batch(images, labels, return_dict=True))
        if SEES_INSIDE:
            by_variable = watch._by_variable
            self.norms = {k: by_variable[id(variable_of(gan, k))] for k in norms}

    def _watch_terms(self):
        gan, record, run = self.gan, self.gan._record, self.gan.in_training

        def watched_record(terms):
            for player_terms in terms.values():
                for name, value in player_terms.items():
                    self.terms.setdefault(name, []).append(float(value))
            return record(terms)

        def watched_network(name, **kwargs):
            def call(inputs, **options):
                scores = run(name, **kwargs)(inputs, **options)
                self.scores.append(ops.convert_to_numpy(scores)[:, 0])
                return scores

            return call

        object.__setattr__(gan, "_record", watched_record)
        object.__setattr__(gan, "in_training", watched_network)

    def check_losses(self, expected):
        """Compares with (real, fake) of each discriminator update and the G losses.

        Args:
            expected: Dict of `"discriminator"` to pairs and `"generator"` to numbers,
                in playing order.
        """
        pairs = expected["discriminator"]
        found = [float(logs["generator_loss"]) for logs in self.logs]
        np.testing.assert_allclose(found, expected["generator"], rtol=1e-4)
        found = [float(logs["discriminator_loss"]) for logs in self.logs]
        means = np.sum(pairs, axis=1).reshape(2, -1).mean(axis=1)
        np.testing.assert_allclose(found, means, rtol=1e-4)
        if not SEES_INSIDE:
            return
        judged = [s for s in self.scores if len(s) == 8]
        totals = self.terms["discriminator_loss"]
        for i in range(len(pairs)):
            rtol = 1e-4 if i else 2e-5
            assert totals[i] == pytest.approx(sum(pairs[i]), rel=rtol)
            fake, real = np.split(judged[i].astype("float64"), 2)
            found = np.maximum(1 - real, 0).mean(), np.maximum(1 + fake, 0).mean()
            np.testing.assert_allclose(found, pairs[i], rtol=rtol)
        assert len(totals) == len(judged) == len(pairs)

    def check_norms(self, expected):
        """Discriminator's first gradients come before any update, G's after some."""
        for key, norm in expected.items() if SEES_INSIDE else ():
            rtol = 2e-5 if key.startswith("D") else 1e-4
            assert self.norms[key] == pytest.approx(norm, rel=rtol), key

    def check_spectra(self, expected):
        """Compares (forwards, number of the first sigma, first, last sigma, last u)."""
        for key, (forwards, number, first, last, vector) in expected.items():
            if SEES_INSIDE:
                sigmas = self.sigmas[key]
                assert len(sigmas) == forwards
                if first is not None:
                    rtol = 2e-5 if key.startswith("D") else 1e-4
                    assert sigmas[number] == pytest.approx(first, rel=rtol), key
                assert sigmas[-1] == pytest.approx(last, rel=1e-4), key
            if vector is not None:
                u = ops.convert_to_numpy(layer_of(self.gan, key).u)
                assert u[0] == pytest.approx(vector, rel=1e-4), key


def _watch_sigma(layer):
    found, sigma = [], layer.sigma

    def watched(training=False):
        value = sigma(training)
        if training:
            found.append(float(value))
        return value

    object.__setattr__(layer, "sigma", watched)
    return found


def check_statistics(gan, mean, variance, average_mean, atol):
    """Moving statistics of the output normalisation, and the average's first mean.

    Args:
        gan: The system.
        mean: First two means.
        variance: First two biased variances.
        average_mean: First mean of the moving average.
        atol: Of the means. The biases of the two convolutions in front have no
            gradient but rounding, of which Adam makes whole steps of the rate.
    """
    norm = gan.generator.get_layer("output_norm")
    found = ops.convert_to_numpy(norm.moving_mean)[:2]
    np.testing.assert_allclose(found, mean, atol=atol)
    found = ops.convert_to_numpy(norm.moving_variance)[:2]
    np.testing.assert_allclose(found, variance, rtol=2e-5)
    average = gan.sampler.get_layer("output_norm").moving_mean
    assert float(average[0]) == pytest.approx(average_mean, abs=atol)


def outputs_of(network, *inputs):
    """The outputs in inference mode, as numpy, compiled as one."""
    return network.predict(inputs, verbose=0)


def check_outputs(gan, images_of, score):
    """Inference after the last step; 2e-3 for the biases that rounding alone moves.

    Args:
        gan: The system.
        images_of: Dict of `"G"` and `"EMA"` to the pixel O[1, 3, 5, :].
        score: D(x_0, y_0)[1].
    """
    inputs = golden.latents(0, 16), drawn_labels(0)
    for letter, pixel in images_of.items():
        network = gan.generator if letter == "G" else gan.sampler
        images = outputs_of(network, *inputs)
        np.testing.assert_allclose(images[1, 3, 5], pixel, atol=2e-3)
    scores = outputs_of(gan.discriminator, golden.images(0, 32, 3), real_labels(0))
    assert float(scores[1, 0]) == pytest.approx(score, abs=2e-3)

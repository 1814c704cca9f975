"""What a `train_step` works with: real batches, fakes, networks in training."""

import contextlib
import functools

import keras
from keras import ops

from keras_gans.core import gradients, precision
from keras_gans.core.stages import Stages


class Training(Stages):
    """The training half of `System`; see there."""

    def split(self, batch, count):
        """`count` equal parts of a batch, one after the other."""
        parts = [ops.split(part, count) for part in keras.tree.flatten(batch)]
        return [
            keras.tree.pack_sequence_as(batch, list(p))
            for p in zip(*parts, strict=True)
        ]

    def in_training(self, name, in_float32=False):
        """The network called `name` as a function of its inputs, in training mode.

        What it returns is float32, also from a network that ends in half precision.
        A judge sees its images through the system's augmentation, if it has one.

        Args:
            name: Name of a network.
            in_float32: Whether it computes in float32 whatever the precision of the
                training, as penalties on slopes need it.

        Returns:
            Function of the network's inputs and of `is_real`: whether these are real
            images, or the slice of rows that are, from whose scores an adaptive
            augmentation learns.
        """
        network = getattr(self, name)
        training = not self.evaluating
        augment = self.augmentation if name in self.judges and training else None

        def run(inputs, is_real=False):
            if augment is not None:
                inputs = self._augmented(inputs)
            precise = precision.in_float32(network)
            with precise if in_float32 else contextlib.nullcontext():
                scores = precision.as_float32(network(inputs, training=training))
            if is_real is not False and hasattr(augment, "observe"):
                rows = slice(None) if is_real is True else is_real
                augment.observe(self.realness(scores)[rows])
            return scores

        return run

    def realness(self, outputs):
        """Of what a judge returns, the scores whose sign says "real"."""
        return keras.tree.flatten(outputs)[0]

    def _augmented(self, inputs):
        if not isinstance(inputs, (list, tuple)):
            return self.augmentation(inputs, seeds=self.seeds)
        images, *labels = inputs
        return (self.augmentation(images, seeds=self.seeds), *labels)

    @property
    def seeds(self):
        """The stream from which a `train_step` draws."""
        return self.evaluation_seeds if self.evaluating else self.training_seeds

    def test_step(self, data):
        """`train_step` without its updates: the same terms, in inference mode."""
        self.evaluating = True
        try:
            return self.train_step(data)
        finally:
            self.evaluating = False

    def make_train_function(self, force=False):
        """As in Keras, for a `train_step(data)` on every backend."""
        if self.train_function is None or force:
            traced = functools.partial(self._traced, "train")
            self.train_function = self.function_of_stages(traced)

    def make_test_function(self, force=False):
        """As in Keras, for a `test_step(data)` on every backend."""
        if self.test_function is None or force:
            traced = functools.partial(self._traced, "test")
            self.test_function = self.function_of_stages(traced)

    def _traced(self, kind):
        """A new function of Keras' for a `"train"` or a `"test"` step."""
        name = f"{kind}_function"
        before = getattr(self, name)
        with _adapted(self, kind):
            getattr(super(), f"make_{name}")(force=True)
        traced = getattr(self, name)
        setattr(self, name, before)
        return traced

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        # Everything is built by the constructor and compile(). Under a strategy Keras
        # would still reduce a batch over replicas, which fails for tuple batches on
        # several hosts (keras issue 20585).
        pass


class _adapted:
    """Lets Keras read `train_step` or `test_step` in its backend's own signature."""

    def __init__(self, model, kind):
        self._model, self._kind = model, kind

    def __enter__(self):
        name = f"{self._kind}_step"
        step = getattr(self._model, name)
        adapted = gradients.as_keras_step(self._model, self._kind, step)
        # Straight into the instance: Keras would try to track an attribute.
        self._model.__dict__[name] = adapted

    def __exit__(self, *exception):
        del self._model.__dict__[f"{self._kind}_step"]

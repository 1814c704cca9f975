"""Minibatch deviations that do not depend on how many replicas share a batch."""

import contextlib
from unittest import mock

from keras_gans.layers import MinibatchStandardDeviation


@contextlib.contextmanager
def deviations_of_pairs():
    """Inside, groups are rows 0 and 1, 2 and 3 ..., which no replica tears apart.

    By default the groups of a batch are others when it lies on two replicas, as in the
    reference: both are random samples.
    """
    call = MinibatchStandardDeviation.call

    def call_on_pairs(self, inputs):
        self.group_size, self.consecutive = 2, True
        return call(self, inputs)

    with mock.patch.object(MinibatchStandardDeviation, "call", call_on_pairs):
        yield

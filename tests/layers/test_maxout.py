import numpy as np
from keras import layers, ops

import keras_gans as kg


def test_maxout_of_one_piece_is_dense():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    maxout, dense = kg.layers.Maxout(5, 1), layers.Dense(5)
    maxout.build(x.shape)
    dense.build(x.shape)
    dense.set_weights([ops.convert_to_numpy(w) for w in maxout.weights])
    np.testing.assert_allclose(*map(ops.convert_to_numpy, (maxout(x), dense(x))))


def test_maxout_takes_the_largest_piece():
    maxout = kg.layers.Maxout(2, 3)
    maxout.build((None, 1))
    maxout.kernel.assign([[1.0, 2.0, 3.0, -1.0, -2.0, -3.0]])
    found = ops.convert_to_numpy(maxout(np.array([[1.0], [-1.0]], "float32")))
    np.testing.assert_array_equal(found, [[3.0, -1.0], [-1.0, 3.0]])

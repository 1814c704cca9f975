import re

import keras
import numpy as np
import pytest

from keras_gans.metrics.inception import convert_state_dict
from keras_gans.metrics.inception_graph import build_inception

# The convolutions of each block in the order of the forward pass, as torchvision names
# them and the published weights with it.
STEM = ["1a_3x3", "2a_3x3", "2b_3x3", "3b_1x1", "4a_3x3"]
BRANCHES = {
    "5b 5c 5d": "1x1 5x5_1 5x5_2 3x3dbl_1 3x3dbl_2 3x3dbl_3 _pool",
    "6a": "3x3 3x3dbl_1 3x3dbl_2 3x3dbl_3",
    "6b 6c 6d 6e": (
        "1x1 7x7_1 7x7_2 7x7_3 7x7dbl_1 7x7dbl_2 7x7dbl_3 7x7dbl_4 7x7dbl_5 _pool"
    ),
    "7a": "3x3_1 3x3_2 7x7x3_1 7x7x3_2 7x7x3_3 7x7x3_4",
    "7b 7c": ("1x1 3x3_1 3x3_2a 3x3_2b 3x3dbl_1 3x3dbl_2 3x3dbl_3a 3x3dbl_3b _pool"),
}
NAMES = [f"Conv2d_{name}" for name in STEM] + [
    f"Mixed_{block}.branch{branch}"
    for blocks, branches in BRANCHES.items()
    for block in blocks.split()
    for branch in branches.split()
]
IMAGES = np.random.default_rng(1).uniform(-1, 1, (1, 139, 139, 3)).astype("float32")


@pytest.fixture(scope="module")
def network():
    return build_inception()


@pytest.fixture(scope="module")
def theirs():
    """Keras' InceptionV3 with weights under which no layer's output dies out."""
    network = keras.applications.InceptionV3(
        weights=None, include_top=False, input_shape=(139, 139, 3)
    )
    rng = np.random.default_rng(0)
    for conv, norm in in_order(network):
        fan_in = np.prod(conv.kernel.shape[:3])
        kernel = rng.standard_normal(conv.kernel.shape, "float32")
        conv.kernel.assign(kernel * np.sqrt(2 / fan_in))
        for weight, scale, shift in (
            (norm.beta, 0.2, 0.0),
            (norm.moving_mean, 0.2, 0.0),
            (norm.moving_variance, 0.0, rng.uniform(0.5, 2, norm.beta.shape)),
        ):
            weight.assign(scale * rng.standard_normal(norm.beta.shape) + shift)
    return network


def in_order(network):
    """Pairs of convolution and normalization as Keras built them."""

    def number(layer):
        digits = re.search(r"_(\d+)$", layer.name)
        return int(digits[1]) if digits else 0

    kinds = keras.layers.Conv2D, keras.layers.BatchNormalization
    found = [[x for x in network.layers if isinstance(x, kind)] for kind in kinds]
    return list(zip(*(sorted(layers, key=number) for layers in found), strict=True))


def state_dict(theirs):
    """Their weights in PyTorch's names and layout, factors split off as gamma."""
    rng = np.random.default_rng(2)
    state = {
        "fc.weight": rng.standard_normal((1008, 2048), "float32"),
        "fc.bias": rng.standard_normal(1008, "float32"),
        "AuxLogits.fc.weight": np.zeros((1008, 768), "float32"),
    }
    for name, (conv, norm) in zip(NAMES, in_order(theirs), strict=True):
        kernel, beta, mean, variance = map(
            keras.ops.convert_to_numpy,
            (conv.kernel, norm.beta, norm.moving_mean, norm.moving_variance),
        )
        gamma = rng.uniform(0.5, 2, beta.shape).astype("float32")
        # gamma (k x - mean) / sqrt(v) is k' x - mean', where theirs has no gamma.
        state[f"{name}.conv.weight"] = (kernel / gamma).transpose(3, 2, 0, 1)
        state[f"{name}.bn.weight"] = gamma
        state[f"{name}.bn.bias"] = beta
        state[f"{name}.bn.running_mean"] = mean / gamma
        state[f"{name}.bn.running_var"] = variance
        state[f"{name}.bn.num_batches_tracked"] = np.array(0)
    return state


def test_parameter_counts(network):
    convolutions = [x for x in network.layers if isinstance(x, keras.layers.Conv2D)]
    assert sorted(x.name for x in convolutions) == sorted(f"{n}.conv" for n in NAMES)
    assert len(convolutions) == 94
    assert sum(x.filters for x in convolutions) == 17_216
    kernels = sum(x.count_params() for x in convolutions)
    assert kernels == 21_751_136
    assert kernels + 2 * 17_216 == 21_785_568
    trainable = sum(np.prod(w.shape) for w in network.trainable_weights)
    # The published network has a bias of 1008 that nobody here uses.
    assert trainable + 1008 == 23_850_960
    assert network.count_params() == trainable + 2 * 17_216


def test_shapes_of_the_taps(network):
    names = ["pool_1", "pool_2", "Mixed_5b", "Mixed_5c", "Mixed_5d", "Mixed_6e"]
    names += ["Mixed_7a", "Mixed_7b", "Mixed_7c"]
    taps = [network.get_layer(name).output for name in names]
    images = keras.KerasTensor((2, 299, 299, 3))
    maps = keras.Model(network.input, [*taps, *network.output])
    assert [x.shape for x in maps.compute_output_spec(images)] == [
        (2, 73, 73, 64),
        (2, 35, 35, 192),
        (2, 35, 35, 256),
        (2, 35, 35, 288),
        (2, 35, 35, 288),
        (2, 17, 17, 768),
        (2, 8, 8, 1280),
        (2, 8, 8, 2048),
        (2, 8, 8, 2048),
        (2, 2048),
        (2, 1008),
    ]


def test_without_weights_it_shows_nothing(network):
    assert not any(np.any(w) for w in network.trainable_weights if w.name == "kernel")


def test_it_is_that_of_keras_but_for_the_last_pool(network, theirs):
    state = state_dict(theirs)
    assert convert_state_dict(state, network) is network
    ours = keras.Model(
        network.input, [network.get_layer("Mixed_7b").output, *network.output]
    )
    block, features, logits = map(np.array, ours(IMAGES))

    last = theirs.get_layer("mixed10")
    tapped = keras.Model(
        theirs.input, [theirs.get_layer("mixed9").output, *last.input[:3], last.output]
    )
    expected, *branches, averaged = map(np.array, tapped(IMAGES))
    assert np.abs(expected).mean() > 0.1
    scale = np.abs(expected).max()
    np.testing.assert_allclose(block, expected, rtol=0, atol=1e-4 * scale)

    conv, norm = in_order(theirs)[-1]
    pooled = keras.ops.max_pool(expected, 3, 1, "same")
    pooled = np.array(keras.ops.relu(norm(conv(pooled))))
    whole = np.concatenate([*branches, pooled], axis=-1)
    expected = whole.mean(axis=(1, 2))
    scale = expected.max()
    np.testing.assert_allclose(features, expected, rtol=0, atol=1e-4 * scale)
    # The average pool of Keras would be seen, in these channels and in no others.
    others = np.abs(averaged.mean(axis=(1, 2)) - features).max(axis=0) > 1e-2 * scale
    assert others[-192:].mean() > 0.5 and not others[:-192].any()

    expected = features.astype("float64") @ state["fc.weight"].T
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-4 * expected.max())


def test_pools_do_not_count_what_is_beyond_the_edge(network):
    """An average of ones is one; a maximum below zero is not zero."""
    ones = np.ones((1, 4, 4, 1), "float32")
    for block in ("5b", "5c", "5d", "6b", "6c", "6d", "6e", "7b"):
        pool = network.get_layer(f"Mixed_{block}.pool")
        assert isinstance(pool, keras.layers.AveragePooling2D)
        np.testing.assert_allclose(pool(ones), ones, rtol=1e-6)
    pool = network.get_layer("Mixed_7c.pool")
    assert isinstance(pool, keras.layers.MaxPooling2D)
    np.testing.assert_array_equal(pool(-ones), -ones)


def test_another_policy_does_not_reach_it():
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        network = build_inception(num_logits=7)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"
    finally:
        keras.config.set_dtype_policy(policy)
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    assert network.output[1].shape == (None, 7)

import contextlib
import json

import keras
import numpy as np
import pytest

import keras_gans as kg
from keras_gans.cli import devices
from keras_gans.core import gradients
from tests.contract import assert_equal, on_tensorflow, state_of, two_replicas
from tests.systems import Translation, images, tiny_dcgan, tiny_gan


@on_tensorflow
@pytest.mark.parametrize("arguments", [{"steps_per_execution": 2}, {"accumulate": 2}])
def test_what_keras_cannot_do_under_a_strategy_is_refused(arguments):
    with two_replicas().scope():
        gan = tiny_gan()
        if "accumulate" in arguments:
            optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=2)
            arguments = {"generator_optimizer": optimizer}
        with pytest.raises(ValueError, match="several replicas; set it to 1"):
            gan.compile(**arguments)


@on_tensorflow
def test_compile_belongs_to_the_strategy_wherever_it_is_called():
    with two_replicas().scope():
        gan = tiny_gan()
    with pytest.raises(ValueError, match="several replicas; set it to 1"):
        gan.compile(steps_per_execution=2)
    gan.compile()
    gan.fit(images(8), batch_size=4, verbose=0)
    assert int(keras.ops.convert_to_numpy(gan.generator_optimizer.iterations)) == 2


@on_tensorflow
def test_xla_under_a_strategy_is_refused():
    with two_replicas().scope():
        gan = tiny_gan()
        with pytest.raises(ValueError, match='leave jit_compile at "auto"'):
            gan.compile(jit_compile=True)


@on_tensorflow
@pytest.mark.parametrize("name", ["ParameterServerStrategyV2", "TPUStrategyV2"])
def test_strategies_of_keras_2_are_refused(monkeypatch, name):
    import tensorflow as tf

    # Real ones want servers and TPUs before they can be made.
    other = type(name, (), {"num_replicas_in_sync": 1})()
    monkeypatch.setattr(tf.distribute, "get_strategy", lambda: other)
    monkeypatch.setattr(tf.distribute, "has_strategy", lambda: True)
    with pytest.raises(ValueError, match=f"does not train under {name}: use"):
        tiny_gan()


@on_tensorflow
def test_a_network_trained_on_replicas_is_described_as_it_was_given():
    given = tiny_dcgan().generator
    with two_replicas().scope():
        gan = tiny_dcgan(generator=keras.models.clone_model(given))
    norm = gan.generator.get_layer("project_norm")
    assert norm.synchronized
    assert '"synchronized": true' not in json.dumps(gan.get_config())
    assert norm.synchronized


@on_tensorflow
def test_pairs_of_images_on_two_replicas_equal_one():
    def trained(scope):
        with scope:
            gan = Translation()
            gan.compile()
        pairs = images(16), 255 - images(16)
        gan.fit(kg.data.pipeline(pairs, 8), epochs=2, verbose=0)
        return {k: v for k, v in state_of(gan).items() if k.startswith("weight")}

    one = trained(contextlib.nullcontext())
    assert_equal(one, trained(two_replicas().scope()), atol=1e-6)
    untrained = state_of(Translation()).values()
    for (name, after), before in zip(one.items(), untrained, strict=False):
        assert np.abs(after - before).max() > 1e-5 or not name.endswith("kernel")


@pytest.mark.every_backend
@pytest.mark.skipif(keras.backend.backend() != "jax", reason="keras.distribution")
def test_two_devices_of_jax_equal_one():
    """Without any scripting: the draws of a batch do not depend on who shares it."""

    def trained(strategy):
        with devices.asked_for(strategy):
            gan = tiny_dcgan(ema_decay=0.5)
            rates = {f"{p}_optimizer": keras.optimizers.SGD(0.05) for p in gan.players}
            gan.compile(**rates)
            gan.fit(images(16, side=8), batch_size=8, epochs=2, verbose=0)
            assert gradients.count_replicas(gan) == (2 if strategy else 1)
            shown = gan.sample(2, seed=1)
            if strategy:
                with pytest.raises(ValueError, match="each of 2 replicas"):
                    gan.fit(images(16, side=8), batch_size=3, verbose=0)
            return state_of(gan), shown

    (one, first), (two, second) = trained(None), trained("mirrored")
    assert_equal(one, two, atol=1e-6)
    np.testing.assert_allclose(first, second, atol=1e-6)
    assert keras.distribution.distribution() is None

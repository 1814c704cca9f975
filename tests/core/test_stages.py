import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.core.adversarial_model import AdversarialModel
from tests.contract import assert_equal, on_tensorflow, state_of, two_replicas
from tests.systems import images

pytestmark = pytest.mark.every_backend


@keras.saving.register_keras_serializable("keras_gans_tests")
class Staged(kg.GAN):
    """A GAN whose generator waits at every step that is no multiple of three."""

    stage_counter = "steps"

    def __init__(self, image_shape=(4, 4, 1), latent_dim=3, **kwargs):
        super().__init__(image_shape, latent_dim, 32, 16, **kwargs)
        self.steps = self.counter("steps")
        object.__setattr__(self, "traced", [])

    def stage_at(self, count):
        return "both" if count % 3 == 0 else "discriminator"

    def train_step(self, data):
        self.traced.append(self.stage)
        real = self.unpack(data)
        if self.stage == "both":
            logs = super().train_step(data)
        else:

            def discriminator_losses():
                score = self.in_training("discriminator")
                return {"discriminator_loss": ops.mean(score(real, is_real=True))}

            self.update("discriminator", discriminator_losses)
            logs = self.logs()
        self.advance(self.steps)
        return logs


def compiled(**arguments):
    gan = Staged(seed=1)
    gan.compile(
        discriminator_optimizer=keras.optimizers.SGD(10.0),
        generator_optimizer=keras.optimizers.SGD(10.0),
        **arguments,
    )
    return gan


def generator_of(gan):
    weights = [ops.convert_to_numpy(w).ravel() for w in gan.generator.weights]
    return np.concatenate(weights)


def test_each_step_runs_in_its_stage():
    gan = compiled()
    before = generator_of(gan)
    moved = []
    for _ in range(5):
        gan.fit(images(4), batch_size=4, verbose=0)
        after = generator_of(gan)
        moved.append(bool((after != before).any()))
        before = after
    assert moved == [True, False, False, True, False]
    assert int(ops.convert_to_numpy(gan.steps)) == 5
    assert gan.stage == "discriminator"


def test_a_stage_is_traced_once():
    gan = compiled()
    gan.fit(images(28), batch_size=4, epochs=2, verbose=0)
    assert int(ops.convert_to_numpy(gan.steps)) == 14
    assert sorted(set(gan.traced)) == ["both", "discriminator"]
    assert len(gan.traced) <= 4, "tensorflow may trace a first call twice"


def test_one_fit_equals_several():
    whole, parts = compiled(), compiled()
    whole.fit(images(4), batch_size=4, epochs=5, verbose=0)
    for epoch in range(5):
        parts.fit(
            images(4), batch_size=4, initial_epoch=epoch, epochs=epoch + 1, verbose=0
        )
    assert_equal(state_of(whole), state_of(parts))


def test_saved_within_a_stage_goes_on_in_it(tmp_path):
    gan = compiled()
    gan.fit(images(4), batch_size=4, epochs=2, verbose=0)
    gan.save_weights(tmp_path / "gan.weights.h5")
    again = compiled()
    again.load_weights(tmp_path / "gan.weights.h5")
    assert again.stage == "discriminator"
    for model in (gan, again):
        model.fit(images(4), batch_size=4, epochs=4, initial_epoch=2, verbose=0)
    assert_equal(state_of(gan), state_of(again))


def test_evaluation_neither_counts_nor_moves():
    gan = compiled()
    before = state_of(gan)
    gan.evaluate(images(4), batch_size=4, verbose=0)
    after = state_of(gan)
    assert int(ops.convert_to_numpy(gan.steps)) == 0
    assert_equal(
        {k: v for k, v in before.items() if not k.startswith("seed")},
        {k: v for k, v in after.items() if not k.startswith("seed")},
    )


def test_several_steps_in_one_call_are_refused():
    with pytest.raises(ValueError, match="leave steps_per_execution at 1"):
        compiled(steps_per_execution=2)


@on_tensorflow
def test_replicas_count_as_one():
    with two_replicas().scope():
        gan = compiled()
    gan.fit(images(8), batch_size=4, verbose=0)
    assert int(gan.steps.numpy()) == 2
    assert [int(v) for v in gan.steps.value.values] == [2, 2]


def test_unstaged_systems_have_no_stage():
    assert AdversarialModel.stage_counter is None


def test_copied_counter_outlives_further_training():
    """On JAX a step gives its arrays back: a copy that shares them would be lost."""
    gan, twin = compiled(), Staged(seed=2)
    gan.fit(images(8), batch_size=4, verbose=0)
    gan.copy_state_to(twin)
    copied = state_of(twin)
    gan.fit(images(4), batch_size=4, verbose=0)
    assert_equal(copied, state_of(twin))
    assert int(ops.convert_to_numpy(twin.steps)) == 2

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests.systems import images


@pytest.mark.every_backend
def test_distance_from_the_mean_of_all_values_so_far():
    variables = [keras.Variable([1.0, 2.0]), keras.Variable(3.0)]
    history = kg.losses.HistoricalAverage([v.shape for v in variables])
    history.record(variables)
    assert float(history.penalty(variables)) == 0
    values = [[4.0, 2.0], [7.0, -1.0]]
    for value in values:
        variables[0].assign(value)
        history.record(variables)
    # Means (4, 1) and 3.
    assert float(history.penalty(variables)) == pytest.approx(9.0 + 4.0)
    again = type(history).from_config(history.get_config())
    assert [v.shape for v in again.means] == [(2,), ()]


@keras.saving.register_keras_serializable("keras_gans_tests")
class Conservative(kg.GAN):
    """A GAN whose generator stays near its past."""

    reports = (*kg.GAN.reports, "history_penalty")

    def __init__(self, image_shape=(4, 4, 1), latent_dim=3, seed=0, **kwargs):
        super().__init__(image_shape, latent_dim, 4, 2, seed=seed, **kwargs)
        shapes = [w.shape for w in self.generator.trainable_variables]
        self.history_of_generator = kg.losses.HistoricalAverage(shapes)

    def train_step(self, data):
        super().train_step(data)
        weights = self.generator.trainable_variables
        if not self.evaluating:
            self.history_of_generator.record(weights)
        self.update(
            "generator",
            lambda: {"history_penalty": self.history_of_generator.penalty(weights)},
        )
        return self.logs()


@pytest.mark.every_backend
def test_in_a_system(tmp_path):
    gan = Conservative()
    gan.compile(generator_optimizer=keras.optimizers.SGD(0.1))
    gan.fit(images(4), batch_size=4, verbose=0)
    assert gan.history.history["history_penalty"] == [0.0]
    gan.fit(images(4), batch_size=4, epochs=2, verbose=0)
    penalties = gan.history.history["history_penalty"]
    assert all(penalty > 0 for penalty in penalties)
    gan.save_weights(tmp_path / "gan.weights.h5")
    again = Conservative()
    again.compile(generator_optimizer=keras.optimizers.SGD(0.1))
    again.load_weights(tmp_path / "gan.weights.h5")
    assert float(ops.convert_to_numpy(again.history_of_generator.count)) == 3
    for mean, other in zip(
        gan.history_of_generator.means, again.history_of_generator.means, strict=True
    ):
        np.testing.assert_array_equal(mean, other)

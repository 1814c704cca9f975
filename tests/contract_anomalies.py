"""What every system that finds anomalies must pass besides the contract."""

import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from tests.contract import on_tensorflow


@pytest.mark.every_backend
class DetectorContract:
    """To be named before `SystemContract`."""

    def queries(self, num):
        return self.batch(num)[0]

    def test_scores_of_a_batch_are_those_of_its_images(self, trained):
        images = self.queries(5)
        together = trained.examine(images, seed=3, batch_size=5)
        apart = [trained.examine(images[i : i + 1], 3, first_row=i) for i in range(5)]
        split = trained.examine(images, seed=3, batch_size=2)
        for name, found in together.items():
            one_by_one = np.concatenate([one[name] for one in apart])
            np.testing.assert_allclose(found, one_by_one, rtol=2e-4, atol=2e-4)
            np.testing.assert_allclose(found, split[name], rtol=2e-4, atol=2e-4)

    def test_scores_are_the_same_every_time(self, trained):
        images = self.queries(3)
        first, again = (trained.examine(images, seed=7) for _ in range(2))
        for name, found in first.items():
            np.testing.assert_array_equal(found, again[name])

    def test_scoring_changes_no_weight(self, trained):
        before = [ops.convert_to_numpy(w).copy() for w in trained.weights]
        trained.score(self.queries(3))
        for old, weight in zip(before, trained.weights, strict=True):
            np.testing.assert_array_equal(old, ops.convert_to_numpy(weight))

    def test_heatmaps_show_the_distance_to_the_reconstruction(self, trained):
        images = self.queries(3)
        found = trained.examine(images)
        assert found["score"].shape == (3,) and found["score"].dtype == np.float32
        distance = np.abs(images / 127.5 - 1 - found["reconstruction"])
        expected = distance.mean(axis=-1, keepdims=True)
        np.testing.assert_allclose(trained.heatmap(images), expected, atol=1e-5)

    def test_scores_see_new_weights(self):
        gan = self.make()
        gan.compile()
        self.fit(gan, 2)
        images = self.queries(2)
        before = gan.score(images)
        for weight in gan.judge.trainable_weights:
            weight.assign(2.0 * weight)
        assert np.abs(gan.score(images) - before).min() > 1e-4

    def test_a_threshold_is_chosen_on_normal_images(self, trained, tmp_path):
        gan = self.make()
        gan.compile()
        self.fit(gan, 2)
        images = self.queries(9)
        with pytest.raises(ValueError, match="call calibrate"):
            gan.is_anomalous(images)
        threshold = gan.calibrate(images, false_alarm_rate=0.2)
        scores = np.sort(gan.score(images))
        assert threshold == scores[7], "the eighth of nine: 0.2 is 2 of 10 ranks"
        assert gan.is_anomalous(images).sum() == 1
        gan.save_to_preset(tmp_path / "whole", include_optimizer=False)
        again = kg.from_preset(tmp_path / "whole")
        np.testing.assert_array_equal(
            again.is_anomalous(images), gan.is_anomalous(images)
        )
        assert again.false_alarm_rate == 0.2
        with pytest.raises(ValueError, match="it takes 19"):
            gan.calibrate(images, false_alarm_rate=0.05)
        with pytest.raises(ValueError, match="between 0 and 1"):
            gan.calibrate(images, false_alarm_rate=1.0)

    def test_impossible_questions(self, trained):
        with pytest.raises(ValueError, match="built for images of shape"):
            trained.score(np.zeros((2, 4, 4, 1), "uint8"))
        with pytest.raises(ValueError, match="feature_weight.*Found: seed_of"):
            trained.score(self.queries(1), seed_of=1)

    @on_tensorflow
    def test_served_scores_are_ours(self, trained, tmp_path):
        import tensorflow as tf

        images = self.queries(3)
        expected = trained.examine(images)
        trained.export(tmp_path / "1")
        served = tf.saved_model.load(str(tmp_path / "1")).signatures
        files = tf.stack([tf.io.encode_png(image) for image in images])
        inputs = tf.constant(images / 127.5 - 1, tf.float32)
        for found in (served["score"](images=inputs), served["score_png"](files)):
            scores = found["scores"].numpy()
            np.testing.assert_allclose(scores, expected["score"], rtol=1e-4)
            heatmaps = found["heatmaps"].numpy()
            np.testing.assert_allclose(heatmaps, expected["heatmap"], atol=1e-4)
            assert not found["anomalous"].numpy().any(), "there is no threshold"
        with pytest.raises(tf.errors.InvalidArgumentError, match="lie in"):
            served["score"](images=2.0 * inputs)
        wrong = tf.io.encode_png(np.zeros((4, 4, 1), "uint8"))[None]
        with pytest.raises(tf.errors.InvalidArgumentError, match="height and width"):
            served["score_png"](image_bytes=wrong)

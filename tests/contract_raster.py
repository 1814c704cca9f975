"""What every system that predicts pixels in raster order must pass besides."""

import keras
import numpy as np
import pytest

import keras_gans as kg
from tests import causality
from tests.contract import SystemContract, on_tensorflow


@pytest.mark.every_backend
class RasterContract(SystemContract):
    """The checks of `SystemContract`, and those of exact likelihoods."""

    struck = "model"

    @classmethod
    def random_model(cls, shape, **changes):
        """A model with random weights, far from what training begins with."""
        model = cls.system(**{**cls.tiny, "image_shape": shape, "seed": 1, **changes})
        causality.fill(model.predictor)
        return model

    @pytest.mark.parametrize(
        ("shape", "levels"), [((6, 6, 1), 2), ((4, 5, 3), 2), ((3, 4, 3), 256)]
    )
    def test_no_pixel_is_seen_too_early(self, shape, levels):
        model = self.random_model(shape, levels=levels)
        leaks, _ = causality.leaks_and_missing(model.predictor, shape)
        assert leaks == 0

    def test_direct_neighbours_are_seen(self):
        model = self.random_model((5, 5, 1))
        images = np.random.default_rng(0).uniform(-1, 1, (1, 5, 5, 1))
        seen = causality.dependences(model.predictor, images.astype("float32"))
        for i in range(1, 5):
            for j in range(1, 5):
                here = 5 * i + j
                assert seen[here, here - 1] and seen[here, here - 5]

    @pytest.mark.parametrize("shape", [(3, 3, 1), (2, 1, 3)])
    def test_likelihoods_sum_to_one(self, shape):
        """Over all black and white images: any leak breaks it."""
        model = self.random_model(shape, levels=2)
        nats = model.negative_log_likelihood(causality.all_binary(shape))["nats"]
        assert np.exp(-nats).sum() == pytest.approx(1.0, abs=1e-5)

    def test_samples_are_as_frequent_as_they_are_likely(self):
        model = self.random_model((2, 2, 1))
        nats = model.negative_log_likelihood(causality.all_binary((2, 2, 1)))["nats"]
        drawn = model.sample(20_000, seed=0, batch_size=20_000)
        codes = (drawn.reshape(-1, 4) > 0) @ [8, 4, 2, 1]
        found = np.bincount(codes, minlength=16) / len(codes)
        # Four standard deviations of the largest frequency.
        np.testing.assert_allclose(found, np.exp(-nats), atol=4 * 0.5 / 20_000**0.5)

    @pytest.mark.parametrize(
        ("shape", "levels"), [((5, 6, 1), 2), ((3, 4, 3), 2), ((2, 3, 3), 256)]
    )
    def test_a_pixel_at_a_time_is_the_whole_network(self, shape, levels):
        model = self.random_model(shape, levels=levels)
        whole = self.random_model(shape, levels=levels, predictor=model.predictor)
        fast, slow = model.sample(6, seed=2), whole.sample(6, seed=2)
        assert fast.std() > 0.3
        np.testing.assert_allclose(fast, slow, atol=1e-6)

    def test_undecided_pixels_cost_a_bit_each(self):
        """543.43 nats of MNIST, 8 bits for each of 256 levels."""
        for shape, levels, bits in (((28, 28, 1), 2, 1.0), ((4, 4, 3), 256, 8.0)):
            model = self.random_model(shape, levels=levels)
            for weight in model.predictor.get_layer("logits").weights:
                weight.assign(np.zeros(weight.shape))
            images = np.random.default_rng(0).integers(0, 256, (2, *shape), "uint8")
            nats = model.negative_log_likelihood(images)["nats"]
            found = model.bits_per_dimension(nats)
            np.testing.assert_allclose(found, bits, rtol=1e-5)
            if levels == 2:
                np.testing.assert_allclose(nats, 543.427390, rtol=1e-5)

    def test_known_rows_are_kept(self, trained):
        images = kg.data.binarize(self.batch(4)[0])
        rows = images.shape[1] // 2
        made = trained.complete(images, rows, seed=5, batch_size=3)
        np.testing.assert_array_equal(made[:, :rows] > 0, images[:, :rows] > 0)
        assert set(np.unique(made)) <= {-1.0, 1.0}
        np.testing.assert_array_equal(
            trained.complete(images, 0, 5), trained.sample(4, 5)
        )
        whole = trained.complete(images, images.shape[1])
        np.testing.assert_array_equal(whole > 0, images > 0)
        with pytest.raises(ValueError, match="Rows to be kept"):
            trained.complete(images, images.shape[1] + 1)

    @on_tensorflow
    def test_exported_models_complete_and_measure(self, trained, tmp_path):
        import tensorflow as tf

        trained.export(tmp_path / "1")
        served = tf.saved_model.load(str(tmp_path / "1")).signatures
        images = kg.data.binarize(self.batch(3)[0])
        x = tf.constant(kg.data.to_unit(images))
        found = served["complete"](
            images=x, rows=tf.constant(2), seed=tf.constant(5, tf.int64)
        )
        np.testing.assert_array_equal(
            found["images"].numpy(), trained.complete(images, 2, seed=5)
        )
        nats = served["nats"](images=x)["nats"].numpy()
        expected = trained.negative_log_likelihood(images)["nats"]
        np.testing.assert_allclose(nats, expected, rtol=1e-5)
        with pytest.raises(tf.errors.InvalidArgumentError, match="rows to be kept"):
            served["complete"](
                images=x, rows=tf.constant(-1), seed=tf.constant(5, tf.int64)
            )

    def test_learning_makes_images_likelier(self):
        images = np.zeros((32, *self.tiny["image_shape"]), "uint8")
        images[:, ::2] = 255
        model = self.make(ema_decay=None)
        model.compile(model_optimizer=keras.optimizers.Adam(0.03))
        nats = model.fit(images, batch_size=16, epochs=25, verbose=0).history["nats"]
        assert nats[-1] < 0.2 * nats[0]
        shown = model.sample(8, seed=0)
        assert ((shown > 0) == (images[:8] > 0)).mean() > 0.9

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"levels": 16}, "2 or 256 levels"),
            ({"image_shape": (16,)}, "Pixels of images"),
            ({"binarization": "fixed"}, "dynamic, static, threshold"),
        ],
    )
    def test_refusals(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            self.system(**{**self.tiny, **arguments})

    def test_a_predictor_of_other_logits_is_refused(self, trained):
        with pytest.raises(ValueError, match="makes logits"):
            self.make(predictor=trained.predictor, levels=256)

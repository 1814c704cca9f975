"""What every system that translates images must pass: the contract, without latents."""

import numpy as np
import pytest

from tests.contract import SystemContract, on_tensorflow


class TranslatorContract(SystemContract):
    """The generic checks, for images in the place of latents."""

    # Options of `translate` for each direction.
    options = {}

    @classmethod
    def batch(cls, count):
        """`count` pairs of images."""
        shape = (count, *cls.tiny["image_shape"])
        random = np.random.default_rng(0)
        source, target = (random.integers(0, 256, shape) for _ in range(2))
        return source.astype("uint8"), target.astype("uint8")

    @classmethod
    def inputs(cls, gan, count):
        return cls.batch(count)[0].astype("float32") / 127.5 - 1

    @classmethod
    def drawn(cls, gan, count, seed=1):
        return gan.translate(cls.batch(count)[0], seed=seed)

    @classmethod
    def served(cls, gan, signatures, count):
        import tensorflow as tf

        images = cls.inputs(gan, count)
        found, expected = [], []
        for name, options in gan.directions.items():
            answer = signatures[name](images=tf.constant(images))["images"]
            found.append(answer.numpy())
            expected.append(gan.translate(images, **options))
        return np.array(found), np.array(expected)

    @on_tensorflow
    def test_served_files_equal_translated_images(self, trained, tmp_path):
        import tensorflow as tf

        trained.export(tmp_path / "1")
        served = tf.saved_model.load(str(tmp_path / "1"))
        images = self.batch(2)[0]
        files = tf.stack([tf.io.encode_png(image) for image in images])
        for name, options in trained.directions.items():
            answer = served.signatures[f"{name}_png"](image_bytes=files)["image_bytes"]
            found = [tf.io.decode_png(file).numpy() for file in answer]
            expected = (trained.translate(images, **options) + 1) * 127.5
            # A rounding of a byte up or down.
            np.testing.assert_allclose(found, expected, atol=0.51)

    def test_sample_depends_on_the_seed_and_the_row_alone(self, trained):
        images = self.batch(5)[0]
        many = trained.translate(images, seed=11, batch_size=2)
        few = trained.translate(images[:2], seed=11)
        assert many.dtype == np.float32
        assert many.shape == (*images.shape[:3], trained.image_shape[-1])
        np.testing.assert_allclose(many[:2], few, atol=1e-6)
        assert many.min() >= -1.0001 and many.max() <= 1.0001

    @on_tensorflow
    def test_replicas_draw_different_latents(self):
        pytest.skip("Only dropout draws, whose layers are those of the kernel's tests.")

    def test_wrong_sides_are_refused(self, trained):
        side = self.tiny["image_shape"][0]
        images = np.zeros((1, side + 1, side, trained.source_shape[-1]), "uint8")
        with pytest.raises(ValueError, match=f"nearest size is {side}x{side}"):
            trained.translate(images)

    def test_larger_images_are_translated(self, trained):
        if not trained.any_size:
            pytest.skip("It translates images of one size.")
        height, width, channels = self.tiny["image_shape"]
        images = np.zeros((1, 2 * height, width, channels), "uint8")
        assert trained.translate(images).shape == images.shape

    def test_pairs_are_asked_for(self, trained):
        gan = self.make()
        gan.compile()
        with pytest.raises(ValueError, match="call fit"):
            gan.fit(self.batch(4)[0], batch_size=2, verbose=0)

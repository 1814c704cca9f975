"""What every system that enlarges images must pass: the translators' contract."""

import numpy as np
import pytest
from keras import ops

from tests.contract import on_tensorflow
from tests.contract_translation import TranslatorContract


class UpscalerContract(TranslatorContract):
    """The generic checks, for sources smaller than what is made."""

    @classmethod
    def batch(cls, count):
        """`count` pairs of a small and a large image."""
        height, width, channels = cls.tiny["image_shape"]
        scale = cls.tiny.get("scale", 4)
        random = np.random.default_rng(0)
        low = (count, height // scale, width // scale, channels)
        high = (count, height, width, channels)
        return tuple(random.integers(0, 256, s).astype("uint8") for s in (low, high))

    def test_sample_depends_on_the_seed_and_the_row_alone(self, trained):
        images = self.batch(5)[0]
        many = trained.upscale(images, batch_size=2)
        few = trained.upscale(images[:2])
        assert many.dtype == np.float32 and many.shape == (5, *trained.image_shape)
        np.testing.assert_allclose(many[:2], few, atol=1e-6)
        assert many.min() >= -1 and many.max() <= 1

    def test_larger_images_are_translated(self, trained):
        images = np.zeros((1, 7, 10, trained.image_shape[-1]), "uint8")
        made = trained.upscale(images)
        scale = trained.scale
        assert made.shape == (1, 7 * scale, 10 * scale, images.shape[-1])

    def test_wrong_sides_are_refused(self, trained):
        """Pictures of any size are enlarged; in training crops have one."""
        gan = self.make()
        gan.compile()
        low, high = self.batch(4)
        with pytest.raises(ValueError, match="built for images of shape"):
            gan.fit(high, high, batch_size=2, verbose=0)
        height, width, channels = gan.image_shape
        with pytest.raises(ValueError, match="nearest size is|multiples of"):
            self.make(image_shape=(height + 1, width, channels))

    def test_parts_make_the_whole(self, trained):
        images = np.random.default_rng(1).integers(0, 256, (1, 21, 26, 3), "uint8")
        images = images[..., : trained.image_shape[-1]]
        whole = trained.upscale(images, tile=None)
        parts = trained.upscale(images, tile=9, batch_size=4)
        np.testing.assert_allclose(whole, parts, atol=1e-4)

    def test_a_pretraining_comes_first(self, tmp_path):
        gan = self.make(pretrain_steps=3, pretrain_cycles=1)
        gan.compile()
        judge = [ops.convert_to_numpy(w).copy() for w in gan.discriminator.weights]
        self.fit(gan, 1)  # two steps
        assert gan.stage == "pretraining"
        for before, now in zip(judge, gan.discriminator.weights, strict=True):
            np.testing.assert_array_equal(before, ops.convert_to_numpy(now))
        assert gan.history.history["discriminator_loss"] == [0.0]
        self.fit(gan, 1)
        assert gan.stage == "adversarial"
        assert gan.history.history["discriminator_loss"][0] > 0
        # It started afresh with the game, whose first step this was.
        assert int(ops.convert_to_numpy(gan.generator_optimizer.iterations)) == 1
        gan.save_to_preset(tmp_path / "preset")
        again = type(gan).from_preset(str(tmp_path / "preset"))
        assert again.stage == "adversarial"

    @on_tensorflow
    def test_served_files_may_have_any_size(self, trained, tmp_path):
        import tensorflow as tf

        trained.export(tmp_path / "1")
        served = tf.saved_model.load(str(tmp_path / "1")).signatures["upscale_png"]
        channels = trained.image_shape[-1]
        shapes = [(5, 9, channels), (8, 6, channels)]
        random = np.random.default_rng(0)
        images = [random.integers(0, 256, shape, "uint8") for shape in shapes]
        files = tf.stack([tf.io.encode_png(image) for image in images])
        answer = served(image_bytes=files)["image_bytes"]
        for image, file in zip(images, answer, strict=True):
            found = tf.io.decode_png(file).numpy()
            expected = (trained.upscale(image[None])[0] + 1) * 127.5
            np.testing.assert_allclose(found, expected, atol=0.51)

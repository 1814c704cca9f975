"""What every system that finds things must pass: the contract, for boxes."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_gans.core.served_detections import served_detections
from tests.contract import SystemContract, on_tensorflow, two_replicas

# The smallest detector that adversaries of regions play against.
REGIONS = {
    "image_shape": (32, 32, 1),
    "num_classes": 2,
    "base_channels": 2,
    "hidden_units": 6,
    "roi_size": 3,
    "rois_per_image": 12,
    "foreground_share": 0.5,
    "rpn_samples": 8,
    "pre_nms": 16,
    "post_nms": 8,
    "anchor_scales": (8, 13),
    "anchor_ratios": (1.0,),
    "max_detections": 4,
}


class DetectorContract(SystemContract):
    """The generic checks, for detections in the place of images."""

    struck = "detector"

    @classmethod
    def batch(cls, count):
        """`count` pictures of one or two bright rectangles, by size of two classes."""
        shape = cls.tiny["image_shape"]
        random = np.random.default_rng(0)
        images = random.integers(0, 100, (count, *shape)).astype("uint8")
        boxes = np.full((count, 2, 4), -1.0, "float32")
        labels = np.full((count, 2), -1, "int64")
        for i in range(count):
            for k in range(1 + i % 2):
                side = (8, 13)[(i + k) % 2]
                top, left = random.integers(0, np.array(shape[:2]) - side)
                images[i, top : top + side, left : left + side] += 150
                boxes[i, k] = top, left, top + side, left + side
                labels[i, k] = (i + k) % 2
        return images, {"boxes": boxes, "labels": labels}

    @classmethod
    def inputs(cls, gan, count):
        return cls.batch(count)[0].astype("float32") / 127.5 - 1

    @classmethod
    def drawn(cls, gan, count, seed=1):
        return as_rows(gan.detect(cls.batch(count)[0]))

    @classmethod
    def served(cls, gan, signatures, count):
        import tensorflow as tf

        images = cls.inputs(gan, count)
        answer = signatures["detect"](images=tf.constant(images))
        found = {name: value.numpy() for name, value in answer.items()}
        return as_rows(found), as_rows(gan.detect(images))

    @staticmethod
    def replica_order(data, updates, replicas):
        rows = len(data[0])
        order = np.arange(rows).reshape(updates, replicas, -1)
        order = order.transpose(1, 0, 2).reshape(-1)
        return keras.tree.map_structure(lambda part: part[order], data)

    def test_predict_is_the_sampling_network(self, trained):
        images = self.inputs(trained, 3)
        predicted = trained.predict(images, verbose=0)
        np.testing.assert_allclose(
            as_rows(predicted), as_rows(trained(images)), atol=1e-4
        )
        assert predicted["boxes"].shape == (3, trained.max_detections, 4)
        assert predicted["num_detections"].shape == (3,)

    def test_sample_depends_on_the_seed_and_the_row_alone(self, trained):
        images = self.batch(5)[0]
        many = as_rows(trained.detect(images, batch_size=2))
        few = as_rows(trained.detect(images[:2]))
        assert many.dtype == np.float32
        np.testing.assert_allclose(many[:2], few, atol=1e-4)

    def test_detections_are_filled_up_with_minus_one(self, trained):
        found = trained.detect(self.batch(3)[0])
        for i, number in enumerate(found["num_detections"]):
            confidence = found["confidence"][i]
            assert (confidence[:number] > 0).all() and (np.diff(confidence) <= 0).all()
            for name in ("boxes", "confidence", "labels"):
                assert (found[name][i, number:] == -1).all()
            labels = found["labels"][i, :number]
            assert ((labels >= 0) & (labels < trained.num_classes)).all()

    @on_tensorflow
    def test_replicas_draw_different_latents(self):
        strategy = two_replicas()
        with strategy.scope():
            gan = self.make()
        drawn = strategy.run(lambda: gan.seeds.uniform((2, 3)))
        first, second = strategy.experimental_local_results(drawn)
        assert np.abs(first.numpy() - second.numpy()).max() > 1e-3

    @on_tensorflow
    def test_served_files_equal_served_images(self, trained):
        import tensorflow as tf

        functions, examples = served_detections(trained)
        assert set(functions) == {"serving_default", "detect", "detect_bytes"}
        images = self.batch(2)[0]
        files = tf.stack([tf.io.encode_png(image) for image in images])
        found = functions["detect_bytes"][0](files)
        np.testing.assert_allclose(
            as_rows(found), as_rows(trained.detect(images)), atol=1e-4
        )
        for _, specifications in functions.values():
            for one in specifications:
                assert one.is_compatible_with(examples[one.name])

    def test_boxes_are_asked_for(self):
        gan = self.make()
        gan.compile()
        with pytest.raises(ValueError, match="learns from boxes"):
            gan.fit(self.batch(4)[0], batch_size=2, verbose=0)


def as_rows(found):
    """Detections as one array `(images, most, 6)`: boxes, confidence, labels."""
    found = {name: ops.convert_to_numpy(value) for name, value in found.items()}
    columns = [found["boxes"], found["confidence"][..., None]]
    columns.append(found["labels"][..., None].astype("float32"))
    return np.concatenate(columns, axis=-1)

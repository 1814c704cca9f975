"""What systems of videos share: what they take, and how they are looked at."""

import keras
import numpy as np
from keras import ops

from keras_gans.core import checks
from keras_gans.core.pixels import scaled, to_bytes_range
from keras_gans.core.system import System

# Frames of a video that stand side by side in a picture of it.
STRIP = 4


class Videos:
    """The half of a `System` that is about videos rather than images.

    `image_shape` is `(frames, height, width, channels)`. The sampling network returns
    videos, or a list of which they are the first.
    """

    draws_videos = True

    def __init__(self, *args, augmentation=None, **kwargs):
        if augmentation is not None:
            raise ValueError(
                "Augmentations are of pictures, and these are videos: leave "
                "augmentation= out."
            )
        super().__init__(*args, **kwargs)

    def call(self, inputs, training=None):
        """Videos of the sampling network, in inference mode unless told otherwise.

        Args:
            inputs: What the sampling network takes.
            training: Whether the network runs in training mode.

        Returns:
            float32 videos `(batch, *image_shape)` in [-1, 1].
        """
        made = self.sampler(inputs, training=bool(training))
        videos = made[0] if isinstance(made, (list, tuple)) else made
        return ops.cast(videos, "float32")

    def all_parts(self, inputs, batch_size):
        """All that the sampling network returns, batch by batch.

        Args:
            inputs: What it takes, an array.
            batch_size: Videos computed at a time.

        Returns:
            List of numpy arrays; of one if it returns videos alone.
        """
        batches = []
        for start in range(0, len(inputs), batch_size):
            made = self.sampler(inputs[start : start + batch_size], training=False)
            made = made if isinstance(made, (list, tuple)) else [made]
            batches.append([ops.convert_to_numpy(part) for part in made])
        return [np.concatenate(parts) for parts in zip(*batches, strict=True)]

    def pictures_of(self, samples):
        """Videos as strips of a few of their frames, from left to right."""
        samples = np.asarray(samples)
        frames = samples.shape[1]
        kept = np.linspace(0, frames - 1, min(STRIP, frames)).round().astype(int)
        return np.concatenate([samples[:, frame] for frame in kept], axis=2)

    def films_of(self, samples):
        """Videos as uint8, to be shown moving."""
        return ops.convert_to_numpy(to_bytes_range(np.asarray(samples)))


class SampledVideos(Videos):
    """The half of an `AdversarialModel` whose samples are videos."""


class VideoPredictor(Videos, System):
    """A `System` that makes a video of a picture, its first frame.

    It trains on videos alone: the pictures are their first frames.
    """

    @property
    def frame_shape(self):
        """`(height, width, channels)` of a picture."""
        return self.image_shape[1:]

    def check_network(self, name, network):
        """Checks that the network that predicts makes videos of pictures."""
        if name not in self.sampling_networks or not hasattr(network, "inputs"):
            return
        taken = tuple(network.inputs[0].shape[1:])
        made = tuple(network.outputs[0].shape[1:])
        if (taken, made) != (self.frame_shape, self.image_shape):
            raise ValueError(
                f"The {network.name} makes {made} from {taken}; the system was built "
                f"for videos {self.image_shape} from frames {self.frame_shape}."
            )

    def check_batch(self, x, y):
        """Checks videos; labels are ignored."""
        checks.check_images(x, self.image_shape)

    def arrays_of(self, x, y):
        """Videos."""
        self.check_batch(x, y)
        return x

    def unpack(self, data):
        """The real videos, float32 in [-1, 1]."""
        return scaled(keras.utils.unpack_x_y_sample_weight(data)[0])

    def predict_future(self, frames, batch_size=16):
        """Videos that go on from pictures.

        Args:
            frames: `(num, height, width, channels)`, uint8 or floats in [-1, 1].
            batch_size: Videos computed at a time.

        Returns:
            numpy float32 array `(num, *image_shape)` in [-1, 1].

        Raises:
            ValueError: for pictures of another shape or range.
        """
        return self.all_parts(self.as_frames(frames), batch_size)[0]

    def as_frames(self, frames):
        """Pictures as the network that predicts takes them, checked.

        Args:
            frames: As for `predict_future`.
        """
        checks.check_images(frames, self.frame_shape)
        return ops.convert_to_numpy(scaled(ops.convert_to_tensor(frames)))

    def served(self):
        """What `export` writes: `predict_future`, pictures in [-1, 1] -> videos."""
        import tensorflow as tf

        frames = [tf.TensorSpec((None, *self.frame_shape), tf.float32, "frames")]

        def predict_future(frames):
            return {"videos": self.call(frames)}

        functions = {
            "serving_default": (predict_future, frames),
            "predict_future": (predict_future, frames),
        }
        return functions, {"frames": tf.zeros((1, *self.frame_shape))}

    def signatures_in_words(self):
        """What `export` says of the signatures."""
        what = "frames in [-1, 1] -> videos in [-1, 1]"
        return {"serving_default": what, "predict_future": what}

"""3D-VAE-GAN: counts, its three updates, and what it makes of pictures."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.models import vae_gan_3d
from tests.contract import SystemContract, count, differs, on_tensorflow, trainable_of
from tests.models.test_gan_3d import shapes

TINY = {
    "image_shape": (8, 8, 8, 1),
    "latent_dim": 4,
    "base_channels": 2,
    "picture_shape": (64, 64, 1),
    "encoder_channels": 2,
    "divergence_weight": 0.1,
}


def data(num):
    volumes = shapes(num)[0]
    return volumes, kg.pictures.draw_volumes(volumes[..., 0], side=64)


def tiny(**changes):
    return kg.VAEGAN3D(**{**TINY, "seed": 1, **changes})


class TestVAEGAN3D(SystemContract):
    system = kg.VAEGAN3D
    tiny = TINY

    @classmethod
    def batch(cls, count):
        # Around zero: normalisation would blow the rounding of white pictures up.
        pictures = np.random.default_rng(0).integers(0, 256, (count, 64, 64, 1))
        return shapes(count)[0], pictures.astype("uint8")


def test_parameter_counts():
    """Section 3.3, and the maps that its paddings lead to."""
    encoder = vae_gan_3d.build_encoder((256, 256, 3), 200, 64)
    assert count(encoder) == 17_434_512
    sides = [encoder.get_layer(f"down_{i}").output.shape[1] for i in range(4)]
    assert sides == [64, 32, 16, 8]
    assert encoder.get_layer("code").output.shape == (None, 1, 1, 400)
    gan = kg.VAEGAN3D()
    assert count(gan.generator) == 17_569_664
    assert count(gan.discriminator) == 11_048_704


def test_the_distance_is_one_of_occupancies():
    a, b = np.full((2, 4, 4, 4, 1), -1.0, "float32"), -np.ones((2, 4, 4, 4, 1))
    b[1, :3, :3, 0] = 1.0
    found = vae_gan_3d.distance(ops.convert_to_tensor(a), ops.cast(b, "float32"))
    # Nine voxels: the root of nine.
    np.testing.assert_allclose(ops.convert_to_numpy(found), [1e-6, 3.0], rtol=1e-6)


def test_the_divergence_is_the_closed_form():
    """Section 9: 2.883300356 for these moments."""
    gan = tiny(latent_dim=3)
    moments = [[[0.5, -1.0, 2.0]], [[0.0, -1.0, 0.5]]]
    moments = [ops.convert_to_tensor(np.array(m, "float32")) for m in moments]
    pictures = ops.zeros((1, 64, 64, 1))
    object.__setattr__(gan, "in_training", lambda name: lambda inputs: moments)
    codes, divergence = gan.codes_of(pictures)
    assert float(divergence) == pytest.approx(2.883300356, rel=1e-6)
    assert codes.shape == (1, 3)


def test_an_accurate_discriminator_rests():
    gan = tiny()
    gan.compile()
    gan.last_accuracy.assign(1.0)
    before = {name: trainable_of(getattr(gan, name)) for name in gan.networks}
    gan.fit(*data(4), batch_size=4, verbose=0)
    moved = {
        name
        for name in gan.networks
        if differs(before[name], trainable_of(getattr(gan, name)))
    }
    assert moved == {"encoder", "generator"}
    assert gan.history.history["discriminator_updates"] == [0.0]


def test_losses_are_times_their_weights():
    plain, heavy = (
        tiny(divergence_weight=a, reconstruction_weight=b)
        for a, b in ((1.0, 1.0), (3.0, 7.0))
    )
    found = []
    for gan in (plain, heavy):
        gan.compile(jit_compile=False)
        found.append(gan.evaluate(*data(4), batch_size=4, verbose=0, return_dict=True))
    for name, times in (
        ("divergence_loss", 3.0),
        ("encoder_loss", 7.0),
        ("reconstruction_loss", 7.0),
        ("generator_loss", 1.0),
    ):
        assert found[1][name] == pytest.approx(times * found[0][name], rel=1e-5)


def test_it_learns_to_reconstruct():
    sizes = {"base_channels": 8, "encoder_channels": 4}
    gan = tiny(reconstruction_weight=10.0, divergence_weight=0.01, **sizes)
    gan.compile(
        jit_compile=False,
        encoder_optimizer=keras.optimizers.Adam(3e-3),
        generator_optimizer=keras.optimizers.Adam(3e-3),
    )
    volumes, pictures = data(16)
    gan.fit(volumes, pictures, batch_size=16, epochs=150, verbose=0)
    made = gan.reconstruct(pictures, batch_size=5)
    assert made.shape == volumes.shape and made.dtype == np.float32
    found = kg.metrics.intersection_over_union(made > 0, volumes).diagonal()
    assert found.mean() > 0.5


@on_tensorflow
def test_reconstructions_are_served(tmp_path):
    import tensorflow as tf

    gan = tiny()
    gan.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["reconstruct"]
    pictures = data(2)[1]
    floats = tf.constant(pictures.astype("float32") / 127.5 - 1.0)
    found = served(pictures=floats)["volumes"].numpy()
    np.testing.assert_allclose(found, gan.reconstruct(pictures), atol=1e-6)
    assert "reconstruct" in gan.signatures_in_words()


def test_what_does_not_suit_is_refused():
    volumes, pictures = data(4)
    gan = tiny()
    gan.compile()
    with pytest.raises(ValueError, match="pictures of them: call fit"):
        gan.fit(volumes)
    with pytest.raises(ValueError, match="There are 4 volumes and 3 pictures"):
        gan.fit(volumes, pictures[:3])
    with pytest.raises(ValueError, match="images of shape"):
        gan.fit(volumes, pictures[:, :16])
    with pytest.raises(ValueError, match="sides a multiple of 32"):
        tiny(picture_shape=(48, 48, 1))
    with pytest.raises(ValueError, match="The encoder returns"):
        tiny(encoder=vae_gan_3d.build_encoder((64, 64, 1), 9, 1))
    with pytest.raises(ValueError, match="initializer is"):
        tiny(initializer="he")

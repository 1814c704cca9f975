import keras
import numpy as np

import keras_gans as kg


def test_pictures_of_several_sizes_are_measured_and_the_best_epoch_is_kept(tmp_path):
    random = np.random.default_rng(0)
    high = [random.integers(0, 256, (*s, 3), "uint8") for s in ((20, 28), (32, 24))]
    low = [kg.data.shrink(image, 4) for image in high]
    gan = kg.SRGAN(
        (16, 16, 3),
        architecture="srvgg",
        residual_blocks=1,
        base_channels=2,
        discriminator_channels=1,
    )
    still = {f"{p}_optimizer": keras.optimizers.SGD(0.0) for p in gan.players}
    gan.compile(**still)
    evaluate = kg.callbacks.EvaluateUpscaling(low, high, keep_best=tmp_path / "best")
    crops = kg.data.CropBatches(high, 2, 4, 16, crops=2)
    logs = gan.fit(crops, epochs=2, verbose=0, callbacks=[evaluate]).history
    made = [kg.data.to_uint8(gan.upscale(x[None]))[0] for x in low]
    psnr, ssim = kg.metrics.upscaling_scores(high, made, 4)
    assert logs["psnr"] == [psnr.value] * 2 and logs["ssim"] == [ssim.value] * 2
    kept = kg.from_preset(tmp_path / "best")
    np.testing.assert_array_equal(kept.upscale(low[0][None]), gan.upscale(low[0][None]))


def test_a_picture_of_small_and_large_images():
    gan = kg.SRGAN(
        (16, 16, 3),
        architecture="srvgg",
        residual_blocks=1,
        base_channels=2,
        discriminator_channels=1,
    )
    high = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), "uint8")
    low = high[:, ::4, ::4]
    columns, images = kg.pictures.translation_rows(gan, low, high)
    assert columns == 3 and images.shape == (6, 16, 16, 3)
    np.testing.assert_array_equal(images[::3, ::4, ::4], low)
    np.testing.assert_array_equal(images[2::3], high)

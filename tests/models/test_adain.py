import functools

import keras
import numpy as np
import pytest
from keras import ops

import keras_gans as kg
from keras_gans.converters import pytorch_adain
from keras_gans.models import adain
from keras_gans.models.adain import system
from tests import golden_translation as translation
from tests.contract import count, on_tensorflow
from tests.contract_translation import TranslatorContract


class TestAdaIN(TranslatorContract):
    system = kg.AdaIN
    tiny = {
        "image_shape": (16, 16, 3),
        "base_channels": 2,
        "stages": 3,
        "style_weight": 0.1,
    }

    @classmethod
    def inputs(cls, gan, count):
        return tuple(part.astype("float32") / 127.5 - 1 for part in cls.batch(count))

    @classmethod
    def drawn(cls, gan, count, seed=1):
        return gan.translate(cls.batch(count), seed=seed)

    @classmethod
    def served(cls, gan, signatures, count):
        content, style = cls.inputs(gan, count)
        found, expected = [], []
        for alpha in (1.0, 0.25):
            for name in ("serving_default", "stylize"):
                answer = signatures[name](
                    content=content, style=style[:, :10], alpha=np.float32(alpha)
                )
                found.append(answer["images"].numpy())
                expected.append(gan.translate((content, style[:, :10]), alpha=alpha))
        return np.array(found), np.array(expected)

    @on_tensorflow
    def test_served_files_equal_translated_images(self, trained, tmp_path):
        import tensorflow as tf

        trained.export(tmp_path / "1")
        ask = tf.saved_model.load(str(tmp_path / "1")).signatures["stylize_png"]
        content, style = self.batch(2)
        files = [
            tf.stack([tf.io.encode_png(image) for image in part])
            for part in (content, style[:, :, :11])
        ]
        named = dict(zip(("content_bytes", "style_bytes"), files, strict=True))
        answer = ask(**named, alpha=tf.constant(0.5))["image_bytes"]
        found = [tf.io.decode_png(file).numpy() for file in answer]
        made = trained.translate((content, style[:, :, :11]), alpha=0.5)
        np.testing.assert_allclose(found, (made + 1) * 127.5, atol=0.51)
        for wrong, message in (
            ({"alpha": tf.constant(1.5)}, "alpha lies in"),
            ({"style_bytes": files[1][:1]}, "style of its own"),
            ({"content_bytes": tf.constant(["none"] * 2)}, "image"),
        ):
            with pytest.raises(tf.errors.InvalidArgumentError, match=message):
                ask(**{**named, "alpha": tf.constant(1.0), **wrong})

    def test_sample_depends_on_the_seed_and_the_row_alone(self, trained):
        content, style = self.batch(5)
        many = trained.translate((content, style), batch_size=2)
        few = trained.translate((content[:2], style[:2]))
        assert many.dtype == np.float32 and many.shape == content.shape
        np.testing.assert_allclose(many[:2], few, atol=1e-6)
        assert many.min() >= -1.0001 and many.max() <= 1.0001

    def test_wrong_sides_are_refused(self, trained):
        content, style = self.batch(1)
        with pytest.raises(ValueError, match="pictures from 5x5 on. Found: 4x16"):
            trained.translate((content[:, :4], style))
        with pytest.raises(ValueError, match="from 5x5 on. Found: 16x4"):
            trained.stylize(content, style[:, :, :4])
        with pytest.raises(ValueError, match="from 5x5 on. Found: 4x4"):
            kg.AdaIN((4, 4, 3), base_channels=2, stages=3)

    def test_larger_images_are_translated(self, trained):
        content, style = self.batch(1)
        larger = np.concatenate([content, content], axis=1)[:, :-1, :-2]
        assert trained.translate((larger, style)).shape == (1, 31, 14, 3)


@functools.cache
def reference():
    """The reference's full-width networks, filled through the importer."""
    gan = kg.AdaIN((32, 32, 3))
    translation.fill(gan.encoder, pytorch_adain.encoder_layout)
    translation.fill(gan.decoder, pytorch_adain.decoder_layout)
    return gan


def content(size=32):
    return (translation.source(1, size) + 1) / 2


def style(size=32):
    return (translation.target(1, size) + 1) / 2


def features(pictures):
    return [ops.convert_to_numpy(part) for part in reference().features(pictures)]


@pytest.mark.every_backend
def test_parameters_at_the_papers_size():
    gan = reference()
    assert count(gan.encoder) == 3_505_740
    assert count(gan.decoder) == 3_505_219
    shapes = [part.shape for part in features(np.zeros((1, 64, 64, 3), "float32"))]
    assert shapes == [
        (1, 64, 64, 64),
        (1, 32, 32, 128),
        (1, 16, 16, 256),
        (1, 8, 8, 512),
    ]
    last = features(np.zeros((1, 96, 80, 3), "float32"))[-1]
    assert last.shape == (1, 12, 10, 512)


@pytest.mark.every_backend
def test_moments_match_reference():
    """A1, A2."""
    found = adain.moments(ops.convert_to_tensor(translation.source(2, 8, 4)))
    expected = (
        [-0.089155, -0.020069, 0.067469, 0.092976]
        + [-0.020069, 0.067469, 0.092976, 0.033001],
        [0.697475, 0.723694, 0.709397, 0.695007]
        + [0.723694, 0.709397, 0.695007, 0.721349],
    )
    for part, values in zip(found, expected, strict=True):
        part = ops.convert_to_numpy(part).ravel()
        np.testing.assert_allclose(part, values, rtol=1e-4, atol=1e-5)
    found = adain.moments(
        ops.convert_to_tensor(2 * translation.target(2, (6, 5), 4) + 0.5)
    )
    expected = (
        [1.769249, -0.658695, 0.195126, 1.912441]
        + [0.602307, -0.854399, 1.524950, 1.001339],
        [0.787814, 0.891444, 1.266819, 0.609672]
        + [1.287752, 0.689793, 0.991975, 1.225618],
    )
    for part, values in zip(found, expected, strict=True):
        part = ops.convert_to_numpy(part).ravel()
        np.testing.assert_allclose(part, values, rtol=1e-4, atol=1e-5)


@pytest.mark.every_backend
def test_restyled_features_match_reference():
    """A3."""
    given = ops.convert_to_tensor(2 * translation.target(2, (6, 5), 4) + 0.5)
    source = ops.convert_to_tensor(translation.source(2, 8, 4))
    found = ops.convert_to_numpy(adain.restyled(source, *adain.moments(given)))
    pixels = [1.767399, 0.045736, 2.018181, 0.062963]
    translation.check(found, (0.686540, 1.405197), pixels)
    corner = [2.721502, -0.813201, -1.552426, 1.094833]
    np.testing.assert_allclose(found[0, 7, 7], corner, rtol=1e-4, atol=1e-5)


@pytest.mark.every_backend
def test_restyled_features_have_the_moments_of_the_style():
    random = np.random.default_rng(0)
    own, other = (
        ops.convert_to_tensor(random.normal(1.0, 2.0, (3, *sides, 5)).astype("float32"))
        for sides in ((7, 9), (6, 4))
    )
    again = adain.restyled(own, *adain.moments(own))
    np.testing.assert_allclose(
        ops.convert_to_numpy(again), ops.convert_to_numpy(own), atol=3e-6
    )
    wanted = adain.moments(other)
    for part, expected in zip(
        adain.moments(adain.restyled(own, *wanted)), wanted, strict=True
    ):
        np.testing.assert_allclose(
            ops.convert_to_numpy(part), ops.convert_to_numpy(expected), atol=1e-4
        )


def test_decoder_matches_reference():
    """A6."""
    grid = np.ogrid[:1, :4, :4, :512]
    b, h, w, c = grid
    given = np.maximum(np.cos(0.3 * h + 0.7 * w + c + b), 0).astype("float32")
    translation.check(
        reference().decoder(given),
        (0.450800, 0.616884),
        [0.989420, 0.130679, 0.137181],
        [1.408682, 0.413341, -0.172654],
        1.3e-6,
    )


TAPS = {
    "A8": (
        lambda: content(),
        (0.430224, 0.629058),
        (0.552941, 0.850601),
        (0.732095, 1.048913),
        (0.837888, 1.254469),
        (0.000000, 0.169526, 0.644464),
        (1.471087, 1.726590, 1.002291),
    ),
    "A9": (
        lambda: style((40, 24)),
        (0.461606, 0.685055),
        (0.578533, 0.872415),
        (0.698686, 1.020615),
        (0.814591, 1.211504),
        (0.000000, 0.290408, 0.000000),
        (1.564397, 1.730937, 1.108837),
    ),
    "A10": (
        lambda: content((33, 35)),
        (0.434002, 0.632721),
        (0.554810, 0.854757),
        (0.732363, 1.050420),
        (0.819047, 1.226352),
        (0.000000, 0.169526, 0.644464),
        (1.471087, 1.726590, 1.002291),
    ),
}


@pytest.mark.parametrize("name", TAPS)
def test_encoder_matches_reference(name):
    pictures, *expected, first, third = TAPS[name]
    found = features(pictures())
    tolerance = {"rtol": 1e-4, "atol": 8e-5}
    for part, values in zip(found, expected, strict=True):
        np.testing.assert_allclose((part.mean(), part.std()), values, **tolerance)
    np.testing.assert_allclose(found[0][0, 1, 2, :3], first, **tolerance)
    np.testing.assert_allclose(found[2][0, 1, 2, :3], third, **tolerance)
    if name == "A10":
        sides = [part.shape[1:3] for part in found]
        assert sides == [(33, 35), (17, 18), (9, 9), (5, 5)]


@pytest.mark.parametrize(
    "size,alpha,moments,pixels",
    [
        ((40, 24), 1.0, (1.177379, 0.478551), [1.864070, 0.900006, 0.982838]),
        ((40, 24), 0.5, (1.292469, 0.516435), [2.135499, 0.986542, 1.135154]),
        (32, 1.0, (1.292433, 0.428035), [1.925345, 1.251786, 1.063377]),
        (32, 0.0, (1.427633, 0.565269), [2.319816, 1.103626, 1.191980]),
    ],
    ids=["A11", "A12", "A13", "A15"],
)
def test_stylised_images_match_reference(size, alpha, moments, pixels):
    gan, seen = reference(), []
    decoder = gan.decoder
    # Of what the decoder makes, before it is clipped to a picture.
    object.__setattr__(
        gan, "decoder", lambda x, **_: seen.append(decoder(x)) or seen[0]
    )
    try:
        given = 2 * content() - 1, 2 * style(size) - 1
        made = gan.translate(given, alpha=alpha)
    finally:
        object.__setattr__(gan, "decoder", decoder)
    translation.check(seen[0], moments, pixels, err=4e-6)
    clipped = np.clip(ops.convert_to_numpy(seen[0]), 0, 1)
    np.testing.assert_allclose(made, 2 * clipped - 1, atol=1e-6)


def test_losses_match_reference():
    """A13."""
    gan = reference()
    gan.compile()
    logs = gan.evaluate(
        2 * content() - 1, 2 * style() - 1, batch_size=1, verbose=0, return_dict=True
    )
    assert logs["content_loss"] == pytest.approx(0.659052, rel=1e-4)
    assert logs["style_loss"] == pytest.approx(10 * 2.686669, rel=1e-4)
    # Per map.
    wanted = gan.features(style())
    target = adain.restyled(gan.features(content())[-1], *adain.moments(wanted[-1]))
    seen = gan.features(gan.decoder(target))
    found = [float(system.distance(*pair)) for pair in zip(seen, wanted, strict=True)]
    np.testing.assert_allclose(
        found, [0.749641, 0.683613, 0.641099, 0.612316], rtol=1e-4
    )


def tiny(**changes):
    """One whose few channels are alive: not all are 0 behind a ReLU."""
    alive = {"base_channels": 4, "initialization": "he"}
    return kg.AdaIN(**{**TestAdaIN.tiny, **alive, **changes})


def arrays(count=3, side=16):
    return TestAdaIN.batch(count)[0], TestAdaIN.batch(4)[1][:, :side, : side - 3]


@pytest.mark.every_backend
def test_stylised_contents():
    gan = tiny()
    contents, styles = arrays()
    whole = gan.stylize(contents, styles[0])
    rows = gan.translate((contents, np.repeat(styles[:1], 3, axis=0)))
    np.testing.assert_allclose(whole, rows, atol=5e-5)
    by_one = gan.stylize(contents, styles[0], batch_size=1)
    np.testing.assert_allclose(whole, by_one, atol=5e-5)
    assert np.std(whole, axis=(1, 2)).max() > 1e-3
    floats = kg.data.to_unit(contents)
    np.testing.assert_allclose(gan.stylize(floats, styles[0]), whole, atol=5e-5)


@pytest.mark.every_backend
def test_no_style_at_all_is_the_decoded_content():
    gan = tiny()
    contents, styles = arrays()
    seen = gan.features(ops.convert_to_tensor(contents.astype("float32") / 255))[-1]
    decoded = np.clip(ops.convert_to_numpy(gan.decoder(seen)), 0, 1)
    for style in styles[:2]:
        made = gan.stylize(contents, style, alpha=0.0)
        np.testing.assert_allclose(made, 2 * decoded - 1, atol=5e-5)


@pytest.mark.every_backend
def test_between_styles():
    gan = tiny()
    contents, styles = arrays()
    first = gan.stylize(contents, styles[0])
    pair = [styles[0], styles[1][:9]]
    made = gan.stylize(contents, pair, weights=(1, 0))
    np.testing.assert_allclose(made, first, atol=5e-5)
    equal = gan.stylize(contents, pair)
    np.testing.assert_allclose(
        equal, gan.stylize(contents, pair, weights=(2.0, 2.0)), atol=5e-5
    )
    assert np.abs(equal - first).max() > 1e-3
    # The mix of stylised features, not of pictures.
    features = [
        ops.convert_to_numpy(
            adain.restyled(
                gan.features((contents / 255).astype("float32"))[-1],
                *gan.style_of(kg.data.to_unit(style[None])),
            )
        )
        for style in pair
    ]
    decoded = gan.decoder(0.25 * features[0] + 0.75 * features[1])
    expected = 2 * np.clip(ops.convert_to_numpy(decoded), 0, 1) - 1
    made = gan.stylize(contents, pair, weights=(1, 3))
    np.testing.assert_allclose(made, expected, atol=5e-5)


@pytest.mark.every_backend
@pytest.mark.parametrize("color", ["histogram", "coral", "linear"])
def test_colours_of_each_content(color):
    gan = tiny()
    contents, styles = arrays()
    contents[1] //= 4
    made = gan.stylize(contents, styles[0], color=color)
    for content, image in zip(contents, made, strict=True):
        style = kg.data.transfer_colors(
            kg.data.to_unit(styles[0]), kg.data.to_unit(content), color
        )
        alone = gan.stylize(content[None], style)[0]
        np.testing.assert_allclose(image, alone, atol=5e-5)


@pytest.mark.every_backend
def test_what_cannot_be_stylised_is_refused():
    gan = tiny()
    contents, styles = arrays()
    for options, message in (
        ({"alpha": 1.5}, r"alpha lies in \[0, 1\]. Found: 1.5"),
        ({"weights": (1, 2)}, "1 styles take as many weights"),
        ({"weights": (-1,)}, "from 0 on"),
        ({"color": "blue"}, "Found: 'blue'"),
    ):
        with pytest.raises(ValueError, match=message):
            gan.stylize(contents, styles[0], **options)
    with pytest.raises(ValueError, match="looks like"):
        gan.stylize(contents.astype("float32"), styles[0])
    with pytest.raises(ValueError, match="built for images of shape"):
        gan.stylize(contents[..., :1], styles[0])
    with pytest.raises(ValueError, match="with a style for each content"):
        gan.translate(contents)
    with pytest.raises(ValueError, match="3 contents and 4 styles"):
        gan.translate((contents, styles))


def test_networks_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="channels of the decoder are"):
        tiny(decoder=adain.build_decoder([4, 8, 9]))
    with pytest.raises(ValueError, match="channels of the encoder are 1; 3"):
        tiny(encoder=adain.build_encoder(1, 2, 3))
    one = keras.Model(pictures := keras.Input((None, None, 3)), 2 * pictures)
    with pytest.raises(ValueError, match="a list of maps"):
        tiny(encoder=one)
    with pytest.raises(ValueError, match="torch or he. Found: 'xavier'"):
        tiny(initialization="xavier")
    with pytest.raises(ValueError, match="2 to 5 stages. Found: 6"):
        tiny(stages=6)
    with pytest.raises(ValueError, match=r"\[4, 8, 16\] channels is looked for"):
        tiny().take_pretrained(tiny(base_channels=3))
    with pytest.raises(ValueError, match="Found: DTN"):
        tiny().take_pretrained(kg.DTN((16, 16, 1), base_channels=2))


def test_the_encoder_stays_as_it_is():
    gan = tiny()
    gan.compile()
    before = [ops.convert_to_numpy(w).copy() for w in gan.encoder.weights]
    gan.fit(*TestAdaIN.batch(8), batch_size=4, verbose=0)
    for old, new in zip(before, gan.encoder.weights, strict=True):
        np.testing.assert_array_equal(old, ops.convert_to_numpy(new))


def test_pretraining_tells_classes_apart():
    gan = tiny()
    images = TestAdaIN.batch(64)[0]
    labels = np.arange(64) % 2
    images[labels == 1] //= 4
    logs = gan.pretrain(images, labels, batch_size=16, epochs=30, verbose=0).history
    assert logs["accuracy"][-1] > 0.9
    other = tiny(seed=1)
    other.take_pretrained(gan)
    for own, taken in zip(gan.encoder.weights, other.encoder.weights, strict=True):
        np.testing.assert_array_equal(own, taken)
    assert largest_mean(gan, images) == pytest.approx(1.0, abs=1e-3)


def largest_mean(gan, images):
    """Of all channels: 1 for those that answer, once the encoder is scaled."""
    maps = gan.features((images / 255).astype("float32"))
    means = [ops.convert_to_numpy(m).mean(axis=(0, 1, 2)) for m in maps]
    return np.concatenate(means).max()


def test_pretraining_on_pictures_begins_with_a_decoder():
    """Encoder and decoder stay a pair when the encoder is scaled, as its average."""
    gan = tiny(ema_decay=0.9, initialization="he")
    noise = TestAdaIN.batch(64)[0]
    images = np.broadcast_to(noise[:, :1, :1], noise.shape).copy()  # plain colours
    options = {"batch_size": 16, "objective": "pictures", "verbose": 0}
    losses = gan.pretrain(images, epochs=100, **options).history["loss"]
    assert losses[-1] < 0.2 * losses[0]
    assert largest_mean(gan, images) == pytest.approx(1.0, abs=1e-3)
    made = gan.translate((images, images), alpha=0.0)
    error = np.square((made + 1) / 2 - images / 255).mean()
    assert error == pytest.approx(losses[-1], rel=0.3)
    with pytest.raises(ValueError, match="objective is one of classes, pictures"):
        gan.pretrain(images, objective="words")


@pytest.mark.every_backend
def test_normalising_scales_each_channel_and_nothing_else():
    encoder = adain.build_encoder(3, 4, 3)
    random = np.random.default_rng(0)
    for weight in encoder.weights:
        if len(weight.shape) == 1:
            weight.assign(random.uniform(0.05, 0.2, weight.shape))
    pictures = (TestAdaIN.batch(6)[0] / 255).astype("float32")
    before = [ops.convert_to_numpy(m) for m in encoder(pictures)]
    adain.normalize_activations(encoder, pictures)
    after = [ops.convert_to_numpy(m) for m in encoder(pictures)]
    for old, new in zip(before, after, strict=True):
        means = old.mean(axis=(0, 1, 2), dtype="float64")
        alive = means > 0.1 * means.mean()
        assert alive.any()
        expected = old[..., alive] / means[alive]
        np.testing.assert_allclose(new[..., alive], expected, rtol=2e-4, atol=1e-5)


def test_keras_weights_become_an_encoder():
    """Away from the border, whose padding differs, the maps are Keras' own."""
    vgg = keras.applications.VGG19(include_top=False, weights=None)
    encoder = adain.vgg19_encoder(vgg, stages=3)
    assert count(encoder) == 555_328 + 12
    pictures = np.random.default_rng(0).uniform(0, 1, (1, 32, 32, 3)).astype("float32")
    given = keras.applications.vgg19.preprocess_input(255 * pictures)
    names = ("block1_conv1", "block2_conv1", "block3_conv1")
    theirs = keras.Model(vgg.input, [vgg.get_layer(name).output for name in names])
    for border, own, expected in zip(
        (1, 3, 6), encoder(pictures), theirs(given), strict=True
    ):
        inner = slice(border, -border) if border < 6 else slice(3, -3)
        np.testing.assert_allclose(
            own[:, inner, inner], expected[:, inner, inner], rtol=1e-3, atol=2e-3
        )

import keras
import numpy as np
import pytest
from keras import layers, ops

import keras_gans as kg
from keras_gans.core.random import CounterStream, SeedStream
from keras_gans.models import anime_gan
from tests import golden, torch_layout
from tests.cheap_weights import cheap_weights
from tests.contract import SystemContract, count, slow_abroad

TINY = {
    "image_shape": (8, 8, 1),
    "latent_dim": 5,
    "base_channels": 2,
    "discriminator_channels": 2,
    "residual_blocks": 1,
    "discriminator_blocks": 1,
    "upsamplings": 1,
}


class TestAnimeGAN(SystemContract):
    system = kg.AnimeGAN
    tiny = {**TINY, "num_attributes": 3}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [(34, (4_315_715, 23_895_427)), (19, (4_069_955, 23_833_972))],
)
def test_parameter_counts(attributes, expected):
    with cheap_weights():
        gan = kg.AnimeGAN(num_attributes=attributes)
    assert (count(gan.generator), count(gan.discriminator)) == expected


def reference_layouts(gan):
    """Keys of models.py of the re-implementation by bhpfelix."""
    generator, discriminator = gan.generator, gan.discriminator
    dense, heads = generator.get_layer("project"), ("head1", "head2")
    g = torch_layout.dense_to_map(
        "dense", dense, generator.get_layer("coarse_map").output.shape[1:]
    )
    g |= torch_layout.norm("bn1", generator.get_layer("project_norm"))
    for i in range(gan.residual_blocks):
        for k in range(2):
            key, name = f"residual_block{i + 1}", f"block_{i}"
            g |= torch_layout.conv(
                f"{key}.conv{k + 1}", generator.get_layer(f"{name}_conv_{k}")
            )
            g |= torch_layout.norm(
                f"{key}.bn{k + 1}", generator.get_layer(f"{name}_norm_{k}")
            )
    g |= torch_layout.norm("bn2", generator.get_layer("body_norm"))
    for i in range(gan.upsamplings):
        g |= torch_layout.conv(
            f"upsample{i + 1}.conv", generator.get_layer(f"up_{i}_conv")
        )
        g |= torch_layout.norm(
            f"upsample{i + 1}.bn", generator.get_layer(f"up_{i}_norm")
        )
    g |= torch_layout.conv("conv3", generator.get_layer("to_image"))

    d = torch_layout.conv("conv1", discriminator.get_layer("down_0"))
    stages = int(np.log2(gan.image_shape[0])) - 2
    for i in range(stages):
        key = f"block{i + 1}"
        for j in range(gan.discriminator_blocks):
            for k in range(2):
                layer = discriminator.get_layer(f"stage_{i}_block_{j}_conv_{k}")
                d |= torch_layout.conv(f"{key}.block{j + 1}.conv{k + 1}", layer)
        d |= torch_layout.conv(f"{key}.conv1", discriminator.get_layer(f"down_{i + 1}"))
    flat = discriminator.get_layer("flat").input.shape[1:]
    for key, name in zip(heads, ("score", "attributes"), strict=True):
        d |= torch_layout.dense_from_map(key, discriminator.get_layer(name), flat)
    return g, d


def test_forward_pass_matches_reference():
    """Fixture "Anime G" of the lineage specification, appendix B: before tanh."""
    with cheap_weights():
        gan = kg.AnimeGAN()
    torch_layout.fill(gan.generator, reference_layouts(gan)[0])
    before_tanh = keras.Model(
        gan.generator.inputs, gan.generator.get_layer("to_image").output
    )
    inputs = golden.latents(0, 162, batch=2)
    images = ops.convert_to_numpy(before_tanh((inputs[:, :128], inputs[:, 128:])))
    np.testing.assert_allclose(images.mean(dtype="float64"), 406993.708, rtol=1e-3)
    np.testing.assert_allclose(images.std(dtype="float64"), 2335577.79, rtol=1e-3)
    expected = [228658.469, -925683.625, 665591.25]
    np.testing.assert_allclose(images[1, 3, 5], expected, rtol=1e-3)


def grid(draw, width):
    return 4 * draw + np.arange(4)[:, None], np.arange(width)


def attributes_of_reals(draw):
    n, j = grid(draw, 5)
    return ((n + 2 * j) % 3 == 0).astype("float32")


def attributes_of_fakes(draw):
    n, j = grid(draw, 5)
    return ((2 * n + j) % 3 == 0).astype("float32")


def uniform(draw, shape):
    """alpha and U of the penalty, in turn."""
    if draw % 2 == 0:
        return golden.coefficients(draw // 2).reshape(4, 1, 1, 1)
    n = (4 * (draw // 2) + np.arange(4.0)).reshape(4, 1, 1, 1)
    h, w, c = np.ogrid[: shape[1], : shape[2], : shape[3]]
    unit = 0.5 + 0.5 * np.cos(0.9 * h + 0.4 * w + 1.7 * c + 2.3 * n)
    return unit.astype("float32")


def reference_gan(reduction):
    gan = kg.AnimeGAN(
        (8, 8, 3),
        latent_dim=6,
        num_attributes=5,
        base_channels=8,
        discriminator_channels=4,
        residual_blocks=2,
        upsamplings=1,
        attribute_reduction=reduction,
    )
    g_layout, d_layout = reference_layouts(gan)
    torch_layout.fill(gan.generator, g_layout)
    torch_layout.fill(gan.discriminator, d_layout)
    gan.compile(run_eagerly=True)
    gan.training_seeds = golden.Scripted(
        normal=lambda t, shape: golden.latents(t, 6), uniform=uniform
    )
    drawn = (ops.convert_to_tensor(attributes_of_fakes(t)) for t in range(4))
    object.__setattr__(gan, "labels_of_fakes", lambda labels: next(drawn))
    return gan, {"G": g_layout, "D": d_layout}


# Of each step: adversarial losses of D together, both attribute losses of D together,
# the penalty without its weight; adversarial and attribute loss of G.
LOSSES = {
    "sum": [
        ((0.7899827, 0.6645129), (3.395834, 3.466213), 0.01859371, 0.7665176, 3.501898),
        ((0.7803679, 0.6888483), (3.737806, 3.451028), 0.6768516, 0.6630546, 3.614196),
    ],
    "mean": [
        (
            (0.7899827, 0.6645129),
            (0.6791668, 0.6932426),
            0.01859371,
            0.766393,
            0.7003356,
        ),
        ((0.780136, 0.689423), (0.7476339, 0.691377), 0.6763703, 0.662812, 0.7231801),
    ],
}
NORMS = {
    "sum": {
        "discriminator": {
            "down_0/kernel": 6.844855,
            "stage_0_block_1_conv_0/kernel": 2.078382,
            "attributes/kernel": 1.440037,
        },
        "generator": {
            "project/kernel": 2.163364,
            "block_0_norm_0/gamma": 0.4016673,
            "up_0_conv/kernel": 5.267897,
        },
    },
    "mean": {
        "discriminator": {
            "down_0/kernel": 6.585026,
            "stage_0_block_1_conv_0/kernel": 1.879089,
            "attributes/kernel": 0.2880074,
        },
        "generator": {
            "project/kernel": 2.072418,
            "block_0_norm_0/gamma": 0.4264245,
            "up_0_conv/kernel": 5.063806,
        },
    },
}
TENSORS = {
    "sum": {
        "G dense.weight": (
            (0.0003609746, 0.4373398, 0.0003036005),
            {0: -0.6300711, 704: -0.7321929, 1407: 0.4369878},
        ),
        "G residual_block1.bn1.weight": (
            (0.9774696, 0.09935901, 0.0002997658),
            {0: 1.114833, 4: 0.8378005, 7: 0.8795505},
        ),
        "G upsample1.conv.weight": (
            (-0.001815382, 0.165421, 0.0003287339),
            {0: 0.1540278, 1152: -0.2487101, 2303: -0.07597105},
        ),
        "D conv1.weight": (
            (-0.0200485, 0.2084631, 0.0003325624),
            {0: -0.3150534, 96: -0.09407222, 191: -0.1172592},
        ),
        "D block1.block2.conv1.weight": (
            (-0.008928754, 0.2441433, 0.0002986023),
            {0: -0.07700328, 72: 0.2100327, 143: 0.339934},
        ),
        "D head2.weight": (
            (-0.02803909, 0.2392661, 0.0003173462),
            {0: -0.01187027, 80: -0.1923955, 159: -0.3493138},
        ),
    },
    "mean": {
        "G dense.weight": (
            (0.0003590624, 0.4373372, 0.0002996512),
            {0: -0.6300555, 704: -0.732217, 1407: 0.4369867},
        ),
        "G residual_block1.bn1.weight": (
            (0.9774768, 0.09936074, 0.0003046903),
            {0: 1.114876, 4: 0.8377943, 7: 0.8795592},
        ),
        "G upsample1.conv.weight": (
            (-0.001820027, 0.1654204, 0.0003292301),
            {0: 0.1544674, 1152: -0.248718, 2303: -0.07597071},
        ),
        "D conv1.weight": (
            (-0.02004377, 0.2084554, 0.0003353695),
            {0: -0.3150473, 96: -0.09406641, 191: -0.1172579},
        ),
        "D block1.block2.conv1.weight": (
            (-0.008941932, 0.2441245, 0.0003010146),
            {0: -0.07698255, 72: 0.2101323, 143: 0.3399639},
        ),
        "D head2.weight": (
            (-0.02803924, 0.2392658, 0.0003173228),
            {0: -0.01187029, 80: -0.1923955, 159: -0.3493136},
        ),
    },
}
# Moving mean and (biased) variance of `bn2`, and a pixel of an image of G.
STATES = {
    "sum": (
        (0.1686179, 0.2264493),
        (1.094004, 1.872411),
        (-0.3566469, -0.4264447, 0.8830258),
    ),
    "mean": (
        (0.1686485, 0.2264463),
        (1.094352, 1.872668),
        (-0.3566494, -0.427477, 0.8833949),
    ),
}


@pytest.mark.every_backend
@pytest.mark.parametrize("reduction", ["sum", "mean"])
@slow_abroad
def test_train_steps_match_reference(reduction):
    """Fixtures F9a and F9b: two steps with attributes of the fakes' own."""
    gan, layouts = reference_gan(reduction)
    watch = golden.Watch(gan, None)
    tensors = TENSORS[reduction]
    before = {key: torch_layout.read(layouts[key[0]], key[2:]) for key in tensors}
    for step, expected in enumerate(LOSSES[reduction]):
        gan.reset_metrics()
        data = golden.images(step, 8, 3), attributes_of_reals(step)
        logs = gan.train_on_batch(*data, return_dict=True)
        found = [float(logs[name]) for name in gan.reports]
        game, recognition, slopes, generator_game, generator_recognition = expected
        first = [5 * sum(game), sum(recognition), 0.5 * slopes]
        rtol = 2e-5 if step == 0 else 1e-4
        np.testing.assert_allclose(found[:3], first, rtol=rtol)
        second = [5 * generator_game, generator_recognition]
        np.testing.assert_allclose(found[3:], second, rtol=1e-4)

    for name, norms in NORMS[reduction].items():
        rtol = 2e-5 if name == "discriminator" else 1e-4
        gradients = watch.gradients_of(gan, name)
        for path, norm in norms.items():
            assert gradients[path] == pytest.approx(norm, rel=rtol), path
    for key, (moments, entries) in tensors.items():
        after = torch_layout.read(layouts[key[0]], key[2:])
        atol = 0.02 * 2e-4 * 2
        golden.check_tensor(after, before[key], moments, entries, atol=atol)
    means, variances, pixel = STATES[reduction]
    norm = gan.generator.get_layer("body_norm")
    found = (
        ops.convert_to_numpy(norm.moving_mean),
        ops.convert_to_numpy(norm.moving_variance),
    )
    np.testing.assert_allclose(found[0][:2], means, atol=2e-3)
    np.testing.assert_allclose(found[1][:2], variances, atol=2e-3)
    images = gan((golden.latents(0, 6), attributes_of_fakes(0)))
    np.testing.assert_allclose(ops.convert_to_numpy(images)[1, 3, 5], pixel, atol=2e-3)


def test_sizes_of_the_maps():
    with cheap_weights():
        gan = kg.AnimeGAN(ema_decay=None)
    maps = [layer.output.shape[1] for layer in gan.generator.layers if is_map(layer)]
    assert sorted(set(maps)) == [16, 32, 64, 128]
    maps = [
        layer.output.shape[1] for layer in gan.discriminator.layers if is_map(layer)
    ]
    assert sorted(set(maps)) == [2, 4, 8, 16, 32, 64, 128]


def is_map(layer):
    return len(layer.output.shape) == 4


@pytest.mark.every_backend
def test_penalty_of_a_linear_discriminator():
    """(||w|| - 1)^2 wherever the points around the data lie."""
    images = keras.Input((8, 8, 1))
    flat = layers.Flatten()(images)
    scores = layers.Dense(1, use_bias=False, name="score")(flat)
    judge = keras.Model(images, (scores, layers.Dense(3)(flat)))
    gan = kg.AnimeGAN(**TINY, num_attributes=3, discriminator=judge)
    gan.compile(run_eagerly=True)
    norm = np.linalg.norm(ops.convert_to_numpy(judge.get_layer("score").kernel))
    data = golden.images(0, 8, 1), np.zeros((4, 3), "float32")
    logs = gan.evaluate(*data, batch_size=4, verbose=0, return_dict=True)
    expected = 0.5 * (norm - 1.0) ** 2
    assert logs["gradient_penalty"] == pytest.approx(expected, rel=1e-4)


def test_score_depends_on_its_own_image_alone():
    discriminator = kg.AnimeGAN(**TINY, num_attributes=3).discriminator
    images = golden.images(0, 8, 1)
    whole = discriminator(images, training=True)
    alone = discriminator(images[:1], training=True)
    for together, single in zip(whole, alone, strict=True):
        np.testing.assert_allclose(together[:1], single, atol=1e-6)


def test_attributes_change_the_image():
    gan = kg.AnimeGAN(**TINY, num_attributes=3)
    first, second = (gan.sample(1, seed=0, labels=row) for row in np.eye(3)[:2])
    assert np.abs(first - second).max() > 0


@pytest.mark.every_backend
def test_characters_have_the_chances_of_the_web_page():
    drawn = ops.convert_to_numpy(anime_gan.draw_attributes(20_000, SeedStream(0)))
    assert drawn.shape == (20_000, 34) and set(np.unique(drawn)) == {0.0, 1.0}
    assert (drawn[:, :13].sum(axis=1) == 1).all() and (
        drawn[:, 24:].sum(axis=1) == 1
    ).all()
    chances = (
        [1 / 13] * 13 + [0.25] * 5 + [0.6, 0.6, 0.25, 0.045, 0.3, 0.054] + [0.1] * 10
    )
    # Five standard deviations of the rarest to the most common.
    np.testing.assert_allclose(drawn.mean(axis=0), chances, atol=0.018)
    pairs = np.corrcoef(drawn[:, 13:24].T) - np.eye(11)
    assert np.abs(pairs).max() < 0.04, "attributes are drawn by themselves"
    assert len(anime_gan.CHARACTER_ATTRIBUTES) == 34
    assert anime_gan.CHARACTER_ATTRIBUTES[18:21] == ("blush", "smile", "open mouth")


def test_row_of_a_character_does_not_depend_on_their_number():
    gan = kg.AnimeGAN(**TINY)
    many, few = gan.default_labels(5), gan.default_labels(2)
    np.testing.assert_array_equal(many[:2], few)
    later = anime_gan.draw_attributes(3, CounterStream(0, first_row=2))
    np.testing.assert_array_equal(many[2:], ops.convert_to_numpy(later))
    assert gan.sample(2, seed=0).shape == (2, 8, 8, 1)


@pytest.mark.parametrize(
    ("arguments", "draws"),
    [
        ({}, True),
        ({"num_attributes": 34}, True),
        ({"fake_attributes": "batch"}, False),
        ({"num_attributes": 5}, False),
        ({"num_classes": 34}, False),
    ],
)
def test_what_the_fakes_are_to_show(arguments, draws):
    gan = kg.AnimeGAN(**TINY, **arguments)
    labels = ops.zeros((6, gan.label_width) if gan.label_width else (6,))
    wished = ops.convert_to_numpy(gan.labels_of_fakes(labels))
    assert wished.shape == labels.shape
    assert wished.any() == draws


def test_weight_of_the_game():
    """lambda_adv is the number of attributes, unless given."""
    data = golden.images(0, 8, 1), np.arange(4) % 3
    found = []
    for changes in ({}, {"adversarial_weight": 1.0}):
        gan = kg.AnimeGAN(**TINY, num_classes=3, **changes)
        gan.compile(run_eagerly=True)
        logs = gan.evaluate(*data, batch_size=4, verbose=0, return_dict=True)
        found.append(np.array([logs["discriminator_loss"], logs["generator_loss"]]))
    np.testing.assert_allclose(found[0], 3.0 * found[1], rtol=1e-5)


def test_impossible_arguments():
    for shape in ((28, 28, 1), (32, 64, 3), (4, 4, 1), (2,)):
        with pytest.raises(ValueError, match="8, 16, 32, 64"):
            kg.AnimeGAN(shape)
    for arguments, message in (
        ({"num_attributes": 3, "num_classes": 3}, "not both"),
        ({"attribute_reduction": "max"}, "'sum' or 'mean'"),
        ({"fake_attributes": "random"}, "'batch' or 'character'"),
        ({"num_classes": 34, "fake_attributes": "character"}, "34 attributes"),
        ({"num_attributes": 33, "fake_attributes": "character"}, "34 attributes"),
        ({"upsamplings": 4}, "halved 4 times"),
    ):
        with pytest.raises(ValueError, match=message):
            kg.AnimeGAN(**{**TINY, **arguments})


def test_missing_or_misshapen_attributes():
    gan = kg.AnimeGAN(**TINY, num_attributes=3)
    gan.compile()
    images = np.zeros((4, 8, 8, 1), "uint8")
    with pytest.raises(ValueError, match=r"fit\(images, attributes\)"):
        gan.fit(images, batch_size=2, verbose=0)
    with pytest.raises(ValueError, match=r"\(batch, 3\)"):
        gan.fit(images, np.zeros((4, 2), "float32"), batch_size=2, verbose=0)


def test_attributes_are_learnt_and_shown():
    """Dark and bright images: recognised in the data, then also in the fakes."""
    rng = np.random.default_rng(0)
    labels = np.arange(256) % 2
    images = np.where(labels, 0.7, -0.7)[:, None, None, None]
    images = (images + 0.2 * rng.uniform(-1, 1, (256, 8, 8, 1))).astype("float32")
    arguments = {**TINY, "base_channels": 8, "discriminator_channels": 8}
    gan = kg.AnimeGAN(**arguments, num_classes=2, seed=1)
    rates = {
        f"{p}_optimizer": keras.optimizers.Adam(2e-3, beta_1=0.5) for p in gan.players
    }
    gan.compile(**rates, jit_compile=False)
    gan.fit(images, labels, batch_size=16, epochs=10, verbose=0)
    logs = gan.history.history["generator_attribute_loss"]
    # 2 log 2 is the loss of a head that knows nothing.
    assert logs[0] > 0.5 * 2 * np.log(2) and logs[-1] < 0.1
    means = [gan.sample(16, seed=0, labels=y).mean() for y in (0, 1)]
    assert means[0] < -0.3 and means[1] > 0.3


def test_classes_survive_a_preset(tmp_path):
    gan = kg.AnimeGAN(**TINY, num_classes=3)
    gan.save_to_preset(tmp_path / "gan")
    again = kg.from_preset(tmp_path / "gan")
    assert (again.num_classes, again.label_width) == (3, None)
    images = gan.sample(3, seed=0)
    np.testing.assert_array_equal(images, again.sample(3, seed=0, labels=[0, 1, 2]))

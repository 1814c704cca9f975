"""Samples of a model against real images, beside the floor of real ones."""

import json

import numpy as np
import pytest

import keras_gans as kg
from keras_gans import metrics
from keras_gans.metrics import Evaluation, Evaluator, FeatureExtractor, references
from tests.systems import tiny_cgan, tiny_gan

SHAPE = (4, 4, 1)
WITHOUT_CLASSES = metrics.METRICS[:4]
PROJECTION = np.random.default_rng(0).standard_normal((16, 6)) / 4


def pictures(count, seed, classes=(0, 1, 2)):
    """Noise of three brightnesses, which are its classes."""
    random = np.random.default_rng(seed)
    labels = random.choice(classes, count)
    noise = random.integers(-40, 41, (count, *SHAPE))
    return (50 + 75 * labels[:, None, None, None] + noise).astype("uint8"), labels


REAL, TRAINING, FRESH = pictures(60, 1), pictures(90, 2), pictures(60, 3)


def look(images):
    """Features, and logits by which the class of `pictures` is seen."""
    rows = np.reshape(images, (len(images), 16)).astype("float32")
    brightness = rows.mean(axis=1, keepdims=True)
    return rows / 255 @ PROJECTION, -np.abs(brightness - [[50, 125, 200]]) / 9


def extractor(name="made_up", network=look):
    return FeatureExtractor(name, network, SHAPE)


class Given:
    """Draws the images it was given; remembers how it was asked."""

    def __init__(self, images, num_classes=None):
        self.image_shape, self.num_classes = images.shape[1:], num_classes
        self._images, self.asked = images, {}

    def sample_batches(self, num_images, seed, labels, truncation, batch_size):
        self.asked = {"seed": seed, "labels": labels, "truncation": truncation}
        assert num_images <= len(self._images)
        floats = self._images[:num_images] / 127.5 - 1
        for start in range(0, num_images, batch_size):
            yield floats[start : start + batch_size].astype("float32")


def evaluator(data=REAL, **options):
    options = {"training": TRAINING, "extractor": extractor(), "k": 3, **options}
    return Evaluator(data, SHAPE, **options)


@pytest.fixture(scope="module")
def found():
    """What was found of fresh samples; tests must not change it."""
    return evaluator().evaluate(Given(FRESH[0]), seed=7)


def test_real_images_in_the_place_of_samples_are_at_no_distance():
    found = evaluator().evaluate(Given(REAL[0]))
    assert found["frechet_distance"].value == pytest.approx(0, abs=1e-6)
    assert found["precision_recall"]["precision"] == 1
    assert found["precision_recall"]["recall"] == 1
    assert found["density_coverage"]["coverage"] == 1
    assert found["mode_coverage"]["modes"] == 3
    far = evaluator().evaluate(Given(255 - REAL[0] // 4))
    assert far["frechet_distance"].value > 1
    assert far["precision_recall"]["recall"] == 0


def test_fresh_samples_are_as_far_as_the_floor(found):
    distance, floor = (
        next(r.value for r in side if r.metric == "frechet_distance")
        for side in (found.results, found.floor)
    )
    assert 0 < floor < 0.1 and 0 < distance < 0.1
    for result in found.results:
        if result.metric == "memorisation":
            assert result["copies"] == 0 and abs(result["z"]) < 3


def test_a_model_that_copies_its_training_images_is_caught():
    found = evaluator().evaluate(Given(TRAINING[0][30:]))
    in_features, in_pixels = (r for r in found.results if r.metric == "memorisation")
    assert in_features.label == "memorisation[made_up]"
    assert in_pixels.label == "memorisation[pixels]"
    for result in (in_features, in_pixels):
        assert result["copies"] == 60 and result["z"] < -5
        assert result.parameters["num_training"] == 90
    assert found["frechet_distance"].value < 0.1, "nothing else would show it"


def test_seed_and_truncation_reach_the_model_and_the_results():
    gan = Given(FRESH[0])
    found = evaluator().evaluate(gan, seed=np.int64(7), truncation=0.5)
    assert gan.asked == {"seed": 7, "labels": None, "truncation": 0.5}
    assert {result.seed for result in found.results} == {7}
    assert (found.facts["seed"], found.facts["truncation"]) == (7, 0.5)
    assert json.loads(found.to_json())["protocol"]["seed"] == 7


def test_all_that_was_measured_is_told(found):
    metric_names = [result.metric for result in found.results]
    assert metric_names == [
        *metrics.METRICS[:6],  # an unconditional model agrees with no label
        *["memorisation"] * 2,
    ]
    assert [r.metric for r in found.floor] == list(metrics.METRICS[:7])
    facts = dict(found.facts)
    assert facts.pop("data").startswith("array_")
    assert facts.pop("keras_gans_version") == kg.__version__
    assert facts == {
        "system": "Given",
        "split": None,
        "training": None,
        "extractor": "made_up",
        "weights_hash": None,
        "resize": "clean",
        "reference": None,
        "image_size": [4, 4],
        "num_samples": 60,
        "seed": 7,
        "truncation": None,
        "k": 3,
    }
    assert found["precision_recall"].parameters["k"] == 3
    assert found["density_coverage"].parameters["k"] == 3


@pytest.mark.parametrize(
    ("wanted", "real", "generated", "floor"),
    [(None, 60, 60, 60), (40, 40, 40, 40), (80, 60, 80, 80), (90, 60, 90, 90)],
)
def test_counts_are_equal_where_nothing_else_was_asked_for(
    wanted, real, generated, floor
):
    found = evaluator(num_samples=wanted).evaluate(Given(TRAINING[0]))
    assert found.facts["num_samples"] == generated
    for side, count in ((found.results, generated), (found.floor, floor)):
        for result in side:
            assert result.num_generated == count
            assert result.num_real in (real, None)
    assert found["frechet_distance"].num_real == real


def test_a_large_data_set_is_not_taken_whole(monkeypatch):
    monkeypatch.setattr(references, "_MOST", 20)
    assert evaluator().num_samples == 20
    assert evaluator(num_samples=30).num_samples == 30


def test_the_same_images_are_chosen_every_time_and_spread_over_all():
    chosen = evaluator().references.some("real", 20)
    np.testing.assert_array_equal(chosen, evaluator().references.some("real", 20))
    assert len(set(chosen)) == 20 and (np.diff(chosen) > 0).all()
    assert chosen.min() < 20 and chosen.max() >= 40


@pytest.mark.parametrize("count", [0, -1, 1.5])
def test_counts_that_are_none_are_refused(count):
    with pytest.raises(ValueError, match="num_samples is a positive integer"):
        evaluator(num_samples=count)


def test_the_same_call_twice_is_equal():
    gan = tiny_cgan()
    first, second = (
        gan.evaluate_samples(REAL, training=TRAINING, extractor=extractor(), k=3)
        for _ in range(2)
    )
    assert first == second and first.floor
    shared = evaluator()
    assert shared.evaluate(gan) == shared.evaluate(gan) == first
    other = shared.evaluate(gan, seed=1)
    assert other["frechet_distance"].value != first["frechet_distance"].value
    assert other.floor == first.floor


def test_real_images_are_looked_at_once_for_all_models():
    looks = []

    def network(images):
        looks.append(len(images))
        return look(images)

    shared = evaluator(extractor=extractor(network=network))
    shared.evaluate(Given(FRESH[0]))
    first = sorted(looks)
    assert first == [60, 60, 90]  # samples, real and training images
    looks.clear()
    shared.evaluate(Given(FRESH[0]))
    assert looks == [60]


def test_classes_are_asked_for_as_often_as_the_data_have_them():
    images, labels = pictures(400, 4, classes=[0, 2, 2, 2])
    gan = Given(images, num_classes=3)
    shared = evaluator((images, labels), training=None, metrics=["mode_coverage"])
    asked = []
    for seed in (0, 0, 1):
        shared.evaluate(gan, seed=seed)
        asked.append(gan.asked["labels"])
    assert set(asked[0]) == {0, 2}
    assert np.mean(asked[0] == 2) == pytest.approx(0.75, abs=0.08)
    np.testing.assert_array_equal(asked[0], asked[1])
    assert (asked[0] != asked[2]).any()


def test_without_labels_the_classes_take_turns():
    gan = Given(FRESH[0], num_classes=3)
    evaluator(REAL[0]).evaluate(gan)
    np.testing.assert_array_equal(gan.asked["labels"], np.arange(60) % 3)


def test_samples_are_judged_by_the_class_they_were_asked_for():
    class Obeying(Given):
        def sample_batches(self, num_images, seed, labels, truncation, batch_size):
            right = np.where(np.arange(num_images) < 20, (labels + 1) % 3, labels)
            floats = (50.0 + 75 * right) / 127.5 - 1
            yield np.broadcast_to(floats[:, None, None, None], (num_images, *SHAPE))

    found = evaluator().evaluate(Obeying(REAL[0], num_classes=3))
    assert found["label_agreement"]["agreement"] == pytest.approx(40 / 60)
    floor = {result.metric: result for result in found.floor}
    assert floor["label_agreement"]["agreement"] == 1


def test_classes_that_the_extractor_does_not_know_are_not_judged():
    images, labels = pictures(60, 5)
    found = evaluator((images, labels + 1)).evaluate(Given(images, num_classes=4))
    assert "label_agreement" not in {result.metric for result in found.results}


def test_an_extractor_without_classes_leaves_their_metrics_out():
    blind = extractor(network=lambda images: look(images)[0])
    found = evaluator(extractor=blind, training=TRAINING).evaluate(Given(FRESH[0]))
    names = [result.metric for result in found.results]
    assert names == [*WITHOUT_CLASSES, "memorisation", "memorisation"]
    assert [result.metric for result in found.floor] == list(WITHOUT_CLASSES)


def test_too_few_samples_for_ten_splits_have_no_inception_score():
    found = evaluator(num_samples=9).evaluate(Given(FRESH[0]))
    assert "inception_score" not in {result.metric for result in found.results}


@pytest.mark.parametrize("training", [None, "train"])
def test_without_training_images_there_is_no_floor(training):
    """Arrays have no part that is called "train"."""
    found = evaluator(training=training).evaluate(Given(FRESH[0]))
    assert found.floor == () and found.facts["training"] is None
    assert [r.metric for r in found.results] == list(metrics.METRICS[:6])
    assert "real" not in str(found).splitlines()[1]


@pytest.mark.parametrize("training", [TRAINING[0], TRAINING, list(TRAINING)])
def test_training_images_come_with_labels_or_without(training):
    found = evaluator(training=training).evaluate(Given(FRESH[0]))
    with_labels = not isinstance(training, np.ndarray)
    names = [result.metric for result in found.floor]
    assert names == list(metrics.METRICS[: 7 if with_labels else 6])


def test_only_the_metrics_that_were_asked_for_are_taken():
    wanted = ("memorisation", "mode_coverage", "frechet_distance")
    found = evaluator(metrics=wanted).evaluate(Given(FRESH[0]))
    names = [result.metric for result in found.results]
    assert names == ["frechet_distance", "mode_coverage", *["memorisation"] * 2]
    names = [result.metric for result in found.floor]
    assert names == ["frechet_distance", "mode_coverage"]
    found = evaluator(metrics=wanted[1:]).evaluate(Given(FRESH[0]))
    assert [result.metric for result in found.results] == names


def test_unknown_metrics_are_refused_with_the_known_ones():
    message = r"no metric fid, kid\. Known: frechet_distance, kernel"
    with pytest.raises(ValueError, match=message):
        evaluator(metrics=["kid", "frechet_distance", "fid"])


def test_unknown_extractors_are_refused_before_anything_is_drawn():
    with pytest.raises(ValueError, match="no extractor 'made_up'"):
        evaluator(extractor="made_up")


def test_the_data_set_chooses_the_extractor_and_resize_reaches_it():
    chosen = Evaluator("digits", (8, 8, 1), resize="legacy_pytorch").extractor
    assert (chosen.name, chosen.resize) == ("digits_cnn", "legacy_pytorch")


def test_json_gives_back_the_same(found, tmp_path):
    assert Evaluation.from_json(found.to_json()) == found
    json.loads(found.to_json(), parse_constant=pytest.fail)
    found.save(tmp_path / "metrics.json")
    text = (tmp_path / "metrics.json").read_text("utf-8")
    assert Evaluation.from_json(text) == found and text.endswith("\n")
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.json"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "3",
        "[]",
        "null",
        "{}",
        '{"protocol": {}, "results": []}',
        '{"protocol": {}, "results": [3], "floor": []}',
        '{"protocol": {}, "results": 3, "floor": []}',
        '{"protocol": 3, "results": [], "floor": []}',
    ],
)
def test_other_json_is_refused(text):
    with pytest.raises(ValueError, match="This is not the JSON of"):
        Evaluation.from_json(text)


def test_results_are_found_by_metric_and_by_label(found):
    assert found["frechet_distance"] is found.results[0] is found["fd[made_up]"]
    assert found["memorisation"] is found["memorisation[made_up]"]
    assert found["memorisation[pixels]"] is found.results[-1]
    with pytest.raises(KeyError, match="label_agreement"):
        found["label_agreement"]


def test_logs_are_numbers_by_the_names_of_values(found):
    logs = found.logs()
    assert logs == {
        "frechet_distance": found["frechet_distance"].value,
        "kernel_distance": found["kernel_distance"].value,
        "precision": found["precision_recall"]["precision"],
        "recall": found["precision_recall"]["recall"],
        "density": found["density_coverage"]["density"],
        "coverage": found["density_coverage"]["coverage"],
        "inception_score": found["inception_score"].value,
        "modes": found["mode_coverage"]["modes"],
    }
    assert {type(value) for value in logs.values()} == {float}


def test_as_text_samples_stand_beside_real_images(found):
    first, head, *lines = str(found).splitlines()
    assert first.startswith("60 samples, seed 7, against array_")
    assert first.endswith("through made_up (resize clean, k 3)")
    assert head.split() == ["samples", "real"]
    rows = {line.split()[0]: line.split()[1:] for line in lines}
    floor = {result.metric: result for result in found.floor}
    for name, label in (("frechet_distance", "fd"), ("mode_coverage", "modes")):
        here, there = (
            f"{side[name].values[name if label == 'fd' else label]:.4g}"
            for side in (found, floor)
        )
        assert rows["fd[made_up]" if label == "fd" else label] == [here, there]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extractor": extractor("other")}, "extractor differs"),
        ({"num_samples": 50}, "num_real differs .60 and 50.*num_generated differs"),
        ({"k": 4}, "k differs"),
        ({"data": FRESH}, "reference differs"),
    ],
)
def test_figures_of_another_protocol_do_not_compare(found, options, message):
    other = evaluator(**options).evaluate(Given(FRESH[0]))
    name = "precision_recall"
    assert metrics.compare(found[name], found[name]) == {"precision": 0, "recall": 0}
    with pytest.raises(ValueError, match=message):
        metrics.compare(found[name], other[name])


def test_named_data_are_the_default_floor_and_reference():
    gan = tiny_cgan(num_classes=10, image_shape=(8, 8, 1))
    seen = FeatureExtractor(
        "seen", lambda images: images.reshape(len(images), -1)[:, ::9] / 255
    )
    found = gan.evaluate_samples(
        "digits", extractor=seen, k=3, metrics=["frechet_distance", "memorisation"]
    )
    assert (found.facts["data"], found.facts["split"]) == ("digits", "test")
    assert (found.facts["training"], found.facts["num_samples"]) == ("train", 360)
    assert found.facts["system"] == "CGAN"
    distance, *memorisation = found.results
    assert distance.protocol.reference == "digits/test/8"
    assert distance.num_real == distance.num_generated == 360
    assert {result.parameters["num_training"] for result in memorisation} == {1437}
    assert found.floor[0].value < 0.2 * distance.value
    assert "against digits/test through seen" in str(found)


def test_files_are_named_without_their_folder_and_brought_to_the_size(tmp_path):
    images, labels = REAL
    large = images.repeat(2, axis=1).repeat(3, axis=2)
    training = np.zeros((9, 6, 4, 1), "uint8")
    np.savez(
        tmp_path / "grey.npz",
        test_images=large,
        test_labels=labels,
        train_images=TRAINING[0],
        train_labels=TRAINING[1],
    )
    for path in (tmp_path / "grey.npz", str(tmp_path / "grey.npz")):
        shared = Evaluator(path, (6, 4, 1), extractor=extractor(), training=training)
        assert shared.references.real.shape == (60, 6, 4, 1)
        assert shared.references.label == "grey.npz/test/6x4"
        assert shared.references.label_of("training") == "grey.npz/6x4"
        assert shared.references.training_name is None
    shared = Evaluator(path, (4, 4, 3), extractor=extractor())
    assert shared.references.training.shape == (90, 4, 4, 3)
    assert shared.references.label_of("training") == "grey.npz/train/4"
    with pytest.raises(ValueError, match="grey or RGB; the model draws 2 channels"):
        Evaluator(path, (4, 4, 2), extractor=extractor())


def test_samples_of_another_size_are_brought_to_that_of_the_comparison():
    large = FRESH[0].repeat(2, axis=1).repeat(3, axis=2)
    shown = []

    def network(images):
        shown.append(images)
        return look(images)

    shared = Evaluator(
        REAL, (8, 12, 1), extractor=extractor(network=network), image_size=4, k=3
    )
    found = shared.evaluate(Given(large))
    wanted = np.rint(metrics.resize(large, (4, 4), "clean"))
    np.testing.assert_array_equal(shown[0], wanted)
    assert found.facts["image_size"] == [4, 4]
    with pytest.raises(ValueError, match=r"uint8 of shape .samples, 8, 12, 1"):
        Evaluator(REAL, (8, 12, 1), extractor=extractor())


def test_named_data_are_brought_to_the_size_of_the_comparison():
    wanted = ["frechet_distance"]
    shared = Evaluator("digits", (32, 32, 1), image_size=(8, 10), metrics=wanted)
    assert shared.references.real.shape == (360, 8, 10, 1)
    assert shared.references.label == "digits/test/8x10"
    found = shared.evaluate(tiny_cgan(image_shape=(32, 32, 1), num_classes=10))
    assert found.facts["image_size"] == [8, 10]
    assert found["frechet_distance"].protocol.reference == "digits/test/8x10"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": REAL[0] / 255.0}, "uint8 of shape .samples, 4, 4, 1.*float64"),
        ({"data": REAL[0][:, :3]}, r"Found uint8 of shape \(60, 3, 4, 1\)"),
        ({"data": REAL[0][:0]}, r"Found uint8 of shape \(0, 4, 4, 1\)"),
        ({"training": TRAINING[0][..., 0]}, r"Found uint8 of shape \(90, 4, 4\)"),
    ],
)
def test_images_unlike_those_of_the_model_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        evaluator(**changes)


def test_a_real_model_is_measured_by_what_it_serves():
    gan = tiny_gan(ema_decay=0.9)
    found = gan.evaluate_samples(REAL, seed=3, extractor=extractor(), k=3)
    served = kg.data.to_uint8(gan.sample(60, seed=3))
    rows = [look(images)[0].astype("float32") for images in (REAL[0], served)]
    wanted = metrics.frechet_distance(*rows).value
    assert found["frechet_distance"].value == pytest.approx(wanted, rel=1e-4)
    assert found.facts["system"] == "GAN"


def test_models_of_points_are_refused():
    gan = tiny_gan(image_shape=(2,), latent_dim=2)
    with pytest.raises(ValueError, match=r"Samples of images .* draws \(2,\)"):
        gan.evaluate_samples(np.zeros((9, 2), "uint8"))

"""What is measured and drawn of systems that find objects, and compared of several."""

import dataclasses
import json
import time

import keras
import numpy as np
from _pictures import save
from _tables import results_of, table_of
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import keras_gans as kg
from keras_gans import metrics, pictures
from keras_gans.callbacks import detection_results
from keras_gans.cli.object_sources import ObjectSource
from keras_gans.core.files import written_whole
from keras_gans.core.pixels import scaled
from keras_gans.models.detector.targets import RoIs

RESAMPLES = 40
# Images of a card.
SHOWN = 8
MEANINGS = {
    "ap": "Average precision by COCO's rule: mean over classes and over thresholds of "
    "intersection over union, 0.5 to 0.95",
    "ap_50": "The same at the threshold 0.5",
    "ap_75": "At 0.75",
    "ap_small": "That of objects up to the area that is called small",
    "ap_medium": "Of those above it and up to 96x96 pixels",
    "ap_large": "Of larger ones",
    "recall": "Share of the objects that are found at all, as `ap` a mean",
    "small_told": "Small objects told from large ones by a linear classifier of their "
    "features (balanced accuracy, 0.5 if alike; mean and range of 5 folds)",
    "completed_told": "The same of the small ones' completed features: lower is better",
}
COMPARED = ("plain", "perceptual_gan", "asdn", "astn", "ohem")
BATCH_SIZE = 8
# Of the further training, for all alike.
RATE = 5e-4
# What a table says of each system: mean and standard deviation over seeds.
COLUMNS = {
    "map": "mAP (IoU 0.5)",
    "map_small": "mAP of small objects",
    "coco_ap": "AP (COCO)",
    "coco_ap_small": "AP of small objects (COCO)",
}


@dataclasses.dataclass(frozen=True)
class Setting:
    """A data set, and a detector for it that one core trains in minutes."""

    data: dict
    detector: dict
    small: int
    plain_epochs: int
    epochs: int


_SMALL_DETECTOR = {"base_channels": 16, "hidden_units": 128, "rois_per_image": 48}
SETTINGS = {
    "digit_scenes": Setting(
        data={"name": "digit_scenes:two_scales,bars"},
        detector={**_SMALL_DETECTOR, "anchor_scales": (10, 16, 34)},
        small=20,
        plain_epochs=12,
        epochs=4,
    ),
    "bccd": Setting(
        data={"name": "bccd", "image_size": (120, 160)},
        detector={**_SMALL_DETECTOR, "anchor_scales": (10, 26, 48)},
        small=16,
        plain_epochs=30,
        epochs=12,
    ),
}


def measure(gan, data):
    """Average precisions on the part test.

    Args:
        gan: `kg.ObjectDetector`.
        data: A recipe's full table `data`.

    Returns:
        An `Evaluation`: its floor are the same figures on as many images that were
        trained on; `spread` holds 95 % intervals over resamples of the test images.
    """
    source, small = ObjectSource(data), int(getattr(gan, "small_side", 32))
    test = source.held_out()
    found = gan.detect(test.images)
    results = detection_results(gan, found, test.objects, small)
    trained = source.fit_arguments(gan, 1)
    some = slice(len(test.images))
    objects = {name: value[some] for name, value in trained["y"].items()}
    floor = detection_results(gan, gan.detect(trained["x"][some]), objects, small)
    spread = _spread(gan, found, test.objects, small, results)
    if isinstance(gan, kg.PerceptualGAN):
        folds = told_from_large(gan, test.images, test.objects)
        results += _means(folds, len(test.images))
        folds_of_trained = told_from_large(gan, trained["x"][some], objects)
        floor += _means(folds_of_trained, len(test.images))
        spread |= {f"{n} {n}": [v.min(), v.max()] for n, v in folds.items()}
    facts = {
        "system": type(gan).__name__,
        "data": data["name"],
        "split": "test",
        "objects": int((test.objects["labels"] >= 0).sum()),
        "small_side": small,
        "num_samples": len(test.images),
        "num_trained": source.num_images,
        "seed": gan.seed,
        "seeds": [gan.seed],
        "image_size": list(gan.image_shape[:2]),
        "keras_gans_version": kg.__version__,
        "spread": spread,
    }
    return metrics.Evaluation(facts, tuple(results), tuple(floor))


def _spread(gan, found, objects, small, results):
    """95 % intervals of results over resamples of the images."""
    random, seen = np.random.default_rng(0), []
    for _ in range(RESAMPLES):
        rows = random.integers(0, len(objects["labels"]), len(objects["labels"]))
        parts = [{k: v[rows] for k, v in one.items()} for one in (found, objects)]
        seen.append(
            {one.metric: one.value for one in detection_results(gan, *parts, small)}
        )
    return {
        f"{one.label} {one.metric}": [
            float(value)
            for value in np.quantile(
                [values.get(one.metric, one.value) for values in seen], (0.025, 0.975)
            )
        ]
        for one in results
    }


def _means(folds, number):
    means = {name: float(values.mean()) for name, values in folds.items()}
    return list(results_of(means, number))


def told_from_large(gan, images, objects):
    """How well a linear classifier tells features of small objects from large ones'.

    Args:
        gan: `kg.PerceptualGAN`.
        images: `(num, height, width, channels)`, uint8.
        objects: What is there, as it trains on; boxes in the format yxyx.

    Returns:
        Dict of the balanced accuracies in five folds: on the small ones' own features,
        F_s against F_l, and on completed ones, F' against F_l.
    """
    own, completed, is_small = [], [], []
    for start in range(0, len(images), BATCH_SIZE):
        rows = slice(start, start + BATCH_SIZE)
        some = objects["labels"][rows].reshape(-1) >= 0
        boxes = keras.ops.convert_to_tensor(objects["boxes"][rows], "float32")
        features = gan.features(scaled(images[rows]), training=False)
        pooled, rois = gan.pooled(features, boxes), RoIs(boxes)
        made = gan.refined(pooled, features, rois, training=False)
        small = keras.ops.reshape(gan.is_small(rois), (-1,))
        for kept, found in ((own, pooled), (completed, made), (is_small, small)):
            kept.append(keras.ops.convert_to_numpy(found)[some])
    own, completed, is_small = map(np.concatenate, (own, completed, is_small))
    completed = np.where(is_small[:, None, None, None] > 0, completed, own)
    probe = make_pipeline(
        StandardScaler(), LogisticRegression(max_iter=500, class_weight="balanced")
    )
    return {
        name: cross_val_score(
            probe,
            features.reshape(len(features), -1),
            is_small > 0,
            scoring="balanced_accuracy",
        )
        for name, features in (("small_told", own), ("completed_told", completed))
    }


def draw(gan, data, folder):
    """Test images with what is found in them, and with what is there."""
    test = ObjectSource(data).held_out()
    images = test.images[:SHOWN]
    for name, objects in (("found", gan.detect(images)), ("true", test.objects)):
        threshold = 0.3 if name == "found" else 0.0
        drawn = pictures.draw_boxes(images, objects, test.class_names, threshold)
        save(folder / f"{name}.png", drawn, SHOWN // 2)


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to the figure on images that were trained on.
        facts: Dict as in `metrics.json`.
    """
    side = facts["small_side"]
    lines = [
        f"{facts['objects']:,} objects in the {facts['num_samples']:,} images of the "
        f"part test of {facts['data']}; trained on {facts['num_trained']:,} others. "
        f"Small: up to {side}x{side} pixels. Interval: 95 % of {RESAMPLES} resamples "
        "of the test images. Trained: as many images that were trained on.",
        "",
    ]
    lines += table_of(
        ("test", "interval", "trained"), found, floor, facts["spread"], MEANINGS
    )
    return "\n".join(lines) + "\n"


def setting_of(name, plain_epochs=None, epochs=None):
    """One of `SETTINGS`, with other lengths where they are given.

    Args:
        name: Its name.
        plain_epochs: Of the common start, or `None`.
        epochs: Of what follows, or `None`.
    """
    if name not in SETTINGS:
        raise SystemExit(f"--data is one of {', '.join(SETTINGS)}. Found: {name}.")
    found = SETTINGS[name]
    return dataclasses.replace(
        found,
        plain_epochs=plain_epochs or found.plain_epochs,
        epochs=epochs or found.epochs,
    )


def compare(setting, systems, seed, folder):
    """Trains systems from one start and writes `SYSTEM.json` where there is none.

    Args:
        setting: `Setting`.
        systems: Names in `COMPARED`.
        seed: Integer.
        folder: `pathlib.Path`.
    """
    missing = [name for name in systems if not _is_done(folder, name, setting)]
    if not missing:
        return
    folder.mkdir(parents=True, exist_ok=True)
    train, test = (
        kg.data.load_detection(**setting.data, split=split, ignored=ignored)
        for split, ignored in (("train", "drop"), ("test", "keep"))
    )
    start = _started(setting, train, seed, folder)
    for name in missing:
        began = time.time()
        detector = _of_kind(name, setting, train, seed)
        detector.take_detector(start)
        detector.compile(**_optimizers(detector))
        epochs = setting.epochs + (_pretraining(setting) if name == "asdn" else 0)
        history = detector.fit(
            train.images, train.objects, BATCH_SIZE, epochs, verbose=0
        ).history
        found = {
            "figures": figures_of(detector, test, setting.small),
            "losses": {key: float(values[-1]) for key, values in history.items()},
            "epochs": [setting.plain_epochs, setting.epochs],
            "seconds": round(time.time() - began),
        }
        with written_whole(folder / f"{name}.json") as path:
            path.write_text(json.dumps(found, indent=1), "utf-8")
        print(f"seed {seed}, {name}: {_in_short(found)}", flush=True)
        del detector
        keras.backend.clear_session()


def figures_of(detector, test, small=32):
    """Average precisions of a detector, by name.

    Args:
        detector: `kg.Detector`.
        test: `DetectionData` in which ignored objects are kept.
        small: Side of what is small.
    """
    found = detector.detect(test.images)
    measured = {
        rule: metrics.detection_figures(
            found, test.objects, len(test.class_names), rule, small=small
        )
        for rule in ("voc10", "coco")
    }
    voc, coco = measured["voc10"], measured["coco"]
    return {
        "map": voc.ap,
        "map_small": voc.ap_small,
        "recall": voc.recall,
        "coco_ap": coco.ap,
        "coco_ap_small": coco.ap_small,
        **{
            f"map {name}": value
            for name, value in zip(test.class_names, voc.by_class, strict=True)
        },
    }


def comparison(folder, systems, seeds, setting):
    """The table of what `compare` wrote, in Markdown.

    Args:
        folder: `pathlib.Path` of the folders of the seeds.
        systems: Names of the rows.
        seeds: Integers.
        setting: `Setting`.
    """
    lines = [
        f"{setting.data['name']}: {setting.plain_epochs} epochs of the plain detector, "
        f"then {setting.epochs} of each system; {len(seeds)} seeds; small: up to "
        f"{setting.small}x{setting.small} pixels.",
        "",
        f"| system | {' | '.join(COLUMNS.values())} | seconds |",
        f"|---|{'---|' * (len(COLUMNS) + 1)}",
    ]
    for name in systems:
        runs = [
            json.loads((folder / f"seed_{seed}" / f"{name}.json").read_text("utf-8"))
            for seed in seeds
        ]
        cells = [
            _mean_and_spread([run["figures"][key] for run in runs]) for key in COLUMNS
        ]
        seconds = np.mean([run["seconds"] for run in runs])
        lines.append(f"| {name} | {' | '.join(cells)} | {seconds:.0f} |")
    return "\n".join(lines)


def _mean_and_spread(values):
    mean = f"{100 * np.mean(values):.1f}"
    # One seed has no spread, which is another thing than a spread of 0.
    return f"{mean} ± {100 * np.std(values, ddof=1):.1f}" if values[1:] else mean


def _is_done(folder, name, setting):
    path = folder / f"{name}.json"
    if not path.exists():
        return False
    before = json.loads(path.read_text("utf-8"))["epochs"]
    if before != [setting.plain_epochs, setting.epochs]:
        raise SystemExit(
            f"{path} is of {before} epochs: give the same ones, or another --out."
        )
    return True


def _started(setting, train, seed, folder):
    """The plain detector that all begin with; taken as it is if it is there."""
    path = folder / "start"
    if path.exists():
        return kg.from_preset(path)
    detector = _of_kind("plain", setting, train, seed)
    detector.compile()
    began = time.time()
    detector.fit(
        train.images, train.objects, BATCH_SIZE, setting.plain_epochs, verbose=0
    )
    print(f"seed {seed}, start: {time.time() - began:.0f} s", flush=True)
    detector.save_to_preset(path, include_optimizer=False)
    return detector


def _of_kind(name, setting, train, seed):
    steps = len(train.images) // BATCH_SIZE
    further = setting.epochs * steps
    arguments = {
        "image_shape": train.images.shape[1:],
        "num_classes": len(train.class_names),
        "class_names": train.class_names,
        "seed": seed,
        **setting.detector,
    }
    if name == "perceptual_gan":
        return kg.PerceptualGAN(
            **arguments,
            plain_steps=0,
            perception_steps=further // 5,
            small_side=setting.small,
            block_channels=32,
            discriminator_units=(256, 64),
            fine_tune=True,
        )
    if name in ("asdn", "astn"):
        return kg.AFastRCNN(
            **arguments,
            adversary=name,
            plain_steps=0,
            pretraining_steps=_pretraining(setting) * steps,
            mask_channels=32,
        )
    if name not in COMPARED:
        raise SystemExit(f"--systems are of {', '.join(COMPARED)}. Found: {name}.")
    return kg.Detector(**arguments, mining="ohem" if name == "ohem" else "random")


def _pretraining(setting):
    """Epochs in which a mask network learns before it plays."""
    return max(1, setting.epochs // 3)


def _optimizers(detector):
    usual = detector.default_optimizers()
    usual["detector"] = keras.optimizers.Adam(RATE)
    return {f"{player}_optimizer": one for player, one in usual.items()}


def _in_short(found):
    figures = ", ".join(f"{key} {found['figures'][key]:.3f}" for key in COLUMNS)
    return f"{figures}; {found['seconds']} s"

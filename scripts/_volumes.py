"""What is measured and drawn of systems that sample volumes, and how cards state it."""

import numpy as np
from _pictures import save
from _tables import results_of, table_of

import keras_gans as kg
from keras_gans import metrics, pictures
from keras_gans.cli.volume_sources import VolumeSource

SAMPLES = 256
# Volumes in a row of a card, and in the turning picture.
COLUMNS = 10
MEANINGS = {
    "occupancy": "Mean share of filled voxels",
    "largest": "Mean share of the filled voxels that lie in the largest connected body",
    "one_body": "Volumes that are one connected body",
    "nearest_iou_05": "Intersection over union with the nearest held-out volume: its "
    "5 % point",
    "nearest_iou_50": "The same: its median",
    "nearest_iou_95": "The same: its 95 % point",
}
CLASS_MEANING = "Samples whose nearest held-out volume is a {}"


def measure(gan, data, seeds):
    """Sampled volumes against those of the part test, which nobody trained on.

    Args:
        gan: A system that draws volumes.
        data: A recipe's full table `data`.
        seeds: Integers; the first gives the figures, all of them the spread.

    Returns:
        `(evaluation, results)`: an `Evaluation`, whose floor is the same of volumes
        that were trained on, and the results of each seed.
    """
    trained, (held_out, names, labels) = _volumes(data, "train"), _held_out(data)

    def results(volumes):
        return _results(volumes, held_out, names, labels)

    found = [results(gan.volumes(SAMPLES, seed=seed)) for seed in seeds]
    facts = {
        "system": type(gan).__name__,
        "data": data["name"],
        "only": data.get("only"),
        "class_names": names,
        "split": "test",
        "voxels": gan.image_shape[0],
        "num_samples": SAMPLES,
        "num_real": len(held_out),
        "num_trained": len(trained),
        "seed": seeds[0],
        "keras_gans_version": kg.__version__,
    }
    return metrics.Evaluation(facts, found[0], results(trained)), found


def _volumes(data, split):
    return VolumeSource({**data, "split": split}).images[..., 0] > 127


def _held_out(data):
    """Volumes of the part test; their classes and labels, if several are trained on."""
    names = kg.data.class_names(data["name"])
    if data.get("only") or names is None:
        return _volumes(data, "test"), None, None
    # A source forgets labels, as nothing here learns them: classes come one by one.
    groups = [_volumes({**data, "only": name}, "test") for name in names]
    labels = np.repeat(np.arange(len(names)), [len(group) for group in groups])
    return np.concatenate(groups), list(names), labels


def _results(volumes, held_out, names, labels):
    found = metrics.volume_figures(volumes, held_out, labels)
    low, _, middle, _, high = found.nearest_iou
    shares = [kg.data.largest_body(v).sum() / max(v.sum(), 1) for v in volumes]
    values = {
        "occupancy": found.occupancy,
        "largest": float(np.mean(shares)),
        "one_body": found.one_body,
        "nearest_iou_05": low,
        "nearest_iou_50": middle,
        "nearest_iou_95": high,
    }
    if names:
        shares = zip(names, found.classes, strict=True)
        values |= {f"class {name}": share for name, share in shares}
    return results_of(values, len(volumes))


def draw(gan, data, folder):
    """Held-out volumes, and samples turning round."""
    held_out = _volumes(data, "test")[: 2 * COLUMNS]
    save(folder / "real.png", pictures.draw_volumes(held_out), COLUMNS)
    frames = pictures.turntable(gan.volumes(COLUMNS, seed=7), columns=COLUMNS // 2)
    pictures.save_gif(folder / "turntable.gif", frames)


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to the figure of the volumes that were trained on.
        facts: Dict as in `metrics.json`.
    """
    what = f" ({facts['only']})" if facts["only"] else ""
    side = facts["voxels"]
    lines = [
        f"{facts['num_samples']:,} samples of {side}x{side}x{side} voxels, filled "
        f"where the occupancy is above 0.5 (seed {facts['seed']}), against the "
        f"{facts['num_real']:,} volumes of the part test of {facts['data']}{what}. "
        f"Real: the {facts['num_trained']:,} volumes trained on, in the samples' "
        "place. Spread: over samples of the seeds "
        f"{', '.join(map(str, facts['seeds']))}.",
        "",
    ]
    meanings = dict(MEANINGS)
    for name in facts.get("class_names") or ():
        meanings[f"class {name}"] = CLASS_MEANING.format(name)
    lines += table_of(
        ("samples", "spread", "real"), found, floor, facts["spread"], meanings
    )
    return "\n".join(lines) + "\n"

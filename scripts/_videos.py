"""What is measured and drawn of systems that sample videos, and how cards state it."""

import numpy as np
from _pictures import save
from _tables import results_of, table_of

import keras_gans as kg
from keras_gans import metrics, pictures
from keras_gans.cli.video_sources import VideoSource

SAMPLES = 1000
# Samples in the films of a card, and in a row of the pictures of its parts.
SHOWN, COLUMNS = 30, 10
MEANINGS = {
    "frechet_video_lite": "Frechet distance of features of a small 3D network trained "
    "on these data; no FVD, whose network is I3D; less is better",
    "motion": "Mean change of a point from frame to frame, of 2",
    "motion_ratio": "The same over that of the held-out videos; 1 if alike",
    "standing": "Points that stand still throughout",
    "mask": "Mean of the masks",
    "still": "Change where the mask is below 0.2, over the mean change; 0 if the "
    "background stands still",
}


def measure(gan, data, seeds):
    """Sampled videos against those of the part test, which nobody trained on.

    Where the data have no such part, against those trained on; facts and card say so.

    Args:
        gan: A system that samples videos.
        data: A recipe's full table `data`.
        seeds: Integers; the first gives the figures, all of them the spread.

    Returns:
        `(evaluation, results)`: an `Evaluation`, whose floor is the same of videos that
        were trained on, and the results of each seed.
    """
    held_out, split = _held_out(data)
    trained, labels = _videos(data, "train")
    network = metrics.train_video_network(trained, labels)
    held_out = held_out[:SAMPLES]
    found = [_figures(*_sampled(gan, seed), held_out, network) for seed in seeds]
    facts = {
        "system": type(gan).__name__,
        "data": data["name"],
        "split": split,
        "frames": gan.image_shape[0],
        "side": gan.image_shape[1],
        "num_samples": SAMPLES,
        "num_real": len(held_out),
        "seed": seeds[0],
        "keras_gans_version": kg.__version__,
    }
    floor = _figures(trained[:SAMPLES], None, held_out, network)
    return metrics.Evaluation(facts, found[0], floor), found


def _held_out(data):
    """Videos of the part test, or of the part train, and which it is."""
    try:
        return _videos(data, "test")[0], "test"
    except ValueError:
        return _videos(data, "train")[0], "train"


def _videos(data, split):
    table = {**data, "split": split}
    return VideoSource(table).images, kg.data.load(**_options(table))[1]


def _options(table):
    return {key: value for key, value in table.items() if key != "flip"}


def _sampled(gan, seed):
    if hasattr(gan, "parts"):
        scene = gan.parts(SAMPLES, seed=seed)
        return scene.videos, scene.masks
    return gan.sample(SAMPLES, seed=seed), None


def _figures(videos, masks, held_out, network):
    found = metrics.video_figures(videos, held_out, masks)
    distance = metrics.frechet_video_lite(videos, held_out, network)
    values = {
        "frechet_video_lite": distance.value,
        "motion": found.motion,
        "motion_ratio": found.motion_ratio,
        "standing": found.standing,
        "mask": found.mask,
        "still": found.still,
    }
    # Real videos have no masks.
    values = {name: value for name, value in values.items() if value is not None}
    return results_of(values, len(videos))


def draw(gan, data, folder):
    """Held-out videos and samples, moving; and the parts of a few samples."""
    held_out, _ = _held_out(data)
    samples = gan.films_of(gan.sample(SHOWN, seed=7))
    for name, videos in (("real.gif", held_out[:SHOWN]), ("samples.gif", samples)):
        pictures.save_gif(folder / name, pictures.video_grid(videos, COLUMNS, 2))
    if not hasattr(gan, "parts") or gan.streams == 1:
        return
    scene = gan.parts(COLUMNS, seed=7)
    middle = gan.image_shape[0] // 2
    masks = np.repeat(2 * scene.masks[:, middle] - 1, gan.image_shape[-1], axis=-1)
    rows = (
        scene.videos[:, middle],
        masks,
        scene.foregrounds[:, middle],
        scene.backgrounds,
    )
    save(folder / "parts.png", np.concatenate(rows), COLUMNS)


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to the figure of videos that were trained on.
        facts: Dict as in `metrics.json`.
    """
    found = list(found)
    side = facts["side"]
    lines = [
        f"{facts['num_samples']:,} samples of {facts['frames']} frames of "
        f"{side}x{side} pixels (seed {facts['seed']}), against {facts['num_real']:,} "
        f"videos of the part {facts['split']} of {facts['data']}. Real: as many videos "
        "trained on, in the samples' place. Spread: over samples of the seeds "
        f"{', '.join(map(str, facts['seeds']))}. The network of the distance is "
        "trained anew for each measurement: figures of other machines differ a "
        "little.",
        "",
    ]
    floor = {(label, name): floor.get((label, name), "") for label, name, _ in found}
    lines += table_of(
        ("samples", "spread", "real"), found, floor, facts["spread"], MEANINGS
    )
    return "\n".join(lines) + "\n"

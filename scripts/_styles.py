"""What is measured and drawn of style transfer, and how its card states it."""

import numpy as np
from _pictures import save
from _tables import table_of

import keras_gans as kg
from keras_gans import metrics, pictures
from keras_gans.metrics import Result
from keras_gans.models.adain import moments

# Contents of the test set, each in one of the styles.
COUNT = 240
SHOWN = 8
MEANINGS = {
    "style_distance": "Of means and deviations of the encoder's maps to the style's, "
    "as in the loss; less is better. Before: of the contents as they are",
    "asked_nearest": "Pictures to which, in that distance, no other style is nearer "
    "than the one asked for. Before: contents",
    "psnr": "Of the content drawn without a style (alpha 0) to the content, in dB. "
    "Before: of the content shrunk to the size of the encoder's last map",
    "color_distance": "Between mean colours of content and picture, in 0 to 255, with "
    '`color="histogram"`. Before: without',
}


def measure(gan, source, data, seeds):
    """Contents of the test set in the paintings' styles.

    Args:
        gan: A system that takes styles.
        source: `StyleSource` of `data`.
        data: A recipe's full table `data`.
        seeds: Integers; seed s gives each content the style s after that of seed 0.

    Returns:
        `(evaluation, results)`, as in `_translators.measure`.
    """
    contents, _ = source.held_out(COUNT)
    found = [_results(gan, contents, source.styles, seed) for seed in seeds]
    facts = {
        "system": type(gan).__name__,
        "data": ", ".join([data["name"], *data.get("also", ())]),
        "split": "test",
        "styles": data["second"],
        "num_samples": len(contents),
        "seed": seeds[0],
        "image_size": list(gan.image_shape[:2]),
        "keras_gans_version": kg.__version__,
    }
    results = [after for _, after in found]
    return metrics.Evaluation(facts, results[0], found[0][0]), results


def _results(gan, contents, styles, seed):
    """The results before and after."""
    asked = (np.arange(len(contents)) + seed) % len(styles)
    made, kept = (
        kg.data.to_uint8(_in_styles(gan, contents, styles, asked, color=color))
        for color in (None, "histogram")
    )
    plain = kg.data.to_uint8(gan.stylize(contents, styles[0], alpha=0.0))
    height, width = contents.shape[1:3]
    halvings = len(gan.encoder.outputs) - 1
    coarse = kg.data.resize(contents, (height >> halvings, width >> halvings))
    wanted = _moments(gan, styles)

    def rows(images, without_style, colored):
        apart = _distances(_moments(gan, images), wanted)
        own = apart[np.arange(len(apart)), asked]
        nearest = {"asked_nearest": np.mean(apart.argmin(axis=1) == asked)}
        count = {"num_generated": len(contents)}
        means = [part.mean(axis=(1, 2)) for part in (colored, contents)]
        colors = {"color_distance": np.abs(means[0] - means[1]).mean()}
        return (
            Result("style", {"style_distance": own.mean(), **nearest}, **count),
            metrics.psnr(contents, without_style),
            Result("colors", colors, **count),
        )

    before = rows(contents, kg.data.resize(coarse, (height, width)), made)
    return before, rows(made, plain, kept)


def _in_styles(gan, contents, styles, asked, **options):
    made = np.empty(contents.shape, "float32")
    for number, style in enumerate(styles):
        rows = asked == number
        made[rows] = gan.stylize(contents[rows], style, **options)
    return made


def _moments(gan, images):
    """Means and deviations of each map, a row per image."""
    found = []
    for start in range(0, len(images), 16):
        part = images[start : start + 16].astype("float32") / 255
        pairs = [moments(features) for features in gan.features(part)]
        found.append([np.concatenate(pair, axis=-1)[:, 0, 0] for pair in pairs])
    return [np.concatenate(maps) for maps in zip(*found, strict=True)]


def _distances(images, styles):
    """Of each image to each style; sums over maps of the loss's mean squares."""
    return sum(
        2 * np.square(own[:, None] - other).mean(axis=-1)
        for own, other in zip(images, styles, strict=True)
    )


def draw(gan, source, folder):
    """The styles in the first row, contents in the first column."""
    contents, _ = source.held_out(SHOWN)
    columns, images = pictures.style_grid(gan, contents, source.styles)
    save(folder / "stylize.png", images, columns)


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card; see `_translators`."""
    height, width = facts["image_size"]
    lines = [
        f"{facts['num_samples']:,} pictures of the part {facts['split']} of "
        f"{facts['data']}, {height}x{width}, each in one of the styles of "
        f"{facts['styles']}, as they are served (uint8). Spread: over the seeds "
        f"{', '.join(map(str, facts['seeds']))}, which say who gets which style. "
        "Distances are those of the encoder that the decoder was trained with.",
        "",
    ]
    lines += table_of(
        ("stylised", "spread", "before"), found, floor, facts["spread"], MEANINGS
    )
    return "\n".join(lines) + "\n"

"""The figures in the cards, written from `metrics.json` and checked against it."""

import json
import pathlib
import re

import _agers
import _detectors
import _objects
import _row_translators
import _styles
import _texts
import _translators
import _upscalers
import _videos
import _volumes
from _tables import table

from keras_gans.metrics import Evaluation

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIGURES = re.compile(
    r"(<!-- figures: scripts/train_zoo -->\n).*?(<!-- end of figures -->)", re.DOTALL
)
# The fact by which a kind of system is known, and what writes its figures.
KINDS = {
    "baseline": _detectors,
    "faces": _agers,
    "tables": _row_translators,
    "styles": _styles,
    "scale": _upscalers,
    "voxels": _volumes,
    "frames": _videos,
    "objects": _objects,
    "texts": _texts,
}
SPREADS = ("std",)
MEANINGS = {
    "frechet_distance": "Frechet distance of the features, no FID; less is better",
    "kernel_distance": "Unbiased kernel distance; less is better",
    "precision": "Samples within the real images' neighbourhoods",
    "recall": "Real images within the samples' neighbourhoods",
    "density": "How many neighbourhoods a sample lies in, by k",
    "coverage": "Real images with a sample in their neighbourhood",
    "inception_score": "The score of Inception, by this classifier; at most 10",
    "modes": "Classes seen in the samples",
    "kl": "Classes from uniform, in nats; less is better",
    "agreement": "Samples in which the classifier sees the class asked for",
    "worst_class": "The same in the class where it is lowest",
    "copies": "Samples equal to a training image",
    "nearer": "Chance to be nearer to the training set than a held-out image; 0.5 if "
    "alike, 1 if copied",
    "z": "The same as a standard score; below -3 if copied, far above 3 if unlike data",
    "below_percentile_1": "Samples nearer than 99 of 100 held-out images are; 0.01 if "
    "alike",
    "nats": "-log p(x) of a real image, in nats; of a bound, by its draws; less is "
    "better",
    "elbo": "The same by the bound of one draw",
    "bits_per_dimension": "The same as `nats`, in bits for each pixel and colour",
    "standard_error": "That of `nats`, over the images",
    "median_ratio": "Median distance to the training set, over that of held-out images",
}


def values_of(results):
    """Yields label, value name and value of results, as objects or as JSON holds them.

    Args:
        results: `keras_gans.metrics.Result`s.
    """
    for result in results:
        for name, value in result.values.items():
            if name not in SPREADS:
                yield result.label, name, value


def figures(folder):
    """The Markdown that stands between the marks of a card.

    Args:
        folder: `pathlib.Path` of a preset with a `metrics.json`.
    """
    found = Evaluation.from_json((folder / "metrics.json").read_text("utf-8"))
    facts, floor = found.facts, {}
    for label, name, value in values_of(found.floor):
        floor[label, name] = f"{value:.4g}"
    for fact, kind in KINDS.items():
        if fact in facts:
            return kind.figures(values_of(found.results), floor, facts)
    if "extractor" not in facts:
        return _translators.figures(values_of(found.results), floor, facts)
    lines = [
        f"{facts['num_samples']:,} samples as they are served (uint8, seed "
        f"{facts['seed']}) against {facts['data']}/{facts['split']}, through "
        f"`{facts['extractor']}` (weights {facts['weights_hash']}, resize "
        f"{facts['resize']}), k = {facts['k']}. Real: as many training images in the "
        f"samples' place. Spread: over samples of the seeds "
        f"{', '.join(map(str, facts['seeds']))}.",
        "",
    ]
    rows = []
    for label, name, value in values_of(found.results):
        title = f"{label} {name}" if label.startswith("memorisation") else name
        title = label if title in ("frechet_distance", "kernel_distance") else title
        spread = facts["spread"][f"{label} {name}"]
        real = floor.get((label, name), "")
        rows.append((title, value, spread, real, MEANINGS[name]))
    lines += table(("samples", "spread", "real"), rows)
    for result in found.results:
        if result.metric == "likelihood":
            lines += ["", *(f"Likelihood: {note}" for note in result.notes)]
    return "\n".join(lines) + "\n"


def with_figures(folder):
    """The card of a preset with the figures of its `metrics.json` in it.

    Raises:
        ValueError: if the card has no place for them.
    """
    card = (folder / "README.md").read_text("utf-8")
    if not FIGURES.search(card):
        raise ValueError(f"{folder.name}/README.md has no marks for figures.")
    block = figures(folder)
    return FIGURES.sub(lambda match: match[1] + block + match[2], card)


def write_figures(folder):
    """Puts the figures into the card, where there is a card with a place for them."""
    path = folder / "README.md"
    if path.exists() and FIGURES.search(path.read_text("utf-8")):
        path.write_text(with_figures(folder), "utf-8")
        return
    print(f"{path.parent.name}: write a card with the marks for figures.")


def accuracy_of(folder):
    """The accuracy that a classifier's `metrics.json` states, or `None` for a GAN."""
    table = json.loads((folder / "metrics.json").read_text("utf-8"))
    return table.get("accuracy")

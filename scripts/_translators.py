"""What is measured and drawn of translators, and how their cards state it."""

from _pictures import save
from _tables import table

import keras_gans as kg
from keras_gans import metrics, pictures
from keras_gans.metrics.features import extractor

# Images beside each other on a card, by the side of one of them.
SHOWN = {32: 20, 64: 12, 128: 8}
MEANINGS = {
    "psnr": "Peak signal-to-noise ratio to the target, in dB; more is better",
    "ssim": "Structural similarity to the target; at most 1",
    "agreement": "Images in which a classifier of the domain made reads their label",
    "worst_class": "The same in the class where it is lowest",
}


def measure(gan, source, data, seeds):
    """Translations of the test set: against targets, or read by a classifier.

    Args:
        gan: An `ImageTranslator`.
        source: `TranslationSource` of `data`.
        data: A recipe's full table `data`.
        seeds: Integers; the first gives the figures, all of them the spread.

    Returns:
        `(evaluation, results)`: an `Evaluation`, whose floor is the same of the
        sources as they are, and the results of each seed.
    """
    tests = (_of_pairs if gan.learns == "pairs" else _of_domains)(gan, source, data)
    floor = [result for _, _, before, score in tests for result in score(before)]
    found = [
        [
            result
            for options, images, _, score in tests
            for result in score(
                kg.data.to_uint8(gan.translate(images, seed, **options))
            )
        ]
        for seed in seeds
    ]
    names = filter(None, (data["name"], data.get("second")))
    facts = {
        "system": type(gan).__name__,
        "data": " and ".join(names),
        "split": "test",
        "num_samples": found[0][0].num_generated,
        "seed": seeds[0],
        "image_size": list(gan.image_shape[:2]),
        "degradation": data.get("degradation"),
        "keras_gans_version": kg.__version__,
    }
    return metrics.Evaluation(facts, tuple(found[0]), tuple(floor)), found


# Of each direction: the options of `translate`, the sources, what stands in the
# translations' place for the floor, and a function of images to results.
def _of_pairs(gan, source, data):
    given, target = source.held_out()

    def score(images):
        return [metrics.psnr(target, images), metrics.ssim(target, images)]

    # A mask beside the picture is not compared.
    return [({}, given, given[..., : target.shape[-1]], score)]


def _of_domains(gan, source, data):
    sides = (
        (source.labelled("test"), data["second"]),
        (source.labelled_target("test"), data["name"]),
    )
    # Some systems translate the first domain alone.
    return [
        (options, images, images, _reading(f"{into}_cnn", labels))
        for ((images, labels), into), options in zip(
            sides, gan.directions.values(), strict=False
        )
    ]


def _reading(name, labels):
    reader = extractor(name)

    def score(images):
        logits = reader(images).logits
        return [metrics.label_agreement(labels, logits, reader.protocol())]

    return score


def draw(gan, source, folder):
    """A picture for each direction: sources, translations below them, targets below."""
    count = SHOWN.get(gan.image_shape[0], 8)
    shown = zip(gan.directions.items(), source.examples(count), strict=False)
    for (name, options), (images, targets) in shown:
        rows, found = pictures.translation_rows(gan, images, targets, **options)
        found = found.reshape(-1, rows, *found.shape[1:]).swapaxes(0, 1)
        path = folder / f"{name}.png"
        save(path, found.reshape(-1, *found.shape[2:]), len(images))


def card_pictures(gan):
    """Names of the pictures of a card."""
    return [f"{name}.png" for name in gan.directions]


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to the figure of the sources as they are.
        facts: Dict as in `metrics.json`.
    """
    degraded = f", {facts['degradation']}" if facts["degradation"] else ""
    height, width = facts["image_size"]
    lines = [
        f"Translations of the part test of {facts['data']}{degraded}, {height}x{width}"
        f", as they are served (uint8, seed {facts['seed']}); {facts['num_samples']:,} "
        "of them in the first direction. Before: the sources as they are, in the "
        "translations' place. Spread: over the seeds "
        f"{', '.join(map(str, facts['seeds']))}.",
        "",
    ]
    rows = [
        (
            label if name in label else f"{label} {name}",
            value,
            facts["spread"][f"{label} {name}"],
            floor[label, name],
            MEANINGS[name],
        )
        for label, name, value in found
    ]
    lines += table(("translated", "spread", "before"), rows)
    return "\n".join(lines) + "\n"

"""What is measured and drawn of systems that draw for texts, and how cards state it.

A classifier learns from real pictures what texts speak of: the attributes of the
captioned shapes, or the classes of pictures that are called by their class. Then it
looks at pictures that were asked for by the texts of the part test.
"""

import keras
import numpy as np
from _pictures import save
from _tables import results_of, table_of
from keras import layers
from PIL import Image, ImageDraw

import keras_gans as kg
from keras_gans import metrics, pictures
from keras_gans.data.captioned_shapes import ATTRIBUTES
from keras_gans.text import build_image_encoder

SAMPLES = 1000
# Images in a row of a card, and texts of which rows are drawn.
COLUMNS, ROWS = 10, 8
# Pixels a text takes beside its row.
MARGIN = 280
MEANINGS = {
    "all": "Pictures of which all that was asked for is seen",
    **{name: f"Pictures of which the {name} asked for is seen" for name in ATTRIBUTES},
    "class": "Pictures in which the class asked for is seen",
    "class_top_5": "The same among the five likeliest",
}


def measure(gan, data, seeds):
    """Pictures drawn for texts of the part test, through a classifier of real ones.

    Args:
        gan: A `TextConditioned` system.
        data: A recipe's full table `data`.
        seeds: Integers; the first gives the figures, all of them the spread.

    Returns:
        `(evaluation, results)`: an `Evaluation`, whose floor is the same of the
        pictures that the texts belong to, and the results of each seed.
    """
    trained, test = (_loaded(data, split) for split in ("train", "test"))
    (images, _, known), (real, texts, asked) = trained, test
    classifier = _classifier(images, known)
    chosen = np.random.default_rng(0).choice(len(texts), SAMPLES)
    asked = {name: values[chosen] for name, values in asked.items()}
    found = []
    for seed in seeds:
        made = gan.sample(SAMPLES, seed=seed, texts=texts[chosen].tolist())
        seen = _figures(classifier, kg.data.to_uint8(made), asked)
        found.append(results_of(seen, SAMPLES))
    facts = {
        "system": type(gan).__name__,
        "data": data["name"],
        "split": "test",
        "texts": len(np.unique(texts)),
        "num_samples": SAMPLES,
        "num_real": len(real),
        "num_trained": len(images),
        "seed": seeds[0],
        "keras_gans_version": kg.__version__,
    }
    floor = results_of(_figures(classifier, real[chosen], asked), SAMPLES)
    return metrics.Evaluation(facts, found[0], floor), found


def _loaded(data, split):
    """Images, their first captions, and what is known of them: name to numbers."""
    options = {key: data[key] for key in ("image_size", "color_mode") if key in data}
    found = kg.data.load_captioned(data["name"], split=split, **options)
    if found.labels is None:
        raise ValueError(
            f"{data['name']} says nothing of which a classifier can learn."
        )
    known = {"class": found.labels}
    if data["name"] == "captioned_shapes":
        sizes = [len(values) for values in ATTRIBUTES.values()]
        numbers = np.unravel_index(found.labels, sizes)
        known = dict(zip(ATTRIBUTES, numbers, strict=True))
    return found.images, found.captions[:, 0], known


def _classifier(images, known):
    """A network from uint8 images to the logits of each attribute."""
    keras.utils.set_random_seed(0)
    shape = images.shape[1:]
    inputs = x = keras.Input(shape, dtype="uint8")
    x = layers.Rescaling(1 / 127.5, -1.0)(x)
    if "class" in known:  # real pictures are few, and mirrored ones are of the class
        x = layers.RandomFlip("horizontal", seed=0)(x)
        x = layers.RandomTranslation(0.1, 0.1, fill_mode="nearest", seed=0)(x)
    features = build_image_encoder(shape, 256)(x)
    x = layers.Dropout(0.3, seed=0)(layers.ReLU()(features))
    heads = {
        name: layers.Dense(int(values.max()) + 1, name=name)(x)
        for name, values in known.items()
    }
    network = keras.Model(inputs, heads)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(1e-3), loss=dict.fromkeys(heads, loss))
    epochs = 30 if "class" in known else 6
    network.fit(images, known, batch_size=64, epochs=epochs, verbose=2)
    return network


def _figures(classifier, images, asked):
    logits = classifier.predict(images, batch_size=256, verbose=0)
    if list(asked) == ["class"]:
        five = np.argsort(-logits["class"], axis=1)[:, :5]
        right = five == asked["class"][:, None]
        return {"class": right[:, 0].mean(), "class_top_5": right.any(axis=1).mean()}
    right = {name: logits[name].argmax(1) == values for name, values in asked.items()}
    every = np.all(list(right.values()), axis=0)
    return {name: r.mean() for name, r in {"all": every, **right}.items()}


def draw(gan, data, folder):
    """Rows of pictures for texts, and from one text to another."""
    _, texts, _ = _loaded(data, "test")
    _, first = np.unique(texts, return_index=True)
    chosen = [str(texts[row]) for row in np.sort(first)[:ROWS]]
    rows = [gan.sample(COLUMNS, seed=7, texts=text) for text in chosen]
    _save_rows(folder / "texts.png", np.concatenate(rows), chosen)
    ends = list(zip(chosen, np.roll(chosen, -1), strict=True))
    rows = [gan.interpolate_texts(a, b, COLUMNS, seed=7) for a, b in ends]
    save(folder / "between_texts.png", np.concatenate(rows), COLUMNS)


def _save_rows(path, images, texts):
    """A grid with the text of each row on its left."""
    scale = 2 if images.shape[1] <= 64 else 1
    grid = pictures.image_grid(images, COLUMNS, scale=scale)
    page = np.full((grid.shape[0], grid.shape[1] + MARGIN, 3), 255, "uint8")
    page[:, MARGIN:] = grid
    picture = Image.fromarray(page)
    pen = ImageDraw.Draw(picture)
    for i, text in enumerate(texts):
        middle = int((i + 0.5) * grid.shape[0] / len(texts))
        pen.text((8, middle - 6), text[:44], fill=(0, 0, 0))
    pictures.save_png(path, np.asarray(picture))


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to the figure of the texts' own pictures.
        facts: Dict as in `metrics.json`.
    """
    lines = [
        f"{facts['num_samples']:,} pictures for texts of {facts['data']}/"
        f"{facts['split']}, which has {facts['texts']:,} different ones (seed "
        f"{facts['seed']}), through a classifier that was trained on the "
        f"{facts['num_trained']:,} pictures of the part train. Real: what it sees in "
        "the pictures that the texts belong to. Spread: over samples of the seeds "
        f"{', '.join(map(str, facts['seeds']))}.",
        "",
    ]
    lines += table_of(
        ("samples", "spread", "real"), found, floor, facts["spread"], MEANINGS
    )
    return "\n".join(lines) + "\n"

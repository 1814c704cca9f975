"""What is measured and drawn of systems that age faces, and how cards state it."""

import numpy as np
from _pictures import save
from _tables import results_of, table_of

import keras_gans as kg
from keras_gans import metrics, pictures
from keras_gans.metrics.features import extractor

# Photographs of the test set, each searched for by itself, which takes its time.
FACES = 200
RESAMPLES = 2000
SHOWN = 8
MEANINGS = {
    "agreement": "Aged faces in which a classifier of real faces reads the age class "
    "asked for",
    "within_one": "The same, or a neighbouring class",
    "identity": "Chance that an aged face is nearer to its own photograph than to that "
    "of somebody else, for a recogniser that no search has seen; 0.5 if lost",
}


def measure(gan, data):
    """Test faces at every age: is the age read in them, and the person?

    Args:
        gan: A `keras_gans.AgeCGAN`.
        data: A recipe's full table `data`.

    Returns:
        An `Evaluation`: its floor is the same of the encoder alone, without a search;
        `spread` holds 95 % intervals over resamples of the faces.
    """
    images, labels = (part[:FACES] for part in _load(data, "test"))
    reader = extractor(f"{data['name']}_cnn")
    judge = _judge(gan, _load(data, "train")[0])
    rows = {}
    for search in ("lbfgs", "encoder"):
        aged = kg.data.to_uint8(gan.age(images, labels, search=search))
        rows[search] = _of_each_face(aged, images, reader, judge)
    chosen = np.random.default_rng(0).integers(0, len(images), (RESAMPLES, len(images)))
    spread = {
        f"{name} {name}": np.quantile(
            values[chosen].mean(axis=1), (0.025, 0.975)
        ).tolist()
        for name, values in rows["lbfgs"].items()
    }
    of_photographs = reader(images).logits.argmax(axis=1) == labels
    facts = {
        "system": type(gan).__name__,
        "data": data["name"],
        "split": "test",
        "faces": len(images),
        "num_classes": gan.num_classes,
        "read_in_photographs": float(of_photographs.mean()),
        "extractor": f"{data['name']}_cnn",
        "weights_hash": reader.protocol().weights_hash,
        "seed": 0,
        "image_size": list(gan.image_shape[:2]),
        "keras_gans_version": kg.__version__,
        "spread": spread,
        "seeds": [0],
    }
    found, floor = (_results(rows[name]) for name in ("lbfgs", "encoder"))
    for result in found:
        print(result)
    return metrics.Evaluation(facts, found, floor)


def _load(data, split):
    return kg.data.load(data["name"], split=split)


def _judge(gan, images):
    """A recogniser like the system's, of another seed."""
    other = type(gan).from_config({**gan.get_config(), "seed": gan.seed + 1})
    other.pretrain(images, epochs=4, verbose=2)
    return other.embedded


def _of_each_face(aged, images, reader, judge):
    """Dict of a figure's name to its mean over the ages of each face."""
    count, classes = aged.shape[:2]
    every = aged.reshape(-1, *images.shape[1:])
    read = reader(every).logits.argmax(axis=1).reshape(count, classes)
    apart = np.abs(read - np.arange(classes))
    seen, known = (_embedded(judge, part) for part in (every, images))
    distances = np.square(seen[:, None] - known).sum(axis=2)
    distances = distances.reshape(count, classes, count)
    own = distances[np.arange(count), :, np.arange(count)][..., None]
    # A tie with oneself is no other person.
    nearer = (own < distances).sum(axis=2) / (count - 1)
    return {
        "agreement": (apart == 0).mean(axis=1),
        "within_one": (apart <= 1).mean(axis=1),
        "identity": nearer.mean(axis=1),
    }


def _embedded(judge, images):
    parts = np.array_split(kg.data.to_unit(images), -(-len(images) // 256))
    return np.concatenate([np.asarray(judge(part)) for part in parts])


def _results(rows):
    means = {name: values.mean() for name, values in rows.items()}
    return results_of(means, len(rows["agreement"]))


def draw(gan, data, folder):
    """Faces of the test set, one of each class in turn, and at every age."""
    images, labels = _load(data, "test")
    rows = [np.flatnonzero(labels == i)[0] for i in range(gan.num_classes)][:SHOWN]
    columns, found = pictures.aging_rows(gan, images[rows], labels[rows])
    save(folder / "ages.png", found, columns)


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to the figure of the encoder alone.
        facts: Dict as in `metrics.json`.
    """
    classes, chance = facts["num_classes"], 1 / facts["num_classes"]
    low, high = facts["spread"]["agreement agreement"]
    verdict = "more often than by chance" if low > chance else "no more than by chance"
    lines = [
        f"The first {facts['faces']} photographs of the part test of {facts['data']}, "
        f"each in all {classes} age classes, as they are served (uint8); found by 100 "
        "steps of L-BFGS on the recogniser's distance. Interval: 95 % of "
        f"{RESAMPLES:,} resamples of the photographs. Encoder: no search. "
        f"`{facts['extractor']}` (weights {facts['weights_hash']}) reads the right "
        f"class in {facts['read_in_photographs']:.1%} of the photographs themselves; "
        f"by chance it would be {chance:.1%}. The class asked for is read {verdict} "
        f"(margin {100 * (low - chance):.1f} to {100 * (high - chance):.1f} points).",
        "",
    ]
    columns = ("searched", "interval", "encoder")
    lines += table_of(columns, found, floor, facts["spread"], MEANINGS)
    return "\n".join(lines) + "\n"

"""What is measured and drawn of super-resolution, and how its card states it."""

import numpy as np
from _pictures import save
from _tables import table

import keras_gans as kg
from keras_gans import metrics
from keras_gans.metrics import Result

# The usual test sets, in the folder of the one that the recipe names.
SETS = ("set5", "set14", "cbsd68")
SHOWN, SIDE = 5, 96
MEANINGS = {
    "psnr": "Peak signal-to-noise ratio of Y, in dB; more is better",
    "ssim": "Structural similarity of Y; at most 1",
    "tiles": "Largest difference, in the range [-1, 1], between the first test set "
    "computed in parts of 48 pixels and as a whole",
}


def measure(gan, data):
    """Enlarged test sets against the originals, beside bicubic enlargements.

    Args:
        gan: An `ImageUpscaler`.
        data: A recipe's full table `data`.

    Returns:
        An `Evaluation`, whose floor is that of bicubic enlargement and whose spread the
        range over pictures.
    """
    found, floor, spread, sets = {}, {}, {}, test_sets(gan, data)
    for name, (low, high) in sets.items():
        made = [kg.data.to_uint8(gan.upscale(small[None]))[0] for small in low]
        before = [kg.data.enlarge(small, gan.scale) for small in low]
        for kind, after in (("found", made), ("floor", before)):
            for result in metrics.upscaling_scores(high, after, gan.scale):
                values = found if kind == "found" else floor
                values.setdefault(result.metric, {})[name] = result.value
        by_picture = [
            metrics.upscaling_scores([h], [m], gan.scale)
            for h, m in zip(high, made, strict=True)
        ]
        for scores in zip(*by_picture, strict=True):
            each = [score.value for score in scores]
            spread[f"{scores[0].metric} {name}"] = [min(each), max(each)]
    first, (low, _) = next(iter(sets.items()))
    apart = max(
        float(np.abs(gan.upscale(x[None], None) - gan.upscale(x[None], 48)).max())
        for x in low
    )
    facts = {
        "system": type(gan).__name__,
        "data": ", ".join(found["psnr"]),
        "scale": gan.scale,
        "keras_gans_version": kg.__version__,
        "spread": {**spread, f"tiles {first}": [apart, apart]},
    }
    options = {"crop": gan.scale, "luma": True}
    results = [Result(metric, values, options) for metric, values in found.items()]
    floors = [Result(metric, values, options) for metric, values in floor.items()]
    results.append(Result("tiles", {first: apart}))
    return metrics.Evaluation(facts, tuple(results), tuple(floors))


def test_sets(gan, data):
    """Dict of name to `(low, high)`, lists of pictures."""
    folder = data["test"].rpartition("/")[0]
    sets = {}
    for name in SETS:
        high = [
            kg.data.whole_part(picture, gan.scale)
            for picture in kg.data.load_pictures(f"{folder}/{name}")
        ]
        sets[name] = [kg.data.shrink(picture, gan.scale) for picture in high], high
    return sets


def draw(gan, data, folder):
    """Below each other: low resolution, bicubic, enlarged, original, of some crops."""
    _, high = next(iter(test_sets(gan, data).values()))
    rows = [[], [], [], []]
    for picture in high[:SHOWN]:
        top, left = ((side - SIDE) // 2 // gan.scale for side in picture.shape[:2])
        small = SIDE // gan.scale
        low = kg.data.shrink(picture, gan.scale)
        # Cut out of the whole picture's, whose borders are elsewhere.
        made = kg.data.to_uint8(gan.upscale(low[None]))[0]
        large = slice(gan.scale * top, gan.scale * top + SIDE)
        place = large, slice(gan.scale * left, gan.scale * left + SIDE)
        crop = low[top : top + small, left : left + small]
        rows[0].append(kg.data.resize(crop, SIDE, antialias=False))
        for row, whole in zip(
            rows[1:], (kg.data.enlarge(low, gan.scale), made, picture), strict=True
        ):
            row.append(whole[place])
    save(folder / "upscale.png", np.concatenate(rows), len(rows[0]))


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to bicubic's figure.
        facts: Dict as in `metrics.json`.
    """
    scale = facts["scale"]
    lines = [
        f"Pictures reduced by MATLAB's bicubic filter to 1/{scale} and enlarged again, "
        f"rounded to 8 bits; Y of BT.601 without {scale} pixels along each border, "
        "means over pictures. Bicubic: enlarged by the same filter. Range: over "
        "pictures.",
        "",
    ]
    rows = [
        (
            f"{label} {name}",
            value,
            facts["spread"][f"{label} {name}"],
            floor.get((label, name), ""),
            MEANINGS[label],
        )
        for label, name, value in found
    ]
    lines += table(("enlarged", "range", "bicubic"), rows)
    return "\n".join(lines) + "\n"

"""What rows of other tables are worth to a predictor, and how cards state it."""

import json

import numpy as np
from _runs import train
from scipy import stats
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score

import keras_gans as kg
from keras_gans import metrics
from keras_gans.cli import recipes
from keras_gans.cli.table_sources import TableSource
from keras_gans.metrics import Result
from keras_gans.models.radial_gan.augmenting import predicted
from keras_gans.models.radial_gan.tables import Table

# Of a seed follow the parts of the rows, and the training.
SEEDS = (0, 1, 2, 3, 4)
WAYS = {
    "target": "the table itself (target only)",
    "translated": "and all others translated (RadialGAN)",
    "chosen": "and translated, weight by validation",
    "combined": "all tables, columns that all have (simple combine)",
}
SCORES = {"AUROC": roc_auc_score, "AUPRC": average_precision_score}
MEAN, APART = "mean of all", "less the table itself"
ROUND_TRIP = "round_trip"
# Rows of each table that a round trip begins with.
DRAWN = 200


def scored(gan, source):
    """Dict of domain, way and score to a number.

    Args:
        gan: `RadialGAN`, trained on the part `"train"`.
        source: Its `TableSource`.
    """
    test, validation = source.part("test"), source.part("validation")
    pool, shared = _pooled(source)
    found = {}
    for number, table in enumerate(gan.tables):
        name = table.name
        rows = test[name]
        truth = gan.target.encode(rows[gan.target.name])
        chances = {"combined": _by_pool(gan, pool, shared, rows)}
        options = {"translated": {}, "chosen": {"validation": validation[name]}}
        options["target"] = {"weights": (0.0,)}
        weights = {}
        for way, given in options.items():
            more = gan.augment(number, source.frames, **given)
            weights[way] = more.weight
            chances[way] = predicted(gan, number, more.table, more.sample_weight, rows)
        found[name] = {
            way: {score: float(SCORES[score](truth, chances[way])) for score in SCORES}
            for way in WAYS
        }
        found[name]["weight"] = weights["chosen"]
    return found


def _pooled(source):
    """All rows with the columns that no table was found to lack, and their `Table`."""
    import pandas

    kept = [
        {column["name"] for column in domain["columns"]}
        for domain in source.arguments["domains"]
    ]
    label = source.arguments["label"]["name"]
    common = [
        n for n in next(iter(source.frames.values())) if all(n in k for k in kept)
    ]
    parts = [frame[[*common, label]] for frame in source.frames.values()]
    pool = pandas.concat(parts, ignore_index=True)
    (domain,) = source.learnt({"all": pool})["domains"]
    return pool, Table(domain)


def _by_pool(gan, pool, shared, rows):
    labels = gan.target.encode(pool[gan.target.name])
    regression = LogisticRegression(max_iter=1000).fit(shared.encode(pool), labels)
    return regression.predict_proba(shared.encode(rows, unknown="missing"))[:, 1]


def scored_by_seed(recipe, runs, seeds):
    """What `scored` returns of a model trained with each seed.

    Args:
        recipe: Path of a recipe.
        runs: `pathlib.Path` of a folder with a run for each seed; those that are
            missing are trained.
        seeds: Integers.
    """
    data, found = recipes.with_defaults(recipes.read(recipe))["data"], []
    for seed in seeds:
        run = runs / f"seed_{seed}"
        train(recipe, run, "--seed", str(seed))
        found.append(scored(kg.from_preset(run / "preset"), TableSource(data, seed)))
        print(f"seed {seed}: {json.dumps(found[-1])}", flush=True)
    return found


def summary(found):
    """Means over seeds and their 95 % intervals, by domain and over all.

    Args:
        found: What `scored` returned, for each seed.

    Returns:
        An `Evaluation` without a floor.
    """
    results, spread = [], {}
    for score in SCORES:
        for row in (*found[0], MEAN, APART):
            means, label = {}, f"{score} {row}"
            for way in WAYS:
                interval = _interval(_values(found, row, way, score))
                means[way], spread[f"{label} {way}"] = interval
            results.append(Result(label, means))
    chosen = sorted(one[name]["weight"] for one in found for name in one)
    facts = {
        "tables": list(found[0]),
        "num_seeds": len(found),
        "weights_chosen": {f"{w:g}": chosen.count(w) for w in dict.fromkeys(chosen)},
        "spread": spread,
    }
    return metrics.Evaluation(facts, tuple(results))


def _values(found, row, way, score):
    names = [row] if row in found[0] else list(found[0])
    values = np.array([np.mean([one[n][way][score] for n in names]) for one in found])
    return values - _values(found, MEAN, "target", score) if row == APART else values


def _interval(values):
    """The mean, and `[low, high]`: Student's t."""
    mean, reach = float(values.mean()), 0.0
    if len(values) > 1:
        reach = float(stats.sem(values) * stats.t.ppf(0.975, len(values) - 1))
    return mean, [mean - reach, mean + reach]


def measure(gan, recipe, run):
    """What translated rows are worth over `SEEDS`, and a round trip of drawn rows.

    Args:
        gan: `RadialGAN`, trained with the first seed.
        recipe: Path of its recipe.
        run: `pathlib.Path` of its run, in which those of the other seeds are.

    Returns:
        An `Evaluation`, whose spread holds 95 % intervals over seeds.
    """
    data = recipes.with_defaults(recipes.read(recipe))["data"]
    source = TableSource(data, gan.seed)
    first = scored(gan, source)
    found = summary([first, *scored_by_seed(recipe, run, SEEDS[1:])])
    back, usual = round_trip(gan)
    tested = source.part("test")
    facts = {
        "system": type(gan).__name__,
        "data": data["name"],
        "split": "test",
        "num_trained": sum(map(len, source.frames.values())),
        "num_tested": {name: len(rows) for name, rows in tested.items()},
        "keras_gans_version": kg.__version__,
        **found.facts,
        "seeds": list(SEEDS),
    }
    facts["spread"][f"{ROUND_TRIP} distance"] = [back, back]
    return metrics.Evaluation(
        facts,
        (*found.results, Result(ROUND_TRIP, {"distance": back})),
        (Result(ROUND_TRIP, {"distance": usual}),),
    )


def drawn(gan):
    """Rows and labels of each table, column by column by chance; needs no data.

    Numbers are normal, and all categories as frequent.
    """
    random = np.random.default_rng(0)
    for table in gan.tables:
        rows = random.standard_normal((DRAWN, table.width)).astype("float32")
        for start, stop in table.groups:
            chosen = rows[:, start:stop].argmax(axis=1)
            rows[:, start:stop] = np.eye(stop - start)[chosen]
        yield rows, random.integers(0, 2, DRAWN)


def round_trip(gan):
    """How far drawn rows are from what comes back from the other tables.

    Returns:
        Two floats: the root of the mean squared difference of encoded rows, and the
        same with the mean row in the place of what comes back.
    """
    missed, usual = [], []
    for i, (rows, labels) in enumerate(drawn(gan)):
        usual.append(rows.var(axis=0).mean())
        for j in gan.others(i):
            there = gan.translate(rows, i, j, labels)
            back = gan.translate(there, j, i, labels)
            missed.append(np.square(back - rows).mean())
    return float(np.sqrt(np.mean(missed))), float(np.sqrt(np.mean(usual)))


def problems(gan, results):
    """Yields what is wrong with the round trip that `metrics.json` states.

    Args:
        gan: `RadialGAN` of the weights that are shipped.
        results: The results of `metrics.json`, as JSON.
    """
    (stated,) = (one["values"] for one in results if one["metric"] == ROUND_TRIP)
    distance, _ = round_trip(gan)
    if not np.isclose(distance, stated["distance"], rtol=1e-3):
        yield f"rows come back {distance:.4g} from themselves, not as metrics.json says"


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to the figure of the mean row.
        facts: Dict as in `metrics.json`.
    """
    values = {(label, name): value for label, name, value in found}
    tested = ", ".join(f"{n} of {name}" for name, n in facts["num_tested"].items())
    key = ROUND_TRIP, "distance"
    lines = [
        f"{facts['data']}, the part test ({tested}); trained on {facts['num_trained']} "
        f"rows. Seeds {', '.join(map(str, facts['seeds']))}, of which the parts of the "
        "rows and the training follow; the weights here are the first's. Scored is a "
        "logistic regression that learns from the rows named.",
        "",
        as_markdown(values, facts),
        "",
        f"Rows drawn by chance, to another table and back: {values[key]:.4g} from "
        f"themselves (root of the mean square, standardised); the mean row: "
        f"{floor[key]}.",
    ]
    return "\n".join(lines) + "\n"


def as_markdown(values, facts):
    """Tables of the means over seeds and their intervals.

    Args:
        values: `(label, name)` to the figures of `summary`.
        facts: Its facts.
    """
    lines = [f"Means over {facts['num_seeds']} seeds, 95 % intervals (Student's t)."]
    for score in SCORES:
        lines += ["", f"| {score} | " + " | ".join(WAYS.values()) + " |"]
        lines.append("|---" * (len(WAYS) + 1) + "|")
        for row in (*facts["tables"], MEAN, APART):
            label = f"{score} {row}"
            cells = [
                _cell(values[label, way], *facts["spread"][f"{label} {way}"])
                for way in WAYS
            ]
            lines.append(f"| {row} | " + " | ".join(cells) + " |")
    chosen = ", ".join(f"{w}: {n}" for w, n in facts["weights_chosen"].items())
    lines.append(f"\nWeights chosen by validation, and how often: {chosen}.")
    return "\n".join(lines)


def _cell(mean, low, high):
    interval = f" ({low:.3f} to {high:.3f})" if low < high else ""
    return f"{mean:.3f}{interval}"

"""What a report says in words and numbers: the run's facts and the model's metrics."""

import json

from keras_gans.core.plain_json import parse_json, read_bounded
from keras_gans.metrics import Result


def facts(run, recipe, history):
    """What to know of a run at a glance.

    Args:
        run: `pathlib.Path` of its folder.
        recipe: What `recipes.with_defaults` returned.
        history: What `pictures.read_history` returned.

    Returns:
        Dict from names to text.
    """
    arguments, fit = recipe["arguments"], recipe["fit"]
    done = int(history["epoch"].max(initial=-1)) + 1
    state = "" if (run / "preset").is_dir() else ", unfinished"
    found = {
        "Epochs": f"{done} of {fit['epochs']}{state}",
        "Batch size": str(fit["batch_size"]),
        "Images": "x".join(map(str, arguments.get("image_shape", ["as the data"]))),
        "Seed": str(arguments.get("seed", 0)),
        "Precision": recipe["training"]["precision"],
    }
    if arguments.get("ema_decay") is not None:
        found["Averaged weights"] = f"decay {arguments['ema_decay']}"
    if (run / "preset" / "metadata.json").is_file():
        found |= _preset_facts(run / "preset")
    return found


def _preset_facts(preset):
    raw = read_bounded(preset / "metadata.json")
    metadata = parse_json(raw, "metadata.json", preset)
    found = {}
    if counts := metadata.get("parameter_count"):
        found["Parameters"] = ", ".join(
            f"{name} {count:,}" for name, count in counts.items()
        )
    made = [metadata.get("keras_gans_version"), metadata.get("keras_version")]
    if all(made):
        found["Made with"] = f"keras-gans {made[0]}, Keras {made[1]}"
    if saved := metadata.get("date_saved"):
        found["Saved"] = str(saved)[:10]
    return found


def scores(run):
    """The metrics of a run's model, as `metrics.json` has them.

    Args:
        run: `pathlib.Path` of its folder.

    Returns:
        Dict of `protocol` (names to text), `rows` (dicts of `name`, `of`, which is the
        metric that has this value and others, `value` and `floor`), `notes` and
        `conditions` (lists of text); `None` if there is no file.

    Raises:
        ValueError: if the file holds something else.
    """
    for folder in (run / "preset", run / "best", run):
        path = folder / "metrics.json"
        if path.is_file():
            try:
                return _scores(json.loads(path.read_text("utf-8")))
            except (ValueError, KeyError, TypeError, AttributeError) as why:
                raise ValueError(f"{path} holds no metrics: {why}.") from why
    return None


def _scores(table):
    results, floors = (
        [Result.from_json(json.dumps(result)) for result in table.get(name, [])]
        for name in ("results", "floor")
    )
    beside = {result.label: result for result in floors}
    rows = []
    for result in results:
        real = beside.get(result.label)
        names = [name for name in result.values if name != "std"]
        for name in names:
            rows.append(
                {
                    "name": result.label if len(names) == 1 else name,
                    "of": "" if len(names) == 1 else result.label,
                    "value": _value(result, name),
                    "floor": _value(real, name),
                }
            )
    protocol = table.get("protocol", {})
    return {
        "protocol": {k: _text(v) for k, v in protocol.items() if v is not None},
        "rows": rows,
        "notes": list(dict.fromkeys(n for result in results for n in result.notes)),
        "conditions": [
            *map(str, results),
            *(f"Floor: {result}" for result in floors),
        ],
    }


def _value(result, name):
    if result is None or name not in result.values:
        return ""
    spread = result.values.get("std")
    is_only = len(result.values) == 2 and spread is not None
    return f"{result[name]:.4g}" + (f" ± {spread:.2g}" if is_only else "")


def _text(value):
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)

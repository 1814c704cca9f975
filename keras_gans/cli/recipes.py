"""Recipes: all that decides how a model is trained, as a TOML file.

A recipe is data; nothing in it is executed. `keras-gans train recipe.toml` follows it,
and every run folder and preset holds the one that made it:

    system = "dcgan"              # a name of `keras-gans systems`

    [arguments]                   # of the system's constructor; all optional
    image_shape = [32, 32, 1]     # else that of the data
    base_channels = 24            # num_classes: else that of the data
    seed = 0
    augmentation = "ada"          # or a policy, "color,translation,cutout"

    [data]                        # as for `keras_gans.data.load`
    name = "digits"               # data set, folder of pictures or .npz file
    split = "train"               # optional
    image_size = 32               # optional; pixels, or [height, width]
    color_mode = "grey"           # optional; grey or rgb
    on_damaged = "raise"          # optional; or skip, for damaged pictures
    flip = false                  # optional; mirrors half of the images
    second = "edges"              # for two domains; or negatives, or other data
    labels_per_class = 10         # for semi-supervised systems; hides all others
    also = ["eurosat"]            # for styles; further contents beside those of name
    style_size = 256              # for styles; side of the paintings
    direction = "ba"              # for pairs; from the second picture to the first
    degradation = "mosaic:8"      # for pairs; made of single pictures, anew each epoch
    jitter = 143                  # for translation; resizes to it, crops to image_size
    normal = 0                    # for anomalies; the class that is trained on
    held_out = 0.1                # for anomalies; share that chooses the threshold
    repeats = 10                  # for anomalies, tables; passes over them in an epoch
    only = "chair"                # for volumes; the class that is trained on
    fit = "letterbox"             # for detectors; or stretch, to image_size
    frames = 32                   # for videos; of each clip
    stride = 2                    # for videos; takes every other frame
    # For super-resolution, degradation is "real_world" (else bicubic reduction), and
    # flip shows crops in all eight ways.
    crops = 16                    # for super-resolution; of each picture, per epoch
    test = "set5"                 # for super-resolution; pictures to measure with
    label = "ill"                 # for tables; the column of labels, of two classes
    columns = ["age", "sex"]      # for tables in arrays; else feature_0, feature_1 ...
    categorical = ["sex"]         # for tables; columns whose numbers are categories
    max_missing = 0.5             # for tables; columns that miss more are left out

    [fit]                         # optional
    batch_size = 64               # images per update
    epochs = 20                   # passes over the data
    decay_epochs = 10             # optional; the last, in which rates fall along a line

    [training]                    # optional
    precision = "float32"         # or mixed_bfloat16, mixed_float16
    xla = false                   # without it, Keras decides

    [evaluation]                  # optional; measures samples and keeps the best
    every = 5                     # epochs between two evaluations
    num_samples = 10000           # optional; as many real images are taken
    extractor = "mnist_cnn"       # optional; else what suits the data
    monitor = "frechet_distance"  # optional; the value that makes an epoch the best

    [pretraining]                 # for systems with a network that is trained first
    batch_size = 100
    epochs = 5
    zoom = 0.3                    # optional; DTN: share cut away before enlarging
    objective = "pictures"        # optional; AdaIN: what f learns; else classes
    # For texts, objective is "structured", else "contrastive"; arguments.text_encoder
    # names what is trained, and captions are found as `kg.data.load_captioned` says.
    preset = "adain_paintings"    # optional; takes the network of a preset instead

    [optimizers.generator]        # optional, one table per player
    class = "Adam"
    learning_rate = 1e-4          # and what else the class takes
"""

import difflib
import inspect
import math
import pathlib
import tomllib

from keras_gans.core.plain_json import shown

# tomllib takes time that grows with the square of the length of a line and of a file.
MAX_BYTES = 1 << 16
MAX_LINE = 1 << 10
MAX_DEPTH = 20
OPTIMIZERS = ("Adam", "AdamW", "Adamax", "Nadam", "Lion", "RMSprop", "SGD")
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
DEFAULTS = {
    "arguments": {},
    "data": {"split": "train", "flip": False},
    "fit": {"batch_size": 64, "epochs": 20},
    "training": {"precision": "float32"},
    "evaluation": {},
    "pretraining": {},
    "optimizers": {},
}
# Tables that are there if they say something.
OPTIONAL = ("evaluation", "pretraining")


def _whole(value):
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _up_to(limit):
    return lambda value: _whole(value) and 0 < value <= limit


def _shape(value):
    return (
        isinstance(value, list)
        and len(value) <= 4
        and all(map(_up_to(65536), value))
        and math.prod(value) <= 2**28
    )


# What a value must be, in the words of the error, and the test for it.
KINDS = {
    "a list of texts": lambda value: (
        isinstance(value, list)
        and all(isinstance(one, str) and one != "" for one in value)
    ),
    "text": lambda value: isinstance(value, str) and value != "",
    "true or false": lambda value: isinstance(value, bool),
    "a whole number": _whole,
    "a whole number from 0 on": lambda value: _whole(value) and value >= 0,
    "a whole number from 1 on": lambda value: _whole(value) and value > 0,
    "a number": _number,
    "a number from 0 to below 1": lambda value: _number(value) and 0 <= value < 1,
    "a whole number from 1 to 65536": _up_to(65536),
    "a whole number from 1 to 16384": _up_to(16384),
    "a whole number from 1 to 1000000": _up_to(10**6),
    "a list of whole numbers from 1 on, of at most 2**28 values": _shape,
    "pixels or [height, width], at most 16384": lambda value: (
        _up_to(16384)(value)
        or (_shape(value) and len(value) == 2 and max(value) <= 16384)
    ),
    f"one of {', '.join(PRECISIONS)}": lambda value: value in PRECISIONS,
    f"one of {', '.join(OPTIMIZERS)}": lambda value: value in OPTIMIZERS,
    "a table": lambda value: isinstance(value, dict),
    "a TOML value": lambda value: True,
}
TOP = {"system": "text", **dict.fromkeys(DEFAULTS, "a table")}
SECTIONS = {
    "data": {
        "name": "text",
        "split": "text",
        "image_size": "pixels or [height, width], at most 16384",
        "color_mode": "text",
        "on_damaged": "text",
        "flip": "true or false",
        "second": "text",
        "labels_per_class": "a whole number from 1 on",
        "direction": "text",
        "degradation": "text",
        "jitter": "a whole number from 1 to 65536",
        "normal": "a whole number from 0 on",
        "only": "text",
        "fit": "text",
        "held_out": "a number from 0 to below 1",
        "repeats": "a whole number from 1 to 65536",
        "also": "a list of texts",
        "style_size": "a whole number from 1 to 16384",
        "crops": "a whole number from 1 to 65536",
        "test": "text",
        "label": "text",
        "columns": "a list of texts",
        "categorical": "a list of texts",
        "max_missing": "a number from 0 to below 1",
        "frames": "a whole number from 1 to 65536",
        "stride": "a whole number from 1 to 65536",
    },
    "fit": {
        "batch_size": "a whole number from 1 to 65536",
        "epochs": "a whole number from 1 on",
        "decay_epochs": "a whole number from 1 on",
    },
    "pretraining": {
        "batch_size": "a whole number from 1 to 65536",
        "epochs": "a whole number from 1 on",
        "zoom": "a number from 0 to below 1",
        "objective": "text",
        "preset": "text",
    },
    "evaluation": {
        "every": "a whole number from 1 on",
        "num_samples": "a whole number from 1 to 1000000",
        "extractor": "text",
        "monitor": "text",
    },
    "training": {
        "precision": f"one of {', '.join(PRECISIONS)}",
        "xla": "true or false",
    },
}
# Arguments that mean the same in every system; others are known by their default.
ARGUMENTS = {
    "image_shape": "a list of whole numbers from 1 on, of at most 2**28 values",
    "latent_dim": "a whole number from 1 to 1000000",
    "num_classes": "a whole number from 1 to 1000000",
    "num_labels": "a whole number from 1 to 1000000",
    "source_channels": "a whole number from 1 to 65536",
    "base_channels": "a whole number from 1 to 65536",
    "hidden_units": "a whole number from 1 to 1000000",
    "critic_steps": "a whole number from 1 to 65536",
    "ema_decay": "a number from 0 to below 1",
    "seed": "a whole number from 0 on",
}


def read(path):
    """Reads a recipe.

    Args:
        path: TOML file of at most 64 kB.

    Returns:
        Dict, of which tables and keys are checked as far as no system is needed.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is too large, no TOML, cannot be read, or breaks the rules
            of this module.
    """
    path = pathlib.Path(path)
    try:
        path = path.expanduser()
        if not path.is_file():
            raise FileNotFoundError(f"There is no recipe {str(path)!r}.")
        with open(path, "rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError) as why:  # a name too long, no such user's home
        raise ValueError(f"{path} cannot be read: {why}") from why
    if len(raw) > MAX_BYTES:
        raise ValueError(f"{path} is no recipe: it is larger than 64 kB.")
    try:
        recipe = _parsed(raw)
    except (ValueError, RecursionError) as why:
        raise ValueError(f"{path} is no TOML: {why}") from why
    try:
        check(recipe)
    except (ValueError, RecursionError) as why:
        raise ValueError(f"{path}: {why}") from why
    return recipe


def _parsed(raw):
    """The tables of a TOML file, and its values such that they can be shown."""
    text = raw.decode("utf-8")
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > MAX_LINE:
            raise ValueError(f"line {number} is longer than {MAX_LINE} characters.")
    recipe = tomllib.loads(text)
    level = [recipe]
    for _ in range(MAX_DEPTH):
        inside = []
        for value in level:
            if isinstance(value, (dict, list)):
                inside += value.values() if isinstance(value, dict) else value
            # TOML's integers have 64 bits; Python would read any number of digits.
            elif _whole(value) and not -(2**63) <= value < 2**63:
                raise ValueError("a whole number has more than 64 bits.")
        level = inside
    if level:
        raise ValueError(f"its values are nested deeper than {MAX_DEPTH}.")
    return recipe


def parse_value(text):
    """The value in a `--set name=value`: TOML, or a bare word as text.

    Raises:
        ValueError: if it is neither.
    """
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError) as why:
        if text.replace("_", "").replace("-", "").isalnum():
            return text
        raise ValueError(
            f'{text!r} is no TOML value such as 3, 0.5, true, [32, 32, 1] or "text".'
        ) from why
    if list(parsed) != ["value"]:
        raise ValueError(f"{text!r} is more than one value.")
    return parsed["value"]


def with_defaults(recipe):
    """A copy of a recipe in which every table is there and filled.

    But no `evaluation` and no `pretraining` where none is asked for.
    """
    full = {"system": recipe["system"]}
    for section, defaults in DEFAULTS.items():
        table = {**defaults, **recipe.get(section, {})}
        if section in OPTIONAL and not table:
            continue
        order = [*SECTIONS.get(section, ()), *table]
        full[section] = {key: table[key] for key in order if key in table}
    return full


def check(recipe):
    """Checks everything that does not depend on the system.

    Raises:
        ValueError: naming the key, and the nearest legal one.
    """
    _check_table(recipe, TOP, "")
    if "system" not in recipe:
        raise ValueError("The key system is missing.")
    for section, kinds in SECTIONS.items():
        _check_table(recipe.get(section, {}), kinds, section)
    for player, table in recipe.get("optimizers", {}).items():
        _check(table, "a table", f"optimizers.{player}")


def check_system(recipe, system):
    """Checks the arguments and optimizers of a recipe against its system.

    Args:
        recipe: What `with_defaults` returned.
        system: The class it names.

    Raises:
        ValueError: naming the key, and the nearest legal one.
    """
    _check_data(recipe["data"], recipe["system"], system)
    networks = set(system.sampling_networks).union(*system.players.values())
    kinds = {n: k for n, k in arguments_of(system).items() if n not in networks}
    kinds["augmentation"] = "text"  # every system hands it on to the kernel
    _check_table(recipe["arguments"], kinds, "arguments")
    if "evaluation" in recipe and "every" not in recipe["evaluation"]:
        raise ValueError("The table evaluation lacks the key every.")
    if recipe["fit"].get("decay_epochs", 1) > recipe["fit"]["epochs"]:
        raise ValueError("fit.decay_epochs are the last of fit.epochs, no more.")
    _check_pretraining(recipe.get("pretraining", {}), recipe["system"], system)
    players = dict.fromkeys(system.players, "a table")
    _check_table(recipe["optimizers"], players, "optimizers")
    for player, table in recipe["optimizers"].items():
        _check_optimizer(table, f"optimizers.{player}")


def _check_pretraining(table, name, system):
    if not table:
        return
    if not hasattr(system, "pretrain"):
        raise ValueError(f"{name} takes no table pretraining.")
    takes = {*inspect.signature(system.pretrain).parameters}
    takes |= {"preset"} if hasattr(system, "take_pretrained") else set()
    for key in table:
        if key not in takes:
            raise ValueError(f"{name} takes no pretraining.{key}.")


def _check_data(table, name, system):
    learns = getattr(system, "learns", None)
    takes_two = getattr(system, "num_domains", 1) == 2
    takes_crops = getattr(system, "takes_crops", False)
    if takes_two and "second" not in table:
        raise ValueError(
            f"{name} learns two domains: data.second names the other one, 'edges', "
            "'negatives' or a data set."
        )
    for key, taken in (
        ("second", takes_two or learns == "domains"),
        ("fit", hasattr(system, "found_in")),
        ("direction", learns == "pairs" and not takes_crops),
        ("degradation", learns == "pairs"),
        ("jitter", learns is not None and not takes_crops),
        ("crops", takes_crops),
        ("test", takes_crops),
        ("also", hasattr(system, "takes_styles")),
        ("style_size", hasattr(system, "takes_styles")),
        ("labels_per_class", getattr(system, "takes_unlabelled", False)),
        ("repeats", hasattr(system, "calibrate") or hasattr(system, "for_tables")),
        *((key, hasattr(system, "calibrate")) for key in _OF_ANOMALIES),
        *((key, hasattr(system, "for_tables")) for key in _OF_TABLES),
        *((key, hasattr(system, "draws_videos")) for key in _OF_VIDEOS),
    ):
        if key in table and not taken:
            raise ValueError(f"{name} takes no data.{key}: leave it out.")


_OF_TABLES = ("label", "columns", "categorical", "max_missing")
_OF_VIDEOS = ("frames", "stride")
_OF_ANOMALIES = ("normal", "held_out")


def label_argument(system, arguments):
    """The argument that counts a system's classes, if it is to learn classes.

    It does if a recipe gives their number, or if the system cannot do without.

    Args:
        system: A class.
        arguments: The recipe's table `arguments`.

    Returns:
        `"num_classes"`, `"num_labels"` or `None`.
    """
    parameters = inspect.signature(system).parameters
    for name in ("num_classes", "num_labels"):
        if name in arguments or getattr(parameters.get(name), "default", None):
            return name
    return None


def arguments_of(callable_):
    """Name to kind of value of the arguments that a recipe may give.

    Args:
        callable_: A class.
    """
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        name: ARGUMENTS.get(name) or _kind_of(parameter.default)
        for name, parameter in inspect.signature(callable_).parameters.items()
        if parameter.kind in plain
    }


def _kind_of(default):
    kinds = {bool: "true or false", int: "a whole number", float: "a number"}
    return {**kinds, str: "text"}.get(type(default), "a TOML value")


def _check_optimizer(table, where):
    import keras

    kind = f"one of {', '.join(OPTIMIZERS)}"
    _check(table.get("class"), kind, f"{where}.class")
    kinds = arguments_of(getattr(keras.optimizers, table["class"]))
    _check_table(table, {"class": kind, **kinds}, where)


def _check_table(table, kinds, where):
    prefix = f"{where}." if where else ""
    for key, value in table.items():
        if key not in kinds:
            near = difflib.get_close_matches(key, kinds, n=1, cutoff=0.0)
            hint = f": did you mean {near[0]}?" if near else "."
            raise ValueError(f"There is no key {shown(prefix + key)}{hint}")
        _check(value, kinds[key], prefix + key)


def _check(value, kind, where):
    if not KINDS[kind](value):
        raise ValueError(f"{shown(where)} must be {kind}. Found: {shown(repr(value))}.")

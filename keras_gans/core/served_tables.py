"""What a server of a system that translates tables answers to: columns for columns."""

import re

import numpy as np


def served_tables(model):
    """Functions that a server runs for a system of several tables.

    For each two domains `translate_<a>_to_<b>`: the columns of a and the label, each
    `(batch,)`, in the units of the tables -> the columns of b and the same label, as
    `model.translate(table, a, b)` has them. Numbers are float32, NaN where missing;
    categories are float32 or strings, NaN or the empty string where missing. Characters
    that names of inputs cannot have are underscores. A category or label that the
    model does not know fails the request with a message.

    `serving_default` is the first of them.

    Args:
        model: A system with `tables` and `target`, such as `RadialGAN`.

    Returns:
        Dict of signature to `(function, specifications of its inputs)`, and a dict of
        input to an example value.
    """
    import tensorflow as tf

    functions, examples = {}, {}
    for a, source in enumerate(model.tables):
        told = [*source.columns, _label_column(model)]
        keys = _keys([column["name"] for column in told])
        specs = [
            tf.TensorSpec((None,), _type_of(column), name=key)
            for key, column in zip(keys, told, strict=True)
        ]
        for key, column in zip(keys, told, strict=True):
            examples[key] = _example(column)
        for b, target in enumerate(model.tables):
            if a != b:
                name = _key(f"translate_{source.name}_to_{target.name}")
                functions[name] = (_between(model, a, b), specs)
    default = next(iter(functions.values()))
    return {"serving_default": default, **functions}, examples


def signatures_in_words(model):
    """Dict of signature to what goes in and what comes out."""
    found = {}
    for source in model.tables:
        for target in model.tables:
            if source is not target:
                name = _key(f"translate_{source.name}_to_{target.name}")
                ends = (
                    f"{len(table.columns)} columns, {model.target.name}"
                    for table in (source, target)
                )
                found[name] = " -> ".join(ends)
    return {"serving_default": next(iter(found.values())), **found}


def _between(model, a, b):
    import tensorflow as tf

    source, target = model.tables[a], model.tables[b]
    label = _label_column(model)
    names = _keys([*target.names, label["name"]])

    def run(*columns):
        *features, labels = columns
        parts = [
            _encoded(values, column)
            for values, column in zip(features, source.columns, strict=True)
        ]
        told = _encoded(labels, label)[:, 1]
        made = model.translated(tf.concat(parts, axis=1), told, a, b)
        found = [
            _decoded(made[:, start:stop], column)
            for column, start, stop in target.places()
        ]
        return dict(zip(names, [*found, tf.identity(labels)], strict=True))

    return run


def _encoded(values, column):
    import tensorflow as tf

    if "categories" not in column:
        filled = tf.where(tf.math.is_nan(values), column["mean"], values)
        return ((filled - column["mean"]) / column["scale"])[:, None]
    known = tf.constant(_values_of(column))
    if "usual" in column:
        missing = values == "" if values.dtype == tf.string else tf.math.is_nan(values)
        usual = tf.constant(_values_of(column, [column["usual"]])[0])
        values = tf.where(missing, usual, values)
    same = values[:, None] == known
    message = f"{column['name']} is one of {column['categories']}"
    check = tf.debugging.Assert(tf.reduce_all(tf.reduce_any(same, axis=1)), [message])
    with tf.control_dependencies([check]):
        return tf.cast(same, tf.float32)


def _decoded(features, column):
    import tensorflow as tf

    if "categories" in column:
        return tf.gather(_values_of(column), tf.argmax(features, axis=1))
    return features[:, 0] * column["scale"] + column["mean"]


def _label_column(model):
    return {"name": model.target.name, "categories": model.target.classes}


def _values_of(column, values=None):
    values = column["categories"] if values is None else values
    if isinstance(column["categories"][0], str):
        return np.array(values, dtype=object)
    return np.array(values, dtype="float32")


def _type_of(column):
    import tensorflow as tf

    is_text = isinstance(column.get("categories", [0])[0], str)
    return tf.string if is_text else tf.float32


def _example(column):
    import tensorflow as tf

    if "categories" in column:
        return tf.constant(_values_of(column)[:1])
    return tf.constant([column["mean"]], tf.float32)


def _key(name):
    key = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return key if key[:1].isalpha() else f"column_{key}"


def _keys(names):
    """One key per name, also of names that differ in other characters only."""
    keys = []
    for name in names:
        key = _key(name)
        keys.append(key if key not in keys else f"{key}_{len(keys)}")
    return keys

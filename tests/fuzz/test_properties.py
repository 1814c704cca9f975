"""What holds for every input, not only for those that somebody thought of."""

import io
import json
import string

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from keras_gans import data
from keras_gans.cli import recipe_files, recipes
from keras_gans.core import safe_config, weight_files
from keras_gans.core.plain_json import LARGEST, PresetError, parse_json
from tests.fuzz.mutations import BUNDLED, LAYERS, MODULES

# The same examples on every machine; time is the slow tier's affair.
steady = settings(
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-LARGEST, LARGEST)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts
)
names = st.sampled_from(("class_name", "module", "config", "registered_name", "dtype"))
trees = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(texts | names, inner, max_size=4)
    ),
    max_leaves=20,
)
classes = st.fixed_dictionaries(
    {
        "class_name": st.sampled_from((*LAYERS, "function", "__lambda__", "eval")),
        "module": st.sampled_from((*MODULES, "keras.activations")),
        "config": trees,
        "registered_name": st.none() | st.sampled_from(LAYERS),
    }
)


@steady
@given(st.dictionaries(texts, trees, max_size=5))
def test_json_round_trips(tree):
    assert parse_json(json.dumps(tree).encode(), "config.json", "there") == tree


@steady
@given(st.binary(max_size=200))
@example(b'{"a": 1' + b"0" * 5000 + b"}")
def test_json_is_an_object_or_a_preset_error(raw):
    try:
        assert isinstance(parse_json(raw, "metadata.json", "there"), dict)
    except PresetError as why:
        assert "metadata.json of there" in str(why)


@steady
@given(trees | classes | st.lists(classes, max_size=3))
def test_a_checked_config_names_only_what_computes(tree):
    try:
        count = safe_config.check_config(tree)
    except PresetError as why:
        assert str(why).isprintable()
        return
    assert count >= 1
    for node in nodes_of(tree):
        module, name = str(node.get("module")), node["class_name"]
        assert name.startswith("__") or module.startswith("keras")
        assert name not in ("Lambda", "TFSMLayer", "StringLookup", "eval")
        found = getattr(keras.layers, name, None)
        if module == "keras.layers" and node["class_name"] != "function":
            assert issubclass(found, keras.Operation)


def nodes_of(tree):
    waiting = [tree]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "class_name" in value:
                yield value
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


@steady
@given(
    st.dictionaries(
        st.sampled_from([*sorted(safe_config.ALLOWED_FILES), "../up", "a.py"]),
        st.fixed_dictionaries(
            {
                "sha256": st.sampled_from(("0" * 64, "a" * 64, "x", None)),
                "size": st.integers(-1, 1 << 21) | st.none(),
            }
        )
        | trees,
    )
)
def test_a_checked_table_stays_as_it_is(table):
    try:
        checked = safe_config.check_table(table, "here")
    except PresetError as why:
        assert "here" in str(why)
        return
    assert checked.keys() == table.keys() <= safe_config.ALLOWED_FILES
    assert safe_config.check_table(checked, "here") == checked


@steady
@given(st.binary(max_size=40), st.floats(0, 1), st.booleans())
def test_a_changed_weight_file_is_read_or_refused_by_name(tmp_path, patch, at, cut):
    path = tmp_path / "model.weights.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/vars/0"] = np.arange(12.0).reshape(3, 4)
    raw = path.read_bytes()
    start = int(at * len(raw))
    path.write_bytes(raw[:start] + patch + (b"" if cut else raw[start + len(patch) :]))
    try:
        shapes, total = weight_files.arrays_of(path)
    except PresetError as why:
        assert str(path) in str(why)
    else:
        assert total <= path.stat().st_size and isinstance(shapes, dict)


keys = st.text(string.ascii_letters + "é.\"' \\", min_size=1, max_size=8)
toml = st.recursive(
    st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
    ),
    max_leaves=8,
)


def optional(**kinds):
    return st.fixed_dictionaries({}, optional=kinds)


whole = st.integers(1, 65536)
written = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=50)
recipe_tables = st.fixed_dictionaries(
    {"system": written},
    optional={
        "arguments": st.dictionaries(keys, toml, max_size=4),
        "data": optional(
            name=written,
            split=written,
            image_size=st.integers(1, 16384),
            flip=st.booleans(),
        ),
        "fit": optional(batch_size=whole, epochs=whole),
        "training": optional(
            precision=st.sampled_from(recipes.PRECISIONS), xla=st.booleans()
        ),
        "optimizers": st.dictionaries(
            keys, st.dictionaries(keys, toml, max_size=3), max_size=2
        ),
    },
)


@steady
@given(recipe_tables)
def test_a_written_recipe_reads_back(tmp_path, recipe):
    recipe_files.write(recipe, tmp_path / "recipe.toml")
    assert recipes.read(tmp_path / "recipe.toml") == recipe


@steady
@given(st.binary(max_size=60), st.floats(0, 1))
def test_a_changed_recipe_is_read_or_refused_by_name(tmp_path, patch, at):
    raw = (BUNDLED / "recipe.toml").read_bytes()
    start = int(at * len(raw))
    path = tmp_path / "recipe.toml"
    path.write_bytes(raw[:start] + patch + raw[start + len(patch) :])
    try:
        assert "system" in recipes.read(path)
    except ValueError as why:
        assert not isinstance(why, UnicodeError) and "recipe.toml" in str(why)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@steady
@given(
    arrays.arrays("u1", st.tuples(*[st.integers(1, 5)] * 3, st.sampled_from((1, 3))))
)
def test_saved_pictures_load_back(tmp_path, save, images):
    content = io.BytesIO()
    save(content, images=images, labels=np.arange(len(images)))
    (tmp_path / "set.npz").write_bytes(content.getvalue())
    again, labels = data.load(tmp_path / "set.npz")
    np.testing.assert_array_equal(again, images)
    assert labels.tolist() == list(range(len(images)))

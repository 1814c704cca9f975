"""What may be built from a config, and what may not even be looked at."""

import copy
import json
import sys

import keras
import pytest

from keras_gans.core.safe_config import (
    PresetError,
    check_config,
    check_table,
    parse_json,
    read_index,
)


def serialised(thing):
    return json.loads(json.dumps(keras.saving.serialize_keras_object(thing)))


def functional():
    layers, ops = keras.layers, keras.ops
    image = keras.Input((8, 8, 3))
    x = layers.Rescaling(2.0, -1.0)(image)
    x = layers.Conv2D(
        4,
        3,
        strides=2,
        padding="same",
        activation=keras.activations.silu,
        kernel_initializer=keras.initializers.Orthogonal(gain=0.5, seed=1),
        kernel_regularizer=keras.regularizers.L2(1e-3),
        kernel_constraint=keras.constraints.MaxNorm(2.0),
        dtype=keras.DTypePolicy("mixed_bfloat16"),
    )(x)
    x = layers.Dropout(0.3)(layers.BatchNormalization()(x))
    x = ops.relu(x) + 1.0
    x = ops.image.resize(ops.concatenate([x, -x], axis=-1), (2, 2))
    x = ops.mean(x, axis=(1, 2))[:, :4]
    x = layers.LeakyReLU(0.2)(x)
    return keras.Model(image, layers.Dense(1, activation="sigmoid")(x))


def sequential():
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, kernel_initializer=keras.initializers.RandomNormal(0, 0.1)),
            layers.Activation("tanh"),
            layers.Reshape((2, 4)),
            layers.Bidirectional(layers.GRU(3)),
        ]
    )


def optimizer():
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, 10)
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(schedule))


def losses():
    return [keras.losses.BinaryCrossentropy(), keras.metrics.Mean()]


@keras.saving.register_keras_serializable("keras_gans")
class SafeConfigBlock(keras.layers.Layer):
    pass


@keras.saving.register_keras_serializable("keras_gans")
def safe_config_activation(x):
    return x


@keras.saving.register_keras_serializable("somebody_else")
class ForeignBlock(keras.layers.Layer):
    pass


class UnregisteredBlock(keras.layers.Layer):
    pass


@pytest.mark.parametrize("build", [functional, sequential, optimizer, losses])
def test_accepts_what_keras_writes_and_it_builds_again(build):
    config = serialised(build())
    check_config(config)
    again = keras.saving.deserialize_keras_object(copy.deepcopy(config))
    if isinstance(again, keras.Model):
        assert again.count_params() == build().count_params()


def test_accepts_own_classes_and_functions():
    layer = keras.layers.Dense(2, activation=safe_config_activation)
    config = serialised([SafeConfigBlock(), layer])
    # The point is the function written as a dict, which names are too plain to be.
    assert config[1]["config"]["activation"]["class_name"] == "function"
    check_config(config)


def test_accepts_json_nan():
    check_config(json.loads('{"penalty_weight": NaN, "limits": [Infinity, null]}'))


def named(module, class_name, config=None, **more):
    return {"module": module, "class_name": class_name, "config": config or {}, **more}


REFUSED = {
    "Lambda": serialised(keras.layers.Lambda(keras.ops.relu)),
    "__lambda__": named(None, "__lambda__", {"value": "4wAAAAA="}),
    "__typespec__": named("tensorflow", "__typespec__", [], spec_name="TensorSpec"),
    "builtins.eval": named("builtins", "eval"),
    "builtins.__numpy__": named("builtins", "function", "__numpy__"),
    "builtins.exec": named("builtins", "function", "exec", registered_name="exec"),
    "os.system": named("os", "system"),
    "posix.system": named("posix", "function", "system", registered_name="system"),
    "keras.utils.get_file": named("keras.utils", "function", "get_file"),
    "keras.models.load_model": named("keras.models", "function", "load_model"),
    "keras.models.clone_model": named("keras.models", "clone_model"),
    "keras.activations.deserialize": named(
        "keras.activations", "function", "deserialize"
    ),
    "keras.Variable": named("keras", "Variable"),
    "keras.layers.Dense": {"module": "keras.layers", "class_name": "Dense"},
    "keras.callbacks.CSVLogger": named("keras.callbacks", "CSVLogger"),
    "keras.layers.TFSMLayer": named("keras.layers", "TFSMLayer", {"filepath": "x"}),
    "keras.layers.TorchModuleWrapper": named("keras.layers", "TorchModuleWrapper"),
    "keras.layers.JaxLayer": named("keras.layers", "JaxLayer"),
    "keras.layers.FlaxLayer": named("keras.layers", "FlaxLayer"),
    "keras.layers.StringLookup": named("keras.layers", "StringLookup"),
    "keras.src.layers.core.lambda_layer": named(
        "keras.src.layers.core.lambda_layer", "Lambda"
    ),
    "UnregisteredBlock": serialised(UnregisteredBlock()),
    "ForeignBlock": serialised(ForeignBlock()),
    "keras_gans>Nowhere": named(
        "keras_gans.models.nowhere", "Nowhere", registered_name="keras_gans>Nowhere"
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refuses_by_name_at_any_depth(name):
    config = {"generator": serialised(keras.layers.Dense(2))}
    config["generator"]["config"]["bias_initializer"] = [REFUSED[name]]
    with pytest.raises(PresetError, match=name) as caught:
        check_config(config)
    assert "generator.config.bias_initializer.0" in str(caught.value)


def test_refuses_a_class_of_the_main_module():
    main = sys.modules["__main__"]
    main.Hidden = type("Hidden", (keras.layers.Layer,), {"__module__": "__main__"})
    try:
        with pytest.raises(PresetError, match="Hidden"):
            check_config(serialised(main.Hidden()))
        with pytest.raises(PresetError, match="__main__.Hidden"):
            check_config(named("__main__", "Hidden"))
    finally:
        del main.Hidden


def test_a_registered_name_cannot_smuggle():
    dense = named("keras.layers", "Dense", {"units": 2})
    check_config(dense)
    for registered in ("somebody_else>ForeignBlock", "Lambda", 3):
        with pytest.raises(PresetError):
            check_config({**dense, "registered_name": registered})
    scope = keras.saving.custom_object_scope({"Dense": ForeignBlock})
    with scope, pytest.raises(PresetError, match="'Dense' is of another package"):
        check_config({**dense, "registered_name": None})
    # Some code paths in Keras look at class_name first.
    disguised = named(
        "keras.layers", "Lambda", registered_name="keras_gans>SafeConfigBlock"
    )
    with pytest.raises(PresetError, match="SafeConfigBlock"):
        check_config(disguised)


def test_a_bare_string_cannot_name_a_foreign_object():
    check_config({"activation": "relu"})
    with pytest.raises(PresetError, match="somebody_else>ForeignBlock"):
        check_config({"activation": "somebody_else>ForeignBlock"})


def test_refuses_the_legacy_format_that_skips_safe_mode():
    # Without "module", Keras falls back to a loader that knows no safe mode.
    with pytest.raises(PresetError, match="Dense"):
        check_config({"class_name": "Dense", "config": {"units": 2}})
    with pytest.raises(PresetError, match="Lambda"):
        check_config({"class_name": "Lambda"})


def test_imports_nothing(tmp_path, monkeypatch):
    (tmp_path / "safe_config_trap.py").write_text("Block = 1")
    monkeypatch.syspath_prepend(tmp_path)
    for kind in ("Block", "function"):
        with pytest.raises(PresetError, match="safe_config_trap"):
            check_config(named("safe_config_trap", kind, "Block"))
    assert "safe_config_trap" not in sys.modules
    import safe_config_trap  # the trap does work

    assert safe_config_trap.Block == 1


def test_depth_and_size_are_bounded():
    def nested(depth):
        config = {}
        for _ in range(depth):
            config = {"config": config}
        return config

    check_config(nested(200))
    with pytest.raises(PresetError, match="deeper than 200"):
        check_config(nested(201))
    bottomless = b'{"config":' * 10**5 + b"1" + b"}" * 10**5
    with pytest.raises(PresetError, match="cannot be parsed"):
        parse_json(bottomless, "config.json", "there")
    with pytest.raises(PresetError, match="too long"):
        parse_json(b" " * (1 << 24) + b"{}", "config.json", "there")
    for raw in (b"[]", b"{", b"\xff\xfe", b'{"a": 1' + b"0" * 5000 + b"}"):
        with pytest.raises(PresetError, match="config.json of there"):
            parse_json(raw, "config.json", "there")


def test_the_number_of_values_is_bounded():
    assert check_config({"a": [1, 2, {"b": None}]}) == 6
    check_config([0] * 399_999)
    with pytest.raises(PresetError, match="config: it holds more than 400000 values"):
        check_config([[0] * 200_000, [0] * 200_000])


def test_arrays_hold_numbers_of_a_known_size():
    array = {"class_name": "__numpy__", "config": {"value": [1], "dtype": "float32"}}
    check_config({"mean": array})
    for dtype in ("S1000000000", "U4", "object", "V9", None, "float32,S99"):
        array["config"]["dtype"] = dtype
        for name in ("__numpy__", "__tensor__"):
            with pytest.raises(PresetError, match=f"{name} is refused"):
                check_config({"mean": {**array, "class_name": name}})


def test_a_call_on_plain_numbers_is_refused():
    """Keras would compute it while it reads the config."""
    config = serialised(functional())
    for layer in config["config"]["layers"]:
        if layer["class_name"] == "BatchNormalization":
            node = layer["inbound_nodes"][0]
    tensor = node["args"][0]
    for args in ([1.0], [], ["__keras_tensor__"], [[1.0], {"x": "__keras_tensor__"}]):
        node["args"] = args
        with pytest.raises(PresetError, match="a call without a tensor is refused"):
            check_config(config)
    for args in ([[tensor, 1.0]], [{"x": tensor}]):
        node["args"] = args
        check_config(config)
    for nodes in (["x"], [None], [[["input", 0, 0, {}]]]):
        with pytest.raises(PresetError, match="a call without a tensor is refused"):
            check_config({"inbound_nodes": nodes})


def test_messages_carry_no_control_characters():
    with pytest.raises(PresetError) as caught:
        check_config({"\x1b[2J": named("\x1b[31m", "x\n" * 1000)})
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500


def test_refuses_what_is_no_plain_value():
    with pytest.raises(PresetError, match="config.metrics: a set"):
        check_config({"metrics": {1, 2}})


GOOD = {
    "config.json": {"sha256": "0" * 64, "size": 1},
    "model.weights.h5": {"sha256": "a" * 64, "size": 0, "extra": True},
}


@pytest.mark.parametrize(
    "name",
    ["../config.json", "/etc/passwd", "a/b", "..", "C:\\x", "config.json\0", "evil.py"],
)
def test_climbing_and_unknown_file_names_are_refused(name):
    assert check_table(GOOD, "here")["config.json"] == GOOD["config.json"]
    with pytest.raises(PresetError) as caught:
        check_table({**GOOD, name: GOOD["config.json"]}, "here")
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    "facts",
    [
        {"sha256": "0" * 63, "size": 1},
        {"sha256": "0" * 64, "size": -1},
        {"sha256": "0" * 64, "size": True},
        {"sha256": "0" * 64, "size": 1 << 40},
        {"sha256": None, "size": 1},
        {"size": 1},
        7,
    ],
)
def test_impossible_facts_are_refused(facts):
    with pytest.raises(PresetError, match="here"):
        check_table({**GOOD, "config.json": facts}, "here")


def test_a_table_needs_config_and_weights():
    for name in GOOD:
        rest = {key: value for key, value in GOOD.items() if key != name}
        with pytest.raises(PresetError, match=f"lists no {name}"):
            check_table(rest, "here")
    with pytest.raises(PresetError, match="no usable table"):
        check_table(None, "here")


def test_the_index_of_this_checkout_is_valid():
    assert isinstance(read_index(), dict)


def test_an_index_with_a_climbing_preset_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_gans.core.safe_config.zoo_folder", lambda: tmp_path)
    for text, message in [
        (json.dumps({"presets": {"../up": {"files": GOOD}}}), "'../up'"),
        (json.dumps({"presets": {"ok": {}}}), "no zoo index"),
        (json.dumps({"presets": []}), "no zoo index"),
        ("{", "cannot be parsed"),
    ]:
        (tmp_path / "index.json").write_text(text)
        with pytest.raises(PresetError, match=message):
            read_index()
    (tmp_path / "index.json").unlink()
    with pytest.raises(PresetError, match="no zoo index"):
        read_index()

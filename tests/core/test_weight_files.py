"""Plain arrays inside the file pass; whatever else HDF5 can do is refused by name."""

import os
import pathlib

import h5py
import keras
import numpy as np
import pytest

from keras_gans.core.plain_json import PresetError
from keras_gans.core.weight_files import MAX_DEPTH, arrays_of, narrow, values_of

NAME = "layers/dense/vars/0"


@pytest.fixture
def weights(tmp_path):
    """The file of a small compiled model, as Keras writes it."""
    layers = keras.layers
    half = layers.Dense(2, dtype=keras.DTypePolicy("bfloat16"))
    model = keras.Sequential(
        [keras.Input((3,)), layers.Dense(4), layers.BatchNormalization(), half]
    )
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    model.save_weights(tmp_path / "model.weights.h5")
    return tmp_path / "model.weights.h5"


def test_what_keras_writes_passes(weights):
    shapes, total = arrays_of(weights)
    assert shapes[NAME] == (3, 4)
    assert shapes["layers/dense_1/vars/0"] == (4, 2)
    assert shapes["optimizer/vars/0"] == ()
    with h5py.File(weights) as file:
        found = []
        file.visititems(lambda n, i: found.append((n, i)) if "/vars/" in n else None)
        assert total == sum(item.nbytes for _, item in found)
        assert set(shapes) == {name for name, _ in found}
    assert total < weights.stat().st_size


def test_the_bundled_presets_pass():
    zoo = pathlib.Path(__file__).parents[2] / "zoo"
    for path in zoo.glob("*/model.weights.h5"):
        assert 0 < arrays_of(path)[1] <= path.stat().st_size


def replaced(**options):
    def change(file):
        del file[NAME]
        file.create_dataset(NAME, **options)

    return change


def soft_link(file):
    del file[NAME]
    file[NAME] = h5py.SoftLink("/layers/dense/vars/1")


def external_link(file):
    del file["layers"]
    file["layers"] = h5py.ExternalLink("elsewhere.h5", "/layers")


def virtual(file):
    del file[NAME]
    layout = h5py.VirtualLayout((3, 4), "f4")
    layout[:] = h5py.VirtualSource("elsewhere.h5", "x", (3, 4))
    file.create_virtual_dataset(NAME, layout)


def a_type(file):
    file["layers/named"] = np.dtype("f4")


REFUSED = {
    "soft": (soft_link, f"{NAME} is a link to elsewhere"),
    "external": (external_link, "layers is a link to elsewhere"),
    "circle": (
        lambda file: file.__setitem__("layers/up", file["layers"]),
        "layers/up.* is in it under another name too",
    ),
    "alias": (
        lambda file: file.__setitem__("layers/x", file[NAME]),
        "is in it under another name too",
    ),
    "virtual": (virtual, f"{NAME} is virtual, compressed or in chunks"),
    "values elsewhere": (
        replaced(shape=(3, 4), dtype="f4", external="elsewhere.bin"),
        f"{NAME} has its values in another file",
    ),
    "compressed": (
        replaced(data=np.zeros((3, 4), "f4"), compression="gzip"),
        f"{NAME} is virtual, compressed or in chunks",
    ),
    "a terabyte": (
        replaced(shape=(2**38,), dtype="f4"),
        rf"{NAME} of shape \(274877906944,\) needs 1099511627776 bytes, and .* 0 for",
    ),
    "texts": (
        replaced(shape=(3,), dtype=h5py.string_dtype()),
        f"{NAME} holds something else than numbers",
    ),
    "references": (
        replaced(shape=(3,), dtype=h5py.ref_dtype),
        f"{NAME} holds something else than numbers",
    ),
    "records": (
        replaced(shape=(3,), dtype=[("a", "f4")]),
        f"{NAME} holds something else than numbers",
    ),
    "blobs": (
        replaced(shape=(3,), dtype="V100"),
        f"{NAME} holds something else than numbers",
    ),
    "no shape": (replaced(data=h5py.Empty("f4")), f"{NAME} has no shape"),
    "a type": (a_type, "layers/named is neither a group nor an array"),
    "deep": (
        lambda file: file.create_group("/".join("a" * (MAX_DEPTH + 1))),
        f"nested deeper than {MAX_DEPTH}",
    ),
    "attributes": (
        lambda file: file[NAME].attrs.update({f"a{n}": "x" for n in range(17)}),
        f"{NAME} has 17 attributes",
    ),
    "an odd attribute": (
        lambda file: file[NAME].attrs.update({"dtype": np.zeros(9)}),
        f"an attribute of {NAME} is no text",
    ),
    "odd names": (
        lambda file: file.__setitem__("\x1b[2J", h5py.SoftLink("/x")),
        r"'\\x1b\[2J' is a link",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_everything_else_is_refused_by_file_and_object(weights, kind):
    change, message = REFUSED[kind]
    with h5py.File(weights, "r+") as file:
        change(file)
    with pytest.raises(PresetError, match=message) as caught:
        arrays_of(weights)
    assert str(weights) in str(caught.value)


def test_the_number_of_objects_is_bounded(weights, monkeypatch):
    monkeypatch.setattr("keras_gans.core.weight_files.MAX_OBJECTS", 5)
    with pytest.raises(PresetError, match="more than 5 objects"):
        arrays_of(weights)


def test_arrays_that_share_their_bytes_count_each(tmp_path):
    """Many headers that point at one stretch of the file: it would multiply."""
    path = tmp_path / "model.weights.h5"
    with h5py.File(path, "w") as file:
        for name in "ab":
            file[name] = np.zeros(1 << 16, "f4")
        first, second = (file[name].id.get_offset() for name in "ab")
    raw = path.read_bytes()
    there, here = (offset.to_bytes(8, "little") for offset in (second, first))
    assert raw.count(there) == 1
    # The second array's bytes are cut off, and its header points at the first's.
    cut = raw.replace(there, here)[:second]
    end = len(raw).to_bytes(8, "little")
    path.write_bytes(cut.replace(end, len(cut).to_bytes(8, "little")))
    with pytest.raises(PresetError, match="up to b its arrays need 524288 bytes"):
        arrays_of(path)


@pytest.mark.parametrize("raw", [b"", b"PK not HDF5", b"\x89HDF\r\n\x1a\n", "half"])
def test_damaged_files_are_named(weights, raw):
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2] if raw == "half" else raw)
    with pytest.raises(PresetError, match=r"model\.weights\.h5 cannot be loaded"):
        arrays_of(weights)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.weights.h5")
    with pytest.raises(PresetError, match="no regular file"):
        arrays_of(tmp_path / "model.weights.h5")
    with pytest.raises(PresetError, match="cannot be loaded"):
        arrays_of(tmp_path / "nothing.h5")


def arrays_in(path):
    """Name to array, bfloat16 as the bytes it is stored in."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
    return found


def attributes_in(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: dict(item.attrs)}))
    return found


@pytest.fixture
def mixed(tmp_path):
    """Arrays of all sorts, most of the room being that of a matrix."""
    random = np.random.default_rng(0)
    arrays = {
        "kernel": random.standard_normal((3, 3, 80, 80)).astype("f4"),
        "matrix": np.array([[np.nan, -65519.0], [1e-9, 0.1]], "f4"),
        "vector": np.array([1e30, 1e-30, np.nan, -np.inf, 0.1], "f4"),
        "scalar": np.float32(1e6),
        "seeds": np.array([2**32 - 1, 7], "u4"),
        "counts": np.full((2, 2), 2**31 - 1, "i4"),
        "doubles": np.full((2, 2), 0.1),
    }
    path = tmp_path / "mixed.weights.h5"
    with h5py.File(path, "w") as file:
        file.attrs["name"] = "all"
        for name, values in arrays.items():
            file[f"group/{name}"] = values
            file[f"group/{name}"].attrs["name"] = name
    return path


def test_a_narrowed_file_takes_half_the_room(mixed):
    before, (_, held) = mixed.stat().st_size, arrays_of(mixed)
    narrow(mixed)
    assert mixed.stat().st_size < 0.55 * before
    shapes, total = arrays_of(mixed)
    assert total == held - 2 * (3 * 3 * 80 * 80 + 4)
    assert shapes["group/kernel"] == (3, 3, 80, 80)


def test_matrices_are_rounded_and_all_else_is_left_bit_for_bit(mixed):
    before, told = arrays_in(mixed), attributes_in(mixed)
    narrow(mixed)
    after = arrays_in(mixed)
    assert list(after) == list(before) and attributes_in(mixed) == told
    for name, values in before.items():
        if name in ("group/kernel", "group/matrix"):
            assert after[name].dtype == np.float16
            np.testing.assert_array_equal(after[name], values.astype("f2"))
        else:
            assert after[name].dtype == values.dtype
            assert after[name].tobytes() == values.tobytes()
    with h5py.File(mixed) as file:
        assert dict(file.attrs) == {"name": "all"}
    assert [path.name for path in mixed.parent.iterdir()] == [mixed.name]


def test_what_keras_writes_can_be_narrowed(weights):
    before = arrays_in(weights)
    narrow(weights)
    after = arrays_in(weights)
    assert set(arrays_of(weights)[0]) == set(before)
    assert after[NAME].dtype == np.float16
    bfloat16 = [name for name in before if before[name].dtype.kind == "V"]
    assert "layers/dense_1/vars/0" in bfloat16
    for name in (*bfloat16, "layers/batch_normalization/vars/2", "optimizer/vars/0"):
        assert after[name].tobytes() == before[name].tobytes()


def test_narrowing_again_changes_no_byte(mixed):
    narrow(mixed)
    once = mixed.read_bytes()
    narrow(mixed)
    assert mixed.read_bytes() == once


@pytest.mark.parametrize("value", [65520.0, -1e6, np.inf])
def test_a_weight_too_large_to_narrow_is_named_and_nothing_is_changed(mixed, value):
    with h5py.File(mixed, "r+") as file:
        file["group/kernel"][1, 2, 3, 4] = value
    before = mixed.read_bytes()
    with pytest.raises(PresetError, match="group/kernel is too large for float16"):
        narrow(mixed)
    assert mixed.read_bytes() == before
    assert [path.name for path in mixed.parent.iterdir()] == [mixed.name]


def test_values_are_counted_by_shape(mixed):
    assert values_of({"a": (2, 3), "b": (), "c": (5,), "d": (0, 4)}) == 12
    shapes, _ = arrays_of(mixed)
    assert values_of(shapes) == sum(a.size for a in arrays_in(mixed).values())

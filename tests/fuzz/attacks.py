"""Attacks that people thought of; most of them have hurt somebody's reader."""

import functools
import io
import json
import os
import struct
import zipfile
import zlib

import h5py
import numpy as np
from PIL import Image

from tests.fuzz.mutations import BUNDLED

BIG = 10**9


def all_attacks():
    """Yields `(target, name, write)`; `write(folder, outside)` returns a path."""
    for name, raw in JSON.items():
        for target in ("config", "metadata", "index"):
            yield target, name, functools.partial(_file, f"{target}.json", raw)
        yield "preset", name, functools.partial(_preset_with, raw)
    for name, arguments in ARGUMENTS.items():
        yield "preset", name, functools.partial(_preset_with, _config(**arguments))
    for name, (shape, *layer) in LAYERS.items():
        config = _config(generator=_network(shape, *layer))
        yield "preset", name, functools.partial(_preset_with, config)
    for name, change in HDF5.items():
        yield "weights", name, functools.partial(_weights, change, "weights")
        yield "preset", name, functools.partial(_weights, change, "preset")
    for name, raw in RECIPES.items():
        yield "recipe", name, functools.partial(_file, "recipe.toml", raw)
    for name, write in {**NPZ, **FOLDERS}.items():
        yield ("npz" if name in NPZ else "pictures"), name, write


def _file(name, raw, folder, outside):
    (folder / name).write_bytes(raw)
    return folder / name


def _preset_with(config, folder, outside):
    weights = "model.weights.h5"
    (folder / weights).write_bytes((BUNDLED / weights).read_bytes())
    (folder / "config.json").write_bytes(config)
    return folder


def _config(**arguments):
    config = json.loads((BUNDLED / "config.json").read_text())
    config["config"].update(arguments)
    return json.dumps(config).encode()


JSON = {
    "deep lists": b"[" * 10**6,
    "deep objects": b'{"config":' * 10**5 + b"1" + b"}" * 10**5,
    "deep enough to parse": b'{"config":' * 400 + b"1" + b"}" * 400,
    "many lists": b'{"config": [' + b"[]," * 2_500_000 + b"[]]}",
    "many numbers": b'{"config": [' + b"1," * 4_000_000 + b"1]}",
    "many keys": b"{" + b",".join(b'"%d":1' % n for n in range(600_000)) + b"}",
    "long number": b'{"config": ' + b"9" * 5000 + b"}",
    "longest numbers": b'{"config": [' + (b"9" * 4300 + b",") * 1800 + b"1]}",
    "large number": b'{"config": 18446744073709551617}',
    "infinite number": b'{"config": 1e999}',
    "NaN": b'{"config": NaN}',
    "minus infinity": b'{"config": -Infinity}',
    "key twice": b'{"config": {}, "config": {"seed": 1}}',
    "half a pair": b'{"config": "\\ud800", "\\udfff": 1}',
    "half a pair, raw": b'{"config": "\xed\xa0\x80"}',
    "not UTF-8": b'{"config": "\xff\xfe"}',
    "UTF-16": '{"config": 1}'.encode("utf-16"),
    "byte order mark": b'\xef\xbb\xbf{"config": 1}',
    "nothing": b"",
    "a list": b"[]",
    "a text": b'"x"',
    "null": b"null",
    "two values": b"{} {}",
    "zeros": b"\0" * 1000,
    "long": b'{"config": "' + b"x" * (1 << 24) + b'"}',
    "no file names": b'{"files": {"../../outside/canary": {"sha256": "", "size": 1}}}',
    "files as text": b'{"files": "config.json", "presets": "x"}',
    "control characters": b'{"\\u001b[31mred\\n": {"class_name": "\\u001b[2J"}}',
}

ARGUMENTS = {
    "a million channels": {"base_channels": 10**6},
    "a billion units": {"hidden_units": BIG},
    "a billion classes": {"num_classes": BIG},
    "a long latent": {"latent_dim": BIG},
    "a square of a million": {"image_shape": [10**6, 10**6, 3]},
    "a dense terapixel": {"image_shape": [10**6, 10**6, 3], "architecture": "mlp"},
    "a picture of 50 million": {"image_shape": [4096, 4096, 3]},
    "many sides": {"image_shape": [4] * 100_000},
    "sides past 64 bits": {"image_shape": [2**62, 4, 1]},
    "a negative side": {"image_shape": [-4, 4, 1]},
    "a side of zero": {"image_shape": [0, 0, 0]},
    "no shape": {"image_shape": None},
    "a text for a shape": {"image_shape": "32x32"},
    "an endless average": {"ema_decay": 1e308},
    "a seed past 63 bits": {"seed": 2**63},
    "an unknown argument": {"trusted": True},
    "a gigabyte in one letter": {
        "x": {
            "class_name": "__numpy__",
            "config": {"value": ["a"], "dtype": "S1000000000"},
        }
    },
    "a command": {
        "generator": {"module": "os", "class_name": "system", "config": "true"}
    },
    "a file for a network": {"generator": "../../outside/canary"},
}

OPERATIONS = "keras.src.ops.numpy"
# Name to shape of the input, class, its arguments, module, and what it is called on.
LAYERS = {
    "Dense": ([None, 8], "Dense", {"units": BIG}),
    "Dense past 64 bits": ([None, 8], "Dense", {"units": 2**63}),
    "Dense of a negative size": ([None, 8], "Dense", {"units": -8}),
    "Dense from an identity": (
        *([None, 10**5], "Dense"),
        {"units": 10**5, "kernel_initializer": "identity"},
    ),
    "Embedding": ([None, 8], "Embedding", {"input_dim": BIG, "output_dim": 1000}),
    "unrolled LSTM": ([None, BIG, 8], "LSTM", {"units": 4, "unroll": True}),
    "long LSTM": ([None, BIG, 8], "LSTM", {"units": 4}),
    "UpSampling2D": ([None, 8, 8, 1], "UpSampling2D", {"size": [BIG, BIG]}),
    "ZeroPadding2D": ([None, 8, 8, 1], "ZeroPadding2D", {"padding": BIG}),
    "RepeatVector": ([None, 8], "RepeatVector", {"n": 10**12}),
    "dilated Conv2D": (
        *([None, 8, 8, 1], "Conv2D"),
        {"filters": 1, "kernel_size": 3, "dilation_rate": BIG},
    ),
    "grouped Conv2D": (
        *([None, 8, 8, 8], "Conv2D"),
        {"filters": 8, "kernel_size": 10**6, "groups": 8},
    ),
    "CategoryEncoding": ([None, 8], "CategoryEncoding", {"num_tokens": 10**10}),
    "Discretization": ([None, 8], "Discretization", {"num_bins": 10**10}),
    "AugMix": ([None, 8, 8, 3], "AugMix", {"num_chains": BIG, "chain_depth": BIG}),
    "RandAugment": ([None, 8, 8, 3], "RandAugment", {"num_ops": BIG}),
    "STFTSpectrogram": (
        *([None, 100, 1], "STFTSpectrogram"),
        {"frame_length": 2**30, "frame_step": 1, "fft_length": 2**30},
    ),
    "MelSpectrogram": (
        *([None, 100], "MelSpectrogram"),
        {"fft_length": 2**30, "num_mel_bins": 10**6},
    ),
    "GaussianNoise": ([None, 8], "GaussianNoise", {"stddev": 1e308, "seed": 2**62}),
    "Unstack": ([None, BIG], "Unstack", {"num": BIG, "axis": 1}, "keras.src.ops.core"),
    "Split": ([None, BIG], "Split", {"indices_or_sections": BIG}, OPERATIONS),
    "Repeat": ([None, 8], "Repeat", {"repeats": BIG}, OPERATIONS),
    "Einsum": ([None, 8], "Einsum", {"subscripts": "a" * 10**5}, OPERATIONS),
    "Tile at once": ([None, 8], "Tile", {"repeats": [BIG, BIG]}, OPERATIONS, [1.0]),
    "Full at once": ([None, 8], "BroadcastTo", {"shape": [BIG]}, OPERATIONS, [1.0]),
    "a tensor in name": (
        *([None, 8], "Tile", {"repeats": [BIG]}, OPERATIONS),
        ["__keras_tensor__"],
    ),
    "called on nothing": ([None, 8], "Tile", {"repeats": [BIG]}, OPERATIONS, []),
}


def _network(shape, name, config, module="keras.layers", called_on=None):
    first = {"batch_shape": shape, "dtype": "float32", "name": "first"}
    tensor = {"shape": shape, "dtype": "float32", "keras_history": ["first", 0, 0]}
    tensors = [{"class_name": "__keras_tensor__", "config": tensor}]
    call = {"args": tensors if called_on is None else called_on, "kwargs": {}}
    layers = [
        _object("keras.layers", "InputLayer", first),
        _object(module, name, {"name": "second", **config}),
    ]
    layers[0].update(name="first", inbound_nodes=[])
    layers[1].update(name="second", inbound_nodes=[call])
    whole = {
        "name": "network",
        "layers": layers,
        "input_layers": [["first", 0, 0]],
        "output_layers": [["second", 0, 0]],
    }
    return _object("keras.src.models.functional", "Functional", whole)


def _object(module, name, config):
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": None,
    }


NAME = "generator/layers/dense/vars/0"


def _weights(change, target, folder, outside):
    path = folder / "model.weights.h5"
    path.write_bytes((BUNDLED / path.name).read_bytes())
    (folder / "config.json").write_bytes((BUNDLED / "config.json").read_bytes())
    if callable(change):
        with h5py.File(outside / "secret.h5", "w") as file:
            file["x"] = np.zeros((110, 128), "f4")
        with h5py.File(path, "r+") as file:
            change(file, outside)
    else:
        path.write_bytes(change)
    return path if target == "weights" else folder


def _replaced(**options):
    def change(file, outside):
        del file[NAME]
        file.create_dataset(NAME, **options)

    return change


def _soft(file, outside):
    del file[NAME]
    file[NAME] = h5py.SoftLink("/ema_generator/layers/dense/vars/0")


def _external_link(file, outside):
    del file[NAME]
    file[NAME] = h5py.ExternalLink(str(outside / "secret.h5"), "/x")


def _external_group(file, outside):
    del file["generator"]
    file["generator"] = h5py.ExternalLink(str(outside / "secret.h5"), "/")


def _external_values(file, outside):
    del file[NAME]
    values = [(str(outside / "canary"), 0, 110 * 128 * 4)]
    file.create_dataset(NAME, (110, 128), "f4", external=values)


def _virtual(file, outside):
    del file[NAME]
    layout = h5py.VirtualLayout((110, 128), "f4")
    layout[:] = h5py.VirtualSource(str(outside / "secret.h5"), "x", (110, 128))
    file.create_virtual_dataset(NAME, layout)


def _circle(file, outside):
    file["generator/layers/up"] = file["generator"]


def _deep(file, outside):
    file.create_group("a/" * 300 + "a")


def _many(file, outside):
    for number in range(60_000):
        file.create_group(f"many/{number}")


def _attributes(file, outside):
    file[NAME].attrs.update({f"a{n}": "x" for n in range(1000)})


def _long_attribute(file, outside):
    file[NAME].attrs["dtype"] = np.zeros(8000)


def _odd_names(file, outside):
    file["generator/\x1b[31m\n"] = np.zeros(3)


HDF5 = {
    "a soft link": _soft,
    "an external link": _external_link,
    "an external group": _external_group,
    "values in another file": _external_values,
    "a virtual array": _virtual,
    "a group in itself": _circle,
    "300 groups deep": _deep,
    "60,000 groups": _many,
    "1000 attributes": _attributes,
    "an attribute of numbers": _long_attribute,
    "control characters": _odd_names,
    "a terabyte of nothing": _replaced(shape=(2**38,), dtype="f4"),
    "an exabyte of nothing": _replaced(shape=(2**30, 2**28), dtype="f4"),
    "a terabyte in chunks": _replaced(shape=(2**38,), dtype="f4", chunks=(2**20,)),
    "compressed": _replaced(data=np.zeros((110, 128), "f4"), compression="gzip"),
    "objects": _replaced(shape=(110, 128), dtype=h5py.ref_dtype),
    "texts": _replaced(shape=(110, 128), dtype=h5py.string_dtype()),
    "wide text": _replaced(shape=(2,), dtype="S1000000"),
    "no shape": _replaced(data=h5py.Empty("f4")),
    "no HDF5": b"PK not HDF5",
    "no bytes": b"",
    "the signature": b"\x89HDF\r\n\x1a\n",
    "half": (BUNDLED / "model.weights.h5").read_bytes()[:3_000_000],
}

RECIPES = {
    "a long dotted key": b"a" + b".a" * 30_000 + b" = 1",
    "long dotted headers": (b"[" + b"a." * 500 + b"a]\n") * 64,
    "a deep header with many keys": b"["
    + b"a." * 500
    + b"a]\n"
    + b"".join(b"k%d=1\n" % n for n in range(8000)),
    "deep arrays": b"a = " + b"[" * 1000,
    "deep inline tables": b"a = " + b"{a=" * 300 + b"1" + b"}" * 300,
    "deep by keys": b'system = "gan"\n[arguments]\nx' + b".x" * 400 + b" = 1",
    "a long number": b"seed = " + b"9" * 1000,
    "a long hexadecimal": b'system = "gan"\n[fit]\nepochs = 0x' + b"f" * 1000,
    "many": b"a = 1\n" * 10_000,
    "large": b"#" * (1 << 20),
    "not UTF-8": b'system = "\xff"',
    "nothing": b"",
    "zeros": b"\0" * 100,
    "no system": b"[fit]\nepochs = 1",
    "a batch of a billion": b'system = "gan"\n[fit]\nbatch_size = 1000000000',
    "a picture of a million": b'system = "gan"\n[data]\nimage_size = 1000000',
    "infinite": b'system = "gan"\n[fit]\nbatch_size = inf',
    "control characters": b'system = "gan"\n[fit]\n"\\u001b[31m" = 1',
    "a table for a text": b"[system]\nx = 1",
}


def _zip(members, folder, outside, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(folder / "set.npz", "w", method) as archive:
        for name, raw in members():
            archive.writestr(name, raw)
    return folder / "set.npz"


def _npy(shape, raw=b"", descr="|u1"):
    content = io.BytesIO()
    header = {"descr": descr, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_2_0(content, header)
    return content.getvalue() + raw


def _images(*arguments, **options):
    return functools.partial(
        _zip, lambda: [("images.npy", _npy(*arguments, **options))]
    )


def _no_archive(raw):
    return functools.partial(_file, "set.npz", raw)


def _many_members():
    return ((f"{number}.npy", b"") for number in range(60_000))


NPZ = {
    "claims a terabyte": _images((10**6, 1024, 1024, 1), b"\0" * 100),
    "packs half a gigabyte": _images((512, 1024, 1024, 1), b"\0" * (1 << 29)),
    "a shape past 64 bits": _images((2**62, 2**62, 4, 1)),
    "a negative shape": _images((-1, 8, 8, 1)),
    "no pixels, many pictures": _images((10**12, 0, 0, 1)),
    "numbers of no bytes": _images((10**12, 8, 8, 1), descr="|V0"),
    "letters of a gigabyte": _images((1,), b"\0" * 100, descr="|S1000000000"),
    "objects": _images((1,), b"cos\nsystem\n(S'true'\ntR.", descr="|O"),
    "a deep header": functools.partial(
        *(_zip, lambda: [("images.npy", b"\x93NUMPY\1\0\xff\x1f" + b"(" * 8191)])
    ),
    "60,000 members": functools.partial(_zip, _many_members),
    "a climbing name": functools.partial(
        _zip, lambda: [("../../outside/images.npy", _npy((1, 8, 8, 1), b"\0" * 64))]
    ),
    "pickled": _no_archive(b"cos\nsystem\n(S'true'\ntR."),
    "a bare array of objects": _no_archive(_npy((1,), b"cos\nsystem\n", descr="|O")),
    "no bytes": _no_archive(b""),
    "an end of an archive": _no_archive(b"PK\5\6" + b"\xff" * 18),
}


def _png(width, height, raw=b""):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body))
            + kind
            + body
            + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (
        chunk(b"IHDR", header),
        chunk(b"IDAT", zlib.compress(raw)),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _picture(raw, name="a.png"):
    def write(folder, outside):
        (folder / name).write_bytes(raw() if callable(raw) else raw)
        return folder

    return write


def _sound(folder):
    folder.mkdir(exist_ok=True)
    Image.new("L", (8, 8)).save(folder / "sound.png")


def _blank(mode, side):
    content = io.BytesIO()
    Image.new(mode, (side, side)).save(content, "png")
    return content.getvalue()


def _scans():
    content = io.BytesIO()
    Image.new("L", (7000, 7000)).save(content, "jpeg", progressive=True)
    whole = content.getvalue()
    return whole[:-2] + whole[whole.rindex(b"\xff\xda") : -2] * 500 + whole[-2:]


def _pipe(folder, outside):
    _sound(folder)
    os.mkfifo(folder / "pipe.png")
    return folder


def _pipe_for_a_folder(folder, outside):
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _socket(folder, outside):
    import socket

    _sound(folder)
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(os.path.relpath(folder / "socket.png"))
    return folder


def _link(name, goal):
    def write(folder, outside):
        _sound(folder / "a")
        Image.new("L", (8, 8)).save(outside / "private.png")
        (folder / "a" / name).symlink_to(str(goal).format(outside=outside))
        return folder

    return write


def _links_to_links(folder, outside):
    # Thirty levels of two ways each: a billion ways to one picture.
    for level in range(30):
        (folder / f"{level}").mkdir()
        for way in "xy":
            (folder / f"{level}" / way).symlink_to(f"../{level + 1}")
    _sound(folder / "30")
    return folder


def _deep_folders(folder, outside):
    path = folder
    for _ in range(600):
        path = path / "d"
    path.mkdir(parents=True)
    _sound(path)
    return folder


def _names(folder, outside):
    for name in ("a\nb", "\x1b[31m", "\u202egnp", "a" * 250):
        (folder / f"{name}.png").write_bytes(b"")
    with open(os.fsencode(folder) + b"/\xff\xfe.png", "wb") as file:
        file.write(b"")
    return folder


FOLDERS = {
    "no pixels": _picture(_png(0, 0)),
    "a declared terapixel": _picture(_png(10**6, 10**6)),
    "sides of 31 bits": _picture(_png(2**31 - 1, 2**31 - 1)),
    "a declared 40 megapixels": _picture(_png(8000, 5000, b"\0" * 1000)),
    "a blank 49 megapixels": _picture(lambda: _blank("RGBA", 7000)),
    "a blank 100 megapixels": _picture(lambda: _blank("L", 10_000)),
    "500 scans of 49 megapixels": _picture(_scans, "a.jpg"),
    "no bytes": _picture(b""),
    "PostScript": _picture(b"%!PS-Adobe-3.0\n%%BoundingBox: 0 0 8 8\n", "a.png"),
    "an archive": _picture(b"PK\3\4" + b"\0" * 100, "a.gif"),
    "a pipe": _pipe,
    "a pipe for a folder": _pipe_for_a_folder,
    "a socket": _socket,
    "a link to outside": _link("out.png", "{outside}/private.png"),
    "a folder outside": _link("out", "{outside}"),
    "a link to a device": _link("zero.png", "/dev/zero"),
    "a link to itself": _link("self.png", "self.png"),
    "a link to its folder": _link("up", ".."),
    "a link to nothing": _link("gone.png", "nothing"),
    "links to links": _links_to_links,
    "600 folders deep": _deep_folders,
    "names of control characters": _names,
}

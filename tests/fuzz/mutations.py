"""Hostile inputs from good ones and a seed: the same seed makes the same inputs."""

import contextlib
import copy
import io
import json
import pathlib
import random
import string
import zipfile

import h5py
import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUNDLED = ROOT / "zoo" / "cgan_digits"
ODD_NUMBERS = (
    *(0, -1, 1, 2, 255, 2**31 - 1, 2**31, 2**32, 2**63 - 1, 2**63, 2**64, -(2**63)),
    *(10**6, 10**9, 10**12, 10**18, 10**400, 0.5, -0.0, 1e308, 5e-324),
)
ODD_TEXTS = (
    *("", "../up", "/etc/passwd", "a\0b", "\ud800", "\n\x1b[31m", "x" * 5000, "é" * 99),
    *("relu", "zeros", "float16", "NaN", "keras_gans>CGAN", "builtins.eval"),
    *("https://example.org/x", "hf://a/b", "__import__('os').system('true')"),
)
LAYERS = (
    *("Dense", "Conv2D", "Embedding", "LSTM", "GRU", "Bidirectional", "Lambda"),
    *("TimeDistributed", "MultiHeadAttention", "UpSampling2D", "ZeroPadding2D"),
    *("StringLookup", "TFSMLayer", "Reshape", "RepeatVector", "Permute", "Flatten"),
    *("CategoryEncoding", "Discretization", "BatchNormalization", "Dropout"),
    *("SpectralNormalization", "STFTSpectrogram", "RandAugment", "EinsumDense"),
)
MODULES = (
    *("keras.layers", "keras", "keras.src.ops.numpy", "keras.src.ops.core", "os"),
    *("keras.initializers", "keras.optimizers", "builtins", "subprocess", None),
    *("keras.src.models.functional", "keras_gans.models.cgan", "keras.losses"),
)


def mutated_bytes(rng, raw, other=b""):
    """A copy with a few bytes flipped, set, cut, doubled or spliced in."""
    raw = bytearray(raw)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(raw) + 1)
        size = rng.choice((1, 2, 4, 8, 32, 512))
        kind = rng.randrange(7)
        if kind == 0 and raw:
            raw[at % len(raw)] ^= 1 << rng.randrange(8)
        elif kind == 1:
            raw[at : at + size] = rng.choice((b"\0", b"\xff", b"\x80")) * size
        elif kind == 2:
            raw[at : at + 8] = rng.choice(ODD_NUMBERS[:9]).to_bytes(
                8, "little", signed=True
            )
        elif kind == 3:
            del raw[at : at + size]
        elif kind == 4:
            raw[at:at] = raw[at : at + size]
        elif kind == 5 and other:
            start = rng.randrange(len(other))
            raw[at : at + size] = other[start : start + size]
        elif kind == 6 and rng.random() < 0.2:
            del raw[at:]
    return bytes(raw)


def odd_value(rng):
    """A value that a config or recipe was not written for."""
    kind = rng.randrange(8)
    if kind < 3:
        return rng.choice(ODD_NUMBERS)
    if kind < 5:
        return rng.choice(ODD_TEXTS)
    if kind == 5:
        return [odd_value(rng) for _ in range(rng.randrange(4))]
    if kind == 6:
        config = {"units": rng.choice(ODD_NUMBERS), "name": "odd"}
        name = rng.choice(LAYERS)
        return {
            "module": rng.choice(MODULES),
            "class_name": name,
            "config": rng.choice((config, {}, None)),
            "registered_name": rng.choice((None, name, f"keras_gans>{name}")),
        }
    deep = rng.choice((None, True, float("nan"), float("inf"), {}, []))
    for _ in range(rng.choice((0, 3, 150, 250))):
        deep = rng.choice(([deep], {"config": deep}))
    return deep


def mutated_tree(rng, tree):
    """A copy of nested dicts and lists in which a few places are something else."""
    tree = copy.deepcopy(tree)
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        places = list(_places(tree))
        if not places:
            return tree
        holder, key = rng.choice(places)
        kind = rng.randrange(6)
        if kind < 3:
            holder[key] = odd_value(rng)
        elif kind == 3:
            holder.pop(key)
        elif kind == 4:
            other, name = rng.choice(places)
            holder[key] = copy.deepcopy(
                other.get(name) if isinstance(other, dict) else 1
            )
        elif isinstance(holder, dict):
            new = rng.choice(("class_name", "module", "config", "dtype", "x", "seed"))
            holder[new] = rng.choice((odd_value(rng), rng.choice(LAYERS)))
    return tree


def _places(tree):
    waiting = [tree]
    while waiting:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder))
        for key in keys:
            yield holder, key
            if isinstance(holder[key], (dict, list)):
                waiting.append(holder[key])


def mutated_json(rng, tree):
    """The bytes of a changed tree, which may be cut, doubled in keys, or no UTF-8."""
    raw = json.dumps(mutated_tree(rng, tree)).encode()
    kind = rng.randrange(8)
    if kind == 0:
        raw = mutated_bytes(rng, raw)
    elif kind == 1:
        raw = raw.replace(b'"config"', rng.choice((b'"module"', b'"\xff"', b'"seed"')))
    return raw


def mutated_recipe(rng, text):
    """A recipe with lines lost, doubled and filled with other values."""
    lines = text.splitlines()
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(lines))
        kind = rng.randrange(8)
        if kind == 0:
            lines.insert(at, rng.choice(lines))
        elif kind == 1 and len(lines) > 1:
            lines.pop(at)
        elif kind == 2:
            lines[at] = (
                ".".join(rng.choices(string.ascii_lowercase, k=rng.choice((3, 400))))
                + " = 1"
            )
        elif kind == 3:
            lines.insert(
                at,
                f"[{rng.choice(('a.' * 400 + 'a', 'fit', '[fit]', 'optimizers.g'))}]",
            )
        elif kind == 4:
            lines[at] = mutated_bytes(rng, lines[at].encode()).decode(
                "utf-8", "replace"
            )
        else:
            name = lines[at].partition("=")[0] or "x"
            lines[at] = f"{name}= {_toml(rng)}"
    raw = "\n".join(lines).encode("utf-8", "surrogatepass")
    return mutated_bytes(rng, raw) if rng.random() < 0.2 else raw


def _toml(rng):
    value = odd_value(rng)
    if rng.random() < 0.2:
        return rng.choice(
            ("nan", "-inf", "0x" + "f" * 900, "9" * 900, "1979-05-27", '"""', "[" * 900)
        )
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{ a = 1, b.c = [ 2 ] }"
    return str(value).lower().replace("none", '""')


def mutated_weights(rng, path):
    """Changes an HDF5 file in place, by its structure or by its bytes."""
    kind = rng.randrange(3)
    if kind < 2:
        # Not every change goes with the one before it.
        with contextlib.suppress(KeyError, OSError), h5py.File(path, "r+") as file:
            for _ in range(rng.choice((1, 1, 3))):
                _change_structure(rng, file)
    if kind > 0:
        raw = path.read_bytes()
        head = mutated_bytes(rng, raw[:8192], raw) if rng.random() < 0.7 else None
        path.write_bytes(head + raw[8192:] if head else mutated_bytes(rng, raw, raw))


def _change_structure(rng, file):
    names = []
    file.visititems(lambda name, item: names.append(name))
    arrays = [n for n in names if isinstance(file.get(n), h5py.Dataset)]
    if not arrays:
        return
    name, other = rng.choice(arrays), rng.choice(names)
    kind, shape = rng.randrange(11), file[name].shape
    if kind != 10:
        del file[name]
    if kind == 0:
        file[name] = h5py.SoftLink(f"/{other}")
    elif kind == 1:
        file[name] = h5py.ExternalLink("../../outside/canary.h5", "/x")
    elif kind == 2 and other != name and other in file:
        file[name] = file[other]
    elif kind == 3:
        size = rng.choice((10**3, 10**9, 2**40))
        file.create_dataset(
            name, (size,), "f4", chunks=(min(size, 10**6),), compression="gzip"
        )
    elif kind == 4:
        file.create_dataset(name, (rng.choice((10, 10**10, 2**60)),), "f4")
    elif kind == 5:
        layout = h5py.VirtualLayout((10**10,), "f4")
        layout[:10] = h5py.VirtualSource("../../outside/canary.h5", "x", (10,))
        file.create_virtual_dataset(name, layout)
    elif kind == 6:
        file.create_dataset(name, (10**9,), "f4", external="../../outside/canary")
    elif kind == 7:
        types = ("S10", h5py.string_dtype(), h5py.ref_dtype, "V8", [("a", "f4")], "c8")
        file.create_dataset(name, (3,), rng.choice(types))
    elif kind == 8:
        file[name] = np.zeros(
            rng.choice((shape, (), (0,), (*shape, 1))),
            rng.choice(("f2", "f8", "i8", "?")),
        )
    elif kind == 9:
        file.create_group(name + "/a" * rng.choice((1, 70)))
    else:
        for number in range(rng.choice((1, 40))):
            file[name].attrs[f"a{number}"] = rng.choice(("x", 1, np.zeros(1000)))


def mutated_npz(rng):
    """The bytes of an archive of arrays that do not keep their promises."""
    buffer = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name in ("images", "labels", "class_names")[: rng.randrange(1, 4)]:
            array = {
                "images": np.arange(4 * 8 * 8, dtype="u1").reshape(4, 8, 8, 1),
                "labels": np.arange(4),
                "class_names": np.array(["a", "b"]),
            }[name]
            content = io.BytesIO()
            np.save(content, array)
            raw = content.getvalue()
            kind = rng.randrange(5)
            if kind == 0:
                head = {
                    "descr": rng.choice(("|u1", "|O", "|V0", "<U900000000", "<i8")),
                    "fortran_order": False,
                    "shape": tuple(
                        rng.choices((*ODD_NUMBERS[:13], 4), k=rng.randrange(6))
                    ),
                }
                content = io.BytesIO()
                np.lib.format.write_array_header_2_0(content, head)
                raw = content.getvalue() + raw[-rng.randrange(1, 300) :]
            elif kind == 1:
                raw = raw[:10] + b"(" * rng.choice((9, 90)) + raw[10:]
            elif kind == 2:
                raw = mutated_bytes(rng, raw)
            archive.writestr(
                rng.choice((f"{name}.npy", f"{name}.npy", name, f"../{name}.npy")), raw
            )
    raw = buffer.getvalue()
    return mutated_bytes(rng, raw) if rng.random() < 0.4 else raw


def mutated_pictures(rng, folder):
    """Fills a folder with pictures, most of them damaged, under odd names."""
    (folder / "a").mkdir()
    for number in range(rng.randrange(1, 4)):
        suffix = rng.choice(("png", "jpg", "gif", "bmp", "webp"))
        mode = rng.choice(("L", "RGB")) if suffix != "gif" else "P"
        size = (rng.randrange(1, 40), rng.randrange(1, 40))
        content = io.BytesIO()
        Image.new(mode, size, rng.randrange(256)).save(
            content, {"jpg": "jpeg"}.get(suffix, suffix)
        )
        raw = content.getvalue()
        if rng.random() < 0.8:
            raw = mutated_bytes(rng, raw, raw)
        name = rng.choice((f"{number}", f"{number}\n\x1b[2J", f"{number} é", "n" * 200))
        where = rng.choice((folder / "a", folder / "a", folder))
        if where == folder and rng.random() < 0.8:
            where = folder / "a"
        (where / f"{name}.{suffix}").write_bytes(raw)


def inputs(target, seed, tiny):
    """Yields `(name, write)` for ever; `write(folder, outside)` returns a path.

    Args:
        target: A key of `worker.targets()`.
        seed: Integer; the same inputs follow from the same seed.
        tiny: Path of a small, good preset.
    """
    number = 0
    while True:
        rng = random.Random(f"{seed}/{target}/{number}")
        yield f"{seed}/{number}", _writer(target, rng, tiny)
        number += 1


def _writer(target, rng, tiny):
    def write(folder, outside):
        source = rng.choice((tiny, tiny, tiny, BUNDLED))
        if target in ("config", "metadata", "index"):
            names = {"index": BUNDLED.parent / "index.json"}
            good = names.get(target, source / f"{target}.json")
            raw = mutated_json(rng, json.loads(good.read_text()))
            (folder / good.name).write_bytes(raw)
            return folder / good.name
        if target == "weights":
            path = folder / "model.weights.h5"
            path.write_bytes((source / path.name).read_bytes())
            mutated_weights(rng, path)
            return path
        if target == "preset":
            return _preset(rng, source, folder)
        if target == "recipe":
            text = (BUNDLED / "recipe.toml").read_text()
            (folder / "recipe.toml").write_bytes(mutated_recipe(rng, text))
            return folder / "recipe.toml"
        if target == "npz":
            (folder / "set.npz").write_bytes(mutated_npz(rng))
            return folder / "set.npz"
        mutated_pictures(rng, folder)
        return folder

    return write


def _preset(rng, source, folder):
    for name in ("config.json", "model.weights.h5"):
        (folder / name).write_bytes((source / name).read_bytes())
    if rng.random() < 0.7:
        config = json.loads((source / "config.json").read_text())
        if rng.random() < 0.5:  # mostly the arguments, or hardly any is ever built
            config["config"] = mutated_tree(rng, config["config"])
            raw = json.dumps(config).encode()
        else:
            raw = mutated_json(rng, config)
        (folder / "config.json").write_bytes(raw)
    else:
        mutated_weights(rng, folder / "model.weights.h5")
    return folder

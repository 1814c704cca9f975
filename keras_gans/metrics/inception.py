"""The Inception network of 2015-12-05, through which FID, KID and IS are defined.

Frechet distances of other networks, `keras.applications.InceptionV3` among them, are
other quantities: that one was trained again in 2016, has 1000 classes, and averages
where this one's last block takes a maximum.
"""

import hashlib
import pathlib
import sys

import keras
import numpy as np
import pooch
import requests
from keras import layers

from keras_gans.core.download import cache_folder
from keras_gans.core.files import written_whole
from keras_gans.core.precision import under_policy
from keras_gans.core.weight_files import arrays_of
from keras_gans.metrics.inception_graph import build_inception
from keras_gans.metrics.resizing import check_resize_mode
from keras_gans.metrics.result import FID_EXTRACTOR

PUBLISHED_URL = (
    "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
    "pt_inception-2015-12-05-6726825d.pth"
)
# Its first eight digits are in the file's name.
PUBLISHED_SHA256 = "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2"
IMAGE_SIZE = (299, 299)


def load_inception(resize="clean", path=None):
    """Returns the network with its published weights, and their hash.

    Args:
        resize: How the images were brought to 299 pixels, one of `RESIZE_MODES`: the
            programs that resize as `"legacy_pytorch"` also scale the input in another
            way, `2 x / 255 - 1` and not `(x - 128) / 128`.
        path: What `scripts/convert_inception` wrote. `None` takes
            `converted_path()`, and makes that file if it is not there: from the
            published one, which is downloaded unless it lies in the same folder.

    Returns:
        `(model, weights_hash)`: a `keras.Model` from float32 images in [0, 255],
        `(batch, 299, 299, 3)`, to features `(batch, 2048)` and logits without bias
        `(batch, 1008)`; and the SHA-256 of the weights' names and values. Figures
        compare where it agrees.

    Raises:
        ValueError: If `resize` is unknown, or the file holds other weights.
        ImportError: If the published file must be read and PyTorch is missing.
        RuntimeError: If that file cannot be downloaded.

    Example:

    >>> network, weights_hash = load_inception("clean")  # doctest: +SKIP
    >>> features, logits = network.predict(images)  # doctest: +SKIP

    Reference: Heusel et al. 2017, section 4, arXiv 1706.08500; Szegedy et al. 2015,
    "Rethinking the Inception architecture", arXiv 1512.00567.
    """
    check_resize_mode(resize)
    path = _converted_file() if path is None else pathlib.Path(path).expanduser()
    arrays = _read_converted(path)
    with under_policy("float32"):
        network = convert_state_dict(arrays)
        images = keras.Input((*IMAGE_SIZE, 3), dtype="float32", name="images")
        if resize == "legacy_pytorch":
            scaled = 2 * (images / 255) - 1
        else:
            scaled = (images - 128) / 128
        model = keras.Model(images, network(scaled), name=FID_EXTRACTOR)
    return model, contents_hash(arrays)


def load_keras_inception():
    """Returns `keras.applications.InceptionV3` as an extractor, and its weights' hash.

    Its distances are no FID, and go by the name `keras_inception`.

    Returns:
        `(model, weights_hash)`: a `keras.Model` from float32 images in [0, 255],
        `(batch, 299, 299, 3)`, to features `(batch, 2048)` and logits
        `(batch, 1000)`; and the SHA-256 of all weights in order.

    Raises:
        RuntimeError: If Keras cannot have its weights.

    Example:

    >>> network, weights_hash = load_keras_inception()  # doctest: +SKIP
    """
    with under_policy("float32"):
        try:
            network = keras.applications.InceptionV3(classifier_activation=None)
        except Exception as why:  # the class that Keras raises without a network
            raise RuntimeError(
                f"Keras could not have the weights of its InceptionV3 ({why}); put the "
                "file of that address into the folder models of KERAS_HOME, by default "
                "~/.keras/models."
            ) from why
        images = keras.Input((*IMAGE_SIZE, 3), dtype="float32", name="images")
        features = network.get_layer("avg_pool").output
        taps = keras.Model(network.input, (features, network.output))
        model = keras.Model(images, taps(images / 127.5 - 1), name="keras_inception")
    # Keras numbers its layers by what was built before, so their names say nothing.
    arrays = {
        f"{index:03} {weight.name}": keras.ops.convert_to_numpy(weight)
        for index, weight in enumerate(network.weights)
    }
    return model, contents_hash(arrays)


def convert_file(source, target=None):
    """Converts the published file; a kill at any time leaves no half of one.

    Args:
        source: `pt_inception-2015-12-05-6726825d.pth` of pytorch-fid, or
            torch-fidelity's file of the same contents.
        target: File to write, `converted_path()` if `None`.

    Returns:
        The hash that `load_inception` will return.

    Raises:
        ValueError: If the SHA-256 of `source` is not the published one. Nothing in
            another file is read.
        ImportError: If PyTorch is missing.
    """
    import h5py

    target = converted_path() if target is None else pathlib.Path(target)
    arrays = _read_published(source)
    network = convert_state_dict(arrays)
    used = {name: arrays[name] for name in _weights_by_name(network)}
    target.parent.mkdir(parents=True, exist_ok=True)
    with written_whole(target) as temporary, h5py.File(temporary, "w") as file:
        for name, array in used.items():
            file[name] = np.asarray(array, np.float32)
    return contents_hash(used)


def convert_state_dict(arrays, network=None):
    """Brings PyTorch's weights into the network, all of them or none.

    Args:
        arrays: Dict from the names of pytorch-fid and torch-fidelity
            (`"Mixed_5b.branch1x1.conv.weight"`) to arrays; kernels are
            `(out, in, height, width)`. An auxiliary classifier (`AuxLogits`), counters
            (`num_batches_tracked`) and the bias of the logits are not used.
        network: What `build_inception` returned; `None` builds one.

    Returns:
        The network.

    Raises:
        ValueError: If arrays are missing, unknown or misshapen; all are listed.
    """
    network = build_inception() if network is None else network
    weights = _weights_by_name(network)
    problems = _problems(arrays, weights)
    if problems:
        raise ValueError(
            f"These are not the weights of the FID Inception. {' '.join(problems)}"
        )
    for name, (variable, axes) in weights.items():
        variable.assign(np.transpose(arrays[name], axes).astype(np.float32))
    return network


def contents_hash(arrays):
    """SHA-256 of names and float32 values, however a file lays them out.

    Args:
        arrays: Dict from names to arrays.

    Returns:
        64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, array in sorted(arrays.items()):
        digest.update(f"{name} {np.shape(array)}\n".encode())
        digest.update(np.asarray(array, "<f4").tobytes())
    return digest.hexdigest()


def converted_path():
    """Where `load_inception` looks for weights: `extractors` in the cache folder.

    That folder is the environment variable `KERAS_GANS_CACHE`, or the user's cache.
    """
    folder = cache_folder() / "extractors"
    return folder / f"{FID_EXTRACTOR}.weights.h5"


def _weights_by_name(network):
    """PyTorch's name -> (variable, axes that bring PyTorch's array to its shape)."""
    weights = {}
    for layer in network.layers:
        if isinstance(layer, layers.Conv2D):
            weights[f"{layer.name}.weight"] = layer.kernel, (2, 3, 1, 0)
        elif isinstance(layer, layers.Dense):
            weights[f"{layer.name}.weight"] = layer.kernel, (1, 0)
        elif isinstance(layer, layers.BatchNormalization):
            weights[f"{layer.name}.weight"] = layer.gamma, (0,)
            weights[f"{layer.name}.bias"] = layer.beta, (0,)
            weights[f"{layer.name}.running_mean"] = layer.moving_mean, (0,)
            weights[f"{layer.name}.running_var"] = layer.moving_variance, (0,)
    return weights


def _problems(arrays, weights):
    """Sentences about what is missing, unknown or misshapen among the arrays."""
    counters = {
        name.replace("running_mean", "num_batches_tracked")
        for name in weights
        if name.endswith("running_mean")
    }
    unknown = sorted(
        name
        for name in arrays.keys() - weights.keys() - counters - {"fc.bias"}
        if not name.startswith("AuxLogits.")
    )
    misshapen = []
    for name, (variable, axes) in weights.items():
        wanted = tuple(variable.shape[axes.index(axis)] for axis in range(len(axes)))
        if name in arrays and np.shape(arrays[name]) != wanted:
            misshapen.append(f"{name} {np.shape(arrays[name])}, expected {wanted}")
    found = {
        "Missing": sorted(weights.keys() - arrays.keys()),
        "Unknown": unknown,
        "Misshapen": misshapen,
    }
    return [f"{what}: {'; '.join(names)}." for what, names in found.items() if names]


def _converted_file():
    path = converted_path()
    if not path.exists():
        _torch()  # before 96 MB are fetched in vain
        convert_file(_published_file(path.parent), path)
    return path


def _published_file(folder):
    """The published file in the folder, downloaded unless it is there and whole."""
    name = PUBLISHED_URL.rpartition("/")[2]
    try:
        return pooch.retrieve(
            PUBLISHED_URL,
            f"sha256:{PUBLISHED_SHA256}",
            name,
            folder,
            downloader=pooch.HTTPDownloader(progressbar=sys.stderr.isatty()),
        )
    except requests.RequestException as why:
        raise RuntimeError(
            f"The FID weights could not be downloaded ({type(why).__name__}): get "
            f"{PUBLISHED_URL} where there is a network, and put it at {folder / name}."
        ) from why


def _read_published(path):
    """Name to array in the published file; no other file is opened."""
    found = pooch.file_hash(str(path))
    if found != PUBLISHED_SHA256:
        raise ValueError(
            f"{path} is not the published file: its SHA-256 is {found}, expected "
            f"{PUBLISHED_SHA256}."
        )
    state = _torch().load(path, map_location="cpu", weights_only=True)
    return {name: tensor.numpy() for name, tensor in state.items()}


def _torch():
    try:
        import torch
    except ImportError as why:
        raise ImportError(
            "The published FID weights are in PyTorch's format: pip install torch, or "
            "run scripts/convert_inception FILE where PyTorch is installed and put the "
            f"result at {converted_path()}."
        ) from why
    return torch


def _read_converted(path):
    import h5py

    if path.suffix == ".pth":
        raise ValueError(
            f"{path} is to be converted first: scripts/convert_inception {path}."
        )
    names, _ = arrays_of(path)
    with h5py.File(path, "r") as file:
        return {name: file[name][()] for name in names}

"""Brings a preset's files to a local folder, checked, before anybody opens them.

Built-in presets are listed in `zoo/index.json`, which lies in the wheel:

    {"presets": {"<name>": {"system": "<class>", "description": "...", "bundled": false,
        "files": {"config.json": {"sha256": "...", "size": 1234}, ...}}}}

`bundled` files lie next to it. Presets elsewhere list `files` in `metadata.json`.
"""

import contextlib
import difflib
import functools
import hashlib
import io
import json
import logging
import os
import pathlib
import re
import shutil
import tempfile
import time
import urllib.parse
import uuid

import pooch

from keras_gans.core import safe_config, staging
from keras_gans.core.plain_json import PresetError, read_bounded
from keras_gans.core.safe_config import damage
from keras_gans.core.staging import BoundedOutput

TIMEOUT = (10.0, 30.0)  # seconds to connect, and between two pieces of a file
PAUSES = (0.0, 1.0, 2.0, 4.0)  # seconds before each attempt
LOG = logging.getLogger(__name__)


class _Unreachable(PresetError):
    """The server did not answer, which a copy in the cache can make up for."""


def fetch(handle):
    """Returns a local folder that holds the preset's files, each checked by hash.

    Downloads go to a temporary name in the cache (`KERAS_GANS_CACHE`, or the user's
    cache folder), and are moved into place once size and SHA-256 are right; there they
    are checked at every use. A preset that was fetched once needs no network.

    Args:
        handle: a built-in name (unless bundled, it comes from the URL or folder in the
            environment variable `KERAS_GANS_ZOO`), `http(s)://.../folder`, `gs://...`,
            `hf://user/repo[/sub]`, or a local folder (`./name` if `name` is built in).
            That must match its `metadata.json`; one made by hand, without, is accepted.

    Raises:
        PresetError: the name is unknown, a file is missing, damaged or not allowed,
            the server does not answer, or the disk is full.

    Example:

    >>> folder = fetch("https://example.org/presets/my_digits")  # doctest: +SKIP
    """
    folder = staging.recovered(handle)
    if isinstance(handle, str):
        if "://" in handle:
            return _fetch_remote(handle, _source(handle))
        is_name = safe_config.PRESET_NAME.fullmatch(handle)
        presets = safe_config.read_index() if is_name else {}
        if handle in presets:
            return _fetch_builtin(handle, presets[handle])
        if not folder.is_dir():
            close = difflib.get_close_matches(handle, presets, cutoff=0.5) or "none"
            raise PresetError(f"{handle!r}: no such preset or folder. Close: {close}.")
    if (folder / "metadata.json").exists():
        raw = read_bounded(folder / "metadata.json")
        return safe_config.check_files(folder, safe_config.metadata_table(raw, folder))
    if not all((folder / name).is_file() for name in safe_config.REQUIRED_FILES):
        raise PresetError(f"{folder} is no preset: it lacks config or weights.")
    return folder


def _fetch_builtin(name, entry):
    if entry.get("bundled"):
        return safe_config.check_files(safe_config.zoo_folder() / name, entry["files"])

    def from_zoo(filename, output):
        # Asked only when a file is not in the cache: offline, no setting is needed.
        if not (zoo := os.environ.get("KERAS_GANS_ZOO")):
            hint = "set the environment variable KERAS_GANS_ZOO to a URL or folder"
            raise PresetError(f"{name} is not bundled: {hint} laid out like zoo/.")
        _source(f"{zoo.rstrip('/')}/{name}")(filename, output)

    return _fill(name, entry["files"], from_zoo)


def _fetch_remote(handle, source):
    key = hashlib.sha256(handle.encode()).hexdigest()
    remembered = cache_folder() / "handles" / key[:32] / "metadata.json"
    buffer = BoundedOutput(io.BytesIO(), "metadata.json", 1 << 20, exact=False)
    try:
        source("metadata.json", buffer)
        raw = buffer.file.getvalue()
    except _Unreachable as why:
        if not remembered.exists():
            raise
        LOG.warning("%s The copy in the cache is used.", why)
        raw = read_bounded(remembered)
    table = safe_config.metadata_table(raw, handle)
    facts = {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}

    def bring(name, output):
        # The very bytes that were checked, even if the server changes them meanwhile.
        output.write(raw) if name == "metadata.json" else source(name, output)

    label = re.sub(r"\W+", "_", urllib.parse.urlsplit(handle).path.strip("/"))
    folder = _fill(label[-64:], {**table, "metadata.json": facts}, bring)
    if damage(remembered, facts):
        _bring(remembered, facts, bring)
    return folder


def cache_folder():
    """`KERAS_GANS_CACHE`, or the package's folder in the user's cache."""
    chosen = os.environ.get("KERAS_GANS_CACHE")
    return pathlib.Path(chosen or pooch.os_cache("keras_gans")).expanduser()


def _fill(label, table, source):
    # The contents are in the name: a new index never reads an old file.
    digest = hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()
    folder = cache_folder() / "presets" / f"{label}-{digest[:16]}"
    for name, facts in table.items():
        if problem := damage(folder / name, facts):
            if (folder / name).exists():
                LOG.warning("%s in the cache: %s; fetching it again.", name, problem)
            # Replaced, not removed: another process may just have put it right.
            _bring(folder / name, facts, source)
    return folder


def _bring(path, facts, source):
    # Written in the root of the cache: a failure does not leave an empty folder.
    label, part = f".{path.name}.{facts['sha256'][:16]}", None
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        staging.sweep_files(cache_folder(), label, ".part")
        with _open_part(label) as file:
            part = pathlib.Path(file.name)
            source(path.name, BoundedOutput(file, path.name, facts["size"]))
            file.flush()
            if problem := damage(part, facts):
                raise PresetError(f"{path.name} did not arrive whole: {problem}.")
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(part, path)
    except OSError as why:
        message = f"{path.name}: expected to write {facts['size']} bytes, found: {why}"
        raise PresetError(message) from why
    finally:
        with contextlib.suppress(OSError):  # it was moved
            part and part.unlink()


def _open_part(label):
    while True:
        file = open(cache_folder() / f"{label}.{uuid.uuid4().hex}.part", "xb")  # noqa: SIM115
        if staging.hold(file):
            return file
        file.close()


def _source(place):
    """Returns `source(filename, output)` for a folder, a URL or a hub repository."""
    scheme, found, rest = place.partition("://")
    if not found:
        return functools.partial(_from_folder, pathlib.Path(place).expanduser())
    if scheme == "hf":
        return functools.partial(_from_hub, rest)
    if scheme not in ("http", "https", "gs"):
        raise PresetError(f"{place}: use http://, https://, gs:// or hf://.")
    url = f"https://storage.googleapis.com/{rest}" if scheme == "gs" else place
    return functools.partial(_from_url, url)


def _from_folder(folder, name, output):
    with open(folder / name, "rb") as file:
        shutil.copyfileobj(file, output)


def _from_hub(place, name, output):
    try:
        import huggingface_hub as hub
    except ImportError as why:
        raise PresetError("hf:// needs: pip install 'keras-gans[hub]'.") from why
    user, repo, sub = f"{place.strip('/')}//".split("/", 2)
    with tempfile.TemporaryDirectory() as scratch:
        where = {"subfolder": sub.strip("/") or None, "local_dir": scratch}
        try:
            path = hub.hf_hub_download(f"{user}/{repo}", name, **where)
        except Exception as why:  # its error classes differ from release to release
            status = getattr(getattr(why, "response", None), "status_code", 500)
            kind = PresetError if status in (401, 403, 404) else _Unreachable
            raise kind(f"{name} of hf://{place} could not be had: {why}") from why
        _from_folder(pathlib.Path(path).parent, name, output)


def _from_url(place, name, output):
    parts = urllib.parse.urlsplit(place)  # a signed URL keeps its query
    url = parts._replace(path=f"{parts.path.rstrip('/')}/{name}").geturl()
    for pause in PAUSES:
        time.sleep(pause)
        output.restart()
        problem = _attempt(url, output)
        if not problem:
            return
    raise _Unreachable(f"{url}: gave up after {len(PAUSES)} attempts: {problem}.")


def _attempt(url, output):
    """Downloads once (a bar on a terminal); returns what another attempt may mend."""
    import requests
    import tqdm

    with contextlib.ExitStack() as stack:
        bar = tqdm.tqdm(total=output.size, desc=url[-40:], unit="B", disable=None)
        get = pooch.HTTPDownloader(
            progressbar=stack.enter_context(bar),
            chunk_size=min(1 << 16, output.size + 1),
            timeout=TIMEOUT,
            headers={"Accept-Encoding": "identity", "User-Agent": "keras_gans"},
            hooks={"response": lambda r, **_: stack.callback(r.close) and None},
        )
        try:
            get(url, output, None)
        except requests.HTTPError as why:
            status = why.response.status_code
            if status < 500 and status not in (408, 425, 429):
                raise PresetError(f"{url}: the server answered {status}.") from why
            return f"the server answered {status}"
        except requests.RequestException as why:
            return f"{type(why).__name__}: {why}"
    short = output.exact and output.received < output.size
    return f"expected {output.size} bytes, found {output.received}" if short else None

"""A preset arrives whole and checked, or not at all."""

import errno
import hashlib
import http.server
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import types

import pytest

from keras_gans.core import download, safe_config
from keras_gans.core.download import PresetError, fetch

CONTENT = {
    "config.json": b'{"class_name": "WGANGP"}',
    "model.weights.h5": bytes(range(256)) * 1000,
}


def facts(raw):
    return {"sha256": hashlib.sha256(raw).hexdigest(), "size": len(raw)}


TABLE = {name: facts(raw) for name, raw in CONTENT.items()}
METADATA = json.dumps({"files": TABLE}).encode()


class Server(http.server.ThreadingHTTPServer):
    """Serves bytes by path; `plan[file]` lists what to do at each request in turn."""

    daemon_threads = True

    def __init__(self):
        self.files, self.plan, self.asked = {}, {}, []
        self.released = threading.Event()
        self.both = threading.Barrier(2, timeout=20)
        self.sent = 0
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """A client that hangs up on a bad server is what these tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, name = self.server, self.path.rpartition("/")[2].partition("?")[0]
        server.asked.append(self.path)
        plan = server.plan.get(name, [])
        deed = plan.pop(0) if plan else "ok"
        raw = server.files.get(self.path.partition("?")[0])
        if isinstance(deed, int) or raw is None:
            self.send_error(deed if isinstance(deed, int) else 404)
            return
        if deed == "meet":
            server.both.wait()
        self.send_response(200)
        if deed not in ("endless", "short"):
            self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if deed == "flip":
            raw = raw[:-1] + bytes([raw[-1] ^ 1])
        if deed in ("ok", "meet", "flip"):
            self.wfile.write(raw)
            return
        self.wfile.write(raw[: len(raw) // 2])  # "short" and "stop" end here
        self.wfile.flush()
        if deed == "slow":
            server.released.wait(20)
        while deed == "endless":
            server.sent += self.wfile.write(raw)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(download, "TIMEOUT", (2.0, 0.3))
    server = Server()
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.01}
    )
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("KERAS_GANS_ZOO", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def zoo(tmp_path, monkeypatch, cache):
    """An index with a downloadable and a bundled preset."""
    folder = tmp_path / "zoo"
    (folder / "inside").mkdir(parents=True)
    for name, raw in CONTENT.items():
        (folder / "inside" / name).write_bytes(raw)
    entry = {"system": "WGANGP", "description": "d", "files": TABLE}
    presets = {"digits": entry, "inside": {**entry, "bundled": True}}
    (folder / "index.json").write_text(json.dumps({"presets": presets}))
    monkeypatch.setattr(safe_config, "zoo_folder", lambda: folder)
    return folder


@pytest.fixture
def hosted(server, zoo, monkeypatch):
    server.files = {f"/zoo/digits/{name}": raw for name, raw in CONTENT.items()}
    monkeypatch.setenv("KERAS_GANS_ZOO", f"{server.url}/zoo/")
    return server


@pytest.fixture
def remote(server, cache):
    """A preset outside the zoo: its table lies in its own metadata."""
    files = {**CONTENT, "metadata.json": METADATA}
    server.files = {f"/my/preset/{name}": raw for name, raw in files.items()}
    server.handle = f"{server.url}/my/preset"
    return server


def left_in(cache):
    return sorted(p.name for p in cache.rglob("*") if p.is_file())


def assert_whole(folder):
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == CONTENT


def test_a_builtin_is_downloaded_once(hosted, cache, monkeypatch):
    folder = fetch("digits")
    assert_whole(folder)
    assert folder.is_relative_to(cache) and len(hosted.asked) == 2
    monkeypatch.delenv("KERAS_GANS_ZOO")
    assert fetch("digits") == folder
    assert len(hosted.asked) == 2
    assert left_in(cache) == sorted(CONTENT)


def test_without_a_zoo_the_error_says_how_to_set_one(zoo):
    with pytest.raises(PresetError, match="digits.*KERAS_GANS_ZOO to a URL or folder"):
        fetch("digits")


def test_the_zoo_may_be_a_folder(zoo, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_ZOO", str(tmp_path / "mirror"))
    (zoo / "inside").rename(zoo / "digits")
    zoo.rename(tmp_path / "mirror")
    monkeypatch.setattr(safe_config, "zoo_folder", lambda: tmp_path / "mirror")
    assert_whole(fetch("digits"))
    (tmp_path / "mirror/digits/config.json").write_bytes(b'{"class_name": "WGANG_"}')
    assert_whole(fetch("digits"))  # the cache holds a checked copy


def test_bundled_files_are_used_in_place_and_checked(zoo, cache):
    assert fetch("inside") == zoo / "inside"
    assert not cache.exists()
    (zoo / "inside/config.json").write_bytes(b'{"class_name": "WGANG_"}')
    with pytest.raises(
        PresetError, match=r"config\.json.*SHA-256 \w{64}, found \w{64}"
    ):
        fetch("inside")


def test_unknown_names_list_close_ones(zoo):
    with pytest.raises(PresetError, match="'digit'.*digits"):
        fetch("digit")
    with pytest.raises(ValueError, match="no such preset or folder"):
        fetch("../digits")


@pytest.mark.parametrize(
    ("deeds", "message", "requests"),
    [
        (["flip"], r"model\.weights\.h5.*expected SHA-256 \w+, found \w+", 1),
        (["endless"], r"model\.weights\.h5: expected 256000 bytes, found more", 1),
        ([404], r"model\.weights\.h5: the server answered 404", 1),
        ([403], r"model\.weights\.h5: the server answered 403", 1),
        ([500] * 9, r"model\.weights\.h5: gave up after 3 .* answered 500", 3),
        (["stop"] * 9, r"model\.weights\.h5: gave up after 3 attempts", 3),
        (["short"] * 9, "gave up .*: expected 256000 bytes, found 128000", 3),
        (["slow"] * 9, "gave up after 3 attempts: .*[Tt]imed? ?out", 3),
    ],
)
def test_a_bad_download_is_one_error_and_leaves_nothing(
    hosted, cache, deeds, message, requests
):
    hosted.plan["model.weights.h5"] = list(deeds)
    with pytest.raises(PresetError, match=message):
        fetch("digits")
    assert left_in(cache) == ["config.json"]  # which came whole before
    assert len(hosted.asked) == 1 + requests
    # Nothing that is left stands in the way of a better day.
    hosted.plan.clear()
    assert_whole(fetch("digits"))


def test_what_a_kill_left_of_a_download_is_swept(hosted, cache, monkeypatch):
    def killed(*arguments):
        raise SystemExit(9)

    with monkeypatch.context() as patch:
        patch.setattr(download.os, "replace", killed)
        patch.setattr(pathlib.Path, "unlink", lambda self: None)
        with pytest.raises(SystemExit):
            fetch("digits")
    assert len(left_in(cache)) == 1 and left_in(cache)[0].endswith(".part")
    other = cache / f".other.json.{'0' * 16}.{'0' * 32}.part"
    other.write_text("")
    fetch("digits")
    assert left_in(cache) == sorted([*CONTENT, other.name])


def test_an_endless_answer_is_not_read(hosted, cache):
    hosted.plan["config.json"] = ["endless"]
    with pytest.raises(PresetError, match="found more"):
        fetch("digits")
    hosted.both.abort()
    assert hosted.sent < 1 << 24  # what the sockets' buffers took, no more


@pytest.mark.parametrize("deed", [500, 503, 429, "stop", "short", "slow"])
def test_a_passing_weakness_is_retried(hosted, deed):
    hosted.plan["model.weights.h5"] = [deed, deed]
    assert_whole(fetch("digits"))


def test_a_full_disk_is_one_error_and_leaves_nothing(hosted, cache, monkeypatch):
    class Full(io.FileIO):
        def write(self, chunk):
            super().write(chunk[:100])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(download, "open", Full, raising=False)
    message = "config.json: expected to write 24 bytes, found: .*No space left"
    with pytest.raises(PresetError, match=message):
        fetch("digits")
    assert left_in(cache) == []


def test_a_cache_that_cannot_be_made_is_one_error(hosted, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "file"))
    with pytest.raises(PresetError, match=r"config\.json"):
        fetch("digits")


def test_a_flipped_byte_in_the_cache_is_fetched_again(hosted, cache, caplog):
    weights = fetch("digits") / "model.weights.h5"
    weights.write_bytes(CONTENT["model.weights.h5"][:-1] + b"!")
    assert_whole(fetch("digits"))
    assert hosted.asked.count("/zoo/digits/model.weights.h5") == 2
    assert hosted.asked.count("/zoo/digits/config.json") == 1
    assert "model.weights.h5 in the cache: expected SHA-256" in caplog.text
    weights.write_bytes(b"")
    hosted.plan["model.weights.h5"] = [404]
    with pytest.raises(PresetError, match="404"):
        fetch("digits")
    assert_whole(fetch("digits"))


def test_a_changed_index_never_reads_stale_files(hosted, zoo, cache):
    old = fetch("digits")
    raw = b'{"class_name": "WGANG_"}'
    index = json.loads((zoo / "index.json").read_text())
    index["presets"]["digits"]["files"]["config.json"] = facts(raw)
    (zoo / "index.json").write_text(json.dumps(index))
    hosted.files["/zoo/digits/config.json"] = raw
    new = fetch("digits")
    assert new != old and (new / "config.json").read_bytes() == raw
    assert_whole(old)


def test_a_url_brings_its_own_table(remote, cache):
    folder = fetch(remote.handle + "/?token=1")
    assert (folder / "model.weights.h5").read_bytes() == CONTENT["model.weights.h5"]
    assert (folder / "metadata.json").read_bytes() == METADATA
    assert all(path.endswith("?token=1") for path in remote.asked)
    assert [path.count("//") for path in remote.asked] == [0, 0, 0]


def test_a_url_fetched_once_is_read_offline(remote, cache):
    folder = fetch(remote.handle)
    remote.plan["metadata.json"] = [500] * 3
    assert fetch(remote.handle) == folder
    remote.plan["metadata.json"] = [404]
    with pytest.raises(PresetError, match="404"):
        fetch(remote.handle)  # withdrawn is not the same as out of reach


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"{", "cannot be parsed"),
        (b"{}", "no usable table"),
        (json.dumps({"files": {**TABLE, "../up": facts(b"")}}).encode(), "'../up'"),
        (b" " * (1 << 20) + METADATA, "found more"),
    ],
)
def test_a_url_with_bad_metadata_is_refused(remote, cache, raw, message):
    remote.files["/my/preset/metadata.json"] = raw
    with pytest.raises(PresetError, match=message):
        fetch(remote.handle)
    assert left_in(cache) == []


def test_a_url_with_wrong_files_is_refused(remote, cache):
    remote.plan["config.json"] = ["flip"]
    with pytest.raises(PresetError, match="config.json did not arrive whole"):
        fetch(remote.handle)
    assert left_in(cache) == []


def test_google_storage_and_unknown_schemes(cache, monkeypatch):
    asked = []
    monkeypatch.setattr(
        download, "_attempt", lambda url, _: asked.append(url) or "down"
    )
    monkeypatch.setattr(download, "PAUSES", (0.0,))
    with pytest.raises(PresetError, match="gave up"):
        fetch("gs://bucket/a/b")
    assert asked == ["https://storage.googleapis.com/bucket/a/b/metadata.json"]
    with pytest.raises(PresetError, match="use http"):
        fetch("file:///etc")


def test_the_hub(cache, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(PresetError, match=r"keras-gans\[hub\]"):
        fetch("hf://me/gans/digits")
    asked = []

    def hf_hub_download(repo_id, filename, subfolder, local_dir):
        asked.append((repo_id, filename, subfolder))
        path = pathlib.Path(local_dir, subfolder or "", filename)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes({**CONTENT, "metadata.json": METADATA}[filename])
        return str(path)

    hub = types.SimpleNamespace(hf_hub_download=hf_hub_download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    folder = fetch("hf://me/gans/digits")
    assert (folder / "config.json").read_bytes() == CONTENT["config.json"]
    assert asked[0] == ("me/gans", "metadata.json", "digits")
    fetch("hf://me/gans")
    assert asked[3] == ("me/gans", "metadata.json", None)
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace())
    assert fetch("hf://me/gans/digits") == folder  # the hub fails, the cache does not


def test_a_local_folder_must_match_its_metadata(zoo, tmp_path):
    folder = zoo / "inside"
    assert fetch(folder) == folder  # no metadata at all: made by hand
    (folder / "metadata.json").write_bytes(METADATA)
    assert fetch(str(folder)) == folder
    (folder / "config.json").write_bytes(b"{}")
    with pytest.raises(PresetError, match="expected 24 bytes, found 2"):
        fetch(folder)
    (folder / "metadata.json").write_bytes(b"{}")
    with pytest.raises(PresetError, match="metadata.json of"):
        fetch(folder)
    with pytest.raises(PresetError, match="is no preset"):
        fetch(tmp_path)


PROCESS = """
import importlib, sys, types
for name in ("keras_gans", "keras_gans.core"):  # without the package's heavy imports
    package = types.ModuleType(name)
    package.__path__ = [sys.argv[1] + "/" + name.replace(".", "/")]
    sys.modules[name] = package
download = importlib.import_module("keras_gans.core.download")
assert "keras" not in sys.modules
print(download.fetch(sys.argv[2]))
"""


def test_two_processes_at_once(remote, cache):
    # Neither gets its weights before both have asked for them.
    remote.plan["model.weights.h5"] = ["meet", "meet"]
    root = pathlib.Path(download.__file__).parents[2]
    command = [sys.executable, "-c", PROCESS, str(root), remote.handle]
    pair = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    folders = {process.communicate(timeout=60)[0].strip() for process in pair}
    assert [process.returncode for process in pair] == [0, 0]
    (folder,) = folders
    assert remote.asked.count("/my/preset/model.weights.h5") == 2
    names = {*CONTENT, "metadata.json"}
    assert {p.name for p in pathlib.Path(folder).iterdir()} == names
    assert left_in(cache) == sorted([*names, "metadata.json"])
    assert fetch(remote.handle) == pathlib.Path(folder)

"""The process that reads hostile inputs, and tells what each of them did to it.

One JSON line in, `{"target": ..., "path": ...}`, one JSON line out.
"""

import contextlib
import json
import os
import pathlib
import resource
import sys
import traceback
import warnings

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADROOM = 12 << 30  # of address space, so that a bomb ends this process only
READ_ONLY = (
    *(str(ROOT), sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev/null"),
    *("/dev/urandom", "/etc/localtime", "/usr/lib", "/usr/share", "/usr/local/lib"),
)
FORBIDDEN = (
    *("os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork", "os.forkpty"),
    *("subprocess.Popen", "socket.connect", "socket.bind", "socket.getaddrinfo"),
    *("pty.spawn", "webbrowser.open", "ctypes.dlopen", "os.startfile"),
)
CHANGES = (
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink"),
    *("os.chmod", "os.chown", "os.truncate", "os.utime", "shutil.rmtree"),
)


class Watch:
    """Notes what Python does outside the folders of the input and of scratch files."""

    def __init__(self, scratch):
        self.scratch, self.readable, self.seen = scratch, None, []
        sys.addaudithook(self.hook)

    def hook(self, event, arguments):
        if self.readable is None:
            return
        if event in FORBIDDEN:
            self.seen.append(f"{event} {arguments!r}"[:200])
        elif event in CHANGES:
            paths = [a for a in arguments[:2] if isinstance(a, (str, bytes))]
            if isinstance(arguments[-1], int) and arguments[-1] >= 0:
                above = os.readlink(f"/proc/self/fd/{arguments[-1]}")
                paths = [os.path.join(above, os.fsdecode(path)) for path in paths]
            self.check(event, paths, [self.scratch])
        elif event == "open" and isinstance(arguments[0], (str, bytes)):
            path, mode, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            allowed = [self.scratch] if writes else [self.scratch, *self.readable]
            self.check(f"open {mode}", [path], allowed)

    def check(self, event, paths, allowed):
        for path in map(os.fsdecode, paths):
            real = os.path.realpath(path)
            inside = any(real == a or real.startswith(a + os.sep) for a in allowed)
            if not inside and not real.endswith(".pyc"):
                self.seen.append(f"{event} {path}"[:200])


def targets():
    """Target name to the function that reads its input, and the errors it may raise."""
    from keras_gans import data
    from keras_gans.cli import recipes
    from keras_gans.core import presets, safe_config, weight_files

    def config(path):
        raw = path.read_bytes()
        safe_config.check_config(safe_config.parse_json(raw, "config.json", path))

    def metadata(path):
        safe_config.metadata_table(path.read_bytes(), path)

    def index(path):
        safe_config.zoo_folder = lambda: path.parent
        try:
            safe_config.read_index()
        finally:
            safe_config.zoo_folder = zoo_folder

    def npz(path):
        with contextlib.suppress(ValueError):
            data.class_names(path)
        data.load(path, "all", image_size=8)

    def pictures(path):
        data.load(path, image_size=8)

    def careless(path):
        exec(path.read_text(), {"path": path})

    zoo_folder = safe_config.zoo_folder
    refusal, missing = safe_config.PresetError, FileNotFoundError
    return {
        "config": (config, refusal),
        "metadata": (metadata, refusal),
        "index": (index, refusal),
        "weights": (weight_files.arrays_of, refusal),
        "preset": (presets.load_from_preset, refusal),
        "recipe": (recipes.read, (missing, ValueError)),
        "npz": (npz, (missing, ValueError)),
        "pictures": (pictures, (missing, ValueError)),
        "careless": (careless, ValueError),  # to show that harm is noticed
    }


def attempt(read, expected, path):
    """Returns `(outcome, text)`: accepted, refused, nameless or error."""
    try:
        read(path)
    except expected as why:
        # A subclass that nobody raises on purpose says that something was forgotten.
        forgotten = isinstance(why, UnicodeError)
        # A place inside a config is named "config.generator...".
        named = path.name in str(why) or str(why).startswith(("config", "'config"))
        outcome = "error" if forgotten else "refused" if named else "nameless"
        return outcome, traceback.format_exc() if outcome != "refused" else str(why)
    except BaseException:
        return "error", traceback.format_exc()
    return "accepted", ""


def memory(field):
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) << 10


def main():
    """Answers lines until there are no more."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is no answer
    warnings.simplefilter("ignore")
    known = targets()
    known["preset"][0](ROOT / "zoo" / "cgan_digits")  # what is loaded only once
    watch = Watch(os.path.realpath(os.environ["TMPDIR"]))
    limit = memory("VmSize") + HEADROOM
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        task = json.loads(line)
        path = pathlib.Path(task["path"])
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # peak memory, anew
        before, watch.seen = memory("VmRSS"), []
        watch.readable = [os.path.realpath(task["folder"]), *READ_ONLY]
        outcome, text = attempt(*known[task["target"]], path)
        watch.readable = None
        answer = {
            "outcome": outcome,
            "text": text[-3000:],
            "growth": memory("VmHWM") - before,
            "escapes": watch.seen,
        }
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()

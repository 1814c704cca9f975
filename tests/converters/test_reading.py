import sys
import types

import numpy as np
import pytest

from keras_gans.converters.reading import read_state_dict


class Tensor:
    """What `read_state_dict` needs of a PyTorch tensor."""

    def __init__(self, array):
        self.array = np.asarray(array)

    def detach(self):
        return self

    def is_floating_point(self):
        return self.array.dtype.kind == "f"

    def float(self):
        return Tensor(self.array.astype("float32"))

    def numpy(self):
        return self.array


@pytest.fixture
def torch(monkeypatch, tmp_path):
    """A PyTorch whose `load` returns what the test put there; and a file to name."""
    fake = types.SimpleNamespace(content={}, asked=[])

    def load(path, **options):
        fake.asked.append(options)
        if isinstance(fake.content, Exception):
            raise fake.content
        return fake.content

    fake.load = load
    monkeypatch.setitem(sys.modules, "torch", fake)
    fake.path = tmp_path / "weights.pt"
    fake.path.write_bytes(b"")
    return fake


def test_npz_and_safetensors_are_alike(tmp_path):
    numpy = pytest.importorskip("safetensors.numpy")
    arrays = {"a.weight": np.arange(6, dtype="float64").reshape(2, 3), "n": np.ones(1)}
    np.savez(tmp_path / "w.npz", **arrays)
    numpy.save_file(arrays, tmp_path / "w.safetensors")
    first = read_state_dict(tmp_path / "w.npz")
    second = read_state_dict(tmp_path / "w.safetensors")
    assert set(first) == set(second) == set(arrays)
    for name, array in arrays.items():
        assert first[name].dtype == second[name].dtype == np.float32
        np.testing.assert_array_equal(first[name], array)
        np.testing.assert_array_equal(second[name], array)


def test_pytorch_reads_tensors_alone(torch):
    torch.content = {"w": Tensor(np.ones((2, 2), "float16")), "t": Tensor(np.int64(3))}
    arrays = read_state_dict(torch.path)
    assert torch.asked == [{"map_location": "cpu", "weights_only": True}]
    assert arrays["w"].dtype == np.float32 and arrays["t"] == 3


def test_pickled_objects_are_refused(torch, tmp_path):
    torch.content = RuntimeError("Weights only load failed: os.system")
    with pytest.raises(ValueError, match="more than tensors.*refused: Weights only"):
        read_state_dict(torch.path)
    (tmp_path / "network.pkl").write_bytes(b"cos\nsystem\n(S'false'\ntR.")
    with pytest.raises(ValueError, match="could run anything"):
        read_state_dict(tmp_path / "network.pkl")
    np.savez(tmp_path / "w.npz", w=np.array([object()], dtype=object))
    with pytest.raises(ValueError, match="no plain arrays"):
        read_state_dict(tmp_path / "w.npz")


def test_entries_of_a_checkpoint(torch):
    torch.content = {"config": {}, "avgG": {"w": Tensor(np.ones(2, "float32"))}}
    assert set(read_state_dict(torch.path, "avgG")) == {"w"}
    with pytest.raises(ValueError, match="name an entry of .*avgG"):
        read_state_dict(torch.path)
    with pytest.raises(ValueError, match="no entry 'G'"):
        read_state_dict(torch.path, "G")
    with pytest.raises(ValueError, match="no state dict, but a Tensor"):
        read_state_dict(torch.path, "avgG.w")


def test_data_parallel_prefix_is_taken_off(torch):
    torch.content = {f"module.{n}": Tensor(np.ones(1)) for n in ("a", "b")}
    assert set(read_state_dict(torch.path)) == {"a", "b"}
    torch.content["c"] = Tensor(np.ones(1))
    assert set(read_state_dict(torch.path)) == {"module.a", "module.b", "c"}


def test_bad_files(torch, tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        read_state_dict(tmp_path / "absent.npz")
    (tmp_path / "w.npz").write_bytes(b"PK nothing")
    with pytest.raises(ValueError, match="no plain arrays"):
        read_state_dict(tmp_path / "w.npz")
    pytest.importorskip("safetensors")
    (tmp_path / "w.safetensors").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="damaged"):
        read_state_dict(tmp_path / "w.safetensors")
    torch.content = {"w": Tensor(np.array([np.nan]))}
    with pytest.raises(ValueError, match="w holds values that are not finite"):
        read_state_dict(torch.path)
    torch.content = {"w": "text"}
    with pytest.raises(ValueError, match="w is no array of numbers"):
        read_state_dict(torch.path)


def test_without_pytorch(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    (tmp_path / "w.pth").write_bytes(b"")
    with pytest.raises(ImportError, match="pip install torch"):
        read_state_dict(tmp_path / "w.pth")

import numpy as np
import pytest
from PIL import Image

from keras_gans import data

RNG = np.random.default_rng(0)
A = RNG.integers(0, 256, (4, 6, 8, 3)).astype("uint8")
B = RNG.integers(0, 256, (4, 6, 8, 3)).astype("uint8")


@pytest.fixture
def write(tmp_path):
    """write("a/1.png", pixels) -> its path."""

    def save(name, pixels):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
        return path

    return save


def _same(found, a, b):
    for side, expected in zip(found, (a, b), strict=True):
        assert side.dtype == np.uint8
        np.testing.assert_array_equal(side, expected)


LAYOUTS = {
    "A and B with splits below": "{side}/{split}/{name}.png",
    "A and B with splits above": "{split}/{side}/{name}.png",
    "trainA and trainB": "{split}{side}/{name}.png",
}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_layouts_of_one_folder(write, tmp_path, layout):
    for index, split in enumerate(("train", "train", "train", "test")):
        for side, pictures in (("A", A), ("B", B)):
            write(layout.format(side=side, split=split, name=index), pictures[index])
    _same(data.load_pairs(tmp_path), A[:3], B[:3])
    _same(data.load_pairs(tmp_path, "test"), A[3:], B[3:])
    _same(data.load_pairs(tmp_path, "all", direction="ba"), B, A)
    with pytest.raises(ValueError, match=r"has the splits \['train', 'test'\], got"):
        data.load_pairs(tmp_path, "val")


def test_A_and_B_may_have_no_splits(write, tmp_path):
    for side, pictures in (("A", A), ("B", B)):
        write(f"{side}/1.png", pictures[0])
        write(f"{side}/inside/1.png", pictures[1])
    _same(data.load_pairs(tmp_path), A[:2], B[:2])


def test_two_folders_go_by_names_without_suffix(write, tmp_path):
    # Sorted by their full names, the two folders are in different orders.
    write("x/1.png", A[0])
    write("x/1.k.bmp", A[1])
    write("y/1.bmp", B[0])
    write("y/1.k.png", B[1])
    a, b = data.load_pairs((tmp_path / "x", tmp_path / "y"))
    assert len(a) == 2
    for first, second in zip(a, b, strict=True):
        index = 0 if (first == A[0]).all() else 1
        np.testing.assert_array_equal(first, A[index])
        np.testing.assert_array_equal(second, B[index])


def test_side_by_side_is_left_and_right(write, tmp_path):
    both = np.concatenate([A, B], axis=2)
    for index, split in enumerate(("train", "train", "train", "test")):
        write(f"{split}/{index}.png", both[index])
    _same(data.load_pairs(tmp_path), A[:3], B[:3])
    _same(data.load_pairs(tmp_path, "all", direction="ba"), B, A)
    # A filter across the middle would mix them.
    found = data.load_pairs(tmp_path, "all", image_size=3)
    _same(found, data.resize(A, 3), data.resize(B, 3))


@pytest.mark.parametrize("keys", [("source", "target"), ("a", "b")])
def test_archives(tmp_path, keys):
    path = tmp_path / "set.npz"
    arrays = {}
    for key, pictures in zip(keys, (A, B), strict=True):
        arrays |= {f"train_{key}": pictures[:3], f"test_{key}": pictures[3:]}
    np.savez(path, **arrays)
    _same(data.load_pairs(path), A[:3], B[:3])
    _same(data.load_pairs(path, "all", direction="ba"), B, A)
    found = data.load_pairs(path, image_size=3, color_mode="grey")
    grey = [data.Grey()(data.resize(x[:3], 3), None)[0] for x in (A, B)]
    _same(found, *grey)
    np.savez(path, **dict(zip(keys, (A, B), strict=True)))
    _same(data.load_pairs(path), A, B)
    with pytest.raises(ValueError, match=r"has the splits \['train'\], got 'test'"):
        data.load_pairs(path, "test")


def test_names_below_the_data_folder(write, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_DATA", str(tmp_path))
    np.savez(tmp_path / "walls.npz", source=A, target=B)
    write("doors/1.png", np.concatenate([A[0], B[0]], axis=1))
    write("left/1.png", A[1])
    write("right/1.png", B[1])
    _same(data.load_pairs("walls"), A, B)
    _same(data.load_pairs("doors"), A[:1], B[:1])
    _same(data.load_pairs(("left", "right")), A[1:2], B[1:2])


def test_label_maps_are_resized_to_the_nearest_pixel(write, tmp_path):
    labels = (A[..., 0] // 100 * 100).astype("uint8")
    for index in range(4):
        write(f"A/{index}.png", labels[index])
        write(f"B/{index}.png", B[index])
    for direction, source, target in (("ab", 0, 1), ("ba", 1, 0)):
        names = tmp_path / "AB"[source], tmp_path / "AB"[target]
        names = names if direction == "ab" else names[::-1]
        found, other = data.load_pairs(
            names, image_size=(9, 12), direction=direction, integer_labels=True
        )
        raw = (labels[..., None], B)[source], (labels[..., None], B)[target]
        np.testing.assert_array_equal(found, data.resize(raw[0], (9, 12), False))
        np.testing.assert_array_equal(other, data.resize(raw[1], (9, 12)))


def test_what_has_lost_its_pairs_is_refused():
    for name in ("facades", "maps"):
        with pytest.raises(ValueError, match="lost which pictures are pairs.*unpaired"):
            data.load_pairs(f"cycle_gan/{name}")
    for name in ("digits", "mnist"):
        with pytest.raises(ValueError, match="no set of pairs.*DegradedBatches"):
            data.load_pairs(name)


def test_wrong_arguments(tmp_path, write):
    with pytest.raises(ValueError, match="'ab' or 'ba'. Found: 'AtoB'"):
        data.load_pairs(tmp_path, direction="AtoB")
    with pytest.raises(ValueError, match="color_mode"):
        data.load_pairs(tmp_path, color_mode="RGB")
    with pytest.raises(ValueError, match="Found 3 of them"):
        data.load_pairs((tmp_path, tmp_path, tmp_path))
    with pytest.raises(ValueError, match="each is a folder. Found: 'digits'"):
        data.load_pairs((tmp_path, "digits"))
    with pytest.raises(FileNotFoundError, match="no folder or file"):
        data.load_pairs(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="holds no pictures"):
        data.load_pairs(tmp_path)


@pytest.mark.parametrize(
    ("b", "message"),
    [
        (B[:3], "4 pictures of one side and 3 of the other.*load_unpaired"),
        (B[:, :, :4], "set.npz is no pair: 6x8 and 6x4"),
    ],
)
def test_archives_without_pairs(tmp_path, b, message):
    np.savez(tmp_path / "set.npz", source=A, target=b)
    with pytest.raises(ValueError, match=message):
        data.load_pairs(tmp_path / "set.npz")

from pathlib import Path

import numpy as np
import pytest

from keras_gans import data
from keras_gans.data.order import epoch_order

RNG = np.random.default_rng(0)
A = RNG.integers(0, 256, (4, 8, 6, 3)).astype("uint8")
B = RNG.integers(0, 256, (10, 8, 6, 1)).astype("uint8")


def _batches(batch_size=5, **options):
    return data.UnpairedBatches(A, B, batch_size, **options)


def _epoch(batches):
    return [np.concatenate(side) for side in zip(*batches, strict=True)]


def _rows(pictures, whole):
    return [next(i for i, x in enumerate(whole) if (x == y).all()) for y in pictures]


def test_an_epoch_is_as_long_as_the_larger_domain():
    batches = _batches()
    a, b = _epoch(batches)
    assert len(batches) == 2 and len(a) == len(b) == 10
    assert a.dtype == b.dtype == np.uint8
    assert sorted(_rows(b, B)) == list(range(10)) != _rows(b, B)
    counts = np.bincount(_rows(a, A))
    assert set(counts.tolist()) == {2, 3}
    first = _rows(a, A)[:4], _rows(a, A)[4:8]
    assert sorted(first[0]) == sorted(first[1]) == [0, 1, 2, 3]
    mirrored = data.UnpairedBatches(B, A, 5)
    assert len(mirrored) == 2 and len(_epoch(mirrored)[1]) == 10


def test_each_domain_has_an_order_of_its_own():
    same = data.UnpairedBatches(B, B, 10)
    together = 0
    for epoch in range(20):
        same.set_epoch(epoch)
        a, b = same[0]
        together += np.sum(np.equal(_rows(a, B), _rows(b, B)))
    assert together < 40  # of 200; 20 are expected


def test_crops_and_mirroring_are_drawn_per_picture_and_domain():
    where = np.stack(np.meshgrid(range(8), range(6), indexing="ij"), -1)
    pictures = np.repeat(where[None].astype("uint8"), 100, axis=0)
    batches = data.UnpairedBatches(pictures, pictures, 100, image_size=4, flip=True)
    a, b = batches[0]
    assert a.shape == (100, 4, 4, 2)
    for side in (a, b):
        flips = side[:, 0, 0, 1] > side[:, 0, 1, 1]
        assert 30 < flips.sum() < 70
        assert len({tuple(corner) for corner in side.min(axis=(1, 2)).tolist()}) == 15
    assert (a[:, 0, 0] != b[:, 0, 0]).any(axis=-1).mean() > 0.8


def test_a_picture_that_comes_again_is_framed_anew():
    few = np.repeat(A[:1], 1, axis=0)
    a, _ = data.UnpairedBatches(few, B, 10, image_size=3)[0]
    assert len({picture.tobytes() for picture in a}) > 5


def test_jitter_resizes_before_the_crop():
    a, b = _batches(jitter=(11, 9))[0]
    assert a.shape == (5, 8, 6, 3) and b.shape == (5, 8, 6, 1)
    large = data.resize(B, (11, 9))
    windows = np.lib.stride_tricks.sliding_window_view(large[..., 0], (8, 6), (1, 2))
    windows = {window.tobytes() for window in windows.reshape(-1, 8, 6)}
    assert all(picture.tobytes() in windows for picture in b)


def test_without_shuffling_they_come_as_they_are():
    a, b = _epoch(_batches(shuffle=False))
    np.testing.assert_array_equal(b, B)
    np.testing.assert_array_equal(a, A[np.arange(10) % 4])


def test_epochs_follow_from_seed_and_number_alone():
    def epochs(*numbers, **options):
        batches = _batches(flip=True, image_size=5, **options)
        for number in numbers:
            batches.set_epoch(number)
        return str([side.tobytes() for side in _epoch(batches)])

    assert epochs(2) == epochs(0, 1, 2) == epochs(5, 2)
    assert len({epochs(0), epochs(1), epochs(0, seed=1)}) == 3
    batches = _batches(flip=True, image_size=5)
    seen = str([side.tobytes() for side in _epoch(batches)])
    batches.on_epoch_end()
    assert batches.epoch == 1 and seen == epochs(0)


def test_the_orders_are_frozen():
    # These numbers may never change: runs in progress resume with them.
    assert epoch_order(3, 3, 2, domain=1, length=8).tolist() == [0, 1, 2, 2, 0, 1, 1, 0]
    assert epoch_order(6, 3, 2, length=6).tolist() == [1, 5, 0, 2, 4, 3]


def test_the_remainder_can_be_kept():
    batches = _batches(4, drop_remainder=False)
    assert [len(a) for a, _ in batches] == [4, 4, 2]
    assert len(_batches(4)) == 2


def test_what_cannot_be_served_is_refused():
    with pytest.raises(ValueError, match=r"empty: found \[0, 10\]"):
        data.UnpairedBatches(A[:0], B, 2)
    with pytest.raises(ValueError, match="8x6 and 7x6.*image_size"):
        data.UnpairedBatches(A, B[:, :7], 2)
    assert data.UnpairedBatches(A, B[:, :7], 2, image_size=6)[0][1].shape[1] == 6
    with pytest.raises(ValueError, match="10 examples do not fill one batch of 11"):
        _batches(11)
    with pytest.raises(ValueError, match="do not fit"):
        _batches(image_size=9)


def _values(pictures):
    return pictures[:, 0, 0, 0].tolist()


def test_two_sources(write_picture, tmp_path):
    for color in (1, 2, 3):
        write_picture(f"x/{color}.png", color)
    write_picture("y/9.png", 9)
    a, b = data.load_unpaired((tmp_path / "x", tmp_path / "y"))
    assert _values(a) == [1, 2, 3] and _values(b) == [9]
    a, b = data.load_unpaired(("digits", tmp_path / "y"), image_size=8)
    assert a.shape == (1437, 8, 8, 1) and b.shape == (1, 8, 8, 1)
    with pytest.raises(ValueError, match="32x32 and 4x6.*image_size"):
        data.load_unpaired(("digits", tmp_path / "y"))
    a, _ = data.load_unpaired(("digits",) * 2, image_size=8, color_mode="rgb")
    assert a.shape[-1] == 3


def test_the_folders_of_junyanz(write_picture, tmp_path):
    for name in ("trainA/1", "trainA/2", "trainB/3", "testA/4", "testB/5", "testB/6"):
        write_picture(f"{name}.png", int(name[-1]))
    expected = {
        "train": ([1, 2], [3]),
        "test": ([4], [5, 6]),
        "all": ([1, 2, 4], [3, 5, 6]),
    }
    for split, values in expected.items():
        a, b = data.load_unpaired(tmp_path, split)
        assert (_values(a), _values(b)) == values
    with pytest.raises(ValueError, match=r"splits \['train', 'test'\], got 'val'"):
        data.load_unpaired(tmp_path, "val")


def test_damage_and_sizes_in_a_folder(write_picture, tmp_path):
    write_picture("A/1.png", 1)
    write_picture("A/2.png", 2, size=(12, 8))
    write_picture("B/1.png", 3)
    (tmp_path / "B" / "2.png").write_text("no picture")
    with pytest.raises(ValueError, match="2 sizes.*image_size"):
        data.load_unpaired(tmp_path)
    with pytest.raises(ValueError, match="B/2.png"):
        data.load_unpaired(tmp_path, image_size=4)
    with pytest.warns(UserWarning, match="B/2.png.*skipped"):
        a, b = data.load_unpaired(tmp_path, image_size=4, on_damaged="skip")
    assert _values(a) == [1, 2] and _values(b) == [3]


def test_archives_and_the_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_GANS_DATA", str(tmp_path))
    np.savez(tmp_path / "two.npz", train_a=A, train_b=B)
    a, b = data.load_unpaired("two")
    np.testing.assert_array_equal(a, A)
    np.testing.assert_array_equal(b, B)
    a, b = data.load_unpaired("two", image_size=4, color_mode="grey")
    assert a.shape == (4, 4, 4, 1) and b.shape == (10, 4, 4, 1)


def test_one_domain_is_refused(write_picture, tmp_path):
    write_picture("1.png")
    with pytest.raises(ValueError, match="no two sides: expected.*'trainA'"):
        data.load_unpaired(tmp_path)
    with pytest.raises(ValueError, match="'digits' is one domain"):
        data.load_unpaired("digits")
    with pytest.raises(ValueError, match="Found 1 of them"):
        data.load_unpaired((tmp_path,))


@pytest.fixture
def horses_and_zebras(monkeypatch, tmp_path):
    """A stand-in for TFDS's `cycle_gan/horse2zebra`, which would be downloaded."""
    pytest.importorskip("tensorflow")
    tfds = pytest.importorskip("tensorflow_datasets")

    class Horse2zebra(tfds.core.GeneratorBasedBuilder):
        VERSION = tfds.core.Version("3.0.0")
        pkg_dir_path = Path(__file__).parent

        def _info(self):
            features = {
                "image": tfds.features.Image(shape=(None, None, 3)),
                "label": tfds.features.ClassLabel(names=["A", "B"]),
            }
            return self.dataset_info_from_configs(
                features=tfds.features.FeaturesDict(features),
                supervised_keys=("image", "label"),
            )

        def _split_generators(self, dl_manager):
            return {
                f"{split}{side}": self._examples(split, side)
                for split in ("train", "test")
                for side in "AB"
            }

        def _examples(self, split, side):
            for index in range({"trainA": 3, "trainB": 2}.get(split + side, 1)):
                # The value tells the split and the side.
                value = {"train": 0, "test": 100}[split] + {"A": 10, "B": 20}[side]
                image = np.full((6 + index, 6, 3), value, "uint8")
                yield index, {"image": image, "label": "AB".index(side)}

        def _generate_examples(self):
            raise NotImplementedError

    def build(name):
        assert name == "cycle_gan/horse2zebra"
        return Horse2zebra(data_dir=tmp_path)

    monkeypatch.setattr(tfds, "builder", build)


def test_the_splits_of_tfds(horses_and_zebras):
    def values(split):
        sides = data.load_unpaired("cycle_gan/horse2zebra", split, image_size=6)
        return tuple(sorted(_values(side)) for side in sides)

    assert values("train") == ([10] * 3, [20] * 2)
    assert values("test") == ([110], [120])
    assert values("all") == ([10] * 3 + [110], [20] * 2 + [120])
    assert values("train[:1]") == ([10], [20])
    with pytest.raises(ValueError, match="sizes, height x width.*image_size"):
        data.load_unpaired("cycle_gan/horse2zebra")
    with pytest.raises(ValueError, match=r"has the splits \[.*'trainA'.*got 'valA'"):
        data.load_unpaired("cycle_gan/horse2zebra", "val")

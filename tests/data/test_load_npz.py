import numpy as np
import pytest

from keras_gans import data

IMAGES = np.arange(5 * 4 * 4 * 3, dtype="uint8").reshape(5, 4, 4, 3)
LABELS = np.array([3, 1, 4, 1, 5], "uint8")


@pytest.fixture
def save(tmp_path):
    def write(**arrays):
        np.savez(tmp_path / "set.npz", **arrays)
        return tmp_path / "set.npz"

    return write


@pytest.mark.parametrize(
    "keys",
    [
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("x_train", "y_train", "x_test", "y_test"),
    ],
)
def test_both_layouts_have_three_splits(save, keys):
    arrays = IMAGES[:3], LABELS[:3], IMAGES[3:], LABELS[3:]
    path = save(**dict(zip(keys, arrays, strict=True)))
    for split, part in (("train", slice(3)), ("test", slice(3, 5)), ("all", slice(5))):
        images, labels = data.load(path, split)
        np.testing.assert_array_equal(images, IMAGES[part])
        np.testing.assert_array_equal(labels, LABELS[part])
        assert images.dtype == np.uint8 and labels.dtype == np.int64


def test_unsplit_images_are_train_and_all(save):
    path = save(images=IMAGES, labels=LABELS)
    for split in ("train", "all"):
        images, labels = data.load(path, split)
        np.testing.assert_array_equal(images, IMAGES)
        np.testing.assert_array_equal(labels, LABELS)
    with pytest.raises(ValueError, match=r"split 'test'.*\['images', 'labels'\]"):
        data.load(path, "test")


def test_no_labels_is_none(save):
    assert data.load(save(images=IMAGES))[1] is None
    path = save(train_images=IMAGES, train_labels=LABELS, test_images=IMAGES)
    assert data.load(path, "all")[1] is None
    assert data.class_names(path) is None


def test_keras_shapes_are_understood(save):
    path = save(x_train=IMAGES[..., 0], y_train=LABELS[:, None])
    images, labels = data.load(path)
    np.testing.assert_array_equal(images, IMAGES[..., :1])
    np.testing.assert_array_equal(labels, LABELS)


def test_size_and_colour_apply(save):
    images, _ = data.load(save(images=IMAGES), image_size=2, color_mode="grey")
    assert images.shape == (5, 2, 2, 1)


def test_small_integers_are_pixels_floats_are_not(save):
    images, _ = data.load(save(images=IMAGES.astype("int64")))
    np.testing.assert_array_equal(images, IMAGES)
    assert images.dtype == np.uint8
    for wrong in (IMAGES / 255.0, IMAGES.astype("int64") + 200, IMAGES > 3):
        with pytest.raises(ValueError, match=str(wrong.dtype)):
            data.load(save(images=wrong))


@pytest.mark.parametrize(
    "labels", [LABELS[:4], LABELS / 2, np.eye(5, dtype="int64"), LABELS.astype(str)]
)
def test_wrong_labels_are_refused(save, labels):
    with pytest.raises(ValueError, match="one integer for each of the 5 images"):
        data.load(save(images=IMAGES, labels=labels))


def test_wrong_rank_and_wrong_keys_name_the_file(save):
    with pytest.raises(
        ValueError, match=r"set.npz: images has shape \(5, 1, 4, 4, 3\)"
    ):
        data.load(save(images=IMAGES[:, None]))
    with pytest.raises(ValueError, match=r"set.npz.*found \['train_meshes'\]"):
        data.load(save(train_meshes=IMAGES))
    with pytest.raises(ValueError, match="differ in shape"):
        data.load(save(train_images=IMAGES, test_images=IMAGES[:, :2]), "all")


def test_pickled_objects_are_refused_and_not_run(save, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    for arrays in (
        {"images": np.array([Bomb()], dtype=object)},
        {"images": IMAGES, "labels": np.array([Bomb()] * 5, dtype=object)},
    ):
        with pytest.raises(ValueError, match="set.npz.*pickled"):
            data.load(save(**arrays))
    path = save(images=IMAGES, class_names=np.array([Bomb()], dtype=object))
    with pytest.raises(ValueError, match="set.npz.*pickled"):
        data.class_names(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"no archive", "half", "flipped", "bare"])
def test_broken_files_are_named(save, content):
    path = save(images=np.random.RandomState(0).randint(0, 256, (9, 9, 9, 1)))
    whole = path.read_bytes()
    if content == "half":
        path.write_bytes(whole[: len(whole) // 2])
    elif content == "flipped":
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + b"\x00\xff\x00\xff" + whole[middle + 4 :])
    elif content == "bare":
        with open(path, "wb") as file:
            np.save(file, IMAGES)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match="set.npz"):
        data.load(path)

import numpy as np
import pytest

from keras_gans import data

tf = pytest.importorskip("tensorflow")

# Picture i is i everywhere but for its first column, which is 255: a mirrored
# picture shows it in its last column.
IMAGES = np.repeat(np.arange(20, dtype="uint8"), 12).reshape(20, 2, 3, 2).copy()
IMAGES[:, :, 0] = 255


def _epoch(dataset):
    return [tf.nest.map_structure(lambda t: t.numpy(), batch) for batch in dataset]


def _order(dataset):
    return [batch[:, 0, 1, 0].tolist() for batch in _epoch(dataset)]


@pytest.fixture
def folder(write_picture, tmp_path):
    for number in range(7):
        write_picture(f"set/{'ab'[number % 2]}/{number}.png", number * 10)
    return tmp_path / "set"


def test_batches_keep_shape_dtype_and_known_length():
    dataset = data.pipeline(IMAGES, 8)
    assert len(dataset) == 2 and int(dataset.cardinality()) == 2
    assert dataset.element_spec == tf.TensorSpec((8, 2, 3, 2), tf.uint8)
    batches = _epoch(dataset)
    assert len(batches) == 2
    assert len({int(i) for batch in batches for i in batch[:, 0, 1, 0]}) == 16


def test_order_is_that_of_array_batches():
    dataset = data.pipeline(IMAGES, 6, seed=3)
    reference = data.ArrayBatches(np.arange(20), 6, seed=3)
    for epoch in range(3):  # each pass is the next epoch, without set_epoch
        reference.set_epoch(epoch)
        assert _order(dataset) == [batch.tolist() for batch in reference]


def test_set_epoch_resumes_where_another_run_stopped():
    options = {"seed": 1, "flip": True}
    whole = data.pipeline(IMAGES, 6, **options)
    epochs = [_epoch(whole) for _ in range(4)]
    next(iter(whole))  # an abandoned pass
    resumed = data.pipeline(IMAGES, 6, **options)
    for dataset in (resumed, whole):
        dataset.set_epoch(2)
        np.testing.assert_array_equal(_epoch(dataset), epochs[2])
        np.testing.assert_array_equal(_epoch(dataset), epochs[3])
    assert not np.array_equal(epochs[2], epochs[3])
    with pytest.raises(ValueError, match="epoch"):
        whole.set_epoch(-1)


def test_an_unused_iterator_costs_no_epoch():
    dataset = data.pipeline(IMAGES, 6)
    first = _order(data.pipeline(IMAGES, 6))
    iter(dataset)
    dataset.set_epoch(0)
    assert _order(dataset) == first


def test_set_epoch_reaches_what_was_derived():
    dataset = data.pipeline(IMAGES, 6)
    derived = dataset.map(lambda batch: batch + 1).take(2)
    dataset.set_epoch(5)
    found = _epoch(derived)
    dataset.set_epoch(5)
    np.testing.assert_array_equal(found, [b + 1 for b in _epoch(dataset)[:2]])


def test_flips_depend_on_seed_epoch_and_example():
    def flipped(epoch, batch_size=20, **options):
        dataset = data.pipeline(IMAGES, batch_size, flip=True, **options)
        dataset.set_epoch(epoch)
        batch = np.concatenate(_epoch(dataset))
        for image in batch:
            number = image[0, 1, 0]
            assert np.array_equal(np.sort(image, 1), np.sort(IMAGES[number], 1))
        return {int(i[0, 1, 0]) for i in batch if (i[:, 2] == 255).all()}

    first = flipped(0)
    assert 3 < len(first) < 17
    assert flipped(0) == first
    assert flipped(0, batch_size=5) == first
    assert flipped(0, shuffle=False) == first
    assert flipped(1) != first
    assert flipped(0, seed=1) != first


def test_flip_moves_a_pair_together_and_leaves_labels():
    targets = IMAGES.astype("float32") / 2
    dataset = data.pipeline((IMAGES, targets), 20, labels=np.arange(20), flip=True)
    [((images, halves), labels)] = _epoch(dataset)
    np.testing.assert_array_equal(images / 2, halves)
    np.testing.assert_array_equal(images[:, 0, 1, 0], labels)
    assert 3 < (images[:, 0, 2, 0] == 255).sum() < 17
    with pytest.raises(ValueError, match="no array has rank 4"):
        data.pipeline(np.arange(4), 2, flip=True)


def test_shuffle_off():
    dataset = data.pipeline(IMAGES, 10, shuffle=False)
    assert _order(dataset) == [list(range(10)), list(range(10, 20))]


def test_named_sources_and_their_labels():
    images, digits = data.load("digits", image_size=8)
    dataset = data.pipeline("digits", 479, labels=True, image_size=8, shuffle=False)
    batches = _epoch(dataset)
    assert len(batches) == 3
    np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), images)
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), digits)
    assert batches[0][1].dtype == np.int64


def test_arrays_can_be_resized():
    dataset = data.pipeline(IMAGES, 4, labels=np.arange(20), image_size=(4, 6))
    assert dataset.element_spec[0].shape == (4, 4, 6, 2)


def test_a_folder_streams_what_load_loads(folder):
    images, labels = data.load(folder, image_size=3)
    dataset = data.pipeline(
        folder, 3, labels=True, image_size=3, shuffle=False, cache=False
    )
    assert dataset.element_spec == (
        tf.TensorSpec((3, 3, 3, 1), tf.uint8),
        tf.TensorSpec((3,), tf.int64),
    )
    batches = _epoch(dataset)
    np.testing.assert_array_equal(np.concatenate([b[0] for b in batches]), images[:6])
    np.testing.assert_array_equal(np.concatenate([b[1] for b in batches]), labels[:6])
    alone = data.pipeline(str(folder), 3, image_size=3, shuffle=False)
    np.testing.assert_array_equal(_epoch(alone)[0], images[:3])


@pytest.mark.parametrize("cache", [True, False])
def test_cache_decodes_each_file_once(folder, monkeypatch, cache):
    from keras_gans.data import picture_files

    decoded = []
    read_picture = picture_files.read_picture

    def counted(path, color_mode, finish):
        decoded.append(path.name)
        return read_picture(path, color_mode, finish)

    monkeypatch.setattr(picture_files, "read_picture", counted)
    dataset = data.pipeline(folder, 7, flip=True, cache=cache)
    epochs = [_epoch(dataset)[0] for _ in range(3)]
    assert len(decoded) == (7 if cache else 21)
    for epoch in epochs:
        assert sorted(epoch[:, 0, 0, 0]) == list(range(0, 70, 10))
    assert not np.array_equal(epochs[0], epochs[1])


def test_damaged_files_in_a_stream(write_picture, truncated_jpeg, tmp_path):
    for number in range(7):
        write_picture(
            f"set/{'ab'[number % 2]}/{number}.png", number * 10, "L", (64, 64)
        )
    folder = tmp_path / "set"
    (folder / "a" / "empty.png").write_bytes(b"")
    with pytest.raises(ValueError, match="empty.png"):
        data.pipeline(folder, 3)
    (folder / "a" / "empty.png").unlink()
    truncated_jpeg("set/b/half.jpg", size=(64, 64))
    with pytest.raises(tf.errors.InvalidArgumentError, match="half.jpg is damaged"):
        _epoch(data.pipeline(folder, 8))
    with pytest.warns(UserWarning, match="half.jpg") as caught:
        dataset = data.pipeline(folder, 7, on_damaged="skip", labels=True)
    assert len(caught) == 1
    [(images, labels)] = _epoch(dataset)
    np.testing.assert_array_equal(images[:, 0, 0, 0] // 10 % 2, labels)


def test_bad_arguments(folder, write_picture):
    with pytest.raises(ValueError, match="20 examples do not fill"):
        data.pipeline(IMAGES, 21)
    with pytest.raises(ValueError, match="array of labels"):
        data.pipeline(IMAGES, 2, labels=True)
    with pytest.raises(ValueError, match="labels=True to have them"):
        data.pipeline("digits", 2, labels=np.arange(4))
    with pytest.raises(ValueError, match="common length"):
        data.pipeline(IMAGES, 2, labels=np.arange(4))
    flat = write_picture("flat/1.png").parent
    with pytest.raises(ValueError, match="has no labels"):
        data.pipeline(flat, 1, labels=True)
    with pytest.raises(ValueError, match="seed"):
        data.pipeline(IMAGES, 2, seed="x")


MIRRORED = """
import numpy as np, tensorflow as tf
[cpu] = tf.config.list_physical_devices("CPU")
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
from keras_gans import data

strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
images = np.arange(20, dtype="uint8").reshape(20, 1, 1, 1)
with strategy.scope():
    dataset = data.pipeline(images, 6, labels=np.arange(20), seed=2, flip=True)
distributed = strategy.experimental_distribute_dataset(dataset)
assert distributed.cardinality == 3, distributed.cardinality
reference = data.ArrayBatches(np.arange(20), 6, seed=2)

def check(epoch):
    reference.set_epoch(epoch)
    count = 0
    for (x, y), expected in zip(distributed, reference, strict=True):
        parts = strategy.experimental_local_results(y)
        assert [len(p) for p in parts] == [3, 3], parts
        assert sorted(np.concatenate(parts)) == sorted(expected), (parts, expected)
        x = np.concatenate(strategy.experimental_local_results(x)).ravel()
        assert x.dtype == np.uint8 and (x == np.concatenate(parts)).all()
        count += 1
    assert count == 3

check(0), check(1)
iter(distributed)
dataset.set_epoch(9)
check(9), check(10)
"""


def test_two_replicas_share_the_batches_of_one(run_python):
    run_python(MIRRORED)

import keras
import numpy as np
import pytest

from keras_gans import data

RNG = np.random.default_rng(0)
SOURCE = RNG.integers(0, 256, (10, 12, 16, 3)).astype("uint8")
TARGET = 255 - SOURCE[..., :2]


def _pairs(**options):
    return data.PairBatches(SOURCE, TARGET, 3, **options)


def _degraded(kind="mosaic:4", **options):
    return data.DegradedBatches(SOURCE, kind, 3, **options)


def _epoch(batches):
    return [np.concatenate(side) for side in zip(*batches, strict=True)]


def _rows(pictures, whole):
    return [next(i for i, x in enumerate(whole) if (x == y).all()) for y in pictures]


def test_plain_pairs_are_those_of_array_batches():
    expected = data.ArrayBatches((SOURCE, TARGET), 3, seed=4)
    batches = _pairs(seed=4)
    for epoch in (0, 3):
        batches.set_epoch(epoch)
        expected.set_epoch(epoch)
        for found, wanted in zip(batches, expected, strict=True):
            np.testing.assert_array_equal(found[0], wanted[0])
            np.testing.assert_array_equal(found[1], wanted[1])


@pytest.mark.parametrize(
    "options", [{"jitter": 14}, {"image_size": (6, 5)}, {"jitter": 18, "image_size": 8}]
)
def test_both_are_cropped_and_mirrored_alike(options):
    batches = _pairs(flip=True, **options)
    source, target = _epoch(batches)
    assert source.dtype == target.dtype == np.uint8 and len(source) == 9
    size = options.get("image_size", (12, 16))
    assert source.shape[1:3] == (size if isinstance(size, tuple) else (size, size))
    # The pictures are noise, so that a crop beside it would differ by dozens. A resized
    # negative is the negative of the resized, up to rounding along each axis.
    gap = source[..., :2].astype(int) - (255 - target.astype(int))
    assert np.abs(gap).max() <= 2
    batches.set_epoch(1)
    assert (_epoch(batches)[0] != source).any()


def test_a_pair_is_framed_by_its_own_draw_whatever_the_order():
    shuffled, sorted_ = (
        _pairs(jitter=14, flip=True),
        _pairs(jitter=14, flip=True, shuffle=False),
    )
    order = data.ArrayBatches(np.arange(10), 3)
    rows = np.concatenate(list(order))
    by_row = np.concatenate([sorted_[i][0] for i in range(3)])
    found = _epoch(shuffled)[0]
    inside = rows < 9
    np.testing.assert_array_equal(found[inside], by_row[rows[inside]])


def test_label_maps_keep_their_integers():
    labels = RNG.integers(0, 3, (10, 12, 16, 1)) * 70000
    source = {"labels": labels, "instances": labels.astype("uint8")}
    batches = data.PairBatches(
        source, TARGET, 5, jitter=17, flip=True, integer_labels=True
    )
    found, target = batches[0]
    assert found["labels"].dtype == labels.dtype and target.dtype == np.uint8
    assert set(np.unique(found["labels"])) == {0, 70000, 140000}
    np.testing.assert_array_equal(found["labels"].astype("uint8"), found["instances"])


def test_what_makes_no_pairs_is_refused():
    with pytest.raises(ValueError, match="same sides. Found: 9x16, 12x16"):
        data.PairBatches(SOURCE, TARGET[:, :9], 3)
    with pytest.raises(ValueError, match="one common length, got 10, 9"):
        data.PairBatches(SOURCE, TARGET[:9], 3)
    with pytest.raises(ValueError, match="Label maps are integers"):
        data.PairBatches(SOURCE / 255, TARGET, 3, integer_labels=True)
    with pytest.raises(ValueError, match="`jitter` resizes uint8"):
        data.PairBatches(SOURCE, data.to_unit(TARGET), 3, jitter=14)
    with pytest.raises(ValueError, match="do not fit"):
        _degraded(image_size=13)


@pytest.mark.parametrize("make", [_pairs, _degraded])
def test_epochs_follow_from_seed_and_number_alone(make):
    def epochs(*numbers, **options):
        batches = make(jitter=14, flip=True, **options)
        for number in numbers:
            batches.set_epoch(number)
            found = _epoch(batches)
        return str([side.tobytes() for side in found])

    assert epochs(2) == epochs(0, 1, 2) == epochs(5, 2)
    assert len({epochs(0), epochs(1), epochs(0, seed=1), epochs(1, seed=1)}) == 4
    batches, seen = make(jitter=14, flip=True), []
    for _ in range(2):
        seen.append(str([side.tobytes() for side in _epoch(batches)]))
        batches.on_epoch_end()
    assert seen == [epochs(0), epochs(1)]


def test_the_clean_picture_is_the_target():
    degraded, clean = _epoch(_degraded())
    assert degraded.shape == (9, 12, 16, 4) and degraded.dtype == np.uint8
    assert len(set(_rows(clean, SOURCE))) == 9
    outside = np.broadcast_to(degraded[..., 3:] == 0, clean.shape)
    np.testing.assert_array_equal(degraded[..., :3][outside], clean[outside])
    assert (degraded[..., :3] != clean)[~outside].mean() > 0.9


def test_degradations_are_drawn_anew_in_each_epoch_per_image():
    def masks(epoch, batch_size, seed=0):
        batches = data.DegradedBatches(SOURCE, "hole", batch_size, seed=seed)
        batches.set_epoch(epoch)
        found = {}
        for degraded, clean in batches:
            rows = _rows(clean, SOURCE)
            masks = [mask.tobytes() for mask in degraded[..., 3]]
            found.update(zip(rows, masks, strict=True))
        return found

    whole = masks(0, 10)
    assert len(set(whole.values())) > 8  # images differ
    assert masks(0, 1) == masks(0, 5) == whole  # whatever the batches
    assert sum(masks(1, 10)[row] == whole[row] for row in whole) < 2
    assert sum(masks(0, 10, seed=1)[row] == whole[row] for row in whole) < 2


def test_framing_comes_before_the_degradation():
    batches = _degraded("grey", jitter=14, flip=True, image_size=8)
    degraded, clean = batches[1]
    assert clean.shape == (3, 8, 8, 3)
    expected, _ = data.Grey()(clean, None)
    np.testing.assert_array_equal(degraded, expected)


@pytest.mark.parametrize(
    ("kind", "append_mask", "shape"),
    [
        ("mosaic", True, (12, 16, 4)),
        ("mosaic", False, (12, 16, 3)),
        ("bayer:1", True, (12, 16, 1)),
        (data.Noise(3), True, (12, 16, 3)),
    ],
)
def test_networks_are_told_the_shape(kind, append_mask, shape):
    batches = _degraded(kind, append_mask=append_mask)
    assert batches.source_shape == batches[0][0].shape[1:] == shape


def test_what_cannot_be_degraded_is_told_at_once():
    with pytest.raises(ValueError, match="needs pictures of 3 channels"):
        data.DegradedBatches(TARGET, "grey", 3)
    with pytest.raises(ValueError, match="uint8 pictures"):
        data.DegradedBatches(SOURCE / 255, "hole", 3)


def test_a_test_set_is_degraded_once_as_in_epoch_0():
    batches = data.DegradedBatches(SOURCE, "mosaic", 10, shuffle=False, seed=3)
    np.testing.assert_array_equal(data.degrade(SOURCE, "mosaic", 3), batches[0][0])
    other = data.degrade(SOURCE, "mosaic", 4, append_mask=False)
    assert other.shape == SOURCE.shape
    assert (other != batches[0][0][..., :3]).any()


def test_keras_counts_and_feeds_them():
    class Counter(keras.Model):
        def train_step(self, batch):
            x, y, _ = keras.utils.unpack_x_y_sample_weight(batch)
            return {"gap": keras.ops.sum(keras.ops.cast(x[..., :3], "int32")) * 0}

    model = Counter()
    model.built = True
    model.compile(jit_compile=False)
    batches = _degraded(flip=True)
    assert len(batches) == batches.num_batches == 3
    history = model.fit(batches, epochs=2, shuffle=False, verbose=0)
    assert history.history["gap"] == [0, 0] and batches.epoch == 2

import collections

import keras
import numpy as np
import pytest

from keras_gans import data
from keras_gans.data.order import epoch_flips


def _epoch(batches):
    return [batch.tolist() for batch in batches]


def _batches(**options):
    return data.ArrayBatches(np.arange(10), 3, **options)


def test_an_epoch_is_a_permutation_without_the_remainder():
    batches = _batches()
    assert len(batches) == 3 and batches.num_batches == 3
    seen = np.concatenate(list(batches))
    assert len(seen) == 9 and len(set(seen.tolist())) == 9
    assert seen.tolist() != sorted(seen.tolist())


def test_the_remainder_can_be_kept():
    batches = _batches(drop_remainder=False)
    sizes = [len(batch) for batch in batches]
    assert sizes == [3, 3, 3, 1] and len(batches) == 4
    assert sorted(np.concatenate(list(batches))) == list(range(10))


def test_the_left_out_examples_change_from_epoch_to_epoch():
    batches = _batches()
    seen = set()
    for epoch in range(30):
        batches.set_epoch(epoch)
        seen |= set(range(10)) - set(np.concatenate(list(batches)).tolist())
    assert len(seen) > 5


def test_order_depends_on_seed_and_epoch_only():
    reference = {}
    for seed in (0, 1):
        for epoch in (0, 1, 7):
            batches = _batches(seed=seed)
            batches.set_epoch(epoch)
            reference[seed, epoch] = str(_epoch(batches))
    assert len(set(reference.values())) == 6
    batches = _batches(seed=1)
    for epoch in (7, 0, 1, 0, 7):  # whatever came before
        batches.set_epoch(epoch)
        assert str(_epoch(batches)) == reference[1, epoch]


def test_the_order_is_frozen():
    # These numbers may never change: runs in progress resume with them.
    batches = data.ArrayBatches(np.arange(6), 6, seed=3)
    batches.set_epoch(2)
    assert batches[0].tolist() == [1, 5, 0, 2, 4, 3]


def test_the_flips_are_frozen_and_no_part_of_the_order():
    flips = epoch_flips(8, seed=3, epoch=2)
    assert flips.astype(int).tolist() == [0, 0, 0, 0, 0, 0, 1, 0]


def test_every_permutation_is_about_as_likely():
    batches = data.ArrayBatches(np.arange(3), 3)
    counts = collections.Counter()
    for epoch in range(600):
        batches.set_epoch(epoch)
        counts[tuple(batches[0].tolist())] += 1
    assert len(counts) == 6 and min(counts.values()) > 60


def test_epochs_advance_by_themselves_when_they_end():
    batches = _batches()
    seen = []
    for _ in range(3):
        seen.append(_epoch(batches))
        batches.on_epoch_end()
        batches.on_epoch_end()  # Keras calls it twice
    for epoch, found in enumerate(seen):
        batches.set_epoch(epoch)
        assert _epoch(batches) == found
    assert seen[0] != seen[1] != seen[2]


def test_ending_what_was_not_begun_changes_nothing():
    batches = _batches()
    batches.on_epoch_end()
    assert batches.epoch == 0
    batches.on_epoch_begin()
    batches.on_epoch_end()
    assert batches.epoch == 1


def test_shuffle_off_keeps_the_order_in_every_epoch():
    batches = _batches(shuffle=False)
    assert _epoch(batches) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    batches.set_epoch(4)
    assert _epoch(batches) == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]


def test_structures_stay_together_and_dtypes_stay():
    images = np.arange(8, dtype="uint8").reshape(8, 1, 1, 1)
    arrays = (images, {"labels": np.arange(8), "boxes": [np.arange(8.0)]})
    x, y = data.ArrayBatches(arrays, 4)[1]
    assert x.shape == (4, 1, 1, 1) and x.dtype == np.uint8
    assert y["labels"].dtype == np.int64 and y["boxes"][0].dtype == np.float64
    np.testing.assert_array_equal(x.ravel(), y["labels"])
    np.testing.assert_array_equal(x.ravel(), y["boxes"][0])
    pair = data.ArrayBatches([images, images], 4)[0]
    assert isinstance(pair, tuple) and len(pair) == 2


def test_batches_are_copies():
    source = np.zeros(4)
    data.ArrayBatches(source, 2, shuffle=False)[0][:] = 1
    assert source.sum() == 0


@pytest.mark.parametrize(
    ("arrays", "batch_size", "options", "message"),
    [
        (np.arange(3), 4, {}, "3 examples do not fill one batch of 4"),
        (np.arange(0), 4, {"drop_remainder": False}, "0 examples"),
        ((np.arange(3), np.arange(4)), 2, {}, "one common length, got 3, 4"),
        ((), 2, {}, "no arrays"),
        ([1, 2, 3], 2, {}, "Expected arrays"),
        (np.array(3), 2, {}, "Expected arrays"),
        (np.arange(3), 0, {}, "batch_size"),
        (np.arange(3), 1.5, {}, "batch_size"),
        (np.arange(3), 2, {"seed": -1}, "seed"),
        (np.arange(3), 2, {"seed": None}, "seed"),
    ],
)
def test_bad_arguments(arrays, batch_size, options, message):
    with pytest.raises(ValueError, match=message):
        data.ArrayBatches(arrays, batch_size, **options)


def test_bad_epochs_and_batches():
    with pytest.raises(ValueError, match="epoch"):
        _batches().set_epoch(-1)
    with pytest.raises(IndexError, match="Batch 3 of 3"):
        _batches()[3]


class _Recorder(keras.Model):
    def __init__(self):
        super().__init__()
        self.seen = []
        self.built = True

    def train_step(self, batch):
        self.seen.append(keras.ops.convert_to_numpy(batch[0]).tolist())
        return {"loss": 0.0}


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="records eagerly")
@pytest.mark.parametrize("workers", [1, 2])
def test_fit_sees_the_chosen_epochs(workers):
    def train(initial_epoch):
        batches = _batches(seed=5, workers=workers)
        set_epoch = keras.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs: batches.set_epoch(epoch)
        )
        model = _Recorder()
        model.compile(run_eagerly=True)
        model.fit(
            batches,
            epochs=4,
            initial_epoch=initial_epoch,
            shuffle=False,
            callbacks=[set_epoch],
            verbose=0,
        )
        return model.seen

    whole = train(0)
    assert train(2) == whole[6:]
    expected = []
    batches = _batches(seed=5)
    for epoch in range(4):
        batches.set_epoch(epoch)
        expected += _epoch(batches)
    assert whole == expected


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None
sys.modules["tensorflow_datasets"] = None
import keras, numpy as np
from keras_gans import data

class Recorded(data.ArrayBatches):
    seen = []
    def __getitem__(self, index):
        self.seen.append((self.epoch, index))
        return super().__getitem__(index)

images, labels = data.load("digits", image_size=8)
batches = Recorded((data.to_unit(images), labels), 700, seed=5)
model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(),
                          keras.layers.Dense(10, activation="softmax")])
model.compile(loss="sparse_categorical_crossentropy")
history = model.fit(batches, epochs=2, shuffle=False, verbose=0, callbacks=[
    keras.callbacks.LambdaCallback(on_epoch_begin=lambda e, _: batches.set_epoch(e))])
assert keras.backend.backend() == "jax"
assert np.isfinite(history.history["loss"]).all()
assert Recorded.seen[-4:] == [(0, 0), (0, 1), (1, 0), (1, 1)], Recorded.seen
try:
    data.pipeline(images, 4)
except ImportError as error:
    assert "ArrayBatches" in str(error), error
else:
    raise AssertionError("pipeline needs TensorFlow")
batches = data.ArrayBatches(np.arange(10), 3, seed=5)
batches.set_epoch(4)
print([batch.tolist() for batch in batches])
"""


def test_jax_without_tensorflow_and_the_same_order_in_another_process(run_python):
    pytest.importorskip("jax")
    printed = run_python(WITHOUT_TENSORFLOW, KERAS_BACKEND="jax", JAX_PLATFORMS="cpu")
    batches = _batches(seed=5)
    batches.set_epoch(4)
    assert printed.strip() == str(_epoch(batches))

"""Features of real images are computed once, and anew when anything has changed."""

import logging
import os

import numpy as np
import pytest

from keras_gans.metrics import FeatureExtractor
from keras_gans.metrics.feature_cache import cached_features

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (6, 4, 4, 1)).astype("uint8")
NAME = "digits/test/4"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where features of this test are kept."""
    monkeypatch.setenv("KERAS_GANS_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "features"


class Extractor(FeatureExtractor):
    """Counts how often its network is run."""

    def __init__(self, weights_hash="0123456789abcdef", logits=True, **options):
        super().__init__("made_up", self._run, (4, 4, 1), weights_hash, **options)
        self.runs, self._logits = 0, logits

    def _run(self, images):
        self.runs += 1
        rows = images.reshape(len(images), -1)
        return (rows, rows[:, :3] - 100) if self._logits else rows


def assert_same(first, second):
    np.testing.assert_array_equal(first.rows, second.rows)
    assert first.rows.dtype == second.rows.dtype == np.float32
    assert (first.logits is None) == (second.logits is None)
    if first.logits is not None:
        np.testing.assert_array_equal(first.logits, second.logits)


@pytest.mark.parametrize("logits", [True, False])
def test_the_second_time_the_network_is_not_run(folder, logits):
    extractor = Extractor(logits=logits)
    first = cached_features(extractor, IMAGES, NAME)
    assert (first.logits is not None) == logits
    again = Extractor(logits=logits)
    assert_same(cached_features(again, IMAGES.copy(), NAME), first)
    assert (extractor.runs, again.runs) == (1, 0)
    (file,) = folder.iterdir()
    assert file.name.startswith("digits_test_4-clean-made_up-01234567-")


def other_pixel(images):
    images = images.copy()
    images[3, 2, 1, 0] ^= 1
    return images


@pytest.mark.parametrize(
    ("extractor", "images", "reference"),
    [
        (Extractor(), other_pixel(IMAGES), NAME),
        (Extractor(), IMAGES[::-1], NAME),
        (Extractor(), IMAGES[:5], NAME),
        (Extractor(), IMAGES, "digits/train/4"),
        (Extractor("1123456789abcdef"), IMAGES, NAME),
        (Extractor(resize="legacy_pytorch"), IMAGES, NAME),
    ],
    ids=["pixel", "order", "number", "reference", "weights", "resize"],
)
def test_what_has_changed_is_computed_anew(folder, extractor, images, reference):
    first = Extractor()
    cached_features(first, IMAGES, NAME)
    found = cached_features(extractor, images, reference)
    assert_same(found, Extractor()(images))
    assert extractor.runs == 1 and len(list(folder.iterdir())) == 2
    cached_features(first, IMAGES, NAME)
    assert first.runs == 1, "what was kept before stays"


def test_images_in_any_order_of_memory_are_the_same():
    cached_features(Extractor(), IMAGES, NAME)
    again = Extractor()
    cached_features(again, np.asfortranarray(IMAGES), NAME)
    assert again.runs == 0


def test_images_of_another_shape_but_the_same_bytes_are_others(folder):
    flat = FeatureExtractor("made_up", lambda x: x.reshape(len(x), -1), None, "01")
    for images in (IMAGES, IMAGES.reshape(6, 2, 8, 1)):
        cached_features(flat, images, NAME)
    assert len(list(folder.iterdir())) == 2


def test_without_a_hash_nothing_is_kept(folder):
    extractor = Extractor(weights_hash=None)
    cached_features(extractor, IMAGES, NAME)
    cached_features(extractor, IMAGES, NAME)
    assert extractor.runs == 2 and not folder.exists()


def damaged(raw):
    """What may be left of a file."""
    yield from (b"", b"not an archive", b"\x93NUMPY" + raw, raw[: len(raw) // 2])
    # Flags, methods and names of an archive too, not its values only.
    for place in range(len(raw)):
        yield raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]


def test_a_damaged_file_is_never_an_error_nor_believed(folder):
    whole = cached_features(Extractor(), IMAGES, NAME)
    (file,) = folder.iterdir()
    for raw in damaged(file.read_bytes()):
        file.write_bytes(raw)
        assert_same(cached_features(Extractor(), IMAGES, NAME), whole)


@pytest.mark.parametrize("raw", [b"", b"not an archive", "half"])
def test_a_damaged_file_is_replaced(folder, raw):
    cached_features(Extractor(), IMAGES, NAME)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if raw == "half" else raw)
    again, last = Extractor(), Extractor()
    cached_features(again, IMAGES, NAME)
    cached_features(last, IMAGES, NAME)
    assert (again.runs, last.runs) == (1, 0)
    assert [path.name for path in folder.iterdir()] == [file.name]


def test_a_file_with_too_few_rows_is_not_believed(folder):
    cached_features(Extractor(), IMAGES, NAME)
    (file,) = folder.iterdir()
    np.savez(file, rows=np.zeros((5, 16), "f4"), logits=np.zeros((5, 3), "f4"))
    again = Extractor()
    assert len(cached_features(again, IMAGES, NAME)) == 6 and again.runs == 1


def test_a_pickle_is_not_executed(folder):
    cached_features(Extractor(), IMAGES, NAME)
    (file,) = folder.iterdir()
    rows = np.full(6, None)
    rows[0] = Bomb(file.parent / "exploded")
    np.savez(file, rows=rows, logits=np.zeros((6, 3)))
    cached_features(Extractor(), IMAGES, NAME)
    assert [path.name for path in folder.iterdir()] == [file.name]


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self._path = path

    def __reduce__(self):
        return os.mkdir, (str(self._path),)


def test_half_written_files_of_killed_processes_are_swept(folder):
    folder.mkdir(parents=True)
    (folder / ".123.half.npz").write_bytes(b"PK")
    cached_features(Extractor(), IMAGES, NAME)
    (file,) = folder.iterdir()
    assert file.suffix == ".npz" and not file.name.startswith(".")


@pytest.mark.parametrize("why", ["full disk", "swept by another", "no folder"])
def test_features_that_cannot_be_kept_are_used(folder, monkeypatch, caplog, why):
    if why == "no folder":
        folder.parent.write_text("a file")
    saved = np.savez

    def fails(file, **arrays):
        saved(file, **arrays)
        if why == "full disk":
            raise OSError(28, "No space left on device")
        os.unlink(file.name)

    monkeypatch.setattr(np, "savez", fails)
    with caplog.at_level(logging.WARNING):
        found = cached_features(Extractor(), IMAGES, NAME)
    assert_same(found, Extractor()(IMAGES))
    assert f"Features are not kept in {folder}" in caplog.text
    assert why == "no folder" or list(folder.iterdir()) == []

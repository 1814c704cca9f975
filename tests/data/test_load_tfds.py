"""Against the real tensorflow_datasets, with a data set made on the spot."""

from pathlib import Path

import numpy as np
import pytest

from keras_gans import data

pytest.importorskip("tensorflow")
tfds = pytest.importorskip("tensorflow_datasets")

IMAGES = np.random.RandomState(0).randint(0, 256, (6, 5, 4, 3)).astype("uint8")


class KerasGansTiny(tfds.core.GeneratorBasedBuilder):
    """Six pictures; the server can be switched off."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = Path(__file__).parent
    online = True

    def _info(self):
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "label": tfds.features.ClassLabel(names=["low", "high"]),
        }
        return self.dataset_info_from_configs(
            features=tfds.features.FeaturesDict(features),
            supervised_keys=("image", "label"),
        )

    def _split_generators(self, dl_manager):
        if not self.online:
            raise OSError("no route to host")
        return {"train": self._examples(0, 4), "test": self._examples(4, 6)}

    def _generate_examples(self):
        raise NotImplementedError

    def _examples(self, start, stop):
        for index in range(start, stop):
            yield index, {"image": IMAGES[index], "label": index % 2}


@pytest.fixture(autouse=True)
def in_a_new_folder(monkeypatch, tmp_path):
    builder = tfds.builder

    def build(name):
        return builder(name, data_dir=tmp_path, try_gcs=False)

    monkeypatch.setattr(tfds, "builder", build)


def _sorted(images):
    return sorted(image.tobytes() for image in images)


def test_splits_labels_and_names():
    images, labels = data.load("keras_gans_tiny")
    assert images.dtype == np.uint8 and labels.dtype == np.int64
    assert _sorted(images) == _sorted(IMAGES[:4])  # TFDS stores in an order of its own
    for image, label in zip(images, labels, strict=True):
        [index] = [i for i in range(6) if (IMAGES[i] == image).all()]
        assert label == index % 2
    assert _sorted(data.load("keras_gans_tiny", "test")[0]) == _sorted(IMAGES[4:])
    assert len(data.load("keras_gans_tiny", "all")[0]) == 6
    assert len(data.load("keras_gans_tiny:1.0.0", "train[:2]")[0]) == 2
    assert data.class_names("keras_gans_tiny") == ("low", "high")
    images, _ = data.load("keras_gans_tiny", image_size=3, color_mode="grey")
    assert images.shape == (4, 3, 3, 1)
    with pytest.raises(ValueError, match=r"\['train', 'test', 'all'\], got 'val'"):
        data.load("keras_gans_tiny", "val")


def test_a_failed_download_says_how_else_to_get_it(monkeypatch):
    monkeypatch.setattr(KerasGansTiny, "online", False)
    with pytest.raises(RuntimeError, match="no route to host.*KERAS_GANS_DATA"):
        data.load("keras_gans_tiny")


def test_mixed_sizes(monkeypatch):
    mixed = [IMAGES[0], IMAGES[1][:3], *IMAGES[2:]]
    monkeypatch.setattr(f"{__name__}.IMAGES", mixed)
    with pytest.raises(ValueError, match=r"2 sizes.*5x4 \(3\), 3x4 \(1\).*image_size"):
        data.load("keras_gans_tiny")
    assert data.load("keras_gans_tiny", image_size=2)[0].shape == (4, 2, 2, 3)


def test_unknown_names_suggest_close_ones():
    for question in (data.load, data.class_names):
        with pytest.raises(FileNotFoundError, match="Did you mean 'mnist'") as caught:
            question("mnsit")
        assert "KERAS_GANS_DATA" in str(caught.value)
    with pytest.raises(FileNotFoundError) as caught:
        data.load("qqqqqqqqqq")
    assert "Did you mean" not in str(caught.value)


def test_sets_without_pictures_are_refused():
    with pytest.raises(ValueError, match="no uint8 pictures"):
        data.class_names("imdb_reviews")


class KerasGansTold(tfds.core.GeneratorBasedBuilder):
    """Pictures with captions, as coco_captions has them."""

    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = Path(__file__).parent

    def _info(self):
        captions = {"id": np.int64, "text": tfds.features.Text()}
        features = {
            "image": tfds.features.Image(shape=(None, None, 3)),
            "captions": tfds.features.Sequence(captions),
        }
        features = tfds.features.FeaturesDict(features)
        return self.dataset_info_from_configs(features=features)

    def _split_generators(self, dl_manager):
        return {"train": self._generate_examples()}

    def _generate_examples(self):
        for i, texts in enumerate((["eins", "zwei"], ["drei"], [])):
            captions = [{"id": j, "text": text} for j, text in enumerate(texts)]
            yield i, {"image": IMAGES[i][: 5 - i], "captions": captions}


def test_captions():
    found = data.load_captioned("keras_gans_told", image_size=3)
    assert found.images.shape == (2, 3, 3, 3) and found.labels is None
    assert sorted(found.captions.tolist()) == [["drei", "drei"], ["eins", "zwei"]]
    with pytest.raises(ValueError, match="differ in size: pass image_size"):
        data.load_captioned("keras_gans_told")
    named = data.load_captioned("keras_gans_tiny")
    assert {str(text) for text in named.captions[:, 0]} == {"low", "high"}

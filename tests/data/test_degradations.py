import dataclasses

import numpy as np
import pytest

from keras_gans import data

EVERY = tuple(data.DEGRADATIONS)


def _images(number=3, height=20, width=28, channels=3):
    random = np.random.RandomState(1)
    return random.randint(0, 256, (number, height, width, channels)).astype("uint8")


def _spoilt(text, images, seed=0):
    return data.degradation(text)(images, np.random.RandomState(seed))


@pytest.mark.parametrize("name", EVERY)
def test_all_are_called_alike(name):
    images = _images()
    kept = images.copy()
    degraded, mask = _spoilt(name, images)
    np.testing.assert_array_equal(images, kept)
    assert degraded.dtype == np.uint8 and degraded.shape[:3] == images.shape[:3]
    kind = data.degradation(name)
    assert (mask is not None) == kind.has_mask == (name in ("mosaic", "hole"))
    if mask is not None:
        assert mask.dtype == np.uint8 and mask.shape == (3, 20, 28, 1)
        assert set(np.unique(mask)) <= {0, 255}


@pytest.mark.parametrize("name", EVERY)
def test_they_commute_with_batching_and_follow_from_the_seed(name):
    images, kind = _images(), data.degradation(name)
    whole, mask = kind(images, np.random.RandomState(7))
    random = np.random.RandomState(7)
    single = [kind(images[i : i + 1], random) for i in range(3)]
    np.testing.assert_array_equal(whole, np.concatenate([d for d, _ in single]))
    if mask is not None:
        np.testing.assert_array_equal(mask, np.concatenate([m for _, m in single]))
    if name in ("mosaic", "hole", "noise"):
        assert (whole != kind(images, np.random.RandomState(8))[0]).any()


@pytest.mark.parametrize("name", EVERY)
def test_what_is_no_picture_is_refused(name):
    with pytest.raises(ValueError, match="Found float32 of shape"):
        _spoilt(name, data.to_unit(_images()))
    with pytest.raises(ValueError, match=r"Found uint8 of shape \(20, 28, 3\)"):
        _spoilt(name, _images()[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mosaic", {"block": (4, 8, 16), "region": "box"}),
        ("mosaic:8", {"block": 8, "region": "box"}),
        ("mosaic:4/8,region=all", {"block": (4, 8), "region": "all"}),
        ("mosaic:region=all", {"block": (4, 8, 16), "region": "all"}),
        ("hole:0", {"value": 0}),
        ("bayer:1", {"planes": 1}),
        ("low_res:2", {"scale": 2}),
        ("grey", {}),
        ("noise:12.5", {"sigma": 12.5}),
        ("jpeg:quality=5", {"quality": 5}),
    ],
)
def test_plain_text_names_them_with_arguments(text, expected):
    kind = data.degradation(text)
    assert type(kind) is data.DEGRADATIONS[text.partition(":")[0]]
    assert dataclasses.asdict(kind) == expected
    assert data.degradation(kind) is kind


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mosiac:8", "one of 'mosaic', .*'jpeg'. Found: 'mosiac:8'"),
        ("mosaic:8,9", "'mosaic' takes block, region. Found: '9' in"),
        ("mosaic:8,block=9", "Found: 'block=9'"),
        ("mosaic:size=9", "Found: 'size=9'"),
        ("mosaic:block=", "Found: 'block='"),
        ("grey:1", "'grey' takes no arguments. Found: '1'"),
        ("mosaic:0", "`block`.*at least 1, got 0"),
        ("mosaic:4/x", "`block`.*got 'x'"),
        ("mosaic:region=face", "'box' or 'all'. Found: 'face'"),
        ("hole:256", "`value` is at most 255"),
        ("bayer:2", "`planes` is 1 or 3. Found: 2"),
        ("low_res:1.5", "`scale`.*got 1.5"),
        ("noise:-1", "`sigma`.*Found: -1"),
        ("noise:nan", "`sigma`.*Found: nan"),
        ("jpeg:96", "`quality` is at most 95. Found: 96"),
        (7, "a text like 'mosaic:8'. Found: 7"),
    ],
)
def test_what_cannot_be_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        data.degradation(text)


def test_the_registry_takes_more(monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class Upside(data.Degradation):
        def spoil(self, image, random):
            return image[::-1]

    monkeypatch.setitem(data.DEGRADATIONS, "upside", Upside)
    degraded, mask = _spoilt("upside", _images())
    np.testing.assert_array_equal(degraded, _images()[:, ::-1])
    assert mask is None

"""Pictures with boxes: scenes drawn here, VOC folders, COCO files, arrays."""

import json

import numpy as np
import pytest
from PIL import Image

from keras_gans import data

SIZE = (20, 40)  # height, width


def voc_object(name, box, difficult=0):
    top, left, bottom, right = box
    corners = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
    inner = "".join(f"<{key}>{value}</{key}>" for key, value in corners.items())
    return (
        f"<object><name>{name}</name><difficult>{difficult}</difficult>"
        f"<bndbox>{inner}</bndbox></object>"
    )


def write_voc(folder, pictures, size=SIZE, names=("JPEGImages", "Annotations")):
    """`{stem: [(name, box) or (name, box, difficult)]}` as a folder."""
    for name in names:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for stem, objects in pictures.items():
        picture = np.zeros((*size, 3), "uint8")
        for _, (top, left, bottom, right), *_ in objects:
            picture[int(top) : int(bottom), int(left) : int(right)] = 255
        Image.fromarray(picture).save(folder / names[0] / f"{stem}.png")
        text = "".join(voc_object(*one) for one in objects)
        path = folder / names[1] / f"{stem}.xml"
        path.write_text(f"<annotation><filename>x.jpg</filename>{text}</annotation>")


PICTURES = {
    "a": [("cat", (2, 4, 10, 20)), ("dog", (12, 30, 20, 40))],
    "b": [("dog", (0, 0, 6, 8), 1)],
    "c": [],
    "d": [("cat", (5, 5, 15, 15))],
    "e": [("dog", (4, 10, 12, 30))],
}


def bright_part(image):
    """The box around what is white."""
    rows, columns = (np.flatnonzero((image > 128).any(axis)) for axis in (1, 0))
    return [rows[0], columns[0], rows[-1] + 1, columns[-1] + 1]


@pytest.mark.parametrize(
    "names", [("JPEGImages", "Annotations"), ("images", "annotations")]
)
def test_a_voc_folder(tmp_path, names):
    write_voc(tmp_path, PICTURES, names=names)
    images, objects, classes = data.load_detection(tmp_path, "all")
    assert images.shape == (5, *SIZE, 3) and images.dtype == np.uint8
    assert classes == ("cat", "dog")
    assert objects["labels"].tolist() == [[0, 1], [-1, -1], [-1, -1], [0, -1], [1, -1]]
    assert objects["boxes"].dtype == np.float32
    np.testing.assert_array_equal(objects["boxes"][0], [b for _, b in PICTURES["a"]])
    np.testing.assert_array_equal(objects["boxes"][3], [[5, 5, 15, 15], [-1] * 4])
    assert bright_part(images[3, ..., 0]) == [5, 5, 15, 15]
    assert set(objects) == {"boxes", "labels"}


def test_difficult_objects_are_left_out_or_said(tmp_path):
    write_voc(tmp_path, PICTURES)
    objects = data.load_detection(tmp_path, "all", ignored="keep").objects
    assert objects["labels"][1].tolist() == [1, -1]
    assert objects["ignored"].tolist()[1] == [True, False]
    assert objects["ignored"].sum() == 1


def test_parts_of_a_voc_folder(tmp_path):
    write_voc(tmp_path, PICTURES)
    train, test = (data.load_detection(tmp_path, s) for s in ("train", "test"))
    assert len(train.images) == 4 and len(test.images) == 1
    assert test.objects["labels"].tolist() == [[1]]
    # A class that a part lacks moves no label.
    assert test.class_names == ("cat", "dog")
    with pytest.raises(ValueError, match=r"has the splits \['train', 'test', 'all'\]"):
        data.load_detection(tmp_path, "val")
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nd\n")
    (lists / "val.txt").write_text("e 1\n")
    assert len(data.load_detection(tmp_path, "train").images) == 2
    assert data.load_detection(tmp_path, "val").objects["labels"].tolist() == [[1]]
    with pytest.raises(ValueError, match="splits"):
        data.load_detection(tmp_path, "test")
    (lists / "train.txt").write_text("a\nz\n")
    with pytest.raises(ValueError, match="names 1 pictures that have no XML file: z"):
        data.load_detection(tmp_path, "train")


@pytest.mark.parametrize(
    ("size", "fit", "expected"),
    [
        ((40, 40), "letterbox", [14, 5, 24, 15]),
        ((10, 20), "letterbox", [2, 2.5, 7, 7.5]),
        ((40, 40), "stretch", [8, 5, 28, 15]),
        ((10, 80), "stretch", [2, 10, 7, 30]),
    ],
)
def test_boxes_go_with_their_picture(tmp_path, size, fit, expected):
    box = (4, 5, 14, 15)
    write_voc(tmp_path, {"a": [("cat", box)]})
    images, objects, _ = data.load_detection(tmp_path, "all", size, fit=fit)
    assert images.shape == (1, *size, 3)
    drawn = bright_part(images[0, ..., 0]) if fit == "stretch" else None
    found = objects["boxes"][0, 0]
    np.testing.assert_allclose(found, expected, atol=0.51)
    if drawn is not None:
        np.testing.assert_allclose(found, drawn, atol=1.01)
    else:
        top, left, bottom, right = np.rint(found).astype(int)
        assert images[0, top + 1 : bottom - 1, left + 2 : right - 2].min() > 128
        if size == (40, 40):
            assert (images[0, :10] == 128).all() and (images[0, 30:] == 128).all()


def test_boxes_outside_are_clipped_or_dropped(tmp_path):
    write_voc(tmp_path, {"a": [("cat", (10, 30, 25, 50)), ("cat", (2, 45, 6, 60))]})
    objects = data.load_detection(tmp_path, "all").objects
    assert objects["boxes"].tolist() == [[[10, 30, 20, 40]]]


def coco_content(file_names=("a.png", "b.png")):
    return {
        "images": [{"id": 7 + i, "file_name": f} for i, f in enumerate(file_names)],
        "categories": [{"id": 5, "name": "dog"}, {"id": 2, "name": "cat"}],
        "annotations": [
            {"image_id": 8, "category_id": 5, "bbox": [4, 2, 16, 8], "iscrowd": 0},
            {"image_id": 8, "category_id": 2, "bbox": [0, 0, 3, 3], "iscrowd": 1},
        ],
    }


@pytest.mark.parametrize(
    ("place", "pictures"),
    [
        ("annotations/instances_train2017.json", "train"),
        ("train/_annotations.coco.json", "train"),
        ("train.json", "images"),
        ("annotations.json", "."),
    ],
)
def test_coco_files(tmp_path, place, pictures):
    (tmp_path / pictures).mkdir(exist_ok=True)
    for name in ("a.png", "b.png"):
        Image.new("L", SIZE[::-1]).save(tmp_path / pictures / name)
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(coco_content()))
    images, objects, classes = data.load_detection(tmp_path, ignored="keep")
    assert images.shape == (2, *SIZE, 1) and classes == ("cat", "dog")
    assert objects["labels"].tolist() == [[-1, -1], [1, 0]]
    np.testing.assert_array_equal(objects["boxes"][1, 0], [2, 4, 10, 20])
    assert objects["ignored"].tolist() == [[False, False], [False, True]]
    with pytest.raises(ValueError, match="has the splits"):
        data.load_detection(tmp_path, "other")


@pytest.mark.parametrize("name", ["../a.png", "/etc/passwd", "..\\a.png", "none.png"])
def test_coco_files_name_pictures_inside(tmp_path, name):
    Image.new("L", SIZE[::-1]).save(tmp_path / "a.png")
    folder = tmp_path / "inner"
    folder.mkdir()
    (folder / "train.json").write_text(json.dumps(coco_content((name, "b.png"))))
    with pytest.raises(ValueError, match="outside|there is no picture"):
        data.load_detection(folder)


@pytest.mark.parametrize(
    "text",
    [
        "no xml",
        "<annotation><object><name>cat</name></object></annotation>",
        '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>',
        voc_object("", (0, 0, 4, 4)),
    ],
)
def test_damaged_annotations_are_named(tmp_path, text):
    write_voc(tmp_path, {"a": []})
    (tmp_path / "Annotations" / "a.xml").write_text(text)
    with pytest.raises(ValueError, match=r"a\.xml is no annotation as in VOC"):
        data.load_detection(tmp_path, "all")


def test_damaged_json_is_named(tmp_path):
    for content in ("[", "[]", '{"images": [], "categories": [{}]}', "[" * 100_000):
        (tmp_path / "train.json").write_text(content)
        with pytest.raises(ValueError, match=r"train\.json is no annotation as in COC"):
            data.load_detection(tmp_path)


def test_annotations_without_pictures(tmp_path):
    write_voc(tmp_path, {"a": []})
    (tmp_path / "JPEGImages" / "a.png").unlink()
    with pytest.raises(ValueError, match="has no picture of its name"):
        data.load_detection(tmp_path, "all")
    (tmp_path / "Annotations" / "a.xml").unlink()
    with pytest.raises(ValueError, match="has no annotations: expected the sub-folder"):
        data.load_detection(tmp_path)


def test_damaged_and_mixed_pictures(tmp_path):
    write_voc(tmp_path, {"a": []})
    write_voc(tmp_path, {"b": []}, size=(10, 10))
    with pytest.raises(ValueError, match="come in 2 sizes"):
        data.load_detection(tmp_path, "all")
    (tmp_path / "JPEGImages" / "a.png").write_bytes(b"")
    with pytest.raises(ValueError, match="is damaged: empty file"):
        data.load_detection(tmp_path, "all", 16)


def test_arrays(tmp_path, monkeypatch):
    images = np.zeros((2, 20, 40), "uint8")
    images[0, 4:14, 5:15] = 255
    arrays = {
        "train_images": images,
        "train_boxes": np.array([[[4, 5, 14, 15]], [[-1] * 4]], "float32"),
        "train_labels": np.array([[1], [-1]]),
        "class_names": np.array(["cat", "dog"]),
    }
    np.savez(tmp_path / "pets.npz", **arrays)
    monkeypatch.setenv("KERAS_GANS_DATA", str(tmp_path))
    found = data.load_detection("pets")
    assert found.images.shape == (2, 20, 40, 1) and found.class_names[1] == "dog"
    assert found.objects["labels"].tolist() == [[1], [-1]]
    small = data.load_detection("pets", image_size=20, max_objects=3)
    assert small.images.shape == (2, 20, 20, 1)
    np.testing.assert_allclose(small.objects["boxes"][0, 0], [7, 2.5, 12, 7.5])
    assert small.objects["labels"].tolist() == [[1, -1, -1], [-1, -1, -1]]
    with pytest.raises(ValueError, match="has no test_images and no test_boxes"):
        data.load_detection("pets", "test")
    for key, wrong in (
        ("train_labels", np.zeros((2, 2), int)),
        ("train_labels", np.array([[2], [0]])),
        ("train_boxes", np.full((2, 1, 4), np.nan)),
    ):
        np.savez(tmp_path / "pets.npz", **{**arrays, key: wrong})
        with pytest.raises(ValueError, match="expected|names of them"):
            data.load_detection("pets")


def test_digit_scenes_are_what_they_say():
    images, objects = data.digit_scenes(40, seed=3)
    assert images.shape == (40, 128, 128, 1) and images.dtype == np.uint8
    there = objects["labels"] >= 0
    assert (there.sum(1) >= 2).all() and (there.sum(1) == 5).any()
    boxes = objects["boxes"][there]
    sides = boxes[:, 2:] - boxes[:, :2]
    assert sides.max(1).min() >= 9 and sides.max(1).max() <= 40.5
    assert boxes.min() >= 0 and boxes.max() <= 128
    assert (objects["boxes"][~there] == -1).all()
    # What is drawn is brighter than what it is drawn on.
    for image, box in zip(images[:, ..., 0], objects["boxes"][:, 0], strict=True):
        top, left, bottom, right = box.astype(int)
        assert image[top:bottom, left:right].max() > np.median(image) + 40
    again, _ = data.digit_scenes(5, seed=3)
    np.testing.assert_array_equal(again, images[:5])
    other, _ = data.digit_scenes(5, seed=4)
    assert (other != images[:5]).any()


def test_two_scales_and_bars():
    plain, objects = data.digit_scenes(60, seed=1, scales="two_scales")
    boxes = objects["boxes"][objects["labels"] >= 0]
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1)
    small, large = (longer >= 10) & (longer <= 14), (longer >= 28) & (longer <= 40)
    assert (small | large).all() and 0.3 < small.mean() < 0.7
    barred, same = data.digit_scenes(60, seed=1, scales="two_scales", bars=2)
    np.testing.assert_array_equal(same["boxes"], objects["boxes"])
    changed = (plain != barred).mean((1, 2, 3))
    assert 2 * 3 / 128 * 0.4 < changed.mean() < 2 * 9 / 128


def test_parts_of_digit_scenes_share_no_digit():
    found = data.load_detection("digit_scenes:bars,two_scales", "test", ignored="keep")
    images, objects, names = found
    assert images.shape == (300, 128, 128, 1) and names == tuple("0123456789")
    assert not objects["ignored"].any()
    assert set(np.unique(objects["labels"])) == {-1, *range(10)}


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("digit_scenes:huge", {}, "Found: huge"),
        ("digit_scenes", {"split": "val"}, "have the splits"),
        ("digit_scenes", {"image_size": (64, 32)}, "are square"),
        ("digit_scenes", {"image_size": 32}, "image_size"),
        ("digit_scenes", {"max_objects": 3}, "raise max_objects"),
        ("digit_scenes", {"fit": "crop"}, "fit is one of"),
        ("digits", {}, "There is no folder"),
    ],
)
def test_impossible_wishes(name, options, message):
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        data.load_detection(name, **{"split": "test", **options})

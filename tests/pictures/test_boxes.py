import numpy as np
import pytest

from keras_gans.pictures import draw_boxes

BOX = [20, 8, 40, 28]


def objects(*labels, confidence=None):
    found = {"boxes": [[BOX] * len(labels)], "labels": [list(labels)]}
    return found if confidence is None else {**found, "confidence": [confidence]}


def test_a_box_is_where_it_is_said_to_be():
    grey = np.full((1, 64, 48, 1), 100, "uint8")
    drawn = draw_boxes(grey, objects(0), scale=2)
    assert drawn.shape == (1, 128, 96, 3) and drawn.dtype == np.uint8
    changed = (drawn[0] != 100).any(-1)
    assert changed[40, 17:55].all() and changed[79, 17:55].all()
    assert changed[41:79, 16].all() and changed[41:79, 55].all()
    assert not changed[43:77, 19:53].any(), "nothing is drawn inside"
    assert not changed[81:].any() and not changed[:, 57:].any()
    turned = draw_boxes(
        grey,
        {"boxes": [[[8, 20, 28, 40]]], "labels": [[0]]},
        scale=2,
        box_format="xyxy",
    )
    np.testing.assert_array_equal(turned, drawn)


def test_classes_have_colours_and_names():
    grey = np.zeros((1, 64, 48, 3), "uint8")
    first, second = (draw_boxes(grey, objects(k), scale=1) for k in (0, 1))
    assert (first[0, 39, 20] != second[0, 39, 20]).any()
    named = draw_boxes(grey, objects(0), ("platelet",), scale=1)
    assert (named != first).any()


def test_padding_and_doubtful_ones_are_not_drawn():
    grey = np.zeros((1, 64, 48, 1), "float32")
    empty = draw_boxes(grey, objects(-1))
    assert empty.shape == (1, 320, 240, 3) and (empty == 128).all()
    doubtful = objects(0, 1, confidence=[0.9, 0.2])
    both, one = (draw_boxes(grey, doubtful, threshold=t) for t in (0.1, 0.5))
    assert (both == one).mean() > 0.9 and (one != empty).any()
    np.testing.assert_array_equal(one, draw_boxes(grey, objects(0, confidence=[0.9])))
    with pytest.raises(ValueError, match="box_format is yxyx or xyxy"):
        draw_boxes(grey, objects(0), box_format="xywh")


def test_labels_stay_in_the_picture():
    grey = np.zeros((1, 32, 32, 1), "uint8")
    whole = {"boxes": [[[0, 0, 32, 32]]], "labels": [[0]]}
    assert draw_boxes(grey, whole, ("a" * 40,), scale=1).shape == (1, 32, 32, 3)

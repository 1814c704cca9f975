import numpy as np
import pytest

from keras_gans import metrics

# Sees the classes 0, 1, 1, 2, 0, 0.
LOGITS = np.array(
    [[3, 1, 2], [0, 2, 1], [-5, -1, -2], [0, 0, 9], [4, 3, 2], [1, 0, 0]], "float32"
)
SEEN = np.array([0, 1, 1, 2, 0, 0])


def test_by_hand():
    asked = [0, 1, 2, 2, 1, 0]  # the third and the fifth are taken for others
    result = metrics.label_agreement(asked, LOGITS)
    assert result["agreement"] == pytest.approx(4 / 6)
    assert result["worst_class"] == 0.5  # of class 1, and of class 2


def test_the_worst_class_counts_by_what_was_asked():
    result = metrics.label_agreement([0, 0, 0, 2, 0, 0], LOGITS)
    assert dict(result.values) == {"agreement": 4 / 6, "worst_class": 3 / 5}
    result = metrics.label_agreement([0, 2, 2, 2, 1, 0], LOGITS)
    assert result["worst_class"] == 0  # class 1, asked for once


def test_perfect_and_hopeless_samples():
    perfect = metrics.label_agreement(SEEN, LOGITS)
    assert dict(perfect.values) == {"agreement": 1, "worst_class": 1}
    hopeless = metrics.label_agreement((SEEN + 1) % 3, LOGITS)
    assert dict(hopeless.values) == {"agreement": 0, "worst_class": 0}


def test_classes_that_nobody_asked_for_do_not_count():
    result = metrics.label_agreement([0, 0], LOGITS[:2])
    assert dict(result.values) == {"agreement": 0.5, "worst_class": 0.5}


def test_what_makes_it_comparable_is_recorded():
    protocol = metrics.Protocol("mnist_cnn", "0123")
    result = metrics.label_agreement(SEEN.astype("uint8"), LOGITS, protocol)
    assert result.metric == "label_agreement" and result.protocol == protocol
    assert dict(result.parameters) == {"num_classes": 3}
    assert (result.num_generated, result.num_real) == (6, None)
    assert result.label == "label_agreement[mnist_cnn]"
    rows = metrics.FeatureRows(protocol=protocol)
    rows.update(LOGITS)
    assert metrics.label_agreement(SEEN, rows) == result


@pytest.mark.parametrize(
    ("asked", "logits", "message"),
    [
        (SEEN[:5], LOGITS, r"Expected 6 integer labels.*int64 of shape \(5,\)"),
        (SEEN[:, None], LOGITS, r"of shape \(6, 1\)"),
        (SEEN.astype("float32"), LOGITS, "6 integer labels.*float32"),
        (SEEN + 1, LOGITS, "knows 3 classes; labels lie in 1 to 3"),
        (SEEN - 1, LOGITS, "knows 3 classes; labels lie in -1 to 1"),
        ([], LOGITS[:0], "Found 0 generated samples"),
        (SEEN, SEEN, "of shape .samples, dimensions."),
        (SEEN, np.where(LOGITS == 9, np.nan, LOGITS), "not finite"),
    ],
)
def test_what_does_not_fit_is_refused(asked, logits, message):
    with pytest.raises(ValueError, match=message):
        metrics.label_agreement(asked, logits)

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.utils import estimator_checks

import keras_gans as kg
from keras_gans.outliers import OutlierDetector

ARGUMENTS = {"latent_dim": 4, "base_channels": 4, "search_steps": 20}


def tiny(**changes):
    arguments = {"arguments": ARGUMENTS, "epochs": 40, "batch_size": 8}
    rates = {"held_out": 0.5, "false_alarm_rate": 0.2}
    return OutlierDetector("anogan", **{**arguments, **rates, **changes})


def normals(count):
    digits, labels = kg.data.load("digits", image_size=8)
    return digits[labels == 1][:count]


@pytest.fixture(scope="module")
def fitted():
    return tiny().fit(normals(60))


def test_larger_values_are_more_normal(fitted):
    images = normals(20)
    found = fitted.score_samples(np.concatenate([images, 255 - images]))
    assert roc_auc_score([1] * 20 + [0] * 20, found) > 0.9
    np.testing.assert_array_equal(-fitted.detector_.score(images), found[:20])


def test_the_offset_is_minus_the_threshold(fitted):
    images = normals(60)
    decided = fitted.decision_function(images)
    np.testing.assert_array_equal(
        decided, fitted.score_samples(images) - fitted.offset_
    )
    assert fitted.offset_ == -float(fitted.detector_.threshold.numpy())
    expected = np.where(fitted.detector_.is_anomalous(images), -1, 1)
    np.testing.assert_array_equal(fitted.predict(images), expected)
    assert set(fitted.predict(images)) == {1, -1}
    assert fitted.n_features_in_ == 64


def test_predictions_of_a_fit_agree(fitted):
    """`fit_predict` is that of scikit-learn's mixin."""
    images = normals(60)
    np.testing.assert_array_equal(tiny().fit_predict(images), fitted.predict(images))


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_mixin_order,
    ],
)
def test_conventions_of_scikit_learn(check):
    """Those of its checks that feed no tables: an image is no row of features."""
    check("OutlierDetector", tiny())


def test_a_clone_is_new(fitted):
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        again.predict(normals(2))


def test_impossible_detectors():
    with pytest.raises(ValueError, match="DCGAN finds no anomalies"):
        OutlierDetector("dcgan").fit(normals(8))
    with pytest.raises(
        ValueError, match=r"height, width, channels\). Found: \(8, 64\)"
    ):
        tiny().fit(normals(8).reshape(8, -1))
    with pytest.raises(ValueError, match="it takes 19, or a higher rate"):
        tiny(false_alarm_rate=0.05).fit(normals(32))
    with pytest.raises(ValueError, match="between 0 and 1"):
        tiny(false_alarm_rate=2.0).fit(normals(32))

import copy
import json
import pickle

import numpy as np
import pytest

from keras_gans import metrics

PROTOCOL = metrics.Protocol("inception_2015", "6726825d", "clean", "cifar10/train/32")


def _result(value=12.5, **changes):
    facts = {
        "metric": "kernel_distance",
        "values": {"kernel_distance": value, "std": 0.25},
        "parameters": {"num_subsets": 100, "degree": 3},
        "protocol": PROTOCOL,
        "num_real": 50_000,
        "num_generated": 10_000,
        "seed": 3,
    }
    return metrics.Result(**{**facts, **changes})


def _protocol(**changes):
    return metrics.Protocol(**{**vars(PROTOCOL), **changes})


def test_like_results_compare():
    low, high = _result(1.0), _result(2.5)
    assert low < high and low <= high and high > low and high >= low
    assert high - low == 1.5
    assert metrics.compare(high, low) == {"kernel_distance": 1.5, "std": 0.0}
    assert low == _result(1.0) != high and hash(low) == hash(_result(1.0))
    assert float(high) == high.value == high["kernel_distance"] == 2.5


def test_the_seed_and_notes_decide_nothing():
    assert _result(1.0) < _result(2.0, seed=4, notes=["few samples"])


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"metric": "frechet_distance"}, "metric differs"),
        ({"protocol": _protocol(extractor="mnist_cnn")}, "extractor differs"),
        ({"protocol": _protocol(extractor=None)}, "extractor differs"),
        ({"protocol": _protocol(weights_hash="0")}, "weights_hash differs"),
        ({"protocol": _protocol(resize="legacy")}, r"resize differs \('clean' and 'l"),
        ({"protocol": _protocol(reference="test")}, "reference differs"),
        ({"num_real": 10_000}, r"num_real differs \(50000 and 10000\)"),
        ({"num_generated": None}, "num_generated differs"),
        ({"parameters": {"num_subsets": 100}}, r"degree differs \(3 and None\)"),
        ({"parameters": {"num_subsets": 9, "degree": 2}}, "subsets differs.*degree d"),
    ],
)
@pytest.mark.parametrize(
    "relate",
    [
        metrics.compare,
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a >= b,
        lambda a, b: a - b,
    ],
)
def test_unlike_results_do_not_compare(relate, changes, named):
    with pytest.raises(ValueError, match=named):
        relate(_result(), _result(**changes))


def test_plain_numbers_do_not_compare():
    with pytest.raises(TypeError, match="A Result compares with a Result"):
        _ = _result() < 3.0


def test_json_and_copies():
    result = _result(notes=["a note"], seed=None, parameters={"k": np.int64(3)})
    for again in (
        metrics.Result.from_json(result.to_json()),
        pickle.loads(pickle.dumps(result)),
        copy.deepcopy(result),
    ):
        assert again == result and again.to_json() == result.to_json()
    assert type(result.parameters["k"]) is int
    endless = metrics.Result("psnr", {"psnr": np.inf})
    assert json.loads(endless.to_json())["values"] == {"psnr": "inf"}
    assert metrics.Result.from_json(endless.to_json()) == endless


@pytest.mark.parametrize(
    "text", ["{", "[]", "3", '{"metric": "x"}', '{"protocol": {"colour": "red"}}']
)
def test_other_json_is_refused(text):
    with pytest.raises(ValueError, match="not the JSON of a result"):
        metrics.Result.from_json(text)


def test_it_cannot_be_changed():
    result = _result()
    with pytest.raises(AttributeError):
        result.seed = 9
    with pytest.raises(TypeError):
        result.values["kernel_distance"] = 0.0
    with pytest.raises(TypeError):
        result.parameters["degree"] = 2


def test_text():
    assert str(_result(notes=["Few."])) == (
        "kid 12.5 +- 0.25 (inception_2015 6726825d, resize clean, reference "
        "cifar10/train/32, 50000 real, 10000 generated, seed 3; num_subsets 100, "
        "degree 3) Note: Few."
    )
    other = _result(protocol=_protocol(extractor="mnist_cnn"))
    assert other.label == "kd[mnist_cnn]"
    assert _result(protocol=metrics.Protocol()).label == "kd"
    assert (
        str(metrics.Result("modes", {"modes": 8, "kl": 0.5})) == "modes modes 8, kl 0.5"
    )


def test_several_values_have_no_single_one():
    result = metrics.Result("precision_recall", {"precision": 0.5, "recall": 0.25})
    with pytest.raises(ValueError, match=r"name one: result\['precision'\]"):
        _ = result < result
    assert metrics.compare(result, result) == {"precision": 0.0, "recall": 0.0}


def test_malformed_facts_are_refused():
    with pytest.raises(ValueError, match="needs a value"):
        metrics.Result("psnr", {})
    with pytest.raises(ValueError, match="one number or name"):
        metrics.Result("psnr", {"psnr": 1}, {"crop": [1, 2]})
    with pytest.raises(ValueError, match="resize must be a name"):
        metrics.Protocol(resize=299)

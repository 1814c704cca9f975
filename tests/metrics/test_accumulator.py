import doctest
import importlib
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from keras_gans import metrics

RANDOM = np.random.RandomState(0)
X = RANDOM.randn(120, 5)
Y = RANDOM.randn(90, 5) + 0.3
FOLDER = pathlib.Path(metrics.__file__).parent
PROTOCOL = metrics.Protocol("pixels", reference="digits/train")

TWO_SIDED = [
    (metrics.FrechetDistance, metrics.frechet_distance, {}),
    (metrics.KernelDistance, metrics.kernel_distance, {"subset_size": 50, "seed": 4}),
    (metrics.PrecisionRecall, metrics.precision_recall, {"k": 2}),
    (metrics.DensityCoverage, metrics.density_coverage, {"k": 2}),
]


def _close(one, other):
    assert one.values == pytest.approx(dict(other.values), abs=1e-10)
    assert one.comparable_facts() == other.comparable_facts()


@pytest.mark.parametrize(("kind", "function", "options"), TWO_SIDED)
def test_batches_and_merges_equal_the_whole(kind, function, options):
    options = {**options, "protocol": PROTOCOL}
    parts = [kind(**options), kind(**options)]
    for start in range(0, 120, 7):
        part = parts[start >= 70]
        part.update(real=X[start : start + 7])
        part.update(generated=Y[start : start + 7])
    parts[0].merge(parts[1])
    _close(parts[0].result(), function(X, Y, **options))
    parts[0].update(generated=Y[:5])  # a result is no end
    assert parts[0].result().num_generated == 95


def test_logits_and_labels():
    score = metrics.InceptionScore(num_splits=3)
    modes = [metrics.ModeCoverage(7), metrics.ModeCoverage(7)]
    labels = RANDOM.randint(0, 7, 120)
    for start in range(0, 120, 25):
        score.update(logits=X[start : start + 25])
        modes[start > 50].update(labels=labels[start : start + 25])
    modes[0].merge(modes[1])
    _close(score.result(), metrics.inception_score(X, 3))
    _close(modes[0].result(), metrics.mode_coverage(labels, 7))
    with pytest.raises(ValueError, match="numbers of modes"):
        modes[0].merge(metrics.ModeCoverage(8))


def test_three_sides():
    check = metrics.Memorisation()
    check.update(training=X, held_out=Y[:30])
    check.update(generated=Y[30:])
    _close(check.result(), metrics.memorisation(Y[30:], X, Y[:30]))


def test_a_side_made_earlier_serves():
    real = metrics.FeatureStatistics(PROTOCOL)
    real.update(X)
    distance = metrics.FrechetDistance(real=real)
    distance.update(generated=Y)
    _close(distance.result(), metrics.frechet_distance(X, Y, PROTOCOL))


def test_mistakes_are_named():
    distance = metrics.KernelDistance(seed=1)
    with pytest.raises(TypeError, match="takes real, generated; found fake"):
        distance.update(fake=X)
    with pytest.raises(TypeError, match="num_subset"):
        metrics.KernelDistance(num_subset=3)
    for other in (metrics.KernelDistance(seed=2), metrics.FrechetDistance()):
        with pytest.raises(ValueError, match="merges with its like"):
            distance.merge(other)
    with pytest.raises(ValueError, match="call update first"):
        distance.result()
    with pytest.raises(ValueError, match="Found 0 samples"):
        metrics.FrechetDistance().result()


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py")))
def test_examples_run(name):
    module = importlib.import_module(
        f"keras_gans.metrics.{name}".removesuffix(".__init__")
    )
    assert not doctest.testmod(module).failed


PROGRAM = """
import sys, types
# Without keras_gans/__init__.py, which imports all of Keras.
for name in ("keras_gans", "keras_gans.core"):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [sys.argv[1] + "/" + name.replace(".", "/")]
import keras_gans.metrics
heavy = {"keras", "tensorflow", "jax", "scipy", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""


def test_numpy_is_all_it_imports():
    root = FOLDER.parent.parent
    subprocess.run([sys.executable, "-P", "-c", PROGRAM, str(root)], check=True)

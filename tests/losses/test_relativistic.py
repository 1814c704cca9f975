import numpy as np
import pytest
from keras import ops

from keras_gans.losses import relativistic

pytestmark = pytest.mark.every_backend
REAL, FAKE = np.array([0.7, -0.3, 1.2]), np.array([0.2, -0.9, 0.4])


def test_known_values():
    """The fixture of section 3."""
    assert float(relativistic.discriminator(REAL, FAKE)) == pytest.approx(
        0.465528, abs=1e-6
    )
    assert float(relativistic.generator(REAL, FAKE)) == pytest.approx(
        1.098861, abs=1e-6
    )


def test_equal_logits_say_nothing():
    same = np.full((4, 1), 3.7)
    for loss in (relativistic.discriminator, relativistic.generator):
        assert float(loss(same, same)) == pytest.approx(np.log(2), abs=1e-6)


def test_swapping_roles_and_labels():
    """The generator's loss is the discriminator's with real and fake exchanged."""
    found = relativistic.generator(REAL, FAKE)
    swapped = relativistic.discriminator(FAKE, REAL)
    assert float(found) == pytest.approx(float(swapped), abs=1e-6)


def test_a_common_shift_changes_nothing():
    for loss in (relativistic.discriminator, relativistic.generator):
        moved = loss(ops.convert_to_tensor(REAL + 5), ops.convert_to_tensor(FAKE + 5))
        assert float(moved) == pytest.approx(float(loss(REAL, FAKE)), abs=1e-6)

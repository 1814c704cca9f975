"""Importing and training on arrays work on a JAX machine without TensorFlow."""

import os
import subprocess
import sys
import textwrap

import pytest

pytest.importorskip("jax", reason="JAX is not installed")

PROGRAM = """
    import sys

    class Absent:
        def find_spec(self, name, path=None, target=None):
            if name.split(".")[0] in ("tensorflow", "tensorflow_datasets"):
                raise ImportError(name)

    sys.meta_path.insert(0, Absent())
    import keras_gans as kg

    images, _ = kg.data.load("digits", image_size=8)
    gan = kg.DCGAN((8, 8, 1), latent_dim=4, base_channels=2, ema_decay=0.9)
    gan.compile()
    folder = sys.argv[1]
    grid = kg.callbacks.SampleGrid(folder + "/samples", rows=2)
    gan.fit(images[:64], batch_size=16, epochs=1, verbose=0, callbacks=[grid])
    gan.save_to_preset(folder + "/preset")
    again = kg.from_preset(folder + "/preset")
    assert (again.sample(3, seed=1) == gan.sample(3, seed=1)).all()
    try:
        gan.export(folder + "/1")
    except ImportError as error:
        assert "KERAS_BACKEND=tensorflow" in str(error)
    assert "tensorflow" not in sys.modules
    print("trained")
"""


def test_training_without_tensorflow(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(PROGRAM), str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "trained", done.stderr[-2000:]
    assert (tmp_path / "samples" / "epoch_0001.png").exists()

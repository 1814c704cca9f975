"""Two logical CPU devices, so that replicas can be tested on any machine."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# NumPy's threads wait for each other in turns where other processes have the cores:
# small matrices then take a hundred times as long.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import keras
import pytest

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
    # XLA only where it is the point: tests that ask for it have it.
    keras.Model._resolve_auto_jit_compile = lambda self: False
elif keras.backend.backend() == "jax":
    import tempfile

    # Tests compile for minutes what then runs for milliseconds: XLA rewrites and fuses
    # as ever, LLVM leaves its expensive passes out. (Without any of them, at level 0,
    # sums are made one term after the other: of a picture of 784 points 1.5e-5 is lost,
    # and networks differ by 1e-6 from one batch size to another.)
    os.environ["XLA_FLAGS"] = " ".join(
        [
            os.environ.get("XLA_FLAGS", ""),
            "--xla_backend_optimization_level=2",
            "--xla_llvm_disable_expensive_passes=true",
            "--xla_force_host_platform_device_count=2",
        ]
    )

    import jax

    # The contract builds the same small model again and again; JAX would compile it
    # anew each time.
    _compiled = tempfile.TemporaryDirectory(prefix="keras_gans_tests_")
    jax.config.update("jax_compilation_cache_dir", _compiled.name)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_user_is_left_alone(tmp_path_factory):
    """What tests would keep in the user's cache goes into a temporary folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_GANS_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield

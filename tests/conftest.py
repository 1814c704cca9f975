"""Two logical CPU devices, so that replicas can be tested on any machine."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras

if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 2,
    )
elif keras.backend.backend() == "jax":
    import tempfile

    os.environ["XLA_FLAGS"] = " ".join(
        [
            os.environ.get("XLA_FLAGS", ""),
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

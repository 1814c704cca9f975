"""One training, on whatever devices there are; see `test_equal_devices.py`.

python -m tests.equal_training SYSTEM OPTIMIZER OUT.npz    with TF_CONFIG set
"""

import contextlib
import sys

import keras
import numpy as np

import keras_gans as kg

STEPS = 3
BATCH = 4
SYSTEMS = {
    "GAN": ((4, 4, 1), {"latent_dim": 3, "hidden_units": 4, "maxout_units": 2}),
    "CGAN": ((4, 4, 1), {"latent_dim": 3, "num_classes": 3}),
    "WGANGP": ((28, 28, 1), {"latent_dim": 3, "base_channels": 2}),
}
# Three steps at these rates move every kernel and let nothing diverge.
SGD_RATES = {"discriminator": 0.1, "critic": 1e-3, "generator": 0.5}
ADAM_RATE = 1e-3


def build(system, optimizer):
    """The system, compiled, with weights large enough for three steps to matter.

    Args:
        system: Key of `SYSTEMS`.
        optimizer: `"SGD"` or `"Adam"`.
    """
    shape, arguments = SYSTEMS[system]
    gan = getattr(kg, system)(shape, ema_decay=0.5, **arguments)
    new = {
        "SGD": lambda player: keras.optimizers.SGD(SGD_RATES[player]),
        "Adam": lambda player: keras.optimizers.Adam(ADAM_RATE),
    }
    for name in gan.networks:
        for kernel in getattr(gan, name).trainable_weights:
            if len(kernel.shape) > 1:
                value = keras.ops.convert_to_numpy(kernel)
                fan_in = value.size / value.shape[-1]
                kernel.assign(value / value.std() / fan_in**0.5)
    gan.compile(
        **{f"{player}_optimizer": new[optimizer](player) for player in gan.players}
    )
    return gan


def train(system, optimizer, replicas, scope=None):
    """Three steps of a system on draws that do not depend on the devices.

    Args:
        system: Key of `SYSTEMS`.
        optimizer: `"SGD"` or `"Adam"`.
        replicas: Number of replicas, in one process or in several.
        scope: Scope of their strategy; `None` for one device.

    Returns:
        Dict of weight path to value: networks, their moving average, statistics.
    """
    from tests.contract import SharedLatents, SystemContract, state_of

    with scope or contextlib.nullcontext():
        gan = build(system, optimizer)
    for name in gan.networks:
        for layer in getattr(gan, name)._flatten_layers():
            if isinstance(layer, keras.layers.Dropout):
                layer.rate = 0.0  # Draws differ between replicas, on purpose.
    gan.training_seeds = SharedLatents(replicas)
    step = BATCH * gan.updates_per_batch
    shape = (STEPS * step, *gan.image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape)
    data = images.astype("uint8"), np.arange(STEPS * step) % 3
    steps = [
        SystemContract.replica_order(
            [part[i * step : (i + 1) * step] for part in data],
            gan.updates_per_batch,
            replicas,
        )
        for i in range(STEPS)
    ]
    images, labels = (np.concatenate(parts) for parts in zip(*steps, strict=True))
    labels = None if gan.num_classes is None else labels
    gan.fit(images, labels, batch_size=BATCH, shuffle=False, verbose=0)
    state = state_of(gan)
    return {k: v for k, v in state.items() if k.startswith("weight")}


def main():
    """Trains one case as one worker and writes what came out."""
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    system, optimizer, out = sys.argv[1:]
    state = train(system, optimizer, strategy.num_replicas_in_sync, strategy.scope())
    np.savez(out, **{f"{i}": value for i, value in enumerate(state.values())})


if __name__ == "__main__":
    main()

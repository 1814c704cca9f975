"""What the library does (`fit`), and the same steps written by hand in TensorFlow."""

import keras
import numpy as np
from cases import CASES
from scenes import objects_of

import keras_gans as kg

# Of the images of semi-supervised systems one in so many has a label.
LABELLED = 8


def build(system, image_shape):
    """The system of a case at `image_shape`."""
    case = CASES[system]
    return getattr(kg, case.system)(**case.arguments_at(image_shape))


def library(system, gan, images, labels, batch_size, xla):
    """`run(steps, started)` by `fit` on arrays, as a user calls it."""
    gan.compile(jit_compile=xla)
    rows = rows_of(system, gan, batch_size)

    def run(steps, started):
        count = steps * rows
        clock = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs: batch or started()
        )
        some = None if labels is None else labels[:count]
        data = arrays(system, images[:count], some)
        gan.fit(**data, batch_size=batch_size, callbacks=[clock], verbose=0)

    return run


def rows_of(system, gan, batch_size):
    """Images that a `train_step` reads."""
    return batch_size * gan.updates_per_batch * CASES[system].batches


def arrays(system, images, labels):
    """Arguments of `fit` for as many steps as `images` suffice for."""
    if system in ("cogan", "pix2pix", "cyclegan"):
        a, b = np.split(images, 2)
        return {"x": a, "y": b}
    if system == "detector":
        return {"x": images, "y": objects_of(labels, images.shape[1:])}
    if system == "improved_gan":
        # `fit` itself makes the three batches of a step out of one.
        count = len(images) // CASES[system].batches
        known = np.arange(count) % LABELLED == 0
        return {"x": images[:count], "y": np.where(known, labels[:count], -1)}
    return {"x": images, "y": labels}


def by_hand(system, gan, images, batch_size, xla):
    """The same by a `tf.function` that uses nothing of the kernel."""
    import tensorflow as tf

    optimizers = gan.default_optimizers()
    for player, optimizer in optimizers.items():
        optimizer.build(getattr(gan, player).trainable_variables)
    written = {"dcgan": dcgan_step, "wgan_gp": wgan_gp_step}[system]
    step = tf.function(
        written(tf, gan, optimizers, batch_size),
        jit_compile=xla,
        autograph=False,
    )
    rows = batch_size * gan.updates_per_batch

    def run(steps, started):
        data = tf.data.Dataset.from_tensor_slices(images[: steps * rows])
        data = data.shuffle(steps * rows).batch(rows, drop_remainder=True).prefetch(2)
        for i, batch in enumerate(data):
            step(batch)
            if i == 0:
                started()

    return run


def dcgan_step(tf, gan, optimizers, batch_size):
    """One fake batch for both players."""
    generator, discriminator = gan.generator, gan.discriminator

    def logistic(logits):
        return tf.reduce_mean(tf.nn.softplus(logits))

    def step(images):
        real = tf.cast(images, tf.float32) / 127.5 - 1.0
        latents = tf.random.normal((batch_size, gan.latent_dim))
        with tf.GradientTape(watch_accessed_variables=False) as generator_tape:
            generator_tape.watch(values_of(generator))
            fake = generator(latents, training=True)
            held = tf.stop_gradient(fake)
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(values_of(discriminator))
                real_logits = discriminator(real, training=True)
                fake_logits = discriminator(held, training=True)
                d_loss = logistic(-real_logits) + logistic(fake_logits)
            descend(tape, d_loss, discriminator, optimizers["discriminator"])
            g_loss = logistic(-discriminator(fake, training=True))
        descend(generator_tape, g_loss, generator, optimizers["generator"])
        return d_loss, g_loss

    return step


def wgan_gp_step(tf, gan, optimizers, batch_size):
    """Five penalised critic updates, then the generator's."""
    generator, critic = gan.generator, gan.critic

    def generate():
        latents = tf.random.normal((batch_size, gan.latent_dim))
        return generator(latents, training=True)

    def penalty(real, fake):
        blend = real + tf.random.uniform((batch_size, 1, 1, 1)) * (fake - real)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(blend)
            scores = critic(blend, training=True)
        slope = gan.slope_scale * tape.gradient(scores, blend)
        norms = tf.sqrt(tf.reduce_sum(slope**2, axis=(1, 2, 3)) + 1e-12)
        return tf.reduce_mean((norms - 1.0) ** 2)

    def step(images):
        images = tf.cast(images, tf.float32) / 127.5 - 1.0
        for real in tf.split(images, gan.critic_steps):
            fake = generate()
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(values_of(critic))
                distance = tf.reduce_mean(critic(fake, training=True))
                distance -= tf.reduce_mean(critic(real, training=True))
                loss = distance + gan.penalty_weight * penalty(real, fake)
            descend(tape, loss, critic, optimizers["critic"])
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(values_of(generator))
            g_loss = -tf.reduce_mean(critic(generate(), training=True))
        descend(tape, g_loss, generator, optimizers["generator"])
        return loss, g_loss

    return step


def values_of(network):
    """What a tape watches."""
    return [v.value for v in network.trainable_variables]


def descend(tape, loss, network, optimizer):
    """One optimizer step of `network`."""
    gradients = tape.gradient(loss, values_of(network))
    optimizer.apply(gradients, network.trainable_variables)


def peak():
    """Dict of name to `(run, FLOPs)`: a large matrix product, a 3x3 convolution."""
    compiled, to_numpy = _compiled(), keras.ops.convert_to_numpy
    matrix = np.ones((2048, 2048), "float32")
    maps = np.ones((32, 32, 32, 256), "float32")
    kernel = np.ones((3, 3, 256, 256), "float32")
    matrix, maps, kernel = map(keras.ops.convert_to_tensor, (matrix, maps, kernel))
    product = compiled(keras.ops.matmul)
    convolution = compiled(lambda x, w: keras.ops.conv(x, w, padding="same"))
    return {
        "product": (lambda: to_numpy(product(matrix, matrix)[0, 0]), 2 * 2048**3),
        "convolution": (
            lambda: to_numpy(convolution(maps, kernel)[0, 0, 0, 0]),
            2 * 9 * 256**2 * 32 * 32 * 32,
        ),
    }


def _compiled():
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit
    import tensorflow as tf

    return tf.function

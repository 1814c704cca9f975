import keras_gans as kg
from tests.systems import images, tiny_gan


def compiled():
    gan = tiny_gan()
    gan.compile(discriminator_optimizer="adam", generator_optimizer="adam")
    return gan


def test_stop_on_nan_names_the_player():
    gan = compiled()
    for weight in gan.generator.trainable_weights:
        weight.assign(weight.value * float("nan"))
    callback = kg.callbacks.StopOnNaN()
    history = gan.fit(
        images(16), batch_size=4, epochs=5, callbacks=[callback], verbose=0
    )
    assert len(history.epoch) == 1
    assert "generator_loss" in callback.diverged
    healthy = compiled()
    healthy.fit(images(16), batch_size=4, epochs=2, callbacks=[callback], verbose=0)
    assert callback.diverged == [] and len(healthy.history.epoch) == 2

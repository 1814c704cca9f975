"""When a callback that works every few epochs has its turn."""


def has_turn(callback, epoch):
    """Whether an epoch is one of every `callback.every`, or the last.

    The last one at once: a kill before `on_train_end` must not cost its result.

    Args:
        callback: A `keras.callbacks.Callback` with an attribute `every`, within `fit`.
        epoch: int, from 0 on.
    """
    last = epoch + 1 == callback.params.get("epochs")
    return last or (epoch + 1) % callback.every == 0

"""What is said about tables, rows and networks that a RadialGAN cannot take."""

import numpy as np
from keras import ops

from keras_gans.models.radial_gan.tables import LARGEST, Table

GAMES = ("bce", "wgan_gp")


def checked_domains(domains):
    """The `Table` of each domain.

    Args:
        domains: The constructor's argument.

    Raises:
        ValueError: for fewer than two, equal names, or a column of two kinds.
    """
    found = [Table(domain, i) for i, domain in enumerate(domains)]
    if len(found) < 2:
        raise ValueError(f"A RadialGAN has two domains or more. Found: {len(found)}.")
    names = [table.name for table in found]
    if len(set(names)) < len(names):
        raise ValueError(f"Two domains have one name: {', '.join(names)}.")
    return found


def check_arguments(adversarial, critic_steps, others):
    """Checks what `RadialGAN` was given.

    Args:
        adversarial: The game.
        critic_steps: Number or `None`.
        others: Its other keyword arguments.

    Raises:
        ValueError: naming what was found.
    """
    if adversarial not in GAMES:
        raise ValueError(f"adversarial is 'bce' or 'wgan_gp'. Found: {adversarial!r}.")
    if critic_steps is not None and critic_steps < 1:
        raise ValueError(f"critic_steps is 1 or more. Found: {critic_steps!r}.")
    if others.get("augmentation") is not None:
        raise ValueError("Rows of a table are not augmented: leave augmentation out.")


def check_network(model, name, network):
    """Checks the widths of a network of the user's.

    Args:
        model: The `RadialGAN`.
        name: Name of the network, such as `encoder_0`.
        network: Built `keras.Model`; one without known shapes is let through.

    Raises:
        ValueError: when it takes or makes rows of another width.
    """
    if not hasattr(network, "inputs"):
        return
    role, number = name.rsplit("_", 1)
    tensor = network.outputs[0] if role == "decoder" else network.inputs[0]
    width, found = model.tables[int(number)].width, tensor.shape[-1]
    if found != width:
        raise ValueError(f"The {name} is for rows of {found} features, not of {width}.")


def check_tables(model, frames, y):
    """Checks the dict of tables that `fit` was given.

    Args:
        model: The `RadialGAN`.
        frames: Dict of name to table.
        y: Should be `None`: tables hold their labels.

    Raises:
        ValueError: naming the domains that are missing or unknown.
    """
    if y is not None:
        raise ValueError("Tables hold their labels: call fit(tables).")
    names = [table.name for table in model.tables]
    if set(frames) != set(names):
        raise ValueError(
            f"This RadialGAN has the domains {', '.join(names)}. Found tables of "
            f"{', '.join(map(str, frames)) or 'none'}."
        )
    for name, frame in frames.items():
        if model.target.name not in frame.columns:
            raise ValueError(
                f"The table of {name} lacks the column {model.target.name}."
            )


def check_rows(model, x, y):
    """Checks encoded rows and labels of all domains.

    Args:
        model: The `RadialGAN`.
        x: Tuple of arrays `(num_rows, width)`.
        y: Tuple of arrays `(num_rows,)`.

    Raises:
        ValueError: naming the domain, what was found and the fix.
    """
    count = len(model.tables)
    if not all(isinstance(p, (tuple, list)) and len(p) == count for p in (x, y)):
        raise ValueError(
            f"RadialGAN learns from {count} domains: call fit(tables), or fit((x_0, "
            "x_1, ...), (y_0, y_1, ...))."
        )
    for table, rows, labels in zip(model.tables, x, y, strict=True):
        check_width(table, rows.shape)
        check_values(table, rows)
        if len(rows) != len(labels):
            raise ValueError(
                f"{table.name} has {len(rows)} rows and {len(labels)} labels."
            )
        labels = ops.convert_to_numpy(labels)
        if not np.isin(labels, (0, 1)).all():
            raise ValueError(f"Labels are 0 or 1; those of {table.name} are not.")


def check_width(table, shape):
    """Checks the shape of encoded rows.

    Args:
        table: `Table` of their domain.
        shape: Their shape, with the batch axis.

    Raises:
        ValueError: for another number of features, or no rows.
    """
    if len(shape) != 2 or shape[1] != table.width:
        raise ValueError(
            f"Rows of {table.name} have {table.width} features. Found the shape "
            f"{tuple(shape)}."
        )
    if shape[0] == 0:
        raise ValueError(f"{table.name} has no rows.")


def check_values(table, rows):
    """Checks that encoded rows are finite and look standardised.

    Args:
        table: `Table` of their domain.
        rows: Array.

    Raises:
        ValueError: for missing or infinite values, or very large ones.
    """
    rows = ops.convert_to_numpy(rows)
    if not np.isfinite(rows).all():
        raise ValueError(
            f"The rows of {table.name} hold missing or infinite values: build the "
            "system with RadialGAN.for_tables, which fills them in."
        )
    if len(rows) and np.abs(rows).max() > LARGEST:
        raise ValueError(
            f"The rows of {table.name} hold values up to {np.abs(rows).max():g}; the "
            "networks' tanh needs standardised ones: subtract the mean and divide by "
            "the standard deviation, or build the system with RadialGAN.for_tables."
        )

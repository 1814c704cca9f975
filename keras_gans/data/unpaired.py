"""Two sets of pictures without pairs: loaded, and served side by side."""

import re

import numpy as np

from keras_gans.data.array_batches import aligned_arrays
from keras_gans.data.epoch_batches import EpochBatches
from keras_gans.data.folder import list_pictures
from keras_gans.data.framing import Framing
from keras_gans.data.loading import load, locate
from keras_gans.data.order import epoch_order
from keras_gans.data.picture_files import PictureFiles
from keras_gans.data.pixels import as_size, check_color_mode
from keras_gans.data.two_sides import archived_sides, is_two, join_splits, side_folders


def load_unpaired(
    source, split="train", image_size=None, *, color_mode=None, on_damaged="raise"
):
    """Loads pictures of two domains, of which none belong together.

    `source` is one of

    1. two sources of `load`: `("mnist", "usps")`, `("horses/", "zebras/")`;
    2. a folder with `trainA`, `trainB`, `testA`, `testB`, as junyanz lays them out; or
       with `A` and `B`, as in `load_pairs`;
    3. an `.npz` file with `train_a`, `train_b`, ..., as in `load_pairs`;
    4. with the environment variable `KERAS_GANS_DATA=<folder>`, the name of such a
       folder or file there;
    5. a TensorFlow Datasets name with the splits `trainA`, `trainB`, `testA`, `testB`:
       `"cycle_gan/horse2zebra"`.

    Args:
        source: See above.
        split: str, `"train"`, `"test"`, ..., or `"all"`.
        image_size: int or `(height, width)`, see `resize`; must be given if the
            pictures have several sizes, within a domain or between the two.
        color_mode: `"grey"`, `"rgb"`, or `None` to keep each domain's own.
        on_damaged: `"raise"` or `"skip"`, as in `load`.

    Returns:
        `(a, b)`: uint8 arrays `(num_images, height, width, channels)` in [0, 255],
        which may differ in their lengths and channels.

    Raises:
        FileNotFoundError, ImportError, RuntimeError: As `load`.
        ValueError: As `load`; also if the domains differ in size, or a folder or file
            has no two sides.

    Example:

    ```python
    horses, zebras = load_unpaired("cycle_gan/horse2zebra", image_size=286)
    batches = UnpairedBatches(horses, zebras, batch_size=1, image_size=256, flip=True)
    ```
    """
    check_color_mode(color_mode)
    image_size = None if image_size is None else as_size(image_size)
    options = {"image_size": image_size, "color_mode": color_mode}
    if is_two(source):
        parts = [(side, split) for side in source]
    else:
        kind, path = locate(source)
        if kind == "npz":
            return _checked(*_from_archive(path, split, **options))
        if kind == "folder":
            return _checked(*_from_folder(path, split, on_damaged, **options))
        if kind == "digits":
            raise ValueError(f"{source!r} is one domain: pass two, as (a, b).")
        parts = [(source, _split_of(side, split)) for side in "AB"]
    a, b = (load(*part, **options, on_damaged=on_damaged)[0] for part in parts)
    return _checked(a, b)


class UnpairedBatches(EpochBatches):
    """Batches `(a, b)` of two sets of pictures, each shuffled, cropped, mirrored alone.

    An epoch is as long as the larger set; the pictures of the smaller one come several
    times, none of them twice more often than another. What comes in epoch e, and how,
    depends on `(seed, e)` alone; `set_epoch(e)` chooses it, as in `ArrayBatches`.

    Args:
        a: uint8 array `(num_images, height, width, channels)`, or floats in [-1, 1].
        b: The same, of any number.
        batch_size: int, pictures of each domain per batch.
        jitter: int or `(height, width)`: pictures are resized to it before they are
            cropped; an int is the shorter side. CycleGAN: 286 for crops of 256.
        flip: Whether a picture is mirrored left to right with probability 1/2.
        seed: Non-negative int, the seed of all that is drawn.
        shuffle: Whether each domain has an order of its own in each epoch.
        image_size: int or `(height, width)` of the crops; `None`: as the pictures are.
        drop_remainder: As in `ArrayBatches`.
        **kwargs: As in `ArrayBatches`.

    Raises:
        ValueError: As `ArrayBatches`; also if a domain is empty, crops do not fit, are
            of two sizes, or `jitter` meets floats.

    Example:

    >>> a, b = np.zeros((6, 32, 32, 3), "uint8"), np.zeros((9, 32, 32, 1), "uint8")
    >>> batches = UnpairedBatches(a, b, batch_size=3, jitter=36, flip=True)
    >>> len(batches), [side.shape for side in batches[0]]
    (3, [(3, 32, 32, 3), (3, 32, 32, 1)])
    """

    def __init__(
        self,
        a,
        b,
        batch_size,
        jitter=None,
        flip=False,
        seed=0,
        shuffle=True,
        *,
        image_size=None,
        drop_remainder=True,
        **kwargs,
    ):
        self.arrays = tuple(aligned_arrays(side)[0] for side in (a, b))
        lengths = [len(side) for side in self.arrays]
        if min(lengths) == 0:
            raise ValueError(f"A domain is empty: found {lengths} pictures.")
        self._framings = [
            Framing(side, jitter, image_size, flip) for side in self.arrays
        ]
        _check_equal([framing.size for framing in self._framings])
        super().__init__(
            max(lengths), batch_size, shuffle, seed, drop_remainder, **kwargs
        )

    def set_epoch(self, epoch):
        """Serves the orders, crops and mirroring of `epoch` from now on."""
        super().set_epoch(epoch)
        number, draw = self.num_examples, (self.seed, epoch)
        self._plans = []
        for domain, side in enumerate(self.arrays):
            order = np.arange(number) % len(side)
            if self.shuffle:
                order = epoch_order(len(side), *draw, domain, length=number)
            places = self._framings[domain].draw(number, *draw, domain)
            self._plans.append((order, *places))

    def batch_of(self, positions):
        """The pictures of both domains at these places of the epoch."""
        batch = []
        sides = zip(self.arrays, self._framings, self._plans, strict=True)
        for pictures, framing, (order, crops, flips) in sides:
            chosen = pictures[order[positions]]
            batch.append(framing.show(chosen, crops[positions], flips[positions]))
        return tuple(batch)


def _split_of(side, split):
    """`"train"` -> `"trainA"`, `"train[:9]"` -> `"trainA[:9]"`."""
    split = "train+test" if split == "all" else split
    return re.sub(r"[A-Za-z]+", lambda name: name[0] + side, split)


def _from_folder(folder, split, on_damaged, image_size, color_mode):
    parts = side_folders(folder, split)
    if not parts:
        raise ValueError(
            f"{folder} has no two sides: expected the folders 'trainA' and 'trainB', "
            "or 'A' and 'B'. Two folders anywhere are passed as (folder_a, folder_b)."
        )
    for side in (0, 1):
        files = [f for part in parts for f in list_pictures(part[side], part[2])]
        arguments = image_size, color_mode, True, on_damaged, tuple(files)
        yield PictureFiles(folder, split, *arguments).read_all()[0]


def _from_archive(path, split, image_size, color_mode):
    parts = archived_sides(path, split)
    for side in (0, 1):
        yield join_splits(parts, side, image_size, color_mode)


def _checked(a, b):
    _check_equal([a.shape[1:3], b.shape[1:3]])
    return a, b


def _check_equal(sizes):
    if len(set(sizes)) > 1:
        found = " and ".join("x".join(map(str, size)) for size in sizes)
        raise ValueError(
            f"The pictures have several sizes, {found} (height x width): pass "
            "image_size=... to bring them to one."
        )

"""`load_pairs(source)`: pictures and what each is to become, as two arrays."""

from keras_gans.data.loading import locate
from keras_gans.data.pair_files import (
    check_proportions,
    read_parallel,
    read_side_by_side,
)
from keras_gans.data.pixels import as_size, check_color_mode
from keras_gans.data.two_sides import archived_sides, is_two, join_splits, side_folders


def load_pairs(
    source,
    split="train",
    image_size=None,
    direction="ab",
    on_damaged="raise",
    *,
    color_mode=None,
    integer_labels=False,
):
    """Loads pairs of pictures: `a[i]` and `b[i]` belong together.

    `source` is one of

    1. two folders `(folder_a, folder_b)`: pictures are a pair if their paths within
       the folders differ in the suffix only (`a/x/1.jpg`, `b/x/1.png`);
    2. a folder with sub-folders `A` and `B`, with or without `train`, `test`, ...
       within them; or with these within `train`, `test`, ...; or `trainA`, `trainB`,
       ...: pairs as in 1;
    3. a folder of pictures with a in the left half and b in the right one, as
       junyanz's archives are (`facades/train/1.jpg`);
    4. an `.npz` file with `train_source` and `train_target` or `train_a` and
       `train_b`, and the same for `test`; or `source` and `target`, or `a` and `b`,
       which are split `"train"` and `"all"`.

    With the environment variable `KERAS_GANS_DATA=<folder>`, what is there goes by its
    name, as in `load`. How folders have splits is told at `load`, too.

    The source of an `.npz` is a. In junyanz's pictures of facades the photograph is a,
    to the left: `direction="ba"` turns label maps into photographs.

    Args:
        source: See above.
        split: str, `"train"`, `"test"`, ..., or `"all"`.
        image_size: int or `(height, width)`, see `resize`. `None` keeps the pictures'.
        direction: `"ab"`, or `"ba"` to return b first.
        on_damaged: `"raise"` lists damaged files in one error, `"skip"` leaves their
            pairs out with a warning that names them.
        color_mode: `"grey"`, `"rgb"`, or `None` to keep each side's own.
        integer_labels: Whether the side that is returned first holds label maps, which
            are resized to the nearest pixel.

    Returns:
        `(source, target)`: uint8 arrays `(num_pairs, height, width, channels)` in
        [0, 255].

    Raises:
        FileNotFoundError: If there is no such path.
        ValueError: If an argument is wrong, a picture has no counterpart, a width is
            odd where two pictures are side by side, the pictures of a pair have
            different proportions, or as `load`.

    Example:

    ```python
    labels, photos = load_pairs("facades/", direction="ba", image_size=128)
    batches = PairBatches(labels, photos, batch_size=1, jitter=143, flip=True)
    ```
    """
    if direction not in ("ab", "ba"):
        raise ValueError(f"`direction` is 'ab' or 'ba'. Found: {direction!r}.")
    check_color_mode(color_mode)
    image_size = None if image_size is None else as_size(image_size)
    antialias = (not integer_labels, True)
    if direction == "ba":
        antialias = antialias[::-1]
    root, folders, archive = _find(source, split)
    options = image_size, color_mode, antialias
    if archive is not None:
        a, b = _from_archive(archive, split, *options)
    elif folders:
        a, b = read_parallel(root, folders, *options, on_damaged)
    else:
        a, b = read_side_by_side(root, split, *options, on_damaged)
    return (a, b) if direction == "ab" else (b, a)


def _find(source, split):
    """Returns `(root, folders, archive)`: what `read_parallel` takes, or a file."""
    if is_two(source):
        root = tuple(_folder(side) for side in source)
        return root, [(*root, split)], None
    kind, path = locate(source)
    if kind == "npz":
        return None, None, path
    if kind == "folder":
        folders = side_folders(path, split)
        return ((path, path) if folders else path), folders, None
    if kind == "tfds" and source.startswith("cycle_gan/"):
        raise ValueError(
            f"{source!r} of TensorFlow Datasets has lost which pictures are pairs: its "
            "splits are shuffled apart. Pass the folder of the archive, where they "
            "are side by side; load_unpaired reads both sides as they are."
        )
    raise ValueError(
        f"{source!r} is no set of pairs: pass a folder or an .npz file with two sides "
        "(or its name in KERAS_GANS_DATA), or make pairs of single pictures with "
        "DegradedBatches."
    )


def _folder(side):
    kind, path = locate(side)
    if kind != "folder":
        raise ValueError(f"Of two sides, each is a folder. Found: {side!r}.")
    return path


def _from_archive(path, split, image_size, color_mode, antialias):
    parts = archived_sides(path, split)
    for a, b in parts:
        if len(a) != len(b):
            raise ValueError(
                f"{path} has {len(a)} pictures of one side and {len(b)} of the other: "
                "these are no pairs. load_unpaired reads them as they are."
            )
        check_proportions(a.shape[1:3], b.shape[1:3], path)
    return tuple(
        join_splits(parts, side, image_size, color_mode, antialias[side])
        for side in (0, 1)
    )

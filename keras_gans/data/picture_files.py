"""The pictures of a folder, brought to one size and colour mode."""

import collections
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from tqdm import tqdm

from keras_gans.core.plain_json import shown
from keras_gans.data.decoding import DamagedPicture, read_header, read_picture
from keras_gans.data.folder import list_folder
from keras_gans.data.pixels import as_size, check_color_mode, fit_picture

_MANY = 1000
_NAMED = 5


class PictureFiles:
    """Decodes the files of a folder to uint8 arrays of one shape.

    Making one reads every file's header, not its pixels.

    Args:
        folder, split, image_size, color_mode, antialias, on_damaged: As in `load`.
        files: Paths below `folder`, in place of those of the split.

    Attributes:
        sizes: `{index: (height, width)}` of the pictures whose headers are sound.
        damaged: `{index: reason}` of those that are known to be damaged.
    """

    def __init__(
        self,
        folder,
        split,
        image_size,
        color_mode,
        antialias,
        on_damaged,
        files=None,
    ):
        check_color_mode(color_mode)
        if on_damaged not in ("raise", "skip"):
            raise ValueError(
                f"on_damaged must be 'raise' or 'skip', got {on_damaged!r}."
            )
        self.folder = folder
        self.antialias = antialias
        self.on_damaged = on_damaged
        listing = list_folder(folder, split) if files is None else (files, None, None)
        self.files, self.labels, self.class_names = listing
        headers, self.damaged = self._headers()
        self.sizes = {index: size for index, (size, _) in headers.items()}
        all_grey = all(grey for _, grey in headers.values())
        self.color_mode = color_mode or ("grey" if all_grey else "rgb")
        self.resized = image_size is not None
        self._size = as_size(image_size) if self.resized else self._common_size()
        self.image_shape = (*self._size, 1 if self.color_mode == "grey" else 3)

    def __len__(self):
        return len(self.files)

    def read(self, index):
        """The picture at `index`, uint8 of `image_shape`; or raises DamagedPicture."""
        pixels = read_picture(self.files[index], self.color_mode, self._pixels)
        if pixels.shape != self.image_shape:
            raise DamagedPicture(
                f"its pixels are {pixels.shape[-3]}x{pixels.shape[-2]}, its header "
                f"says {self._size[0]}x{self._size[1]}"
            )
        return pixels

    def _pixels(self, picture):
        return self._fitted(picture, self.antialias)

    def _fitted(self, picture, antialias):
        if self.resized:
            picture = fit_picture(picture, self._size, antialias)
        return np.asarray(picture).reshape(picture.height, picture.width, -1)

    def read_all(self):
        """uint8 images and labels of every sound file; reports the damaged ones."""
        images = self.decode_all()
        sound = self.drop_damaged()
        return (images if sound.all() else images[sound]), self.labels

    def decode_all(self):
        """uint8 images of every file; what those in `damaged` hold is undefined."""
        images = room_for((len(self), *self.image_shape), self.folder)

        def fill(index):
            images[index] = self.read(index)

        self._find_damaged(fill)
        return images

    def report_damaged(self):
        """Reports damaged files without keeping a picture.

        With `"raise"`, those whose header is damaged: the rest shows when it is
        read. With `"skip"`, all of them, because the number of sound files must be
        known: every file is decoded once.
        """

        def decode(index):
            self.read(index)

        if self.on_damaged == "skip":
            self._find_damaged(decode)
        self.drop_damaged()

    def _headers(self):
        outcomes = self._for_each(
            range(len(self)), lambda index: read_header(self.files[index])
        )
        damaged = {i: out for i, out in outcomes.items() if isinstance(out, str)}
        return {i: out for i, out in outcomes.items() if i not in damaged}, damaged

    def _find_damaged(self, read):
        left = [index for index in range(len(self)) if index not in self.damaged]
        for index, outcome in self._for_each(left, read).items():
            if isinstance(outcome, str):
                self.damaged[index] = outcome

    def _for_each(self, indices, read):
        """{index: what `read` returned, or the reason (str) why it could not}."""

        def attempt(index):
            try:
                return read(index)
            except DamagedPicture as reason:
                return str(reason)

        # Pillow releases the GIL while it decodes: threads are enough. None lets
        # tqdm decide: silent when stderr is no terminal.
        quiet = None if len(indices) > _MANY else True
        with ThreadPoolExecutor() as pool:
            outcomes = pool.map(attempt, indices)
            bar = tqdm(outcomes, str(self.folder), len(indices), disable=quiet)
            return dict(zip(indices, bar, strict=True))

    def drop_damaged(self):
        """Raises or warns; then keeps the sound files. Returns which were, as bools."""
        sound = np.ones(len(self), bool)
        if not self.damaged:
            return sound
        sound[list(self.damaged)] = False
        named = [
            f"{shown(self.files[index].relative_to(self.folder))} ({reason})"
            for index, reason in sorted(self.damaged.items())
        ]
        told = (
            f"{len(named)} of {len(self)} pictures in {self.folder} are damaged: "
            f"{', '.join(named[:_NAMED])}"
        )
        told += f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        if self.on_damaged == "raise" or not sound.any():
            raise ValueError(f"{told}. on_damaged='skip' leaves damaged ones out.")
        warnings.warn(f"{told}; skipped.", stacklevel=4)
        self.files = tuple(self.files[index] for index in np.flatnonzero(sound))
        self.labels = None if self.labels is None else self.labels[sound]
        self.damaged = {}
        return sound

    def _common_size(self):
        counts = collections.Counter(self.sizes.values())
        if len(counts) > 1:
            raise mixed_sizes(self.folder, counts)
        # Without one readable header every file is damaged: report_damaged raises.
        return next(iter(counts), (1, 1))


def room_for(shape, folder):
    """An empty uint8 array; or the error for a folder that no memory can hold."""
    try:
        return np.empty(shape, "uint8")
    except (MemoryError, ValueError) as error:
        raise ValueError(
            f"The pictures of {folder} do not fit into memory: {error}. Pass a smaller "
            "image_size=..."
        ) from error


def mixed_sizes(where, counts):
    """The error for pictures of several sizes; `counts` maps (height, width)."""
    named = [f"{h}x{w} ({n})" for (h, w), n in counts.most_common(_NAMED)]
    more = f" and {len(counts) - _NAMED} more" if len(counts) > _NAMED else ""
    return ValueError(
        f"The pictures of {where} come in {len(counts)} sizes, height x width: "
        f"{', '.join(named)}{more}. Pass image_size=... to bring them to one."
    )

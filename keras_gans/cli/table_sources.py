"""The tables that systems of several domains of rows train on."""

from keras_gans import data

# Keys of the recipe's table `data`, and their defaults.
OPTIONS = {
    "label": "label",
    "columns": None,
    "categorical": (),
    "max_missing": 0.5,
    "repeats": 1,
}


class TableSource:
    """The CSV files, or the arrays, that a recipe names: one table per domain.

    The same to `runs` as a `Source`.

    Args:
        options: The recipe's table `data`.
        seed: Integer, of the parts of each table.

    Attributes:
        frames: Dict of the domain's name to its table, of the part to train on.
        in_words: What a run is said to train on.

    Raises:
        ValueError: as `data.load_tables`, or for keys that make no sense here.
    """

    def __init__(self, options, seed=0):
        options = {key: value for key, value in options.items() if value is not False}
        if unfit := sorted(set(options) - {"name", "split", *OPTIONS}):
            raise ValueError(f"Tables take no data.{unfit[0]}: leave it out.")
        self._options = {**OPTIONS, **options}
        self._seed = seed
        self.frames = self.part(options["split"])
        rows = sum(map(len, self.frames.values()))
        self.in_words = f"{rows} rows of {len(self.frames)} tables"

    def part(self, split):
        """The tables of a part of the data.

        Args:
            split: `"train"`, `"validation"`, `"test"` or `"all"`.
        """
        return data.load_tables(
            self._options["name"],
            split,
            label=self._options["label"],
            columns=self._options["columns"],
            seed=self._seed,
        )

    @property
    def arguments(self):
        """What the data say about a system's arguments."""
        return self.learnt(self.frames)

    def learnt(self, frames):
        """The arguments `domains` and `label`.

        Args:
            frames: Dict of tables to learn of.
        """
        from keras_gans.models.radial_gan.tables import learnt

        names = ("label", "categorical", "max_missing")
        return learnt(frames, **{name: self._options[name] for name in names})

    def fit_arguments(self, gan, batch_size):
        """What `fit` takes.

        Args:
            gan: The system to be trained.
            batch_size: Rows of each domain per update.
        """
        repeats = self._options["repeats"]
        return {"x": gan.batches(self.frames, batch_size, repeats)}

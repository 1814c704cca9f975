"""Runs: a recipe followed in a folder of its own, resumable at every epoch.

RUN/recipe.toml     all settings, inferred and default ones included
RUN/history.csv     the losses of each epoch
RUN/samples/        a picture per epoch
RUN/backup/         what a killed run goes on from; gone when it is finished
RUN/preset/         the trained model; there when the run is finished
"""

import contextlib
import shutil
import sys

import keras
import typer

import keras_gans as kg
from keras_gans.cli import recipe_files, recipes
from keras_gans.cli.sources import Source


def follow(recipe, folder, every):
    """Trains what a recipe says and saves it as a preset; resumes a run begun before.

    Args:
        recipe: What `recipes.with_defaults` returned.
        folder: `pathlib.Path` of the run.
        every: Epochs between two pictures.

    Raises:
        ValueError: for a recipe that its system or its data do not suit, a folder that
            holds something else, or a training that diverged.
    """
    check_folder(folder)
    system = kg.get_system(recipe["system"])
    recipes.check_system(recipe, system)
    with _precision(recipe["training"]["precision"]):
        gan, source, recipe = _prepare(recipe, system)
        resumes = _resumes(folder, recipe)
        height, width, channels = source.image_shape
        typer.echo(
            f"{'Resuming' if resumes else 'Training'} {recipe['system']} on "
            f"{source.num_images} images of {height}x{width}x{channels} in {folder}"
        )
        if getattr(gan, "adaptable", False):
            # If the run resumes, its checkpoint overrides this.
            gan.adapt(source.images)
        _fit(gan, source, recipe, folder, every, resumes)
        gan.save_to_preset(folder / "preset", include_optimizer=False)
        recipe_files.write(recipe, folder / "preset" / "recipe.toml")
        shutil.rmtree(folder / "backup", ignore_errors=True)


def check_folder(folder):
    """Refuses a folder in which a run can neither begin nor go on.

    Args:
        folder: `pathlib.Path`.

    Raises:
        ValueError: naming the folder.
    """
    elsewhere = "give another folder with --out, or delete this one."
    if (folder / "preset").exists():
        raise ValueError(f"{folder} holds a finished run: {elsewhere}")
    is_run = (folder / "recipe.toml").exists()
    if folder.exists() and not is_run and (folder.is_file() or any(folder.iterdir())):
        raise ValueError(f"{folder} is there and is no run: {elsewhere}")


def _prepare(recipe, system):
    """The model, its data, and the recipe with all that was inferred."""
    known = recipes.arguments_of(system)
    with_labels = "num_classes" in known
    source = Source(recipe["data"], with_labels, whole=hasattr(system, "adapt"))
    arguments = {"image_shape": source.image_shape, **recipe["arguments"]}
    if with_labels and "num_classes" not in arguments:
        arguments["num_classes"] = source.count_classes()
    gan = system(**arguments)
    used = {key: v for key, v in gan.get_config().items() if v is not None}
    xla = recipe["training"].get("xla")
    gan.compile(
        **({} if xla is None else {"jit_compile": xla}),
        **{
            f"{player}_optimizer": _optimizer(table)
            for player, table in recipe["optimizers"].items()
        },
    )
    return gan, source, {**recipe, "arguments": used}


def _optimizer(table):
    options = {key: value for key, value in table.items() if key != "class"}
    return getattr(keras.optimizers, table["class"])(**options)


def _resumes(folder, recipe):
    """Whether the folder's run goes on. One without a checkpoint begins afresh."""
    backup = folder / "backup"
    if not any(backup.glob("[!.]*")):  # hidden files were being written by the kill
        return False
    begun = recipes.read(folder / "recipe.toml")
    differing = recipe_files.differences(begun, recipe)
    if differing:
        raise ValueError(
            f"{folder} holds an unfinished run with other settings: "
            f"{', '.join(differing)}. Give the same ones to go on, or another --out."
        )
    return True


def _fit(gan, source, recipe, folder, every, resumes):
    stop_on_nan = kg.callbacks.StopOnNaN()
    history = keras.callbacks.CSVLogger(folder / "history.csv", append=resumes)
    try:
        gan.fit(
            **source.fit_arguments(gan, recipe["fit"]["batch_size"]),
            epochs=recipe["fit"]["epochs"],
            # A moving bar fills a log file with thousands of lines.
            verbose=1 if sys.stdout.isatty() else 2,
            callbacks=[
                stop_on_nan,
                _RecipeWriter(recipe, folder / "recipe.toml"),
                kg.callbacks.SampleGrid(folder / "samples", every=every),
                history,
                # Last, so that an epoch counts as done when all of it is on disk. Kept
                # until the preset is saved: a full disk must not cost the training.
                kg.callbacks.BackupAndRestore(
                    folder / "backup", delete_checkpoint=False
                ),
            ],
        )
    except KeyboardInterrupt:
        typer.echo("\nStopped. The same command goes on from here.", err=True)
        raise typer.Exit(130) from None
    finally:
        history.on_train_end()  # Keras leaves the file open after ctrl-C.
    _drop_repeated(folder / "history.csv")
    if stop_on_nan.diverged:
        shutil.rmtree(folder / "backup", ignore_errors=True)
        raise ValueError(
            f"The training diverged: {', '.join(stop_on_nan.diverged)} is not finite. "
            "Lower the learning rate, or train in float32."
        )


class _RecipeWriter(keras.callbacks.Callback):
    """Writes the recipe when training begins: data it refuses leave no folder."""

    def __init__(self, recipe, path):
        super().__init__()
        self._recipe, self._path = recipe, path

    def on_train_begin(self, logs=None):
        recipe_files.write(self._recipe, self._path)


def _drop_repeated(history):
    # An epoch that was logged, but killed before its checkpoint, is logged twice.
    lines = history.read_text().splitlines()
    by_epoch = {line.partition(",")[0]: line for line in lines}
    history.write_text("\n".join(by_epoch.values()) + "\n")


@contextlib.contextmanager
def _precision(policy):
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)

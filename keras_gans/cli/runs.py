"""Runs: a recipe followed in a folder of its own, resumable at every epoch.

RUN/recipe.toml     all settings, inferred and default ones included
RUN/history.csv     the losses of each epoch
RUN/samples/        a picture per epoch
RUN/best/           the preset of the best epoch and its figures, if any were measured
RUN/backup/         what a killed run goes on from; gone when it is finished
RUN/preset/         the trained model; there when the run is finished
"""

import csv
import shutil
import sys

import keras
import numpy as np
import typer

import keras_gans as kg
from keras_gans.cli import devices, recipe_files, recipes
from keras_gans.cli.label_map_sources import LabelMapSource
from keras_gans.cli.normal_sources import NormalSource
from keras_gans.cli.object_sources import ObjectSource
from keras_gans.cli.sources import Source, both_domains
from keras_gans.cli.style_sources import StyleSource
from keras_gans.cli.table_sources import TableSource
from keras_gans.cli.text_sources import TextSource
from keras_gans.cli.translation_sources import TranslationSource
from keras_gans.cli.upscaling_sources import UpscalingSource
from keras_gans.cli.video_sources import VideoSource
from keras_gans.cli.volume_sources import VolumeSource
from keras_gans.core import facts, gradients
from keras_gans.core.files import sweep, written_whole
from keras_gans.core.precision import under_policy
from keras_gans.metrics.features import default_extractor


def follow(recipe, folder, every, strategy=None):
    """Trains what a recipe says and saves it as a preset; resumes a run begun before.

    Args:
        recipe: What `recipes.with_defaults` returned.
        folder: `pathlib.Path` of the run. Of several workers, only the chief uses it.
        every: Epochs between two pictures.
        strategy: A name in `devices.STRATEGIES`, or `None`.

    Raises:
        ValueError: for a recipe that its system or its data do not suit, a folder that
            holds something else, or a training that diverged.
    """
    check_folder(folder)
    system = kg.get_system(recipe["system"])
    recipes.check_system(recipe, system)
    # First of all: TensorFlow connects its workers before it computes anything.
    policy = under_policy(recipe["training"]["precision"])
    with devices.asked_for(strategy) as scope, policy:
        gan, source, recipe = _prepare(recipe, system, scope)
        stage = _stage(folder, recipe, gan)
        if stage == _FINISHED:
            typer.echo(f"{folder} is finished: its model is {folder / 'preset'}.")
            return
        typer.echo(
            f"{'Resuming' if stage == _BEGUN else 'Training'} {recipe['system']} on "
            f"{_in_words(source)} in {folder}"
            f"{devices.in_words(gan)}"
        )
        if getattr(gan, "adaptable", False):
            # If the run resumes, its checkpoint overrides this.
            gan.adapt(source.images)
        if hasattr(gan, "pretrain") and stage == _NEW:
            _pretrain(gan, source, recipe["pretraining"])
        _fit(gan, source, recipe, folder, every, resumes=stage == _BEGUN)
        if isinstance(gan, kg.AnomalyDetector) and len(source.held_out):
            _calibrate(gan, source.held_out)
        if gradients.is_chief(gan):
            gan.save_to_preset(folder / "preset", include_optimizer=False)
            recipe_files.write(recipe, folder / "preset" / "recipe.toml")
            # Last: as long as a checkpoint is there, the run is not finished.
            shutil.rmtree(folder / "backup", ignore_errors=True)


def check_folder(folder):
    """Refuses a folder that is no run; sweeps what a kill left half written in one.

    Args:
        folder: `pathlib.Path`.

    Raises:
        ValueError: naming the folder.
    """
    if not folder.is_dir():
        if folder.exists():
            raise ValueError(f"{folder} is a file: {_ELSEWHERE}")
        return
    sweep(folder)  # Of preset folders, save_to_preset does.
    if not (folder / "recipe.toml").exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is there and is no run: {_ELSEWHERE}")


_ELSEWHERE = "give another folder with --out, or delete this one."


def _in_words(source):
    if hasattr(source, "in_words"):
        return source.in_words
    height, width, channels = source.image_shape
    return f"{source.num_images} images of {height}x{width}x{channels}"


def _has_checkpoint(folder):
    return kg.callbacks.BackupAndRestore(folder / "backup").saved_epoch() > 0


def _stage(folder, recipe, gan):
    """How far the folder's run is, as the chief sees it; other settings are refused."""
    stage, refusal = _NEW, None
    if gradients.is_chief(gan):
        if _has_checkpoint(folder):
            stage = _BEGUN
        elif (folder / "preset").exists():
            stage = _FINISHED
        if stage != _NEW:
            before = recipes.read(folder / "recipe.toml")
            if differing := facts.differences(before, recipe):
                stage, refusal = _REFUSED, _other_settings(folder, stage, differing)
        if stage == _FINISHED:
            shutil.rmtree(folder / "backup", ignore_errors=True)
    stage = int(gradients.from_chief(gan, [np.array(stage)])[0])
    if stage == _REFUSED:
        raise ValueError(refusal or "The chief worker refused; see what it said.")
    return stage


_NEW, _BEGUN, _FINISHED, _REFUSED = range(4)


def _other_settings(folder, stage, differing):
    kind = "a finished" if stage == _FINISHED else "an unfinished"
    return (
        f"{folder} holds {kind} run with other settings: {', '.join(differing)}. "
        "Give the same ones, or another --out."
    )


def _prepare(recipe, system, scope):
    """The model, its data, and the recipe with all that was inferred."""
    counted = recipes.label_argument(system, recipe["arguments"])
    if hasattr(system, "takes_instances"):
        with_instances = system.needs_instances(**recipe["arguments"])
        source = LabelMapSource(recipe["data"], with_instances)
    elif issubclass(system, kg.ObjectDetector):
        source = ObjectSource(recipe["data"])
    elif issubclass(system, kg.ImageUpscaler):
        source = UpscalingSource.of(recipe, system)
    elif hasattr(system, "takes_styles"):
        source = StyleSource(recipe["data"])
    elif hasattr(system, "draws_volumes"):
        source = VolumeSource(recipe["data"])
    elif hasattr(system, "draws_videos"):
        source = VideoSource(recipe["data"])
    elif hasattr(system, "takes_texts"):
        source = TextSource(recipe["data"])
    elif hasattr(system, "for_tables"):
        source = TableSource(recipe["data"], recipe["arguments"].get("seed", 0))
    elif issubclass(system, kg.ImageTranslator):
        source = TranslationSource(recipe["data"], system.learns)
    elif issubclass(system, kg.AnomalyDetector):
        given = [recipe["arguments"].get(n) for n in ("seed", "false_alarm_rate")]
        source = NormalSource(recipe["data"], given[0] or 0, given[1])
    else:
        source = Source(
            recipe["data"],
            with_labels=counted is not None,
            whole=hasattr(system, "adapt") or hasattr(system, "pretrain"),
            seed=recipe["arguments"].get("seed", 0),
        )
    taken = recipes.arguments_of(system)
    found = {key: v for key, v in source.arguments.items() if key in taken}
    arguments = {**found, **recipe["arguments"]}
    if counted and counted not in arguments:
        arguments[counted] = source.count_classes()
    xla = recipe["training"].get("xla")
    with scope:
        gan = system(**arguments)
        gan.compile(
            **({} if xla is None else {"jit_compile": xla}),
            **{
                f"{player}_optimizer": _optimizer(table)
                for player, table in recipe["optimizers"].items()
            },
        )
    used = {key: v for key, v in gan.get_config().items() if v is not None}
    if "augmentation" in arguments:  # in words, which a recipe can hold
        used["augmentation"] = arguments["augmentation"]
    recipe = {**recipe, "arguments": used}
    if hasattr(gan, "pretrain"):
        usual = {"batch_size": recipe["fit"]["batch_size"], "epochs": 5}
        recipe["pretraining"] = {**usual, **recipe.get("pretraining", {})}
    return gan, source, recipe


def _pretrain(gan, source, options):
    if preset := options.get("preset"):
        gan.take_pretrained(kg.from_preset(preset))
        return
    writes = gradients.is_chief(gan)
    if writes:
        typer.echo(f"First, for {options['epochs']} epochs, what it looks with.")
    verbose = (1 if sys.stdout.isatty() else 2) if writes else 0
    gan.pretrain(*source.labelled(), **options, verbose=verbose)


def _calibrate(gan, normals):
    try:
        threshold = gan.calibrate(normals)
    except ValueError as why:  # it cannot score yet
        typer.echo(f"warning: no threshold was chosen. {why}", err=True)
        return
    typer.echo(
        f"Scores above {threshold:.4g} are anomalous: chosen on {len(normals)} normal "
        f"images held out, at a false-alarm rate of {gan.false_alarm_rate:g}."
    )


def _optimizer(table):
    options = {key: value for key, value in table.items() if key != "class"}
    return getattr(keras.optimizers, table["class"])(**options)


def _fit(gan, source, recipe, folder, every, resumes):
    stop_on_nan = kg.callbacks.StopOnNaN()
    writes = gradients.is_chief(gan)
    # Kept until the preset is saved: a full disk must not cost the training.
    backup = kg.callbacks.BackupAndRestore(folder / "backup", delete_checkpoint=False)
    history = keras.callbacks.CSVLogger(folder / "history.csv", append=resumes)
    if resumes and writes:
        _drop_unsaved(folder / "history.csv", backup.saved_epoch())
    if resumes and hasattr(gan, "takes_texts") and backup.newest() is not None:
        # Captions are embedded before the callback would read it: by this encoder.
        gan.load_weights(backup.newest())
    recipe_writer = _RecipeWriter(recipe, folder / "recipe.toml")
    try:
        gan.fit(
            **source.fit_arguments(gan, recipe["fit"]["batch_size"]),
            epochs=recipe["fit"]["epochs"],
            # A moving bar fills a log file with thousands of lines.
            verbose=(1 if sys.stdout.isatty() else 2) if writes else 0,
            callbacks=[
                stop_on_nan,
                *([recipe_writer] if writes else []),
                *_decay(recipe["fit"]),
                *_watching(gan, source, recipe, folder, every),
                *([history] if writes else []),
                # Last, so that an epoch counts as done when all of it is on disk.
                backup,
            ],
        )
    except KeyboardInterrupt:
        typer.echo("\nStopped. The same command goes on from here.", err=True)
        raise typer.Exit(130) from None
    finally:
        history.on_train_end()  # Keras leaves the file open after ctrl-C.
    if stop_on_nan.diverged:
        if writes:
            shutil.rmtree(folder / "backup", ignore_errors=True)
        raise ValueError(
            f"The training diverged: {', '.join(stop_on_nan.diverged)} is not finite. "
            "Lower the learning rate, or train in float32."
        )


def _decay(table):
    falling = table.get("decay_epochs")
    if not falling:
        return []
    return [kg.callbacks.LinearDecay(table["epochs"] - falling, falling)]


def _watching(gan, source, recipe, folder, every):
    """The callbacks that draw and measure."""
    if hasattr(gan, "for_tables"):
        return []  # rows make no picture
    if isinstance(gan, kg.ObjectDetector):
        return _watching_objects(gan, source, recipe, folder, every)
    if hasattr(gan, "predict_future"):
        shown = source.images[:_SHOWN]
        return [kg.callbacks.PredictionGrid(folder / "samples", shown, every)]
    if not isinstance(gan, kg.ImageTranslator):
        grid = kg.callbacks.SampleGrid(folder / "samples", every=every, films=True)
        return [grid, *_evaluation(gan, recipe, folder / "best")]
    watching = []
    # Two domains, of which some systems translate but the first.
    shown = zip(gan.directions.items(), source.examples(_SHOWN), strict=False)
    for (name, options), (images, targets) in shown:
        samples = folder / "samples"
        if len(gan.directions) > 1:
            samples /= name
        watching.append(
            kg.callbacks.TranslationGrid(samples, images, targets, every, **options)
        )
    if options := recipe.get("evaluation"):
        pairs = source.held_out(options.get("num_samples"))
        kind = kg.callbacks.EvaluateTranslation
        if isinstance(gan, kg.ImageUpscaler):
            kind = kg.callbacks.EvaluateUpscaling
        watching.append(kind(*pairs, options["every"], folder / "best"))
    return watching


def _watching_objects(gan, source, recipe, folder, every):
    held_out, options = source.held_out(), recipe.get("evaluation", {})
    grid = kg.callbacks.DetectionGrid(
        folder / "samples", held_out.images[:_SHOWN], every
    )
    if not options:
        return [grid]
    parts = held_out.images, held_out.objects
    measure = kg.callbacks.EvaluateDetection(*parts, options["every"], folder / "best")
    return [grid, measure]


# Rows of a picture of translations.
_SHOWN = 8


def _evaluation(gan, recipe, best):
    options = dict(recipe.get("evaluation", {}))
    if not options:
        return []
    data = recipe["data"]["name"]
    if "second" in recipe["data"]:
        options.setdefault("extractor", default_extractor(data, gan.image_shape))
        data = both_domains(recipe["data"], "test", gan.seed)
    return [kg.callbacks.Evaluate(data, options.pop("every"), best, **options)]


class _RecipeWriter(keras.callbacks.Callback):
    """Writes the recipe when training begins: data it refuses leave no folder."""

    def __init__(self, recipe, path):
        super().__init__()
        self._recipe, self._path = recipe, path

    def on_train_begin(self, logs=None):
        recipe_files.write(self._recipe, self._path)


def _drop_unsaved(history, epochs):
    """Removes lines of epochs that were logged, wholly or in part, and not saved."""
    with history.open(newline="") as file:
        header, *rows = csv.reader(file)
    kept = [row for row in rows if len(row) == len(header) and int(row[0]) < epochs]
    with written_whole(history) as path, path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *kept])

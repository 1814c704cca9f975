"""What is done with trained models: sample, export, list."""

import json
import math
import pathlib
import re
import shlex
from typing import Annotated

import typer
from typer import Argument, Option

import keras_gans as kg
from keras_gans.data.meshes import import_measure, import_trimesh
from keras_gans.pictures import image_grid, save_film, save_png, video_grid
from keras_gans.pictures.films import FILM_SUFFIXES

Preset = Annotated[
    str,
    Argument(
        metavar="PRESET",
        help="A folder, a name that `keras-gans presets` lists, or an address that "
        "begins with https://, hf:// or gs://.",
    ),
]
Num = Annotated[int, Option(min=1, metavar="N", help="Number of images.")]
Seed = Annotated[
    int, Option(min=0, metavar="N", help="The same seed gives the same images.")
]
Label = Annotated[
    list[int] | None,
    Option(
        metavar="N",
        help="Class number, for systems that learn classes. Repeat it for several, "
        "which then take turns. Default: all classes in turn.",
    ),
]
Text = Annotated[
    list[str] | None,
    Option(
        metavar="TEXT",
        help="What to draw, for systems that take texts. Repeat it for several, which "
        "then take turns. Default: the model's own prompts.",
    ),
]
Truncation = Annotated[
    float | None,
    Option(
        metavar="X",
        help="Largest magnitude of a latent coordinate, e.g. 1.5: less variety, "
        "fewer failures. Default: no limit.",
    ),
]
Out = Annotated[
    pathlib.Path,
    Option(
        metavar="FILE.png",
        help="Where the grid goes. For systems that draw videos also a .gif or .mp4, "
        "in which it moves.",
    ),
]
Separate = Annotated[
    pathlib.Path | None,
    Option(metavar="FOLDER", help="Write each image to a file here; then no grid."),
]
Meshes = Annotated[
    pathlib.Path | None,
    Option(
        metavar="FOLDER",
        help="For systems that draw volumes: write the surface of each to a file here "
        "too.",
    ),
]
MeshFormat = Annotated[
    str, Option(metavar="obj|stl|ply", help="Kind of the files of --meshes.")
]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace files that are there.")]
Folder = Annotated[
    pathlib.Path,
    Argument(
        metavar="FOLDER",
        help="Where the SavedModel goes. TF Serving wants MODEL/NUMBER; without a "
        "number the next free one is taken.",
    ),
]
System = Annotated[
    str | None, Option(metavar="NAME", help="Only those of this system, e.g. dcgan.")
]

SAMPLE_EXAMPLES = """\b
Examples:
  keras-gans sample runs/dcgan_digits/preset --num 100 --out digits.png
  keras-gans sample runs/cgan_digits/preset --label 3 --label 5 --separate digits
  keras-gans sample runs/chairs/preset --num 4 --meshes chairs --mesh-format stl
  keras-gans sample runs/clips/preset --num 16 --out clips.gif
  keras-gans sample gan_cls_shapes --num 8 --text "a small red circle in the top left"
"""
EXPORT_EXAMPLES = """\b
Example:
  keras-gans export runs/dcgan_digits/preset served/digits
"""
PRESETS_EXAMPLES = """\b
Examples:
  keras-gans presets --system dcgan
  keras-gans sample NAME, with a name from the list
"""
SYSTEMS_EXAMPLES = """\b
Example:
  keras-gans systems
"""


def sample(
    preset: Preset,
    num: Num = 64,
    seed: Seed = 0,
    label: Label = None,
    text: Text = None,
    truncation: Truncation = None,
    out: Out = pathlib.Path("samples.png"),
    separate: Separate = None,
    meshes: Meshes = None,
    mesh_format: MeshFormat = "obj",
    overwrite: Overwrite = False,
):
    """Draw images from a trained model: one grid, or one file each."""
    names = [f"{i:0{max(4, len(str(num - 1)))}d}" for i in range(num)]
    files, moves = [out], separate is None and out.suffix in FILM_SUFFIXES
    if separate is not None:
        files = [separate / f"{name}.png" for name in names]
    check_free(files, overwrite, (".png", *FILM_SUFFIXES))
    surfaces = [meshes / f"{name}.{mesh_format}" for name in names] if meshes else []
    check_free(surfaces, overwrite, kg.data.MESH_SUFFIXES, "Meshes")
    gan = that_draws(preset)
    if surfaces and not hasattr(gan, "draws_volumes"):
        raise ValueError(f"{type(gan).__name__} draws no volumes: leave --meshes out.")
    if moves and not hasattr(gan, "films_of"):
        raise ValueError(
            f"{type(gan).__name__} draws no videos: its pictures are PNG files. Found "
            f"the name {out}."
        )
    if surfaces:
        # Before anything is made that would be left behind.
        import_trimesh()
        import_measure()
    samples = gan.sample(
        num, seed, truncation=truncation, **_asked(gan, label, text, num)
    )
    _write_meshes(surfaces, samples)
    asked = label or text
    columns = _columns(num, len(asked) if asked else gan.num_classes)
    files[0].parent.mkdir(parents=True, exist_ok=True)
    if moves:
        save_film(out, video_grid(gan.films_of(samples), columns))
        typer.echo(f"Wrote {num} videos to {out}.")
        return
    images = gan.pictures_of(samples)
    images = images if images.dtype == "uint8" else kg.data.to_uint8(images)
    pictures = images
    if separate is None:
        pictures = [image_grid(images, columns)]
    for file, picture in zip(files, pictures, strict=True):
        save_png(file, picture)
    typer.echo(f"Wrote {num} images to {separate or out}.")


def _asked(gan, label, text, num):
    """The labels or texts of `num` images, each given one in turn."""
    takes_texts = hasattr(gan, "takes_texts")
    if text and not takes_texts:
        raise ValueError(f"{type(gan).__name__} takes no texts: leave --text out.")
    if label and takes_texts:
        raise ValueError(f"{type(gan).__name__} takes texts: give --text, no --label.")
    if text:
        return {"texts": [text[i % len(text)] for i in range(num)]}
    return {"labels": [label[i % len(label)] for i in range(num)] if label else None}


def _write_meshes(files, samples):
    """The surfaces of volumes in [-1, 1]; empty ones have none."""
    if not files:
        return
    files[0].parent.mkdir(parents=True, exist_ok=True)
    pairs = zip(files, samples, strict=True)
    written = sum(wrote_surface(file, volume) for file, volume in pairs)
    empty = len(files) - written
    note = f"; {empty} volumes are empty" if empty else ""
    typer.echo(f"Wrote {written} meshes to {files[0].parent}{note}.")


def wrote_surface(file, volume):
    """Writes the surface of a volume in [-1, 1] as a mesh; `False` if it is empty."""
    occupancies = 0.5 + 0.5 * volume[..., 0]
    if occupancies.max() <= 0.5:
        return False
    kg.data.write_mesh(file, occupancies)
    return True


def export(preset: Preset, folder: Folder):
    """Write a model as TF Serving loads it, and say how to serve and ask it."""
    if not folder.name.isdigit():
        folder = folder / str(_next_version(folder))
    gan = kg.from_preset(preset)
    gan.export(folder)
    translates = isinstance(gan, kg.ImageTranslator)
    typer.echo(f"Wrote {folder}, with the signatures")
    for name, what in _signatures(gan).items():
        typer.echo(f"  {name + ':':16} {what}")
    model = folder.resolve().parent
    typer.echo(f"\nServe it:\n  {docker_command(model)}")
    takes_texts = hasattr(gan, "takes_texts")
    asks = not takes_texts or gan.text_encoder is not None
    if len(gan.image_shape) == 3 and not translates and asks:
        asked = request(model, gan.num_classes, takes_texts)
        typer.echo(f"\nAsk for a picture:\n  {asked}")


def _signatures(gan):
    if hasattr(gan, "signatures_in_words"):
        return gan.signatures_in_words()
    return _translations(gan) if isinstance(gan, kg.ImageTranslator) else _draws(gan)


def _draws(gan):
    labels = ", labels" if gan.num_classes else ""
    draws = f"num_images, seed{labels} ->"
    found = {
        "serving_default": f"latents{labels} -> images",
        "sample": f"{draws} images in [-1, 1]",
    }
    if len(gan.image_shape) == 3:
        found["sample_png"] = f"{draws} image_bytes"
    if isinstance(gan, kg.AnomalyDetector):
        found["score"] = "images in [-1, 1] -> scores, anomalous, heatmaps"
        found["score_png"] = "image_bytes -> the same"
    return found


def _translations(gan):
    if hasattr(gan, "takes_styles"):
        images = "content, style in [-1, 1], alpha -> images in [-1, 1]"
        return {
            "serving_default": images,
            "stylize": images,
            "stylize_png": "content_bytes, style_bytes, alpha -> image_bytes",
        }
    found = {"serving_default": "images in [-1, 1] -> images in [-1, 1]"}
    for name in gan.directions:
        found[name] = found["serving_default"]
        found[f"{name}_png"] = "image_bytes -> image_bytes"
    return found


def presets(system: System = None):
    """List the pretrained models that come with this version."""
    found = kg.list_presets(system and kg.get_system(system))
    if not found:
        of_which = f" of {system}" if system else ""
        typer.echo(f"This version has no pretrained models{of_which}.")
    _table(found)


def systems():
    """List the systems that can be trained."""
    classes = {name: kg.get_system(name) for name in kg.list_systems()}
    _table({name: found.__doc__.splitlines()[0] for name, found in classes.items()})


def docker_command(model):
    """The command that serves a folder of versions at port 8501.

    Args:
        model: Absolute `pathlib.Path` of the folder.
    """
    name = _served_name(model)
    volume = shlex.quote(f"{model}:/models/{name}")
    return (
        f"docker run --rm -p 8501:8501 -v {volume} -e MODEL_NAME={name} "
        "tensorflow/serving"
    )


def request(model, num_classes, takes_texts=False):
    """The command that writes sample.png, as a server of this machine draws it.

    Args:
        model: As for `docker_command`.
        num_classes: Number of classes, or `None`.
        takes_texts: Whether the model is told in words what to draw.
    """
    inputs = {"num_images": 1, "seed": 7} | ({"labels": [0]} if num_classes else {})
    name = "sample_png"
    if takes_texts:
        name, inputs = "sample_texts_png", {**inputs, "texts": ["a red circle"]}
    body = json.dumps({"signature_name": name, "inputs": inputs})
    decode = (
        "import base64, json, sys; open('sample.png', 'wb').write("
        "base64.b64decode(json.load(sys.stdin)['outputs'][0]['b64']))"
    )
    return (
        f"curl -s -d '{body}' http://localhost:8501/v1/models/{_served_name(model)}"
        f':predict \\\n    | python3 -c "{decode}"'
    )


def _served_name(model):
    return re.sub(r"[^A-Za-z0-9_-]", "_", model.name) or "model"


def _next_version(folder):
    if not folder.is_dir():
        return 1
    taken = [int(p.name) for p in folder.iterdir() if p.name.isdigit()]
    return max(taken, default=0) + 1


def that_draws(preset):
    """The model of a preset, if it draws from latents.

    Args:
        preset: As for `kg.from_preset`.

    Raises:
        ValueError: if it translates images.
    """
    gan = kg.from_preset(preset)
    if isinstance(gan, kg.ImageTranslator):
        raise ValueError(
            f"{type(gan).__name__} makes images out of images: see `keras-gans "
            "translate --help`."
        )
    if not hasattr(gan, "sample"):
        raise ValueError(f"{type(gan).__name__} draws no images.")
    return gan


def check_free(files, overwrite, suffixes=(".png",), what="Pictures"):
    """Refuses names of files that are of no kind known, or are there already.

    Args:
        files: Paths.
        overwrite: Whether they may be replaced.
        suffixes: Endings of the names.
        what: What the files are, for the message.

    Raises:
        ValueError: for a name with another ending.
        FileExistsError: for a file that is there.
    """
    for file in files:
        if file.suffix not in suffixes:
            kinds = ", ".join(suffix[1:].upper() for suffix in suffixes)
            raise ValueError(f"{what} are {kinds} files. Found the name {file}.")
        if file.exists() and not overwrite:
            raise FileExistsError(
                f"{file} is there already: choose another name, or pass --overwrite."
            )


def _columns(num, classes):
    if classes and 1 < classes <= min(num, 32):
        return classes
    return math.isqrt(num - 1) + 1


def _table(rows):
    width = max(map(len, rows), default=0)
    for name, text in rows.items():
        typer.echo(f"{name:{width}}  {text}")

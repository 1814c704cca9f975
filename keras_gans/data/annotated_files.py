"""Boxes around the objects in pictures, as the files of VOC and COCO name them.

VOC: a folder with the sub-folders `JPEGImages` (or `images`) and `Annotations` (or
`annotations`), one XML file for each picture; parts of the data are the names in
`ImageSets/Main/<part>.txt` or `<part>.txt`, a line each. COCO: one JSON file for each
part, in `annotations` or beside the pictures.
"""

import json
import re
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from xml.etree import ElementTree

from keras_gans.core.plain_json import shown
from keras_gans.data.folder import SUFFIXES

MAX_XML_BYTES = 1 << 22
MAX_JSON_BYTES = 1 << 30
_PICTURES = ("JPEGImages", "images", "Images")
_NOTES = ("Annotations", "annotations")
# Of a folder without lists, every fifth picture in the order of names.
_HELD_OUT = 5
_COMMON_SPLITS = ("train", "test", "all")


class Annotated(NamedTuple):
    """One picture's file and its objects.

    Attributes:
        file: Path of the picture.
        boxes: List of corners (top, left, bottom, right) in pixels.
        names: List of the names of their classes.
        ignored: List of bool: VOC's difficult ones, COCO's crowds.
    """

    file: Path
    boxes: list
    names: list
    ignored: list


def read_annotated(folder, split):
    """The annotated pictures of one part of a folder.

    Args:
        folder: Path.
        split: Name of the part, or `"all"`. Of a VOC folder without lists, `"test"`
            is every fifth picture by name and `"train"` the rest.

    Returns:
        `(entries, class_names)`: list of `Annotated`, and the sorted names of all
        classes of all parts (COCO: in the order of their ids).

    Raises:
        ValueError: if the folder has no such annotations or no such part, or a file is
            damaged, or names a picture that is not there.
    """
    notes = _first_folder(folder, _NOTES)
    if notes is not None and any(notes.glob("*.xml")):
        return _read_voc(folder, notes, split)
    files = _json_files(folder)
    if not files:
        raise ValueError(
            f"{folder} has no annotations: expected the sub-folders images and "
            "annotations, of XML files as in VOC, or a JSON file as in COCO."
        )
    return _read_coco(folder, files, split)


def _first_folder(folder, names):
    return next((folder / name for name in names if (folder / name).is_dir()), None)


def _read_voc(folder, notes, split):
    pictures = _first_folder(folder, _PICTURES) or folder
    by_stem = {
        path.stem: path
        for path in sorted(pictures.iterdir())
        if path.suffix.lower() in SUFFIXES
    }
    files = {path.stem: path for path in sorted(notes.glob("*.xml"))}
    entries = {stem: _read_xml(path, by_stem) for stem, path in files.items()}
    names = tuple(sorted({name for one in entries.values() for name in one.names}))
    return [entries[stem] for stem in _part(folder, entries, split)], names


def _part(folder, entries, split):
    """The stems of the XML files of a part."""
    lists = folder / "ImageSets" / "Main"
    lists = lists if lists.is_dir() else folder
    listed = {path.stem: path for path in sorted(lists.glob("*.txt"))}
    known = [name for name in listed if name in (split, *_COMMON_SPLITS, "val")]
    if split == "all" and "all" not in listed:
        return list(entries)
    if split in listed:
        lines = listed[split].read_text("utf-8", errors="replace").splitlines()
        stems = [line.split()[0] for line in lines if line.strip()]
        if missing := [stem for stem in stems if stem not in entries]:
            raise ValueError(
                f"{listed[split]} names {len(missing)} pictures that have no XML file: "
                f"{', '.join(map(shown, missing[:5]))}."
            )
        return stems
    if known or split not in _COMMON_SPLITS:
        raise ValueError(
            f"{folder} has the splits {[*(known or _COMMON_SPLITS[:2]), 'all']}, got "
            f"{split!r}."
        )
    held_out = [i % _HELD_OUT == _HELD_OUT - 1 for i in range(len(entries))]
    wanted = split == "test"
    return [s for s, held in zip(entries, held_out, strict=True) if held == wanted]


def _read_xml(path, pictures):
    raw = path.read_bytes()[: MAX_XML_BYTES + 1]
    try:
        if len(raw) > MAX_XML_BYTES or b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
            raise ValueError("it is too large, or defines entities")
        root = ElementTree.fromstring(raw)
        boxes, names, ignored = [], [], []
        for found in root.iter("object"):
            corners = {key: float(found.findtext(f"bndbox/{key}")) for key in _CORNERS}
            # Pixels are counted from 1, and both corners belong to the box.
            boxes.append(
                (
                    corners["ymin"] - 1,
                    corners["xmin"] - 1,
                    corners["ymax"],
                    corners["xmax"],
                )
            )
            names.append(_name_of(found.findtext("name")))
            ignored.append(found.findtext("difficult", "0").strip() == "1")
    except (ElementTree.ParseError, TypeError, ValueError) as why:
        raise ValueError(f"{path} is no annotation as in VOC: {why}.") from why
    # By its name and not by <filename>, which is often a relic of another machine.
    if path.stem not in pictures:
        raise ValueError(f"{path} has no picture of its name beside it.")
    return Annotated(pictures[path.stem], boxes, names, ignored)


_CORNERS = ("ymin", "xmin", "ymax", "xmax")


def _name_of(text):
    name = (text or "").strip()
    if not name or len(name) > 200:
        raise ValueError("an object has no name")
    return name


def _json_files(folder):
    """Paths of COCO files by the part that their names say."""
    found = {}
    for place in (folder, folder / "annotations", *sorted(folder.glob("*/"))):
        for path in sorted(place.glob("*.json")) if place.is_dir() else ():
            part = re.sub(r"^instances_|\d{4}$|^_annotations\.coco$", "", path.stem)
            if part in ("", "annotations"):
                inside = place not in (folder, folder / "annotations")
                part = place.name if inside else "all"
            found.setdefault(part, path)
    return found


def _read_coco(folder, files, split):
    if split in files:
        wanted = [files[split]]
    elif split == "all" or (split == "train" and list(files) == ["all"]):
        wanted = list(files.values())
    else:
        raise ValueError(f"{folder} has the splits {list(files)}, got {split!r}.")
    entries, names = [], None
    for path in wanted:
        try:
            more, classes = _read_json(path, folder)
        except (KeyError, TypeError, RecursionError, ValueError) as why:
            reason = f"{type(why).__name__}: {why}"
            raise ValueError(f"{path} is no annotation as in COCO: {reason}.") from why
        if names not in (None, classes):
            raise ValueError(f"{path} has other classes than {wanted[0]}.")
        entries, names = entries + more, classes
    return entries, names


def _read_json(path, folder):
    if path.stat().st_size > MAX_JSON_BYTES:
        raise ValueError("it is larger than a gigabyte")
    content = json.loads(path.read_bytes())
    classes = {int(c["id"]): _name_of(c["name"]) for c in content["categories"]}
    # Data sets made on some platforms begin with a category that nothing is of.
    used = {int(one["category_id"]) for one in content["annotations"]}
    classes = {k: v for k, v in sorted(classes.items()) if k in used or k != 0}
    entries = {
        int(one["id"]): Annotated(_picture(one["file_name"], path, folder), [], [], [])
        for one in content["images"]
    }
    for one in content["annotations"]:
        entry = entries[int(one["image_id"])]
        left, top, width, height = map(float, one["bbox"])
        entry.boxes.append((top, left, top + height, left + width))
        entry.names.append(classes[int(one["category_id"])])
        entry.ignored.append(bool(one.get("iscrowd", 0)))
    return list(entries.values()), tuple(classes.values())


def _picture(name, path, folder):
    relative = PurePosixPath(str(name).replace("\\", "/"))
    if relative.is_absolute() or ".." in relative.parts:
        raise ValueError(f"it names a picture outside: {shown(str(name))}")
    dated = path.stem.removeprefix("instances_")
    parts = (*_PICTURES, dated, re.sub(r"\d{4}$", "", dated))
    places = (path.parent, folder, *(folder / part for part in parts))
    for place in places:
        if (place / relative).is_file():
            return place / relative
    raise ValueError(f"there is no picture {shown(str(name))}")

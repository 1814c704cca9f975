"""Meshes to voxels and voxels to meshes, by trimesh and scikit-image."""

import numpy as np

from keras_gans.core.files import written_whole

READ_SUFFIXES = (".off", ".obj", ".stl", ".ply")
MESH_SUFFIXES = (".obj", ".stl", ".ply")
MAX_SIDE = 512
# Of a volume's side, as the voxels of ModelNet are made: 52 of 64.
FILLED = 13 / 16


def voxelize(mesh, side, filled=FILLED):
    """A mesh as voxels, in the middle of a cube, with its hollows filled.

    Args:
        mesh: `trimesh.Trimesh`, or the path of a file of one: `.off`, `.obj`, `.stl`
            or `.ply`.
        side: Voxels of the cube's sides, at most 512.
        filled: Share of a side that the mesh takes where it is longest.

    Returns:
        bool array `(side, side, side)`, axes x, y, z.

    Raises:
        ImportError: without trimesh.
        ValueError: for a file that is no mesh, or a mesh without extent.

    Reference: arXiv 1610.07584, section 4 (through binvox).
    """
    if not 1 < side <= MAX_SIDE:
        raise ValueError(f"side is a number from 2 to {MAX_SIDE}. Found: {side}.")
    if not hasattr(mesh, "vertices"):
        mesh = _read(mesh)
    vertices = np.asarray(mesh.vertices, "float64")
    extent = np.ptp(vertices, axis=0).max() if len(vertices) else 0.0
    if not len(mesh.faces) or not np.isfinite(extent) or extent <= 0:
        raise ValueError("The mesh has no faces, or no extent that voxels could fill.")
    mesh = import_trimesh().Trimesh(vertices - vertices.min(axis=0), mesh.faces)
    most = max(1, round(filled * side))
    grid = mesh.voxelized(extent / max(1, most - 1)).fill(method="holes")
    return _in_the_middle(grid.matrix, side)


def to_mesh(volume, threshold=0.5):
    """The surface of a volume, by marching cubes.

    Args:
        volume: Array `(depth, height, width)`, bool or occupancies in [0, 1].
        threshold: Occupancy at which the surface lies.

    Returns:
        `trimesh.Trimesh` in units of voxels, closed also where the volume ends.

    Raises:
        ImportError: without trimesh and scikit-image.
        ValueError: for something else, or where nothing lies above the threshold.
    """
    volume = np.asarray(volume, "float32")
    if volume.ndim != 3:
        raise ValueError(
            f"A volume has the shape (depth, height, width). Found: {volume.shape}."
        )
    if not volume.max(initial=0.0) > threshold:
        raise ValueError(
            f"No voxel is above {threshold:g}: there is no surface. A smaller "
            "threshold may show one."
        )
    trimesh, measure = import_trimesh(), import_measure()
    vertices, faces, *_ = measure.marching_cubes(
        np.pad(volume, 1),
        threshold,
        gradient_direction="ascent",  # so that trimesh sees the faces from outside
    )
    return trimesh.Trimesh(vertices - 1.0, faces)


def write_mesh(path, volume, threshold=0.5):
    """Writes the surface of a volume as a mesh, wholly or not at all.

    Args:
        path: File to write: `.obj`, `.stl` or `.ply`.
        volume: As for `to_mesh`.
        threshold: As for `to_mesh`.

    Raises:
        ImportError: as `to_mesh`.
        ValueError: as `to_mesh`, or for another kind of file.

    Example:

    >>> write_mesh("chair.obj", gan.occupancies(1, seed=7)[0])
    """
    suffix = "." + str(path).rpartition(".")[2].lower()
    if suffix not in MESH_SUFFIXES:
        raise ValueError(
            f"Meshes are written as {', '.join(MESH_SUFFIXES)}. Found the name {path}."
        )
    mesh = to_mesh(volume, threshold)
    with written_whole(path) as file:
        mesh.export(file, file_type=suffix[1:])


def _read(path):
    trimesh = import_trimesh()
    kind = str(path).rpartition(".")[2].lower()
    try:
        # As a stream: a mesh must not name further files to be read.
        with open(path, "rb") as file:
            return trimesh.load(file, file_type=kind, force="mesh")
    except OSError:
        raise
    except Exception as why:  # its parsers raise a dozen kinds
        raise ValueError(f"{path} is no mesh that can be read: {why}") from why


def _in_the_middle(matrix, side):
    found = np.zeros((side,) * 3, bool)
    matrix = matrix[:side, :side, :side]
    starts = [(side - length) // 2 for length in matrix.shape]
    place = tuple(slice(s, s + n) for s, n in zip(starts, matrix.shape, strict=True))
    found[place] = matrix
    return found


def import_trimesh():
    """The package trimesh, or the error that says how to get it."""
    try:
        import trimesh
    except ImportError as error:
        raise ImportError(
            "Meshes and .binvox files need trimesh: pip install 'keras-gans[volumes]'."
        ) from error
    return trimesh


def import_measure():
    """scikit-image's module of measures, or the error that says how to get it."""
    try:
        from skimage import measure
    except ImportError as error:
        raise ImportError(
            "Marching cubes are scikit-image's: pip install 'keras-gans[volumes]'."
        ) from error
    return measure

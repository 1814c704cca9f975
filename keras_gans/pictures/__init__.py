"""Pictures of a model: grids of samples, paths between them, and how it learned."""

from keras_gans.pictures.boxes import draw_boxes
from keras_gans.pictures.curves import read_history, training_curves
from keras_gans.pictures.faces import aging_rows
from keras_gans.pictures.films import save_film, save_gif, save_mp4, video_grid
from keras_gans.pictures.grids import image_grid, save_png
from keras_gans.pictures.heatmaps import anomaly_rows, heat_colors
from keras_gans.pictures.inline import Inline, inline_picture, inline_svg
from keras_gans.pictures.rows import (
    class_rows,
    interpolation,
    style_grid,
    style_mixing,
    translation_rows,
    truncation_sweep,
)
from keras_gans.pictures.volumes import draw_volumes, turntable

__all__ = [
    "Inline",
    "aging_rows",
    "anomaly_rows",
    "class_rows",
    "draw_boxes",
    "draw_volumes",
    "heat_colors",
    "image_grid",
    "inline_picture",
    "inline_svg",
    "interpolation",
    "read_history",
    "save_film",
    "save_gif",
    "save_mp4",
    "save_png",
    "style_grid",
    "style_mixing",
    "training_curves",
    "translation_rows",
    "truncation_sweep",
    "turntable",
    "video_grid",
]

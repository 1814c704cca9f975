import sys
import xml.etree.ElementTree

import numpy as np
import pytest
from PIL import Image

from keras_gans.pictures import curves, read_history, training_curves

HISTORY = """\
epoch,generator_loss,penalty,val_generator_loss,frechet_distance,$x
0,1.5,0.25,NA,,NA
1,1.25,0.5,NA,12.5,NA
2,1.0,0.75,NA,NaN,3
3,0.75,1.0,NA,inf,NA
4,0.5,1.2"""


@pytest.fixture
def history(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text(HISTORY)
    return path


def lines(figure):
    return {
        axes.get_title("left"): [
            (line.get_label(), *line.get_xydata().T.tolist()) for line in axes.lines
        ]
        for axes in figure.axes
    }


def test_a_history_has_gaps_and_a_torn_end(history):
    found = read_history(history)
    np.testing.assert_array_equal(found["epoch"], [0, 1, 2, 3])
    np.testing.assert_array_equal(found["generator_loss"], [1.5, 1.25, 1.0, 0.75])
    np.testing.assert_array_equal(
        found["frechet_distance"], [np.nan, 12.5, np.nan, np.inf]
    )
    assert np.isnan(found["val_generator_loss"]).all()


def test_a_history_may_have_just_begun(tmp_path):
    for text in ("", "epoch,loss\n"):
        (tmp_path / "history.csv").write_text(text)
        assert read_history(tmp_path / "history.csv")["epoch"].shape == (0,)
    with pytest.raises(ValueError, match="no values to draw yet"):
        training_curves(tmp_path / "history.csv", tmp_path / "curves.png")


@pytest.mark.parametrize(
    "content", [b"name,loss\n", b"\xff\xfe", b'"' + b"x" * 200_000]
)
def test_other_files_are_no_history(tmp_path, content):
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(ValueError, match="is no history"):
        read_history(tmp_path / "history.csv")


def test_losses_share_axes_and_the_rest_have_their_own(history):
    values = read_history(history)
    panels = curves._panels(values, ("generator_loss", "penalty"))
    found = lines(curves._figure(values["epoch"] + 1, panels))
    assert found == {
        "loss": [
            ("generator loss", [1, 2, 3, 4], [1.5, 1.25, 1.0, 0.75]),
            ("penalty", [1, 2, 3, 4], [0.25, 0.5, 0.75, 1.0]),
        ],
        "frechet distance": [("frechet distance", [2], [12.5])],
        "$x": [("$x", [3], [3])],
    }
    assert list(curves._panels(values, None))[:2] == ["loss", "penalty"]


def test_validation_is_dashed_in_the_colour_of_training(tmp_path):
    (tmp_path / "h.csv").write_text("epoch,a_loss,val_a_loss,b,val_b\n0,1,2,3,4\n")
    values = read_history(tmp_path / "h.csv")
    figure = curves._figure(values["epoch"] + 1, curves._panels(values, None))
    for axes in figure.axes:
        training, validation = axes.lines
        assert training.get_color() == validation.get_color()
        assert (training.get_linestyle(), validation.get_linestyle()) == ("-", "--")
        assert "validation" in axes.get_legend().get_texts()[1].get_text()


def test_more_losses_than_colours_are_told_apart(tmp_path):
    names = [f"a{i}_loss" for i in range(12)]
    rows = [",".join(["epoch", *names]), ",".join(["0", *"123456123456"])]
    (tmp_path / "h.csv").write_text("\n".join(rows) + "\n")
    values = read_history(tmp_path / "h.csv")
    figure = curves._figure(values["epoch"] + 1, curves._panels(values, None))
    seen = {(x.get_color(), x.get_linestyle()) for x in figure.axes[0].lines}
    assert len(seen) == len(names)


def test_pictures_are_written_whole(history, tmp_path):
    training_curves(history, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width == 960 and picture.getpixel((0, 0)) == (255,) * 4
    files = [tmp_path / "first.svg", tmp_path / "second.svg"]
    for file in files:
        training_curves(history, file, background="none")
    assert files[0].read_bytes() == files[1].read_bytes()
    assert xml.etree.ElementTree.parse(files[0]).getroot().tag.endswith("svg")
    assert len(list(tmp_path.iterdir())) == 4


def test_only_two_kinds_of_file(history, tmp_path):
    with pytest.raises(ValueError, match=r"\.png or \.svg files"):
        training_curves(history, tmp_path / "curves.pdf")


def test_missing_matplotlib_is_one_sentence(history, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"matplotlib: .*keras-gans\[report\]"):
        training_curves(history, tmp_path / "curves.png")

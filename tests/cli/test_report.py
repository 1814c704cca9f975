import html
import html.parser
import json
import shutil
import sys

import pytest

from keras_gans import pictures
from keras_gans.cli import report, report_tables
from keras_gans.metrics import Protocol, Result
from tests.cli.conftest import names
from tests.systems import tiny_cgan

HOSTILE = "<script src='http://evil.example/x.js'>alert(1)</script>"
PROTOCOL = Protocol("pixels")
RESULTS = [
    Result("frechet_distance", {"frechet_distance": 3.25}, {}, PROTOCOL, 9, 9, 0),
    Result("kernel_distance", {"kernel_distance": 0.5, "std": 0.01}, {"degree": 3}),
    Result("precision_recall", {"precision": 0.75, "recall": float("inf")}, {"k": 3}),
    Result("psnr", {"psnr": 31.5}, notes=("Few samples.",)),
]
FLOOR = [
    Result("frechet_distance", {"frechet_distance": 0.125}, {}, PROTOCOL, 9, 5, 0),
    Result("precision_recall", {"precision": 0.5, "recall": 0.25}, {"k": 3}),
]


class Page(html.parser.HTMLParser):
    """The tags of a page, and that they are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self._open = [], []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("img", "meta", "source"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def copied(finished, tmp_path):
    """A finished run that a test may change."""
    return shutil.copytree(finished, tmp_path / "run")


def save_metrics(path):
    tables = {
        name: [json.loads(result.to_json()) for result in results]
        for name, results in (("results", RESULTS), ("floor", FLOOR))
    }
    protocol = {"data": HOSTILE, "num_generated": 9, "classes": [1, 2]}
    protocol["truncation"] = None
    path.write_text(json.dumps({"protocol": protocol, **tables}))


def test_a_finished_run(run, copied):
    before = names(copied)
    result = run("report", copied)
    assert result.exit_code == 0, result.output
    assert str(copied / "report.html") in result.stdout
    assert names(copied) == sorted([*before, "report.html"])
    text = (copied / "report.html").read_text("utf-8")
    assert "http://" not in text and "https://" not in text and "<script" not in text
    assert "<h1>DCGAN on noise</h1>" in text
    for fact in ("2 of 2", "8x8x1", "float32", "discriminator ", "batch_size = 4"):
        assert fact in text
    page = Page(text)
    assert [image["alt"] for image in page.all("img")] == [
        "Grid of samples after epoch 2",
        "Small grid of samples after epoch 1",
        "Small grid of samples after epoch 2",
        page.all("img")[3]["alt"],
        "Rows of samples along paths between two latents each",
    ]
    assert "generator_loss" in page.all("img")[3]["alt"]
    for address in [image["src"] for image in page.all("img")]:
        assert address.startswith("data:image/")
    assert page.all("source")[0]["media"] == "(prefers-color-scheme: dark)"
    assert "default-src 'none'" in text


def test_again_it_is_the_same_page(run, copied, tmp_path):
    for name in ("first.html", "new/second.html"):
        assert run("report", copied, "--out", tmp_path / name).exit_code == 0
    first, second = tmp_path / "first.html", tmp_path / "new" / "second.html"
    assert first.read_bytes() == second.read_bytes()
    assert "report.html" not in names(copied)


def test_a_run_still_going(copied):
    shutil.rmtree(copied / "preset")
    (copied / "samples" / "epoch_0002.png").unlink()
    history = copied / "history.csv"
    header, first, _ = history.read_text().splitlines()
    history.write_text(f"{header}\n{first}\n1,0.")
    text = report.page(copied)
    assert "1 of 2, unfinished" in text
    alts = [image["alt"] for image in Page(text).all("img")]
    assert alts[0] == "Grid of samples after epoch 1" and len(alts) == 2


def test_a_run_that_has_just_begun(copied):
    for name in ("preset", "samples"):
        shutil.rmtree(copied / name)
    (copied / "history.csv").write_text("")
    text = report.page(copied)
    assert "0 of 2, unfinished" in text and not Page(text).all("img")


def test_a_recipe_may_name_no_data(copied):
    (copied / "recipe.toml").write_text('system = "dcgan"')
    assert "<h1>DCGAN</h1>" in report.page(copied)


def test_a_conditional_model_shows_its_classes(copied):
    shutil.rmtree(copied / "preset")
    tiny_cgan().save_to_preset(copied / "preset")
    text = report.page(copied)
    assert "One row per class: 0 to 2" in text and "within one class" in text
    assert Page(text).all("img")[-1]["alt"] == (
        "Samples of classes 0 to 2, one row per class"
    )


def test_what_the_run_says_is_escaped(copied):
    recipe = copied / "recipe.toml"
    name = next(line for line in recipe.read_text().splitlines() if "noise" in line)
    recipe.write_text(recipe.read_text().replace(name, f'name = "{HOSTILE}"'))
    history = copied / "history.csv"
    history.write_text(history.read_text().replace("generator_loss", '"><script>"'))
    save_metrics(copied / "metrics.json")
    text = report.page(copied)
    assert "<script" not in text and html.escape(HOSTILE, quote=False)[:12] in text
    assert "script" not in [tag for tag, _ in Page(text).tags]


@pytest.mark.parametrize("place", ["preset/metrics.json", "metrics.json"])
def test_metrics_stand_beside_their_floor(copied, place):
    save_metrics(copied / place)
    scores = report_tables.scores(copied)
    assert [tuple(row.values()) for row in scores["rows"]] == [
        ("fd[pixels]", "", "3.25", "0.125"),
        ("kd", "", "0.5 ± 0.01", ""),
        ("precision", "precision_recall", "0.75", "0.5"),
        ("recall", "precision_recall", "inf", "0.25"),
        ("psnr", "", "31.5", ""),
    ]
    assert scores["protocol"] == {
        "data": HOSTILE,
        "num_generated": "9",
        "classes": "[1, 2]",
    }
    text = report.page(copied)
    assert "<td>3.25</td><td>0.125</td>" in text and "Few samples." in text
    Page(text)


def test_metrics_without_a_floor(copied):
    (copied / "metrics.json").write_text(
        json.dumps({"results": [json.loads(RESULTS[0].to_json())]})
    )
    text = report.page(copied)
    assert "<td>3.25</td></tr>" in text and "Floor" not in text


@pytest.mark.parametrize("text", ["{", "[]", '{"results": [{"metric": "fid"}]}'])
def test_damaged_metrics_are_named(refused, copied, text):
    (copied / "metrics.json").write_text(text)
    assert f"{copied / 'metrics.json'} holds no metrics" in refused("report", copied)


def test_other_folders_are_refused(refused, finished, tmp_path):
    for folder in (tmp_path, tmp_path / "absent", finished / "preset"):
        assert f"{folder} is no run: it lacks" in refused("report", folder)
    assert list(tmp_path.iterdir()) == []


def test_reports_are_html_files(refused, finished, tmp_path):
    line = refused("report", finished, "--out", tmp_path / "report.pdf")
    assert "Reports are .html files" in line


@pytest.mark.parametrize("package", ["jinja2", "matplotlib"])
def test_missing_packages_are_one_sentence(refused, copied, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    line = refused("report", copied)
    assert f"{package}: pip install 'keras-gans[report]'" in line
    assert "report.html" not in names(copied)


def test_few_of_many_pictures_are_shown(copied):
    (picture, _) = sorted((copied / "samples").iterdir())
    for epoch in range(3, 101):
        shutil.copy(picture, copied / "samples" / f"epoch_{epoch:04d}.png")
    (copied / "samples" / "epoch_last.png").write_text("not one of ours")
    grids = report._grids(copied / "samples")
    assert [grid["epoch"] for grid in grids] == [1, 3, 6, 16, 40, 100]
    assert isinstance(grids[-1]["large"], pictures.Inline)

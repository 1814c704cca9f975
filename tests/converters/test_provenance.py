import json

import pytest

import keras_gans as kg
from tests.systems import tiny_gan


def test_a_licence_stays_with_the_weights(tmp_path):
    gan = tiny_gan()
    gan.provenance = {"source": "stylegan2_ada", "licence": "CC BY-NC 4.0"}
    gan.save_to_preset(tmp_path / "first")
    again = kg.from_preset(tmp_path / "first")
    again.save_to_preset(tmp_path / "second", include_optimizer=False)
    for name in ("first", "second"):
        metadata = json.loads((tmp_path / name / "metadata.json").read_text("utf-8"))
        assert metadata["provenance"] == gan.provenance


def test_weights_of_our_own_have_none(tmp_path):
    tiny_gan().save_to_preset(tmp_path / "own")
    assert "provenance" not in (tmp_path / "own/metadata.json").read_text("utf-8")
    assert not hasattr(kg.from_preset(tmp_path / "own"), "provenance")


@pytest.mark.parametrize("bad", [["x"], {"a": 1}, "text", {"a": {"b": "c"}}])
def test_a_strange_provenance_is_refused(tmp_path, bad):
    tiny_gan().save_to_preset(tmp_path / "own")
    path = tmp_path / "own/metadata.json"
    metadata = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**metadata, "provenance": bad}), "utf-8")
    with pytest.raises(kg.PresetError, match="no table of texts"):
        kg.from_preset(tmp_path / "own")

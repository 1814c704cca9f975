import time

import pytest

import keras_gans as kg
from keras_gans.cli import recipe_files, recipes

RECIPE = """
system = "wgan_gp"
[arguments]
image_shape = [8, 8, 1]
penalty_weight = 5
[data]
name = "digits"
image_size = 8
[fit]
epochs = 3
[optimizers.critic]
class = "Adam"
learning_rate = 1e-4
"""


def read(tmp_path, text):
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return recipes.read(path)


def test_defaults_fill_what_is_left_out(tmp_path):
    recipe = recipes.with_defaults(read(tmp_path, RECIPE))
    assert recipe["fit"] == {"batch_size": 64, "epochs": 3}
    assert recipe["data"]["split"] == "train" and recipe["data"]["flip"] is False
    assert recipe["training"] == {"precision": "float32"}
    recipes.check_system(recipe, kg.WGANGP)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("system", "sistem", "no key sistem: did you mean system"),
        ('system = "wgan_gp"', "", "key system is missing"),
        ("[fit]", "[fitt]", "no key fitt: did you mean fit"),
        ("epochs = 3", "epoch = 3", "no key fit.epoch: did you mean epochs"),
        ("epochs = 3", "epochs = 0", "fit.epochs must be a whole number from 1 on"),
        ("epochs = 3", "epochs = true", "fit.epochs must be a whole number from 1 on"),
        ("epochs = 3", "batch_size = 65537", "batch_size must be .* from 1 to 65536"),
        ("epochs = 3", "batch_size = inf", "batch_size must be .* from 1 to 65536"),
        (
            "epochs = 3",
            "epochs = 0x" + "f" * 99,
            "a whole number has more than 64 bits",
        ),
        ("epochs = 3", "epochs.a" + ".a" * 30 + " = 1", "nested deeper than 20"),
        ("epochs = 3", "a" * 1025 + " = 1", "line 10 is longer than 1024 characters"),
        ("epochs = 3", "'\x7f' = 1", "is no TOML"),
        ("epochs = 3", '"\\u001b[2J" = 1', r"no key 'fit\.\\x1b\[2J': did you"),
        ("image_size = 8", "image_size = 20000", r"\[height, width\], at most 16384"),
        ("image_size = 8", "image_size = [8]", r"pixels or \[height, width\]"),
        ("epochs = 3", "epochs = ", "is no TOML"),
        ("[optimizers.critic]", "[optimizers]", "optimizers.class must be a table"),
    ],
)
def test_broken_recipes_are_refused_by_key(tmp_path, old, new, message):
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, RECIPE.replace(old, new))
    assert "recipe.toml" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("penalty_weight", "penalty", "arguments.penalty: did you mean penalty_weight"),
        ("penalty_weight = 5", 'penalty_weight = "5"', "must be a number. Found: '5'"),
        ("[8, 8, 1]", "[8, 0, 1]", "image_shape must be a list of whole numbers"),
        (
            "[8, 8, 1]",
            "[60000, 60000, 3]",
            "image_shape must be .* at most 2..28 values",
        ),
        ("penalty_weight = 5", "latent_dim = 1000001", "latent_dim must be .* 1000000"),
        ("penalty_weight = 5", "penalty_weight = nan", "must be a number. Found: nan"),
        ("penalty_weight = 5", 'generator = "x"', "no key arguments.generator"),
        ("optimizers.critic", "optimizers.critik", "critik: did you mean critic"),
        ('"Adam"', '"Adan"', "optimizers.critic.class must be one of Adam"),
        ("learning_rate =", "rate =", "critic.rate: did you mean"),
        ("= 1e-4", "= true", "critic.learning_rate must be a number"),
    ],
)
def test_what_the_system_does_not_take_is_refused_by_key(tmp_path, old, new, message):
    recipe = recipes.with_defaults(read(tmp_path, RECIPE.replace(old, new)))
    with pytest.raises(ValueError, match=message):
        recipes.check_system(recipe, kg.WGANGP)


def test_tables_are_tables(tmp_path):
    with pytest.raises(ValueError, match="fit must be a table. Found: 3"):
        read(tmp_path, 'system = "gan"\nfit = 3')


def test_nesting_without_end_is_refused(tmp_path):
    with pytest.raises(ValueError, match="is no TOML"):
        read(tmp_path, f"epochs = {'[' * 5000}")


def test_large_files_are_not_read(tmp_path):
    with pytest.raises(ValueError, match="larger than 64 kB"):
        read(tmp_path, "#\n" * (recipes.MAX_BYTES // 2 + 1))


def test_absent_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="no recipe"):
        recipes.read(tmp_path / "recipe.toml")


@pytest.mark.parametrize("name", ["~nobody_of_that_name/x", "x" * 300, "a\0b", "."])
def test_what_cannot_be_opened_is_named(name):
    with pytest.raises((FileNotFoundError, ValueError)) as error:
        recipes.read(name)
    assert type(error.value) in (FileNotFoundError, ValueError)
    assert name[:8].replace("\0", "\\x00") in str(error.value)


def test_reading_takes_no_time_that_grows_with_the_square(tmp_path):
    began = time.process_time()
    header = "[a" + ".a" * 500 + "]\n"
    for text in ("a" + ".a" * 30_000 + " = 1", header * 60, header + "k = 1\n" * 9000):
        with pytest.raises(ValueError, match="is no TOML"):
            read(tmp_path, text)
    many = "".join(f"k{n}=1\n" for n in range(7000))
    with pytest.raises(ValueError, match="nested deeper"):
        read(tmp_path, header + many)
    assert time.process_time() - began < 5


def test_what_toml_cannot_hold_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="A recipe cannot hold this"):
        recipe_files.write({"arguments": {"labels": None}}, tmp_path / "recipe.toml")
    assert list(tmp_path.iterdir()) == []


def test_text_round_trip(tmp_path):
    odd = 'a "b"\\ \n\t\x7f é 🎲'
    recipe = {
        "system": "gan",
        "arguments": {"image_shape": (8, 8, 1), "minimax": True, "rate": 1e-05},
        "data": {"name": odd},
        "optimizers": {"generator": {"class": "SGD", "learning_rate": 3}},
    }
    recipe_files.write(recipe, tmp_path / "new" / "recipe.toml")
    again = recipes.read(tmp_path / "new" / "recipe.toml")
    recipe["arguments"]["image_shape"] = [8, 8, 1]
    assert again == recipe
    assert [f.name for f in (tmp_path / "new").iterdir()] == ["recipe.toml"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("0.5", 0.5),
        ("true", True),
        ("[8, 8, 1]", [8, 8, 1]),
        ('"mlp"', "mlp"),
        ("mlp", "mlp"),
        ("not-saturating", "not-saturating"),
    ],
)
def test_values_on_the_command_line(text, value):
    assert recipes.parse_value(text) == value


@pytest.mark.parametrize("text", ["[3", "1\nother = 2", "a b", ""])
def test_what_is_no_value(text):
    with pytest.raises(ValueError, match="value"):
        recipes.parse_value(text)


def test_every_system_takes_an_augmentation(tmp_path):
    for augmentation in ("ada", "color,cutout"):
        text = RECIPE.replace("[data]", f'augmentation = "{augmentation}"\n[data]')
        recipe = recipes.with_defaults(read(tmp_path, text))
        recipes.check_system(recipe, kg.WGANGP)
        arguments = {**recipe["arguments"], "architecture": "mlp", "base_channels": 2}
        gan = kg.WGANGP(**arguments)
        assert gan.augmentation.name.startswith(("ada", "diff_augment"))
    bad = RECIPE.replace("[data]", "augmentation = 3\n[data]")
    with pytest.raises(ValueError, match="arguments.augmentation must be text"):
        recipes.check_system(recipes.with_defaults(read(tmp_path, bad)), kg.WGANGP)


def test_rates_fall_in_epochs_that_there_are(refused, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text('system = "gan"\n[fit]\nepochs = 2\ndecay_epochs = 3')
    said = refused("train", path, "--data", "digits", "--out", tmp_path / "run")
    assert "fit.decay_epochs are the last of fit.epochs" in said

"""RadialGAN on tables: missing values, categories, and what comes back."""

import json
import sys

import numpy as np
import pandas
import pytest

import keras_gans as kg
from keras_gans.models.radial_gan import Table
from keras_gans.models.radial_gan.tables import learnt
from tests.contract import on_tensorflow


def hospital(count, seed, shift=0.0):
    """Age and a laboratory value of people, of whom the older are ill more often."""
    rng = np.random.default_rng(seed)
    age = rng.normal(50 + shift, 10, count)
    ill = (age + rng.normal(0, 10, count) > 50 + shift).astype(int)
    return pandas.DataFrame({"age": age, "ill": ill})


@pytest.fixture(scope="module")
def tables():
    north, south = hospital(40, 0), hospital(30, 1, shift=5)
    north["ward"] = np.where(north.ill == 1, "heart", "eye")
    north.loc[[0, 1], "age"] = np.nan
    north.loc[2, "ward"] = None
    south["pulse"] = 60 + 20 * south.ill + np.arange(30) % 5
    south["stage"] = np.arange(30) % 3 + 1.0
    south.loc[0, "stage"] = np.nan
    south["lost"] = np.nan
    south["same"] = 4
    return {"north": north, "south": south}


@pytest.fixture(scope="module")
def gan(tables):
    sizes = {"hidden_units": 4, "latent_dim": 3}
    return kg.RadialGAN.for_tables(tables, "ill", categorical=["stage"], **sizes)


def test_what_is_learnt_is_plain(tables, gan):
    found = learnt(tables, "ill", ["stage"])
    assert json.loads(json.dumps(found)) == found
    assert found["label"] == {"name": "ill", "classes": [0, 1]}
    north, south = gan.tables
    assert north.names == ["age", "ward"] and north.width == 3
    # What is all missing, or always the same, says nothing.
    assert south.names == ["age", "pulse", "stage"] and south.width == 5
    assert south.groups == [(2, 5)]
    assert south.columns[2]["categories"] == [1, 2, 3]
    assert north.columns[1] == {
        "name": "ward",
        "categories": ["eye", "heart"],
        "usual": tables["north"].ward.mode()[0],
    }


def test_encoding_agrees_with_scikit_learn(tables, gan):
    """Means for what is missing, then standard deviations; modes, then one-hot."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

    south = tables["south"]
    mode = SimpleImputer(strategy="most_frequent")
    numbers = ["age", "pulse"]

    def standardised(x):
        return (x - south[numbers].mean().to_numpy()) / south[numbers].std(ddof=0).array

    theirs = make_column_transformer(
        (
            make_pipeline(SimpleImputer(), FunctionTransformer(standardised)),
            numbers,
        ),
        (make_pipeline(mode, OneHotEncoder(sparse_output=False)), ["stage"]),
    ).fit_transform(south)
    np.testing.assert_allclose(gan.tables[1].encode(south), theirs, atol=1e-5)
    rows = gan.tables[0].encode(tables["north"])
    assert rows[:2, 0].tolist() == [0, 0] and np.isfinite(rows).all()


def test_decoding_undoes_encoding(tables, gan):
    for table, frame in zip(gan.tables, tables.values(), strict=True):
        whole = frame.dropna(subset=table.names)
        back = table.decode(table.encode(whole), whole.index)
        pandas.testing.assert_frame_equal(
            back, whole[table.names], check_dtype=False, rtol=1e-5
        )


def test_decoders_make_probabilities(tables, gan):
    rows = gan.tables[0].encode(tables["north"])
    made = gan.translate(rows, "north", "south", tables["north"].ill)
    np.testing.assert_allclose(made[:, 2:].sum(axis=1), 1, atol=1e-5)
    assert (made[:, 2:] > 0).all()


def test_tables_are_translated(tables, gan):
    north = tables["north"].sample(frac=1, random_state=0)
    made = gan.translate(north, "north", "south")
    assert list(made.columns) == ["age", "pulse", "stage", "ill"]
    assert made.index.equals(north.index)
    assert (made.ill == north.ill).all()
    assert set(made.stage) <= {1, 2, 3} and made.notna().all(axis=None)
    bare = north.drop(columns="ill")
    with pytest.raises(ValueError, match="give the column ill"):
        gan.translate(bare, "north", "south")
    shared = gan.translate(bare, "north", "south", labels="prevalence")
    assert "ill" not in shared.columns
    assert len(gan.translate(north[:0], "north", "south")) == 0


def test_training_on_tables_survives_a_preset(tables, tmp_path):
    gan = kg.RadialGAN.for_tables(tables, "ill", ["stage"], hidden_units=4, seed=1)
    gan.compile()
    logs = gan.fit(tables, batch_size=8, epochs=1, verbose=0).history
    assert set(logs) == set(gan.reports) and np.isfinite(list(logs.values())).all()
    gan.evaluate(tables, batch_size=8, verbose=0)
    gan.save_to_preset(tmp_path / "gan", include_optimizer=False)
    again = kg.from_preset(tmp_path / "gan")
    first, second = (g.translate(tables["south"], 1, 0) for g in (gan, again))
    pandas.testing.assert_frame_equal(first, second)
    assert not list((tmp_path / "gan").glob("*.pkl"))


def test_wrong_tables_are_refused(tables, gan, monkeypatch):
    gan.compile()
    north, south = tables.values()
    with pytest.raises(ValueError, match="domains north, south. Found tables of north"):
        gan.fit({"north": north})
    with pytest.raises(ValueError, match="lacks the column ill"):
        gan.fit({"north": north.drop(columns="ill"), "south": south})
    with pytest.raises(ValueError, match="Tables hold their labels"):
        gan.fit(tables, north.ill)
    with pytest.raises(ValueError, match="lacks the columns pulse, stage"):
        gan.translate(north, "south", "north")
    with pytest.raises(ValueError, match="ward is one of .* Found: 'ear'"):
        gan.translate(north.assign(ward="ear"), "north", "south")
    missing = gan.tables[0].encode(north.assign(ward="ear"), unknown="missing")
    assert (missing[:, 1:] == missing[0, 1:]).all()
    with pytest.raises(ValueError, match="age holds numbers. Found: 'old'"):
        gan.translate(north.assign(age="old"), "north", "south")
    with pytest.raises(ValueError, match="age holds infinite"):
        gan.translate(north.assign(age=np.inf), "north", "south")
    with pytest.raises(ValueError, match=r"label ill is one of \[0, 1\]. Found: 7"):
        gan.translate(north.assign(ill=7), "north", "south")
    with pytest.raises(ValueError, match="rows without a label"):
        learnt({"north": north.assign(ill=np.nan)}, "ill")
    with pytest.raises(ValueError, match="has two classes"):
        learnt({"north": north.assign(ill=range(40))}, "ill")
    with pytest.raises(ValueError, match="numbers in one domain and categories"):
        learnt({"a": north, "b": south.assign(ward=range(30))}, "ill")
    with pytest.raises(ValueError, match="more than 64"):
        many = pandas.concat([north] * 2).assign(ward=[f"w{i}" for i in range(80)])
        learnt({"north": many}, "ill")
    with pytest.raises(ValueError, match="domain north has no columns"):
        learnt({"north": north[["ill"]]}, "ill")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"pip install keras-gans\[tables\]"):
        gan.tables[0].decode(np.zeros((1, 3)))


def test_tables_are_augmented(tables, gan):
    more = gan.augment("south", tables)
    assert more.weight == 1 and more.validation_auc == {}
    assert more.origin == ["south"] * 30 + ["north"] * 40
    assert list(more.table.columns) == ["age", "pulse", "stage", "ill"]
    assert (more.table.ill[30:].to_numpy() == tables["north"].ill).all()
    assert more.sample_weight.tolist() == [1.0] * 70
    none = gan.augment("south", tables, weights=(0.0,))
    assert none.origin == ["south"] * 30
    chosen = gan.augment("north", tables, validation=hospital(20, 2).assign(ward="eye"))
    assert set(chosen.validation_auc) == {0, 0.05, 0.1, 0.3, 1}
    best = max(chosen.validation_auc.values())
    assert chosen.validation_auc[chosen.weight] == best
    ties = [w for w, auc in chosen.validation_auc.items() if auc == best]
    assert chosen.weight == min(ties)
    with pytest.raises(ValueError, match="all of one class"):
        gan.augment("north", tables, validation=tables["north"].assign(ill=1))


@on_tensorflow
def test_columns_are_served(tables, gan, tmp_path):
    import tensorflow as tf

    gan.export(tmp_path / "1")
    served = tf.saved_model.load(str(tmp_path / "1")).signatures
    assert set(served) == set(gan.signatures_in_words())
    rows = tables["north"]
    columns = {
        "age": tf.constant(rows.age, tf.float32),
        "ward": tf.constant(rows.ward.fillna("").tolist()),
        "ill": tf.constant(rows.ill, tf.float32),
    }
    found = served["translate_north_to_south"](**columns)
    expected = gan.translate(rows, "north", "south")
    for name in expected.columns:
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4)
    back = served["translate_south_to_north"](
        **{k: tf.cast(v, tf.float32) for k, v in found.items()}
    )
    wards = [ward.decode() for ward in back["ward"].numpy()]
    assert wards == gan.translate(expected, "south", "north").ward.tolist()
    wrong = {**columns, "ward": tf.constant(["ear"] * 40)}
    with pytest.raises(tf.errors.InvalidArgumentError, match="ward is one of"):
        served["translate_north_to_south"](**wrong)


def test_a_table_of_a_width():
    table = Table(3, 1)
    assert table.name == "domain_1" and table.width == 3 and table.groups == []
    with pytest.raises(ValueError, match="at least one feature"):
        Table(0)


@pytest.mark.slow
def test_translation_beats_simple_combine_where_features_are_unrelated():
    """8.8: the gain over simple combination; none over the target alone is claimed."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    gains = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        mixed = [rng.normal(size=(6, d)) for d in (8, 10, 6)]
        slope = rng.normal(size=6)

        def domain(i, count, rng=rng, mixed=mixed, slope=slope):
            z = rng.normal(size=(count, 6))
            y = (rng.random(count) < 1 / (1 + np.exp(-z @ slope))).astype("int32")
            x = np.tanh(z @ mixed[i]) + 0.1 * rng.normal(size=(count, len(mixed[i].T)))
            return ((x - x.mean(0)) / x.std(0)).astype("float32"), y

        parts = [domain(i, n) for i, n in enumerate((100, 1000, 1000))]
        test_rows, test_labels = domain(0, 3000)
        rows, labels = zip(*parts, strict=True)
        gan = kg.RadialGAN((8, 10, 6), hidden_units=24, seed=seed)
        gan.compile()
        batches = kg.models.radial_gan.DomainBatches(rows, labels, 128, repeats=20)
        gan.fit(batches, epochs=15, verbose=0)
        lent = [rows[0]] + [gan.translate(rows[j], j, 0, labels[j]) for j in (1, 2)]

        def auc(x, y, columns, test_rows=test_rows, test_labels=test_labels):
            model = LogisticRegression(max_iter=1000).fit(x[:, :columns], y)
            chances = model.predict_proba(test_rows[:, :columns])[:, 1]
            return roc_auc_score(test_labels, chances)

        everyone = np.concatenate(labels)
        combined = np.concatenate([part[:, :6] for part in rows])
        gains.append(
            auc(np.concatenate(lent), everyone, 8) - auc(combined, everyone, 6)
        )
    assert np.mean(gains) > 0.03

"""What translated rows are for: a larger table, from which a predictor may learn."""

from typing import NamedTuple

import numpy as np

from keras_gans.models.radial_gan import checking

# Of a translated row, where a real one has 1: the paper's first; 0 leaves it out.
WEIGHTS = (1.0, 0.0, 0.05, 0.1, 0.3)


class Augmented(NamedTuple):
    """A domain's table and the rows of others translated into it.

    Attributes:
        table: `pandas.DataFrame` with the columns of the domain and the label.
        sample_weight: numpy array `(num_rows,)`: 1 for the domain's own rows.
        origin: List of the name of the domain that each row comes from.
        weight: That of translated rows; 0 leaves none of them in the table.
        validation_auc: Dict of weight to the AUC of a logistic regression on the
            validation rows; empty without them.
    """

    table: object
    sample_weight: object
    origin: list
    weight: float
    validation_auc: dict


def augment(model, domain, frames, validation, weights):
    """See `RadialGAN.augment`."""
    import pandas

    target = model.number_of(domain)
    checking.check_tables(model, frames, None)
    own = model.tables[target].name
    label = model.target.name
    columns = [*model.tables[target].names, label]
    parts = {own: frames[own][columns]}
    for j in model.others(target):
        name = model.tables[j].name
        parts[name] = model.translate(frames[name], j, target)[columns]
    table = pandas.concat(parts.values(), ignore_index=True)
    origin = [name for name, part in parts.items() for _ in range(len(part))]
    is_own = np.array(origin) == own
    scores, best = {}, weights[0]
    if validation is not None:
        for weight in weights:
            each = np.where(is_own, 1.0, weight)
            chances = predicted(model, target, table, each, validation)
            scores[weight] = _auc(model.target.encode(validation[label]), chances)
        # Of equals the one that trusts the real rows most.
        best = max(sorted(weights), key=scores.get)
    each = np.where(is_own, 1.0, best)
    kept = each > 0
    return Augmented(
        table[kept].reset_index(drop=True),
        each[kept],
        [name for name, is_kept in zip(origin, kept, strict=True) if is_kept],
        best,
        scores,
    )


def predicted(model, target, table, sample_weight, rows):
    """Chances of the second class, by a logistic regression learnt of a table.

    Args:
        model: The `RadialGAN`, whose encoding the regression sees.
        target: Number of the domain.
        table: Table to learn from.
        sample_weight: Array; rows of weight 0 are left out.
        rows: Table to predict; categories unknown to the model count as missing.

    Returns:
        numpy array `(num_rows,)`.
    """
    from sklearn.linear_model import LogisticRegression

    encode = model.tables[target].encode
    kept = sample_weight > 0
    labels = model.target.encode(table[model.target.name])
    regression = LogisticRegression(max_iter=1000)
    regression.fit(encode(table)[kept], labels[kept], sample_weight[kept])
    return regression.predict_proba(encode(rows, unknown="missing"))[:, 1]


def encoded(model, rows, labels, source, is_table):
    """What `translate` works with.

    Args:
        model: The `RadialGAN`.
        rows: Table or array.
        labels: As for `translate`.
        source: Number of the rows' domain.
        is_table: Whether the rows are a table.

    Returns:
        Encoded rows, labels as float32 numbers, and the labels to hand on with them, or
        `None`.

    Raises:
        ValueError: for rows or labels that do not suit.
    """
    table, target = model.tables[source], model.target
    features = table.encode(rows) if is_table else np.asarray(rows, "float32")
    checking.check_width(table, (len(features) or 1, *features.shape[1:]))
    checking.check_values(table, features)
    if isinstance(labels, str) and labels == "prevalence":
        return features, np.full(len(features), table.prevalence, "float32"), None
    if labels is None and is_table and target.name in rows.columns:
        labels = rows[target.name]
    if labels is None:
        raise ValueError(
            f"A row is translated with its label: give the column {target.name}, or "
            "labels=...; labels='prevalence' stands for the share of the second class."
        )
    if len(labels) != len(features):
        raise ValueError(f"There are {len(features)} rows and {len(labels)} labels.")
    if not is_table:
        return features, np.asarray(labels, "float32"), labels
    return features, target.encode(labels).astype("float32"), np.asarray(labels)


def _auc(labels, chances):
    from sklearn.metrics import roc_auc_score

    if len(np.unique(labels)) < 2:
        raise ValueError("The validation rows are all of one class: give others.")
    return float(roc_auc_score(labels, chances))

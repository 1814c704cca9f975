"""What is measured and drawn of systems that find anomalies, and how cards state it."""

import numpy as np
from _pictures import save
from _tables import results_of, table_of
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score, roc_auc_score

import keras_gans as kg
from keras_gans import metrics, pictures
from keras_gans.core.thresholds import threshold_at

RESAMPLES = 2000
# Images of each kind beside each other on a card.
SHOWN = 6
MEANINGS = {
    "auroc": "Chance that an anomalous image scores above a normal one; 0.5 if blind",
    "average_precision": "Mean precision over all thresholds; the share of anomalous "
    "images if blind",
    "false_alarms": "Normal test images above the threshold, which was chosen on "
    "normal images held out from the training",
    "detected": "Anomalous test images above it",
}
_ADVANTAGE = "auroc_minus_pca"


def measure(gan, source, data):
    """Scores of the test set, beside PCA's errors of reconstruction.

    Args:
        gan: An `AnomalyDetector` with a threshold.
        source: `NormalSource` of `data`.
        data: A recipe's full table `data`.

    Returns:
        An `Evaluation`: its floor is what scikit-learn's PCA finds with as many
        components as the system has latents, trained and held out on the same images;
        `spread` holds 95 % intervals over resamples of the test images.
    """
    images, anomalous = source.tested()
    scores = gan.score(images)
    errors, error_threshold = _pca(source, images, gan.latent_dim, gan.false_alarm_rate)
    threshold = float(gan.threshold.numpy())
    found = _values(anomalous, scores, threshold)
    floor = _values(anomalous, errors, error_threshold)
    resampled = [
        (
            _values(anomalous[rows], scores[rows], threshold),
            roc_auc_score(anomalous[rows], errors[rows]),
        )
        for rows in _resamples(anomalous)
    ]
    spread = {
        f"{name} {name}": _interval([values[name] for values, _ in resampled])
        for name in found
    }
    advantage = [values["auroc"] - other for values, other in resampled]
    spread[_ADVANTAGE] = _interval(advantage)
    facts = {
        "system": type(gan).__name__,
        "data": data["name"],
        "split": "test",
        "num_samples": len(images),
        "num_anomalous": int(anomalous.sum()),
        "num_trained": source.num_images,
        "num_held_out": len(source.held_out),
        "latent_dim": gan.latent_dim,
        "false_alarm_rate": gan.false_alarm_rate,
        "threshold": threshold,
        "baseline": "PCA",
        "seed": 0,
        "image_size": list(gan.image_shape[:2]),
        "keras_gans_version": kg.__version__,
        "spread": spread,
        "seeds": [0],
    }
    for name, value in found.items():
        low, high = spread[f"{name} {name}"]
        print(f"{name}: {value:.4g}, {low:.4g} to {high:.4g}; PCA {floor[name]:.4g}")
    return metrics.Evaluation(
        facts, results_of(found, len(images)), results_of(floor, len(images))
    )


def _pca(source, images, components, false_alarm_rate):
    """Mean squared errors of reconstruction, and the threshold chosen likewise."""
    normals, held_out, tested = (
        kg.data.to_unit(part).reshape(len(part), -1).astype("float64")
        for part in (source.images[: source.num_images], source.held_out, images)
    )
    pca = PCA(components, random_state=0).fit(normals)

    def errors(rows):
        again = pca.inverse_transform(pca.transform(rows))
        return np.square(rows - again).mean(axis=1)

    return errors(tested), threshold_at(errors(held_out), false_alarm_rate)


def _values(anomalous, scores, threshold):
    above = scores > threshold
    return {
        "auroc": roc_auc_score(anomalous, scores),
        "average_precision": average_precision_score(anomalous, scores),
        "false_alarms": above[~anomalous].mean(),
        "detected": above[anomalous].mean(),
    }


def _resamples(anomalous):
    """Rows drawn with replacement, as many of each kind as there are."""
    random = np.random.default_rng(0)
    kinds = [np.flatnonzero(anomalous == kind) for kind in (False, True)]
    for _ in range(RESAMPLES):
        yield np.concatenate([random.choice(rows, len(rows)) for rows in kinds])


def _interval(values):
    return [float(value) for value in np.quantile(values, (0.025, 0.975))]


def draw(gan, source, folder):
    """Normal test images and anomalous ones, reconstructions and heatmaps below."""
    images, anomalous = source.tested()
    shown = [
        rows[np.linspace(0, len(rows) - 1, SHOWN).astype(int)]
        for rows in (np.flatnonzero(~anomalous), np.flatnonzero(anomalous))
    ]
    columns, found = pictures.anomaly_rows(gan, images[np.concatenate(shown)])
    rows = found.reshape(-1, columns, *found.shape[1:]).swapaxes(0, 1)
    save(folder / "heatmaps.png", rows.reshape(-1, *rows.shape[2:]), 2 * SHOWN)


def figures(found, floor, facts):
    """The Markdown that stands between the marks of a card.

    Args:
        found: `(label, name, value)` of each figure.
        floor: `(label, name)` to PCA's figure.
        facts: Dict as in `metrics.json`.
    """
    low, high = facts["spread"][_ADVANTAGE]
    verdict = "not better than PCA, and not worse,"
    verdict = "better than PCA" if low > 0 else verdict if high >= 0 else "worse"
    lines = [
        f"The {facts['num_samples']:,} images of the part test of {facts['data']}, "
        f"{facts['num_anomalous']:,} of them anomalous; trained on "
        f"{facts['num_trained']:,} normal ones, the threshold ({facts['threshold']:.4g}"
        f", false-alarm rate {facts['false_alarm_rate']:g}) chosen on "
        f"{facts['num_held_out']:,} others. Interval: 95 % of {RESAMPLES:,} resamples "
        "of the test images. PCA: errors of reconstruction of scikit-learn's PCA with "
        f"{facts['latent_dim']} components, as many as there are latents. By AUROC the "
        f"system is {verdict} here: the difference lies in {low:.3f} to {high:.3f}.",
        "",
    ]
    lines += table_of(
        ("scores", "interval", "PCA"), found, floor, facts["spread"], MEANINGS
    )
    return "\n".join(lines) + "\n"

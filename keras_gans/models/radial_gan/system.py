"""RadialGAN: tables of several sources, with different columns, lent to one another.

Yoon, Jordon and van der Schaar 2018, arXiv 1802.06403. Networks and losses are those of
the authors' code (github.com/vanderschaarlab/mlforhealthlabpub, alg/RadialGAN).
"""

import keras
import numpy as np
from keras import ops

from keras_gans import losses
from keras_gans.core.gradients import mean_over_replicas
from keras_gans.core.system import System
from keras_gans.models.radial_gan import augmenting, checking, networks, tables
from keras_gans.models.radial_gan.batches import DomainBatches

ROLES = ("encoder", "decoder", "discriminator")


def _players(count):
    players = {"discriminator": tuple(f"discriminator_{i}" for i in range(count))}
    for i in range(count):
        players[f"generator_{i}"] = (f"encoder_{i}", f"decoder_{i}")
    return players


def _reports(count, penalised=False):
    names = ["discriminator_loss", *(["gradient_penalty"] if penalised else [])]
    names += ["adversarial_loss", "cycle_loss"]
    return tuple(f"{name}_{i}" for name in names for i in range(count))


@keras.saving.register_keras_serializable("keras_gans")
class RadialGAN(System):
    """An encoder into one latent space, a decoder and a discriminator per domain.

    Domain i has rows x_i of features of its own; the label y (two classes) is common to
    all, told to every network and never translated. A row of domain j becomes one of
    domain i as x_ji = G_i(F_j(x_j, y_j), y_j): 2M networks for M (M - 1) translations.
    The discriminators minimise sum_i [- E log D_i(x_i, y_i)
    - mean_j E log(1 - D_i(x_ji, y_j))]; then, one domain after the other, F_i and G_i
    minimise - mean_j E log D_i(x_ji, y_j) + lambda sqrt(mean_j E |x_iji - x_i|^2), with
    means over the other domains j and over features. The other networks rest in their
    step, so that F_i learns from its cycles alone.

    With `adversarial="wgan_gp"` the discriminators are critics: they minimise
    sum_i mean_j [E D_i(x_ji, y_j) - E D_i(x_i, y_i)
    + 10 E (|grad D_i| - 1)^2] on fresh rows several times, and log D_i above is D_i.

    Where the authors' code leaves open what to do: the features of a categorical column
    are probabilities, and their part of the cycle is cross-entropy.

    Args:
        domains: For each domain the width of its (standardised) rows, or what
            `RadialGAN.for_tables` learnt of its table.
        label: What it learnt of the labels; `None` for labels 0 and 1.
        hidden_units: Width of all hidden layers; `None` for the features of all domains
            together.
        latent_dim: Length of z; `None` for the same.
        adversarial: `"bce"`, the authors' game, or `"wgan_gp"`.
        cycle_weight: lambda; 0.1.
        penalty_weight: Of the slope of critics; 10.
        critic_steps: Updates of the discriminators per update of the others; `None` for
            1, with critics 5.
        ema_decay: Decay of a moving average of encoders and decoders, used for
            translating.
        seed: Integer from which all random numbers follow.
        **kwargs: `encoder_0`, `decoder_0`, `discriminator_0` and so on: your own
            `keras.Model`s from `(rows, labels)`, of a decoder `(latents, labels)`.

    Trains on: `fit(tables)`, a dict of `pandas.DataFrame`s for what `for_tables` built;
    or `fit((x_0, x_1, ...), (y_0, y_1, ...))`, float arrays of standardised rows and
    labels 0 or 1, in any numbers.

    Logs: for each domain `discriminator_loss_i`, `adversarial_loss_i` and
    `cycle_loss_i` (times its weight); with critics also `gradient_penalty_i`.

    Raises:
        ValueError: for fewer than two domains, or an argument out of range.

    Example:

    >>> gan = RadialGAN.for_tables({"north": north, "south": south}, label="ill")
    >>> gan.compile()
    >>> gan.fit(tables, batch_size=128, epochs=1000)
    >>> as_north = gan.translate(south, "south", "north")

    Reference: arXiv 1802.06403, section 4; the losses are the authors' code's.
    """

    players = _players(3)
    reports = _reports(3)
    sampling_networks = tuple(f"{r}_{i}" for i in range(3) for r in ROLES[:2])
    judges = ()

    def __init__(
        self,
        domains,
        label=None,
        hidden_units=None,
        latent_dim=None,
        adversarial="bce",
        cycle_weight=0.1,
        penalty_weight=10.0,
        critic_steps=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        found = checking.checked_domains(domains)
        checking.check_arguments(adversarial, critic_steps, kwargs)
        count, penalised = len(found), adversarial == "wgan_gp"
        self.players, self.reports = _players(count), _reports(count, penalised)
        self.sampling_networks = tuple(
            f"{role}_{i}" for i in range(count) for role in ROLES[:2]
        )
        names = [f"{role}_{i}" for i in range(count) for role in ROLES]
        given = {name: kwargs.pop(name) for name in names if name in kwargs}
        # What `call` makes: rows of the second domain.
        super().__init__((found[1].width,), ema_decay, seed, **kwargs)
        self.domains, self.label = list(domains), label
        self.tables, self.target = found, tables.Label(label)
        self.hidden_units, self.latent_dim = hidden_units, latent_dim
        self.adversarial, self.critic_steps = adversarial, critic_steps
        self.cycle_weight, self.penalty_weight = cycle_weight, penalty_weight
        self.set_networks(
            **{name: given.get(name) or self._paper_network(name) for name in names}
        )

    @classmethod
    def for_tables(cls, frames, label, categorical=(), max_missing=0.5, **arguments):
        """A system for tables: columns, means and categories are learnt of them.

        Args:
            frames: Dict of the domain's name to its `pandas.DataFrame`, of rows to
                train on.
            label: Name of the column of labels, which all tables have.
            categorical: Names of columns whose numbers are categories; text always is.
            max_missing: A column of which a larger share is missing is left out of its
                domain. What else is missing becomes the mean, or the usual category.
            **arguments: The constructor's other arguments.

        Raises:
            ValueError: for tables that do not suit, naming the column.
        """
        found = tables.learnt(frames, label, categorical, max_missing)
        return cls(**found, **arguments)

    def _paper_network(self, name):
        role, number = name.rsplit("_", 1)
        table = self.tables[int(number)]
        everything = sum(table.width for table in self.tables)
        hidden = self.hidden_units or everything
        latent_dim = self.latent_dim or everything
        return {
            "encoder": lambda: networks.build_encoder(
                table.width, hidden, latent_dim, name
            ),
            "decoder": lambda: networks.build_decoder(
                latent_dim, hidden, table.width, table.groups, name
            ),
            "discriminator": lambda: networks.build_discriminator(
                table.width, hidden, name
            ),
        }[role]

    def check_network(self, name, network):
        """Checks the width of the rows that a network takes or makes."""
        checking.check_network(self, name, network)

    @property
    def updates_per_batch(self):
        """Equal parts into which a step splits its batch."""
        return self.critic_steps or (5 if self.adversarial == "wgan_gp" else 1)

    def default_optimizers(self):
        """Adam 1e-3; with critics beta_1 0.5, and gradients of at most norm 1."""
        options = {"learning_rate": 1e-3, "beta_2": 0.999, "epsilon": 1e-8}
        if self.adversarial == "wgan_gp":
            options |= {"beta_1": 0.5, "global_clipnorm": 1.0}
        return {player: keras.optimizers.Adam(**options) for player in self.players}

    def train_step(self, data):
        """The discriminators' update, then one of each encoder and its decoder."""
        for rows in self.split(self.unpack(data), self.updates_per_batch):
            fakes = self._fakes(rows)
            blends = self._blends(rows, fakes)

            def discriminator_losses(rows=rows, fakes=fakes, blends=blends):
                terms = {}
                for i, real in enumerate(rows):
                    terms |= self._told_apart(i, real, fakes[i], blends[i])
                return terms

            self.update("discriminator", discriminator_losses)

        for i in range(len(self.tables)):
            self.update(f"generator_{i}", lambda i=i: self._generator_losses(i, rows))
        return self.logs()

    def others(self, i):
        """The numbers of all domains but one."""
        return [j for j in range(len(self.tables)) if j != i]

    def moved(self, rows, labels, j, i):
        """x_ji, in training: rows of domain j as rows of domain i.

        Args:
            rows: float32 `(batch, width of j)`.
            labels: float32 `(batch, 1)`.
            j: Number of the domain they come from.
            i: Number of the domain they are made for.
        """
        latents = self.in_training(f"encoder_{j}")((rows, labels))
        return self.in_training(f"decoder_{i}")((latents, labels))

    def _fakes(self, rows):
        return [
            [(self.moved(*rows[j], j, i), rows[j][1]) for j in self.others(i)]
            for i in range(len(rows))
        ]

    def _blends(self, rows, fakes):
        """Points between real and made rows, labels included, for the penalty."""
        if self.adversarial != "wgan_gp":
            return [()] * len(rows)
        return [
            [
                losses.interpolate(_joined(real), _joined(fake), seed=self.seeds)
                for fake in fakes[i]
            ]
            for i, real in enumerate(rows)
        ]

    @property
    def _game(self):
        names = {"bce": losses.non_saturating, "wgan_gp": losses.wasserstein}
        return names[self.adversarial]

    def _told_apart(self, i, real, fakes, blends):
        judge = self.in_training(f"discriminator_{i}")
        scores = judge(real)
        apart = [self._game.discriminator(scores, judge(fake)) for fake in fakes]
        terms = {f"discriminator_loss_{i}": _mean(apart)}
        if blends:
            precise = self.in_training(f"discriminator_{i}", in_float32=True)

            def critic(both):
                return precise((both[:, :-1], both[:, -1:]))

            slopes = [losses.gradient_penalty(critic, blend) for blend in blends]
            terms[f"gradient_penalty_{i}"] = self.penalty_weight * _mean(slopes)
        return terms

    def _generator_losses(self, i, rows):
        judge, (own, labels) = self.in_training(f"discriminator_{i}"), rows[i]
        taken, missed = [], []
        for j in self.others(i):
            fake = self.moved(*rows[j], j, i)
            taken.append(self._game.generator(judge((fake, rows[j][1]))))
            there = self.moved(own, labels, i, j)
            back = self.moved(there, labels, j, i)
            missed.append(distance(back, own, self.tables[i].groups))
        return {
            f"adversarial_loss_{i}": _mean(taken),
            f"cycle_loss_{i}": self.cycle_weight * root(_mean(missed)),
        }

    def fed(self, x, y):
        """Tables as encoded rows and labels; all else as it is."""
        if not isinstance(x, dict):
            return x, y
        checking.check_tables(self, x, y)
        frames = [x[table.name] for table in self.tables]
        rows = zip(self.tables, frames, strict=True)
        return (
            tuple(table.encode(frame) for table, frame in rows),
            tuple(self.target.encode(frame[self.target.name]) for frame in frames),
        )

    def batches(self, frames, batch_size, repeats=1):
        """Batches of tables, of which an epoch holds several passes.

        Args:
            frames: As for `fit`.
            batch_size: Rows of each domain per update.
            repeats: Passes over the largest table in an epoch.

        Returns:
            `DomainBatches`, for `fit`.
        """
        rows, labels = self.arrays_of(*self.fed(frames, None))
        size = batch_size * self.updates_per_batch
        return DomainBatches(rows, labels, size, repeats, seed=self.seed)

    @property
    def data_shape(self):
        """Shape of a row of the first domain."""
        return (self.tables[0].width,)

    def check_shape(self, shape):
        """Checks the rows of the first domain of a `tf.data.Dataset`."""
        checking.check_width(self.tables[0], shape)

    def check_batch(self, x, y):
        """Checks the rows and labels of all domains."""
        checking.check_rows(self, x, y)

    def arrays_of(self, x, y):
        """`(rows, labels)`, each a tuple with an array per domain."""
        self.check_batch(x, y)
        return x, y

    def batches_of(self, arrays, size, shuffle):
        """Batches in which each domain has an order of its own."""
        return DomainBatches(*arrays, size, shuffle=shuffle, seed=self.seed)

    def unpack(self, data):
        """`(rows, labels)` of each domain, float32, labels `(batch, 1)`."""
        rows, labels = data
        pairs = zip(rows, labels, strict=True)
        return tuple(
            (ops.cast(x, "float32"), ops.reshape(ops.cast(y, "float32"), (-1, 1)))
            for x, y in pairs
        )

    def call(self, inputs, training=None):
        """Rows of the first domain as rows of the second, in inference mode.

        Args:
            inputs: `(rows, labels)`, encoded.
            training: Whether the networks run in training mode.
        """
        return self.translated(*inputs, 0, 1, bool(training))

    def translated(self, rows, labels, source, target, training=False):
        """What `translate` and a served model make of encoded rows.

        Args:
            rows: Tensor `(batch, width of the source)`.
            labels: Tensor `(batch,)` of numbers in [0, 1].
            source: Number of the domain they come from.
            target: Number of the domain they are made for.
            training: Whether the networks run in training mode.

        Returns:
            float32 tensor `(batch, width of the target)`.
        """
        labels = ops.reshape(ops.cast(labels, "float32"), (-1, 1))
        encoder = self.averaged(f"encoder_{source}")
        decoder = self.averaged(f"decoder_{target}")
        latents = encoder((ops.cast(rows, "float32"), labels), training=training)
        return ops.cast(decoder((latents, labels), training=training), "float32")

    def translate(self, rows, from_domain, to_domain, labels=None, batch_size=4096):
        """Rows of one domain as they might be in another; nothing is random.

        Args:
            rows: `pandas.DataFrame` with the columns of its domain; or a float array of
                standardised rows.
            from_domain: Name or number of the domain they come from.
            to_domain: Name or number of the domain they are made for.
            labels: Labels of the rows, where these do not hold them; or `"prevalence"`,
                which stands for the share of the second class in their domain.
            batch_size: Rows computed at a time.

        Returns:
            `pandas.DataFrame` with the other domain's columns, the same labels and the
            same index; or for an array a numpy float32 array.

        Raises:
            ValueError: for an unknown domain, rows that do not suit, or no labels.
        """
        source, target = self.number_of(from_domain), self.number_of(to_domain)
        is_table = hasattr(rows, "columns")
        encoded, told, kept = augmenting.encoded(self, rows, labels, source, is_table)
        made = [np.zeros((0, self.tables[target].width), "float32")]
        for start in range(0, len(encoded), batch_size):
            part = slice(start, start + batch_size)
            found = self.translated(encoded[part], told[part], source, target)
            made.append(ops.convert_to_numpy(found))
        made = np.concatenate(made)
        if not is_table:
            return made
        table = self.tables[target].decode(made, rows.index)
        return table if kept is None else table.assign(**{self.target.name: kept})

    def augment(self, domain, frames, validation=None, weights=augmenting.WEIGHTS):
        """A domain's table with the rows of all others translated into it.

        Whether such rows help a predictor depends on the data: with `validation`, the
        weight they get is the one with which a logistic regression ranks those rows
        best, 0 among them.

        Args:
            domain: Name or number of the domain.
            frames: Dict of the domain's name to its `pandas.DataFrame`.
            validation: Rows of the domain that are in none of the tables; `None` for
                the first weight.
            weights: Weights of a translated row to choose from; a real one has 1.

        Returns:
            `Augmented`: the table, the weights of its rows, where each comes from, the
            weight chosen and the AUC of each on the validation rows.

        Raises:
            ValueError: as `fit` and `translate`.
        """
        return augmenting.augment(self, domain, frames, validation, weights)

    def number_of(self, domain):
        """The number of a domain.

        Args:
            domain: Its name or number.

        Raises:
            ValueError: for an unknown one.
        """
        names = [table.name for table in self.tables]
        if domain in names:
            return names.index(domain)
        is_number = isinstance(domain, int) and not isinstance(domain, bool)
        if is_number and 0 <= domain < len(names):
            return domain
        raise ValueError(f"There is no domain {domain!r}. Known: {', '.join(names)}.")

    def served(self):
        """What `export` writes; see `keras_gans.core.served_tables`."""
        from keras_gans.core.served_tables import served_tables

        return served_tables(self)

    def signatures_in_words(self):
        """Dict of signature to what goes in and what comes out."""
        from keras_gans.core.served_tables import signatures_in_words

        return signatures_in_words(self)


def distance(made, rows, groups=()):
    """Mean over rows and features of the squared error; of categories, cross-entropy.

    Args:
        made: float32 `(batch, width)`; probabilities in the features of a group.
        rows: float32 of the same shape; 0 or 1 there.
        groups: `(start, stop)` of the features that are categories.
    """
    errors = ops.square(made - rows)
    if groups:
        is_category = np.zeros(rows.shape[-1], bool)
        for start, stop in groups:
            is_category[start:stop] = True
        likely = ops.clip(made, 1e-7, 1 - 1e-7)
        surprise = -rows * ops.log(likely) - (1 - rows) * ops.log(1 - likely)
        errors = ops.where(is_category, surprise, errors)
    return ops.mean(errors)


def root(mean):
    """The square root of a mean over the whole batch, with a finite slope at 0.

    On several replicas the root of the mean is not the mean of the roots. In the form
    (m / r + r) / 2, whose r is the root over all replicas held fixed, both the value
    and the slope add up to those of the whole batch.

    Args:
        mean: float32 scalar, of this replica's part.
    """
    whole = mean_over_replicas(ops.stop_gradient(mean))
    held = ops.sqrt(whole + 1e-12)
    return 0.5 * ((mean + 1e-12) / held + held)


def _mean(terms):
    return sum(terms) / len(terms)


def _joined(pair):
    return ops.concatenate(pair, axis=-1)

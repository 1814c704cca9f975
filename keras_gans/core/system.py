"""`System`: the kernel on which every system stands."""

import keras

from keras_gans.core import gradients, moving_average, replicas
from keras_gans.core import optimizers as kernel_optimizers
from keras_gans.core.feeding import Feeding
from keras_gans.core.playing import Playing
from keras_gans.core.random import SeedStream, seeded
from keras_gans.core.reports import Reports
from keras_gans.core.saving import Saving
from keras_gans.core.training import Training


class System(Playing, Feeding, Training, Saving, keras.Model):
    """A `keras.Model` whose networks are trained by players with losses of their own.

    A system declares `players` and `reports`, hands its networks to
    `set_networks` and writes `train_step(self, data)`. Gradients, loss scaling,
    replicas, moving averages, seeds, logs, saving and serving are done here; what
    goes in and comes out is said by `AdversarialModel`, which draws from latents, and
    by `ImageTranslator`.

    Args:
        image_shape: `(height, width, channels)` of the data, or the shape of one
            vector, `(features,)`.
        ema_decay: Decay of the moving average of the sampling networks, in [0, 1);
            `None` keeps none.
        seed: Integer. Initial weights, latents and dropout all follow from it.
        augmentation: What every image passes before it is judged: a layer of
            `keras_gans.augmentation`, `"ada"`, a policy of `DiffAugment` such as
            `"color,translation,cutout"`, or `None`.

    Attributes:
        players: Dict of player name to the names of the networks it improves, in
            playing order.
        reports: Names of the loss terms, which `fit` logs as means over the epoch.
        figures: Those of them that are no loss: logged, and left out of the sum.
        sampling_networks: Names of the networks that users are served with, of which
            moving averages are kept; the first is that of `call` and `predict`.
        judges: Names of the networks whose images are augmented.
        training_state: Names of layers that `compile` makes and only training needs;
            like optimizers they are left out of presets that are not to train on.
        average_buffers: Whether the moving average also averages what is not trained
            (batch statistics), which is copied otherwise.
    """

    players = {"discriminator": ("discriminator",), "generator": ("generator",)}
    reports = ()
    figures = ()
    sampling_networks = ("generator",)
    judges = ("discriminator", "critic")
    training_state = ()
    average_buffers = False
    updates_per_batch = 1

    def __init__(
        self, image_shape, ema_decay=None, seed=0, augmentation=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.image_shape = tuple(image_shape)
        self.ema_decay = ema_decay
        self.seed = seed
        self.training_seeds = SeedStream(seed, name="training_seeds")
        self.evaluation_seeds = SeedStream(seed, name="evaluation_seeds")
        self.evaluating = False
        with seeded(f"{seed}/augmentation"):
            self.augmentation = augmentation_of(augmentation)
        self._own_networks = ()
        self._report = Reports(self.reports)

    def set_networks(self, **networks):
        """Makes each network an attribute; the paper's are built from the model's seed.

        Args:
            **networks: Name to a `keras.Model`, or to a function without arguments
                that builds the paper's network.
        """
        given = []
        for name, network in networks.items():
            if isinstance(network, keras.layers.Layer):
                given.append(name)
            else:
                with seeded(f"{self.seed}/{name}"):
                    network = network()
            if not network.built:
                raise ValueError(
                    f"The {name} has no weights yet: give it an Input layer, or call "
                    "it once on a batch, before handing it to the system."
                )
            self.check_network(name, network)
            replicas.prepare(network)
            setattr(self, name, network)
        self._own_networks = tuple(given)
        self.networks = tuple(networks)
        for name in self.sampling_networks if self.keeps_average else ():
            twin = f"ema_{name}"
            with seeded(f"{self.seed}/{twin}"):
                setattr(self, twin, moving_average.twin_of(getattr(self, name)))
        # Under a strategy Keras would otherwise call the model on a data batch.
        self.built = True

    def check_network(self, name, network):
        """Checks a network, the paper's or the user's, before it is taken.

        Args:
            name: Its name.
            network: Built `keras.Model`.

        Raises:
            ValueError: when it does not fit the system.
        """

    def default_optimizers(self):
        """Dict of player name to a new instance of the paper's optimizer."""
        raise NotImplementedError

    def compile(
        self,
        *,
        jit_compile="auto",
        steps_per_execution=1,
        run_eagerly=False,
        **optimizers,
    ):
        """Prepares training, with the paper's optimizers unless others are given.

        Args:
            jit_compile: Whether XLA compiles the step; `"auto"` as in Keras.
            steps_per_execution: Steps per compiled call; 1 under a strategy.
            run_eagerly: Whether to run the step without compiling it, to debug.
            **optimizers: `<player>_optimizer=` a `keras.optimizers.Optimizer` or its
                name.

        Raises:
            TypeError: for an argument that is no player's optimizer.
            ValueError: for `steps_per_execution`, gradient accumulation or XLA under a
                strategy that cannot do it.
        """
        names = {f"{player}_optimizer" for player in self.players}
        if unknown := sorted(set(optimizers) - names):
            raise TypeError(
                f"{type(self).__name__}.compile() takes {sorted(names)}, jit_compile, "
                f"steps_per_execution and run_eagerly. Found: {', '.join(unknown)}. "
                "The losses are the paper's, written in train_step."
            )
        options = {
            "jit_compile": jit_compile,
            "steps_per_execution": steps_per_execution,
            "run_eagerly": run_eagerly,
        }
        # As given: "auto" is decided anew on the machine that loads the model.
        self._compile_options = tuple(options.items())
        # Variables belong to the strategy of the networks, wherever this is called.
        with gradients.scope_of(self):
            by_player = kernel_optimizers.for_players(self, optimizers)
            for player, optimizer in by_player.items():
                replicas.check_support(optimizer, steps_per_execution, jit_compile)
                self.check_stages(steps_per_execution)
                setattr(self, f"{player}_optimizer", optimizer)
            self._report.watch_scaling(by_player)
            super().compile(
                optimizer=kernel_optimizers.PlayersOptimizer(by_player),
                auto_scale_loss=False,
                **options,
            )

    @property
    def metrics(self):
        """The epoch means of `reports`."""
        return self._report.means

    def logs(self):
        """What `train_step` returns at its end: the epoch means of `reports` so far.

        An adaptive augmentation moves its strength here, once per step. In float16
        also, for each player, how many steps were skipped in this epoch because a
        gradient was not finite, and the scale of its loss.
        """
        if hasattr(self.augmentation, "adapt") and not self.evaluating:
            self.augmentation.adapt()
        return self._report.results(self.evaluating)


def augmentation_of(given):
    """The layer that an argument `augmentation` names, or is."""
    if given is None or isinstance(given, keras.layers.Layer):
        return given
    from keras_gans.augmentation import ADA, DiffAugment

    return ADA() if given == "ada" else DiffAugment(given)

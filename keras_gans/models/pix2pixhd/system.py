"""The system pix2pixHD."""

import keras
from keras import ops

from keras_gans.core import precision
from keras_gans.core.choices import check_choice
from keras_gans.core.optimizers import pytorch_adam
from keras_gans.models import pix2pix
from keras_gans.models.pix2pixhd.from_label_maps import FromLabelMaps, joined
from keras_gans.models.pix2pixhd.instances import pooled
from keras_gans.models.pix2pixhd.networks import (
    build_discriminator,
    build_encoder,
    build_generator,
    build_trunk_head,
    halved_maps,
)

GAMES = {name: pix2pix.GAMES[name] for name in ("least_squares", "non_saturating")}
STAGES = ("global", "enhancer", "joint")
# Of VGG-19's relu1_1, 2_1, 3_1, 4_1 and 5_1.
PERCEPTUAL_WEIGHTS = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1.0)


@keras.saving.register_keras_serializable("keras_gans")
class Pix2PixHD(FromLabelMaps):
    """Photographs of two megapixels from label maps, made from coarse to fine.

    The generator sees classes (one-hot), the boundaries of instances and, if there is
    an encoder, a look for each instance. Discriminators D_k judge levels k of a pyramid
    of (classes and boundaries, image). With least squares they minimise
    sum_k (E (D_k(s, x) - 1)^2 + E D_k(s, G)^2) / 2, the generator
    sum_k E (D_k(s, G) - 1)^2 + lambda 4 / (n + 1) mean_k sum_j E |D_k^j(s, G) -
    D_k^j(s, x)| + lambda sum_i w_i E |phi_i(G) - phi_i(x)|: j runs over all n + 1
    layers of a discriminator but the last, phi_i over those of a frozen network, if
    given. Both players move on one pass. An encoder is trained with the generator on
    the images themselves; its features are averaged over each instance.

    With enhancers the training has three stages, of one model: `"global"`, in which the
    generator's trunk alone learns images of 1/2^enhancers of the size; `"enhancer"`, in
    which the trunk rests and the enhancers learn; `"joint"`. As in the reference, whose
    stages are runs of their own, optimizers start afresh with a stage (the
    discriminator's not with the last). During the first, what the trunk makes is
    enlarged by `translate`. The discriminator is the same in all stages.

    Args:
        image_shape: `(height, width, channels)`; both sides multiples of
            2^(halvings + enhancers).
        num_labels: Number of classes; 35, those of Cityscapes.
        instance_edges: Whether boundaries of instances are seen.
        halvings: Of the trunk, and of the encoder; 4.
        residual_blocks: Of the trunk; 9.
        base_channels: Channels of the trunk's first map; 64. Enhancer i has 1/2^i.
        enhancers: 0; 1 for 2048x1024, in the paper.
        enhancer_blocks: Residual blocks of an enhancer; 3.
        global_steps: Steps of the first stage; 595,000, the reference's 200 epochs.
        fix_global_steps: Steps of the second; 29,750, its 10 epochs.
        discriminators: Levels of the pyramid; 2, and 3 for 2048x1024.
        discriminator_halvings: n; 3.
        discriminator_channels: Channels of a discriminator's first map; 64.
        feature_channels: Channels of a look; 0 for no encoder, the paper's are 3.
        encoder_channels: Channels of the encoder's first map; 16.
        num_clusters: Most looks of a class that `cluster_features` keeps; 10.
        matching_weight: lambda; 10.
        perceptual_network: Your own `keras.Model` from images in [-1, 1] to up to five
            maps, which is never trained; w ends with 1/4, 1.
        game: `"least_squares"` or `"non_saturating"`.
        generator: Your own `keras.Model` from maps to images in [-1, 1]; with
            enhancers, its layer `trunk` is the first part.
        trunk_head: Your own from what the trunk makes to images.
        discriminator: Your own from maps and an image, joined at their channels, to
            `(logits, features)`, as `build_discriminator` has it.
        encoder: Your own from images to maps of features.
        ema_decay: Decay of a moving average of the generator, used for translating.
        seed: Integer from which all random numbers follow.
        **kwargs: For `System`: `augmentation`.

    Trains on: `fit((labels, instances), images)`, or `fit(labels, images)` where
    neither boundaries nor looks are wanted: integer maps `(n, h, w)` or
    `(n, h, w, 1)`, and images, uint8 or floats in [-1, 1].

    Logs: `discriminator_loss`, `generator_loss`, `matching_loss` and, with a perceptual
    network, `perceptual_loss` (both times lambda).

    Raises:
        ValueError: for an image shape that the networks cannot make, or an unknown
            game.

    Example:

    >>> gan = Pix2PixHD(image_shape=(512, 1024, 3))
    >>> gan.compile()
    >>> gan.fit((labels, instances), images, batch_size=1, epochs=200)
    >>> photographs = gan.translate((labels[:4], instances[:4]))

    Reference: arXiv 1711.11585, section 3.
    """

    reports = ("discriminator_loss", "generator_loss", "matching_loss")

    def __init__(
        self,
        image_shape=(512, 1024, 3),
        num_labels=35,
        instance_edges=True,
        halvings=4,
        residual_blocks=9,
        base_channels=64,
        enhancers=0,
        enhancer_blocks=3,
        global_steps=595_000,
        fix_global_steps=29_750,
        discriminators=2,
        discriminator_halvings=3,
        discriminator_channels=64,
        feature_channels=0,
        encoder_channels=16,
        num_clusters=10,
        matching_weight=10.0,
        perceptual_network=None,
        game="least_squares",
        generator=None,
        trunk_head=None,
        discriminator=None,
        encoder=None,
        ema_decay=None,
        seed=0,
        **kwargs,
    ):
        check_choice("game", game, GAMES)
        parts = {"trunk_head": enhancers, "encoder": feature_channels}
        improved = ("generator", *(name for name, used in parts.items() if used))
        self.sampling_networks = improved
        self.players = {**type(self).players, "generator": improved}
        if perceptual_network is not None:
            self.reports = (*type(self).reports, "perceptual_loss")
        channels = num_labels + bool(instance_edges) + feature_channels
        super().__init__(image_shape, channels, ema_decay, seed, **kwargs)
        self.num_labels = num_labels
        self.instance_edges = instance_edges
        self.halvings = halvings
        self.residual_blocks = residual_blocks
        self.base_channels = base_channels
        self.enhancers = enhancers
        self.enhancer_blocks = enhancer_blocks
        self.global_steps = global_steps
        self.fix_global_steps = fix_global_steps
        self.discriminators = discriminators
        self.discriminator_halvings = discriminator_halvings
        self.discriminator_channels = discriminator_channels
        self.feature_channels = feature_channels
        self.encoder_channels = encoder_channels
        self.num_clusters = num_clusters
        self.matching_weight = matching_weight
        self.game = game
        self.perceptual_network = self.trunk_head = self.encoder = None
        self._make_state()
        given = {"generator": generator, "trunk_head": trunk_head, "encoder": encoder}
        frozen = {"perceptual_network": _frozen(perceptual_network)}
        self.set_networks(
            discriminator=discriminator or self._paper_discriminator,
            **{n: given[n] or getattr(self, f"_paper_{n}") for n in improved},
            **(frozen if perceptual_network is not None else {}),
        )

    def _make_state(self):
        self.halved = halved_maps("halved", dtype="float32")
        # Keras would otherwise call the model on a data batch to build this layer.
        self.halved.built = True
        if self.enhancers:
            self.stage_counter = "steps"
            self.steps = self.counter("steps")
            self.moments_of = self.counter("moments_of")
        if self.feature_channels:
            shape = (self.num_labels, self.num_clusters, self.feature_channels)
            kept = {"initializer": "zeros", "trainable": False}
            kept["aggregation"] = "only_first_replica"
            self.centres = self.add_weight(shape, name="centres", **kept)
            self.centre_counts = self.add_weight(
                shape[:1], dtype="int32", name="centre_counts", **kept
            )

    def _paper_generator(self):
        return build_generator(
            self.source_channels,
            self.image_shape[-1],
            self.halvings,
            self.residual_blocks,
            self.base_channels,
            self.enhancers,
            self.enhancer_blocks,
        )

    def _paper_trunk_head(self):
        return build_trunk_head(self.base_channels, self.image_shape[-1])

    def _paper_encoder(self):
        return build_encoder(
            self.image_shape[-1],
            self.feature_channels,
            self.encoder_channels,
            self.halvings,
        )

    def _paper_discriminator(self):
        return build_discriminator(
            self.source_channels - self.feature_channels + self.image_shape[-1],
            self.discriminator_halvings,
            self.discriminator_channels,
            self.discriminators,
        )

    @property
    def size_multiple(self):
        """2^(halvings + enhancers)."""
        return 2 ** (self.halvings + self.enhancers)

    @property
    def trunk(self):
        """The generator's first part, where there are enhancers."""
        return self.generator.get_layer("trunk")

    @property
    def served_variables(self):
        """As in `System`, and what decides which of the networks translates."""
        own = ("steps", "centres", "centre_counts")
        state = [getattr(self, name) for name in own if hasattr(self, name)]
        return [*super().served_variables, *state]

    def check_network(self, name, network):
        """Checks the channels of the generator, and the sides."""
        if name == "generator":
            super().check_network(name, network)

    def default_optimizers(self):
        """Adam 2e-4 with beta_1 0.5 for both players.

        The reference's rate falls to 0 over the second half of a stage: see
        `kg.callbacks.ConstantThenLinear`.
        """
        return {player: pytorch_adam() for player in self.players}

    @property
    def stage(self):
        """The stage of the step; without enhancers `"joint"` from the start."""
        return super().stage if self.enhancers else "joint"

    def stage_at(self, count):
        """`"global"`, `"enhancer"` or `"joint"` after `count` steps."""
        ends = (self.global_steps, self.global_steps + self.fix_global_steps)
        return STAGES[sum(count >= end for end in ends)]

    def moved_by(self, player):
        """What the stage trains of a player's variables."""
        found = self.variables_of(player)
        if player != "generator" or not self.enhancers:
            return found
        head, trunk, rest = self._generator_parts()
        held = {"global": rest, "enhancer": trunk + head, "joint": head}[self.stage]
        held = {id(variable) for variable in held}
        return [variable for variable in found if id(variable) not in held]

    def _generator_parts(self):
        trunk = self.trunk.trainable_variables
        known = {id(variable) for variable in trunk}
        rest = [v for v in self.generator.trainable_variables if id(v) not in known]
        return self.trunk_head.trainable_variables, trunk, rest

    def begin_stage(self):
        """Starts the optimizers afresh in the first step of a stage."""
        index = STAGES.index(self.stage)
        if self.evaluating or not self.enhancers or index == 0:
            return
        goes_on = index == 2 and self.fix_global_steps > 0
        players = ("generator",) if goes_on else tuple(self.players)
        self.forget_moments(self.moments_of, index, players)

    def train_step(self, data):
        """Both players' losses in one pass, both gradients before either moves."""
        sources, images = self.unpack(data)
        (game, share), judge = GAMES[self.game], self.in_training("discriminator")
        self.begin_stage()

        def both_losses():
            fake, real, seen = self._made_for(sources, images)
            of_fake, fake_features = judge(joined(seen, fake))
            of_real, real_features = judge(joined(seen, real), is_real=True)
            pairs = zip(of_real, of_fake, strict=True)
            generator = {
                "generator_loss": sum(game.generator(logits) for logits in of_fake),
                "matching_loss": self.matching_weight
                * matching(fake_features, real_features),
                **self._perceptual(fake, real),
            }
            discriminator = share * sum(game.discriminator(r, f) for r, f in pairs)
            return {
                "discriminator": {"discriminator_loss": discriminator},
                "generator": generator,
            }

        self.update_together(both_losses)
        if self.enhancers:
            self.advance(self.steps)
        return self.logs()

    def _made_for(self, sources, images):
        """Fakes, reals, and what is seen of the labels, at the size of the stage."""
        seen = given = self.channels_of(*sources[:2])
        if self.feature_channels:
            features = self.in_training("encoder")(images)
            given = joined(given, pooled(features, sources[1]))
        if self.stage != "global":
            return self.in_training("generator")(given), images, seen
        given, images, seen = (self.small(part) for part in (given, images, seen))
        features = self.in_training("trunk")(given)
        return self.in_training("trunk_head")(features), images, seen

    def _perceptual(self, fake, real):
        if self.perceptual_network is None:
            return {}
        fakes, reals = (
            keras.tree.flatten(
                precision.as_float32(self.perceptual_network(images, training=False))
            )
            for images in (fake, real)
        )
        weights = PERCEPTUAL_WEIGHTS[-len(fakes) :]
        terms = zip(weights, fakes, reals, strict=True)
        loss = sum(w * _distance(made, aim) for w, made, aim in terms)
        return {"perceptual_loss": self.matching_weight * loss}


def matching(fakes, reals):
    """4 / (n + 1) mean_k sum_j E |f_kj - sg(r_kj)|, over levels k and n + 1 layers j.

    Args:
        fakes: List of the features of each level, lists of maps.
        reals: The same of the real images.
    """
    total = 0.0
    for fake, real in zip(fakes, reals, strict=True):
        distances = map(_distance, fake, real)
        total += 4.0 / len(fake) * sum(distances)
    return total / len(fakes)


def _frozen(network):
    if network is None:
        return None
    count = len(keras.tree.flatten(network.outputs))
    if count > len(PERCEPTUAL_WEIGHTS):
        raise ValueError(
            f"A perceptual_network makes up to {len(PERCEPTUAL_WEIGHTS)} maps. Found: "
            f"{count}."
        )
    network.trainable = False
    return network


def _distance(made, aim):
    return ops.mean(ops.abs(made - ops.stop_gradient(aim)))

"""How the players of a `System` move: gradients, steps, averages."""

from keras import ops

from keras_gans.core import gradients, moving_average
from keras_gans.core import optimizers as kernel_optimizers


class Playing:
    """The half of `System` that updates; see there."""

    @property
    def keeps_average(self):
        """Whether there are moving averages of the sampling networks."""
        return self.ema_decay is not None

    def averaged(self, name):
        """The moving average of a sampling network where one is kept, else itself.

        Args:
            name: A name in `sampling_networks`.
        """
        return getattr(self, f"ema_{name}" if self.keeps_average else name)

    @property
    def sampler(self):
        """The network that samples: the moving-average twin where one is kept."""
        return self.averaged(self.sampling_networks[0])

    @property
    def served_variables(self):
        """The variables of which an exported model is made."""
        return [v for n in self.sampling_networks for v in self.averaged(n).variables]

    def average_decay(self):
        """The decay of the moving average in this step: a float or a scalar tensor."""
        return self.ema_decay

    def variables_of(self, player):
        """Trainable variables of the networks that `player` improves."""
        networks = [getattr(self, name) for name in self.players[player]]
        found = [v for network in networks for v in network.trainable_variables]
        return list({id(v): v for v in found}.values())

    def moved_by(self, player):
        """Those of a player's variables that this step moves: all, unless some rest.

        Args:
            player: A key of `players`.
        """
        return self.variables_of(player)

    def update(self, player, losses, when=None, follow=True):
        """One optimizer step of `player` on the sum of its loss terms.

        Args:
            player: A key of `players`.
            losses: Function without arguments returning a dict of report name to
                scalar. It runs under differentiation of the player's variables only;
                another player's `update` may be nested in it.
            when: Optional scalar boolean; where it is false all weights and optimizer
                slots stay as they were.
            follow: Whether the moving average follows now; a system with several
                updates of its generator in a step calls `follow_average` itself.

        Returns:
            The dict that `losses` returned.
        """
        return self._play(lambda: {player: losses()}, [player], when, follow)[player]

    def update_together(self, losses, players=None):
        """Simultaneous play: all gradients are taken before any optimizer steps.

        Args:
            losses: Function without arguments returning, for every player, a dict of
                report name to scalar.
            players: Names of those who play; `None` for all.

        Returns:
            What `losses` returned.
        """
        return self._play(losses, list(players or self.players), None, True)

    def follow_average(self, names=None):
        """Moves the averages of the sampling networks, if kept, by one step.

        Args:
            names: Which of them; `None` for all.
        """
        if not self.keeps_average or self.evaluating:
            return
        for name in self.sampling_networks if names is None else names:
            moving_average.follow(
                self.averaged(name),
                getattr(self, name),
                self.average_decay(),
                self.average_buffers,
            )

    def without_averages(self):
        """The same system with the averages in the place of what they are averages of.

        It makes the same images of half the weights; a training that goes on with it
        starts from the averages.

        Returns:
            A new system, not compiled; this one where no averages are kept, or where
            they always are.
        """
        if not self.keeps_average:
            return self
        alone = type(self).from_config({**self.get_config(), "ema_decay": None})
        if alone.keeps_average:
            return self
        twins, stands_for = set(), {}
        for name in self.sampling_networks:
            pairs = zip(
                getattr(self, name).weights, self.averaged(name).weights, strict=True
            )
            stands_for.update({id(weight): average for weight, average in pairs})
            twins |= {id(average) for average in self.averaged(name).weights}
        kept = [weight for weight in self.weights if id(weight) not in twins]
        for new, old in zip(alone.weights, kept, strict=True):
            new.assign(ops.copy(stands_for.get(id(old), old)))
        return alone

    def _play(self, losses, players, when, follow):
        if self.evaluating:
            return self._record(losses())
        optimizers = [getattr(self, f"{player}_optimizer") for player in players]
        groups = [self.moved_by(player) for player in players]
        count = gradients.replica().count

        def objective():
            terms = losses()
            totals = []
            for player, optimizer in zip(players, optimizers, strict=True):
                total = sum(
                    ops.cast(term, "float32")
                    for name, term in terms[player].items()
                    if name not in self.figures
                )
                # Optimizers sum gradients over replicas; the paper's loss is a mean.
                totals.append(optimizer.scale_loss(total / count))
            return totals, terms

        terms, found = gradients.value_and_gradients(objective, groups)
        moved = [v for group in groups for v in group]
        moved += [v for optimizer in optimizers for v in optimizer.variables]
        improved = self._improved_by(players) if follow and self.keeps_average else []
        moved += [v for name in improved for v in self.averaged(name).weights]
        with kernel_optimizers.put_back_unless(when, moved):
            for i, optimizer in enumerate(optimizers):
                with self._report.step_of(players[i], when):
                    gradients.apply(optimizer, found[i], groups[i])
            self.follow_average(improved)
        return self._record(terms)

    def _improved_by(self, players):
        improved = {name for player in players for name in self.players[player]}
        return [name for name in self.sampling_networks if name in improved]

    def note(self, name, value):
        """Counts one batch's value of a report that no player's losses return.

        Args:
            name: One of `reports`.
            value: Scalar, or boolean scalar: its mean is the share of batches.
        """
        self._report.add(name, value)

    def _record(self, terms_by_player):
        for terms in terms_by_player.values():
            for name, value in terms.items():
                self._report.add(name, value)
        return terms_by_player

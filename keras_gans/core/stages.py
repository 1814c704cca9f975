"""Stages: a training whose step is another one as it goes on, in one model."""

from keras import ops

from keras_gans.core import gradients


class Stages:
    """The part of `System` that knows stages; see there.

    A network that grows, or a penalty that is due every sixteenth step, needs another
    graph from time to time. A staged system counts in a variable of its own; before
    each step the count is read on the host and the graph of its stage is called, which
    is traced when its stage comes up for the first time. Counting is state of the
    model, so a training that was cut off goes on in the stage where it stood.

    Attributes:
        stage_counter: Name of the counter that decides; `None` for one stage.
    """

    stage_counter = None
    _running_stage = None

    def stage_at(self, count):
        """The stage at a value of the counter.

        Args:
            count: int.

        Returns:
            Something hashable that `train_step` finds in `self.stage`.
        """
        raise NotImplementedError

    @property
    def stage(self):
        """The stage of the step that runs; between two steps that of the next one."""
        if self._running_stage is not None:
            return self._running_stage
        counter = getattr(self, self.stage_counter)
        return self.stage_at(int(ops.convert_to_numpy(counter)))

    def counter(self, name):
        """A new int32 scalar variable that starts at 0 and is saved with the model.

        Args:
            name: Its name, which should be that of the attribute it is kept in.
        """
        return self.add_weight(
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
            aggregation="only_first_replica",
            name=name,
        )

    def advance(self, counter, by=1):
        """Adds to a counter; nothing while the system is only evaluated.

        Args:
            counter: What `counter` made.
            by: Integer, or integer scalar tensor.
        """
        if not self.evaluating:
            counter.assign(counter + ops.cast(by, "int32"))

    def forget_moments(self, moments_of, index, players):
        """Starts optimizers afresh where the first step of a stage begins.

        Their players then meet another game than that of their moments. The count of
        steps starts over too, for Adam's correction of its bias.

        Args:
            moments_of: Counter that holds of which stage the moments are.
            index: int, the number of the stage of this step; 0 for the first.
            players: Names of those whose optimizers start afresh.
        """
        begins = ops.not_equal(moments_of, index)
        for player in players:
            optimizer = getattr(self, f"{player}_optimizer")
            inner = getattr(optimizer, "inner_optimizer", optimizer)
            for slot in inner.variables:
                if slot is not inner.learning_rate:
                    value = slot.value
                    slot.assign(ops.where(begins, ops.zeros_like(value), value))
        moments_of.assign(index)

    def images_in(self, batch):
        """Number of images in a step's batch, over all replicas.

        Args:
            batch: Tensor of this replica's part.
        """
        return ops.shape(batch)[0] * gradients.replica().count

    def check_stages(self, steps_per_execution):
        """Refuses to run several steps in one call, between which no stage can change.

        Raises:
            ValueError: for a staged system and `steps_per_execution` > 1.
        """
        if self.stage_counter is not None and steps_per_execution > 1:
            raise ValueError(
                f"{type(self).__name__} may change its stage after any step: leave "
                "steps_per_execution at 1."
            )

    def function_of_stages(self, trace):
        """A function for Keras' loops that runs each step in the graph of its stage.

        Args:
            trace: Function without arguments that returns a new step function.
        """
        if self.stage_counter is None:
            return trace()
        traced = {}

        def run(*arguments):
            counter = getattr(self, self.stage_counter)
            stage = self.stage_at(gradients.host_value(self, counter, arguments))
            # Past Keras, which would try to track it.
            object.__setattr__(self, "_running_stage", stage)
            try:
                if stage not in traced:
                    traced[stage] = trace()
                return traced[stage](*arguments)
            finally:
                object.__setattr__(self, "_running_stage", None)

        return run

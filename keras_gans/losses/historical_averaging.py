"""Historical averaging: a player stays near the mean of where it has been."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_gans")
class HistoricalAverage(keras.layers.Layer):
    """||theta - (1/t) sum_{i <= t} theta[i]||^2, with the mean kept online.

    A layer only in that its variables, the mean and t, are saved with the model whose
    attribute it is. In a `train_step`:

        self.history.record(self.generator.trainable_variables)

        def generator_losses():
            weights = self.generator.trainable_variables
            return {..., "history_penalty": self.history.penalty(weights)}

    The mean is a constant of the differentiation.

    Args:
        shapes: Shapes of the variables, in their order.
        **kwargs: For `keras.layers.Layer`.

    Reference: arXiv 1606.03498, section 3.3.
    """

    def __init__(self, shapes, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self.shapes = [tuple(shape) for shape in shapes]
        self.means = [
            self.add_weight(
                shape=shape,
                initializer="zeros",
                trainable=False,
                aggregation="mean",
                name=f"mean_{i}",
            )
            for i, shape in enumerate(self.shapes)
        ]
        self.count = self.add_weight(
            shape=(),
            initializer="zeros",
            trainable=False,
            aggregation="mean",
            name="count",
        )
        self.built = True

    def record(self, variables):
        """Takes the variables' values, once per update, into the mean.

        Args:
            variables: List of `keras.Variable`.
        """
        count = self.count + 1.0
        for mean, variable in zip(self.means, variables, strict=True):
            mean.assign(mean + (ops.cast(variable, "float32") - mean) / count)
        self.count.assign(count)

    def penalty(self, variables):
        """The squared distance of the variables from their mean; 0 at first.

        Args:
            variables: As for `record`.

        Returns:
            float32 scalar.
        """
        return sum(
            ops.sum(ops.square(ops.cast(variable, "float32") - mean))
            for mean, variable in zip(self.means, variables, strict=True)
        )

    def get_config(self):
        """The constructor's arguments."""
        config = super().get_config()
        del config["dtype"]
        return {**config, "shapes": [list(shape) for shape in self.shapes]}

"""How a `System` is written down: configuration, weights, export."""

import inspect
import pathlib

import keras
import numpy as np
from keras import ops

from keras_gans.core import facts as training_facts
from keras_gans.core import replicas
from keras_gans.core.files import written_whole
from keras_gans.core.moving_average import copy_weights
from keras_gans.core.random import seed_streams

_SEED_PREFIX = "seed_"


class Saving:
    """The saving half of `System`; see there."""

    def get_config(self):
        """The constructor's arguments, as JSON can hold them.

        Every argument is kept under its own name as an attribute. Networks that were
        given are written out whole; the paper's are `None` and are built again. Where
        their number depends on other arguments, only those given are named.
        """
        config = {}
        names = _constructor_arguments(type(self))
        for name in [*names, *(n for n in self._own_networks if n not in names)]:
            value = getattr(self, name)
            if name in self.networks:
                given = name in self._own_networks
                value = _described(value) if given else None
            config[name] = list(value) if isinstance(value, tuple) else value
        if self.augmentation is not None:
            layer = keras.saving.serialize_keras_object(self.augmentation)
            config["augmentation"] = layer
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """Builds the system that `get_config` described, with new weights."""
        config = dict(config)
        for name, value in config.items():
            if isinstance(value, dict) and "class_name" in value:
                config[name] = keras.saving.deserialize_keras_object(
                    value, custom_objects=custom_objects
                )
        return cls(**config)

    def get_compile_config(self):
        """The arguments of `compile`, as JSON can hold them."""
        if not self.compiled:
            return None
        config = {
            f"{player}_optimizer": keras.saving.serialize_keras_object(
                getattr(self, f"{player}_optimizer")
            )
            for player in self.players
        }
        return {**config, **dict(self._compile_options)}

    def compile_from_config(self, config):
        """Compiles with what `get_compile_config` returned; optimizers are built."""
        config = dict(config)
        for name, value in config.items():
            if isinstance(value, dict):
                config[name] = keras.saving.deserialize_keras_object(value)
        self.compile(**config)

    def save_own_variables(self, store):
        """Adds the state of every seed stream to the weights.

        Keras leaves seeds out, so that a resumed run would repeat its first noise.
        """
        super().save_own_variables(store)
        for i, stream in enumerate(seed_streams(self)):
            store[f"{_SEED_PREFIX}{i}"] = ops.convert_to_numpy(stream.state)

    def load_own_variables(self, store):
        """Reads what `save_own_variables` wrote.

        Raises:
            ValueError: when the file holds other seed streams than this model.
        """
        stored = list(store.keys())
        names = [key for key in stored if key.startswith(_SEED_PREFIX)]
        streams = seed_streams(self)
        if len(names) != len(streams):
            raise ValueError(
                f"The file holds {len(names)} seed states and this model has "
                f"{len(streams)}: it was saved from another system or other networks."
            )
        super().load_own_variables(
            {key: store[key] for key in stored if key not in names}
        )
        for i, stream in enumerate(streams):
            stream.state.assign(store[f"{_SEED_PREFIX}{i}"])

    @property
    def lasting_weights(self):
        """All weights but those of `training_state`."""
        layers = (getattr(self, name) for name in self.training_state)
        passing = {id(w) for layer in layers if layer for w in layer.weights}
        return [weight for weight in self.weights if id(weight) not in passing]

    def copy_state_to(self, other):
        """Gives `other`, built from the same configuration, this model's state."""
        for name in self.networks:
            copy_weights(getattr(self, name), getattr(other, name))
        for name in self.sampling_networks if self.keeps_average else ():
            copy_weights(self.averaged(name), other.averaged(name))
        if self.augmentation is not None:
            copy_weights(self.augmentation, other.augmentation)
        own = {}
        self.save_own_variables(own)
        # Real copies, as in `copy_weights`.
        other.load_own_variables(
            {name: np.array(ops.convert_to_numpy(value)) for name, value in own.items()}
        )

    def save_weights(self, filepath, overwrite=True, facts=None, **kwargs):
        """As in Keras, but a kill leaves the file of before whole.

        The file is written under a temporary name in the same folder and renamed.

        Args:
            filepath: File that ends in `.weights.h5`.
            overwrite: Whether to replace a file that is there.
            facts: Dict to be kept in the file too; see `core/facts.py`.
            **kwargs: As in Keras.

        Raises:
            FileExistsError: for a file that is not to be replaced.
        """
        target = pathlib.Path(filepath)
        if not target.name.endswith(".weights.h5") or kwargs:
            super().save_weights(filepath, overwrite=overwrite, **kwargs)
            return
        if target.exists() and not overwrite:
            raise FileExistsError(
                f"{target} exists; pass overwrite=True to replace it."
            )
        with written_whole(target) as temporary:
            super().save_weights(temporary, overwrite=True)
            if facts is not None:
                training_facts.write(facts, temporary)

    def save_to_preset(self, path, include_optimizer=True, weights_dtype=None):
        """Writes a folder that `from_preset` reads: config, weights and metadata.

        Args:
            path: Folder; made, or replaced if it holds a preset already.
            include_optimizer: Whether to keep the optimizers, to train on from there.
            weights_dtype: `"float16"` for half the size, without optimizers; `None`
                keeps every bit.
        """
        from keras_gans.core import presets

        presets.save_to_preset(self, path, include_optimizer, weights_dtype)

    @classmethod
    def from_preset(cls, preset):
        """A model with its weights, from a built-in name, a folder or a URL.

        Args:
            preset: Name in `kg.list_presets()`, path of a folder, or an address that
                begins with `https://`, `http://`, `hf://` or `gs://`.

        Raises:
            PresetError: for an unknown, damaged or unsafe preset, or another class.
        """
        from keras_gans.core import presets

        return presets.load_from_preset(preset, expected_class=cls)

    def export(self, filepath, format="tf_saved_model", verbose=False, **kwargs):
        """Writes the sampling network as a SavedModel that TF Serving loads as it is.

        See `keras_gans.core.serving.export` for signatures and errors; other formats
        are Keras' own export of the sampling network.

        Args:
            filepath: Folder, for TF Serving one that ends in a version number.
            format: `"tf_saved_model"`, or a format of `keras.Model.export`.
            verbose: Whether to print the signatures.
            **kwargs: For other formats.
        """
        if format != "tf_saved_model":
            self.sampler.export(filepath, format=format, verbose=verbose, **kwargs)
            return
        from keras_gans.core import serving

        serving.export(self, filepath, verbose=verbose, **kwargs)


def _described(network):
    with replicas.as_given(network):
        return keras.saving.serialize_keras_object(network)


def _constructor_arguments(system):
    names = []
    for name, parameter in inspect.signature(system.__init__).parameters.items():
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            names.append(name)
    return names[1:]

"""The configurations of StyleGAN2: the paper's, and those of StyleGAN2-ADA's code."""

_PAPER = {
    "channel_base": 32768,
    "mapping_layers": 8,
    "discriminator_architecture": "resnet",
    "group_size": 4,
    "learning_rate": 0.002,
    "r1_weight": 10.0,
    "path_length_weight": 2.0,
    "style_mixing": 0.9,
    "half_life": 10_000,
    "ramp_up": None,
}
_HALF = {**_PAPER, "group_size": 8, "learning_rate": 0.0025, "half_life": 20_000}
CONFIGS = {
    "stylegan2": _PAPER,
    "paper256": {**_HALF, "channel_base": 16384, "r1_weight": 1.0},
    "paper512": {**_HALF, "r1_weight": 0.5},
    "paper1024": {**_PAPER, "r1_weight": 2.0},
    "cifar": {
        **_PAPER,
        "mapping_layers": 2,
        "discriminator_architecture": "orig",
        "group_size": 32,
        "learning_rate": 0.0025,
        "r1_weight": 0.01,
        "path_length_weight": 0.0,
        "style_mixing": 0.0,
        "half_life": 500_000,
        "ramp_up": 0.05,
    },
}


def defaults_of(config, side):
    """What `StyleGAN2` takes for arguments that are not given.

    Args:
        config: Name of a configuration.
        side: Side of the images.

    Returns:
        Dict of argument to value; `r1_weight` and `half_life` of `"auto"` are `None`,
        since they follow from the batch.
    """
    if config == "auto":
        return {
            **_PAPER,
            "channel_base": 32768 if side >= 512 else 16384,
            "mapping_layers": 2,
            "learning_rate": 0.0025 if side < 1024 else 0.002,
            "r1_weight": None,
            "half_life": None,
            "ramp_up": 0.05,
        }
    if config not in CONFIGS:
        raise ValueError(
            f"config is 'auto' or one of {', '.join(CONFIGS)}. Found: {config!r}."
        )
    return CONFIGS[config]

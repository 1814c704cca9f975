"""The configurations at which systems are timed.

DCGAN and WGAN-GP are timed at any image size; the others at a small size of their own.
Staged systems are timed at their last stage. Nothing here imports a framework: the
workers of all frameworks read it.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Case:
    """A system and how it is built.

    Attributes:
        system: Class in `keras_gans`.
        torch: Module beside this one with the step in PyTorch; its dict `SYSTEMS` maps
            names to functions from `(arguments, batch_size)` to `(step, networks,
            images_per_step)`. `step(images, labels)` takes uint8 images `(rows,
            channels, height, width)`, `networks` are called as in `gan.networks`.
        arguments: Of the constructor; without `image_shape` that is free.
        batch_size: Images per update.
        classes: Number of classes of the labels that the data have; 0 for none.
        batches: Image batches that an update reads.
        cycle: Steps after which the work repeats: those of the rarest regulariser.
    """

    system: str
    torch: str
    arguments: dict = dataclasses.field(default_factory=dict)
    batch_size: int = 64
    classes: int = 0
    batches: int = 1
    cycle: int = 1

    def arguments_at(self, image_shape):
        """The constructor's arguments for images of `image_shape`."""
        return {**self.arguments, "image_shape": tuple(image_shape)}


_GREY, _COLOURS = {"image_shape": (32, 32, 1)}, {"image_shape": (32, 32, 3)}
_BIGGAN = {**_COLOURS, "num_classes": 10, "shared_dim": 32}
_GROWN = {
    **_GREY,
    "latent_dim": 128,
    "channel_base": 1024,
    "max_channels": 128,
    "start_resolution": 32,
}

CASES = {
    "dcgan": Case("DCGAN", "torch_steps"),
    "wgan_gp": Case("WGANGP", "torch_steps"),
    # A quarter of the paper's widths; a step reads a batch of each domain.
    "cogan": Case(
        "CoGAN",
        "torch_classic",
        {
            **_GREY,
            "generator_channels": (256, 128, 64, 32),
            "discriminator_channels": (5, 12, 125),
        },
        batches=2,
    ),
    # The paper's networks; a step reads labelled images, and two batches of others.
    "improved_gan": Case(
        "ImprovedGAN",
        "torch_classic",
        {"image_shape": (28, 28, 1), "num_labels": 10},
        classes=10,
        batches=3,
    ),
    "r1_gan": Case(
        "R1GAN",
        "torch_classic",
        {
            **_GREY,
            "latent_dim": 64,
            "num_classes": 10,
            "base_channels": 16,
            "max_channels": 64,
            "embedding_dim": 32,
        },
        classes=10,
    ),
    "anime_gan": Case(
        "AnimeGAN",
        "torch_classic",
        {
            **_GREY,
            "latent_dim": 64,
            "num_classes": 10,
            "base_channels": 32,
            "discriminator_channels": 16,
            "residual_blocks": 4,
            "discriminator_blocks": 1,
            "upsamplings": 2,
        },
        classes=10,
    ),
    "sagan": Case(
        "SAGAN",
        "torch_lineage",
        {**_COLOURS, "num_classes": 10, "base_channels": 16},
        classes=10,
    ),
    "biggan": Case(
        "BigGAN",
        "torch_lineage",
        {**_BIGGAN, "latent_dim": 80, "base_channels": 16},
        classes=10,
    ),
    "biggan_deep": Case(
        "BigGANDeep",
        "torch_lineage",
        {**_BIGGAN, "latent_dim": 32, "base_channels": 32},
        classes=10,
    ),
    "progan": Case("ProGAN", "torch_lineage", _GROWN),
    "stylegan": Case(
        "StyleGAN",
        "torch_lineage",
        {**_GROWN, "style_dim": 128},
    ),
    "stylegan2": Case(
        "StyleGAN2",
        "torch_lineage",
        {
            **_GREY,
            "latent_dim": 128,
            "style_dim": 128,
            "mapping_layers": 4,
            "channel_base": 1024,
            "max_channels": 128,
        },
        batch_size=32,
        cycle=16,
    ),
    # The papers' networks on single images of 256 pixels; a step reads two.
    "pix2pix": Case(
        "Pix2Pix",
        "torch_translation",
        {"image_shape": (256, 256, 3), "halvings": 8},
        batch_size=1,
        batches=2,
    ),
    "cyclegan": Case(
        "CycleGAN",
        "torch_translation",
        {"image_shape": (256, 256, 3), "residual_blocks": 9},
        batch_size=1,
        batches=2,
    ),
    # The paper's networks and volumes; without the gate, which skips some of the work.
    "gan_3d": Case(
        "GAN3D",
        "torch_volumes",
        {
            "image_shape": (64, 64, 64, 1),
            "latent_dim": 200,
            "base_channels": 64,
            "gate": None,
        },
        batch_size=4,
    ),
    # Half the paper's widths, frames and sides.
    "vgan": Case(
        "VGAN",
        "torch_videos",
        {"image_shape": (16, 32, 32, 3), "latent_dim": 100, "base_channels": 32},
        batch_size=16,
    ),
    # The light networks; the labels choose what is in a picture.
    "detector": Case(
        "Detector",
        "torch_detection",
        {"image_shape": (128, 128, 3), "num_classes": 10},
        batch_size=8,
        classes=10,
    ),
}

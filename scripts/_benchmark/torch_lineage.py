"""SAGAN, BigGAN and BigGAN-deep in plain PyTorch, as its users write them.

Networks, losses and averages are those of `keras_gans` at the same arguments. The
training is that of github.com/ajbrock/BigGAN-PyTorch: real images and fakes in one
batch, the gradient of the orthogonal penalty written out, a held discriminator without
gradients of its own. Spectral normalisation is PyTorch's own parametrization. What
all steps have in common is in `torch_steps`; `torch_styles` has the systems that grow.
"""

import itertools

import torch
import torch_styles
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrizations
from torch_steps import channels_last, scaled
from torch_styles import Average

GENERATOR_WIDTHS = {
    16: (4, 4, 4),
    32: (4, 4, 4, 4),
    64: (16, 16, 8, 4, 2),
    128: (16, 16, 8, 4, 2, 1),
}
# What each block puts out, and how many of them halve the map.
DISCRIMINATOR_WIDTHS = {
    16: ((4, 4, 4), 1),
    32: ((4, 4, 4, 4), 2),
    64: ((1, 2, 4, 8, 16), 4),
    128: ((1, 2, 4, 8, 16, 16), 5),
}
BIGGAN = {
    "num_classes": 1000,
    "shared_dim": 128,
    "discriminator_steps": 2,
    "orthogonal_weight": 1e-4,
    "ema_decay": 0.9999,
    "initializer": "orthogonal",
}


def sagan(arguments, batch_size):
    """One update each; tables of gains and offsets, no penalty."""
    defaults = {
        **BIGGAN,
        "latent_dim": 128,
        "base_channels": 64,
        "attention": {16: (8,), 32: (16,)}.get(arguments["image_shape"][0], (32,)),
        "initializer": "glorot_uniform",
        "discriminator_steps": 1,
        "orthogonal_weight": 0.0,
        "ema_decay": None,
    }
    options = {**defaults, **arguments}
    networks = Generator(options, tables=True), Discriminator(options)
    return hinge_game(*networks, options, batch_size, (1e-4, 4e-4), 0.9)


def biggan(arguments, batch_size):
    """Two updates of the discriminator; the generator is penalised and averaged."""
    defaults = {"latent_dim": 120, "base_channels": 96}
    options = with_attention({**BIGGAN, **defaults, **arguments})
    networks = Generator(options), Discriminator(options)
    return hinge_game(*networks, options, batch_size, (5e-5, 2e-4), 0.999)


def biggan_deep(arguments, batch_size):
    """BigGAN's training of deeper networks."""
    defaults = {"latent_dim": 128, "base_channels": 128}
    options = with_attention({**BIGGAN, **defaults, **arguments})
    networks = DeepGenerator(options), DeepDiscriminator(options)
    return hinge_game(*networks, options, batch_size, (5e-5, 2e-4), 0.999)


def with_attention(options):
    """The options, with the sizes of maps that attention follows."""
    side = options["image_shape"][0]
    return {"attention": {16: (), 32: (), 64: (32,)}.get(side, (64,)), **options}


def hinge_game(generator, discriminator, options, batch_size, rates, beta_2):
    """`(step, networks, images_per_step)` of the training that all three share."""
    for network in (generator, discriminator):
        channels_last(network)
    g_adam, d_adam = (
        torch.optim.Adam(network.parameters(), rate, (0.0, beta_2), fused=True)
        for network, rate in zip((generator, discriminator), rates, strict=True)
    )
    decay, penalty = options["ema_decay"], options["orthogonal_weight"]
    average = None if decay is None else Average(generator, of_buffers=True)
    penalised = [
        weight
        for name, weight in generator.named_parameters()
        if weight.ndim >= 2 and "shared_embedding" not in name
    ]

    def fakes():
        latents = torch.randn(batch_size, options["latent_dim"])
        classes = torch.randint(options["num_classes"], (batch_size,))
        return generator(latents, classes), classes

    def step(images, labels):
        discriminator.requires_grad_(True)
        batches = scaled(images).split(batch_size), labels.split(batch_size)
        for real, classes in zip(*batches, strict=True):
            d_adam.zero_grad(set_to_none=True)
            with torch.no_grad():
                fake, drawn = fakes()
            classes = torch.cat([drawn, classes])
            of_fake, of_real = discriminator(torch.cat([fake, real]), classes).chunk(2)
            d_loss = functional.relu(1 - of_real).mean()
            d_loss = d_loss + functional.relu(1 + of_fake).mean()
            d_loss.backward()
            d_adam.step()
        discriminator.requires_grad_(False)
        g_adam.zero_grad(set_to_none=True)
        g_loss = -discriminator(*fakes()).mean()
        g_loss.backward()
        if penalty:
            orthogonalise(penalised, penalty)
        g_adam.step()
        if average:
            average.follow(decay)
        return d_loss.detach(), g_loss.detach()

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, batch_size * options["discriminator_steps"]


@torch.no_grad()
def orthogonalise(weights, strength):
    """Adds to the gradients that of strength / 2 * ||W W^T * (1 - I)||^2."""
    for weight in weights:
        rows = weight.flatten(1)
        products = rows @ rows.T
        products.fill_diagonal_(0.0)
        weight.grad.add_((products @ rows).view_as(weight), alpha=2 * strength)


def spectral(layer, options, eps=1e-12):
    """`layer` with new weights, normalised."""
    if options["initializer"] == "orthogonal":
        nn.init.orthogonal_(layer.weight)
    else:
        nn.init.xavier_uniform_(layer.weight)
    if getattr(layer, "bias", None) is not None:
        nn.init.zeros_(layer.bias)
    return parametrizations.spectral_norm(layer, eps=eps)


class ConditionalNorm(nn.Module):
    """Batch normalisation with a gain and an offset from the condition."""

    def __init__(self, channels, condition_dim, options, eps=1e-5, sn_eps=1e-12):
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, eps, affine=False)
        if condition_dim is None:
            self.gain = nn.Embedding(options["num_classes"], channels)
            self.offset = nn.Embedding(options["num_classes"], channels)
            for table in (self.gain, self.offset):
                nn.init.zeros_(table.weight)
        else:
            self.gain, self.offset = (
                spectral(nn.Linear(condition_dim, channels, False), options, sn_eps)
                for _ in range(2)
            )

    def forward(self, x, condition):
        """Maps and labels, or vectors, to maps."""
        gain, offset = self.gain(condition), self.offset(condition)
        return self.norm(x) * (1 + gain[..., None, None]) + offset[..., None, None]


class Attention(nn.Module):
    """x + gamma o(softmax(theta phi^T) g), phi and g of a quarter of the points."""

    def __init__(self, channels, options, eps=1e-12):
        super().__init__()

        def conv(inputs, outputs):
            return spectral(nn.Conv2d(inputs, outputs, 1, bias=False), options, eps)

        self.theta, self.phi = (conv(channels, channels // 8) for _ in range(2))
        self.g = conv(channels, channels // 2)
        self.o = conv(channels // 2, channels)
        self.gamma = nn.Parameter(torch.zeros(()))

    def forward(self, x):
        """Maps to maps."""
        queries = self.theta(x).flatten(2)
        keys = functional.max_pool2d(self.phi(x), 2).flatten(2)
        values = functional.max_pool2d(self.g(x), 2).flatten(2)
        weights = torch.softmax(queries.transpose(1, 2) @ keys, -1)
        read = (values @ weights.transpose(1, 2)).unflatten(2, x.shape[2:])
        read = read.contiguous(memory_format=torch.channels_last)
        return x + self.gamma * self.o(read)


class Start(nn.Module):
    """A normalised linear function of vectors, as 4x4 maps."""

    def __init__(self, features, channels, options, eps=1e-12):
        super().__init__()
        self.linear = spectral(nn.Linear(features, 16 * channels), options, eps)

    def forward(self, x):
        """`(batch, features)` to `(batch, channels, 4, 4)`."""
        x = self.linear(x).unflatten(1, (-1, 4, 4))
        return x.contiguous(memory_format=torch.channels_last)


class Projection(nn.Module):
    """w h + b + <e(y), h>, h the sum of relu(x) over all points."""

    def __init__(self, channels, options):
        super().__init__()
        self.linear = spectral(nn.Linear(channels, 1), options)
        self.embed = spectral(nn.Embedding(options["num_classes"], channels), options)

    def forward(self, x, labels):
        """Maps and labels to `(batch, 1)`."""
        h = functional.relu(x).sum((2, 3))
        return self.linear(h) + (self.embed(labels) * h).sum(1, keepdim=True)


def upsampled(x):
    """Each point four times."""
    return functional.interpolate(x, scale_factor=2)


class BlockUp(nn.Module):
    """Doubles a map in two convolutions and a shortcut."""

    def __init__(self, before, after, condition_dim, options):
        super().__init__()
        self.skip = spectral(nn.Conv2d(before, after, 1), options)
        self.norm_0 = ConditionalNorm(before, condition_dim, options)
        self.conv_0 = spectral(nn.Conv2d(before, after, 3, padding=1), options)
        self.norm_1 = ConditionalNorm(after, condition_dim, options)
        self.conv_1 = spectral(nn.Conv2d(after, after, 3, padding=1), options)

    def forward(self, x, condition):
        """Maps to maps of twice the side."""
        skip = upsampled(self.skip(x))
        x = self.conv_0(upsampled(functional.relu_(self.norm_0(x, condition))))
        return self.conv_1(functional.relu_(self.norm_1(x, condition))) + skip


class Generator(nn.Module):
    """SAGAN's (`tables`), or BigGAN's, each of whose blocks has its own part of z."""

    def __init__(self, options, tables=False):
        super().__init__()
        side, _, colours = options["image_shape"]
        widths = [w * options["base_channels"] for w in GENERATOR_WIDTHS[side]]
        features, condition_dim = options["latent_dim"], None
        self.shared_embedding = None
        if not tables:
            features //= len(widths)
            condition_dim = features + options["shared_dim"]
            self.shared_embedding = nn.Embedding(
                options["num_classes"], options["shared_dim"]
            )
        self.start = Start(features, widths[0], options)
        self.blocks, self.attentions = nn.ModuleList(), nn.ModuleList()
        for i, (before, after) in enumerate(itertools.pairwise(widths)):
            self.blocks.append(BlockUp(before, after, condition_dim, options))
            attends = 8 * 2**i in options["attention"]
            self.attentions.append(
                Attention(after, options) if attends else nn.Identity()
            )
        self.norm = nn.BatchNorm2d(widths[-1])
        self.to_image = spectral(nn.Conv2d(widths[-1], colours, 3, padding=1), options)

    def forward(self, latents, labels):
        """Latents and labels to images."""
        x, conditions = latents, [labels] * len(self.blocks)
        if self.shared_embedding is not None:
            y = self.shared_embedding(labels)
            x, *chunks = latents.chunk(len(self.blocks) + 1, 1)
            conditions = [torch.cat([y, chunk], 1) for chunk in chunks]
        x = self.start(x)
        for block, attention, condition in zip(
            self.blocks, self.attentions, conditions, strict=True
        ):
            x = attention(block(x, condition))
        return torch.tanh(self.to_image(functional.relu_(self.norm(x))))


class BlockDown(nn.Module):
    """Two convolutions and a shortcut; the first block's input is the image."""

    def __init__(self, before, after, down, first, options):
        super().__init__()
        self.down, self.first = down, first
        self.skip = nn.Identity()
        if down or before != after:
            self.skip = spectral(nn.Conv2d(before, after, 1), options)
        self.conv_0 = spectral(nn.Conv2d(before, after, 3, padding=1), options)
        self.conv_1 = spectral(nn.Conv2d(after, after, 3, padding=1), options)

    def forward(self, x):
        """Maps to maps of half the side, or of the same."""
        skip = self.skip(functional.avg_pool2d(x, 2) if self.down else x)
        x = self.conv_0(x if self.first else functional.relu(x))
        x = self.conv_1(functional.relu_(x))
        return (functional.avg_pool2d(x, 2) if self.down else x) + skip


class Discriminator(nn.Module):
    """SAGAN's and BigGAN's."""

    def __init__(self, options):
        super().__init__()
        side, _, channels = options["image_shape"]
        widths, halvings = DISCRIMINATOR_WIDTHS[side]
        blocks, size = [], side
        for i, width in enumerate(widths):
            before, channels = channels, width * options["base_channels"]
            size //= 1 + (i < halvings)
            blocks.append(BlockDown(before, channels, i < halvings, i == 0, options))
            # The reference's table for 32 pixels says 16 for each of the four blocks.
            if (16 if side == 32 else size) in options["attention"]:
                blocks.append(Attention(channels, options))
        self.blocks = nn.Sequential(*blocks)
        self.projection = Projection(channels, options)

    def forward(self, images, labels):
        """Images and labels to `(batch, 1)`."""
        return self.projection(self.blocks(images), labels)


class DeepBlockUp(nn.Module):
    """A bottleneck of four convolutions whose shortcut keeps the first channels."""

    def __init__(self, before, after, up, condition_dim, options):
        super().__init__()
        self.up, self.channels = up, after
        hidden = before // 4
        self.norms = nn.ModuleList(
            ConditionalNorm(width, condition_dim, options, 1e-4, 1e-4)
            for width in (before, hidden, hidden, hidden)
        )
        self.convs = nn.ModuleList(
            spectral(nn.Conv2d(*widths, side, padding=side // 2), options, 1e-4)
            for *widths, side in (
                (before, hidden, 1),
                (hidden, hidden, 3),
                (hidden, hidden, 3),
                (hidden, after, 1),
            )
        )

    def forward(self, x, condition):
        """Maps to maps of twice the side, or of the same."""
        skip = x[:, : self.channels]
        for i, (norm, conv) in enumerate(zip(self.norms, self.convs, strict=True)):
            x = functional.relu_(norm(x, condition))
            x = conv(upsampled(x) if self.up and i == 1 else x)
        return x + (upsampled(skip) if self.up else skip)


class DeepGenerator(nn.Module):
    """All of z and the class's embedding for each of two blocks per size."""

    def __init__(self, options):
        super().__init__()
        side, _, self.colours = options["image_shape"]
        base, shared_dim = options["base_channels"], options["shared_dim"]
        widths = [w * base for w in GENERATOR_WIDTHS[side]]
        features = options["latent_dim"] + shared_dim
        self.shared_embedding = nn.Embedding(options["num_classes"], shared_dim)
        self.start = Start(features, widths[0], options, 1e-4)
        self.blocks, self.attentions = nn.ModuleList(), nn.ModuleList()
        for i, (before, after) in enumerate(itertools.pairwise(widths)):
            for up, width in ((False, before), (True, after)):
                block = DeepBlockUp(before, width, up, features, options)
                attends = up and 8 * 2**i in options["attention"]
                attention = Attention(width, options, 1e-4) if attends else None
                self.blocks.append(block)
                self.attentions.append(attention or nn.Identity())
        self.norm = nn.BatchNorm2d(widths[-1], 1e-4)
        filters = max(base, self.colours)
        to_image = nn.Conv2d(widths[-1], filters, 3, padding=1)
        self.to_image = spectral(to_image, options, 1e-4)

    def forward(self, latents, labels):
        """Latents and labels to images."""
        condition = torch.cat([self.shared_embedding(labels), latents], 1)
        x = self.start(condition)
        for block, attention in zip(self.blocks, self.attentions, strict=True):
            x = attention(block(x, condition))
        x = self.to_image(functional.relu_(self.norm(x)))
        return torch.tanh(x[:, : self.colours])


class DeepBlockDown(nn.Module):
    """A bottleneck of four convolutions whose shortcut adds new channels."""

    def __init__(self, before, after, down, options):
        super().__init__()
        self.down, hidden = down, after // 4
        self.convs = nn.ModuleList(
            spectral(nn.Conv2d(*widths, side, padding=side // 2), options)
            for *widths, side in (
                (before, hidden, 1),
                (hidden, hidden, 3),
                (hidden, hidden, 3),
                (hidden, after, 1),
            )
        )
        self.wider = None
        if before < after:
            self.wider = spectral(nn.Conv2d(before, after - before, 1), options)

    def forward(self, x):
        """Maps to maps of half the side, or of the same."""
        skip = functional.avg_pool2d(x, 2) if self.down else x
        x = self.convs[0](functional.relu(x))
        for conv in self.convs[1:3]:
            x = conv(functional.relu_(x))
        x = functional.relu_(x)
        x = self.convs[3](functional.avg_pool2d(x, 2) if self.down else x)
        if self.wider is not None:
            skip = torch.cat([skip, self.wider(skip)], 1)
        return x + skip


class DeepDiscriminator(nn.Module):
    """A convolution, then two blocks at each size."""

    def __init__(self, options):
        super().__init__()
        side, _, colours = options["image_shape"]
        widths, halvings = DISCRIMINATOR_WIDTHS[side]
        widths = [w * options["base_channels"] for w in widths]
        layers = [spectral(nn.Conv2d(colours, widths[0], 3, padding=1), options)]
        for i, (before, after) in enumerate(itertools.pairwise(widths)):
            layers.append(DeepBlockDown(before, after, i < halvings, options))
            layers.append(DeepBlockDown(after, after, False, options))
            if side >> min(i + 1, halvings) in options["attention"]:
                layers.append(Attention(after, options))
        self.blocks = nn.Sequential(*layers)
        self.projection = Projection(widths[-1], options)

    def forward(self, images, labels):
        """Images and labels to `(batch, 1)`."""
        return self.projection(self.blocks(images), labels)


SYSTEMS = {
    "sagan": sagan,
    "biggan": biggan,
    "biggan_deep": biggan_deep,
    **torch_styles.SYSTEMS,
}

"""pix2pix and CycleGAN in plain PyTorch, as their authors' repository trains them.

Networks are those of `keras_gans` at the same arguments; see `torch_steps` for what all
steps have in common.
"""

import random

import torch
from torch import nn
from torch.nn import functional
from torch_classic import hold
from torch_steps import channels_last, scaled


def pix2pix(arguments, batch_size):
    """One translation for both players; the discriminator moves first."""
    size = arguments.get("base_channels", 64)
    generator = channels_last(unet(arguments["halvings"], size))
    discriminator = channels_last(patches(6, size, nn.BatchNorm2d))
    d_adam, g_adam = (
        adam(network.parameters()) for network in (discriminator, generator)
    )

    def step(images, labels=None):
        source, target = scaled(images).split(batch_size)
        fake = generator(source)
        hold(discriminator, False)
        d_adam.zero_grad(set_to_none=True)
        of_fake = discriminator(torch.cat([source, fake.detach()], 1))
        of_real = discriminator(torch.cat([source, target], 1))
        loss = (
            functional.softplus(of_fake).mean() + functional.softplus(-of_real).mean()
        )
        (0.5 * loss).backward()
        d_adam.step()
        hold(discriminator)
        g_adam.zero_grad(set_to_none=True)
        score = discriminator(torch.cat([source, fake], 1))
        loss = functional.softplus(-score).mean()
        (loss + 100 * functional.l1_loss(fake, target)).backward()
        g_adam.step()

    return (
        step,
        {"discriminator": discriminator, "generator": generator},
        2 * batch_size,
    )


def cyclegan(arguments, batch_size):
    """Both cycles, then both discriminators on fakes of a pool of fifty."""
    size, blocks = arguments.get("base_channels", 64), arguments["residual_blocks"]
    names = ("discriminator_a", "discriminator_b", "generator_ab", "generator_ba")
    made = [channels_last(patches(3, size, nn.InstanceNorm2d)) for _ in range(2)]
    made += [channels_last(resnet(blocks, size)) for _ in range(2)]
    networks = dict(zip(names, made, strict=True))
    judge_a, judge_b, to_b, to_a = made
    g_adam = adam([*to_b.parameters(), *to_a.parameters()])
    d_adam = adam([*judge_a.parameters(), *judge_b.parameters()])
    pools = [], []

    def step(images, labels=None):
        a, b = scaled(images).split(batch_size)
        hold(judge_a), hold(judge_b)
        fake_b, fake_a = to_b(a), to_a(b)
        g_adam.zero_grad(set_to_none=True)
        loss = (judge_b(fake_b) - 1).square().mean()
        loss = loss + (judge_a(fake_a) - 1).square().mean()
        for made, real in ((to_a(fake_b), a), (to_b(fake_a), b)):
            loss = loss + 10 * functional.l1_loss(made, real)
        for made, real in ((to_a(a), a), (to_b(b), b)):
            loss = loss + 5 * functional.l1_loss(made, real)
        loss.backward()
        g_adam.step()
        hold(judge_a, False), hold(judge_b, False)
        d_adam.zero_grad(set_to_none=True)
        for judge, real, fake, pool in (
            (judge_a, a, fake_a, pools[0]),
            (judge_b, b, fake_b, pools[1]),
        ):
            old = exchanged(pool, fake.detach())
            loss = (judge(real) - 1).square().mean() + judge(old).square().mean()
            (0.5 * loss).backward()
        d_adam.step()

    return step, networks, 2 * batch_size


def exchanged(pool, images):
    """Images for the discriminator, of which half are older ones."""
    out = []
    for image in images:
        if len(pool) < 50:
            pool.append(image)
        elif random.random() > 0.5:
            place = random.randrange(50)
            pool[place], image = image, pool[place]
        out.append(image)
    return torch.stack(out)


def unet(halvings, size):
    """The U-Net, each module around the next."""
    widths = [size * min(2**i, 8) for i in range(halvings)]
    inside = None
    for i in range(halvings - 1, 0, -1):
        drop = 4 <= i < halvings - 1
        inside = Skip(widths[i - 1], widths[i], inside, drop)
    return nn.Sequential(
        nn.Conv2d(3, size, 4, 2, 1, bias=False),
        inside,
        nn.ReLU(),
        nn.ConvTranspose2d(2 * size, 3, 4, 2, 1),
        nn.Tanh(),
    )


class Skip(nn.Module):
    """A map, and what comes of halving it, working on it and doubling it."""

    def __init__(self, outer, inner, inside, drop):
        super().__init__()
        down = [nn.LeakyReLU(0.2), nn.Conv2d(outer, inner, 4, 2, 1, bias=False)]
        wide = inner if inside is None else 2 * inner
        if inside is not None:
            down += [nn.BatchNorm2d(inner), inside]
        up = [nn.ReLU(), nn.ConvTranspose2d(wide, outer, 4, 2, 1, bias=False)]
        up += [nn.BatchNorm2d(outer)] + [nn.Dropout(0.5)] * drop
        self.body = nn.Sequential(*down, *up)

    def forward(self, x):
        """`(batch, outer, h, w)` to `(batch, 2 * outer, h, w)`."""
        return torch.cat([x, self.body(x)], 1)


def patches(colours, size, norm):
    """The PatchGAN of 70 pixels."""
    bias = norm is nn.InstanceNorm2d
    layers = [nn.Conv2d(colours, size, 4, 2, 1), nn.LeakyReLU(0.2)]
    for i, stride in ((1, 2), (2, 2), (3, 1)):
        narrow, wide = size * 2 ** (i - 1), size * 2**i
        layers += [nn.Conv2d(narrow, wide, 4, stride, 1, bias=bias), norm(wide)]
        layers.append(nn.LeakyReLU(0.2))
    return nn.Sequential(*layers, nn.Conv2d(8 * size, 1, 4, 1, 1))


def resnet(blocks, size):
    """The generator of residual blocks."""
    norm = nn.InstanceNorm2d
    layers = [nn.ReflectionPad2d(3), nn.Conv2d(3, size, 7), norm(size), nn.ReLU()]
    for i in (1, 2):
        layers.append(nn.Conv2d(size * 2 ** (i - 1), size * 2**i, 3, 2, 1))
        layers += [norm(size * 2**i), nn.ReLU()]
    layers += [Residual(4 * size) for _ in range(blocks)]
    for i in (2, 1):
        narrow = size * 2 ** (i - 1)
        layers.append(nn.ConvTranspose2d(2 * narrow, narrow, 3, 2, 1, 1))
        layers += [norm(narrow), nn.ReLU()]
    return nn.Sequential(
        *layers, nn.ReflectionPad2d(3), nn.Conv2d(size, 3, 7), nn.Tanh()
    )


class Residual(nn.Module):
    """Two mirrored 3x3 convolutions and what they were given."""

    def __init__(self, width):
        super().__init__()
        half = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3)]
        again = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3)]
        norm = nn.InstanceNorm2d
        self.body = nn.Sequential(*half, norm(width), nn.ReLU(), *again, norm(width))

    def forward(self, x):
        """`(batch, width, h, w)` to the same shape."""
        return x + self.body(x)


def adam(parameters):
    """The optimizer of both systems."""
    return torch.optim.Adam(parameters, 2e-4, (0.5, 0.999))


SYSTEMS = {"pix2pix": pix2pix, "cyclegan": cyclegan}

"""DCGAN and WGAN-GP in plain PyTorch, as its users write them; the way to the others.

Networks are those of `keras_gans` at the same arguments; the trainings are those of
PyTorch's own DCGAN example (github.com/pytorch/examples/blob/main/dcgan/main.py) and of
the usual ports of WGAN-GP. Models and images are channels_last, gradients are set to
None, nothing is read back within a step. Images stay in memory as one uint8 tensor, of
which each step gathers its rows and scales them: no `DataLoader` is faster.
"""

import importlib
import math

import torch
from cases import CASES
from torch import nn
from torch.nn import functional


def build(system, image_shape, batch_size):
    """`(step, networks, images_per_step)` of a case, from its module; see `Case`."""
    case = CASES[system]
    written = importlib.import_module(case.torch).SYSTEMS[system]
    return written(case.arguments_at(image_shape), batch_size)


def dcgan(arguments, batch_size):
    """PyTorch's DCGAN example, which leaves the discriminator's gradients on."""
    (side, _, colours), channels = arguments["image_shape"], 64
    doublings = int(math.log2(side / 4))
    width = channels * 2 ** (doublings - 1)
    layers = [nn.ConvTranspose2d(100, width, side // 2**doublings, bias=False)]
    for _ in range(doublings - 1):
        layers += [nn.BatchNorm2d(width), nn.ReLU(True)]
        layers.append(nn.ConvTranspose2d(width, width // 2, 4, 2, 1, bias=False))
        width //= 2
    layers += [nn.BatchNorm2d(width), nn.ReLU(True)]
    layers += [nn.ConvTranspose2d(width, colours, 4, 2, 1, bias=False), nn.Tanh()]
    generator = channels_last(nn.Sequential(*layers))
    layers, width = [], colours
    for i in range(doublings):
        layers.append(nn.Conv2d(width, channels * 2**i, 4, 2, 1, bias=False))
        width = channels * 2**i
        layers += [nn.BatchNorm2d(width)] * (i > 0) + [nn.LeakyReLU(0.2, True)]
    layers += [nn.Conv2d(width, 1, side // 2**doublings, bias=False), nn.Flatten(0)]
    discriminator = channels_last(nn.Sequential(*layers))
    for network in (generator, discriminator):
        network.apply(dcgan_weights)
    loss = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(batch_size), torch.zeros(batch_size)
    d_adam = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999))
    g_adam = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999))

    def step(images, labels=None):
        real = scaled(images)
        d_adam.zero_grad(set_to_none=True)
        loss(discriminator(real), ones).backward()
        fake = generator(torch.randn(batch_size, 100, 1, 1))
        loss(discriminator(fake.detach()), zeros).backward()
        d_adam.step()
        g_adam.zero_grad(set_to_none=True)
        loss(discriminator(fake), ones).backward()
        g_adam.step()

    return step, {"generator": generator, "discriminator": discriminator}, batch_size


def dcgan_weights(module):
    """N(0, 0.02) for convolutions, N(1, 0.02) for normalisations."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)


def wgan_gp(arguments, batch_size, critic_steps=5):
    """Five penalised critic updates, then the generator's with the critic held."""
    image_shape = arguments["image_shape"]
    generator = channels_last(WGANGPGenerator(image_shape))
    layers, width = [], image_shape[-1]
    doublings = 3 if image_shape[0] == 28 else int(math.log2(image_shape[0] / 4))
    for i in range(doublings):
        layers += [nn.Conv2d(width, 64 * 2**i, 5, 2, 2), nn.LeakyReLU(0.2, True)]
        width = 64 * 2**i
    layers += [nn.Flatten(), nn.Linear(16 * width, 1)]
    critic = channels_last(nn.Sequential(*layers))
    c_adam = torch.optim.Adam(critic.parameters(), 1e-4, (0.5, 0.9))
    g_adam = torch.optim.Adam(generator.parameters(), 1e-4, (0.5, 0.9))

    def penalty(real, fake):
        alpha = torch.rand(len(real), 1, 1, 1)
        blend = (real + alpha * (fake - real)).requires_grad_(True)
        (slope,) = torch.autograd.grad(critic(blend).sum(), blend, create_graph=True)
        return ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()

    def step(images, labels=None):
        for parameter in critic.parameters():
            parameter.requires_grad_(True)
        for real in scaled(images).split(batch_size):
            c_adam.zero_grad(set_to_none=True)
            with torch.no_grad():
                fake = generator(torch.randn(batch_size, 128))
            loss = critic(fake).mean() - critic(real).mean() + 10 * penalty(real, fake)
            loss.backward()
            c_adam.step()
        for parameter in critic.parameters():
            parameter.requires_grad_(False)
        g_adam.zero_grad(set_to_none=True)
        (-critic(generator(torch.randn(batch_size, 128))).mean()).backward()
        g_adam.step()

    networks = {"generator": generator, "critic": critic}
    return step, networks, batch_size * critic_steps


class WGANGPGenerator(nn.Module):
    """The authors' generator: the MNIST one at 28 pixels, else with normalisation."""

    def __init__(self, image_shape):
        super().__init__()
        side, _, colours = image_shape
        self.mnist = side == 28
        doublings = 3 if self.mnist else int(math.log2(side / 4))
        width = 64 * 2 ** (doublings - 1)
        self.input = nn.Linear(128, 16 * width)
        self.input_norm = nn.Identity() if self.mnist else nn.BatchNorm1d(16 * width)
        self.blocks = nn.ModuleList()
        for _ in range(doublings - 1):
            deconv = nn.ConvTranspose2d(width, width // 2, 5, 2, 2, 1)
            width //= 2
            norm = nn.Identity() if self.mnist else nn.BatchNorm2d(width)
            self.blocks.append(nn.Sequential(deconv, norm, nn.ReLU(True)))
        self.to_image = nn.ConvTranspose2d(width, colours, 5, 2, 2, 1)

    def forward(self, latents):
        """Latents `(batch, 128)` to images in [-1, 1]."""
        x = functional.relu(self.input_norm(self.input(latents)))
        x = x.unflatten(1, (-1, 4, 4)).contiguous(memory_format=torch.channels_last)
        for i, block in enumerate(self.blocks):
            x = block(x)
            x = x[:, :, :7, :7] if self.mnist and i == 0 else x
        x = self.to_image(x)
        return torch.sigmoid(x) * 2 - 1 if self.mnist else torch.tanh(x)


def channels_last(network):
    """The memory format that PyTorch recommends for convolutions on CPUs."""
    return network.to(memory_format=torch.channels_last)


def scaled(images):
    """uint8 images to floats in [-1, 1], channels_last."""
    images = images.float().div_(127.5).sub_(1.0)
    return images.contiguous(memory_format=torch.channels_last)


SYSTEMS = {"dcgan": dcgan, "wgan_gp": wgan_gp}


def peak():
    """The tasks of `keras_steps.peak` in PyTorch."""
    matrix = torch.ones(2048, 2048)
    maps = torch.ones(32, 256, 32, 32).contiguous(memory_format=torch.channels_last)
    kernel = torch.ones(256, 256, 3, 3).contiguous(memory_format=torch.channels_last)
    return {
        "product": (lambda: (matrix @ matrix)[0, 0].item(), 2 * 2048**3),
        "convolution": (
            lambda: functional.conv2d(maps, kernel, padding=1)[0, 0, 0, 0].item(),
            2 * 9 * 256**2 * 32 * 32 * 32,
        ),
    }

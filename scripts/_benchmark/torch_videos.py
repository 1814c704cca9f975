"""VGAN in plain PyTorch, as its users write it; see `torch_steps`.

Two streams laid over each other, a discriminator of two classes, one generated batch
for both players, nothing read back: the training of github.com/cvondrick/videogan in
the manner of today's ports.
"""

import torch
from torch import nn
from torch.nn import functional
from torch_volumes import channels_last


def vgan(arguments, batch_size):
    """The networks of `VGAN` and its step."""
    latent_dim = arguments["latent_dim"]
    generator = Generator(arguments)
    for network in (generator.clip, generator.foreground, generator.mask):
        channels_last(network)
    generator.picture.to(memory_format=torch.channels_last)
    discriminator = channels_last(build_discriminator(arguments))
    for network in (generator, discriminator):
        network.apply(initial_weights)
    is_real, is_fake = (torch.full((batch_size,), kind) for kind in (0, 1))
    d_adam, g_adam = (
        torch.optim.Adam(network.parameters(), 2e-4, (0.5, 0.999))
        for network in (discriminator, generator)
    )

    def step(videos, labels=None):
        real = videos.float() / 127.5 - 1
        real = real.contiguous(memory_format=torch.channels_last_3d)
        d_adam.zero_grad(set_to_none=True)
        (0.5 * functional.cross_entropy(discriminator(real), is_real)).backward()
        fake, masks = generator(torch.randn(batch_size, latent_dim))
        held = discriminator(fake.detach())
        (0.5 * functional.cross_entropy(held, is_fake)).backward()
        d_adam.step()
        g_adam.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(discriminator(fake), is_real)
        (loss + 0.1 * masks.mean()).backward()
        g_adam.step()

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, batch_size


class Generator(nn.Module):
    """m f + (1 - m) b of latents, and m."""

    def __init__(self, arguments):
        super().__init__()
        latent_dim, colours = arguments["latent_dim"], arguments["image_shape"][-1]
        frames, doublings = coarse(arguments)
        width = arguments["base_channels"] * 2 ** (doublings - 1)
        clip = [nn.ConvTranspose3d(latent_dim, width, (frames, 4, 4))]
        picture = [nn.ConvTranspose2d(latent_dim, width, 4)]
        for _ in range(doublings - 1):
            clip += [nn.BatchNorm3d(width), nn.ReLU(True)]
            clip.append(nn.ConvTranspose3d(width, width // 2, 4, 2, 1))
            picture += [nn.BatchNorm2d(width), nn.ReLU(True)]
            picture.append(nn.ConvTranspose2d(width, width // 2, 4, 2, 1))
            width //= 2
        clip += [nn.BatchNorm3d(width), nn.ReLU(True)]
        picture += [nn.BatchNorm2d(width), nn.ReLU(True)]
        picture += [nn.ConvTranspose2d(width, colours, 4, 2, 1), nn.Tanh()]
        self.clip, self.picture = nn.Sequential(*clip), nn.Sequential(*picture)
        self.foreground = nn.ConvTranspose3d(width, colours, 4, 2, 1)
        self.mask = nn.ConvTranspose3d(width, 1, 4, 2, 1)

    def forward(self, latents):
        """Latents `(batch, latent_dim)`."""
        x = self.clip(latents[:, :, None, None, None])
        masks = torch.sigmoid(self.mask(x))
        background = self.picture(latents[:, :, None, None])[:, :, None]
        moving = masks * torch.tanh(self.foreground(x))
        return moving + (1 - masks) * background, masks


def build_discriminator(arguments):
    """Videos to two logits."""
    frames, doublings = coarse(arguments)
    layers, width = [], arguments["image_shape"][-1]
    for i in range(doublings):
        channels = arguments["base_channels"] * 2**i
        layers.append(nn.Conv3d(width, channels, 4, 2, 1))
        layers += [nn.BatchNorm3d(channels, eps=1e-3)] * (i > 0)
        layers.append(nn.LeakyReLU(0.2, True))
        width = channels
    layers += [nn.Conv3d(width, 2, (frames, 4, 4)), nn.Flatten()]
    return nn.Sequential(*layers)


def coarse(arguments):
    """Frames of the coarsest map of 4x4, and how often it is doubled."""
    frames, side = arguments["image_shape"][:2]
    doublings = (side // 4).bit_length() - 1
    return frames >> doublings, doublings


def initial_weights(layer):
    """Those of the authors."""
    if isinstance(layer, (nn.BatchNorm2d, nn.BatchNorm3d)):
        nn.init.normal_(layer.weight, 1.0, 0.02)
    elif hasattr(layer, "weight"):
        nn.init.normal_(layer.weight, 0.0, 0.01)
        nn.init.zeros_(layer.bias)


SYSTEMS = {"vgan": vgan}

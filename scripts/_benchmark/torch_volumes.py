"""3D-GAN in plain PyTorch, as its users write it; see `torch_steps`.

The usual ports play the paper's game step by step: real and fake apart through the
discriminator, one fake for both players, nothing read back. The accuracy gate is left
out on both sides, since it saves a part of the work in some steps.
"""

import torch
from torch import nn


def gan_3d(arguments, batch_size):
    """The networks of `GAN3D` and its step with `gate=None`."""
    side, latent_dim = arguments["image_shape"][0], arguments["latent_dim"]
    channels, doublings = arguments["base_channels"], (side // 4).bit_length() - 1
    width = channels * 2 ** (doublings - 1)
    layers = [nn.ConvTranspose3d(latent_dim, width, 4, bias=False)]
    for _ in range(doublings - 1):
        layers += [nn.BatchNorm3d(width), nn.ReLU(True)]
        layers.append(nn.ConvTranspose3d(width, width // 2, 4, 2, 1, bias=False))
        width //= 2
    layers += [nn.BatchNorm3d(width), nn.ReLU(True)]
    layers += [nn.ConvTranspose3d(width, 1, 4, 2, 1, bias=False), nn.Sigmoid()]
    generator = channels_last(nn.Sequential(*layers))
    layers, width = [], 1
    for i in range(doublings):
        layers.append(nn.Conv3d(width, channels * 2**i, 4, 2, 1, bias=False))
        width = channels * 2**i
        layers += [nn.BatchNorm3d(width)] * (i > 0) + [nn.LeakyReLU(0.2, True)]
    layers += [nn.Conv3d(width, 1, 4, bias=False), nn.Flatten(0)]
    discriminator = channels_last(nn.Sequential(*layers))
    loss = nn.BCEWithLogitsLoss()
    ones, zeros = torch.ones(batch_size), torch.zeros(batch_size)
    d_adam = torch.optim.Adam(discriminator.parameters(), 1e-5, (0.5, 0.999))
    g_adam = torch.optim.Adam(generator.parameters(), 2.5e-3, (0.5, 0.999))

    def step(volumes, labels=None):
        real = (volumes.float() / 255).contiguous(memory_format=torch.channels_last_3d)
        d_adam.zero_grad(set_to_none=True)
        loss(discriminator(real), ones).backward()
        fake = generator(torch.rand(batch_size, latent_dim, 1, 1, 1))
        loss(discriminator(fake.detach()), zeros).backward()
        d_adam.step()
        g_adam.zero_grad(set_to_none=True)
        loss(discriminator(fake), ones).backward()
        g_adam.step()

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, batch_size


def channels_last(network):
    """The memory format that PyTorch recommends for 3D convolutions on CPUs."""
    return network.to(memory_format=torch.channels_last_3d)


SYSTEMS = {"gan_3d": gan_3d}

"""ProGAN, StyleGAN and StyleGAN2 in plain PyTorch, as its users write them.

Losses, regularisers and averages are those of `keras_gans` at the same arguments;
networks do not grow. The trainings are those of the usual ports (github.com/
facebookresearch/pytorch_GAN_zoo, github.com/rosinality/style-based-gan-pytorch) and of
github.com/NVlabs/stylegan2-ada-pytorch. Networks are in `torch_style_networks`; what
all steps have in common is in `torch_steps`.
"""

import copy
import math

import torch
from torch.nn import functional
from torch_steps import channels_last, scaled
from torch_style_networks import (
    GrownDiscriminator,
    ProGANGenerator,
    ResidualDiscriminator,
    StyleGAN2Synthesis,
    StyleGANSynthesis,
    StyleGenerator,
    leaky,
    scaled_leaky,
)

PROGAN = {
    "latent_dim": 512,
    "channel_base": 16_384,
    "max_channels": 512,
    "penalty_weight": 10.0,
    "drift_weight": 0.001,
    "ema_decay": 0.999,
}
STYLEGAN = {
    "latent_dim": 512,
    "style_dim": 512,
    "mapping_layers": 8,
    "channel_base": 16_384,
    "max_channels": 512,
    "r1_weight": 10.0,
    "style_mixing": 0.9,
    "half_life": 10_000,
}
STYLEGAN2 = {
    **STYLEGAN,
    "channel_base": 32_768,
    "group_size": 4,
    "learning_rate": 0.002,
    "path_length_weight": 2.0,
    "path_length_decay": 0.01,
    "path_length_batch_shrink": 2,
    "generator_interval": 4,
    "discriminator_interval": 16,
}
RATE_FACTORS = {128: 1.5, 256: 2.0, 512: 3.0, 1024: 3.0}


def progan(arguments, batch_size):
    """A penalised critic with drift, then the generator; one update each."""
    options = {**PROGAN, **arguments}
    generator = channels_last(ProGANGenerator(options))
    discriminator = channels_last(GrownDiscriminator(options))
    d_adam, g_adam = growing_adams(discriminator, generator, options)
    average = Average(generator)

    def penalty(real, fake):
        alpha = torch.rand(len(real), 1, 1, 1)
        blend = (real + alpha * (fake - real)).requires_grad_(True)
        slope = slope_at(blend, discriminator(blend))
        return ((slope.flatten(1).norm(2, dim=1) - 1) ** 2).mean()

    def generate():
        return generator(torch.randn(batch_size, options["latent_dim"]))

    def step(images, labels=None):
        real = scaled(images)
        discriminator.requires_grad_(True)
        d_adam.zero_grad(set_to_none=True)
        with torch.no_grad():
            fake = generate()
        of_real = discriminator(real)
        d_loss = discriminator(fake).mean() - of_real.mean()
        d_loss = d_loss + options["penalty_weight"] * penalty(real, fake)
        d_loss = d_loss + options["drift_weight"] * of_real.square().mean()
        d_loss.backward()
        d_adam.step()
        discriminator.requires_grad_(False)
        g_adam.zero_grad(set_to_none=True)
        g_loss = -discriminator(generate()).mean()
        g_loss.backward()
        g_adam.step()
        average.follow(options["ema_decay"])
        return d_loss.detach(), g_loss.detach()

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, batch_size


def stylegan(arguments, batch_size):
    """The logistic game with R1 in every step, at the real images' own scores."""
    options = {**STYLEGAN, **arguments}
    synthesis = StyleGANSynthesis(options)
    generator = channels_last(StyleGenerator(options, leaky, synthesis))
    discriminator = channels_last(GrownDiscriminator(options, blur=True))
    d_adam, g_adam = growing_adams(discriminator, generator, options)
    average = Average(generator)
    decay = 0.5 ** (batch_size / options["half_life"])

    def generate():
        return generator(torch.randn(batch_size, options["latent_dim"]))

    def step(images, labels=None):
        real = scaled(images).requires_grad_(True)
        discriminator.requires_grad_(True)
        d_adam.zero_grad(set_to_none=True)
        with torch.no_grad():
            fake = generate()
        of_real = discriminator(real)
        slope = slope_at(real, of_real)
        d_loss = functional.softplus(-of_real).mean()
        d_loss = d_loss + functional.softplus(discriminator(fake)).mean()
        r1 = slope.square().sum((1, 2, 3)).mean()
        d_loss = d_loss + options["r1_weight"] / 2 * r1
        d_loss.backward()
        d_adam.step()
        discriminator.requires_grad_(False)
        g_adam.zero_grad(set_to_none=True)
        g_loss = functional.softplus(-discriminator(generate())).mean()
        g_loss.backward()
        g_adam.step()
        average.follow(decay)
        return d_loss.detach(), g_loss.detach()

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, batch_size


def stylegan2(arguments, batch_size):
    """The logistic game; path lengths every fourth step, R1 every sixteenth."""
    options = {**STYLEGAN2, **arguments}
    if options.get("config", "stylegan2") != "stylegan2":
        raise ValueError(f"only config='stylegan2'. Found: {options['config']!r}.")
    synthesis = StyleGAN2Synthesis(options)
    generator = channels_last(StyleGenerator(options, scaled_leaky, synthesis))
    discriminator = channels_last(ResidualDiscriminator(options))
    intervals = options["discriminator_interval"], options["generator_interval"]
    d_adam, g_adam = (
        lazy_adam(network, options["learning_rate"], interval / (interval + 1))
        for network, interval in zip((discriminator, generator), intervals, strict=True)
    )
    average, path_length = Average(generator), torch.zeros(())
    decay = 0.5 ** (batch_size / options["half_life"])
    steps = 0

    def latents(count=batch_size):
        return torch.randn(count, options["latent_dim"])

    def update(adam, loss):
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        return loss.detach()

    def path_loss():
        styles = generator.styles(latents(-(-batch_size // shrink)))
        fake = generator.synthesis(styles)
        noise = torch.randn_like(fake) / math.sqrt(fake[0, 0].numel())
        slope = slope_at(styles, fake * noise)
        lengths = slope.square().sum(2).mean(1).sqrt()
        mean = lengths.detach().mean()
        path_length.lerp_(mean, options["path_length_decay"])
        spread = (lengths - path_length).square().mean()
        return options["path_length_weight"] * intervals[1] * spread

    def r1_loss(real):
        slope = slope_at(real, discriminator(real))
        r1 = slope.square().sum((1, 2, 3)).mean()
        return options["r1_weight"] / 2 * intervals[0] * r1

    def step(images, labels=None):
        nonlocal steps
        real = scaled(images)
        discriminator.requires_grad_(False)
        scores = discriminator(generator(latents()))
        g_loss = update(g_adam, functional.softplus(-scores).mean())
        if options["path_length_weight"] and steps % intervals[1] == 0:
            g_loss = g_loss + update(g_adam, path_loss())
        discriminator.requires_grad_(True)
        with torch.no_grad():
            fake = generator(latents())
        d_loss = functional.softplus(discriminator(fake)).mean()
        d_loss = d_loss + functional.softplus(-discriminator(real)).mean()
        d_loss = update(d_adam, d_loss)
        if options["r1_weight"] and steps % intervals[0] == 0:
            d_loss = d_loss + update(d_adam, r1_loss(real.requires_grad_(True)))
        average.follow(decay)
        steps += 1
        return d_loss, g_loss

    shrink = options["path_length_batch_shrink"]
    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, batch_size


def growing_adams(discriminator, generator, options):
    """ProGAN's optimizers at the images' resolution, which is the only one."""
    side = options["image_shape"][0]
    if options["start_resolution"] != side:
        raise ValueError(f"start_resolution is {side}: networks do not grow here.")
    rate = 1e-3 * RATE_FACTORS.get(side, 1.0)
    return [
        torch.optim.Adam(network.parameters(), rate, (0.0, 0.99), fused=True)
        for network in (discriminator, generator)
    ]


def lazy_adam(network, rate, ratio):
    """Adam corrected for k main updates per lazy one, with ratio k / (k + 1)."""
    betas = 0.0, 0.99**ratio
    return torch.optim.Adam(network.parameters(), rate * ratio, betas, fused=True)


def slope_at(inputs, scores):
    """The gradient of the sum of the scores, itself differentiable."""
    (slope,) = torch.autograd.grad(scores.sum(), inputs, create_graph=True)
    return slope.float()


class Average:
    """An exponential moving average of a network.

    Args:
        network: What is averaged.
        of_buffers: Whether floats that are not trained are averaged, not copied.
    """

    def __init__(self, network, of_buffers=False):
        self.twin = copy.deepcopy(network).requires_grad_(False)
        pairs = list(zip(self.twin.buffers(), network.buffers(), strict=True))
        floats = [pair for pair in pairs if pair[0].is_floating_point() and of_buffers]
        self.copied = [pair for pair in pairs if not pair[0].is_floating_point()]
        self.copied = self.copied if of_buffers else pairs
        pairs = zip(self.twin.parameters(), network.parameters(), strict=True)
        self.averaged = [*pairs, *floats]

    @torch.no_grad()
    def follow(self, decay):
        """average <- decay * average + (1 - decay) * network."""
        torch._foreach_lerp_(*map(list, zip(*self.averaged, strict=True)), 1 - decay)
        for average, value in self.copied:
            average.copy_(value)


SYSTEMS = {"progan": progan, "stylegan": stylegan, "stylegan2": stylegan2}

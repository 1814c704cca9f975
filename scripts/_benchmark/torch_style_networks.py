"""Networks of ProGAN, StyleGAN and StyleGAN2 in plain PyTorch.

They are those of `keras_gans` at the same arguments, at their last stage. The modulated
convolution is that of github.com/NVlabs/stylegan2-ada-pytorch in training. As there, a
filter is a function that knows its own gradient: autograd's second derivative of a
depthwise convolution takes three to five times as long on a CPU.
"""

import functools
import math

import torch
from torch import nn
from torch.nn import functional

GAIN = math.sqrt(2.0)


class EqualLinear(nn.Module):
    """A dense layer whose weights are scaled when they are used."""

    def __init__(self, inputs, outputs, gain=1.0, rate=1.0, bias=0.0):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / rate)
        self.bias = None if bias is None else nn.Parameter(torch.full([outputs], bias))
        self.scale, self.rate = gain / math.sqrt(inputs) * rate, rate

    def forward(self, x):
        """`(batch, inputs)` to `(batch, outputs)`."""
        bias = self.bias if self.rate == 1 else self.bias * self.rate
        return functional.linear(x, self.weight * self.scale, bias)


class EqualConv2d(nn.Module):
    """A convolution whose weights are scaled when they are used."""

    def __init__(self, inputs, outputs, side, gain=1.0, stride=1, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.stride = gain / math.sqrt(inputs * side**2), stride
        self.padding = side // 2 if stride == 1 else 0

    def forward(self, x):
        """Maps to maps."""
        weight = self.weight * self.scale
        return functional.conv2d(x, weight, self.bias, self.stride, self.padding)


class Filter(torch.autograd.Function):
    """A depthwise convolution with a fixed symmetric kernel, or its transpose.

    The gradient of one is the other.
    """

    @staticmethod
    def forward(ctx, x, taps, stride, padding, transposed=False):
        """Maps to maps."""
        ctx.arguments = taps, stride, padding, transposed
        conv = functional.conv_transpose2d if transposed else functional.conv2d
        return conv(x, taps, None, stride, padding, groups=len(taps))

    @staticmethod
    def backward(ctx, gradient):
        """That of the maps."""
        taps, stride, padding, transposed = ctx.arguments
        if stride == 1:
            padding = taps.shape[-1] - 1 - padding
        else:
            transposed = not transposed
        taps = taps.to(gradient.dtype)
        x = Filter.apply(gradient, taps, stride, padding, transposed)
        return x, None, None, None, None


@functools.cache
def filter_taps(taps, channels, gain=1.0):
    """The kernel of `Filter` for so many channels."""
    taps = torch.tensor(taps)
    kernel = torch.outer(taps, taps) * (gain / taps.sum() ** 2)
    return kernel.expand(channels, 1, -1, -1).contiguous()


def blurred(x):
    """StyleGAN's [1, 2, 1] in both directions."""
    return Filter.apply(x, filter_taps((1.0, 2.0, 1.0), x.shape[1]), 1, 1)


def filtered(x, stride=1, padding=1, gain=1.0, transposed=False):
    """StyleGAN2's [1, 3, 3, 1], of which a transpose doubles the sides."""
    taps = filter_taps((1.0, 3.0, 3.0, 1.0), x.shape[1], gain)
    return Filter.apply(x, taps, stride, padding, transposed)


def leaky(x):
    """The activation of ProGAN and StyleGAN, in place."""
    return functional.leaky_relu_(x, 0.2)


def scaled_leaky(x):
    """StyleGAN2's, which keeps the variance."""
    return functional.leaky_relu_(x, 0.2) * GAIN


def unit(x):
    """Features of unit variance at every pixel."""
    return x * torch.rsqrt(x.square().mean(1, keepdim=True) + 1e-8)


def with_deviation(x, group=4):
    """The maps and the deviation over a group of samples."""
    group = group if len(x) % group == 0 else len(x)
    y = x.unflatten(0, (group, -1))
    y = (y.var(0, unbiased=False) + 1e-8).sqrt().mean((1, 2, 3))
    y = y.repeat(group)[:, None, None, None].expand(-1, 1, *x.shape[2:])
    return torch.cat([x, y], 1)


def channels_at(side, options):
    """Channels of maps of a side."""
    return max(1, min(options["channel_base"] // side, options["max_channels"]))


def sides_up_to(side):
    """8, 16 ... `side`."""
    return [2**k for k in range(3, side.bit_length())]


class ProGANGenerator(nn.Module):
    """z of unit length -> 4x4 map -> blocks of two convolutions -> image."""

    def __init__(self, options):
        super().__init__()
        first = channels_at(4, options)
        features = options["latent_dim"]
        self.map = EqualLinear(features, 16 * first, GAIN / 4, bias=None)
        self.bias = nn.Parameter(torch.zeros(first, 1, 1))
        self.conv = EqualConv2d(first, first, 3, GAIN)
        self.blocks = nn.ModuleList()
        for side in sides_up_to(options["image_shape"][0]):
            before, after = channels_at(side // 2, options), channels_at(side, options)
            convs = [EqualConv2d(w, after, 3, GAIN) for w in (before, after)]
            self.blocks.append(nn.ModuleList(convs))
            first = after
        self.to_rgb = EqualConv2d(first, options["image_shape"][-1], 1)

    def forward(self, latents):
        """Latents to images."""
        x = self.map(unit(latents)).unflatten(1, (-1, 4, 4))
        x = x.contiguous(memory_format=torch.channels_last)
        x = unit(leaky(x + self.bias))
        x = unit(leaky(self.conv(x)))
        for conv_0, conv_1 in self.blocks:
            x = functional.interpolate(x, scale_factor=2)
            x = unit(leaky(conv_0(x)))
            x = unit(leaky(conv_1(x)))
        return self.to_rgb(x)


class GrownDiscriminator(nn.Module):
    """Image -> blocks of two convolutions -> 4x4 map -> score; StyleGAN's blurs."""

    def __init__(self, options, blur=False):
        super().__init__()
        side, _, colours = options["image_shape"]
        self.blur = blur
        self.from_rgb = EqualConv2d(colours, channels_at(side, options), 1, GAIN)
        self.blocks = nn.ModuleList()
        for size in reversed(sides_up_to(side)):
            before, after = channels_at(size, options), channels_at(size // 2, options)
            convs = [EqualConv2d(before, w, 3, GAIN) for w in (before, after)]
            self.blocks.append(nn.ModuleList(convs))
        last, hidden = channels_at(4, options), channels_at(2, options)
        self.conv = EqualConv2d(last + 1, last, 3, GAIN)
        self.dense = EqualLinear(16 * last, hidden, GAIN)
        self.score = EqualLinear(hidden, 1)

    def forward(self, images):
        """Images to `(batch, 1)`."""
        x = leaky(self.from_rgb(images))
        for conv_0, conv_1 in self.blocks:
            x = leaky(conv_0(x))
            x = conv_1(blurred(x) if self.blur else x)
            x = leaky(functional.avg_pool2d(x, 2))
        x = leaky(self.conv(with_deviation(x)))
        return self.score(leaky(self.dense(x.flatten(1))))


class StyleGenerator(nn.Module):
    """Mapping -> a style for each layer, in training of two latents -> synthesis."""

    def __init__(self, options, activation, synthesis):
        super().__init__()
        # StyleGAN2's activation has the gain that StyleGAN's weights have.
        gain = GAIN if activation is leaky else 1.0
        widths = [options["latent_dim"]]
        widths += [options["style_dim"]] * options["mapping_layers"]
        self.mapping = nn.ModuleList(
            EqualLinear(before, after, gain, 0.01)
            for before, after in zip(widths, widths[1:], strict=False)
        )
        self.activation, self.synthesis = activation, synthesis
        self.mixing = options["style_mixing"]
        self.register_buffer("average", torch.zeros(options["style_dim"]))

    def map(self, latents):
        """Latents to styles."""
        x = unit(latents)
        for dense in self.mapping:
            x = self.activation(dense(x))
        return x

    def styles(self, latents):
        """A style for each layer; the later ones are often those of other latents."""
        count, w = self.synthesis.count, self.map(latents)
        mean = w.detach().float().mean(0)
        self.average.copy_(mean.lerp(self.average, 0.995))
        styles = w[:, None].expand(-1, count, -1)
        if torch.rand(()) < self.mixing:
            cutoff = int(torch.randint(1, count, ()))
            others = self.map(torch.randn_like(latents))[:, None]
            others = others.expand(-1, count - cutoff, -1)
            styles = torch.cat([styles[:, :cutoff], others], 1)
        return styles

    def forward(self, latents):
        """Latents to images."""
        return self.synthesis(self.styles(latents))


class Noise(nn.Module):
    """Adds an image of noise, at a strength learnt for all channels or for each."""

    def __init__(self, side, *channels):
        super().__init__()
        self.strength = nn.Parameter(torch.zeros(channels))
        self.register_buffer("noise", torch.randn(side, side))

    def forward(self, x):
        """Maps to maps."""
        noise = torch.randn(len(x), 1, *x.shape[2:], dtype=x.dtype)
        strength = self.strength if self.strength.ndim else self.strength[None]
        return x + noise * strength.to(x.dtype)[:, None, None]


class Styled(nn.Module):
    """StyleGAN's noise, bias, activation and adaptive instance normalisation."""

    def __init__(self, side, channels, options):
        super().__init__()
        self.noise = Noise(side, channels)
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))
        self.style = EqualLinear(options["style_dim"], 2 * channels)

    def forward(self, x, w):
        """Maps and styles to maps."""
        x = leaky(self.noise(x) + self.bias)
        x = functional.group_norm(x, x.shape[1], eps=1e-8)
        scale, shift = self.style(w)[..., None, None].chunk(2, 1)
        return (scale + 1) * x + shift


class StyleGANSynthesis(nn.Module):
    """A learnt 4x4 map -> blocks of two styled layers, each of twice the size."""

    def __init__(self, options):
        super().__init__()
        first = channels_at(4, options)
        self.constant = nn.Parameter(torch.ones(1, first, 4, 4))
        self.conv = EqualConv2d(first, first, 3, GAIN, bias=False)
        self.convs = nn.ModuleList()
        self.layers = nn.ModuleList(Styled(4, first, options) for _ in range(2))
        for side in sides_up_to(options["image_shape"][0]):
            before, after = channels_at(side // 2, options), channels_at(side, options)
            self.convs.append(EqualConv2d(before, after, 3, GAIN, bias=False))
            self.convs.append(EqualConv2d(after, after, 3, GAIN, bias=False))
            self.layers.extend(Styled(side, after, options) for _ in range(2))
            first = after
        self.to_rgb = EqualConv2d(first, options["image_shape"][-1], 1)
        self.count = len(self.layers)

    def forward(self, styles):
        """`(batch, count, style_dim)` to images."""
        w = styles.unbind(1)
        x = self.constant.expand(len(styles), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.layers[0](x, w[0])
        x = self.layers[1](self.conv(x), w[1])
        for i in range(0, len(self.convs), 2):
            x = functional.interpolate(x, scale_factor=2)
            x = self.layers[i + 2](blurred(self.convs[i](x)), w[i + 2])
            x = self.layers[i + 3](self.convs[i + 1](x), w[i + 3])
        return self.to_rgb(x)


class ModulatedConv2d(nn.Module):
    """A convolution whose kernel a style scales; y = conv(x * s, w) / sigma."""

    def __init__(self, inputs, outputs, side, options, upsample=False):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.affine = EqualLinear(options["style_dim"], inputs, bias=1.0)
        self.scale = 1 / math.sqrt(inputs * side**2)
        self.upsample, self.demodulates = upsample, side > 1

    def forward(self, x, w):
        """Maps and styles to maps."""
        styles, weight = self.affine(w), self.weight * self.scale
        x = x * styles[..., None, None]
        if self.upsample:
            x = functional.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
            x = filtered(x, gain=4.0)
        else:
            x = functional.conv2d(x, weight, padding=weight.shape[-1] // 2)
        if self.demodulates:
            energy = weight.square().sum((2, 3))
            sigma = torch.rsqrt(styles.square() @ energy.T + 1e-8 * self.scale**2)
            x = x * sigma[..., None, None]
        return x + self.bias[:, None, None]


class SynthesisLayer(nn.Module):
    """A modulated convolution, noise and the activation."""

    def __init__(self, inputs, outputs, side, options, upsample=False):
        super().__init__()
        self.conv = ModulatedConv2d(inputs, outputs, 3, options, upsample)
        self.noise = Noise(side)

    def forward(self, x, w):
        """Maps and styles to maps."""
        return scaled_leaky(self.noise(self.conv(x, w)))


class StyleGAN2Synthesis(nn.Module):
    """A learnt 4x4 map, two convolutions per resolution, and a sum of images."""

    def __init__(self, options):
        super().__init__()
        side, _, colours = options["image_shape"]
        sides = [4, *sides_up_to(side)]
        widths = [channels_at(size, options) for size in sides]
        self.constant = nn.Parameter(torch.randn(1, widths[0], 4, 4))
        self.first = SynthesisLayer(widths[0], widths[0], 4, options)
        self.to_rgb = nn.ModuleList(
            ModulatedConv2d(width, colours, 1, options) for width in widths
        )
        self.blocks = nn.ModuleList()
        for size, before, after in zip(sides[1:], widths, widths[1:], strict=False):
            conv_0 = SynthesisLayer(before, after, size, options, upsample=True)
            conv_1 = SynthesisLayer(after, after, size, options)
            self.blocks.append(nn.ModuleList([conv_0, conv_1]))
        self.count = 2 * len(sides)

    def forward(self, styles):
        """`(batch, count, style_dim)` to images."""
        w = styles.unbind(1)
        x = self.constant.expand(len(styles), -1, -1, -1)
        x = x.contiguous(memory_format=torch.channels_last)
        x = self.first(x, w[0])
        images = self.to_rgb[0](x, w[1])
        for i, (conv_0, conv_1) in enumerate(self.blocks):
            x = conv_1(conv_0(x, w[2 * i + 1]), w[2 * i + 2])
            images = filtered(images, 2, gain=4.0, transposed=True)
            images = images + self.to_rgb[i + 1](x, w[2 * i + 3])
        return images


class ResidualBlock(nn.Module):
    """Two convolutions and a shortcut, to half the side by filters."""

    def __init__(self, before, after):
        super().__init__()
        self.conv_0 = EqualConv2d(before, before, 3)
        self.conv_1 = EqualConv2d(before, after, 3, stride=2)
        self.skip = EqualConv2d(before, after, 1, bias=False)

    def forward(self, x):
        """Maps to maps."""
        skip = self.skip(filtered(x, stride=2))
        x = filtered(scaled_leaky(self.conv_0(x)), padding=2)
        return (scaled_leaky(self.conv_1(x)) + skip) * math.sqrt(0.5)


class ResidualDiscriminator(nn.Module):
    """StyleGAN2's: image -> residual blocks -> deviation of the batch -> score."""

    def __init__(self, options):
        super().__init__()
        side, _, colours = options["image_shape"]
        sides = [*reversed(sides_up_to(side)), 4]
        widths = [channels_at(size, options) for size in sides]
        self.group_size = options["group_size"]
        self.from_rgb = EqualConv2d(colours, widths[0], 1)
        self.blocks = nn.Sequential(*map(ResidualBlock, widths, widths[1:]))
        last = widths[-1]
        self.conv = EqualConv2d(last + 1, last, 3)
        self.dense = EqualLinear(16 * last, last)
        self.score = EqualLinear(last, 1)

    def forward(self, images):
        """Images to `(batch, 1)`."""
        x = self.blocks(scaled_leaky(self.from_rgb(images)))
        x = scaled_leaky(self.conv(with_deviation(x, self.group_size)))
        return self.score(scaled_leaky(self.dense(x.flatten(1))))

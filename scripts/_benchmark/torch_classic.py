"""CoGAN, Improved GAN, R1GAN and AnimeGAN in plain PyTorch, as its users write them.

Networks are those of `keras_gans` at the same arguments, trainings those of the
repositories that its modules name; see `torch_steps` for what all steps have in common.
"""

import math

import torch
from torch import nn
from torch.nn import functional
from torch_steps import channels_last, scaled
from torch_styles import Average


def cogan(arguments, batch_size):
    """Both players see a batch of each domain; weights decay by an L2 penalty."""
    latent_dim = arguments.get("latent_dim", 100)
    generator = channels_last(CoGANGenerator(latent_dim, arguments))
    discriminator = channels_last(CoGANDiscriminator(arguments))
    optimizer = {"lr": 2e-4, "betas": (0.5, 0.999), "weight_decay": 5e-4}
    d_adam = torch.optim.Adam(discriminator.parameters(), **optimizer)
    g_adam = torch.optim.Adam(generator.parameters(), **optimizer)

    def step(images, labels=None):
        a, b = scaled(images).split(batch_size)
        with torch.no_grad():
            fake_a, fake_b = generator(torch.randn(batch_size, latent_dim))
        d_adam.zero_grad(set_to_none=True)
        real_loss = functional.softplus(-discriminator(a, b)).mean()
        fake_loss = functional.softplus(discriminator(fake_a, fake_b)).mean()
        (real_loss + fake_loss).backward()
        d_adam.step()
        hold(discriminator)
        g_adam.zero_grad(set_to_none=True)
        pair = generator(torch.randn(batch_size, latent_dim))
        functional.softplus(-discriminator(*pair)).mean().backward()
        g_adam.step()
        hold(discriminator, False)

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, 2 * batch_size


class CoGANGenerator(nn.Module):
    """Shared transposed convolutions, and one to the images of each domain."""

    def __init__(self, latent_dim, arguments):
        super().__init__()
        layers, width = [], latent_dim
        for i, channels in enumerate(arguments["generator_channels"]):
            geometry = (4, 2, 1) if i else (4, 1, 0)
            layers.append(nn.ConvTranspose2d(width, channels, *geometry))
            layers += [nn.BatchNorm2d(channels, affine=False), nn.PReLU()]
            width = channels
        self.shared = nn.Sequential(*layers)
        colours = arguments["image_shape"][-1]
        self.to_a = nn.ConvTranspose2d(width, colours, 5, 1, 2)
        self.to_b = nn.ConvTranspose2d(width, colours, 5, 1, 2)

    def forward(self, latents):
        """Latents to a pair of image batches in [-1, 1]."""
        x = self.shared(latents[:, :, None, None])
        return [torch.sigmoid(head(x)) * 2 - 1 for head in (self.to_a, self.to_b)]


class CoGANDiscriminator(nn.Module):
    """A convolution for each domain, then shared ones."""

    def __init__(self, arguments):
        super().__init__()
        first, second, features = arguments["discriminator_channels"]
        side, _, colours = arguments["image_shape"]
        self.from_a = nn.Conv2d(colours, first, 5)
        self.from_b = nn.Conv2d(colours, first, 5)
        left = ((side - 4) // 2 - 4) // 2
        self.shared = nn.Sequential(
            nn.MaxPool2d(2),
            nn.Conv2d(first, second, 5),
            nn.MaxPool2d(2),
            nn.Conv2d(second, features, left),
            nn.PReLU(),
            nn.Conv2d(features, 2, 1),
        )

    def forward(self, a, b):
        """Images of both domains to logits, those of `a` first."""
        maps = [self.from_a(a / 2 + 0.5), self.from_b(b / 2 + 0.5)]
        fake, real = self.shared(torch.cat(maps)).flatten(1).unbind(1)
        return real - fake


def improved_gan(arguments, batch_size):
    """Feature matching, the MNIST networks, and an average of the discriminator."""
    generator = ImprovedGenerator(arguments)
    discriminator = ImprovedDiscriminator(arguments)
    average = Average(discriminator)
    d_adam = torch.optim.Adam(discriminator.parameters(), 3e-3, (0.5, 0.999))
    g_adam = torch.optim.Adam(generator.parameters(), 3e-3, (0.5, 0.999))

    def step(images, labels):
        labelled, real, other = scaled(images).split(batch_size)
        average.follow(1 - 1e-4)
        with torch.no_grad():
            fake = generator(torch.rand(batch_size, 100))
        d_adam.zero_grad(set_to_none=True)
        class_loss = functional.cross_entropy(
            discriminator(labelled)[0], labels[:batch_size]
        )
        is_real, is_fake = (discriminator(x)[0].logsumexp(1) for x in (real, fake))
        real_loss = functional.softplus(-is_real).mean()
        fake_loss = functional.softplus(is_fake).mean()
        (class_loss + 0.5 * (real_loss + fake_loss)).backward()
        d_adam.step()
        hold(discriminator)
        g_adam.zero_grad(set_to_none=True)
        fake = generator(torch.rand(batch_size, 100))
        wanted = discriminator(other)[1].mean(0)
        functional.mse_loss(discriminator(fake)[1].mean(0), wanted).backward()
        g_adam.step()
        hold(discriminator, False)

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, 3 * batch_size


class UnitLinear(nn.Linear):
    """Weight normalisation, whose scale is a parameter or stays as it is."""

    def __init__(self, inputs, outputs, train_scale=False, std=0.1):
        super().__init__(inputs, outputs)
        nn.init.normal_(self.weight, std=std)
        nn.init.zeros_(self.bias)
        scale = torch.ones(outputs, 1)
        if train_scale:
            self.scale = nn.Parameter(scale)
        else:
            self.register_buffer("scale", scale)

    def forward(self, x):
        """Rows `(batch, inputs)` to `(batch, outputs)`."""
        unit = self.weight * (self.scale / self.weight.norm(dim=1, keepdim=True))
        return functional.linear(x, unit, self.bias)


class ImprovedGenerator(nn.Module):
    """Two normalised layers of 500 units, and a sigmoid for each pixel."""

    def __init__(self, arguments):
        super().__init__()
        self.image_shape = arguments["image_shape"]
        self.hidden_0 = nn.Linear(100, 500, bias=False)
        self.hidden_1 = nn.Linear(500, 500, bias=False)
        self.norms = nn.ModuleList(Centred(500) for _ in range(2))
        self.pixels = UnitLinear(500, math.prod(self.image_shape), True)

    def forward(self, latents):
        """Latents `(batch, 100)` to images in [-1, 1]."""
        x = functional.softplus(self.norms[0](self.hidden_0(latents)))
        x = functional.softplus(self.norms[1](self.hidden_1(x)))
        height, width, colours = self.image_shape
        images = torch.sigmoid(self.pixels(x)) * 2 - 1
        return images.unflatten(1, (colours, height, width))


class Centred(nn.BatchNorm1d):
    """Batch normalisation with an offset and no scale."""

    def __init__(self, features):
        super().__init__(features, 1e-6)
        del self.weight
        self.register_buffer("weight", torch.ones(features))


class ImprovedDiscriminator(nn.Module):
    """ReLU layers with noise before each."""

    def __init__(self, arguments):
        super().__init__()
        widths = (math.prod(arguments["image_shape"]), 1000, 500, 250, 250, 250)
        self.hidden = nn.ModuleList(
            UnitLinear(a, b) for a, b in zip(widths[:-1], widths[1:], strict=True)
        )
        self.class_logits = UnitLinear(250, arguments["num_labels"], True)

    def forward(self, images):
        """Images to class logits and the features of the last hidden layer."""
        x = images.flatten(1) / 2 + 0.5
        for i, layer in enumerate(self.hidden):
            x = x + (0.5 if i else 0.3) * torch.randn_like(x)
            x = functional.relu(layer(x))
        return self.class_logits(x + 0.5 * torch.randn_like(x)), x


def r1_gan(arguments, batch_size):
    """R1 on the scores of the real images, and a moving average of the generator."""
    latent_dim = arguments["latent_dim"]
    generator = channels_last(R1Generator(arguments))
    discriminator = channels_last(R1Discriminator(arguments))
    average = Average(generator)
    d_rms, g_rms = (
        torch.optim.RMSprop(network.parameters(), 1e-4, 0.99)
        for network in (discriminator, generator)
    )

    def step(images, labels):
        real = scaled(images).requires_grad_(True)
        with torch.no_grad():
            fake = generator(torch.randn(batch_size, latent_dim), labels)
        d_rms.zero_grad(set_to_none=True)
        score = discriminator(real, labels)
        (slope,) = torch.autograd.grad(score.sum(), real, create_graph=True)
        penalty = slope.square().flatten(1).sum(1).mean()
        real_loss = functional.softplus(-score).mean()
        fake_loss = functional.softplus(discriminator(fake, labels)).mean()
        (real_loss + fake_loss + 10 * penalty).backward()
        d_rms.step()
        hold(discriminator)
        g_rms.zero_grad(set_to_none=True)
        fake = generator(torch.randn(batch_size, latent_dim), labels)
        functional.softplus(-discriminator(fake, labels)).mean().backward()
        g_rms.step()
        hold(discriminator, False)
        average.follow(0.999)

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, batch_size


class R1Residual(nn.Module):
    """x + 0.1 f(x), through as many channels as the fewer of both ends."""

    def __init__(self, inputs, outputs):
        super().__init__()
        hidden = min(inputs, outputs)
        self.conv_0 = nn.Conv2d(inputs, hidden, 3, padding=1)
        self.conv_1 = nn.Conv2d(hidden, outputs, 3, padding=1)
        self.skip = nn.Identity()
        if inputs != outputs:
            self.skip = nn.Conv2d(inputs, outputs, 1, bias=False)

    def forward(self, x):
        """Maps to maps of the same size."""
        branch = self.conv_0(functional.leaky_relu(x, 0.2))
        branch = self.conv_1(functional.leaky_relu(branch, 0.2))
        return self.skip(x) + 0.1 * branch


class R1Generator(nn.Module):
    """A class's direction beside z, a coarse map, residual blocks, a tanh image."""

    def __init__(self, arguments):
        super().__init__()
        widths = r1_widths(arguments)[::-1]
        joined = arguments["latent_dim"] + arguments["embedding_dim"]
        self.embedding = nn.Embedding(
            arguments["num_classes"], arguments["embedding_dim"]
        )
        self.fc = nn.Linear(joined, 16 * widths[0])
        pairs = zip(widths, [*widths[1:], widths[-1]], strict=True)
        self.blocks = nn.ModuleList(R1Residual(*pair) for pair in pairs)
        colours = arguments["image_shape"][-1]
        self.to_image = nn.Conv2d(widths[-1], colours, 3, padding=1)

    def forward(self, latents, labels):
        """Latents and classes to images in [-1, 1]."""
        direction = functional.normalize(self.embedding(labels))
        x = self.fc(torch.cat([latents, direction], 1)).unflatten(1, (-1, 4, 4))
        for i, block in enumerate(self.blocks):
            x = functional.interpolate(x, scale_factor=2) if i else x
            x = block(x)
        return torch.tanh(self.to_image(functional.leaky_relu(x, 0.2)))


class R1Discriminator(nn.Module):
    """Residual blocks, averaged down to 4x4, and a logit for each class."""

    def __init__(self, arguments):
        super().__init__()
        widths = r1_widths(arguments)
        self.from_image = nn.Conv2d(
            arguments["image_shape"][-1], widths[0], 3, padding=1
        )
        pairs = zip([widths[0], *widths[:-1]], widths, strict=True)
        self.blocks = nn.ModuleList(R1Residual(*pair) for pair in pairs)
        self.fc = nn.Linear(16 * widths[-1], arguments["num_classes"])

    def forward(self, images, labels):
        """Images and classes to the logits of the classes `(batch,)`."""
        x = self.from_image(images)
        for i, block in enumerate(self.blocks):
            x = functional.avg_pool2d(x, 3, 2, 1) if i else x
            x = block(x)
        logits = self.fc(functional.leaky_relu(x.flatten(1), 0.2))
        return logits.gather(1, labels[:, None])[:, 0]


def r1_widths(arguments):
    """Channels at each size, from that of the images to 4x4."""
    halvings = int(math.log2(arguments["image_shape"][0] // 4))
    base, most = arguments["base_channels"], arguments["max_channels"]
    return [min(base * 2**i, most) for i in range(halvings + 1)]


def anime_gan(arguments, batch_size):
    """DRAGAN's penalty, and an auxiliary head that names the class."""
    latent_dim, classes = arguments["latent_dim"], arguments["num_classes"]
    generator = channels_last(AnimeGenerator(arguments))
    discriminator = channels_last(AnimeDiscriminator(arguments))
    optimizer = {"lr": 2e-4, "betas": (0.5, 0.999)}
    d_adam = torch.optim.Adam(discriminator.parameters(), **optimizer)
    g_adam = torch.optim.Adam(generator.parameters(), **optimizer)

    def generate(attributes):
        return generator(torch.randn(batch_size, latent_dim), attributes)

    def attribute_loss(logits, attributes):
        loss = functional.binary_cross_entropy_with_logits(
            logits, attributes, reduction="sum"
        )
        return loss / batch_size

    def penalty(real):
        alpha = torch.rand(batch_size, 1, 1, 1)
        around = real + alpha * 0.5 * real.std() * torch.rand_like(real)
        around.requires_grad_(True)
        score = discriminator(around)[0].sum()
        (slope,) = torch.autograd.grad(score, around, create_graph=True)
        return ((slope.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def step(images, labels):
        real, attributes = scaled(images), functional.one_hot(labels, classes).float()
        with torch.no_grad():
            fake = generate(attributes)
        d_adam.zero_grad(set_to_none=True)
        real_score, seen_in_real = discriminator(real)
        fake_score, seen_in_fake = discriminator(fake)
        loss = functional.softplus(-real_score) + functional.softplus(fake_score)
        loss = classes * loss.mean() + 0.5 * penalty(real)
        loss = loss + attribute_loss(seen_in_real, attributes)
        (loss + attribute_loss(seen_in_fake, attributes)).backward()
        d_adam.step()
        hold(discriminator)
        g_adam.zero_grad(set_to_none=True)
        score, seen = discriminator(generate(attributes))
        loss = classes * functional.softplus(-score).mean()
        (loss + attribute_loss(seen, attributes)).backward()
        g_adam.step()
        hold(discriminator, False)

    networks = {"generator": generator, "discriminator": discriminator}
    return step, networks, batch_size


class AnimeGenerator(nn.Module):
    """SRResNet: a coarse map, residual blocks, sub-pixel convolutions, an image."""

    def __init__(self, arguments):
        super().__init__()
        width, doublings = arguments["base_channels"], arguments["upsamplings"]
        self.coarse = arguments["image_shape"][0] // 2**doublings
        joined = arguments["latent_dim"] + arguments["num_classes"]
        self.project = nn.Linear(joined, width * self.coarse**2)
        self.start = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(True))
        blocks = arguments["residual_blocks"]
        self.blocks = nn.ModuleList(normalised_branch(width) for _ in range(blocks))
        self.end = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(True))
        layers = []
        for _ in range(doublings):
            layers += [nn.Conv2d(width, 4 * width, 3, padding=1), nn.PixelShuffle(2)]
            layers += [nn.BatchNorm2d(width), nn.ReLU(True)]
        layers.append(nn.Conv2d(width, arguments["image_shape"][-1], 9, padding=4))
        self.grow = nn.Sequential(*layers, nn.Tanh())

    def forward(self, latents, attributes):
        """Latents and attributes to images in [-1, 1]."""
        x = self.project(torch.cat([latents, attributes], 1))
        x = x.unflatten(1, (-1, self.coarse, self.coarse))
        x = start = self.start(x.contiguous(memory_format=torch.channels_last))
        for block in self.blocks:
            x = x + block(x)
        return self.grow(self.end(x) + start)


def normalised_branch(width):
    """The branch of a residual block of the generator."""
    return nn.Sequential(
        nn.Conv2d(width, width, 3, padding=1),
        nn.BatchNorm2d(width),
        nn.ReLU(True),
        nn.Conv2d(width, width, 3, padding=1),
        nn.BatchNorm2d(width),
    )


class AnimeDiscriminator(nn.Module):
    """Residual stages, halved to 2x2; a logit, and one for each attribute."""

    def __init__(self, arguments):
        super().__init__()
        side, _, colours = arguments["image_shape"]
        width = arguments["discriminator_channels"]
        layers = [nn.Conv2d(colours, width, 4, 2, 1), nn.LeakyReLU(0.2, True)]
        for _ in range(int(math.log2(side)) - 2):
            blocks = arguments["discriminator_blocks"]
            layers += [AnimeResidual(width) for _ in range(blocks)]
            layers.append(nn.Conv2d(width, 2 * width, 4, 2, 1))
            layers.append(nn.LeakyReLU(0.2, True))
            width *= 2
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.score = nn.Linear(4 * width, 1)
        self.attributes = nn.Linear(4 * width, arguments["num_classes"])

    def forward(self, images):
        """Images to logits `(batch, 1)` and those of the attributes."""
        x = self.features(images)
        return self.score(x), self.attributes(x)


class AnimeResidual(nn.Module):
    """A residual block of the discriminator, without normalisation."""

    def __init__(self, width):
        super().__init__()
        self.conv_0 = nn.Conv2d(width, width, 3, padding=1)
        self.conv_1 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x):
        """Maps to maps of the same size."""
        branch = functional.leaky_relu(self.conv_0(x), 0.2)
        return functional.leaky_relu(x + self.conv_1(branch), 0.2)


def hold(network, held=True):
    """Leaves the gradients of `network` out of the next backward passes, or not."""
    for parameter in network.parameters():
        parameter.requires_grad_(not held)


SYSTEMS = {
    "cogan": cogan,
    "improved_gan": improved_gan,
    "r1_gan": r1_gan,
    "anime_gan": anime_gan,
}

"""The GANs of L1 and L2 in PyTorch: their nets, and one update of each player."""
import torch
from torch import nn
from torch.nn import functional as F

LATENT = 100
DECONV_LATENT = 32  # of L2's
LOWEST = {"sigmoid": 0, "tanh": -1}  # value of a pixel
CLIP, CRITIC_STEPS = 0.01, 5  # of the WGAN


def deconv(fan_in, fan_out, size, stride=1, padding=0, bias=False):
    return [
        nn.ConvTranspose2d(fan_in, fan_out, size, stride, padding, bias=bias),
        nn.BatchNorm2d(fan_out),
        nn.ReLU(),
    ]


def conv(fan_in, fan_out, norm, bias=False, slope=0.01):
    return [
        nn.Conv2d(fan_in, fan_out, 4, 2, 1, bias=bias),
        *([nn.BatchNorm2d(fan_out)] if norm else []),
        nn.LeakyReLU(slope),
    ]


def dcgan_generator(output):
    """Latents [B,100,1,1] to images [B,1,28,28], by way of sizes 5, 9, 21 and 25."""
    return nn.Sequential(
        *deconv(LATENT, 512, 5),
        *deconv(512, 256, 5),
        *deconv(256, 128, 5, stride=2),
        *deconv(128, 64, 5),
        nn.ConvTranspose2d(64, 1, 4, bias=False),
        nn.Sigmoid() if output == "sigmoid" else nn.Tanh(),
    )


def dcgan_discriminator():
    return nn.Sequential(
        *conv(1, 64, norm=False),
        *conv(64, 128, norm=True),
        *conv(128, 256, norm=True),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(256, 1),
    )


def dcgan_initialise(module):
    """Convolutions N(0, 0.02), batch norm N(1, 0.02) and 0; Linear as PyTorch has it."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1, 0.02)
        nn.init.zeros_(module.bias)


def deconv_generator():
    """Latents [B,32] to images [B,1,28,28], by way of sizes 7 and 14."""
    return nn.Sequential(
        nn.Linear(DECONV_LATENT, 128 * 7 * 7),
        nn.BatchNorm1d(128 * 7 * 7),
        nn.ReLU(),
        nn.Unflatten(1, (128, 7, 7)),
        *deconv(128, 64, 4, stride=2, padding=1, bias=True),
        nn.ConvTranspose2d(64, 1, 4, 2, 1),
        nn.Sigmoid(),
    )


def deconv_discriminator():
    return nn.Sequential(
        *conv(1, 64, norm=False, bias=True, slope=0.2),
        *conv(64, 128, norm=True, bias=True, slope=0.2),
        nn.Flatten(),
        nn.Linear(128 * 7 * 7, 1),
    )


def wgan_generator():
    layers = []
    for fan_in, fan_out in ((LATENT, 64), (64, 256), (256, 512)):
        layers += [nn.Linear(fan_in, fan_out), nn.LeakyReLU(0.01), nn.BatchNorm1d(fan_out)]
    return nn.Sequential(*layers, nn.Linear(512, 784), nn.Tanh())


def wgan_critic():
    return nn.Sequential(
        nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 1)
    )


def cross_entropy(logits, label):
    return F.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def as_it_is(net):
    return net


class Gan:
    def scale(self, images):
        """Images in [0, 1] to the range of the generator's output."""
        return images * (1 - self.lowest) + self.lowest


class Convolutional(Gan):
    """Of images [B,1,28,28], non-saturating.  `compiler` is torch.compile or nothing."""

    image = (1, 28, 28)

    def __init__(self, generator, discriminator, compiler, fused):
        self.generator, self.discriminator = generator, discriminator
        self.optimizers = [
            torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=fused)
            for net in (self.discriminator, self.generator)
        ]
        self.generate = compiler(self.generator)
        self.judge = compiler(self.discriminator)

    def step(self, x):
        """One update of each; the discriminator's, then the generator's loss before it."""
        update_discriminator, update_generator = self.optimizers
        fakes = self.generate(self.latents(len(x)))
        update_discriminator.zero_grad(set_to_none=True)
        real_loss = cross_entropy(self.judge(x), 1.0)
        real_loss.backward()
        fake_loss = cross_entropy(self.judge(fakes.detach()), 0.0)
        fake_loss.backward()
        update_discriminator.step()

        # The discriminator's own gradients would be thrown away: they are not computed.
        self.discriminator.requires_grad_(False)
        update_generator.zero_grad(set_to_none=True)
        loss = cross_entropy(self.judge(fakes), 1.0)
        loss.backward()
        update_generator.step()
        self.discriminator.requires_grad_(True)
        return (real_loss + fake_loss).detach(), loss.detach()


class Dcgan(Convolutional):
    """L1's; images in the range of `output`."""

    def __init__(self, output="sigmoid", compiler=as_it_is, fused=None):
        self.lowest = LOWEST[output]
        super().__init__(dcgan_generator(output).apply(dcgan_initialise),
                         dcgan_discriminator().apply(dcgan_initialise), compiler, fused)

    def latents(self, count):
        return torch.randn(count, LATENT, 1, 1)


class DeconvGan(Convolutional):
    """L2's; images in [0, 1]."""

    lowest = LOWEST["sigmoid"]

    def __init__(self, compiler=as_it_is, fused=None):
        super().__init__(deconv_generator(), deconv_discriminator(), compiler, fused)

    def latents(self, count):
        return torch.randn(count, DECONV_LATENT)


class Wgan(Gan):
    """Images [B,784] in [-1, 1].  RMSprop has no fused form on processors."""

    image = (784,)
    lowest = LOWEST["tanh"]

    def __init__(self, compiler=as_it_is, fused=None):
        self.generator, self.discriminator = wgan_generator(), wgan_critic()
        self.generate = compiler(self.generator)
        self.judge = compiler(self.discriminator)
        self.optimizers = [
            torch.optim.RMSprop(net.parameters(), lr=5e-5)
            for net in (self.discriminator, self.generator)
        ]

    def latents(self, count):
        return torch.randn(count, LATENT)

    def critic_step(self, x):
        """Makes one, with the generator in training mode; the loss before it."""
        with torch.no_grad():
            fakes = self.generate(self.latents(len(x)))
        loss = self.judge(fakes).mean() - self.judge(x).mean()
        self.optimizers[0].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[0].step()
        with torch.no_grad():
            for weights in self.discriminator.parameters():
                weights.clamp_(-CLIP, CLIP)
        return loss.detach()

    def generator_step(self, count):
        self.discriminator.requires_grad_(False)
        loss = -self.judge(self.generate(self.latents(count))).mean()
        self.optimizers[1].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[1].step()
        self.discriminator.requires_grad_(True)
        return loss.detach()


GANS = {"dcgan": Dcgan, "gan-deconv": DeconvGan, "wgan": Wgan}

"""The models in PyTorch, as its own documentation writes them."""
import math

import torch
from torch import nn
from torch.nn import functional as F

LATENT = {"l1-vae": 32, "l4-vae": 2, "wide": 32, "vae-cnn": 32, "vae-cnn-l4": 2, "iwae": 50,
          "decode": 32, "m2": 50}
HIDDEN = {"l1-vae": (512, 256, 128), "l4-vae": (512, 256, 128, 64), "wide": (2048, 2048)}
L4 = ("l4-vae", "vae-cnn-l4")
CONVOLUTIONAL = {"vae-cnn": 256, "vae-cnn-l4": 128}  # width of the layer beside the convolutions
SAMPLES = 50  # of the IWAE, and of a chunk of L_5000
BOUND_SAMPLES = 5000
CLASSES, ALPHA, LABELLED = 10, 50, 0.1  # of the M2: weights of log q(y|x) and of J(x,y)


def mlp(sizes, activation, norm=False):
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:-1]):
        layers += [nn.Linear(fan_in, fan_out), activation()]
        layers += [nn.BatchNorm1d(fan_out)] if norm else []
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def dense_nets(latent, hidden, activation, norm):
    """Encoder and decoder."""
    return (mlp([784, *hidden, 2 * latent], activation, norm),
            mlp([latent, *hidden[::-1], 784], activation, norm))


def convolutional_nets(latent, width, activation):
    """Encoder and decoder, of rows of 784 pixels, by way of 14 x 14 and 7 x 7."""
    encoder = nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 32, 4, 2, 1), activation(),
        nn.Conv2d(32, 64, 4, 2, 1), activation(),
        nn.Flatten(), mlp([64 * 7 * 7, width, 2 * latent], activation))
    decoder = nn.Sequential(
        mlp([latent, width, 64 * 7 * 7], activation), activation(),
        nn.Unflatten(1, (64, 7, 7)),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), activation(),
        nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Flatten())
    return encoder, decoder


class Vae(nn.Module):
    """L1: ReLU then batch norm, sigma = exp(s).  L4: SiLU, sigma^2 = softplus(s) + 1e-9.

    L2's, the wide one and the convolutional one, are as L1's without batch norm.
    """

    def __init__(self, name):
        super().__init__()
        self.softplus = name in L4
        activation = nn.SiLU if self.softplus else nn.ReLU
        if name in CONVOLUTIONAL:
            nets = convolutional_nets(LATENT[name], CONVOLUTIONAL[name], activation)
        else:
            nets = dense_nets(LATENT[name], HIDDEN[name], activation, norm=name == "l1-vae")
        self.encoder, self.decoder = nets

    def forward(self, x):
        """-ELBO, a mean over the batch of sums over pixels and latents, in nats."""
        mu, s = self.encoder(x).chunk(2, dim=-1)
        if self.softplus:
            variance = F.softplus(s) + 1e-9
            sigma, log_variance = variance.sqrt(), variance.log()
        else:
            sigma, log_variance = s.exp(), 2 * s
            variance = sigma.square()
        logits = self.decoder(mu + sigma * torch.randn_like(sigma))
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        kl = 0.5 * (mu.square() + variance - log_variance - 1).sum()
        return (reconstruction + kl) / x.shape[0]

    def decode(self, z):
        return self.decoder(z).sigmoid()


class Iwae(nn.Module):
    """The encoder runs once an image, the decoder once a sample."""

    def __init__(self):
        super().__init__()
        latent = LATENT["iwae"]
        self.encoder = mlp([784, 200, 200, 2 * latent], nn.Tanh)
        self.decoder = mlp([latent, 200, 200, 784], nn.Tanh)

    def forward(self, x):
        mu, log_sigma = self.encoder(x).chunk(2, dim=-1)
        log_weights = self.log_weights(x, mu, log_sigma)
        return -(torch.logsumexp(log_weights, 0) - math.log(SAMPLES)).mean()

    def log_weights(self, x, mu, log_sigma):
        """log w of SAMPLES draws, [K,B]."""
        eps = torch.randn(SAMPLES, *mu.shape)
        z = mu + log_sigma.exp() * eps
        logits = self.decoder(z.flatten(0, 1)).unflatten(0, (SAMPLES, -1))
        log_px = (x * logits - F.softplus(logits)).sum(-1)
        return log_px + (0.5 * (eps.square() - z.square()) + log_sigma).sum(-1)


class M2(nn.Module):
    """J(x,y) is a bound of log p(x,y); of an unlabelled image it is summed over all classes."""

    def __init__(self):
        super().__init__()
        latent = LATENT["m2"]
        self.classifier = mlp([784, 500, CLASSES], nn.Softplus)
        self.encoder = mlp([784 + CLASSES, 500, 2 * latent], nn.Softplus)
        self.decoder = mlp([latent + CLASSES, 500, 784], nn.Softplus)

    def forward(self, x, labelled_x, labels):
        """-(mean U(x) + LABELLED mean J(x,y) + ALPHA mean log q(y|x)), in nats."""
        labelled = self.joint(labelled_x, F.one_hot(labels, CLASSES).float()).mean()
        classification = F.cross_entropy(self.classifier(labelled_x), labels)
        return ALPHA * classification - self.unlabelled(x).mean() - LABELLED * labelled

    def unlabelled(self, x):
        """U(x) = sum_y q(y|x) (J(x,y) - log q(y|x)), [B]: one pass over CLASSES B rows."""
        log_q = F.log_softmax(self.classifier(x), -1)
        y = torch.eye(CLASSES).repeat_interleave(len(x), 0)
        joint = self.joint(x.repeat(CLASSES, 1), y, copies=CLASSES)
        return (log_q.exp() * (joint.unflatten(0, (CLASSES, -1)).T - log_q)).sum(-1)

    def joint(self, x, y, copies=1):
        """J of rows (x, y); the copies of an image have the same noise."""
        mu, log_sigma = self.encoder(torch.cat((x, y), -1)).chunk(2, dim=-1)
        eps = torch.randn(len(x) // copies, mu.shape[-1]).repeat(copies, 1)
        z = mu + log_sigma.exp() * eps
        logits = self.decoder(torch.cat((z, y), -1))
        log_px = -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)
        kl = 0.5 * (mu.square() + (2 * log_sigma).exp() - 2 * log_sigma - 1).sum(-1)
        return log_px - kl - math.log(CLASSES)


class MaskedConv(nn.Conv2d):
    """A square kernel, of which the mask keeps the cells up to the centre, or before it."""

    def __init__(self, inputs, outputs, side, strict=False):
        super().__init__(inputs, outputs, side, padding=side // 2)
        cells = side * side // 2 + (not strict)
        mask = (torch.arange(side * side) < cells).float().reshape(side, side)
        self.register_buffer("mask", mask)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


def masked(model):
    """How many weights the masks of a model take away."""
    convs = [m for m in model.modules() if isinstance(m, MaskedConv)]
    return sum(int((1 - m.mask).sum()) * m.weight[:, :, 0, 0].numel() for m in convs)


class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


class PixelCnn(nn.Module):
    """7x7 without the centre to 32 channels, five residual blocks of 16 with 5x5, two 1x1."""

    def __init__(self):
        super().__init__()
        blocks = [Residual(nn.ReLU(), nn.Conv2d(32, 16, 1), nn.ReLU(), MaskedConv(16, 16, 5),
                           nn.ReLU(), nn.Conv2d(16, 32, 1)) for _ in range(5)]
        self.net = nn.Sequential(
            nn.Unflatten(1, (1, 28, 28)), MaskedConv(1, 32, 7, strict=True), *blocks, nn.ReLU(),
            nn.Conv2d(32, 32, 1), nn.ReLU(), nn.Conv2d(32, 1, 1), nn.Flatten())

    def forward(self, x):
        """-log p(x), a mean over the batch, in nats."""
        return F.binary_cross_entropy_with_logits(self.net(x), x, reduction="sum") / len(x)


class Ladder(nn.Module):
    """Three levels of latents; sigma^2 = softplus(s) + 1e-5; batch norm everywhere."""

    LATENTS, HIDDEN = (32, 16, 8), (256, 128, 64)

    def __init__(self):
        super().__init__()
        below = (784, *self.HIDDEN)
        gaussians = [2 * z for z in self.LATENTS]
        self.up = self.parts(below[:-1])
        self.part = nn.ModuleList(map(self.normalised, self.HIDDEN, gaussians))
        self.down = self.parts(self.LATENTS)
        self.prior = nn.ModuleList(map(self.normalised, self.HIDDEN[1:], gaussians))
        self.pixels = nn.Linear(self.HIDDEN[0], 784)

    def parts(self, inputs):
        return nn.ModuleList(
            nn.Sequential(nn.Linear(i, h), nn.BatchNorm1d(h), nn.LeakyReLU(0.01))
            for i, h in zip(inputs, self.HIDDEN))

    @staticmethod
    def normalised(inputs, outputs):
        return nn.Sequential(nn.Linear(inputs, outputs, bias=False), nn.BatchNorm1d(outputs))

    @staticmethod
    def gaussian(h):
        """(mean, log variance)"""
        mu, s = h.chunk(2, dim=-1)
        return mu, (F.softplus(s) + 1e-5).log()

    def forward(self, x):
        """-ELBO, each level's KL in closed form, in nats."""
        image, d = [], x
        for up, part in zip(self.up, self.part):
            d = up(d)
            image.append(self.gaussian(part(d)))
        mu, log_variance = image[-1]
        kl = 0.5 * (mu.square() + log_variance.exp() - log_variance - 1).sum()
        z = mu + (0.5 * log_variance).exp() * torch.randn_like(mu)
        for i in (1, 0):
            p_mu, p_log = self.gaussian(self.prior[i](self.down[i + 1](z)))
            mu, log_variance = image[i]
            more = p_log - log_variance
            log_variance = p_log - F.softplus(more)
            mu = p_mu + torch.sigmoid(more) * (mu - p_mu)
            ratio, distance = (log_variance - p_log).exp(), (mu - p_mu).square() / p_log.exp()
            kl = kl + 0.5 * (p_log - log_variance + ratio + distance - 1).sum()
            z = mu + (0.5 * log_variance).exp() * torch.randn_like(mu)
        logits = self.pixels(self.down[0](z))
        return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl) / x.shape[0]


def make(name):
    if name == "m2":
        return M2()
    if name == "pixelcnn":
        return PixelCnn()
    if name == "ladder":
        return Ladder()
    if name in ("iwae", "evaluate-5000"):
        return Iwae()
    return Vae("l1-vae" if name == "decode" else name)

"""Golden steps of the adversarial models from PyTorch (2.13), in double precision.

    python tests/golden/make_adversarial.py

writes adversarial/steps.txt beside this file.  Weights and images are not in the file: the test
fills them with the same numbers (fill of make_nn_conv.py).  Noise is not either: Reverie's draws
are a function of (seed, name, step, place), and draw() below is that function.

What is written of a case: CASE.STEP.VALUE for what is reported of each step, and after the last
step each weight, running statistic and optimizer state as Reverie names it and has it in memory.
Of a large array there is every n-th element, and its norm.
"""
import ctypes
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from make_nn import Golden
from make_nn_conv import fill, to_reverie, to_torch

SEED, IMAGES, BATCH, SAMPLES, EPSILON = 1, 7, 3, 60, 1e-4


# ---- noise ----

def xxh3(data):
    library = ctypes.CDLL("libxxhash.so.0")
    library.XXH3_64bits.restype = ctypes.c_uint64
    return library.XXH3_64bits(data, ctypes.c_size_t(len(data)))


def philox(key, counter):
    """Salmon et al. 2011: Philox 4x32, 10 rounds."""
    c, (k0, k1), low = list(counter), key, 0xFFFFFFFF
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(q >> 32) ^ c[1] ^ k0, q & low, (p >> 32) ^ c[3] ^ k1, p & low]
        k0, k1 = (k0 + 0x9E3779B9) & low, (k1 + 0xBB67AE85) & low
    return c


def uniform(path, step, rows, columns, draw=0):
    """In (0, 1), [rows, columns]; a row is a sample."""
    site = xxh3(path.encode())
    key = xxh3(SEED.to_bytes(8, "little") + site.to_bytes(8, "little"))
    key = (key & 0xFFFFFFFF, key >> 32)
    bits = [[philox(key, (step, i, draw, j // 4))[j % 4] for j in range(columns)]
            for i in range(rows)]
    return (torch.tensor(bits) // 512 + 0.5) / 2.0**23


def normal(name, step, rows, columns, draw=0):
    radius = uniform(name + "/radius", step, rows, columns, draw)
    angle = uniform(name + "/angle", step, rows, columns, draw)
    return torch.sqrt(-2 * torch.log(radius)) * torch.cos(2 * math.pi * angle)


# ---- nets ----

class Image(nn.Module):
    """Vectors in Reverie's order, or of channels alone, to [B,C,H,W]."""

    def __init__(self, height, width, channels):
        super().__init__()
        self.shape = (height, width, channels)

    def forward(self, x):
        return x.reshape(-1, *self.shape).permute(0, 3, 1, 2)


class Net(nn.Module):
    """Layers between vectors; `image` is what a first convolution takes."""

    def __init__(self, number, layers, image=None):
        super().__init__()
        self.layers = nn.Sequential(*layers)
        self.into = Image(*image) if image else nn.Identity()
        for i, (name, value) in enumerate(self.layers.named_parameters()):
            gain = value.ndim == 1 and name.endswith("weight")
            low, high = (0.7, 1.3) if gain else (-0.4, 0.4)
            value.data.copy_(to_torch(fill(100 * number + i, to_reverie(value).shape, low, high)))

    def part(self, x, first, last):
        return self.layers[first:last](self.into(x) if first == 0 else x)

    def forward(self, x):
        x = self.layers(self.into(x))
        return x.permute(0, 2, 3, 1).flatten(1) if x.ndim == 4 else x


def frozen(value):
    return value.detach()


def weights(*nets):
    return [p for net in nets for p in net.parameters()]


def mean(value):
    return value.mean()


def diversity(real, fake):
    return fake.var(0, unbiased=False).sum() / real.var(0, unbiased=False).sum()


def discriminator_loss(real, fake):
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    return (F.binary_cross_entropy_with_logits(real, ones)
            + F.binary_cross_entropy_with_logits(fake, zeros))


def generator_loss(logits, minimax=False):
    if minimax:
        return -F.binary_cross_entropy_with_logits(logits, torch.zeros_like(logits))
    return F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))


def gradient_of(loss, parameters):
    """Puts the gradient of loss alone into the parameters; its norm."""
    gradient = torch.autograd.grad(loss, parameters, retain_graph=True)
    for p, g in zip(parameters, gradient):
        p.grad = g
    return math.sqrt(sum(float((g**2).sum()) for g in gradient))


def images(count, height, width, channels):
    return fill(IMAGES, (count, height * width * channels), 0, 1, 256)


def rate(lr):
    return float(np.float32(lr))  # a step's numbers are single


# ---- what is written ----

class Case:
    def __init__(self, golden, name, nets, optimizers):
        self.golden, self.name, self.nets, self.optimizers = golden, name, nets, optimizers
        for net in nets.values():
            net.train()

    def report(self, step, **values):
        for key, value in values.items():
            self.golden.add(f"{self.name}.{step + 1}.{key}", torch.as_tensor(value).detach())

    def array(self, name, value):
        value = to_reverie(value.detach()).flatten()
        stride = 1 if value.numel() <= SAMPLES else value.numel() // SAMPLES + 1
        self.golden.add(f"{self.name}.{name}", value[::stride])
        self.golden.add(f"{self.name}.{name}.norm", value.norm())

    def finish(self):
        names = {}
        for net_name, net in self.nets.items():
            for key, value in net.layers.state_dict(keep_vars=True).items():
                names[id(value)] = f"{net_name}.{key}" if net_name else key
                if value.dtype.is_floating_point:
                    self.array(names[id(value)], value)
        for stage, optimizer in self.optimizers.items():
            for p, state in optimizer.state.items():
                for key, value in state.items():
                    if key != "step":
                        self.array(f"optimizer.{stage}.{names[id(p)]}.{key}", value)


class ShortGolden(Golden):
    def add(self, name, value):
        value = np.asarray(value, dtype=np.float64)
        fields = [name, str(value.ndim), *map(str, value.shape)]
        self.lines.append(" ".join(fields + ["%.9g" % v for v in value.ravel()]))


# ---- GAN ----

def gan(golden, name, steps, nets, size, latent, minimax=False, d_rate=1.0):
    g, d = nets
    adam = dict(betas=(0.5, 0.999), eps=EPSILON)
    d_step = torch.optim.Adam(weights(d), lr=rate(2e-2 * d_rate), **adam)
    g_step = torch.optim.Adam(weights(g), lr=rate(2e-2), **adam)
    case = Case(golden, name, {"generator": g, "discriminator": d},
                {"generator": g_step, "discriminator": d_step})
    for step, x in enumerate(images(BATCH * steps, *size).split(BATCH)):
        fake = torch.sigmoid(g(normal("z", step, BATCH, latent)))
        real_logits, fake_logits = d(x), d(frozen(fake))
        loss = discriminator_loss(real_logits, fake_logits)
        gradient_of(loss, weights(d))
        d_step.step()
        g_loss = generator_loss(d(fake), minimax)
        length = gradient_of(g_loss, weights(g))
        g_step.step()
        case.report(step, discriminator_loss=loss, real_score=mean(torch.sigmoid(real_logits)),
                    fake_score=mean(torch.sigmoid(fake_logits)), generator_loss=g_loss,
                    generator_gradient=length, diversity=diversity(x, frozen(fake)))
    case.finish()


def gan_mlps():
    return (Net(1, [nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 16)]),
            Net(2, [nn.Linear(16, 5), nn.BatchNorm1d(5), nn.LeakyReLU(0.2), nn.Linear(5, 1)]))


def dcgan_nets(w=2):
    def block(i, o, k, s=1):
        return [nn.ConvTranspose2d(i, o, k, s, bias=False), nn.BatchNorm2d(o), nn.ReLU()]

    def down(i, o):
        return [nn.Conv2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o), nn.LeakyReLU(0.01)]

    generator = [*block(4, 8 * w, 5), *block(8 * w, 4 * w, 5), *block(4 * w, 2 * w, 5, 2),
                 *block(2 * w, w, 5), nn.ConvTranspose2d(w, 1, 4, bias=False)]
    discriminator = [nn.Conv2d(1, w, 4, 2, 1, bias=False), nn.LeakyReLU(0.01),
                     *down(w, 2 * w), *down(2 * w, 4 * w), GlobalPool(), nn.Linear(4 * w, 1)]
    return Net(1, generator, (1, 1, 4)), Net(2, discriminator, (28, 28, 1))


class GlobalPool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


# ---- Wasserstein GANs ----

def share_at(critic, c):
    return np.mean(torch.cat([w.detach().abs().flatten() for w in weights(critic)]).numpy()
                   > 0.999 * c)


def penalty_of(critic, x, fake, e):
    between = (e * x + (1 - e) * fake).requires_grad_()
    gradient, = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return ((gradient.norm(dim=1) - 1)**2).mean()


def wasserstein(golden, name, steps, nets, size, latent, every, clip=0.0, penalty=0.0):
    g, c = nets
    kind = torch.optim.RMSprop if clip else torch.optim.Adam
    options = {} if clip else dict(betas=(0.0, 0.9))
    c_step = kind(weights(c), lr=rate(2e-2), eps=EPSILON, **options)
    g_step = kind(weights(g), lr=rate(2e-2), eps=EPSILON, **options)
    case = Case(golden, name, {"generator": g, "critic": c},
                {"generator": g_step, "critic": c_step})
    for step, x in enumerate(images(BATCH * steps, *size).split(BATCH)):
        fake = frozen(torch.tanh(g(normal("critic_z", step, BATCH, latent))))
        loss = -c(x).mean() + c(fake).mean()  # batch norm sees the images first
        case.report(step, distance=-loss)
        total = loss
        if penalty:
            p = penalty_of(c, x, fake, uniform("/between", step, BATCH, 1))
            case.report(step, penalty=p)
            total = loss + penalty * p
        case.report(step, critic_loss=total)
        gradient_of(total, weights(c))
        if clip:
            case.report(step, at_clip=share_at(c, clip))
        c_step.step()
        for w in weights(c) if clip else []:
            w.data.clamp_(-clip, clip)
        if (step + 1) % every == 0:
            fake = torch.tanh(g(normal("z", step, BATCH, latent)))
            g_loss = -c(fake).mean()
            length = gradient_of(g_loss, weights(g))
            g_step.step()
            case.report(step, generator_loss=g_loss, generator_gradient=length,
                        diversity=diversity(x, frozen(fake)))
    case.finish()


def wgan_mlps():
    return (Net(1, [nn.Linear(3, 6), nn.LeakyReLU(0.01), nn.BatchNorm1d(6), nn.Linear(6, 16)]),
            Net(2, [nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 5), nn.BatchNorm1d(5), nn.ReLU(),
                    nn.Linear(5, 1)]))


def wgan_gp_mlps():
    return (Net(1, [nn.Linear(3, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 16)]),
            Net(2, [nn.Linear(16, 6), nn.LeakyReLU(0.2), nn.Linear(6, 5), nn.LayerNorm(5),
                    nn.LeakyReLU(0.2), nn.Linear(5, 1)]))


def wgan_gp_convolutions():
    return (Net(1, [nn.Linear(3, 36), nn.Unflatten(1, (4, 3, 3)), nn.BatchNorm2d(4), nn.ReLU(),
                    nn.ConvTranspose2d(4, 3, 4, 2, 1)]),
            Net(2, [nn.Conv2d(3, 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(4, 3, 2),
                    nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(12, 1)], (6, 6, 3)))


# ---- VAE-GAN ----

def vae_gan(golden, name, steps, nets, size, latent, layers, gamma, minimax=False):
    dec, dis, enc = nets
    optimizers = {stage: torch.optim.RMSprop(weights(net), lr=rate(1e-2), eps=EPSILON)
                  for stage, net in (("encoder", enc), ("decoder", dec), ("discriminator", dis))}
    case = Case(golden, name, {"decoder": dec, "discriminator": dis, "encoder": enc}, optimizers)

    def judge(x):
        h = dis.part(x, 0, layers)
        return h.flatten(1), dis.part(h if layers else x, layers, len(dis.layers))

    for step, x in enumerate(images(BATCH * steps, *size).split(BATCH)):
        mu, s = enc(x).split(latent, 1)
        z = mu + torch.exp(s) * normal("z", step, BATCH, latent)
        drawn = torch.sigmoid(dec(normal("z_prior", step, BATCH, latent)))
        real, (recon_features, recon) = judge(x), judge(torch.sigmoid(dec(z)))
        _, sampled = judge(drawn)
        kl = (0.5 * (mu**2 + torch.exp(2 * s) - 1) - s).sum(1).mean()
        like = 0.5 * ((real[0] - recon_features)**2).sum(1).mean()
        fool = generator_loss(recon, minimax) + generator_loss(sampled, minimax)
        loss = discriminator_loss(real[1], recon) + F.softplus(sampled).mean()
        decoder_loss = gamma * like + fool
        gradient_of(kl + like, weights(enc))
        length = gradient_of(decoder_loss, weights(dec))
        gradient_of(loss, weights(dis))
        for optimizer in optimizers.values():
            optimizer.step()
        case.report(step, encoder_loss=kl + like, kl=kl, feature_loss=like,
                    decoder_loss=decoder_loss, generator_gradient=length,
                    diversity=diversity(x, frozen(drawn)), discriminator_loss=loss,
                    real_score=mean(torch.sigmoid(real[1])),
                    fake_score=mean(torch.sigmoid(sampled)))
    case.finish()


def vae_gan_convolutions():
    return (Net(1, [nn.Linear(2, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Unflatten(1, (2, 4, 4)),
                    nn.ConvTranspose2d(2, 1, 4, 2, 1)]),
            Net(2, [nn.Conv2d(1, 3, 4, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(3, 4, 4, 2, 1),
                    nn.BatchNorm2d(4), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(16, 1)],
                (8, 8, 1)),
            Net(3, [nn.Conv2d(1, 3, 4, 2, 1, bias=False), nn.BatchNorm2d(3), nn.ReLU(),
                    nn.Flatten(), nn.Linear(48, 4)], (8, 8, 1)))


def vae_gan_mlps():
    return (Net(1, [nn.Linear(2, 5), nn.ReLU(), nn.Linear(5, 16)]),
            Net(2, [nn.Linear(16, 5), nn.LeakyReLU(0.2), nn.Linear(5, 1)]),
            Net(3, [nn.Linear(16, 5), nn.ReLU(), nn.Linear(5, 4)]))


# ---- BiGAN ----

def bigan(golden, name, steps, nets, size, latent):
    g, d, e = nets
    adam = dict(betas=(0.5, 0.999), eps=EPSILON, weight_decay=1e-2, lr=rate(2e-2))
    d_step = torch.optim.Adam(weights(d), **adam)
    both = torch.optim.Adam(weights(g, e), **adam)
    case = Case(golden, name, {"generator": g, "discriminator": d, "encoder": e},
                {"generator": both, "discriminator": d_step})
    for step, x in enumerate(images(BATCH * steps, *size).split(BATCH)):
        z = 2 * uniform("/z", step, BATCH, latent) - 1
        fake, code = torch.sigmoid(g(z)), e(x)
        real_logits = d(torch.cat([x, frozen(code)], 1))
        fake_logits = d(torch.cat([frozen(fake), z], 1))
        loss = discriminator_loss(real_logits, fake_logits)
        gradient_of(loss, weights(d))
        d_step.step()
        real_again = d(torch.cat([x, code], 1))
        swapped = discriminator_loss(d(torch.cat([fake, z], 1)), real_again)
        length = gradient_of(swapped, weights(g, e))
        both.step()
        case.report(step, discriminator_loss=loss, real_score=mean(torch.sigmoid(real_logits)),
                    fake_score=mean(torch.sigmoid(fake_logits)), generator_loss=swapped,
                    generator_gradient=length, diversity=diversity(x, frozen(fake)))
    case.finish()


def bigan_nets():
    def layers(i, o):
        return [nn.Linear(i, 6), nn.LeakyReLU(0.2), nn.Linear(6, 5), nn.BatchNorm1d(5),
                nn.LeakyReLU(0.2), nn.Linear(5, o)]

    return Net(1, layers(3, 16)), Net(2, layers(19, 1)), Net(3, layers(16, 3))


# ---- classifier ----

def classifier(golden, name, steps):
    net = Net(1, [nn.Conv2d(1, 3, 3, 1, 1), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2),
                  nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 3)], (4, 4, 1))
    adam = torch.optim.Adam(weights(net), lr=rate(2e-2), eps=EPSILON)
    case = Case(golden, name, {"classifier": net}, {"classifier": adam})
    labels = torch.arange(BATCH * steps) % 3
    pixels = images(BATCH * steps, 4, 4, 1) * 256 / 255
    for step, (x, y) in enumerate(zip(pixels.split(BATCH), labels.split(BATCH))):
        logits = net((x - 0.25) / 0.5)
        loss = F.cross_entropy(logits, y)
        gradient_of(loss, weights(net))
        adam.step()
        case.report(step, loss=loss, accuracy=mean((logits.argmax(1) == y).double()))
    case.finish()


def main():
    golden = ShortGolden("adversarial/steps.txt")
    golden.add("noise.normal", normal("z", 3, 2, 6))
    golden.add("noise.uniform", uniform("/z", 3, 2, 6))
    small, one = (4, 4, 1), 1
    gan(golden, "gan", 2, gan_mlps(), small, 3)
    gan(golden, "gan_minimax", one, gan_mlps(), small, 3, minimax=True, d_rate=2.0)
    gan(golden, "dcgan", one, dcgan_nets(), (28, 28, 1), 4)
    wasserstein(golden, "wgan", 4, wgan_mlps(), small, 3, every=2, clip=0.2)
    wasserstein(golden, "wgan_gp", 4, wgan_gp_mlps(), small, 3, every=2, penalty=10)
    wasserstein(golden, "wgan_gp_conv", 2, wgan_gp_convolutions(), (6, 6, 3), 3, every=1,
                penalty=10)
    vae_gan(golden, "vae_gan", 2, vae_gan_convolutions(), (8, 8, 1), 2, 5, 0.1)
    vae_gan(golden, "vae_gan_pixels", 2, vae_gan_mlps(), small, 2, 0, 0.1, minimax=True)
    bigan(golden, "bigan", 2, bigan_nets(), small, 3)
    classifier(golden, "classifier", 2)
    golden.write()


if __name__ == "__main__":
    main()

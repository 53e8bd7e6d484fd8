"""Golden steps of the PixelVAE from PyTorch (2.13), in double precision: z as the context of each
layer, and as a map.

    python tests/golden/make_pixelvae.py

writes pixelvae/steps.txt beside this file, as make_adversarial.py writes its own: the same images,
weights and noise are made by the test.  Convolutions are square, with kernels that are zero where a
mask of the papers is; a weight [O,I,1,n] is the rest of a kernel, in the order of the rows.
"""
import torch
from torch import nn
from torch.distributions import kl_divergence
from torch.nn import functional as F

from make_adversarial import Net, ShortGolden
from make_bounds import gaussian, log_bernoulli, log_mean_exp, noise, standard, train

LATENT, SIDE = 3, 4


class Masked(nn.Module):
    """What gated and causal layers share: parameters by name, in Reverie's order."""

    def parameter(self, name, *shape):
        setattr(self, name, nn.Parameter(torch.zeros(*shape)))

    def conv(self, x, weight, k, above, left):
        """k x k, of which the first `above` rows and the first `left` cells of the middle row are
        not zero."""
        mask = torch.zeros(k, k)
        mask[:above] = 1
        mask[k // 2, :left] = 1
        kernel = torch.zeros(*weight.shape[:2], k * k)
        kernel = kernel.masked_scatter(mask.flatten().bool().expand_as(kernel), weight.flatten(2))
        return F.conv2d(x, kernel.unflatten(2, (k, k)), padding=k // 2)

    @staticmethod
    def of(c, weight):
        """V c, of a vector [N,C] or a map [N,C,H,W]."""
        return (c @ weight.T)[:, :, None, None] if c.ndim == 2 else F.conv2d(
            c, weight[:, :, None, None])


def each(bias):
    return bias[None, :, None, None]


class Gated(Masked):
    def __init__(self, inputs, n, k, strict, context):
        super().__init__()
        p = k // 2
        self.n, self.k, self.strict = n, k, strict
        self.residual = not strict and inputs == n
        above, left = (p, p) if strict else (p + 1, p + 1)
        self.parameter("vertical", 2 * n, inputs, 1, above * k)
        self.parameter("vertical_bias", 2 * n)
        self.parameter("horizontal", 2 * n, inputs, 1, left)
        self.parameter("horizontal_bias", 2 * n)
        self.parameter("link", 2 * n, 2 * n, 1, 1)
        self.parameter("out", n, n, 1, 1)
        self.parameter("out_bias", n)
        self.parameter("vertical_context", 2 * n, context)
        self.parameter("horizontal_context", 2 * n, context)

    def gate(self, x):
        return torch.tanh(x[:, :self.n]) * torch.sigmoid(x[:, self.n:])

    def forward(self, v, h, c):
        p = self.k // 2
        above, left = (p, p) if self.strict else (p + 1, p + 1)
        a = self.conv(h if self.strict else v, self.vertical, self.k, above, 0)
        a = a + each(self.vertical_bias) + self.of(c, self.vertical_context)
        e = self.conv(h, self.horizontal, self.k, 0, left) + each(self.horizontal_bias)
        e = e + self.of(c, self.horizontal_context) + F.conv2d(a, self.link)
        y = F.conv2d(self.gate(e), self.out, self.out_bias)
        return self.gate(a), y + h if self.residual else y


class Causal(Masked):
    def __init__(self, inputs, n, k, strict, context):
        super().__init__()
        self.k, self.strict = k, strict
        self.parameter("weight", n, inputs, 1, k * (k // 2) + k // 2 + (not strict))
        self.parameter("bias", n)
        self.parameter("context", n, context)

    def forward(self, v, h, c):
        p = self.k // 2
        y = self.conv(h, self.weight, self.k, p, p + (not self.strict))
        return v, y + each(self.bias) + self.of(c, self.context)


class Pixels(Net):
    """x and the context to the logits of all pixels."""

    def forward(self, x, c):
        v, h = None, x.reshape(-1, 1, SIDE, SIDE)
        for layer in self.layers:
            v, h = layer(v, h, c) if isinstance(layer, Masked) else (v, layer(h))
        return h.flatten(1)


def pixelvae(golden, name, draws, with_map, importance=False, beta=1.0):
    nets = {"encoder": Net(1, [nn.Linear(SIDE * SIDE, 5), nn.Tanh(), nn.Linear(5, 2 * LATENT)])}
    if with_map:
        nets["decoder"] = Net(2, [nn.Linear(LATENT, 8), nn.Tanh(), nn.Unflatten(1, (2, 2, 2)),
                                  nn.ConvTranspose2d(2, 2, 2, 2)])
    context = 2 if with_map else LATENT
    middle = [Causal(3, 3, 3, False, context)] if with_map else [Gated(3, 3, 3, False, context)]
    nets["pixels"] = Pixels(len(nets) + 1, [Gated(1, 3, 3, True, context), *middle, nn.ReLU(),
                                            nn.Conv2d(3, 1, 1)])

    def log_likelihood(x, z):
        rows, images = z.flatten(0, 1), x.repeat(draws, 1)  # [K B,.]
        c = rows
        if with_map:
            c = nets["decoder"].layers(rows)
        return log_bernoulli(nets["pixels"](images, c), images).reshape(draws, -1)

    def losses(step, x):
        q = gaussian(nets["encoder"](x))
        z = q.mean + q.stddev * noise("z", step, draws, LATENT)
        log_px = log_likelihood(x, z)
        kl = kl_divergence(q, standard(q))
        ratio = beta * (standard(q).log_prob(z) - q.log_prob(z))
        bound = log_mean_exp(log_px + ratio) if importance else log_px.mean(0) - beta * kl
        return bound, -log_px.mean(0), kl

    train(golden, name, "pixelvae", nets, 2, losses)


def main():
    torch.set_default_dtype(torch.float64)
    golden = ShortGolden("pixelvae/steps.txt")
    pixelvae(golden, "pixelvae", 2, False, beta=0.5)
    pixelvae(golden, "pixelvae_iwae", 3, False, importance=True)
    pixelvae(golden, "pixelvae_map", 1, True)
    pixelvae(golden, "pixelvae_map_iwae", 3, True, importance=True, beta=0.5)
    golden.write()


if __name__ == "__main__":
    main()

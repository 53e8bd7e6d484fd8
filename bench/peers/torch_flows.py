"""VAEs whose posterior is moved by a flow, in PyTorch: the KL is that of a draw."""
import math

import torch
from torch import nn
from torch.nn import functional as F
from torch_models import dense_nets, mlp

STEPS = 20  # of the planar flow
STILL = math.log(math.e - 1)  # w'u at which a planar step does nothing
TINY = 1e-12  # beside |w|^2
IAF_STEPS, WIDTH, CONTEXT, GATE = 2, 256, 128, 2


class Masked(nn.Linear):
    """Unit k sees the inputs of a degree at most its own, of an output below its own."""

    def __init__(self, degree_in, degree_out, strict=False):
        super().__init__(len(degree_in), len(degree_out))
        below = torch.lt if strict else torch.le
        self.register_buffer("mask", below(degree_in[None, :], degree_out[:, None]).float())

    def forward(self, x):
        return F.linear(x, self.mask * self.weight, self.bias)


class Iaf(nn.Module):
    """z' = sigma z + (1 - sigma) m, (m, s) = made(z, context), sigma = sigmoid(s + GATE)."""

    def __init__(self, latent, is_reversed):
        super().__init__()
        order = torch.arange(1, latent + 1)
        order = order.flip(0) if is_reversed else order
        seen = torch.cat((order, torch.zeros(CONTEXT, dtype=order.dtype)))
        hidden = torch.arange(WIDTH) * latent // WIDTH
        self.made = nn.Sequential(
            Masked(seen, hidden), nn.ReLU(), Masked(hidden, hidden), nn.ReLU(),
            Masked(hidden, order.repeat(2), strict=True))

    def forward(self, z, context):
        """z' and log |det| of each row."""
        m, s = self.made(torch.cat((z, context), -1)).chunk(2, dim=-1)
        return torch.lerp(m, z, (s + GATE).sigmoid()), F.logsigmoid(s + GATE).sum(-1)


def planar(z, u, w, b):
    """z + u^ tanh(w'z + b) and log |det| of each row; u and w are [D], or [B,D] with b [B,1]."""
    square = w.square().sum(-1, keepdim=True) + TINY
    a = (w * u).sum(-1, keepdim=True) + STILL * (square - TINY) / square
    direction = u + (STILL / square + (F.softplus(-a) - 1) / square) * w
    t = torch.tanh((z * w).sum(-1, keepdim=True) + b)
    log_det = torch.log(t.square() + (1 - t.square()) * F.softplus(a))
    return z + direction * t, log_det.sum(-1)


class FlowVae(nn.Module):
    """Encoder, flow, decoder; `numbers` of the encoder are the flow's."""

    def __init__(self, latent, hidden, numbers):
        super().__init__()
        self.latent = latent
        self.encoder = mlp([784, *hidden, 2 * latent + numbers], nn.ReLU)
        self.decoder = dense_nets(latent, hidden, nn.ReLU, norm=False)[1]

    def forward(self, x):
        """-ELBO, a mean over the batch of sums over pixels and latents, in nats."""
        h = self.encoder(x)
        mu, s, numbers = h.split((self.latent, self.latent, h.shape[-1] - 2 * self.latent), -1)
        log_sigma = self.log_sigma(s)
        eps = torch.randn_like(mu)
        z, log_det = self.move(mu + log_sigma.exp() * eps, numbers)
        kl = (0.5 * (z.square() - eps.square()) - log_sigma).sum() - log_det.sum()
        logits = self.decoder(z)
        return (F.binary_cross_entropy_with_logits(logits, x, reduction="sum") + kl) / len(x)


class IafVae(FlowVae):
    def __init__(self):
        latent = 128
        super().__init__(latent, [256, 256], CONTEXT)
        self.steps = nn.ModuleList(Iaf(latent, k % 2 == 1) for k in range(IAF_STEPS))

    def log_sigma(self, s):
        return 0.5 * (F.softplus(s) + 1e-9).log()

    def move(self, z, context):
        log_det = 0
        for step in self.steps:
            z, one = step(z, context)
            log_det = log_det + one
        return z, log_det


class PlanarVae(FlowVae):
    """The numbers u, w and b of each step: the encoder's for each image, or shared by all."""

    def __init__(self, is_amortised):
        latent = 32
        each = 2 * latent + 1
        super().__init__(latent, [512, 512], STEPS * each if is_amortised else 0)
        self.widths = (latent, latent, 1)
        if not is_amortised:
            bound = 1 / math.sqrt(latent)
            most = (0.1 * bound, bound, 0)
            self.shared = nn.ParameterList(torch.empty(STEPS, width).uniform_(-end, end)
                                           for width, end in zip(self.widths, most))

    def log_sigma(self, s):
        return s

    def steps(self, numbers):
        if numbers.shape[-1] == 0:
            return zip(*self.shared)
        return (step.split(self.widths, -1) for step in numbers.chunk(STEPS, -1))

    def move(self, z, numbers):
        log_det = 0
        for u, w, b in self.steps(numbers):
            z, one = planar(z, u, w, b)
            log_det = log_det + one
        return z, log_det


FLOWS = {
    "iaf": IafVae,
    "planar": lambda: PlanarVae(is_amortised=False),
    "planar-amortised": lambda: PlanarVae(is_amortised=True),
}

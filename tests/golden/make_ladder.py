"""Golden steps of hierarchies of latents from PyTorch (2.13), in double precision: the ladder VAE with
both merges, and the chain with batch norm.

    python tests/golden/make_ladder.py

writes ladder/steps.txt beside this file, as make_adversarial.py writes its own: the same images,
weights and noise are made by the test.
"""
import math

import torch
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

from make_adversarial import BATCH, EPSILON, Case, Net, ShortGolden, gradient_of, images, rate
from make_adversarial import weights
from make_bounds import log_bernoulli, log_mean_exp, noise, standard
from make_nn_conv import fill

PIXELS, WIDTHS, HIDDEN = (4, 4, 1), (6, 4, 2), (7, 6, 5)
LEVELS, WORDS, ETA, PATH = 3, 3, 1e-5, 5  # words of a part: linear, batchnorm, leaky_relu


class Own(nn.Module):
    """Parameters outside the nets."""

    def __init__(self, **values):
        super().__init__()
        self.layers = nn.ParameterDict(values)


def words(inputs, hidden, normalised=True):
    if not normalised:
        return [nn.Linear(inputs, hidden), nn.LeakyReLU(0.01)]
    return [nn.Linear(inputs, hidden, bias=False), nn.BatchNorm1d(hidden), nn.LeakyReLU(0.01)]


def head(inputs, outputs, normalised=True):
    linear = nn.Linear(inputs, outputs, bias=not normalised)
    return [linear, nn.BatchNorm1d(outputs)] if normalised else [linear]


def gaussian(h, scale="softplus"):
    mu, s = h.chunk(2, -1)
    sigma = torch.sqrt(F.softplus(s) + ETA) if scale == "softplus" else torch.exp(s)
    return Normal(mu, sigma)


def rows(net, z):
    """A net of [K,B,N], whose batch norm sees K B rows."""
    return net(z.reshape(-1, z.shape[-1])).reshape(*z.shape[:-1], -1)


def merged(up, p):
    precision = up.scale**-2 + p.scale**-2
    mu = (up.mean * up.scale**-2 + p.mean * p.scale**-2) / precision
    return Normal(mu, precision**-0.5)


def train(golden, name, kind, nets, losses):
    step_of = torch.optim.Adam(weights(*nets.values()), lr=rate(2e-2), eps=EPSILON)
    case = Case(golden, name, nets, {kind: step_of})
    for step, x in enumerate(images(BATCH * 2, *PIXELS).split(BATCH)):
        objective, log_px, kl = losses(step, x)
        gradient_of(-objective.mean(), weights(*nets.values()))
        step_of.step()
        levels = {f"kl_{i + 1}": one.mean() for i, one in enumerate(kl)}
        case.report(step, loss=-objective.mean(), reconstruction=-log_px.mean(),
                    kl=sum(kl).mean(), **levels)
    case.finish()


def bound(log_px, log_ratio, kl, importance, beta, free_bits):
    """log_ratio [K,B], kl of each level [B] -> [B]"""
    if importance:
        return log_mean_exp(log_px + beta * log_ratio)
    cost = sum(kl)
    if free_bits > 0:
        cost = sum(torch.clamp(one.mean(), min=free_bits) for one in kl)
    return log_px.mean(0) - beta * cost


# Of concat batch norm is in the encoder alone: a bias that a batch norm takes away again has no
# gradient but rounding, which Adam makes large.
def ladder(golden, name, draws, concat=False, importance=False, beta=1.0, free_bits=0.0):
    path = PATH if concat else 0
    nets, below = {}, 16
    for i in range(LEVELS):
        out = head(HIDDEN[i], path, False) if concat else head(HIDDEN[i], 2 * WIDTHS[i])
        nets[f"encoder{i + 1}"] = Net(len(nets) + 1, words(below, HIDDEN[i]) + out)
        below = HIDDEN[i]
    for i in reversed(range(LEVELS)):
        width = 2 * WIDTHS[i - 1] + path if i > 0 else 16
        out = head(HIDDEN[i], width, i > 0 and not concat)
        layers = words(path or WIDTHS[i], HIDDEN[i], not concat)
        nets[f"decoder{i + 1}"] = Net(len(nets) + 1, layers + out)
    for i in range(LEVELS if concat else 0):
        nets[f"projection{i + 1}"] = Net(len(nets) + 1, head(WIDTHS[i], path, False))
    for i in range(LEVELS if concat else 0):
        layers = [nn.Linear(2 * path, 8), nn.LeakyReLU(0.01), *head(8, 2 * WIDTHS[i], False)]
        nets[f"posterior{i + 1}"] = Net(len(nets) + 1, layers)
    if concat:
        top = nn.Parameter(fill(100 * (len(nets) + 1), (path,), -0.4, 0.4))
        nets[""] = Own(top=top)

    def losses(step, x):
        message, d = [], x
        for i in range(LEVELS):
            net = nets[f"encoder{i + 1}"]
            d = net.part(d, 0, WORDS)
            message.append(net.part(d, WORDS, None))
        kl, log_ratio, above = [None] * LEVELS, 0, None
        for i in reversed(range(LEVELS)):
            if i == LEVELS - 1:
                p, h = Normal(torch.zeros(BATCH, WIDTHS[i]), torch.ones(())), None
                if concat:
                    h = top.expand(1, BATCH, path)
            else:
                out = rows(nets[f"decoder{i + 2}"], above)
                p = gaussian(out[..., :2 * WIDTHS[i]])
                h = above + out[..., 2 * WIDTHS[i]:] if concat else None
            if concat:
                both = torch.cat([message[i].expand(*h.shape[:-1], -1), h], -1)
                q = gaussian(rows(nets[f"posterior{i + 1}"], both))
            else:
                q = gaussian(message[i])
                q = q if i == LEVELS - 1 else merged(q, p)
            z = q.mean + q.stddev * noise(f"z{i + 1}", step, draws, WIDTHS[i])  # [K,B,Z]
            each = kl_divergence(q, p).sum(-1)
            kl[i] = each if each.ndim == 1 else each.mean(0)
            log_ratio = log_ratio + (p.log_prob(z) - q.log_prob(z)).sum(-1)
            above = h + rows(nets[f"projection{i + 1}"], z) if concat else z
        log_px = log_bernoulli(rows(nets["decoder1"], above), x)
        return bound(log_px, log_ratio, kl, importance, beta, free_bits), log_px, kl

    train(golden, name, "ladder", nets, losses)


def chain(golden, name, draws, beta, scale):
    nets, below = {}, 16
    for i in range(2):
        layers = words(below, HIDDEN[i]) + head(HIDDEN[i], 2 * WIDTHS[i])
        nets[f"encoder{i + 1}"] = Net(len(nets) + 1, layers)
        below = WIDTHS[i]
    for i in reversed(range(2)):
        out = head(HIDDEN[i], 2 * WIDTHS[0]) if i > 0 else head(HIDDEN[0], 16, False)
        nets[f"decoder{i + 1}"] = Net(len(nets) + 1, words(WIDTHS[i], HIDDEN[i]) + out)

    def losses(step, x):
        q1 = Independent(gaussian(nets["encoder1"](x), scale), 1)
        h1 = q1.mean + q1.stddev * noise("h1", step, draws, WIDTHS[0])
        q2 = Independent(gaussian(rows(nets["encoder2"], h1), scale), 1)
        h2 = q2.mean + q2.stddev * noise("h2", step, draws, WIDTHS[1])
        p1 = Independent(gaussian(rows(nets["decoder2"], h2), scale), 1)
        log_px = log_bernoulli(rows(nets["decoder1"], h1), x)
        kl = [(q1.log_prob(h1) - p1.log_prob(h1)).mean(0),
              (q2.log_prob(h2) - standard(q2).log_prob(h2)).mean(0)]
        return bound(log_px, None, kl, False, beta, 0), log_px, kl

    train(golden, name, "iwae", nets, losses)


def main():
    torch.set_default_dtype(torch.float64)
    golden = ShortGolden("ladder/steps.txt")
    ladder(golden, "ladder", 1)
    ladder(golden, "ladder_iwae", 4, importance=True)
    ladder(golden, "ladder_free", 2, beta=0.5, free_bits=1.8)
    ladder(golden, "ladder_concat", 2, concat=True)
    ladder(golden, "ladder_concat_iwae", 3, concat=True, importance=True, beta=0.5)
    chain(golden, "chain_norm", 2, 0.5, "exp")
    chain(golden, "chain_softplus", 1, 1.0, "softplus")
    golden.write()


if __name__ == "__main__":
    main()

"""Golden steps of the VAE and the IWAE from PyTorch (2.13), in double precision.

    python tests/golden/make_bounds.py

writes bounds/steps.txt beside this file, as make_adversarial.py writes its own: the same images,
weights and noise are made by the test.
"""
import math

import torch
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence
from torch.nn import functional as F

from make_adversarial import BATCH, EPSILON, Case, Net, ShortGolden, gradient_of, images, normal
from make_adversarial import rate, weights

PIXELS = (4, 4, 1)


def noise(name, step, draws, width):
    return torch.stack([normal(name, step, BATCH, width, draw=k) for k in range(draws)])  # [K,B,Z]


def gaussian(h):
    mu, log_sigma = h.chunk(2, -1)
    return Independent(Normal(mu, torch.exp(log_sigma)), 1)


def log_bernoulli(logits, x):
    return -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)


def standard(q):
    return Independent(Normal(torch.zeros_like(q.mean), torch.ones_like(q.mean)), 1)


def log_mean_exp(log_w):
    return torch.logsumexp(log_w, 0) - math.log(len(log_w))


def train(golden, name, stage, nets, steps, losses):
    step_of = torch.optim.Adam(weights(*nets.values()), lr=rate(2e-2), eps=EPSILON)
    case = Case(golden, name, nets, {stage: step_of})
    for step, x in enumerate(images(BATCH * steps, *PIXELS).split(BATCH)):
        objective, reconstruction, kl, *levels = losses(step, x)
        gradient_of(-objective.mean(), weights(*nets.values()))
        step_of.step()
        case.report(step, loss=-objective.mean(), reconstruction=reconstruction.mean(),
                    kl=kl.mean(), **{f"kl_{i + 1}": one.mean() for i, one in enumerate(levels)})
    case.finish()


# ---- VAE ----

def full_posterior(h, width):
    """(mu, log diagonal, what is below it row by row)"""
    rows, columns = torch.tril_indices(width, width, -1)
    factor = torch.diag_embed(torch.exp(h[:, width:2 * width]))
    factor = factor.index_put((torch.arange(len(h))[:, None], rows, columns), h[:, 2 * width:])
    return MultivariateNormal(h[:, :width], scale_tril=factor)


def vae(golden, name, draws, importance=False, full=False, beta=1.0):
    latent = 3
    head = 2 * latent + (latent * (latent - 1) // 2 if full else 0)
    encoder = Net(1, [nn.Linear(16, 5), nn.Tanh(), nn.Linear(5, head)])
    decoder = Net(2, [nn.Linear(latent, 5), nn.Tanh(), nn.Linear(5, 16)])

    def losses(step, x):
        h = encoder(x)
        q = full_posterior(h, latent) if full else gaussian(h)
        eps = noise("z", step, draws, latent)
        z = q.mean + ((q.scale_tril @ eps[..., None])[..., 0] if full else eps * q.stddev)
        log_px = log_bernoulli(decoder(z), x)  # [K,B]
        if full:
            kl = kl_divergence(q, MultivariateNormal(torch.zeros(latent), torch.eye(latent)))
        else:
            kl = kl_divergence(q, standard(q))
        ratio = beta * (standard(q).log_prob(z) - q.log_prob(z))
        bound = log_mean_exp(log_px + ratio) if importance else log_px.mean(0) - beta * kl
        return bound, -log_px.mean(0), kl

    train(golden, name, "vae", {"encoder": encoder, "decoder": decoder}, 2, losses)


# ---- IWAE ----

def iwae(golden, name, draws, layers, importance):
    nets = {"encoder1": Net(1, [nn.Linear(16, 5), nn.Tanh(), nn.Linear(5, 8)])}  # h1: 4
    if layers == 2:
        nets["encoder2"] = Net(2, [nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 4)])  # h2: 2
        nets["decoder2"] = Net(3, [nn.Linear(2, 6), nn.Tanh(), nn.Linear(6, 8)])
    nets["decoder1"] = Net(len(nets) + 1, [nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 16)])

    def losses(step, x):
        q1 = gaussian(nets["encoder1"](x))
        h1 = q1.mean + q1.stddev * noise("h1", step, draws, 4)
        log_q, log_p, levels = q1.log_prob(h1), 0, []
        if layers == 2:
            q2 = gaussian(nets["encoder2"](h1))
            h2 = q2.mean + q2.stddev * noise("h2", step, draws, 2)
            p2, p1 = standard(q2).log_prob(h2), gaussian(nets["decoder2"](h2)).log_prob(h1)
            levels = [log_q - p1, q2.log_prob(h2) - p2]
            log_q, log_p = log_q + q2.log_prob(h2), p1 + p2
        else:
            log_p = standard(q1).log_prob(h1)
        log_px = log_bernoulli(nets["decoder1"](h1), x)
        log_w = log_px + log_p - log_q
        bound = log_mean_exp(log_w) if importance else log_w.mean(0)
        return (bound, -log_px.mean(0), (log_q - log_p).mean(0), *levels)

    train(golden, name, "iwae", nets, 2, losses)


def main():
    torch.set_default_dtype(torch.float64)
    golden = ShortGolden("bounds/steps.txt")
    vae(golden, "vae", 1)
    vae(golden, "vae_three", 3)
    vae(golden, "vae_iwae", 4, importance=True, beta=0.5)
    vae(golden, "vae_full", 2, full=True)
    vae(golden, "vae_full_iwae", 3, importance=True, full=True)
    iwae(golden, "iwae_one", 4, 1, True)
    iwae(golden, "iwae_two", 4, 2, True)
    iwae(golden, "iwae_two_elbo", 3, 2, False)
    golden.write()


if __name__ == "__main__":
    main()

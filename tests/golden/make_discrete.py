"""Golden values of relaxed draws, of the full-covariance Normal, and of training steps of the
discrete VAE, from PyTorch (2.13) in double precision.

    python tests/golden/make_discrete.py

writes discrete/values.txt and discrete/steps.txt beside this file; the steps' images, weights and
noise are made as make_adversarial.py says.
"""
import math

import torch
from torch import nn
from torch.distributions import Bernoulli, Independent, MultivariateNormal, Normal
from torch.distributions import OneHotCategorical, kl_divergence
from torch.distributions.relaxed_bernoulli import LogitRelaxedBernoulli
from torch.distributions.relaxed_categorical import ExpRelaxedCategorical
from torch.nn import functional as F

from make_adversarial import BATCH, EPSILON, Case, Net, ShortGolden, images, rate, uniform
from make_adversarial import weights
from make_nn import Golden, values
from make_nn_conv import fill

PIXELS = (4, 4, 1)


# ---- values ----

def add_gradients(golden, name, what, result, leaves):
    golden.add(f"{name}.{what}", result)
    for key, gradient in zip(leaves, torch.autograd.grad(result.sum(), leaves.values(),
                                                         retain_graph=True, allow_unused=True)):
        if gradient is not None:
            golden.add(f"{name}.{what}.d_{key}", gradient)


def relaxed_case(golden, name, logits, y, temperature, make):
    logits.requires_grad_()
    y.requires_grad_()
    golden.add(f"{name}.logits", logits)
    golden.add(f"{name}.y", y)
    density = make(torch.tensor(temperature), logits=logits).log_prob(y).flatten(1).sum(1)
    add_gradients(golden, name, "log_prob", density, {"logits": logits, "y": y})


def full_case(golden):
    b, z = 3, 4
    rows, columns = torch.tril_indices(z, z, -1)
    leaf = {"mu": values(31, b, z), "log_diagonal": values(32, b, z, low=-1.0, high=0.5),
            "below": values(33, b, z * (z - 1) // 2)}
    other = {"other_mu": values(34, b, z), "other_log_sigma": values(35, b, z, low=-1.0, high=1.0)}
    x = values(36, 2, b, z)
    for key, value in {**leaf, **other, "x": x}.items():
        value.requires_grad_()
        golden.add(f"full.{key}", value)
    factor = torch.diag_embed(torch.exp(leaf["log_diagonal"]))
    factor = factor.index_put((torch.arange(b)[:, None], rows, columns), leaf["below"])
    q = MultivariateNormal(leaf["mu"], scale_tril=factor)
    standard = MultivariateNormal(torch.zeros(z), torch.eye(z))
    diagonal = MultivariateNormal(other["other_mu"],
                                  torch.diag_embed(torch.exp(2 * other["other_log_sigma"])))
    golden.add("full.covariance", factor @ factor.mT)
    golden.add("full.deviation", q.stddev)
    add_gradients(golden, "full", "log_prob", q.log_prob(x), {**leaf, "x": x})
    add_gradients(golden, "full", "log_prob_one", q.log_prob(x[0]), leaf)
    add_gradients(golden, "full", "entropy", q.entropy(), leaf)
    add_gradients(golden, "full", "kl", kl_divergence(q, standard), leaf)
    add_gradients(golden, "full", "kl_diagonal", kl_divergence(q, diagonal), {**leaf, **other})


def make_values():
    golden = Golden("discrete/values.txt")
    for name, temperature in (("warm", 1.5), ("cool", 0.3)):
        relaxed_case(golden, f"categorical_{name}", values(41, 3, 2, 5),
                     F.log_softmax(values(42, 2, 3, 2, 5, low=-4.0, high=4.0)[0], -1), temperature,
                     ExpRelaxedCategorical)
        relaxed_case(golden, f"bernoulli_{name}", values(43, 3, 4),
                     values(44, 3, 4, low=-6.0, high=6.0), temperature, LogitRelaxedBernoulli)
    full_case(golden)
    golden.write()


# ---- training steps ----

CLASSES, COUNT = 3, 2


def noise(step, draws, width):
    return torch.stack([uniform("/z", step, BATCH, width, draw=k) for k in range(draws)])


class Categorical:
    """q(z|x) of COUNT variables of CLASSES classes."""
    width = COUNT * CLASSES

    def __init__(self, flat):
        self.logits = flat.reshape(*flat.shape[:-1], COUNT, CLASSES)
        self.discrete = Independent(OneHotCategorical(logits=self.logits, validate_args=False), 1)

    def perturbed(self, u):
        gumbel = -torch.log(-torch.log(u)).reshape(*u.shape[:-1], COUNT, CLASSES)
        return F.log_softmax(self.logits, -1) + gumbel

    def hard(self, u):
        return F.one_hot(self.perturbed(u).argmax(-1), CLASSES).double()

    def log_relaxed(self, u, tau):
        return F.log_softmax(self.perturbed(u) / tau, -1)

    def value(self, y):
        return y.exp()

    def relaxed(self, tau):
        return ExpRelaxedCategorical(torch.tensor(tau), logits=self.logits)


class Binary:
    width = 4

    def __init__(self, flat):
        self.logits = flat
        self.discrete = Independent(Bernoulli(logits=flat, validate_args=False), 1)

    def hard(self, u):
        return (u < torch.sigmoid(self.logits)).double()

    def log_relaxed(self, u, tau):
        return (self.logits + torch.log(u) - torch.log1p(-u)) / tau

    def value(self, y):
        return torch.sigmoid(y)

    def relaxed(self, tau):
        return LogitRelaxedBernoulli(torch.tensor(tau), logits=self.logits)


def log_bernoulli(logits, x):
    return -F.binary_cross_entropy_with_logits(logits, x.expand_as(logits), reduction="none").sum(-1)


def log_mean_exp(log_w):
    return torch.logsumexp(log_w, 0) - math.log(len(log_w))


def discrete_log_prob(q, z):
    """Linear in z between the corners too."""
    if isinstance(q, Categorical):
        return (z * F.log_softmax(q.logits, -1)).sum((-1, -2))
    return (z * q.logits - F.softplus(q.logits)).sum(-1)


class Signal:
    """Mnih & Gregor 2014, algorithm 1, with the averages of the batches before."""

    def __init__(self, normalise):
        self.normalise, self.steps = normalise, 0
        self.mean = self.variance = torch.tensor(0.0)

    def centre(self, signal):
        mean, variance = signal.mean(), signal.var(unbiased=False)
        if self.steps == 0:
            n = signal.numel()
            centre, scale = (n * mean - signal) / (n - 1), variance
            self.mean, self.variance = mean, variance
        else:
            centre, scale = self.mean, self.variance
            self.mean = 0.8 * self.mean + 0.2 * mean
            self.variance = 0.8 * self.variance + 0.2 * variance
        self.steps += 1
        centred = signal - centre
        return centred / max(1.0, math.sqrt(scale)) if self.normalise else centred

    def write(self, case):
        case.array("signal.mean", self.mean)
        case.array("signal.variance", self.variance)
        case.array("signal.steps", torch.tensor(float(self.steps)))


def vimco(log_w, log_q):
    draws = len(log_w)
    w, bound = log_w.detach(), log_mean_exp(log_w)
    terms = []
    for j in range(draws):
        others = torch.cat([w[:j], w[j + 1:]])
        without = torch.cat([others, others.mean(0, keepdim=True)])
        terms.append((bound.detach() - log_mean_exp(without)) * log_q[j])
    return bound + sum(terms)


def discrete(golden, name, kind, gradient, draws=1, iwae=False, relaxed_kl=False, tau=0.8,
             baseline=None, learned_prior=False, beta=1.0):
    nets = {"encoder": Net(1, [nn.Linear(16, 5), nn.Tanh(), nn.Linear(5, kind.width)]),
            "decoder": Net(2, [nn.Linear(kind.width, 5), nn.Tanh(), nn.Linear(5, 16)])}
    moved = weights(*nets.values())
    bias = nn.Parameter(torch.zeros(kind.width))
    if learned_prior:  # filled after the nets
        bias.data.copy_(fill(400 if baseline == "net" else 300, (kind.width,), -0.4, 0.4))
        moved.append(bias)
    adam = {"discrete_vae": torch.optim.Adam(moved, lr=rate(2e-2), eps=EPSILON)}
    if baseline == "net":
        nets["baseline"] = Net(3, [nn.Linear(16, 4), nn.Tanh(), nn.Linear(4, 1)])
        adam["baseline"] = torch.optim.Adam(weights(nets["baseline"]), lr=rate(2e-2), eps=EPSILON)
    signal_state = Signal(baseline == "net" and not iwae) if baseline else None
    soft = gradient in ("gumbel", "straight_through")
    case = Case(golden, name, nets, adam)
    for step, x in enumerate(images(BATCH * 2, *PIXELS).split(BATCH)):
        q, p = kind(nets["encoder"](x)), kind(bias.expand(BATCH, -1))
        u = noise(step, draws, kind.width)
        if soft:
            y = q.log_relaxed(u, tau)
            z = q.value(y)
            if gradient == "straight_through":
                hard = (z > 0.5).double() if kind is Binary else F.one_hot(z.argmax(-1), CLASSES)
                z = hard + z - z.detach()
        else:
            z = q.hard(u)
        log_px = log_bernoulli(nets["decoder"](z.flatten(2)), x)  # [K,B]
        if relaxed_kl:
            def total(v):
                return v.flatten(2).sum(-1)
            log_q, log_p = total(q.relaxed(tau).log_prob(y)), total(p.relaxed(0.6).log_prob(y))
            kl = (log_q - log_p).mean(0)
        else:
            log_q, log_p = discrete_log_prob(q, z), discrete_log_prob(p, z)
            kl = kl_divergence(q.discrete, p.discrete)
        log_w = log_px + beta * (log_p - log_q)
        baseline_loss = None
        if soft:
            objective = log_mean_exp(log_w) if iwae else log_px.mean(0) - beta * kl
            value = objective
        elif gradient == "vimco":
            objective, value = vimco(log_w, log_q), log_mean_exp(log_w)
        else:
            f, lq = (log_mean_exp(log_w), log_q.sum(0)) if iwae else (log_px, log_q)
            whole = gradient == "nvil" and not iwae  # the KL in the signal
            if whole:
                f = log_px + beta * (log_p - log_q.detach())
            signal = f.detach()
            if baseline == "net":
                guess = nets["baseline"](x)[:, 0]
                signal = signal_state.centre(signal - guess.detach())
                baseline_loss = ((signal + guess.detach() - guess) ** 2).mean()
            elif baseline:
                signal = signal_state.centre(signal)
            surrogate = f + signal * lq
            if iwae:
                objective, value = surrogate, f
            elif whole:
                objective, value = surrogate.mean(0), f.mean(0)
            else:
                objective, value = surrogate.mean(0) - beta * kl, f.mean(0) - beta * kl
        for optimizer in adam.values():
            optimizer.zero_grad()
        (-objective.mean()).backward()
        if baseline_loss is not None:
            baseline_loss.backward()
        for optimizer in adam.values():
            optimizer.step()
        reported = {"loss": -value.mean(), "reconstruction": -log_px.mean(), "kl": kl.mean()}
        if soft:
            reported["temperature"] = torch.tensor(tau)
        if baseline_loss is not None:
            reported["baseline_loss"] = baseline_loss
        case.report(step, **reported)
    if learned_prior:
        shaped = bias.detach()
        case.array("prior.bias", shaped)
        for key in ("exp_avg", "exp_avg_sq"):
            case.array(f"optimizer.discrete_vae.prior.bias.{key}",
                       adam["discrete_vae"].state[bias][key])
        del adam["discrete_vae"].state[bias]
    if signal_state:
        signal_state.write(case)
    case.finish()


def make_steps():
    golden = ShortGolden("discrete/steps.txt")
    discrete(golden, "gumbel", Categorical, "gumbel")
    discrete(golden, "gumbel_binary", Binary, "gumbel", draws=2, relaxed_kl=True)
    discrete(golden, "gumbel_iwae", Categorical, "gumbel", draws=3, iwae=True)
    discrete(golden, "gumbel_iwae_relaxed", Categorical, "gumbel", draws=3, iwae=True,
             relaxed_kl=True, beta=0.5)
    discrete(golden, "through", Categorical, "straight_through", learned_prior=True)
    discrete(golden, "through_binary", Binary, "straight_through", draws=2)
    discrete(golden, "reinforce", Categorical, "reinforce")
    discrete(golden, "reinforce_average", Binary, "reinforce", draws=2, baseline="average")
    discrete(golden, "reinforce_iwae", Binary, "reinforce", draws=2, iwae=True)
    discrete(golden, "nvil", Binary, "nvil", baseline="net", learned_prior=True)
    discrete(golden, "nvil_beta", Categorical, "nvil", draws=2, baseline="net", beta=0.5)
    discrete(golden, "nvil_iwae", Binary, "nvil", draws=2, iwae=True, baseline="net")
    discrete(golden, "vimco", Categorical, "vimco", draws=4, iwae=True)
    discrete(golden, "vimco_binary", Binary, "vimco", draws=2, iwae=True, learned_prior=True)
    golden.write()


if __name__ == "__main__":
    torch.set_default_dtype(torch.float64)
    make_values()
    make_steps()

"""Golden steps of posteriors moved by flows and of exact densities from PyTorch (2.13), in double
precision.

    python tests/golden/make_flow_steps.py

writes flows/steps.txt beside this file, as make_adversarial.py writes its own: the same images,
weights and noise are made by the test.  The equations are the papers', not the stable forms of
src/flows, and a log determinant is that of the Jacobian that autograd finds, row by row; only where
a batch norm makes rows depend on each other is it the papers' sum.  One step's exp_avg of Adam is a
tenth of the gradient.
"""
import math

import torch
from torch import nn
from torch.autograd.functional import jacobian
from torch.distributions import Independent, Normal, kl_divergence
from torch.nn import functional as F

from make_adversarial import BATCH, EPSILON, Case, Net, ShortGolden, gradient_of, images, rate
from make_adversarial import weights
from make_bounds import full_posterior, log_bernoulli, log_mean_exp, noise
from make_nn_conv import fill

PIXELS, D, Z = (2, 3, 1), 6, 3


def adam(parameters):
    return torch.optim.Adam(parameters, lr=rate(2e-2), eps=EPSILON)


def rmsprop(parameters):
    return torch.optim.RMSprop(parameters, lr=rate(2e-2), eps=EPSILON, centered=True)


def adamax(parameters):
    return torch.optim.Adamax(parameters, lr=rate(2e-2), eps=EPSILON)


def log_standard(z):
    return -0.5 * (z**2 + math.log(2 * math.pi)).sum(-1)


def log_det(f, row):
    return torch.linalg.slogdet(jacobian(f, row, create_graph=True))[1]


class Own:
    """Parameters beside the nets, filled after them."""

    def __init__(self, number, shapes, buffers=()):
        self.layers = nn.Module()
        for i, (name, shape) in enumerate(shapes.items()):
            value = fill(100 * number + i, shape, -0.4, 0.4)
            self.layers.register_parameter(name, nn.Parameter(value))
        for name, value in buffers:
            self.layers.register_buffer(name, value)

    def parameters(self):
        return self.layers.parameters()

    def train(self):
        pass


# ---- masked nets (Germain et al. 2015, equations 12 and 13) ----

class Masked(nn.Linear):
    def __init__(self, mask):
        super().__init__(mask.shape[1], mask.shape[0])
        self.mask = mask.double()

    def forward(self, x):
        return F.linear(x, self.weight * self.mask, self.bias)


def made(number, inputs, context, hidden, heads, turned, between=(nn.Tanh,)):
    """Inputs of degree 1 to D in their order, a context of degree 0; a hidden unit sees degrees up
    to its own, an output lower ones."""
    place = torch.arange(1, inputs + 1)
    place = place.flip(0) if turned else place
    below, layers, least = torch.cat([place, torch.zeros(context)]), [], 0 if context else 1
    for width in hidden:
        here = torch.tensor([least + k * (inputs - least) // width for k in range(width)])
        layers.append(Masked(here[:, None] >= below[None, :]))
        layers += [nn.BatchNorm1d(width) if kind is nn.BatchNorm1d else kind() for kind in between]
        below = here
    layers.append(Masked(place.repeat(heads)[:, None] > below[None, :]))
    return Net(number, layers)


# ---- steps of a posterior, each of one row z [Z] ----

def planar(z, k, u, w, b):
    """Rezende & Mohamed 2015, equation 10 and appendix A.1."""
    a = w @ u
    u_hat = u + (-1 + torch.log(1 + torch.exp(a)) - a) * w / (w @ w)
    return z + u_hat * torch.tanh(w @ z + b)


def radial(z, k, c, a, s):
    """Equation 14 and appendix A.2."""
    alpha = torch.log(1 + torch.exp(a))
    beta = -alpha + torch.log(1 + torch.exp(s))
    return z + beta * (z - c) / (alpha + (z - c).norm())


def householder(z, k, v):
    """Tomczak & Welling 2016, equation 5."""
    return (torch.eye(Z) - 2 * torch.outer(v, v) / (v @ v)) @ z


def sylvester(z, k, m, r, s, b):
    """van den Berg et al. 2018, equation 8: Q is the identity or, for odd k, the flip of axes, with
    which the triangles are lower ones."""
    m = m.reshape(Z, Z)
    big_r, big_s = torch.triu(m, 1), torch.triu(m.T, 1)
    if k % 2 == 1:
        big_r, big_s = big_r.T, big_s.T
    big_r, big_s = big_r + torch.diag(torch.tanh(r)), big_s + torch.diag(torch.tanh(s))
    return z + big_r @ torch.tanh(big_s @ z + b)


WIDTHS = {planar: (Z, Z, 1), radial: (Z, 1, 1), householder: (Z,), sylvester: (Z * Z, Z, Z, Z)}


def walk(step, parts, z):
    """z [K,B,Z] through parts [B][length][parts]: z_K, and sum log |det|."""
    out, dets = [], []
    for k_rows in z:
        for row, of_row in zip(k_rows, parts):
            def f(x, of_row=of_row):
                for k, part in enumerate(of_row):
                    x = step(x, k, *part)
                return x
            out.append(f(row))
            dets.append(log_det(f, row))
    return torch.stack(out).reshape(z.shape), torch.stack(dets).reshape(z.shape[:2])


def split_steps(step, numbers, length):
    """[B, length sum(widths)] -> [B][length][parts]"""
    each = sum(WIDTHS[step])
    return [[part.split(WIDTHS[step]) for part in row.split(each)] for row in numbers]


def gated(nets, z, context):
    """Kingma et al. 2016, equations 12 to 14, the constant 2 in the gate."""
    det = torch.zeros(z.shape[:2])
    rows = z.flatten(0, 1)
    if context is not None:
        context = context.repeat(len(z), 1)
    for net in nets:
        m, s = net(rows if context is None else torch.cat([rows, context], 1)).chunk(2, -1)
        sigma = torch.sigmoid(s + 2)
        det = det + torch.log(sigma).sum(-1).reshape(det.shape)
        rows = sigma * rows + (1 - sigma) * m
    return rows.reshape(z.shape), det


# ---- VAE ----

def train(golden, name, stage, nets, steps, optimizer, losses):
    """losses(step, x): what is minimised, and what else is reported."""
    moved = [p for net in nets.values() for p in net.parameters()]
    step_of = optimizer(moved)
    case = Case(golden, name, nets, {stage: step_of})
    for step, x in enumerate(images(BATCH * steps, *PIXELS).split(BATCH)):
        loss, others = losses(step, x)
        gradient_of(loss, moved)
        step_of.step()
        case.report(step, loss=loss, **others)
    case.finish()


def vae(golden, name, draws, numbers, nets, move, steps=1, optimizer=adam, closed=False,
        importance=False, full=False, beta=1.0):
    """`numbers` is how many the encoder gives the flow, move(z, numbers) -> z_K, sum log |det|."""
    head = 2 * Z + (Z * (Z - 1) // 2 if full else 0)
    encoder = Net(1, [nn.Linear(D, 4), nn.Tanh(), nn.Linear(4, head + numbers)])
    decoder = Net(2, [nn.Linear(Z, 4), nn.Tanh(), nn.Linear(4, D)])

    def losses(step, x):
        h = encoder(x)
        eps = noise("z", step, draws, Z)
        if full:
            q = full_posterior(h[:, :head], Z)
            z = q.mean + (q.scale_tril @ eps[..., None])[..., 0]
        else:
            q = Independent(Normal(h[:, :Z], torch.exp(h[:, Z:2 * Z])), 1)
            z = q.mean + q.stddev * eps
        moved, det = move(z, h[:, head:])
        log_q = q.log_prob(z) - det  # Rezende & Mohamed 2015, equation 7
        log_px, log_p = log_bernoulli(decoder(moved), x), log_standard(moved)
        kl = (log_q - log_p).mean(0)
        if closed:
            unit = Independent(Normal(torch.zeros(BATCH, Z), torch.ones(BATCH, Z)), 1)
            kl = kl_divergence(q, unit)
        bound = log_px.mean(0) - beta * kl
        if importance:
            bound = log_mean_exp(log_px + beta * (log_p - log_q))
        return -bound.mean(), dict(reconstruction=-log_px.mean(), kl=kl.mean())

    train(golden, name, "vae", {"encoder": encoder, "decoder": decoder, **nets}, steps, optimizer,
          losses)


def amortised(golden, name, step, length, draws=1, **options):
    vae(golden, name, draws, length * sum(WIDTHS[step]), {},
        lambda z, numbers: walk(step, split_steps(step, numbers, length), z), **options)


def shared(golden, name, step, length, draws=1, **options):
    own = Own(3, {str(i): (length, width) for i, width in enumerate(WIDTHS[step])})

    def move(z, numbers):
        parts = [list(zip(*own.parameters()))] * BATCH
        return walk(step, parts, z)

    vae(golden, name, draws, 0, {"flow": own}, move, **options)


def autoregressive(golden, name, context, draws=1, between=(nn.Tanh,), **options):
    nets = {f"flow{i + 1}": made(3 + i, Z, context, [5, 4], 2, i % 2 == 1, between)
            for i in range(2)}
    vae(golden, name, draws, context, nets,
        lambda z, h: gated(nets.values(), z, h if context else None), **options)


# ---- exact densities ----

def density(golden, name, stage, nets, log_p, optimizer=adam, steps=1):
    train(golden, name, stage, nets, steps, optimizer, lambda step, x: (-log_p(x).mean(), {}))


def bernoulli(golden, name, hidden, turned=False, **options):
    net = made(1, D, 0, hidden, 1, turned)
    density(golden, name, "made", {"made": net}, lambda x: log_bernoulli(net(x), x), **options)


def gaussian(golden, name, hidden):
    net = made(1, D, 0, hidden, 2, False)

    def log_p(x):
        mu, s = net(x).chunk(2, -1)
        return Normal(mu, torch.exp(s)).log_prob(x).sum(-1)

    density(golden, name, "made", {"made": net}, log_p)


def bound(a):
    return 10 * torch.tanh(a / 10)


def maf_layer(net, i, x):
    """Papamakarios et al. 2017, equations 4 and 5."""
    m, a = net(x).chunk(2, -1)
    return (x - m) * torch.exp(-bound(a))


def coupling_layer(net, i, x):
    """Dinh et al. 2017, equations 7 and 8, read backwards: the even values stay, or the odd ones."""
    b = (torch.arange(D) % 2 == i % 2).double()
    s, t = net(b * x).chunk(2, -1)
    return b * x + (1 - b) * (x - t) * torch.exp(-bound(s))


def norm_of(net_count, i):
    """The weights of all norms are those of one more net: gamma and beta of each in turn."""
    own = Own(net_count + 1, {}, [("running_mean", torch.zeros(D)), ("running_var", torch.ones(D))])
    for k, key in enumerate(("gamma", "beta")):
        value = fill(100 * (net_count + 1) + 2 * i + k, (D,), -0.4, 0.4)
        own.layers.register_parameter(key, nn.Parameter(value))
    return own


def batch_norm(own, x):
    """Dinh et al. 2017, section 3.7: of the batch, v biased."""
    p, m, v = own.layers, x.mean(0), x.var(0, unbiased=False)
    with torch.no_grad():
        p.running_mean.mul_(0.9).add_(0.1 * m)
        p.running_var.mul_(0.9).add_(0.1 * v)
    return ((x - m) / torch.sqrt(v + 1e-5) * torch.exp(p.gamma) + p.beta,
            (p.gamma - 0.5 * torch.log(v + 1e-5)).sum())


def chain(golden, name, kind, layer, make, length, norms=False, **options):
    nets = {f"layer{i + 1}": make(i) for i in range(length)}
    flows = list(nets.values())
    norm = {f"norm{i + 1}": norm_of(length, i) for i in range(length - 1 if norms else 0)}

    def log_p(x):
        total = 0
        for i, net in enumerate(flows):
            def f(row, net=net, i=i):
                return layer(net, i, row[None])[0]
            if i > 0 and norms:
                x, det = batch_norm(norm[f"norm{i}"], x)
                total = total + det
            total = total + torch.stack([log_det(f, row) for row in x])
            x = torch.stack([f(row) for row in x])
        return total + log_standard(x)

    density(golden, name, kind, {**nets, **norm}, log_p, **options)


def maf(golden, name, **options):
    chain(golden, name, "maf", maf_layer, lambda i: made(i + 1, D, 0, [6], 2, i % 2 == 1), 3,
          **options)


def realnvp(golden, name, **options):
    chain(golden, name, "realnvp", coupling_layer,
          lambda i: Net(i + 1, [nn.Linear(D, 5), nn.Tanh(), nn.Linear(5, 2 * D)]), 3, **options)


def main():
    torch.set_default_dtype(torch.float64)
    golden = ShortGolden("flows/steps.txt")
    amortised(golden, "planar", planar, 2)
    shared(golden, "planar_shared", planar, 2)
    amortised(golden, "planar_iwae", planar, 1, draws=3, importance=True, beta=0.5)
    amortised(golden, "planar_full", planar, 2, draws=2, full=True)
    amortised(golden, "radial", radial, 2, draws=2)
    shared(golden, "radial_shared", radial, 2)
    amortised(golden, "householder", householder, 2, closed=True)
    shared(golden, "householder_shared", householder, 2, draws=2, closed=True)
    amortised(golden, "sylvester", sylvester, 2, draws=2)
    shared(golden, "sylvester_shared", sylvester, 2, draws=2, optimizer=adamax)
    autoregressive(golden, "iaf", 2)
    autoregressive(golden, "iaf_alone", 0, draws=2, optimizer=rmsprop)
    autoregressive(golden, "iaf_norm", 2, draws=2, between=(nn.BatchNorm1d, nn.Tanh))
    bernoulli(golden, "made", [6, 5], optimizer=rmsprop)
    bernoulli(golden, "made_turned", [6], turned=True)
    bernoulli(golden, "belief_network", [])
    gaussian(golden, "made_gaussian", [6])
    maf(golden, "maf")
    maf(golden, "maf_norm", norms=True, steps=2)
    realnvp(golden, "realnvp", optimizer=adamax)
    realnvp(golden, "realnvp_norm", norms=True)
    golden.write()


if __name__ == "__main__":
    main()

"""Golden values of bijections and masked nets from PyTorch (2.14), in double precision.

    python tests/golden/make_flows.py

writes flows/values.txt beside this file, in the format of make_nn.py.  The equations are written as
the papers have them, not in the stable forms of src/flows, and log determinants are those of the
Jacobian that autograd finds.
"""
import torch
from torch.autograd.functional import jacobian
from torch.nn.functional import softplus

from make_nn import Golden, values

torch.set_default_dtype(torch.float64)
B, Z, K = 5, 4, 3


def planar(z, u, w, b):
    """Rezende & Mohamed 2015, equation 10 and appendix A.1."""
    a = (w * u).sum(-1, keepdim=True)
    u = u + (-1 + torch.log1p(torch.exp(a)) - a) * w / (w * w).sum(-1, keepdim=True)
    return z + u * torch.tanh((w * z).sum(-1, keepdim=True) + b)


def radial(z, c, a, s):
    """Equation 14 and appendix A.2."""
    alpha = softplus(a)
    beta = -alpha + softplus(s)
    r = torch.linalg.vector_norm(z - c, dim=-1, keepdim=True)
    return z + beta * (z - c) / (alpha + r)


def householder(z, v):
    """Tomczak & Welling 2016, equation 5."""
    h = torch.eye(Z) - 2 * torch.outer(v, v) / (v @ v)
    return h @ z


def sylvester(z, m, r, s, b, lower=False):
    """van den Berg et al. 2018, equation 8, Q the identity."""
    big_r = torch.triu(m, 1) + torch.diag(torch.tanh(r))
    big_s = torch.triu(m.T, 1) + torch.diag(torch.tanh(s))
    if lower:
        big_r, big_s = (torch.triu(m, 1).T + torch.diag(torch.tanh(r)),
                        torch.triu(m.T, 1).T + torch.diag(torch.tanh(s)))
    return z + big_r @ torch.tanh(big_s @ z + b)


def chain(golden, name, step, shapes):
    """K steps of B rows, each with parameters of its own: z_K, log |det|, and the gradients of
    sum(w z_K) + sum(log |det|)."""
    z = values(1, B, Z).requires_grad_()
    parts = [[values(10 * k + i, B, *shape, low=-1.5, high=1.5).requires_grad_()
              for i, shape in enumerate(shapes)] for k in range(K)]
    outs, dets = [], []
    for n in range(B):
        def walk(x, n=n):
            for k in range(K):
                x = step(x, *[p[n] for p in parts[k]], **({"lower": k % 2 == 1}
                                                          if step is sylvester else {}))
            return x
        outs.append(walk(z[n]))
        dets.append(torch.linalg.slogdet(jacobian(walk, z[n], create_graph=True))[1])
    out, det, w = torch.stack(outs), torch.stack(dets), values(2, B, Z)
    ((out * w).sum() + det.sum()).backward()
    golden.add(f"{name}.z", z)
    golden.add(f"{name}.w", w)
    golden.add(f"{name}.out", out)
    golden.add(f"{name}.det", det)
    golden.add(f"{name}.dz", z.grad)
    for k in range(K):
        for i, p in enumerate(parts[k]):
            golden.add(f"{name}.{k}.{i}", p)
            golden.add(f"{name}.d.{k}.{i}", p.grad)


# ---- masked nets (Germain et al. 2015, equations 12 and 13) ----

def degrees(d, context, reverse):
    order = range(d, 0, -1) if reverse else range(1, d + 1)
    return torch.tensor(list(order) + [0] * context)


class Made:
    def __init__(self, d, context, hidden, reverse, seed):
        least = 0 if context else 1
        below, self.layers = degrees(d, context, reverse), []
        for i, width in enumerate(hidden):
            here = torch.tensor([least + k * (d - least) // width for k in range(width)])
            self.add(here[:, None] >= below[None, :], seed + 2 * i)
            below = here
        out = degrees(d, 0, reverse).repeat(2)
        self.add(out[:, None] > below[None, :], seed + 20)

    def add(self, mask, seed):
        w = values(seed, *mask.shape, low=-1, high=1).requires_grad_()
        b = values(seed + 1, mask.shape[0], low=-1, high=1).requires_grad_()
        self.layers.append((w, b, mask.to(w)))

    def __call__(self, x):
        for i, (w, b, mask) in enumerate(self.layers):
            x = x @ (w * mask).T + b
            if i + 1 < len(self.layers):
                x = torch.tanh(x)
        return x.chunk(2, dim=-1)

    def write(self, golden, name):
        for i, (w, b, _) in enumerate(self.layers):
            golden.add(f"{name}.{2 * i}.weight", w)
            golden.add(f"{name}.{2 * i}.bias", b)

    def write_gradients(self, golden, name):
        for i, (w, b, _) in enumerate(self.layers):
            golden.add(f"{name}.d.{2 * i}.weight", w.grad)
            golden.add(f"{name}.d.{2 * i}.bias", b.grad)


def made_case(golden, name, reverse):
    d, context = 5, 3
    net = Made(d, context, [7, 6], reverse, 100)
    x = values(3, B, d + context).requires_grad_()
    y = torch.cat(net(x), -1)
    w = values(4, *y.shape)
    (y * w).sum().backward()
    net.write(golden, name)
    golden.add(f"{name}.x", x)
    golden.add(f"{name}.w", w)
    golden.add(f"{name}.y", y)
    golden.add(f"{name}.dx", x.grad)
    net.write_gradients(golden, name)


def iaf_case(golden):
    """Two gated steps, the second in the other order: log q (Kingma et al. 2016, equation 11)."""
    d, context = 5, 3
    nets = [Made(d, context, [7, 6], t == 1, 200 + 50 * t) for t in range(2)]
    z, h = values(5, B, d), values(6, B, context)
    golden.add("iaf.z", z)
    golden.add("iaf.h", h)
    log_q = torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(-1)
    for net in nets:
        m, s = net(torch.cat([z, h], -1))
        sigma = torch.sigmoid(s + 2)
        log_q = log_q - torch.log(sigma).sum(-1)
        z = sigma * z + (1 - sigma) * m
    log_q.sum().backward()
    golden.add("iaf.out", z)
    golden.add("iaf.log_q", log_q)
    for t, net in enumerate(nets):
        net.write(golden, f"iaf{t}")
        net.write_gradients(golden, f"iaf{t}")


def maf_case(golden, name, train):
    """Three layers with batch norms between them: log p (Papamakarios et al. 2017)."""
    d = 5
    nets = [Made(d, 0, [7, 6], t == 1, 400 + 50 * t) for t in range(3)]
    x = values(7, B, d)
    golden.add(f"{name}.x", x)
    log_det = torch.zeros(B)
    for t, net in enumerate(nets):
        if t > 0:
            gamma, beta, mean, var = (values(500 + 4 * t + i, d, low=low, high=high).requires_grad_()
                                      for i, (low, high) in
                                      enumerate([(-1, 1), (-1, 1), (-1, 1), (0.5, 2)]))
            for key, value in zip(("gamma", "beta", "mean", "var"), (gamma, beta, mean, var)):
                golden.add(f"{name}.norm{t}.{key}", value)
            m, v = (x.mean(0), x.var(0, unbiased=False)) if train else (mean, var)
            x = (x - m) / torch.sqrt(v + 1e-5) * torch.exp(gamma) + beta
            log_det = log_det + (gamma - 0.5 * torch.log(v + 1e-5)).sum()
            if train:
                golden.add(f"{name}.norm{t}.after.mean", 0.9 * mean + 0.1 * m)
                golden.add(f"{name}.norm{t}.after.var", 0.9 * var + 0.1 * v)
        m, a = net(x)
        a = 10 * torch.tanh(a / 10)
        x = (x - m) * torch.exp(-a)
        log_det = log_det - a.sum(-1)
        net.write(golden, f"{name}{t}")
    log_p = torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(-1) + log_det
    log_p.sum().backward()
    golden.add(f"{name}.log_p", log_p)
    for t, net in enumerate(nets):
        net.write_gradients(golden, f"{name}{t}")


if __name__ == "__main__":
    g = Golden("flows/values.txt")
    chain(g, "planar", planar, [(Z,), (Z,), (1,)])
    chain(g, "radial", radial, [(Z,), (1,), (1,)])
    chain(g, "householder", householder, [(Z,)])
    chain(g, "sylvester", sylvester, [(Z, Z), (Z,), (Z,), (Z,)])
    made_case(g, "made", False)
    made_case(g, "turned", True)
    iaf_case(g)
    maf_case(g, "maf", True)
    maf_case(g, "maf_eval", False)
    g.write()

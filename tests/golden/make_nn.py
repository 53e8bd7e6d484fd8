"""Golden values of floor 3 from PyTorch (2.13), in double precision.

    python tests/golden/make_nn.py

writes nn/layers.txt, dist/values.txt and optim/steps.txt beside this file.  A line is an array:
its name, its rank, its sizes, its values.  tests/support/golden.h reads them.
"""
import pathlib

import numpy as np
import torch
from torch import nn
from torch import distributions as D

torch.set_default_dtype(torch.float64)
HERE = pathlib.Path(__file__).parent


class Golden:
    def __init__(self, name):
        self.path = HERE / name
        self.path.parent.mkdir(exist_ok=True)
        self.lines = []

    def add(self, name, value):
        value = np.asarray(value.detach() if torch.is_tensor(value) else value, dtype=np.float64)
        fields = [name, str(value.ndim), *map(str, value.shape)]
        fields += ["%.17g" % v for v in value.ravel()]
        self.lines.append(" ".join(fields))

    def write(self):
        self.path.write_text("\n".join(self.lines) + "\n")


def values(seed, *shape, low=-2.0, high=2.0):
    return torch.tensor(np.random.RandomState(seed).uniform(low, high, shape))


# ---- layers ----

class Residual(nn.Sequential):
    def forward(self, x):
        return x + super().forward(x)


def layer_case(golden, name, module, shape, passes=1, train=True):
    """`passes` calls on different inputs; the gradients of a projection of the last result."""
    module.train(train)
    for i, (key, value) in enumerate(module.state_dict().items()):
        if value.dtype.is_floating_point:
            low, high = (0.5, 2.0) if key.endswith("running_var") else (-1.0, 1.0)
            value.copy_(values(100 + i, *value.shape, low=low, high=high))
            golden.add(f"{name}.before.{key}", value)
    for i in range(passes):
        x = values(10 + i, *shape).requires_grad_()
        golden.add(f"{name}.x{i}", x)
        y = module(x)
    w = values(50, *y.shape)
    golden.add(f"{name}.w", w)
    golden.add(f"{name}.y", y)
    (y * w).sum().backward()
    golden.add(f"{name}.dx", x.grad)
    for key, value in module.named_parameters():
        golden.add(f"{name}.d.{key}", value.grad)
    for key, value in module.named_buffers():
        if value.dtype.is_floating_point:
            golden.add(f"{name}.after.{key}", value)


def make_layers():
    g = Golden("nn/layers.txt")
    S = nn.Sequential
    layer_case(g, "linear", S(nn.Linear(4, 3)), (5, 4))
    layer_case(g, "linear_nobias", S(nn.Linear(4, 3, bias=False)), (5, 4))
    layer_case(g, "linear_draws", S(nn.Linear(4, 3), nn.Tanh()), (2, 3, 4))
    layer_case(g, "batchnorm", S(nn.BatchNorm1d(3)), (5, 3))
    layer_case(g, "batchnorm_twice", S(nn.BatchNorm1d(3)), (5, 3), passes=2)
    layer_case(g, "batchnorm_eval", S(nn.BatchNorm1d(3)), (5, 3), train=False)
    layer_case(g, "batchnorm_set", S(nn.BatchNorm1d(3, eps=0.01, momentum=0.3)), (4, 3))
    layer_case(g, "layernorm", S(nn.LayerNorm(4)), (5, 4))
    layer_case(g, "layernorm_set", S(nn.LayerNorm(4, eps=0.1)), (2, 3, 4))
    layer_case(g, "dropout_eval", S(nn.Dropout(0.4)), (3, 4), train=False)
    layer_case(g, "residual", S(nn.Linear(4, 3), Residual(nn.Linear(3, 5), nn.Tanh(),
                                                         Residual(nn.Linear(5, 5)),
                                                         nn.Linear(5, 3))), (3, 4))
    layer_case(g, "encoder", S(nn.Linear(6, 5), nn.ReLU(), nn.BatchNorm1d(5), nn.Linear(5, 4),
                               nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2)), (7, 6))
    points = torch.tensor([-100.0, -20, -3, -1, -0.5, -1e-3, 0, 1e-3, 0.5, 1, 3, 20, 100])
    g.add("points", points)
    for name, module in [("relu", nn.ReLU()), ("leaky_relu", nn.LeakyReLU()),
                         ("leaky_relu_0.2", nn.LeakyReLU(0.2)), ("elu", nn.ELU()),
                         ("silu", nn.SiLU()), ("gelu", nn.GELU()), ("tanh", nn.Tanh()),
                         ("sigmoid", nn.Sigmoid()), ("softplus", nn.Softplus(threshold=1e9)),
                         ("identity", nn.Identity())]:
        # Softplus of PyTorch turns linear above a threshold; log(1 + exp x) does not.
        x = points.clone().requires_grad_()
        y = torch.logaddexp(x, torch.zeros(())) if name == "softplus" else module(x)
        y.sum().backward()
        g.add(f"{name}.y", y)
        g.add(f"{name}.dx", x.grad)
    g.write()


# ---- distributions ----

def dist_case(g, name, parameters, make, x, one_hot=False):
    """log_prob, entropy, mean, deviation [B] and the gradient of the sum of log_prob."""
    leaves = {k: v.clone().requires_grad_() for k, v in parameters.items()}
    for k, v in parameters.items():
        g.add(f"{name}.{k}", v)
    g.add(f"{name}.x", x)
    d = make(leaves)
    log_prob = d.log_prob(x)
    entropy = d.entropy()
    g.add(f"{name}.log_prob", log_prob)
    g.add(f"{name}.entropy", entropy)
    g.add(f"{name}.mean", d.mean)
    g.add(f"{name}.deviation", d.stddev)
    for k, v in zip(leaves, torch.autograd.grad(log_prob.sum(), list(leaves.values()),
                                                retain_graph=True)):
        g.add(f"{name}.dlog_prob.{k}", v)
    for k, v in zip(leaves, torch.autograd.grad(entropy.sum(), list(leaves.values()),
                                                allow_unused=True)):
        if v is not None:
            g.add(f"{name}.dentropy.{k}", v)


def kl_case(g, name, q, p, make_q, make_p):
    leaves = {f"q.{k}": v.clone().requires_grad_() for k, v in q.items()}
    leaves |= {f"p.{k}": v.clone().requires_grad_() for k, v in p.items()}
    for k, v in leaves.items():
        g.add(f"{name}.{k}", v)
    kl = D.kl_divergence(make_q({k[2:]: v for k, v in leaves.items() if k[0] == "q"}),
                         make_p({k[2:]: v for k, v in leaves.items() if k[0] == "p"}))
    g.add(f"{name}.kl", kl)
    for k, v in zip(leaves, torch.autograd.grad(kl.sum(), list(leaves.values()))):
        g.add(f"{name}.dkl.{k}", v)


def normal(p):
    return D.Independent(D.Normal(p["mu"], p["log_sigma"].exp()), 1)


def standard(shape):
    return lambda _: D.Independent(D.Normal(torch.zeros(shape), torch.ones(shape)), 1)


def bernoulli(p):
    return D.Independent(D.Bernoulli(logits=p["logits"], validate_args=False), 1)


def categorical(p):
    return D.OneHotCategorical(logits=p["logits"])


def make_dists():
    g = Golden("dist/values.txt")
    b, z = 3, 4
    mu, log_sigma = values(1, b, z), values(2, b, z, low=-3, high=1.5)
    dist_case(g, "normal", {"mu": mu, "log_sigma": log_sigma}, normal, values(3, b, z))
    x = values(4, b, z)
    g.add("standard.x", x)
    d = standard((b, z))(None)
    g.add("standard.log_prob", d.log_prob(x))
    g.add("standard.entropy", d.entropy())
    logits = values(5, b, z, low=-30, high=30)
    logits[0] = torch.tensor([0.0, 1.0, -1.0, 2.0])
    dist_case(g, "bernoulli", {"logits": logits}, bernoulli, (values(6, b, z) > 0).double())
    dist_case(g, "gray", {"logits": logits}, bernoulli, values(7, b, z, low=0, high=1))
    scores = values(8, b, 5, low=-10, high=10)
    dist_case(g, "categorical", {"logits": scores}, categorical,
              nn.functional.one_hot(torch.tensor([0, 4, 2]), 5).double())
    other = {"mu": values(9, b, z), "log_sigma": values(10, b, z, low=-1, high=1)}
    kl_case(g, "kl_normal", {"mu": mu, "log_sigma": log_sigma}, other, normal, normal)
    kl_case(g, "kl_standard", {"mu": mu, "log_sigma": log_sigma}, {}, normal, standard((b, z)))
    kl_case(g, "kl_bernoulli", {"logits": values(11, b, z, low=-9, high=9)},
            {"logits": values(12, b, z, low=-9, high=9)}, bernoulli, bernoulli)
    kl_case(g, "kl_categorical", {"logits": scores}, {"logits": values(13, b, 5)}, categorical,
            categorical)
    g.write()


# ---- optimizers ----

OPTIMIZERS = {
    "sgd": (torch.optim.SGD, dict(lr=0.5), {}),
    "sgd_decay": (torch.optim.SGD, dict(lr=0.5, weight_decay=0.125), {}),
    "sgd_momentum": (torch.optim.SGD, dict(lr=0.25, momentum=0.9, weight_decay=0.0625), {}),
    "sgd_nesterov": (torch.optim.SGD, dict(lr=0.25, momentum=0.8, nesterov=True), {}),
    "rmsprop": (torch.optim.RMSprop, dict(lr=0.03125), {}),
    "rmsprop_all": (torch.optim.RMSprop, dict(lr=0.015625, alpha=0.9, eps=1e-3, momentum=0.5,
                                              weight_decay=0.125), {}),
    "rmsprop_centered": (torch.optim.RMSprop, dict(lr=0.015625, centered=True), {}),
    "rmsprop_centered_all": (torch.optim.RMSprop, dict(lr=0.015625, alpha=0.9, eps=1e-3,
                                                       momentum=0.5, centered=True), {}),
    "adam": (torch.optim.Adam, dict(lr=0.0625), {}),
    "adam_betas": (torch.optim.Adam, dict(lr=0.0625, betas=(0.5, 0.99), eps=1e-3), {}),
    "adam_beta1_zero": (torch.optim.Adam, dict(lr=0.0625, betas=(0.0, 0.9)), {}),
    "adam_beta2_zero": (torch.optim.Adam, dict(lr=0.0625, betas=(0.9, 0.0)), {}),
    "adam_decay": (torch.optim.Adam, dict(lr=0.0625, weight_decay=0.25), {}),
    "adamw": (torch.optim.AdamW, dict(lr=0.0625, weight_decay=0.25), {}),
    "adamax": (torch.optim.Adamax, dict(lr=0.0625), {}),
    "adamax_all": (torch.optim.Adamax, dict(lr=0.0625, betas=(0.5, 0.9), eps=1e-3,
                                            weight_decay=0.25), {}),
    "clip_norm": (torch.optim.SGD, dict(lr=0.5), dict(norm=0.125)),
    "clip_norm_idle": (torch.optim.SGD, dict(lr=0.5), dict(norm=100.0)),
    "clip_value": (torch.optim.Adam, dict(lr=0.0625), dict(value=0.03125)),
    "clip_both": (torch.optim.SGD, dict(lr=0.5), dict(norm=0.5, value=0.0625)),
}


def make_steps():
    g = Golden("optim/steps.txt")
    x, y = values(1, 6, 3), values(2, 6, 2)
    w0, b0 = values(3, 2, 3), values(4, 2)
    for name, value in [("x", x), ("y", y), ("weight", w0), ("bias", b0)]:
        g.add(name, value)
    for name, (kind, settings, clip) in OPTIMIZERS.items():
        w, b = (v.clone().requires_grad_() for v in (w0, b0))
        optimizer = kind([w, b], **settings)
        trail, norms = [], []
        for _ in range(10):
            optimizer.zero_grad()
            loss = ((torch.tanh(x @ w.T + b) - y) ** 2).mean()
            loss.backward()
            norms.append(torch.linalg.vector_norm(torch.cat([w.grad.ravel(), b.grad])).item())
            if "norm" in clip:
                torch.nn.utils.clip_grad_norm_([w, b], clip["norm"])
            if "value" in clip:
                torch.nn.utils.clip_grad_value_([w, b], clip["value"])
            optimizer.step()
            trail.append(torch.cat([w.detach().ravel(), b.detach()]))
        g.add(f"{name}.trail", torch.stack(trail))
        g.add(f"{name}.norm", np.array(norms))
    epochs = 12

    def schedule(name, make):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        scheduler = make(optimizer)
        factors = []
        for _ in range(epochs):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        g.add(f"schedule.{name}", np.array(factors))

    of = torch.optim.lr_scheduler
    schedule("constant", lambda o: of.ConstantLR(o, factor=1.0))
    schedule("steps", lambda o: of.MultiStepLR(o, milestones=[3, 7, 8], gamma=0.5))
    schedule("exponential", lambda o: of.ExponentialLR(o, gamma=0.9))
    schedule("cosine", lambda o: of.CosineAnnealingLR(o, T_max=epochs, eta_min=0.125))
    g.write()


if __name__ == "__main__":
    make_layers()
    make_dists()
    make_steps()

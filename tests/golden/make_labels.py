"""Golden steps of the semi-supervised models from PyTorch (2.13), in double precision.

    python tests/golden/make_labels.py

writes labels/steps.txt beside this file; see make_adversarial.py for what it holds.  The labelled
images of a step are those that Reverie's loader of labelled images takes, every image keeping its
label (data.labels: 0): shuffled() below is its order.
"""
import math

import torch
from torch import nn
from torch.nn import functional as F

from make_adversarial import (BATCH, EPSILON, SEED, Case, Net, ShortGolden, frozen, gradient_of,
                              images, mean, normal, philox, rate, uniform, weights, xxh3)

CLASSES, PIXELS = 3, 16


# ---- the order of the loaders ----

def stream(seed, name):
    """Reverie's sequential numbers: 32 bits at a time."""
    key = xxh3(seed.to_bytes(8, "little") + xxh3(name.encode()).to_bytes(8, "little"))
    key, block = (key & 0xFFFFFFFF, key >> 32), 0
    while True:
        yield from philox(key, (block, 0, 0, 0))
        block += 1


def shuffled(seed, count):
    """Fisher & Yates, epoch 0."""
    bits, order = stream(seed, "data.order"), list(range(count))
    for i in range(count - 1, 0, -1):
        limit = 2**32 - 1 - (2**32 - 1) % (i + 1)
        word = next(b for b in bits if b < limit)
        j = word % (i + 1)
        order[i], order[j] = order[j], order[i]
    return order


def steps_of(steps):
    """(x, labelled x, their labels) of each step."""
    count = BATCH * steps
    pixels = images(count, 4, 4, 1) * 256 / 255
    place = shuffled(SEED, count)  # image i lies at place[i] of the file
    image_at = {p: i for i, p in enumerate(place)}
    labelled = [image_at[p] for p in shuffled(SEED ^ xxh3(b"labelled"), count)]
    for step in range(steps):
        at = slice(BATCH * step, BATCH * (step + 1))
        chosen = torch.tensor(labelled[at])
        yield step, pixels[at], pixels[chosen], chosen % CLASSES


# ---- densities, nats ----

def gaussian(h):
    mu, log_sigma = h.chunk(2, 1)
    return mu, log_sigma


def log_normal(x, mu, log_sigma):
    z = (x - mu) / log_sigma.exp()
    return (-0.5 * z**2 - log_sigma - 0.5 * math.log(2 * math.pi)).sum(1)


def kl_standard(mu, log_sigma):
    return (0.5 * (mu**2 + (2 * log_sigma).exp() - 1) - log_sigma).sum(1)


def log_bernoulli(x, logits):
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(1)


def one_hot(y):
    return F.one_hot(y, CLASSES).double()


# ---- equation 9 ----

def objective(logits, joint, labelled_logits, labelled_joint, y, alpha, labelled, sampled=None):
    """joint(y) is J(x, y) [B] at classes y [B]; returns the loss and what is reported."""
    log_q = logits.log_softmax(1)
    if sampled is None:
        every = torch.stack([joint(torch.full((BATCH,), k)) for k in range(CLASSES)], 1)
        unlabelled = (log_q.exp() * (every - log_q)).sum(1)
    else:
        value, chosen = joint(sampled), log_q.gather(1, sampled[:, None])[:, 0]
        entropy = -(log_q.exp() * log_q).sum(1)
        unlabelled = value + frozen(value) * (chosen - frozen(chosen)) + entropy
    known = labelled_joint(y)
    cross_entropy = F.cross_entropy(labelled_logits, y)
    loss = -mean(unlabelled) - labelled * mean(known) + alpha * cross_entropy
    right = mean((labelled_logits.argmax(1) == y).double())
    return loss, dict(unlabelled_bound=mean(unlabelled), labelled_bound=mean(known),
                      classification=cross_entropy, accuracy=right)


def gumbel_choice(logits, step):
    u = uniform("/y", step, BATCH, CLASSES)
    return (logits.detach() - torch.log(-torch.log(u))).argmax(1)


def adam_of(nets):
    return torch.optim.Adam(weights(*nets.values()), lr=rate(2e-2), eps=EPSILON)


def mlp(number, i, o):
    return Net(number, [nn.Linear(i, 5), nn.Softplus(), nn.Linear(5, o)])


# ---- the models ----

def m2(golden, name, steps, alpha=0.7, labelled=0.5, sample=False):
    latent = 2
    nets = {"classifier": mlp(1, PIXELS, CLASSES),
            "encoder": mlp(2, PIXELS + CLASSES, 2 * latent),
            "decoder": mlp(3, latent + CLASSES, PIXELS)}
    adam, case = adam_of(nets), None
    case = Case(golden, name, nets, {"m2": adam})

    def joint_of(x, noise):
        def joint(y):
            mu, log_sigma = gaussian(nets["encoder"](torch.cat([x, one_hot(y)], 1)))
            z = mu + log_sigma.exp() * noise
            logits = nets["decoder"](torch.cat([z, one_hot(y)], 1))
            return log_bernoulli(x, logits) - kl_standard(mu, log_sigma) - math.log(CLASSES)
        return joint

    for step, x, lx, y in steps_of(steps):
        logits = nets["classifier"](x)
        drawn = gumbel_choice(logits, step) if sample else None
        loss, values = objective(
            logits, joint_of(x, normal("z", step, BATCH, latent)), nets["classifier"](lx),
            joint_of(lx, normal("labelled.z", step, BATCH, latent)), y, alpha, labelled, drawn)
        gradient_of(loss, weights(*nets.values()))
        adam.step()
        case.report(step, loss=loss, **values)
    case.finish()


def adgm(golden, name, steps, alpha=0.7, labelled=0.5):
    latent, auxiliary = 2, 3
    nets = {"auxiliary_encoder": mlp(1, PIXELS, 2 * auxiliary),
            "classifier": mlp(2, PIXELS + auxiliary, CLASSES),
            "encoder": mlp(3, PIXELS + auxiliary + CLASSES, 2 * latent),
            "auxiliary_decoder": mlp(4, PIXELS + latent + CLASSES, 2 * auxiliary),
            "decoder": mlp(5, latent + CLASSES, PIXELS)}
    adam = adam_of(nets)
    case = Case(golden, name, nets, {"adgm": adam})

    def read(x, scope, step):
        mu, log_sigma = gaussian(nets["auxiliary_encoder"](x))
        a = mu + log_sigma.exp() * normal(scope + "a", step, BATCH, auxiliary)
        common = -log_normal(a, mu, log_sigma)
        noise = normal(scope + "z", step, BATCH, latent)

        def joint(y):
            c = one_hot(y)
            m, s = gaussian(nets["encoder"](torch.cat([x, a, c], 1)))
            z = m + s.exp() * noise
            log_pa = log_normal(a, *gaussian(nets["auxiliary_decoder"](torch.cat([x, z, c], 1))))
            log_px = log_bernoulli(x, nets["decoder"](torch.cat([z, c], 1)))
            return log_px + log_pa - kl_standard(m, s) - math.log(CLASSES) + common
        return nets["classifier"](torch.cat([x, a], 1)), joint

    for step, x, lx, y in steps_of(steps):
        loss, values = objective(*read(x, "", step), *read(lx, "labelled.", step), y, alpha,
                                 labelled)
        gradient_of(loss, weights(*nets.values()))
        adam.step()
        case.report(step, loss=loss, **values)
    case.finish()


def m1_m2(golden, name, steps, alpha=0.7, labelled=0.5):
    features, latent = 3, 2
    nets = {"feature_encoder": mlp(1, PIXELS, 2 * features),
            "feature_decoder": mlp(2, features, PIXELS),
            "classifier": mlp(3, features, CLASSES),
            "encoder": mlp(4, features + CLASSES, 2 * latent),
            "decoder": mlp(5, latent + CLASSES, 2 * features)}
    lower = {k: nets[k] for k in ("feature_encoder", "feature_decoder")}
    upper = {k: v for k, v in nets.items() if k not in lower}
    adam1, adam2 = adam_of(lower), adam_of(upper)
    case = Case(golden, name, nets, {"m1": adam1, "m2": adam2})

    def draw(x, scope, step):
        mu, log_sigma = gaussian(nets["feature_encoder"](x))
        noise = normal(scope + "z1", step, BATCH, features)
        return mu, log_sigma, mu + log_sigma.exp() * noise

    def read(x, scope, step):
        z1 = frozen(draw(x, scope, step)[2])
        noise = normal(scope + "z2", step, BATCH, latent)

        def joint(y):
            mu, log_sigma = gaussian(nets["encoder"](torch.cat([z1, one_hot(y)], 1)))
            z2 = mu + log_sigma.exp() * noise
            log_pz1 = log_normal(z1, *gaussian(nets["decoder"](torch.cat([z2, one_hot(y)], 1))))
            return log_pz1 - kl_standard(mu, log_sigma) - math.log(CLASSES)
        return nets["classifier"](z1), joint

    for step, x, lx, y in steps_of(steps):
        mu, log_sigma, z1 = draw(x, "", step)
        reconstruction = mean(-log_bernoulli(x, nets["feature_decoder"](z1)))
        kl = mean(kl_standard(mu, log_sigma))
        m1_loss = reconstruction + kl
        gradient_of(m1_loss, weights(*lower.values()))
        unlabelled, known = read(x, "", step), read(lx, "labelled.", step)
        adam1.step()
        loss, values = objective(*unlabelled, *known, y, alpha, labelled)
        gradient_of(loss, weights(*upper.values()))
        adam2.step()
        case.report(step, m1_loss=m1_loss, reconstruction=reconstruction, kl=kl, m2_loss=loss,
                    **values)
    case.finish()


def main():
    golden = ShortGolden("labels/steps.txt")
    m2(golden, "m2", 2)
    m2(golden, "m2_sample", 2, sample=True)
    m1_m2(golden, "m1_m2", 2)
    adgm(golden, "adgm", 2)
    golden.write()


if __name__ == "__main__":
    main()

"""VAEs whose posterior is moved by a flow, in JAX: the KL is that of a draw."""
import math

import jax.numpy as jnp
import optax
from jax import lax, nn, random
from jax_models import apply, cross_entropy, mlp, softplus

STEPS = 20  # of the planar flow
STILL = math.log(math.e - 1)  # w'u at which a planar step does nothing
TINY = 1e-12  # beside |w|^2
IAF_STEPS, WIDTH, CONTEXT, GATE = 2, 256, 128, 2
LATENT = {"iaf": 128, "planar": 32, "planar-amortised": 32}


def masks(latent, is_reversed):
    """Of the three layers [in, out]: unit k sees a degree at most its own, an output one below."""
    order = jnp.arange(1, latent + 1)
    order = order[::-1] if is_reversed else order
    seen = jnp.concatenate((order, jnp.zeros(CONTEXT, order.dtype)))
    hidden = jnp.arange(WIDTH) * latent // WIDTH
    last = jnp.tile(order, 2)
    return [seen[:, None] <= hidden, hidden[:, None] <= hidden, hidden[:, None] < last]


def iaf_step(layers, z, context, is_reversed):
    """z' = sigma z + (1 - sigma) m, (m, s) = made(z, context), and log |det| of each row."""
    masked = [layer | {"weight": mask * layer["weight"]}
              for layer, mask in zip(layers, masks(z.shape[-1], is_reversed))]
    both, _ = apply(masked, [], jnp.concatenate((z, context), -1), nn.relu)
    m, s = jnp.split(both, 2, axis=-1)
    return m + nn.sigmoid(s + GATE) * (z - m), -softplus(-s - GATE).sum(-1)


def iaf(params, z, context):
    log_det = 0
    for k in range(IAF_STEPS):
        z, one = iaf_step(params[k], z, context, k % 2 == 1)
        log_det += one
    return z, log_det


def planar_step(z, u, w, b):
    """z + u^ tanh(w'z + b) and log |det| of each row."""
    square = jnp.square(w).sum(-1, keepdims=True) + TINY
    a = (w * u).sum(-1, keepdims=True) + STILL * (square - TINY) / square
    direction = u + (STILL / square + (softplus(-a) - 1) / square) * w
    t = jnp.tanh((z * w).sum(-1, keepdims=True) + b)
    log_det = jnp.log(jnp.square(t) + (1 - jnp.square(t)) * softplus(a))
    return z + direction * t, log_det.sum(-1)


def planar(steps, z):
    """Numbers u, w and b of each step: shared by all images [K,W], or theirs [K,B,W]."""

    def move(z, step):
        return planar_step(z, *step)

    z, log_det = lax.scan(move, z, steps, unroll=STEPS)
    return z, log_det.sum(0)


def init(name, key):
    one, two, three = random.split(key, 3)
    latent = LATENT[name]
    hidden = [256, 256] if name == "iaf" else [512, 512]
    numbers = {"iaf": CONTEXT, "planar": 0, "planar-amortised": STEPS * (2 * latent + 1)}[name]
    params = {"encoder": mlp(one, [784, *hidden, 2 * latent + numbers], False),
              "decoder": mlp(two, [latent, *hidden[::-1], 784], False)}
    if name == "iaf":
        params["flow"] = [mlp(net, [latent + CONTEXT, WIDTH, WIDTH, 2 * latent], False)
                          for net in random.split(three, IAF_STEPS)]
    if name == "planar":
        four, five = random.split(three)
        bound = 1 / math.sqrt(latent)
        u = random.uniform(four, (STEPS, latent), minval=-0.1 * bound, maxval=0.1 * bound)
        w = random.uniform(five, (STEPS, latent), minval=-bound, maxval=bound)
        params["flow"] = [u, w, jnp.zeros((STEPS, 1))]
    return params, {}


def move(name, params, z, numbers):
    """z_K and the log determinant of each row."""
    if name == "iaf":
        return iaf(params["flow"], z, numbers)
    if name == "planar":
        return planar(params["flow"], z)
    steps = numbers.reshape(len(z), STEPS, -1).swapaxes(0, 1)
    return planar(jnp.split(steps, (z.shape[-1], 2 * z.shape[-1]), axis=-1), z)


def loss(name, params, running, x, key):
    """-ELBO, a mean over the batch of sums over pixels and latents, in nats."""
    latent = LATENT[name]
    h, _ = apply(params["encoder"], [], x, nn.relu)
    mu, s, numbers = jnp.split(h, (latent, 2 * latent), axis=-1)
    log_sigma = 0.5 * jnp.log(softplus(s) + 1e-9) if name == "iaf" else s
    eps = random.normal(key, mu.shape)
    z, log_det = move(name, params, mu + jnp.exp(log_sigma) * eps, numbers)
    kl = (0.5 * (jnp.square(z) - jnp.square(eps)) - log_sigma).sum() - log_det.sum()
    logits, _ = apply(params["decoder"], [], z, nn.relu)
    return (cross_entropy(logits, x).sum() + kl) / len(x), running


def optimizer(name):
    if name == "iaf":  # PyTorch's definition: the square root before eps is added
        return optax.rmsprop(1e-3, decay=0.99, eps=1e-8, eps_in_sqrt=False, centered=True)
    return optax.adam(1e-3)

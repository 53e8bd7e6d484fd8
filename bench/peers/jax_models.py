"""The models in JAX: parameters are a dict of arrays, a step is one function, compiled whole."""
import math

import jax
import jax.numpy as jnp
from jax import nn, random
from jax_convolutions import double, halve, kernel

LATENT = {"l1-vae": 32, "l4-vae": 2, "wide": 32, "vae-cnn": 32, "vae-cnn-l4": 2, "iwae": 50,
          "decode": 32, "m2": 50}
HIDDEN = {"l1-vae": (512, 256, 128), "l4-vae": (512, 256, 128, 64), "wide": (2048, 2048)}
L4 = ("l4-vae", "vae-cnn-l4")
CONVOLUTIONAL = {"vae-cnn": 256, "vae-cnn-l4": 128}  # width of the layer beside the convolutions
SAMPLES = 50  # of the IWAE, and of a chunk of L_5000
BOUND_SAMPLES = 5000
CLASSES, ALPHA, LABELLED = 10, 50, 0.1  # of the M2: weights of log q(y|x) and of J(x,y)
EPS, MOMENTUM = 1e-5, 0.1  # of batch norm, as PyTorch and Reverie have them


def mlp(key, sizes, norm):
    """Weights [in, out] and biases uniform in +-1/sqrt(in); batch norm after each but the last."""
    layers = []
    for index, (fan_in, fan_out) in enumerate(zip(sizes, sizes[1:])):
        key, one, two = random.split(key, 3)
        bound = 1 / math.sqrt(fan_in)
        layer = {
            "weight": random.uniform(one, (fan_in, fan_out), minval=-bound, maxval=bound),
            "bias": random.uniform(two, (fan_out,), minval=-bound, maxval=bound),
        }
        if norm and index < len(sizes) - 2:
            layer |= {"gamma": jnp.ones(fan_out), "beta": jnp.zeros(fan_out)}
        layers.append(layer)
    return layers


def running_of(layers):
    return [
        {"mean": jnp.zeros_like(layer["beta"]), "variance": jnp.ones_like(layer["beta"])}
        for layer in layers
        if "beta" in layer
    ]


def normalise(layer, running, x):
    """Batch norm in training; also the new running statistics (unbiased variance)."""
    n = x.shape[0]
    mean = x.mean(0)
    variance = jnp.square(x - mean).mean(0)
    y = (x - mean) * (layer["gamma"] * jax.lax.rsqrt(variance + EPS)) + layer["beta"]
    moved = {
        "mean": (1 - MOMENTUM) * running["mean"] + MOMENTUM * mean,
        "variance": (1 - MOMENTUM) * running["variance"] + MOMENTUM * variance * (n / (n - 1)),
    }
    return y, jax.lax.stop_gradient(moved)


def apply(layers, running, x, activation):
    moved = []
    for layer in layers[:-1]:
        x = activation(x @ layer["weight"] + layer["bias"])
        if "gamma" in layer:
            x, fresh = normalise(layer, running[len(moved)], x)
            moved.append(fresh)
    return x @ layers[-1]["weight"] + layers[-1]["bias"], moved


def softplus(x):
    """log(1 + exp x).  XLA makes faster code of this than of jax.nn.softplus."""
    return jnp.maximum(x, 0) + jnp.log1p(jnp.exp(-jnp.abs(x)))


def cross_entropy(logits, x):
    return softplus(logits) - x * logits


def init_convolutional(name, key):
    """Encoder and decoder, by way of 14 x 14 and 7 x 7."""
    keys = random.split(key, 6)
    width, latent = CONVOLUTIONAL[name], LATENT[name]
    params = {
        "encoder": [kernel(keys[0], 1, 32), kernel(keys[1], 32, 64),
                    *mlp(keys[2], [64 * 7 * 7, width, 2 * latent], False)],
        "decoder": [*mlp(keys[3], [latent, width, 64 * 7 * 7], False),
                    kernel(keys[4], 64, 32, transposed=True),
                    kernel(keys[5], 32, 1, transposed=True)],
    }
    return params, {"encoder": [], "decoder": []}


def encode_image(layers, running, x, activation):
    x = x.reshape(-1, 28, 28, 1)
    for layer in layers[:2]:
        x = activation(halve(layer, x))
    return apply(layers[2:], running, x.reshape(len(x), -1), activation)


def decode_image(layers, running, z, activation):
    x, running = apply(layers[:2], running, z, activation)
    x = activation(double(layers[2], activation(x).reshape(-1, 7, 7, 64)))
    return double(layers[3], x).reshape(len(z), -1), running


def init_vae(name, key):
    if name in CONVOLUTIONAL:
        return init_convolutional(name, key)
    hidden, latent, norm = HIDDEN[name], LATENT[name], name == "l1-vae"
    one, two = random.split(key)
    params = {
        "encoder": mlp(one, [784, *hidden, 2 * latent], norm),
        "decoder": mlp(two, [latent, *hidden[::-1], 784], norm),
    }
    return params, {net: running_of(layers) for net, layers in params.items()}


def vae_loss(name, params, running, x, key):
    """-ELBO, a mean over the batch of sums over pixels and latents, in nats."""
    l4 = name in L4
    convolutional = name in CONVOLUTIONAL
    encoded, decoded = (encode_image, decode_image) if convolutional else (apply, apply)
    activation = nn.silu if l4 else nn.relu
    h, encoder = encoded(params["encoder"], running["encoder"], x, activation)
    mu, s = jnp.split(h, 2, axis=-1)
    if l4:
        variance = softplus(s) + 1e-9
        sigma, log_variance = jnp.sqrt(variance), jnp.log(variance)
    else:
        sigma, log_variance = jnp.exp(s), 2 * s
        variance = jnp.square(sigma)
    z = mu + sigma * random.normal(key, mu.shape)
    logits, decoder = decoded(params["decoder"], running["decoder"], z, activation)
    kl = 0.5 * (jnp.square(mu) + variance - log_variance - 1).sum()
    loss = (cross_entropy(logits, x).sum() + kl) / x.shape[0]
    return loss, {"encoder": encoder, "decoder": decoder}


def init_iwae(key):
    one, two = random.split(key)
    latent = LATENT["iwae"]
    params = {
        "encoder": mlp(one, [784, 200, 200, 2 * latent], False),
        "decoder": mlp(two, [latent, 200, 200, 784], False),
    }
    return params, {}


def iwae_loss(params, running, x, key):
    """The encoder runs once an image, the decoder once a sample."""
    h, _ = apply(params["encoder"], [], x, jnp.tanh)
    log_weights = log_weights_of(params, x, *jnp.split(h, 2, axis=-1), key)
    bound = nn.logsumexp(log_weights, axis=0) - math.log(SAMPLES)
    return -bound.mean(), running


def bound_loss(params, x, key):
    """-L_5000, SAMPLES draws at a time."""
    h, _ = apply(params["encoder"], [], x, jnp.tanh)
    mu, log_sigma = jnp.split(h, 2, axis=-1)
    keys = random.split(key, BOUND_SAMPLES // SAMPLES)
    log_weights = jax.lax.map(lambda k: log_weights_of(params, x, mu, log_sigma, k), keys)
    bound = nn.logsumexp(log_weights, axis=(0, 1)) - math.log(BOUND_SAMPLES)
    return -bound.mean()


def log_weights_of(params, x, mu, log_sigma, key):
    """log w of SAMPLES draws, [K,B]."""
    eps = random.normal(key, (SAMPLES, *mu.shape))
    z = mu + jnp.exp(log_sigma) * eps
    logits, _ = apply(params["decoder"], [], z.reshape(-1, mu.shape[-1]), jnp.tanh)
    log_px = -cross_entropy(logits.reshape(SAMPLES, *x.shape), x).sum(-1)
    return log_px + (0.5 * (jnp.square(eps) - jnp.square(z)) + log_sigma).sum(-1)


def init_m2(key):
    one, two, three = random.split(key, 3)
    latent = LATENT["m2"]
    params = {
        "classifier": mlp(one, [784, 500, CLASSES], False),
        "encoder": mlp(two, [784 + CLASSES, 500, 2 * latent], False),
        "decoder": mlp(three, [latent + CLASSES, 500, 784], False),
    }
    return params, {}


def m2_loss(params, running, x, key, labelled_x, labels):
    """-(mean U(x) + LABELLED mean J(x,y) + ALPHA mean log q(y|x)), in nats.

    J(x,y) is a bound of log p(x,y); U(x) = sum_y q(y|x) (J(x,y) - log q(y|x)) takes one pass over
    CLASSES B rows, the copies of an image with the same noise.
    """
    noise, labelled_noise = random.split(key)
    latent = LATENT["m2"]
    log_q = nn.log_softmax(apply(params["classifier"], [], x, softplus)[0])
    every = jnp.repeat(jnp.eye(CLASSES), len(x), 0)
    eps = jnp.tile(random.normal(noise, (len(x), latent)), (CLASSES, 1))
    joint = m2_joint(params, jnp.tile(x, (CLASSES, 1)), every, eps).reshape(CLASSES, -1).T
    unlabelled = (jnp.exp(log_q) * (joint - log_q)).sum(-1).mean()

    y = nn.one_hot(labels, CLASSES)
    eps = random.normal(labelled_noise, (len(y), latent))
    labelled = m2_joint(params, labelled_x, y, eps).mean()
    right = nn.log_softmax(apply(params["classifier"], [], labelled_x, softplus)[0])
    known = (right * y).sum(-1).mean()
    return -(unlabelled + LABELLED * labelled + ALPHA * known), running


def m2_joint(params, x, y, eps):
    """J of rows (x, y)."""
    h, _ = apply(params["encoder"], [], jnp.concatenate((x, y), -1), softplus)
    mu, log_sigma = jnp.split(h, 2, axis=-1)
    z = mu + jnp.exp(log_sigma) * eps
    logits, _ = apply(params["decoder"], [], jnp.concatenate((z, y), -1), softplus)
    log_px = -cross_entropy(logits, x).sum(-1)
    kl = 0.5 * (jnp.square(mu) + jnp.exp(2 * log_sigma) - 2 * log_sigma - 1).sum(-1)
    return log_px - kl - math.log(CLASSES)


def decode(params, running, z):
    """The L1 decoder with batch norm in evaluation mode."""
    layers = params["decoder"]
    for layer, stats in zip(layers, running["decoder"]):
        z = nn.relu(z @ layer["weight"] + layer["bias"])
        scale = layer["gamma"] * jax.lax.rsqrt(stats["variance"] + EPS)
        z = (z - stats["mean"]) * scale + layer["beta"]
    return nn.sigmoid(z @ layers[-1]["weight"] + layers[-1]["bias"])


def make(name, key):
    """Parameters, running statistics, and loss(params, running, x, key) -> loss, running.

    The M2's loss has two arguments more: labelled images and their labels.
    """
    if name == "m2":
        return *init_m2(key), m2_loss
    if name == "iwae":
        return *init_iwae(key), iwae_loss
    vae = "l1-vae" if name == "decode" else name
    return *init_vae(vae, key), lambda *arguments: vae_loss(vae, *arguments)

"""The GANs of L1 and L2 in JAX: a step updates both players, as one function, compiled whole.

The state is parameters, running statistics, and the optimizers'
memory, each a dict with "generator" and "discriminator".
"""
import functools

import jax
import jax.numpy as jnp
import optax
from jax import nn, random
from jax_convolutions import deconv, double, halve, kernel
from jax_models import apply, mlp, normalise, running_of, softplus

LATENT, DECONV_LATENT = 100, 32
SLOPE, DECONV_SLOPE = 0.01, 0.2  # of LeakyReLU
CLIP, CRITIC_STEPS = 0.01, 5  # of the WGAN
DECONV = ((100, 512, 5, 1), (512, 256, 5, 1), (256, 128, 5, 2), (128, 64, 5, 1), (64, 1, 4, 1))
CONV = ((1, 64), (64, 128), (128, 256))


def leaky_relu(x, slope=SLOPE):
    return jnp.where(x >= 0, x, slope * x)


def norm_layer(key, width):
    return {"gamma": 1 + 0.02 * random.normal(key, (width,)), "beta": jnp.zeros(width)}


def init_generator(key):
    layers = []
    for fan_in, fan_out, size, _ in DECONV:
        key, one, two = random.split(key, 3)
        layer = {"weight": 0.02 * random.normal(one, (size, size, fan_in, fan_out))}
        layers.append(layer | (norm_layer(two, fan_out) if fan_out > 1 else {}))
    return layers


def init_discriminator(key):
    layers = []
    for fan_in, fan_out in CONV:
        key, one, two = random.split(key, 3)
        layer = {"weight": 0.02 * random.normal(one, (4, 4, fan_in, fan_out))}
        layers.append(layer | (norm_layer(two, fan_out) if fan_in > 1 else {}))
    return layers + mlp(key, [256, 1], False)


def norm_image(layer, running, x):
    """Batch norm over images and places."""
    y, moved = normalise(layer, running, x.reshape(-1, x.shape[-1]))
    return y.reshape(x.shape), moved


def generate(layers, running, z):
    """Latents [B,100] to images [B,28,28,1], before their sigmoid, by way of 5, 9, 21 and 25."""
    moved = []
    x = z[:, None, None, :]
    for layer, (_, _, _, stride) in zip(layers, DECONV):
        x = deconv(x, layer["weight"], stride, 0)
        if "gamma" in layer:
            x, fresh = norm_image(layer, running[len(moved)], x)
            moved.append(fresh)
            x = nn.relu(x)
    return x, moved


def judge(layers, running, x):
    """Logits [B,1] of images."""
    moved = []
    for layer in layers[:-1]:
        x = halve(layer, x)
        if "gamma" in layer:
            x, fresh = norm_image(layer, running[len(moved)], x)
            moved.append(fresh)
        x = leaky_relu(x)
    return x.mean((1, 2)) @ layers[-1]["weight"] + layers[-1]["bias"], moved


def init_deconv_players(key):
    one, two, three, four, five, six = random.split(key, 6)
    generator = [
        *mlp(one, [DECONV_LATENT, 128 * 7 * 7], False),
        kernel(two, 128, 64, transposed=True),
        kernel(three, 64, 1, transposed=True),
    ]
    discriminator = [
        kernel(four, 1, 64),
        kernel(five, 64, 128),
        *mlp(six, [128 * 7 * 7, 1], False),
    ]
    for layer in (*generator[:2], discriminator[1]):
        layer |= {"gamma": jnp.ones_like(layer["bias"]), "beta": jnp.zeros_like(layer["bias"])}
    return generator, discriminator


def deconv_generate(layers, running, z):
    """Latents [B,32] to images [B,28,28,1], before their sigmoid, by way of 7 and 14."""
    first, second, last = layers
    x, one = normalise(first, running[0], z @ first["weight"] + first["bias"])
    x, two = norm_image(second, running[1], double(second, nn.relu(x).reshape(-1, 7, 7, 128)))
    return double(last, nn.relu(x)), [one, two]


def deconv_judge(layers, running, x):
    """Logits [B,1] of images."""
    first, second, last = layers
    x = leaky_relu(halve(first, x), DECONV_SLOPE)
    x, moved = norm_image(second, running[0], halve(second, x))
    x = leaky_relu(x, DECONV_SLOPE).reshape(len(x), -1)
    return x @ last["weight"] + last["bias"], [moved]


def discriminator_loss(judge, params, running, x, fakes):
    """Real + fake; batch norm sees the one, then the other."""
    real, running = judge(params, running, x)
    fake, running = judge(params, running, fakes)
    return softplus(-real).mean() + softplus(fake).mean(), running


def init_convolutional(generator, discriminator):
    params = {"generator": generator, "discriminator": discriminator}
    running = {player: running_of(layers) for player, layers in params.items()}
    return params, running, optax.adam(2e-4, b1=0.5, b2=0.999)


def convolutional_step(generate, judge, latent, optimizer, state, x, key):
    """One update of each; G(z) is computed once, its gradient goes through the updated D."""
    params, running, memory = state
    x = x.reshape(-1, 28, 28, 1)
    z = random.normal(key, (x.shape[0], latent))

    def make(generator):
        images, moved = generate(generator, running["generator"], z)
        return nn.sigmoid(images), moved

    fakes, back, g_running = jax.vjp(make, params["generator"], has_aux=True)
    value_and_grad = jax.value_and_grad(functools.partial(discriminator_loss, judge), has_aux=True)
    (loss, d_running), gradient = value_and_grad(params["discriminator"], running["discriminator"],
                                                 x, fakes)
    d_params, d_memory = update(optimizer, params, gradient, memory, "discriminator")

    def fooling_loss(fakes):
        logits, moved = judge(d_params, d_running, fakes)
        return softplus(-logits).mean(), moved

    (_, d_running), gradient = jax.value_and_grad(fooling_loss, has_aux=True)(fakes)
    g_params, g_memory = update(optimizer, params, back(gradient)[0], memory, "generator")
    return ({"generator": g_params, "discriminator": d_params},
            {"generator": g_running, "discriminator": d_running},
            {"generator": g_memory, "discriminator": d_memory}), loss


def update(optimizer, params, gradient, memory, player):
    """The player's new parameters and optimizer's memory."""
    updates, memory = optimizer.update(gradient, memory[player], params[player])
    return optax.apply_updates(params[player], updates), memory


def init_wgan(key):
    one, two = random.split(key)
    params = {"generator": mlp(one, [LATENT, 64, 256, 512, 784], True),
              "discriminator": mlp(two, [784, 64, 128, 1], False)}
    running = {player: running_of(layers) for player, layers in params.items()}
    # PyTorch's definition: the square root before eps is added, averages that start at 0.
    return params, running, optax.rmsprop(5e-5, decay=0.99, eps=1e-8, eps_in_sqrt=False)


def wgan_fakes(generator, running, key, count):
    images, running = apply(generator, running, random.normal(key, (count, LATENT)), leaky_relu)
    return jnp.tanh(images), running


def criticise(critic, x):
    return apply(critic, [], x, nn.relu)[0].mean()


def critic_step(optimizer, state, x, key):
    params, running, memory = state
    fakes, g_running = wgan_fakes(params["generator"], running["generator"], key, x.shape[0])

    def loss_of(critic):
        return criticise(critic, fakes) - criticise(critic, x)

    loss, gradient = jax.value_and_grad(loss_of)(params["discriminator"])
    critic, c_memory = update(optimizer, params, gradient, memory, "discriminator")
    critic = jax.tree.map(lambda weights: jnp.clip(weights, -CLIP, CLIP), critic)
    return (params | {"discriminator": critic}, running | {"generator": g_running},
            memory | {"discriminator": c_memory}), loss


def generator_step(optimizer, state, count, key):
    params, running, memory = state

    def loss_of(generator):
        fakes, moved = wgan_fakes(generator, running["generator"], key, count)
        return -criticise(params["discriminator"], fakes), moved

    (_, moved), gradient = jax.value_and_grad(loss_of, has_aux=True)(params["generator"])
    generator, g_memory = update(optimizer, params, gradient, memory, "generator")
    return (params | {"generator": generator}, running | {"generator": moved},
            memory | {"generator": g_memory})


def wgan_round(optimizer, state, x, key):
    """5 critic steps, each with a batch of its own, then one of the generator."""
    *keys, last = random.split(key, CRITIC_STEPS + 1)
    batch = x.shape[0] // CRITIC_STEPS
    for index, noise in enumerate(keys):
        images = 2 * x[index * batch : (index + 1) * batch] - 1
        state, loss = critic_step(optimizer, state, images, noise)
    return generator_step(optimizer, state, batch, last), loss


def make(name, key):
    """Parameters, running statistics, optimizer, and step(optimizer, state, x, key)."""
    one, two = random.split(key)
    if name == "dcgan":
        step = functools.partial(convolutional_step, generate, judge, LATENT)
        return *init_convolutional(init_generator(one), init_discriminator(two)), step
    if name == "gan-deconv":
        step = functools.partial(convolutional_step, deconv_generate, deconv_judge, DECONV_LATENT)
        return *init_convolutional(*init_deconv_players(key)), step
    return *init_wgan(key), wgan_round

"""L1's two GANs in JAX: a step is an update of both players, as one function, compiled whole.

Images are NHWC, kernels HWIO.  The state is parameters, running statistics, and the optimizers'
memory, each a dict with "generator" and "discriminator".
"""
import functools

import jax
import jax.numpy as jnp
import optax
from jax import lax, nn, random
from jax_models import apply, mlp, normalise, running_of, softplus

LATENT = 100
SLOPE = 0.01  # of LeakyReLU
CLIP, CRITIC_STEPS = 0.01, 5  # of the WGAN
DECONV = ((100, 512, 5, 1), (512, 256, 5, 1), (256, 128, 5, 2), (128, 64, 5, 1), (64, 1, 4, 1))
CONV = ((1, 64), (64, 128), (128, 256))
LAYOUT = ("NHWC", "HWIO", "NHWC")


def leaky_relu(x):
    return jnp.where(x >= 0, x, SLOPE * x)


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


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def deconv(x, weight, stride):
    return lax.conv_transpose(x, weight, (stride, stride), "VALID", None, LAYOUT)


def deconv_forward(x, weight, stride):
    return deconv(x, weight, stride), (x, weight)


def deconv_backward(stride, kept, gradient):
    """XLA's own, but for the weights: a matrix product for each place of the kernel, which takes
    a tenth of the time of the convolution that XLA makes of it."""
    x, weight = kept
    _, back = jax.vjp(lambda x: lax.conv_transpose(x, weight, (stride, stride), "VALID", None,
                                                   LAYOUT), x)
    of_x, = back(gradient)
    high, wide = (stride * (size - 1) + 1 for size in x.shape[1:3])
    of_places = [[jnp.einsum("bhwi,bhwo->io", x,
                             gradient[:, row : row + high : stride, col : col + wide : stride])
                  for col in range(weight.shape[1])] for row in range(weight.shape[0])]
    # conv_transpose does not turn the kernel round, so its first place is added at the end.
    return of_x, jnp.flip(jnp.stack([jnp.stack(row) for row in of_places]), (0, 1))


deconv.defvjp(deconv_forward, deconv_backward)


def norm_image(layer, running, x):
    """Batch norm over images and places."""
    y, moved = normalise(layer, running, x.reshape(-1, x.shape[-1]))
    return y.reshape(x.shape), moved


def generate(layers, running, z):
    """Latents [B,100] to images [B,28,28,1], before their sigmoid, by way of 5, 9, 21 and 25."""
    moved = []
    x = z[:, None, None, :]
    for layer, (_, _, _, stride) in zip(layers, DECONV):
        x = deconv(x, layer["weight"], stride)
        if "gamma" in layer:
            x, fresh = norm_image(layer, running[len(moved)], x)
            moved.append(fresh)
            x = nn.relu(x)
    return x, moved


def judge(layers, running, x):
    """Logits [B,1] of images."""
    moved = []
    for layer in layers[:-1]:
        x = lax.conv_general_dilated(x, layer["weight"], (2, 2), ((1, 1), (1, 1)), None, None,
                                     LAYOUT)
        if "gamma" in layer:
            x, fresh = norm_image(layer, running[len(moved)], x)
            moved.append(fresh)
        x = leaky_relu(x)
    return x.mean((1, 2)) @ layers[-1]["weight"] + layers[-1]["bias"], moved


def discriminator_loss(params, running, x, fakes):
    """Real + fake; batch norm sees the one, then the other."""
    real, running = judge(params, running, x)
    fake, running = judge(params, running, fakes)
    return softplus(-real).mean() + softplus(fake).mean(), running


def init_dcgan(key):
    one, two = random.split(key)
    params = {"generator": init_generator(one), "discriminator": init_discriminator(two)}
    running = {player: running_of(layers) for player, layers in params.items()}
    return params, running, optax.adam(2e-4, b1=0.5, b2=0.999)


def dcgan_step(optimizer, state, x, key):
    """One update of each; G(z) is computed once, its gradient goes through the updated D."""
    params, running, memory = state
    x = x.reshape(-1, 28, 28, 1)
    z = random.normal(key, (x.shape[0], LATENT))

    def make(generator):
        images, moved = generate(generator, running["generator"], z)
        return nn.sigmoid(images), moved

    fakes, back, g_running = jax.vjp(make, params["generator"], has_aux=True)
    value_and_grad = jax.value_and_grad(discriminator_loss, has_aux=True)
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
    if name == "dcgan":
        return *init_dcgan(key), dcgan_step
    return *init_wgan(key), wgan_round

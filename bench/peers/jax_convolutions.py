"""Convolutions in JAX, which its models share.  Images are NHWC, kernels HWIO."""
import functools
import math

import jax
import jax.numpy as jnp
from jax import lax, random

LAYOUT = ("NHWC", "HWIO", "NHWC")


def kernel(key, fan_in, fan_out, transposed=False):
    """4 x 4 weights and biases, uniform in +-1/sqrt(fan), which PyTorch counts over the outputs of
    a transposed convolution."""
    one, two = random.split(key)
    bound = 1 / math.sqrt(16 * (fan_out if transposed else fan_in))
    return {
        "weight": random.uniform(one, (4, 4, fan_in, fan_out), minval=-bound, maxval=bound),
        "bias": random.uniform(two, (fan_out,), minval=-bound, maxval=bound),
    }


def halve(layer, x):
    """Windows of 4 x 4, stride 2: an image half as high and wide."""
    y = lax.conv_general_dilated(x, layer["weight"], (2, 2), ((1, 1), (1, 1)), None, None, LAYOUT)
    return y + layer["bias"] if "bias" in layer else y


def double(layer, x):
    """Its transpose."""
    return deconv(x, layer["weight"], 2, 1) + layer["bias"]


def transpose(x, weight, stride, padding):
    """`padding` as in PyTorch: cells of the whole result that are left out at each border."""
    around = [(size - 1 - padding, size - 1 - padding) for size in weight.shape[:2]]
    return lax.conv_transpose(x, weight, (stride, stride), around, None, LAYOUT)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def deconv(x, weight, stride, padding):
    return transpose(x, weight, stride, padding)


def deconv_forward(x, weight, stride, padding):
    return transpose(x, weight, stride, padding), (x, weight)


def deconv_backward(stride, padding, kept, gradient):
    """XLA's own, but for the weights: a matrix product for each place of the kernel, which takes
    a tenth of the time of the convolution that XLA makes of it."""
    x, weight = kept
    _, back = jax.vjp(lambda x: transpose(x, weight, stride, padding), x)
    of_x, = back(gradient)
    gradient = jnp.pad(gradient, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    high, wide = (stride * (size - 1) + 1 for size in x.shape[1:3])
    of_places = [[jnp.einsum("bhwi,bhwo->io", x,
                             gradient[:, row : row + high : stride, col : col + wide : stride])
                  for col in range(weight.shape[1])] for row in range(weight.shape[0])]
    # conv_transpose does not turn the kernel round, so its first place is added at the end.
    return of_x, jnp.flip(jnp.stack([jnp.stack(row) for row in of_places]), (0, 1))


deconv.defvjp(deconv_forward, deconv_backward)

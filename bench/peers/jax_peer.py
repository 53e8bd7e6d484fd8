"""JAX: `jax_peer.py WORKLOAD`.  A step is one compiled function of a donated state."""
import functools
import os
import sys

import jax
import jax.numpy as jnp
import jax_flows
import jax_gans
import jax_models
import numpy
import optax
import worker
from jax import random


def count(params):
    return sum(leaf.size for leaf in jax.tree.leaves(params))


def versions():
    return {"version": jax.__version__}


def make_step(loss, optimizer, batch):
    """step(state, images, order, start, *labelled) -> state, loss; the key is split inside."""

    def step(state, images, order, start, *labelled):
        params, running, memory, key = state
        key, noise = random.split(key)
        x = images[jax.lax.dynamic_slice(order, (start,), (batch,))]
        value_and_grad = jax.value_and_grad(loss, has_aux=True)
        (value, running), gradient = value_and_grad(params, running, x, noise, *labelled)
        updates, memory = optimizer.update(gradient, memory, params)
        return (optax.apply_updates(params, updates), running, memory, key), value

    return jax.jit(step, donate_argnums=0)


def make_game(play, optimizer, batch):
    """The same of both players of a GAN; `play` is one iteration."""

    def step(state, images, order, start):
        *state, key = state
        key, noise = random.split(key)
        x = images[jax.lax.dynamic_slice(order, (start,), (batch,))]
        state, loss = play(optimizer, state, x, noise)
        return (*state, key), loss

    return jax.jit(step, donate_argnums=0)


def optimizer_of(name):
    rate = 4.2e-4 if name == "m2" else 1e-3
    l4 = name in jax_models.L4
    return optax.adamw(rate, weight_decay=1e-2) if l4 else optax.adam(rate)


class Training:
    def __init__(self, name):
        self.images = jnp.asarray(worker.images_of(name))
        self.batch = worker.BATCH[name]
        self.start, self.shuffle = worker.IMAGES, numpy.random.default_rng(1)
        self.facts = versions()
        self.labelled = ()
        if name == "m2":
            rows, labels = worker.labelled_rows(os.environ.get("REVERIE_DATA"))
            self.labelled = (self.images[rows], jnp.asarray(labels))
        make = self.make_gan if name in ("dcgan", "gan-deconv", "wgan") else self.make_vae
        make(name, *random.split(random.key(1)))

    def make_gan(self, name, key, init):
        params, running, optimizer, play = jax_gans.make(name, init)
        self.parameters = count(params)
        memory = {player: optimizer.init(part) for player, part in params.items()}
        self.state = (params, running, memory, key)
        self.compiled = make_game(play, optimizer, self.batch)

    def make_vae(self, name, key, init):
        if name in jax_flows.LATENT:
            params, running = jax_flows.init(name, init)
            loss, optimizer = functools.partial(jax_flows.loss, name), jax_flows.optimizer(name)
        else:
            params, running, loss = jax_models.make(name, init)
            optimizer = optimizer_of(name)
        self.parameters = count(params)
        self.state = (params, running, optimizer.init(params), key)
        self.compiled = make_step(loss, optimizer, self.batch)

    def step(self):
        if self.start + self.batch > worker.IMAGES:
            order = self.shuffle.permutation(worker.IMAGES).astype(numpy.int32)
            self.order, self.start = jnp.asarray(order), 0
        batch = (self.images, self.order, self.start)
        self.state, loss = self.compiled(self.state, *batch, *self.labelled)
        self.start += self.batch
        jax.block_until_ready((self.state, loss))
        return loss


class Bound:
    """L_5000 of a batch, one compiled function of a key; the weights are constants."""

    def __init__(self, name):
        params, _ = jax_models.init_iwae(random.key(1))
        self.images = jnp.asarray(worker.images_of(name))
        self.batch, self.start = worker.BATCH[name], 0
        self.parameters = count(params)
        self.bound = jax.jit(functools.partial(jax_models.bound_loss, params))
        self.facts = versions()

    def step(self):
        self.start = (self.start + self.batch) % worker.IMAGES
        x = self.images[self.start : self.start + self.batch]
        return self.bound(x, random.key(self.start)).block_until_ready()


class Decoding:
    """Latents one at a time, the picture waited for."""

    def __init__(self):
        params, running, _ = jax_models.make("decode", random.key(1))
        self.parameters = count(params)
        rows = random.normal(random.key(2), (64, jax_models.LATENT["decode"]))
        self.latents = [rows[i : i + 1] for i in range(64)]
        # Constants, not arguments: half the latency, and XLA folds the batch norm's scale.
        self.decode = jax.jit(functools.partial(jax_models.decode, params, running))
        self.facts = versions()
        self.count = 0

    def step(self):
        self.count += 1
        picture = self.decode(self.latents[self.count % 64])
        return Picture(picture.block_until_ready())


class Picture:
    """float() of it reads one pixel, outside the measured time."""

    def __init__(self, array):
        self.array = array

    def __float__(self):
        return float(self.array[0, 0])


def main():
    name = sys.argv[1]
    if name == "evaluate-5000":
        contender = Bound(name)
    else:
        contender = Decoding() if name == "decode" else Training(name)
    worker.serve(contender, name)


if __name__ == "__main__":
    main()

"""PyTorch: `torch_peer.py eager|eager-default|compiled WORKLOAD`."""
import functools
import math
import os
import sys

import torch
import torch_flows
import torch_gans
import torch_models
import worker


class Batches:
    """Of images in memory, shuffled anew when they have all been seen."""

    def __init__(self, name):
        torch.manual_seed(1)
        torch.set_num_threads(worker.cores())
        self.images = torch.from_numpy(worker.images_of(name))
        self.batch = worker.BATCH[name]
        self.start = worker.IMAGES
        self.facts = {"version": torch.__version__}

    def next_batch(self):
        if self.start + self.batch > worker.IMAGES:
            self.order, self.start = torch.randperm(worker.IMAGES), 0
        rows = self.order[self.start : self.start + self.batch]
        self.start += self.batch
        return self.images.index_select(0, rows)


class Training(Batches):
    def __init__(self, name, mode):
        super().__init__(name)
        make = torch_flows.FLOWS.get(name) or functools.partial(torch_models.make, name)
        model = make()
        self.parameters = sum(p.numel() for p in model.parameters()) - torch_models.masked(model)
        self.optimizer = make_optimizer(name, model, mode)
        self.loss, self.update = model, self.optimizer.step
        if mode == "compiled":
            self.loss = torch.compile(model)

    def step(self):
        loss = self.loss(*self.inputs())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.update()
        return loss.detach()

    def inputs(self):
        return (self.next_batch(),)


class PartlyLabelled(Training):
    """A batch of images, and beside it all those whose label is known."""

    def __init__(self, name, mode):
        super().__init__(name, mode)
        rows, labels = worker.labelled_rows(os.environ.get("REVERIE_DATA"))
        self.labelled = (self.images[rows], torch.from_numpy(labels))

    def inputs(self):
        return (self.next_batch(), *self.labelled)


def make_optimizer(name, model, mode):
    fused = None if mode == "eager-default" else True
    if name in torch_models.L4:
        return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2, fused=fused)
    if name == "iaf":
        return torch.optim.RMSprop(model.parameters(), lr=1e-3, centered=True)
    rate = 4.2e-4 if name == "m2" else 1e-3
    return torch.optim.Adam(model.parameters(), lr=rate, fused=fused)


class Game(Batches):
    """Of the two players of a GAN; a step is one update of the generator, and all before it."""

    def __init__(self, name, mode):
        super().__init__(name)
        make = torch_gans.GANS[name]
        compiler = torch.compile if mode == "compiled" else lambda net: net
        self.system = make(compiler=compiler, fused=mode != "eager-default" or None)
        self.players = (self.system.generator, self.system.discriminator)
        self.parameters = sum(p.numel() for net in self.players for p in net.parameters())
        self.images = self.system.scale(self.images).reshape(-1, *self.system.image)
        self.step = self.round if name == "wgan" else self.iteration

    def iteration(self):
        return self.system.step(self.next_batch())[0]

    def round(self):
        batches = self.next_batch().chunk(torch_gans.CRITIC_STEPS)
        for x in batches:
            loss = self.system.critic_step(x)
        self.system.generator_step(len(x))
        return loss


class Bound(Batches):
    """L_5000 of a batch, SAMPLES draws at a time; the encoder runs once an image."""

    def __init__(self, name, mode):
        super().__init__(name)
        self.model = torch_models.make(name).eval()
        self.parameters = sum(p.numel() for p in self.model.parameters())
        self.log_weights = self.model.log_weights
        if mode == "compiled":
            self.log_weights = torch.compile(self.log_weights)

    def step(self):
        with torch.inference_mode():
            x = self.next_batch()
            mu, log_sigma = self.model.encoder(x).chunk(2, dim=-1)
            chunks = [self.log_weights(x, mu, log_sigma)
                      for _ in range(torch_models.BOUND_SAMPLES // torch_models.SAMPLES)]
            bound = torch.logsumexp(torch.cat(chunks), 0) - math.log(torch_models.BOUND_SAMPLES)
            return -bound.mean()


class Decoding:
    """Latents one at a time; the picture is there when the call returns."""

    def __init__(self, _, mode):
        torch.manual_seed(1)
        torch.set_num_threads(worker.cores())
        model = torch_models.make("decode").eval()
        self.parameters = sum(p.numel() for p in model.parameters())
        self.latents = torch.randn(64, torch_models.LATENT["decode"]).split(1)
        self.decode = torch.compile(model.decode) if mode == "compiled" else model.decode
        self.facts = {"version": torch.__version__}
        self.count = 0

    def step(self):
        self.count += 1
        with torch.inference_mode():
            return self.decode(self.latents[self.count % 64])[0, 0]


def main():
    mode, name = sys.argv[1], sys.argv[2]
    kinds = {"decode": Decoding, "evaluate-5000": Bound, "m2": PartlyLabelled,
             **dict.fromkeys(torch_gans.GANS, Game)}
    contender = kinds.get(name, Training)(name, mode)
    worker.serve(contender, name)


if __name__ == "__main__":
    main()

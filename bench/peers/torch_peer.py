"""PyTorch: `torch_peer.py eager|eager-default|compiled WORKLOAD`."""
import os
import sys

import torch
import torch_models
import worker


class Training:
    def __init__(self, name, mode):
        torch.manual_seed(1)
        torch.set_num_threads(worker.cores())
        self.images = torch.from_numpy(worker.load_images(os.environ.get("REVERIE_DATA")))
        self.batch = worker.BATCH[name]
        self.start = worker.IMAGES
        model = torch_models.make(name)
        self.parameters = sum(p.numel() for p in model.parameters())
        self.optimizer = make_optimizer(name, model, mode)
        self.loss, self.update = model, self.optimizer.step
        if mode == "compiled":
            self.loss = torch.compile(model)
        self.facts = {"version": torch.__version__}

    def next_batch(self):
        if self.start + self.batch > worker.IMAGES:
            self.order, self.start = torch.randperm(worker.IMAGES), 0
        rows = self.order[self.start : self.start + self.batch]
        self.start += self.batch
        return self.images.index_select(0, rows)

    def step(self):
        loss = self.loss(self.next_batch())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.update()
        return loss.detach()


def make_optimizer(name, model, mode):
    fused = None if mode == "eager-default" else True
    if name == "l4-vae":
        return torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-2, fused=fused)
    return torch.optim.Adam(model.parameters(), lr=1e-3, fused=fused)


class Decoding:
    """Latents one at a time; the picture is there when the call returns."""

    def __init__(self, mode):
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
    contender = Decoding(mode) if name == "decode" else Training(name, mode)
    worker.serve(contender, 200 if name == "decode" else 30)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Trains L1's DCGAN or WGAN in PyTorch and writes samples, to be scored beside Reverie's.

    samples.py dcgan -o dcgan.npy      float32 [10000,28,28,1], and dcgan.png, 8 x 8 of them

Each epoch ends in a checkpoint beside them (dcgan.pt); `--resume dcgan.pt` goes on from there.
"""
import argparse
import os
import struct
import sys
import time
import zlib

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))

import numpy  # noqa: E402
import torch  # noqa: E402
import torch_gans  # noqa: E402
import worker  # noqa: E402

IMAGES, BATCH = 60000, 64
EPOCHS = {"dcgan": 3, "wgan": 200}
SAMPLING_SEED = 1000000  # added to the seed of the training, for latents of their own


def arguments():
    parser = argparse.ArgumentParser(prog="samples.py", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=tuple(EPOCHS))
    parser.add_argument("--output", choices=("sigmoid", "tanh"), default="sigmoid",
                        help="of the DCGAN, with images in [0,1] or [-1,1]; the WGAN has tanh")
    parser.add_argument("--seed", type=int, default=1, help="(1)")
    parser.add_argument("--epochs", type=int, help="(dcgan 3, wgan 200)")
    parser.add_argument("--count", type=int, default=10000, help="of samples (10000)")
    parser.add_argument("--threads", type=int, default=2, help="(2)")
    parser.add_argument("--data", default=os.environ.get("REVERIE_DATA"),
                        help="folder with mnist/ in it ($REVERIE_DATA)")
    parser.add_argument("--resume", help="checkpoint to go on from")
    parser.add_argument("-o", dest="samples", required=True, help="samples, .npy")
    settings = parser.parse_args()
    if not settings.data:
        parser.error("no data: set REVERIE_DATA, or give --data FOLDER")
    settings.epochs = settings.epochs or EPOCHS[settings.model]
    if settings.model == "wgan":
        settings.output = "tanh"
    return settings


def write(path, make):
    """`make(file)` writes it; the name stands for a whole file only."""
    with open(path + ".part", "wb") as file:
        make(file)
    os.replace(path + ".part", path)


class Run:
    """The system, its position, and how to save and load both."""

    def __init__(self, settings):
        torch.manual_seed(settings.seed)
        torch.set_num_threads(settings.threads)
        self.settings, self.epoch, self.steps = settings, 0, 0
        dcgan = settings.model == "dcgan"
        self.system = torch_gans.Dcgan(settings.output) if dcgan else torch_gans.Wgan()
        self.parts = {"generator": self.system.generator,
                      "discriminator": self.system.discriminator,
                      "discriminator_optimizer": self.system.optimizers[0],
                      "generator_optimizer": self.system.optimizers[1]}
        self.what = {key: getattr(settings, key) for key in ("model", "output", "seed")}
        self.generator_loss = None

    def save(self, path):
        state = {name: part.state_dict() for name, part in self.parts.items()}
        state |= {"what": self.what, "epoch": self.epoch, "steps": self.steps,
                  "random": torch.get_rng_state()}
        write(path, lambda file: torch.save(state, file))

    def load(self, path):
        state = torch.load(path, weights_only=True)
        if state["what"] != self.what:
            sys.exit(f"{path} is of {state['what']}, not of {self.what}")
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        self.epoch, self.steps = state["epoch"], state["steps"]
        torch.set_rng_state(state["random"])

    def step(self, x):
        """The two losses; the WGAN's generator has one after five steps of its critic."""
        self.steps += 1
        if self.settings.model == "dcgan":
            return self.system.step(x)
        loss = self.system.critic_step(x)
        if self.steps % torch_gans.CRITIC_STEPS == 0:
            self.generator_loss = self.system.generator_step(len(x))
        return loss, self.generator_loss


def train_epoch(run, images):
    began, first = time.perf_counter(), run.steps
    for rows in torch.randperm(len(images)).split(BATCH):
        if len(rows) == 1:
            continue  # batch norm has no variance of one
        losses = run.step(images[rows])
        if run.steps % 100 == 0:
            discriminator, generator = (float("nan") if x is None else float(x) for x in losses)
            print(f"step {run.steps} D {discriminator:.5f} G {generator:.5f}", flush=True)
    run.epoch += 1
    seconds = (time.perf_counter() - began) / (run.steps - first)
    print(f"epoch {run.epoch}: {seconds:.5f} s a step", flush=True)
    return seconds


def draw(run):
    """Samples of the generator in evaluation mode, [N,28,28,1] in its own range."""
    run.system.generator.eval()
    torch.manual_seed(run.settings.seed + SAMPLING_SEED)
    with torch.inference_mode():
        pieces = [run.system.generator(latents)
                  for latents in run.system.latents(run.settings.count).split(500)]
    return torch.cat(pieces).reshape(-1, 28, 28, 1).numpy()


def png_chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def write_grid(file, samples, low):
    """8 x 8 samples as a grey PNG, twice as large."""
    tiles = numpy.zeros((64, 28, 28))
    tiles[: len(samples[:64])] = samples[:64, :, :, 0]
    page = tiles.reshape(8, 8, 28, 28).transpose(0, 2, 1, 3).reshape(224, 224)
    grey = ((page - low) / (1 - low) * 255).round().clip(0, 255).astype(numpy.uint8)
    grey = grey.repeat(2, 0).repeat(2, 1)
    rows = b"".join(b"\0" + row.tobytes() for row in grey)  # 0: the row has no filter
    header = struct.pack(">IIBBBBB", *grey.shape[::-1], 8, 0, 0, 0, 0)
    file.write(b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)
               + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b""))


def main():
    settings = arguments()
    stem = os.path.splitext(settings.samples)[0]
    images = torch.from_numpy(worker.load_images(settings.data, IMAGES))
    run = Run(settings)
    images = run.system.scale(images).reshape(-1, *run.system.image)
    if settings.resume:
        run.load(settings.resume)
    seconds = []
    while run.epoch < settings.epochs:
        seconds.append(train_epoch(run, images))
        run.save(stem + ".pt")
    samples = draw(run)
    write(stem + ".npy", lambda file: numpy.save(file, samples))
    write(stem + ".png", lambda file: write_grid(file, samples, run.system.lowest))
    if seconds:
        print(f"{sum(seconds) / len(seconds):.5f} seconds per step, {run.steps} steps in all")
    print(f"written: {stem}.npy, {stem}.png and {stem}.pt")


if __name__ == "__main__":
    main()

"""Golden pictures of the grid: tests/golden/viz/*.npy.

    python tests/golden/make_viz.py

Needs torch and numpy.  The layout is what torchvision documents for utils.make_grid (nrow, padding,
pad_value, normalize with value_range) and utils.save_image (times 255, plus 0.5, clamped, to
uint8), written here in tensor operations, since torchvision itself is not needed for anything else.
Each case gives NAME_batch.npy, float32 [N,H,W,C], and NAME_grid.npy, uint8 [H,W,3].
"""

import math
import pathlib

import numpy
import torch

FOLDER = pathlib.Path(__file__).parent / "viz"


def make_grid(batch, nrow=8, padding=2, pad_value=0.0, value_range=None):
    """[N,C,H,W] -> [3,H',W']; a batch of one loses its padding."""
    if batch.size(1) == 1:
        batch = batch.expand(-1, 3, -1, -1)
    if value_range is not None:
        low, high = value_range
        batch = batch.clamp(low, high).sub(low).div(max(high - low, 1e-5))
    count, channels, height, width = batch.shape
    if count == 1:
        return batch[0]
    columns = min(nrow, count)
    rows = math.ceil(count / columns)
    grid = batch.new_full(
        (channels, rows * (height + padding) + padding, columns * (width + padding) + padding),
        pad_value,
    )
    for index in range(count):
        top = index // columns * (height + padding) + padding
        left = index % columns * (width + padding) + padding
        grid[:, top : top + height, left : left + width] = batch[index]
    return grid


def save_image(grid):
    """[C,H,W] in [0,1] -> uint8 [H,W,C]."""
    return grid.mul(255).add(0.5).clamp(0, 255).permute(1, 2, 0).to(torch.uint8)


def edge_values(count, low, high):
    """Random values that also leave the range, and the places where rounding decides."""
    random = torch.rand(count) * 1.2 - 0.1
    levels = torch.arange(count) % 256
    halves = (levels.float() + 0.5) / 255
    exact = levels.float() / 255
    chosen = torch.arange(count) % 3
    unit = torch.where(chosen == 0, random, torch.where(chosen == 1, halves, exact))
    return unit * (high - low) + low


def write_case(name, shape, low=0.0, high=1.0, **options):
    count, height, width, channels = shape
    batch = edge_values(math.prod(shape), low, high).reshape(shape)
    if (low, high) != (0.0, 1.0):
        options["value_range"] = (low, high)
    grid = save_image(make_grid(batch.permute(0, 3, 1, 2), **options))
    numpy.save(FOLDER / f"{name}_batch.npy", batch.numpy())
    numpy.save(FOLDER / f"{name}_grid.npy", numpy.ascontiguousarray(grid.numpy()))
    print(f"{name}: {tuple(batch.shape)} -> {tuple(grid.shape)}")


def main():
    torch.manual_seed(1)
    FOLDER.mkdir(exist_ok=True)
    write_case("gray", (11, 9, 7, 1))
    write_case("single", (1, 28, 28, 1))
    write_case("color", (5, 6, 5, 3), nrow=2, padding=1, pad_value=0.5)
    write_case("signed", (10, 8, 8, 1), low=-1.0, high=1.0, nrow=5)
    write_case("few", (3, 4, 4, 1), padding=0)


if __name__ == "__main__":
    main()

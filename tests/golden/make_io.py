"""Golden files of the io wing, written by numpy, safetensors and zlib.

    python tests/golden/make_io.py

writes io/ beside this file.  tests/io/tensors_test.c and tests/io/formats_test.c read them and
know what they hold: the values are simple enough to be said there again.
"""
import gzip
import pathlib
import struct
import zlib

import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent / "io"

# Zero, signs, a subnormal and the extremes of a half; all exact in F32, F16 but not all in BF16.
HALVES = [0.0, 1.0, -2.5, 2.0**-24, 65504.0, float("inf"), float("-inf"), 0.333251953125]
BRAINS = [0.0, 1.0, -2.5, 2.0**-126, 3.0 * 2.0**100, float("inf"), float("nan"), -0.33203125]


def tensors():
    save_file(
        {
            "f32": torch.arange(12, dtype=torch.float32).reshape(3, 4) / 4 - 1,
            "f16": torch.tensor(HALVES, dtype=torch.float16).reshape(2, 4),
            "bf16": torch.tensor(BRAINS, dtype=torch.bfloat16).reshape(4, 2),
            "i64": torch.tensor([-3, 0, 1 << 40]),
            "u8": torch.tensor([0, 1, 127, 128, 255], dtype=torch.uint8),
            "scalar": torch.tensor(2.5),
            "empty": torch.zeros(0, 3),
        },
        HERE / "python.safetensors",
        metadata={"format": "pt", "note": "naïve\n\"quoted\""},
    )


def arrays():
    grid = np.arange(6).reshape(2, 3)
    for kind in ("<f4", "<f8", "<i4", "<i8", "|u1"):
        signed = grid - 2 if kind != "|u1" else grid + 250
        np.save(HERE / f"{kind[1:]}.npy", signed.astype(kind))
    np.save(HERE / "b1.npy", grid % 2 == 1)
    np.save(HERE / "zero_d.npy", np.float32(1.5))
    np.save(HERE / "fortran.npy", np.asfortranarray(grid.astype("<f4")))
    np.save(HERE / "big_endian.npy", grid.astype(">f4"))
    np.save(HERE / "f2.npy", grid.astype("<f2"))
    with open(HERE / "version2.npy", "wb") as file:
        np.lib.format.write_array(file, grid.astype("<f4"), version=(2, 0))


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(name, width, height, depth, color, rows, extra=b"", interlace=0):
    """Unfiltered rows of packed samples; see the PNG specification, 2nd edition, section 11."""
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, interlace)
    data = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)
    (HERE / f"{name}.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", data)
        + chunk(b"IEND", b""))


def images():
    gray, rgb, rgba, palette, transparent = 0, 2, 6, 3, b"tRNS"
    png("gray", 3, 2, 8, gray, [[0, 1, 2], [100, 200, 255]])
    png("rgb", 2, 1, 8, rgb, [[1, 2, 3, 250, 251, 252]])
    png("rgba", 2, 1, 8, rgba, [[1, 2, 3, 0, 250, 251, 252, 128]])
    png("gray16", 2, 1, 16, gray, [[0x12, 0x34, 0xFF, 0x00]])
    png("gray1", 9, 1, 1, gray, [[0b10100000, 0b10000000]])
    colors = chunk(b"PLTE", bytes([9, 8, 7, 6, 5, 4])) + chunk(transparent, bytes([0]))
    png("palette", 3, 1, 1, palette, [[0b01000000]], colors)
    png("interlaced", 1, 1, 8, gray, [[7]], interlace=1)


def idx():
    """Five items of 2 x 3 bytes, counted from 0."""
    plain = struct.pack(">IIII", 0x0803, 5, 2, 3) + bytes(range(30))
    (HERE / "items.idx").write_bytes(plain)
    (HERE / "items.idx.gz").write_bytes(gzip.compress(plain, mtime=0))


if __name__ == "__main__":
    HERE.mkdir(exist_ok=True)
    tensors()
    arrays()
    images()
    idx()

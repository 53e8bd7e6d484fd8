"""Opens a file that test_io_tensors wrote, and checks it by Python's safetensors.

    REVERIE_KEEP=FILE build/tests/test_io_tensors
    python tests/golden/check_safetensors.py FILE

The checksum rule is worked out again here: XXH3-128 of the whole file with its own 32 digits
taken as '0'.
"""
import ctypes
import ctypes.util
import json
import re
import struct
import sys

import numpy as np
import torch
from safetensors import safe_open


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def xxh3_128(data):
    library = ctypes.CDLL(ctypes.util.find_library("xxhash"))
    library.XXH3_128bits.restype = Hash128
    library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    result = library.XXH3_128bits(data, len(data))
    return "%016x%016x" % (result.high, result.low)


def check_sum(path):
    data = open(path, "rb").read()
    length = struct.unpack("<Q", data[:8])[0]
    assert (8 + length) % 64 == 0, "the data are not aligned"
    digits = json.loads(data[8 : 8 + length])["__metadata__"]["xxh3_128"]
    assert re.fullmatch("[0-9a-f]{32}", digits), digits
    at = data.index(b'"xxh3_128":"' + digits.encode()) + len('"xxh3_128":"')
    zeroed = data[:at] + b"0" * 32 + data[at + 32 :]
    assert xxh3_128(zeroed) == digits, (xxh3_128(zeroed), digits)


EXPECTED = {
    "a.weight": (torch.float32, [2, 3], [0.5, -1, 2, 3, 4, 5]),
    "b.half": (torch.float16, [4], [0, 1, -2.5, 65504]),
    "c.brain": (torch.bfloat16, [2, 1], [1, -2.5]),
    "d.steps": (torch.int64, [1], [1 << 40]),
    "e.bytes": (torch.uint8, [3], [0, 128, 255]),
    "f.double": (torch.float64, [], [0.1]),
    "g.counts": (torch.int32, [2], [-7, 7]),
    "h.empty": (torch.float32, [0, 2], []),
}


def main(path):
    check_sum(path)
    with safe_open(path, framework="pt") as file:
        assert sorted(file.keys()) == sorted(EXPECTED), file.keys()
        assert file.metadata()["zeros"] == "0" * 40, file.metadata()
        assert file.metadata()["note"] == "naïve\n\"quoted\"", file.metadata()
        for name, (kind, shape, values) in EXPECTED.items():
            tensor = file.get_tensor(name)
            assert tensor.dtype == kind, (name, tensor.dtype)
            assert list(tensor.shape) == shape, (name, tensor.shape)
            assert np.array_equal(tensor.double().ravel().numpy(), values), (name, tensor)
    print("%s: %d tensors and the checksum are right" % (path, len(EXPECTED)))


if __name__ == "__main__":
    main(sys.argv[1])

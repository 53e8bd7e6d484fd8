"""Which instruction sets a peer uses, by its own word: `instruction_sets.py eager|compiled|jax`.

Run in the environment of the workers; writes a line of JSON, {part: what it says}.
"""
import json
import os
import re
import sys
import tempfile


def printed(action):
    """What an action writes to standard output, C libraries included."""
    sys.stdout.flush()
    kept = os.dup(1)
    with tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        try:
            action()
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        file.seek(0)
        return file.read().decode(errors="replace")


def of_torch():
    import torch

    def work():
        mkldnn, mkl = torch.backends.mkldnn, torch.backends.mkl
        with mkldnn.verbose(mkldnn.VERBOSE_ON), mkl.verbose(mkl.VERBOSE_ON):
            torch.nn.functional.conv2d(torch.ones(32, 16, 28, 28), torch.ones(32, 16, 4, 4))
            torch.ones(256, 256) @ torch.ones(256, 256)

    text = printed(work)
    onednn = re.search(r"cpu,isa:(?:Intel )?(.*?)(?: with .*)?$", text, re.M)
    # On processors of another maker MKL names none.
    mkl = re.search(r"MKL_VERBOSE .*\(Intel\(R\) (AVX[^)]*)\).* processors", text)
    return {
        "kernels": torch.backends.cpu.get_cpu_capability(),
        "oneDNN": onednn[1] if onednn else "does not say",
        "MKL": mkl[1] if mkl else "does not say",
    }


def of_compiler():
    from torch._inductor.cpu_vec_isa import pick_vec_isa

    return {"kernels": str(pick_vec_isa())}


def of_jax():
    """From a compiled product: the features it was compiled for, and the library that does it."""
    import jax
    import jax.numpy as jnp

    product = jax.jit(lambda x, w: jnp.tanh(x @ w))
    product = product.lower(jnp.ones((64, 784)), jnp.ones((784, 512))).compile()
    code = bytes(product.runtime_executable().serialize())
    sets = [name for name in (b"avx512", b"avx2", b"avx") if re.search(rb"\+%bf?\b" % name, code)]
    return {"code": sets[0].decode() if sets else "does not say",
            "products": "YNN" if b"ynn_fusion" in code else "not YNN"}


if __name__ == "__main__":
    asked = {"eager": of_torch, "compiled": of_compiler, "jax": of_jax}[sys.argv[1]]
    print(json.dumps(asked()))

"""What is measured, and what the project wants of it."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Workload:
    name: str
    title: str
    steps: int  # measured, a round
    recipe: str = ""  # measured by `reverie bench`, else by a program of its own
    parameters: int = 0
    unit: str = "ms"

    @property
    def program(self):
        return "" if self.recipe else f"reverie_bench_{self.name}"


WORKLOADS = (
    Workload("l1-vae", "L1 VAE step, batch 64", 200, "lab1-vae", 1149008),
    Workload("l4-vae", "L4 VAE step, batch 128", 150, "lab4-vae", 1149972),
    Workload("iwae", "IWAE step, K=50, batch 20", 100, "", 425284),
    Workload("decode", "decode one latent, L1", 2000, "", 1149008, "us"),
)

CONTENDERS = {
    "reverie": "Reverie",
    "eager": "PyTorch eager, fused Adam",
    "eager-default": "PyTorch eager, default Adam",
    "compiled": "PyTorch compiled",
    "jax": "JAX",
}


@dataclass(frozen=True)
class Target:
    """`least` (or `most`) of a figure in one row of the table."""

    workload: str
    contender: str
    figure: str  # "ratio", "share", "first_step_s", "peak_rss_mb"
    least: float = None
    most: float = None

    def text(self):
        if self.figure == "ratio":
            return f">= {self.least:.1f}x"
        if self.figure == "share":
            return f"share >= {100 * self.least:.0f}%"
        if self.figure == "first_step_s":
            return f"first step < {self.most} s"
        return f"memory < {self.most:.0f} MB"

    def met(self, value):
        return value >= self.least if self.most is None else value < self.most


TARGETS = (
    Target("l1-vae", "reverie", "share", least=0.70),
    Target("l1-vae", "reverie", "first_step_s", most=0.15),
    Target("l1-vae", "reverie", "peak_rss_mb", most=90),
    Target("l1-vae", "eager", "ratio", least=3.5),
    Target("l1-vae", "jax", "ratio", least=2.0),
    Target("l4-vae", "reverie", "share", least=0.80),
    Target("l4-vae", "jax", "ratio", least=1.7),
    Target("iwae", "jax", "ratio", least=1.4),
    Target("decode", "jax", "ratio", least=2.0),
)

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
    warm_up: int = 20  # steps of `reverie bench` before the measured ones
    without: tuple = ()  # contenders left out
    convolutions: bool = False  # a row of Reverie's direct ones too
    settings: tuple = ()  # over the recipe's
    plain: tuple = ()  # those of the row without a flow, in their place
    loss: str = "loss"  # its name in a run's metrics.jsonl
    # How --check compares: after so many steps of a peer beyond its warm-up, each `batches` steps
    # of a training run; by how much losses may differ from Reverie's, relative, in the first step
    # and at the end.
    check_steps: int = 300
    batches: int = 1
    first: float = 0.02
    later: float = 0.12

    @property
    def program(self):
        return "" if self.recipe else f"reverie_bench_{self.name.replace('-', '_')}"

    def has(self, contender):
        wanted = {DIRECT: self.convolutions, PLAIN: bool(self.plain)}
        return contender not in self.without and wanted.get(contender, True)


DIRECT = "reverie-direct"  # Reverie with --conv direct
PLAIN = "reverie-plain"  # Reverie without the flow: another model, for what the flow costs
NO_FLOW = ("posterior.flow=none",)
WIDE = ("encoder=[linear 2048, relu, linear 2048, relu]",
        "decoder=[linear 2048, relu, linear 2048, relu]")
PLANAR = ("posterior.flow=planar", "posterior.flow_length=20")

WORKLOADS = (
    Workload("l1-vae", "L1 VAE step, batch 64", 200, "lab1-vae", 1149008),
    Workload("l4-vae", "L4 VAE step, batch 128", 150, "lab4-vae", 1149972),
    Workload("wide", "wide VAE step, batch 100", 20, "lab2-vae", 11805520, warm_up=5,
             without=("eager-default",), check_steps=100, settings=WIDE),
    Workload("iwae", "IWAE step, K=50, batch 20", 100, "", 425284),
    Workload("evaluate-5000", "L_5000 of 20 images", 8, "", 425284, without=("eager-default",),
             check_steps=2),
    Workload("decode", "decode one latent, L1", 2000, "", 1149008, "us"),
    Workload("m2", "M2 step, 200 and 100 labelled", 30, "m2-auxiliary", 1268394, warm_up=5,
             without=("eager-default",), check_steps=100, first=0.05,
             settings=("data.batch=200", "data.labelled_batch=100", "train.lr=4.2e-4")),
    Workload("ladder", "L2 ladder VAE, batch 256", 60, "lab2-ladder", 488752, warm_up=5,
             without=("eager-default", "jax"), first=0.25,
             settings=("data.pixels=gray", "objective.warmup=0", "initialiser=pytorch",
                       "output_bias=default", "train.lr=1e-3")),
    Workload("dcgan", "L1 DCGAN, D and G, batch 64", 8, "lab1-dcgan", 6241153, warm_up=2,
             without=("eager-default",), convolutions=True, loss="discriminator_loss",
             check_steps=10, first=0.1, later=0.25),
    Workload("gan-deconv", "L2 deconvolutional GAN, batch 100", 30, "lab2-gan-deconv", 490626,
             warm_up=5, without=("eager-default",), convolutions=True, loss="discriminator_loss",
             check_steps=10, first=0.25, later=0.35),
    Workload("vae-cnn", "L2 convolutional VAE, batch 100", 60, "lab2-vae-cnn", 1700609, warm_up=5,
             convolutions=True, first=0.25),
    Workload("vae-cnn-l4", "L4 convolutional VAE, batch 128", 60, "lab4-vae-cnn", 873669,
             warm_up=5, convolutions=True, first=0.25),
    Workload("pixelcnn", "L2 PixelCNN, batch 64", 20, "lab2-pixelcnn", 23969, warm_up=5,
             without=("eager-default", "jax"), convolutions=True, first=0.1,
             check_steps=50,
             settings=("data.pixels=static", "train.lr=1e-3", "train.schedule=constant")),
    Workload("wgan", "L1 WGAN, 5 critic + 1 generator", 100, "lab1-wgan", 617233,
             without=("eager-default", "compiled"), loss="critic_loss", batches=5, first=None,
             later=0.25),
    Workload("iaf", "IAF VAE step, batch 128", 100, "vae-iaf", 1060496, without=("eager-default",)),
    Workload("planar", "planar VAE, K=20 for all, batch 100", 150, "lab2-vae", 1380452,
             without=("eager-default",), plain=NO_FLOW,
             settings=(*PLANAR, "posterior.flow_amortised=false")),
    Workload("planar-amortised", "planar VAE, K=20 an image, batch 100", 100, "lab2-vae", 2046052,
             without=("eager-default",), plain=NO_FLOW, settings=PLANAR),
)

CONTENDERS = {
    "reverie": "Reverie",
    DIRECT: "Reverie, --conv direct",
    PLAIN: "Reverie, no flow",
    "eager": "PyTorch eager",
    "eager-default": "PyTorch eager, default Adam",
    "compiled": "PyTorch compiled",
    "jax": "JAX",
}


@dataclass(frozen=True)
class Target:
    """`least` (or `most`, or less than that of the contender `below`) of a figure in one row."""

    workload: str
    contender: str
    figure: str  # "ratio", "share", "spread", "first_step_s", "peak_rss_mb"
    least: float = None
    most: float = None
    below: str = ""
    isa: str = ""  # the instruction set it is for; "": any

    def text(self):
        if self.figure == "ratio":
            return f">= {self.least:.1f}x"
        if self.figure == "share":
            return f"share >= {100 * self.least:.0f}%"
        if self.figure == "spread":
            return f"spread < {100 * self.most:.0f}%"
        if self.figure == "first_step_s":
            return f"first step < {self.most} s"
        if self.below:
            return f"memory < {CONTENDERS[self.below]}'s"
        return f"memory < {self.most:.0f} MB"

    def met(self, figures):
        """None: not known, since somebody was not measured."""
        value = figures.get(self.contender, {}).get(self.figure)
        most = figures.get(self.below, {}).get(self.figure) if self.below else self.most
        if value is None or (self.below and most is None):
            return None
        return value >= self.least if most is None else value < most


def each(workload, contender, figure, avx2, avx512):
    """At least so much, by the instruction set that Reverie runs on."""
    return (Target(workload, contender, figure, least=avx2, isa="avx2"),
            Target(workload, contender, figure, least=avx512, isa="avx512"))


TARGETS = (
    *each("l1-vae", "reverie", "share", 0.65, 0.70),
    Target("l1-vae", "reverie", "first_step_s", most=0.15),
    Target("l1-vae", "reverie", "peak_rss_mb", most=90),
    Target("l1-vae", "eager", "ratio", least=3.5, isa="avx512"),
    Target("l1-vae", "jax", "ratio", least=2.0),
    *each("l4-vae", "reverie", "share", 0.70, 0.80),
    *each("l4-vae", "jax", "ratio", 1.6, 1.7),
    Target("wide", "reverie", "share", least=0.75, isa="avx2"),
    Target("wide", "eager", "ratio", least=1.8),
    *each("iwae", "reverie", "share", 0.65, 0.75),
    *each("iwae", "jax", "ratio", 1.5, 1.4),
    *each("evaluate-5000", "reverie", "share", 0.65, 0.75),
    *each("evaluate-5000", "jax", "ratio", 1.5, 1.4),
    Target("decode", "jax", "ratio", least=3.0),
    *each("m2", "eager", "ratio", 1.9, 2.0),
    Target("dcgan", "reverie", "peak_rss_mb", below="eager"),
    Target("dcgan", "reverie", "spread", most=0.10, isa="avx2"),
    *each("dcgan", "eager", "ratio", 2.7, 2.9),
    *each("gan-deconv", "eager", "ratio", 1.5, 1.6),
    *each("vae-cnn", "eager", "ratio", 1.5, 1.6),
    Target("vae-cnn-l4", "eager", "ratio", least=1.5),
    Target("pixelcnn", "eager", "ratio", least=1.5),
    *each("wgan", "jax", "ratio", 1.9, 2.0),
    Target("iaf", "eager", "ratio", least=1.5),
    Target("planar", PLAIN, "ratio", least=0.8),  # the flow costs a quarter at most
)

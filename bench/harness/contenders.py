"""Contenders: start(), measure(steps) -> a dict of figures, stop().

Reverie is a fresh process each round (it starts in a tenth of a second); a peer is one process for
a workload, which waits on its stdin while the others are measured.
"""
import json
import os
import select
import subprocess
import tempfile
import time

from .workloads import DIRECT, PLAIN

PEERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "peers")
ASKED = ("eager", "compiled", "jax")  # for their instruction sets
PATIENCE = 900  # seconds, for the slowest compilation

# Variables that tune one side are taken out, so that a run does not depend on the caller's shell.
TUNING = ("OMP_", "GOMP_", "KMP_", "MKL_", "ATEN_", "ONEDNN_", "DNNL_", "XLA_", "JAX_", "TORCH",
          "OPENBLAS_", "LD_PRELOAD", "MALLOC_", "PYTHON")

# Caps of the instruction set, by the name that `reverie --isa` takes; see README.md.
CAPS = {
    "avx2": {
        "ATEN_CPU_CAPABILITY": "avx2",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "MKL_ENABLE_INSTRUCTIONS": "AVX2",
        # YNN, XLA's library of matrix products, obeys no cap: it is left out, and Eigen serves.
        "XLA_FLAGS": "--xla_cpu_max_isa=AVX2 --xla_cpu_experimental_ynn_fusion_type=",
    },
    "avx512": {},
}

# PyTorch's tuning guide asks for an allocator that keeps memory; this makes glibc's do so, and
# takes up to a fifth off its steps.  (JAX gains nothing.)  OpenMP's own waiting is left as it is:
# its threads spin for milliseconds after work and then sleep, which the harness checks.
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "1000000000", "MALLOC_MMAP_THRESHOLD_": "1000000000"}


class Failed(Exception):
    """A contender cannot be measured; the message says why."""


def plain_environment():
    kept = {k: v for k, v in os.environ.items() if not k.startswith(TUNING)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}


def last_lines(text, count=3):
    return " | ".join(text.strip().splitlines()[-count:])


class Reverie:
    names = ("reverie", DIRECT, PLAIN)

    def __init__(self, name, workload, settings):
        self.name, self.workload, self.settings = name, workload, settings

    def command(self, steps):
        data = self.settings.data
        options = ["--steps", str(steps)]
        options += ["--isa", self.settings.isa] if self.settings.isa else []
        options += ["--data-dir", data] if data and self.workload.name != "decode" else []
        recipe = os.path.join(self.settings.source, "recipes", "lab1-vae.yaml")
        if self.workload.name == "decode":
            options += ["--recipe", recipe]
        if not self.workload.recipe:
            return [os.path.join(self.settings.build, "bench", self.workload.program), *options]
        options += ["--warm-up", str(self.workload.warm_up)]
        return [*recipe_command(self, "bench"), "--json", *options]

    def start(self):
        return {}

    def measure(self, steps):
        return run_json(self.command(steps))

    def idle_seconds(self):
        return 0.0

    def stop(self):
        pass


def recipe_command(contender, verb):
    workload, settings = contender.workload, contender.settings
    program = os.path.join(settings.build, "reverie")
    recipe = os.path.join(settings.source, "recipes", workload.recipe + ".yaml")
    data = "data.name=" + ("mnist" if settings.data else "digits")
    direct = ["--conv", "direct"] if contender.name == DIRECT else []
    chosen = workload.plain if contender.name == PLAIN else workload.settings
    return [program, verb, recipe, data, "data.limit=6000", "data.validation=0", *chosen, *direct]


def run_reverie(command):
    """What it printed.  Each process finds an empty cache: no choice of an earlier run."""
    with tempfile.TemporaryDirectory(prefix="reverie-bench-cache-") as cache:
        environment = {**plain_environment(), "XDG_CACHE_HOME": cache}
        try:
            done = subprocess.run(command, capture_output=True, text=True, env=environment)
        except OSError as error:
            raise Failed(f"{command[0]}: {error.strerror}; `make build` builds it") from error
    if done.returncode != 0:
        raise Failed(f"{os.path.basename(command[0])}: {last_lines(done.stderr)}")
    return done.stdout


def run_json(command):
    return json.loads(run_reverie(command))


def peer_environment(name, workload, settings):
    # Nothing compiled by an earlier run is found: the first step is that of a fresh machine.
    cache = os.path.join(settings.scratch, f"cache-{workload}-{name}")
    if name == "jax":
        extra = {"JAX_PLATFORMS": "cpu"}
    else:
        extra = {"TORCHINDUCTOR_CACHE_DIR": cache, **KEEP_MEMORY}
    if settings.data:
        extra["REVERIE_DATA"] = settings.data
    environment = {k: v for k, v in plain_environment().items() if k != "REVERIE_DATA"}
    return {**environment, **extra, **CAPS.get(settings.isa, {})}


def instruction_sets(settings, say):
    """{contender: {part: what it says}} of the peers, each asked once, as its workers are run."""
    found = {}
    for name in [name for name in ASKED if name in settings.contenders]:
        command = [settings.python, os.path.join(PEERS, "instruction_sets.py"), name]
        done = subprocess.run(command, capture_output=True, text=True,
                              env=peer_environment(name, "instruction-sets", settings))
        if done.returncode == 0:
            found[name] = json.loads(done.stdout)
        else:
            say(f"{name} does not say its instruction set: {last_lines(done.stderr, 1)}")
    return found


class Peer:
    """A worker process of bench/peers, spoken to in lines."""

    def __init__(self, name, workload, settings):
        self.name, self.workload, self.settings = name, workload, settings
        self.process = None
        self.log = os.path.join(settings.scratch, f"{workload.name}-{name}.log")

    def command(self):
        script = "jax_peer.py" if self.name == "jax" else "torch_peer.py"
        mode = [] if self.name == "jax" else [self.name]
        return [self.settings.python, os.path.join(PEERS, script), *mode, self.workload.name]

    def start(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                env=peer_environment(self.name, self.workload.name, self.settings), bufsize=0)
        return self.answer()

    def answer(self):
        ready, _, _ = select.select([self.process.stdout], [], [], PATIENCE)
        line = self.process.stdout.readline() if ready else b""
        if not line:
            self.process.kill()
            with open(self.log, errors="replace") as log:
                why = last_lines(log.read()) if ready else f"no answer in {PATIENCE} s"
            raise Failed(f"{self.name}: {why}")
        return json.loads(line)

    def measure(self, steps):
        try:
            self.process.stdin.write(f"measure {steps}\n".encode())
        except BrokenPipeError:
            pass  # answer() says why
        return self.answer()

    def processor_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def idle_seconds(self):
        """Processor seconds used in a second of waiting: should be 0."""
        before = self.processor_seconds()
        time.sleep(1)
        return self.processor_seconds() - before

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self.process.stdout.close()


def make(name, workload, settings):
    kind = Reverie if name in Reverie.names else Peer
    return kind(name, workload, settings)

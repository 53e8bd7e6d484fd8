"""The peers' Python: one that is given, or a virtual environment made here."""
import os
import shlex
import shutil
import subprocess
import sys

from .contenders import Failed, last_lines, plain_environment

WANTED = ("torch==2.13.0", "jax==0.10.2", "jaxlib", "optax", "numpy")
# PyTorch's own index has wheels without CUDA, which are a tenth of the size.
DEFAULT_ARGUMENTS = "--extra-index-url https://download.pytorch.org/whl/cpu"

LOOK = """
import importlib.metadata as m, json, sys
names = ("torch", "jax", "jaxlib", "optax", "numpy")
found = {}
for name in names:
    try:
        found[name] = m.version(name)
    except m.PackageNotFoundError:
        found[name] = ""
print(json.dumps({"python": sys.version.split()[0], **found}))
"""

HELP = """{what}
  The log is {log}.  What can be done:
    without the peers      make bench CONTENDERS=reverie
    a Python that has them make bench BENCH_PYTHON=/path/to/python
    wheels in a folder     make bench BENCH_PIP_ARGS='--no-index --find-links FOLDER'"""


def versions_of(python):
    """Names and versions, "" for what is missing; {} when the Python does not run."""
    import json

    try:
        done = subprocess.run([python, "-c", LOOK], capture_output=True, text=True,
                              env=plain_environment())
    except OSError:
        return {}
    return json.loads(done.stdout) if done.returncode == 0 else {}


def missing_in(versions):
    missing = []
    for requirement in WANTED:
        name, _, version = requirement.partition("==")
        found = versions.get(name, "").split("+")[0]  # 2.13.0+cpu is 2.13.0
        if not found or (version and found != version):
            missing.append(requirement)
    return missing


def run_logged(command, log, say):
    """Runs it with its output in the log, saying what pip collects.  True when it worked."""
    with open(log, "a") as file:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, env=plain_environment())
        for line in process.stdout:
            file.write(line)
            file.flush()
            if line.startswith(("Collecting", "  Downloading", "Installing")):
                say("    " + line.strip()[:90])
        return process.wait() == 0


def fail(what, log):
    tail = ""
    if os.path.exists(log):
        with open(log, errors="replace") as file:
            errors = [line for line in file if line.startswith("ERROR")]
        tail = "\n  " + last_lines("".join(errors), 1) if errors else ""
    raise Failed(HELP.format(what=what + tail, log=log))


def make_environment(folder, log, say):
    if os.path.exists(os.path.join(folder, "bin", "python")):
        return
    say(f"making a virtual environment in {folder}")
    if not run_logged([sys.executable, "-m", "venv", folder], log, say):
        shutil.rmtree(folder, ignore_errors=True)
        fail("The virtual environment could not be made; is python3-venv installed?", log)


def install(python, folder, log, say):
    arguments = shlex.split(os.environ.get("BENCH_PIP_ARGS") or DEFAULT_ARGUMENTS)
    say(f"installing {' '.join(WANTED)} into {folder}")
    say("  (about 0.4 GB to fetch and 1.5 GB on disk: some minutes, once)")
    command = [python, "-m", "pip", "install", "--retries", "2", "--progress-bar", "off",
               "--disable-pip-version-check", *arguments, *WANTED]
    if not run_logged(command, log, say):
        fail("pip could not install the peers.", log)


def ensure(build, say):
    """The path of a Python that has the peers, and their versions."""
    given = os.environ.get("BENCH_PYTHON")
    folder = os.environ.get("BENCH_VENV") or os.path.join(build, "bench-venv")
    python = given or os.path.join(folder, "bin", "python")
    versions = versions_of(python)
    missing = missing_in(versions)
    if missing and given:
        raise Failed(f"BENCH_PYTHON={given} lacks {', '.join(missing)}: install them there, or "
                     "leave BENCH_PYTHON out")
    if missing:
        log = folder.rstrip("/") + ".log"
        make_environment(folder, log, say)
        install(python, folder, log, say)
        versions = versions_of(python)
    return python, versions

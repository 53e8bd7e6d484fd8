"""Do all contenders train the same model?  Parameter counts and losses, before any time counts."""
import json
import os

from peers import worker

from . import contenders as kinds
from .workloads import PLAIN


def reverie_recipe(contender):
    """The first and the latest losses of a training run as long as a peer's, which warms up, and
    the count that `show` prints."""
    workload, settings = contender.workload, contender.settings
    run = os.path.join(settings.scratch, f"run-{workload.name}-{contender.name}")
    command = kinds.recipe_command(contender, "train")
    steps = workload.check_steps * workload.batches
    steps += worker.steps_before(workload.name) * workload.batches
    command += ["train.log=1", f"train.steps={steps}", "--run", run, "--quiet"]
    command += ["--data-dir", settings.data] if settings.data else []
    kinds.run_reverie(command)
    with open(os.path.join(run, "metrics.jsonl")) as file:
        events = [json.loads(line) for line in file]
    losses = [event[workload.loss] for event in events if event["event"] == "train"]
    last = min(10, workload.check_steps // 5)
    shown = kinds.run_json([command[0], "show", command[2], *workload.settings, "--json"])
    return {"parameters": shown["parameters"], "first_loss": losses[0],
            "last_loss": sum(losses[-last:]) / last}


def figures_of(name, workload, settings):
    contender = kinds.make(name, workload, settings)
    if name in kinds.Reverie.names and workload.recipe:
        return reverie_recipe(contender)
    try:
        facts = contender.start()
        return {**facts, **contender.measure(workload.check_steps)}
    finally:
        contender.stop()


def differs(mine, theirs, most):
    return abs(theirs - mine) > most * abs(mine)


def problems(workload, name, found, reverie, same_data):
    said = []
    if found["parameters"] != workload.parameters:
        said.append(f"{found['parameters']} parameters, not {workload.parameters}")
    for key, most in (("first_loss", workload.first), ("last_loss", workload.later)):
        if workload.name == "decode" or not reverie or name == "reverie" or not same_data:
            continue
        if most and differs(reverie[key], found[key], most):
            said.append(f"{key} {found[key]:.4g}, Reverie's is {reverie[key]:.4g}")
    return said


def run(workloads, settings, say):
    """Prints a line for each; 0 when all agree, else 1."""
    bad = 0
    for workload in workloads:
        reverie = None
        for name in settings.contenders:
            if not workload.has(name) or name == PLAIN:
                continue
            found = figures_of(name, workload, settings)
            reverie = found if name == "reverie" else reverie
            said = problems(workload, name, found, reverie, bool(settings.data))
            losses = [f"{found[key]:.4g}" for key in ("first_loss", "last_loss")
                      if found.get(key) is not None and workload.name != "decode"]
            print(f"{workload.name:10} {name:14} {found['parameters']:9} parameters  "
                  f"loss {' -> '.join(losses) or '-':18} {'; '.join(said) or 'ok'}", flush=True)
            bad += bool(said)
    if not settings.data:
        say("without MNIST the losses are not compared")
    return 1 if bad else 0

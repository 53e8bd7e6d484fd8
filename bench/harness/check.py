"""Do all contenders train the same model?  Parameter counts and losses, before any time counts."""
import json
import os
import subprocess

from . import contenders as kinds


def reverie_recipe(workload, settings):
    """The first and the latest losses of a training run, and the count that `show` prints."""
    run = os.path.join(settings.scratch, "run-" + workload.name)
    command = kinds.recipe_command(workload, settings, "train")
    steps = workload.check_steps * workload.batches
    command += ["train.log=1", f"train.steps={steps}", "--run", run, "--quiet"]
    command += ["--data-dir", settings.data] if settings.data else []
    done = subprocess.run(command, capture_output=True, text=True, env=kinds.plain_environment())
    if done.returncode != 0:
        raise kinds.Failed(f"reverie train: {kinds.last_lines(done.stderr)}")
    with open(os.path.join(run, "metrics.jsonl")) as file:
        events = [json.loads(line) for line in file]
    losses = [event[workload.loss] for event in events if event["event"] == "train"]
    last = min(10, workload.check_steps // 5)
    shown = kinds.run_json([command[0], "show", command[2], "--json"])
    return {"parameters": shown["parameters"], "first_loss": losses[0],
            "last_loss": sum(losses[-last:]) / last}


def reverie_program(workload, settings):
    return kinds.Reverie(workload, settings).measure(workload.check_steps)


def peer(name, workload, settings):
    contender = kinds.Peer(name, workload, settings)
    try:
        facts = contender.start()
        return {**facts, **contender.measure(workload.check_steps)}
    finally:
        contender.stop()


def figures_of(name, workload, settings):
    if name != "reverie":
        return peer(name, workload, settings)
    reader = reverie_recipe if workload.recipe else reverie_program
    return reader(workload, settings)


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
            if name in workload.without:
                continue
            found = figures_of(name, workload, settings)
            reverie = found if name == "reverie" else reverie
            said = problems(workload, name, found, reverie, bool(settings.data))
            losses = [f"{found[key]:.4g}" for key in ("first_loss", "last_loss")
                      if found.get(key) is not None and workload.name != "decode"]
            print(f"{workload.name:8} {name:9} {found['parameters']:9} parameters  "
                  f"loss {' -> '.join(losses) or '-':18} {'; '.join(said) or 'ok'}", flush=True)
            bad += bool(said)
    if not settings.data:
        say("without MNIST the losses are not compared")
    return 1 if bad else 0

#!/usr/bin/env python3
"""The bench programs and the harness for a few steps: `programs_test.py BUILD SOURCE`.

Checks the shape of what they print and that the figures are finite and above 0; never times.
"""
import json
import math
import os
import subprocess
import sys
import tempfile

BUILD, SOURCE = sys.argv[1], sys.argv[2]
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(SOURCE, "bench"))

from harness import table  # noqa: E402
from harness.workloads import CONTENDERS, TARGETS, WORKLOADS, Target  # noqa: E402
from peers import worker  # noqa: E402

FIGURES = ("step_ms", "gflop_per_step", "gflops", "first_step_s", "peak_rss_mb")
faults = []


def expect(holds, what):
    if not holds:
        faults.append(what)


def positive(value):
    return isinstance(value, (int, float)) and math.isfinite(value) and value > 0


def run(*command, code=0):
    environment = {k: v for k, v in os.environ.items() if k != "REVERIE_DATA"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    expect(done.returncode == code,
           f"{' '.join(command)}: code {done.returncode}, not {code}: {done.stderr}")
    return done


def program(name):
    return os.path.join(BUILD, "bench", "reverie_bench_" + name)


def check_program(name, parameters, *options):
    done = run(program(name), "--steps", "3", *options)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        faults.append(f"{name}: not JSON: {done.stdout!r}")
        return {}
    for key in FIGURES:
        expect(positive(found.get(key)), f"{name}: {key} is {found.get(key)}")
    expect(found.get("parameters") == parameters,
           f"{name}: {found.get('parameters')} parameters, not {parameters}")
    return found


def check_programs():
    found = check_program("iwae", 425284, "--isa", "baseline", "--threads", "1")
    expect(found.get("isa") == "baseline", f"iwae: isa {found.get('isa')}")
    expect(found.get("threads") == 1, f"iwae: threads {found.get('threads')}")
    # Of a net that knows nothing each of the 784 pixels costs about log 2.
    loss = found.get("first_loss") or 0
    expect(abs(loss - 784 * math.log(2)) < 20, f"iwae: first loss {loss}")
    found = check_program("evaluate_5000", 425284)
    loss = found.get("first_loss") or 0
    expect(abs(loss - 784 * math.log(2)) < 20, f"evaluate_5000: first loss {loss}")
    recipe = os.path.join(SOURCE, "recipes", "lab1-vae.yaml")
    found = check_program("decode", 1149008, "--recipe", recipe)
    expect("first_loss" in found and found["first_loss"] is None, "decode: it has a loss")
    bandwidth = json.loads(run(program("bandwidth"), "32").stdout or "{}")
    for key in ("memory_gbs", "cache_gbs", "threads"):
        expect(positive(bandwidth.get(key)), f"bandwidth: {key} is {bandwidth.get(key)}")


def check_refusals():
    for options in (["--steps", "0"], ["--steps"], ["--isa", "mmx"], ["--nothing", "1"]):
        done = run(program("iwae"), *options, code=2)
        expect(done.stdout == "" and done.stderr != "", f"iwae {options}: {done.stdout!r}")
    run(program("decode"), "--recipe", "/nonexistent.yaml", code=3)
    run(program("bandwidth"), "much", code=2)


def check_lists():
    names = [workload.name for workload in WORKLOADS]
    expect(set(names) == set(worker.BATCH), f"the peers have other workloads: {worker.BATCH}")
    with open(os.path.join(SOURCE, "bench", "README.md")) as file:
        text = file.read()
    for name in names:
        expect(f"\n| `{name}` |" in text, f"bench/README.md has no row of {name}")
    for target in TARGETS:
        named = [w for w in WORKLOADS if w.name == target.workload]
        both = (target.contender, target.below or target.contender)
        expect(named and all(name in CONTENDERS and named[0].has(name) for name in both),
               f"a target has no row: {target}")
        expect(target.isa in ("", *table.JUDGED), f"a target of no instruction set: {target}")
    below = Target("dcgan", "reverie", "peak_rss_mb", below="eager")
    for mine, theirs, wanted in ((300, 600, True), (600, 600, False), (300, None, None)):
        found = below.met({"reverie": {"peak_rss_mb": mine}, "eager": {"peak_rss_mb": theirs}})
        expect(found is wanted, f"{mine} MB below {theirs} MB: {found}, not {wanted}")


def results_of(own, cap, step_ms, peak):
    """Of two workloads; peaks beside the second are `peak`."""
    low, median, high = step_ms
    entry = {"step_ms": median, "step_ms_low": low, "step_ms_high": high, "share": 0.67,
             "spread": (high - low) / median, "peak_rss_mb": 50,
             "rounds": [{"isa": cap or own}]}
    theirs = {**entry, "ratio": 1.7, "ratio_low": 1.65, "ratio_high": 1.75, "share": 0.4}
    workloads = {name: {"reverie": entry, "jax": theirs} for name in ("l4-vae", "l1-vae")}
    return {"machine": {"instruction_set": own}, "settings": {"isa": cap}, "busy": {},
            "instruction_sets": {"jax": {"code": cap or own, "products": "YNN"}},
            "workloads": workloads, "failures": {}, "peak_gflops": 200,
            "peaks": {"l4-vae": [199, 201], "l1-vae": [peak, peak]}}


def check_table():
    """The instruction set that a table names and is judged by; marks of a machine that was slow."""
    native, capped = (results_of(*sets, (4.0, 4.1, 4.2), 190)
                      for sets in (("avx512", None), ("avx512", "avx2")))
    for found, line in ((native, "Instruction sets: avx512, the machine's own. Reverie avx512; "
                                 "JAX: code avx512, products YNN."),
                        (capped, "Instruction sets: the machine has avx512, capped at avx2. "
                                 "Reverie avx2; JAX: code avx2, products YNN (not capped).")):
        expect(table.instruction_sets(found) == line, table.instruction_sets(found))
    own = table.instruction_sets(results_of("avx2", "avx2", (4.0, 4.1, 4.2), 190))
    expect("avx2, the machine's own" in own and "not capped" not in own, own)
    rows = table.table(capped)
    expect(">= 1.6x: met" in rows and ">= 1.7x" not in rows, f"targets of AVX2: {rows}")
    rows = table.table(native)
    expect(">= 1.7x: met" in rows and ">= 1.6x" not in rows, f"targets of AVX-512: {rows}")
    expect("share >= 70%: NOT MET" in rows, f"targets of AVX-512: {rows}")
    expect("1.70x, 1.65 - 1.75" in rows and "!" not in rows, f"an even run: {rows}")
    expect(table.unmet(results_of("baseline", None, (4.0, 4.1, 4.2), 190)) == 0,
           "the baseline has targets")
    expect(table.disturbances(native) == "", f"an even run: {table.disturbances(native)}")
    uneven = results_of("avx2", None, (4.0, 4.1, 4.5), 170)
    expect("4.00 - 4.50 !" in table.table(uneven), f"no mark: {table.table(uneven)}")
    said = table.disturbances(uneven)
    expect("4 rows" in said and "l1-vae: the machine was slow" in said and "l4-vae:" not in said,
           f"an uneven run: {said}")


def check_harness(folder):
    done = run(os.path.join(SOURCE, "bench", "run"), "--build", BUILD, "--out", folder,
               "--contenders", "reverie,reverie-direct,reverie-plain", "--workloads",
               "wide,iwae,decode,m2,wgan,vae-cnn,planar", "--rounds", "2", "--steps", "3")
    expect("| decode one latent, L1" in done.stdout, f"the table: {done.stdout!r}")
    try:
        with open(os.path.join(folder, "results.json")) as file:
            results = json.load(file)
    except (OSError, ValueError) as error:
        faults.append(f"results.json: {error}")
        return
    expect("| Reverie, --conv direct" in done.stdout, f"the table: {done.stdout!r}")
    direct = results["workloads"]["vae-cnn"].get("reverie-direct", {}).get("ratio")
    expect(positive(direct), f"results.json: vae-cnn's direct convolutions: ratio {direct}")
    expect("reverie-direct" not in results["workloads"]["wgan"], "the WGAN has convolutions")
    expect("reverie-plain" not in results["workloads"]["wgan"], "the WGAN has a flow")
    plain = results["workloads"]["planar"].get("reverie-plain", {})
    expect(positive(plain.get("ratio")), f"results.json: planar without its flow: {plain}")
    expect("| Reverie, no flow" in done.stdout, f"the table: {done.stdout!r}")
    expect("\nInstruction sets: " in "\n" + done.stdout, f"no instruction set: {done.stdout!r}")
    for name in ("wide", "iwae", "decode", "m2", "wgan", "vae-cnn", "planar"):
        entry = results["workloads"][name]["reverie"]
        for key in ("step_ms", "step_ms_low", "step_ms_high", "share", "peak_rss_mb"):
            expect(positive(entry.get(key)), f"results.json: {name} {key} is {entry.get(key)}")
        expect(len(entry["rounds"]) == 2, f"results.json: {len(entry['rounds'])} rounds")
    with open(os.path.join(folder, "results.md")) as file:
        expect(file.read().startswith("# Benchmark\n"), "results.md has no title")


def main():
    check_lists()
    check_table()
    check_programs()
    check_refusals()
    with tempfile.TemporaryDirectory() as folder:
        check_harness(folder)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs the workloads: starts the contenders, measures them in turn, and gathers the figures."""
from . import contenders as kinds
from .machine import busy_share
from .statistics import quartiles

QUIET = 0.05  # of all cores: more than this while everybody waits disturbs the measurement


def start_all(workload, settings, say):
    """The contenders that started, and {name: why} of those that did not."""
    running, failed = {}, {}
    for name in settings.contenders:
        if not workload.has(name):
            continue
        contender = kinds.make(name, workload, settings)
        try:
            facts = contender.start()
            idle = contender.idle_seconds()
        except kinds.Failed as error:
            failed[name] = str(error)
            say(f"  {name} failed: {error}")
            continue
        if facts:
            say(f"  {name} is ready; first step after {facts['first_step_s']:.2f} s")
        if idle > QUIET:
            say(f"  {name} used {100 * idle:.0f}% of a core while it waited")
        running[name] = (contender, {**facts, "idle_cpu": idle})
    return running, failed


def rounds_of(workload, running, failed, settings, say):
    """{name: [figures of each round]}; who comes first changes from round to round."""
    results = {name: [] for name in running}
    order = list(running)
    for turn in range(settings.rounds):
        first = turn % max(1, len(order))
        for name in order[first:] + order[:first]:
            if name in failed:
                continue
            try:
                results[name].append(running[name][0].measure(settings.steps or workload.steps))
            except kinds.Failed as error:
                failed[name] = str(error)
                say(f"  {name} failed: {error}")
        times = [f"{name} {results[name][-1]['step_ms']:.4g}" for name in running
                 if name not in failed]
        say(f"  round {turn + 1} of {settings.rounds}, ms: {', '.join(times)}")
    return results


def gather(facts, rounds):
    """One contender's figures: quartiles over rounds, and what does not change."""
    first = [r["first_step_s"] for r in rounds if r.get("first_step_s")]
    low, median, high = quartiles([r["step_ms"] for r in rounds])
    return {
        "step_ms": median,
        "step_ms_low": low,
        "step_ms_high": high,
        "spread": (high - low) / median,
        "first_step_s": quartiles(first)[1] if first else facts.get("first_step_s"),
        "peak_rss_mb": max(r["peak_rss_mb"] for r in rounds),
        "idle_cpu": facts.get("idle_cpu", 0.0),
        "parameters": facts.get("parameters"),
        "rounds": rounds,
    }


def add_ratios(figures):
    """Times Reverie's own, paired by round: both were measured within seconds of each other."""
    own = figures.get("reverie")
    for entry in figures.values():
        if own:
            pairs = zip(entry["rounds"], own["rounds"])
            each = [theirs["step_ms"] / ours["step_ms"] for theirs, ours in pairs]
            entry["ratio_low"], entry["ratio"], entry["ratio_high"] = quartiles(each)


def add_shares(figures, peak):
    """Of the arithmetic peak; the work of a step is Reverie's, unless they count their own."""
    own = figures.get("reverie", {"rounds": [{}]})["rounds"][0].get("gflop_per_step")
    for entry in figures.values():
        gflop = entry["rounds"][0].get("gflop_per_step", own)
        if gflop and peak:
            entry["gflops"] = gflop / (1e-3 * entry["step_ms"])
            entry["share"] = entry["gflops"] / peak


def peaks_of(results):
    """{workload: GFLOP/s that Reverie's processes measured, beside every round}."""
    return {name: [r["peak_gflops"] for r in figures["reverie"]["rounds"] if r.get("peak_gflops")]
            for name, figures in results.items() if "reverie" in figures}


def run_workload(workload, settings, say):
    say(f"{workload.title}:")
    running, failed = start_all(workload, settings, say)
    try:
        busy = busy_share()
        if busy > QUIET:
            say(f"  the machine is not quiet: {100 * busy:.0f}% busy while all contenders wait")
        results = rounds_of(workload, running, failed, settings, say)
    finally:
        for contender, _ in running.values():
            contender.stop()
    figures = {name: gather(running[name][1], rounds) for name, rounds in results.items()
               if rounds and name not in failed}
    add_ratios(figures)
    return figures, failed, busy


def run_all(workloads, settings, say):
    results, failures, busy = {}, {}, {}
    for workload in workloads:
        name = workload.name
        results[name], failed, busy[name] = run_workload(workload, settings, say)
        if failed:
            failures[name] = failed
    peaks = peaks_of(results)
    each = [value for values in peaks.values() for value in values]
    low, peak, high = quartiles(each) if each else (None, None, None)
    for figures in results.values():
        add_shares(figures, peak)
    return {"peak_gflops": peak, "peak_gflops_low": low, "peak_gflops_high": high, "peaks": peaks,
            "workloads": results, "failures": failures, "busy": busy}

"""The one table, and the page around it."""
from .contenders import Reverie
from .measure import QUIET
from .statistics import quartiles
from .workloads import CONTENDERS, TARGETS, WORKLOADS

HEAD = ("Workload", "Contender", "Median", "Quartiles", "Times Reverie", "Share of peak",
        "First step", "Peak memory", "Target")
JUDGED = ("avx2", "avx512")  # instruction sets that have targets
UNCAPPED = "YNN"  # the library that no cap reaches
APART = 0.10  # of the median: quartiles further apart than this are marked
SLOW = 0.90  # of the run's peak: a workload beside which the peak was lower ran on a slow machine


def number(value):
    """Four digits or so, never in powers of ten."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.{1 if value >= 100 else 2}f}"


def times(workload, entry):
    scale, unit = (1e3, "us") if workload.unit == "us" else (1, "ms")
    values = [number(scale * entry[key]) for key in ("step_ms", "step_ms_low", "step_ms_high")]
    mark = " !" if entry["spread"] > APART else ""
    return f"{values[0]} {unit}", f"{values[1]} - {values[2]}{mark}"


def ratio(contender, entry):
    if contender == "reverie" or "ratio" not in entry:
        return "-"
    return f"{entry['ratio']:.2f}x, {entry['ratio_low']:.2f} - {entry['ratio_high']:.2f}"


def instruction_set(results):
    """That which Reverie ran on, by its own word."""
    for figures in results["workloads"].values():
        for contender in Reverie.names:
            for found in figures.get(contender, {"rounds": []})["rounds"]:
                return found["isa"]
    return results["settings"]["isa"] or results["machine"]["instruction_set"]


def instruction_sets(results):
    """One line: the machine's, the cap, and what each contender says that it uses."""
    own, cap = results["machine"]["instruction_set"], results["settings"]["isa"]
    capped = cap not in (None, own)
    whose = f"the machine has {own}, capped at {cap}" if capped else f"{own}, the machine's own"
    said = [f"Reverie {instruction_set(results)}"]
    for contender, parts in results["instruction_sets"].items():
        parts = [f"{part} {what}" + (" (not capped)" if capped and what == UNCAPPED else "")
                 for part, what in parts.items()]
        said.append(f"{CONTENDERS[contender]}: {', '.join(parts)}")
    return f"Instruction sets: {whose}. {'; '.join(said)}."


def verdicts(workload, contender, figures, isa):
    """What the targets of this row say of this run, which was on `isa`."""
    said = []
    for target in TARGETS:
        of_row = (target.workload, target.contender) == (workload.name, contender)
        if of_row and isa in JUDGED and target.isa in ("", isa):
            met = target.met(figures)
            said += [] if met is None else [(target.text(), met)]
    return said


def row(workload, contender, figures, isa):
    entry = figures[contender]
    median, spread = times(workload, entry)
    share = f"{100 * entry['share']:.0f}%" if "share" in entry else "-"
    first = f"{entry['first_step_s']:.2f} s" if entry.get("first_step_s") else "-"
    said = [f"{text}: {'met' if met else 'NOT MET'}"
            for text, met in verdicts(workload, contender, figures, isa)]
    return (workload.title, CONTENDERS[contender], median, spread, ratio(contender, entry), share,
            first, f"{entry['peak_rss_mb']:.0f} MB", "; ".join(said))


def rows(results):
    found, isa = [], instruction_set(results)
    for workload in WORKLOADS:
        figures = results["workloads"].get(workload.name, {})
        for contender in CONTENDERS:
            if contender in figures:
                found.append(row(workload, contender, figures, isa))
            elif contender in results["failures"].get(workload.name, {}):
                found.append((workload.title, CONTENDERS[contender], "failed", *[""] * 6))
    return found


def markdown_table(head, body):
    widths = [max(len(line[i]) for line in (head, *body)) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"
             for line in (head, *body)]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def table(results):
    return markdown_table(HEAD, rows(results))


def peaks(results):
    bandwidth, peak = results["bandwidth"], results["peak_gflops"]
    lines = [f"Memory bandwidth, triad on all cores: {bandwidth['memory_gbs']:.1f} GB/s over "
             f"{bandwidth['megabytes']} MB, {bandwidth['cache_gbs']:.1f} GB/s over 16 MB."]
    if peak:
        lines.insert(0, f"Arithmetic peak, multiply-adds on all cores: {peak:.1f} GFLOP/s, "
                     f"quartiles {results['peak_gflops_low']:.1f} - "
                     f"{results['peak_gflops_high']:.1f}.")
    return "\n".join(lines)


def machine_lines(machine):
    cpu = machine["processor"]
    lines = [
        f"{cpu['model']} (family/model {cpu['family_model']}), {machine['cores']} cores"
        + (", virtual" if cpu["virtual"] else "") + f"; {' '.join(cpu['flags'])}",
        "caches " + ", ".join(f"{k} {v}" for k, v in machine["caches"].items())
        + f"; memory {machine['memory_gb']} GB",
        f"{machine['system']}, Linux {machine['kernel']}, {machine['compiler']}",
        ", ".join(f"{k} {v}" for k, v in machine["versions"].items() if v),
    ]
    return "\n".join("- " + line for line in lines)


def marked(results):
    """How many rows have the mark."""
    return sum(entry["spread"] > APART for figures in results["workloads"].values()
               for entry in figures.values())


def disturbances(results):
    """What speaks against this run: lines, or none."""
    said = []
    if marked(results):
        said.append(f"!: the quartiles of {marked(results)} rows lie more than {100 * APART:.0f}% "
                    "of the median apart: the machine was not quiet; measure them again")
    for workload, peaks in results["peaks"].items():
        peak = quartiles(peaks)[1] if peaks else results["peak_gflops"]
        if peak and peak < SLOW * results["peak_gflops"]:
            said.append(f"{workload}: the machine was slow: its peak was {peak:.1f} GFLOP/s")
    for workload, share in results["busy"].items():
        if share > QUIET:
            said.append(f"{workload}: the machine was {100 * share:.0f}% busy while all waited")
    for workload, failed in results["failures"].items():
        said += [f"{workload}: {name} failed: {why}" for name, why in failed.items()]
    return "\n".join("- " + line for line in said)


def report(results):
    """What is printed too: paragraphs."""
    said = disturbances(results)
    about = ["Disturbances:\n\n" + said] if said else []
    return [instruction_sets(results), table(results), *about, peaks(results)]


def page(results):
    settings = results["settings"]
    parts = [
        "# Benchmark", f"{results['machine']['date']}, {settings['rounds']} rounds, data: "
        f"{'MNIST' if settings['data'] else 'built-in digits and noise'}.",
        *report(results), machine_lines(results["machine"])]
    return "\n\n".join(parts) + "\n"


def unmet(results):
    count, isa = 0, instruction_set(results)
    for workload in WORKLOADS:
        figures = results["workloads"].get(workload.name, {})
        for contender in figures:
            count += sum(not met for _, met in verdicts(workload, contender, figures, isa))
    return count

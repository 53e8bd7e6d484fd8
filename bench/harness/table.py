"""The one table, and the page around it."""
from .workloads import CONTENDERS, TARGETS, WORKLOADS

HEAD = ("Workload", "Contender", "Median", "Quartiles", "Times Reverie", "Share of peak",
        "First step", "Peak memory", "Target")


def number(value):
    """Four digits or so, never in powers of ten."""
    return f"{value:.0f}" if value >= 1000 else f"{value:.{1 if value >= 100 else 2}f}"


def times(workload, entry):
    scale, unit = (1e3, "us") if workload.unit == "us" else (1, "ms")
    values = [number(scale * entry[key]) for key in ("step_ms", "step_ms_low", "step_ms_high")]
    return f"{values[0]} {unit}", f"{values[1]} - {values[2]}"


def verdicts(workload, contender, figures, settings):
    """What the targets of this row say of this run; they are for machines without a cap."""
    said = []
    if settings["isa"] not in (None, "avx512"):
        return said
    for target in TARGETS:
        if (target.workload, target.contender) == (workload.name, contender):
            met = target.met(figures)
            said += [] if met is None else [(target.text(), met)]
    return said


def row(workload, contender, figures, settings):
    entry = figures[contender]
    median, spread = times(workload, entry)
    ratio = "-" if contender == "reverie" or "ratio" not in entry else f"{entry['ratio']:.2f}x"
    share = f"{100 * entry['share']:.0f}%" if "share" in entry else "-"
    first = f"{entry['first_step_s']:.2f} s" if entry.get("first_step_s") else "-"
    said = [f"{text}: {'met' if met else 'NOT MET'}"
            for text, met in verdicts(workload, contender, figures, settings)]
    return (workload.title, CONTENDERS[contender], median, spread, ratio, share, first,
            f"{entry['peak_rss_mb']:.0f} MB", "; ".join(said))


def rows(results):
    found = []
    for workload in WORKLOADS:
        figures = results["workloads"].get(workload.name, {})
        for contender in CONTENDERS:
            if contender in figures:
                found.append(row(workload, contender, figures, results["settings"]))
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
        lines.insert(0, f"Arithmetic peak, multiply-adds on all cores: {peak:.1f} GFLOP/s.")
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


def disturbances(results):
    said = []
    for workload, share in results["busy"].items():
        if share > 0.05:
            said.append(f"{workload}: the machine was {100 * share:.0f}% busy while all waited")
    for workload, failed in results["failures"].items():
        said += [f"{workload}: {name} failed: {why}" for name, why in failed.items()]
    return "\n".join("- " + line for line in said)


def page(results):
    settings = results["settings"]
    parts = [
        "# Benchmark", f"{results['machine']['date']}, {settings['rounds']} rounds, data: "
        f"{'MNIST' if settings['data'] else 'built-in digits and noise'}, instruction set: "
        f"{settings['isa'] or 'the best of the machine'}.",
        table(results), peaks(results), machine_lines(results["machine"])]
    said = disturbances(results)
    if said:
        parts.append("Disturbances:\n\n" + said)
    return "\n\n".join(parts) + "\n"


def unmet(results):
    count = 0
    for workload in WORKLOADS:
        figures = results["workloads"].get(workload.name, {})
        for contender in figures:
            count += sum(not met for _, met in verdicts(workload, contender, figures,
                                                        results["settings"]))
    return count

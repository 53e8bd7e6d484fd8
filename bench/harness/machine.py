"""What machine this is, and how fast it could be."""
import datetime
import os
import platform
import subprocess

from .contenders import run_json

FLAGS = ("sse4_2", "avx", "avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_tile")


def first_line(path, default=""):
    try:
        with open(path) as file:
            return file.readline().strip()
    except OSError:
        return default


def processor():
    facts = {}
    with open("/proc/cpuinfo") as file:
        for line in file:
            key, _, value = line.partition(":")
            facts.setdefault(key.strip(), value.strip())
    flags = facts.get("flags", "").split()
    return {
        "model": facts.get("model name", platform.machine()),
        "family_model": f"{facts.get('cpu family', '?')}/{facts.get('model', '?')}",
        "flags": [flag for flag in FLAGS if flag in flags],
        "virtual": "hypervisor" in flags,
    }


def caches():
    base, found = "/sys/devices/system/cpu/cpu0/cache", {}
    for index in sorted(os.listdir(base)) if os.path.isdir(base) else []:
        folder = os.path.join(base, index)
        if index.startswith("index") and first_line(f"{folder}/type") != "Instruction":
            found["L" + first_line(f"{folder}/level")] = first_line(f"{folder}/size")
    return found


def command_line(*command, folder=None):
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    except OSError:
        return ""
    return done.stdout.strip().splitlines()[0] if done.returncode == 0 and done.stdout else ""


def reverie_versions(settings, facts):
    libraries = {entry["name"]: entry["version"] for entry in facts["libraries"]}
    commit = command_line("git", "rev-parse", "--short=12", "HEAD", folder=settings.source)
    changed = command_line("git", "status", "--porcelain", "-uno", folder=settings.source)
    return {
        "reverie": facts["version"],
        "commit": commit + (" and changes" if commit and changed else ""),
        "oneDNN of reverie": libraries.get("oneDNN", ""),
    }


def describe(settings):
    facts = run_json([os.path.join(settings.build, "reverie"), "doctor", "--json"])
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)),
        "caches": caches(),
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release().get("PRETTY_NAME", ""),
        "compiler": command_line("cc", "--version"),
        "instruction_set": facts["instruction_set"],  # the machine's own, without a cap
        "versions": reverie_versions(settings, facts),
    }


def bandwidth(settings):
    """GB/s of a triad on all cores: from memory, and within the third-level cache."""
    return run_json([os.path.join(settings.build, "bench", "reverie_bench_bandwidth")])


def busy_share(seconds=1.0):
    """Share of all cores' time that was used over some seconds, from /proc/stat."""
    import time

    def read():
        ticks = [int(field) for field in first_line("/proc/stat").split()[1:9]]
        return sum(ticks), ticks[3] + ticks[4]

    total, idle = read()
    time.sleep(seconds)
    total_after, idle_after = read()
    return 1 - (idle_after - idle) / max(1, total_after - total)

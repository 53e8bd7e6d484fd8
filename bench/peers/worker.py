"""What every peer process does around its step: clocks, data, and the line protocol.

A worker makes its first step, warms up, writes a line of JSON, and then obeys stdin:
    measure N    makes N steps, each timed, and answers with a line of JSON
    quit         ends (so does the end of stdin)
While it waits it blocks in a read, so another contender has the machine to itself.
"""
import gzip
import json
import os
import resource
import sys
import time

# Images of a step; the WGAN's round takes five batches of 64.
BATCH = {"l1-vae": 64, "l4-vae": 128, "wide": 100, "iwae": 20, "evaluate-5000": 20, "decode": 1,
         "m2": 200, "dcgan": 64, "gan-deconv": 100, "vae-cnn": 100, "vae-cnn-l4": 128,
         "wgan": 320, "iaf": 128, "planar": 100, "planar-amortised": 100, "pixelcnn": 64,
         "ladder": 256}
# Those whose pixels are drawn black or white, once.
STATIC = ("wide", "vae-cnn", "iaf", "planar", "planar-amortised", "pixelcnn")
IMAGES, PIXELS, CLASSES = 6000, 784, 10
LABELLED = 100  # of the images, beside each batch of the M2
# Steps after the first one, and before the measured ones to be at speed again after a wait; those
# of the long steps are fewer.
LONG = {"wide": 5, "m2": 5, "ladder": 5, "dcgan": 2, "gan-deconv": 5, "vae-cnn": 5, "vae-cnn-l4": 5,
        "pixelcnn": 5, "evaluate-5000": 1}
WARM_UP = {**LONG, "decode": 200}
SETTLE = LONG


def steps_before(name):
    """The first one and both warm-ups: those that are made before the measured ones."""
    return 1 + WARM_UP.get(name, 30) + SETTLE.get(name, 20)


def cores():
    return len(os.sched_getaffinity(0))


def seconds_of_process():
    """Seconds since this process started: field 22 of /proc/self/stat, ticks after boot."""
    with open("/proc/self/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    started = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return time.clock_gettime(time.CLOCK_BOOTTIME) - started


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def read_idx(directory, name, header, count):
    """`count` bytes after the header of a file of MNIST, packed or not."""
    import numpy

    path = os.path.join(directory, "mnist", name)
    opened = open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz")
    with opened as file:
        return numpy.frombuffer(file.read(header + count)[header:], numpy.uint8)


def load_images(directory, count=IMAGES):
    """The first `count` MNIST training images as float32 [count, 784] in [0, 1], or noise."""
    import numpy

    if directory:
        raw = read_idx(directory, "train-images-idx3-ubyte", 16, count * PIXELS)
        return raw.reshape(count, PIXELS) / numpy.float32(255)
    return numpy.random.default_rng(1).random((count, PIXELS), numpy.float32)


def images_of(name):
    """Those that a workload trains on."""
    import numpy

    images = load_images(os.environ.get("REVERIE_DATA"))
    if name in STATIC:
        drawn = numpy.random.default_rng(2).random(images.shape, numpy.float32) < images
        images = drawn.astype(numpy.float32)
    return images


def labelled_rows(directory):
    """The first images of each class among them, as many of each, and their labels."""
    import numpy

    each = LABELLED // CLASSES
    labels = numpy.arange(IMAGES) % CLASSES  # of noise
    if directory:
        labels = read_idx(directory, "train-labels-idx1-ubyte", 8, IMAGES)
    rows = [numpy.flatnonzero(labels == k)[:each] for k in range(CLASSES)]
    return numpy.concatenate(rows), numpy.repeat(numpy.arange(CLASSES), each)


def quantile(ordered, share):
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def measure(step, count, settle):
    """Each step ends when its result is there; `step` returns something that float() takes."""
    clock = time.perf_counter
    for _ in range(settle):
        result = step()
    each = []
    for _ in range(count):
        before = clock()
        result = step()
        each.append(clock() - before)
    each.sort()
    return {
        "step_ms": 1e3 * quantile(each, 0.5),
        "spread_ms": 1e3 * (quantile(each, 0.75) - quantile(each, 0.25)),
        "peak_rss_mb": peak_megabytes(),
        "last_loss": float(result),
    }


def say(answer):
    print(json.dumps(answer), flush=True)


def serve(contender, name):
    """`contender` has step(), parameters and facts; making it and its first step are timed too."""
    first_loss = float(contender.step())
    facts = {
        "first_step_s": seconds_of_process(),
        "first_loss": first_loss,
        "parameters": contender.parameters,
    }
    for _ in range(WARM_UP.get(name, 30)):
        contender.step()
    say({**facts, **contender.facts, "peak_rss_mb": peak_megabytes()})
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["measure"]:
            say(measure(contender.step, int(words[1]), SETTLE.get(name, 20)))
        elif words == ["quit"]:
            break

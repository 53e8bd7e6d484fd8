"""Golden values of the metrics over features, by numpy in double precision.

    python tests/golden/make_metrics.py

writes metrics/values.txt beside this file.  A line is an array: its name, its rank, its sizes, its
values.  tests/support/golden.h reads them.  Rows are kept to a few bits, so that they are exact as floats.
"""
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
LINES = []


def add(name, value):
    value = np.asarray(value, dtype=np.float64)
    fields = [name, str(value.ndim), *map(str, value.shape)]
    fields += ["%.17g" % v for v in value.ravel()]
    LINES.append(" ".join(fields))


def rounded(values):
    return np.round(values * 256) / 256


def rows(seed, count, width, rank=None, scale=1.0, shift=0.0):
    """Gaussian rows; with a rank, inside a subspace of that dimension (and a shift)."""
    random = np.random.RandomState(seed)
    if rank is None:
        return rounded(random.normal(shift, scale, (count, width)))
    basis = random.randint(-2, 3, (rank, width))
    return rounded(random.normal(0, scale, (count, rank))) @ basis + shift


# ---- Frechet distance ----


def root(matrix):
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def frechet(a, b):
    """|m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a^1/2 S_b S_a^1/2)^1/2)"""
    cov_a, cov_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    half = root(cov_a)
    middle = np.linalg.eigvalsh(half @ cov_b @ half)
    trace = np.sqrt(np.maximum(middle, 0)).sum()
    apart = a.mean(0) - b.mean(0)
    return apart @ apart + np.trace(cov_a) + np.trace(cov_b) - 2 * trace


def frechet_case(name, a, b):
    add(name + ".a", a)
    add(name + ".b", b)
    add(name + ".distance", frechet(a, b))


# ---- balls and neighbours ----


def distances(a, b):
    """[N,M], by differences: no cancellation."""
    return np.sqrt(((a[:, None, :] - b[None, :, :]) ** 2).sum(-1))


def radii(x, k):
    between = distances(x, x)
    np.fill_diagonal(between, np.inf)
    return np.sort(between, axis=1)[:, k - 1]


def coverage(real, fake, k):
    real_radius, fake_radius, between = radii(real, k), radii(fake, k), distances(real, fake)
    in_real = between <= real_radius[:, None]
    in_fake = between <= fake_radius[None, :]
    return [in_real.any(0).mean(), in_fake.any(1).mean(), in_real.sum(0).mean() / k,
            in_real.any(1).mean()]


def coverage_case(name, real, fake, ks):
    add(name + ".real", real)
    add(name + ".fake", fake)
    for k in ks:
        add("%s.scores%d" % (name, k), coverage(real, fake, k))


def nearest_case(name, queries, table, k):
    between = distances(queries, table)
    order = np.argsort(between, axis=1, kind="stable")[:, :k]
    add(name + ".queries", queries)
    add(name + ".table", table)
    add(name + ".index", order)
    add(name + ".distance", np.take_along_axis(between, order, axis=1))


def memorisation_case(name, train, held_out, generated):
    real, made = distances(held_out, train).min(1), distances(generated, train).min(1)
    limit = np.percentile(real, 1)
    less = (made[:, None] < real).mean() + 0.5 * (made[:, None] == real).mean()
    add(name + ".train", train)
    add(name + ".held_out", held_out)
    add(name + ".generated", generated)
    add(name + ".result", [np.median(made), np.median(real), limit, (made < limit).mean(), less])


def main():
    frechet_case("plain", rows(1, 40, 7), rows(2, 33, 7, scale=1.5, shift=0.5))
    frechet_case("wide", rows(3, 9, 12), rows(4, 12, 12, scale=2))
    frechet_case("flat", rows(5, 30, 9, rank=3), rows(6, 25, 9, rank=5, shift=0.25))
    frechet_case("half", rows(7, 30, 8, rank=2), rows(8, 50, 8))
    frechet_case("one", rows(9, 12, 1), rows(10, 15, 1, scale=3))
    coverage_case("near", rows(11, 60, 4), rows(12, 47, 4, shift=0.25), (1, 3, 5))
    coverage_case("far", rows(13, 30, 3), rows(14, 41, 3, scale=0.25, shift=1), (5,))
    nearest_case("grid", np.random.RandomState(15).randint(0, 3, (30, 3)),
                 np.random.RandomState(16).randint(0, 3, (50, 3)), 7)
    train = rows(17, 80, 3)
    copies = np.concatenate([train[:10] + 1 / 256, rows(18, 25, 3)])
    memorisation_case("copies", train, rows(19, 40, 3), copies)
    folder = HERE / "metrics"
    folder.mkdir(exist_ok=True)
    (folder / "values.txt").write_text("\n".join(LINES) + "\n")


if __name__ == "__main__":
    main()

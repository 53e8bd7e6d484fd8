"""Golden values of importance weights, by numpy in double precision.

    python tests/golden/make_inference.py

writes inference/values.txt beside this file: sets of log-weights, and for each its L_K, mean,
effective sample size (Kong 1992) and k-hat.  The latter is written from the papers: Vehtari,
Simpson, Gelman, Yao & Gabry 2024 (tail of min(K/5, 3 sqrt K) weights above the next largest one,
and the prior that draws k towards 0.5 as ten exceedances would) and Zhang & Stephens 2009 (theta as
the mean of a grid weighted by profile likelihood).
A line is an array: its name, its rank, its sizes, its values.  tests/support/golden.h reads them.
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


def log_sum_exp(values):
    most = values.max()
    return most + np.log(np.exp(values - most).sum())


def pareto_shape(x):
    """k of exceedances x, ascending."""
    n = len(x)
    m = 30 + int(np.sqrt(n))
    j = np.arange(1, m + 1)
    quartile = x[int(n / 4 + 0.5) - 1]
    theta = 1 / x[-1] + (1 - np.sqrt(m / (j - 0.5))) / (3 * quartile)
    k = np.log1p(-theta[:, None] * x[None, :]).mean(axis=1)
    likelihood = n * (np.log(-theta / k) - k - 1)
    weight = np.exp(likelihood - log_sum_exp(likelihood))
    best = (weight * theta).sum()
    k = np.log1p(-best * x).mean()
    return (n * k + 10 * 0.5) / (n + 10)


def khat(log_weights):
    ordered = np.sort(log_weights) - log_weights.max()
    tail = int(np.ceil(min(0.2 * len(ordered), 3 * np.sqrt(len(ordered)))))
    return pareto_shape(np.exp(ordered[-tail:]) - np.exp(ordered[-tail - 1]))


def numbers(log_weights):
    count = len(log_weights)
    ess = np.exp(2 * log_sum_exp(log_weights) - log_sum_exp(2 * log_weights))
    return [log_sum_exp(log_weights) - np.log(count), log_weights.mean(), ess, khat(log_weights)]


def main():
    random = np.random.RandomState(6)
    sets = {
        "near": random.normal(-90, 0.3, 400),  # the posterior, nearly
        "wide": random.normal(-90, 2, 400),
        "poor": random.normal(-120, 8, 1000),
        "heavy": random.standard_t(2, 400) * 3 + 1000,
        "light": np.log(random.uniform(0.2, 1, 333)),  # bounded weights: k below 0
        "pareto": 0.5 * random.exponential(1, 2000),  # k is 0.5
        "few": random.normal(0, 1, 26),
    }
    for name, values in sets.items():
        values = np.round(values * 4096) / 4096  # exact as floats
        assert (values.astype(np.float32) == values).all()
        add(name + ".log_weights", values)
        add(name + ".numbers", numbers(values))
    (HERE / "inference").mkdir(exist_ok=True)
    (HERE / "inference" / "values.txt").write_text("\n".join(LINES) + "\n")


if __name__ == "__main__":
    main()

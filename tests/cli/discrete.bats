#!/usr/bin/env bats
# The discrete VAE from end to end: every gradient trains, evaluation takes hard draws, and resuming
# in the middle of an epoch ends as if nothing had happened.

load support

# 3 variables of 4 classes; an epoch is 7 steps.
CATEGORICAL=(lab0-gumbel data.name=digits data.limit=600 data.validation=100 data.batch=75
    train.epochs=2 train.log=3 latent.count=3 latent.classes=4 "encoder=[linear 32, relu]"
    "decoder=[linear 32, relu]")
BINARY=(bernoulli-nvil data.name=digits data.limit=600 data.validation=100 data.batch=75
    train.epochs=2 train.log=3 latent.count=6)
VIMCO=(objective.name=iwae objective.samples=3 objective.gradient=vimco)

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${CATEGORICAL[@]}" temperature.every=2 temperature.rate=0.1 --run gumbel
    works train "${BINARY[@]}" --run nvil
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    GUMBEL=$BATS_FILE_TMPDIR/shared/gumbel
    NVIL=$BATS_FILE_TMPDIR/shared/nvil
}

# metric NAME: its value in the JSON of `evaluate`, from $out.
metric() {
    python3 -c '
import json, sys
def walk(value):
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == sys.argv[1]:
                while isinstance(inner, dict):
                    inner = inner["mean"]
                print(inner)
                raise SystemExit
            walk(inner)
    elif isinstance(value, list):
        for inner in value:
            walk(inner)
walk(json.loads(sys.argv[2]))' "$1" "$out"
}

@test "the verbs work on a run with discrete latents" {
    for run in "$GUMBEL" "$NVIL"; do
        works evaluate "$run" --json
        elbo=$(metric elbo) && kl=$(metric kl) && reconstruction=$(metric reconstruction)
        python3 -c "assert abs($elbo + $kl + $reconstruction) < 1e-3, ($elbo, $kl, $reconstruction)"
        works sample "$run" -n 8 -o samples.png
        works reconstruct "$run" -n 8 -o reconstructions.png
        works interpolate "$run" -o interpolations.png
        works traverse "$run" --from 0 --to 1 -o walk.png
        works encode "$run" -o codes.npy
        [ -s samples.png ] && [ -s reconstructions.png ] && [ -s interpolations.png ]
        fails 2 'no sigmas: go from 0 to 1 (--from 0 --to 1)' traverse "$run" -o other.png
    done
}

@test "encode gives probabilities: of each variable they sum to one" {
    works encode "$GUMBEL" -o codes.npy
    python3 - <<'PYTHON'
import struct
data = open("codes.npy", "rb").read()
head = 10 + struct.unpack("<H", data[8:10])[0]
values = struct.unpack("<%df" % ((len(data) - head) // 4), data[head:])
for n in range(3):
    total = sum(values[4 * n:4 * n + 4])
    assert abs(total - 1) < 1e-5, (n, total)
PYTHON
}

@test "draws of the prior are hard, and the same however many" {
    works sample "$GUMBEL" -n 4 --seed 3 -o few.png
    works sample "$GUMBEL" -n 4 --seed 3 -o again.png
    works sample "$GUMBEL" -n 4 --seed 4 -o other.png
    cmp few.png again.png
    not cmp -s few.png other.png
}

@test "the held-out bound is that of hard draws, whatever the gradient" {
    # The same weights judged under other training settings give the same numbers.
    works evaluate "$GUMBEL" --json
    wanted=$(metric elbo)
    for gradient in straight_through reinforce; do
        rm -rf copy && cp -r "$GUMBEL" copy
        sed -i "s/gradient: gumbel/gradient: $gradient/" copy/config.yaml
        grep -q "gradient: $gradient" copy/config.yaml
        works evaluate copy --json
        [ "$(metric elbo)" = "$wanted" ] || { echo "$(metric elbo), not $wanted" && return 1; }
    done
}

@test "every gradient trains" {
    for settings in "objective.gradient=straight_through" "objective.relaxed_kl=relaxed" \
        "objective.gradient=reinforce objective.baseline=none" \
        "objective.gradient=reinforce objective.baseline=average" \
        "objective.gradient=reinforce objective.baseline=input" "objective.gradient=nvil" \
        "objective.name=iwae objective.samples=2" \
        "objective.name=iwae objective.samples=2 objective.gradient=nvil" \
        "objective.name=iwae objective.samples=2 objective.gradient=vimco prior=learned"; do
        rm -rf run
        # shellcheck disable=SC2086
        works train "${CATEGORICAL[@]}" $settings --run run
        works evaluate run
        has "$out" elbo
    done
    has "$out" importance_bound
}

@test "resuming in the middle of an epoch gives the same bytes" {
    for kind in gumbel nvil vimco; do
        settings=("${CATEGORICAL[@]}" temperature.every=2 temperature.rate=0.1)
        [ "$kind" != nvil ] || settings=("${BINARY[@]}")
        [ "$kind" != vimco ] || settings=("${CATEGORICAL[@]}" "${VIMCO[@]}" prior=learned)
        works train "${settings[@]}" train.save=12 --run "$kind-whole"
        cp -r "$kind-whole" "$kind"
        works resume "$kind" --from "$kind/checkpoints/step-00000012.safetensors"
        same_run "$kind-whole" "$kind"
    done
}

@test "the temperature falls as the schedule says" {
    # max(0.5, exp(-0.1 t)), t being the last even step: means over three steps
    grep -o '"temperature": *[0-9.]*' "$GUMBEL/metrics.jsonl" | sed 's/.*: *//' > temperatures
    python3 - <<'PYTHON'
import math
got = [float(line) for line in open("temperatures")]
tau = [max(0.5, math.exp(-0.1 * (t // 2 * 2))) for t in range(14)]
means = [sum(tau[i:i + 3]) / 3 for i in range(0, 12, 3)]
assert len(got) >= 4, got
for wanted in means[:2]:
    assert any(abs(value - wanted) < 1e-5 for value in got), (wanted, got)
PYTHON
}

@test "settings that cannot be are refused" {
    refuses() {
        part=$1
        shift
        fails 2 "$part" train "${CATEGORICAL[@]}" "$@" --run made
        not test -e made
    }
    refuses 'objective.samples' objective.samples=0
    refuses 'temperature.start' temperature.start=0
    refuses 'temperature.end' temperature.end=-1
    refuses 'temperature.prior' temperature.prior=0
    refuses 'temperature.start' temperature.start=-0.5
    refuses 'temperature.end is above temperature.start' temperature.start=0.4
    refuses 'objective.samples=2 or more' objective.name=iwae objective.gradient=vimco
    refuses 'objective.name=iwae' objective.samples=2 objective.gradient=vimco
    refuses 'objective.gradient=reinforce alone' objective.baseline=input
    refuses 'needs relaxed draws' objective.gradient=nvil objective.relaxed_kl=relaxed
    refuses 'latent.classes' latent.classes=1
    refuses 'gumbel, straight_through, reinforce, nvil, vimco' objective.gradient=rebar
}

@test "demo gradient-variance: unbiased but noisy, calm but biased" {
    works demo gradient-variance -n 1000 --json
    python3 - <<'PYTHON'
import json
rows = json.load(open("out.txt"))["estimators"]
score, average, net, vimco, warm, half, cold, through = rows
for row in score, average, net:
    assert row["bias"] < 2 * row["bias_by_chance"], row
for row in warm, half, through:
    assert row["bias"] > 3 * row["bias_by_chance"], row
assert warm["bias"] > half["bias"], (warm, half)
first = [row["variance"][0] for row in (score, average, net, cold, half, warm)]
assert first == sorted(first, reverse=True) or first[2] < first[3] < first[1], first
assert vimco["variance"][0] is None and vimco["bias"] is None, vimco
for row in rows:
    known = [v for v in row["variance"] if v is not None]
    assert known == sorted(known, reverse=True), row
PYTHON
    works inspect gradient-variance.png
    fails 2 'take 200 to' demo gradient-variance -n 100
}

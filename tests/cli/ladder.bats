#!/usr/bin/env bats
# Levels of latents from the command line: the ladder with both merges, and the chain.

load support

SMALL=(lab2-ladder data.name=digits data.limit=200 data.validation=60 data.batch=20 train.epochs=2
    train.log=1 --threads 1
    "encoder=[linear 16, batchnorm, relu, latent 4, linear 12, batchnorm, relu, latent 3, latent 2]"
    "decoder=[linear 12, relu, latent 3, linear 12, batchnorm, relu, latent 4, linear 16, relu]")
CONCAT=(posterior.merge=concat posterior.path=6 "posterior.layers=[linear 6, relu]")
CHAIN=(model=iwae objective.name=elbo objective.samples=1 posterior.scale=softplus)

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${SMALL[@]}" --run ladder
    works train "${SMALL[@]}" "${CONCAT[@]}" --run concat
    works train "${SMALL[@]}" "${CHAIN[@]}" --run chain
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    ln -s "$BATS_FILE_TMPDIR/shared" runs
}

@test "each level's KL is logged, evaluated and reported" {
    for run in ladder concat chain; do
        grep -q '"event":"train".*"kl_3"' runs/$run/metrics.jsonl
        grep -q '"event":"evaluation".*"kl_3"' runs/$run/metrics.jsonl
        json 'abs(d["kl"] - d["kl_1"] - d["kl_2"] - d["kl_3"]) < 1e-3' evaluate runs/$run
        has "$(cat runs/$run/report.html)" "kl_2"
        [ -s runs/$run/samples/levels.png ]
    done
    json 'min(d["kl_1"], d["kl_2"], d["kl_3"]) >= 0' evaluate runs/ladder
}

@test "bounds at many draws; what needs one Gaussian for all latents is refused" {
    for run in ladder concat chain; do
        works evaluate runs/$run --samples 20 --count 20
        has "$out" "L_20"
        go evaluate runs/$run --latents --count 20
        [ "$code" -eq 2 ]
        has "$err" "kl_1 to kl_3 of its evaluation"
        fails 2 'one of 3 levels' evaluate runs/$run --gap --count 5
    done
    works evaluate runs/ladder --samples 20 -o each.npy --count 5
    works train "${SMALL[@]}" objective.name=iwae objective.samples=3 --run bound
    json '"importance_bound" in d' evaluate bound
}

@test "pictures of levels" {
    for run in ladder chain; do
        works figure runs/$run levels --columns 8 -o levels.png
        python3 - <<'PYTHON'
import struct
head = open("levels.png", "rb").read(32)
assert struct.unpack(">II", head[16:24]) == (3 * 242, 3 * 92), head
PYTHON
        for level in 1 2 3; do
            works traverse runs/$run --level $level --dim 1 --steps 3 -o level$level.png
        done
        not cmp level1.png level3.png
        works traverse runs/$run --dim 1 --steps 3 -o last.png
        cmp last.png level3.png
        works sample runs/$run -n 4
        works reconstruct runs/$run -n 4
        works interpolate runs/$run
        works figure runs/$run latent
    done
    fails 2 'level 4: the levels of latents are 1 to 3' traverse runs/ladder --level 4
    fails 2 'latent 3: the latents are 0 to 2' traverse runs/ladder --level 2 --dim 3
    works encode runs/ladder -n 5 -o z.npy
    python3 -c 'head = open("z.npy", "rb").read(128); assert b"(5, 18)" in head, head'
    works decode runs/ladder -i z.npy
    works train "${TINY[@]}" train.epochs=1 --run vae
    fails 2 'has no levels of latents' figure vae levels
}

@test "a run that is continued is the run that was not stopped" {
    for run in ladder concat; do
        local settings=()
        [ $run = ladder ] || settings=("${CONCAT[@]}")
        works train "${SMALL[@]}" "${settings[@]}" train.steps=9 --run $run
        works resume $run train.steps=0 --threads 1
        cmp "$(newest runs/$run)" "$(newest $run)"
    done
}

@test "what does not go together is told in one line" {
    fails 2 'objective.free_bits is of the KL in closed form' train "${SMALL[@]}" \
        objective.name=iwae objective.free_bits=1 --run no
    fails 2 'unknown key `posterior.merge`' train "${SMALL[@]}" "${CHAIN[@]}" posterior.merge=concat --run no
    fails 2 'precision' train "${SMALL[@]}" posterior.merge=mean --run no
    not test -e no
}

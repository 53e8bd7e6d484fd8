#!/usr/bin/env bats
# Studies that are stopped, killed, trained longer, or fail in part.

load support
load study

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    write_pictures
    write_tiny
    write_long
    works study tiny.yaml --threads 1
    works study long.yaml --threads 1
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    SHARED=$BATS_FILE_TMPDIR/shared
    cp "$SHARED"/*.yaml "$SHARED/lines.npy" .
}

@test "kill -9 in the middle, and the same command gives the same bytes" {
    "$REVERIE" study long.yaml --threads 1 > out.txt 2> err.txt &
    process=$!
    wait_for has_checkpoint runs/long/latent=2,seed=1
    kill -KILL "$process"
    wait "$process" || true
    not test -e runs/long/latent=2,seed=1/report.html
    works study long.yaml --threads 1
    has "$err" "run 1 of 2: latent=2,seed=1 goes on"
    for run in latent=2,seed=1 latent=3,seed=1; do
        same_run "$SHARED/runs/long/$run" "runs/long/$run"
    done
    cmp "$SHARED/runs/long/report.json" runs/long/report.json
    no_temporaries runs
}

@test "Ctrl-C saves the run and stops with 75; the same command goes on" {
    # A shell gives background programs an ignored SIGINT; python3 gives it back.
    python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$REVERIE" study long.yaml --threads 1 > out.txt 2> err.txt &
    process=$!
    wait_for has_checkpoint runs/long/latent=2,seed=1
    kill -INT "$process"
    code=0
    wait "$process" || code=$?
    cat err.txt
    [ "$code" -eq 75 ]
    grep -q 'stopped; the run is saved in runs/long/latent=2,seed=1; the same command goes on' \
        err.txt
    works study long.yaml --threads 1 --dry-run
    has "$out" "1 to run, 1 to resume, 0 done"
    works study long.yaml --threads 1
    same_run "$SHARED/runs/long/latent=2,seed=1" runs/long/latent=2,seed=1
}

@test "more epochs train the runs further, as if they had been asked for at first" {
    cp -r "$SHARED/runs" runs
    works study tiny.yaml train.epochs=3 --threads 1
    works train runs/tiny/beta=2,seed=2 --run whole --threads 1
    cmp whole/metrics.jsonl runs/tiny/beta=2,seed=2/metrics.jsonl
    cmp "$(newest whole)" "$(newest runs/tiny/beta=2,seed=2)"
    fails 2 'train.epochs: 3, and the study now asks for 2' study tiny.yaml
}

@test "one cell that fails leaves the others, and is named at the end" {
    cat > bad.yaml <<YAML
base: lab2-vae-2d
settings: {data: $SMALL, $NETS, train.epochs: 2}
cases:
  wild: {train: {optimizer: sgd, lr: 1e6}}
  tame: {}
YAML
    go study bad.yaml --threads 1
    say_call
    [ "$code" -eq 5 ]
    has "$err" "wild,seed=1 failed: step "
    has "$(tail -n 1 err.txt)" "reverie: error: 1 of 2 runs failed; wild,seed=1: step "
    [ -s runs/bad/tame,seed=1/report.html ]
    has "$out" "tame"
    holds 'd["cells"][0]["done"] == 0 and "not finite" in d["cells"][0]["runs"][0]["failure"] and
        d["cells"][1]["done"] == 1 and d["cells"][1]["values"]["elbo"]["mean"] < 0' \
        runs/bad/report.json
    grep -q 'wild,seed=1 failed: step ' runs/bad/report.html
    go study bad.yaml --threads 1 --quiet
    [ "$code" -eq 5 ]
}

@test "models without an encoder or a bound have studies too" {
    cat > gan.yaml <<YAML
base: lab2-gan
settings: {data: {name: lines.npy, validation: 0, batch: 64}, generator: [linear 16, relu],
    discriminator: [linear 16, leaky_relu 0.2], latent: 4, train.epochs: 2}
grid: {train.lr: [1e-3, 1e-4]}
YAML
    works study gan.yaml --threads 1
    has "$out" "generator_loss"
    has "$out" "training means of the last epoch"
    grep -q 'Generator loss, training' runs/gan/report.html
    works runs compare runs/gan/lr=*
    has "$out" "train generator_loss"
    has "$out" "train.lr"
    not grep -q 'best held out' out.txt
}

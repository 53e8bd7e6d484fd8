#!/usr/bin/env bats
# Damaged files of a run in a study: the other runs are reported, and the run is named.

load support
load study

CELL='runs/tiny/beta=2,seed=2'

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    write_pictures
    write_tiny
    works study tiny.yaml --threads 1
    cp out.txt tiny.txt
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    SHARED=$BATS_FILE_TMPDIR/shared
    cp -r "$SHARED"/*.yaml "$SHARED/lines.npy" "$SHARED/runs" "$SHARED/tiny.txt" .
}

@test "a log that was cut does not keep a run out: its checkpoint says that it is done" {
    for damage in ': >' 'truncate -s 50' 'truncate -s 300' 'rm'; do
        rm -rf runs && cp -r "$SHARED/runs" .
        bash -c "$damage '$CELL/metrics.jsonl'"
        works study tiny.yaml --threads 1 --dry-run
        has "$out" '0 to run, 0 to resume, 4 done'
        rm runs/tiny/report.json # it is evaluated again
        works study tiny.yaml --threads 1
        cmp tiny.txt out.txt
        has "$err" 'all 4 runs are done already'
    done
}

@test "a log that was cut is no reason to call a stopped run done" {
    : > "$CELL/metrics.jsonl"
    works study tiny.yaml train.epochs=3 --threads 1 --dry-run
    grep -q '^beta=2,seed=2 *to resume *2 of 3 ' out.txt
    rm "$CELL/report.html"
    works study tiny.yaml --threads 1 --dry-run
    grep -q '^beta=2,seed=2 *to resume *2 of 2 ' out.txt
}

# reports_the_others: the last call named the run, and has the table of the others.
reports_the_others() {
    [ "$code" -eq 3 ]
    grep -q '^beta=0.5  *2 of 2 ' out.txt
    grep -q '^beta=2  *1 of 2 ' out.txt
    grep -q '; best by elbo, but the cells have unequal numbers of runs$' out.txt
    has "$(tail -n 1 err.txt)" 'error: 1 of 4 runs failed; beta=2,seed=2: '
    has "$err" "(remove $CELL, and the same command trains it again)"
    grep -q 'beta=2,seed=2 failed: ' runs/tiny/report.html
    grep -q 'but the cells have unequal numbers of runs' runs/tiny/report.html
    holds 'd["uneven"] and [c["done"] for c in d["cells"]] == [2, 1] and
        "remove" in d["cells"][1]["runs"][1]["failure"]' runs/tiny/report.json
}

@test "a run whose checkpoints or settings are damaged is named, and the others are reported" {
    for files in 'checkpoints/*' 'checkpoints/step*' 'config.yaml'; do
        rm -rf runs && cp -r "$SHARED/runs" .
        for file in "$CELL"/$files; do
            : > "$file"
        done
        for again in 1 2; do
            go study tiny.yaml --threads 1
            reports_the_others
        done
        go study tiny.yaml --threads 1 --json
        [ "$code" -eq 3 ]
        holds 'd["uneven"]'
    done
    rm -r "$CELL" # as it said
    works study tiny.yaml --threads 1
    cmp tiny.txt out.txt
}

@test "an earlier checkpoint does not stand for a damaged last one" {
    last=$(compgen -G "$CELL/checkpoints/step*" | tail -n 1)
    early=$CELL/checkpoints/step-00000001.safetensors
    python3 - "$last" "$early" <<'PYTHON'
import sys
data = open(sys.argv[1], "rb").read()
assert b'"step":"' in data
at = data.index(b'"step":"') + 8
end = data.index(b'"', at)
data = data[:at] + b"1".rjust(end - at, b"0") + data[end:]
mark = data.index(b'"xxh3_128"') # without the checksum, which no longer holds
open(sys.argv[2], "wb").write(data.replace(b'"xxh3_128"', b'"xxh3_12x"'))
PYTHON
    : > "$last"
    go study tiny.yaml --threads 1
    reports_the_others
    has "$err" 'its last, cannot be read'
}

@test "without a log, a model that is not evaluated has no values, and that is said" {
    cat > gan.yaml <<YAML
base: lab2-gan
settings: {data: {name: digits, limit: 100, batch: 50}, train.epochs: 1}
seeds: 2
YAML
    works study gan.yaml --threads 1
    : > runs/gan/seed=2/metrics.jsonl
    rm runs/gan/report.json
    go study gan.yaml --threads 1
    [ "$code" -eq 3 ]
    grep -q '^base  *1 of 2 ' out.txt
    has "$err" 'seed=2/metrics.jsonl: lacks the values of epoch 1'
}

@test "a dry run names the runs that their checkpoints keep from being evaluated or going on" {
    flip_bit "$(compgen -G "$CELL/checkpoints/step*" | tail -n 1)"
    go study tiny.yaml --threads 1 --dry-run
    [ "$code" -eq 3 ]
    grep -q '^beta=2,seed=2 *damaged *2 of 2 ' out.txt
    has "$out" '0 to run, 0 to resume, 3 done, 1 damaged'
    has "$(tail -n 1 err.txt)" 'error: 1 of 4 runs failed; beta=2,seed=2: '
    go study tiny.yaml --threads 1 --dry-run --json
    [ "$code" -eq 3 ]
    holds '[r["state"] for r in d["runs"]].count("damaged") == 1 and
        "remove" in d["runs"][3]["failure"] and d["runs"][0]["failure"] is None'
    rm "$CELL/report.html" # stopped, without a checkpoint to go on from
    for file in "$CELL"/checkpoints/step*; do
        : > "$file"
    done
    go study tiny.yaml --threads 1 --dry-run
    [ "$code" -eq 3 ]
    has "$out" '0 to run, 0 to resume, 3 done, 1 damaged'
}

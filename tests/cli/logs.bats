#!/usr/bin/env bats
# Weights are never hostage to a picture or to a log.

load support

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${TINY[@]}" --run run
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    RUN=$BATS_FILE_TMPDIR/shared/run
}

# npy FILE SHAPE: an array of bytes.
npy() {
    python3 - "$1" "$2" <<'PYTHON'
import sys
shape = eval(sys.argv[2])
count = 1
for n in shape: count *= n
text = "{'descr': '|u1', 'fortran_order': False, 'shape': %s, }" % (shape,)
text += " " * (63 - (10 + len(text)) % 64) + "\n"
open(sys.argv[1], "wb").write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") +
    text.encode() + bytes((i * 37) % 256 for i in range(count)))
PYTHON
}

@test "images that cannot be drawn are said at the start, and trained on" {
    for shape in "(60, 8, 8, 2)" "(60, 6, 6, 28)"; do
        npy set.npy "$shape"
        rm -rf run
        works train lab2-vae-2d data.name=./set.npy data.pixels=gray data.validation=20 \
            data.batch=10 train.epochs=2 "encoder=[linear 8]" "decoder=[linear 8]" --run run
        has "$err" 'channels are not drawn'
        works resume run train.epochs=3
        [ -s run/report.html ]
        works evaluate run --split validation
    done
}

@test "a picture that cannot be written is said once, and comes after the checkpoint" {
    cp -r "$RUN" run
    rm -r run/samples
    touch run/samples # a file where the folder was
    works resume run train.epochs=4
    [ "$(grep -c 'goes on without pictures' err.txt)" -eq 1 ]
    ls run/checkpoints
    [ -f run/checkpoints/step-00000024.safetensors ]
}

@test "metrics.jsonl deleted, cut, or a folder: it is said, and the run goes on" {
    works train "${TINY[@]}" train.epochs=3 --run whole
    for damage in 'rm run/metrics.jsonl' 'truncate -s 100 run/metrics.jsonl' \
        'rm run/metrics.jsonl && mkdir run/metrics.jsonl' 'rm run/timing.jsonl' \
        'rm run/env.json' 'rm run/data.json' \
        'rm run/env.json run/data.json && mkdir run/env.json && mkfifo run/data.json'; do
        rm -rf run
        cp -r "$RUN" run
        bash -c "$damage"
        works resume run train.epochs=3
        cmp "$(newest whole)" "run/checkpoints/$(basename "$(newest whole)")" || {
            # The place in the log is in the checkpoint too: the weights are what counts.
            works inspect "$(newest run)" --json
            grep -o '"xxh3[^,]*' out.txt || true
            works evaluate whole
            cp out.txt whole.txt
            works evaluate run
            cmp whole.txt out.txt
        }
    done
}

@test "the seconds of timing.jsonl add up over resumes" {
    cp -r "$RUN" run
    before=$(tail -n 1 run/timing.jsonl | sed 's/.*"seconds":\([0-9.]*\).*/\1/')
    works resume run train.epochs=3
    python3 - "$before" run/timing.jsonl <<'PYTHON'
import json, sys
seconds = [json.loads(line)["seconds"] for line in open(sys.argv[2])]
assert seconds == sorted(seconds), seconds
assert seconds[-1] > float(sys.argv[1]) > 0
PYTHON
}

@test "pictures that were not drawn before a kill are drawn on resuming" {
    cp -r "$RUN" run
    rm run/samples/epoch-0002-samples.png run/checkpoints/step-00000006.safetensors
    works train "${TINY[@]}" train.epochs=3 --run whole
    works resume run train.epochs=3
    diff -r whole/samples run/samples
}

@test "a log without values is no chart of nothing" {
    cp -r "$RUN" run
    : > run/metrics.jsonl
    fails 3 'run/metrics.jsonl: has no values to draw' figure run curves -o curves.png
    [ ! -e curves.png ]
    rm run/metrics.jsonl
    fails 3 'run/metrics.jsonl: ' figure run curves -o curves.png
}

@test "a config.yaml that is no configuration is a damaged file of the run, in every verb" {
    cp -r "$RUN" run
    for damage in '' 'model: none' 'model: [vae' 'modle: vae'; do
        printf '%s' "$damage" > run/config.yaml
        for call in "evaluate run" "sample run" "resume run" "resume run train.epochs=3" \
            "figure run curves" "show run" "runs compare run $RUN" "runs compare $RUN run"; do
            # shellcheck disable=SC2086
            fails 3 'run/config.yaml' $call
        done
        works runs list --folder .
        has "$err" 'run/config.yaml'
    done
}

@test "damaged lines and facts of a run are said by every verb that reads them" {
    works runs best --folder "$(dirname "$RUN")"
    mkdir -p few
    cp -r "$RUN" few/run
    { printf '\0\0\n' && cat "$RUN/metrics.jsonl"; } > few/run/metrics.jsonl
    echo '{' > few/run/env.json
    echo '[' > few/run/data.json
    for verb in list best; do
        works runs $verb --folder few
        [ "$(grep -c 'metrics.jsonl: 1 of 5 lines cannot be read, line 1' err.txt)" -eq 1 ]
        [ "$(grep -c 'env.json: is no JSON' err.txt)" -eq 1 ]
        [ "$(grep -c 'data.json: is no JSON' err.txt)" -eq 1 ]
    done
    works figure few/run curves -o curves.png
    [ "$(grep -c 'cannot be read' err.txt)" -eq 1 ]
    works resume few/run train.epochs=3
    [ "$(grep -c 'env.json: is no JSON' err.txt)" -eq 1 ]
}

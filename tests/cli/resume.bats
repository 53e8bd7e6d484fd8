#!/usr/bin/env bats
# Stopping, killing and resuming: whatever happens, the run ends as if it had not happened.

load support

# Long enough to be stopped in the middle of an epoch, with checkpoints on the way.
LONG=("${TINY[@]}" data.limit=3100 train.epochs=3 train.save=7 train.log=10)

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${TINY[@]}" --run tiny
    works train "${LONG[@]}" --run long
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    TINY_RUN=$BATS_FILE_TMPDIR/shared/tiny
    LONG_RUN=$BATS_FILE_TMPDIR/shared/long
}

# wait_for COMMAND...: until it succeeds, ten seconds at most.
wait_for() {
    for _ in $(seq 1000); do
        "$@" 2> /dev/null && return 0
        sleep 0.01
    done
    echo "never: $*" && return 1
}

has_checkpoint() {
    compgen -G "$1/checkpoints/step-*.safetensors" > /dev/null
}

# stop PROCESS SIGNAL: its exit code to $code.
stop() {
    local process=$1
    kill "-$2" "$process" 2> /dev/null || true
    code=0
    wait "$process" || code=$?
}

@test "SIGINT saves and says how to go on, and resuming gives the same bytes" {
    for signal in INT TERM; do
        # A shell gives background programs an ignored SIGINT; python3 gives it back.
        python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$REVERIE" train "${LONG[@]}" --run "$signal" \
            > out.txt 2> err.txt &
        process=$!
        wait_for has_checkpoint "$signal"
        stop "$process" "$signal"
        cat err.txt
        [ "$code" -eq 75 ]
        [ ! -s out.txt ]
        grep -q "stopped; saved in $signal; go on with .*reverie resume $signal" err.txt
        no_temporaries "$signal"
        works resume "$signal"
        same_run "$LONG_RUN" "$signal"
    done
}

@test "kill -9 at random moments, and resuming gives the same bytes" {
    RANDOM=${SEED:-$$}
    echo "SEED=${SEED:-$$}"
    "$REVERIE" train "${LONG[@]}" --run killed > out.txt 2> err.txt &
    process=$!
    wait_for test -e killed/config.yaml
    for kill in 1 2 3 4 5; do
        sleep "0.$(printf %03d $((RANDOM % 150)))"
        stop "$process" KILL
        echo "kill $kill: code $code, $(ls killed/checkpoints 2> /dev/null | tr '\n' ' ')"
        cat err.txt
        [ "$code" -eq 137 ] || [ "$code" -eq 0 ]
        "$REVERIE" resume killed > out.txt 2> err.txt &
        process=$!
    done
    code=0
    wait "$process" || code=$?
    cat err.txt
    [ "$code" -eq 0 ]
    same_run "$LONG_RUN" killed
    no_temporaries killed
    [ -s killed/report.html ]
}

@test "a run killed before its first checkpoint begins again" {
    cp -r "$TINY_RUN" run
    rm run/checkpoints/*
    fails 3 'no checkpoint yet' evaluate run
    works resume run
    has "$err" 'no checkpoint yet'
    same_run "$TINY_RUN" run
}

@test "training longer is as if it had been asked for at first" {
    works train "${TINY[@]}" train.epochs=4 --run whole
    cp -r "$TINY_RUN" longer
    works resume longer train.epochs=4
    same_run whole longer
    cmp whole/config.yaml longer/config.yaml
    works resume longer
    same_run whole longer
}

@test "from an older checkpoint: what came after is given up" {
    cp -r "$TINY_RUN" run
    works resume run --from run/checkpoints/step-00000006.safetensors
    same_run "$TINY_RUN" run
    # Also where the second half is stopped before it ends: nothing newer lies about.
    works resume run --from run/checkpoints/step-00000006.safetensors train.steps=8
    [ "$(ls run/checkpoints | tr '\n' ' ')" = \
        "best.safetensors step-00000006.safetensors step-00000008.safetensors " ]
    works resume run train.steps=0
    cmp "$TINY_RUN/metrics.jsonl" run/metrics.jsonl
}

@test "train --from another run goes on from its checkpoint" {
    works train "${TINY[@]}" --run run --from "$TINY_RUN/checkpoints/step-00000006.safetensors"
    tail -n 2 "$TINY_RUN/metrics.jsonl" | cmp - run/metrics.jsonl
    rm run/checkpoints/best.safetensors "$(newest run)"
    works resume run
    tail -n 2 "$TINY_RUN/metrics.jsonl" | cmp - run/metrics.jsonl
    fails 3 'values, not' train "${TINY[@]}" latent=3 --run other \
        --from "$TINY_RUN/checkpoints/step-00000006.safetensors"
    not test -e other
    fails 3 'nowhere' train "${TINY[@]}" --run other --from nowhere
    not test -e other
    fails 3 'nowhere' train "${TINY[@]}" --run run --force --from nowhere
    [ -s run/report.html ]
}

@test "settings that do not go with the checkpoint change nothing" {
    cp -r "$TINY_RUN" run
    fails 3 'encoder.2.weight has' resume run latent=5
    cmp "$TINY_RUN/config.yaml" run/config.yaml
    fails 2 'unknown key' resume run train.epoch=5
    works resume run
    same_run "$TINY_RUN" run
}

@test "one flipped bit in the newest checkpoint: a notice, and the one before is used" {
    cp -r "$TINY_RUN" run
    flip_bit "$(newest run)"
    works evaluate run
    has "$err" "step-00000012.safetensors"
    has "$err" "the one before it is tried"
    fails 3 'step-00000012.safetensors' evaluate run --checkpoint "$(newest run)"
    fails 3 'step-00000012.safetensors' inspect "$(newest run)"
    works resume run
    has "$err" "the one before it is tried"
    same_run "$TINY_RUN" run
}

@test "a truncated checkpoint: a notice, and the one before is used" {
    for bytes in 0 7 300 500000 -1; do
        rm -rf run
        cp -r "$TINY_RUN" run
        truncate -s "$bytes" "$(newest run)" # -1: one byte less
        works sample run -n 1 -o s.png
        has "$err" "the one before it is tried"
        works resume run
        same_run "$TINY_RUN" run
    done
}

@test "no whole checkpoint: exit code 3, and nothing is touched" {
    cp -r "$TINY_RUN" run
    for file in run/checkpoints/*; do
        flip_bit "$file"
    done
    cp -r run before
    fails 3 'no checkpoint can be read' resume run
    fails 3 'no checkpoint can be read' evaluate run
    fails 3 'best.safetensors: checksum mismatch' evaluate run --checkpoint best
    diff -r before run
}

@test "a NaN is exit code 5, with the step, the node and the last good checkpoint" {
    fails 5 'the loss is not finite; the first value that is not is ' \
        train "${TINY[@]}" train.optimizer=sgd train.lr=1e6 train.save=1 --run run
    has "$err" 'error: step 3 (epoch 1): '
    has "$err" 'matmul ['
    has "$err" 'The last good checkpoint is run/checkpoints/step-00000002.safetensors'
    has "$err" 'train.lr'
    no_temporaries run
    works inspect run/checkpoints/step-00000002.safetensors
    has "$out" 'checksum: good'
}

@test "a full disk is exit code 4, with what was there before intact" {
    mkdir disk
    mount -t tmpfs -o size=3m tmpfs disk 2> /dev/null || skip "a tmpfs cannot be mounted here"
    code=0
    "$REVERIE" train "${LONG[@]}" train.save=0 --run disk/run > out.txt 2> err.txt || code=$?
    cp -r disk/run copy
    umount disk
    cat err.txt
    [ "$code" -eq 4 ]
    [ ! -s out.txt ]
    grep -q 'reverie: error: disk/run/.*No space left on device' err.txt
    no_temporaries copy
    works resume copy
    works train "${LONG[@]}" train.save=0 --run undisturbed
    same_run undisturbed copy
}

@test "a disk too full for a run's first files is exit code 4, and nothing stays" {
    mkdir disk
    mount -t tmpfs -o size=4k tmpfs disk 2> /dev/null || skip "a tmpfs cannot be mounted here"
    go train "${TINY[@]}" --run disk/run
    ls disk > left.txt
    umount disk
    say_call
    [ "$code" -eq 4 ]
    has "$err" 'No space left on device'
    [ ! -s left.txt ]
}

@test "a file that may not grow is exit code 4, with the last checkpoint intact" {
    cp -r "$TINY_RUN" run
    code=0
    (
        trap '' XFSZ
        ulimit -f 400
        exec "$REVERIE" resume run train.epochs=3
    ) > out.txt 2> err.txt || code=$?
    cat err.txt
    [ "$code" -eq 4 ]
    [ ! -s out.txt ]
    grep -q 'reverie: error: run/checkpoints/.*what was there before is untouched: File too large' \
        err.txt
    no_temporaries run
    same_checkpoints "$TINY_RUN" run
    works resume run
    works train "${TINY[@]}" train.epochs=3 --run whole
    cmp whole/metrics.jsonl run/metrics.jsonl
    cmp "$(newest whole)" "$(newest run)"
    cmp whole/checkpoints/best.safetensors run/checkpoints/best.safetensors
}

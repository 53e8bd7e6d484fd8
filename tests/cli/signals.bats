#!/usr/bin/env bats
# Signals: a hang-up saves as Ctrl-C does; what the parent ignores stays ignored.
load support.bash

setup() {
    prepare "$BATS_TEST_TMPDIR"
    process=
}

teardown() {
    [ -z "$process" ] || kill -KILL "$process" 2> /dev/null || true
}

ENDLESS=(lab2-vae-2d data.name=digits data.limit=200 data.validation=50 train.epochs=100000
    "encoder=[linear 16, relu]" "decoder=[linear 16, relu]" --quiet --threads 1)

# begin IGNORED: a training in the background that ignores these signals from its start, and no
# others: a shell would add SIGINT.
begin() {
    python3 -c 'import os, signal, sys
ignored = sys.argv[1].split()
for name in ("INT", "TERM", "HUP"):
    number = getattr(signal, "SIG" + name)
    signal.signal(number, signal.SIG_IGN if name in ignored else signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])' "$1" "$REVERIE" train "${ENDLESS[@]}" --run run \
        > out.txt 2> err.txt &
    process=$!
    for ((i = 0; i < 600; i++)); do
        ls run/checkpoints/step-*.safetensors > /dev/null 2>&1 && return
        sleep 0.05
    done
    cat err.txt
    return 1
}

lines() {
    wc -l < run/metrics.jsonl
}

# It lives, and trains on.
goes_on() {
    local before
    before=$(lines)
    for ((i = 0; i < 600; i++)); do
        kill -0 "$process" || { cat err.txt && return 1; }
        [ "$(lines)" -gt $((before + 4)) ] && return
        sleep 0.05
    done
    return 1
}

# stops SIGNAL [ECHO]: it saves, says how to go on, and that works.
stops() {
    local code=0
    kill "-$1" "$process"
    [ $# -lt 2 ] || kill "-$2" "$process" || true
    wait "$process" || code=$?
    process=
    cat err.txt
    [ "$code" -eq 75 ]
    grep -q "stopped; saved in run; go on with .* resume run" err.txt
    no_temporaries run
}

@test "a hang-up saves, as SIGINT and SIGTERM do" {
    for signal in HUP INT TERM; do
        begin ""
        stops "$signal"
        rm -r run
    done
}

@test "under nohup a training survives the hang-up, and SIGTERM still saves" {
    begin HUP
    kill -HUP "$process"
    goes_on
    stops TERM
}

@test "an ignored SIGINT stays ignored, as in the background of a shell" {
    begin INT
    kill -INT "$process"
    goes_on
    stops HUP
}

@test "with all three ignored nothing stops it" {
    begin "INT TERM HUP"
    for signal in INT TERM HUP; do kill "-$signal" "$process"; done
    goes_on
}

@test "a second signal at once is an echo of the first: timeout, a terminal that closes" {
    for echo in TERM HUP INT; do
        rm -rf run
        begin ""
        stops TERM "$echo"
        rm -rf run
        begin ""
        stops HUP "$echo"
    done
}

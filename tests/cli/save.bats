#!/usr/bin/env bats
# SIGKILL in the middle of a save: at renames, syncs and removals of a run's files, the folder stays
# resumable and the resumed run ends in the same bytes as one that was never killed.

load support.bash

setup_file() {
    prepare "$BATS_FILE_TMPDIR/files"
    "$REVERIE" train "${TINY[@]}" --quiet --run whole > /dev/null
}

setup() {
    prepare "$BATS_FILE_TMPDIR/files"
    command -v strace > /dev/null || skip "strace is not installed"
    strace -o /dev/null true 2> /dev/null || skip "tracing is not allowed here"
}

# killed_at CALL N: killed when it makes that call for the N-th time; then resumed and compared.
killed_at() {
    rm -rf killed
    { strace -f -o trace.txt -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" \
        "$REVERIE" train "${TINY[@]}" --quiet --run killed > /dev/null 2>&1; } 2> /dev/null || true
    if ! grep -q SIGKILL trace.txt; then
        echo "$1 is not called $2 times: the run was not killed"
        return 1
    fi
    if [ ! -e killed/config.yaml ]; then # before the run began: nothing to resume
        return 0
    fi
    works resume killed --quiet
    cmp whole/metrics.jsonl killed/metrics.jsonl
    for file in whole/checkpoints/*.safetensors; do
        cmp "$file" "killed/checkpoints/$(basename "$file")"
    done
    if find killed -name '*.reverie-tmp*' | grep .; then
        echo "a temporary was left"
        return 1
    fi
}

@test "killed at a rename" {
    for n in 1 2 3 5 6 7 9; do
        killed_at rename "$n"
    done
}

@test "killed at a sync" {
    for n in 1 3 5 9 10 12 13; do
        killed_at fsync "$n"
    done
}

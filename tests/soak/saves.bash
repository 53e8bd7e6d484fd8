#!/usr/bin/env bash
# SIGKILL at each system call of the saves of a training: whichever it is, the run goes on to the same
# bytes.
# usage: saves.bash PROGRAM SECONDS
source "$(dirname "$0")/support.bash"
begin saves "$@"
needs_strace

calls_a_run=12 # then another family
killed=0 of=0 used=()
while next_trial; do
    one_of $FAMILIES && name=$choice
    family "$name"
    list_calls "$name" openat,write,fsync,flock,rename,unlink,unlinkat,mkdir,ftruncate,close \
        'checkpoints|metrics.jsonl'
    of=$((of + $(wc -l < calls.txt))) used+=("$name")
    while read -r call n; do
        inject "$call" "$n" signal=KILL
        grep -q SIGKILL trace.txt || broken "$name: not killed at $call $n, code $code"
        check_whole "$name" traced "killed at $call $n"
        finish_run "$name" traced "killed at $call $n"
        killed=$((killed + 1))
        [ "$SECONDS" -lt "$deadline" ] || break
    done < <(shuf --random-source=<(yes "$trial_seed") calls.txt | head -n $calls_a_run)
done
finish "$killed kills at $of system calls of saves (${used[*]}), 0 unloadable, 0 different"

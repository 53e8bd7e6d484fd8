#!/usr/bin/env bash
# kill -9 at random times of a training and of its resumptions: nothing is unloadable, and in the end
# every byte is as if nothing had happened.
# usage: kills.bash PROGRAM SECONDS
source "$(dirname "$0")/support.bash"
begin kills "$@"

kills_a_run=6 # then it may end
kills=0 runs=0 early=0
# until_killed NAME COMMAND...: whether it was.
until_killed() {
    local name=$1 process code=0
    shift
    "$@" > out.txt 2> err.txt &
    process=$!
    if [ $left -gt 0 ]; then
        nap $(($(milliseconds "$name") + 50))
        kill -KILL $process 2> /dev/null
    fi
    left=$((left - 1))
    { wait $process; } 2> /dev/null || code=$?
    [ $code -eq 137 ] && return 0
    [ $code -eq 0 ] || broken "$name: code $code after $kills kills"
    return 1
}

while next_trial; do
    one_of $FAMILIES && name=$choice
    family "$name"
    rm -rf run
    left=$kills_a_run
    again=("$PROGRAM" train "${FAMILY[@]}" --run run)
    while until_killed "$name" "${again[@]}"; do
        kills=$((kills + 1))
        check_whole "$name" run "after kill $kills"
        if [ -e run/config.yaml ]; then
            again=("$PROGRAM" resume run --quiet --threads 1)
        else
            early=$((early + 1))
        fi
    done
    check_same "$name" run "after kills"
    runs=$((runs + 1))
done
finish "$kills kills at random in $runs runs, $early before the run began, 0 unloadable, 0 different"

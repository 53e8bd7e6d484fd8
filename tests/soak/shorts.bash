#!/usr/bin/env bash
# Reads and writes that stop short or are interrupted, everywhere: the same bytes in the end.
# usage: shorts.bash PROGRAM SECONDS   (SHORTS names the library of shorts.c)
source "$(dirname "$0")/support.bash"
begin shorts "$@"
library=${SHORTS:-$(dirname "$PROGRAM")/tests/soak/libshorts.so}
[ -e "$library" ] || skip "$library is not built"

runs=0 calls=0
while next_trial; do
    one_of $FAMILIES && name=$choice
    family "$name"
    rm -rf run count.txt
    train run env LD_PRELOAD="$library" SHORTS_SEED=$trial_seed SHORTS_COUNT="$work/count.txt" ||
        broken "$name: code $? under short reads and writes"
    check_same "$name" run "under short reads and writes"
    rm run/checkpoints/best.safetensors "run/checkpoints/$(ls run/checkpoints | tail -n 1)"
    LD_PRELOAD="$library" SHORTS_SEED=$trial_seed SHORTS_COUNT="$work/count.txt" \
        go resume run --quiet --threads 1 || broken "$name: resumed, code $?"
    cmp -s run/metrics.jsonl "$references/$name/metrics.jsonl" || broken "$name: resumed, another"
    runs=$((runs + 1)) calls=$((calls + $(awk '{ n += $1 } END { print n }' count.txt)))
done
finish "$runs runs, $calls calls cut short or interrupted, 0 different"

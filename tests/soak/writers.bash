#!/usr/bin/env bash
# Two processes that would write one run, or one study: exactly one does, and its bytes are those of
# the reference; the other says who holds it (exit 2) and harms nothing.
# usage: writers.bash PROGRAM SECONDS
source "$(dirname "$0")/support.bash"
begin writers "$@"

# both FIRST... -- SECOND...: at nearly the same time; codes to $a and $b, messages to a.txt, b.txt.
both() {
    local first=() process
    while [ "$1" != -- ]; do
        first+=("$1") && shift
    done
    shift
    a=0 b=0
    "$PROGRAM" "${first[@]}" > out.txt 2> a.txt &
    process=$!
    nap $((delay))
    "$PROGRAM" "$@" > out.txt 2> b.txt || b=$?
    wait $process || a=$?
}

# check_one WHAT [OTHER]: one did it, one was refused, with the number of the process that holds it, or
# for another reason that holds as well.
check_one() {
    cat a.txt b.txt > err.txt
    case "$a $b" in
        "0 2") grep -qE "process [0-9]+${2:+|$2}" b.txt || broken "$1: the holder is not named" ;;
        "2 0") grep -qE "process [0-9]+${2:+|$2}" a.txt || broken "$1: the holder is not named" ;;
        "0 0") # the second began when the first had ended, or both wrote
            broken "$1: both say that they succeeded" ;;
        *) broken "$1: codes $a and $b, not 0 and 2" ;;
    esac
}

pairs=0
while next_trial; do
    one_of $FAMILIES && name=$choice
    family "$name"
    delay=$(($(milliseconds "$name") / 4))
    rm -rf run
    both train "${FAMILY[@]}" --run run -- train "${FAMILY[@]}" --run run
    check_one "$name: two trainings" 'holds a run already'
    check_same "$name" run "with two trainings"
    # Of a run that has begun: a training goes on while the same is resumed.
    rm -rf run
    "$PROGRAM" train "${FAMILY[@]}" --run run > out.txt 2> a.txt &
    process=$!
    until compgen -G 'run/checkpoints/step-*' > /dev/null || ! kill -0 $process 2> /dev/null; do
        sleep 0.01
    done
    a=0 b=0
    "$PROGRAM" resume run --quiet --threads 1 > out.txt 2> b.txt || b=$?
    wait $process || a=$?
    check_one "$name: resumed while it trains"
    check_same "$name" run "resumed while it trained"
    # A study of the family, with two seeds.
    printf 'base: lab2-vae-2d\ngrid: {latent: [1, 2]}\n' > study.yaml
    rm -rf study alone
    study=(study study.yaml "${SMALL[@]}" "encoder=[linear 8]" "decoder=[linear 8]")
    [ -e "$references/study" ] || go "${study[@]}" --folder "$references/study" ||
        broken "the study alone: code $?"
    both "${study[@]}" --folder study -- "${study[@]}" --folder study
    check_one "two studies"
    for cell in "$references"/study/*/; do
        cmp -s "$cell/metrics.jsonl" "study/$(basename "$cell")/metrics.jsonl" ||
            broken "two studies: $(basename "$cell") is another"
    done
    pairs=$((pairs + 3))
done
finish "$pairs pairs of writers, one of each wrote, 0 different"

#!/usr/bin/env bash
# One bit of a checkpoint flipped, or its end cut off: always noticed (exit 3), and the run goes on
# from the checkpoint before.
# usage: damage.bash PROGRAM SECONDS
source "$(dirname "$0")/support.bash"
begin damage "$@"

# flip FILE OFFSET BIT; twice is as if never.
flip() {
    local byte
    byte=$(od -An -v -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %02x $((byte ^ (1 << $3))))" |
        dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# check_noticed WHAT
check_noticed() {
    local code=0
    go inspect "$file" || code=$?
    [ $code -eq 3 ] || broken "$name $1: inspect says $code, not 3"
    grep -q "${file##*/}" err.txt || broken "$name $1: the message does not name the file"
}

# check_passed_over WHAT: the one before is used, and the run ends as it did.
check_passed_over() {
    go resume run --quiet --threads 1 || broken "$name $1: not resumed, code $?"
    grep -q "${file##*/}.*the one before it is tried" err.txt || broken "$name $1: nothing is said"
    check_same "$name" run "$1"
    resumed=$((resumed + 1))
}

flips=0 cuts=0 resumed=0
while next_trial; do
    one_of $FAMILIES && name=$choice
    family "$name"
    rm -rf run
    cp -r "$references/$name" run
    file=run/checkpoints/$(ls run/checkpoints | tail -n 1)
    size=$(stat -c %s "$file")
    for ((i = 0; i < 60; i++)); do
        offset=$(((RANDOM * 32768 + RANDOM) % size)) bit=$((RANDOM % 8))
        flip "$file" $offset $bit
        check_noticed "bit $bit of byte $offset flipped"
        [ $i -lt 59 ] || check_passed_over "bit $bit of byte $offset flipped"
        [ $i -eq 59 ] || flip "$file" $offset $bit
        flips=$((flips + 1))
        [ "$SECONDS" -lt "$deadline" ] || break
    done
    cp "$references/$name/checkpoints/${file##*/}" whole
    for ((i = 0; i < 30; i++)); do # half of them within the header
        length=$(((RANDOM * 32768 + RANDOM) % (i % 2 ? size : 4096)))
        head -c $length whole > "$file"
        check_noticed "cut to $length bytes"
        cuts=$((cuts + 1))
        [ "$SECONDS" -lt "$deadline" ] || break
    done
    check_passed_over "cut to $length bytes"
done
finish "$flips bits flipped, $cuts files cut short, all noticed, $resumed resumed from the one before"

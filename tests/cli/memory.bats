#!/usr/bin/env bats
# Without memory every verb says so in one line and exits with 6: no crash, no endless loop, no
# advice about corrupt files, nothing left out, and no run that cannot be gone on with.
load support.bash
load starving.bash

setup_file() {
    export STARVE=${STARVE-${SOURCE:-$BATS_TEST_DIRNAME/../..}/build/tests/libstarve.so}
    [ -e "$STARVE" ] || return 0
    prepare "$BATS_FILE_TMPDIR/work"
    starved_prepare
}

setup() {
    [ -e "$STARVE" ] || skip "allocations cannot be failed in this build (sanitizers)"
    cd "$BATS_FILE_TMPDIR/work"
}

# A few allocations of each verb, spread over all of them, once and from there on.
sample() {
    for verb in "$@"; do
        starved_whole "$verb"
        for at in 7 $((asked / 3)) $((asked * 4 / 5)); do
            starved "$verb" "$at" $((at % 2))
        done
    done
}

@test "training and going on" {
    sample train resume study
}

@test "numbers of a run" {
    sample evaluate samples latents encode decode classify
}

@test "pictures of a run" {
    sample sample latent_svg curves_png animation
}

@test "what there is" {
    sample inspect inspect_json show list compare data recipes doctor studies
}

# Reading the checkpoint: it is good, and nothing says otherwise.
@test "a checkpoint that there is no memory to read is not called corrupt" {
    starved_whole evaluate
    for ((at = 600; at < 2400; at += 180)); do
        starved evaluate "$at" 1
        not grep -q "corrupt\|can be read\|train the run again\|is tried" got.err
    done
}

@test "names and lines of JSON are all there, or it is said" {
    starved_whole data
    for ((at = 1; at <= asked; at += 3)); do starved data "$at" 0; done
}

# Memory that the system does not give, to mappings too; 127: not even the program itself has room.
@test "under limits of the address space" {
    for ((limit = 60000; limit < 330000; limit += 20000)); do
        for verb in evaluate train latent_svg; do
            starved_call "$verb"
            starved_clear "$verb"
            code=0
            (ulimit -v "$limit" && exec "$REVERIE" "${call[@]}") > got.out 2> got.err || code=$?
            [[ $code =~ ^(0|6|127)$ ]] || { echo "$verb in $limit KB: $code" && cat got.err && return 1; }
            [ "$code" -ne 6 ] || [ "$(grep -c '^reverie: error: ' got.err)" -eq 1 ]
        done
    done
}

#!/usr/bin/env bash
# memory.sh REVERIE SECONDS [SEED]: fails allocations of every verb, at random, for so long; prints
# what is wrong, and exits with 1 when anything was.  tests/cli/starve.c is compiled for it.
set -u
REVERIE=$(realpath "$1") seconds=$2 RANDOM=${3:-$$}
SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
STARVE=$work/libstarve.so
${CC:-cc} -O1 -shared -fPIC -D_GNU_SOURCE -o "$STARVE" "$SOURCE/tests/cli/starve.c" || exit 2
. "$SOURCE/tests/cli/starving.bash"
unset REVERIE_DATA XDG_CACHE_HOME
export HOME=$work
cd "$work" && ln -s "$SOURCE/recipes" recipes && starved_prepare || exit 2

tried=0 wrong=0
until=$((SECONDS + seconds))
while [ "$SECONDS" -lt "$until" ]; do
    for verb in $STARVED_VERBS; do
        starved_whole "$verb" || exit 2
        for ((i = 0; i < 10 && SECONDS < until; i++)); do
            at=$((1 + (RANDOM * 32768 + RANDOM) % asked))
            starved "$verb" "$at" $((i % 2)) || wrong=$((wrong + 1))
            tried=$((tried + 1))
        done
    done
done
echo "out of memory: $tried tries, $wrong wrong"
[ "$wrong" -eq 0 ]

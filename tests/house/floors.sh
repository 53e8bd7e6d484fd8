#!/bin/sh
# The floors hold: a file of floor 1 that includes floor 2 does not compile, and neither does a wing
# that includes floor 1.  The same files with an allowed include do, so the check can fail.  And no
# room calls a function of a room that it does not see.
# usage: floors.sh BUILD
set -u
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

compiles() { # room, include line
    echo "$2" > "$work/probe.c"
    paths=
    for room in $(cat "$build/rooms/$1.sees"); do
        paths="$paths -I$build/rooms/$room"
    done
    # shellcheck disable=SC2086
    cc -std=gnu17 -fsyntax-only $paths "$work/probe.c" 2> /dev/null
}

must() { # room, include line
    compiles "$1" "$2" || { echo "room $1: $2 should compile"; bad=1; }
}

must_not() {
    if compiles "$1" "$2"; then
        echo "room $1: $2 should not compile"
        bad=1
    fi
}

must graph '#include "core/arena.h"'
must_not graph '#include "reverie/program.h"'
must_not graph '#include "program/program.h"'
must data '#include "reverie/io.h"'
must_not data '#include "reverie/graph.h"'
must nn '#include "reverie/graph.h"'
must_not nn '#include "reverie/program.h"'
must train '#include "reverie/eval.h"'
must_not train '#include "reverie/viz.h"'
must_not core '#include "reverie/graph.h"'
must program '#include "backend/cpu/cpu.h"'
must_not program '#include "backend/cpu/plan/plan.h"'
must_not backend '#include "reverie/program.h"'
must cpu_conv '#include "backend/cpu/matmul/contract.h"'
must_not cpu_conv '#include "backend/cpu/plan/plan.h"'
must_not cpu_plan '#include "backend/cpu/conv/kernels.h"'
must_not cpu_plan '#include "backend/cpu/lowering/lower.h"'

# "D NAME ROOM" and "U NAME ROOM": what the objects of a room define, and what they call.
for objects in "$build"/rooms/*.objects; do
    xargs nm -gP < "$objects" | awk -v room="$(basename "$objects" .objects)" \
        '$2 ~ /^[A-TV-Z]$/ {print "D", $1, room} $2 == "U" {print "U", $1, room}'
done > "$work/symbols"

strangers() { # symbols
    # shellcheck disable=SC2016
    awk -v rooms="$build/rooms" '
        $1 == "D" {home[$2] = $3}
        $1 == "U" {calls[$2 " " $3]}
        END {
            for (call in calls) {
                split(call, word, " ")
                if (!(word[1] in home) || sees(word[2], home[word[1]]))
                    continue
                print "room " word[2] " calls " word[1] " of room " home[word[1]] ", which it does not see"
                found = 1
            }
            if (length(home) < 100) {
                print "only " length(home) " symbols were found"
                found = 1
            }
            exit found
        }
        function sees(room, other,    line) {
            if (!(room in known)) {
                known[room]
                while ((getline line < (rooms "/" room ".sees")) > 0)
                    seen[room " " line]
            }
            return (room " " other) in seen
        }' "$1"
}

strangers "$work/symbols" || bad=1
# A planted call must be found.
{ cat "$work/symbols"; echo "U rv_compile core"; } > "$work/planted"
strangers "$work/planted" | grep -q "room core calls rv_compile" ||
    { echo "a planted call of core into program was not found"; bad=1; }
[ $bad -eq 0 ] && echo "the floors hold"
exit $bad

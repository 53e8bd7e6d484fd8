#!/bin/sh
# The floors hold: a file of floor 1 that includes floor 2 does not compile, and neither does a wing
# that includes floor 1.  The same files with an allowed include do, so the check can fail.
# usage: floors.sh BUILD
set -u
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

compiles() { # room, include line
    echo "$2" > "$work/probe.c"
    paths=
    for view in $(cat "$build/rooms/$1.views"); do
        paths="$paths -I$view"
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
[ $bad -eq 0 ] && echo "the floors hold"
exit $bad

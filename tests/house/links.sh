#!/bin/sh
# The rooms hold when they are linked too: an object takes a name (nm) only from its own room and
# from the rooms below that CMakeLists.txt gives it, and no room comes back to itself.  A header
# that declares what stands above it passes the check of the includes (floors.sh), and not this one.
# usage: links.sh BUILD
set -u
build=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for list in "$build"/rooms/*.objects; do
    room=$(basename "$list" .objects)
    echo "$room $(tr '\n' ' ' < "$build/rooms/$room.depends")" >> "$work/depends"
    [ -s "$list" ] && xargs nm -A < "$list" | sed "s/^/$room /"
done | awk '
    {
        object = $2
        sub(/:.*/, "", object)
        sub(/.*\//, "", object)
        kind = $(NF - 1)
    }
    kind ~ /^[TDBRCVW]$/ { print "has", $1, object, $NF }
    kind == "U" { print "takes", $1, object, $NF }' > "$work/names"

# A planted name must be found: core may not take what the program floor has.
[ "${2:-}" = plant ] && echo "takes core planted.c.o rv_compile" >> "$work/names"

awk '
    FILENAME ~ /depends$/ {
        rooms[++count] = $1
        for (i = 2; i <= NF; i++)
            below[$1, $i] = 1
        next
    }
    $1 == "has" { owner[$4] = $2 }
    $1 == "takes" { takes[++n] = $0 }
    END {
        for (k = 1; k <= count; k++)
            for (i = 1; i <= count; i++)
                for (j = 1; j <= count; j++)
                    if (below[rooms[i], rooms[k]] && below[rooms[k], rooms[j]])
                        below[rooms[i], rooms[j]] = 1
        for (i = 1; i <= count; i++)
            if (below[rooms[i], rooms[i]]) {
                print "room " rooms[i] " stands above itself"
                bad = 1
            }
        for (i = 1; i <= n; i++) {
            split(takes[i], t, " ")
            from = owner[t[4]]
            if (from != "" && from != t[2] && !below[t[2], from]) {
                print "room " t[2] ": " t[3] " takes " t[4] " of " from ", which is not below it"
                bad = 1
            }
            known += from != "" && from != t[2]
        }
        if (known < 500) {
            print "only " known " names between rooms: nothing was compared"
            bad = 1
        }
        exit bad
    }' "$work/depends" "$work/names" > "$work/found"
status=$?
cat "$work/found"
[ $status -eq 0 ] && echo "every room takes names from below alone"
exit $status

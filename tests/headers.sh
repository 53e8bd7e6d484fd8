#!/bin/sh
# Every public header compiles alone, as C17 and as C++17, without a warning.
# usage: headers.sh SOURCE
set -u
bad=0
for header in "$1"/include/reverie/*.h; do
    for language in "c -std=c17" "c++ -std=c++17"; do
        # shellcheck disable=SC2086
        if ! cc -x $language -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I"$1/include" \
            -include "$header" /dev/null; then
            echo "$header does not compile alone as $language"
            bad=1
        fi
    done
done
[ $bad -eq 0 ] && echo "every header compiles alone"
exit $bad

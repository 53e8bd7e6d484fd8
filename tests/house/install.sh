#!/bin/sh
# What a stranger gets: installs into a folder, moves it, and uses only what is there.  An example is
# built through pkg-config, against the static library, and through find_package; each decodes a run
# that the installed program has trained.  The one with a kind of model of its own trains it.
# usage: install.sh BUILD SOURCE
set -u
if [ $# -ne 2 ] || [ ! -f "$1/CMakeCache.txt" ] || [ ! -f "$2/examples/decode.c" ]; then
    echo "usage: install.sh BUILD SOURCE (a build folder, and the repository)" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
examples=$(cd "$2/examples" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
log=$work/log
cause='error:|undefined reference|cannot find|No rule to make|cannot open'
bad=0

fail() { # what is wrong
    echo "install: $1"
    bad=1
}

try() { # what it means when the command fails; the command
    meaning=$1
    shift
    "$@" > "$log" 2>&1 && return
    fail "$meaning: $(grep -m 1 -E "$cause" "$log" || tail -n 1 "$log")"
    return 1
}

# The decoded picture, which must be a PNG of 28 x 28 pixels.
decodes() { # how the example was built; the command
    how=$1
    shift
    picture=$work/picture.png
    rm -f "$picture"
    try "the example built $how does not decode" "$@" "$work/run" "$picture" 0.5 -1 || return
    # Bytes 1..3 are the letters PNG, 16..23 the width and the height.
    found=$(od -An -v -tx1 -N24 "$picture" | tr -d ' \n')
    case $found in
        89504e470d0a1a0a????????????????0000001c0000001c) ;;
        *) fail "the example built $how wrote no PNG of 28 x 28; it begins $found" ;;
    esac
}

# A library with sanitizers or coverage asks the same of what is linked to it.
same=$(sed -n 's/^CMAKE_C_FLAGS:STRING=//p' "$build/CMakeCache.txt")
if grep -q '^REVERIE_SANITIZE:BOOL=ON' "$build/CMakeCache.txt"; then
    same="$same -fsanitize=address,undefined"
fi

try "cmake --install fails" cmake --install "$build" --prefix "$work/first" || exit 1
mv "$work/first" "$work/moved"
prefix=$work/moved
reverie=$prefix/bin/reverie
pc=$(find "$prefix" -name reverie.pc)
library=$(dirname "$(dirname "${pc:-/none/none/none}")")
for file in bin/reverie include/reverie/core.h share/reverie/recipes/lab2-vae-2d.yaml \
    share/man/man1/reverie.1 share/bash-completion/completions/reverie share/doc/reverie/LICENSE; do
    [ -s "$prefix/$file" ] || fail "$file is not installed"
done
for file in libreverie.so libreverie.so.0 libreverie.a cmake/reverie/reverieConfig.cmake; do
    [ -s "$library/$file" ] || fail "$file is not installed beside pkgconfig/reverie.pc"
done
[ $bad -eq 0 ] || exit 1

# Nothing of the build or of the source is needed: the work is done elsewhere.
cd "$work" || exit 1
if [ -n "$(find "$prefix" \( -name '*.pc' -o -name '*.cmake' \) -exec grep -lF "$build" {} +)" ]; then
    fail "a package file names the build folder"
fi
others=$(nm -D --defined-only "$library/libreverie.so" | awk '$3 !~ /^rv_/ {print $3}' | head -n 3)
[ -z "$others" ] || fail "libreverie.so shows names that are not rv_*: $(echo $others)"
soname=$(readelf -d "$library/libreverie.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$soname" = libreverie.so.0 ] || fail "the SONAME is \`$soname', not libreverie.so.0"

try "reverie --help fails" "$reverie" --help
grep -q '^usage: reverie' "$log" || fail "reverie --help does not say the usage"
try "the completion is not bash" bash -n "$prefix/share/bash-completion/completions/reverie"
head -n 1 "$prefix/share/man/man1/reverie.1" | grep -q '^\.TH REVERIE 1' ||
    fail "the man page does not begin with .TH REVERIE 1"
try "the installed program does not train" "$reverie" train lab2-vae-2d data.name=digits \
    data.limit=500 data.validation=100 train.epochs=1 --run "$work/run" || exit 1

PKG_CONFIG_PATH=$library/pkgconfig
export PKG_CONFIG_PATH
version=$(pkg-config --modversion reverie)
[ "reverie $version" = "$("$reverie" --version)" ] ||
    fail "pkg-config says version $version, the program $("$reverie" --version)"

# shellcheck disable=SC2046,SC2086
try "the example does not build through pkg-config" cc -std=c17 -Wall -Wextra -Werror $same \
    "$examples/decode.c" -o shared $(pkg-config --cflags --libs reverie) &&
    decodes "through pkg-config" env LD_LIBRARY_PATH="$library" ./shared

# shellcheck disable=SC2046,SC2086
try "the kind of model of an example does not build" cc -std=c17 -Wall -Wextra -Werror $same \
    "$examples/autoencoder.c" -o autoencoder $(pkg-config --cflags --libs reverie) &&
    try "the kind of model of an example does not train" \
        env LD_LIBRARY_PATH="$library" ./autoencoder "$work/own" &&
    { grep -q '^fit -[0-9]' "$log" || fail "autoencoder says no fit: $(tail -n 1 "$log")"; } &&
    { [ -s autoencoder.png ] || fail "autoencoder drew nothing"; }

flags=$(pkg-config --static --libs reverie | sed 's/-lreverie\b//')
# shellcheck disable=SC2046,SC2086
try "the example does not build with libreverie.a" cc -std=c17 $same "$examples/decode.c" \
    -o static $(pkg-config --cflags reverie) "$library/libreverie.a" $flags &&
    decodes "with libreverie.a" ./static

try "find_package does not find reverie" cmake -S "$examples" -B "$work/examples" \
    -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_FLAGS="$same" &&
    try "the example does not build through find_package" cmake --build "$work/examples" &&
    decodes "through find_package" "$work/examples/decode"

[ $bad -eq 0 ] && echo "an installed Reverie builds and runs the example"
exit $bad

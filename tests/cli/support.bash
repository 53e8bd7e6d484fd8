# What the end-to-end tests share: the program, a tiny run, and ways to call it.

# A run of a second: few images, small nets, built-in data.
TINY=(lab2-vae-2d data.name=digits data.limit=600 data.validation=100 train.epochs=2
    "encoder=[linear 64, relu]" "decoder=[linear 64, relu]")

# Of setup_file and setup: SOURCE is the repository, REVERIE the program.
prepare() {
    SOURCE=${SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
    REVERIE=${REVERIE:-$SOURCE/build/reverie}
    unset REVERIE_DATA XDG_CACHE_HOME NO_COLOR
    export HOME=$BATS_FILE_TMPDIR
    mkdir -p "$1" && cd "$1" && ln -sfn "$SOURCE/recipes" recipes
}

# Runs the program; stdout to $out, stderr to $err, the exit code to $code.
go() {
    code=0
    "$REVERIE" "$@" > out.txt 2> err.txt || code=$?
    out=$(cat out.txt)
    err=$(cat err.txt)
}

say_call() {
    echo "reverie $*: code $code"
    echo "stdout: $out"
    echo "stderr: $err"
}

# works ARGUMENTS...
works() {
    go "$@"
    [ "$code" -eq 0 ] || { say_call "$@" && return 1; }
}

# holds EXPRESSION [FILE]: it holds of `d`, the JSON in the file, or what the last call printed.
holds() {
    python3 - "$1" "${2:-out.txt}" <<'PYTHON'
import json, math, sys
d = json.load(open(sys.argv[2]))
if not eval(f"({sys.argv[1]})"):
    sys.exit(f"not so: {sys.argv[1]}\n{json.dumps(d, indent=1)[:3000]}")
PYTHON
}

# json EXPRESSION ARGUMENTS...: the call works with --json, and the expression holds of it.
json() {
    local expression=$1
    shift
    works "$@" --json
    holds "$expression"
}

# has TEXT PART: the part is in the text.
has() {
    [[ "$1" == *"$2"* ]] || { printf 'no "%s" in:\n%s\n' "$2" "$1" && return 1; }
}

# fails CODE MESSAGE-PART ARGUMENTS...: nothing on stdout, one error line, the last on stderr.
fails() {
    local expected=$1 part=$2
    shift 2
    go "$@"
    if [ "$code" -ne "$expected" ] || [ -n "$out" ] ||
        [ "$(grep -c '^reverie: error: ' err.txt)" -ne 1 ] ||
        [[ "$(tail -n 1 err.txt)" != "reverie: error: "*"$part"* ]]; then
        echo "expected code $expected and \"$part\""
        say_call "$@"
        return 1
    fi
}

# same_run A B: what training wrote is the same, byte for byte.
same_run() {
    cmp "$1/metrics.jsonl" "$2/metrics.jsonl" && diff -r "$1/samples" "$2/samples" &&
        same_checkpoints "$1" "$2"
}

same_checkpoints() {
    diff <(ls "$1/checkpoints") <(ls "$2/checkpoints") || return 1
    for file in "$1"/checkpoints/*; do
        cmp "$file" "$2/checkpoints/${file##*/}" || return 1
    done
}

# not COMMAND...: it fails.  (Of `! command` bash does not stop a test.)
not() {
    if "$@"; then
        echo "should fail: $*" && return 1
    fi
}

# Nothing half-written lies in a folder.
no_temporaries() {
    [ -z "$(find "$1" -name '*.reverie-tmp-*')" ] || { find "$1" && return 1; }
}

# flip_bit FILE: one bit in the middle.
flip_bit() {
    python3 - "$1" <<'PYTHON'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[len(data) // 2] ^= 4
open(sys.argv[1], "wb").write(data)
PYTHON
}

# newest RUN: its newest checkpoint.
newest() {
    ls "$1"/checkpoints/step-*.safetensors | tail -n 1
}

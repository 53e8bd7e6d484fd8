#!/usr/bin/env bats
# The frame of the command line: verbs, options, exit codes, help, and the verbs that need no model.
# REVERIE is the program, SOURCE the repository.

setup() {
    SOURCE=${SOURCE:-$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}
    REVERIE=${REVERIE:-$SOURCE/build/reverie}
    unset REVERIE_DATA XDG_CACHE_HOME
    export HOME=$BATS_TEST_TMPDIR
    cd "$BATS_TEST_TMPDIR"
}

# Runs the program; stdout to $out, stderr to $err, the exit code to $code.
go() {
    code=0
    "$REVERIE" "$@" > out.txt 2> err.txt || code=$?
    out=$(cat out.txt)
    err=$(cat err.txt)
}

# fails CODE MESSAGE-PART ARGUMENTS...: nothing on stdout, one line on stderr.
fails() {
    local expected=$1 part=$2
    shift 2
    go "$@"
    if [ "$code" -ne "$expected" ] || [ -n "$out" ] || [[ "$err" != "reverie: error: "*"$part"* ]] ||
        [ "$(wc -l < err.txt)" -ne 1 ]; then
        echo "reverie $*: code $code, expected $expected and \"$part\""
        echo "stdout: $out"
        echo "stderr: $err"
        return 1
    fi
}

@test "docs/settings.md is what help --settings prints" {
    go help --settings
    [ "$code" -eq 0 ]
    diff "$SOURCE/docs/settings.md" out.txt
}

@test "help and version go to stdout" {
    go --help
    [ "$code" -eq 0 ]
    [[ "$out" == *"usage: reverie VERB"* ]]
    [ -z "$err" ]
    go --version
    [[ "$out" == "reverie "[0-9]* ]]
    go recipes --version
    [[ "$out" == "reverie "[0-9]* ]]
}

@test "every verb has help with an example, in 80 columns" {
    for verb in $("$REVERIE" --help | awk '/^Every verb/ {exit} /^  [a-z]/ {print $1}'); do
        go "$verb" --help
        [ "$code" -eq 0 ]
        [[ "$out" == *"usage: reverie $verb"* ]]
        [[ "$out" == *"example:"* ]]
        [[ "$out" == *"  reverie $verb"* ]]
        awk 'length > 80 && !/reverie/ {print; bad = 1} END {exit bad}' out.txt
    done
}

@test "no verb: the help on stderr, and usage" {
    go
    [ "$code" -eq 2 ] && [ -z "$out" ] && [[ "$err" == *"usage: reverie VERB"* ]]
}

@test "what is misspelt gets a suggestion" {
    fails 2 'unknown verb `recipies`; did you mean `recipes`?' recipies
    fails 2 'unknown verb `zzz`' zzz
    fails 2 'recipes: unknown option `--jsn`; did you mean `--json`?' recipes --jsn
    fails 2 'recipes: unknown option `-z`' recipes -z
    fails 2 'the verb comes first' --threads 2 recipes
}

@test "bad options say what is wanted" {
    fails 2 '--threads wants a whole number from 1 to 1024, not `0`' recipes --threads 0
    fails 2 '--threads wants a whole number from 1 to 1024, not `two`' recipes --threads=two
    fails 2 '--threads needs a value' recipes --threads
    fails 2 '--json takes no value' recipes --json=1
    fails 2 '--backend wants one of cpu, reference' recipes --backend gpu
    fails 2 '`more` is too much; usage: reverie recipes' recipes more
    fails 2 'something is missing; usage: reverie inspect FILE' inspect
}

@test "recipes lists the repository's, and those of the folder here first" {
    go recipes
    [ "$code" -eq 0 ]
    [[ "$out" == *"lab1-vae "*"L1, the MLP VAE"* ]]
    mkdir recipes
    printf 'about: mine\nmodel: vae\n' > recipes/lab1-vae.yaml
    go recipes --json
    [ "$(python3 -c 'import json; print([r["about"] for r in json.load(open("out.txt"))
                                         if r["name"] == "lab1-vae"])')" = "['mine']" ]
}

@test "doctor finds data where it is told to look" {
    mkdir -p here
    go doctor --json --data-dir here
    [ "$code" -eq 0 ]
    python3 - <<'PYTHON'
import json
facts = json.load(open("out.txt"))
assert facts["data_directories"][0] == "here", facts
assert facts["instruction_set"] in facts["instruction_sets"], facts
assert any(d["name"] == "digits" for d in facts["data"]), facts
assert facts["runs"]["writable"] is True, facts
PYTHON
    REVERIE_DATA=there go doctor --json
    [[ "$out" == *'"there"'* ]]
    go doctor
    [[ "$out" == *"data.name=digits always works"* ]]
}

@test "inspect tells files apart" {
    go inspect "$SOURCE/recipes/lab1-vae.yaml"
    [ "$code" -eq 0 ]
    [[ "$out" == *"  weight_decay: 0"* ]]
    printf '\0\0\010\001\0\0\0\003abc' > labels
    go inspect labels
    [[ "$out" == "IDX, unsigned bytes, [3]" ]]
    gzip -k labels
    go inspect --json labels.gz
    [[ "$out" == *'"kind": "idx"'* ]]
    python3 - <<'PYTHON'
import json, struct, zlib
header = json.dumps({"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
                     "__metadata__": {"made": "here"}}).encode()
header += b" " * (-len(header) % 8)
open("w.safetensors", "wb").write(struct.pack("<Q", len(header)) + header + bytes(24))
data = b"\x93NUMPY\x01\x00"
text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"
text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
open("a.npy", "wb").write(data + struct.pack("<H", len(text)) + text +
                          struct.pack("<4f", 1, 2, 3, float("nan")))
PYTHON
    go inspect w.safetensors
    [[ "$out" == *"1 tensors, 6 values, checksum: none"*"w "*"F32"*"[2,3]"*"made: here"* ]]
    go inspect a.npy
    [[ "$out" == "npy [2,2], <f4, from 1 to 3, mean 2, 1 not finite" ]]
}

@test "inspect refuses what is damaged, missing or unknown" {
    fails 3 'nothing' inspect nothing
    fails 3 'is a folder' inspect .
    echo hello > text.txt
    fails 3 'is none of safetensors, npy, IDX, PNG and YAML' inspect text.txt
    printf '\0\0\010\001\0\0\0\003abc' | gzip > labels.gz
    truncate -s -6 labels.gz
    fails 3 'labels.gz' inspect labels.gz
    printf '\0\0\010\001\0\0\0\004abc' > short
    fails 3 'short' inspect short
    printf 'model: vae\ntrain: {lrate: 1}\n' > r.yaml
    fails 2 'r.yaml:2: unknown key `train.lrate`; did you mean `train.lr`?' inspect r.yaml
}

@test "results that cannot be written are exit code 4" {
    code=0
    "$REVERIE" recipes > /dev/full 2> err.txt || code=$?
    [ "$code" -eq 4 ]
    grep -q 'results cannot be written: No space left' err.txt
    code=0
    "$REVERIE" recipes >&- 2> err.txt || code=$?
    [ "$code" -eq 4 ]
}

@test "a reader that has seen enough is no error" {
    for verb in "train --help" "help --settings" recipes; do
        # shellcheck disable=SC2086
        { "$REVERIE" $verb 2>err.txt || true; } | head -n 1 >out.txt
        [ -s out.txt ]
        [ ! -s err.txt ]
    done
}

@test "a folder where runs cannot be made is exit code 4" {
    [ "$(id -u)" -ne 0 ] || skip "root may write everywhere"
    mkdir closed && cd closed && chmod 500 .
    code=0
    "$REVERIE" doctor > ../out.txt 2> ../err.txt || code=$?
    cd .. && chmod 700 closed
    [ "$code" -eq 4 ] && grep -q 'runs cannot be written here' err.txt
}

@test "the man page, the completion and the list of settings are made from the tables" {
    go help --man
    [[ "$out" == ".TH REVERIE 1"*".B 75"*"REVERIE_DATA"* ]]
    go help --settings
    [[ "$out" == "# Settings"*'| `train.lr` | `1e-3` |'* ]]
    go completion bash
    bash -n out.txt
    go completion recipes
    [[ "$out" == *"lab1-vae"* ]]
    fails 2 'completion: wants bash' completion fish
}

@test "bash completes verbs, options, choices, recipes and settings" {
    go completion bash
    PATH=$(dirname "$REVERIE"):$PATH
    source ./out.txt
    compopt() { :; }
    complete_words() {
        COMP_WORDS=("$@")
        COMP_CWORD=$(($# - 1))
        COMPREPLY=()
        _reverie || true # compgen fails where nothing matches
    }
    complete_words reverie rec
    [[ " ${COMPREPLY[*]} " == *" recipes "* ]]
    complete_words reverie recipes --thr
    [ "${COMPREPLY[*]}" = "--threads" ]
    complete_words reverie recipes --isa av
    [ "${COMPREPLY[*]}" = "avx2 avx512" ]
    if "$REVERIE" train --help > /dev/null 2>&1; then
        complete_words reverie train lab1-v
        [ "${COMPREPLY[*]}" = "lab1-vae" ]
        complete_words reverie train lab1-vae train.optim
        [[ "${COMPREPLY[*]}" == *"train.optimizer=adamw"* ]]
        complete_words reverie train lab1-vae train.optimizer = ada
        [ "${COMPREPLY[*]}" = "adam adamw adamax" ]
    fi
}

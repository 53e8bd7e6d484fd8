#!/usr/bin/env bats
# --json: a number that there is none of is null and says why beside it, and names of files that are
# not UTF-8 cost no key.
load support

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${TINY[@]}" train.epochs=1 data.limit=200 --run trained
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    RUN=$BATS_FILE_TMPDIR/shared/trained
}

# json EXPRESSION ARGUMENTS...: --json gives JSON in UTF-8, `d`, of which the expression holds; no
# null is without its reason.
json() {
    local expression=$1
    shift
    works "$@" --json
    python3 -c "
import json, sys
texts = ('path', 'problem', 'note', 'varies', 'best_by') # none is nothing to explain
def walk(d):
    for k, v in d.items() if isinstance(d, dict) else enumerate(d):
        if v is None and isinstance(d, dict):
            assert k + '_reason' in d or k in texts, (k, d)
        if isinstance(v, (dict, list)):
            walk(v)
d = json.loads(open('out.txt', encoding='utf-8').read(), parse_constant=lambda name: 1 / 0)
walk(d)
assert ($expression), d"
}

@test "values that cannot be told are null, with the reason" {
    json "d['khat_median'] is None and 'few weights' in d['khat_median_reason']
        and d['khat_above'] is None and d['log_px'] < 0 and 'log_px_reason' not in d" \
        evaluate "$RUN" --samples 5 --count 20
    json "d['standard_error'] is None and 'one image' in d['standard_error_reason']" \
        evaluate "$RUN" --samples 30 --count 1
    json "d['latents'][0]['kl_error'] is None and 'kl_error_reason' in d['latents'][0]" \
        evaluate "$RUN" --latents --count 1
}

@test "an array without a finite value has no least and no most" {
    python3 - <<'PYTHON'
import struct
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (4,), }"
head += " " * (-(10 + len(head) + 1) % 64) + "\n"
with open("none.npy", "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
    file.write(struct.pack("<4f", *[float(x) for x in ("nan", "inf", "-inf", "nan")]))
PYTHON
    json "d['not_finite'] == 4 and all(d[k] is None and 'finite' in d[k + '_reason']
        for k in ('least', 'most', 'mean'))" inspect none.npy
    works inspect none.npy
    has "$out" "4 not finite"
}

@test "a run that has logged nothing yet" {
    cp -r "$RUN" begun
    : > begun/metrics.jsonl
    json "d[0]['loss'] is None and 'training loss' in d[0]['loss_reason']
        and d[0]['elbo'] is None and d[0]['best'] is None and d[0]['chosen_by'] is None" \
        runs list --folder .
}

@test "names that are not UTF-8 are read as Latin-1" {
    local name=$'caf\xe9'
    cp -r "$RUN" "$name"
    json "d['file'] == 'caf\u00e9.png'" sample "$name" -o "$name.png"
    [ -s "$name.png" ]
    json "any('caf\u00e9' in r['run'] for r in d)" runs list --folder .
    json "len(d) == 2 and 'caf\u00e9' in d[0]['run']" runs compare "$name" "$RUN"
    json "d['file'].startswith('caf\u00e9/')" inspect "$name/config.yaml"
    json "d['run'] == '\u00ff'" train "${TINY[@]}" train.epochs=1 data.limit=100 --run $'\xff'
    json "d['run'] == '\u00ff'" resume $'\xff' train.epochs=2
    json "isinstance(d, list)" data list --data-dir "$name"
}

#!/usr/bin/env bats
# Every verb on one tiny trained run: its file or its JSON, and where its output goes.

load support

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${TINY[@]}" --run trained
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    RUN=$BATS_FILE_TMPDIR/shared/trained
}

# is_png FILE, is_npy FILE SHAPE
is_png() {
    [ -s "$1" ] && [ "$(head -c 4 "$1" | tail -c 3)" = PNG ]
}
is_npy() {
    works inspect "$1" && has "$out" "npy $2"
}

@test "train writes a whole run folder" {
    for file in config.yaml metrics.jsonl timing.jsonl env.json report.html \
        checkpoints/best.safetensors samples/epoch-0001-samples.png \
        samples/epoch-0002-reconstructions.png; do
        [ -s "$RUN/$file" ] || { echo "no $file" && return 1; }
    done
    for name in samples reconstructions manifold latent curves interpolation; do
        is_png "$RUN/samples/$name.png"
    done
    python3 -m json.tool "$RUN/env.json" > /dev/null
    python3 - "$RUN/metrics.jsonl" <<'PYTHON'
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
assert [e["event"] for e in events] == ["epoch", "evaluation"] * 2, events
assert all(-600 < e["elbo"] < -50 for e in events if "elbo" in e), events
PYTHON
    has "$(cat "$RUN/report.html")" "data:image/png;base64,"
    not grep -Eq '(src|href)="?http' "$RUN/report.html"
    no_temporaries "$RUN"
}

@test "every verb has help with an example and exit code 0" {
    for verb in $("$REVERIE" --help | awk '/^Every verb/ {exit} /^  [a-z]/ {print $1}'); do
        works "$verb" --help
        has "$out" "example:"
        has "$out" "  reverie $verb"
        [ -z "$err" ]
    done
}

@test "without --run, training goes to runs/NAME-N" {
    works train "${TINY[@]}" train.epochs=1 --json
    [ "$(python3 -c 'import json; print(json.load(open("out.txt"))["run"])')" = runs/lab2-vae-2d-1 ]
    works train "${TINY[@]}" train.epochs=1
    has "$out" "runs/lab2-vae-2d-2: done; look at runs/lab2-vae-2d-2/report.html"
    json '[r["run"] for r in d] == ["runs/lab2-vae-2d-1", "runs/lab2-vae-2d-2"]' runs list
    json 'd[0]["elbo"] == d[1]["elbo"]' runs compare runs/lab2-vae-2d-1 runs/lab2-vae-2d-2
    json 'len(d) == 1 and d[0]["best_elbo"] < 0' runs best
}

@test "a folder that holds a run is refused, and replaced with --force" {
    cp -r "$RUN" mine
    fails 2 '(`reverie resume mine`, another --run, or --force)' train "${TINY[@]}" --run mine
    has "$err" "--force"
    same_run "$RUN" mine
    touch mine/checkpoints/step-00000099.safetensors # which the run did not make
    fails 2 'step-00000099.safetensors: is there already' train "${TINY[@]}" --run mine --force
    rm mine/checkpoints/step-00000099.safetensors
    same_run "$RUN" mine
    works train "${TINY[@]}" --run mine --force
    same_run "$RUN" mine
    # A bad recipe replaces nothing.
    fails 2 'unknown key' train "${TINY[@]}" train.lrr=1 --run mine --force
    fails 3 'was not found' train "${TINY[@]}" data.name=nothing --run mine --force
    same_run "$RUN" mine
}

@test "evaluate: the parts add up, and repeat" {
    json 'abs(d["elbo"] + d["reconstruction"] + d["kl"]) < 1e-3 and d["split"] == "test"' \
        evaluate "$RUN"
    works evaluate "$RUN" --split train
    has "$out" "static pixels, one latent sample an image; nats per image"
    cp out.txt first.txt
    works evaluate "$RUN" --split train
    cmp first.txt out.txt
    json 'd["examples"] == 100' evaluate "$RUN" --split validation --checkpoint best
    fails 2 'train.ema=' evaluate "$RUN" --weights ema
}

@test "sample, reconstruct, interpolate and traverse draw pictures" {
    works sample "$RUN" -n 9 -o s.png
    [ "$out" = s.png ]
    is_png s.png
    works sample "$RUN" -n 9 -o s.npy
    is_npy s.npy '[9,28,28,1]'
    works sample "$RUN" -n 9 --seed 2 -o other.npy
    not cmp -s s.npy other.npy
    works sample "$RUN" -n 9 -o again.npy
    cmp s.npy again.npy
    json 'd["file"] == "r.png"' reconstruct "$RUN" -n 5 -o r.png
    is_png r.png
    works interpolate "$RUN" --steps 6 --rows 2 -o i.png
    is_png i.png
    works traverse "$RUN" --image 0 --dim 1 -o t.png
    is_png t.png
    works traverse "$RUN" --dim 0 --from -100 --to 100 --steps 4 --columns 2 -o plain.png
    is_png plain.png
    fails 2 'both in sigmas' traverse "$RUN" --from -3s --to 3 -o bad.png
    fails 2 'latent 2: ' traverse "$RUN" --dim 2 -o bad.png
    [ ! -e bad.png ]
}

@test "encode and decode: arrays in and out" {
    works encode "$RUN" -n 7 -o z.npy
    is_npy z.npy '[7,4]'
    works decode "$RUN" -i z.npy -o d.png # of its means and deviations, the means
    python3 - <<'PYTHON'
import struct
text = b"{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"
text += b" " * (63 - (10 + len(text)) % 64) + b"\n"
open("two.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text +
                            struct.pack("<6f", 0, 0, 1, 1, -1, 2))
PYTHON
    works decode "$RUN" -i two.npy -o d.png
    is_png d.png
    works decode "$RUN" -i two.npy -o d.npy
    is_npy d.npy '[3,28,28,1]'
    fails 2 'needs -i' decode "$RUN"
    fails 3 'nowhere.npy' decode "$RUN" -i nowhere.npy
    echo hello > text.npy
    fails 3 'text.npy' decode "$RUN" -i text.npy
}

# npy SHAPE VALUES: the array z.npy of doubles.
npy() {
    python3 - "$@" <<'PYTHON'
import struct, sys
values = [float(v) for v in sys.argv[2].split()]
header = "{'descr': '<f8', 'fortran_order': False, 'shape': (%s), }" % sys.argv[1]
header += " " * (63 - (10 + len(header)) % 64) + "\n"
open("z.npy", "wb").write(b"\x93NUMPY\1\0" + struct.pack("<H", len(header)) + header.encode() +
                          struct.pack("<%dd" % len(values), *values))
PYTHON
}

@test "decode refuses latents that are not finite, and shapes without rows" {
    for bad in nan inf -inf 1e39; do
        npy "2,2" "0 1 $bad 2"
        fails 3 "z.npy: row 1 holds a value that is not finite" decode "$RUN" -i z.npy -o bad.png
        npy "1,4" "0 $bad 1 1" # a mean
        fails 3 "z.npy: row 0 holds a value that is not finite" decode "$RUN" -i z.npy -o bad.png
    done
    npy "1,4" "0 1 inf 1" # a deviation, which is not decoded
    works decode "$RUN" -i z.npy -o good.png
    npy "2,1,2" "0 1 2 3"
    fails 2 "z.npy: is [2,1,2], which is no list of rows; the decoder takes [N,2]" \
        decode "$RUN" -i z.npy -o bad.png
    npy "2," "0 1"
    fails 2 "z.npy: is [2], which is no list of rows" decode "$RUN" -i z.npy -o bad.png
    npy "0,2" ""
    fails 2 "z.npy: is [0,2], which has no rows; the decoder takes [N,2]" \
        decode "$RUN" -i z.npy -o bad.png
    npy "1,3" "0 1 2"
    fails 2 "z.npy: holds rows of 3 values; the decoder takes [N,2]" decode "$RUN" -i z.npy -o bad.png
    not test -e bad.png
}

@test "traverse refuses ends that are not finite" {
    for bad in nan inf -inf nans 1e39 -1e39s; do
        fails 2 "--from \`$bad\`: a finite number" traverse "$RUN" --from="$bad" --to 1 -o bad.png
        fails 2 "--to \`$bad\`: a finite number" traverse "$RUN" --from 0 --to="$bad" -o bad.png
    done
    not test -e bad.png
}

@test "figure draws each figure, charts as SVG too" {
    for name in curves latent manifold samples reconstructions interpolation; do
        works figure "$RUN" "$name" -o "$name.png"
        is_png "$name.png"
    done
    works figure "$RUN" latent -o latent.svg
    python3 -c 'import xml.dom.minidom; xml.dom.minidom.parse("latent.svg")'
    fails 2 'unknown figure `curve`' figure "$RUN" curve
}

@test "show, bench, inspect, recipes, data, doctor and runs speak JSON" {
    json 'd["parameters"] == sum(l["parameters"] for l in d["layers"]) > 0' show "$RUN"
    works show lab1-vae
    has "$out" "1149008 parameters"
    json 'd["step_ms"] > 0' bench "$RUN" --steps 3
    json 'd["kernels"] > 0' inspect "$RUN" --program
    json 'd["checksum"] == "good"' inspect "$RUN/checkpoints/best.safetensors"
    json 'any(r["name"] == "lab4-vae" for r in d)' recipes
    json 'any(r["name"] == "digits" for r in d)' data list
    json 'd["file"] == "g.png"' data show digits -o g.png
    is_png g.png
    json 'd["version"]' doctor
    json 'd == []' runs list
    fails 2 'it is `runs list`' runs lst
    fails 2 'it is `data list`' data lst
}

@test "config.yaml of a run is a recipe, and gives the same run" {
    works train "$RUN/config.yaml" --run again
    same_run "$RUN" again
    cmp "$RUN/config.yaml" again/config.yaml
}

@test "--quiet keeps stderr empty; results alone go to stdout" {
    works train "${TINY[@]}" train.epochs=1 --run q --quiet
    [ -z "$err" ]
    [ "$(wc -l < out.txt)" -eq 1 ]
    works train "${TINY[@]}" train.epochs=1 --run loud
    has "$err" "reverie: epoch 1: validation elbo -"
    [ "$(wc -l < out.txt)" -eq 1 ]
    works sample q -o q.png -q
    [ -z "$err" ]
    [ "$out" = q.png ]
}

@test "in a pipe there are whole lines, without colours or returns" {
    works train "${TINY[@]}" train.epochs=1 --run lines
    not grep -q $'[\033\r]' err.txt out.txt
    not grep -qv '^reverie: ' err.txt
}

@test "on a terminal there is a bar, without colours where NO_COLOR is set" {
    command -v script > /dev/null || skip "script is not installed"
    script -qec true /dev/null > /dev/null 2>&1 || skip "there is no pseudo-terminal here"
    export TERM=xterm
    script -qec "$REVERIE train lab2-vae-2d data.name=digits data.limit=3000 train.epochs=1 --run b" \
        typescript > /dev/null < /dev/null
    grep -q $'\r' typescript
    grep -q 'epoch 1/1 \[' <(sed 's/\x1b\[[0-9;]*m//g' typescript)
    grep -q $'\033\\[36m' typescript
    NO_COLOR=1 script -qec \
        "$REVERIE train lab2-vae-2d data.name=digits data.limit=3000 train.epochs=1 --run n" \
        typescript > /dev/null < /dev/null
    grep -q 'epoch 1/1 \[' typescript
    not grep -q $'\033\\[[0-9]*m' typescript
}

@test "results that cannot be written are exit code 4" {
    for verb in "evaluate $RUN" "show $RUN" "data list" "sample $RUN" "evaluate $RUN --json"; do
        code=0
        "$REVERIE" $verb > /dev/full 2> err.txt || code=$?
        [ "$code" -eq 4 ] || { echo "$verb: code $code" && return 1; }
        grep -q 'results cannot be written' err.txt
    done
    fails 4 'no/such/s.png' sample "$RUN" -o no/such/s.png
    mkdir folder.png
    fails 4 'is a folder' sample "$RUN" -o folder.png
}

@test "a set of training images alone is trained on with data.validation" {
    works sample "$RUN" -n 60 -o plain.npy
    fails 3 'holds no test images' train lab2-vae-2d data.name="$PWD/plain.npy" data.validation=0 \
        --run alone
    works train lab2-vae-2d data.name="$PWD/plain.npy" data.validation=20 data.pixels=gray \
        data.batch=20 train.epochs=1 --quiet --run alone
    grep -q validation alone/report.html
    json 'd["split"] == "validation" and d["examples"] == 20' evaluate alone --split validation
}

#!/usr/bin/env bats
# How convolutions are computed: asked for, kept for the machine, recorded, and followed by a run
# that is resumed.

load support

# Convolutions of both kinds, with stride 1 and 2; the second and last batch of an epoch is short.
# They are too small to be measured: the cost model chooses, and chooses the same on a busy machine.
CONV=(lab2-vae-cnn data.name=digits data.limit=230 data.validation=50 data.batch=50 latent=4
    train.epochs=2 "encoder=[conv 4 k4 s2 p1, relu, conv 4 k5 p2, relu, flatten, linear 16, relu]"
    "decoder=[linear 196, relu, reshape 4 7 7, deconv 4 k4 s2 p1, relu, deconv 4 k5 p2, relu, deconv 1 k4 s2 p1]")

setup() {
    prepare "$BATS_TEST_TMPDIR"
    export XDG_CACHE_HOME=$BATS_TEST_TMPDIR/cache
}

# cache_file: the one of choices.
cache_file() {
    CACHE=$(compgen -G "$XDG_CACHE_HOME/reverie/convolutions-*.txt") ||
        { echo "no choices were kept" && return 1; }
    [ "$(wc -l <<< "$CACHE")" -eq 1 ] || { echo "several: $CACHE" && return 1; }
}

# metadata FILE KEY: as a checkpoint has it.
metadata() {
    python3 - "$1" "$2" <<'PYTHON'
import json, struct, sys
data = open(sys.argv[1], "rb").read()
length = struct.unpack("<Q", data[:8])[0]
print(json.loads(data[8 : 8 + length])["__metadata__"][sys.argv[2]], end="")
PYTHON
}

# recorded RUN POLICY: env.json and the newest checkpoint name the policy and the same choices.
recorded() {
    metadata "$(newest "$1")" convolutions > record.txt
    [ "$(metadata "$(newest "$1")" conv)" = "$2" ] || { metadata "$(newest "$1")" conv && return 1; }
    python3 - "$1/env.json" "$2" record.txt <<'PYTHON'
import json, sys
env = json.load(open(sys.argv[1]))
record = dict(line.split("\t") for line in open(sys.argv[3]).read().splitlines())
assert env["conv"] == sys.argv[2], env
# Pictures and the report are drawn after the last checkpoint.
assert record.items() <= env["convolutions"].items(), (record, env["convolutions"])
PYTHON
}

@test "--conv and --conv-memory: what they take, and where" {
    fails 2 'auto, direct, transform' train "${CONV[@]}" --conv winograd --run run
    fails 2 'conv-memory' train "${CONV[@]}" --conv-memory -1 --run run
    fails 2 'conv-memory' train "${CONV[@]}" --conv-memory much --run run
    not test -e run
    for policy in auto direct transform; do
        works bench "${CONV[@]}" --steps 1 --warm-up 0 --conv "$policy" --conv-memory 0
        works inspect "${CONV[@]}" --program --conv "$policy"
    done
    works train "${CONV[@]}" train.steps=1 --conv transform --run run
    works evaluate run --conv direct
}

@test "choices are kept for the machine, and written only when there are new ones" {
    works train "${CONV[@]}" --run first
    cache_file
    cp "$CACHE" before.txt
    stamp=$(stat -c '%i %y' "$CACHE")
    works train "${CONV[@]}" --run second
    [ "$(stat -c '%i %y' "$CACHE")" = "$stamp" ]
    same_run first second
    cmp first/env.json second/env.json
    # Others are added.
    works bench "${CONV[@]}" data.batch=20 --steps 1 --warm-up 0
    [ "$(wc -l < "$CACHE")" -gt "$(wc -l < before.txt)" ]
    [ -z "$(comm -23 before.txt "$CACHE")" ]
    # A forced policy neither reads nor writes them.
    stamp=$(stat -c '%i %y' "$CACHE")
    works bench "${CONV[@]}" data.batch=30 --steps 1 --warm-up 0 --conv transform
    [ "$(stat -c '%i %y' "$CACHE")" = "$stamp" ]
    no_temporaries "$XDG_CACHE_HOME"
}

@test "a damaged cache of choices: one warning, and it is made again" {
    works bench "${CONV[@]}" --steps 1 --warm-up 0
    cache_file
    cp "$CACHE" good.txt
    for damage in cut binary large; do
        case $damage in
        cut) head -c -2 good.txt > "$CACHE" ;;
        binary) printf 'conv\tdirect\n\0\n' > "$CACHE" ;;
        large) head -c 2000000 /dev/zero | tr '\0' 'x' > "$CACHE" ;;
        esac
        cp "$CACHE" bad.txt
        works bench "${CONV[@]}" --steps 1 --warm-up 0
        [ "$(grep -c 'warning: .*convolutions-' err.txt)" -eq 1 ] || { cat err.txt && return 1; }
        works bench "${CONV[@]}" --steps 1 --warm-up 0
        [ ! -s err.txt ]
        cmp <(cut -f 1 good.txt) <(cut -f 1 "$CACHE")
        # So does a verb that computes nothing.
        cp bad.txt "$CACHE"
        works recipes
        [ "$(grep -c 'warning: .*convolutions-' err.txt)" -eq 1 ]
        works bench "${CONV[@]}" --steps 1 --warm-up 0
        [ ! -s err.txt ]
        cmp <(cut -f 1 good.txt) <(cut -f 1 "$CACHE")
    done
    # Where a folder has its name it cannot be made, and the work is done all the same.
    rm "$CACHE"
    mkdir "$CACHE"
    works bench "${CONV[@]}" --steps 1 --warm-up 0
    [ "$(grep -c 'warning: ' err.txt)" -eq 1 ]
}

@test "without a folder for the cache there is none, and nothing is said" {
    echo file > cache
    works bench "${CONV[@]}" --steps 1 --warm-up 0
    [ ! -s err.txt ]
    [ "$(cat cache)" = file ]
    unset XDG_CACHE_HOME
    HOME='' works bench "${CONV[@]}" --steps 1 --warm-up 0
    [ ! -s err.txt ]
}

@test "a run without a checkpoint, and one without convolutions, record what they have" {
    fails 5 'not finite' train "${CONV[@]}" train.optimizer=sgd train.lr=1e6 --run ends
    not test -e "$(newest ends 2> /dev/null)"
    works train "${CONV[@]}" train.steps=1 --run auto
    python3 - <<'PYTHON'
import json
auto, ends = (json.load(open(f"{run}/env.json"))["convolutions"] for run in ("auto", "ends"))
assert ends and ends.items() <= auto.items(), (ends, auto)
PYTHON
    works train "${TINY[@]}" --run dense
    recorded dense auto
    not grep -v '^products ' record.txt
    metadata "$(newest auto)" convolutions > record.txt
    [ -s record.txt ]
}

@test "a run records how its convolutions are computed, and is resumed so, byte for byte" {
    for policy in auto direct transform; do
        # The second half of the second epoch is resumed, without the cache.
        works train "${CONV[@]}" --conv "$policy" --run "whole-$policy"
        recorded "whole-$policy" "$policy"
        works train "${CONV[@]}" --conv "$policy" --run "$policy" train.steps=6
        rm -rf "$XDG_CACHE_HOME"
        cp -r "$policy" "$policy-asked"
        works resume "$policy" train.steps=0
        cat err.txt
        not grep warning err.txt
        for file in metrics.jsonl "checkpoints/best.safetensors" \
            "checkpoints/$(basename "$(newest "$policy")")"; do
            cmp "whole-$policy/$file" "$policy/$file"
        done
        recorded "$policy" "$policy"
    done
    # Asked for another way, it goes on that way, and says so.
    works resume transform-asked train.steps=0 --conv direct
    has "$err" "warning: the run's convolutions were computed by transform, now they are by direct"
    has "$err" '(--conv transform would)'
    recorded transform-asked direct
    # A run that begins at another's checkpoint follows it too.
    works train "${CONV[@]}" --from "$(newest whole-transform)" train.epochs=3 --run from
    recorded from transform
}

@test "choices that came after the checkpoint are followed too" {
    works train "${CONV[@]}" --run whole
    works train "${CONV[@]}" --run run train.steps=2
    metadata "$(newest run)" convolutions > early.txt
    # As if the run had been killed after it was first evaluated, in a way of its own.
    python3 - whole/env.json run/env.json early.txt <<'PYTHON' > late.txt
import json, sys
whole, run = (json.load(open(path)) for path in sys.argv[1:3])
early = dict(line.split("\t") for line in open(sys.argv[3]).read().splitlines())
late = [key for key in whole["convolutions"] if key not in early and key.endswith("passes f")]
assert early and late, (early, late)
for key in early:
    run["convolutions"][key] = "fourier 1x1"  # the checkpoint knows better
for key in late:
    run["convolutions"][key] = "fourier 2x2"
json.dump(run, open(sys.argv[2], "w"))
print("\n".join(late))
PYTHON
    works resume run train.steps=0
    metadata "$(newest run)" convolutions > record.txt
    while read -r key; do grep -qxF "$key"$'\t''fourier 2x2' record.txt; done < late.txt
    while read -r line; do grep -qxF "$line" record.txt; done < early.txt
}

@test "a run killed before its first checkpoint begins again in the same way" {
    works train "${CONV[@]}" --conv transform --run whole
    cp -r whole run
    rm run/checkpoints/*
    works resume run
    has "$err" 'no checkpoint yet'
    same_run whole run
}

@test "the runs of a study share the policy, and their choices are kept" {
    cat > study.yaml <<YAML
base: lab2-vae-cnn
settings:
  data: {name: digits, limit: 150, validation: 50, batch: 50}
  encoder: [conv 8 k4 s2 p1, relu, flatten]
  decoder: [linear 392, relu, reshape 8 7 7, deconv 8 k4 s2 p1, relu, deconv 1 k4 s2 p1]
  train.epochs: 1
grid: {latent: [2, 3]}
YAML
    works study study.yaml --conv transform --folder transform
    works study study.yaml --folder auto
    for policy in transform auto; do
        runs=$(find "$policy" -name env.json -printf '%h\n')
        [ "$(wc -l <<< "$runs")" -eq 2 ]
        for run in $runs; do
            recorded "$run" "$policy"
        done
    done
    cache_file
}

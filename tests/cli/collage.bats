#!/usr/bin/env bats
# Snapshots of a training and what is drawn of them; traversals with the labels of a classifier.

load support

# An adversarial run of a second: 20 steps an epoch.
GAN=(lab1-wgan data.name=digits data.limit=640 data.batch=32 train.epochs=2 train.snapshots=5
    "generator=[linear 32, batchnorm, relu]" "critic=[linear 32, relu]" latent=10 train.log=10)
JUDGE=(lab1-classifier data.name=digits data.limit=600 train.epochs=2)

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${GAN[@]}" --run gan
    cp out.txt gan.txt
    works train "${TINY[@]}" train.epochs=1 --run vae
    cp out.txt vae.txt
    works train "${JUDGE[@]}" --run judge
    cp out.txt judge.txt
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    SHARED=$BATS_FILE_TMPDIR/shared
    RUN=$SHARED/gan
}

# is_png FILE HEIGHT WIDTH CHANNELS: a PNG of 8 bits of that size.
is_png() {
    python3 - "$@" <<'PYTHON'
import struct, sys
head = open(sys.argv[1], "rb").read(26)
assert head[:8] == b"\x89PNG\r\n\x1a\n", head
width, height, depth, color = struct.unpack(">IIBB", head[16:26])
is_, wants = [height, width, {0: 1, 2: 3}[color], depth], [int(n) for n in sys.argv[2:]] + [8]
assert is_ == wants, (is_, wants)
PYTHON
}

@test "24 images after every train.snapshots steps and each epoch" {
    [ "$(ls "$RUN/samples/snapshots" | tr '\n' ' ')" = "step-00000005.png step-00000010.png \
step-00000015.png step-00000020.png step-00000025.png step-00000030.png step-00000035.png \
step-00000040.png " ]
    for file in "$RUN"/samples/snapshots/*; do
        is_png "$file" 112 168 1
    done
    not cmp -s "$RUN"/samples/snapshots/step-000000{35,40}.png
    # Without the setting: after each epoch, whatever draws images.
    [ "$(ls "$SHARED/vae/samples/snapshots")" = step-00000006.png ]
    not test -e "$SHARED/judge/samples/snapshots"
}

@test "the snapshots change nothing of the training" {
    works train "${GAN[@]}" train.snapshots=0 --run plain
    [ "$(ls plain/samples/snapshots | tr '\n' ' ')" = "step-00000020.png step-00000040.png " ]
    cmp "$RUN/metrics.jsonl" plain/metrics.jsonl
    cmp "$RUN/samples/snapshots/step-00000040.png" plain/samples/snapshots/step-00000040.png
}

@test "killed in the middle and resumed, every snapshot has the same bytes" {
    RANDOM=${SEED:-$$}
    echo "SEED=${SEED:-$$}"
    "$REVERIE" train "${GAN[@]}" train.save=7 --run killed > out.txt 2> err.txt &
    process=$!
    for kill in 1 2 3 4; do
        sleep "0.$(printf %03d $((100 + RANDOM % 500)))"
        kill -KILL "$process" 2> /dev/null || true
        code=0
        wait "$process" || code=$?
        [ "$code" -eq 137 ] || [ "$code" -eq 0 ] || { cat err.txt && return 1; }
        if [ ! -e killed/config.yaml ]; then
            "$REVERIE" train "${GAN[@]}" train.save=7 --run killed > out.txt 2> err.txt &
        else
            "$REVERIE" resume killed > out.txt 2> err.txt &
        fi
        process=$!
    done
    wait "$process" || { cat err.txt && return 1; }
    diff -r "$RUN/samples" killed/samples
    cmp "$RUN/metrics.jsonl" killed/metrics.jsonl
    no_temporaries killed
}

@test "from an older checkpoint the newer snapshots are given up, and made again" {
    cp -r "$RUN" run
    touch run/samples/snapshots/step-00000030.png.reverie-tmp-1-1
    works resume run --from run/checkpoints/step-00000020.safetensors train.steps=27
    [ "$(ls run/samples/snapshots | tail -n 1)" = step-00000025.png ]
    no_temporaries run
    works resume run train.steps=0
    diff -r "$RUN/samples/snapshots" run/samples/snapshots
}

@test "--force replaces the snapshots of the run, and no other file" {
    cp -r "$RUN" run
    touch run/samples/snapshots/step-00009999.png
    works train "${TINY[@]}" train.epochs=1 --run run --force
    [ "$(ls run/samples/snapshots | tr '\n' ' ')" = "step-00000006.png step-00009999.png " ]
    works figure run snapshot -o snapshot.png # the other one is none of the run's
}

@test "figure collage: as many cells as there are snapshots" {
    works figure "$RUN" collage -o all.png
    [ "$out" = all.png ]
    has "$err" 'there are only 8 snapshots; each is shown once'
    is_png all.png 336 336 1
    works figure "$RUN" collage --image 7 --rows 2 --columns 3 --scale 1 -o some.png
    [ -z "$err" ]
    is_png some.png 56 84 1
    works figure "$RUN" collage --rows 3 --columns 38 --scale 1 -o wide.png
    is_png wide.png 28 224 1
    works figure "$SHARED/vae" collage -o vae.png
    is_png vae.png 112 112 1
    fails 2 'the images of a snapshot are 0 to 23' figure "$RUN" collage --image 24 -o bad.png
    fails 2 'has no decoder' figure "$SHARED/judge" collage -o bad.png
    cp -r "$RUN" old
    rm -r old/samples/snapshots
    fails 3 'train it again, with train.snapshots=25' figure old collage -o bad.png
    not test -e bad.png
}

@test "figure snapshot: one image, large" {
    works figure "$RUN" snapshot --image 23 -o last.png
    is_png last.png 280 280 1
    works figure "$RUN" snapshot --image 23 --scale 1 --step 40 -o one.png
    is_png one.png 28 28 1
    fails 2 'the nearest is of step 20' figure "$RUN" snapshot --step 21 -o bad.png
    not test -e bad.png
}

@test "figure animation: a GIF of one image, or of all" {
    works figure "$RUN" animation -o all.gif --delay 200
    works figure "$RUN" animation --image 3 --scale 5 -o one.gif
    [ "$out" = one.gif ]
    python3 - <<'PYTHON'
import struct
for name, size, delay, last in (("all.gif", (336, 224), 20, 20), ("one.gif", (140, 140), 37, 150)):
    data = open(name, "rb").read()
    assert data[:6] == b"GIF89a" and data[-1] == 0x3B, name
    assert struct.unpack("<HH", data[6:10]) == size, name
    pictures = [struct.unpack("<H", part[:2])[0] for part in data.split(b"\x21\xf9\x04\x04")[1:]]
    assert pictures == [delay] * 7 + [last], (name, pictures)
PYTHON
    fails 2 'end the name in .gif' figure "$RUN" animation -o one.png
    fails 4 'nowhere/one.gif' figure "$RUN" animation -o nowhere/one.gif
}

@test "figure curves: the values that a run logs" {
    for values in losses distance scores diversity gradients; do
        works figure "$RUN" curves --values "$values" -o "$values.png"
        [ -s "$values.png" ]
    done
    fails 2 'logs no kl; it logs losses, distance, scores, diversity, gradients' \
        figure "$RUN" curves --values kl -o bad.png
    works figure "$SHARED/vae" curves --values kl -o kl.svg
    fails 2 'has no encoder, which `figure latent` needs' figure "$RUN" latent -o bad.png
    fails 2 'there are curves, latent, manifold, samples, density, deformation, reconstructions, interpolation, collage, snapshot, animation' \
        figure "$RUN" nothing
    works figure --help
    for name in curves latent manifold samples reconstructions interpolation collage snapshot \
        animation; do
        has "$out" "$name"
    done
}

@test "a report has what the model has, and no more" {
    for name in curves curves-distance curves-scores curves-diversity samples collage; do
        [ -s "$RUN/samples/$name.png" ]
    done
    report=$(cat "$RUN/report.html")
    has "$report" 'steps 5 to 40'
    not grep -q '<table>' "$RUN/report.html"
    for file in collage samples; do
        not test -e "$SHARED/judge/samples/$file.png"
    done
    not grep -q '<h2>Pictures' "$SHARED/judge/report.html"
    has "$(cat "$SHARED/judge/report.html")" '<th class="n">accuracy</th>'
}

@test "the closing message fits the model" {
    has "$(cat "$SHARED/gan.txt")" 'sample gan'
    has "$(cat "$SHARED/gan.txt")" 'figure gan collage'
    has "$(cat "$SHARED/vae.txt")" 'sample vae'
    not grep -q collage "$SHARED/vae.txt"
    not grep -q 'sample' "$SHARED/judge.txt"
    has "$(cat "$SHARED/judge.txt")" 'evaluate judge'
}

@test "traverse --classifier: the label of each image on the way" {
    works traverse "$SHARED/vae" --dim 1 --steps 6 --from -2 --to 3 --classifier "$SHARED/judge" \
        -o t.png
    is_png t.png 224 560 1
    [ "$(wc -l < out.txt)" -eq 8 ] # a heading, six images, the file
    [ "$(tail -n 1 out.txt)" = t.png ]
    awk 'NR == 2 && !($1 == 0 && $2 == -2) || NR == 7 && !($1 == 5 && $2 == 3) ||
         NR > 1 && NR < 8 && !($3 ~ /^[0-9]$/ && $4 > 0.1 && $4 <= 1) {exit 1}' out.txt
    works traverse "$SHARED/vae" --dim 1 --steps 6 --from -2 --to 3 -o plain.png
    cmp t.png plain.png
    works traverse "$SHARED/vae" --dim 1 --steps 3 --classifier "$SHARED/judge" -o t.png --json
    holds 'd["file"] == "t.png" and d["classifier"].endswith("judge")'
    holds '[i["image"] for i in d["images"]] == [0, 1, 2]'
    holds 'all(0 <= i["label"] <= 9 and 0.1 <= i["probability"] <= 1 for i in d["images"])'
    holds 'abs(d["images"][0]["value"] + d["images"][2]["value"] - 2 * d["images"][1]["value"]) < 1e-5'
}

@test "a classifier that does not fit is refused, and no picture is written" {
    vae=$SHARED/vae
    fails 2 'is a `vae`, which does not classify; train lab1-classifier' \
        traverse "$vae" --classifier "$vae" -o bad.png
    fails 3 'nowhere: holds no run' traverse "$vae" --classifier nowhere -o bad.png
    cp -r "$SHARED/judge" other
    sed -i 's/name: digits/name: letters/' other/config.yaml
    fails 2 'other was trained on the data `letters`, and these images are of a model trained on `digits`' \
        traverse "$vae" --classifier other -o bad.png
    not test -e bad.png
    works traverse "$vae" --classifier "$SHARED/judge" --steps 1 -o one.png
}

#!/usr/bin/env bats
# Judging images and encodings, and classifying: each path on tiny runs, and each error.

load support

DATA=(data.name=digits data.limit=1000 train.epochs=1)

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train lab1-classifier "${DATA[@]}" train.epochs=3 --run judge
    works train lab2-gan "${DATA[@]}" "generator=[linear 32, relu]" \
        "discriminator=[linear 32, relu]" data.validation=100 --run gan
    works train lab0-bigan "${DATA[@]}" "generator=[linear 32, relu]" "encoder=[linear 32, relu]" \
        "discriminator=[linear 32, relu]" latent=10 data.validation=100 --run bigan
    works train "${TINY[@]}" train.epochs=1 --run vae
    works sample gan -n 300 --seed 3 -o samples.npy
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    ln -sfn "$BATS_FILE_TMPDIR/shared" runs
    JUDGE=(--classifier runs/judge)
}

# npy FILE TYPE SHAPE VALUE: an array of that element type, all of one value.
npy() {
    python3 - "$@" <<'PYTHON'
import struct, sys
name, kind, shape, value = sys.argv[1:]
dims = [int(d) for d in shape.split(",")]
count = 1
for d in dims:
    count *= d
header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape},), }}"
header += " " * (63 - (10 + len(header)) % 64) + "\n"
one = struct.pack("<f", float(value)) if kind == "<f4" else bytes([int(value)])
with open(name, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    file.write(one * count)
PYTHON
}

# idx FOLDER SIDE: a data set of IDX files, 40 images of SIDE x SIDE.
idx() {
    python3 - "$@" <<'PYTHON'
import os, struct, sys
folder, side = sys.argv[1], int(sys.argv[2])
os.makedirs(folder, exist_ok=True)
for split in ("train", "t10k"):
    with open(f"{folder}/{split}-images-idx3-ubyte", "wb") as file:
        file.write(struct.pack(">IIII", 2051, 40, side, side))
        file.write(bytes((i * 7) % 256 for i in range(40 * side * side)))
    with open(f"{folder}/{split}-labels-idx1-ubyte", "wb") as file:
        file.write(struct.pack(">II", 2049, 40) + bytes(i % 10 for i in range(40)))
PYTHON
}

@test "evaluate judges the samples of a GAN" {
    json 'set(d) == {
        "split", "images", "classifier", "compared", "real_images", "frechet_distance",
        "frechet_floor", "precision", "recall", "density", "coverage", "class_entropy", "class_entropy_most",
        "class_shares", "confidence", "nearest_median", "nearest_held_out_median",
        "nearest_limit", "nearest_share", "nearest_odds"}' \
        evaluate runs/gan "${JUDGE[@]}" --count 200
    python3 -c "
import json, math
d = json.load(open('out.txt'))
assert d['split'] == 'test' and d['images'] == d['compared'] == 200, d
assert d['classifier'] == 'runs/judge' and len(d['class_shares']) == 10, d
assert 0 < d['frechet_floor'] < d['frechet_distance'], d
assert abs(sum(d['class_shares']) - 1) < 1e-6, d
entropy = -sum(p * math.log(p) for p in d['class_shares'] if p > 0)
assert abs(entropy - d['class_entropy']) < 1e-6, (entropy, d)
assert abs(d['class_entropy_most'] - math.log(10)) < 1e-6, d"
    works evaluate runs/gan "${JUDGE[@]}" --count 200 --split validation
    for name in frechet_distance frechet_floor precision recall density coverage class_entropy \
        nearest_share "classifier runs/judge" "to as many of validation"; do
        has "$out" "$name"
    done
    has "$err" "drawing 200 samples"
    has "$err" "nearest neighbours among 1000 training images"
    works evaluate runs/gan "${JUDGE[@]}" --count 200 --quiet
    has "$out" "200 of the 10000 real images of test, spread evenly over the set"
    [ -z "$err" ]
}

@test "the images of a file are judged as the run's own" {
    works evaluate runs/gan "${JUDGE[@]}" --count 300 --seed 3 --json
    cp out.txt own.txt
    works evaluate runs/gan "${JUDGE[@]}" --images runs/samples.npy --json
    diff own.txt out.txt
    json 'd["images"] == 50' evaluate runs/gan "${JUDGE[@]}" --images runs/samples.npy --count 50
    # RUN may be of any model: it is used for its data alone.
    json 'd["images"] == 300 and "elbo" not in d' \
        evaluate runs/vae "${JUDGE[@]}" --images runs/samples.npy --split validation
    npy bytes.npy '|u1' 20,28,28 255
    npy floats.npy '<f4' 20,784 1
    works evaluate runs/gan "${JUDGE[@]}" --images bytes.npy --json
    cp out.txt bytes.txt
    works evaluate runs/gan "${JUDGE[@]}" --images floats.npy --json
    diff bytes.txt out.txt
    python3 -c "
import json
d = json.load(open('out.txt'))
assert d['class_entropy'] == 0 and max(d['class_shares']) == 1 and d['recall'] == 0, d"
}

@test "evaluate -o draws the nearest training images" {
    json 'd["file"] == "near.png"' evaluate runs/gan "${JUDGE[@]}" --count 40 -o near.png
    works inspect near.png
    has "$out" "242 x 242"
    fails 2 'ends in .png' evaluate runs/gan "${JUDGE[@]}" -o near.jpg
    fails 2 'give --classifier' evaluate runs/vae -o near.png
    fails 4 'nowhere' evaluate runs/gan "${JUDGE[@]}" --count 40 -o nowhere/near.png --quiet
}

@test "evaluate judges an encoder by the nearest neighbour" {
    json 'set(d) == {"split", "nearest_neighbour_codes", "nearest_neighbour_features"} and
        0.3 < d["nearest_neighbour_codes"] <= 1 and
        0.3 < d["nearest_neighbour_features"] <= 1' evaluate runs/bigan
    works evaluate runs/bigan
    has "$out" "nearest_neighbour_codes    0."
    has "$out" "nearest_neighbour_features 0."
    json '"nearest_neighbour_codes" in d and "frechet_distance" in d' \
        evaluate runs/bigan "${JUDGE[@]}" --count 100
    json '"nearest_neighbour_codes" not in d and d["images"] == 300' \
        evaluate runs/bigan "${JUDGE[@]}" --images runs/samples.npy
    fails 2 'choose test or validation' evaluate runs/bigan --split train
}

@test "evaluate of a classifier is its accuracy" {
    json 'list(d) == ["split", "examples", "pixels", "accuracy", "cross_entropy"] and
        d["examples"] == 10000 and d["accuracy"] > 0.8' evaluate runs/judge
    works evaluate runs/judge
    has "$out" "accuracy"
    has "$out" "cross_entropy"
    not grep -Eq "latent|likelihood" out.txt
}

@test "evaluate with a classifier judges a VAE's samples too" {
    json '"frechet_distance" in d and "nearest_neighbour_codes" not in d' \
        evaluate runs/vae "${JUDGE[@]}" --count 100
    json 'd["elbo"] < 0' evaluate runs/vae
}

@test "evaluate says what is missing or does not fit" {
    fails 2 '(`reverie train classifier-cnn --run runs/judge`, then --classifier runs/judge)' \
        evaluate runs/gan
    fails 2 'train one, and name its run (`reverie train classifier-cnn' evaluate runs/gan --images runs/samples.npy
    fails 2 'train one, and name its run (`reverie train classifier-cnn' evaluate runs/bigan --images runs/samples.npy
    fails 2 'does not classify' evaluate runs/gan --classifier runs/vae
    fails 3 'holds no run' evaluate runs/gan --classifier runs/none
    fails 2 'makes no images to judge' evaluate runs/judge "${JUDGE[@]}"
    fails 2 '--count' evaluate runs/vae --count 10
    fails 2 '--count' evaluate runs/gan "${JUDGE[@]}" --count 0
    fails 3 'none.npy' evaluate runs/gan "${JUDGE[@]}" --images none.npy
    npy small.npy '<f4' 20,8,8 0.5
    fails 2 '[20,8,8], but' evaluate runs/gan "${JUDGE[@]}" --images small.npy
    npy wide.npy '<f4' 20,784 200
    fails 2 'as uint8' evaluate runs/gan "${JUDGE[@]}" --images wide.npy
    npy few.npy '<f4' 3,784 0.5
    fails 2 '3 images can be compared, and 6 are needed' \
        evaluate runs/gan "${JUDGE[@]}" --images few.npy --quiet
    echo junk > junk.npy
    fails 3 'junk.npy' evaluate runs/gan "${JUDGE[@]}" --images junk.npy
}

@test "a classifier of other images is refused" {
    idx small 8
    idx other 28
    for set in small other; do
        works train lab1-classifier data.name=./$set train.epochs=1 --run "judge-$set"
    done
    fails 2 '8 x 8 x 1' evaluate runs/gan --classifier judge-small
    fails 2 'digits' evaluate runs/gan --classifier judge-other
}

@test "classify labels images" {
    npy dark.npy '<f4' 3,28,28,1 0
    works classify runs/judge -i dark.npy
    [ "$(wc -l < out.txt)" -eq 4 ]
    works classify runs/judge -i runs/samples.npy
    has "$out" "and 250 more"
    python3 -c "
lines = open('out.txt').read().split('label  images\n')[1].split('\n')
assert sum(int(l.split()[1]) for l in lines if l) == 300, lines"
    json 'd["images"] == len(d["labels"]) == len(d["probabilities"]) == 300 and
        d["classes"] == 10 and all(0 <= l < 10 for l in d["labels"]) and
        all(0.1 <= p <= 1 for p in d["probabilities"])' classify runs/judge -i runs/samples.npy
    json 'd["file"] == "labels.npy"' classify runs/judge -i runs/samples.npy -o labels.npy
    works inspect labels.npy
    has "$out" "300"
    # The shares of evaluate are those of classify.
    works classify runs/judge -i runs/samples.npy --json
    cp out.txt labels.json
    json '[round(300 * p) for p in d["class_shares"]] ==
        [json.load(open("labels.json"))["labels"].count(k) for k in range(10)]' \
        evaluate runs/gan "${JUDGE[@]}" --images runs/samples.npy
}

@test "classify says what is wrong with its images" {
    fails 2 'needs -i FILE.npy' classify runs/judge
    fails 3 'none.npy' classify runs/judge -i none.npy
    fails 2 'does not classify' classify runs/gan -i runs/samples.npy
    npy small.npy '<f4' 2,8,8,1 0
    fails 2 "[2,8,8,1], but the run's images are 28 x 28 x 1" classify runs/judge -i small.npy
    npy negative.npy '<f4' 2,784 -1
    fails 2 '(v + 1) / 2' classify runs/judge -i negative.npy
    npy empty.npy '<f4' 0,784 0
    fails 2 'holds no image' classify runs/judge -i empty.npy
    fails 2 '.npy file' classify runs/judge -i runs/samples.npy -o labels.txt
    fails 4 'nowhere' classify runs/judge -i runs/samples.npy -o nowhere/labels.npy
}

@test "training says what goes wrong: on the terminal, in metrics.jsonl, in the report" {
    works train lab1-wgan data.name=digits data.limit=320 train.epochs=2 \
        objective.clip=1e-6 --run runs/stuck
    has "$err" "critic_at_clip"
    has "$err" "raise objective.clip"
    [ "$(grep -c '"name":"critic_at_clip"' runs/stuck/metrics.jsonl)" -eq 2 ]
    [ "$(grep -c 'critic_at_clip' <<< "$err")" -eq 1 ]
    grep -q 'What went wrong' runs/stuck/report.html
    grep -q 'critic_at_clip, epochs 1 to 2' runs/stuck/report.html
    works train lab1-wgan data.name=digits data.limit=320 train.epochs=2 \
        --run runs/fine
    [ "$(grep -c '"event":"alarm"' runs/fine/metrics.jsonl)" -eq 0 ]
    [ "$(grep -c 'What went wrong' runs/fine/report.html)" -eq 0 ]
}

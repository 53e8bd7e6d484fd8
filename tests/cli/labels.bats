#!/usr/bin/env bats
# Models that learn from labelled and unlabelled images, from end to end.

load support

# A run of seconds: 40 of 400 images labelled, six batches of them a round.
NETS=("classifier=[linear 24, softplus]" "encoder=[linear 24, softplus]"
    "decoder=[linear 24, softplus]")
SMALL=(data.name=digits data.limit=400 data.validation=100 data.batch=64 data.labels=40
    data.labelled_batch=6 latent=4 train.epochs=2 train.log=3 train.lr=1e-3
    train.steps=0)
M2=(m2-auxiliary "${SMALL[@]}" "${NETS[@]}")

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${M2[@]}" --run m2 --threads 1
    works train adgm "${SMALL[@]}" auxiliary=3 "${NETS[@]}" \
        "auxiliary_encoder=[linear 24, relu]" "auxiliary_decoder=[linear 24, relu]" --run adgm
    works train m1-m2 "${SMALL[@]}" features=3 "${NETS[@]}" \
        "feature_encoder=[linear 24, relu]" "feature_decoder=[linear 24, relu]" --run m1-m2
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    SHARED=$BATS_FILE_TMPDIR/shared
}

# is_png FILE WIDTH HEIGHT
is_png() {
    [ "$(python3 -c 'import struct, sys
head = open(sys.argv[1], "rb").read(24)
print(head[1:4].decode(), *struct.unpack(">II", head[16:24]))' "$1")" = "PNG $2 $3" ]
}

@test "each kind trains, evaluates, classifies in both ways, and is shown" {
    for run in m2 adgm m1-m2; do
        for value in '"elbo":' '"elbo_labelled":' '"accuracy":' '"accuracy_by_evidence":'; do
            grep -q "\"split\":\"validation\".*$value" "$SHARED/$run/metrics.jsonl"
        done
        works evaluate "$SHARED/$run"
        has "$out" "accuracy_by_evidence"
        has "$out" "nats per image"
        works evaluate "$SHARED/$run" --json
        python3 -c 'import json, sys
v = json.load(sys.stdin)
assert 0 < v["accuracy"] <= 1 and v["elbo"] < 0, v' < out.txt
        works sample "$SHARED/$run" -n 12 -o images.npy
        for by in encoder evidence; do
            works classify "$SHARED/$run" -i images.npy --by $by --json
            python3 -c 'import json, sys
v = json.load(sys.stdin)
assert v["images"] == 12 and v["classes"] == 10 and len(v["labels"]) == 12, v
assert all(0.1 <= p <= 1 for p in v["probabilities"]), v' < out.txt
        done
        works inspect "$(newest "$SHARED/$run")"
        works show "$SHARED/$run"
    done
}

@test "what training logs has the parts of the objective" {
    for value in loss unlabelled_bound labelled_bound classification accuracy; do
        grep -q "\"event\":\"train\".*\"$value\":" "$SHARED/m2/metrics.jsonl"
    done
    grep -q '"event":"train".*"m1_loss":.*"m2_loss":' "$SHARED/m1-m2/metrics.jsonl"
}

@test "the report has the figures of classes and the table of both" {
    for run in m2 adgm m1-m2; do
        is_png "$SHARED/$run/samples/classes.png" 302 302
        is_png "$SHARED/$run/samples/style.png" 332 302
        grep -q "A row for each class" "$SHARED/$run/report.html"
        grep -q "accuracy by evidence" "$SHARED/$run/report.html"
    done
    grep -q "cross-entropy, not a likelihood" "$SHARED/m2/report.html"
}

@test "figures and samples by class" {
    works figure "$SHARED/m2" classes --columns 4 -o classes.png
    is_png classes.png 122 302
    works figure "$SHARED/m2" style --rows 3 -o style.png
    is_png style.png 332 92
    works sample "$SHARED/m2" --class 3 -n 10 -o three.png
    works sample "$SHARED/m2" --class 3 -n 10 -o three.npy
    works sample "$SHARED/m2" -n 10 -o all.npy
    python3 -c 'import numpy' 2> /dev/null && python3 -c 'import numpy as np
three, every = np.load("three.npy"), np.load("all.npy")
same = [bool((three[i] == every[i]).all()) for i in range(10)]
assert same == [i == 3 for i in range(10)], same'
    for what in interpolate reconstruct; do
        works $what "$SHARED/m2" -o $what.png
    done
    works traverse "$SHARED/m2" --image 1 --dim 0 -o traverse.png
}

@test "a model without classes says so" {
    works train "${TINY[@]}" train.epochs=1 --run vae
    fails 2 "does not decode by class" figure vae classes -o out.png
    fails 2 "does not decode by class" figure vae style -o out.png
    fails 2 "does not decode by class" sample vae --class 3 -o out.png
    fails 2 "does not decode by class" sample vae --class 3 -o out.npy
    fails 2 "has no class \`10\`; there are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9" sample "$SHARED/m2" --class 10 -o out.png
    works train lab1-classifier data.name=digits data.limit=200 train.epochs=1 --run judge
    works sample vae -n 4 -o images.npy
    fails 2 "has no p(x, y), which --by evidence needs" classify judge -i images.npy --by evidence
    [ ! -e out.png ] && [ ! -e out.npy ]
}

@test "a run stopped in the middle of an epoch goes on byte for byte" {
    for steps in 3 9; do
        works train "${M2[@]}" train.steps=$steps --run "stopped-$steps" --threads 1
        works resume "stopped-$steps" train.steps=0 --threads 1
        cmp "$SHARED/m2/metrics.jsonl" "stopped-$steps/metrics.jsonl"
        diff -r "$SHARED/m2/samples" "stopped-$steps/samples"
        cmp "$(newest "$SHARED/m2")" "$(newest "stopped-$steps")"
    done
}

@test "a classifier of the labelled images alone" {
    works train m2-supervised data.name=digits data.limit=400 data.validation=100 data.labels=40 \
        data.batch=20 train.epochs=2 train.log=1 --run supervised
    [ "$(grep -c '"event":"train"' supervised/metrics.jsonl)" -eq 4 ]
    fails 2 "has no labelled batch in addition to the others" train m2-supervised data.name=digits \
        data.limit=400 data.validation=100 data.labelled_batch=5 --run no
}

@test "labels that cannot be had" {
    python3 - <<'PYTHON'
import os, struct
os.makedirs("few", exist_ok=True)
labels = [0] * 30 + [1] * 4
for part in ("train", "t10k"):
    with open(f"few/{part}-images-idx3-ubyte", "wb") as f:
        f.write(struct.pack(">IIII", 2051, 34, 4, 4) + bytes(i % 256 for i in range(34 * 16)))
    with open(f"few/{part}-labels-idx1-ubyte", "wb") as f:
        f.write(struct.pack(">II", 2049, 34) + bytes(labels))
PYTHON
    FEW=(m2-auxiliary data.name=./few data.batch=8 data.validation=0 data.labelled_batch=0)
    fails 2 "asks for 5 images of each class, but class 1 of the training images" \
        train "${FEW[@]}" data.labels=10 --run no
    fails 2 "data.labels=3 cannot be shared evenly by 2 classes" \
        train "${FEW[@]}" data.labels=3 --run no
    fails 2 "data.labels=36 is more than the 34 training images" \
        train "${FEW[@]}" data.labels=36 --run no
    works sample "$SHARED/m2" -n 40 -o plain.npy
    fails 2 "needs labelled images of two classes or more" \
        train m2-auxiliary data.name=./plain.npy data.validation=10 --run no
    fails 2 "data.labelled_batch=41 is more than the 40 labelled images" \
        train "${M2[@]}" data.labelled_batch=41 --run no
    fails 2 "data.labels=20: model \`vae\` does not use labels" \
        train "${TINY[@]}" data.labels=20 --run no
    fails 2 "data.labelled_batch=20: model \`vae\`" train "${TINY[@]}" data.labelled_batch=20 --run no
    fails 2 "nothing would teach the decoder" \
        train "${M2[@]}" objective.labelled=0 objective.unlabelled=0 --run no
    [ ! -e no ]
}

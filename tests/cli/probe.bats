#!/usr/bin/env bats
# Probing an encoder on the built-in digits: its numbers, the choice of labels, each error.

load support

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train lab2-vae data.name=digits data.limit=1500 data.validation=300 train.epochs=3 \
        "encoder=[linear 64, relu]" "decoder=[linear 64, relu]" latent=8 --run vae
    works train lab2-gan data.name=digits data.limit=300 train.epochs=1 \
        "generator=[linear 16, relu]" "discriminator=[linear 16, relu]" --run gan
    # Four images without labels; and with, three of one class and one of the other.
    mkdir -p plain/train uneven/train/a uneven/train/b
    for i in 1 2 3 4; do
        works sample gan -n 1 --seed $i -o plain/train/$i.png
    done
    cp plain/train/[123].png uneven/train/a
    cp plain/train/4.png uneven/train/b
    for name in plain uneven; do
        cp -r $name/train $name/test
        works train lab2-vae-2d data.name=./$name data.pixels=gray data.validation=0 \
            train.epochs=1 data.batch=2 "encoder=[linear 8, relu]" "decoder=[linear 8, relu]" \
            --run run-$name
    done
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    ln -sfn "$BATS_FILE_TMPDIR/shared" runs
    ln -sfn runs/plain runs/uneven .
}

@test "probe: codes and pixels, two classifiers each" {
    json 'list(d) == ["split", "labels", "examples", "classes", "k", "codes", "pixels"] and
        d["split"] == "test" and d["labels"] == 1500 and d["classes"] == 10 and d["k"] == 5 and
        d["codes"]["width"] == 8 and d["pixels"]["width"] == 784 and
        all(0.4 < d[w][p]["accuracy"] < 1 for w in ("codes", "pixels")
            for p in ("softmax", "neighbours")) and
        0 < d["codes"]["softmax"]["standard_error"] < 0.01' probe runs/vae
    works probe runs/vae --labels 100 -k 3 --codes-only --split validation
    has "$out" "validation, 300 images; probes learned from the labels of 100 training images"
    has "$out" "3 nearest neighbours"
    not grep -q pixels out.txt
    has "$err" "encoding 100 images"
}

@test "probe --labels: as many of each class, the same ones for the same seed" {
    # Of 10 labels each class has one, whatever the seed.
    for seed in 1 2 3; do
        json 'd["labels"] == 10 and d["classes"] == 10' \
            probe runs/vae --labels 10 -k 1 --codes-only --seed $seed
        cp out.txt "seed-$seed.txt"
    done
    works probe runs/vae --labels 10 -k 1 --codes-only --json
    diff out.txt seed-1.txt
    not cmp -s seed-1.txt seed-2.txt
    json 'd["labels"] == 30 and d["classes"] == 10' probe runs/vae --labels 30 -k 1 --codes-only
}

@test "probe says what is missing or does not fit" {
    fails 2 'has no encoder, which `probe` needs' probe runs/gan
    fails 2 'have no labels' probe runs/run-plain
    fails 2 'labels=9 cannot be shared evenly by 10 classes' probe runs/vae --labels 9
    fails 2 'asks for 2 images of each class, but class 1 of the training images' probe runs/run-uneven --labels 4
    json 'd["labels"] == 2 and d["classes"] == 2' probe runs/run-uneven --labels 2 -k 1
    fails 2 'labels=2000 is more than the 1500 training images' probe runs/vae --labels 2000
    fails 2 'judged by another' probe runs/vae --split train
    fails 2 '30 nearest neighbours are asked of 20' probe runs/vae --labels 20 -k 30 --quiet
    fails 2 '--labels' probe runs/vae --labels 0
    fails 3 'holds no run' probe runs/none
}

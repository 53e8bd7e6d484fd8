#!/usr/bin/env bats
# Bad input: one clear line, the documented exit code, and nothing left half-written.

load support

setup() {
    prepare "$BATS_TEST_TMPDIR"
}

# recipe LINES: the recipe r.yaml, its data built in.
recipe() {
    printf 'model: vae\ndata: {name: digits, limit: 300}\n%b' "$1" > r.yaml
}

# refuses CODE MESSAGE-PART ARGUMENTS...: training fails so, and makes no folder.
refuses() {
    local code_expected=$1 part=$2
    shift 2
    fails "$code_expected" "$part" train "$@" --run made
    [ "$(wc -l < err.txt)" -eq 1 ] || { cat err.txt && return 1; }
    [ ! -e made ] || { find made && return 1; }
}

# idx_folder: an IDX data set of 20 and 10 tiny images, tiny/{train,t10k}-*.gz.
idx_folder() {
    rm -rf tiny && mkdir tiny
    python3 - "$@" <<'PYTHON'
import gzip, random, struct
random.seed(1)
for name, count in ("train", 20), ("t10k", 10):
    pixels = bytes(random.randrange(256) for _ in range(count * 28 * 28))
    labels = bytes(i % 10 for i in range(count))
    with gzip.open(f"tiny/{name}-images-idx3-ubyte.gz", "wb") as file:
        file.write(struct.pack(">4I", 0x803, count, 28, 28) + pixels)
    with gzip.open(f"tiny/{name}-labels-idx1-ubyte.gz", "wb") as file:
        file.write(struct.pack(">2I", 0x801, count) + labels)
PYTHON
}

IDX=(lab2-vae-2d data.name=tiny data.validation=10 data.batch=5 train.epochs=1 "encoder=[linear 8, relu]"
    "decoder=[linear 8, relu]" --data-dir .)

@test "an unknown key: its line, and the nearest one" {
    recipe 'train:\n  epochs: 1\n  lrate: 1e-3\n'
    refuses 2 'r.yaml:5: unknown key `train.lrate`; did you mean `train.lr`?' r.yaml
    refuses 2 'unknown key `data.nam`; did you mean `data.name`?' lab2-vae-2d data.nam=digits
    refuses 2 'unknown key `train.epoch`; did you mean `train.epochs`?' lab2-vae-2d train.epoch=1
}

@test "an unknown model: the nearest one" {
    printf 'data: {name: digits}\nmodel: vaee\n' > r.yaml
    refuses 2 'r.yaml:2: unknown model `vaee`; did you mean `vae`?' r.yaml
    refuses 2 'unknown model `va`; did you mean `vae`?' lab2-vae-2d model=va
}

@test "a value of the wrong type or range: its line, and what is wanted" {
    recipe 'train:\n  lr: fast\n'
    refuses 2 'r.yaml:4: train.lr wants a number' r.yaml
    recipe 'train:\n  epochs: -3\n'
    refuses 2 'r.yaml:4: train.epochs wants a whole number, at least 1 and at most 9007199254740992, not `-3`' r.yaml
    recipe 'latent: 2.5\n'
    refuses 2 'r.yaml:3: latent wants a whole number' r.yaml
    recipe 'train:\n  optimizer: addam\n'
    refuses 2 'r.yaml:4: ' r.yaml
    has "$err" 'adam'
    recipe 'train: 5\n'
    refuses 2 'r.yaml:3: ' r.yaml
    recipe 'latent: [2]\n'
    refuses 2 'r.yaml:3: ' r.yaml
    refuses 2 'train.lr wants a number' lab2-vae-2d data.name=digits train.lr=nan
    refuses 2 'data.batch wants a whole number' lab2-vae-2d data.name=digits data.batch=0
    refuses 2 'train.epochs' lab2-vae-2d data.name=digits train.epochs=99999999999999999999
    refuses 2 'train.epochs' lab2-vae-2d data.name=digits train.epochs=
}

@test "YAML that is none: its line" {
    recipe 'encoder: [linear 8\nlatent: 2\n'
    fails 2 'r.yaml:' train r.yaml --run made ||
        fails 3 'r.yaml:' train r.yaml --run made
    [ ! -e made ]
    printf '\x00\x01\x02' > r.yaml
    go train r.yaml --run made
    [ "$code" -eq 2 ] || [ "$code" -eq 3 ]
    has "$err" 'r.yaml'
}

@test "a layer that does not parse: the nearest word, and where" {
    recipe 'encoder: [linear 10, rellu]\n'
    refuses 2 'unknown layer `rellu` at position 2 of encoder; did you mean `relu`?' r.yaml
    recipe 'decoder: [liner 10]\n'
    refuses 2 'unknown layer `liner 10` at position 1 of decoder; did you mean `linear`?' r.yaml
    recipe 'encoder: [linear]\n'
    refuses 2 'encoder' r.yaml
    recipe 'encoder: [linear ten]\n'
    refuses 2 'encoder' r.yaml
    recipe 'encoder: [linear -1]\n'
    refuses 2 'encoder' r.yaml
    recipe 'encoder: [linear 10, dropout 2]\n'
    refuses 2 'encoder' r.yaml
    recipe 'encoder: [linear 10 20]\n'
    refuses 2 'encoder' r.yaml
}

@test "sizes that do not fit: the layer" {
    recipe 'encoder:\n  - linear 10\n  - residual: [linear 12]\n'
    refuses 2 'encoder.1: a residual block must give the shape it takes' r.yaml
    has "$err" 'turns [10] into [12]'
    recipe "data.validation: 60000\n"
    refuses 2 'validation' r.yaml
}

@test "a recipe that is not there: the nearest name" {
    refuses 3 'lab1-va: there is no such recipe; did you mean `lab1-vae`?' lab1-va
    refuses 3 'nothere.yaml' nothere.yaml
    refuses 3 'folder' "$HOME/"
}

@test "a folder that holds no run" {
    mkdir empty
    for verb in resume evaluate sample reconstruct interpolate traverse inpaint encode; do
        fails 3 'empty: holds no run' "$verb" empty
        fails 3 'nowhere: holds no run' "$verb" nowhere
    done
    fails 3 'nowhere: holds no run: there is no such folder (`reverie runs list` lists runs)' \
        figure nowhere curves
    fails 3 'nowhere: holds no run' runs compare nowhere
    fails 2 'needs run folders' runs compare
    fails 2 'too much' runs list more
    fails 2 'too much' data list more
    [ ! -e nowhere ]
    rmdir empty
}

@test "a run folder where a file is" {
    touch made
    fails 4 'made' train "${TINY[@]}" --run made
    fails 4 'made' train "${TINY[@]}" --run made/inside
    [ ! -s made ]
}

@test "a missing data set: where it looked, and what always works" {
    refuses 3 "data set 'mnist' was not found: looked for it at here/mnist" lab1-vae --data-dir here
    has "$err" 'train-images-idx3-ubyte.gz'
    has "$err" 'data.name=digits always works'
    REVERIE_DATA=there refuses 3 'there/mnist' lab1-vae
    has "$err" "$HOME/.cache/reverie/mnist"
}

@test "a whole IDX folder is trained on, .gz or not" {
    idx_folder
    works train "${IDX[@]}" --run packed
    gunzip tiny/*.gz
    works train "${IDX[@]}" --run plain
    cmp packed/metrics.jsonl plain/metrics.jsonl
}

@test "a truncated or corrupt .gz" {
    idx_folder
    for bytes in 5 300 -4 -20; do
        cp -r tiny whole
        truncate -s "$bytes" tiny/train-images-idx3-ubyte.gz
        refuses 3 'tiny/train-images-idx3-ubyte.gz' "${IDX[@]}"
        rm -r tiny
        mv whole tiny
    done
    : > tiny/train-labels-idx1-ubyte.gz
    refuses 3 'tiny/train-labels-idx1-ubyte.gz' "${IDX[@]}"
    idx_folder
    flip_bit tiny/train-images-idx3-ubyte.gz
    refuses 3 'tiny/train-images-idx3-ubyte.gz' "${IDX[@]}"
}

@test "a wrong magic number, sizes that are not there, different counts" {
    idx_folder
    gunzip tiny/*.gz
    cp -r tiny whole
    again() { rm -rf tiny && cp -r whole tiny; }
    printf '\0\0\010\001' | dd of=tiny/train-images-idx3-ubyte conv=notrunc status=none
    refuses 3 'tiny/train-images-idx3-ubyte' "${IDX[@]}"
    again
    printf 'abcd' | dd of=tiny/t10k-labels-idx1-ubyte conv=notrunc status=none
    refuses 3 'tiny/t10k-labels-idx1-ubyte' "${IDX[@]}"
    again
    printf '\377\377\377\377' | dd of=tiny/train-images-idx3-ubyte bs=1 seek=4 conv=notrunc status=none
    refuses 3 'tiny/train-images-idx3-ubyte' "${IDX[@]}"
    again
    truncate -s 5 tiny/train-images-idx3-ubyte
    refuses 3 'tiny/train-images-idx3-ubyte' "${IDX[@]}"
    again
    echo more >> tiny/train-images-idx3-ubyte
    refuses 3 'tiny/train-images-idx3-ubyte' "${IDX[@]}"
    again
    cp tiny/t10k-labels-idx1-ubyte tiny/train-labels-idx1-ubyte
    refuses 3 '20' "${IDX[@]}"
    has "$err" '10'
    has "$err" 'tiny/train-'
    again
    rm tiny/train-labels-idx1-ubyte
    refuses 3 'tiny' "${IDX[@]}"
}

@test "options and words that cannot be meant" {
    fails 2 'something is missing' train
    fails 2 'unknown verb `trian`; did you mean `train`?' trian lab1-vae
    fails 2 'unknown option `--rnu`; did you mean `--run`?' train lab1-vae --rnu here
    fails 2 'is too much' train lab1-vae lab2-vae
    fails 2 '--threads wants' train lab1-vae --threads 0
    fails 2 "`=5` is too much" train lab1-vae =5 --run made
}

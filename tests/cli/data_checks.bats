#!/usr/bin/env bats
# Data are compared with the model and with the run wherever they are opened: other sizes, classes,
# ranges or images never become numbers without a word.

load support

NETS=("encoder=[linear 8, relu]" "decoder=[linear 8, relu]")

setup() {
    prepare "$BATS_TEST_TMPDIR"
}

# idx FOLDER PREFIX COUNT SIDE CLASSES [SEED]: images and labels, label of image i: i mod CLASSES.
idx() {
    mkdir -p "$1"
    python3 - "$@" <<'PYTHON'
import struct, sys
folder, prefix, count, side, classes = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
seed = int(sys.argv[6]) if len(sys.argv) > 6 else 1
pixels = bytes((i * 31 * seed + i // 7) % 256 for i in range(count * side * side))
open(f"{folder}/{prefix}-images-idx3-ubyte", "wb").write(
    struct.pack(">IIII", 0x803, count, side, side) + pixels)
open(f"{folder}/{prefix}-labels-idx1-ubyte", "wb").write(
    struct.pack(">II", 0x801, count) + bytes(i % classes for i in range(count)))
PYTHON
}

# npy FILE TYPE SHAPE EXPRESSION-OF-i
npy() {
    python3 - "$@" <<'PYTHON'
import struct, sys
file, kind, shape, value = sys.argv[1], sys.argv[2], eval(sys.argv[3]), sys.argv[4]
count = 1
for n in shape: count *= n
text = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }" % (kind, shape)
text += " " * (63 - (10 + len(text)) % 64) + "\n"
form = {"<f4": "f", "<i4": "i", "<i8": "q", "|u1": "B", "<f8": "d"}[kind]
data = struct.pack("<%d%s" % (count, form), *[eval(value) for i in range(count)])
open(file, "wb").write(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + data)
PYTHON
}

train_small() {
    works train lab2-vae-2d data.batch=10 data.pixels=gray train.epochs=1 "${NETS[@]}" "$@"
}

@test "show, bench and inspect find the data of a run as evaluate does" {
    idx D/set train 60 12 10
    idx D/set t10k 20 12 10
    train_small data.name=set data.validation=10 --data-dir D --run run
    works show run
    has "$out" "[144]"
    [ -z "$err" ]
    works bench run --steps 1 --warm-up 0
    works inspect run --program
    works evaluate run
    # Settings of the call choose other data, and other sizes.
    works show run data.name=digits
    has "$out" "[784]"
    fails 3 'nowhere' bench run --steps 1 data.name=nowhere
    # Without the data, a run is shown by its checkpoint alone.
    rm -r D
    works show run
    has "$out" "[144]"
    [ -z "$err" ]
    works show run latent=3
    has "$out" "[144]"
    works show lab2-vae-2d data.name=nowhere
    has "$err" "the data are not here"
}

@test "images of another size than the run's are refused by every verb" {
    idx D/set train 60 8 10
    idx D/set t10k 20 8 10
    train_small data.name=set data.validation=10 --data-dir D --run run
    idx D/set t10k 20 12 10
    for verb in "evaluate run" "evaluate run --samples 3" "evaluate run --latents" \
        "evaluate run --gap" "reconstruct run" "traverse run --dim 0" "encode run -o z.npy" \
        "figure run latent" "figure run reconstructions"; do
        fails 3 'are 12 x 12 x 1 (height, width, channels), but the model' $verb --data-dir D
        has "$err" 'are 8 x 8 x 1'
    done
    # What another split needs is there.
    works evaluate run --split validation --data-dir D
    idx D/set train 60 6 10
    fails 3 'are 6 x 6 x 1' evaluate run --split train --data-dir D
    fails 3 'images of 8 x 8 x 1, but the data are 6 x 6 x 1' resume run train.epochs=2 --data-dir D
    fails 3 'are 12 x 12 x 1' train lab2-vae-2d data.name=set data.validation=10 \
        data.pixels=gray "${NETS[@]}" --data-dir D --run other
    not test -e other
}

@test "other images under the same name are said" {
    idx D/set train 60 8 10
    idx D/set t10k 20 8 10
    train_small data.name=set data.validation=10 --data-dir D --run run
    works evaluate run --data-dir D
    [ -z "$err" ] || not has "$err" 'are not those'
    idx D/set t10k 20 8 10 5
    works evaluate run --data-dir D
    has "$err" 'the test images are not those that the run was made with'
    idx D/set train 60 8 10 5
    works resume run train.epochs=2 --data-dir D
    has "$err" 'the train images are not those that the run was made with'
}

@test "training again from the settings of a run finds its data, unless the call says otherwise" {
    idx D/set train 60 12 10
    idx D/set t10k 20 12 10
    idx E/set train 50 12 10
    idx E/set t10k 20 12 10
    train_small data.name=set data.validation=10 --data-dir D --run run
    works train run --run again
    cmp run/metrics.jsonl again/metrics.jsonl
    rm -r run # what it remembered is remembered
    works train again train.epochs=2 --run third
    works evaluate third --split validation
    works train again --data-dir E --run other
    grep -q '"place": ".*/E/set"' other/data.json
    cp -r D/set named
    fails 3 "'named' was not found" train again data.name=named --run no
    fails 3 "'named' was not found" train again 'data={name: named}' --run no
}

@test "a run remembers where its data were" {
    idx D/set train 60 8 10
    idx D/set t10k 20 8 10
    train_small data.name=set data.validation=10 --data-dir D --run run
    works evaluate run
    cp out.txt first.txt
    mkdir elsewhere
    mv run elsewhere/run
    (cd elsewhere && works evaluate run && cmp ../first.txt out.txt)
    works resume elsewhere/run train.epochs=2
    # Under another name the place of the old one is not meant.
    fails 3 "data set 'nowhere' was not found" resume elsewhere/run data.name=nowhere train.epochs=3
    rm -r D
    fails 3 'was not found' evaluate elsewhere/run
}

@test "labels that are no class of the training images are refused; classes come from all of them" {
    idx D/set train 60 8 10
    idx D/set t10k 20 8 4 # the test images have four of the ten
    works train lab1-classifier data.name=set data.validation=20 data.batch=10 train.epochs=1 \
        "layers=[linear 8, relu]" --data-dir D --run run
    json 'd["accuracy"] >= 0 and d["cross_entropy"] > 0' evaluate run --data-dir D
    works train lab1-classifier data.name=set data.batch=10 train.epochs=1 \
        "layers=[linear 8, relu]" --data-dir D --run other
    works inspect "$(newest other)"
    idx D/set t10k 20 8 12
    fails 3 'has the label 10, which none of the 10 classes' evaluate run --data-dir D
    # Fewer classes than the run knows.
    idx D/set train 60 8 4
    idx D/set t10k 20 8 4
    fails 3 'have 4 classes, but the model knows 10' evaluate run --data-dir D
    npy rows.npy '|u1' '(30, 8, 8)' 'i % 256'
    sed -i 's/name: set/name: .\/rows.npy/' run/config.yaml
    fails 3 'no labels' evaluate run --split train
}

@test "chosen classes are all the classes there are, and keep their names" {
    works train m2-auxiliary \
        data.name=digits "data.classes=[3, 8]" data.limit=200 data.validation=50 data.labels=20 \
        data.batch=50 train.epochs=1 latent=4 "classifier=[linear 8]" "encoder=[linear 8]" \
        "decoder=[linear 8]" --run run
    works sample run --class 8 -n 2 -o eight.npy
    fails 2 'has no class `1`; there are 3, 8' sample run --class 1 -o x.png
    works classify run -i eight.npy
    python3 - <<'PYTHON'
labels = {line.split()[1] for line in open("out.txt").read().splitlines()[1:3]}
assert labels <= {"3", "8"}, labels
PYTHON
    grep -q '"classes": \[' run/data.json
    works figure run classes -o classes.png
}

@test "arrays of floats and integers: out of range is refused with the setting that mends it" {
    npy a.npy '<f4' '(40, 6, 6)' 'float(i % 256)'
    npy b.npy '<f4' '(40, 6, 6)' '(i % 201) / 100 - 1'
    npy c.npy '<i8' '(40, 6, 6)' 'i % 256'
    npy d.npy '<f4' '(40, 6, 6)' '(i % 256) / 255'
    fails 3 'data.values=[0,255]' train lab2-vae-2d data.name=./a.npy data.validation=10 \
        data.pixels=gray "${NETS[@]}" --run run
    fails 3 'data.values=[-1,1]' train lab2-vae-2d data.name=./b.npy data.validation=10 \
        data.pixels=gray "${NETS[@]}" --run run
    fails 3 'data.values=[0,255]' train lab2-vae-2d data.name=./c.npy data.validation=10 \
        data.pixels=gray "${NETS[@]}" --run run
    train_small data.name=./d.npy data.validation=10 --run d
    train_small data.name=./a.npy data.validation=10 data.values=[0,255] --run a
    train_small data.name=./c.npy data.validation=10 data.values=[0,255] --run c
    cmp a/metrics.jsonl d/metrics.jsonl
    cmp a/metrics.jsonl c/metrics.jsonl
    train_small data.name=./b.npy data.validation=10 data.values=[-1,1] data.pixels=static --run b
    fails 2 'data.values takes two numbers' train lab2-vae-2d data.name=./a.npy data.values=[1,1] \
        data.validation=10 data.pixels=gray "${NETS[@]}" --run run
    fails 2 'data.values is for' train lab2-vae-2d data.name=digits data.values=[0,255] \
        data.validation=10 data.limit=100 "${NETS[@]}" --run run
    not test -e run
}

@test "a range of pixels changes no number and no picture" {
    SET=(lab2-vae-2d data.name=digits data.limit=300 data.validation=100 data.pixels=gray
        train.epochs=1 "encoder=[linear 8, relu]" "decoder=[linear 8, relu]")
    works train "${SET[@]}" --run unit
    works train "${SET[@]}" "data.range=[-1,1]" --run signed
    works train "${SET[@]}" "data.normalize=[0.1307, 0.3081]" --run normal
    for run in unit signed normal; do
        works evaluate $run --json
        python3 - <<'PYTHON'
import json
d = json.load(open("out.txt"))
assert 100 < d["reconstruction"] < 600 and d["elbo"] < -100, d
PYTHON
        works reconstruct $run -n 5 -o $run.png # three cells of the last row are empty
    done
    # The first row shows the images themselves: the same in every range.
    python3 - <<'PYTHON'
import struct, zlib
def rows(name, count):
    data = open(name, "rb").read(); at = 8; idat = b""
    while at < len(data):
        n, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR": w, h, depth, color = struct.unpack(">IIBB", data[at + 8:at + 18])
        if kind == b"IDAT": idat += data[at + 8:at + 8 + n]
        at += 12 + n
    bpp = {0: 1, 2: 3}[color]; raw = zlib.decompress(idat); line = w * bpp; out = []
    prev = bytes(line)
    for y in range(count):
        f, cur = raw[y * (line + 1)], bytearray(raw[y * (line + 1) + 1:(y + 1) * (line + 1)])
        for i in range(line):
            a = cur[i - bpp] if i >= bpp else 0; b = prev[i]; c = prev[i - bpp] if i >= bpp else 0
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            cur[i] = (cur[i] + [0, a, b, (a + b) // 2,
                a if pa <= pb and pa <= pc else b if pb <= pc else c][f]) % 256
        prev = bytes(cur); out.append(prev)
    return out
unit = rows("unit.png", 30)
for name in ("signed.png", "normal.png"):
    for a, b in zip(unit, rows(name, 30)):
        assert all(abs(x - y) <= 1 for x, y in zip(a, b)), name
PYTHON
}

@test "resume with another batch goes on at the next image; with another order the epoch begins again" {
    SET=(lab2-vae-2d data.name=digits data.limit=600 data.validation=100 train.epochs=2
        data.batch=100 "encoder=[linear 8, relu]" "decoder=[linear 8, relu]")
    works train "${SET[@]}" train.steps=3 --run run # in mid-epoch, at image 300
    cp -r run smaller
    works resume smaller train.steps=0 data.batch=50
    python3 - smaller/metrics.jsonl 3 6 <<'PYTHON'
import json, sys
steps = [json.loads(l)["step"] for l in open(sys.argv[1]) if '"epoch"' in l]
lines = [json.loads(l) for l in open(sys.argv[1])]
ends = [l["step"] for l in lines if l["event"] == "epoch"]
# 3 batches of 100 and 6 of 50 make the 600 images of the first epoch, then 12 of 50.
assert ends == [9, 21], ends
PYTHON
    for setting in train.seed=2 data.limit=500 "data.classes=[1, 2, 3]"; do
        rm -rf other
        cp -r run other
        works resume other train.steps=0 "$setting"
        has "$err" 'epoch 1 begins again'
    done
    works resume run train.steps=0
    not has "$err" 'begins again'
}

@test "the best checkpoint is chosen among values that compare" {
    SET=(lab2-vae-2d data.name=digits data.limit=300 data.validation=100 train.epochs=1
        "encoder=[linear 8, relu]" "decoder=[linear 8, relu]")
    works train "${SET[@]}" --run run
    for setting in likelihood=gaussian data.pixels=gray data.validation=50; do
        rm -rf other
        cp -r run other
        works resume other train.epochs=2 $setting
        has "$err" 'the best checkpoint begins anew'
    done
    works resume run train.epochs=2
    not has "$err" 'anew'
    # A resume that takes no step changes nothing.
    cp run/config.yaml before.yaml
    works resume run train.epochs=1
    has "$out" 'is done already'
    has "$out" 'train.epochs=4'
    cmp run/config.yaml before.yaml
}

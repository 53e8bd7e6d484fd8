#!/usr/bin/env bats
# The learning rate in the log, a training that train.steps stops, alarms of what training cannot
# see in its losses, and settings that make no sense.

load support

SMALL=("${TINY[@]}" train.log=1)

setup() {
    prepare "$BATS_TEST_TMPDIR"
}

rates() {
    grep '"event":"train"' "$1/metrics.jsonl" | sed 's/.*"lr":\([^,}]*\).*/\1/' | tr '\n' ' '
}

@test "the rate is logged, and drawn by itself" {
    works train "${SMALL[@]}" train.schedule=cosine train.warmup=1 --run run
    steps=$(grep -c '"event":"train"' run/metrics.jsonl)
    [ "$(grep -c '"event":"epoch".*"lr":' run/metrics.jsonl)" -eq 2 ]
    python3 - "$steps" $(rates run) <<'PYTHON'
import sys
rates = [float(x) for x in sys.argv[2:]]
warm = int(sys.argv[1]) // 2
assert len(rates) == 2 * warm, rates
for k in range(warm):
    assert abs(rates[k] - 1e-3 * (k + 1) / warm) < 1e-12, rates
assert abs(rates[warm] - 1e-3) < 1e-12 and rates[-1] < rates[warm] / 4, rates
PYTHON
    works figure run curves --values rate -o rate.svg
    works figure run curves -o losses.svg
    ! grep -q '>lr<' losses.svg
    [ -f run/samples/curves-rate.png ]
    works train "${SMALL[@]}" train.epochs=1 --run plain
    [ ! -f plain/samples/curves-rate.png ]
}

@test "a schedule that cannot do what it says leaves no folder" {
    fails 2 'train.least=0.01' train "${SMALL[@]}" train.schedule=late train.least=0 --run run
    fails 2 'train.epochs=3' train "${SMALL[@]}" train.warmup=2.5 --run run
    [ ! -e run ]
}

@test "a training that train.steps stops is evaluated there, and goes on to the same bytes" {
    works train "${SMALL[@]}" --run whole
    works train "${SMALL[@]}" train.steps=8 --run part
    has "$err" "step 8: validation"
    has "$out" "resume part train.steps=0\`"
    [ "$(tail -n 1 part/metrics.jsonl | grep -c '"event":"evaluation","step":8')" -eq 1 ]
    cp -r part again
    works resume again
    cmp part/metrics.jsonl again/metrics.jsonl
    works resume again train.steps=0
    cmp whole/metrics.jsonl again/metrics.jsonl
    has "$out" "resume again train.epochs=4\`"
    works resume part train.steps=11
    [ "$(grep -c '"event":"evaluation","step":8' part/metrics.jsonl)" -eq 0 ]
    works resume part train.steps=0
    cmp whole/metrics.jsonl part/metrics.jsonl
    cmp whole/checkpoints/step-00000012.safetensors again/checkpoints/step-00000012.safetensors ||
        python3 - whole again <<'PYTHON'
import json, sys
def tensors(run):
    data = open(run + "/checkpoints/step-00000012.safetensors", "rb").read()
    return data[8 + int.from_bytes(data[:8], "little"):]
assert tensors(sys.argv[1]) == tensors(sys.argv[2])
PYTHON
}

@test "going on with another length says how the rate jumps" {
    works train "${SMALL[@]}" train.schedule=cosine --run run
    works resume run train.epochs=3
    has "$err" "the learning rate goes on at 0.00025, where it was to be 0"
    works train "${SMALL[@]}" --run plain
    works resume plain train.epochs=3
    [[ "$err" != *"goes on at"* ]]
}

@test "evaluation with averaged weights takes averaged statistics" {
    works train "${SMALL[@]}" 'encoder=[linear 64, batchnorm, relu]' train.ema=0.9 --run run
    python3 - run/checkpoints/step-00000012.safetensors <<'PYTHON'
import json, sys
data = open(sys.argv[1], "rb").read()
names = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
assert "ema.encoder.1.running_mean" in names and "ema.encoder.1.running_var" in names
PYTHON
    works evaluate run --weights ema --json
}

# images FILE EXPRESSION: 160 images of 8x8 pixels, each a bytes object made of its number n.
images() {
    python3 - "$@" <<'PYTHON'
import struct, sys
header = b"{'descr': '|u1', 'fortran_order': False, 'shape': (160, 8, 8), }"
header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
pixels = b"".join(eval(sys.argv[2], {"n": n}) for n in range(160))
open(sys.argv[1], "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header +
                              pixels)
PYTHON
}

# Four bright pixels in each image, never the same: at the mean image, where the weights stand
# still, nothing is bright.
@test "samples that never reach the upper half of the range raise an alarm" {
    images blocks.npy 'bytes(255 if i // 4 == n % 16 else 0 for i in range(64))'
    works train "${TINY[@]}" data.name=blocks.npy data.limit=0 data.validation=60 data.batch=1 \
        train.epochs=6 output_bias=data train.lr=1e-9 --run dim
    grep -q '"event":"alarm".*"epoch":5,"name":"samples_dim"' dim/metrics.jsonl
    [ "$(grep -c '"name":"samples_dim"' dim/metrics.jsonl)" -eq 2 ]
    [ "$(grep -c samples_dim <<< "$err")" -eq 1 ]
    has "$(cat dim/report.html)" "samples_dim, epochs 5 to 6"
    works train "${TINY[@]}" data.limit=500 data.batch=2 train.epochs=3 --run fine
    ! grep -q '"event":"alarm"' fine/metrics.jsonl
}

@test "a GAN on black images says so" {
    images black.npy 'bytes(64)'
    go train lab2-gan data.name=black.npy data.validation=0 data.batch=16 train.epochs=2 \
        train.log=2 'generator=[linear 8, relu]' 'discriminator=[linear 8, relu]' --run run
    if [ "$code" -eq 0 ]; then
        has "$err" "images_alike"
        ! grep -q '"diversity":[0-9.]*e+' run/metrics.jsonl
    else # refused at once
        has "$err" "black"
    fi
}

@test "settings that make no sense are refused" {
    for setting in format=0 train.ema=1 train.beta1=1 train.beta2=1 train.alpha=1 train.momentum=1 \
        'encoder=[linear 8, batchnorm 1e-5 0]'; do
        fails 2 "" show "${TINY[@]}" "$setting"
    done
    fails 2 'twice' train "${TINY[@]}" 'data.classes=[1,1]' --run run
}

#!/usr/bin/env bats
# Density models and flows of a posterior, from the command line.

load support

setup() {
    prepare "$BATS_TEST_TMPDIR"
}

SMALL=(data.name=digits data.limit=200 data.validation=60 train.epochs=1)

@test "points: trained, evaluated, drawn" {
    works train maf-2d data.name=moons data.limit=2000 data.validation=500 train.epochs=2 \
        "layers=[masked 16, relu]" length=2 --run points
    json 'd["pixels"] == "points" and -6 < d["log_likelihood"] < 0' evaluate points
    works evaluate points
    has "$out" "test, 10000 points, exact; nats per point"
    not has "$out" "cross-entropy"
    works figure points density -o density.png
    python3 - <<'PYTHON'
import struct
head = open("density.png", "rb").read(32)
assert struct.unpack(">II", head[16:24]) == (3 * 242 + 2, 244), head
PYTHON
    works sample points -n 100 -o points.npy
    fails 2 'points of the plane, which are no images' sample points -o points.png
    fails 2 'no decoder' reconstruct points
    works resume points train.epochs=3
    works evaluate points
}

@test "pixel by pixel: trained, evaluated, drawn, and bits per dimension" {
    works train made "${SMALL[@]}" "layers=[masked 8, relu]" --run made
    works sample made -n 4 --seed 3 -o four.npy
    works sample made -n 2 --seed 3 -o two.npy
    python3 - <<'PYTHON'
four, two = open("four.npy", "rb").read()[128:], open("two.npy", "rb").read()[128:]
assert four.startswith(two) and len(four) == 2 * len(two) == 4 * 784 * 4, len(four)
PYTHON
    has "$(cat made/report.html)" "Draws, pixel by pixel"
    works train maf-mnist "${SMALL[@]}" "layers=[masked 8, relu]" length=2 train.lr=1e-3 --run logits
    json '0 < d["bits_per_dimension"] < 20' evaluate logits
    works evaluate logits
    has "$out" "logits of dequantised pixels"
    fails 3 'data.dequantise or data.logit' resume logits train.epochs=2 data.logit=1e-3
}

@test "convolutions over the pixels before: trained, evaluated, drawn, of a class" {
    local layers="layers=['gated 4 k3 strict: true', gated 4 k3, relu]"
    works show pixelcnn "$layers" data.name=digits
    has "$out" "a pixel sees 2 rows up and 2 columns to each side; 64 images are drawn in 784 passes"
    works train pixelcnn "${SMALL[@]}" data.batch=50 "$layers" condition=class --run pixelcnn
    json '-700 < d["log_likelihood"] < -50 and 0 < d["bits_per_dimension"] < 1.3' evaluate pixelcnn
    works sample pixelcnn -n 8 --seed 3 -o turn.npy
    works sample pixelcnn -n 8 --seed 3 --class 0 -o zeros.npy
    works sample pixelcnn -n 8 --seed 3 --class 1 -o ones.npy
    python3 - <<'PYTHON'
turn, zeros, ones = (open(name + ".npy", "rb").read()[128:] for name in ("turn", "zeros", "ones"))
size = 784 * 4
assert turn[:size] == zeros[:size] and turn[size:2 * size] == ones[size:2 * size]
assert zeros != ones
PYTHON
    works sample pixelcnn -n 1 --class 1 -o one.png
    fails 2 'has no class' sample pixelcnn -n 1 --class 12 -o no.png
    fails 2 'mixes pixels' train pixelcnn "${SMALL[@]}" "layers=[conv 4 k3 p1]" --run no
    fails 2 'strict: true' train pixelcnn "${SMALL[@]}" "layers=[causal 4 k3]" --run no
    fails 2 'of pixels that are levels' train pixelcnn "${SMALL[@]}" data.pixels=gray \
        data.dequantise=true --run no
}

@test "a posterior that a flow moves" {
    for flow in planar householder iaf; do
        works train lab2-vae-2d "${SMALL[@]}" "encoder=[linear 8, relu]" "decoder=[linear 8, relu]" \
            latent=4 posterior.flow=$flow posterior.flow_length=2 --run $flow
        works evaluate $flow --count 20 --samples 10
        has "$out" "L_10"
        works reconstruct $flow
        works encode $flow
    done
    code=0
    "$REVERIE" evaluate planar --latents --count 20 > out.txt 2> err.txt || code=$?
    [ $code -eq 2 ]
    grep -q 'a flow (posterior.flow) moves z' err.txt
    fails 2 'posterior.flow' evaluate planar --gap --count 20
}

@test "what does not go together is told in one line" {
    fails 2 'points of the plane' train lab2-vae-2d data.name=moons data.pixels=gray --run no
    fails 2 'conditionals=bernoulli is of black and white' train made data.name=moons data.pixels=gray --run no
    fails 2 'data.logit takes gray pixels' train made data.name=digits data.logit=1e-6 --run no
    fails 2 'one latent has none before it' train lab2-vae-iaf data.name=digits latent=1 --run no
    fails 2 'more than memory should be spent' train lab2-vae data.name=digits latent=500 \
        posterior.flow=sylvester posterior.flow_length=200 --run no
    fails 2 'mixes inputs whatever their order' train made data.name=digits "layers=[linear 8]" --run no
    not test -e no
}

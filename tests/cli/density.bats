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
    works figure points deformation -o deformation.png
    python3 - <<'PYTHON'
import struct
for name, size in ("density", (3 * 520, 624)), ("deformation", (2 * 520, 2 * 568 + 56)):
    head = open(name + ".png", "rb").read(32)
    assert struct.unpack(">II", head[16:24]) == size, (name, head)
PYTHON
    has "$(cat points/report.html)" "Held-out points, the density of the model, and its draws"
    has "$(cat points/report.html)" "Draws of the base, by their quadrant, and its grid, step by step"
    cmp density.png <(works figure points density --seed 1 -o again.png && cat again.png)
    works sample points -n 100 -o points.npy
    fails 2 'points of the plane, which are no images' sample points -o points.png
    fails 2 'no decoder' reconstruct points
    works resume points train.epochs=3
    works evaluate points
}

@test "points: the density over the training" {
    FLOW=(maf-2d data.limit=600 data.validation=100 data.batch=50 "layers=[masked 8, relu]" length=2
        train.snapshots=8 train.schedule=constant)
    works train "${FLOW[@]}" train.epochs=2 --run whole
    [ "$(ls whole/samples/snapshots | tr '\n' ' ')" = "step-00000008.png step-00000012.png \
step-00000016.png step-00000024.png " ]
    for file in whole/samples/snapshots/*; do
        has "$(cat whole/.reverie-files)" "${file#whole/}"
    done
    not cmp -s whole/samples/snapshots/step-000000{08,24}.png
    # stopped after 16 steps, the snapshot of that step lost
    works train "${FLOW[@]}" train.epochs=2 train.steps=16 --run resumed
    rm resumed/samples/snapshots/step-00000016.png
    works resume resumed train.steps=0
    diff -r whole/samples/snapshots resumed/samples/snapshots
    works figure whole animation -o film.gif
    works figure whole animation --delay 500 --scale 2 -o large.gif
    python3 - <<'PYTHON'
import struct
for name, scale, delay in ("film", 1, 8), ("large", 2, 50):
    film = open(name + ".gif", "rb").read()
    assert struct.unpack("<HH", film[6:10]) == (520 * scale, 312 * scale), film[:10]
    control = b"\x21\xf9\x04\x04" + struct.pack("<H", delay)
    assert film.count(control) == 4, film.count(control)
PYTHON
    works figure whole snapshot --step 24 -o last.png
    cmp last.png whole/samples/snapshots/step-00000024.png
    fails 2 'no single images' figure whole animation --image 3 -o bad.gif
    fails 2 'no single images' figure whole snapshot --image 0 -o bad.png
    fails 2 'no single images' figure whole collage -o bad.png
    cp whole/samples/density.png whole/samples/snapshots/step-00000016.png
    fails 3 'step 16 is not as large as those before it' figure whole animation -o bad.gif
    not test -e bad.gif
    not test -e bad.png
}

@test "figures of points refuse what has none" {
    works train made "${SMALL[@]}" "layers=[masked 8, relu]" --run pixels
    fails 2 'has no density over the plane' figure pixels density -o bad.png
    fails 2 'has no density over the plane' figure pixels deformation -o bad.png
    fails 2 'no decoder' figure pixels animation -o bad.gif
    works train made data.name=moons data.pixels=gray data.limit=200 data.validation=60 conditionals=gaussian \
        "layers=[masked 8, relu]" train.epochs=1 --run made
    works figure made density -o density.png
    fails 2 'is no flow: there is no base that it deforms' figure made deformation -o bad.png
    fails 2 'figure deformation does not use --split' figure made deformation --split test
    fails 2 'figure density does not use --scale' figure made density --scale 2
    not test -e bad.png
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

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
    has "$out" "figure points density -o density.png"
    not has "$out" "sample points"
    json 'd["pixels"] == "points" and -6 < d["log_likelihood"] < 0' evaluate points
    works evaluate points
    has "$out" "test, 10000 points, exact; nats per point"
    not has "$out" "cross-entropy"
    cp -r points shorter # not the first layer of a flow of two
    fails 3 'has a tensor layer2.0.weight, and this model has none' resume shorter length=1
    sed -i 's/^length: 2/length: 1/' shorter/config.yaml
    fails 3 'has a tensor layer2.0.weight, and this model has none' evaluate shorter
    works figure points density -o density.png
    works figure points deformation -o deformation.png
    python3 - <<'PYTHON'
import struct
for name, size in ("density", (3 * 520, 660)), ("deformation", (2 * 520, 2 * 568 + 92)):
    head = open(name + ".png", "rb").read(32)
    assert struct.unpack(">II", head[16:24]) == size, (name, head)
PYTHON
    has "$(cat points/report.html)" "Held-out points, the density of the model, and its draws"
    has "$(cat points/report.html)" "Draws of the base, by their quadrant, and its grid, step by step"
    fails 2 'logs no other; it logs losses, rate' figure points curves --values other -o bad.png
    cmp density.png <(works figure points density --seed 1 -o again.png && cat again.png)
    works sample points -n 100 -o points.npy
    fails 2 'points of the plane, which are no images' sample points -o points.png
    has "$err" "-o points.npy"
    has "$(cat points/report.html)" ">points<"
    fails 2 'no decoder' reconstruct points
    works resume points train.epochs=3
    works evaluate points
}

@test "an energy: fitted, evaluated, drawn, resumed to the same bytes" {
    energy=(planar-energy data.limit=3000 data.validation=500 data.batch=128 posterior.flow_length=3
        objective.annealing_steps=20 train.epochs=2 train.schedule=constant)
    works train "${energy[@]}" --run whole
    works train "${energy[@]}" train.steps=9 --run parts
    works resume parts train.steps=0
    cmp "$(newest whole)" "$(newest parts)"
    grep -q '"larger_is_better": false' whole/env.json
    json 'd["kl"] > 0 and abs(d["kl"] - d["free_energy"] - 1.8775016) < 1e-5' evaluate whole
    works sample whole -n 100 -o points.npy
    has "$(cat whole/report.html)" "s density, the density of the model, and its draws"
    [ "$(grep -o 'samples/curves.*' whole/.reverie-files | head -n 1)" = samples/curves-kl.png ]
    fails 2 'logs no other; it logs losses, kl, rate' figure whole curves --values other -o bad.png
    works figure whole density -o density.png
    works inspect density.png
    has "$out" "1560 x 660"
    fails 2 'no encoder' encode whole
    fails 2 'no decoder' reconstruct whole
    fails 3 'data.name is another one' resume whole data.name=energy-2 train.epochs=3
    works train "${energy[@]}" data.name=energy-3 posterior.flow=sylvester --run one-way
    works figure one-way density -o draws.png # without an inverse: the target and draws
    works inspect draws.png
    has "$out" "1040 x 660"
    works train maf-2d data.name=energy-4 data.limit=500 data.validation=100 train.epochs=1 \
        "layers=[masked 8, relu]" length=1 --run maf
    works evaluate maf
    works train planar-energy data.limit=500 data.validation=100 posterior.flow_length=0 \
        train.epochs=1 train.schedule=constant --run base
    has "$err" "objective.annealing_steps takes 2.97e+03 epochs"
    has "$err" "the weight of the energy (beta) ends at 0.0103 of"
    works figure base deformation -o base.png
    works inspect base.png
    has "$out" "520 x 732"
    works train planar-energy data.limit=500 data.validation=100 posterior.flow_length=13 \
        train.epochs=1 train.schedule=constant objective.annealing_steps=0 --run many
    works figure many deformation -o many.png # the base, 2, 4, ... 12, 13
    works inspect many.png
    has "$out" "1560 x 1796"
    fails 2 'posterior.flow_length=4' train planar-energy posterior.flow=iaf --run no
    fails 2 'fitted to a known energy' train planar-energy data.name=moons --run no
    fails 2 'points of the plane' train lab2-vae-2d data.name=energy-1 data.pixels=gray --run no
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
for name, scale, delays in ("film", 1, [75, 75, 75, 150]), ("large", 2, [50, 50, 50, 50]):
    film = open(name + ".gif", "rb").read()
    assert struct.unpack("<HH", film[6:10]) == (520 * scale, 312 * scale), film[:10]
    parts = film.split(b"\x21\xf9\x04\x04")[1:]
    assert [struct.unpack("<H", part[:2])[0] for part in parts] == delays, parts
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

@test "own points: an array of pairs of floats" {
    python3 - <<'PYTHON'
import random, struct
random.seed(1)
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (600, 2), }"
head += " " * (117 - len(head)) + "\n"
values = [random.gauss(5 * (i % 2), 1 + i % 2) for i in range(1200)]
open("own.npy", "wb").write(b"\x93NUMPY\1\0" + struct.pack("<H", 118) + head.encode() +
                            struct.pack("<1200f", *values))
PYTHON
    works train maf-2d data.name=./own.npy data.validation=100 train.epochs=1 \
        "layers=[masked 8, relu]" length=1 --run own
    has "$out" "figure own density"
    works figure own density --split validation -o density.png
    works figure own deformation -o deformation.png
    works evaluate own --split validation
    has "$out" "validation, 100 points"
    mkdir sets
    cp own.npy sets/pairs.npy
    works data list --data-dir sets
    has "$out" "pairs               600 train       0 test  points of the plane"
    works data
    has "$out" "moons             50000 train   10000 test  points of the plane  built in"
    works data show ./own.npy -o own.png
    has "$err" "600 points of the plane"
    works inspect own.png
    has "$out" "1040 x 1088"
    works data show moons -n 5 -o moons.png
    fails 2 'choose model=maf' train lab2-vae data.name=./own.npy data.pixels=gray data.validation=100 --run no
}

@test "the note on gray pixels is of Bernoulli likelihoods alone" {
    works train made "${SMALL[@]}" data.pixels=gray conditionals=gaussian train.lr=1e-4 \
        "layers=[masked 8, relu]" --run gaussian
    works evaluate gaussian
    not has "$out" "cross-entropy, not"
    works train made "${SMALL[@]}" data.pixels=gray "layers=[masked 8, relu]" --run bernoulli
    works evaluate bernoulli
    has "$out" "cross-entropy, not"
    works train maf-2d "${SMALL[@]}" "layers=[masked 8, relu]" length=1 --run maf
    works evaluate maf
    not has "$out" "cross-entropy, not"
    not grep -q "is a cross-entropy" maf/report.html
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

@test "convolutions over the pixels before: trained, evaluated, drawn, of a class" {
    local layers="layers=['gated 4 k3 strict: true', gated 4 k3, relu]"
    works show pixelcnn "$layers" data.name=digits
    has "$out" "a pixel sees 2 rows up and 2 columns to each side; 64 images are drawn in 1 pass, "
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
    works resume pixelcnn train.epochs=2
    works train pixelcnn "${SMALL[@]}" data.batch=50 data.pixels=gray conditionals=logistic \
        components=2 condition=none "$layers" --run gray
    json '0 < d["bits_per_dimension"] < 20' evaluate gray
    fails 2 'does not decode by class' sample gray -n 2 --class 1 -o no.png
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
    # What a model cannot do is refused before any work and output.
    fails 2 'a flow (posterior.flow) moves z' evaluate planar --latents --count 20
    has "$err" "turns z by an angle that differs from image to image"
    fails 2 'the recipe maf-2d makes one of points (`reverie train maf-2d data.name=moons`)' \
        figure planar deformation -o bad.png
    fails 2 'a flow (posterior.flow) moves z' evaluate planar --latents --samples 1000000000 --json
    fails 2 'posterior.flow' evaluate planar --gap --count 20
    works train made "${SMALL[@]}" "layers=[masked 8, relu]" --run made
    for estimator in "--samples 5" --latents --gap; do
        fails 2 'has no encoder' evaluate made $estimator
    done
}

@test "an image that is not finite is no picture" {
    works train lab2-vae-2d "${SMALL[@]}" "encoder=[linear 8, relu]" \
        "decoder=[linear 256, relu, linear 256, relu]" --run deep
    python3 - <<'PYTHON'
import struct
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }"
head += " " * (63 - (10 + len(head)) % 64) + "\n"
open("huge.npy", "wb").write(b"\x93NUMPY\1\0" + struct.pack("<H", len(head)) + head.encode() +
                             struct.pack("<4f", 1, 1, 3e38, -3e38))
PYTHON
    for end in npy png; do
        fails 5 'the image of latents 1, the largest of which is 3e+38, is not finite' \
            decode deep -i huge.npy -o out.$end
        not test -e out.$end
    done
}

@test "what does not go together is told in one line" {
    fails 2 'points of the plane' train lab2-vae-2d data.name=moons data.pixels=gray --run no
    fails 2 'conditionals=bernoulli is of black and white' train made data.name=moons data.pixels=gray --run no
    fails 2 'data.logit takes gray pixels' train made data.name=digits data.logit=1e-6 --run no
    fails 2 'one latent has none before it' train lab2-vae-iaf data.name=digits latent=1 --run no
    fails 2 'more than memory should be spent' train lab2-vae data.name=digits latent=500 \
        posterior.flow=sylvester posterior.flow_length=200 --run no
    fails 2 'mixes inputs whatever their order' train made data.name=digits "layers=[linear 8]" --run no
    for batch in 1 2; do # of two images one is left after the first batch
        go train maf-2d data.name=moons data.limit=3 data.validation=2 data.batch=$batch \
            batch_norm=true length=2 "layers=[masked 4, relu]" train.epochs=1 --run one$batch
        [ $code -eq $((batch == 1 ? 2 : 0)) ]
    done
    not test -e one1
    fails 2 'needs more than one example a batch' train maf-2d data.name=moons data.batch=1 \
        batch_norm=true --run no
    fails 2 'data.logit' train maf-mnist data.name=digits data.logit=1e-300 --run no
    not test -e no
}

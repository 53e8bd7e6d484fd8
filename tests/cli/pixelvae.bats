#!/usr/bin/env bats
# The PixelVAE from the command line, with z as the context of each layer and as a map.

load support

SMALL=(lab0-pixelvae data.name=digits data.limit=200 data.validation=60 data.batch=20 train.epochs=2
    train.log=1 --threads 1 latent=2 "encoder=[linear 16, relu]" "decoder=[]"
    "layers=[gated 4 k5 strict: true, gated 4 k3, relu]")
MAP=("decoder=[linear 98, relu, reshape 2 7 7, upsample 4]" objective.free_bits=0.1)

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${SMALL[@]}" --run context
    works train "${SMALL[@]}" "${MAP[@]}" --run map
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    ln -s "$BATS_FILE_TMPDIR/shared" runs
}

@test "every estimate of log p(x)" {
    json '-700 < d["elbo"] < -50 and d["kl"] > 0' evaluate runs/map
    works evaluate runs/context --samples 20 --count 20
    has "$out" "L_20"
    works evaluate runs/map --latents --count 20
    works evaluate runs/context --gap --count 2 --samples 20
    has "$out" "of a diagonal Gaussian fitted to each image"
    works train "${SMALL[@]}" objective.name=iwae objective.samples=3 --run bound
    json '"importance_bound" in d' evaluate bound
    works train "${SMALL[@]}" posterior.flow=planar posterior.flow_length=2 --run flow
    fails 2 'a flow (posterior.flow) moves z' evaluate flow --latents --count 20
    works train "${SMALL[@]}" data.pixels=gray conditionals=logistic components=2 --run gray
    json 'd["kl"] > 0' evaluate gray
}

@test "pictures are draws given z" {
    works show lab0-pixelvae data.name=digits
    has "$out" "a pixel sees 6 rows up and 6 columns to each side; 64 images are drawn in 1 pass,"
    for run in context map; do
        works sample runs/$run -n 20 --seed 3 -o samples.npy
        works sample runs/$run -n 4 --seed 3 -o four.npy
        works encode runs/$run -n 5 -o z.npy
        works decode runs/$run -i z.npy -o once.npy
        works decode runs/$run -i z.npy -o again.npy
        cmp once.npy again.npy
        python3 - <<'PYTHON'
import struct
samples, four, images = (open(name + ".npy", "rb").read()[128:] for name in ("samples", "four", "once"))
assert samples[:len(four)] == four and four[:3136] != four[3136:6272]
assert set(struct.unpack("<%df" % (len(images) // 4), images)) == {0.0, 1.0}
PYTHON
        works reconstruct runs/$run -n 8
        works interpolate runs/$run
        works traverse runs/$run --dim 1 --steps 3 -o line.png
        for figure in latent manifold collage; do
            works figure runs/$run $figure
        done
        grep -q "Draws from the prior" runs/$run/report.html
    done
}

@test "a run that is continued is the run that was not stopped" {
    for run in context map; do
        local settings=()
        [ $run = context ] || settings=("${MAP[@]}")
        works train "${SMALL[@]}" "${settings[@]}" train.steps=9 --run $run
        works resume $run train.steps=0 --threads 1
        cmp "$(newest runs/$run)" "$(newest $run)"
    done
}

@test "latents that carry nothing raise an alarm" {
    works train "${SMALL[@]}" objective.beta=1e6 objective.warmup=0 train.epochs=4 --run idle
    grep -q '"event":"alarm".*"latents_idle"' idle/metrics.jsonl
    has "$(cat idle/report.html)" "the decoder does without z"
    not grep -q latents_idle runs/context/metrics.jsonl
}

@test "what does not go together is told in one line" {
    fails 2 'the map that the pixels see is [28,28,C]' train "${SMALL[@]}" \
        "decoder=[linear 98, relu, reshape 2 7 7]" --run no
    fails 2 'unknown key `condition`' train "${SMALL[@]}" condition=class --run no
    fails 2 'unknown key `likelihood`' train "${SMALL[@]}" likelihood=gaussian --run no
    fails 2 'strict: true' train "${SMALL[@]}" "layers=[causal 4 k3]" --run no
    fails 2 'mixes pixels' train "${SMALL[@]}" "layers=[conv 4 k3 p1]" --run no
    fails 2 'of pixels that are levels' train "${SMALL[@]}" data.pixels=gray data.dequantise=true \
        --run no
    not test -e no
}

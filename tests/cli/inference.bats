#!/usr/bin/env bats
# evaluate --samples, --latents, --gap, --pixels: each on tiny runs, and each error.

load support

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${TINY[@]}" data.limit=1000 train.epochs=3 --run vae
    works train lab2-gan data.name=digits data.limit=300 data.validation=100 train.epochs=1 \
        "generator=[linear 16, relu]" "discriminator=[linear 16, relu]" --run gan
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    ln -sfn "$BATS_FILE_TMPDIR/shared" runs
}

@test "L_K stands above the ELBO, with what says how far to trust it" {
    json "d['samples'] == 200 and d['log_px_examples'] == 50 and d['elbo'] < 0 \
        and d['standard_error'] > 0 and 0 < d['ess_share'] <= 1 \
        and 1 <= d['ess_least'] <= d['ess_median'] <= 200 and 0 <= d['khat_above'] <= 1 \
        and d['khat_warning'] == (d['khat_above'] > 0.1) and d['khat_median'] < 5 \
        and d['log_px_elbo'] < d['log_px'] < d['log_px_elbo'] + 20" \
        evaluate runs/vae --samples 200 --count 50
    works evaluate runs/vae --samples 20 --count 50
    has "$out" "L_20"
    has "$out" "the ELBO of the same images"
    has "$out" "effective sample size"
    json "abs(d['log_px'] - d['elbo']) < 5 and d['khat_median'] is None and not d['khat_warning'] \
        and d['ess_share'] == 1 and 'log_px_elbo' not in d" evaluate runs/vae --samples 1 --count 2000
}

@test "more samples give a higher bound, and the same seed the same" {
    json "d['log_px'] < -1" evaluate runs/vae --samples 2 --count 200
    cp out.txt few.txt
    json "d['log_px'] > json.load(open('few.txt'))['log_px'] + 0.1" \
        evaluate runs/vae --samples 100 --count 200
    cp out.txt many.txt
    json "d == json.load(open('many.txt'))" evaluate runs/vae --samples 100 --count 200
    json "d['log_px'] != json.load(open('many.txt'))['log_px']" \
        evaluate runs/vae --samples 100 --count 200 --seed 2
}

@test "the numbers of each image" {
    works evaluate runs/vae --samples 50 --count 30 -o each.npy
    has "$out" "each.npy: bound, effective sample size and k-hat of each image"
    works inspect each.npy
    has "$out" "30"
    go evaluate runs/vae --samples 50 --count 30 -o each.png
    [ "$code" -eq 2 ]
    has "$err" "whose name ends in .npy"
}

@test "progress, and a stop that leaves nothing" {
    "$REVERIE" evaluate runs/vae --samples 100000000 -o each.npy > out.txt 2> err.txt &
    local pid=$! code=0
    for ((i = 0; i < 600; i++)); do
        grep -q "importance weights, 0/10000 images" err.txt && break
        sleep 0.1
    done
    kill -TERM $pid
    wait $pid || code=$?
    [ "$code" -eq 75 ]
    err=$(cat err.txt)
    has "$err" "importance weights, 0/10000 images"
    has "$err" "stopping"
    has "$err" "of 10000 images; nothing was written"
    [ ! -e each.npy ]
}

@test "the KL in its parts, and the units" {
    json "len(d['latents']) == 1 and all(
        abs(l['kl'] - d['kl']) < 1e-3 and len(l['units']) == l['width'] == 2
        and l['information'] <= l['information_most'] and l['active_units'] <= 2
        and l['group'] == 'z' and abs(l['information'] + l['marginal_kl'] - d['kl']) < 0.2
        and abs(sum(u['kl'] for u in l['units']) - d['kl']) < 1e-3 for l in d['latents'])" \
        evaluate runs/vae --latents
    works evaluate runs/vae --latents --count 500
    has "$out" "log N is 6.215"
    has "$out" "active_units"
}

@test "the gap between the ELBO and log p(x)" {
    json "d['examples'] == 20 and d['samples'] == 200 \
        and abs(d['amortisation_gap']['mean'] - d['svi_elbo']['mean'] + d['elbo']['mean']) < 1e-3 \
        and d['amortisation_gap']['mean'] > 0 and d['approximation_gap']['mean'] > 0 \
        and d['elbo']['mean'] < d['svi_elbo']['mean'] < d['log_px_by_svi']['mean']" \
        evaluate runs/vae --gap --count 20 --samples 200 --svi-steps 200
    works evaluate runs/vae --gap --count 5 --samples 50 --svi-steps 20 -o gap.npy
    has "$out" "approximation"
    has "$out" "amortisation"
    [ -s gap.npy ]
}

@test "pixels other than the run's are said not to compare" {
    json "d['pixels'] == 'gray'" evaluate runs/vae --pixels gray
    has "$err" "trained on static pixels and is evaluated on gray ones: the numbers do not compare"
    json "d['pixels'] == 'static'" evaluate runs/vae --pixels static
    [ -z "$err" ]
}

@test "bad input" {
    for k in 0 -3 many; do
        go evaluate runs/vae --samples $k
        [ "$code" -eq 2 ]
        has "$err" "--samples wants a whole number from 1"
    done
    go evaluate runs/gan --samples 10 --classifier runs/vae
    [ "$code" -eq 2 ]
    has "$err" "--samples is of a model's bound"
    go evaluate runs/vae --count 10
    [ "$code" -eq 2 ]
    has "$err" "--count is of --samples"
    go evaluate runs/vae --svi-steps 10
    [ "$code" -eq 2 ]
    has "$err" "--svi-steps is of --gap"
    go evaluate runs/vae --gap --svi-steps 0
    [ "$code" -eq 2 ]
    has "$err" "--svi-steps wants a whole number from 1"
}

@test "an importance-weighted model of latents that do not match is refused" {
    refuses() {
        fails 2 "$1" train iwae-burda data.name=digits data.limit=100 "encoder=$2" "decoder=$3" \
            --run made
        not test -e made
    }
    refuses "its last word must be \`latent N\`" '[linear 5, tanh]' '[linear 5, tanh]'
    refuses 'for each of the encoder'"'"'s but the last' '[latent 4, latent 2]' '[linear 5]'
    refuses '`latent 3` where the encoder has `latent 4`' '[latent 4, latent 2]' '[latent 3]'
    refuses 'encoder: `latent 0`: it is `latent N`, with N latents, 1 to 65536' '[latent 4, latent 0]' \
        '[latent 4]'
    refuses 'decoder: `latent x`: it is `latent N`' '[latent 4, latent 2]' '[latent x]'
    refuses 'encoder: 9 words `latent`; at most 8' \
        '[latent 9, latent 8, latent 7, latent 6, latent 5, latent 4, latent 3, latent 2, latent 1]' \
        '[latent 2, latent 3, latent 4, latent 5, latent 6, latent 7, latent 8, latent 9]'
}

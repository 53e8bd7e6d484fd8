#!/usr/bin/env bats
# Studies from end to end: what runs, what does not run twice, what is refused.

load support
load study

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    write_pictures
    write_tiny
    write_long
    works study tiny.yaml --threads 1
    cp out.txt tiny.txt
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    SHARED=$BATS_FILE_TMPDIR/shared
    cp "$SHARED"/*.yaml "$SHARED/lines.npy" .
}

@test "a study trains every cell with every seed, and writes one report" {
    cd "$SHARED"
    for run in beta=0.5,seed=1 beta=0.5,seed=2 beta=2,seed=1 beta=2,seed=2; do
        [ -s "runs/tiny/$run/report.html" ]
    done
    grep -q '^beta=0.5  *2 of 2  *-[0-9.]* ([0-9.]*)' tiny.txt
    grep -q '^validation; mean (standard deviation over the seeds); best by elbo$' tiny.txt
    grep -q '^runs/tiny/report.html$' tiny.txt
    [ "$(grep -c ' best$' tiny.txt)" -eq 1 ]
    for part in 'Learning curves' 'Loss, training' 'Posterior means' 'Draws from the prior' \
        'Training images, and below' 'Held-out images, and below' 'a tiny study'; do
        grep -q "$part" runs/tiny/report.html || { echo "no $part" && return 1; }
    done
    not grep -qE '<(script|link|img[^>]*src="[^d])' runs/tiny/report.html
    no_temporaries runs/tiny
}

@test "its numbers are those that evaluate gives for each run" {
    cd "$SHARED"
    for run in beta=2,seed=1 beta=2,seed=2; do
        works evaluate "runs/tiny/$run" --split validation --json --threads 1
        cp out.txt "$BATS_TEST_TMPDIR/$run.json"
    done
    python3 - "$BATS_TEST_TMPDIR" runs/tiny/report.json <<'PYTHON'
import json, statistics, sys
each = [json.load(open(f"{sys.argv[1]}/beta=2,seed={s}.json")) for s in (1, 2)]
cell = json.load(open(sys.argv[2]))["cells"][1]
assert cell["cell"] == "beta=2", cell
for name in "elbo", "reconstruction", "kl":
    values = [e[name] for e in each]
    values = [v["mean"] if isinstance(v, dict) else v for v in values]
    got = cell["values"][name]
    assert got["n"] == 2, got
    assert abs(got["mean"] - statistics.mean(values)) < 1e-4, (name, got, values)
    assert abs(got["deviation"] - statistics.stdev(values)) < 1e-4, (name, got, values)
PYTHON
}

@test "a second call trains nothing and changes no file" {
    cp -r "$SHARED/runs" runs
    fingerprints runs > before
    touch -d '2001-01-01' runs/tiny/*/checkpoints/* runs/tiny/*/metrics.jsonl
    works study tiny.yaml --threads 1
    has "$err" "all 4 runs are done already"
    cmp out.txt "$SHARED/tiny.txt"
    fingerprints runs | diff before -
    [ -z "$(find runs/tiny/*/checkpoints runs/tiny/*/metrics.jsonl -type f -newermt 2002-01-01)" ]
    works study tiny.yaml --threads 1 --json --quiet
    holds '[c["cell"] for c in d["cells"]] == ["beta=0.5", "beta=2"] and d["best_by"] == "elbo"' \
        out.txt
    cmp out.txt <(cat runs/tiny/report.json; echo)
}

@test "what is missing is run, beside what is there" {
    cp -r "$SHARED/runs" runs
    rm -r runs/tiny/beta=2,seed=1
    works study tiny.yaml --threads 1
    has "$err" "3 of 4 runs are done already"
    has "$err" "run 1 of 1: beta=2,seed=1"
    same_run "$SHARED/runs/tiny/beta=2,seed=1" runs/tiny/beta=2,seed=1
    cmp "$SHARED/runs/tiny/report.json" runs/tiny/report.json
}

@test "a dry run trains nothing, and says what is done and for how long" {
    works study tiny.yaml --dry-run --threads 1
    has "$out" "4 to run, 0 to resume, 0 done; about 0:"
    not test -e runs
    cp -r "$SHARED/runs" runs
    fingerprints runs > before
    works study tiny.yaml --dry-run --threads 1 --seeds 3
    has "$out" "2 to run, 0 to resume, 4 done"
    grep -q '^beta=2,seed=2  *done' out.txt
    grep -q '^beta=2,seed=3  *to run  *0 of 2  *0:' out.txt
    works study tiny.yaml --dry-run --threads 1 --json train.epochs=3
    holds '[r["state"] for r in d["runs"]] == 4 * ["to resume"] and d["seconds"] > 0 and
        all(r["epoch"] == 2 and r["epochs"] == 3 for r in d["runs"])' out.txt
    fingerprints runs | diff before -
}

@test "what cannot be a study is refused before anything is trained" {
    fails 3 'did you mean `lab3-beta`' study lab3-bta
    fails 3 'lab2-vae-2d: this is a recipe' study lab2-vae-2d
    fails 3 'there is no such file' study nowhere.yaml
    fails 2 '(`reverie train` takes it; `reverie study` lists the studies)' study recipes/lab2-vae-2d.yaml
    echo 'grid: {objective.bta: [1, 2]}' > wrong.yaml
    echo 'base: lab2-vae-2d' >> wrong.yaml
    fails 2 'wrong.yaml:1: unknown key `objective.bta`; did you mean `objective.beta`?' \
        study wrong.yaml
    fails 2 'is what the study varies' study tiny.yaml objective.beta=3
    fails 2 '--seeds' study tiny.yaml --seeds 0
    fails 3 'was not found' study tiny.yaml data.name=nowhere
    not test -e runs
    cp -r "$SHARED/runs" runs
    fails 2 'made with data.batch: 25, and the study now asks for 20' study tiny.yaml \
        data.batch=20
    fails 2 'choose another folder, or remove that run (--folder DIR)' study tiny.yaml data.batch=20
    fails 2 'say how many instead (--seeds N)' study tiny.yaml train.seed=3
    fails 2 'another folder for the study (--folder DIR)' study tiny.yaml --folder runs/tiny/beta=2,seed=1
}

@test "studies whose names have points have folders of their own" {
    cp tiny.yaml v1.1.yaml
    cp tiny.yaml .hidden.yaml
    cp tiny.yaml ..yaml
    json 'd["folder"] == "runs/v1.1"' study v1.1.yaml --dry-run --threads 1
    json 'd["folder"] == "runs/.hidden"' study .hidden.yaml --dry-run --threads 1
    json 'd["folder"] == "runs/..yaml"' study ..yaml --dry-run --threads 1
    json 'd["folder"] == "runs/tiny"' study ./tiny.yaml --dry-run --threads 1
}

@test "a study does not replace the report of another" {
    cp -r "$SHARED/runs" runs
    fingerprints runs > before
    sed 's/grid: .*/grid: {train.lr: [0.1, 0.2]}/' tiny.yaml > second.yaml
    fails 2 'runs/tiny/report.json: is the report of another study, `tiny`' \
        study second.yaml --folder runs/tiny
    has "$err" "choose another folder for the study, or move that file away (--folder DIR)"
    cp tiny.yaml third.yaml
    fails 2 'is the report of another study' study third.yaml --folder runs/tiny
    cp second.yaml tiny.yaml
    fails 2 'is the report of another study' study tiny.yaml
    fingerprints runs | diff before -
}

@test "the studies of the labs are found by name" {
    works study
    for name in beta classes latent depth width activation; do
        has "$out" "lab3-$name"
    done
    works study lab3-beta data.name=lines.npy data.validation=50 --dry-run --json --threads 1
    holds '[r["cell"] for r in d["runs"]][::3] ==
        ["beta=0", "beta=0.1", "beta=1", "beta=10", "beta=50"]' out.txt
}

@test "runs compare shows what differs, and warns of other data" {
    cd "$SHARED"
    works runs compare runs/tiny/beta=0.5,seed=1 runs/tiny/beta=2,seed=2
    grep -q '^objective.beta  *0.5  *2$' out.txt
    grep -q '^train.seed  *1  *2$' out.txt
    not grep -q '^train.lr' out.txt
    grep -q '^validation elbo  *-[0-9.]*  *-[0-9.]*$' out.txt
    not grep -q 'do not compare' err.txt
    sed 's/validation: 50/validation: 60/' runs/tiny/beta=2,seed=1/config.yaml > other.yaml
    works train other.yaml train.steps=1 --run other --threads 1
    works runs compare runs/tiny/beta=0.5,seed=1 other
    has "$err" "data.validation: 50 and other has 60: the numbers do not compare"
    works runs compare runs/tiny/beta=2,seed=1 runs/tiny/beta=2,seed=1
    has "$out" "all settings are the same"
    works runs compare --json runs/tiny/beta=0.5,seed=1 runs/tiny/beta=2,seed=1
    holds 'd[1]["settings"] == {"objective.beta": "2"} and d[0]["values"]["train"]["kl"] > 0' out.txt
    works runs list --folder runs/tiny
    [ "$(wc -l < out.txt)" -eq 5 ]
    has "$out" "runs/tiny/beta=0.5,seed=1"
}

@test "a study reports L_K of its runs, and the gap" {
    printf '%s\n' 'base: lab2-vae' \
        'settings: {data.name: digits, data.limit: 120, data.validation: 20, latent: 2, train.epochs: 1}' \
        'cases: {diagonal: {}, planar: {posterior.flow: planar, posterior.flow_length: 2}}' \
        'importance: {samples: 50, images: 40}' > bounds.yaml
    works study bounds.yaml "encoder=[linear 8, relu]" "decoder=[linear 8, relu]" --threads 1
    holds 'all(c["values"]["gap"]["mean"] > 0 and c["values"]["L_50"]["mean"] > c["values"]["elbo"]["mean"] - 40
        for c in d["cells"])' runs/bounds/report.json
    has "$(cat runs/bounds/report.html)" "L_50"
    sed -i 's/samples: 50/samples: 20/' bounds.yaml # the runs are done: only the bound is new
    works study bounds.yaml "encoder=[linear 8, relu]" "decoder=[linear 8, relu]" --threads 1
    holds 'all("L_20" in c["values"] and "L_50" not in c["values"] for c in d["cells"])' runs/bounds/report.json
    cp runs/bounds/report.json before.json
    sed -i 's/images: 40/images: 30/' bounds.yaml
    works study bounds.yaml "encoder=[linear 8, relu]" "decoder=[linear 8, relu]" --threads 1
    not cmp -s before.json runs/bounds/report.json
    for bad in 'importance: 3' 'importance: {samples: 0}' 'importance: {images: 3}' \
        'importance: {samples: 3, pictures: 3}' 'importance: {samples: many}'; do
        printf '%s\n' 'base: lab2-vae' "$bad" > wrong.yaml
        fails 2 'wrong.yaml:2: `importance` wants how many draws' study wrong.yaml --dry-run
    done
}

#!/usr/bin/env bats
# What the program says can be done as it says it; what is asked for by name is there or refused;
# files to write are looked at before the work; `runs best` compares what compares.
load support

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    SMALL=(lab2-vae-2d data.name=digits data.limit=200 data.validation=60 train.epochs=1
        "encoder=[linear 16, relu]" "decoder=[linear 16, relu]")
    works train "${SMALL[@]}" --run trained
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    SMALL=(lab2-vae-2d data.name=digits data.limit=200 data.validation=60 train.epochs=1
        "encoder=[linear 16, relu]" "decoder=[linear 16, relu]")
    RUN=$BATS_FILE_TMPDIR/shared/trained
}

# pasted PART TEXT: runs the command between ` and ` that begins with PROGRAM PART, in a shell.
pasted() {
    local command
    command=$(python3 - "$1" "$2" <<'PYTHON'
import re, sys
found = [c for c in re.findall(r"`([^`]*)`", sys.argv[2]) if (" " + sys.argv[1] + " ") in c]
print(found[0])
PYTHON
    )
    bash -c "$command" > out.txt 2> err.txt || { echo "$command" && cat err.txt && return 1; }
}

# images FILE COUNT: an array of so many images of 8 x 8 bytes.
images() {
    python3 - "$1" "$2" <<'PYTHON'
import random, struct, sys
random.seed(2)
count = int(sys.argv[2])
head = "{'descr': '|u1', 'fortran_order': False, 'shape': (%d, 8, 8), }" % count
head += " " * (-(10 + len(head) + 1) % 64) + "\n"
with open(sys.argv[1], "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
    file.write(bytes(random.randrange(256) for _ in range(count * 64)))
PYTHON
}

@test "advice is quoted: folders with spaces, quotes, equal signs, dashes" {
    for name in "a run" "it's" "a=1" "-n" 'say "$HOME"'; do
        works train "${SMALL[@]}" --run "$name" -q
        pasted resume "$out"
        pasted sample "$out" || { cat out.txt && return 1; }
    done
    fails 2 "(\`reverie resume 'a run'\`" train "${SMALL[@]}" --run "a run"
    fails 2 'reverie resume ./a=1`' train "${SMALL[@]}" --run a=1
    works train "${SMALL[@]}" --run $'a: \tb' -q --threads 1
    fails 2 "(\`reverie resume \$'a: \\011b'\`" train "${SMALL[@]}" --run=$'a: \tb'
    works resume $'a: \tb' train.epochs=3 --threads 2
    has "$err" ' --threads 1 would)'
}

@test "advice names the folder that was meant, and only what the message says" {
    cp "$SOURCE/recipes/lab2-vae-2d.yaml" exp.yaml
    works train exp.yaml "${SMALL[@]:1}" --run 'exp.yaml: 2' -q
    fails 2 "(\`reverie resume 'exp.yaml: 2'\`" train --run 'exp.yaml: 2' exp.yaml "${SMALL[@]:1}"
    # A name that reads like a message is none.
    fails 3 'cannot be read' inspect 'x: no number is free'
    ! grep -q -- --run err.txt
    fails 3 'holds no run' evaluate 'x: holds a run already'
    ! grep -q -- --force err.txt
    # The path of a message may be too long to be whole.
    local deep="deep/$(printf 'd%.0s' $(seq 200))/$(printf 'e%.0s' $(seq 200))/$(printf 'f%.0s' $(seq 200))"
    mkdir -p "$deep" && cp -r "$RUN" "$deep/run"
    fails 2 'holds a run already' train "${SMALL[@]}" --run "$deep/run"
    ! grep -q '`reverie resume .*\.\.\.' err.txt
}

@test "a study is no recipe, and says what takes it" {
    printf 'base: lab2-vae-2d\ngrid: {latent: [2]}\n' > st.yaml
    fails 2 'st.yaml:1: `base` is a key of a study' train st.yaml
    fails 2 '`reverie study FILE` trains it' show st.yaml
}

@test "a finished run that is resumed says so, and is no failure" {
    cp -r "$RUN" mine
    works resume mine
    has "$out" "is done already"
    has "$out" "train.epochs=2"
    json 'd["trained"] is False' resume mine
}

@test "a study that is stopped prints its whole command" {
    cat > 'my study.yaml' <<'YAML'
base: lab2-vae-2d
settings: {data.name: digits, data.limit: 2000, data.validation: 100, train.epochs: 5000}
grid: {latent: [2]}
YAML
    local long="about=$(printf 'x%.0s' $(seq 1500))"
    local words=(study 'my study.yaml' 'encoder=[linear 8, relu]' 'decoder=[linear 8, relu]' "$long"
        --seeds 1 --folder 'out here' --threads 1)
    # A shell gives background programs an ignored SIGINT; python3 gives it back.
    python3 -c 'import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])' "$REVERIE" "${words[@]}" > out.txt 2> err.txt &
    local process=$! code=0
    for _ in $(seq 300); do
        ls "out here"/*/checkpoints/step-* > /dev/null 2>&1 && break
        sleep 0.1
    done
    kill -INT "$process"
    wait "$process" || code=$?
    [ "$code" -eq 75 ]
    bash -c "$(tail -n 1 err.txt) --dry-run" > out.txt
    grep -q "0 to run, 1 to resume" out.txt
    grep -qF "$long" err.txt
}

@test "a run remembers where its data were" {
    mkdir -p sets elsewhere && images sets/tiny.npy 60
    works train lab2-vae-2d data.name=tiny.npy data.validation=20 data.batch=10 train.epochs=1 \
        data.pixels=gray "encoder=[linear 8]" "decoder=[linear 8]" --run run -q --data-dir sets
    (cd elsewhere && works evaluate ../run --split validation && works resume ../run train.epochs=2)
}

@test "what encode writes is decoded" {
    works encode "$RUN" -n 3 -o z.npy
    works decode "$RUN" -i z.npy -o d.npy
    has "$err" "the means are decoded"
    works reconstruct "$RUN" -n 3 -o r.png
    works inspect d.npy
    has "$out" "[3,28,28,1]"
    # The means alone give the same images.
    python3 - <<'PYTHON'
import struct
data = open("z.npy", "rb").read()
start = 10 + struct.unpack("<H", data[8:10])[0]
rows = struct.unpack("<12f", data[start:])
means = [v for i in range(3) for v in rows[4 * i:4 * i + 2]]
head = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }"
head += " " * (-(10 + len(head) + 1) % 64) + "\n"
open("m.npy", "wb").write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() +
                          struct.pack("<6f", *means))
PYTHON
    works decode "$RUN" -i m.npy -o e.npy
    cmp d.npy e.npy
}

@test "without test images the verbs take the split that there is, and say which" {
    images tiny.npy 60
    works train lab2-vae-2d data.name=tiny.npy data.validation=20 data.batch=10 train.epochs=1 \
        data.pixels=gray "encoder=[linear 8]" "decoder=[linear 8]" --run run -q
    for call in "traverse run -o t.png" "inpaint run -o h.png" "figure run latent -o l.png" \
        "figure run reconstructions -n 8 -o f.png" "reconstruct run -o r.png" \
        "encode run -o e.npy" "evaluate run"; do
        works $call
        has "$err" "the validation images are taken"
    done
    json 'd["split"] == "validation" and d["examples"] == 20' evaluate run
    fails 3 'no test images' evaluate run --split test
    fails 3 'no test images' traverse run --split test
    works traverse run --split train --image 39 -o t.png
    fails 2 'image 40: the images are 0 to 39' traverse run --split train --image 40
}

@test "a file to write is looked at before the work" {
    mkdir there && touch file
    for call in "sample $RUN" "reconstruct $RUN" "interpolate $RUN" "encode $RUN" \
        "decode $RUN -i z.npy" "figure $RUN curves" "figure $RUN animation" "traverse $RUN" \
        "inpaint $RUN" \
        "demo importance-sampling" "demo gumbel-softmax" \
        "data show digits" "classify $RUN -i i.npy"; do
        fails 2 'end the name in' $call -o there/x.jpg
        fails 4 'no/such' $call -o "no/such/x.$(ending "$call")"
        fails 4 'file/x' $call -o "file/x.$(ending "$call")"
    done
    fails 2 'ends in .npy' evaluate "$RUN" --samples 2 -o there/x.jpg
    fails 4 'no/such' evaluate "$RUN" --samples 2 -o no/such/x.npy
    fails 4 'no/such' inspect "$RUN" --program --dot no/such/x.dot
    [ -z "$(ls there)" ]
    # Larger than the format: not drawn first, and the limit is named.
    fails 2 'at most 32768 a side' sample "$RUN" -n 65536 -o there/x.png
    fails 2 'at most 32768 a side' traverse "$RUN" --steps 10000 --columns 1000 --enlarge 64
    fails 2 'at most 32768 a side' inpaint "$RUN" -n 1024 --enlarge 64 -o there/x.png
    [ -z "$(ls there)" ] && [ ! -e traversal.png ]
}

# ending CALL: how its file's name ends.
ending() {
    case $1 in
        encode* | evaluate* | classify*) echo npy ;;
        *animation*) echo gif ;;
        *) echo png ;;
    esac
}

@test "a folder with = in its name is a folder, ~ that stays is said" {
    cp -r "$RUN" a=1
    works evaluate a=1
    works resume a=1 train.epochs=2
    works show a=1
    mkdir -p runs && cp -r "$RUN" runs/a=1
    works evaluate runs/a=1
    cp "$RUN/config.yaml" b=2.yaml
    works train b=2.yaml data.limit=200 --run c -q
    fails 2 'data.name="$HOME/x"' train lab2-vae-2d 'data.name=~/x'
    fails 2 '--data-dir "$HOME/x"' evaluate "$RUN" '--data-dir=~/x'
    fails 2 'does not expand' sample "$RUN" '--output=~/x.png'
}

@test "settings that mean nothing are refused, one latent may have a full covariance" {
    printf 'format: 0\nmodel: vae\ndata: {name: digits}\n' > r.yaml
    fails 2 'format' train r.yaml
    fails 2 'train.ema' train "${SMALL[@]}" train.ema=1
    fails 2 '[0,1], [-1,1]' train "${SMALL[@]}" 'data.range=[1,1]'
    fails 2 'has the label 77' train "${SMALL[@]}" 'data.classes=[77]'
    works train "${SMALL[@]}" latent=1 posterior.covariance=full --run one -q
    works evaluate one
    works evaluate one --samples 3 --count 10
    works sample one -o s.png
}

@test "an option that a figure or a mode does not use is an error" {
    fails 2 'figure curves does not use --grid' figure "$RUN" curves --grid 5
    fails 2 'figure collage does not use --checkpoint' figure "$RUN" collage --checkpoint best
    fails 2 'figure samples does not use --split' figure "$RUN" samples --split train
    fails 2 'figure snapshot does not use --delay' figure "$RUN" snapshot --delay 10
    fails 2 'does not use --folder' runs compare "$RUN" "$RUN" --folder .
    fails 2 'data list does not use --pixels' data list --pixels gray
    fails 2 'demo: --seed' demo --seed 3
    fails 2 'study: --seeds' study --seeds 3
    fails 2 'inspect: --turn' inspect "$RUN/config.yaml" --turn 0
    fails 2 'inspect: data.limit=5' inspect "$RUN/config.yaml" data.limit=5
    fails 2 '--gap stands alone' evaluate "$RUN" --gap --latents
}

@test "what is asked for by name and is not there is an error; fewer images are said" {
    fails 2 'no snapshot of that step' figure "$RUN" snapshot --step 12345
    fails 2 'train.ema=' evaluate "$RUN" --weights ema
    fails 2 'image 99: ' figure "$RUN" snapshot --image 99
    fails 3 'nowhere' runs list --folder nowhere
    works reconstruct "$RUN" -n 500 --split validation -o r.png
    has "$err" "500 images are asked for, and validation holds 60"
    works encode "$RUN" -n 500 --split validation -o e.npy
    has "$err" "validation holds 60"
    works evaluate "$RUN" --samples 2 --count 500 --split validation
    has "$err" "validation holds 60"
    cp -r "$RUN" mine
    works train "${SMALL[@]}" train.seed=2 --run other -q
    fails 2 '(`reverie train RECIPE --from FILE`)' resume mine train.epochs=3 --from "$(newest other)"
    works resume mine train.epochs=2 --from "$(newest mine)" -q
}

@test "runs best: the best of each kind, and what is left out" {
    mkdir r
    cp -r "$RUN" r/static
    works train "${SMALL[@]}" train.seed=2 --run r/static-2 -q
    json 'len(d) == 1 and d[0]["of"]["runs"] == 2 and d[0]["of"]["value"] == "elbo"' \
        runs best --folder r
    works train "${SMALL[@]}" data.pixels=gray --run r/gray -q
    works train lab1-classifier data.name=digits data.limit=100 data.validation=60 train.epochs=1 \
        --run r/classifier -q
    # The same settings, other images.
    cp -r "$RUN" r/other
    sed -i 's/"fingerprint": "[0-9a-f]*"/"fingerprint": "00"/' r/other/data.json
    mkdir r/damaged && echo 'model: [' > r/damaged/config.yaml
    mkdir r/lost && cp "$RUN/metrics.jsonl" r/lost
    cp -r "$RUN" r/nothing && : > r/nothing/metrics.jsonl
    works runs best --folder r
    [ "$(grep -c '^best of ' out.txt)" -eq 4 ]
    has "$out" "best of 2 by validation elbo, data digits, static pixels"
    has "$out" "best of 1 by validation accuracy, data digits"
    has "$out" "gray pixels"
    has "$err" "left out: r/damaged"
    has "$err" "left out: r/lost"
    has "$err" "left out: r/nothing: no held-out value"
    json '[r["of"]["runs"] for r in d if "of" in r] == [2, 1, 1, 1]
        and sorted(r["run"] for r in d if "left_out" in r) == ["r/damaged", "r/lost", "r/nothing"]' \
        runs best --folder r
    works runs list --folder r
    has "$err" "left out: r/damaged"
    has "$out" "r/nothing"
    [ "$(grep -c '^r/' out.txt)" -eq 6 ]
}

@test "runs best: by what the runs say they choose by" {
    mkdir r
    cp -r "$RUN" r/a
    works train "${SMALL[@]}" train.seed=2 --run r/b -q
    python3 -c 'import json
for run in "ab":
    chosen = json.load(open(f"r/{run}/env.json"))["selection"]
    assert chosen == {"split": "validation", "value": "elbo", "larger_is_better": True}, chosen'
    # An older run does not say, and is chosen by the same.
    works runs best --folder r
    cp out.txt said.txt
    for run in a b; do
        cp r/$run/env.json $run.json
        sed '/"selection"/,/}/d' $run.json > r/$run/env.json
        ! grep -q selection r/$run/env.json
        python3 -m json.tool r/$run/env.json > /dev/null
    done
    works runs best --folder r
    diff said.txt out.txt
    # The least of another value.
    for run in a b; do
        sed 's/"value": "elbo"/"value": "kl"/; s/"larger_is_better": true/"larger_is_better": false/' \
            $run.json > r/$run/env.json
    done
    json 'd[0]["chosen_by"] == "kl" and d[0]["of"]["runs"] == 2' runs best --folder r
    python3 - "$(cat out.txt)" <<'PYTHON'
import json, sys
best = json.loads(sys.argv[1])[0]
least = {run: min(json.loads(line)["kl"] for line in open(f"r/{run}/metrics.jsonl")
                  if '"evaluation"' in line and '"validation"' in line) for run in "ab"}
assert best["run"] == "r/" + min(least, key=least.get), (best["run"], least)
assert abs(best["best"] - min(least.values())) < 1e-9, (best["best"], least)
PYTHON
}

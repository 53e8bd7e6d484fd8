# What the tests of "no file that a call did not make is ever removed or changed" share: a world of
# runs with other people's files in and around them, the calls, and the comparison of the tree.
#
#     world/home, world/tmp   HOME and TMPDIR of the program
#     world/outside           what symbolic links of the world lead to
#     world/work              where the program is called

SET=(data.name=tiny data.validation=12 data.batch=16 train.epochs=2 --data-dir data --threads 1)
NETS=("encoder=[linear 8, relu]" "decoder=[linear 8, relu]")
PAIR=("generator=[linear 8, relu]" "discriminator=[linear 8, relu]")
VAE=(lab2-vae-2d "${SET[@]}" "${NETS[@]}")
CONV=(lab2-vae "${SET[@]}" "encoder=[conv 4 3, relu, flatten]" "decoder=[linear 8, relu]")
STEP=again/checkpoints/step-00000003.safetensors

# The calls that work, of every verb with every option: what each writes ("-" for nothing; "run:R"
# for what the list of R, .reverie-files, names; "cache" for the choices of convolutions that the
# guide tells of), and its words.  The failures are made from the first call of a verb.
good_calls() {
    cat <<'CALLS'
run:made                 train "${VAE[@]}" --run made
run:runs/lab2-vae-2d-2   train "${VAE[@]}"
run:in/a/b               train "${VAE[@]}" --run in/a/b train.epochs=3 --from $STEP
run:again                resume again train.epochs=4 --from again/checkpoints/step-00000003.safetensors
run:again                train "${VAE[@]}" --run again --force latent=3
run:again,cache          train "${CONV[@]}" --run again --force
run:vae                  resume vae
run:vae                  resume vae train.epochs=3
each.npy                 evaluate vae --samples 2 --count 4 -o each.npy
-                        evaluate vae --split validation --pixels gray --checkpoint best --seed 2
-                        evaluate vae --latents --weights ema
-                        evaluate vae --gap --svi-steps 2 --count 2
-                        evaluate judge
near.png                 evaluate gan --classifier judge --count 12 -o near.png
-                        evaluate gan --classifier judge --images images.npy
samples.png              sample vae
s.npy                    sample vae -n 3 --seed 2 --checkpoint best -o s.npy
ones.png                 sample m2 -n 2 --class 1 -o ones.png
reconstructions.png      reconstruct vae
r.png                    reconstruct vae -n 3 --split train --checkpoint best -o r.png
interpolation.png        interpolate vae
i.png                    interpolate vae --steps 3 --rows 2 --seed 2 --checkpoint best -o i.png
traversal.png            traverse vae
t.png                    traverse vae --image 1 --split train --dim 1 --from -1 --to 1 --steps 3 -o t.png
t.png                    traverse vae --level 1 --steps 2 -o t.png
u.png                    traverse vae --columns 2 --enlarge 1 --classifier judge --checkpoint best -o u.png
inpainting.png           inpaint vae
h.png                    inpaint vae --image 1 --split train --mask left -n 2 --sweeps 2 --enlarge 1 --seed 2 -o h.png
h.npy,cache              inpaint cnn --class 1 -n 2 --checkpoint best -o h.npy
h.png,cache              inpaint cnn --mask top --draws 20 -o h.png
latents.npy              encode vae
e.npy                    encode vae -n 3 --split train --checkpoint best -o e.npy
decoded.png              decode vae -i codes.npy
d.npy                    decode vae -i codes.npy -o d.npy --checkpoint best
labels.npy               classify judge -i images.npy -o labels.npy
-                        classify m2 -i images.npy --by evidence --checkpoint best
-                        probe vae --labels 6 -k 3 --split validation --seed 2 --l2 2 --codes-only
-                        probe vae --checkpoint best
figure.png               figure vae curves
c.svg                    figure vae curves --values kl -o c.svg
l.png                    figure vae latent --split train --checkpoint best -o l.png
m.png                    figure vae manifold --grid 2 --extent 1 -o m.png
f.png                    figure vae samples -n 2 --seed 2 -o f.png
f.png                    figure vae reconstructions -n 2 -o f.png
f.png                    figure vae interpolation --seed 2 -o f.png
f.png                    figure m2 classes --columns 2 -o f.png
f.png                    figure m2 style --rows 2 -o f.png
f.png                    figure vae collage --image 0 --rows 1 --columns 2 --scale 1 -o f.png
f.png                    figure vae snapshot --step 3 -o f.png
figure.gif               figure vae animation --image 0 --delay 20
f.png                    figure flow density --split validation --seed 2 --checkpoint best -o f.png
f.png                    figure flow deformation --seed 2 --checkpoint best -o f.png
f.gif                    figure flow animation --scale 2 -o f.gif
run:flow                 resume flow train.epochs=2
gumbel-softmax.png       demo gumbel-softmax -n 50
-                        demo
p.png                    demo importance-sampling -n 50 --seed 2 -o p.png
v.svg                    demo gradient-variance -n 200 -o v.svg
f.png                    demo flow -n 256 -o f.png
-                        bench "${VAE[@]}" --steps 1 --warm-up 1 --profile
cache                    bench "${CONV[@]}" --steps 1 --warm-up 0
-                        show vae
-                        show lab1-vae latent=3
run:studied              study tiny.yaml --folder studied
-                        study tiny.yaml --dry-run
run:runs/tiny            study tiny.yaml --seeds 1
-                        study
-                        runs list --folder .
-                        runs compare vae gan
-                        runs best
-                        recipes
data.png                 data show tiny --data-dir data
look.png                 data show digits -n 2 --split test --pixels static --seed 2 -o look.png
-                        data list
program.dot              inspect vae --program --dot program.dot --data-dir data
-                        inspect gan --program --turn 0 --data-dir data
-                        inspect vae/checkpoints/best.safetensors
-                        inspect codes.npy
-                        doctor
-                        help train
-                        completion bash
CALLS
}

# ---- what the program says that it takes ----

verbs() {
    "$REVERIE" --help | awk '/^Every verb/ {exit} /^  [a-z]/ {print $1}'
}

# options_of PAGE: a line an option: its name, its letter or "-", what its value is called or "-".
options_of() {
    sed -nE 's/^  (-(.), |    )--([a-z0-9-]+)( ([A-Z][A-Z0-9]*))?( .*|)$/\3 \2 \5/p' |
        sed -E 's/^([^ ]+)  /\1 - /; s/ $/ -/'
}
own_options() {
    "$REVERIE" "$1" --help | awk '/^common options:/ {exit} /^options:/ {on = 1} on' | options_of
}
common_options() {
    "$REVERIE" --help | awk '/^Every verb takes/ {on = 1} on' | options_of
}

# first_call VERB: sets `writes` and `words` to those of its first line.
first_call() {
    local line
    line=$(good_calls | awk -v verb="$1" '$2 == verb {print; exit}')
    [ -n "$line" ] || { echo "no call of the verb $1: add one to good_calls" && return 1; }
    take_line "$line"
}

take_line() {
    writes=${1%% *}
    eval "words=(${1#* })"
}

# Whether the first argument of a verb is a run.
takes_run() {
    [[ "$("$REVERIE" "$1" --help | sed -n 1p)" =~ [^A-Z]RUN( |$) ]]
}

# ---- the world ----

# A tiny data set with labels, in IDX files.
write_set() {
    mkdir -p "$1"
    python3 - "$1" <<'PYTHON'
import random, struct, sys
random.seed(1)
for split, count in ("train", 60), ("t10k", 30):
    with open(f"{sys.argv[1]}/{split}-images-idx3-ubyte", "wb") as file:
        file.write(struct.pack(">4I", 0x803, count, 8, 8))
        file.write(bytes(random.randrange(256) for _ in range(count * 64)))
    with open(f"{sys.argv[1]}/{split}-labels-idx1-ubyte", "wb") as file:
        file.write(struct.pack(">2I", 0x801, count) + bytes(i % 3 for i in range(count)))
PYTHON
}

# Runs of each kind that a verb needs; `damaged` has no good checkpoint, the data of `lost` are gone,
# `again` is for calls that change a run.
train_runs() {
    write_set data/tiny
    write_set data/gone
    works train "${VAE[@]}" train.ema=0.9 --run vae
    works train lab1-classifier "${SET[@]}" "layers=[linear 8, relu]" --run judge
    works train lab2-gan "${SET[@]}" "${PAIR[@]}" --run gan
    works train m2-enumerate data.labels=12 data.labelled_batch=6 "${SET[@]}" "${NETS[@]}" latent=3 \
        "classifier=[linear 8, relu]" --run m2
    works train maf-2d data.limit=300 data.validation=60 train.epochs=1 train.snapshots=2 length=2 \
        "layers=[masked 4, relu]" --threads 1 --run flow
    works train lab2-pixelcnn "${SET[@]}" condition=class "layers=[causal 2 k3 strict: true]" --run cnn
    works train "${VAE[@]}" data.name=gone --run lost
    rm -r data/gone
    works sample vae -n 12 -o images.npy --data-dir data
    works encode vae -n 3 -o codes.npy --data-dir data
    cp -r vae again
    cp -r vae damaged
    for file in damaged/checkpoints/*; do
        flip_bit "$file"
    done
    cat > tiny.yaml <<'YAML'
base: lab2-vae-2d
settings: {data: {name: data/tiny, validation: 12, batch: 16}, train.epochs: 1,
    encoder: [linear 8, relu], decoder: [linear 8, relu]}
grid: {latent: [2, 3]}
YAML
}

# strangers FOLDER UP: other people's files; UP leads from there to world/outside.
strangers() {
    local up=$2
    mkdir -p "$1" && pushd "$1" > /dev/null || return 1
    mkdir -p samples/snapshots checkpoints pictures empty .hidden-folder
    for name in notes.txt .hidden "with space.txt" samples.png thesis.reverie-tmp-2024-11 \
        samples/mine.png samples/.hidden samples/snapshots/mine.png checkpoints/mine.safetensors \
        checkpoints/notes.txt pictures/mine.png .hidden-folder/mine config.yaml~ report.html.orig; do
        echo "mine: $1/$name" > "$name"
    done
    echo secret > private && chmod 600 private
    echo fixed > read-only && chmod 444 read-only
    echo 'exit 0' > tool && chmod 755 tool
    ln -s "$up/target.txt" link
    ln -s "$up/folder" folder-link
    ln -s "../$up/target.txt" samples/link.png
    ln -s "../$up/folder" checkpoints/folder-link
    ln -s nowhere dangling
    popd > /dev/null || return 1
}

# Names that outputs have: files, folders and links that are there already.
taken_names() {
    for ending in png npy svg dot gif; do
        echo mine > "mine.$ending"
        mkdir "folder.$ending"
        echo mine > "folder.$ending/mine"
        echo target > "../outside/target.$ending"
        ln -s "../outside/target.$ending" "link.$ending"
        ln -s "../outside/missing.$ending" "dangling.$ending"
        ln -s "loop.$ending" "loop.$ending"
    done
    for name in samples.png figure.png latents.npy data.png out.png; do
        echo mine > "../outside/$name"
    done
}

# Makes the world below $1, and the list of the strangers in it, $1/strangers.
make_world() {
    mkdir -p "$1"/world/{home/.cache/reverie,tmp,outside/folder,work/runs}
    cd "$1/world/work" || return 1
    ln -s "$SOURCE/recipes" recipes
    train_runs
    rm -f out.txt err.txt
    (cd .. && find . -printf '%P\n' | LC_ALL=C sort) > ../../ours
    for run in vae again judge gan m2 cnn flow lost damaged; do
        strangers "$run" ../../outside
    done
    strangers . ../outside
    strangers runs ../../outside
    strangers runs/lab2-vae-2d-1 ../../../outside
    strangers studied/inside ../../../outside
    mkdir made photos
    echo mine > made/notes.txt
    strangers photos ../../outside
    strangers ../home ../outside
    strangers ../home/.cache/reverie ../../../outside
    strangers ../tmp ../outside
    echo mine > ../outside/folder/mine.png
    echo mine > ../outside/target.txt
    taken_names
    cd ../..
    (cd world && find . -printf '%P\n' | LC_ALL=C sort) | LC_ALL=C comm -23 - ours > strangers
    # One of them may be newer than a call, and most are not.
    (cd world && grep -v '^work/mine' ../strangers | tr '\n' '\0' |
        xargs -0 touch -h -d '2001-02-03 04:05:06')
}

# A copy of the world for one test.
enter_world() {
    unset REVERIE_DATA XDG_CACHE_HOME NO_COLOR
    STATE=$BATS_TEST_TMPDIR
    WORLD=$STATE/world
    cp -a "$BATS_FILE_TMPDIR/world" "$WORLD"
    AS=() # what the program is started by
    export HOME=$WORLD/home TMPDIR=$WORLD/tmp
    cd "$WORLD/work" || return 1
    look
}

# ---- the comparison ----

# A line for each thing of the world: what it is, its mode and time, of a link where it leads, of a
# file its size, number and bytes.
snapshot() {
    (
        cd "$WORLD" || exit 1
        find . -type d -printf '%P\t%y %m %T@\n' -o -printf '%P\t%y %m %T@ %s %i %l\n'
        find . -type f -print0 | xargs -0 b2sum -l 256 | sed -E 's|^(\S+)  \./(.*)|\2\tbytes \1|'
    ) | LC_ALL=C sort
}

look() {
    snapshot > "$STATE/before"
}

# The path within the world of a path of a call.
within() {
    case $1 in
        ../*) echo "${1#../}" ;;
        *) echo "work/$1" ;;
    esac
}

# What the list of a run names, and those of the runs in it, "own PATH" each, and its own name.
listed() {
    local list folder
    while IFS= read -r list; do
        folder=${list#"$WORLD/"}
        folder=${folder%/.reverie-files}
        sed -nE "s|^\+ (.*[^/])/?\$|own $folder/\1|p" "$list"
        echo "own $folder/.reverie-files"
        echo "own $folder"
    done < <(find "$WORLD/$1" -name .reverie-files 2> /dev/null)
}

# allowed WRITES: "own PATH" may come, change and go, but for strangers; "named PATH" may come and
# change, whoever made it; "in PATH" is a folder in which something may come.
allowed() {
    local item path
    for item in ${1//,/ }; do
        case $item in
            -) ;;
            cache)
                (cd "$WORLD" && compgen -G 'home/.cache/reverie/convolutions-*.txt') |
                    sed 's/^/own /'
                ;;
            run:*)
                path=$(within "${item#run:}")
                listed "$path"
                echo "in $path"
                while [ "$path" != work ]; do # the folders that it is made in
                    echo "own $path"
                    path=${path%/*}
                done
                ;;
            *) echo "named $(within "$item")" ;;
        esac
    done
}

# What differs from $STATE/before and is not in $STATE/allowed.  A folder in which something may come
# has a new time.  After a call that failed nothing may differ but such a time.
differences() {
    LC_ALL=C comm -3 "$STATE/before" "$STATE/after" > "$STATE/differ"
    awk -F '\t' -v code="$1" '
        FILENAME ~ /strangers$/ { stranger[$0] = 1; next }
        FILENAME ~ /allowed$/ {
            path = $0
            sub(/^[a-z]+ /, "", path)
            if ($0 ~ /^in /) { holder[path] = 1; next }
            if ($0 ~ /^named/) named[path] = 1
            else own[path] = 1
            sub(/\/[^\/]*$/, "", path)
            holder[path] = 1
            next
        }
        {
            is_after = $1 == ""
            path = is_after ? $2 : $1
            facts = is_after ? $3 : $2
            seen[path] = 1
            if (facts ~ /^d/ && path in holder) sub(/ [^ ]*$/, "", facts)
            if (is_after) after[path] = after[path] facts ";"
            else before[path] = before[path] facts ";"
        }
        END {
            for (path in seen) {
                if (before[path] == after[path]) continue
                is_removed = after[path] == ""
                if (code == 0 && path in named && !is_removed) continue
                if (code == 0 && path in own && !(path in stranger)) continue
                what = is_removed ? "removed" : before[path] == "" ? "new" : "changed"
                print what ": " path "\n  before: " before[path] "\n  after:  " after[path]
            }
        }' "$BATS_FILE_TMPDIR/strangers" "$STATE/allowed" "$STATE/differ"
}

# calls CODES WRITES ARGUMENTS...: the call ends with one of the codes (as "2|3"), and the world is as
# before but for what it may write.
calls() {
    local codes=$1 writes=$2 wrong=
    shift 2
    : > "$STATE/allowed"
    [[ $writes != *run:* ]] || allowed "$writes" > "$STATE/allowed" # what it has until now
    code=0
    "${AS[@]}" "$REVERIE" "$@" > "$STATE/out.txt" 2> "$STATE/err.txt" < /dev/null || code=$?
    snapshot > "$STATE/after"
    if ! cmp -s "$STATE/before" "$STATE/after"; then
        allowed "$writes" >> "$STATE/allowed"
        wrong=$(differences "$code")
        mv "$STATE/after" "$STATE/before"
    fi
    if [ -n "$wrong" ] || [[ "|$codes|" != *"|$code|"* ]]; then
        out=$(cat "$STATE/out.txt")
        err=$(cat "$STATE/err.txt")
        echo "codes $codes; may write: $writes"
        say_call "$@"
        echo "$wrong"
        return 1
    fi
    [ "$code" -ne 0 ] || are_there "$writes"
}

# What a call says that it writes is there.
are_there() {
    local item
    for item in ${1//,/ }; do
        case $item in
            - | cache) ;;
            run:*) [ -s "${item#run:}/.reverie-files" ] || { echo "no $item" && return 1; } ;;
            *) [ -s "$item" ] || { echo "no $item" && return 1; } ;;
        esac
    done
}

#!/usr/bin/env bats
# What the program did not make it never removes or writes over, whatever fails when; and nobody else
# writes into a run while it is trained.

load support

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${TINY[@]}" --run run
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    RUN=$BATS_FILE_TMPDIR/shared/run
}

# The names and contents of everything below a folder.
tree() {
    (cd "$1" && find . -type f -exec cksum {} + | sort -k 3 && find . ! -type f | sort)
}

# unchanged FOLDER CODE ARGUMENTS...: the call fails with that code and the tree is as before.
unchanged() {
    local folder=$1 expected=$2
    shift 2
    tree "$folder" > before.tree
    go "$@"
    say_call "$@"
    [ "$code" -eq "$expected" ]
    tree "$folder" | diff before.tree -
}

# A folder of somebody else's, with names that a run has too.
photos() {
    mkdir -p photos/samples photos/checkpoints photos/pictures
    echo mine > photos/samples/holiday.png
    echo mine > photos/pictures/holiday.png
    echo mine > photos/checkpoints/step-00000003.safetensors
    echo mine > photos/report.html
    echo mine > photos/metrics.jsonl
}

@test "a folder that holds other things is refused, and stays as it is" {
    photos
    unchanged photos 2 train "${TINY[@]}" --run photos
    has "$err" 'is there already'
    unchanged photos 2 train "${TINY[@]}" --run photos --force
    has "$err" 'choose another folder, or move them away (--run DIR)'
    echo 'model: vae' > photos/config.yaml # is no run's for that
    unchanged photos 2 train "${TINY[@]}" --run photos
    unchanged photos 2 train "${TINY[@]}" --run photos --force
    unchanged photos 3 train "${TINY[@]}" --run photos --from nowhere
}

@test "a log beside a run that is trained, and notes of the user's, stay" {
    mkdir out
    echo notes > out/notes.txt
    "$REVERIE" train "${TINY[@]}" --run out > out/log.txt 2>&1
    echo mine > out/samples/holiday.png
    works resume out train.epochs=3
    works train "${TINY[@]}" --run out --force
    [ "$(cat out/notes.txt)" = notes ]
    [ "$(cat out/samples/holiday.png)" = mine ]
    grep -q done out/log.txt
}

@test "a start that fails leaves the run that it would have replaced" {
    cp -r "$RUN" run
    checkpoint=$RUN/checkpoints/step-00000012.safetensors
    unchanged run 3 train "${TINY[@]}" latent=3 --run run --force --from "$checkpoint"
    unchanged run 3 train "${TINY[@]}" --run run --force --from run/nothing.safetensors
    unchanged run 2 train "${TINY[@]}" --run run --force data.batch=1 \
        "encoder=[linear 64, batchnorm]"
    unchanged run 2 train "${TINY[@]}" --run run --force --from "$checkpoint"
    has "$err" 'nothing is left to train'
    grep -q __asan_init "$REVERIE" || ( # which reserves more than any limit
        ulimit -v 1000000
        unchanged run 6 train "${TINY[@]}" --run run --force \
            "encoder=[linear 20000, linear 9000]"
    )
}

@test "a start that fails leaves no new folder, nor those above it" {
    mkdir in
    unchanged in 3 train "${TINY[@]}" latent=3 --run in/a/b/c \
        --from "$RUN/checkpoints/step-00000012.safetensors"
    unchanged in 2 train "${TINY[@]}" data.batch=1 "encoder=[linear 64, batchnorm]" --run in/a/b/c
    fails 3 'values, not' train "${TINY[@]}" latent=3 \
        --from "$RUN/checkpoints/step-00000012.safetensors"
    not test -e runs
}

@test "killed while it replaces a run: one of the two is whole" {
    command -v strace > /dev/null || skip "strace is not installed"
    strace -o /dev/null true 2> /dev/null || skip "tracing is not allowed here"
    works train "${TINY[@]}" latent=3 --run other
    for call in renameat mkdirat unlinkat rename; do
        for n in 1 2 5 9 14; do
            rm -rf killed
            cp -r "$RUN" killed
            echo mine > killed/samples/mine.png
            { strace -f -o trace.txt -e "trace=$call" -e "inject=$call:signal=KILL:when=$n" \
                "$REVERIE" train "${TINY[@]}" latent=3 --quiet --run killed --force \
                > /dev/null 2>&1; } 2> /dev/null || true
            [ "$(cat killed/samples/mine.png)" = mine ]
            works resume killed
            rm killed/samples/mine.png
            if grep -q '^latent: 3$' killed/config.yaml; then
                same_run other killed
            else
                same_run "$RUN" killed
            fi
            [ -z "$(find killed -name '.reverie-re*' -o -name '.reverie-d*')" ]
        done
    done
}

@test "links are not followed in removing" {
    mkdir elsewhere
    cp -r "$RUN" run
    mv run/samples elsewhere/samples
    ln -s ../elsewhere/samples run/samples
    tree elsewhere > before.tree
    fails 2 'lies behind a link' train "${TINY[@]}" latent=3 --run run --force
    tree elsewhere | diff before.tree -
    works resume run train.epochs=3 # writes through the link, and removes nothing there
    for file in $(cd "$RUN" && find samples -type f); do
        [ -f "elsewhere/$file" ]
    done
}

@test "a checkpoint that somebody put there is not rotated away" {
    cp -r "$RUN" run
    cp run/checkpoints/step-00000006.safetensors run/checkpoints/step-00000001.safetensors
    cp run/checkpoints/step-00000006.safetensors run/checkpoints/mine.safetensors
    works resume run train.epochs=5
    [ -f run/checkpoints/step-00000001.safetensors ]
    [ -f run/checkpoints/mine.safetensors ]
    [ ! -f run/checkpoints/step-00000006.safetensors ]
}

@test "a run that would replace another one has weights first" {
    cp -r "$RUN" run
    # A loss that is not finite at the second step: nothing was saved yet.
    unchanged run 5 train "${TINY[@]}" train.optimizer=sgd train.lr=1e6 likelihood=gaussian \
        likelihood_deviation=1e-6 --run run --force
    has "$err" 'is as before'
    # A file that somebody put there has the name of one that the run will write.
    works resume run train.epochs=3
    cp "$RUN/checkpoints/step-00000006.safetensors" run/checkpoints/
    unchanged run 2 train "${TINY[@]}" --run run --force
    has "$err" 'step-00000006.safetensors: is there already'
}

@test "a run whose list was lost or damaged goes on, and takes no picture for its own" {
    for damage in 'rm run/.reverie-files' ': > run/.reverie-files' \
        'head -c 3000 /dev/urandom > run/.reverie-files'; do
        rm -rf run
        cp -r "$RUN" run
        bash -c "$damage"
        echo mine > run/samples/epoch-0003-samples.png
        works resume run train.epochs=3
        [ "$(cat run/samples/epoch-0003-samples.png)" = mine ]
        [ -f run/checkpoints/step-00000018.safetensors ]
    done
}

@test "what stands in the way of a lock, of a log or of a picture is not written to" {
    mkdir out
    echo mine > out/.reverie-lock
    unchanged out 2 train "${TINY[@]}" --run out
    has "$err" 'no lock of Reverie'
    cp -r "$RUN" run
    seq 1 5000 > stranger
    cp stranger stranger.before
    rm run/metrics.jsonl run/report.html run/timing.jsonl
    ln -s ../stranger run/metrics.jsonl
    mkfifo run/timing.jsonl
    ln -s ../stranger run/report.html
    go resume run train.epochs=3 # which does not wait for a reader
    [ "$code" -eq 2 ]
    has "$err" 'report.html: is a link'
    [ -f run/checkpoints/step-00000018.safetensors ]
    cmp stranger stranger.before
    # Of an interrupted write of the run's, and of nothing else.
    echo mine > run/thesis.reverie-tmp-2024-11
    touch run/metrics.jsonl.reverie-tmp-1-1
    rm run/report.html
    works resume run train.epochs=4
    [ -f run/thesis.reverie-tmp-2024-11 ]
    [ ! -e run/metrics.jsonl.reverie-tmp-1-1 ]
}

@test "one folder has one writer, who is named" {
    "$REVERIE" train "${TINY[@]}" train.epochs=2000 --run long > /dev/null 2>&1 &
    process=$!
    for _ in $(seq 1000); do
        [ -e long/metrics.jsonl ] && break
        sleep 0.01
    done
    fails 2 "is in use by process $process on $(hostname)" resume long
    fails 2 "is in use by process $process on $(hostname)" train "${TINY[@]}" --run long --force
    fails 2 "holds a run already" train "${TINY[@]}" --run long
    for _ in $(seq 1000); do
        compgen -G 'long/checkpoints/step-*' > /dev/null && break
        sleep 0.01
    done
    works evaluate long # who only reads needs no lock
    kill -9 "$process"
    wait "$process" || true
    works resume long train.epochs=1 # the lock of a dead process is no lock
    [ ! -e long/.reverie-lock ]
}

@test "several trainings without --run choose a folder each" {
    for i in 1 2 3 4; do
        "$REVERIE" train "${TINY[@]}" train.epochs=1 --quiet > "out$i.txt" 2> "err$i.txt" &
    done
    wait
    cat err?.txt
    [ "$(ls runs | tr '\n' ' ')" = \
        "lab2-vae-2d-1 lab2-vae-2d-2 lab2-vae-2d-3 lab2-vae-2d-4 " ]
    for i in 2 3 4; do
        cmp runs/lab2-vae-2d-1/metrics.jsonl "runs/lab2-vae-2d-$i/metrics.jsonl"
    done
}

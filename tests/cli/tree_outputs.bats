#!/usr/bin/env bats
# No file that a call did not make is ever removed or changed: outputs that cannot be, outputs whose
# names are taken, and what may not be written.

load support
load tree

setup_file() {
    prepare "$BATS_FILE_TMPDIR"
    export REVERIE SOURCE
    make_world "$BATS_FILE_TMPDIR"
}

setup() {
    enter_world
}

teardown() {
    chmod -R u+w "$WORLD"
}

# output_option VERB: sets `option`, the words before the name of an output; fails where it has none.
output_option() {
    option=$(own_options "$1" | awk '$1 == "output" {print "-o"} $1 == "dot" {print "--dot"}')
    [ -n "$option" ]
}

@test "an output in a folder that is not there, or that is none, or is itself a folder" {
    local verb ending
    for verb in $(verbs); do
        output_option "$verb" || continue
        first_call "$verb"
        ending=${writes##*.}
        for name in "nowhere/out.$ending" "folder.$ending" "notes.txt/out.$ending" "loop.$ending" \
            "dangling/out.$ending"; do
            calls '2|4' "$name" "${words[@]}" "$option" "$name"
        done
        [ "$verb" = inspect ] || calls 2 out.wrong "${words[@]}" "$option" out.wrong
    done
}

@test "an output whose name is taken is written over, through a link too, and nothing else" {
    local verb ending
    for verb in $(verbs); do
        output_option "$verb" || continue
        first_call "$verb"
        ending=${writes##*.}
        calls 0 "mine.$ending" "${words[@]}" "$option" "mine.$ending"
        calls 0 "../outside/target.$ending" "${words[@]}" "$option" "link.$ending"
        calls 0 "../outside/missing.$ending" "${words[@]}" "$option" "dangling.$ending"
        rm "../outside/missing.$ending" # for the next verb
        look
        calls 0 "../outside/folder/out.$ending" "${words[@]}" "$option" "folder-link/out.$ending"
        takes_run "$verb" || continue
        words[1]=nowhere # what is known only later leaves it too
        calls 3 "mine.$ending" "${words[@]}" "$option" "mine.$ending"
        words[1]=damaged
        calls '0|2|3' "mine.$ending" "${words[@]}" "$option" "mine.$ending"
    done
}

@test "what may not be written is read, and nothing is written there" {
    local verb
    if [ "$(id -u)" -eq 0 ]; then # who may write everywhere, but for these rights
        AS=(setpriv --bounding-set=-dac_override,-dac_read_search)
        "${AS[@]}" true 2> /dev/null || skip "rights cannot be dropped here"
    fi
    mkdir locked
    echo mine > locked/mine.png
    chmod 444 mine.png
    chmod -R a-w vae judge again runs locked
    look
    for verb in $(verbs); do
        first_call "$verb"
        case $verb in
            train | resume | study) continue ;;
            doctor) calls 4 - doctor && continue ;; # it says that `runs` cannot be written
        esac
        calls 0 "$writes" "${words[@]}"
    done
    calls 4 mine.png sample vae -o mine.png
    calls 4 locked/mine.png sample vae -o locked/mine.png
    calls 4 locked/new.png sample vae -o locked/new.png
    calls 4 mine.png demo gumbel-softmax -n 50 -o mine.png
    calls 4 locked/mine.png inspect vae --program --data-dir data --dot locked/mine.png
    calls 4 run:vae resume vae train.epochs=3
    calls 4 run:runs/x train "${VAE[@]}"
    calls 4 run:locked train "${VAE[@]}" --run locked
    calls 4 run:locked/in/a train "${VAE[@]}" --run locked/in/a
    calls 4 run:again train "${VAE[@]}" --run again --force
    calls 4 run:runs/tiny study tiny.yaml
    calls 4 run:locked/in study tiny.yaml --folder locked/in
}

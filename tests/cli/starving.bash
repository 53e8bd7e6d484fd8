# Verbs without memory: what cli_memory.bats tries at a few allocations and soak/memory.sh at many.
# Of the caller: REVERIE, SOURCE, STARVE (tests/cli/starve.c as a library).

STARVED_SETTINGS=(lab2-vae-2d data.name=digits data.limit=200 data.validation=50 train.epochs=2
    "encoder=[linear 16, relu]" "decoder=[linear 16, relu]")

STARVED_VERBS="train resume evaluate samples latents sample latent_svg curves_png animation encode
    decode classify inspect inspect_json show list compare data recipes doctor studies study"

# Sets `call`, the arguments of a verb; where it writes a run or a study, that is `out`.
starved_call() {
    case $1 in
        train) call=(train "${STARVED_SETTINGS[@]}" --run out) ;;
        resume) call=(resume out train.epochs=2) ;;
        evaluate) call=(evaluate ref --json) ;;
        samples) call=(evaluate ref --samples 20 --count 20 --json) ;;
        latents) call=(evaluate ref --latents --count 40 --json) ;;
        sample) call=(sample ref -o out.png) ;;
        latent_svg) call=(figure ref latent -o out.svg) ;;
        curves_png) call=(figure ref curves -o out.png) ;;
        animation) call=(figure ref animation -o out.gif) ;;
        encode) call=(encode ref -o out.npy) ;;
        decode) call=(decode ref -i codes.npy -o out.png) ;;
        classify) call=(classify classes -i images.npy --json) ;;
        inspect) call=(inspect ref/checkpoints/best.safetensors) ;;
        inspect_json) call=(inspect ref/checkpoints/best.safetensors --json) ;;
        show) call=(show ref --json) ;;
        list) call=(runs list --folder . --json) ;;
        compare) call=(runs compare ref half) ;;
        data) call=(data list --json) ;;
        recipes) call=(recipes --json) ;;
        doctor) call=(doctor) ;;
        studies) call=(study) ;;
        study) call=(study tiny.yaml --folder out) ;;
    esac
}

# What the verbs work on, in this folder.
starved_prepare() {
    "$REVERIE" train "${STARVED_SETTINGS[@]}" --run ref --quiet > log.txt 2>&1 &&
        "$REVERIE" train "${STARVED_SETTINGS[@]}" train.epochs=1 --run half --quiet > log.txt 2>&1 &&
        "$REVERIE" train lab1-classifier data.name=digits data.limit=200 data.validation=50 \
            train.epochs=1 "layers=[linear 16, relu]" --run classes --quiet > log.txt 2>&1 ||
        { cat log.txt && return 1; }
    cat > tiny.yaml <<'YAML'
about: two cells
base: lab2-vae-2d
settings: {data.name: digits, data.limit: 100, data.validation: 50, train.epochs: 1,
    encoder: [linear 8, relu], decoder: [linear 8, relu]}
grid: {objective.beta: [1, 4]}
seeds: 1
YAML
    python3 - <<'PYTHON'
import struct
def save(name, shape, values):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': %s, }" % (shape,)
    head += " " * (-(10 + len(head) + 1) % 64) + "\n"
    with open(name, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode())
        file.write(struct.pack("<%df" % len(values), *values))
save("codes.npy", (4, 2), [0, 0, 1, 0, 0, 1, -1, -1])
save("images.npy", (4, 28, 28), [i % 7 / 6 for i in range(4 * 784)])
PYTHON
}

starved_clear() {
    rm -rf out out.png out.svg out.npy out.gif
    [ "$1" != resume ] || cp -r half out
}

# starved_whole VERB: as it is with memory, and how often it asks; into whole.*, and $asked.
starved_whole() {
    local call
    starved_call "$1"
    starved_clear "$1"
    STARVE_COUNT=asked.txt LD_PRELOAD=$STARVE "$REVERIE" "${call[@]}" > whole.out 2> whole.err ||
        { cat whole.err && return 1; }
    asked=$(cat asked.txt)
    rm -f whole.file
    for file in out.png out.svg out.npy out.gif; do
        [ ! -e $file ] || mv $file whole.file
    done
}

# The run that was starved can be gone on with, to the same end.
starved_run_is_whole() {
    [ -e out/config.yaml ] || return 0
    "$REVERIE" resume out train.epochs=2 > again.out 2> again.err &&
        cmp out/metrics.jsonl ref/metrics.jsonl
}

# starved VERB N ALL: fails allocation N, and with ALL=1 all after it.  The program says so in one
# line and exits with 6, or does all of its work.  After starved_whole of that verb.
starved() {
    local verb=$1 code=0 call why=
    starved_call "$verb"
    starved_clear "$verb"
    timeout 60 env STARVE_AT="$2" STARVE_ALL="$3" LD_PRELOAD="$STARVE" \
        "$REVERIE" "${call[@]}" > got.out 2> got.err || code=$?
    case $code in
        6)
            [ "$(grep -c '^reverie: error: ' got.err)" = 1 ] || why="not one line of error"
            tail -n 1 got.err | grep -Eq '^reverie: error: .*(out of memory|thread)' ||
                why="the last line does not say it"
            [ "$verb" != train ] && [ "$verb" != resume ] || starved_run_is_whole ||
                why="the run cannot be gone on with: $(tail -n 1 again.err)"
            ;;
        0)
            for file in out.png out.svg out.npy out.gif; do
                [ ! -e $file ] || cmp -s $file whole.file || why="$file is not whole"
            done
            [ "$verb" = doctor ] || cmp -s got.out whole.out || why="stdout is not whole"
            ;;
        124) why="it hangs" ;;
        *) why="exit code $code" ;;
    esac
    [ -z "$why" ] && return
    echo "$verb, allocation $2$([ "$3" = 0 ] || echo " and all after it"): $why"
    tail -n 3 got.err
    return 1
}

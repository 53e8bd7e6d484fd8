# What the soak campaigns share.  A campaign is a script, `NAME.bash PROGRAM SECONDS`: it draws trials
# until its time is over, prints one line of figures, and stops at the first promise that is broken,
# keeping the folder.  Trial i of SEED is trial 0 of SEED + i, so any can be had again alone.
set -u -o pipefail

# One small run of each kind of model: a few steps, saved in mid-epoch too.
FAMILIES=${SOAK_FAMILIES:-vae iwae ladder concat discrete-vae gan dcgan wgan-gp vae-gan bigan classifier m2 flow made maf pixelcnn pixelvae pixelvae-map}
SMALL=(data.name=digits data.limit=200 data.validation=50 data.batch=20 train.epochs=2 train.save=3
    train.log=1 --threads 1 --quiet)

# family NAME: the arguments of `train` into FAMILY.
family() {
    case $1 in
        vae) FAMILY=(lab2-vae-2d "encoder=[linear 16, batchnorm, relu]"
            "decoder=[linear 16, batchnorm, relu]" train.ema=0.9) ;;
        iwae) FAMILY=(iwae-burda "encoder=[linear 16, tanh, latent 4]" "decoder=[linear 16, tanh]"
            objective.samples=3 train.schedule=constant train.milestones=[]) ;;
        ladder) FAMILY=(lab2-ladder objective.warmup=1
            "encoder=[linear 16, batchnorm, relu, latent 4, linear 8, batchnorm, relu, latent 2]"
            "decoder=[linear 8, batchnorm, relu, latent 4, linear 16, batchnorm, relu]") ;;
        concat) FAMILY=(lab2-ladder objective.free_bits=0.5 posterior.merge=concat posterior.path=6
            "posterior.layers=[linear 6, relu]" objective.samples=2 levels.batch_norm=false
            "encoder=[linear 16, relu, latent 4, linear 8, batchnorm, relu, latent 2]"
            "decoder=[linear 8, relu, latent 4, linear 16, batchnorm, relu]") ;;
        discrete-vae) FAMILY=(bernoulli-nvil latent.count=8) ;;
        gan) FAMILY=(lab2-gan latent=4 "generator=[linear 16, batchnorm, relu]"
            "discriminator=[linear 16, leaky_relu 0.2]") ;;
        dcgan) FAMILY=(lab1-dcgan latent=4 base_width=1 --conv direct) ;;
        wgan-gp) FAMILY=(lab1-wgan-gp latent=4 "generator=[linear 16, batchnorm, relu]"
            "critic=[linear 16, leaky_relu 0.2]") ;;
        vae-gan) FAMILY=(lab0-vaegan latent=4 objective.feature_layers=1 --conv direct
            "encoder=[conv 2 k4 s2 p1, batchnorm, relu, flatten]"
            "decoder=[linear 98, relu, reshape 2 7 7, deconv 1 k4 s4]"
            "discriminator=[conv 2 k4 s2 p1, leaky_relu 0.2, flatten]") ;;
        bigan) FAMILY=(lab0-bigan latent=4 "generator=[linear 16, batchnorm, relu]"
            "encoder=[linear 16, batchnorm, leaky_relu 0.2]"
            "discriminator=[linear 16, leaky_relu 0.2]") ;;
        flow) FAMILY=(lab2-vae-planar latent=4 "encoder=[linear 16, batchnorm, relu]"
            "decoder=[linear 16, relu]" posterior.flow_length=2) ;;
        made) FAMILY=(made "layers=[masked 16, batchnorm, relu]") ;;
        pixelcnn) FAMILY=(pixelcnn condition=class
            "layers=[gated 8 k3 strict: true, gated 8 k3, batchnorm, relu]") ;;
        pixelvae) FAMILY=(lab0-pixelvae latent=4 "encoder=[linear 16, batchnorm, relu]" objective.warmup=1
            "decoder=[]" "layers=[gated 8 k3 strict: true, gated 8 k3, relu]") ;;
        pixelvae-map) FAMILY=(lab0-pixelvae latent=4 "encoder=[linear 16, relu]" objective.warmup_steps=5
            "decoder=[linear 98, relu, reshape 2 7 7, upsample 4]" objective.free_bits=0.1
            "layers=[gated 8 k3 strict: true, relu]") ;;
        maf) FAMILY=(maf-mnist "layers=[masked 8, relu]" length=2) ;;
        classifier) FAMILY=(lab1-classifier "layers=[linear 16, batchnorm, relu, dropout 0.2]") ;;
        m2) FAMILY=(m2-enumerate latent=4 data.labels=20 data.labelled_batch=10
            "classifier=[linear 16, softplus]" "encoder=[linear 16, softplus]"
            "decoder=[linear 16, softplus]") ;;
        *) echo "no family $1" >&2 && exit 2 ;;
    esac
    FAMILY+=("${SMALL[@]}")
}

# begin NAME PROGRAM SECONDS: the folder, the seed, the time.
begin() {
    campaign=$1 budget=$3 trial=0
    PROGRAM=$(realpath "$2") || exit 2
    SCRIPT=$(realpath "$0") here=$(cd "$(dirname "$0")" && pwd)
    SEED=${SEED:-$((($(date +%N | sed 's/^0*//') + $$) % 1000000))}
    unset REVERIE_DATA XDG_CACHE_HOME NO_COLOR
    work=$(mktemp -d) || exit 2
    references=${SOAK_REFERENCES:-$work/references}
    mkdir -p "$references/home"
    cd "$work" || exit 2
    ln -s "$here/../../recipes" recipes
    export HOME=$references/home # the caches there are warm
    read -r -a families <<< "$FAMILIES"
    for name in "${families[@]}"; do # before the clock starts: all campaigns share them
        reference "$name"
    done
    deadline=$((SECONDS + budget))
}

# next_trial: whether there is time for one more; the first is always there.
next_trial() {
    [ "$trial" -eq 0 ] || [ "$SECONDS" -lt "$deadline" ] || return 1
    trial_seed=$((SEED + trial))
    trial=$((trial + 1))
    RANDOM=$((trial_seed * 7919 % 32749))
    : $RANDOM $RANDOM
}

# one_of WORD...: one of them into $choice.
one_of() {
    local words=("$@")
    choice=${words[RANDOM % ${#words[@]}]}
}

# nap MILLISECONDS: up to so many.
nap() {
    local ms=$(((RANDOM * 32768 + RANDOM) % ($1 + 1)))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
}

# broken WHAT: a promise was; the folder stays.
broken() {
    echo "$campaign: BROKEN: $1"
    [ ! -s "$work/err.txt" ] || sed 's/^/    said: /' "$work/err.txt" | tail -n 5
    echo "    folder: $work"
    echo "    again:  SEED=$trial_seed $SCRIPT $PROGRAM 1"
    exit 1
}

# skip WHY: the campaign cannot be run here.
skip() {
    echo "$campaign: skipped: $1"
    rm -rf "$work"
    exit 0
}

# finish FIGURES
finish() {
    echo "$campaign: $1 (SEED=$SEED)"
    cd / && rm -rf "$work"
}

# train RUN [COMMAND...]: trains the family there, under a command; the exit code is the program's.
train() {
    local run=$1
    shift
    "$@" "$PROGRAM" train "${FAMILY[@]}" --run "$run" > out.txt 2> err.txt
}

# go VERB ARGUMENTS...
go() {
    "$PROGRAM" "$@" > out.txt 2> err.txt
}

# reference NAME: the run that nothing disturbed, in $references/NAME, with its milliseconds.
reference() {
    local start
    family "$1"
    [ -e "$references/$1.ms" ] && return 0
    rm -rf "${references:?}/$1"
    start=$(date +%s%N)
    train "$references/$1" || { cat err.txt && echo "$campaign: $1 does not train" && exit 1; }
    echo $((($(date +%s%N) - start) / 1000000)) > "$references/$1.ms"
}

milliseconds() {
    cat "$references/$1.ms"
}

# check_same NAME RUN WHEN: the bytes of what training gives are those of the reference: weights,
# optimizer, where it stands, the metrics; and nothing half-written lies about.  Of a run that was
# stopped the checkpoint before the last may be of another step.
check_same() {
    local file last
    last=$(ls "$references/$1/checkpoints" | tail -n 1)
    cmp -s "$references/$1/metrics.jsonl" "$2/metrics.jsonl" ||
        broken "$1 $3: metrics.jsonl is another"
    for file in "$references/$1"/checkpoints/*; do
        case ${file##*/} in
            "$last" | best.safetensors) ;;
            *) [ -e "$2/checkpoints/${file##*/}" ] || continue ;;
        esac
        cmp -s "$file" "$2/checkpoints/${file##*/}" || broken "$1 $3: ${file##*/} is another"
    done
    [ -s "$2/report.html" ] || broken "$1 $3: there is no report.html"
    [ -z "$(find "$2" -name '*.reverie-tmp-*')" ] || broken "$1 $3: a temporary was left"
}

# check_whole NAME RUN WHEN: every checkpoint that is there is a good one.
check_whole() {
    local file
    for file in "$2"/checkpoints/*.safetensors; do
        [ ! -e "$file" ] || go inspect "$file" || broken "$1 $3: $file cannot be read"
    done
}

# finish_run NAME RUN WHEN: what was stopped goes on to the same end.  A run that was stopped before
# it began is begun.
finish_run() {
    if [ -e "$2/config.yaml" ]; then
        go resume "$2" --quiet --threads 1 || broken "$1 $3: cannot be resumed, code $?"
    else
        train "$2" || broken "$1 $3: cannot be begun again, code $?"
    fi
    check_same "$1" "$2" "$3"
}

# ---- system calls ----

needs_strace() {
    command -v strace > /dev/null || skip "strace is not installed"
    strace -o /dev/null true 2> /dev/null || skip "tracing is not allowed here"
}

# list_calls NAME CALLS PATHS: trains under strace; lines "CALL N" to calls.txt, one for each of these
# calls on a path of the run that matches; N counts all calls of that name, as strace's when= does.
list_calls() {
    rm -rf traced
    train traced strace -f -y -o trace.txt -e "trace=$2" ||
        broken "$1 does not train under strace, code $?"
    check_same "$1" traced "under strace"
    awk -v paths="/traced/($3)|\"traced/($3)" '{
        call = $2; sub(/\(.*/, "", call)
        if (call !~ /^[a-z0-9_]+$/) next
        n[$1, call]++
        if ($0 ~ paths) print call, n[$1, call]
    }' trace.txt > calls.txt
    [ -s calls.txt ] || broken "no calls were seen"
}

# inject CALL N WHAT: trains in `run` with the N-th such call disturbed; the code to $code.
inject() {
    rm -rf traced
    code=0
    { train traced strace -f -o trace.txt -e "trace=$1" \
        -e "inject=$1:$3:when=$2"; } 2> /dev/null || code=$?
}

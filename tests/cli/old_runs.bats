#!/usr/bin/env bats
# Runs that an earlier version trained (tests/fixtures/runs, one of each kind of model) are still read:
# they draw, evaluate and go on as they did then.  expected.txt of each has what that version gave:
# the mean of four samples, the values of evaluate, and the last metrics after one more epoch.

load support

setup() {
    prepare "$BATS_TEST_TMPDIR"
    cp -r "${SOURCE:-$BATS_TEST_DIRNAME/../..}/tests/fixtures/runs" runs
}

# What the program gives for a run now, a line a value.
values_of() {
    local run=$1
    "$REVERIE" evaluate "$run" --split validation --json 2>evaluate.txt |
        sed -n 's/^  "\([a-z_]*\)": \(-\{0,1\}[0-9.e+-]*\),\{0,1\}$/evaluate \1 \2/p'
    if [ "$(basename "$run")" != classifier ]; then
        "$REVERIE" sample "$run" --count 4 --seed 3 -o drawn.npy >/dev/null
        "$REVERIE" inspect drawn.npy --json | sed -n 's/^  "mean": \(.*\),$/sample mean \1/p'
    fi
    "$REVERIE" resume "$run" train.epochs=2 --quiet >/dev/null 2>resume.txt
    ! grep "cannot be written" resume.txt
    grep '"event":"epoch"' "$run/metrics.jsonl" | tail -n 1 | tr ',{}' '\n' |
        sed -n 's/^"\([a-z_]*\)":\(-\{0,1\}[0-9.e+-]*\)$/resume \1 \2/p'
}

# Compares `values_of` in now.txt with expected.txt: one part in a thousand is the processor's.
same_values() {
    awk -v run="$1" '
        NR == FNR { wanted[$1 " " $2] = $3; left++; next }
        {
            key = $1 " " $2
            if (!(key in wanted)) { print run ": " key " is new"; bad = 1; next }
            off = $3 - wanted[key]; size = wanted[key]
            if (off < 0) off = -off
            if (size < 0) size = -size
            if (off > 1e-3 * size + 1e-4) { print run ": " key " is " $3 ", was " wanted[key]; bad = 1 }
            left--
        }
        END { if (left != 0) { print run ": " left " values are missing"; bad = 1 }; exit bad }' \
        "$2" "$3"
}

@test "runs of an earlier version draw, evaluate and go on as they did" {
    local failed=0
    for run in runs/*/; do
        run=${run%/}
        values_of "$run" >now.txt
        [ "$(wc -l <now.txt)" -ge 3 ]
        same_values "$run" "$run/expected.txt" now.txt || failed=1
    done
    [ "$failed" -eq 0 ]
}

@test "the comparison with an earlier version finds a value that is off" {
    printf 'evaluate elbo -100\nsample mean 0.5\n' >was.txt
    printf 'evaluate elbo -100.01\nsample mean 0.5\n' >now.txt
    same_values run was.txt now.txt
    printf 'evaluate elbo -101\nsample mean 0.5\n' >now.txt
    run same_values run was.txt now.txt
    [ "$status" -eq 1 ]
    printf 'evaluate elbo -100\n' >now.txt
    run same_values run was.txt now.txt
    [ "$status" -eq 1 ]
}

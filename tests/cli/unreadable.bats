#!/usr/bin/env bats
# Files and folders that are there but cannot be looked at: this and the reason are said, never that
# there are none.  Permissions do not bind root, so that a loop of links stands for them; where they
# bind, they are tried too.

load support

setup_file() {
    prepare "$BATS_FILE_TMPDIR/shared"
    works train "${TINY[@]}" train.epochs=1 --run run -q
}

setup() {
    prepare "$BATS_TEST_TMPDIR"
    cp -r "$BATS_FILE_TMPDIR/shared/run" run
}

loop() {
    rm -rf "$1"
    ln -s "$(basename "$1")" "$1"
}

reason='Too many levels of symbolic links'

@test "a run whose settings cannot be looked at is no missing run" {
    loop run/config.yaml
    for verb in evaluate sample show "figure run curves" "runs compare run" resume; do
        [[ "$verb" == *run* ]] || verb="$verb run"
        fails 3 "run/config.yaml: cannot be read: $reason" $verb
    done
    works runs list --folder .
    has "$err" "run/config.yaml: cannot be read: $reason"
    loop run
    fails 3 "run/config.yaml: cannot be read: $reason" evaluate run
    fails 4 "run: cannot be read: $reason" train "${TINY[@]}" --run run
}

@test "an unreadable checkpoint is not a damaged one: no earlier one is taken" {
    last=$(newest run)
    cp "$last" run/checkpoints/step-00000001.safetensors
    loop "$last"
    fails 3 "$last: cannot be read: $reason" sample run
    loop run/checkpoints
    fails 4 "run/checkpoints: cannot be read: $reason" sample run
}

@test "an unreadable recipe, study or data set is named with the reason" {
    loop made.yaml
    fails 3 "made.yaml: cannot be read: $reason" train ./made.yaml
    fails 3 "made.yaml: cannot be read: $reason" study ./made.yaml
    mkdir sets
    loop sets/faces
    fails 3 "sets/faces: cannot be read: $reason" data show ./sets/faces
    fails 3 "sets/faces, which cannot be looked at: $reason" data show faces --data-dir sets
    loop sets
    works data list --data-dir sets
    has "$err" "sets: cannot be read: $reason"
}

@test "without permission" {
    [ "$(id -u)" -ne 0 ] || skip "permissions do not bind root"
    mkdir -p sets/mnist
    chmod 000 sets/mnist run
    fails 3 "run/config.yaml: cannot be read: Permission denied" evaluate run
    fails 3 "sets/mnist: cannot be read: Permission denied" data show mnist --data-dir sets
    works data list --data-dir sets
    has "$out" "sets/mnist: cannot be read: Permission denied"
    chmod 700 sets/mnist run
}

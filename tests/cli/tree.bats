#!/usr/bin/env bats
# No file that a call did not make is ever removed or changed: every verb and every option that the
# help lists, in a tree of other people's files.  tree_failures.bats and tree_outputs.bats: what fails.

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

COMMON=(--json -q --threads 1 --data-dir data --isa baseline --conv direct --conv-memory 8
    --backend reference)

# Whether the words on stdin have an option, by its name or its letter.
has_option() {
    grep -qE -- "(^| )(--$1|-$2)( |=|\$)"
}

@test "each verb and each option of the help has a call here" {
    local missing=0 verb name letter value
    for verb in $(verbs); do
        good_calls | awk -v verb="$verb" '$2 == verb' > "$STATE/of-verb"
        if [ ! -s "$STATE/of-verb" ]; then
            echo "no call of the verb $verb: add one to good_calls"
            missing=1
        fi
        while read -r name letter value; do
            has_option "$name" "$letter" < "$STATE/of-verb" && continue
            echo "no call of $verb has --$name: add one to good_calls"
            missing=1
        done < <(own_options "$verb")
    done
    while read -r name letter value; do
        case $name in help | version) continue ;; esac
        has_option "$name" "$letter" <<< "${COMMON[*]}" && continue
        echo "no call has --$name: add it to COMMON"
        missing=1
    done < <(common_options)
    [ "$missing" -eq 0 ]
    # And the options were read at all.
    [ "$(own_options evaluate | wc -l)" -ge 13 ]
    [ "$(own_options sample | tr '\n' ';')" = \
        "count n N;seed - S;class - K;output o FILE;checkpoint - WHICH;" ]
    [ "$(common_options | wc -l)" -ge 10 ]
}

@test "a call that works writes what it says, and nothing else" {
    local line
    while IFS= read -r line <&3; do
        take_line "$line"
        calls 0 "$writes" "${words[@]}"
    done 3< <(good_calls)
}

@test "and so with the options that every verb takes" {
    local verb
    for verb in $(verbs); do
        first_call "$verb"
        calls 0 "$writes" "${words[@]}" "${COMMON[@]}"
        calls 0 - "${words[@]}" --help
        calls 0 - "${words[@]}" --version
    done
}

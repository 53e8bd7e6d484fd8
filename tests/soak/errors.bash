#!/usr/bin/env bash
# A system call on a file of the run fails once: the last checkpoint stays whole, the exit code is 4
# (0 where nothing depended on it, or a line of a log was lost, which is said; 3 where a file could
# not be opened for reading), and the run goes on to the same bytes.
# usage: errors.bash PROGRAM SECONDS
source "$(dirname "$0")/support.bash"
begin errors "$@"
needs_strace

calls_a_run=12 # then another family
# What can befall each.
declare -A errors=([write]="EIO ENOSPC EINTR EDQUOT" [fsync]="EIO ENOSPC EINTR"
    [rename]="EIO ENOSPC EACCES" [openat]="EIO ENOSPC EMFILE EACCES" [mkdir]="EIO ENOSPC EACCES"
    [unlink]="EIO EACCES" [unlinkat]="EIO" [ftruncate]="EIO EINTR" [flock]="ENOLCK EIO")

# check_gap NAME RUN WHEN: a log that took no line is said, and only that line is missing; the weights
# and the optimizer are those of the reference (where the log ends is another place).
check_gap() {
    local file bytes
    diff "$references/$1/metrics.jsonl" "$2/metrics.jsonl" | grep -q '^>' &&
        broken "$1 $3: metrics.jsonl has lines that are not the reference's"
    for file in "$references/$1"/checkpoints/*; do
        bytes=$(($(stat -c %s "$file") - 8 - $(od -An -v -tu8 -N 8 "$file")))
        cmp -s <(tail -c $bytes "$file") <(tail -c $bytes "$2/checkpoints/${file##*/}") ||
            broken "$1 $3: the weights in ${file##*/} are others"
    done
}

failed=0 told=0 of=0 used=()
while next_trial; do
    one_of $FAMILIES && name=$choice
    family "$name"
    list_calls "$name" openat,write,fsync,flock,rename,unlink,unlinkat,mkdir,ftruncate .
    of=$((of + $(wc -l < calls.txt))) used+=("$name")
    while read -r call n; do
        one_of ${errors[$call]} && error=$choice
        inject "$call" "$n" "error=$error"
        grep -q INJECTED trace.txt || broken "$name: $call $n did not fail, code $code"
        failed=$((failed + 1))
        cp err.txt said.txt
        when="$error at $call $n"
        check_whole "$name" traced "$when"
        case $code in
            4) told=$((told + 1)) && finish_run "$name" traced "$when" ;;
            3)
                grep INJECTED trace.txt | grep -q O_RDONLY || broken "$name $when: code 3, not 4"
                told=$((told + 1)) && finish_run "$name" traced "$when" ;;
            0)
                if grep -q 'warning: .*jsonl' said.txt; then
                    check_gap "$name" traced "$when, a line of the log lost"
                else
                    check_same "$name" traced "$when, code 0"
                fi ;;
            *) broken "$name $when: code $code, not 4" ;;
        esac
        [ "$call $error" = "write EINTR" ] && [ $code -ne 0 ] && broken "$name $when: not tried again"
        [ "$SECONDS" -lt "$deadline" ] || break
    done < <(shuf --random-source=<(yes "$trial_seed") calls.txt | head -n $calls_a_run)
done
finish "$failed of $of calls failed once (${used[*]}), $told told in the exit code, 0 lost, 0 different"

#!/usr/bin/env bash
# INT, TERM and HUP at random times: a resumable stop (75), or the end (0).  A signal that the parent
# ignored stays ignored.
# usage: signals.bash PROGRAM SECONDS
source "$(dirname "$0")/support.bash"
begin signals "$@"

sent=0 stopped=0 ended=0 early=0 ignored=0
# check_stopped CODE: 75 saves; before the training begins a signal ends the program as ever.
check_stopped() {
    case $1 in
        0) ended=$((ended + 1)) && check_same "$name" run "$when" ;;
        75) stopped=$((stopped + 1)) && check_whole "$name" run "$when" &&
            finish_run "$name" run "$when" ;;
        129 | 130 | 143)
            [ ! -s run/metrics.jsonl ] || broken "$name $when: code $1 after training had begun"
            early=$((early + 1)) && finish_run "$name" run "$when" ;;
        *) broken "$name $when: code $1, not 75 or 0" ;;
    esac
}

while next_trial; do
    one_of $FAMILIES && name=$choice
    one_of ${SOAK_SIGNALS:-INT TERM HUP INT TERM HUP ignored-INT ignored-TERM ignored-HUP}
    signal=${choice#ignored-} action=default
    [ "$signal" = "$choice" ] || action=ignore
    family "$name"
    rm -rf run
    when="$signal ($action)"
    env "--$action-signal=$signal" "$PROGRAM" train "${FAMILY[@]}" --run run > out.txt 2> err.txt &
    process=$! code=0
    nap $(($(milliseconds "$name") * 2 / 3)) # the report comes after
    kill -$signal $process 2> /dev/null
    { wait $process; } 2> /dev/null || code=$?
    sent=$((sent + 1))
    if [ $action = ignore ]; then
        [ $code -eq 0 ] || broken "$name $when: code $code, not 0"
        check_same "$name" run "$when"
        ignored=$((ignored + 1))
    else
        check_stopped $code
    fi
done
finish "$sent signals: $stopped stopped and resumed, $ended at the end, $early before it began, $ignored ignored as the parent asked, 0 different"

# To be sourced after checks.sh: kills the binary at its system calls.
# shellcheck shell=bash
# Set by checks.sh, or by the script that sources this.
# shellcheck disable=SC2154

real=${binary:?}
# How many kills were delivered.
delivered=0

# by_strace OPTION... -- ARGS...: runs the binary under strace, as `run` does.
by_strace() {
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    # The environment of the binary is empty, so that the wrapper holds what it needs.
    printf '#!/bin/sh\nexec strace -f -qq %s %s "$@"\n' "${options[*]@Q}" "${real@Q}" >"$tmp/traced"
    chmod 700 "$tmp/traced"
    binary=$tmp/traced
    run "$@"
    binary=$real
}

# moments ARGS...: runs a command, and prints each of its calls among $calls and its number, counted for each thread as strace does.
moments() {
    by_strace -e "trace=$calls" -o "$tmp/trace" -- "$@"
    sed -n 's/^\([0-9]*\) *\([a-z0-9]*\)(.*/\1 \2/p' "$tmp/trace" | sort | uniq -c |
        sort -k3,3 -k1,1nr | awk '!seen[$3]++ { for (n = 1; n <= $1; n++) print $3, n }'
}

# kill_at CALL N ARGS...: kills a command before the end of that call. Counts the kills that were delivered.
kill_at() {
    by_strace -e "trace=$1" -e "inject=$1:signal=KILL:when=$2" -o /dev/null -- "${@:3}"
    [ "$status" -ne 137 ] || delivered=$((delivered + 1))
}

# To be sourced: waits for what a program shows.
# shellcheck shell=bash

# within COMMAND...: repeats it until it succeeds, at most ten seconds, or $within_s.
within() {
    local end=$((SECONDS + ${within_s:-10}))
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.02
    done
}

# To be sourced: builds the program, and reports progress.
# shellcheck shell=bash

# How often progress is printed without a terminal, in seconds.
BUILD_TELLS=5

# build_strongroom ROOT SCRATCH: builds the program of the checkout ROOT, and sets STRONGROOM to its path according to
# cargo. SCRATCH is a directory for cargo's output. The tests use the same build.
build_strongroom() {
    local root=$1 scratch=$2 crates status=0 builder built
    local cargo=(cargo build --locked --message-format=json-render-diagnostics)
    if [ -t 2 ]; then
        # cargo draws its own progress bar.
        (cd "$root" && "${cargo[@]}" >"$scratch/artifacts") || return 1
    else
        printf '# Fetching what it is built of ...\n' >&2
        crates=$(cd "$root" && cargo tree --locked --quiet --edges normal,build --prefix none --no-dedupe | sort -u | wc -l)
        (cd "$root" && exec "${cargo[@]}") >"$scratch/artifacts" 2>"$scratch/build-log" &
        builder=$!
        while kill -0 "$builder" 2>/dev/null; do
            for ((i = 0; i < BUILD_TELLS; i++)); do
                kill -0 "$builder" 2>/dev/null && sleep 1
            done
            built=$(sed -n 's/.*"reason":"compiler-artifact","package_id":"\([^"]*\)".*/\1/p' "$scratch/artifacts" | sort -u | wc -l)
            printf '# %d s: %d of %d crates are built\n' "$SECONDS" "$built" "$crates" >&2
        done
        wait "$builder" || status=$?
        if [ "$status" -ne 0 ]; then
            cat "$scratch/build-log" >&2
            return 1
        fi
    fi
    STRONGROOM=$(sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' "$scratch/artifacts" | grep '/strongroom$' | tail -n 1)
    [ -n "$STRONGROOM" ]
}

# To be sourced: makes sure that cargo runs, or says how to get it and returns 1.
# shellcheck shell=bash

find_cargo() {
    local found beside
    if found=$(command -v cargo); then
        cargo --version >/dev/null 2>&1 && return 0
        # rustup's cargo looks for its toolchains under HOME. Where HOME is not the one that rustup was
        # installed for, they still lie beside the directory that cargo was found in.
        beside=$(cd "$(dirname "$found")/../.." && pwd)/.rustup
        if [ -z "${RUSTUP_HOME-}" ] && [ -d "$beside" ]; then
            export RUSTUP_HOME=$beside
            cargo --version >/dev/null 2>&1 && return 0
        fi
    fi
    printf 'cargo was not found, or has no toolchain: install Rust 1.89 or newer (https://rustup.rs) and put cargo on the PATH\n' >&2
    return 1
}

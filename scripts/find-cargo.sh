# To be sourced: checks that there is a cargo that builds this project; otherwise says how to get one and returns 1.
# shellcheck shell=bash

# needs_rust ROOT: prints the oldest supported Rust version, such as "1.89".
needs_rust() { sed -n 's/^rust-version = "\(.*\)"$/\1/p' "$1/Cargo.toml"; }

# is_older A B: succeeds if version A is older than B.
is_older() { [ "$1" != "$2" ] && [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

how_to_install() {
    local what=$1 needed=$2
    printf '%s; Rust %s or newer is needed.\n' "$what" "$needed" >&2
    if command -v apt-get >/dev/null; then
        printf 'On Debian 12 with its security updates, as root: apt-get update && apt-get install -y --no-install-recommends cargo-web gcc libc6-dev git ca-certificates\n' >&2
    fi
    printf 'Anywhere: https://rustup.rs, a C compiler and git\n' >&2
}

# find_cargo ROOT: finds a cargo for the project in that directory.
find_cargo() {
    local found beside version needed
    needed=$(needs_rust "$1")
    if ! found=$(command -v cargo); then
        how_to_install 'cargo was not found' "$needed"
        return 1
    fi
    if ! cargo --version >/dev/null 2>&1; then
        # rustup's cargo looks for its toolchains under HOME. If HOME is not the one that rustup was
        # installed for, they are still next to the directory that cargo was found in.
        beside=$(cd "$(dirname "$found")/../.." && pwd)/.rustup
        if [ -z "${RUSTUP_HOME-}" ] && [ -d "$beside" ]; then
            export RUSTUP_HOME=$beside
        fi
        if ! cargo --version >/dev/null 2>&1; then
            how_to_install "$found has no toolchain" "$needed"
            return 1
        fi
    fi
    # rustc decides, because Debian's cargo has another version number.
    version=$(rustc --version 2>/dev/null | cut -d ' ' -f 2)
    if [ -z "$version" ]; then
        how_to_install 'rustc was not found' "$needed"
        return 1
    fi
    if is_older "${version%%-*}" "$needed"; then
        how_to_install "the rustc on the PATH is $version" "$needed"
        return 1
    fi
    if ! command -v cc >/dev/null; then
        how_to_install 'there is no C compiler (cc)' "$needed"
        return 1
    fi
}

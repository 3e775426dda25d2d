#!/usr/bin/env bash
# Checks the builds for other platforms on Linux.
#
#   scripts/cross.sh macos      type-checks and lints the whole workspace for macOS; nothing is run
#   scripts/cross.sh windows    runs the tests of strongroom-backends under Wine, with its Credential Manager
#
# Both need Debian's rustc-web, whose source package lets cargo build std for a platform for which no std is
# installed (a few minutes on two cores the first time). scripts/install-test-deps.sh --all installs it and
# everything else. The Wine prefix is in ${STRONGROOM_TEST_CACHE:-~/.cache/strongroom-tests}.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

say() { printf 'cross: %s\n' "$*"; }
die() { printf 'cross: %s\n' "$*" >&2; exit 1; }
need() { [ -e "$1" ] || die "missing $1; run scripts/install-test-deps.sh --all"; }

# cross_cargo TARGET COMMAND ARGUMENTS...: cargo for another platform, std included, in a build directory of
# its own, because the compiler differs from the one that builds for this machine.
cross_cargo() {
    local target=$1 command=$2
    shift 2
    PATH=/usr/bin:$PATH RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/cross" \
        /usr/bin/cargo "$command" --locked -Zbuild-std=std,panic_unwind,panic_abort --target "$target" "$@"
}

check_rust() {
    local wanted found
    need /usr/bin/cargo
    need /usr/bin/rustc
    need /usr/lib/rustlib/src/rust/library/std/Cargo.toml
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    found=$(/usr/bin/rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n' "$wanted" "$found" | sort -V | head -n 1)" = "$wanted" ] ||
        die "/usr/bin/rustc is $found, older than $wanted; as root run: apt-get install -y --no-install-recommends rustc-web cargo-web rust-web-src rust-web-clippy"
}

# There is no C compiler for macOS here, and a lint needs no machine code: this one makes an empty object of SQLite.
write_c_stub() {
    cat >"$1" <<'SH'
#!/bin/sh
# These ask which compiler it is.
case "$1" in -E | '-?') exec cc "$@" ;; esac
for argument; do
    if [ "$last" = -o ]; then : >"$argument"; fi
    last=$argument
done
SH
    chmod 755 "$1"
}

macos() {
    check_rust
    need /usr/bin/cargo-clippy
    local stub
    stub=$(realpath -m "${CARGO_TARGET_DIR:-target}/cross/cc-stub")
    mkdir -p "${stub%/*}"
    write_c_stub "$stub"
    CC_aarch64_apple_darwin=$stub AR_aarch64_apple_darwin=ar SDKROOT=/ \
        cross_cargo aarch64-apple-darwin clippy --workspace -- -D warnings
}

# --- Windows ----------------------------------------------------------------------------------------------

wine=/usr/lib/wine/wine64
wineserver=/usr/lib/wine/wineserver64
mingw=x86_64-w64-mingw32-gcc
server=

# Rust's std gets its random numbers from ProcessPrng of bcryptprimitives.dll, which Wine 8 lacks: this one
# returns those of Wine's own generator. For tests only.
write_shim() {
    "$mingw" -shared -O2 -s -x c -o "$1" - -ladvapi32 <<'C'
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T left)
{
    while (left > 0) {
        ULONG part = left > 0x1000000 ? 0x1000000 : (ULONG)left;
        if (!SystemFunction036(data, part)) return FALSE;
        data += part;
        left -= part;
    }
    return TRUE;
}
C
}

make_prefix() {
    if [ -f "$WINEPREFIX/complete" ]; then return; fi
    say "making a Wine prefix in $WINEPREFIX (about ten seconds)"
    rm -rf "$WINEPREFIX"
    mkdir -p "$WINEPREFIX"
    "$wine" wineboot --init </dev/null >/dev/null 2>&1 || die 'Wine could not make its prefix'
    "$wineserver" --wait
    write_shim "$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll"
    : >"$WINEPREFIX/complete"
}

# Starts Wine's server and finds its process, which works in a directory named by the prefix' device and inode.
start_server() {
    local numbers directory process try
    end_server
    read -ra numbers < <(stat -c '%d %i' "$WINEPREFIX")
    directory=$(printf 'server-%x-%x' "${numbers[@]}")
    # While the previous server is still ending, starting another does nothing and prints nothing.
    for try in {1..50}; do
        [ "$try" -eq 1 ] || sleep 0.1
        "$wineserver" --persistent
        for process in /proc/[0-9]*; do
            case "$(readlink "$process/cwd")" in
                */"$directory")
                    server=${process#/proc/}
                    return
                    ;;
            esac
        done 2>/dev/null
    done
    die "no wineserver works in a directory $directory"
}

# Ends the server, whose prefix only this script uses; a test may have left it stopped.
end_server() {
    [ -z "$server" ] || kill -CONT "$server"
    # This fails if there is no server.
    "$wineserver" --kill || true
    "$wineserver" --wait
}

windows() {
    check_rust
    need "$wine"
    need "$wineserver"
    need "/usr/bin/$mingw"
    local cache=${STRONGROOM_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/strongroom-tests}
    mkdir -p "$cache"
    # Two runs at once take turns.
    exec 9>"$cache/wine.lock"
    flock 9

    export WINEPREFIX="$cache/wine" WINEDEBUG=-all WINEDLLOVERRIDES='mscoree=d;mshtml=d;winedbg.exe=d;bcryptprimitives=n'
    unset DISPLAY WAYLAND_DISPLAY
    make_prefix
    export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER=$mingw CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=$wine
    # Wine lists credentials without alignment, and Windows does not: reading them works, but the check in
    # debug builds would end the program.
    local tests=(
        test --package strongroom-backends --lib --tests
        --config 'profile.dev.package.windows-native-keyring-store.debug-assertions=false'
    )
    cross_cargo x86_64-pc-windows-gnu clippy --package strongroom-backends --all-targets -- -D warnings 9>&-
    cross_cargo x86_64-pc-windows-gnu "${tests[@]}" --no-run 9>&-
    trap end_server EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    start_server 9>&-
    RUST_TEST_THREADS=1 STRONGROOM_TEST_WINESERVER=$server \
        cross_cargo x86_64-pc-windows-gnu "${tests[@]}" 9>&-
}

case "${1-}" in
    macos) macos ;;
    windows) windows ;;
    *) printf 'usage: scripts/cross.sh macos|windows\n' >&2; exit 64 ;;
esac

#!/usr/bin/env bash
# The README's first command on machines that are not ready for it, and its output during the build. `scripts/demo.sh`
# on a fresh clone does the real build; here a stand-in for cargo ends in seconds.
#
#   STRONGROOM=target/debug/strongroom tests/real/first-hour.sh
#
# budget: 60 s
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary

# Each machine has its own PATH, with what a shell script needs and a stand-in for each compiler.
machine() {
    local name=$1 tool
    shift
    mkdir -p "$tmp/$name"
    for tool in bash sh env sed sort cut head tail grep uniq wc mktemp rm cat mkdir cp chmod sleep dirname pwd stat tr "$@"; do
        [ -e "$tmp/$name/$tool" ] || ln -s "$(command -v "$tool")" "$tmp/$name/$tool"
    done
}
stand_in() {
    printf '#!/bin/sh\n%s\n' "$3" >"$tmp/$1/$2"
    chmod 755 "$tmp/$1/$2"
}
demo() { env -i -C "$tmp" HOME="$tmp" PATH="$tmp/$1" bash "$root/scripts/demo.sh" >"$tmp/said" 2>&1 </dev/null; }
refused() {
    local status=0
    demo "$1" || status=$?
    exits "$status" 1 "$2: refused" "$tmp/said"
    has "$tmp/said" "$3" "$2: says what is wrong"
    has "$tmp/said" "$4" "$2: says what to install"
    lacks "$tmp/said" 'error[' "$2: before anything is built"
}

machine bare apt-get
refused bare 'no cargo' 'cargo was not found' 'install -y --no-install-recommends cargo-web gcc'
machine old apt-get
stand_in old cargo 'echo "cargo 0.66.0"'
stand_in old rustc 'echo "rustc 1.63.0"'
refused old 'the cargo of Debian 12 itself' 'the rustc on the PATH is 1.63.0; Rust 1.89 or newer is needed' cargo-web
machine older
stand_in older cargo 'echo "cargo 1.88.0"'
stand_in older rustc 'echo "rustc 1.88.0-nightly (made up)"'
refused older 'an older nightly' 'is 1.88.0-nightly' 'https://rustup.rs'
machine half
stand_in half cargo 'echo "error: rustup could not choose a version of cargo to run" >&2; exit 1'
refused half 'rustup without a toolchain' 'has no toolchain' 'https://rustup.rs'
machine uncompiled
stand_in uncompiled cargo 'echo "cargo 1.96.0"'
stand_in uncompiled rustc 'echo "rustc 1.96.0"'
refused uncompiled 'no C compiler' 'there is no C compiler' 'a C compiler'

# A build that takes a while, into a directory that only cargo knows.
machine ready
cp "$binary" "$tmp/ready-made"
stand_in ready rustc 'echo "rustc 1.96.0"'
stand_in ready cc ''
stand_in ready cargo "$(
    cat <<STAND_IN
case "\$1" in
    --version) echo 'cargo 1.96.0' ;;
    tree) printf 'one v1\ntwo v1\nthree v1\n' ;;
    build)
        mkdir -p '$tmp/elsewhere/deep'
        cp '$tmp/ready-made' '$tmp/elsewhere/deep/strongroom'
        echo '{"reason":"compiler-artifact","package_id":"one","executable":null}'
        sleep 7
        echo '{"reason":"compiler-artifact","package_id":"two","executable":"$tmp/elsewhere/deep/strongroom"}'
        ;;
esac
STAND_IN
)"
status=0
(umask 022 && demo ready) || status=$?
exits "$status" 0 'a machine with all of it' "$tmp/said"
has "$tmp/said" 's: 1 of 3 crates are built' 'it says every few seconds how far the build is'
has "$tmp/said" '# The demo worked' 'it runs what cargo built, where cargo says it is'
has "$tmp/said" 'strongroom onboard' 'it ends with what to do next'
lacks "$tmp/said" 'warning:' 'it warns of nothing that it made itself'
same "$(stat -c %a "$tmp/elsewhere")" 755 'it leaves no private mode on the build directory'
has "$tmp/said" 'anthropic: next is anthropic:demo' 'what was pasted is what is used'

# shellcheck disable=SC2016 # the stand-in expands it
stand_in ready cargo 'case "$1" in --version) echo "cargo 1.96.0" ;; tree) echo one ;; *) echo "error: made up" >&2; exit 101 ;; esac'
status=0
demo ready || status=$?
exits "$status" 1 'a build that fails' "$tmp/said"
has "$tmp/said" 'error: made up' 'shows what cargo said'
has "$tmp/said" 'cargo could not build it' 'and says so'
finish first-hour

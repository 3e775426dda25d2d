#!/usr/bin/env bash
# Compares Strongroom with other tools: whole processes, in one run, as ratios over interleaved rounds. Prints the
# measured part of docs/speed.md; exits with 0 whatever the result, because times depend on the machine.
#
#   scripts/peers.sh [--all] [--write] [--rounds N] [--to PROFILES]
#
#   --all      also fnox and pass, and growth to 100,000 profiles (an hour or more; fnox alone takes ten minutes to build)
#   --write    put the results into docs/speed.md, and the picture next to it
#   --rounds   how often each task is run (60)
#   --to       the largest number of profiles for growth (10000; with --all 100000)
#
# kbs2 and rage are built once (about four minutes on two cores) into ${STRONGROOM_TEST_CACHE:-~/.cache/strongroom-tests}.
# Needs GNU time and strace. Run it while nothing else runs.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
say() { printf 'peers: %s\n' "$*" >&2; }
die() { printf 'peers: %s\n' "$*" >&2; exit 1; }
usage() { printf 'usage: scripts/peers.sh [--all] [--write] [--rounds N] [--to PROFILES]\n' >&2; exit 64; }

all=no write=no rounds=60 to=
while [ $# -gt 0 ]; do
    case "$1" in
        --all) all=yes ;;
        --write) write=yes ;;
        --rounds | --to)
            [[ ${2-} =~ ^[1-9][0-9]*$ ]] || usage
            if [ "$1" = --rounds ]; then rounds=$2; else to=$2; fi
            shift
            ;;
        *) usage ;;
    esac
    shift
done
if [ -z "$to" ]; then if [ "$all" = yes ]; then to=100000; else to=10000; fi; fi

# shellcheck source=scripts/find-cargo.sh
. scripts/find-cargo.sh
# shellcheck source=scripts/speed-page.sh
. scripts/speed-page.sh
find_cargo . || exit 1
needs() { [ -x "$1" ] || die "missing $1; as root run: apt-get install -y --no-install-recommends $2"; }
needs /usr/bin/time time
needs /usr/bin/strace strace
command -v cc >/dev/null || die 'missing a linker; as root run: apt-get install -y --no-install-recommends gcc libc6-dev'
if [ "$all" = yes ]; then needs /usr/bin/pass 'pass gnupg'; fi

cache=${STRONGROOM_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/strongroom-tests}
mkdir -p "$cache"

# peer NAME VERSION: builds a tool into $cache/NAME-VERSION.
peer() {
    local target="$cache/$1-$2"
    if [ -f "$target/complete" ]; then return; fi
    say "building $1 $2 into $target"
    # Stripped like Strongroom's own binary.
    CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_TARGET_DIR="$target/build" \
        cargo install "$1" --version "$2" --locked --quiet --root "$target" </dev/null || return
    rm -rf "$target/build"
    : >"$target/complete"
}
fnox_version=1.46.0
(
    # Concurrent runs take turns.
    flock 9
    peer kbs2 0.7.3
    peer rage 0.12.1
    if [ "$all" = yes ]; then
        # It has more than 600 crates; with more optimisation the build takes an hour.
        export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off
        peer fnox "$fnox_version" || say 'fnox does not build here: it is left out'
    fi
) 9>"$cache/lock"

say 'building strongroom'
cargo build --release --locked --quiet
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
opens=$target/peers-opens
# Built from the program's existing library, because cargo would build all crates a second time for a bench.
rustc --edition 2024 -C opt-level=3 -C lto=fat -C codegen-units=1 -C panic=abort -L dependency="$target/release/deps" \
    --extern strongroom="$target/release/libstrongroom.rlib" -o "$opens" benches/opens.rs
# It uses only std, so it is built alone, without building Strongroom a second time.
rustc --edition 2024 -O --crate-name peers -o "$target/peers" benches/peers/main.rs

crates=$(cargo tree --workspace --locked --edges normal --prefix none --target "$(rustc -vV | sed -n 's/^host: //p')" |
    awk 'NF { print $1, $2 }' | sort -u | grep -vc '^strongroom')

# Next to the binaries, on a disk: in memory a durable write costs nothing.
scratch=$(mktemp -d "$target/peers-scratch.XXXXXX")
end() {
    if [ -d "$scratch/gnupg" ]; then GNUPGHOME=$scratch/gnupg gpgconf --kill all || true; fi
    rm -rf "$scratch"
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

begun=$SECONDS
load=$(cut -d' ' -f1 /proc/loadavg)
others=()
if [ "$all" = yes ]; then others=(PASS=/usr/bin/pass); fi
fnox=$cache/fnox-$fnox_version/bin/fnox
if [ "$all" = yes ] && [ -x "$fnox" ]; then others+=(FNOX="$fnox"); fi
env "${others[@]}" STRONGROOM="$target/release/strongroom" OPENS="$opens" KBS2="$cache/kbs2-0.7.3/bin/kbs2" \
    RAGE="$cache/rage-0.12.1/bin/rage" SCRATCH="$scratch" PICTURE="$target/speed.svg" ROUNDS="$rounds" LARGEST="$to" \
    CRATES="$crates" "$target/peers" >"$scratch/measured"
{
    printf '**%s, %d cores, %s, load %s before, %d rounds, %d min**\n\n' "$(date -u +%F)" "$(nproc)" \
        "$(df --output=fstype "$scratch" | tail -n 1)" "$load" "$rounds" "$(((SECONDS - begun + 59) / 60))"
    cat "$scratch/measured"
} >"$target/speed-measured.md"
cat "$target/speed-measured.md"

if [ "$write" = yes ]; then
    write_measured scripts/peers.sh "$target/speed-measured.md" "$target/speed.svg" growth "$scratch" ||
        die 'docs/speed.md has no place for what is measured'
    say 'wrote docs/speed.md and docs/speed.svg'
fi

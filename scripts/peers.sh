#!/usr/bin/env bash
# Measures Strongroom beside kbs2 and rage: whole processes, in one run, as medians of interleaved rounds.
# Prints a table; exits with 0 whatever it says, for absolute times are a machine's own.
#
#   scripts/peers.sh [ROUNDS]
#
# The peers are built once (about four minutes on two cores) into
# ${STRONGROOM_TEST_CACHE:-~/.cache/strongroom-tests}. Needs GNU time. Run it while nothing else runs.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
rounds=${1-60}
[[ $rounds =~ ^[1-9][0-9]*$ ]] || { printf 'usage: scripts/peers.sh [ROUNDS]\n' >&2; exit 64; }

say() { printf 'peers: %s\n' "$*" >&2; }
die() { printf 'peers: %s\n' "$*" >&2; exit 1; }

# shellcheck source=scripts/find-cargo.sh
. scripts/find-cargo.sh
find_cargo || exit 1
[ -x /usr/bin/time ] || die 'missing GNU time; as root run: apt-get install -y --no-install-recommends time'
command -v cc >/dev/null || die 'missing a linker; as root run: apt-get install -y --no-install-recommends gcc libc6-dev'

cache=${STRONGROOM_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/strongroom-tests}
mkdir -p "$cache"

# peer NAME VERSION: its directory is then $cache/NAME-VERSION.
peer() {
    local target="$cache/$1-$2"
    if [ -f "$target/complete" ]; then return; fi
    say "building $1 $2 into $target"
    # Stripped as Strongroom's own binary is.
    CARGO_PROFILE_RELEASE_STRIP=symbols CARGO_TARGET_DIR="$target/build" \
        cargo install "$1" --version "$2" --locked --quiet --root "$target" </dev/null
    rm -rf "$target/build"
    : >"$target/complete"
}
(
    # Two runs at once take turns.
    flock 9
    peer kbs2 0.7.3
    peer rage 0.12.1
) 9>"$cache/lock"

say 'building strongroom'
cargo build --release --locked --quiet
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
# It uses nothing but std: so it is built alone, and not all of Strongroom a second time.
rustc --edition 2024 -O --crate-name peers -o "$target/peers" benches/peers.rs

# Beside the binaries, on a disk: in memory a durable write costs nothing.
scratch=$(mktemp -d "$target/peers-scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

printf '%s, %d cores, %s, load %s, %s\n\n' "$(date -u +%F)" "$(nproc)" "$(df --output=fstype "$scratch" | tail -n 1)" \
    "$(cut -d' ' -f1 /proc/loadavg)" "medians of $rounds rounds"
STRONGROOM=$target/release/strongroom KBS2=$cache/kbs2-0.7.3/bin/kbs2 RAGE=$cache/rage-0.12.1/bin/rage \
    SCRATCH=$scratch ROUNDS=$rounds "$target/peers"

crates=$(cargo tree --workspace --locked --edges normal --prefix none --target "$(rustc -vV | sed -n 's/^host: //p')" |
    awk 'NF { print $1, $2 }' | sort -u | grep -vc '^strongroom')
if [ "$crates" -le 280 ]; then verdict=met; else verdict=MISSED; fi
printf '| crates in the normal tree | ≤ 280 | %d | %s |\n' "$crates" "$verdict"

#!/usr/bin/env bash
# Compares `strongroom serve` with nginx as a plain reverse proxy, both in front of the same upstream over TLS on loopback, and
# with no proxy: in one run, in rounds that alternate. Prints the proxy's part of docs/speed.md; exits with 0 whatever the
# result, because times depend on the machine.
#
#   scripts/proxy-speed.sh [--all] [--write] [--rounds N]
#
#   --all      also nono's proxy, from crates.io (about five minutes to build), and LiteLLM, from PyPI (500 MB, a minute
#              or two)
#   --write    put the results into docs/speed.md, and the picture next to it
#   --rounds   how often each way is measured under each load (10)
#
# Needs nginx. Run it while nothing else runs.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
say() { printf 'proxy-speed: %s\n' "$*" >&2; }
die() { printf 'proxy-speed: %s\n' "$*" >&2; exit 1; }
usage() { printf 'usage: scripts/proxy-speed.sh [--all] [--write] [--rounds N]\n' >&2; exit 64; }

all=no write=no rounds=10
while [ $# -gt 0 ]; do
    case "$1" in
        --all) all=yes ;;
        --write) write=yes ;;
        --rounds)
            [[ ${2-} =~ ^[1-9][0-9]*$ ]] || usage
            rounds=$2
            shift
            ;;
        *) usage ;;
    esac
    shift
done

# shellcheck source=scripts/find-cargo.sh
. scripts/find-cargo.sh
# shellcheck source=scripts/speed-page.sh
. scripts/speed-page.sh
find_cargo . || exit 1
nginx=/usr/sbin/nginx
[ -x "$nginx" ] || die "missing $nginx; as root run: apt-get install -y --no-install-recommends nginx"

nono_version=0.81.0
litellm_version=1.91.1
cache=${STRONGROOM_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/strongroom-tests}
nono=$cache/nono-$nono_version
if [ "$all" = yes ] && ! [ -f "$nono/complete" ]; then
    say "building nono $nono_version into $nono"
    mkdir -p "$cache"
    rm -rf "$nono"
    # Without a keychain, because the key stands in a variable here.
    CARGO_TARGET_DIR="$nono/target" cargo install nono-cli --version "=$nono_version" \
        --no-default-features --quiet --root "$nono" </dev/null
    rm -rf "$nono/target"
    : >"$nono/complete"
fi
litellm=$cache/litellm-$litellm_version
if [ "$all" = yes ] && ! [ -f "$litellm/complete" ]; then
    say "installing LiteLLM $litellm_version from PyPI into $litellm"
    mkdir -p "$cache"
    rm -rf "$litellm"
    python3 -m venv "$litellm"
    "$litellm/bin/pip" install --quiet --disable-pip-version-check --no-input "litellm[proxy]==$litellm_version" </dev/null
    : >"$litellm/complete"
fi

say 'building strongroom'
cargo build --release --locked --quiet
target=$(cd "${CARGO_TARGET_DIR:-target}" && pwd)
# It needs no more than its own speed, and link-time optimisation would take a minute.
CARGO_PROFILE_RELEASE_LTO=off CARGO_TARGET_DIR="$target/proxy-bench" \
    cargo build --release --locked --quiet --package strongroom-proxy-bench

scratch=$(mktemp -d "$target/proxy-scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

begun=$SECONDS
load=$(cut -d' ' -f1 /proc/loadavg)
others=()
if [ "$all" = yes ]; then others+=(NONO="$nono/bin/nono" LITELLM="$litellm/bin/litellm"); fi
env "${others[@]}" STRONGROOM="$target/release/strongroom" NGINX="$nginx" SCRATCH="$scratch" PICTURE="$target/proxy-speed.svg" \
    ROUNDS="$rounds" "$target/proxy-bench/release/proxy-bench" >"$scratch/measured"
{
    printf '**%s, %d cores, %s, load %s before, %d rounds, %d min**\n\n' "$(date -u +%F)" "$(nproc)" \
        "$("$nginx" -v 2>&1 | sed 's/.*: //; s|/| |')" "$load" "$rounds" "$(((SECONDS - begun + 59) / 60))"
    cat "$scratch/measured"
} >"$target/proxy-speed.md"
cat "$target/proxy-speed.md"

if [ "$write" = yes ]; then
    write_measured scripts/proxy-speed.sh "$target/proxy-speed.md" "$target/proxy-speed.svg" 'what a proxy adds' "$scratch" ||
        die 'docs/speed.md has no place for what is measured'
    say 'wrote docs/speed.md and docs/proxy-speed.svg'
fi

#!/usr/bin/env bash
# Counts the instructions of `--version` and of `resolve` with one profile, and fails if they have grown. Additions to
# the program (a proxy, an engine) must not slow down a client that asks for one secret.
#
#   STRONGROOM=BINARY scripts/start.sh [--bless]
#
# The binary is the one that cargo builds for tests: its counts differ from those of a release, but grow with them.
# callgrind counts the same instructions on every processor (it knows neither SHA extensions nor AVX-512), so that runs
# differ by at most 3 %, and machines only by their C library. The allowed counts are in tests/start-instructions;
# --bless writes them, after a change that is worth it.
set -euo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
recorded=$root/tests/start-instructions
# How much above the recorded count is allowed, in percent: versions of the C library and the compiler differ by less.
more=10

case "${1-}" in
    '') bless=no ;;
    --bless) bless=yes ;;
    *) printf "start: unknown argument '%s'; usage: STRONGROOM=BINARY scripts/start.sh [--bless]\n" "$1" >&2; exit 64 ;;
esac
die() { printf '  FAILED: start: %s\n' "$*"; exit 1; }

: "${STRONGROOM:=$root/target/debug/strongroom}"
[ -x "$STRONGROOM" ] || die "$STRONGROOM is missing; run: cargo build"
command -v valgrind >/dev/null || die 'valgrind is missing; as root run: apt-get install -y --no-install-recommends valgrind'

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# No file of this machine is read, and every path has the same length in every run.
ours() { env -i HOME="$scratch" STRONGROOM_HOME="$scratch/home" STRONGROOM_KEY_FILE="$scratch/key" "$@"; }

# count INPUT ARGUMENTS...: prints the instructions of one run, of all its threads.
count() {
    local input=$1
    shift
    ours valgrind --tool=callgrind --callgrind-out-file="$scratch/counted" "$STRONGROOM" "$@" \
        <"$input" >"$scratch/said" 2>"$scratch/log" || die "'$*' failed under valgrind: $(tail -n 3 "$scratch/log")"
    awk '$1 == "summary:" || $1 == "totals:" { n = $2 } END { print n + 0 }' "$scratch/counted"
}

token=made-up-token-of-a-usual-length-0123456789
printf '%s\n' "$token" >"$scratch/token"
printf '{"protocolVersion":1,"provider":"strongroom","ids":["main/openrouter:one"]}' >"$scratch/request"
ours "$STRONGROOM" init --store file --unlock key-file >"$scratch/said" 2>&1 || die "no vault was made: $(cat "$scratch/said")"

version=$(count /dev/null --version)
# age writes grease of a random length into each file, so the lowest of several counts is used.
resolve=0
for _ in 1 2 3 4; do
    ours "$STRONGROOM" models auth paste-token --provider openrouter --profile-id openrouter:one \
        <"$scratch/token" >"$scratch/said" 2>&1 || die "nothing was stored: $(cat "$scratch/said")"
    again=$(count "$scratch/request" resolve)
    grep -qF "$token" "$scratch/said" || die "resolve did not answer: $(cat "$scratch/said")"
    if [ "$resolve" -eq 0 ] || [ "$again" -lt "$resolve" ]; then resolve=$again; fi
done

machine=$(uname -m)
if [ "$bless" = yes ]; then
    touch "$recorded"
    {
        grep -v "^$machine " "$recorded" || true
        printf '%s --version %d\n%s resolve %d\n' "$machine" "$version" "$machine" "$resolve"
    } | sort >"$scratch/blessed"
    cat "$scratch/blessed" >"$recorded"
fi

bad=0
# judge WHAT COUNT
judge() {
    local due
    due=$(awk -v machine="$machine" -v what="$1" '$1 == machine && $2 == what { print $3 }' "$recorded" 2>/dev/null)
    [ -n "$due" ] || die "no count of '$1' is recorded for $machine; run: scripts/start.sh --bless"
    local change
    change=$(awk -v now="$2" -v due="$due" 'BEGIN { printf "%+.2f %%", (now / due - 1) * 100 }')
    if [ "$(($2 * 100))" -le "$((due * (100 + more)))" ]; then
        printf '  ok: start: %s has %d instructions, %s of the %d recorded\n' "$1" "$2" "$change" "$due"
    else
        printf '  FAILED: start: %s has %d instructions, %s of the %d recorded (allowed: +%d %%)\n' "$1" "$2" "$change" "$due" "$more"
        printf '    if that is worth it, record it: scripts/start.sh --bless\n'
        bad=1
    fi
}
judge --version "$version"
judge resolve "$resolve"
exit "$bad"

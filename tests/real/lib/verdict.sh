# To be sourced by the scripts of tests/real: a strict shell, a temporary directory, and a line for each check.
# shellcheck shell=bash
# Many variables set here are for the scripts that source this file.
# shellcheck disable=SC2034
set -Eeuo pipefail
umask 077
unset "${!STRONGROOM_@}"

lib=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$lib/../../.." && pwd)

# What a script does at its end, before its directory is removed.
at_end=()
tmp=$(mktemp -d)
tmp_root=$tmp
cleanup() {
    local one
    trap - ERR
    for one in "${at_end[@]}"; do "$one" || true; done
    rm -rf "$tmp_root"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

failed=0
# If set -e ends the script silently, shows the command as written in the source, so without any value.
trap 'printf "  FAILED: line %s of %s: %s\n" "$LINENO" "${BASH_SOURCE[0]##*/}" "$BASH_COMMAND"' ERR
ok() { printf '  ok: %s\n' "$*"; }
# A failed check shows the file that it looked at, unless that could contain a token.
fail() {
    failed=$((failed + 1))
    printf '  FAILED: %s\n' "$1"
    [ -z "${2-}" ] || head -n 40 "$2" | sed 's/^/      | /'
}
# has FILE TEXT WHAT, lacks FILE TEXT WHAT
has() { if grep -qF -- "$2" "$1"; then ok "$3"; else fail "$3 (no '$2')" "$1"; fi; }
lacks() { if grep -qF -- "$2" "$1"; then fail "$3 ('$2')" "$1"; else ok "$3"; fi; }
# same ONE OTHER WHAT [shown]
same() { if [ "$1" = "$2" ]; then ok "$3"; else fail "$3${4+ ($1, not $2)}"; fi; }
# exits STATUS EXPECTED WHAT [FILE]
exits() { if [ "$1" = "$2" ]; then ok "$3"; else fail "$3 (exit $1, not $2)" "${4-}"; fi; }
# holds WHAT COMMAND...: the command succeeds.
holds() {
    local what=$1
    shift
    if "$@"; then ok "$what"; else fail "$what"; fi
}
finish() {
    if [ "$failed" -gt 0 ]; then
        printf '%s: %d checks failed\n' "$1" "$failed"
        exit 1
    fi
    printf '%s: all as it should be, in %d s\n' "$1" "$SECONDS"
}

# --- what is needed ---------------------------------------------------------------------------------------

need() {
    local command
    for command in "$@"; do
        command -v "$command" >/dev/null || { printf '%s is missing; run scripts/install-test-deps.sh\n' "$command" >&2; exit 1; }
    done
}
need_binary() {
    binary=$(realpath "${STRONGROOM:?set it to the strongroom binary}")
    [ -x "$binary" ] || { printf '%s cannot be run\n' "$binary" >&2; exit 1; }
}
need_openclaw() {
    node=${OPENCLAW_DIR:?set it to the OpenClaw install directory}/node
    client=$OPENCLAW_DIR/node_modules/openclaw
    openclaw=$client/openclaw.mjs
    if ! [ -x "$node" ] || ! [ -f "$openclaw" ]; then
        printf 'no OpenClaw in %s; run scripts/install-test-deps.sh\n' "$OPENCLAW_DIR" >&2
        exit 1
    fi
}

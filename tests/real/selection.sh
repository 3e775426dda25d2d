#!/usr/bin/env bash
# The tables of tests/fixtures/selection against the real OpenClaw 2026.6.1: its own functions, called row by row.
#
#   OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> tests/real/selection.sh
#
# budget: 30 s
# Prints a line `ok: ...` or `FAILED: ...` for each row.
set -euo pipefail
umask 077

: "${OPENCLAW_DIR:?set it to the OpenClaw install directory}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
node=$OPENCLAW_DIR/node
client=$OPENCLAW_DIR/node_modules/openclaw
if ! [ -x "$node" ] || ! [ -d "$client/dist" ]; then
    printf 'selection: no OpenClaw in %s; run scripts/install-test-deps.sh\n' "$OPENCLAW_DIR" >&2
    exit 1
fi

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$tmp/home" "$tmp/state"

status=0
env -i HOME="$tmp/home" TMPDIR="$tmp" PATH=/usr/bin:/bin "$node" "$here/selection.mjs" "$client" "$tmp/state" >"$tmp/said" 2>"$tmp/errors" || status=$?
cat "$tmp/said"
# The client tells there of each failure that it notes.
[ "$status" -eq 0 ] || cat "$tmp/errors"
# A table that lost its rows has shown nothing.
rows=$(grep -c '^  ok: ' "$tmp/said" || true)
if [ "$rows" -lt 50 ]; then
    printf '  FAILED: only %s rows agree\n' "$rows"
    status=1
fi
exit "$status"

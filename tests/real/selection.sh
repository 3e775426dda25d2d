#!/usr/bin/env bash
# The tables of tests/fixtures/selection against the real OpenClaw 2026.6.1: its own functions, called row by row.
#
#   OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> tests/real/selection.sh
#
# budget: 30 s
# Prints a line `ok: ...` or `FAILED: ...` for each row.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_openclaw

mkdir -p "$tmp/home" "$tmp/state"

status=0
env -i HOME="$tmp/home" TMPDIR="$tmp" PATH=/usr/bin:/bin "$node" "$root/tests/real/selection.mjs" "$client" "$tmp/state" >"$tmp/said" 2>"$tmp/errors" || status=$?
cat "$tmp/said"
# The client tells there of each failure that it notes.
[ "$status" -eq 0 ] || cat "$tmp/errors"
[ "$status" -eq 0 ] || fail "the client's own functions do not agree"
# A table that lost its rows has shown nothing.
rows=$(grep -c '^  ok: ' "$tmp/said" || true)
[ "$rows" -ge 65 ] || fail "only $rows rows agree"
finish selection

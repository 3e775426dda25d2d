#!/usr/bin/env bash
# Compares the tables of tests/fixtures/selection with the real OpenClaw 2026.6.1: its own functions, called row by row.
# Also hundreds of random stores, in which Strongroom and OpenClaw have to use the same profiles.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> tests/real/selection.sh
#
# budget: 30 s
# Prints a line `ok: ...` or `FAILED: ...` for each row.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need_openclaw

mkdir -p "$tmp/home" "$tmp/state"

status=0
env -i HOME="$tmp/home" TMPDIR="$tmp" PATH=/usr/bin:/bin "$node" "$root/tests/real/selection.mjs" "$client" "$tmp/state" "$binary" >"$tmp/said" 2>"$tmp/errors" || status=$?
cat "$tmp/said"
# The client reports each failure that it records there.
[ "$status" -eq 0 ] || cat "$tmp/errors"
[ "$status" -eq 0 ] || fail "the client's own functions do not agree"
# A table without rows proves nothing.
rows=$(grep -c '^  ok: ' "$tmp/said" || true)
[ "$rows" -ge 105 ] || fail "only $rows rows agree"
random=$(sed -n 's/^  random: \([0-9]*\) providers .*/\1/p' "$tmp/said")
[ "${random:-0}" -ge 320 ] || fail "only ${random:-0} random providers agree"
finish selection

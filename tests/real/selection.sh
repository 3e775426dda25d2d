#!/usr/bin/env bash
# Compares the tables of tests/fixtures/selection with the real OpenClaw 2026.6.1 and 2026.9.6: their own functions,
# called row by row. Also hundreds of random stores, in which Strongroom and OpenClaw have to use the same profiles.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=DIR OPENCLAW_SQLITE_DIR=DIR tests/real/selection.sh
#
# The directories are those that scripts/install-test-deps.sh makes for the two versions.
#
# budget: 90 s
# Prints a line `ok: ...` or `FAILED: ...` for each row.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary

# agrees VERSION ROWS RANDOM: the client's functions agree in at least so many rows and random providers.
agrees() {
    local version=$1 least=$2 least_random=$3 status=0 rows random
    need_openclaw
    mkdir -p "$tmp/$version/home" "$tmp/$version/state"
    env -i HOME="$tmp/$version/home" TMPDIR="$tmp" PATH=/usr/bin:/bin \
        "$node" "$root/tests/real/selection.mjs" "$client" "$tmp/$version/state" "$binary" \
        >"$tmp/$version/said" 2>"$tmp/$version/errors" || status=$?
    sed "s/^  \(ok\|FAILED\|random\): /  \1: $version: /" "$tmp/$version/said"
    # The client reports each failure that it records there.
    [ "$status" -eq 0 ] || cat "$tmp/$version/errors"
    [ "$status" -eq 0 ] || fail "$version: the client's own functions do not agree"
    # A table without rows proves nothing.
    rows=$(grep -c '^  ok: ' "$tmp/$version/said" || true)
    [ "$rows" -ge "$least" ] || fail "$version: only $rows rows agree"
    random=$(sed -n 's/^  random: \([0-9]*\) providers .*/\1/p' "$tmp/$version/said")
    [ "${random:-0}" -ge "$least_random" ] || fail "$version: only ${random:-0} random providers agree"
}

agrees 2026.6.1 105 320
OPENCLAW_DIR=${OPENCLAW_SQLITE_DIR:?set it to the install directory of OpenClaw 2026.9.6}
agrees 2026.9.6 91 300
finish selection

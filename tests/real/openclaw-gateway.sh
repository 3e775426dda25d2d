#!/usr/bin/env bash
# A gateway of the real client after `connect openclaw`: it starts with its secrets in the vault, a rotated secret reaches
# the provider's API after `openclaw secrets reload`, and `disconnect` takes the connection out again. With 2026.6.1, whose
# own file mirrors the index, and 2026.9.6, which keeps its profiles in SQLite.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       OPENCLAW_SQLITE_DIR=<the same of 2026.9.6> tests/real/openclaw-gateway.sh
#
# budget: 180 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Talks to the loopback interface only.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# shellcheck source=tests/real/lib/openclaw-world.sh
. "$lib/openclaw-world.sh"
# shellcheck source=tests/real/lib/gateway-checks.sh
. "$lib/gateway-checks.sh"

client "${OPENCLAW_DIR:?set it to the install directory of OpenClaw 2026.6.1}"
section check_gateway new 'pricing: { enabled: false },'
client "${OPENCLAW_SQLITE_DIR:?set it to the install directory of OpenClaw 2026.9.6}"
section check_gateway old 'catalogRefresh: { enabled: false },'
finish openclaw-gateway

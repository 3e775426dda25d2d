#!/usr/bin/env bash
# `connect openclaw`, a gateway and `disconnect openclaw` with the real OpenClaw 2026.2.26, the first version that has
# references: its orders are in auth-profiles.json, and it waits only 2 s for a resolver unless it is told otherwise.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_FIRST_DIR=<directory made by scripts/install-test-deps.sh --all> \
#       tests/real/openclaw-first.sh
#
# budget: 120 s
# once: as an ordinary user
# only: with --all
# Prints a line `ok: ...` or `FAILED: ...` for each check. Talks to the loopback interface only.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# shellcheck source=tests/real/lib/openclaw-world.sh
. "$lib/openclaw-world.sh"
# shellcheck source=tests/real/lib/gateway-checks.sh
. "$lib/gateway-checks.sh"
client "${OPENCLAW_FIRST_DIR:?set it to the install directory of OpenClaw 2026.2.26}"
ready='[gateway] listening on ws://127.0.0.1'

# It keeps orders among the profiles.
check_orders() {
    new_world
    must init --store file --unlock key-file
    pasted anthropic:work 1
    printf '{ gateway: { mode: "local", bind: "loopback" } }\n' | put_config
    with_client
    works 'connect' connect openclaw --yes --json
    same "$(json "$out" "d['audit']")" "{'plaintext': 0, 'unresolved': 0}" 'OpenClaw resolves every reference'
    oc models status >"$tmp/status" 2>&1 </dev/null || true
    has "$tmp/status" 'anthropic:work=token:ref(exec:main/anthropic:work)' 'models status shows the reference'
    its_order anthropic anthropic:work
    without_client
    pasted anthropic:new 3
    has "$err" 'The order of anthropic (agent main) is now the one set in OpenClaw: anthropic:work' 'the next change reads it back'
    order_is anthropic anthropic:work
    has "$(profiles_of main)" '"order"' 'and it stays in its file'
    same "$(references "$(profiles_of main)")" "$(printf 'anthropic:new main/anthropic:new\nanthropic:work main/anthropic:work')" \
        'which has both references'
    works 'disconnect' disconnect openclaw --yes
    untouched 'the configuration is as before, byte for byte'
}

section check_orders
# Its gateway writes the secret of a profile in plain text beside the models of its provider. Later versions do not.
section check_gateway old '' .openclaw/agents/main/agent/models.json
finish openclaw-first

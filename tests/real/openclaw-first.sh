#!/usr/bin/env bash
# `connect openclaw`, a gateway, `migrate openclaw` and `disconnect openclaw` with the real OpenClaw 2026.2.26, the first version that has
# references: its orders are in auth-profiles.json, and it waits only 2 s for a resolver unless it is told otherwise.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_FIRST_DIR=<directory made by scripts/install-test-deps.sh --all> \
#       tests/real/openclaw-first.sh
#
# budget: 240 s
# once: as an ordinary user
# only: with --all
# Prints a line `ok: ...` or `FAILED: ...` for each check. Talks to the loopback interface only.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# shellcheck source=tests/real/lib/openclaw-world.sh
. "$lib/openclaw-world.sh"
# shellcheck source=tests/real/lib/gateway-checks.sh
. "$lib/gateway-checks.sh"
# shellcheck source=tests/real/lib/migrate-checks.sh
. "$lib/migrate-checks.sh"
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

# It stores tokens only, and asks for them on a terminal.
stored() {
    local agent=$1 secret=$2
    shift 3
    SECRET=$secret python3 - "$tmp/said" \
        env -i -C "$world" HOME="$world" PATH="$tmp/bin:/usr/bin:/bin" TERM=xterm "${client_env[@]}" \
        OPENCLAW_AGENT_DIR="$world/.openclaw/agents/$agent/agent" "$node" "$openclaw" models auth paste-token "$@" <<'PY' ||
import fcntl, os, pty, struct, sys, termios
said, command = sys.argv[1], sys.argv[2:]
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(command[0], command)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
seen, asked = b"", False
while True:
    try:
        read = os.read(terminal, 65536)
    except OSError:
        break
    seen += read
    if not asked and b"Paste token" in seen:
        asked = True
        os.write(terminal, os.environ["SECRET"].encode() + b"\r")
open(said, "wb").write(seen[:200])
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PY
        fail "the client stores a token of $agent" "$tmp/said"
}
check_migrated() {
    plaintext_world '' "list: [ { id: 'main' }, { id: 'ops' } ],"
    migrated
    same "$(references "$(profiles_of ops)")" 'openrouter:ops ops/openrouter:ops' 'each agent has its references'
    leak='/models.json$'
    lives works
}

section check_orders
# Its gateway writes the secret of a profile in plain text beside the models of its provider. Later versions do not.
audit=(secrets audit --check)
section check_gateway old '' .openclaw/agents/main/agent/models.json
section check_migrated
finish openclaw-first

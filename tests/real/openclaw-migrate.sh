#!/usr/bin/env bash
# `migrate openclaw` with what the real clients stored themselves: 2026.6.1 in files, 2026.9.6 in databases. Two agents, a
# token, a key, an entry of `openclaw secrets store`, a `.env`, and a key in the configuration.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       OPENCLAW_SQLITE_DIR=<the same of 2026.9.6> tests/real/openclaw-migrate.sh
#
# budget: 300 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Talks to the loopback interface only.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# shellcheck source=tests/real/lib/killed.sh
. "$lib/killed.sh"
# shellcheck source=tests/real/lib/openclaw-world.sh
. "$lib/openclaw-world.sh"
# shellcheck source=tests/real/lib/gateway-checks.sh
. "$lib/gateway-checks.sh"
# shellcheck source=tests/real/lib/migrate-checks.sh
. "$lib/migrate-checks.sh"
need strace

check_files() {
    plaintext_world 'pricing: { enabled: false },' "list: [ { id: 'main' }, { id: 'ops' } ],"
    migrated
    same "$(references "$(profiles_of ops)")" 'openrouter:ops ops/openrouter:ops' 'each agent has its references'
    lives works
}

check_databases() {
    plaintext_world 'catalogRefresh: { enabled: false },' \
        "ownership: 'explicit', entries: { main: {}, ops: {} },"
    printf '%s\n' "$named_key" | oc secrets store set LAB_API_KEY >"$tmp/said" 2>&1 || fail 'the client stores a named value' "$tmp/said"
    # An archive as `openclaw doctor --fix` leaves it.
    mkdir -p "$(dirname "$(profiles_of main)")"
    printf '{"version":1,"profiles":{"anthropic:own":{"type":"token","provider":"anthropic","token":"%s"}}}' "$(token 5)" \
        >"$(profiles_of main).migrated-2026-11-01T00-00-00-EXAMPLE"
    migrated
    gives "$named_key" 'the vault has the named value' get openclaw:store-lab-api-key
    lives refuses
}

# Killed at each call that changes something, and run again.
check_killed_in_files() {
    local calls=rename,renameat,renameat2,link,linkat,unlink,unlinkat,fsync,ftruncate,mkdir,mkdirat
    new_world
    mkdir -p "$(dirname "$(profiles_of main)")" "$(dirname "$(profiles_of ops)")"
    printf '{"version":1,"profiles":{"anthropic:own":{"type":"token","provider":"anthropic","token":"%s"}}}' "$(token 5)" >"$(profiles_of main)"
    printf '{"version":1,"profiles":{"openrouter:ops":{"type":"api_key","provider":"openrouter","key":"%s"}}}' "$(api_key 1)" >"$(profiles_of ops)"
    cp "$(profiles_of main)" "$(profiles_of main).bak"
    killed_at_each
}
check_killed_in_databases() {
    local calls=rename,renameat,renameat2,unlink,unlinkat,fsync,fdatasync,ftruncate,pwrite64
    new_world
    mkdir -p "$world/.openclaw/state" "$world/.openclaw/agents/ops/agent"
    python3 - "$world/.openclaw" "$(token 5)" "$(token 6)" "$(api_key 1)" <<'PY'
import json, sqlite3, sys
state, token, old, key = sys.argv[1:]
shared = sqlite3.connect(state + "/state/openclaw.sqlite")
shared.executescript("""PRAGMA journal_mode = WAL; PRAGMA secure_delete = OFF;
    CREATE TABLE config_machine_state (state_key TEXT NOT NULL PRIMARY KEY, value_json TEXT NOT NULL, updated_at_ms INTEGER NOT NULL) STRICT;
    INSERT INTO config_machine_state VALUES ('auth.sharedStore', '{"location":"state-db"}', 1);""")
for value in (old, token):
    profile = {"type": "token", "provider": "anthropic", "token": value}
    shared.execute("INSERT OR REPLACE INTO config_machine_state VALUES ('authProfiles.store', ?, 1)",
                   [json.dumps({"version": 1, "profiles": {"anthropic:own": profile, "xai:default": {"type": "api_key", "provider": "openai"}}})])
shared.commit()
own = sqlite3.connect(state + "/agents/ops/agent/openclaw-agent.sqlite")
own.executescript("""PRAGMA journal_mode = WAL;
    CREATE TABLE auth_profile_store (store_key TEXT NOT NULL PRIMARY KEY, store_json TEXT NOT NULL, updated_at INTEGER NOT NULL) STRICT;""")
own.execute("INSERT INTO auth_profile_store VALUES ('primary', ?, 1)",
            [json.dumps({"version": 1, "profiles": {"openrouter:ops": {"type": "api_key", "provider": "openrouter", "key": key}}})])
own.commit()
PY
    killed_at_each
}
# in_vault_or_client SECRET ID AGENT: at no moment does neither place have it.
in_vault_or_client() {
    [ "$(sr get "$2" --agent "$3" 2>/dev/null)" = "$1" ] || grep -rqaF "$1" "$world/.openclaw"
}
killed_at_each() {
    local one call n planned=0 bad=0
    local -a list
    printf "// mine\n{ gateway: { mode: 'local' }, models: { providers: { %s } } }\n" "$lab" >"$(config)"
    printf 'XAI_API_KEY=%s\nOTHER=1\n' "$env_key" >"$world/.openclaw/.env"
    cp "$(config)" "$(config).bak"
    must init --store file --unlock key-file
    without_client
    cp -a "$world/.openclaw" "$world/openclaw"
    cp -a "$world/.local" "$world/local"
    reset() {
        rm -rf "$world/.openclaw" "$world/.local"
        cp -a "$world/openclaw" "$world/.openclaw"
        cp -a "$world/local" "$world/.local"
    }
    moments migrate openclaw --yes >"$tmp/moments"
    mapfile -t list <"$tmp/moments"
    cp "$(config)" "$tmp/migrated.json"
    for one in "${list[@]}"; do
        read -r call n <<<"$one"
        planned=$((planned + 1))
        reset
        kill_at "$call" "$n" migrate openclaw --yes
        cmp -s "$(config)" "$world/openclaw/openclaw.json" || cmp -s "$(config)" "$tmp/migrated.json" ||
            { bad=$((bad + 1)) && printf '      %s %s: a torn configuration\n' "$call" "$n"; }
        if ! { in_vault_or_client "$(token 5)" anthropic:own main && in_vault_or_client "$(api_key 1)" openrouter:ops ops &&
            in_vault_or_client "$env_key" xai:default main && in_vault_or_client "$lab_key" lab:default main; }; then
            bad=$((bad + 1)) && printf '      %s %s: neither place has a secret\n' "$call" "$n"
        fi
        sr migrate openclaw --yes >"$out" 2>"$err" || { bad=$((bad + 1)) && printf '      %s %s: again: %s\n' "$call" "$n" "$(cat "$err")"; }
        cmp -s "$(config)" "$tmp/migrated.json" || { bad=$((bad + 1)) && printf '      %s %s: another end\n' "$call" "$n" && diff "$(config)" "$tmp/migrated.json"; }
        if all_secrets | grep -rqaF -f - "$world/.openclaw"; then bad=$((bad + 1)) && printf '      %s %s: a secret is left\n' "$call" "$n"; fi
        sr verify >"$out" 2>"$err" || { bad=$((bad + 1)) && printf '      %s %s: verify: %s\n' "$call" "$n" "$(cat "$err")"; }
    done
    printf '      %d kills planned, %d delivered\n' "$planned" "$delivered"
    same "$bad" 0 'a killed migrate ends the same when it is run again, and no secret is ever lost'
    holds 'most kills were delivered' test $((delivered * 10)) -ge $((planned * 8))
}

client "${OPENCLAW_DIR:?set it to the install directory of OpenClaw 2026.6.1}"
section check_files
section check_killed_in_files
client "${OPENCLAW_SQLITE_DIR:?set it to the install directory of OpenClaw 2026.9.6}"
section check_databases
section check_killed_in_databases
finish openclaw-migrate

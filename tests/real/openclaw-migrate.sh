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
need strace

env_key=sk-EXAMPLE-made-up-dotenv-0123456789abcdefghij
lab_key=sk-EXAMPLE-made-up-config-0123456789abcdefghij
named_key=EXAMPLE-made-up-named-0123456789abcdefghij
all_secrets() { printf '%s\n' "$(token 5)" "$(token 6)" "$(api_key 1)" "$env_key" "$lab_key" "$named_key"; }
# Every file of the client's that has one of the secrets.
with_secrets() { all_secrets | grep -rlaF -f - "$world/.openclaw" "$world/logs" 2>/dev/null || true; }
lab="lab: { baseUrl: 'http://127.0.0.1:9/v1', apiKey: '$lab_key', models: [] },"

# plaintext_world MORE AGENTS: what the client stores itself. MORE is for write_gateway_config.
plaintext_world() {
    new_world
    start_provider
    write_gateway_config "$1"
    sed -i "s|^\tagents: {|\tagents: { $2|; s|^\t\tproviders: {|&\n\t\t\t$lab // lab|" "$(config)"
    printf '# mine\nXAI_API_KEY="%s" # two\nOTHER=1\n' "$env_key" >"$world/.openclaw/.env"
    chmod 600 "$world/.openclaw/.env"
    # The second paste leaves the first token in a free page, or in a copy.
    stored main "$(token 6)" paste-token --provider anthropic --profile-id anthropic:own
    stored main "$(token 5)" paste-token --provider anthropic --profile-id anthropic:own
    stored ops "$(api_key 1)" paste-api-key --provider openrouter --profile-id openrouter:ops
    stored main "$(api_key 1)" paste-api-key --provider openrouter --profile-id openrouter:default
    cp -p "$(config)" "$world/.openclaw/openclaw.json.bak.9"
    must init --store file --unlock key-file
    # OpenClaw's own older copies of a token that it replaced are no secret that the vault has.
    feed "$(token 6)"
    must paste-token --provider anthropic --profile-id anthropic:before
}
# stored AGENT SECRET ARGS...: the client stores it.
stored() {
    printf '%s\n' "$2" | oc models auth --agent "$1" "${@:3}" >"$tmp/said" 2>&1 ||
        fail "the client stores ${*:3}" "$tmp/said"
}

# migrated: everything is in the vault, nothing of it is in the client's files, and the client is satisfied.
migrated() {
    with_client
    works 'a dry run' migrate openclaw --dry-run
    lacks "$out" 'EXAMPLE' 'it shows no secret'
    works 'migrate' migrate openclaw --yes --json
    same "$(json "$out" "d['result'], d['audit'], d['left'], d['found']")" \
        "('migrated', {'plaintext': 0, 'unresolved': 0}, [], [])" 'nothing is left, and OpenClaw agrees' shown
    same "$(with_secrets)" '' 'no byte of a secret is in any of its files'
    oc secrets audit --check --allow-exec >"$tmp/audit" 2>&1 && status=0 || status=$?
    same "$status" 0 "its own audit is clean" "$tmp/audit"
    gives "$(token 5)" 'the vault has the token' get anthropic:own
    gives "$(api_key 1)" 'and the key of the other agent' get openrouter:ops --agent ops
    gives "$env_key" 'and that of .env' get xai:default
    gives "$lab_key" 'and that of the configuration' get lab:default
    has "$(config)" 'Example' 'the rest of the configuration stays'
    same "$(cat "$world/.openclaw/.env")" "$(printf '# mine\nOTHER=1')" 'so does the rest of .env'
    works 'migrate again' migrate openclaw --yes --json
    same "$(json "$out" "d['result'], d['stored'], d['stores'], d['dotenv'], d['removed']")" \
        "('migrated', 0, [], [], [])" 'it changes nothing' shown
}

# lives: a gateway starts, and gets a rotated key.
lives() {
    local log=$tmp/gateway.log status=0
    without_client
    start_gateway "$log" as_client
    if ! wait_for "$log" "$ready"; then
        fail 'a gateway starts' "$log"
        return
    fi
    ok 'a gateway starts'
    drain_gateway "$log"
    reload
    asks_with 'after migrating' "$(api_key 1)"
    feed "$(api_key 2)"
    works 'rotate' rotate openrouter:default
    reload
    asks_with 'after a rotation' "$(api_key 2)"
    [ "$1" != refuses ] || {
        refused LOCK_TIMEOUT 75 'migrate beside a gateway that has its databases open' migrate openclaw --yes
    }
    status=0
    kill -TERM "$gateway"
    end_gateway || status=$?
    exits "$status" 0 'the gateway ends cleanly' "$log"
    end_provider
    without_client
    works 'disconnect' disconnect openclaw --yes --json
    same "$(json "$out" "d['identical']")" True 'the configuration is as before, but for its secrets'
    lacks "$(config)" strongroom 'no reference is left in it'
    same "$(with_secrets)" '' 'no secret comes back'
    works 'verify' verify
}

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
    local one call n planned=0 bad=0 wanted
    local -a list
    printf "// mine\n{ gateway: { mode: 'local' }, models: { providers: { $lab } } }\n" >"$(config)"
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
        in_vault_or_client "$(token 5)" anthropic:own main && in_vault_or_client "$(api_key 1)" openrouter:ops ops &&
            in_vault_or_client "$env_key" xai:default main && in_vault_or_client "$lab_key" lab:default main ||
            { bad=$((bad + 1)) && printf '      %s %s: neither place has a secret\n' "$call" "$n"; }
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

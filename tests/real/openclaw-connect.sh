#!/usr/bin/env bash
# `connect openclaw` and `disconnect openclaw` with the real clients: 2026.6.1, whose own file mirrors the index, and 2026.9.6,
# which keeps its profiles in SQLite.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       OPENCLAW_SQLITE_DIR=<the same of 2026.9.6> tests/real/openclaw-connect.sh
#
# budget: 240 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Talks to the loopback interface only.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# shellcheck source=tests/real/lib/killed.sh
. "$lib/killed.sh"
# shellcheck source=tests/real/lib/openclaw-world.sh
. "$lib/openclaw-world.sh"
need strace

write_config() {
    put_config <<'JSON'
// my gateway
{
	gateway: { mode: 'local', bind: 'loopback' }, // keep
	agents: { defaults: { model: { primary: 'anthropic/claude-opus-4-6' } } },
}
JSON
}
connected_world() {
    new_world
    must init --store file --unlock key-file
    pasted anthropic:work 1
    feed "$(api_key 1)"
    must paste-api-key --provider openrouter
    write_config
}

check_json_era() {
    connected_world
    with_client
    works 'a dry run' connect openclaw --dry-run
    has "$out" "            command: '" 'it shows the change as a diff'
    untouched 'and writes nothing'
    refused NOT_CONFIRMED 64 'without a terminal and without --yes' connect openclaw
    untouched 'and nothing is written then either'
    works 'connect' connect openclaw --yes --json
    same "$(json "$out" "d['result'], d['audit']")" "('connected', {'plaintext': 0, 'unresolved': 0})" 'OpenClaw resolves every reference'
    same "$(diff "$world/before.json" "$(config)" | grep -c '^<' || true)" 0 'every line of the configuration stays' shown
    same "$(references "$(profiles_of main)")" "$(printf 'anthropic:work main/anthropic:work\nopenrouter:default main/openrouter:default')" \
        'its own file has the references'
    holds 'the files are private' test "$(stat -c %a "$(config)" "$(profiles_of main)" | tr '\n' ' ')" = '600 600 '
    oc models status >"$tmp/status" 2>&1 || true
    has "$tmp/status" 'anthropic:work=token:ref(exec:main/anthropic:work)' 'models status shows the reference'
    if grep -rqF -e "$(token 1)" -e "$(api_key 1)" "$world/.openclaw"; then fail 'no secret is in its directory'; else ok 'no secret is in its directory'; fi
    works 'connect again' connect openclaw --yes --json
    same "$(json "$out" "d['result']")" unchanged 'it changes nothing'

    its_order openrouter openrouter:default
    without_client
    pasted anthropic:new 3
    has "$err" 'The order of openrouter (agent main) is now the one set in OpenClaw: openrouter:default' 'the next change reads it back'
    order_is openrouter openrouter:default
    works 'rename' rename openrouter:default openrouter:mine
    works 'remove' remove anthropic:work --yes
    works 'order set' order set --provider anthropic anthropic:new
    same "$(references "$(profiles_of main)")" "$(printf 'anthropic:new main/anthropic:new\nopenrouter:mine main/openrouter:mine')" \
        'each change reaches its file'
    has "$(config)" "'anthropic:new'," 'and the order its configuration'
    oc secrets audit --check --allow-exec >"$tmp/audit" 2>&1 && status=0 || status=$?
    same "$status" 0 'its own audit is clean after all of them' "$tmp/audit"
    feed "$(token 9)"
    works 'rotate' rotate anthropic:new
    has "$err" 'openclaw secrets reload' 'a rotation says that a gateway has to reload'

    works 'disconnect' disconnect openclaw --yes --json
    same "$(json "$out" "d['identical']")" True 'it says that the configuration is as before'
    untouched 'the configuration is as before, byte for byte'
    holds 'the file that connecting made is gone' test ! -e "$(profiles_of main)"
    refused NOT_FOUND 66 'a second disconnect' disconnect openclaw --yes
    works 'verify after all of it' verify
}

# A client that has stored nothing yet.
check_no_files() {
    new_world
    must init --store file --unlock key-file
    pasted anthropic:work 1
    without_client
    refused NOT_FOUND 66 'a client of an unknown version' connect openclaw --yes
    holds 'nothing is made' test ! -e "$world/.openclaw"
    with_client
    works 'connect without any file of the client' connect openclaw --yes --json
    same "$(json "$out" "d['audit']")" "{'plaintext': 0, 'unresolved': 0}" 'OpenClaw resolves every reference'
    works 'disconnect' disconnect openclaw --yes
    holds 'the files that connecting made are gone' test ! -e "$(config)" -a ! -e "$(profiles_of main)"
}

# What the client keeps itself.
check_its_own() {
    connected_world
    mkdir -p "$(dirname "$(profiles_of main)")" "$(dirname "$(profiles_of ops)")"
    cat >"$(profiles_of main)" <<JSON
{ "version": 1, "big": 12345678901234567890.10, "profiles": {
  "anthropic:work": { "type": "token", "provider": "anthropic", "token": "$(token 7)" },
  "openai-codex:me": { "type": "oauth", "provider": "openai-codex", "access": "EXAMPLE", "refresh": "EXAMPLE", "expires": 1 } },
  "order": { "anthropic": ["anthropic:work"] } }
JSON
    feed "$(token 5)"
    must paste-token --provider anthropic --profile-id anthropic:ops --agent ops
    works 'connect with two agents' connect openclaw --yes --json
    same "$(json "$out" "d['agents'], d['plaintext']")" "(['main', 'ops'], ['anthropic:work'])" 'its own copy of a profile is named'
    has "$(profiles_of main)" "$(token 7)" 'its own copy stays'
    has "$(profiles_of main)" '12345678901234567890.10' 'and what it keeps beside the profiles'
    same "$(references "$(profiles_of ops)")" 'anthropic:ops ops/anthropic:ops' 'the other agent has its own references'
    sed -i "s/'local'/'remote'/; s/'anthropic:ops': {/'anthropic:mine': {}, &/" "$(config)"
    works 'disconnect after someone else changed the configuration' disconnect openclaw --yes
    has "$out" 'was changed since' 'it says so'
    has "$(config)" "'remote'" 'the change of someone else stays'
    has "$(config)" "'anthropic:mine'" 'also beside what connecting wrote'
    if grep -q strongroom "$(config)"; then fail 'what connecting wrote is gone' "$(config)"; else ok 'what connecting wrote is gone'; fi
    has "$(profiles_of main)" "$(token 7)" 'its own copy still stays'
    if grep -q main/openrouter "$(profiles_of main)"; then fail 'the references are gone'; else ok 'the references are gone'; fi
}

# Three commands: what the client stored in plain text is in the vault, and no byte of it is left in its stores.
check_taken_in() {
    new_world
    write_config
    with_client
    printf '%s\n' "$(token 5)" | oc models auth paste-token --provider anthropic --profile-id anthropic:own >"$tmp/said" 2>&1 ||
        fail 'the client stores a token' "$tmp/said"
    mkdir -p "$(dirname "$(profiles_of ops)")"
    printf '{"version":1,"profiles":{"openrouter:ops":{"type":"api_key","provider":"openrouter","key":"%s"}}}' "$(api_key 5)" >"$(profiles_of ops)"
    has "$(profiles_of main)" "$(token 5)" 'the client stores it in plain text'
    its_order anthropic anthropic:own
    cp "$(config)" "$world/before.json"
    must init --store file --unlock key-file
    works 'import of the whole installation' import "$world/.openclaw"
    order_is anthropic anthropic:own
    works 'connect' connect openclaw --yes --json
    same "$(json "$out" "d['audit'], d['plaintext']")" "({'plaintext': 0, 'unresolved': 0}, [])" 'OpenClaw finds nothing in plain text'
    if grep -rqF -e "$(token 5)" -e "$(api_key 5)" "$world/.openclaw"; then fail 'no byte of a secret is left' ; else ok 'no byte of a secret is left'; fi
    same "$(references "$(profiles_of main)") $(references "$(profiles_of ops)")" 'anthropic:own main/anthropic:own openrouter:ops ops/openrouter:ops' \
        'both agents have references'
    gives "$(token 5)" 'the vault has the secret' get anthropic:own
    works 'disconnect' disconnect openclaw --yes
    if grep -rqF -e "$(token 5)" "$world/.openclaw"; then fail 'disconnect puts no secret back' ; else ok 'disconnect puts no secret back'; fi
}

# 32 changes of each at once, with the client's own lock.
check_at_once_with_client() {
    connected_world
    with_client
    must connect openclaw --yes
    without_client
    local lock
    lock=$(grep -l 'withFileLock as o' "$client"/dist/file-lock-*.js | head -n 1)
    cat >"$tmp/writer.mjs" <<JS
import { o as withFileLock } from "$lock";
import { readFileSync, writeFileSync } from "node:fs";
const file = process.argv[2];
const options = { retries: { retries: 100, factor: 1.2, minTimeout: 20, maxTimeout: 500, randomize: true }, stale: 30000 };
for (let n = 0; n < 32; n++) {
    await withFileLock(file, options, async () => {
        const store = JSON.parse(readFileSync(file, "utf8"));
        store.profiles["x:client" + n] = { type: "api_key", provider: "x", keyRef: { source: "env", provider: "default", id: "X" } };
        await new Promise((resolve) => setTimeout(resolve, 2));
        writeFileSync(file, JSON.stringify(store, null, 2) + "\n");
    });
}
JS
    "$node" "$tmp/writer.mjs" "$(profiles_of main)" &
    local writer=$! n
    for n in {1..32}; do pasted "groq:own$n" "$n" || break; done
    wait "$writer" || fail "the client's writer"
    same "$(references "$(profiles_of main)" | grep -c '^x:client')" 32 'no change of the client is lost'
    same "$(references "$(profiles_of main)" | grep -c '^groq:own.* main/')" 32 'nor one of the vault'
}

# Killed at each call that changes something, and run again.
check_killed() {
    local calls=rename,renameat,renameat2,link,linkat,unlink,unlinkat,fsync,ftruncate,mkdir,mkdirat one call n planned=0 bad=0 wanted
    local -a list
    reset() {
        cp -p "$world/before.json" "$(config)"
        rm -rf "$world/.openclaw/agents" "$world/.local"
        cp -a "$world/local" "$world/.local"
        an_old_store
    }
    # It tells the version without the client.
    an_old_store() {
        mkdir -p "$(dirname "$(profiles_of main)")"
        printf '{ "version": 1, "profiles": {} }' >"$(profiles_of main)"
    }
    connected_world
    cp -a "$world/.local" "$world/local"
    an_old_store
    moments connect openclaw --yes >"$tmp/moments"
    mapfile -t list <"$tmp/moments"
    cp "$(config)" "$tmp/connected.json"
    wanted=$(references "$(profiles_of main)")
    for one in "${list[@]}"; do
        read -r call n <<<"$one"
        planned=$((planned + 1))
        reset
        kill_at "$call" "$n" connect openclaw --yes
        cmp -s "$(config)" "$world/before.json" || cmp -s "$(config)" "$tmp/connected.json" ||
            { bad=$((bad + 1)) && printf '      %s %s: a torn configuration\n' "$call" "$n"; }
        sr connect openclaw --yes >"$out" 2>"$err" || { bad=$((bad + 1)) && printf '      %s %s: again: %s\n' "$call" "$n" "$(cat "$err")"; }
        cmp -s "$(config)" "$tmp/connected.json" || { bad=$((bad + 1)) && printf '      %s %s: another end\n' "$call" "$n"; }
        [ "$(references "$(profiles_of main)")" = "$wanted" ] || { bad=$((bad + 1)) && printf '      %s %s: other references\n' "$call" "$n"; }
        sr disconnect openclaw --yes >"$out" 2>"$err" || true
        cmp -s "$(config)" "$world/before.json" || { bad=$((bad + 1)) && printf '      %s %s: not disconnected\n' "$call" "$n"; }
    done
    printf '      %d kills planned, %d delivered\n' "$planned" "$delivered"
    same "$bad" 0 'a killed connect ends the same when it is run again, and disconnects'
    holds 'most kills were delivered' test $((delivered * 10)) -ge $((planned * 8))
}

check_sqlite_era() {
    connected_world
    with_client
    works 'connect' connect openclaw --yes --json
    same "$(json "$out" "d['result'], d['audit']")" "('connected', {'plaintext': 0, 'unresolved': 0})" 'OpenClaw resolves every reference'
    same "$(diff "$world/before.json" "$(config)" | grep -c '^<' || true)" 0 'every line of the configuration stays' shown
    holds 'OpenClaw leaves no copy of it' test ! -e "$(config).bak"
    holds 'no auth-profiles.json is made, which would stop it' test ! -e "$(profiles_of main)"
    oc models auth list --json >"$tmp/list" 2>"$tmp/said" || true
    has "$tmp/list" 'anthropic:work' 'models auth list has a profile' "$tmp/said"
    has "$tmp/list" 'openrouter:default' 'and the other'
    its_order anthropic anthropic:work
    pasted anthropic:new 3
    has "$err" 'The order of anthropic (agent main) is now the one set in OpenClaw: anthropic:work' 'the next change reads it back'
    has "$err" "OpenClaw does not know of anthropic:new yet: run \`strongroom connect openclaw\`" 'a new profile says that connect has to be run again'
    order_is anthropic anthropic:work
    works 'connect again' connect openclaw --yes --json
    same "$(json "$out" "d['result'], d['audit']")" "('connected', {'plaintext': 0, 'unresolved': 0})" 'and then it resolves too'
    feed "$(token 9)"
    works 'rotate' rotate anthropic:new
    has "$err" 'openclaw secrets reload' 'a rotation says that a gateway has to reload'
    works 'disconnect' disconnect openclaw --yes --json
    same "$(json "$out" "' '.join(r['id'] for r in d['references'])")" 'anthropic:new anthropic:work openrouter:default' 'it names the references that stay'
    same "$(json "$out" "d['references'][0]['command']")" "$(logout anthropic:new)" 'and the command that removes one' shown
    untouched 'the configuration is as before, byte for byte'
    runs "$(logout anthropic:new)"
    oc models auth list --json >"$tmp/list" 2>"$tmp/said" || true
    lacks "$tmp/list" anthropic:new 'the command removes it'
    has "$tmp/list" anthropic:work 'and no other'

    # The client writes its configuration again as it removes one.
    must connect openclaw --yes
    works 'remove' remove openrouter:default --yes
    has "$err" "run \`$(logout openrouter:default)\`" 'a removed profile says how its reference is removed'
    runs "$(logout openrouter:default)"
    works 'connect once more' connect openclaw --yes --json
    same "$(json "$out" "d['audit']")" "{'plaintext': 0, 'unresolved': 0}" 'then every reference resolves'
    works 'disconnect' disconnect openclaw --yes
    lacks "$(config)" strongroom 'what connecting wrote is gone from the configuration'
}
# Killed before each step of the client, while it runs and after it; its call goes on. `--version` is its first.
check_killed_sqlite() {
    local step
    connected_world
    cp "$tmp/bin/openclaw" "$tmp/bin/openclaw.real"
    cat >"$tmp/bin/openclaw" <<WRAPPER
#!/bin/sh
read -r step when <"$tmp/kill-at" || exec "$tmp/bin/openclaw.real" "\$@"
[ "\$2" = "\$step" ] || exec "$tmp/bin/openclaw.real" "\$@"
: >"$tmp/kill-at"
exec 8>"$tmp/step-lock"
flock 8
[ "\$when" = after ] || kill -KILL "\$PPID"
[ "\$when" = before ] || "$tmp/bin/openclaw.real" "\$@"
kill -KILL "\$PPID" 2>/dev/null
WRAPPER
    cp -a "$world/.openclaw" "$world/openclaw"
    cp -a "$world/.local" "$world/local"
    with_client
    : >"$tmp/kill-at"
    must connect openclaw --yes
    cp "$(config)" "$tmp/connected.json"
    for step in 'apply before' 'apply while' 'apply after' 'audit before'; do
        rm -rf "$world/.openclaw" "$world/.local"
        cp -a "$world/openclaw" "$world/.openclaw"
        cp -a "$world/local" "$world/.local"
        printf '%s\n' "$step" >"$tmp/kill-at"
        run connect openclaw --yes
        same "$status" 137 "killed: $step"
        flock "$tmp/step-lock" true
        works 'connect again' connect openclaw --yes --json
        same "$(json "$out" "d['audit']")" "{'plaintext': 0, 'unresolved': 0}" 'OpenClaw resolves every reference'
        holds 'the configuration is the same, with its comments' cmp -s "$(config)" "$tmp/connected.json"
        holds 'no copy of it is left' test ! -e "$(config).bak"
        works 'disconnect' disconnect openclaw --yes
        untouched 'and it is restored, byte for byte'
    done
}
logout() { printf 'openclaw models auth logout %s --agent main' "$1"; }
# runs COMMAND: a command that was printed, with a yes to its question.
runs() {
    local status=0
    (as_client timeout -k 5 120 sh -c "$1 --yes") >"$tmp/said" 2>&1 </dev/null || status=$?
    exits "$status" 0 "$1" "$tmp/said"
}

client "${OPENCLAW_DIR:?set it to the install directory of OpenClaw 2026.6.1}"
section check_json_era
section check_no_files
section check_its_own
section check_taken_in
section check_at_once_with_client
section check_killed
client "${OPENCLAW_SQLITE_DIR:?set it to the install directory of OpenClaw 2026.9.6}"
section check_sqlite_era
section check_killed_sqlite
finish openclaw-connect

# To be sourced after gateway-checks.sh: what the real client stored in plain text, and what `migrate openclaw` makes of it.
# shellcheck shell=bash
# Set by checks.sh, openclaw-world.sh and gateway-checks.sh.
# shellcheck disable=SC2154

env_key=sk-EXAMPLE-made-up-dotenv-0123456789abcdefghij
lab_key=sk-EXAMPLE-made-up-config-0123456789abcdefghij
named_key=EXAMPLE-made-up-named-0123456789abcdefghij
all_secrets() { printf '%s\n' "$(token 5)" "$(token 6)" "$(api_key 1)" "$env_key" "$lab_key" "$named_key"; }
# Every file of the client's that has one of the secrets, but for those that the client itself writes ($leak).
with_secrets() { all_secrets | grep -rlaF -f - "$world/.openclaw" "$world/logs" 2>/dev/null | grep -v "$leak" || true; }
leak='^$' audit=(secrets audit --check --allow-exec)
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
# stored AGENT SECRET ARGS...: the client stores it. A script can replace it.
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
    oc "${audit[@]}" >"$tmp/audit" 2>&1 && status=0 || status=$?
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

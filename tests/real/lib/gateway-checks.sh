# To be sourced after openclaw-world.sh: what a gateway of the real client does with the vault, from connecting to
# disconnecting.
# shellcheck shell=bash
# Set by checks.sh and openclaw-world.sh.
# shellcheck disable=SC2154
# shellcheck source=tests/real/lib/gateway.sh
. "$lib/gateway.sh"
client_env+=(OPENCLAW_GATEWAY_TOKEN=EXAMPLE-gateway OPENCLAW_SKIP_CHANNELS=1)

# A provider's API on the loopback interface; each request is a line in $tmp/requests.
start_provider() {
    rm -f "$tmp/ready"
    : >"$tmp/requests"
    mkfifo "$tmp/ready"
    "$node" "$root/tests/real/loopback-provider.mjs" "$tmp/requests" >"$tmp/ready" &
    printf '%s\n' "$!" >"$tmp/provider.pid"
    IFS= read -r -t 20 url <"$tmp/ready"
}
end_provider() {
    kill "$(cat "$tmp/provider.pid")"
    rm "$tmp/provider.pid"
}

# write_gateway_config MORE: with more members of `models`. Nothing may be fetched here.
write_gateway_config() {
    put_config <<JSON
// my gateway
{
	agents: { defaults: { model: { primary: 'openrouter/example/model' } } },
	models: {
		$1
		providers: {
			openrouter: {
				baseUrl: '$url/api/v1',
				api: 'openai-completions',
				models: [{
					id: 'example/model', name: 'Example', reasoning: false, input: ['text'],
					cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
					contextWindow: 32000, maxTokens: 100,
				}],
			},
		},
	},
	gateway: { mode: 'local', bind: 'loopback', port: $(free_port) },
	logging: { file: '$world/logs/gateway.log' },
	update: { checkOnStart: false },
}
JSON
}

# asks_with WHEN KEY: an agent takes a turn in the gateway, and its provider gets that key.
asks_with() {
    local when=$1 key=$2 status=0
    : >"$tmp/requests"
    turn=$((turn + 1))
    oc agent --agent main --session-id "turn$turn" --message hello --json --timeout 60 \
        >"$tmp/turn" 2>"$tmp/turn-said" </dev/null || status=$?
    exits "$status" 0 "$when an agent takes a turn" "$tmp/turn-said"
    lacks "$tmp/turn-said" 'EMBEDDED FALLBACK' "$when the gateway itself runs it"
    # Neither key is shown.
    if grep -qF "/api/v1/chat/completions Bearer $key." "$tmp/requests" && ! grep -qvF "Bearer $key." "$tmp/requests"; then
        ok "$when the provider gets the right key, and no other"
    else
        fail "$when the provider gets the right key, and no other ($(wc -l <"$tmp/requests") requests)"
    fi
}
turn=0

# The gateway pairs a client with the rights that its first command needs. Those of a reload suffice for all.
reload() {
    local status=0
    oc secrets reload --json >"$tmp/reload" 2>&1 </dev/null || status=$?
    exits "$status" 0 'secrets reload' "$tmp/reload"
    has "$tmp/reload" '"warningCount": 0' 'it has no warning'
}

# check_gateway KEPT MORE [FILE]: KEPT is `old` if the gateway keeps a secret until it is reloaded, `new` if an agent asks the
# vault at each turn. MORE is for write_gateway_config. FILE is one into which the client itself writes a secret.
check_gateway() {
    local kept=$1 log=$tmp/gateway.log status=0 with_secret
    new_world
    must init --store file --unlock key-file
    feed "$(api_key 1)"
    must paste-api-key --provider openrouter
    start_provider
    write_gateway_config "$2"
    with_client
    works 'connect' connect openclaw --yes --json
    same "$(json "$out" "d['result'], d['audit']")" "('connected', {'plaintext': 0, 'unresolved': 0})" 'OpenClaw resolves every reference'
    without_client

    start_gateway "$log" as_client
    if ! wait_for "$log" "$ready"; then
        fail 'a gateway starts with its secrets in the vault' "$log"
        return
    fi
    ok 'a gateway starts with its secrets in the vault'
    drain_gateway "$log"
    reload
    asks_with 'at first' "$(api_key 1)"
    feed "$(api_key 2)"
    works 'rotate' rotate openrouter:default
    has "$err" 'openclaw secrets reload' 'it says that a gateway has to reload'
    if [ "$kept" = old ]; then
        asks_with 'before the reload (with the old key)' "$(api_key 1)"
    else
        asks_with 'before the reload (with the new key already)' "$(api_key 2)"
    fi
    reload
    asks_with 'after the reload' "$(api_key 2)"
    kill -TERM "$gateway"
    end_gateway || status=$?
    exits "$status" 0 'the gateway ends cleanly' "$log"
    if grep -qiE '(fetch|refresh) failed' "$log"; then
        fail 'the gateway asks nothing of the network' "$log"
    else
        ok 'the gateway asks nothing of the network'
    fi
    end_provider

    works 'disconnect' disconnect openclaw --yes --json
    same "$(json "$out" "d['identical']")" True 'it says that the configuration is as before'
    untouched 'the configuration is as before, byte for byte'
    cp "$log" "$world/logs/"
    with_secret=$(cd "$world" && { grep -rlF -e "$(api_key 1)" -e "$(api_key 2)" .openclaw logs || true; })
    same "$with_secret" "${3-}" \
        "${3-none} of the $(find "$world/.openclaw" "$world/logs" -type f | wc -l) files of its directory and its logs has a secret" shown
}
# What a gateway prints when it is ready.
ready='[gateway] ready'

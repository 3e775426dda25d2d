#!/usr/bin/env bash
# OpenClaw's own agent turns through `strongroom serve`: a gateway has a base URL in its configuration (`models.providers`) and a token
# in its environment, and works on when a key fails. No key is in its memory, environment, files or logs. With 2026.6.1 and 2026.9.6.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=… \
#       OPENCLAW_SQLITE_DIR=<directories made by scripts/install-test-deps.sh> tests/real/proxy-openclaw.sh
#
# budget: 180 s
# once: as an ordinary user
# shellcheck source=tests/real/lib/proxy-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/proxy-world.sh"
# shellcheck source=tests/real/lib/gateway.sh
. "$lib/gateway.sh"

make_vault anthropic:{mirrored,sqlite}-{1..2}
start_proxy

as_client() {
    exec env -i -C "$world" HOME="$world" TMPDIR="$tmp/client-tmp" PATH=/usr/bin:/bin NO_COLOR=1 CI=1 ANTHROPIC_API_KEY="$token" \
        OPENCLAW_NO_RESPAWN=1 OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_SKIP_CHANNELS=1 \
        OPENCLAW_GATEWAY_TOKEN=EXAMPLE-gateway "$@"
}
# turn SESSION: an agent takes a turn in the gateway.
turn() {
    as_client timeout -k 5 100 "$node" "$openclaw" agent --agent main --session-id "$1" --message hello --json --timeout 90 \
        >"$tmp/said" 2>&1 </dev/null
}
# write_config MORE: with more members of `models`.
write_config() {
    mkdir -p "$world/.openclaw" "$world/logs"
    cat >"$world/.openclaw/openclaw.json" <<JSON
{
	agents: { defaults: { model: { primary: 'anthropic/made-up-model' } } },
	models: {
		$1
		providers: {
			anthropic: {
				baseUrl: '$proxy/anthropic',
				api: 'anthropic-messages',
				models: [{
					id: 'made-up-model', name: 'Made up', reasoning: false, input: ['text'],
					cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
					contextWindow: 200000, maxTokens: 1000,
				}],
			},
		},
	},
	gateway: { mode: 'local', bind: 'loopback', port: $(free_port) },
	logging: { file: '$world/logs/gateway.log' },
	update: { checkOnStart: false },
}
JSON
    chmod 600 "$world/.openclaw/openclaw.json"
}

# check NAME MORE
check() {
    local first=anthropic:$1-1 second=anthropic:$1-2 log=$tmp/client-tmp/$1.log status=0
    world=$tmp/$1
    mkdir -p "$world"
    access "$1" "$first" "$second"
    write_config "$2"
    start_gateway "$log" as_client
    if ! wait_for "$log" '[gateway] ready'; then
        fail "$1: a gateway starts" "$log"
        return
    fi
    drain_gateway "$log"
    says 0 'made-up answer' "$1: an agent takes a turn" turn one
    turns_with "$1: a turn" "$first"
    # 2026.9.6 also asks for recaps of what was said, at times of its own.
    told "$first" 'turn 429 30'
    told "$second" 'turn hold'
    at_rest turn two
    process_has_no_key "$1: the gateway, in an answer" "$gateway"
    goes_on "$1: a 429, and another profile answers"
    turns_with "$1: a 429" "$first" "$second"
    kill -TERM "$gateway"
    end_gateway || status=$?
    exits "$status" 0 "$1: the gateway ends" "$log"
    files_have_no_key "$1" "$world" "$tmp/client-tmp"
}
OPENCLAW_DIR=${OPENCLAW_DIR:?set it to the install directory of OpenClaw 2026.6.1}
need_openclaw
check mirrored 'pricing: { enabled: false },'
OPENCLAW_DIR=${OPENCLAW_SQLITE_DIR:?set it to the install directory of OpenClaw 2026.9.6}
need_openclaw
check sqlite 'catalogRefresh: { enabled: false },'

upstream_saw_keys_alone
end_proxy
tokens_are_nowhere "the vault, the proxy's log and what it says have no token" "$owner" "$tmp/proxy-said"
finish proxy-openclaw

#!/usr/bin/env bash
# OpenClaw's own agent turns through `strongroom serve`, connected by one command as the guide says: a gateway has base URLs and a
# reference to its token in its configuration, no variable, and works on when a key fails. No key is in its memory, environment,
# files or logs, and its configuration is as before in the end. With 2026.6.1 and 2026.9.6.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=… \
#       OPENCLAW_SQLITE_DIR=<directories made by scripts/install-test-deps.sh> tests/real/proxy-openclaw.sh
#
# budget: 240 s
# once: as an ordinary user
# shellcheck source=tests/real/lib/proxy-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/proxy-world.sh"
# shellcheck source=tests/real/lib/gateway.sh
. "$lib/gateway.sh"

make_vault anthropic:{mirrored,sqlite}-{1..2} openai:one google:one
start_proxy

# The home of the one who connects it.
world=$owner
as_client() {
    exec env -i -C "$world" HOME="$world" TMPDIR="$tmp/client-tmp" PATH=/usr/bin:/bin NO_COLOR=1 CI=1 \
        OPENCLAW_NO_RESPAWN=1 OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_SKIP_CHANNELS=1 \
        OPENCLAW_GATEWAY_TOKEN=EXAMPLE-gateway "$@"
}
# turn SESSION [AGENT]: an agent takes a turn in the gateway.
turn() {
    as_client timeout -k 5 100 "$node" "$openclaw" agent --agent "${2-main}" --session-id "$1" --message hello --json --timeout 90 \
        >"$tmp/said" 2>&1 </dev/null
}
# write_config MODELS: with the members of `models`. Further agents have models of other providers.
write_config() {
    mkdir -p "$world/.openclaw" "$world/logs"
    cat >"$world/.openclaw/openclaw.json" <<JSON
{
	// By hand.
	agents: {
		defaults: { model: { primary: 'anthropic/claude-sonnet-4-5' } },
		list: [
			{ id: 'main', default: true },
			{ id: 'openai', model: { primary: 'openai/gpt-5.2' } },
			{ id: 'google', model: { primary: 'google/gemini-2.5-flash' } },
		],
	},
	models: { $1 },
	gateway: { mode: 'local', bind: 'loopback', port: $(free_port) },
	logging: { file: '$world/logs/gateway.log' },
	update: { checkOnStart: false },
}
JSON
    chmod 600 "$world/.openclaw/openclaw.json"
}

# begin_gateway NAME
begin_gateway() {
    log=$tmp/client-tmp/$1.log
    start_gateway "$log" as_client
    wait_for "$log" '[gateway] ready' || { fail "$1: a gateway starts" "$log"; return 1; }
    drain_gateway "$log"
}
# stop_gateway NAME
stop_gateway() {
    local status=0
    kill -TERM "$gateway"
    end_gateway || status=$?
    exits "$status" 0 "$1: the gateway ends" "$log"
}

noted() { vault "$@" >"$tmp/said" 2>&1; }
# check NAME MODELS: with models of OpenClaw's own.
check() {
    local first=anthropic:$1-1 second=anthropic:$1-2 provider
    vault order set --provider anthropic "$first" "$second" >"$tmp/said" 2>&1
    write_config "$2"
    cp "$world/.openclaw/openclaw.json" "$tmp/before"
    says 0 'Connected OpenClaw' "$1: connected" noted connect openclaw --proxy --provider={anthropic,openai,google} --yes --url "$proxy"
    printf 'keys %s\ntoken %s plain\n' "$stem" "$(cat "$owner/.config/strongroom/tokens/openclaw")" >"$tmp/values"
    cat "$owner/.config/strongroom/tokens/openclaw" >>"$tmp/tokens"
    begin_gateway "$1" || return
    for provider in openai google; do
        says 0 'made-up answer' "$1: an agent with a model of $provider takes a turn" turn "$provider" "$provider"
        turns_with "$1: a turn" "$provider:one"
    done
    says 0 'made-up answer' "$1: an agent takes a turn" turn one
    turns_with "$1: a turn" "$first"
    # 2026.9.6 also asks for recaps of what was said, at times of its own.
    told "$first" 'turn 429 30'
    told "$second" 'turn hold'
    at_rest turn two
    process_has_no_key "$1: the gateway, in an answer" "$gateway"
    goes_on "$1: a 429, and another profile answers"
    turns_with "$1: a 429" "$first" "$second"
    stop_gateway "$1"
    files_have_no_key "$1" "$world/.openclaw" "$world/logs" "$tmp/client-tmp"
    says 0 'Disconnected OpenClaw' "$1: disconnected" noted disconnect openclaw --yes
    holds "$1: its configuration is as before" cmp -s "$world/.openclaw/openclaw.json" "$tmp/before"
    rm -r "$world/.openclaw"
}

OPENCLAW_DIR=${OPENCLAW_DIR:?set it to the install directory of OpenClaw 2026.6.1}
need_openclaw
check mirrored 'pricing: { enabled: false }'
OPENCLAW_DIR=${OPENCLAW_SQLITE_DIR:?set it to the install directory of OpenClaw 2026.9.6}
need_openclaw
check sqlite 'catalogRefresh: { enabled: false }'

upstream_saw_keys_alone
end_proxy
tokens_are_nowhere "the vault, the proxy's log and what it says have no token" "$owner" "$tmp/proxy-said"
finish proxy-openclaw

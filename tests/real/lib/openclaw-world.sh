# To be sourced after checks.sh: a real OpenClaw in the world of the checks, with its files and its commands.
# shellcheck shell=bash
# Many variables set here are for the scripts that source this file, and others are set by checks.sh.
# shellcheck disable=SC2034,SC2154

# client DIR: the client of the next checks.
client() {
    OPENCLAW_DIR=$1
    need_openclaw
    mkdir -p "$tmp/bin"
    printf '#!/bin/sh\nexec %s %s "$@"\n' "${node@Q}" "${openclaw@Q}" >"$tmp/bin/openclaw"
    chmod 755 "$tmp/bin/openclaw"
}
# The client's own variables; none of Strongroom's.
client_env=(OPENCLAW_NO_RESPAWN=1 OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_DISABLE_BONJOUR=1 NO_COLOR=1 CI=1)
# as_client COMMAND...: replaces this shell by a command in the client's environment.
as_client() {
    exec env -i -C "$world" HOME="$world" PATH="$tmp/bin:/usr/bin:/bin" TMPDIR="$tmp" "${client_env[@]}" "$@"
}
oc() { (as_client timeout -k 5 120 "$node" "$openclaw" "$@"); }
# with_client: strongroom finds the client on PATH. without_client: it does not, which is faster.
with_client() { extra=(PATH="$tmp/bin:/usr/bin:/bin" TMPDIR="$tmp" "${client_env[@]}"); }
without_client() { extra=(); }

config() { printf '%s/.openclaw/openclaw.json' "$world"; }
profiles_of() { printf '%s/.openclaw/agents/%s/agent/auth-profiles.json' "$world" "$1"; }
# Its references: "id reference", sorted.
references() {
    json "$1" "'\n'.join(sorted(i + ' ' + (p.get('keyRef') or p.get('tokenRef') or {}).get('id', '-') for i, p in d['profiles'].items()))"
}
# put_config: makes standard input the configuration, and keeps a copy of it for `untouched`.
put_config() {
    mkdir -p "$world/.openclaw"
    cat >"$(config)"
    chmod 600 "$(config)"
    cp "$(config)" "$world/before.json"
}
# untouched WHAT
untouched() { holds "$1" cmp -s "$(config)" "$world/before.json"; }
# Sets an order with the client.
its_order() {
    local provider=$1 status=0
    oc models auth order set --provider "$provider" "${@:2}" >"$tmp/said" 2>&1 </dev/null || status=$?
    exits "$status" 0 "OpenClaw sets an order of $provider" "$tmp/said"
}
# order_is PROVIDER IDS: the vault's order of main.
order_is() {
    must order get --provider "$1" --json
    same "$(json "$out" "' '.join(d['order'] or [])")" "$2" "the vault has that order of $1" shown
}

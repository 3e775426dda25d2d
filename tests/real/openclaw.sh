#!/usr/bin/env bash
# The real OpenClaw 2026.6.1 with Strongroom as its secret provider: OpenClaw writes plaintext profiles,
# Strongroom imports them, OpenClaw works with only the index, and keeps no byte of a secret.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       tests/real/openclaw.sh
#
# budget: 180 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Talks to the loopback interface only.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need_openclaw
# shellcheck source=tests/real/lib/gateway.sh
. "$lib/gateway.sh"

provider=''
end_processes() {
    [ -z "$provider" ] || kill -KILL "$provider" 2>/dev/null || true
}
at_end+=(end_processes)

# Made up, with the lengths and prefixes that OpenClaw requires.
filler=$(printf 'EXAMPLE%02d-' {1..20})
anthropic_token=sk-ant-oat01-${filler:0:95}
openrouter_key=sk-or-v1-${filler:0:64}

# --- the pieces -------------------------------------------------------------------------------------------

mkdir -p "$tmp/bin" "$tmp/out" "$tmp/private" "$tmp/run/home" "$tmp/run/tmp"
# OpenClaw runs only a regular file that the user owns and that no one else can write to.
install -m 755 "$binary" "$tmp/bin/strongroom"

vault=$tmp/run/vault key=$tmp/private/key
strongroom() { STRONGROOM_HOME=$vault STRONGROOM_KEY_FILE=$key "$tmp/bin/strongroom" --no-input "$@"; }

# with_state DIR COMMAND...: runs a command with all of OpenClaw's files inside the temporary directory.
with_state() {
    local state=$1
    shift
    exec env -i HOME="$tmp/run/home" PATH=/usr/bin:/bin TMPDIR="$tmp/run/tmp" NO_COLOR=1 CI=1 \
        OPENCLAW_HOME="$tmp/run/home" OPENCLAW_STATE_DIR="$state" OPENCLAW_GATEWAY_TOKEN=EXAMPLE-gateway \
        OPENCLAW_NO_RESPAWN=1 OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_SKIP_CHANNELS=1 \
        "$@"
}
# oc STATE OUTPUT ARGS...: runs one OpenClaw command with a time limit; its output goes to a file; returns its status.
oc() {
    local state=$1 output=$2
    shift 2
    (with_state "$state" timeout -k 5 180 "$node" "$openclaw" "$@") >"$output" 2>&1
}

# configure STATE KEY PORT PROVIDER_URL: writes OpenClaw's configuration, with Strongroom as the provider. The
# update check and the price list are off, because neither may be fetched here.
configure() {
    mkdir -p "$1/agents/main/agent"
    cat >"$1/openclaw.json" <<JSON
{
  "secrets": {
    "providers": {
      "strongroom": {
        "source": "exec",
        "command": "$tmp/bin/strongroom",
        "args": ["resolve", "--home", "$vault", "--key-file", "$2"],
        "passEnv": ["HOME"],
        "timeoutMs": 30000,
        "jsonOnly": true
      }
    },
    "defaults": { "exec": "strongroom" }
  },
  "auth": {
    "profiles": {
      "anthropic:work": { "provider": "anthropic", "mode": "token" },
      "openrouter:default": { "provider": "openrouter", "mode": "api_key" }
    }
  },
  "agents": { "defaults": { "model": { "primary": "anthropic/claude-opus-4-6" } } },
  "models": {
    "pricing": { "enabled": false },
    "providers": {
      "anthropic": { "baseUrl": "$4", "models": [] },
      "openrouter": {
        "baseUrl": "$4/api/v1",
        "api": "openai-completions",
        "models": [{
          "id": "example/model", "name": "Example", "reasoning": false, "input": ["text"],
          "cost": { "input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0 },
          "contextWindow": 8000, "maxTokens": 100
        }]
      }
    }
  },
  "gateway": { "mode": "local", "bind": "loopback", "port": $3 },
  "logging": { "file": "$1/logs/gateway.log" },
  "update": { "checkOnStart": false }
}
JSON
    cp "$vault/agents/main/auth-profiles.json" "$1/agents/main/agent/auth-profiles.json"
}

# Every 16 consecutive bytes of a secret: none of them may be found anywhere.
slices() {
    local i secret
    for secret in "$@"; do
        for ((i = 0; i + 16 <= ${#secret}; i++)); do printf '%s\n' "${secret:i:16}"; done
    done
}

# --- OpenClaw writes plaintext, Strongroom takes it -------------------------------------------------------

has_version=$("$node" "$openclaw" --version </dev/null)
case "$has_version" in
    *' 2026.6.1 '*) ok "the client is $has_version" ;;
    *) fail "the client is $has_version, not 2026.6.1" ;;
esac

plain=$tmp/plain
mkdir "$plain"
status=0
oc "$plain" "$tmp/private/paste-token" models auth paste-token --provider anthropic \
    --profile-id anthropic:work --expires-in 30d <<<"$anthropic_token" || status=$?
exits $status 0 'OpenClaw stores a pasted setup-token'
status=0
oc "$plain" "$tmp/private/paste-api-key" models auth paste-api-key --provider openrouter \
    --profile-id openrouter:default <<<"$openrouter_key" || status=$?
exits $status 0 'OpenClaw stores a pasted API key'

status=0
strongroom init --store file --unlock key-file >"$tmp/out/init" 2>&1 || status=$?
exits $status 0 'a vault is made' "$tmp/out/init"
status=0
strongroom import "$plain/agents/main/agent/auth-profiles.json" >"$tmp/out/import" 2>&1 || status=$?
exits $status 0 "strongroom imports OpenClaw's own auth-profiles.json" "$tmp/out/import"
same "$(strongroom get anthropic:work)" "$anthropic_token" 'the imported setup-token is the pasted one'
same "$(strongroom get openrouter:default)" "$openrouter_key" 'the imported API key is the pasted one'

# The search that must find nothing at the end does find the plaintext that OpenClaw wrote.
slices "$anthropic_token" "$openrouter_key" >"$tmp/private/slices"
grep -v '^#' "$key" | while IFS= read -r line; do slices "$line"; done >>"$tmp/private/slices"
found=$(grep -rlaF -f "$tmp/private/slices" "$plain" | wc -l)
if [ "$found" -gt 0 ]; then
    ok "the search for $(wc -l <"$tmp/private/slices") slices of secrets finds them in OpenClaw's own plaintext"
else
    fail 'the search for slices of secrets does not find the plaintext that is there'
fi
rm -rf "$plain"

# --- OpenClaw works with the index ------------------------------------------------------------------------

mkfifo "$tmp/ready"
"$node" "$root/tests/real/loopback-provider.mjs" "$tmp/private/requests" >"$tmp/ready" &
provider=$!
IFS= read -r -t 20 url <"$tmp/ready"
gateway_port=$(free_port)

state=$tmp/run/state
configure "$state" "$key" "$gateway_port" "$url"
index=$state/agents/main/agent/auth-profiles.json

status=0
oc "$state" "$tmp/out/status" models status </dev/null || status=$?
exits $status 0 'models status works on the index' "$tmp/out/status"
has "$tmp/out/status" 'anthropic:work=token:ref(exec:main/anthropic:work)' 'models status shows the token as a reference'
has "$tmp/out/status" 'openrouter:default=ref(exec:main/openrouter:default)' 'models status shows the API key as a reference'
has "$tmp/out/status" 'anthropic:work ok expires in' 'models status knows when the token expires'

status=0
oc "$state" "$tmp/out/audit" secrets audit --allow-exec --check </dev/null || status=$?
exits $status 0 'secrets audit is satisfied' "$tmp/out/audit"
has "$tmp/out/audit" 'Secrets audit: clean.' 'secrets audit is clean, every reference resolved'

# A provider on the loopback interface: OpenClaw sends it what it got from the vault.
status=0
oc "$state" "$tmp/out/probe" models status --probe --probe-timeout 60000 --probe-max-tokens 8 --json </dev/null || status=$?
exits $status 0 'OpenClaw calls a model with each credential' "$tmp/out/probe"
probed=$("$node" -e '
    const { auth } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
    console.log(auth.probes.results.map((r) => r.profileId + "=" + r.status).sort().join(" "));
' "$tmp/out/probe")
same "$probed" 'anthropic:work=ok openrouter:default=ok' 'OpenClaw counts both profiles as working'
has "$tmp/private/requests" "/v1/messages Bearer $anthropic_token." 'the setup-token reaches its provider byte for byte'
has "$tmp/private/requests" "/api/v1/chat/completions Bearer $openrouter_key." 'the API key reaches its provider byte for byte'
kill "$provider"
wait "$provider" 2>/dev/null || true
provider=''

# OpenClaw rewrites the file as it runs, and drops unknown fields.
has "$index" '"main/anthropic:work"' "OpenClaw's own rewrite of the index keeps the references"

# --- the gateway ------------------------------------------------------------------------------------------

log=$tmp/out/gateway
start_gateway "$log" with_state "$state"
if wait_for "$log" '[gateway] ready'; then
    ok 'a gateway starts with its secrets in the vault'
    drain_gateway "$log"
    status=0
    oc "$state" "$tmp/out/reload" secrets reload --json </dev/null || status=$?
    exits $status 0 'secrets reload works while the gateway runs' "$tmp/out/reload"
    has "$tmp/out/reload" '"warningCount": 0' 'secrets reload has no warning'
    kill -TERM "$gateway"
    status=0
    end_gateway || status=$?
    exits $status 0 'the gateway ends cleanly' "$log"
    has "$log" '[shutdown] completed cleanly' 'the gateway says that it ended cleanly'
    if grep -qi 'fetch failed' "$log"; then
        fail 'the gateway asks nothing of the network' "$log"
    else
        ok 'the gateway asks nothing of the network'
    fi
else
    fail 'a gateway starts with its secrets in the vault' "$log"
    kill -KILL -- "-$gateway" 2>/dev/null || true
    end_gateway || true
fi

# With the key of another vault, the gateway must refuse to start, and say which secret is missing.
STRONGROOM_HOME=$tmp/private/other STRONGROOM_KEY_FILE=$tmp/private/other-key "$tmp/bin/strongroom" --no-input \
    init --store file --unlock key-file >"$tmp/out/init-other" 2>&1
locked=$tmp/run/locked
configure "$locked" "$tmp/private/other-key" "$gateway_port" "$url"
log=$tmp/out/gateway-locked
start_gateway "$log" with_state "$locked"
wait_for "$log" '[gateway] ready' && kill -TERM "$gateway"
status=0
end_gateway || status=$?
exits $status 1 'with a wrong key the gateway does not start' "$log"
has "$log" 'Startup failed: required secrets are unavailable' 'with a wrong key the gateway says why'
has "$log" 'Exec provider "strongroom" failed for id "main/' 'with a wrong key each id has an error of its own'

# --- what remains -----------------------------------------------------------------------------------------

# Everything that OpenClaw and Strongroom wrote: both state directories, home, temporary files, the vault itself.
if grep -rlaF -f "$tmp/private/slices" "$tmp/run" "$tmp/out" >"$tmp/private/leaks"; then
    fail 'no 16 bytes of a token or key are in any file' "$tmp/private/leaks"
else
    ok "no 16 bytes of a token or key are in any of $(find "$tmp/run" "$tmp/out" -type f | wc -l) files"
fi

finish openclaw

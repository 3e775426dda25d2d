#!/usr/bin/env bash
# The real OpenClaw 2026.9.6, which keeps its credentials in SQLite: two agents store plaintext, Strongroom names it
# while a gateway runs and after it was killed, and no file of the client is changed by that. `status` reads the stores
# 1,000 times beside the gateway, two at a time, `doctor` 100 times.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_SQLITE_DIR=<directory made by scripts/install-test-deps.sh> \
#       tests/real/openclaw-sqlite.sh
#
# budget: 240 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Talks to the loopback interface only.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
OPENCLAW_DIR=${OPENCLAW_SQLITE_DIR:?set it to the install directory of OpenClaw 2026.9.6}
need_openclaw
need strace sha256sum
# shellcheck source=tests/real/lib/gateway.sh
. "$lib/gateway.sh"
reads=1000 doctors=100

# Made up, with the lengths and prefixes that OpenClaw requires.
filler=$(printf 'EXAMPLE%02d-' {1..20})
anthropic_token=sk-ant-oat01-${filler:0:95}
openrouter_key=sk-or-v1-${filler:0:64}
named_value=EXAMPLE-named-value-${filler:0:20}

mkdir -p "$tmp/out" "$tmp/private" "$tmp/run/home" "$tmp/run/tmp" "$tmp/run/state"
state=$tmp/run/state vault=$tmp/vault key=$tmp/private/key

# oc OUTPUT ARGS...: runs one OpenClaw command with a time limit; its output goes to a file; returns its status.
with_state() {
    exec env -i HOME="$tmp/run/home" PATH=/usr/bin:/bin TMPDIR="$tmp/run/tmp" NO_COLOR=1 CI=1 \
        OPENCLAW_HOME="$tmp/run/home" OPENCLAW_STATE_DIR="$state" OPENCLAW_GATEWAY_TOKEN=EXAMPLE-gateway \
        OPENCLAW_NO_RESPAWN=1 OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_SKIP_CHANNELS=1 \
        "$@"
}
oc() {
    local output=$1
    shift
    (with_state timeout -k 5 180 "$node" "$openclaw" "$@") >"$output" 2>&1
}
# doctor COMMAND...: what doctor finds in the client's stores, one line each. It exits with 65 if it finds any.
doctor() {
    local status=0
    env -i HOME="$tmp/run/home" OPENCLAW_STATE_DIR="$state" STRONGROOM_HOME="$vault" STRONGROOM_KEY_FILE="$key" \
        "$@" "$binary" --no-input doctor --json >"$tmp/out/doctor" 2>"$tmp/out/doctor-said" || status=$?
    if [ "$status" -ne 0 ] && [ "$status" -ne 65 ]; then printf 'exit %s\n' "$status"; fi
    # shellcheck disable=SC2016 # JavaScript has templates
    "$node" -e '
        const { findings } = JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"));
        for (const one of findings) if (one.check === "client") console.log(`${one.level} ${one.what}`);
    ' "$tmp/out/doctor" | sed "s|$state/||" | sort
}
# Traces a doctor. Only root sees the paths in the calls of a process whose memory others may not read.
traces() {
    [ "$(id -u)" -eq 0 ] || return 1
    doctor strace -f -qq -e trace=openat,ftruncate -o "$tmp/out/calls" >"$tmp/out/said"
    grep sqlite "$tmp/out/calls" >"$tmp/out/opened"
}
# Everything of the client's databases that a reader could change.
databases() {
    find "$state" -name '*.sqlite*' -printf '%p %s %T@ %i %m\n' | sort
    find "$state" -name '*.sqlite*' ! -name '*-shm' -exec sha256sum {} + | sort
}

# --- OpenClaw stores plaintext ----------------------------------------------------------------------------

has_version=$("$node" "$openclaw" --version </dev/null)
case "$has_version" in
    *' 2026.9.6 '*) ok "the client is $has_version" ;;
    *) fail "the client is $has_version, not 2026.9.6" ;;
esac
port=$(free_port)
cat >"$state/openclaw.json" <<JSON
{
  "agents": {
    "ownership": "explicit",
    "defaults": { "systemAgent": { "agentId": "main" } },
    "entries": { "main": {}, "ops": {} }
  },
  "gateway": { "mode": "local", "bind": "loopback", "port": $port },
  "logging": { "file": "$state/logs/gateway.log" },
  "update": { "checkOnStart": false }
}
JSON
status=0
oc "$tmp/private/paste-token" models auth --agent main paste-token --provider anthropic \
    --profile-id anthropic:work --expires-in 30d <<<"$anthropic_token" || status=$?
exits $status 0 'OpenClaw stores a pasted setup-token of the agent main'
status=0
oc "$tmp/private/paste-api-key" models auth --agent ops paste-api-key --provider openrouter \
    --profile-id openrouter:default <<<"$openrouter_key" || status=$?
exits $status 0 'OpenClaw stores a pasted API key of the agent ops'
status=0
oc "$tmp/private/store-set" secrets store set EXAMPLE_NAME <<<"$named_value" || status=$?
exits $status 0 'OpenClaw stores a named value' "$tmp/private/store-set"

# --- what is read after the client has ended --------------------------------------------------------------

STRONGROOM_HOME=$vault STRONGROOM_KEY_FILE=$key "$binary" --no-input init --store file --unlock key-file \
    >"$tmp/out/init" 2>&1
expected="wrong OpenClaw keeps these in plain text in agents/ops/agent/openclaw-agent.sqlite: openrouter:default
wrong OpenClaw keeps these in plain text in state/openclaw.sqlite: anthropic:work
wrong \`openclaw secrets store\` keeps these in plain text in state/openclaw.sqlite: EXAMPLE_NAME"
before=$(databases)
same "$(doctor)" "$expected" 'doctor names each plaintext by its database and profile' shown
same "$(databases)" "$before" 'no database of the client is changed, and no file is made beside one' shown
if traces; then
    has "$tmp/out/opened" 'openclaw.sqlite"' 'the calls that open the shared database are seen'
    lacks "$tmp/out/opened" O_RDWR 'the databases are opened for reading only'
    lacks "$tmp/out/opened" O_CREAT 'no file of them could be made'
fi

# --- beside a running gateway -----------------------------------------------------------------------------

log=$tmp/out/gateway
start_gateway "$log" with_state
if ! wait_for "$log" '[gateway] ready'; then
    fail 'a gateway starts' "$log"
    finish openclaw-sqlite
fi
ok 'a gateway starts'
drain_gateway "$log"
# The gateway stores the profiles of main in the shared database by itself, so only the place may differ now.
running=$(doctor)
same "$(grep -c '^wrong ' <<<"$running")" 3 'all three are named while the gateway runs' shown
logs=$(find "$state" -name '*.sqlite-wal' | wc -l)
if [ "$logs" -gt 0 ]; then ok "$logs databases are open in the gateway, with a log"; else fail 'no database has a log'; fi
if traces; then
    grep -F -- '-shm"' "$tmp/out/opened" >"$tmp/out/shared" || true
    has "$tmp/out/shared" O_RDONLY 'the calls that open the shared memory are seen'
    lacks "$tmp/out/shared" O_RDWR 'the shared memory is opened for reading only'
    lacks "$tmp/out/calls" ftruncate 'no file is cut'
fi

# A writer of the client, and the readers beside it.
(
    for name in 1 2 3; do
        oc "$tmp/private/beside-$name" models auth --agent ops paste-api-key --provider openrouter \
            --profile-id "openrouter:beside$name" <<<"$openrouter_key" || exit 1
    done
) &
writer=$!
# seen: one `status` of the agent ops, which reads the shared database and its own. Prints a line only if it is odd.
seen() {
    local said status=0
    said=$(env -i HOME="$tmp/run/home" OPENCLAW_STATE_DIR="$state" STRONGROOM_HOME="$vault" STRONGROOM_KEY_FILE="$key" \
        "$binary" --no-input --agent ops status 2>&1) || status=$?
    case "$status $said" in
        '0 '*'anthropic: OpenClaw uses anthropic:work, '*'openrouter: OpenClaw uses openrouter:'*) ;;
        *) printf 'exit %s: %s\n' "$status" "$said" ;;
    esac
    case $said in *'cannot use'* | *'were not read'*) printf 'unread: %s\n' "$said" ;; esac
}
begun=$SECONDS
for half in 1 2; do
    (for ((done = 0; done < reads / 2; done++)); do seen; done) >"$tmp/out/odd-$half" &
    halves[half]=$!
done
wait "${halves[@]}"
cat "$tmp/out/odd-1" "$tmp/out/odd-2" >"$tmp/out/odd"
if [ ! -s "$tmp/out/odd" ]; then ok "$reads reads of status beside the gateway, in $((SECONDS - begun)) s, each with what both stores have"; else fail 'a read of status is odd' "$tmp/out/odd"; fi
odd=0
for ((done = 0; done < doctors; done++)); do
    found=$(env -i HOME="$tmp/run/home" OPENCLAW_STATE_DIR="$state" STRONGROOM_HOME="$vault" STRONGROOM_KEY_FILE="$key" \
        "$binary" --no-input doctor 2>/dev/null | grep '^wrong  client: ') || true
    # Three findings, and none of them an error.
    if [ "$(grep -c 'in plain text in' <<<"$found")" -ne 3 ] || [ "$(wc -l <<<"$found")" -ne 3 ]; then
        odd=$((odd + 1))
        printf '%s\n' "$found" >>"$tmp/out/odd"
    fi
done
if [ "$odd" -eq 0 ]; then ok "$doctors reads of doctor, each with three findings"; else fail "$odd of $doctors reads are odd" "$tmp/out/odd"; fi
status=0
wait "$writer" || status=$?
exits $status 0 'the client stored three more keys meanwhile'
doctor >"$tmp/out/said"
has "$tmp/out/said" 'openrouter:beside3' 'what it stored last is read'

# --- after a kill -----------------------------------------------------------------------------------------

kill -KILL -- "-$gateway"
wait "$gateway" 2>/dev/null || true
forget_gateway
if grep -qiE 'database is locked|SQLITE_|malformed' "$log"; then
    fail 'the gateway had no error of its databases' "$log"
else
    ok 'the gateway had no error of its databases'
fi
before=$(databases)
same "$(doctor)" "$(cat "$tmp/out/said")" 'the same is read after the gateway was killed' shown
same "$(databases)" "$before" 'what a killed gateway left is not changed, its logs neither' shown
status=0
oc "$tmp/private/list" models auth --agent ops list --json </dev/null || status=$?
exits $status 0 'the client works with its databases'
has "$tmp/private/list" 'openrouter:beside3' 'the client has everything that it stored'

# --- what remains -----------------------------------------------------------------------------------------

for secret in "$anthropic_token" "$openrouter_key" "$named_value"; do
    if grep -rlaF -- "${secret:0:32}" "$tmp/out" "$vault" >"$tmp/private/leaks"; then
        fail 'no output and no file of ours has a secret' "$tmp/private/leaks"
    else
        ok 'no output and no file of ours has the secret'
    fi
done

finish openclaw-sqlite

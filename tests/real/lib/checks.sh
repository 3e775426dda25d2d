# To be sourced by the keychain scripts: runs the binary in its own world, and prints a line for each check.
# shellcheck shell=bash
# Many variables set here are for the scripts that source this file.
# shellcheck disable=SC2034,SC2030,SC2031
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/verdict.sh"
unset DISPLAY WAYLAND_DISPLAY
export LC_ALL=C
# shellcheck source=tests/real/lib/rig.sh
. "$lib/rig.sh"
need_binary
# A release build is stripped: times are only asserted for release builds.
release=yes
case "$(readelf -S --wide "$binary")" in *' .symtab '*) release=no ;; esac

is_empty() { [ ! -e "$1" ] || [ -z "$(ls -A "$1")" ]; }
# section COMMAND...: runs some checks in their own shell, so that one that cannot continue does not end the others.
# The script's argument, if there is one, selects the sections to run: a part of the command.
only=${1-}
# A section that fails while GNOME Keyring crashed is repeated once, with a new daemon.
section() {
    [[ "$*" == *"$only"* ]] || return 0
    local bad=0 begun=$SECONDS faults said
    printf '    %s\n' "$*"
    said=$(mktemp "$tmp/section.XXXXXX")
    faults=$(daemon_faults)
    attempt "$said" "$@"
    wait $! || bad=$?
    if [ "$bad" -gt 0 ] && [ "$(daemon_faults)" -gt "$faults" ]; then
        printf '      the daemon ended by itself: once more\n'
        bad=0
        [ -z "${KEYCHAIN_RIG-}" ] || rig_restart
        use_tmp "$(mktemp -d "$tmp/2.XXX")"
        attempt "$said" "$@"
        wait $! || bad=$?
        use_tmp "${tmp%/*}"
    fi
    cat "$said"
    rm "$said"
    failed=$((failed + bad))
    [ $((SECONDS - begun)) -lt 5 ] || printf '      (%d s)\n' $((SECONDS - begun))
}
# attempt FILE COMMAND...: starts one; its output goes to the file.
attempt() {
    # In the background, because `set -e` has no effect on the left of `||`.
    (
        failed=0
        "${@:2}"
        exit $((failed > 100 ? 100 : failed))
    ) >"$1" 2>&1 &
}

# beside COMMAND...: a section that runs in parallel with others, each with its own directories: mostly they
# wait. beside_all waits for them, and shows the output of each.
beside_running=()
beside() {
    [[ "$*" == *"$only"* ]] || return 0
    local own
    own=$(mktemp -d "$tmp/beside.XXXXXX")
    (
        failed=0
        use_tmp "$own"
        section "$@"
        exit $((failed > 100 ? 100 : failed))
    ) >"$own/said" 2>&1 &
    beside_running+=("$! $own/said")
}
beside_all() {
    local one bad
    for one in "${beside_running[@]}"; do
        bad=0
        wait "${one%% *}" || bad=$?
        failed=$((failed + bad))
        cat "${one#* }"
    done
    beside_running=()
}

# --- the binary -------------------------------------------------------------------------------------------

use_tmp() { tmp=$1 out=$1/stdout err=$1/stderr input=/dev/null; }
use_tmp "$tmp_root"
# world is the current home directory of the user, with its own vault. bus is the address of its session bus.
world='' bus='' limit=30
# More variables for the binary: NAME=value.
extra=()
# A machine may stall for a moment. A run is repeated if it took longer than $most ms or failed with $late_code, and if
# it changes nothing; a run that is always late counts as late. patience is how long one call to the keychain may take
# unless a script says otherwise.
most='' late_code='' patience=20s
# How long resolve may take, in ms, whatever the request.
answer_limit=1500
new_world() { enter "$(mktemp -d "$tmp/world.XXXXXX")"; }
enter() {
    world=$1
    vault=$world/.local/share/strongroom
    key=$world/.config/strongroom/key
    records=$vault/agents/main/records pending=$vault/agents/main/pending
}

sr() {
    local patient=()
    case " $* " in
        *' --keychain-timeout '* | *' resolve '*) ;;
        *) [ -z "$patience" ] || patient=(--keychain-timeout "$patience") ;;
    esac
    env -i -C "$world" HOME="$world" PATH=/usr/bin:/bin ${bus:+"DBUS_SESSION_BUS_ADDRESS=$bus"} "${extra[@]}" \
        timeout -k 1 "$limit" "$binary" "${patient[@]}" "$@"
}

# feed TEXT: sets the standard input of the next run.
feed() {
    printf '%s\n' "$1" >"$tmp/input"
    input=$tmp/input
}

# run ARGS...: runs the binary for at most $limit seconds; repeats a late run up to five times, and says so. Sets status
# and ms; the output is in $out and $err.
run() {
    local begun n
    for n in {1..5}; do
        begun=${EPOCHREALTIME/./} status=0
        sr "$@" <"$input" >"$out" 2>"$err" || status=$?
        ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
        if [ "$n" -eq 5 ] || ! was_late; then break; fi
        printf '      late, and asked again: %s (%s ms)\n' "$1" "$ms"
    done
    input=/dev/null
}
was_late() {
    if [ -n "$most" ] && [ "$ms" -gt "$most" ]; then return 0; fi
    if [ -n "$late_code" ] && grep -qE "\"code\": ?\"$late_code\"|\[$late_code\]" "$out" "$err"; then return 0; fi
    # resolve reports this itself if its time is over.
    grep -qF '"errors":{"request":{"code":"TIMEOUT"' "$out"
}

outcome() {
    case "$status" in
        124 | 137) printf 'ended after %s s: it hung' "$limit" ;;
        *) printf 'exit %s' "$status" ;;
    esac
}
# works WHAT ARGS...
works() {
    local what=$1
    shift
    run "$@"
    if [ "$status" -eq 0 ]; then ok "$what ($ms ms)"; else fail "$what ($(outcome))" "$err"; fi
}
# must ARGS...: a step that is not a check.
must() {
    run "$@"
    [ "$status" -eq 0 ] || { fail "strongroom $1 ($(outcome))" "$err"; return 1; }
}
# refused CODE STATUS WHAT ARGS...
refused() {
    local code=$1 expected=$2 what=$3
    shift 3
    run "$@"
    if [ "$status" = "$expected" ] && grep -qE "\[$code\]|\"code\": ?\"$code\"" "$err"; then
        ok "$what: $code, exit $status ($ms ms)"
    else
        fail "$what: not $code with exit $expected but $(outcome) ($ms ms)" "$err"
    fi
}
# code_of_error: prints the error code of the last run.
code_of_error() { grep -oE '\[[A-Z_]+\]|"code": ?"[A-Z_]+"' "$err" | grep -oE '[A-Z_]{4,}' | tail -n 1; }
# in_time MS WHAT: the last run took no longer than that.
in_time() {
    if [ "$ms" -le "$1" ]; then ok "$2 within $1 ms ($ms ms)"; else fail "$2 took $ms ms, more than $1 ms"; fi
}
# gives VALUE WHAT ARGS...: the run prints the value. Neither is shown.
gives() {
    local value=$1 what=$2
    shift 2
    run "$@"
    if printed "$value"; then
        ok "$what ($ms ms)"
    else
        fail "$what ($(outcome))" "$err"
    fi
}
# printed VALUE: the last run succeeded and printed exactly that.
printed() { [ "$status" -eq 0 ] && [ "$(cat "$out")" = "$1" ]; }
# json FILE EXPRESSION: evaluates a Python expression over the document d.
json() { "$rig_python" -c 'import json, sys; d = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }

# Made up: setup-tokens of the usual length, each with its own number.
filler=$(printf 'EXAMPLE%02d-' {1..20})
token() { printf 'sk-ant-oat01-%s%08d' "${filler:0:87}" "$1"; }
api_key() { printf 'sk-or-v1-%s%08d' "${filler:0:56}" "$1"; }

# paste ID NUMBER ARGS...: stores token NUMBER.
paste() {
    feed "$(token "$2")"
    run paste-token --provider "${1%%:*}" --profile-id "$1" "${@:3}"
}
pasted() {
    paste "$@"
    [ "$status" -eq 0 ] || { fail "paste of $1 ($(outcome))" "$err"; return 1; }
}

# request ID...: a request of the exec protocol, for the next run.
request() {
    local ids
    ids=$(printf ',"%s"' "$@")
    feed '{"protocolVersion":1,"provider":"strongroom","ids":['"${ids:1}]}"
}

# --- the keychain -----------------------------------------------------------------------------------------

# GNOME Keyring 42.1 sometimes forgets a new client, and fails an assertion if that client then opens a session
# (docs/decisions/0013); secret-tool's first call does. That is one more outage, which no check may depend on: it is
# reported, and the daemon is started again.
daemon_ended() { rig_gone "$(rig_pid daemon)" || ! rig_has_service; }
mend_daemon() {
    if daemon_ended; then
        printf '      the daemon ended by itself: %s\n' "$(grep -v '^$' "$KEYCHAIN_RIG/daemon.log" | tail -n 1)"
        rig_restart
    fi
}
daemon_faults() { find "$tmp" -name daemon.log -exec cat {} + | grep -c 'GLib-ERROR' || true; }

# rig KIND: starts a new rig, whose bus the next worlds use.
rig() {
    KEYCHAIN_KIND=$1
    KEYCHAIN_RIG=$(mktemp -d "$tmp/rig.XXXXXX")
    export KEYCHAIN_KIND KEYCHAIN_RIG
    rig_bus_start "${2:-alone}"
    rig_daemon_start
    bus=$DBUS_SESSION_BUS_ADDRESS
}
end_rigs() {
    local one
    while IFS= read -r one; do
        KEYCHAIN_RIG=$one
        rig_end || true
    done < <(find "$tmp_root" -type d -name 'rig.*')
    while IFS= read -r one; do
        kill "$(cat "$one")" 2>/dev/null || true
    done < <(find "$tmp_root" -name '*.pid')
}
at_end+=(end_rigs)

# items [NAME=VALUE...]: prints this home's items, one JSON line each.
items() { "$lib/keychain-items.py" list application=strongroom "home=$(realpath "$vault")" "$@"; }
items_count() { items "$@" | wc -l; }
# item_of FIELD ID [AGENT]: prints a field of the single item of a profile.
item_of() {
    items kind=record "agent=${3:-main}" "profile=$2" | tail -n 1 |
        "$rig_python" -c 'import json, sys; l = sys.stdin.readline(); print(json.loads(l)[sys.argv[1]] if l else "none")' "$1"
}

# Keeps the recovery key for item_generation.
keep_recovery_key() { run recovery-key && cp "$out" "$world/recovery-key"; }
# Prints what stock age finds in a profile's item: NAME, such as `generation`.
in_item() {
    item_of secret "$2" | age -d -i "$world/recovery-key" >"$tmp/opened" 2>"$err" || { printf 'unreadable\n'; return; }
    json "$tmp/opened" "d['$1']"
}
# item_is_current WHAT ID: the item has the generation that get returns.
item_is_current() {
    must get --json "$2" || return 0
    same "$(in_item generation "$2")" "$(json "$out" "d['generation']")" "$1" shown
}

# settle: removes encrypted copies that wait for a later process, as if a minute had passed and one had run.
settle() {
    rig_flush
    find "$vault" -path '*/pending/*' -type f -exec touch -d '2 minutes ago' {} +
    pasted settle:it 0 --store keychain
    # The copy that this command wrote.
    rig_flush
    find "$vault" -path '*/pending/*' -type f -exec touch -d '2 minutes ago' {} +
    pasted settle:file 0 --store file
    [ "$(find "$vault" -path '*/pending/*' -type f | wc -l)" = 0 ]
}

# watch_prompts: from here on, prompts_seen counts the calls on this rig's bus that show a prompt.
watch_prompts() {
    dbus-monitor --address "$bus" "type='method_call',interface='org.freedesktop.Secret.Prompt',member='Prompt'" \
        >"$KEYCHAIN_RIG/prompts" 2>&1 &
    printf '%s\n' "$!" >"$tmp/monitor-${KEYCHAIN_RIG##*.}.pid"
    # The monitor is running once it has seen one call.
    rig_wait 'the monitor' prompt_is_seen /canary/first
}
prompt_is_seen() {
    dbus-send --bus="$bus" --type=method_call --dest=org.freedesktop.DBus "$1" org.freedesktop.Secret.Prompt.Prompt string: || true
    grep -q "$1" "$KEYCHAIN_RIG/prompts"
}
prompts_seen() {
    rig_wait 'the monitor to have seen everything' prompt_is_seen /canary/last
    grep 'member=Prompt' "$KEYCHAIN_RIG/prompts" | grep -vc 'path=/canary/' || true
}

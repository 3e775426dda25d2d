#!/usr/bin/env bash
# Strongroom and a keychain that fails: stopped, silent, locked, gone, killed, late. Nothing hangs, each failure has
# its own code, `resolve` answers, and an outage at any call of a command loses nothing.
#
#   STRONGROOM=target/debug/strongroom tests/real/keychain-outages.sh
#
# budget: 300 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Needs no systemd, no network.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# shellcheck source=tests/real/lib/outage-steps.sh
. "${lib:?}/outage-steps.sh"
# Set by checks.sh, or read there.
# shellcheck disable=SC2154,SC2034

need gnome-keyring-daemon kwalletd5 dbus-daemon dbus-monitor secret-tool Xvfb

# How long a command may wait for the keychain here, and how long it may take in total on a busy machine, in ms.
call_ms=500
margin_ms=1500
command_ms=$((call_ms + margin_ms))

# Creates two vaults on the current rig: by_key, unlocked with a key file, and by_item, unlocked with the keychain.
# Both have kc:one in the keychain and file:one in a file, and no encrypted copy is waiting.
make_vaults() {
    local unlock
    for unlock in key-file keychain; do
        new_world
        must init --store keychain --unlock "$unlock"
        pasted kc:one 1
        pasted file:one 2 --store file
        must edit kc:one --host https://git.x.io --username AKIAEXAMPLE --helper aws
        holds "two stores, unlock by $unlock" settle
        if [ "$unlock" = key-file ]; then by_key=$world; else by_item=$world; fi
    done
}

# late CODE STATUS WHAT ARGS...: the command is refused with that code and status, in time.
late() {
    most=$command_ms refused "$1" "$2" "$3" --keychain-timeout "${call_ms}ms" "${@:4}"
    in_time "$command_ms" "$3"
}

# helpers CODE STATUS WHAT: git and AWS hear of it in time, each in its own way, and get nothing.
helpers() {
    local name
    for name in git aws; do
        if [ "$name" = git ]; then
            printf 'protocol=https\nhost=git.x.io\n\n' >"$tmp/input"
            input=$tmp/input most=$answer_limit refused "$1" 1 "$3: helper git" helper git get
        else
            most=$answer_limit refused "$1" "$2" "$3: helper aws" helper aws kc:one
        fi
        in_time "$answer_limit" "$3: helper $name"
        same "$(cat "$out")" '' "$3: helper $name prints nothing"
    done
}

# outage WHAT CODE STATUS: checks every command in this outage.
outage() {
    local what=$1 code=$2 expected=$3 late_code=KEYCHAIN_TIMEOUT n
    [ "$code" != KEYCHAIN_TIMEOUT ] || late_code=''
    enter "$by_key"
    late "$code" "$expected" "$what: get" get kc:one
    gives "$(token 2)" "$what: get from a file" --keychain-timeout "${call_ms}ms" get file:one
    request main/kc:one main/file:one
    most=$answer_limit works "$what: resolve" resolve
    in_time "$answer_limit" "$what: resolve"
    same "$(json "$out" "d['errors']['main/kc:one']['code'], len(d['errors']), list(d['values'])")" \
        "('$code', 1, ['main/file:one'])" "$what: resolve answers for each id" shown
    holds "$what: and gives the secret of the file" grep -qF -- "$(token 2)" "$out"
    helpers "$code" "$expected" "$what"
    most=$answer_limit works "$what: list" list
    in_time "$answer_limit" "$what: list"
    feed "$(token 3)"
    late "$code" "$expected" "$what: paste" paste-token --provider kc --profile-id kc:new --store keychain
    feed "$(token 3)"
    late "$code" "$expected" "$what: rotate" rotate kc:one
    late "$code" "$expected" "$what: move to the keychain" store move file:one --to keychain
    late "$code" "$expected" "$what: move to a file" store move kc:one --to file
    late "$code" "$expected" "$what: unlock-method add" unlock-method add keychain
    local verb
    for verb in 'status --check' verify doctor; do
        # shellcheck disable=SC2086 # two words
        most=$command_ms run --keychain-timeout "${call_ms}ms" $verb
        in_time "$command_ms" "$what: $verb ($(outcome))"
    done
    has "$out" 'wrong  keychain: ' "$what: doctor says so"

    enter "$by_item"
    late "$code" "$expected" "$what: get by keychain unlock" get file:one
    request main/kc:one main/file:one
    most=$answer_limit works "$what: resolve by keychain unlock" resolve
    in_time "$answer_limit" "$what: resolve by keychain unlock"
    same "$(json "$out" "sorted((k, e['code']) for k, e in d['errors'].items())")" \
        "[('main/file:one', '$code'), ('main/kc:one', '$code')]" "$what: resolve says why for each id" shown
    helpers "$code" "$expected" "$what, by keychain unlock"
    feed "$(token 3)"
    late "$code" "$expected" "$what: paste by keychain unlock" paste-token --provider kc --profile-id kc:new

    new_world
    late "$code" "$expected" "$what: init --store keychain" init --store keychain
    holds "$what: it made nothing" test ! -e "$vault" -a ! -e "$key"
    # Each has its own world, because it creates something.
    for n in {1..5}; do
        run --keychain-timeout "${call_ms}ms" init --json
        [ "$ms" -gt "$command_ms" ] || break
        new_world
    done
    exits "$status" 0 "$what: init" "$err"
    in_time "$command_ms" "$what: init"
    same "$(json "$out" "d['store'], d['unlock'], len(d['why']) > 20")" "('file', 'key-file', True)" \
        "$what: init takes files, and says why" shown
}

# after_outage WHAT: checks that everything is as it was.
after_outage() {
    for world in "$by_key" "$by_item"; do
        enter "$world"
        gives "$(token 1)" "after $1: the item is read" get kc:one
        gives "$(token 2)" "after $1: the file is read" get file:one
        run list --json
        same "$(json "$out" "sorted(p['profileId'] for a in d['agents'] for p in a['profiles'] if 'new' in p['profileId'])")" '[]' \
            "after $1: what was refused is not there" shown
        works "after $1: verify" verify
    done
}

# --- outages of GNOME Keyring -----------------------------------------------------------------------------

gnome_outages() {
    rig gnome
    make_vaults
    watch_prompts
    local direct=$bus

    rig_stop
    outage 'a stopped daemon' KEYCHAIN_TIMEOUT 75
    enter "$by_key"
    patience='' most=$((3000 + margin_ms)) refused KEYCHAIN_TIMEOUT 75 'a stopped daemon: get, by its own deadline' get kc:one
    in_time $((3000 + margin_ms)) 'a stopped daemon: get, by its own deadline'
    rig_go
    mend_daemon
    after_outage 'a stopped daemon'

    "$lib/dbus-cut.py" --silent "$tmp/silent" >"$tmp/silent.log" &
    printf '%s\n' "$!" >"$tmp/silent.pid"
    rig_wait 'the silent socket' grep -q ready "$tmp/silent.log"
    bus=unix:path=$tmp/silent
    outage 'a bus that never answers' KEYCHAIN_TIMEOUT 75
    bus=$direct

    rig_lock
    outage 'a locked keyring, no display' KEYCHAIN_LOCKED 77
    rig_unlock
    after_outage 'a locked keyring'

    rig_kill
    outage 'no keychain on the bus' KEYCHAIN_UNAVAILABLE 69
    rig_daemon_start
    after_outage 'no keychain on the bus'

    bus='' extra=("XDG_RUNTIME_DIR=$tmp/nowhere")
    outage 'no bus' KEYCHAIN_UNAVAILABLE 69
    extra=()
    bus=EXAMPLE-garbage
    outage 'garbage for an address' KEYCHAIN_UNAVAILABLE 69
    bad_addresses
    bus=$direct

    same "$(prompts_seen)" 0 'no prompt was raised in any of it' shown
    rig_end
}

bad_addresses() {
    local address late_code=KEYCHAIN_TIMEOUT
    enter "$by_key"
    for address in ';' ';;;' 'unix:' 'unix:path=' 'unix:path=/nonexistent/bus' 'unix:abstract=' 'tcp:host=127.0.0.1,port=1' \
        'tcp:host=127.0.0.1,port=99999' 'autolaunch:' 'nonsense:a=b' 'unix:path=/dev/null' "unix:path=$tmp" \
        "unix:path=$(printf 'x%.0s' {1..4000})" $'unix:path=/\e[31m' $'\xff\xfe' \
        "unixexec:path=/usr/bin/touch,argv1=$tmp/ran-a-program"; do
        bus=$address
        most=$command_ms run --keychain-timeout "${call_ms}ms" get kc:one
        if [ "$status" -eq 69 ] && [ "$(code_of_error)" = KEYCHAIN_UNAVAILABLE ] && [ "$ms" -le "$command_ms" ] &&
            ! grep -q $'\e' "$err"; then
            ok "the address ${address:0:40} ($ms ms)" | cat -v
        else
            fail "the address $(cat -v <<<"${address:0:40}"): $(outcome) $(code_of_error || true) ($ms ms)" "$err"
        fi
        request main/kc:one main/file:one
        most=$answer_limit run resolve
        if [ "$status" -ne 0 ] || [ "$ms" -gt "$answer_limit" ] || ! grep -qF KEYCHAIN_UNAVAILABLE "$out" || ! grep -qF -- "$(token 2)" "$out"; then
            fail "resolve with that address ($(outcome), $ms ms)" "$err"
        fi
    done
    holds 'no address runs a program' test ! -e "$tmp/ran-a-program"
}

# A keyring that was never created: there is no default collection.
no_collection() {
    rig gnome
    make_vaults
    rig_end_pid "$(rig_pid daemon)"
    rm -rf "$KEYCHAIN_RIG/share/keyrings"
    rig_env gnome-keyring-daemon --foreground --components=secrets --control-directory="$KEYCHAIN_RIG/control" \
        </dev/null >>"$KEYCHAIN_RIG/daemon.log" 2>&1 &
    disown
    rig_wait 'the Secret Service' rig_has_service
    rig_service_pid >"$KEYCHAIN_RIG/daemon.pid"
    outage 'no default collection' KEYCHAIN_NO_COLLECTION 78
    rig_end
}

# A display without a user: a program that raises a prompt waits forever.
display_and_no_one() {
    local xvfb
    Xvfb -displayfd 6 -nolisten tcp -screen 0 640x480x8 6>"$tmp/display" </dev/null >"$tmp/xvfb.log" 2>&1 &
    xvfb=$!
    printf '%s\n' "$xvfb" >"$tmp/xvfb.pid"
    local end=$((SECONDS + 20))
    until [ -s "$tmp/display" ] || [ "$SECONDS" -ge "$end" ]; do sleep 0.01; done
    DISPLAY=:$(cat "$tmp/display")
    export DISPLAY
    rig gnome activate
    dbus-update-activation-environment DISPLAY
    make_vaults
    watch_prompts
    rig_lock
    outage 'a locked keyring, a display and no one there' KEYCHAIN_LOCKED 77
    same "$(prompts_seen)" 0 'no prompt was raised on the display' shown
    # Shows that a program that asks on this display hangs: another program asks.
    local theirs=0
    env -i HOME="$world" DBUS_SESSION_BUS_ADDRESS="$bus" DISPLAY="$DISPLAY" timeout 10 secret-tool lookup application strongroom \
        >/dev/null 2>&1 || theirs=$?
    same "$theirs $(($(prompts_seen) > 0))" '124 1' 'secret-tool asks, and waits until it is ended' shown
    enter "$by_key"
    most=$command_ms run --keychain-timeout "${call_ms}ms" get kc:one
    in_time "$command_ms" "get while another's prompt stands ($(outcome) $(code_of_error || true))"

    # After a kill, D-Bus starts it again, locked.
    rig_end_pid "$(rig_pid daemon)" KILL
    # The first call starts it, and waits for it.
    late_code=KEYCHAIN_TIMEOUT late KEYCHAIN_LOCKED 77 'a daemon that D-Bus started again: get' get kc:one
    rig_end
    unset DISPLAY
    kill "$xvfb"
}

# --- outages of KWallet -----------------------------------------------------------------------------------

kwallet_outages() {
    rig kwallet
    make_vaults
    rig_stop
    outage 'a stopped KWallet' KEYCHAIN_TIMEOUT 75
    rig_go
    mend_daemon
    after_outage 'a stopped KWallet'
    rig_lock
    outage 'a closed wallet' KEYCHAIN_LOCKED 77
    rig_unlock
    after_outage 'a closed wallet'
    rig_end
}

steps() {
    rig "$1"
    outage_steps "${@:2}"
    rig_end
}

beside gnome_outages
beside steps gnome stop init unlock add rekey resolve
beside steps gnome stop move_in move_out paste remove
beside_all
beside no_collection
beside display_and_no_one
beside kwallet_outages
beside steps gnome kill init unlock add rekey resolve recover move_in move_out paste remove
beside_all
# The call succeeds, and its answer is lost.
beside steps gnome mute rekey move_in paste
# The call succeeds only after the command has ended and another one has run.
beside steps gnome hold paste paste_removed remove
beside steps kwallet kill init unlock add rekey move_in move_out paste remove
beside_all
finish keychain-outages

# To be sourced after checks.sh: an outage of the keychain at every call that a command makes.
# shellcheck shell=bash
# Set by checks.sh, or read there; functions are called by name.
# shellcheck disable=SC2154,SC2034,SC2317

# How long a call may take in these runs, in ms; and a whole command, including the delays of a busy machine.
call_limit=200
command_limit=2500

# proxy_start: starts a proxy for the rig's bus. Worlds bypass it, except in at_every_call.
proxy_start() {
    direct=$bus through=unix:path=$KEYCHAIN_RIG/proxy
    coproc PROXY { exec "$lib/dbus-cut.py" "$KEYCHAIN_RIG/proxy" "$KEYCHAIN_RIG/bus" 2>"$KEYCHAIN_RIG/proxy.log"; }
    local ready
    IFS= read -r -t 20 ready <&"${PROXY[0]}"
}
ask() {
    printf '%s\n' "$*" >&"${PROXY[1]}"
    IFS= read -r -t 20 answer <&"${PROXY[0]}" || { fail "the proxy answers '$*'" "$KEYCHAIN_RIG/proxy.log"; return 1; }
}

# steady COMMAND...: if the command fails because the daemon crashed, repeats it once with a new daemon.
steady() {
    "$@"
    if [ "$status" -ne 0 ] && daemon_ended; then
        mend_daemon
        "$@"
    fi
}

end_outage() {
    case "$1" in
        stop)
            rig_go
            mend_daemon
            ;;
        kill)
            rig_end_pid "$(rig_pid daemon)" KILL
            rig_daemon_start
            ;;
    esac
    ask heal
}

# through_proxy MS N ACTION COMMAND...: runs it with that outage, and sets at_status, at_ms and delivery.
through_proxy() {
    ask arm "$2" "$3" "$(rig_pid daemon)"
    bus=$through
    limit=10 run --keychain-timeout "${1}ms" "${@:4}"
    bus=$direct
    cp "$err" "$tmp/at-outage"
    cp "$out" "$tmp/at-outage-out"
    at_status=$status at_ms=$ms
    ask count
    delivery=${answer##* }
}

# at_every_call NAME ACTION COMMAND...: from the first call of a command to its last, the ACTION happens at
# that call. before_NAME N prepares a run, after_NAME N says by its status whether everything is as it should
# be when the outage has ended. Ends with the run that no outage reached.
at_every_call() {
    local name=$1 action=$2 n delivered=0 bad=0 worst=0 slowest=0 outlived=0 said='' late=0 again longest=$command_limit
    shift 2
    [ "$name" != resolve ] || longest=$answer_limit
    for ((n = 1; ; n++)); do
        [ "$n" -le 200 ] || { fail "$name: more than 200 calls"; return; }
        why='' again=no
        mend_daemon
        "before_$name" "$n"
        through_proxy "$call_limit" "$n" "$action" "$@"
        if [ "$delivery" = yes ]; then
            # Once more at this call: a machine may stall for a moment. A run that is always late counts as late.
            if [ "$at_ms" -gt "$longest" ] && [ "$late" -lt 4 ]; then
                again=yes late=$((late + 1))
            else
                late=0
                [ "$at_ms" -le "$worst" ] || worst=$at_ms slowest=$n
            fi
        else
            # A busy machine may have been late by itself, before the outage.
            "before_$name" "$n"
            through_proxy 5000 "$n" "$action" "$@"
            [ "$delivery" = yes ] || break
        fi
        delivered=$((delivered + 1))
        if [ "$at_status" -eq 0 ]; then
            outlived=$((outlived + 1))
        else
            case "$(cp "$tmp/at-outage" "$err" && code_of_error)" in
                KEYCHAIN_*) ;;
                *) why="exit $at_status with no code of a keychain" ;;
            esac
        fi
        if [ "$action" = hold ] && [ -z "$why" ]; then "meanwhile_$name" "$n" || why=${why:-'what came meanwhile failed'}; fi
        end_outage "$action"
        if [ -z "$why" ]; then "after_$name" "$n" || why=${why:-'it is not as it should be'}; fi
        if [ -n "$why" ]; then
            bad=$((bad + 1))
            cp "$tmp/at-outage" "$tmp/bad"
            said+=" at call $n: $why;"
        fi
        [ "$again" = no ] || n=$((n - 1))
    done
    end_outage none
    if [ "$delivered" -eq 0 ] || [ "$at_status" -ne 0 ]; then
        fail "$name, $action: $delivered outages delivered; without one: exit $at_status" "$tmp/at-outage"
        return
    elif [ "$bad" -eq 0 ]; then
        ok "$name, $action at each call: $delivered outages delivered, the command outlived $outlived"
    else
        fail "$name, $action at each call: $delivered outages delivered, $bad of them harm:$said" "$tmp/bad"
    fi
    ms=$worst
    in_time "$longest" "$name, $action: the slowest, at call $slowest"
}

# expects ID VALUE: get returns the value.
expects() {
    steady run get "$1"
    if printed "$2"; then return 0; fi
    why="get $1: $(outcome) $(code_of_error || true), or another value"
    return 1
}
verifies() {
    steady run verify
    [ "$status" -eq 0 ] && return 0
    why="verify: $(outcome): $(cat "$out" "$err" | head -n 2 | tr '\n' ' ')"
    return 1
}
count_unlock_files() { find "$vault/unlock" -type f -name '*.age' 2>/dev/null | wc -l; }

# --- init: a vault, or something that another init completes ------------------------------------------------

before_init() { new_world; }
after_init() {
    if [ "$at_status" -ne 0 ]; then
        [ ! -e "$vault/vault.json" ] || { why="it failed, and made a vault"; return 1; }
        steady run init --store keychain --unlock keychain
        [ "$status" -eq 0 ] || { why="another init: $(outcome) $(code_of_error || true)"; return 1; }
    fi
    [ "$(count_unlock_files)" = 1 ] || { why="$(count_unlock_files) unlock files"; return 1; }
    steady paste a:x "$1"
    # A daemon that loses its last seconds loses the item of a vault that is new and empty.
    if [ "$at_status" -eq 0 ] && [ "$status" -eq 65 ] && [ "$(code_of_error)" = KEYCHAIN_LOST ]; then
        [ "$KEYCHAIN_KIND" = kwallet ] || { why='the unlock item is lost'; return 1; }
        return 0
    fi
    [ "$status" -eq 0 ] || { why="paste: $(outcome) $(code_of_error || true)"; return 1; }
    expects a:x "$(token "$1")" && verifies
}

# --- paste: the new value if it said so, otherwise the old one ----------------------------------------------

setup_paste() {
    new_world
    must init --store keychain --unlock keychain
    pasted a:x 0
    rig_flush
    current=0
}
before_paste() { feed "$(token "$((1000 + $1))")"; }
meanwhile_paste() {
    [ "$at_status" -ne 0 ] || current=$((1000 + $1))
    steady paste a:x "$((2000 + $1))"
    [ "$status" -eq 0 ] || { why="a paste meanwhile: $(outcome)"; return 1; }
    # The delayed call arrives now, after this one.
    at_status=1 current=$((2000 + $1))
}
after_paste() {
    [ "$at_status" -ne 0 ] || current=$((1000 + $1))
    expects a:x "$(token "$current")" && verifies || return 1
    # The next write of any kind repairs the item; read it without the encrypted copy.
    steady paste other:one "$1"
    find "$pending" -type f -exec touch -d '2 minutes ago' {} + 2>/dev/null || true
    steady run verify
    steady paste other:one "$((1 + $1))"
    expects a:x "$(token "$current")"
}

# A paste that arrives after the profile was removed: it stays removed.
before_paste_removed() { before_paste "$1"; }
meanwhile_paste_removed() {
    steady run remove a:x --yes
    [ "$status" -eq 0 ] || { why="a removal meanwhile: $(outcome)"; return 1; }
}
after_paste_removed() {
    stays_removed || return 1
    steady paste a:x 0
    [ "$status" -eq 0 ] || { why="a paste after it: $(outcome)"; return 1; }
    expects a:x "$(token 0)" && verifies
}
stays_removed() {
    steady run get a:x
    [ "$status" -eq 66 ] || { why="what was removed: $(outcome)"; return 1; }
    steady run doctor --repair
    steady run get a:x
    [ "$status" -eq 66 ] || { why="what was removed, after doctor --repair: $(outcome)"; return 1; }
    verifies
}

# --- remove: gone if it said so, and what is stored later stays ---------------------------------------------

before_remove() {
    steady paste a:x 0
    # This is not a test of the encrypted copy.
    settle || why='the sealed copies stay'
}
meanwhile_remove() {
    steady paste a:x "$1"
    [ "$status" -eq 0 ] || { why="a paste meanwhile: $(outcome)"; return 1; }
    at_status=again
}
after_remove() {
    case "$at_status" in
        0) stays_removed ;;
        # The late removal may have removed the item; the credential still exists.
        again) expects a:x "$(token "$1")" && verifies ;;
        *) expects a:x "$(token 0)" && verifies ;;
    esac
}

# --- unlocking with the keychain: reading harms nothing ----------------------------------------------------

before_unlock() { :; }
after_unlock() { expects a:x "$(token 0)"; }

# --- resolve: always an answer, and every value that does not need the keychain -----------------------------

setup_resolve() {
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 0
    pasted a:file 2 --store file
    settle
}
before_resolve() { request main/a:x main/a:file main/a:none; }
after_resolve() {
    [ "$at_status" -eq 0 ] || { why="exit $at_status"; return 1; }
    [ "$again" = no ] || return 0
    local said
    said=$(json "$tmp/at-outage-out" "sorted(d['values']), {k: e['code'] for k, e in sorted(d['errors'].items())}")
    case "$said" in
        "(['main/a:file', 'main/a:x'], {'main/a:none': 'NOT_FOUND'})") ;;
        "(['main/a:file', 'main/a:x'], {'main/a:none': 'KEYCHAIN_"*"'})") ;;
        "(['main/a:file'], {'main/a:none': "*"', 'main/a:x': 'KEYCHAIN_"*"'})") ;;
        *)
            why="it said $said"
            return 1
            ;;
    esac
    expects a:x "$(token 0)"
}

# --- recover: what the recovery key opened can still be opened ----------------------------------------------

before_recover() {
    new_world
    must init --store keychain --unlock keychain
    pasted a:x 0
    pasted a:file 2 --store file
    settle || why='the sealed copies stay'
    keep_recovery_key
    rm -r "$vault/unlock"
    ln -sfn "$world/recovery-key" "$tmp/recovery-key"
}
after_recover() {
    if [ "$at_status" -ne 0 ]; then
        steady run recover --recovery-key "$world/recovery-key"
        [ "$status" -eq 0 ] || steady run recover --recovery-key "$world/recovery-key" --discard-unlock-files
        [ "$status" -eq 0 ] || { why="another recover: $(outcome) $(code_of_error || true)"; return 1; }
    fi
    [ "$(count_unlock_files)" = 1 ] || { why="$(count_unlock_files) unlock files"; return 1; }
    expects a:x "$(token 0)" && expects a:file "$(token 2)" && verifies
}

# --- unlock-method add: the key file opens the vault whatever happens ---------------------------------------

setup_add() {
    new_world
    must init --store file --unlock key-file
    pasted a:x 0
}
before_add() {
    if [ -e "$vault/unlock/keychain.age" ]; then must unlock-method remove keychain --yes; fi
}
after_add() {
    expects a:x "$(token 0)" && verifies || return 1
    if [ "$at_status" -ne 0 ]; then
        steady run unlock-method add keychain
        [ "$status" -ne 73 ] || steady run unlock-method add keychain --replace
        [ "$status" -eq 0 ] || { why="another add: $(outcome) $(code_of_error || true)"; return 1; }
    fi
    mv "$key" "$key.away"
    steady run get a:x
    mv "$key.away" "$key"
    if printed "$(token 0)"; then return 0; fi
    # A daemon that loses its last seconds may lose an item that it had confirmed.
    [ "$KEYCHAIN_KIND" = kwallet ] && [ "$at_status" -eq 0 ] && [ "$(code_of_error)" = KEYCHAIN_LOST ] && return 0
    why="the keychain alone: $(outcome) $(code_of_error || true)"
    return 1
}

# --- rekey: the old key or the new one opens every record ---------------------------------------------------

setup_rekey() {
    new_world
    must init --store keychain --unlock keychain
    pasted a:x 0
    pasted a:y 1
    pasted a:file 2 --store file
    rig_flush
}
before_rekey() { :; }
after_rekey() {
    expects a:x "$(token 0)" && expects a:y "$(token 1)" && expects a:file "$(token 2)" || return 1
    if [ "$at_status" -ne 0 ]; then
        steady run rekey --yes
        [ "$status" -eq 0 ] || { why="another rekey: $(outcome) $(code_of_error || true)"; return 1; }
        expects a:x "$(token 0)" && expects a:file "$(token 2)" || return 1
    fi
    verifies
}

# --- store move ---------------------------------------------------------------------------------------------

before_move_in() { must store move --to file; }
before_move_out() { must store move --to keychain; }
after_move() {
    expects a:x "$(token 0)" && expects a:y "$(token 1)" && expects a:file "$(token 2)" && verifies
}
after_move_in() { after_move; }
after_move_out() { after_move; }

# outage_steps ACTION NAME...: runs some of these on the current rig.
outage_steps() {
    local action=$1 name
    shift
    proxy_start
    for name in "$@"; do
        case "$name" in
            init) at_every_call init "$action" init --store keychain --unlock keychain ;;
            unlock) setup_paste && at_every_call unlock "$action" get a:x ;;
            add) setup_add && at_every_call add "$action" unlock-method add keychain ;;
            resolve) setup_resolve && at_every_call resolve "$action" resolve ;;
            recover) at_every_call recover "$action" recover --recovery-key "$tmp/recovery-key" ;;
            rekey) setup_rekey && at_every_call rekey "$action" rekey --yes ;;
            move_in) setup_rekey && at_every_call move_in "$action" store move --to keychain ;;
            move_out) setup_rekey && at_every_call move_out "$action" store move --to file ;;
            remove) setup_paste && at_every_call remove "$action" remove a:x --yes ;;
            paste | paste_removed) setup_paste && at_every_call "$name" "$action" paste-token --provider a --profile-id a:x ;;
            *) fail "no steps of $name" ;;
        esac
    done
}

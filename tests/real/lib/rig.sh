#!/usr/bin/env bash
# A private session bus, and on it a real keychain daemon with an unlocked keyring. To be sourced, or run:
#
#   rig.sh VERB      does rig_VERB (lock, unlock, stop, go, kill, daemon_start, ...) to the rig in KEYCHAIN_RIG
#
# KEYCHAIN_KIND is gnome or kwallet, KEYCHAIN_RIG a directory of its own, mode 0700. The daemon lives in that
# directory (including HOME), so that the caller's environment is unchanged except for
# DBUS_SESSION_BUS_ADDRESS. Process ids are in files there: bus.pid, daemon.pid.
#
# Every wait is for an event, checked every 10 ms, and ends after 20 s.
# shellcheck disable=SC2153 # the script that sources it sets KEYCHAIN_KIND and KEYCHAIN_RIG

# The rig uses Debian's tools, whatever else is on the PATH, because the daemons are Debian's too.
rig_python=/usr/bin/python3
rig_password=EXAMPLE-keyring

rig_die() {
    printf 'rig: %s\n' "$*" >&2
    return 1
}

# rig_wait WHAT COMMAND...: waits until the command succeeds.
rig_wait() {
    local what=$1 end=$((SECONDS + 20))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$end" ] || { rig_die "waited 20 s for $what"; return 1; }
        sleep 0.01
    done
}

# rig_env COMMAND...: execs the command in the rig's environment; use it only in the background.
rig_env() {
    exec env -i HOME="$KEYCHAIN_RIG" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$KEYCHAIN_RIG/run" \
        XDG_DATA_HOME="$KEYCHAIN_RIG/share" XDG_CONFIG_HOME="$KEYCHAIN_RIG/config" \
        XDG_CACHE_HOME="$KEYCHAIN_RIG/cache" QT_QPA_PLATFORM=offscreen LC_ALL=C \
        DBUS_SESSION_BUS_ADDRESS="unix:path=$KEYCHAIN_RIG/bus" ${DISPLAY:+"DISPLAY=$DISPLAY"} "$@"
}

# rig_call DESTINATION PATH METHOD ARGUMENTS...: one call on the rig's bus, within 10 s; prints the answer.
rig_call() {
    local destination=$1 path=$2
    shift 2
    dbus-send --bus="unix:path=$KEYCHAIN_RIG/bus" --reply-timeout=10000 --print-reply=literal \
        --dest="$destination" "$path" "$@"
}

rig_pid() { cat "$KEYCHAIN_RIG/$1.pid" 2>/dev/null; }
rig_gone() { [ -z "$1" ] || ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]; }
rig_has_owner() {
    rig_call org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner "string:$1" 2>/dev/null | grep -q true
}
rig_has_service() { rig_has_owner org.freedesktop.secrets; }
rig_has_no_service() { ! rig_has_service; }
# Prints which process is the Secret Service now: the rig's daemon, or one that D-Bus started.
rig_service_pid() {
    rig_call org.freedesktop.DBus / org.freedesktop.DBus.GetConnectionUnixProcessID \
        string:org.freedesktop.secrets 2>/dev/null | awk '{ print $2 }'
}

# --- the bus ----------------------------------------------------------------------------------------------

# rig_bus_start alone|activate: with `activate` the bus starts services by their files, as on a desktop;
# otherwise only what the rig starts is on it.
rig_bus_start() {
    local services=''
    [ "$1" = alone ] || services='<standard_session_servicedirs/>'
    (umask 077 && mkdir -p "$KEYCHAIN_RIG"/{run,share/kwalletd,config,cache})
    rm -f "$KEYCHAIN_RIG/bus"
    cat >"$KEYCHAIN_RIG/bus.conf" <<CONF
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=$KEYCHAIN_RIG/bus</listen>
  <auth>EXTERNAL</auth>
  $services
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
CONF
    # The signal ends it if this shell is killed.
    rig_env setpriv --pdeathsig TERM dbus-daemon --config-file="$KEYCHAIN_RIG/bus.conf" --nofork --nopidfile \
        --nosyslog </dev/null >>"$KEYCHAIN_RIG/bus.log" 2>&1 &
    printf '%s\n' "$!" >"$KEYCHAIN_RIG/bus.pid"
    export DBUS_SESSION_BUS_ADDRESS=unix:path=$KEYCHAIN_RIG/bus
    rig_wait 'the bus' test -S "$KEYCHAIN_RIG/bus"
}

# --- the daemon -------------------------------------------------------------------------------------------

# Starts the daemon, with its keyring unlocked; creates the keyring if it does not exist.
rig_daemon_start() {
    rig_wait 'the last daemon to leave the bus' rig_has_no_service
    if [ "$KEYCHAIN_KIND" = kwallet ]; then rig_kwallet_start; else rig_gnome_start; fi
    KEYCHAIN_PID=$(rig_pid daemon)
    export KEYCHAIN_PID
    rig_wait 'an unlocked keyring' rig_is_unlocked
}

rig_gnome_start() {
    printf '%s' "$rig_password" | rig_env gnome-keyring-daemon --foreground --unlock --components=secrets \
        --control-directory="$KEYCHAIN_RIG/control" >>"$KEYCHAIN_RIG/daemon.log" 2>&1 &
    # The shell need not tell how it ended.
    disown
    rig_wait 'the Secret Service' rig_has_service
    rig_service_pid >"$KEYCHAIN_RIG/daemon.pid"
}

rig_kwallet_start() {
    if ! [ -e "$KEYCHAIN_RIG/wallet-key" ]; then
        printf '[Wallet]\nEnabled=true\nFirst Use=false\nDefault Wallet=kdewallet\nUse One Wallet=true\n\n[org.freedesktop.secrets]\napiEnabled=true\n' \
            >"$KEYCHAIN_RIG/config/kwalletrc"
        # As the PAM module does: PBKDF2-HMAC-SHA512, 50,000 rounds, 56 bytes of salt and of key.
        "$rig_python" - "$KEYCHAIN_RIG/share/kwalletd/kdewallet.salt" "$rig_password" >"$KEYCHAIN_RIG/wallet-key" <<'PY'
import hashlib, os, sys
salt = os.urandom(56)
open(sys.argv[1], "wb").write(salt)
print(",".join(map(str, hashlib.pbkdf2_hmac("sha512", sys.argv[2].encode(), salt, 50000, 56))))
PY
        # Its Secret Service lists a wallet that the first start created only after a restart.
        rig_kwallet_run
        rig_wait 'a wallet' rig_wallet_open
        rig_end_pid "$(rig_pid daemon)"
        rig_wait 'the first daemon to leave the bus' rig_has_no_service
    fi
    rig_kwallet_run
    rig_wait 'an open wallet' rig_wallet_open
}

rig_kwallet_run() {
    rig_env kwalletd5 </dev/null >>"$KEYCHAIN_RIG/daemon.log" 2>&1 &
    # The shell need not tell how it ended.
    disown
    rig_wait 'the Secret Service' rig_has_service
    rig_service_pid >"$KEYCHAIN_RIG/daemon.pid"
}

rig_wallet() { rig_call org.kde.kwalletd5 /modules/kwalletd5 "org.kde.KWallet.$1" "${@:2}" 2>/dev/null; }
rig_wallet_open() {
    rig_wallet pamOpen string:kdewallet "array:byte:$(cat "$KEYCHAIN_RIG/wallet-key")" int32:0 >/dev/null
    rig_wallet isOpen string:kdewallet | grep -q true
}

rig_collection() {
    rig_call org.freedesktop.secrets /org/freedesktop/secrets org.freedesktop.Secret.Service.ReadAlias \
        string:default | tr -d ' '
}

rig_is_unlocked() {
    if [ "$KEYCHAIN_KIND" = kwallet ]; then
        rig_wallet isOpen string:kdewallet | grep -q true
    else
        local collection
        collection=$(rig_collection) && [ "$collection" != / ] &&
            rig_call org.freedesktop.secrets "$collection" org.freedesktop.DBus.Properties.Get \
                string:org.freedesktop.Secret.Collection string:Locked | grep -q false
    fi
}
rig_is_locked() { ! rig_is_unlocked; }

rig_lock() {
    if [ "$KEYCHAIN_KIND" = kwallet ]; then
        rig_wallet closeAllWallets >/dev/null
    else
        rig_call org.freedesktop.secrets /org/freedesktop/secrets org.freedesktop.Secret.Service.Lock \
            "array:objpath:$(rig_collection)" >/dev/null
    fi
    rig_wait 'a locked keyring' rig_is_locked
}

rig_unlock() {
    if [ "$KEYCHAIN_KIND" = kwallet ]; then
        rig_wait 'an open wallet' rig_wallet_open
    else
        # The control protocol of the PAM module: a byte for the credentials, then the length,
        # the operation (1: unlock) and the password.
        "$rig_python" - "$KEYCHAIN_RIG/control/control" "$rig_password" <<'PY'
import socket, struct, sys
control, password = socket.socket(socket.AF_UNIX), sys.argv[2].encode()
control.settimeout(10)
control.connect(sys.argv[1])
control.sendall(b"\0" + struct.pack(">III", 12 + len(password), 1, len(password)) + password)
sys.exit(0 if control.recv(8) == struct.pack(">II", 8, 0) else "the keyring was not unlocked")
PY
    fi
    rig_wait 'an unlocked keyring' rig_is_unlocked
}

# KWallet keeps new values in memory for five seconds; closing the wallet writes them.
rig_flush() { [ "$KEYCHAIN_KIND" != kwallet ] || { rig_lock && rig_unlock; }; }

rig_stopped() { [ "$(ps -o stat= -p "$(rig_pid daemon)" | cut -c1)" = T ]; }
rig_running() { ! rig_stopped; }
rig_stop() { kill -STOP "$(rig_pid daemon)" && rig_wait 'the daemon to stop' rig_stopped; }
rig_go() { kill -CONT "$(rig_pid daemon)" && rig_wait 'the daemon to go on' rig_running; }

# rig_end_pid PID [SIGNAL]
rig_end_pid() {
    [ -n "${1-}" ] || return 0
    kill "-${2:-TERM}" "$1" 2>/dev/null || true
    kill -CONT "$1" 2>/dev/null || true
    rig_wait "process $1 to end" rig_gone "$1"
}

rig_kill() {
    rig_end_pid "$(rig_pid daemon)" KILL
    rig_wait 'the daemon to leave the bus' rig_has_no_service
}

# Starts a new daemon after one that was killed, or ended.
rig_restart() {
    rig_end_pid "$(rig_pid daemon)" KILL
    rig_daemon_start
}

# Ends the bus and everything on it.
rig_end() {
    local started=''
    started=$(rig_service_pid)
    rig_end_pid "$(rig_pid daemon)" KILL
    if [ "$started" != "$(rig_pid daemon)" ]; then rig_end_pid "$started" KILL; fi
    rig_end_pid "$(rig_pid bus)"
    rm -f "$KEYCHAIN_RIG"/*.pid
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    : "${KEYCHAIN_KIND:?only inside with-keychain.sh}" "${KEYCHAIN_RIG:?}"
    "rig_$1" "${@:2}"
fi

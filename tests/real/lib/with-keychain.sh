#!/usr/bin/env bash
# Runs a command on a private session bus with a real, unlocked GNOME Keyring or KWallet, and returns its status.
#
#   with-keychain.sh gnome|kwallet COMMAND...
#
# The command gets DBUS_SESSION_BUS_ADDRESS; KEYCHAIN_PID, the daemon; and KEYCHAIN_RIG with KEYCHAIN_KIND,
# for `rig.sh lock|unlock|stop|go|kill|restart` next to this file.
set -euo pipefail
umask 077
unset DISPLAY WAYLAND_DISPLAY
KEYCHAIN_KIND=$1
shift
KEYCHAIN_RIG=$(mktemp -d)
export KEYCHAIN_KIND KEYCHAIN_RIG
# shellcheck source=tests/real/lib/rig.sh
. "$(dirname "${BASH_SOURCE[0]}")/rig.sh"
trap 'rig_end; rm -rf "$KEYCHAIN_RIG"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
rig_bus_start alone
rig_daemon_start
"$@"

#!/usr/bin/env bash
# Strongroom on a real GNOME Keyring, headless: everything in lib/keychain-*.sh.
#
#   STRONGROOM=target/debug/strongroom tests/real/gnome-keyring.sh
#
# budget: 240 s
# Prints a line `ok: ...` or `FAILED: ...` for each check. Needs no display, no systemd, no network.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# shellcheck source=tests/real/lib/keychain-checks.sh
. "${lib:?}/keychain-checks.sh"
# shellcheck source=tests/real/lib/keychain-neighbours.sh
. "$lib/keychain-neighbours.sh"
# shellcheck source=tests/real/lib/keychain-losses.sh
. "$lib/keychain-losses.sh"
# shellcheck source=tests/real/lib/keychain-steering.sh
. "$lib/keychain-steering.sh"

need gnome-keyring-daemon dbus-daemon dbus-monitor secret-tool age
rig gnome
keychain_checks 40
finish gnome-keyring

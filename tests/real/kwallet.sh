#!/usr/bin/env bash
# Strongroom on a real KWallet 5, headless, through its Secret Service: everything in lib/keychain-*.sh.
#
#   STRONGROOM=target/debug/strongroom tests/real/kwallet.sh
#
# budget: 240 s
# once: as an ordinary user
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

need kwalletd5 dbus-daemon dbus-monitor secret-tool age
rig kwallet
# One key exchange in 300 fails if a client sends its public key without the leading zeros.
keychain_checks 400
finish kwallet

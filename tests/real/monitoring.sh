#!/usr/bin/env bash
# The monitoring of contrib/, run for real: the watch script with a stand-in notifier at each exit status, the
# Termux script with stand-ins of Termux' commands, the cron line, and the units before systemd's own verifier.
#
#   STRONGROOM=target/debug/strongroom tests/real/monitoring.sh
#
# budget: 30 s
# Prints a line `ok: ...` or `FAILED: ...` for each check.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need systemd-analyze

mkdir -p "$tmp/home/.local/bin" "$tmp/bin"
install -m 755 "$binary" "$tmp/home/.local/bin/strongroom"
install -m 755 "$root/contrib/strongroom-watch" "$tmp/home/.local/bin/strongroom-watch"
install -m 755 "$root/contrib/termux/strongroom-watch-termux" "$tmp/home/.local/bin/strongroom-watch-termux"

# In an empty environment, as cron and services have it.
clean() { env -i -C "$tmp" HOME="$tmp/home" PATH="$tmp/bin:$tmp/home/.local/bin:/usr/bin:/bin" XDG_RUNTIME_DIR="$tmp" "$@"; }
paste() { printf '%s' "$1" | clean strongroom paste-token --provider "$2" --expires-in "$3" >/dev/null; }
secret=made-up-canary-token

# The stand-in notifier keeps the message and the document.
cat >"$tmp/bin/notifier" <<NOTIFIER
#!/bin/sh
printf '%s\n' "\$1" >>"$tmp/message"
cat >"$tmp/document"
NOTIFIER
chmod 755 "$tmp/bin/notifier"
# watch STATUS WHAT [OPTIONS...]: runs the script and looks at its exit status.
watch() {
    local expected=$1 what=$2 status=0
    shift 2
    rm -f "$tmp/message" "$tmp/document"
    # shellcheck disable=SC2016 # the script's shell is to expand it
    clean STRONGROOM_NOTIFY='notifier "$1"' strongroom-watch "$@" >"$tmp/said" 2>&1 || status=$?
    exits "$status" "$expected" "$what" "$tmp/said"
}

# --- the watch script -------------------------------------------------------------------------------------

clean strongroom init --store file >/dev/null 2>&1
watch 1 'an empty vault is exit 1'
has "$tmp/message" 'no profile at all' '... and the notifier is told so'

paste "$secret" openrouter 365d
watch 0 'all usable is exit 0'
if [ -e "$tmp/message" ]; then fail 'nothing is said when all is well' "$tmp/message"; else ok 'nothing is said when all is well'; fi

paste "$secret" groq 2h
watch 2 'one that expires within a day is exit 2'
has "$tmp/message" 'expires soon: groq:manual expiring' '... and the notifier is told which'
has "$tmp/document" '"exit": 2' '... and is given the document'
lacks "$tmp/document" "$secret" '... without a secret'
watch 0 'the window can be set' --expiring-within 1h

paste "$secret" mistral 1s
# A second passes by the clock of the file system, not by waiting for it.
while [ "$(clean strongroom status --plain --provider mistral | cut -f 4)" != expired ]; do :; done
watch 1 'an expired one is exit 1, whatever else is expiring'
has "$tmp/message" 'groq:manual expiring' '... and both are named'
has "$tmp/message" 'mistral:manual expired' '... the expired one too'

status=0
clean STRONGROOM_NOTIFY='false' strongroom-watch >"$tmp/said" 2>&1 || status=$?
exits "$status" 74 'a notifier that fails is not taken for told' "$tmp/said"
status=0
clean strongroom-watch >"$tmp/said" 2>&1 || status=$?
exits "$status" 1 'without a notifier the line is printed' "$tmp/said"
has "$tmp/said" 'mistral:manual expired' '... with what is wrong'
watch 66 'a check that fails is told as such' --home "$tmp/nowhere"
has "$tmp/message" 'the check itself failed (exit 66)' '... with its exit status'

# --- Termux -----------------------------------------------------------------------------------------------

for command in termux-notification termux-notification-remove; do
    cat >"$tmp/bin/$command" <<STANDIN
#!/bin/sh
printf '%s\n' "$command \$*" >>"$tmp/phone"
STANDIN
    chmod 755 "$tmp/bin/$command"
done
status=0
clean strongroom-watch-termux >"$tmp/said" 2>&1 || status=$?
exits "$status" 1 'Termux: an expired one is exit 1' "$tmp/said"
has "$tmp/phone" 'termux-notification --id strongroom' 'Termux: a notification is shown'
has "$tmp/phone" 'mistral:manual expired' '... with what is wrong'
clean strongroom remove mistral:manual --yes >/dev/null 2>&1
clean strongroom remove groq:manual --yes >/dev/null 2>&1
status=0
clean strongroom-watch-termux >"$tmp/said" 2>&1 || status=$?
exits "$status" 0 'Termux: all usable is exit 0' "$tmp/said"
has "$tmp/phone" 'termux-notification-remove strongroom' '... and the notification is taken away'
printf '#!/bin/sh\nexit 255\n' >"$tmp/bin/ssh"
chmod 755 "$tmp/bin/ssh"
status=0
clean STRONGROOM_HOST=host.example strongroom-watch-termux >"$tmp/said" 2>&1 || status=$?
exits "$status" 255 'Termux: a host that cannot be reached is told' "$tmp/said"
has "$tmp/phone" 'host.example cannot be reached' '... by its name'

# --- cron -------------------------------------------------------------------------------------------------

# What cron does with a line: everything behind the five fields goes to sh.
command=$(sed -n 's/^0 8 \* \* \* //p' "$root/contrib/cron/strongroom-watch.cron")
paste "$secret" groq 2h
clean sh -c "$command" >"$tmp/said" 2>&1
has "$tmp/said" 'expires soon: groq:manual expiring' 'cron: the line prints what is to be mailed'
clean strongroom remove groq:manual --yes >/dev/null 2>&1
clean sh -c "$command" >"$tmp/said" 2>&1
if [ -s "$tmp/said" ]; then fail 'cron: all usable prints nothing, so nothing is mailed' "$tmp/said"; else ok 'cron: all usable prints nothing, so nothing is mailed'; fi

# --- the units --------------------------------------------------------------------------------------------

# The verifier wants the programs to be there: the units are checked with stand-ins in their place.
units=$tmp/units
mkdir "$units"
printf '#!/bin/sh\n' >"$tmp/bin/openclaw"
chmod 755 "$tmp/bin/openclaw"
for unit in "$root"/contrib/systemd/*; do
    sed -e "s|%h/|$tmp/home/|g" -e "s|/usr/local/bin/openclaw|$tmp/bin/openclaw|" \
        -e "s|/var/lib/openclaw/bin/|$tmp/home/.local/bin/|" -e '/^Documentation=man:/d' "$unit" >"$units/${unit##*/}"
done
# verify UNIT [--user]: nothing may be said of it.
verify() {
    local unit=$1 status=0
    shift
    systemd-analyze verify --man=no --recursive-errors=no "$@" "$units/$unit" >"$tmp/said" 2>&1 || status=$?
    exits "$status" 0 "systemd accepts $unit" "$tmp/said"
    lacks "$tmp/said" "$unit" '... and says nothing about it'
}
verify openclaw-gateway.service
# With a key that is not sealed, as the unit's comment has it.
sed -e '/^LoadCredentialEncrypted=/d' -e 's/^#   LoadCredential=/LoadCredential=/' \
    "$units/openclaw-gateway.service" >"$units/openclaw-gateway-plain.service"
has "$units/openclaw-gateway-plain.service" LoadCredential=strongroom-key:/ 'the unit can take a key that is not sealed'
verify openclaw-gateway-plain.service
verify strongroom-watch.service
verify strongroom-watch.timer
printf 'OnCalendarr=x\n' >>"$units/strongroom-watch.timer"
systemd-analyze verify --man=no "$units/strongroom-watch.timer" >"$tmp/said" 2>&1 || true
has "$tmp/said" 'OnCalendarr' 'the verifier does look: it names a word that is wrong'
calendar=$(sed -n 's/^OnCalendar=//p' "$root/contrib/systemd/strongroom-watch.timer")
systemd-analyze calendar "$calendar" >"$tmp/said" 2>&1
has "$tmp/said" '08:00:00' 'the timer runs at eight'

# What the gateway's unit gives: the key as strongroom-key in CREDENTIALS_DIRECTORY, and nothing else.
name=$(sed -n 's/^LoadCredentialEncrypted=//p' "$root/contrib/systemd/openclaw-gateway.service")
mkdir "$tmp/credentials"
mv "$tmp/home/.config/strongroom/key" "$tmp/credentials/$name"
status=0
clean strongroom --no-input get openrouter:manual >"$tmp/said" 2>&1 || status=$?
exits "$status" 77 'without the credential the vault is locked' "$tmp/said"
status=0
clean CREDENTIALS_DIRECTORY="$tmp/credentials" strongroom --no-input get openrouter:manual >"$tmp/said" 2>&1 || status=$?
exits "$status" 0 "the credential $name opens it"
has "$tmp/said" "$secret" '... and the secret is had'

finish monitoring

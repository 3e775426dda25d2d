#!/usr/bin/env bash
# The monitoring of contrib/, run for real: the watch script with a stand-in notifier at each exit status, the
# Termux script with stand-ins of Termux' commands and of ssh, the cron lines in cron's environment, and the units
# before systemd's own verifier.
#
#   STRONGROOM=target/debug/strongroom tests/real/monitoring.sh
#
# budget: 30 s
# Prints a line `ok: ...` or `FAILED: ...` for each check.
# Much of what is in single quotes is for another shell to expand, or for none.
# shellcheck disable=SC2016
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need systemd-analyze busybox

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
    : >"$tmp/message"
    : >"$tmp/document"
    clean STRONGROOM_NOTIFY='notifier "$1"' strongroom-watch "$@" >"$tmp/said" 2>&1 || status=$?
    exits "$status" "$expected" "$what" "$tmp/said"
}

# quiet FILE WHAT: the file is empty or does not exist.
quiet() { if [ -s "$1" ]; then fail "$2" "$1"; else ok "$2"; fi; }
# outcome STATUS WHAT COMMAND...: runs the command and checks its exit status; its output goes to $tmp/said.
outcome() {
    local expected=$1 what=$2 status=0
    shift 2
    "$@" >"$tmp/said" 2>&1 || status=$?
    exits "$status" "$expected" "$what" "$tmp/said"
}

# --- the watch script -------------------------------------------------------------------------------------

clean strongroom init --store file >/dev/null 2>&1
watch 1 'an empty vault is exit 1'
has "$tmp/message" 'no profiles' '... and the notifier is told so'

paste "$secret" openrouter 365d
watch 0 'all usable is exit 0'
quiet "$tmp/message" 'nothing is said when all is well'

mkdir "$tmp/home/.openclaw"
printf '{ agents: { defaults: { model: { primary: "xai/grok-x" } } } }' >"$tmp/home/.openclaw/openclaw.json"
watch 1 'a model whose provider has no key is exit 1'
has "$tmp/message" 'xai has no key' '... and the notifier is told which'
rm -r "$tmp/home/.openclaw"

paste "$secret" groq 2h
watch 2 'one that expires within a day is exit 2'
has "$tmp/message" 'expires soon: groq:manual expiring' '... and the notifier is told which'
has "$tmp/document" '"exit": 2' '... and is given the document'
watch 2 'the same again is told again'
has "$tmp/message" 'expires soon: groq:manual expiring' '... for no state is kept'
lacks "$tmp/document" "$secret" '... without a secret'
watch 0 'the window can be set' --expiring-within 1h

paste "$secret" mistral 1s
# A second passes on the clock of the file system, without a wait.
while [ "$(clean strongroom status --plain --provider mistral | cut -f 4)" != expired ]; do :; done
watch 1 'an expired one is exit 1, whatever else is expiring'
has "$tmp/message" 'groq:manual expiring' '... and both are named'
has "$tmp/message" 'mistral:manual expired' '... the expired one too'

outcome 74 'a notifier that fails is not taken for told' clean STRONGROOM_NOTIFY='exit 3' strongroom-watch
has "$tmp/said" 'STRONGROOM_NOTIFY failed (exit 3)' '... and says so'
has "$tmp/said" 'mistral:manual expired' '... with what it was to tell'
outcome 1 'without a notifier the line is printed' clean strongroom-watch
has "$tmp/said" 'mistral:manual expired' '... with what is wrong'
watch 66 'a check that fails is told as such' --home "$tmp/nowhere"
has "$tmp/message" 'the check itself failed (exit 66, NO_VAULT): run strongroom doctor' '... with its exit status'
has "$tmp/document" '{"error":{"code":"NO_VAULT"' '... and the document of its error'
watch 64 'a wrong option is told as such' --no-such-option
has "$tmp/message" 'strongroom status --help' '... with where to look'
watch 1 'another agent is looked at by name' --agent ops
has "$tmp/message" 'Strongroom: agent ops: ' '... and named in the line'
paste_for() { printf '%s' "$secret" | clean strongroom --agent "$1" paste-token --provider "$2" --expires-in "$3" >/dev/null; }
paste_for ops zai 365d
watch 1 'all agents are looked at, and the worst counts' --all-agents
has "$tmp/message" 'agent main: groq:manual expiring, agent main: mistral:manual expired' '... each with its agent'
lacks "$tmp/message" 'agent ops: ' '... if anything is wrong with it'
has "$tmp/document" '"agents": [' '... and the notifier is given all of them'
paste_for ops zai 2h
watch 2 'one agent alone can be looked at still' --agent ops
has "$tmp/message" 'agent ops: a credential expires soon: zai:manual expiring' '... with its own state'
watch 1 'an expiring one of another agent hides no expired one' --all-agents
has "$tmp/message" 'agent ops: zai:manual expiring' '... and is named'
clean strongroom --agent ops remove zai:manual --yes >/dev/null 2>&1
watch 1 'an agent whose profiles were removed is not missing any' --all-agents
lacks "$tmp/message" 'no profiles' '... and is not named'
outcome 0 '--help shows how it is used' clean strongroom-watch --help
has "$tmp/said" 'STRONGROOM_UNVERIFIED' '... with its variables'
for other in /bin/true /bin/false; do
    outcome 70 'a program that gives no answer is taken neither for all usable nor for expired' clean STRONGROOM_BIN="$other" strongroom-watch
    has "$tmp/said" "$other printed no answer: check that it is strongroom" '... and is named'
done

# More than fits on a command line, and more than a pipe holds for a command that does not read it.
cat >"$tmp/bin/many" <<'MANY'
#!/bin/sh
awk 'BEGIN {
    print "{\n  \"agent\": \"main\",\n  \"check\": {\n    \"exit\": 1,\n    \"reasons\": ["
    for (i = 1; i <= 9000; i++) printf "      {\n        \"code\": \"expired\",\n        \"profileId\": \"made-up:profile-%05d\"\n      }%s\n", i, i < 9000 ? "," : ""
    print "    ]\n  }\n}"
}'
exit 1
MANY
chmod 755 "$tmp/bin/many"
outcome 1 'nine thousand that are expired can be told' clean STRONGROOM_BIN=many STRONGROOM_NOTIFY='printf "%s\n" "$1"' strongroom-watch
has "$tmp/said" 'made-up:profile-00020 expired and 8980 more' '... the first of them by name'
same "$(wc -l <"$tmp/said")" 1 '... and nothing else is said' shown

# No part of the message is run, whatever the paths in it are called.
outcome 127 'what the line quotes is not run' \
    clean STRONGROOM_BIN='/no/$(touch hit)`touch hit`"; touch hit; "' STRONGROOM_NOTIFY='notifier "$1"' strongroom-watch
has "$tmp/message" '$(touch hit)`touch hit`"; touch hit; "' '... and reaches the notifier as it is'
if [ -e "$tmp/hit" ]; then fail 'a command in a path was run'; else ok '... and none is run'; fi

# --- records that cannot be opened ------------------------------------------------------------------------

key=$tmp/home/.config/strongroom/key
clean strongroom remove mistral:manual --yes >/dev/null 2>&1
mv "$key" "$tmp/key"
watch 77 'a lost key is told' --expiring-within 1h
has "$tmp/message" '2 of 2 profiles are not verified: the vault is locked: no key found' '... with what is wrong'
has "$tmp/message" 'Run strongroom doctor' '... and what to do'
has "$tmp/document" '"record": "unverified"' '... and the document'
watch 77 '... of every agent' --expiring-within 1h --all-agents
has "$tmp/message" '2 of 2 profiles are not verified: the vault is locked: no key found' '... once'
watch 2 'if one also expires soon, the exit status says that'
has "$tmp/message" 'groq:manual expiring; 2 of 2 profiles are not verified' '... and the line both'
watch 0 'a key file that is named by an option opens it' --expiring-within 1h --key-file "$tmp/key"
watch 77 'one that is named and not there is told' --expiring-within 1h --key-file "$tmp/nowhere"
has "$tmp/message" "key file $tmp/nowhere does not exist" '... by its name'
export_unverified() { clean STRONGROOM_UNVERIFIED="$1" strongroom-watch --expiring-within 1h; }
outcome 0 'STRONGROOM_UNVERIFIED=quiet keeps quiet of it' export_unverified quiet
quiet "$tmp/said" '... wholly'
outcome 64 'another word there is told' export_unverified Quiet
has "$tmp/said" 'must be tell or quiet' '... as such'
install -m 644 "$tmp/key" "$key"
watch 77 'a key file that others can read is told' --expiring-within 1h
rm "$key"

# The same vault as if only the keychain opened it, without a session bus, as under cron.
cp -r "$tmp/home/.local/share/strongroom" "$tmp/by-keychain"
mv "$tmp/by-keychain/unlock/key-file.age" "$tmp/by-keychain/unlock/keychain.age"
watch 0 'a keychain that waits for its person is no news' --expiring-within 1h --home "$tmp/by-keychain"
cp "$tmp/home/.local/share/strongroom/unlock/key-file.age" "$tmp/by-keychain/unlock/"
watch 77 '... unless a key file should open it too' --expiring-within 1h "--home=$tmp/by-keychain"
rm "$tmp/by-keychain/unlock/key-file.age"
cat >"$tmp/bin/forgetful" <<'FORGETFUL'
#!/bin/sh
[ "$1" = recipient ] || exec strongroom "$@"
printf '{"error":{"code":"KEYCHAIN_LOST","message":"the key is gone","remedy":"none"}}\n' >&2
exit 65
FORGETFUL
chmod 755 "$tmp/bin/forgetful"
outcome 77 'a keychain that lost the key is told' clean STRONGROOM_BIN=forgetful strongroom-watch --expiring-within 1h --home "$tmp/by-keychain"
rm "$tmp/by-keychain/unlock/keychain.age"
watch 77 'a vault that has lost its unlock files is told' --expiring-within 1h --home "$tmp/by-keychain"
mv "$tmp/key" "$key"
watch 0 'with its key all is well again' --expiring-within 1h

printf 'made-up passphrase\n' >"$tmp/passphrase"
phrase=(--home "$tmp/by-passphrase" --passphrase-file "$tmp/passphrase")
mv "$key" "$tmp/key"
clean strongroom "${phrase[@]}" init --store file --unlock passphrase >/dev/null 2>&1
printf '%s' "$secret" | clean strongroom "${phrase[@]}" paste-token --provider groq --expires-in 2h >/dev/null
watch 0 'a vault with a passphrase alone is locked as a rule: no news' --expiring-within 1h --home "$tmp/by-passphrase"
watch 2 '... and its dates are looked at' --home "$tmp/by-passphrase"
lacks "$tmp/message" 'not verified' '... they alone'
outcome 77 'STRONGROOM_UNVERIFIED=tell tells of it' \
    clean STRONGROOM_UNVERIFIED=tell strongroom-watch --expiring-within 1h --home "$tmp/by-passphrase"
watch 0 'a passphrase file opens it' --expiring-within 1h "${phrase[@]}"
outcome 77 'a passphrase file that is not there is told' \
    clean STRONGROOM_PASSPHRASE_FILE="$tmp/nowhere" strongroom-watch --expiring-within 1h --home "$tmp/by-passphrase"
mkdir "$tmp/wrong"
printf 'another\n' >"$tmp/wrong/strongroom-passphrase"
outcome 77 'a passphrase among the credentials that does not open it is told' \
    clean CREDENTIALS_DIRECTORY="$tmp/wrong" strongroom-watch --expiring-within 1h --home "$tmp/by-passphrase"
mv "$tmp/key" "$key"

# --- where the program is ---------------------------------------------------------------------------------

# What cron gives a job. The script is in a place without strongroom.
mkdir -p "$tmp/apart" "$tmp/usr-local-bin" "$tmp/home/.cargo/bin"
sed "s|/usr/local/bin/strongroom|$tmp/usr-local-bin/strongroom|" "$root/contrib/strongroom-watch" >"$tmp/apart/strongroom-watch"
chmod 755 "$tmp/apart/strongroom-watch"
as_cron() { env -i -C "$tmp/home" HOME="$tmp/home" LOGNAME=you SHELL=/bin/sh PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$@"; }
place=$tmp/home/.local/bin/strongroom
for next in "$tmp/home/.cargo/bin/strongroom" "$tmp/usr-local-bin/strongroom" "$tmp/apart/strongroom" "$tmp/elsewhere"; do
    outcome 2 "with cron's PATH the program is found in ${place#"$tmp"}" as_cron "$tmp/apart/strongroom-watch"
    mv "$place" "$next"
    place=$next
done
outcome 127 'a program that is nowhere is told' as_cron "$tmp/apart/strongroom-watch"
has "$tmp/said" 'nothing was checked (exit 127): strongroom is not in PATH' '... as such'
has "$tmp/said" 'set STRONGROOM_BIN to its full path' '... with what to do'
lacks "$tmp/said" 'strongroom doctor' '... which is not there to be run'
outcome 2 'STRONGROOM_BIN names another place' as_cron STRONGROOM_BIN="$place" "$tmp/apart/strongroom-watch"
outcome 127 'one that is not there is told' as_cron STRONGROOM_BIN=/no/such/strongroom "$tmp/apart/strongroom-watch"
has "$tmp/said" 'STRONGROOM_BIN is /no/such/strongroom' '... by its name'

# Only BusyBox's shell and tools.
mkdir "$tmp/applets"
busybox --install -s "$tmp/applets"
as_busybox() { env -i -C "$tmp" HOME="$tmp/home" PATH="$tmp/applets" STRONGROOM_BIN="$place" XDG_RUNTIME_DIR="$tmp" "$tmp/applets/sh" "$tmp/apart/strongroom-watch" "$@"; }
outcome 0 'BusyBox: all usable' as_busybox --expiring-within 1h
outcome 2 'BusyBox: one expires soon' as_busybox
same "$(cat "$tmp/said")" 'Strongroom: a credential expires soon: groq:manual expiring' '... and is named' shown
mv "$key" "$tmp/key"
outcome 77 'BusyBox: a lost key is told' as_busybox --expiring-within 1h
outcome 0 "BusyBox: a passphrase's vault is locked as a rule" as_busybox --expiring-within 1h --home "$tmp/by-passphrase"
mv "$tmp/key" "$key"
mv "$place" "$tmp/home/.local/bin/strongroom"
paste "$secret" mistral 1s
while [ "$(clean strongroom status --plain --provider mistral | cut -f 4)" != expired ]; do :; done

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
# termux STATUS WHAT [NAME=VALUE...] COMMAND [OPTIONS...]: runs it; only what the phone shows is in $tmp/phone.
termux() {
    : >"$tmp/phone"
    outcome "$1" "Termux: $2" clean "${@:3}"
}
# far SCRIPT: the script that stands in for ssh.
far() {
    printf '#!/bin/sh\n%s\n' "$1" >"$tmp/bin/ssh"
    chmod 755 "$tmp/bin/ssh"
}
far 'exit 255'
termux 255 'a host that cannot be reached is told' STRONGROOM_HOST=host.example strongroom-watch-termux
has "$tmp/phone" 'host.example cannot be reached' '... by its name'
far 'exit 3'
termux 3 'a host that says nothing is told' STRONGROOM_HOST=host.example strongroom-watch-termux
has "$tmp/phone" 'the check on host.example printed nothing (exit 3)' '... with the exit status'
# A host whose login prints something, with the PATH that sshd gives and the script where the guide puts it.
far 'while [ "$1" = -o ]; do shift 2; done
shift
echo Welcome to the host.
exec env -i HOME="'"$tmp"'/far" PATH=/usr/bin:/bin STRONGROOM_HOME="$HOME/.local/share/strongroom" \
    STRONGROOM_KEY_FILE="$HOME/.config/strongroom/key" STRONGROOM_NOTIFY=false sh -c "$*"'
mkdir -p "$tmp/far/.local/bin"
termux 127 'a host without strongroom-watch is told' STRONGROOM_HOST=host.example strongroom-watch-termux
has "$tmp/phone" 'nothing was checked (exit 127): host.example has no strongroom-watch' '... as such'
install -m 755 "$root/contrib/strongroom-watch" "$tmp/far/.local/bin/"
if [ -x /usr/local/bin/strongroom ]; then fail 'a strongroom in /usr/local/bin is in the way: remove it'; fi
termux 127 'a host without strongroom is told' STRONGROOM_HOST=host.example strongroom-watch-termux
has "$tmp/phone" 'set STRONGROOM_BIN' '... in its own words'
install -D -m 755 "$binary" "$tmp/far/.cargo/bin/strongroom"
paste "$secret" groq 2h
termux 2 "what the host's own says is shown" STRONGROOM_HOST=host.example strongroom-watch-termux
has "$tmp/phone" '--content Strongroom: a credential expires soon: groq:manual expiring' '... and nothing else'
termux 0 'the host is given the options' STRONGROOM_HOST=host.example strongroom-watch-termux --expiring-within 1h
termux 64 '... each as it is' STRONGROOM_HOST=host.example strongroom-watch-termux "--it's \$(touch $tmp/hit)"
if [ -e "$tmp/hit" ]; then fail 'an option was run on the host'; else ok '... and none is run'; fi
mv "$key" "$tmp/key"
termux 77 'a lost key of the host is told' STRONGROOM_HOST=host.example strongroom-watch-termux --expiring-within 1h
termux 0 '... unless that is not wanted' STRONGROOM_HOST=host.example STRONGROOM_UNVERIFIED=quiet strongroom-watch-termux --expiring-within 1h
mv "$tmp/key" "$key"
rm "$tmp/bin/ssh"
# Without ssh: only the tools that the script needs.
mkdir "$tmp/few"
for tool in sh dirname sed; do ln -s "$(command -v "$tool")" "$tmp/few/"; done
ln -s "$tmp/bin/termux-notification" "$tmp/bin/termux-notification-remove" "$tmp/few/"
termux 127 'a phone without ssh is told' PATH="$tmp/few" STRONGROOM_HOST=host.example "$root/contrib/termux/strongroom-watch-termux"
has "$tmp/phone" 'pkg install openssh' '... what to install'
install -m 755 "$root/contrib/termux/strongroom-watch-termux" "$tmp/apart/"
rm "$tmp/apart/strongroom-watch"
termux 127 'a script alone, without strongroom-watch, is told' PATH="$tmp/few" "$tmp/apart/strongroom-watch-termux"
has "$tmp/phone" "strongroom-watch is not in $tmp/apart or in PATH" '... with where it looked'
install -m 644 "$root/contrib/strongroom-watch" "$tmp/apart/"
termux 126 'one that cannot be run is told' PATH="$tmp/few" "$tmp/apart/strongroom-watch-termux"
has "$tmp/phone" 'mode 755' '... with what to do'
printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/termux-notification"
termux 74 'a notification that fails is not taken for shown' strongroom-watch-termux
has "$tmp/said" 'groq:manual expiring' '... and what it was to show is printed'
clean strongroom remove groq:manual --yes >/dev/null 2>&1

# --- cron -------------------------------------------------------------------------------------------------

# As cron runs a line: everything after the five fields goes to sh. Tried with both install locations.
mv "$tmp/home/.local/bin/strongroom" "$tmp/home/.cargo/bin/strongroom"
for at in .cargo/bin .local/bin; do
    [ -x "$tmp/home/$at/strongroom" ] || mv "$tmp/home/.cargo/bin/strongroom" "$tmp/home/$at/strongroom"
    for from in contrib/cron/strongroom-watch.cron docs/guide.md; do
        command=$(sed -n 's/^0 8 \* \* \*  *//p' "$root/$from")
        printf '%s' "$secret" | as_cron "$tmp/home/$at/strongroom" paste-token --provider groq --expires-in 2h >/dev/null
        as_cron sh -c "$command" >"$tmp/said" 2>&1 || true
        has "$tmp/said" 'groq:manual' "cron: the line of $from prints what is to be mailed, strongroom in ~/$at"
        as_cron "$tmp/home/$at/strongroom" remove groq:manual --yes >/dev/null 2>&1
        as_cron sh -c "$command" >"$tmp/said" 2>&1 || true
        quiet "$tmp/said" 'cron: all usable prints nothing, so nothing is mailed'
    done
done
# A variable in a crontab is the text after the =, as it is.
notify=$(sed -n 's/^#   STRONGROOM_NOTIFY=//p' "$root/contrib/cron/strongroom-watch.cron")
printf '#!/bin/sh\nprintf "%%s\\n" "$@" >"%s/curl"\n' "$tmp" >"$tmp/bin/curl"
chmod 755 "$tmp/bin/curl"
paste "$secret" groq 2h
outcome 2 "cron: the crontab's example of a command tells" clean STRONGROOM_NOTIFY="$notify" strongroom-watch
has "$tmp/curl" 'Strongroom: a credential expires soon: groq:manual expiring' '... the message, as one word'

# --- the units --------------------------------------------------------------------------------------------

# The lines of the watch unit, as systemd expands them, with strongroom where `cargo install` puts it.
service=$root/contrib/systemd/strongroom-watch.service
mapfile -t given < <(sed -n -e 's/^Environment="\(.*\)"$/\1/p' -e 's/^Environment=\([^"].*\)$/\1/p' "$service" | sed -e 's/\\"/"/g' -e "s|%h|$tmp/home|g")
started=$(sed -n 's/^ExecStart=//p' "$service")
printf '#!/bin/sh\nprintf "%%s\\n" "$@" >"%s/journal"\n' "$tmp" >"$tmp/bin/logger"
chmod 755 "$tmp/bin/logger"
mv "$tmp/home/.local/bin/strongroom" "$tmp/home/.cargo/bin/"
outcome 2 'the watch unit finds a strongroom that cargo installed' \
    as_cron PATH="$tmp/bin:/usr/local/bin:/usr/bin:/bin" "${given[@]}" "${started/\%h/"$tmp/home"}"
has "$tmp/journal" 'Strongroom: a credential expires soon: groq:manual expiring' '... and tells the journal'
mv "$tmp/home/.cargo/bin/strongroom" "$tmp/home/.local/bin/"
clean strongroom remove groq:manual --yes >/dev/null 2>&1

# The verifier requires the programs to exist, so the units are checked with stand-ins for them.
units=$tmp/units
mkdir "$units"
printf '#!/bin/sh\n' >"$tmp/bin/openclaw"
chmod 755 "$tmp/bin/openclaw"
for unit in "$root"/contrib/systemd/*; do
    sed -e "s|%h/|$tmp/home/|g" -e "s|/usr/local/bin/openclaw|$tmp/bin/openclaw|" \
        -e "s|/var/lib/openclaw/bin/|$tmp/home/.local/bin/|" -e "s|/usr/local/bin/strongroom|$tmp/home/.local/bin/strongroom|" \
        -e '/^Documentation=man:/d' "$unit" >"$units/${unit##*/}"
done
# verify UNIT [--user]: systemd's verifier must print nothing about it.
verify() {
    local unit=$1 status=0
    shift
    systemd-analyze verify --man=no --recursive-errors=no "$@" "$units/$unit" >"$tmp/said" 2>&1 || status=$?
    exits "$status" 0 "systemd accepts $unit" "$tmp/said"
    lacks "$tmp/said" "$unit" '... and says nothing about it'
}
verify openclaw-gateway.service
# With a key that is not encrypted, as the unit's comment says.
sed -e '/^LoadCredentialEncrypted=/d' -e 's/^#   LoadCredential=/LoadCredential=/' \
    "$units/openclaw-gateway.service" >"$units/openclaw-gateway-plain.service"
has "$units/openclaw-gateway-plain.service" LoadCredential=strongroom-key:/ 'the unit can take a key that is not sealed'
verify openclaw-gateway-plain.service
verify strongroom-watch.service
verify strongroom-proxy.socket
verify strongroom-proxy.service
# A unit that reads a vault may do nothing else; systemd calls a service well confined up to 2.5 of 10.
for unit in "$root"/contrib/systemd/*.service; do
    holds "${unit##*/} is confined" systemd-analyze security --offline=yes --no-pager --threshold=25 "$unit" >"$tmp/said" 2>&1
done
lacks "$root/contrib/systemd/openclaw-gateway.service" '/etc/strongroom/key' 'and no key of its lies on a disk in the clear'
verify strongroom-watch.timer
printf 'OnCalendarr=x\n' >>"$units/strongroom-watch.timer"
systemd-analyze verify --man=no "$units/strongroom-watch.timer" >"$tmp/said" 2>&1 || true
has "$tmp/said" 'OnCalendarr' 'the verifier does look: it names a word that is wrong'
calendar=$(sed -n 's/^OnCalendar=//p' "$root/contrib/systemd/strongroom-watch.timer")
systemd-analyze calendar "$calendar" >"$tmp/said" 2>&1
has "$tmp/said" '08:00:00' 'the timer runs at eight'

# What the gateway's unit provides: only the key, as strongroom-key in CREDENTIALS_DIRECTORY.
name=$(sed -n 's/^LoadCredentialEncrypted=//p' "$root/contrib/systemd/openclaw-gateway.service")
mkdir "$tmp/credentials"
mv "$tmp/home/.config/strongroom/key" "$tmp/credentials/$name"
status=0
clean strongroom --no-input get openrouter:manual >"$tmp/said" 2>&1 || status=$?
exits "$status" 77 'without the credential the vault is locked' "$tmp/said"
status=0
clean CREDENTIALS_DIRECTORY="$tmp/credentials" strongroom --no-input get openrouter:manual >"$tmp/said" 2>&1 || status=$?
exits "$status" 0 "the credential $name opens it"
has "$tmp/said" "$secret" '... and the secret is printed'

finish monitoring

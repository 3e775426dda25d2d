#!/usr/bin/env bash
# A vault that belongs to another user: the recipe of docs/another-user.md is run as it is written, with the files of
# contrib/another-user unchanged, and then the client's user tries to get more than the answers it is allowed.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       tests/real/another-user.sh
#
# budget: 120 s
# once: as root
# It creates two users, installs a program and a sudo rule, and leaves none of it: /etc is a copy, and /usr/local,
# /var/lib, /run and /tmp are empty, in a mount namespace that ends with it. Prints a line `ok: ...` or `FAILED: ...` for
# each check. Talks to the loopback interface only.
if [ "${1-}" != --in-own-mounts ]; then
    if [ "$(id -u)" -ne 0 ]; then
        printf 'another-user needs root, because it makes two users: sudo -E %s\n' "$0" >&2
        exit 1
    fi
    exec unshare --mount --propagation private -- bash "${BASH_SOURCE[0]}" --in-own-mounts
fi
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need sudo visudo socat useradd setpriv script pgrep cc strace busybox keyctl systemd-analyze systemd-socket-activate
need_binary
need_openclaw

listener='' provider='' sink='' holder=''
end_processes() {
    local one
    for one in $listener $provider $sink $holder; do kill "$one" 2>/dev/null || true; done
}
at_end+=(end_processes)

# Made up, with the lengths and prefixes that providers use.
filler=$(printf 'EXAMPLE%02d-' {1..20})
token=sk-ant-oat01-${filler:0:95}
ops_key=sk-or-v1-${filler:0:64}
own_token=sk-ant-oat01-OWN${filler:0:92}

# --- a machine of its own -------------------------------------------------------------------------------------

unmount() {
    local one
    for one in /etc "$tmp" /tmp; do umount -l "$one" 2>/dev/null || true; done
}
at_end+=(unmount)
chmod 755 "$tmp"
mkdir -p "$tmp/out" "$tmp/private" "$tmp/checkout/target/release"
cp -R "$root/contrib" "$root/docs" "$tmp/checkout/"
cp "$root/tests/real/loopback-provider.mjs" "$tmp/private/"
install -m 755 "$binary" "$tmp/checkout/target/release/strongroom"
cp -a /etc "$tmp/etc"
mount --bind "$tmp/etc" /etc
mount -t tmpfs -o mode=755 tmpfs /usr/local
mkdir /usr/local/bin /usr/local/openclaw
chmod 755 /usr/local/bin /usr/local/openclaw
# Every user can reach it here, and removing the temporary directory does not affect it.
mount --bind "$OPENCLAW_DIR" /usr/local/openclaw
mount -o remount,bind,ro /usr/local/openclaw
# OpenClaw creates a directory in /tmp. From here on, /tmp contains only this script's files.
mount --bind "$tmp" /mnt
mount -t tmpfs -o mode=1777 tmpfs /tmp
mkdir -p "$tmp"
mount --move /mnt "$tmp"
for one in /var/lib /run; do mount -t tmpfs -o mode=755 tmpfs "$one"; done
node=/usr/local/openclaw/node openclaw=/usr/local/openclaw/node_modules/openclaw/openclaw.mjs
for one in vault openclaw; do
    if id "$one" >/dev/null 2>&1; then userdel -f "$one" >/dev/null 2>&1; fi
done
rm -f /etc/sudoers.d/strongroom-resolve
# This machine logs every sudo call with its input and output, unless a rule says otherwise.
printf 'Defaults log_input, log_output, !compress_io, loglinelen=0, iolog_dir=/var/lib/iolog, logfile=/var/lib/sudo.log\n' >/etc/sudoers.d/00-log
chmod 440 /etc/sudoers.d/00-log
# No systemd runs here: start_listener does its part.
printf '#!/bin/sh\nprintf "%%s\\n" "$*" >>/var/lib/systemctl.log\n' >/usr/local/bin/systemctl
chmod 755 /usr/local/bin/systemctl

# unit_says NAME FILE: prints a value of an installed unit.
unit_says() { sed -n "s/^$1=//p" "/etc/systemd/system/$2"; }
# start_listener: does what systemd does with the installed units. Each connection becomes standard input and output of
# ExecStart, as User=, without privileges and with the variables that systemd sets.
start_listener() {
    local path user command
    path=$(unit_says ListenStream strongroom-resolve.socket)
    user=$(unit_says User strongroom-resolve@.service)
    read -ra command < <(unit_says ExecStart strongroom-resolve@.service)
    (
        umask 177
        exec systemd-socket-activate --accept --inetd -l "$path" \
            "$(command -v setpriv)" --reuid "$user" --regid "$user" --clear-groups --inh-caps=-all --bounding-set=-all \
            --no-new-privs env -i -C / HOME="$(getent passwd "$user" | cut -d: -f6)" USER="$user" LOGNAME="$user" \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "${command[@]}"
    ) >"$tmp/out/listener" 2>&1 </dev/null &
    listener=$!
    for _ in {1..200}; do
        ! grep -qs '^Listening on ' "$tmp/out/listener" || break
        sleep 0.05
    done
    chown "$(unit_says SocketUser strongroom-resolve.socket):$(unit_says SocketGroup strongroom-resolve.socket)" "$path"
    chmod "$(unit_says SocketMode strongroom-resolve.socket)" "$path"
}

# --- the recipe -----------------------------------------------------------------------------------------------

# Each block of the page that begins with ```sh, without its indentation.
awk -v out="$tmp/private/block" '
    /^ *```sh$/ { match($0, /^ */); cut = RLENGTH; on = 1; name = sprintf("%s.%02d", out, ++n); next }
    /^ *```$/ { on = 0 }
    on { print substr($0, cut + 1) >name }
' "$tmp/checkout/docs/another-user.md"
cd "$tmp/checkout"
blocks=0
for block in "$tmp"/private/block.*; do
    blocks=$((blocks + 1))
    input=/dev/null
    if grep -q paste-token "$block"; then
        printf '%s\n' "$token" >"$tmp/private/token"
        input=$tmp/private/token
    fi
    status=0
    (umask 022 && exec timeout 60 bash -euo pipefail "$block") <"$input" >"$tmp/out/block" 2>&1 || status=$?
    exits $status 0 "the recipe: $(head -n 1 "$block" | cut -c 1-90)" "$tmp/out/block"
    if grep -q nobody:here "$block"; then
        has "$tmp/out/block" '"main/nobody:here":{"code":"NOT_FOUND"' '... answers as the page says'
    fi
    if grep -qF 'sudo -l -U' "$block"; then
        same "$(grep -c '^    (' "$tmp/out/block")" 1 '... and shows one rule' shown
    fi
    if grep -q 'enable --now' "$block"; then start_listener; fi
done
same "$blocks" 8 'the recipe has its blocks' shown
has /var/lib/systemctl.log 'enable --now strongroom-resolve.socket' 'the recipe starts the socket'
rm "$tmp/checkout/recovery-key.txt"

home=/var/lib/openclaw
wrapper=/usr/local/lib/strongroom/strongroom-resolve
through_socket=$wrapper-socket
vault=/var/lib/vault/.local/share/strongroom key=/var/lib/vault/.config/strongroom/key
uid=$(id -u openclaw) vault_uid=$(id -u vault)

as_vault() { sudo -u vault /usr/local/bin/strongroom --no-input "$@"; }
as_vault --agent ops paste-api-key --provider openrouter <<<"$ops_key" >"$tmp/out/ops" 2>&1

# client COMMAND...: runs it as the client's user, with an empty environment, no terminal and a time limit.
client() { (cd "$home" && exec timeout -k 5 30 setsid -w setpriv --reuid openclaw --regid openclaw --init-groups --inh-caps=-all env -i "$@"); }
# ask ID...: prints the request, as OpenClaw writes it.
ask() {
    local ids
    ids=$(printf '"%s",' "$@")
    printf '{"protocolVersion":1,"provider":"strongroom","ids":[%s]}' "${ids%,}"
}
rule=(-n -u vault /usr/local/bin/strongroom resolve --agent main)
right='{"protocolVersion":1,"values":{"main/anthropic:manual":"'$token'"},"errors":{}}'
# answers WHAT COMMAND...: as the client's user, the command prints the right answer, and nothing else.
answers() {
    local what=$1 status=0
    shift
    ask main/anthropic:manual | client "$@" >"$tmp/private/answer" 2>"$tmp/out/err" || status=$?
    if [ $status -ne 0 ]; then
        fail "$what (exit $status)" "$tmp/out/err"
    else
        same "$(cat "$tmp/private/answer")" "$right" "$what"
    fi
}
# refused WHAT ARGUMENTS OF SUDO...: sudo itself refuses, at once and without a prompt. With variables, if any.
with=()
refused() {
    local what=$1 status=0 begun=$SECONDS
    shift
    ask main/anthropic:manual | client "${with[@]}" /usr/bin/sudo "$@" >"$tmp/private/answer" 2>"$tmp/out/err" || status=$?
    if [ $status -eq 1 ] && [ ! -s "$tmp/private/answer" ] && grep -qE '^(sudo: |Sorry, user )' "$tmp/out/err" &&
        [ $((SECONDS - begun)) -lt 20 ]; then
        ok "refused: $what ($(head -n 1 "$tmp/out/err"))"
    else
        fail "refused: $what (exit $status)" "$tmp/out/err"
    fi
}
# impossible WHAT COMMAND...: the client's user cannot do this.
impossible() {
    local what=$1 status=0
    shift
    client "$@" >"$tmp/private/answer" 2>"$tmp/out/err" </dev/null || status=$?
    if [ $status -ne 0 ] && [ $status -ne 124 ] && [ ! -s "$tmp/private/answer" ]; then
        ok "impossible: $what"
    else
        fail "impossible: $what (exit $status)" "$tmp/out/err"
    fi
}

# --- what the client gets -------------------------------------------------------------------------------------

# What OpenClaw 2026.9.6 requires of a command.
same "$(stat -c '%U %a %F' "$wrapper")" 'openclaw 755 regular file' "the command is a regular file of the client's user" shown
answers 'the command answers with an empty environment' "$wrapper"
answers 'arguments of the command are not passed on' "$wrapper" --agent ops
answers '... nor are these' "$wrapper" get anthropic:manual

ask main/anthropic:manual ops/openrouter:default main/nobody:here | client "$wrapper" >"$tmp/private/answer"
has "$tmp/private/answer" '"ops/openrouter:default":{"code":"DENIED"' "another agent's id is answered DENIED"
has "$tmp/private/answer" '"main/nobody:here":{"code":"NOT_FOUND"' 'an id that does not exist is answered NOT_FOUND'
has "$tmp/private/answer" "$token" '... and the others all the same'
lacks "$tmp/private/answer" "$ops_key" "another agent's secret is not in the answer"

# 512 ids of 250 bytes: more than a pipe holds, in both directions. Each gets its own error.
many=()
for ((i = 0; i < 512; i++)); do many+=("$(printf 'main/nobody:%0238d' $i)"); done
for one in "$wrapper" "$through_socket"; do
    ask "${many[@]}" >"$tmp/private/request"
    client "$one" <"$tmp/private/request" >"$tmp/private/answer" || true
    same "$({ grep -o '"code":' "$tmp/private/answer" || true; } | wc -l)" 512 "a request of $(stat -c %s "$tmp/private/request") bytes passes through ${one##*/}" shown
done

# --- the files ------------------------------------------------------------------------------------------------

holds 'the key file is where the recipe says' test -f "$key"
holds 'the vault is where the recipe says' test -d "$vault/agents/ops"
impossible 'list the home of the vault' /bin/ls /var/lib/vault
impossible 'read the key file' /bin/cat "$key"
impossible 'read the index in the vault' /bin/cat "$vault/agents/main/auth-profiles.json"
impossible 'copy the vault' /bin/cp -R /var/lib/vault "$home/copy"
impossible 'open it as the client' /usr/local/bin/strongroom --no-input --home "$vault" --key-file "$key" get anthropic:manual
impossible 'ask it as another home of the client' /usr/local/bin/strongroom --no-input --home "$vault" list
impossible 'put a file into the home' /bin/sh -c ": >$vault/planted"
impossible 'put a file into an agent' /bin/sh -c ": >$vault/agents/main/auth-state.json"
impossible 'move the home away' /bin/mv /var/lib/vault "$home/vault"
impossible 'remove the key file' /bin/rm -f "$key"
impossible 'replace the program' /bin/cp /bin/true /usr/local/bin/strongroom
impossible 'move the program away' /bin/mv /usr/local/bin/strongroom "$home/"
impossible 'change the rule' /bin/sh -c ': >>/etc/sudoers.d/strongroom-resolve'
impossible 'replace the command by another file' /bin/mv "$home/.profile" "$wrapper"

# --- what sudo refuses ----------------------------------------------------------------------------------------

program=/usr/local/bin/strongroom
refused 'get' -n -u vault $program get anthropic:manual
refused 'export' -n -u vault $program export --all-agents --passphrase --out -
refused 'recovery-key' -n -u vault $program recovery-key
refused 'paste-token' -n -u vault $program paste-token --provider anthropic
refused 'list' -n -u vault $program list
refused 'resolve of another agent' -n -u vault $program resolve --agent ops
refused 'resolve of every agent' -n -u vault $program resolve
refused 'an argument more' -n -u vault $program resolve --agent main --agent ops
refused 'a home of its own' -n -u vault $program resolve --agent main --home "$home"
refused 'an argument before' -n -u vault $program --json resolve --agent main
refused 'an empty argument' -n -u vault $program resolve --agent main ''
refused 'the same written otherwise' -n -u vault $program resolve --agent=main
refused 'no arguments' -n -u vault $program
refused 'a shell' -n -u vault /bin/sh
refused 'a shell by -s' -n -u vault -s
refused 'a login shell' -n -u vault -i
refused 'a command through the shell' -n -u vault -s "$program resolve --agent main; id"
refused 'an editor' -n -u vault -e "$key"
refused 'as root' -n $program resolve --agent main
refused 'as itself' -n -u openclaw $program resolve --agent main
refused "with the client's group" -n -u vault -g openclaw $program resolve --agent main
with=(STRONGROOM_HOME=/x)
refused 'the environment kept' -E "${rule[@]}"
refused 'a variable kept' --preserve-env=STRONGROOM_HOME "${rule[@]}"
with=()
refused 'another directory' -D /tmp "${rule[@]}"
refused 'another root directory' -R "$home" "${rule[@]}"
refused 'open files passed on' -C 20 "${rule[@]}"
for one in LD_PRELOAD=/x LD_LIBRARY_PATH=/x STRONGROOM_HOME=/x STRONGROOM_KEY_FILE=/x STRONGROOM_AGENT=ops HOME=/x \
    XDG_DATA_HOME=/x PATH=/x TERM=x TZ=UTC LANG=C; do
    refused "the variable ${one%%=*}" -n -u vault "$one" $program resolve --agent main
done
# sudo compares the arguments as one line, so these reach the program, which refuses them.
for one in 1 2 3; do
    case $one in
        1) split=('resolve --agent main') ;;
        2) split=(resolve '--agent main') ;;
        3) split=('resolve --agent' main) ;;
    esac
    status=0
    ask main/anthropic:manual | client /usr/bin/sudo -n -u vault $program "${split[@]}" >"$tmp/out/split" 2>&1 || status=$?
    exits $status 64 "arguments split otherwise are a usage error ($one of 3)" "$tmp/out/split"
done
answers "the client's own groups change nothing" /usr/bin/sudo -P "${rule[@]}"

# --- variables, libraries, other programs ---------------------------------------------------------------------

# sudo passes on the client's session keyring.
answers "the client's session keyring changes nothing" /usr/bin/keyctl session - "$wrapper"

# The client's own vault, programs with the names that are used, and a library that reports which program loads it.
install -d -o openclaw -g openclaw "$home/evil" "$home/spied"
chmod 1777 "$home/spied"
client HOME="$home" $program --no-input init --store file --unlock key-file >"$tmp/out/own" 2>&1
client HOME="$home" $program --no-input paste-token --provider anthropic --profile-id anthropic:manual \
    <<<"$own_token" >"$tmp/out/own" 2>&1
for one in strongroom sudo env sh; do
    printf '#!/bin/sh\n: >%s/spied/ran-%s\n' "$home" "$one" >"$home/evil/$one"
    chmod 755 "$home/evil/$one"
done
cat >"$tmp/private/spy.c" <<'C'
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>
__attribute__((constructor)) static void spy(void) {
    char path[200];
    snprintf(path, sizeof path, "/var/lib/openclaw/spied/loaded-by-%d-%d", (int)getuid(), (int)geteuid());
    int file = open(path, O_WRONLY | O_CREAT, 0666);
    if (file >= 0) close(file);
}
C
cc -shared -fPIC -o "$home/evil/spy.so" "$tmp/private/spy.c"
chmod 755 "$home/evil/spy.so"
chmod 755 "$home"
hostile=(LD_PRELOAD="$home/evil/spy.so" LD_LIBRARY_PATH="$home/evil" LD_AUDIT="$home/evil/spy.so" PATH="$home/evil"
    HOME="$home" STRONGROOM_HOME="$home/.local/share/strongroom" STRONGROOM_KEY_FILE="$home/.config/strongroom/key"
    STRONGROOM_AGENT=ops STRONGROOM_PASSPHRASE_FILE=/dev/null XDG_DATA_HOME="$home/.local/share" XDG_CONFIG_HOME="$home/.config"
    XDG_STATE_HOME="$home" CREDENTIALS_DIRECTORY="$home" OPENCLAW_CONFIG_PATH="$home/evil/sh" ENV="$home/evil/sh"
    BASH_ENV="$home/evil/sh" SUDO_ASKPASS="$home/evil/sh" SUDO_USER=root TMPDIR="$home" TZ=:/dev/tty LOCPATH="$home"
    RUST_BACKTRACE=full MALLOC_CHECK_=3 'BASH_FUNC_x%%=() { :; }')
answers "the client's variables change nothing" "${hostile[@]}" "$wrapper"
holds "the library was loaded into the client's own shell" test -e "$home/spied/loaded-by-$uid-$uid"
same "$(find "$home/spied" -type f -printf '%f ')" "loaded-by-$uid-$uid " '... and into nothing else, and no other program ran' shown
same "$(client "${hostile[@]}" $program --no-input --agent main get anthropic:manual --home "$home/.local/share/strongroom" \
    --key-file "$home/.config/strongroom/key" 2>/dev/null || true)" "$own_token" "the client's own vault works for the client"

# A stand-in for the command shows what the command gets.
mv $program "$tmp/private/strongroom"
cat >$program <<'SH'
#!/bin/sh
tr '\0' '\n' </proc/$$/environ | sed 's/=.*//' | sort | tr '\n' ' '
printf '| %s | %s | %s\n' "$(readlink /proc/$$/cwd)" "$(id -un):$(id -Gn)" "$(readlink /proc/$$/fd/9)"
SH
chmod 755 $program
client "${hostile[@]}" /bin/sh -c "exec $wrapper 9</etc/passwd" >"$tmp/out/seen" 2>/dev/null </dev/null || true
same "$(cat "$tmp/out/seen")" \
    'HOME LOGNAME MAIL PATH SHELL SUDO_COMMAND SUDO_GID SUDO_UID SUDO_USER TERM USER | / | vault:vault | ' \
    'the command gets what sudo sets: no variable, directory, group or open file of the client' shown
# An answer that takes a second: by default, socat would exit after half a second.
printf '#!/bin/sh\ncat >/dev/null\nsleep 1\necho late\n' >$program
same "$(client "$through_socket" </dev/null 2>&1 || true)" late 'a slow answer comes through the socket' shown

# A resolver that waits for its request.
printf '#!/bin/sh\nread -r line\n' >$program
mkfifo "$tmp/private/hold"
client "$wrapper" <"$tmp/private/hold" >"$tmp/out/hold" 2>&1 &
holder=$!
exec 8>"$tmp/private/hold"
waiting=''
for _ in {1..200}; do
    waiting=$(pgrep -u vault -x strongroom || true)
    [ -z "$waiting" ] || break
    sleep 0.05
done
holds "a process of the vault's user waits for its request" test -n "$waiting"
for one in environ mem maps fd/0; do impossible "read $one of that process" /bin/cat "/proc/$waiting/$one"; done
impossible 'end it by a signal' /bin/kill -KILL "$waiting"
impossible 'attach to it' /usr/bin/strace -p "$waiting"
echo >&8
exec 8>&-
wait "$holder" || true
holder=''
mv "$tmp/private/strongroom" $program

# --- the command edited, linked, copied -----------------------------------------------------------------------

client /bin/cp "$wrapper" "$home/kept"
edited() {
    local what=$1 status=0
    client /bin/sh -c "printf '#!/bin/sh\\n%s\\n' '$2' >$wrapper"
    ask main/anthropic:manual ops/openrouter:default | client "$wrapper" >"$tmp/private/answer" 2>"$tmp/out/err" || status=$?
    if [ $status -ne 0 ] && [ ! -s "$tmp/private/answer" ]; then ok "edited: $what"; else fail "edited: $what" "$tmp/out/err"; fi
}
edited 'another agent is refused' 'exec /usr/bin/sudo -n -u vault /usr/local/bin/strongroom resolve --agent ops'
edited 'get is refused' 'exec /usr/bin/sudo -n -u vault /usr/local/bin/strongroom get openrouter:default --agent ops'
edited 'a shell is refused' 'exec /usr/bin/sudo -n -u vault /bin/sh -c id'
edited 'resolve without sudo finds no vault' 'exec /usr/local/bin/strongroom get anthropic:manual --no-input --home /var/lib/vault/.local/share/strongroom'
client /bin/sh -c "cat $home/kept >$wrapper"
answers 'put back, it answers again' "$wrapper"

client /bin/mkdir "$home/links" "$home/copies"
client /bin/ln -s "$wrapper" "$home/links/strongroom-resolve"
client /bin/ln -s $program "$home/links/strongroom"
client /bin/cp $program "$home/copies/strongroom"
answers 'a link to the command gives the same answer' "$home/links/strongroom-resolve"
refused 'get by a link to the program' -n -u vault "$home/links/strongroom" get anthropic:manual
refused "a copy of the client's own with the right arguments" -n -u vault "$home/copies/strongroom" resolve --agent main
refused "a program of the client's own with the right arguments" -n -u vault "$home/evil/strongroom" resolve --agent main
answers 'a link with the right arguments gives the same answer' /usr/bin/sudo -n -u vault "$home/links/strongroom" resolve --agent main

# --- no question, no wait -------------------------------------------------------------------------------------

status=0
client /bin/sh -c "exec $wrapper <&-" >"$tmp/out/closed" 2>&1 || status=$?
exits $status 0 'standard input closed: it ends' "$tmp/out/closed"
has "$tmp/out/closed" '"errors":{"request":' '... with an answer'
status=0
client /bin/sh -c "exec /usr/bin/sudo -n -u vault $program list <&- >&- 2>&-" || status=$?
exits $status 1 'everything closed: a refusal ends too'
status=0
timeout -k 5 30 script -qec "setpriv --reuid openclaw --regid openclaw --init-groups env -i /usr/bin/sudo -n -u vault $program list" \
    /dev/null >"$tmp/out/terminal" 2>&1 </dev/null || status=$?
exits $status 1 'at a terminal a refusal asks nothing' "$tmp/out/terminal"
lacks "$tmp/out/terminal" '[sudo]' '... no prompt is shown'
# A request that never ends.
mkfifo "$tmp/private/endless"
exec 8<>"$tmp/private/endless"
begun=$SECONDS
client "$wrapper" <"$tmp/private/endless" >"$tmp/out/endless" 2>&1 || true
exec 8>&-
has "$tmp/out/endless" '"code":"TIMEOUT"' 'a request without an end is answered TIMEOUT'
holds '... in time' test $((SECONDS - begun)) -lt 15

# A name server that never answers, and a host whose name is in no file: with the rule, sudo does not ask.
rm -f /etc/resolv.conf
printf 'nameserver 127.0.0.1\noptions timeout:1 attempts:1\n' >/etc/resolv.conf
sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf
cat >"$tmp/private/silent.sh" <<'SH'
# silent.sh FILE COMMAND...: runs it next to a name server that only writes queries to the file.
hostname strongroom-no-such-host
busybox ip link set lo up
socat -u UDP4-RECV:53,bind=127.0.0.1 "CREATE:$1" &
for _ in {1..200}; do
    ! grep -q ':0035 ' /proc/net/udp || break
    sleep 0.05
done
shift
"$@"
status=$?
kill $!
exit $status
SH
silently() { unshare --net --uts bash "$tmp/private/silent.sh" "$@"; }
export -f client
export home
# shellcheck disable=SC2016 # the inner shell is to expand it
client_there=(bash -c 'client "$0"' "$wrapper")
ask main/anthropic:manual >"$tmp/private/request"
silently "$tmp/out/questions" "${client_there[@]}" <"$tmp/private/request" >"$tmp/private/answer" 2>"$tmp/out/err" || true
same "$(cat "$tmp/private/answer")" "$right" 'a silent name server: it answers'
same "$(stat -c %s "$tmp/out/questions")" 0 '... and asked it nothing' shown
sed -i '/!fqdn/d' /etc/sudoers.d/strongroom-resolve
silently "$tmp/out/questions" "${client_there[@]}" <"$tmp/private/request" >"$tmp/private/answer" 2>"$tmp/out/err" || true
holds '... which it does without the line in the rule' test -s "$tmp/out/questions"
install -m 440 "$tmp/checkout/contrib/another-user/strongroom-resolve.sudoers" /etc/sudoers.d/strongroom-resolve

# --- the socket -----------------------------------------------------------------------------------------------

without_privileges=(/usr/bin/setpriv --no-new-privs)
answers 'the socket answers' "$through_socket"
answers '... and arguments are not passed on' "$through_socket" --agent ops
answers '... nor variables' "${hostile[@]}" "$through_socket"
answers '... and a client without new privileges is answered' "${without_privileges[@]}" "$through_socket"
ask main/anthropic:manual | client "${without_privileges[@]}" "$wrapper" >"$tmp/private/answer" 2>"$tmp/out/err" || true
has "$tmp/out/err" 'no new privileges' 'sudo does not work without new privileges, as the page says'
ask ops/openrouter:default | client "$through_socket" >"$tmp/private/answer"
has "$tmp/private/answer" '"ops/openrouter:default":{"code":"DENIED"' "the socket answers another agent's id with DENIED"
same "$(stat -c '%U:%G %a' /run/strongroom-resolve.socket)" 'openclaw:openclaw 600' "the socket is the client's alone" shown
for one in 65534 "$vault_uid"; do
    status=0
    ask main/anthropic:manual | timeout 30 setpriv --reuid "$one" --regid "$one" --clear-groups env -i "$through_socket" \
        >"$tmp/private/answer" 2>"$tmp/out/err" || status=$?
    exits $status 1 "uid $one may not connect"
    has "$tmp/out/err" 'Permission denied' '... and is told so'
done
kill "$listener"
wait "$listener" 2>/dev/null || true
listener=''
status=0
ask main/anthropic:manual | client "$through_socket" >"$tmp/private/answer" 2>"$tmp/out/err" || status=$?
exits $status 1 'without a listener it fails at once'

# The units themselves: the verifier, the score, and what the program needs from the sandbox.
for one in strongroom-resolve.socket strongroom-resolve@.service; do
    status=0
    systemd-analyze verify --man=no --recursive-errors=no "/etc/systemd/system/$one" >"$tmp/out/verify" 2>&1 || status=$?
    exits $status 0 "systemd accepts $one" "$tmp/out/verify"
    same "$(cat "$tmp/out/verify")" '' '... and says nothing about it' shown
done
systemd-analyze security --offline=yes --no-pager /etc/systemd/system/strongroom-resolve@.service >"$tmp/out/security" 2>&1 || true
score=$(sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p' "$tmp/out/security")
if awk -v score="$score" 'BEGIN { exit !(score != "" && score <= 2.5) }'; then
    ok "the service is exposed by $score of 10, at most 2.5"
else
    fail "the service is exposed by '$score' of 10, at most 2.5" "$tmp/out/security"
fi
# expand NAME: prints the system calls of a set.
expand() {
    local line
    systemd-analyze syscall-filter --no-pager "$1" | sed -n 's/^ *\([@a-z_][a-z0-9_-]*\)$/\1/p' | while IFS= read -r line; do
        case $line in
            "$1") ;;
            @*) expand "$line" ;;
            *) printf '%s\n' "$line" ;;
        esac
    done
}
while IFS= read -r line; do
    case $line in
        '~'*) for one in ${line#\~}; do expand "$one" >>"$tmp/out/denied"; done ;;
        *) for one in $line; do expand "$one" >>"$tmp/out/listed"; done ;;
    esac
done < <(unit_says SystemCallFilter strongroom-resolve@.service)
sort -u "$tmp/out/denied" | comm -13 - <(sort -u "$tmp/out/listed") >"$tmp/out/allowed"
service=(setpriv --reuid vault --regid vault --clear-groups --inh-caps=-all --no-new-privs env -i -C / HOME=/var/lib/vault)
install -d -o vault "$tmp/traced"
ask main/anthropic:manual | "${service[@]}" strace -f -o "$tmp/traced/calls" $program resolve --agent main >"$tmp/private/answer"
same "$(cat "$tmp/private/answer")" "$right" 'under strace it answers'
sed -n 's/^[0-9]* *\([a-z0-9_]*\)(.*/\1/p' "$tmp/traced/calls" | sort -u >"$tmp/out/called"
holds "... with $(wc -l <"$tmp/out/called") system calls seen" test "$(wc -l <"$tmp/out/called")" -gt 10
same "$(comm -23 "$tmp/out/called" "$tmp/out/allowed" | tr '\n' ' ')" '' "... all of the $(wc -l <"$tmp/out/allowed") that the service allows" shown
same "$(grep -c 'socket(\|connect(' "$tmp/traced/calls" || true)" 0 '... and no network' shown
ask main/anthropic:manual | unshare --mount --net bash -c 'mount -o remount,bind,ro /var/lib && exec "$@"' - \
    "${service[@]}" $program resolve --agent main >"$tmp/private/answer" 2>"$tmp/out/err" || true
same "$(cat "$tmp/private/answer")" "$right" 'it answers with the vault read-only and without a network, as in the service'

# --- the logs -------------------------------------------------------------------------------------------------

echo EXAMPLE-marker | sudo -u openclaw /bin/cat >/dev/null 2>&1
holds 'this machine logs what goes through sudo' grep -rqaF EXAMPLE-marker /var/lib/iolog
if grep -rlaF -e "${token:0:40}" -e "${ops_key:0:40}" -e AGE-SECRET-KEY- /var/lib/iolog /var/lib/sudo.log >"$tmp/out/logged"; then
    fail '... but no secret and no recovery key' "$tmp/out/logged"
else
    ok '... but no secret and no recovery key'
fi
if grep -E ' : openclaw : | USER=vault ; ' /var/lib/sudo.log | grep -F 'TSID=' >"$tmp/out/logged"; then
    fail '... and nothing at all of what runs as the vault' "$tmp/out/logged"
else
    ok '... and nothing at all of what runs as the vault'
fi
lacks /var/lib/sudo.log 'main/anthropic' 'no id is in the log'
has /var/lib/sudo.log 'openclaw : PWD=/ ; USER=vault ; COMMAND=/usr/local/bin/strongroom resolve --agent main' 'each call is in the log'
has /var/lib/sudo.log 'a password is required ; PWD=/var/lib/openclaw ; USER=vault ; COMMAND=/usr/local/bin/strongroom get anthropic:manual' 'each refusal too'

# --- the real client ------------------------------------------------------------------------------------------

mkfifo "$tmp/ready"
"$node" "$tmp/private/loopback-provider.mjs" "$tmp/private/requests" >"$tmp/ready" &
provider=$!
IFS= read -r -t 20 url <"$tmp/ready"
cat >"$tmp/out/openclaw.json" <<JSON
{
  "secrets": {
    "providers": {
      "strongroom": { "source": "exec", "command": "$wrapper", "timeoutMs": 30000, "jsonOnly": true }
    },
    "defaults": { "exec": "strongroom" }
  },
  "auth": { "profiles": { "anthropic:manual": { "provider": "anthropic", "mode": "token" } } },
  "agents": { "defaults": { "model": { "primary": "anthropic/claude-opus-4-6" } } },
  "models": { "pricing": { "enabled": false }, "providers": { "anthropic": { "baseUrl": "$url", "models": [] } } },
  "gateway": { "mode": "local", "bind": "loopback" },
  "logging": { "file": "$home/openclaw.log" },
  "update": { "checkOnStart": false }
}
JSON
install -o openclaw -g openclaw -m 600 "$tmp/out/openclaw.json" "$home/.openclaw/openclaw.json"
install -d -o openclaw -g openclaw "$home/tmp"
# oc OUTPUT ARGUMENTS...: runs one OpenClaw command as the client's user, with a time limit.
oc() {
    local output=$1
    shift
    (cd "$home" && exec timeout -k 5 90 setpriv --reuid openclaw --regid openclaw --init-groups --inh-caps=-all \
        env -i HOME="$home" TMPDIR="$home/tmp" PATH=/usr/bin:/bin NO_COLOR=1 CI=1 OPENCLAW_GATEWAY_TOKEN=EXAMPLE-gateway \
        OPENCLAW_NO_RESPAWN=1 OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_DISABLE_BONJOUR=1 OPENCLAW_SKIP_CHANNELS=1 \
        "$node" "$openclaw" "$@") >"$output" 2>&1 </dev/null
}
status=0
oc "$tmp/out/audit" secrets audit --allow-exec --check || status=$?
exits $status 0 "OpenClaw's audit is satisfied with the command" "$tmp/out/audit"
has "$tmp/out/audit" 'Secrets audit: clean.' '... and every reference is resolved'
status=0
oc "$tmp/out/probe" models status --probe --probe-timeout 60000 --probe-max-tokens 8 --json || status=$?
exits $status 0 'OpenClaw calls a model' "$tmp/out/probe"
has "$tmp/private/requests" "/v1/messages Bearer $token." 'the token reaches its provider byte for byte'
kill "$provider"
wait "$provider" 2>/dev/null || true
provider=''
if grep -rlaF -e "${token:0:40}" "$home" "$tmp/out" >"$tmp/private/leaks"; then
    fail 'no file of the client has the token' "$tmp/private/leaks"
else
    ok "no file of the client has the token ($(find "$home" "$tmp/out" -type f | wc -l) files)"
fi
finish another-user

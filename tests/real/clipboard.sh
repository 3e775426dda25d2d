#!/usr/bin/env bash
# `get --copy` on real displays: X11 (Xvfb, xclip) and Wayland (sway, wl-clipboard).
#
#   STRONGROOM=target/debug/strongroom tests/real/clipboard.sh
#
# budget: 90 s
# once: as root
# Each display has a clipboard of its own, so that all of them wait for their 45 seconds at once. Prints a line
# `ok: ...` or `FAILED: ...` for each check.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
# shellcheck source=tests/real/lib/within.sh
. "${lib:?}/within.sh"
need Xvfb xclip sway wl-paste wl-copy setpriv script pgrep /usr/bin/python3
need_binary
unset DISPLAY WAYLAND_DISPLAY WAYLAND_SOCKET XAUTHORITY

# Under a path of its own, so that other holders on this machine do not count.
mkdir "$tmp/bin" "$tmp/home" "$tmp/run"
cp "$binary" "$tmp/bin/strongroom"
export HOME=$tmp/home XDG_RUNTIME_DIR=$tmp/run PATH=$tmp/bin:$PATH
one=made-up-key-one two=made-up-key-two
strongroom init --store file >/dev/null 2>&1
printf %s "$one" | strongroom paste-api-key --provider groq --profile-id groq:one >/dev/null
printf %s "$two" | strongroom paste-api-key --provider groq --profile-id groq:two >/dev/null

servers=()
end_servers() {
    local pid
    for pid in "${servers[@]}"; do kill "$pid"; done
    for pid in $(holders); do kill "$pid"; done
}
at_end+=(end_servers)
holders() { pgrep -fx -- "$tmp/bin/strongroom __clipboard"; }
no_holder() { ! holders >/dev/null; }
# An ended process may wait for its parent.
gone() { ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]; }

# start_x [COMMAND...]: sets $display to a new display of X11, which COMMAND runs if it is given.
start_x() {
    rm -f "$tmp/display"
    "$@" Xvfb -displayfd 6 -nolisten tcp -screen 0 64x64x8 6>"$tmp/display" </dev/null >"$tmp/xvfb.log" 2>&1 &
    servers+=("$!")
    within test -s "$tmp/display"
    display=:$(cat "$tmp/display")
}
# on DISPLAY COMMAND...; pasted DISPLAY [FORM]: prints what is on its clipboard, and nothing if it is empty.
on() { env DISPLAY="$1" "${@:2}"; }
# xclip waits for ever if the clipboard's owner ends after it was asked.
pasted() { on "$1" timeout 1 xclip -selection clipboard -o ${2+-t "$2"} 2>/dev/null || true; }
# taken DISPLAY TEXT: another program copies something.
taken() { printf %s "$2" | on "$1" xclip -selection clipboard -i >/dev/null 2>&1; }
is_empty() { [ -z "$(pasted "$1")" ]; }

# Sets $wayland. sway refuses to run as root: then it runs as another user.
start_sway() {
    local user=()
    wayland_dir=$tmp/wayland
    mkdir "$wayland_dir"
    if [ "$(id -u)" -eq 0 ]; then
        chmod 711 "$tmp"
        chown 65534:65534 "$wayland_dir"
        user=(setpriv --reuid 65534 --regid 65534 --clear-groups)
    fi
    "${user[@]}" env -i -C / PATH=/usr/bin:/bin HOME="$wayland_dir" XDG_RUNTIME_DIR="$wayland_dir" \
        WLR_BACKENDS=headless WLR_LIBINPUT_NO_DEVICES=1 WLR_RENDERER=pixman sway -c /dev/null \
        </dev/null >"$tmp/sway.log" 2>&1 &
    servers+=("$!")
    within compgen -G "$wayland_dir/wayland-*.lock" >/dev/null || { fail 'sway starts' "$tmp/sway.log"; finish clipboard; }
    wayland=$(cd "$wayland_dir" && echo wayland-?)
}
in_sway() { env XDG_RUNTIME_DIR="$wayland_dir" WAYLAND_DISPLAY="$wayland" "$@"; }
wayland_pasted() { in_sway timeout 1 wl-paste -n ${1+-t "$1"} 2>/dev/null || true; }
is_wayland_empty() { [ -z "$(wayland_pasted)" ]; }

now() { date +%s%3N; }
# until_after SECONDS START
until_after() {
    local left=$(($2 + $1 * 1000 - $(now)))
    [ "$left" -le 0 ] || sleep "$((left / 1000)).$(printf %03d $((left % 1000)))"
}

start_x; kept=$display
start_x; follow=$display
start_x; lost=$display
start_x; short=$display
start_sway

printf 'what waits begins\n'
# A terminal that closes at once.
on "$kept" script -qec 'strongroom get groq:one --copy' /dev/null </dev/null >"$tmp/said"
has "$tmp/said" 'Copied the secret of groq:one; the clipboard is cleared in 45 s.' 'it says what it did, at a terminal too'
lacks "$tmp/said" "$one" 'the terminal does not show the secret'
kept_holder=$(holders)
same "$(pasted "$kept")" "$one" 'the secret can be pasted after the terminal has closed'

on "$follow" strongroom get groq:one --copy 2>/dev/null
follow_at=$(now)
in_sway strongroom get groq:one --copy 2>/dev/null
wayland_at=$(now)
on "$lost" strongroom get groq:one --copy 2>/dev/null
lost_holder=$(pgrep -nfx -- "$tmp/bin/strongroom __clipboard")
taken "$lost" other
holds 'a holder ends when another program copies something' within gone "$lost_holder"

printf 'X11\n'
on "$short" strongroom get groq:one --copy >"$tmp/out" 2>"$tmp/said"
holder=$(pgrep -nfx -- "$tmp/bin/strongroom __clipboard")
same "$(wc -c <"$tmp/out")" 0 'nothing is printed'
same "$(pasted "$short")" "$one" 'the clipboard has the secret, without a line break'
same "$(pasted "$short" STRING)" "$one" 'old programs get it too'
same "$(pasted "$short" x-kde-passwordManagerHint)" secret 'clipboard managers are told that it is a password' shown
pasted "$short" TARGETS >"$tmp/targets"
lacks "$tmp/targets" SAVE_TARGETS 'it is not handed to a clipboard manager'
same "$(tail -n 1 "$tmp/targets")" x-kde-passwordManagerHint 'the hint is the last form' shown
tr '\0' '\n' <"/proc/$holder/cmdline" >"$tmp/argv"
same "$(wc -l <"$tmp/argv")" 2 'the holder has one argument' shown
lacks "$tmp/argv" "$one" 'which is not the secret'
same "$(ps -o sid= -p "$holder" | tr -d ' ')" "$holder" 'it has a session of its own'
if [ "$(id -u)" -eq 0 ]; then
    tr '\0' '\n' <"/proc/$holder/environ" | cut -d= -f1 | sort >"$tmp/variables"
    same "$(tr '\n' ' ' <"$tmp/variables")" 'DISPLAY HOME XDG_RUNTIME_DIR ' 'it knows only the display' shown
    lacks "/proc/$holder/environ" "$one" 'and has no secret in its environment'
    find "/proc/$holder/fd" -type l -printf '%l\n' | sed 's/:.*//' | sort | uniq -c | tr -s ' ' >"$tmp/descriptors"
    same "$(tr '\n' ';' <"$tmp/descriptors")" ' 1 /dev/null; 3 socket;' 'it has its parent, its display, and no other file open' shown
else
    holds 'other processes cannot read its environment' test ! -r "/proc/$holder/environ"
fi
on "$short" strongroom get groq:two --copy 2>/dev/null
same "$(pasted "$short")" "$two" 'a second copy takes the place of the first'
holds 'and the first holder ends' within gone "$holder"
kill -KILL "$(pgrep -nfx -- "$tmp/bin/strongroom __clipboard")"
holds 'a killed holder leaves nothing' within is_empty "$short"
on "$short" strongroom get groq --copy 2>/dev/null >"$tmp/out"
holder=$(pgrep -nfx -- "$tmp/bin/strongroom __clipboard")
same "$(pasted "$short")" "$one" 'a provider alone is its best profile'
kill -HUP "$holder"
holds 'a signal ends a holder' within gone "$holder"

printf 'Wayland\n'
same "$(wayland_pasted)" "$one" 'the clipboard has the secret'
same "$(wayland_pasted x-kde-passwordManagerHint)" secret 'clipboard managers are told that it is a password' shown
same "$(in_sway wl-paste -l | tail -n 1)" x-kde-passwordManagerHint 'the hint is the last form' shown

printf 'no display\n'
# fails STATUS CODE LIMIT WHAT VARIABLE...: the command fails within LIMIT ms, and leaves no holder.
fails() {
    local before after begun status=0
    before=$(holders)
    begun=$(now)
    env "${@:5}" strongroom get groq:one --copy >"$tmp/out" 2>"$tmp/said" || status=$?
    after=$(now)
    exits "$status" "$1" "$4" "$tmp/said"
    has "$tmp/said" "error: [$2]" "$4: $2"
    if [ "$((after - begun))" -lt "$3" ]; then ok "$4: after $((after - begun)) ms"; else fail "$4: after $((after - begun)) ms"; fi
    same "$(wc -c <"$tmp/out")" 0 "$4: nothing is printed"
    left_alone() { [ "$(holders)" = "$before" ]; }
    holds "$4: no holder stays" within left_alone
}
fails 69 CLIPBOARD_UNAVAILABLE 1000 'without a display' A=
# shellcheck disable=SC2016 # it is what the message says
has "$tmp/said" 'use `--reveal` in place of `--copy`' 'the error says what else to do'
fails 69 CLIPBOARD_UNAVAILABLE 1000 'with displays that do not exist' DISPLAY=:7654 WAYLAND_DISPLAY=wayland-7
fails 69 CLIPBOARD_UNAVAILABLE 1000 'with a display that is reached over TCP' DISPLAY=127.0.0.1:0
if [ "$(id -u)" -eq 0 ]; then
    start_x setpriv --reuid 65534 --regid 65534 --clear-groups
    taken "$display" theirs
    fails 69 CLIPBOARD_UNAVAILABLE 1000 'with a display of another user' DISPLAY="$display"
    same "$(pasted "$display")" theirs 'which is reached by other programs' shown
fi
/usr/bin/python3 - "$tmp/run/wayland-dead" "$tmp/dead" <<'PYTHON' &
import signal, socket, sys
sockets = []  # They stay open.
for path in sys.argv[1:]:
    sockets.append(socket.socket(socket.AF_UNIX))
    sockets[-1].bind(path)
    sockets[-1].listen()
signal.pause()
PYTHON
servers+=("$!")
within test -S "$tmp/dead"
fails 69 TIMEOUT 4000 'with a Wayland display that does not answer' WAYLAND_DISPLAY=wayland-dead
fails 69 TIMEOUT 4000 'with an X11 display that does not answer' DISPLAY="unix:$tmp/dead"

printf 'after a while\n'
until_after 5 "$follow_at"
on "$follow" strongroom get groq:two --copy 2>/dev/null
followed_at=$(now)
until_after 43 "$wayland_at"
same "$(pasted "$kept")" "$one" 'X11: after 43 s the secret is still there'
same "$(wayland_pasted)" "$one" 'Wayland: after 43 s the secret is still there'
until_after 46 "$wayland_at"
holds 'X11: after 46 s it is gone' is_empty "$kept"
holds 'Wayland: after 46 s it is gone' is_wayland_empty
holds 'its holder has ended' gone "$kept_holder"
same "$(pasted "$lost")" other 'what another program has copied stays'
same "$(pasted "$follow")" "$two" 'the time of a first copy does not clear a second'
until_after 46 "$followed_at"
holds 'which is gone after its own' is_empty "$follow"
holds 'no holder is left' within no_holder
finish clipboard

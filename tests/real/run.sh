#!/usr/bin/env bash
# `strongroom run` on a real terminal: an interactive bash with jobs, vim, less and top. Keys are typed, and the screen
# is read.
#
#   STRONGROOM=target/debug/strongroom tests/real/run.sh
#
# budget: 90 s
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
# shellcheck source=tests/real/lib/within.sh
. "$lib/within.sh"
need_binary
need tmux bash vim less top xxd python3

terminal() { SHELL=/bin/sh tmux -f /dev/null -S "$tmp/tmux" "$@"; }
end_terminal() { terminal kill-server 2>/dev/null; }
at_end+=(end_terminal)

home=$tmp/home
mkdir -p "$home/bin"
ln -s "$binary" "$home/bin/strongroom"
ours() { env -i HOME="$home" PATH="$home/bin:/usr/bin:/bin" "$@"; }
ours strongroom init --store file --unlock key-file >"$tmp/said" 2>&1
secret='sk-made-up/key+0123456789?abcdef'
printf %s "$secret" | ours strongroom paste-api-key --provider groq >"$tmp/said" 2>&1
masked='[masked:groq:default]'
# The secret in forms, one a line; in the first it crosses the edge of the screen.
python3 - "$secret" >"$home/forms" <<'PY'
import base64, json, sys, urllib.parse
secret = sys.argv[1]
plain = secret.encode()
print("x" * 90 + secret)
print("form", base64.b64encode(plain).decode())
print("form", base64.urlsafe_b64encode(plain).decode())
print("form", plain.hex())
print("form", plain.hex().upper())
print("form", urllib.parse.quote(secret, safe=""))
print("form", urllib.parse.quote(secret, safe="").lower())
print("form", json.dumps(secret).replace("/", "\\/"))
print("form", "".join(f"\\u{unit:04x}" for unit in plain))
print("the end of the forms")
PY

screen() { terminal capture-pane -p -t shell: >"$tmp/screen"; }
shows() { screen && grep -qF -- "$1" "$tmp/screen"; }
sleeps() { pgrep -f "^sleep $1\$" >"$tmp/said"; }
keys() { terminal send-keys -t shell: "$@"; }
# types LINE EXPECTED WHAT: types a line; the screen then shows what is expected.
types() {
    keys -l -- "$1"
    keys Enter
    sees "$2" "$3"
}
# sees EXPECTED WHAT
sees() { if within shows "$1"; then ok "$2"; else fail "$2 (no '$1')" "$tmp/screen"; fi; }
# at_prompt_of SHELL WHAT: that shell waits for a command.
is_last() { screen && [[ "$(sed 's/ *$//; /^$/d' "$tmp/screen" | tail -n 1)" == *"$1>" ]]; }
at_prompt_of() { if within is_last "$1"; then ok "$2"; else fail "$2" "$tmp/screen"; fi; }
# hides WHAT: no part of the secret is on the screen, in any form.
hides() {
    screen
    local part
    for part in 0123456789 MDEyMzQ1 30313233 3031323334 'u0030\u0031'; do
        if grep -qF -- "$part" "$tmp/screen"; then
            fail "$1 ('$part')" "$tmp/screen"
            return
        fi
    done
    ok "$1"
}

terminal new-session -d -x 100 -y 40 -s shell -c "$home" \
    "env -i HOME='$home' PATH='$home/bin:/usr/bin:/bin' TERM=screen-256color LANG=C.UTF-8 PS1='outer> ' bash --norc --noprofile -i"
sees 'outer>' 'a shell starts'
keys -l 'strongroom run --profile groq:default -- env PS1="inner> " bash --norc --noprofile -i'
keys Enter
sees 'inner>' 'a shell starts in run'

# --- what is on the screen --------------------------------------------------------------------------------------

types 'clear; cat forms' 'the end of the forms' 'cat shows the file'
hides 'cat: no form of the secret is on the screen'
same "$(grep -cF "form $masked" "$tmp/screen")" 7 'cat: each form between blanks is masked' shown
# shellcheck disable=SC2016 # the inner shell is to expand it
types 'clear; printf "%s" "$GROQ_API_KEY" | base64 -w 20; echo; env | grep --color=always made-up; echo the e''nd' 'the end' 'wrapped base64, and a match in colour'
hides 'no part of them is on the screen'
keys -l 'clear; vim -u NONE -n forms'
keys Enter
sees 'the end of the forms' 'vim shows the file'
hides 'vim: no form of the secret is on the screen, across its edge too'
keys C-z
sees 'Stopped' 'vim: Ctrl-Z stops it'
types 'clear; jobs; echo job''s' 'jobs' 'vim: the shell goes on'
keys -l fg
keys Enter
sees 'the end of the forms' 'vim: fg brings it back'
keys -l ':q!'
keys Enter
at_prompt_of inner 'vim: :q! ends it'
# shellcheck disable=SC2016 # the inner shell is to expand it
types 'echo vi''m $?' 'vim 0' 'vim: its status is passed on'
keys -l 'clear; less forms'
keys Enter
sees 'the end of the forms' 'less shows the file'
hides 'less: no form of the secret is on the screen, across its edge too'
keys q
at_prompt_of inner 'less: q ends it'

# --- size, jobs, the end ------------------------------------------------------------------------------------------

types 'clear; stty size' '40 100' 'the size of the terminal is the one outside'
terminal resize-window -t shell: -x 90 -y 30
types 'clear; stty size' '30 90' 'a new size is passed on'
keys -l 'clear; sleep 1001'
keys Enter
within sleeps 1001
keys C-c
# shellcheck disable=SC2016 # the inner shell is to expand it
types 'echo sl''ept $?' 'slept 130' 'Ctrl-C ends a job in run'
# shellcheck disable=SC2016 # the inner shell is to expand it
types 'clear; test "$(ps -o tpgid= -p $$)" -gt 0 && echo contr''olled' 'controlled' 'it has a controlling terminal'
keys -l 'suspend'
keys Enter
at_prompt_of outer 'suspend: the shell outside has the terminal'
types 'stty -a | grep -o " ica""non"' ' icanon' 'suspend: with its own settings'
keys -l 'clear; fg'
keys Enter
sees 'strongroom run' 'fg: the shell outside names it'
types 'echo in''side' 'inside' 'fg: the program goes on'
keys -l 'clear; exit 7'
keys Enter
at_prompt_of outer 'it ends'
# shellcheck disable=SC2016 # the outer shell is to expand it
types 'echo st''atus $?' 'status 7' 'its status is passed on'
types 'stty -a | grep -o " ica""non"' ' icanon' 'the terminal has its settings again'

# --- a program that is no shell -------------------------------------------------------------------------------------

keys -l 'clear; strongroom run --profile groq:default -- top'
keys Enter
sees 'PID USER' 'top starts'
keys C-z
sees 'Stopped' 'top: Ctrl-Z stops run with it'
types 'clear; bg; until jobs -s | grep -q top; do sleep 0.02; done; echo st''opped' 'stopped' 'top: in the background it is stopped again, as it is without run'
keys -l 'fg'
keys Enter
sees 'PID USER' 'top: fg brings it back'
keys q
at_prompt_of outer 'top: it ends'
# shellcheck disable=SC2016 # the outer shell is to expand it
types 'echo to''p $?' 'top 0' 'top: its status is passed on'
keys -l 'clear; strongroom run --profile groq:default -- sleep 1000'
keys Enter
within sleeps 1000
keys C-z
sees 'Stopped' 'sleep: Ctrl-Z stops run with it'
types 'clear; bg; echo in the back''ground' 'in the background' 'sleep: bg'
types 'clear; jobs' 'Running' 'sleep: it runs in the background'
keys -l 'fg; echo sl''ept $?'
keys Enter
sees 'strongroom run --profile groq:default -- sleep 1000' 'sleep: fg'
keys C-c
# shellcheck disable=SC2016 # the outer shell is to expand it
sees 'slept 130' 'sleep: Ctrl-C ends it after fg'
keys -l 'clear; strongroom run --profile groq:default -- cat'
keys Enter
keys -l 'words'
sees 'words' 'cat: what is typed is shown at once'
terminal kill-session -t shell
gone() { ! pgrep -f 'strongroom run --profile groq:default -- cat' >/dev/null; }
holds 'a closed window ends run and its program' within gone

finish run

#!/usr/bin/env bash
# The real Claude Code under `strongroom setup-token`: its prompt is shown, what is typed reaches it, and
# if it gets no answer or is refused, Strongroom ends with the documented advice and stores nothing.
#
#   STRONGROOM=target/debug/strongroom CLAUDE_DIR=<directory made by scripts/install-test-deps.sh> \
#       tests/real/claude.sh
#
# budget: 60 s
# Prints a line `ok: ...` or `FAILED: ...` for each check. Every request of Claude Code goes to a proxy on a
# closed port of the loopback interface, and so fails at once. No account, no token, no browser.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need tmux
claude=${CLAUDE_DIR:?set it to the Claude Code install directory}/claude
[ -x "$claude" ] || { printf 'no Claude Code in %s; run scripts/install-test-deps.sh\n' "$CLAUDE_DIR" >&2; exit 1; }

# Its commands are for a shell, whatever the user's login shell.
terminal() { SHELL=/bin/sh tmux -f /dev/null -S "$tmp/tmux" "$@"; }
end_terminal() { terminal kill-server 2>/dev/null; }
at_end+=(end_terminal)
terminal_shows() {
    terminal capture-pane -p >"$tmp/screen" 2>&1 || true
    printf "%s" "$tmp/screen"
}

mkdir -p "$tmp/bin" "$tmp/home"
ln -s "$claude" "$tmp/bin/claude"
# No browser may open, so the browser is a program that does nothing.
printf '#!/bin/sh\nexit 0\n' >"$tmp/bin/xdg-open"
chmod 700 "$tmp/bin/xdg-open"

surroundings=(
    env -i HOME="$tmp/home" PATH="$tmp/bin:/usr/bin:/bin" TERM=xterm-256color XDG_RUNTIME_DIR="$tmp/home"
    TMPDIR="$tmp" BROWSER="$tmp/bin/xdg-open" HTTPS_PROXY=http://127.0.0.1:9 HTTP_PROXY=http://127.0.0.1:9
    ALL_PROXY=http://127.0.0.1:9 DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
)
strongroom() { "${surroundings[@]}" "$binary" "$@"; }
quoted() { printf '%q ' "$@"; }

# shows TEXT SECONDS WHAT: the terminal shows the text in time. Spaces do not count: lines wrap at different places,
# depending on the paths in them, and the screen keeps no space at the end of a line.
shows() {
    local end=$((SECONDS + $2)) text
    text=$(tr -d '[:space:]' <<<"$1")
    until terminal capture-pane -p -S - | tr -d '[:space:]' | grep -qF -- "$text"; do
        if [ "$SECONDS" -ge "$end" ]; then
            fail "$3 (no '$1' within $2 s)" "$(terminal_shows)"
            return 0
        fi
        sleep 0.2
    done
    ok "$3"
}

strongroom init --store file >"$tmp/init" 2>&1
status=$tmp/status
inner="$(quoted "${surroundings[@]}" "$binary") setup-token; echo \$? >$(quoted "$status"); exec cat"
terminal new-session -d -x 90 -y 50 "$inner"

shows 'setup-token. Its token goes into the vault and is not shown' 40 'it says what it runs'
shows 'long-lived (1-year) auth token setup' 40 "Claude Code's words are shown"
shows 'Paste code here if prompted' 40 "Claude Code's prompt is shown"
terminal send-keys -l 'EXAMPLE-code#EXAMPLE-state'
shows '**' 40 'what is typed reaches it'
terminal resize-window -x 70 -y 40
shows 'Paste code here if prompted' 40 'it goes on in a window of another size'
terminal send-keys Enter
shows 'OAuth error' 40 'without an answer of the sign-in service it says so'
terminal send-keys C-c
shows '[CANCELLED]' 40 'Ctrl-C ends it'
shows 'strongroom paste-token --provider anthropic' 40 'and Strongroom says how else'
for _ in {1..100}; do [ ! -s "$status" ] || break; sleep 0.2; done
if [ "$(cat "$status" 2>/dev/null)" = 130 ]; then ok 'its exit status is 130'; else fail 'its exit status is 130'; fi

# With its input closed or without a terminal, it is not even started.
if strongroom setup-token </dev/null >"$tmp/out" 2>&1; then
    fail 'without a terminal it is an error'
elif grep -qF '[NEEDS_TERMINAL]' "$tmp/out"; then
    ok 'without a terminal it says NEEDS_TERMINAL'
else
    fail 'without a terminal it says NEEDS_TERMINAL'
fi
if strongroom list --json | grep -q profileId; then fail 'nothing was stored'; else ok 'nothing was stored'; fi

finish claude

#!/usr/bin/env bash
# Claude Code through `strongroom serve`: it is given a base URL and a token by its variables, and works with tools, and on when a key
# fails. No key is in its memory, environment, files or logs.
#
#   STRONGROOM=target/debug/strongroom CLAUDE_DIR=<directory made by scripts/install-test-deps.sh> tests/real/proxy-claude.sh
#
# budget: 60 s
# once: as an ordinary user
# shellcheck source=tests/real/lib/proxy-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/proxy-world.sh"
# Set by proxy-world.sh.
# shellcheck disable=SC2154
need git
claude=${CLAUDE_DIR:?set it to the Claude Code install directory}/claude
[ -x "$claude" ] || { printf 'no Claude Code in %s; run scripts/install-test-deps.sh\n' "$CLAUDE_DIR" >&2; exit 1; }

make_vault anthropic:claude-{1..3}
start_proxy
git init -q "$tmp/work"

claude() {
    exec env -i -C "$tmp/work" HOME="$home" TMPDIR="$tmp/client-tmp" PATH=/usr/bin:/bin SHELL=/bin/sh LANG=C.UTF-8 \
        HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.1 DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 \
        CLAUDE_CODE_TMPDIR="$tmp/client-tmp" CLAUDE_CODE_MAX_RETRIES=1 ANTHROPIC_BASE_URL="$proxy/anthropic" ANTHROPIC_AUTH_TOKEN="$token" \
        "$claude" "$@" >"$tmp/said" 2>&1 </dev/null
}
access claude anthropic:claude-{1..3}
(claude --version)
printf 'Claude Code %s\n' "$(cat "$tmp/said")"
says 0 'made-up answer' 'an answer' claude --debug -p hi
asked_with 'an answer' anthropic:claude-1
same "$(seen '[(one["path"], one["query"]) for one in r]')" "[('/v1/messages', 'beta=true')]" 'its query arrives' shown
for header in anthropic-beta anthropic-version x-app x-claude-code-session-id user-agent; do
    same "$(seen "all('$header' in {n.lower() for n, v in one['headers']} for one in r)")" True "its header $header arrives"
done
# As the guide says: connected by one command, and started without a variable.
connected() {
    exec env -i -C "$tmp/work" HOME="$owner" TMPDIR="$tmp/client-tmp" PATH=/usr/bin:/bin SHELL=/bin/sh LANG=C.UTF-8 \
        HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.1 DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 \
        CLAUDE_CODE_TMPDIR="$tmp/client-tmp" CLAUDE_CODE_MAX_RETRIES=1 "$claude" "$@" >"$tmp/said" 2>&1 </dev/null
}
noted() { vault "$@" >"$tmp/said" 2>&1; }
says 0 'Connected Claude Code' 'it is connected' noted connect claude-code --proxy --yes --url "$proxy"
says 0 'made-up answer' 'connected, it needs no variable' connected -p hi
asked_with 'connected' anthropic:claude-1
says 0 'Disconnected Claude Code' 'it is disconnected' noted disconnect claude-code --yes
vault access list >"$tmp/said" 2>&1
lacks "$tmp/said" claude-code 'and its access is gone'

# What it knows goes into a file, which is searched in the end: the answer of a tool goes to the provider.
# shellcheck disable=SC2016 # it is not to be expanded here
says 0 'the tool said done' 'it runs a tool' claude --allowedTools Bash \
    -p 'call Bash {"command": "{ env; cat /proc/$PPID/environ; } >variables; echo done"}'
has "$tmp/work/variables" "ANTHROPIC_BASE_URL=$proxy/anthropic" 'the tool sees the environment'
told anthropic:claude-1 echo
says 0 'the key is [masked:anthropic:claude-1], it says' 'a key that the provider quotes is masked' claude -p hi

told anthropic:claude-1 '429 30'
told anthropic:claude-2 hold
at_rest claude --debug -p hi
process_has_no_key 'in an answer' "$pid"
goes_on 'a 429, and another profile answers'
asked_with 'a 429' anthropic:claude-{1,2}
told anthropic:claude-2 hold
at_rest claude -p hi
stops 'it is interrupted, and the provider sees it'
# It asks again after a 401.
for profile in anthropic:claude-{1..3}; do told "$profile" 'always 401'; done
says 1 'made-up refusal 401' "nothing is left: the provider's error" claude -p hi

files_have_no_key 'Claude Code' "$home" "$tmp/work" "$tmp/client-tmp"
upstream_saw_keys_alone
end_proxy
tokens_are_nowhere "the vault, the proxy's log and what it says have no token" "$owner" "$tmp/proxy-said"
finish proxy-claude

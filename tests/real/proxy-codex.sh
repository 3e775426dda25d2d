#!/usr/bin/env bash
# Codex through `strongroom serve`: a model provider of its configuration has a base URL, and names a variable with a token
# (`env_key`). It works with tools, and on when a key fails. No key is in its memory, environment, files or logs.
#
#   STRONGROOM=target/debug/strongroom CODEX_DIR=<directory made by scripts/install-test-deps.sh --all> tests/real/proxy-codex.sh
#
# budget: 60 s
# once: as root
# only: with --all
# shellcheck source=tests/real/lib/proxy-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/proxy-world.sh"
# Set by proxy-world.sh.
# shellcheck disable=SC2154
need git
codex=${CODEX_DIR:?set it to the directory of Codex}/codex
[ -x "$codex" ] || { printf '%s is missing; run scripts/install-test-deps.sh --all\n' "$codex" >&2; exit 1; }

make_vault openai:codex-{1..3}
start_proxy
git init -q "$tmp/work"
mkdir -p "$home/.codex"
cat >"$home/.codex/config.toml" <<TOML
model = "made-up-model"
model_provider = "strongroom"
[model_providers.strongroom]
name = "strongroom"
base_url = "$proxy/openai/v1"
env_key = "STRONGROOM_TOKEN"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
[projects."$tmp/work"]
trust_level = "untrusted"
TOML

codex() {
    exec env -i -C "$tmp/work" HOME="$home" TMPDIR="$tmp/client-tmp" PATH=/usr/bin:/bin SHELL=/bin/sh LANG=C.UTF-8 RUST_LOG=debug \
        HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=127.0.0.1 STRONGROOM_TOKEN="$token" "$codex" "$@" >"$tmp/said" 2>&1 </dev/null
}

access codex openai:codex-{1..3}
(codex --version)
tail -n 1 "$tmp/said"
says 0 'made-up answer' 'an answer' codex exec hi
cp "$tmp/said" "$tmp/client-tmp/codex.log"
asked_with 'an answer' openai:codex-1
for header in session-id thread-id originator user-agent x-client-request-id x-codex-turn-metadata; do
    same "$(seen "all('$header' in {n.lower() for n, v in one['headers']} for one in r)")" True "its header $header arrives"
done
# What it knows goes into a file, which is searched in the end: the answer of a tool goes to the provider.
says 0 'the tool said' 'it runs a tool' codex exec 'call exec_command {"cmd": "env >variables; echo done"}'
has "$tmp/work/variables" CODEX_SESSION_ID 'the tool sees the environment'
told openai:codex-1 echo
says 0 'the key is [masked:openai:codex-1], it says' 'a key that the provider quotes is masked' codex exec hi

told openai:codex-1 '429 30'
told openai:codex-2 hold
at_rest codex exec hi
process_has_no_key 'in an answer' "$pid"
goes_on 'a 429, and another profile answers'
asked_with 'a 429' openai:codex-{1,2}
told openai:codex-2 hold
at_rest codex exec hi
stops 'it is interrupted, and the provider sees it'
for profile in openai:codex-{1..3}; do told "$profile" 'always 401'; done
says 1 'made-up refusal 401' "nothing is left: the provider's error" codex exec hi

files_have_no_key 'Codex' "$home" "$tmp/work" "$tmp/client-tmp"
upstream_saw_keys_alone
end_proxy
tokens_are_nowhere "the vault, the proxy's log and what it says have no token" "$owner" "$tmp/proxy-said"
finish proxy-codex

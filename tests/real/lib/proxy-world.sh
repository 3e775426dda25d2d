# To be sourced by the scripts of the proxy's clients: stand-ins for the providers, a vault with keys for them, the proxy in front of
# it, and what of the keys is found where.
# shellcheck shell=bash
# Many variables set here are for the scripts that source this file.
# shellcheck disable=SC2034
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/verdict.sh"
# shellcheck source=tests/real/lib/within.sh
. "$lib/within.sh"
# shellcheck source=tests/real/lib/stand-ins.sh
. "$lib/stand-ins.sh"
need_binary
need python3 openssl

upstream=$tmp/upstream
# Of the vault's owner, and of the clients.
owner=$tmp/owner home=$tmp/home
mkdir -p "$upstream/next" "$owner" "$home" "$tmp/work" "$tmp/client-tmp"
# This is in every key, and in nothing else.
stem=made-up-vault-key

as_owner=(env -i HOME="$owner" PATH=/usr/bin:/bin "$binary")
vault() { "${as_owner[@]}" "$@"; }
# key_of PROFILE
key_of() {
    case "$1" in
        anthropic:*) printf 'sk-ant-api03-' ;;
        openai:*) printf 'sk-proj-' ;;
        google:*) printf 'AIza-' ;;
    esac
    printf '%s-%s' "$stem" "${1#*:}"
}

# make_vault PROFILE...: in this order.
make_vault() {
    local profile provider separator='' ids=()
    vault init --store file --unlock key-file >"$tmp/said" 2>&1
    for profile in "$@"; do
        provider=${profile%%:*}
        printf '%s"%s":{"type":"api_key","provider":"%s","key":"%s"}' "$separator" "$profile" "$provider" "$(key_of "$profile")"
        separator=,
        printf '%s %s\n' "$provider" "$(key_of "$profile")" >>"$upstream/keys"
    done >"$tmp/profiles"
    printf '{"version":1,"profiles":{%s}}' "$(cat "$tmp/profiles")" | vault import - --yes >"$tmp/said" 2>&1
    rm "$tmp/profiles"
    for provider in anthropic openai google; do
        mapfile -t ids < <(printf '%s\n' "$@" | grep "^$provider:" || true)
        [ "${#ids[@]}" = 0 ] || vault order set --provider "$provider" "${ids[@]}" >"$tmp/said" 2>&1
    done
}

# start_proxy: sets $proxy, its base URL, and $proxy_pid.
start_proxy() {
    certificates "$upstream"
    serve_in "$upstream" python3 "$lib/model-api.py" "$upstream"
    mkfifo "$tmp/serving"
    "${as_owner[@]}" serve --listen 127.0.0.1:0 --upstream-ca "$upstream/ca.pem" --upstream "anthropic=https://localhost:${ports[0]}" \
        --upstream "openai=https://localhost:${ports[1]}" --upstream "google=https://localhost:${ports[2]}" \
        >"$tmp/serving" 2>"$tmp/proxy-said" &
    proxy_pid=$!
    read -r proxy <"$tmp/serving"
    proxy=${proxy##* }
    : >>"$upstream/log"
}
# end_proxy: ends it as a service manager does.
end_proxy() {
    local status=0
    kill -TERM "$proxy_pid"
    wait "$proxy_pid" || status=$?
    proxy_pid=''
    exits "$status" 0 'the proxy ends with status 0' "$tmp/proxy-said"
}
proxy_pid=''
kill_proxy() { [ -z "$proxy_pid" ] || kill "$proxy_pid"; }
at_end+=(kill_proxy)

# access NAME PROFILE...: sets $token.
access() {
    local name=$1
    shift
    token=$(vault access add "$name" "${@/#/--profile=}" 2>"$tmp/said")
    printf 'keys %s\ntoken %s plain\n' "$stem" "$token" >"$tmp/values"
    printf '%s\n' "$token" >>"$tmp/tokens"
}

# --- the stand-ins ----------------------------------------------------------------------------------------

# told PROFILE LINE...: what the next requests with its key get; see model-api.py.
told() { printf '%s\n' "${@:2}" >"$upstream/next/$(key_of "$1")"; }
# mark: from here on, `seen` looks.
mark=0
mark() { mark=$(wc -l <"$upstream/log"); }
# seen EXPRESSION: evaluates a Python expression over the requests r since the mark; e is what became of them.
seen() {
    python3 -c '
import json, sys
lines = [json.loads(line) for line in open(sys.argv[1]).readlines()[int(sys.argv[2]):]]
r, e = [one for one in lines if "path" in one], [one for one in lines if "path" not in one]
print(eval(sys.argv[3]))' "$upstream/log" "$mark" "$1"
}
# asked_with WHAT PROFILE...: since the mark, the provider was asked with exactly these keys in this order.
asked_with() { keys_are 'r' "$@"; }
# turns_with WHAT PROFILE...: the same of requests that offer tools, as those of an agent's turn do.
turns_with() { keys_are '[one for one in r if one["tools"]]' "$@"; }
keys_are() {
    local requests=$1 what=$2 keys
    shift 2
    keys=$(for one in "$@"; do key_of "$one"; printf ' '; done)
    same "$(seen "' '.join(one['key'] for one in $requests)")" "${keys% }" "$what: the provider was asked with the keys of $*" shown
}
# is_held COUNT
is_held() { [ "$(seen 'sum("holds" in one for one in e)')" = "$1" ]; }
has_gone() { [ "$(seen 'sum(one.get("ended") == "gone" for one in e)')" = 1 ]; }

# at_rest COMMAND...: starts a client in the background; sets $pid once a provider has its request and holds the answer.
at_rest() {
    rm -f "$upstream/go"
    mark
    "$@" &
    pid=$!
    within_s=60 within is_held 1 || fail 'a provider holds an answer' "$tmp/said"
}
pid=''
kill_client() { [ -z "$pid" ] || kill "$pid"; }
at_end+=(kill_client)
# goes_on WHAT: the provider goes on, and the client ends with the answer.
goes_on() {
    local status=0
    : >"$upstream/go"
    wait "$pid" || status=$?
    pid=''
    exits "$status" 0 "$1" "$tmp/said"
    has "$tmp/said" 'made-up answer' "$1: it says so"
}
# stops WHAT: the client is interrupted, and the provider sees it.
stops() {
    kill -INT "$pid"
    if within has_gone; then ok "$1"; else fail "$1" "$tmp/said"; fi
    wait "$pid" || true
    pid=''
}
# says STATUS TEXT WHAT COMMAND...: the client ends with that status, and its output, which goes to $tmp/said, has the text.
says() {
    local expected=$1 text=$2 what=$3 status=0
    shift 3
    mark
    ("$@") || status=$?
    exits "$status" "$expected" "$what" "$tmp/said"
    has "$tmp/said" "$text" "$what: it says so"
    lacks "$tmp/said" "$stem" "$what: no key is shown"
}

# --- what must not leak -----------------------------------------------------------------------------------

# count_of NAME: how often the last search found it.
count_of() { sed -n "s/^$1 //p" "$tmp/leaks"; }
# process_has_no_key WHAT PID: but the token, which shows that the search finds what is there.
process_has_no_key() {
    python3 "$lib/leaks.py" "$tmp/values" process "$2" >"$tmp/leaks"
    same "$(count_of keys)" 0 "$1: no key is in its memory ($(count_of searched); its token is there $(count_of token) times)" shown
    holds "$1: the token is found there" [ "$(count_of token)" -gt 0 ]
}
# files_have_no_key WHAT PATH...
files_have_no_key() {
    python3 "$lib/leaks.py" "$tmp/values" files "${@:2}" >"$tmp/leaks"
    same "$(count_of keys)" 0 "$1: no key is in its files ($(count_of searched))" shown
    grep '^in ' "$tmp/leaks" | grep keys || true
}

# upstream_saw_keys_alone: each request had one of the vault's keys and no other credential, and no token anywhere.
upstream_saw_keys_alone() {
    mark=0
    same "$(seen "sum('$stem' not in one['key'] for one in r)")" 0 "each of the $(seen 'len(r)') requests had a key of the vault" shown
    same "$(seen "{tuple(sorted(n.lower() for n, v in one['headers'] if '$stem' in v)) for one in r} \
        - {('x-api-key',), ('authorization',), ('x-goog-api-key',)}")" 'set()' 'in one header' shown
    same "$(seen "[n for one in r for n, v in one['headers'] if '$stem' not in v and n.lower() in \
        ('authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'cookie', 'proxy-authorization')]")" '[]' \
        'and no other credential' shown
    tokens_are_nowhere 'the providers saw no token' "$upstream"
}
# tokens_are_nowhere WHAT PATH...
tokens_are_nowhere() {
    sed 's/^/token /' "$tmp/tokens" >"$tmp/all-tokens"
    python3 "$lib/leaks.py" "$tmp/all-tokens" files "${@:2}" >"$tmp/leaks"
    same "$(count_of token)" 0 "$1 ($(count_of searched))" shown
}

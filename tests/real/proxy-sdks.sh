#!/usr/bin/env bash
# The providers' own SDKs through `strongroom serve`: @anthropic-ai/sdk and openai for Node.js, anthropic, openai and google-genai for
# Python. Each is given a base URL and a token by the variables that it reads; plain answers, streams, tools, 20 MB of images, requests
# that are cancelled, and failures after which another profile answers. No key is in its memory, environment, files or logs.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=… NODE_SDKS_DIR=… \
#       PYTHON_SDKS_DIR=<directories made by scripts/install-test-deps.sh> tests/real/proxy-sdks.sh
#
# OpenClaw's Node.js is used.
# budget: 120 s
# once: as an ordinary user
# shellcheck source=tests/real/lib/proxy-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/proxy-world.sh"
# Set by proxy-world.sh.
# shellcheck disable=SC2154
need_openclaw
node_sdks=${NODE_SDKS_DIR:?set it to the directory of the SDKs for Node.js}
python_sdks=${PYTHON_SDKS_DIR:?set it to the directory of the SDKs for Python}
for one in "$node_sdks/node_modules/openai" "$python_sdks/bin/python3"; do
    [ -e "$one" ] || { printf '%s is missing; run scripts/install-test-deps.sh\n' "$one" >&2; exit 1; }
done
# How long a cancellation may take from the SDK to the provider, in ms, on a busy machine.
cancel_ms=500

clients=('node anthropic' 'node openai' 'python anthropic' 'python openai' 'python google')
profiles=()
for client in "${clients[@]}"; do
    read -r runtime provider <<<"$client"
    profiles+=("$provider:$runtime-"{1..5})
done
make_vault "${profiles[@]}"
start_proxy

# begin RUNTIME PROVIDER: starts a client. What it logs goes to $log.
begin() {
    local runtime=$1 provider=$2 program
    case "$runtime" in
        node) program=("$node" "$lib/sdk-client.mjs" "$node_sdks" "$provider") ;;
        python) program=("$python_sdks/bin/python3" "$lib/sdk-client.py" "$provider") ;;
    esac
    log=$tmp/client-tmp/$runtime-$provider.log
    rm -f "$tmp/asked" "$tmp/answered"
    mkfifo "$tmp/asked" "$tmp/answered"
    env -i -C "$tmp/work" HOME="$home" TMPDIR="$tmp/client-tmp" PATH=/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 \
        ANTHROPIC_BASE_URL="$proxy/anthropic" OPENAI_BASE_URL="$proxy/openai/v1" GOOGLE_GEMINI_BASE_URL="$proxy/google" \
        ANTHROPIC_API_KEY="$token" OPENAI_API_KEY="$token" GEMINI_API_KEY="$token" ANTHROPIC_LOG=debug OPENAI_LOG=debug \
        "${program[@]}" <"$tmp/asked" >"$tmp/answered" 2>"$log" &
    pid=$!
    exec 5>"$tmp/asked" 6<"$tmp/answered"
    IFS= read -r -t 30 -u 6 answer
}
# does STEP: sets $answer.
does() {
    printf '%s\n' "$1" >&5
    IFS= read -r -t 30 -u 6 answer || answer='no answer in 30 s'
}
# gets STEP ANSWER WHAT
gets() {
    does "$1"
    # shellcheck disable=SC2053 # the last is a pattern
    if [[ $answer == $2 ]]; then ok "$name: $3"; else fail "$name: $3 ($answer)"; fi
}

# cancels STEP HOW WHAT: the provider was told to stop there; the client cancels, and the provider sees it go.
cancels() {
    local took
    mark
    told "$first" "$2"
    gets "$1" 'cancelled *' "$3"
    if ! within has_gone; then
        fail "$name: the provider sees it"
        return
    fi
    took=$(seen "round((next(one['at'] for one in e if one.get('ended') == 'gone') - ${answer#cancelled }) * 1000)")
    holds "$name: the provider sees it within $cancel_ms ms ($took ms)" [ "$took" -le "$cancel_ms" ]
    is_held 1 || fail "$name: the provider had the request before it was cancelled"
}
# hops STEP ANSWER WHAT BEHAVIOUR PROFILE NEXT...: the provider refuses a profile, and the next one answers, without that the client
# knows. SDKs that try again by themselves count their tries in a header.
hops() {
    local step=$1 expected=$2 what=$3 behaviour=$4
    shift 4
    mark
    told "$1" "$behaviour"
    gets "$step" "$expected" "$what: it gets the answer"
    asked_with "$name: $what" "$@"
    same "$(seen "{v for one in r for n, v in one['headers'] if n.lower() == 'x-stainless-retry-count'} - {'0'}")" 'set()' \
        "$name: $what: the SDK did not try again" shown
}

check() {
    local runtime=$1 provider=$2 each=$2:$1
    name="$1 $2" first=$each-1
    access "$1-$2" "$each-"{1..5}
    begin "$1" "$2"
    same "$answer" ready "$name: it starts" shown
    case "$provider" in
        anthropic) events='message_start content_block_start 2[*]content_block_delta content_block_stop message_delta message_stop' ;;
        openai) events='response.created * 2[*]response.output_text.delta * response.completed' ;;
        google) events='2[*]response' ;;
    esac
    mark
    gets plain 'made-up answer' 'a plain answer'
    gets stream "made-up answer | $events" 'a stream, with all its events'
    gets tools 'the tool said 21 degrees in Made Up' 'a tool that it runs'
    gets images '20971520 bytes as they were' '20 MB of images'
    gets models '*made-up-model' 'the models'
    case "$provider" in
        anthropic) gets count '7 tokens' 'tokens that are counted' ;;
        openai)
            gets embed '0.5,-0.25' 'an embedding'
            gets chat-plain 'made-up answer' 'chat: a plain answer'
            gets chat-stream 'made-up answer | 4[*]chat.completion.chunk' 'chat: a stream'
            gets chat-tools 'the tool said 21 degrees in Made Up' 'chat: a tool that it runs'
            gets chat-images '20971520 bytes as they were' 'chat: 20 MB of images'
            ;;
        google)
            gets count '7 tokens' 'tokens that are counted'
            gets embed '0.5,-0.25' 'an embedding'
            ;;
    esac
    same "$(seen '{one["key"] for one in r}')" "{'$(key_of "$first")'}" "$name: all of them with one key"
    told "$first" echo
    gets stream "the key is ?masked:$first?, it says | *" 'a key that the provider quotes is masked'

    cancels cancel hold 'a stream is cancelled after its first piece'
    cancels silent silent 'a request is cancelled before its answer'
    [ "$provider" != openai ] || cancels chat-cancel hold 'chat: a stream is cancelled'

    hops plain 'made-up answer' 'a 401' 401 "$first" "$each-2"
    hops stream "made-up answer | $events" 'a 429 in a stream' '429 30' "$each-2" "$each-3"
    hops tools 'the tool said *' 'a 529' 529 "$each-3" "$each-4" "$each-4"
    hops stream "made-up answer | $events" 'an error as the first event' event "$each-4" "$each-5"
    mark
    told "$each-5" 401
    gets plain '*Error*made-up refusal 401*' "nothing is left: it gets the provider's error"
    asked_with "$name: nothing is left" "$each-5"

    process_has_no_key "$name" "$pid"
    files_have_no_key "$name" "$log" "/proc/$pid/environ"
    exec 5>&- 6<&-
    status=0
    wait "$pid" || status=$?
    pid=''
    exits "$status" 0 "$name: it ends" "$log"
}
for client in "${clients[@]}"; do
    # shellcheck disable=SC2086 # two words
    check $client
done

files_have_no_key 'all clients' "$home" "$tmp/work" "$tmp/client-tmp"
upstream_saw_keys_alone
end_proxy
tokens_are_nowhere "the vault, the proxy's log and what it says have no token" "$owner" "$tmp/proxy-said"
finish proxy-sdks

# To be sourced by the scripts of the helpers' clients: vaults that give a credential and vaults that do not, the helper as the
# client starts it, and a terminal at which no one answers.
# shellcheck shell=bash
# Many variables set here are for the scripts that source this file.
# shellcheck disable=SC2034
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/verdict.sh"
# shellcheck source=tests/real/lib/stand-ins.sh
. "$lib/stand-ins.sh"
need_binary
need python3 setsid

secret=made-up-helper-secret
# What a shell, JSON, a URL or a header could take for more than text.
# shellcheck disable=SC2016 # it is not to be expanded
hostile='made-up"\$(touch${IFS}owned)'\''&;|%0a'
# How long a client may wait for the helper, and a whole client may take on a busy machine, in ms.
helper_ms=1900
client_ms=20000

mkdir "$tmp/home" "$tmp/run" "$tmp/vaults" "$tmp/bin" "$tmp/links"
# The helper, under each of its names: it notes how many milliseconds it took, its status and its arguments.
for name in strongroom git-credential-strongroom docker-credential-strongroom; do
    ln -s "$binary" "$tmp/links/$name"
    cat >"$tmp/bin/$name" <<SH
#!/bin/sh
begun=\$(date +%s%N)
status=0
'$tmp/links/$name' "\$@" || status=\$?
echo "\$(((\$(date +%s%N) - begun) / 1000000)) \$status $name \$*" >>'$tmp/asked'
exit "\$status"
SH
    chmod 700 "$tmp/bin/$name"
done
: >"$tmp/asked"

# client COMMAND...: runs it in $at, with the vault $vault.
vault=good
variables=()
client() {
    env -i -C "${at:-$tmp/home}" HOME="$tmp/home" PATH="$tmp/bin:$PATH" XDG_RUNTIME_DIR="$tmp/run" \
        STRONGROOM_HOME="$tmp/vaults/$vault" "${variables[@]}" "$@"
}
# in_vault NAME ARGS...: runs Strongroom, whose standard input is the caller's.
in_vault() {
    local vault=$1 phrase=()
    shift
    [ "$vault" != locked ] || phrase=(--passphrase-file "$tmp/passphrase")
    client "$binary" "${phrase[@]}" "$@"
}

# make_vaults ID EDIT...: each but `missing` has the profile, edited so; `none` does not exist. `locked` would ask for a passphrase.
make_vaults() {
    local id=$1 name value unlock
    shift
    printf 'made-up passphrase\n' >"$tmp/passphrase"
    for name in good locked missing expired hostile; do
        unlock=key-file
        [ "$name" != locked ] || unlock=passphrase
        in_vault "$name" init --store file --unlock "$unlock" >/dev/null 2>&1
        value=$secret
        [ "$name" != hostile ] || value=$hostile
        [ "$name" != missing ] || continue
        paste_into "$name" "$id" "$value" "$@"
    done
    in_vault expired edit "$id" --expires-at 2001-01-01 >/dev/null 2>&1
}
# paste_into VAULT ID VALUE [EDIT...]
paste_into() {
    printf '{"version":1,"profiles":{"%s":{"type":"token","provider":"%s","token":%s}}}' "$2" "${2%%:*}" \
        "$(python3 -c 'import json, sys; print(json.dumps(sys.argv[1]))' "$3")" |
        in_vault "$1" import - --yes >/dev/null 2>&1
    [ $# -lt 4 ] || in_vault "$1" edit "$2" "${@:4}" >/dev/null 2>&1
}

# attempt COMMAND...: runs a client without a terminal; sets $status and $ms. What it says goes to $tmp/said.
attempt() {
    local begun
    : >"$tmp/asked"
    begun=$(date +%s%N)
    status=0
    client setsid -w "$@" >"$tmp/said" 2>&1 </dev/null || status=$?
    ms=$((($(date +%s%N) - begun) / 1000000))
}
# at_terminal COMMAND...: the same at a terminal.
at_terminal() {
    local begun
    : >"$tmp/asked"
    begun=$(date +%s%N)
    status=0
    client TERM=xterm "$(command -v python3)" "$lib/on-terminal.py" $((client_ms / 1000)) "$@" >"$tmp/said" 2>&1 </dev/null || status=$?
    ms=$((($(date +%s%N) - begun) / 1000000))
}

# asked WHAT [STATUS]: the client started the helper, which ended in time and, if given, with that status.
asked() {
    local slowest
    if [ ! -s "$tmp/asked" ]; then
        fail "$1: the client asked the helper" "$tmp/said"
        return
    fi
    slowest=$(sort -n "$tmp/asked" | tail -n 1 | cut -d ' ' -f 1)
    if [ "$slowest" -le "$helper_ms" ]; then ok "$1: the helper took $slowest ms"; else fail "$1: the helper took $slowest ms"; fi
    [ $# = 1 ] || same "$(cut -d ' ' -f 2 "$tmp/asked" | sort -u | tr '\n' ' ')" "$2 " "$1: the helper says $2" shown
}
# unasked WHAT: the client did not start the helper.
unasked() { if [ -s "$tmp/asked" ]; then fail "$1: the helper is not asked" "$tmp/asked"; else ok "$1: the helper is not asked"; fi; }
# without_secrets WHAT: the last client showed no secret and no prompt.
without_secrets() {
    lacks "$tmp/said" "$secret" "$1: nothing is shown"
    lacks "$tmp/said" 'Passphrase: ' "$1: no prompt"
}
# gives_up WHAT: the last client failed, by itself, in time.
gives_up() {
    if [ "$status" != 0 ] && [ "$status" != 124 ]; then ok "$1: the client fails"; else fail "$1: the client fails (exit $status)" "$tmp/said"; fi
    if [ "$ms" -le "$client_ms" ]; then ok "$1: within $client_ms ms ($ms ms)"; else fail "$1 took $ms ms"; fi
    without_secrets "$1"
}
# terminal_prompts: such a terminal shows a prompt, if there is one.
terminal_prompts() {
    local vault=locked client_ms=2000
    at_terminal "$binary" verify
    has "$tmp/said" 'Passphrase: ' 'a command that may ask would ask at this terminal'
}

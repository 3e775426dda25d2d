#!/usr/bin/env bash
# How Strongroom behaves with a keychain: how long a silent one delays a command, that read-only commands raise no
# prompt, where new profiles go after `store move`, what happens to the items of removed homes, and how often each
# message appears.
#
#   STRONGROOM=target/debug/strongroom tests/real/keychain-manners.sh
#
# budget: 150 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Needs no display, no systemd, no network.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# Set by checks.sh, or read there.
# shellcheck disable=SC2154,SC2034

need gnome-keyring-daemon dbus-daemon dbus-monitor script

# How long a command may wait for a keychain by default, and how long the rest may take on a busy machine, in ms.
limit_ms=3000
margin_ms=1500
patience=''

# --- a silent keychain ------------------------------------------------------------------------------------

# many N: writes an auth-profiles.json with that many tokens.
many() {
    "$rig_python" - "$1" <<'PY'
import json, sys
made = {"kc:n%03d" % n: {"type": "token", "provider": "kc", "token": "EXAMPLE-not-a-secret-%030d" % n} for n in range(int(sys.argv[1]))}
print(json.dumps({"version": 1, "profiles": made}))
PY
}

make_vaults() {
    local unlock n
    for unlock in key-file keychain; do
        new_world
        must init --store keychain --unlock "$unlock"
        many 12 >"$world/many.json"
        must import "$world/many.json"
        pasted file:one 2 --store file
        keep_recovery_key
        if [ "$unlock" = key-file ]; then by_key=$world; else by_item=$world; fi
    done
}

# Every command that may ask the keychain for anything, with a silent keychain, within its own deadline.
in_silence() {
    local what=$1 verb
    local by_item_too=' get kc:n001 , status --check , doctor , doctor --repair , rekey --yes , recovery-key , list '
    for world in "$by_key" "$by_item"; do
        enter "$world"
        printf '%s\n' "$(token 3)" >"$world/token"
        for verb in 'get kc:n001' 'get file:one' 'list' 'status' 'status --check' 'status --check --json' verify doctor \
            'doctor --repair' 'log' 'paste-token --provider kc --profile-id kc:new --store keychain' \
            'rotate kc:n001' 'rename kc:n001 kc:other' 'import many.json --on-conflict replace' \
            'export --all-agents --to age1nc56nflfx0v4hr03d3c8lss97w5slu0er67tef3nusjgh3dffyhsd4un3j --out bundle.age' \
            'store move --to file' 'store move --to keychain' 'store prune --yes' 'unlock-method add keychain --replace' \
            'unlock-method list' 'recovery-key' 'rekey --yes' 'lock' 'recipient' \
            'recover --recovery-key recovery-key.txt --discard-unlock-files'; do
            if [ "$world" = "$by_item" ] && [[ "$by_item_too" != *" $verb "* ]]; then continue; fi
            input=/dev/null
            case "$verb" in paste-token* | rotate*) input=$world/token ;; esac
            [ ! -e "$world/recovery-key" ] || mv "$world/recovery-key" "$world/recovery-key.txt"
            # shellcheck disable=SC2086 # several words
            most=$((limit_ms + margin_ms)) run $verb
            if [ "$ms" -le $((limit_ms + margin_ms)) ]; then took="$took $ms"; else fail "$what: $verb took $ms ms ($(outcome))" "$err"; fi
        done
    done
    new_world
    most=$((limit_ms + margin_ms)) run init
    in_time $((limit_ms + margin_ms)) "$what: init ($(outcome))"
}
silence() {
    local took='' direct
    rig gnome
    make_vaults
    direct=$bus
    case "$1" in
        daemon) rig_stop ;;
        bus) kill -STOP "$(rig_pid bus)" ;;
        socket)
            "$lib/dbus-cut.py" --silent "$tmp/silent" >"$tmp/silent.log" &
            printf '%s\n' "$!" >"$tmp/silent.pid"
            rig_wait 'the silent socket' grep -q ready "$tmp/silent.log"
            bus=unix:path=$tmp/silent
            ;;
    esac
    in_silence "a silent $1"
    # shellcheck disable=SC2086 # a list of numbers
    ok "a silent $1: $(printf '%s\n' $took | wc -l) commands, the slowest $(printf '%s\n' $took | sort -n | tail -n 1) ms"
    bus=$direct
    case "$1" in
        daemon) rig_go ;;
        bus) kill -CONT "$(rig_pid bus)" ;;
    esac
    rig_end
}

# A keychain that answers is not cut off, however long it takes in total.
long_work() {
    rig gnome
    new_world
    must init --store keychain
    many 120 >"$world/many.json"
    works 'an import that takes longer than a silence may' --keychain-timeout 300ms import many.json
    works 'and all of it is verified' --keychain-timeout 300ms verify
    has "$out" 'Verified 120 profiles' 'every record of it'
    rig_end
}

# --- prompts ----------------------------------------------------------------------------------------------

# at_terminal ARGS...: runs the binary in a pseudo-terminal, with nothing typed.
at_terminal() {
    env -i -C "$world" HOME="$world" PATH=/usr/bin:/bin TERM=xterm DBUS_SESSION_BUS_ADDRESS="$bus" \
        timeout -k 1 30 script -qec "$binary $*" /dev/null </dev/null >"$out" 2>"$err" || true
}

prompts() {
    local verb
    rig gnome
    new_world
    must init --store keychain
    pasted kc:one 1
    settle
    watch_prompts
    rig_lock
    for verb in list status 'status --check' 'status --check --json' 'models status --check' doctor 'doctor --json' log; do
        at_terminal "$verb"
        same "$(prompts_seen)" 0 "at a terminal, $verb raises no prompt of a locked keychain" shown
        lacks "$out" 'answer its prompt to unlock it' "$verb announces none"
    done
    has "$out" '' 'something was printed'
    at_terminal 'status --check'
    has "$out" 'profiles are not verified' 'status --check says that nothing was verified'
    at_terminal doctor
    has "$out" 'GNOME Keyring is locked' 'doctor says that the keychain is locked'
    at_terminal 'get kc:one --reveal'
    same "$(($(prompts_seen) > 0))" 1 'get raises one' shown
    has "$out" 'answer its prompt to unlock it' 'and says so before'
    rig_end
}

# --- where new profiles go --------------------------------------------------------------------------------

store_of() {
    must list --json
    json "$out" "[p['store'] for a in d['agents'] for p in a['profiles'] if p['profileId'] == '$1'][0]"
}

defaults() {
    rig gnome
    new_world
    must init --store file
    works 'a move in a vault without profiles' store move --to keychain
    has "$err" 'New profiles are stored in the keychain (GNOME Keyring)' 'says where new ones go'
    pasted kc:one 1
    same "$(store_of kc:one)" keychain 'and they do' shown
    must store move --to file
    pasted kc:two 2
    same "$(store_of kc:two)" file 'after a move to files new ones go to files' shown
    must store move kc:one --to keychain
    pasted kc:three 3
    same "$(store_of kc:three)" file 'one profile that is moved moves no other' shown
    must store move --to keychain
    works 'moving again what is there' store move --to keychain --json
    same "$(json "$out" "(d['moved'], d['defaultStore'])")" "([], 'keychain')" 'says so' shown
    many 3 >"$world/many.json"
    must import many.json
    same "$(store_of kc:n001)" keychain 'an import goes there' shown
    pasted kc:four 4 --agent ops
    must list --all-agents --json
    same "$(json "$out" "{p['store'] for a in d['agents'] for p in a['profiles']}")" "{'keychain'}" 'and so does another agent' shown
    works 'the vault verifies' verify

    # Nothing in plain text decides it.
    sed -i 's/"defaultStore":"keychain"/"defaultStore":"file"/' "$vault/settings.json"
    run verify
    has "$out" 'settings.json' 'settings that another program changed are a finding'
    rig_end
}

# --- removed homes ----------------------------------------------------------------------------------------

all_items() { "$lib/keychain-items.py" list application=strongroom | wc -l; }

removed_homes() {
    local n
    rig gnome
    new_world
    works 'without a keychain item there is nothing to remove' store prune --yes
    for n in one two; do
        must --home "$world/$n" init --store keychain
        feed "$(token 1)"
        must --home "$world/$n" paste-token --provider kc --profile-id "kc:$n"
    done
    must init --store keychain
    pasted kc:kept 1
    same "$(all_items)" 6 'three homes have six items' shown
    works 'while all are there' store prune --yes
    same "$(all_items)" 6 'none goes' shown
    rm -rf "${world:?}/one"
    works 'doctor in a vault' doctor
    has "$out" 'the keychain holds 2 items of 1 removed home' 'mentions the removed one'
    works 'a dry run' store prune --dry-run
    has "$out" "$world/one" 'names it'
    has "$out" 'main/kc:one' 'and its profile'
    lacks "$out" "$world/two" 'and no other'
    refused NOT_CONFIRMED 64 'in a script it needs --yes' store prune
    same "$(all_items)" 6 'and nothing goes' shown
    refused NOT_FOUND 66 'a home that is there cannot be named' store prune --yes "$world/two"
    mv "$world/two" "$world/moved"
    works 'beside a home that was moved and is not known' store prune --dry-run
    works 'the moved home itself' --home "$world/moved" store prune --yes "$world/two"
    # shellcheck disable=SC2016 # a remedy
    has "$err" 'run `strongroom doctor --repair` first' 'keeps its items, and says what to do'
    gives "$(token 1)" 'it reads them' --home "$world/moved" get kc:two
    works 'once it has its own' --home "$world/moved" doctor --repair
    works 'the old ones go' --home "$world/moved" store prune --yes "$world/two"
    gives "$(token 1)" 'and it reads its own' --home "$world/moved" get kc:two
    run store prune --yes --json
    same "$(json "$out" "(d['removed'], [l['profiles'] for l in d['leftovers']])")" "(2, [['main/kc:one']])" 'the removed home goes' shown
    same "$(all_items)" 4 'with its items alone' shown
    gives "$(token 1)" 'this home is as it was' get kc:kept

    # A home that lost its unlock files still exists: recover needs its items.
    mkdir "$world/aside"
    mv "$vault/unlock" "$vault/vault.json" "$world/aside"
    works 'beside a home without unlock files' --home "$world/moved" store prune --yes
    same "$(all_items)" 4 'its items stay' shown
    mv "$world/aside"/* "$vault"
    rm -rf "$vault"
    works 'doctor without a vault' doctor
    # shellcheck disable=SC2016 # a remedy
    has "$out" 'the 2 items that removed homes left in GNOME Keyring, run `strongroom store prune --dry-run`' 'mentions them too'
    # Another vault, made in the same place.
    must init --store keychain
    works 'doctor of a new vault in that place' doctor
    has "$out" 'the keychain holds 2 items of another vault that used this home' 'tells of the earlier ones'
    works 'from elsewhere' --home "$world/moved" store prune --yes
    same "$(all_items)" 5 'they stay' shown
    works 'by the vault in that place' store prune --yes
    same "$(all_items)" 3 'they go' shown
    rig_end
}

# --- what is said -----------------------------------------------------------------------------------------

first_session() {
    local said verb n made=0
    for n in 'init --store keychain' 'init --store file' 'init --store keychain --unlock key-file'; do
        rig gnome
        new_world
        said=$world/said
        for verb in "$n" 'paste-token --provider anthropic' 'paste-token --provider anthropic --profile-id anthropic:two' \
            list 'get anthropic:two' 'rotate anthropic:two' 'status' 'order set --provider anthropic anthropic:two' 'verify' \
            'rename anthropic:two anthropic:three' 'remove anthropic:three --yes' 'recovery-key' 'status' \
            'unlock-method list'; do
            made=$((made + 1))
            feed "$(token "$made")"
            # shellcheck disable=SC2086 # several words
            must $verb
            grep -ihE '^(warning|note):' "$out" "$err" >>"$said" || true
        done
        same "$(sort "$said" | uniq -d)" '' "after $n nothing is said twice" shown
        ok "after $n there were $(wc -l <"$said") warnings: $(cut -c 1-60 "$said" | tr '\n' ';')"
        rig_end
    done
}

beside silence daemon
beside silence bus
beside silence socket
beside_all
beside long_work
beside prompts
beside defaults
beside removed_homes
beside first_session
beside_all
finish keychain-manners

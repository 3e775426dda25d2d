# To be sourced after checks.sh: checks for every keychain. keychain_checks GETS runs all of them.
# shellcheck shell=bash
# Set by checks.sh, or read there.
# shellcheck disable=SC2154,SC2034

keychain_checks() {
    watch_prompts
    section check_everyday
    section check_choice
    section check_onboard
    section check_first_call
    section check_many
    section check_kill
    section check_kill_unlock
    section check_fresh "$1"
    section check_at_once
    section check_cached
    section check_neighbours
    section check_moved
    section check_planted
    section check_copies
    section check_lost
    section check_recover
    section check_second_collection
    section check_half_moved
    section check_wiped
    section check_log
    steering_checks
    section check_two_adds
    section check_moved_meanwhile
    section check_umlaut
    section check_speed
    check_prompts
}

# profiles EXPRESSION: evaluates it over the profiles of `list --json`, as p.
profiles() {
    must list --json --all-agents
    json "$out" "[$1 for a in d['agents'] for p in a['profiles']]"
}
store_of() { profiles "p['store']" >/dev/null && json "$out" "[p['store'] for a in d['agents'] for p in a['profiles'] if p['profileId'] == '$1'][0]"; }

# clean WHAT: verify finds nothing wrong.
clean() { works "$1" verify; }

check_everyday() {
    new_world
    works 'init in a session with a usable keychain' init --json
    same "$(json "$out" "d['store'], d['unlock']")" "('keychain', 'keychain')" 'init chooses the keychain for both'
    if [ -n "$(json "$out" "d['why']")" ]; then ok 'init says why'; else fail 'init says why' "$out"; fi
    local id
    id=$(json "$out" "d['vaultId']")
    holds 'no key file is made' test ! -e "$key"
    refused EXISTS 73 'a second init' init
    keep_recovery_key

    feed "$(token 1)"
    works 'paste-token' paste-token --provider anthropic --profile-id anthropic:work
    feed "$(api_key 1)"
    works 'paste-api-key' paste-api-key --provider openrouter
    same "$(store_of anthropic:work)" keychain 'list shows the store'
    holds 'no record is in a file' is_empty "$records"
    gives "$(token 1)" 'get of the token' get anthropic:work
    gives "$(api_key 1)" 'get of the API key' get openrouter:default

    items kind=record profile=anthropic:work >"$tmp/item"
    same "$(json "$tmp/item" "d['label']")" 'Strongroom: anthropic:work (agent main)' "a record's label"
    same "$(json "$tmp/item" "{k: v for k, v in d['attributes'].items() if k != 'xdg:schema'} == dict(application='strongroom', vault='$id', home='$(realpath "$vault")', kind='record', agent='main', profile='anthropic:work')")" \
        True "a record's attributes"
    items kind=unlock >"$tmp/item"
    same "$(json "$tmp/item" "d['label'].startswith('Strongroom: unlock key')")" True "the unlock item's label"
    same "$(json "$tmp/item" "d['attributes']['method'], d['attributes']['vault'], d['secret'].isascii() and len(d['secret']) > 40")" \
        "('keychain', '$id', True)" 'the unlock item is small and ASCII'

    if [ "$KEYCHAIN_KIND" = gnome ]; then
        # KWallet refuses one key exchange of libsecret in 256: then the item is read over a plain session.
        secret-tool lookup application strongroom home "$(realpath "$vault")" profile anthropic:work >"$tmp/armored"
    else
        item_of secret anthropic:work >"$tmp/armored"
    fi
    has "$tmp/armored" 'BEGIN AGE ENCRYPTED FILE' 'an item is an armored age file'
    if age -d -i "$world/recovery-key" "$tmp/armored" 2>"$err" | grep -qF -- "$(token 1)"; then
        ok 'stock age opens an item with the recovery key'
    else
        fail 'stock age opens an item with the recovery key' "$err"
    fi

    feed "$(token 2)"
    works 'rotate' rotate anthropic:work
    gives "$(token 2)" 'get after rotate' get anthropic:work
    item_is_current 'the item holds the new generation' anthropic:work
    same "$(items_count kind=record profile=anthropic:work)" 1 'a profile has one item'

    works 'undo' undo anthropic:work --yes
    gives "$(token 1)" 'get after undo' get anthropic:work
    item_is_current 'the item holds what was brought back' anthropic:work
    works 'a second undo' undo anthropic:work --yes
    gives "$(token 2)" 'get after a second undo' get anthropic:work
    works 'remove' remove anthropic:work --yes
    same "$(items_count kind=record profile=anthropic:work)" 0 'a removed profile has no item'
    works 'undo of a removal' undo anthropic:work --yes
    gives "$(token 2)" 'get after undo of a removal' get anthropic:work
    same "$(store_of anthropic:work) $(items_count kind=record profile=anthropic:work)" 'keychain 1' 'it is in the keychain again'
    works 'forget' forget anthropic:work --yes
    same "$(items_count kind=record profile=anthropic:work) $(find "$vault" -path '*history*' -type f | wc -l)" '1 0' \
        'forget leaves the item, and no earlier version'

    works 'store move to file' store move anthropic:work --to file
    same "$(store_of anthropic:work) $(items_count kind=record profile=anthropic:work)" 'file 0' 'the moved profile has a file and no item'
    gives "$(token 2)" 'get from the file' get anthropic:work
    feed "$(token 3)"
    works 'a paste without --store' paste-token --provider anthropic --profile-id anthropic:work
    same "$(store_of anthropic:work)" file 'stays in the store where the profile rests'
    works 'store move of all to keychain' store move --to keychain
    same "$(store_of anthropic:work) $(items_count kind=record profile=anthropic:work)" 'keychain 1' 'the profile moved back has an item'
    gives "$(token 3)" 'get after the move back' get anthropic:work
    item_is_current 'its item holds its generation' anthropic:work

    age-keygen -o "$world/other-key" 2>/dev/null
    works 'export' export --to "$(age-keygen -y "$world/other-key")" --out "$world/bundle.age"
    age -d -i "$world/other-key" "$world/bundle.age" >"$tmp/opened" 2>"$err" || fail 'stock age opens the bundle' "$err"
    if grep -qF -- "$(token 3)" "$tmp/opened" && grep -qF -- "$(api_key 1)" "$tmp/opened"; then
        ok 'the bundle holds what the keychain held'
    else
        fail 'the bundle holds what the keychain held'
    fi

    works 'rename' rename anthropic:work anthropic:renamed
    gives "$(token 3)" 'get by the new id' get anthropic:renamed
    same "$(items_count kind=record profile=anthropic:work) $(items_count kind=record profile=anthropic:renamed)" '0 1' 'the item went with it'
    works 'remove' remove anthropic:renamed --yes
    refused NOT_FOUND 66 'get of what was removed' get anthropic:renamed
    same "$(items_count kind=record)" 1 'its item is gone, the other is there'

    works 'rekey' rekey --yes
    gives "$(api_key 1)" 'get after rekey' get openrouter:default
    keep_recovery_key
    item_is_current 'the item was encrypted again' openrouter:default
    works 'import of the bundle' import "$world/bundle.age" --bundle-identity "$world/other-key" --on-conflict skip --yes
    gives "$(token 3)" 'get of what was imported' get anthropic:work
    holds 'sealed copies go once a later process has read the items' settle
    gives "$(token 3)" 'get from the item alone' get anthropic:work
    same "$(store_of settle:it) $(store_of settle:file)" 'keychain file' '--store decides, profile by profile'
    clean 'verify'
    works 'doctor' doctor
    has "$out" "$(if [ "$KEYCHAIN_KIND" = gnome ]; then echo 'GNOME Keyring'; else echo KWallet; fi)" 'doctor names the keychain'
}

# From nothing to a key in the keychain, with flags only.
check_onboard() {
    new_world
    feed "$(api_key 1)"
    works 'onboard' onboard --non-interactive --openrouter-api-key -
    has "$out" "the desktop's keychain" 'onboard chooses the keychain'
    gives "$(api_key 1)" 'and what it stored is read by a fresh process' get openrouter:default
    same "$(items_count kind=record)" 1 'the record is an item' shown
    feed "$(api_key 2)"
    works 'onboard in the vault that is there' --json onboard --non-interactive --openai-api-key -
    same "$(json "$out" "d['openclaw']['secrets']['providers']['strongroom']['passEnv']")" \
        "['HOME', 'XDG_RUNTIME_DIR', 'DBUS_SESSION_BUS_ADDRESS']" 'OpenClaw is to pass what a keychain needs' shown
    gives "$(api_key 2)" 'and the second key is there' get openai:default
}

check_choice() {
    new_world
    works 'init --store file --unlock key-file in the same session' init --store file --unlock key-file --json
    same "$(json "$out" "d['store'], d['unlock']")" "('file', 'key-file')" 'takes what it is told'
    pasted a:file 1
    pasted a:item 2 --store keychain
    same "$(store_of a:file) $(store_of a:item)" 'file keychain' 'the default is for what is not named'
    works 'unlock-method add keychain' unlock-method add keychain
    mv "$key" "$key.away"
    gives "$(token 2)" 'the keychain alone opens it' get a:item
    mv "$key.away" "$key"
    works 'unlock-method remove keychain' unlock-method remove keychain --yes
    same "$(items_count kind=unlock)" 0 'the unlock item is gone'
    gives "$(token 2)" 'the key file opens it still' get a:item
}

# GNOME Keyring can crash if the first call of a connection opens a session (docs/decisions/0013).
check_first_call() {
    new_world
    must init --store keychain --unlock keychain
    pasted a:x 1
    dbus-monitor --address "$bus" "type='method_call',destination='org.freedesktop.secrets'" >"$tmp/calls" 2>&1 &
    printf '%s\n' "$!" >"$tmp/calls.pid"
    rig_wait 'the monitor' call_is_seen First
    gives "$(token 1)" 'get beside a monitor' get a:x
    rig_wait 'the monitor to have seen everything' call_is_seen Last
    kill "$(cat "$tmp/calls.pid")"
    rm "$tmp/calls.pid"
    sed -n 's/.* sender=\([^ ]*\) .* member=\([A-Za-z]*\)$/\1 \2/p' "$tmp/calls" >"$tmp/members"
    holds 'a session is opened' grep -q ' OpenSession$' "$tmp/members"
    same "$(awk '!seen[$1]++ && $2 == "OpenSession"' "$tmp/members" | wc -l)" 0 "it is no connection's first call" shown
}
call_is_seen() {
    dbus-send --bus="$bus" --type=method_call --dest=org.freedesktop.secrets /canary "org.example.Canary.$1" || true
    grep -q "member=$1\$" "$tmp/calls"
}

# 512 profiles in keychain items, unlocked with an item.
check_many() {
    new_world
    "$rig_python" - "$tmp/many.json" "$tmp/request" <<'PY'
import json, sys
profiles = {f"example:n{n}": {"type": "api_key", "provider": "example", "key": f"EXAMPLE-key-{n:04d}-" + "Example7" * 10} for n in range(512)}
json.dump({"version": 1, "profiles": profiles}, open(sys.argv[1], "w"))
json.dump({"protocolVersion": 1, "provider": "strongroom", "ids": [f"main/{id}" for id in profiles]}, open(sys.argv[2], "w"))
PY
    must init --store keychain --unlock keychain
    limit=400 works 'import of 512 profiles into the keychain' import "$tmp/many.json"
    same "$(items_count kind=record)" 512 'each has an item' shown
    works 'settling' verify
    find "$pending" -type f -exec touch -d '2 minutes ago' {} + 2>/dev/null || true
    limit=400 pasted settle:file 0 --store file
    same "$(find "$vault" -path '*/pending/*' -type f | wc -l)" 0 'no sealed copy waits any more' shown
    cp "$tmp/request" "$tmp/input"
    input=$tmp/input
    most=$answer_limit works 'resolve of 512 ids' resolve
    in_time "$answer_limit" 'resolve of 512 ids'
    same "$(json "$out" "d['values'] == {f'main/example:n{n}': f'EXAMPLE-key-{n:04d}-' + 'Example7' * 10 for n in range(512)} and not d.get('errors')")" \
        True 'resolve gives all 512 secrets'
    clean 'verify of 512'
}

restart_killed() { rig_kill && rig_daemon_start; }

check_kill() {
    new_world
    must init --store keychain --unlock key-file
    keep_recovery_key
    pasted anthropic:work 1
    pasted other:one 1
    local n lost=0 wrong=0 times=5
    for ((n = 2; n < 2 + times; n++)); do
        pasted anthropic:work "$n"
        restart_killed
        [ "$(in_item generation anthropic:work)" != unreadable ] || lost=$((lost + 1))
        run get anthropic:work
        [ "$(cat "$out")" = "$(token "$n")" ] || wrong=$((wrong + 1))
    done
    printf '      daemon killed right after an overwrite %d times; item unreadable after %d\n' "$times" "$lost"
    same "$wrong" 0 'the value that was stored is read after each kill'
    pasted other:one 2
    item_is_current 'the next write of another profile repairs the item' anthropic:work
    pasted anthropic:work 99
    restart_killed
    feed "$(token 100)"
    works 'rotate after a kill' rotate anthropic:work
    item_is_current 'a rotation repairs the item' anthropic:work
    gives "$(token 100)" 'and is read' get anthropic:work
    clean 'verify after the kills'
}

check_kill_unlock() {
    # Beside a key file.
    new_world
    must init --store file --unlock key-file
    pasted anthropic:work 1
    must unlock-method add keychain
    restart_killed
    gives "$(token 1)" 'the daemon killed right after unlock-method add: the key file opens it' get anthropic:work
    mv "$key" "$key.away"
    run get anthropic:work
    if printed "$(token 1)"; then
        ok 'the unlock item outlived it'
    elif [ "$status" -eq 65 ] && grep -qF KEYCHAIN_LOST "$err"; then
        ok 'the unlock item is said to be lost'
    else
        fail "the unlock item neither opens nor is lost ($(outcome))" "$err"
    fi
    mv "$key.away" "$key"
    works 'unlock-method add keychain --replace' unlock-method add keychain --replace
    mv "$key" "$key.away"
    gives "$(token 1)" 'the unlock item is repaired' get anthropic:work
    mv "$key.away" "$key"

    # Alone.
    new_world
    must init --store keychain --unlock keychain
    keep_recovery_key
    pasted anthropic:work 1
    restart_killed
    run get anthropic:work
    if printed "$(token 1)"; then
        ok 'the only unlock item outlived a kill right after init'
    elif [ "$status" -eq 65 ] && grep -qF KEYCHAIN_LOST "$err"; then
        ok 'the only unlock item is said to be lost'
        refused KEYCHAIN_LOST 65 'a paste then' paste-token --provider anthropic --secret-fd 0
        refused EXISTS 73 'an init over it' init
        works 'recover with the recovery key' recover --recovery-key "$world/recovery-key" --unlock key-file --discard-unlock-files
        gives "$(token 1)" 'what was stored is read' get anthropic:work
    else
        fail "the only unlock item neither opens nor is lost ($(outcome))" "$err"
    fi
    clean 'verify after it'
}

check_fresh() {
    new_world
    must init --store keychain --unlock keychain
    pasted anthropic:work 1
    local n bad=0 begun=${EPOCHREALTIME/./}
    for ((n = 0; n < $1; n++)); do
        run get anthropic:work
        if ! printed "$(token 1)"; then
            bad=$((bad + 1))
            cp "$err" "$tmp/bad"
        fi
    done
    ms=$(((${EPOCHREALTIME/./} - begun) / 1000 / $1))
    if [ "$bad" -eq 0 ]; then
        ok "$1 processes in a row unlock by the keychain, $ms ms each"
    else
        fail "$bad of $1 processes fail to unlock by the keychain" "$tmp/bad"
    fi
}

# Eight writers at once, with their own profiles and with the same one.
check_at_once() {
    local n bad=0 stored pids=()
    new_world
    must init --store keychain --unlock keychain
    pasted same:one 0
    for n in {1..8}; do
        token "$n" | sr paste-token --provider own --profile-id "own:n$n" >/dev/null 2>"$tmp/at-once.$n" || touch "$tmp/at-once.bad.$n" &
        pids+=("$!")
        token "$((100 + n))" | sr paste-token --provider same --profile-id same:one >/dev/null 2>&1 || touch "$tmp/at-once.bad.same$n" &
        pids+=("$!")
    done
    wait "${pids[@]}"
    same "$(find "$tmp" -name 'at-once.bad.*' | wc -l)" 0 'sixteen pastes at once succeed' shown
    for n in {1..8}; do
        run get "own:n$n"
        printed "$(token "$n")" || bad=$((bad + 1))
    done
    same "$bad" 0 'each of the eight profiles is read' shown
    run get same:one
    stored=$(tail -c 9 "$out")
    holds 'the ninth holds one of the eight' test "$((10#$stored))" -ge 101 -a "$((10#$stored))" -le 108
    same "$(items_count kind=record profile=same:one)" 1 'in one item' shown
    keep_recovery_key
    item_is_current 'which is the newest' same:one
    clean 'verify after them'
}

# A vault that the kernel keyring keeps unlocked needs no keychain.
check_cached() {
    new_world
    must init --store file --unlock keychain
    pasted a:x 1
    works 'unlock --ttl' unlock --ttl 10m
    rig_stop
    request main/a:x
    run resolve
    same "$status $(json "$out" "d['values']['main/a:x'] == '$(token 1)'")" '0 True' "while it is unlocked, resolve asks a stopped daemon nothing ($ms ms)"
    gives "$(token 1)" 'nor does get' get a:x
    refused KEYCHAIN_TIMEOUT 75 'recovery-key asks afresh' --keychain-timeout 500ms recovery-key
    refused KEYCHAIN_TIMEOUT 75 'export asks afresh' --keychain-timeout 500ms export --to "$(age-keygen 2>/dev/null | age-keygen -y)" --out "$world/bundle.age"
    works 'lock' lock
    refused KEYCHAIN_TIMEOUT 75 'after lock, get asks' --keychain-timeout 500ms get a:x
    rig_go
    mend_daemon
    gives "$(token 1)" 'and has it when the daemon goes on' get a:x
}

# A world whose keychain has token 2 for a:x, and whose home has the encrypted copy of token 1, in $copy.
old_copy_back() {
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    copy=$(find "$pending" -name '*.age')
    cp "$copy" "$tmp/older"
    pasted a:x 2
    holds 'the sealed copies go' settle
    cp "$tmp/older" "$copy"
}

# A missing index, and an old copy in the home.
check_wiped() {
    old_copy_back
    rm "$vault/agents/main/auth-profiles.json"
    gives "$(token 2)" 'without an index the newer one is read' get a:x
    works 'doctor --repair' doctor --repair
    gives "$(token 2)" 'and after doctor --repair' get a:x
}

# A damaged log, with all records in the keychain.
check_log() {
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    holds 'the sealed copies go' settle
    must remove settle:file --yes
    printf 'damaged\n' >>"$vault/agents/main/log.jsonl"
    paste a:x 2
    same "$status" 0 'a damaged log keeps no one from pasting' shown
    run doctor --repair
    has "$out" 'started a new change log' 'doctor --repair starts it again'
    pasted a:x 2
    gives "$(token 2)" 'then it is taken' get a:x
}

check_two_adds() {
    local n one two bad=0
    new_world
    must init --store file --unlock key-file
    pasted a:x 1
    for ((n = 0; n < 5; n++)); do
        sr unlock-method add keychain >"$tmp/one" 2>&1 </dev/null &
        one=$!
        sr unlock-method add keychain >"$tmp/two" 2>&1 </dev/null &
        two=$!
        wait "$one" || true
        wait "$two" || true
        mv "$key" "$key.away"
        run get a:x
        printed "$(token 1)" || bad=$((bad + 1))
        mv "$key.away" "$key"
        must unlock-method remove keychain --yes
    done
    same "$bad" 0 'of two who add the keychain at once, one wins' shown
}

# moved_meanwhile STORE NAME: a:x moves to that store while a reader is about to open the last file of that name.
moved_meanwhile() {
    local at reader
    local reads=(env -i HOME="$world" PATH=/usr/bin:/bin DBUS_SESSION_BUS_ADDRESS="$bus"
        strace -e 'trace=openat,prctl' -e inject=prctl:retval=0)
    "${reads[@]}" -o "$tmp/trace" "$binary" get a:x >"$out"
    # An ordinary user cannot see the paths of a process that is not dumpable: the call that makes it so is disabled.
    at=$(grep '^openat' "$tmp/trace" | grep -nF "\"$2\"" | tail -n 1 | cut -d: -f1)
    "${reads[@]}" -e inject="openat:delay_enter=1500000:when=$at" -o "$tmp/trace" "$binary" get a:x \
        >"$tmp/read" 2>"$tmp/said" </dev/null &
    reader=$!
    # Waits until it is stopped there: the trace has what it opened before.
    rig_wait 'the reader' awk -v n="$at" '/^openat/ { seen++ } END { exit seen < n - 1 }' "$tmp/trace"
    must store move a:x --to "$1"
    wait "$reader" || true
    same "$(cat "$tmp/read")" "$(token 1)" "a reader beside a move to $1 finds the record"
}
check_moved_meanwhile() {
    new_world
    must init --store file --unlock key-file
    pasted a:x 1
    moved_meanwhile keychain a_3ax.age
    holds 'the sealed copies go' settle
    moved_meanwhile file ledger
}

# A home whose path is not ASCII works as well, and its copy is treated as a copy.
check_umlaut() {
    new_world
    mkdir "$world/Jürgen"
    vault=$world/Jürgen/vault pending=$vault/agents/main/pending extra=("STRONGROOM_HOME=$vault")
    must init --store keychain --unlock key-file
    pasted a:x 1
    holds 'the sealed copies go' settle
    cp -a "$vault" "$world/copy"
    refused KEYCHAIN_LOST 65 'a copy of a home with an umlaut in its path' get a:x --home "$world/copy"
    gives "$(token 1)" 'the home itself' get a:x
    works 'doctor of it' doctor
    extra=()
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
# micros COMMAND...: prints the microseconds of one run.
micros() {
    local begun=${EPOCHREALTIME/./}
    "$@" >/dev/null 2>"$err" </dev/null
    printf '%d\n' $((${EPOCHREALTIME/./} - begun))
}

# One process each, in turns, in the same environment.
check_speed() {
    local n unlock ratio home
    for unlock in key-file keychain; do
        new_world
        must init --store keychain --unlock "$unlock"
        pasted anthropic:work 1
        holds 'the sealed copies go' settle
        home=$(realpath "$vault")
        : >"$tmp/ours"
        : >"$tmp/theirs"
        for ((n = 0; n < 31; n++)); do
            micros env -i HOME="$world" DBUS_SESSION_BUS_ADDRESS="$bus" "$binary" get anthropic:work >>"$tmp/ours"
            # One exchange in 256 fails, and does not count.
            micros env -i HOME="$world" DBUS_SESSION_BUS_ADDRESS="$bus" secret-tool lookup application strongroom home "$home" \
                profile anthropic:work >>"$tmp/theirs" || true
        done
        ratio=$(awk -v a="$(median <"$tmp/ours")" -v b="$(median <"$tmp/theirs")" 'BEGIN { printf "%d.%02d", a / b, (a * 100 / b) % 100 }')
        what="get by $unlock takes $ratio x secret-tool lookup ($(median <"$tmp/ours") and $(median <"$tmp/theirs") µs, 31 each)"
        if [ "$release" = no ]; then
            printf '      %s, of a debug build: not judged\n' "$what"
        elif [ "$(awk -v r="$ratio" 'BEGIN { print r <= 1.5 }')" = 1 ]; then
            ok "$what"
        else
            fail "$what: more than 1.5"
        fi
    done
}

check_prompts() {
    local seen
    seen=$(prompts_seen)
    if [ "$KEYCHAIN_KIND" = kwallet ]; then
        # Every connection has to call it, and an open wallet does not prompt.
        printf '      Prompt was called %d times, on an open wallet\n' "$seen"
    else
        same "$seen" 0 'no prompt was raised'
    fi
}

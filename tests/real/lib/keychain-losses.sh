# To be sourced after checks.sh: lost, old, damaged or misplaced data, in the keychain and outside it.
# shellcheck shell=bash
# Set by checks.sh, or read there.
# shellcheck disable=SC2154,SC2034

# Encrypted copies in the home that were changed.
check_copies() {
    old_copy_back
    pasted b:y 1
    gives "$(token 2)" 'an old copy put back does not take the place of the item' get a:x
    printf 'no record' >"$copy"
    pasted b:y 2
    gives "$(token 2)" 'nor does a damaged one' get a:x
    rm "$copy"
    clean 'verify after both'

    # A lost item is written again; its copy stays for another minute.
    pasted a:x 3
    "$lib/keychain-items.py" delete "$(item_of path a:x)"
    touch -d '2 minutes ago' "$copy"
    pasted b:y 3
    gives "$(token 3)" 'an item that was lost is written again' get a:x
    pasted b:y 4
    holds 'the copy outlives the item by a minute' test -e "$copy"
}

# cut_short WHAT: a recovery that is killed after it began, while it waits for the agent's lock.
cut_short() {
    flock "$vault/agents/main/lock" env -i HOME="$world" DBUS_SESSION_BUS_ADDRESS="$bus" "${extra[@]}" "$binary" recover \
        --recovery-key "$world/recovery-key" --unlock key-file --leave-unreadable --lock-timeout 100ms >"$out" 2>"$err" && status=0 || status=$?
    same "$status" 75 "$1" shown
}

# recover_moved WHAT FILE...: rebuilds a home that was moved, and lost its unlock files and these files.
recover_moved() {
    local what=$1
    shift
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    pasted a:f 2 --store file
    holds 'the sealed copies go' settle
    keep_recovery_key
    rm "$key" "$vault"/unlock/*.age "${@/#/$vault/}"
    mv "$vault" "$vault.moved"
    vault=$vault.moved extra=("STRONGROOM_HOME=$vault")
    works "recover of $what" recover --recovery-key "$world/recovery-key" --unlock key-file
    gives "$(token 1)" 'its record in the keychain is read' get a:x
    clean 'verify after it'
    extra=()
}

# Rebuilding with the recovery key, with records in the keychain.
check_recover() {
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    pasted a:y 2
    pasted a:lost 3
    pasted a:removed 4
    holds 'the sealed copies go' settle
    keep_recovery_key
    rig_lock
    must remove a:removed --yes
    rig_unlock
    "$lib/keychain-items.py" delete "$(item_of path a:lost)"
    # Items of another vault that was in this place.
    printf 'no record' | "$lib/keychain-items.py" plant other application=strongroom vault=EXAMPLE "home=$(realpath "$vault")" \
        kind=record agent=main profile=a:other >"$tmp/path"
    rm "$key" "$vault/vault.json" "$vault"/unlock/*.age
    refused CORRUPT 65 'recover while a record that is listed is unavailable' \
        recover --recovery-key "$world/recovery-key" --unlock key-file
    cut_short 'recover is cut short'
    run recover --recovery-key "$world/recovery-key" --unlock key-file --leave-unreadable
    same "$status" 65 'recover goes on, and tells of the record that is lost' shown
    gives "$(token 1)" 'a record of the keychain is read' get a:x
    gives "$(token 2)" 'and another' get a:y
    refused NOT_FOUND 66 'what was removed while the keychain was locked stays removed' get a:removed
    must remove a:lost --yes
    clean 'verify after it'

    # Moved, and then rebuilt; also without vault.json, because a record in a file has the vault's id too.
    recover_moved 'a moved home'
    recover_moved 'a moved home without vault.json' vault.json

    # Only vault.json has the old id, and it is written again before the items are.
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    holds 'the sealed copies go' settle
    must remove settle:file --yes
    keep_recovery_key
    rm "$key" "$vault"/unlock/*.age
    mv "$vault" "$vault.moved"
    vault=$vault.moved extra=("STRONGROOM_HOME=$vault")
    cut_short 'recover of a moved home is cut short'
    works 'and goes on' recover --recovery-key "$world/recovery-key" --unlock key-file
    gives "$(token 1)" 'its record in the keychain is read' get a:x
    clean 'verify after it'
    extra=()

    # Items that a copy of it left in the keychain do not belong to it.
    local one
    new_world
    one=$world
    must init --store keychain --unlock key-file
    pasted a:x 1
    pasted a:y 2
    holds 'the sealed copies go' settle
    keep_recovery_key
    cp -a "$one" "$one.copy"
    enter "$one.copy"
    pasted a:x 8 --store keychain
    pasted a:y 9 --store keychain
    enter "$one"
    rm -r "$one.copy"
    rm "$key" "$vault"/unlock/*.age
    printf 'no record' >"$tmp/garbage"
    item_of secret a:y >"$tmp/true"
    "$lib/keychain-items.py" set "$(item_of path a:y)" <"$tmp/garbage"
    refused CORRUPT 65 'recover does not take the record of a copy for one that is damaged' \
        recover --recovery-key "$world/recovery-key" --unlock key-file
    "$lib/keychain-items.py" set "$(item_of path a:y)" <"$tmp/true"
    works 'recover beside the items of a copy that is there no more' recover --recovery-key "$world/recovery-key" --unlock key-file
    gives "$(token 1)" 'its own record is read' get a:x
    gives "$(token 2)" 'and the one that was damaged' get a:y
    clean 'verify after it'
}

# If the keychain does not return a record, a rekey does not drop the key that opens it.
check_lost() {
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    pasted a:y 2
    holds 'the sealed copies go' settle
    item_of secret a:x >"$tmp/true"
    items kind=record profile=a:x >"$tmp/item"
    "$lib/keychain-items.py" delete "$(item_of path a:x)"
    refused KEYCHAIN_LOST 65 'rekey while the keychain does not give a record' rekey --yes
    run verify
    has "$out" 'a:x is listed in the ledger, but its keychain item is gone' 'verify names it'
    local attributes
    mapfile -t attributes < <("$rig_python" -c 'import json, sys; [print(f"{k}={v}") for k, v in json.load(sys.stdin)["attributes"].items()]' <"$tmp/item")
    "$lib/keychain-items.py" plant 'put back' "${attributes[@]}" <"$tmp/true" >"$tmp/path"
    works 'rekey when it is there again' rekey --yes
    gives "$(token 1)" 'the record is read' get a:x
    clean 'verify after it'
}

# A home that was moved.
check_half_moved() {
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    pasted a:y 2
    holds 'the sealed copies go' settle
    mv "$vault" "$vault.moved"
    vault=$vault.moved pending=$vault/agents/main/pending extra=("STRONGROOM_HOME=$vault")
    pasted b:new 3
    clean 'verify of a moved home, one record of which is written for where it is'
    must rekey --yes
    gives "$(token 1)" 'rekey took the records of before along' get a:x
    extra=()
}

# Records in a locked collection that is not the default one are not lost. Only GNOME Keyring
# creates one without a prompt.
check_second_collection() {
    [ "$KEYCHAIN_KIND" = gnome ] || return 0
    local items=$lib/keychain-items.py second n twin
    new_world
    must init --store keychain --unlock key-file
    for n in {1..9}; do pasted "a:n$n" "$n"; done
    holds 'the sealed copies go' settle
    keep_recovery_key
    second=$("$items" collection EXAMPLE-second)
    for n in 1 2; do "$items" move "$(item_of path "a:n$n")" "$second" >"$tmp/path"; done
    gives "$(token 1)" 'a record in a second collection is read' get a:n1
    "$items" lock "$second"
    check_second_locked 'a locked second collection'
    # Attributes of items that were locked when the daemon started cannot be read.
    rig_restart
    check_second_locked 'a second collection that was never unlocked'
    pasted a:n3 13
    gives "$(token 13)" 'a paste beside it is read' get a:n3
    settle || true
    gives "$(token 13)" 'and from the item' get a:n3

    # If the index is lost too, unreadable items are not ignored.
    mv "$vault/agents/main/auth-profiles.json" "$tmp/index"
    refused KEYCHAIN_LOCKED 77 'get without an index' get a:n1
    refused KEYCHAIN_LOCKED 77 'rekey without an index' rekey --yes
    mv "$tmp/index" "$vault/agents/main/auth-profiles.json"

    # They are not left out of a rebuild unless a person says so.
    cp -a "$vault" "$world/kept"
    rm "$key" "$vault"/unlock/*.age
    refused KEYCHAIN_LOCKED 77 'recover' recover --recovery-key "$world/recovery-key"
    holds 'it made nothing' is_empty "$vault/unlock"
    "$items" unlock "$second" EXAMPLE-second
    works 'recover when the collection is unlocked' recover --recovery-key "$world/recovery-key"
    gives "$(token 1)" 'what lay there is read' get a:n1
    clean 'verify after it'

    # A planted item there does not hide the real one.
    keep_recovery_key
    twin=$(item_of path a:n5)
    "$items" move "$twin" "$second" >"$tmp/path"
    pasted a:n5 15
    holds 'the sealed copies go' settle
    "$items" lock "$second"
    gives "$(token 15)" 'a locked item beside the true one keeps it from no one' get a:n5
    request main/a:n{3..9} main/settle:it
    works 'resolve of many beside it' resolve
    same "$(json "$out" "len(d['values']), d.get('errors', {})")" '(8, {})' 'gives them all' shown
    rm "$key" "$vault"/unlock/*.age
    refused KEYCHAIN_LOCKED 77 'recover beside it' recover --recovery-key "$world/recovery-key"
    works 'recover --leave-unreadable beside it' recover --recovery-key "$world/recovery-key" --leave-unreadable
    gives "$(token 15)" 'has what can be read' get a:n5
    "$items" unlock "$second" EXAMPLE-second
    "$items" delete "$second"
}
# check_second_locked WHAT: a:n1 and a:n2 are in it, the other seven are not.
check_second_locked() {
    refused KEYCHAIN_LOCKED 77 "$1: get" get a:n1
    gives "$(token 9)" "$1: get of another" get a:n9
    request main/a:n{1..9}
    works "$1: resolve" resolve
    same "$(json "$out" "len(d['values']), sorted((k, e['code']) for k, e in d['errors'].items())")" \
        "(7, [('main/a:n1', 'KEYCHAIN_LOCKED'), ('main/a:n2', 'KEYCHAIN_LOCKED')])" "$1: resolve of nine" shown
    run verify --json
    same "$(json "$out" "sorted((f['kind'], f.get('profile')) for f in d['findings'])")" \
        "[('keychain', 'a:n1'), ('keychain', 'a:n2')]" "$1: verify names what cannot be read" shown
    run status --check --json
    same "$(json "$out" "sorted({p['record'] for p in d['vault']['profiles'] if p['profileId'] in ('a:n1', 'a:n2')})")" "['unverified']" \
        "$1: status says unverified" shown
    refused KEYCHAIN_LOCKED 77 "$1: rekey" rekey --yes
    refused KEYCHAIN_LOCKED 77 "$1: store move" store move --to file
    refused KEYCHAIN_LOCKED 77 "$1: rotate" rotate a:n1
}

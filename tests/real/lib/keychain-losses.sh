# To be sourced after checks.sh: what is lost, old, damaged or in the wrong place, in the keychain and beside it.
# shellcheck shell=bash
# Set by checks.sh, or read there.
# shellcheck disable=SC2154,SC2034

# Sealed copies in the home that are not what they were.
check_copies() {
    local file
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    file=$(find "$pending" -name '*.age')
    cp "$file" "$tmp/older"
    pasted a:x 2
    holds 'the sealed copies go' settle
    cp "$tmp/older" "$file"
    pasted b:y 1
    gives "$(token 2)" 'an old copy put back does not take the place of the item' get a:x
    printf 'no record' >"$file"
    pasted b:y 2
    gives "$(token 2)" 'nor does a damaged one' get a:x
    rm "$file"
    clean 'verify after both'

    # An item that was lost is written again; its copy stays for another minute.
    pasted a:x 3
    "$lib/keychain-items.py" delete "$(item_of path a:x)"
    touch -d '2 minutes ago' "$file"
    pasted b:y 3
    gives "$(token 3)" 'an item that was lost is written again' get a:x
    pasted b:y 4
    holds 'the copy outlives the item by a minute' test -e "$file"
}

# Rebuilt by the recovery key, with records in the keychain.
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
    # Of another vault that was here.
    printf 'no record' | "$lib/keychain-items.py" plant other application=strongroom vault=EXAMPLE "home=$(realpath "$vault")" \
        kind=record agent=main profile=a:other >"$tmp/path"
    rm "$key" "$vault/vault.json" "$vault"/unlock/*.age
    refused CORRUPT 65 'recover while a record that is listed is not to be had' \
        recover --recovery-key "$world/recovery-key" --unlock key-file
    # It has begun when it waits for the agent's lock.
    flock "$vault/agents/main/lock" env -i HOME="$world" DBUS_SESSION_BUS_ADDRESS="$bus" "$binary" recover \
        --recovery-key "$world/recovery-key" --unlock key-file --leave-unreadable --lock-timeout 100ms >"$out" 2>"$err" && status=0 || status=$?
    same "$status" 75 'recover is cut short' shown
    run recover --recovery-key "$world/recovery-key" --unlock key-file --leave-unreadable
    same "$status" 65 'recover goes on, and tells of the record that is lost' shown
    gives "$(token 1)" 'a record of the keychain is read' get a:x
    gives "$(token 2)" 'and another' get a:y
    refused NOT_FOUND 66 'what was removed while the keychain was locked stays removed' get a:removed
    must remove a:lost --yes
    clean 'verify after it'

    # Moved, and then rebuilt.
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    pasted a:f 2 --store file
    holds 'the sealed copies go' settle
    keep_recovery_key
    rm "$key" "$vault"/unlock/*.age
    mv "$vault" "$vault.moved"
    vault=$vault.moved extra=("STRONGROOM_HOME=$vault")
    works 'recover of a moved home' recover --recovery-key "$world/recovery-key" --unlock key-file
    gives "$(token 1)" 'its record in the keychain is read' get a:x
    clean 'verify after it'
    extra=()
}

# A record that the keychain does not give keeps a rekey from dropping the key that opens it.
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
    has "$out" '"a:x" is listed, and its record is gone' 'verify names it'
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

# To be sourced after checks.sh: items of others in the same keychain, by chance or on purpose.
# shellcheck shell=bash
# Set by checks.sh, or read there.
# shellcheck disable=SC2154,SC2034

# Other vaults, other agents and clones on the same keychain.
check_neighbours() {
    local one clone
    new_world
    one=$world
    must init --store keychain --unlock key-file
    pasted anthropic:work 1
    pasted anthropic:work 2 --agent second
    gives "$(token 1)" 'agent main has its own' get anthropic:work
    gives "$(token 2)" 'agent second has its own' get anthropic:work --agent second
    new_world
    must init --store keychain --unlock key-file
    refused NOT_FOUND 66 'another vault does not see them' get anthropic:work
    pasted anthropic:work 3
    gives "$(token 3)" 'another vault has its own' get anthropic:work
    same "$(items_count kind=record)" 1 'and one item' shown
    must remove anthropic:work --yes
    must doctor --repair
    enter "$one"
    gives "$(token 1)" 'its removal left the first' get anthropic:work
    must remove anthropic:work --yes --agent second
    gives "$(token 1)" 'so did the removal in another agent' get anthropic:work
    holds 'the sealed copies go' settle

    new_world
    clone=$world
    cp -a "$one/." "$clone"
    run get anthropic:work
    if [ "$status" -ne 0 ] && ! grep -qF -- "$(token 1)" "$out"; then
        ok "a clone at another path does not see its original's item ($(outcome): $(code_of_error))"
    else
        fail "a clone at another path does not see its original's item ($(outcome))" "$err"
    fi
    run doctor --repair
    run remove anthropic:work --yes
    pasted anthropic:work 4 --store keychain
    gives "$(token 4)" 'the clone has its own' get anthropic:work
    # Items that only the original has in the keychain are named, and do not keep the others from moving.
    same "$(store_of settle:it)" keychain 'the clone lists what only the original has'
    run store move --to file
    if [ "$status" -eq 65 ] && grep -qF settle:it "$err"; then ok 'store move names what is not there'; else fail "store move names what is not there ($(outcome))" "$err"; fi
    must remove anthropic:work --yes
    same "$(items_count kind=record profile=anthropic:work)" 0 'and removed it'
    enter "$one"
    gives "$(token 1)" 'the original has its item still' get anthropic:work
    clean 'verify of the original'
}
# A moved home reads its items; a copy that is made while the original is not visible takes none of them.
check_moved() {
    local unlock one
    for unlock in key-file keychain; do
        new_world
        must init --store keychain --unlock "$unlock"
        pasted a:x 1
        pasted a:y 2
        holds "unlock by $unlock: the sealed copies go" settle
        move_to "$world.moved"
        gives "$(token 1)" 'a moved home reads its items' get a:x
        feed "$(token 3)"
        works 'and rotates' rotate a:x
        works 'doctor --repair' doctor --repair
        gives "$(token 3)" 'it reads what it wrote' get a:x
        gives "$(token 2)" 'and what it did not' get a:y
        clean 'verify of the moved home'

        # Items of two paths that no longer exist: the newer ones count.
        holds 'the sealed copies go' settle
        move_to "$world.again"
        gives "$(token 3)" 'moved again, it reads the newer item' get a:x
        works 'doctor --repair' doctor --repair
        gives "$(token 3)" 'and after it too' get a:x
        clean 'verify of the home that was moved again'

        # Someone else starts over in the same place.
        new_world
        must init --store keychain --unlock "$unlock"
        pasted a:x 1
        holds 'the sealed copies go' settle
        one=$world
        move_to "$world.third"
        mkdir -p "$one"
        enter "$one"
        must init --store keychain --unlock key-file
        enter "$one.third"
        gives "$(token 1)" 'with another vault where it was, a moved home reads its items' get a:x

        # The original comes back, like a disk that was not mounted.
        new_world
        must init --store keychain --unlock "$unlock"
        pasted a:x 1
        pasted a:y 2
        holds 'the sealed copies go' settle
        one=$world
        cp -a "$one" "$one.copy"
        mv "$one" "$one.away"
        enter "$one.copy"
        works 'doctor --repair of a copy, the original out of sight' doctor --repair
        must remove a:y --yes
        pasted a:x 4
        must store move --to file
        run doctor --repair
        mv "$one.away" "$one"
        enter "$one"
        gives "$(token 1)" 'the original, back again, reads its first item' get a:x
        gives "$(token 2)" 'and its second' get a:y
        clean 'verify of the original'
    done
}
move_to() {
    mv "$world" "$1"
    enter "$1"
}

# plant ID: creates one more item with the attributes of a profile's item, and the secret from standard input.
plant() {
    local attributes
    mapfile -t attributes < <(items kind=record "profile=$1" | head -n 1 |
        "$rig_python" -c 'import json, sys; [print(f"{k}={v}") for k, v in json.loads(sys.stdin.readline())["attributes"].items()]')
    "$lib/keychain-items.py" plant planted "${attributes[@]}"
}

check_planted() {
    local n what path
    new_world
    must init --store keychain --unlock key-file
    pasted a:old 1
    pasted a:x 1
    item_of secret a:x >"$tmp/older"
    pasted a:y 2
    pasted a:x 3
    holds 'the sealed copies go' settle
    local true_item
    true_item=$(item_of path a:x)
    item_of secret a:y >"$tmp/sealed-of-another"
    printf 'no record' >"$tmp/garbage"
    : >"$tmp/nothing"
    for what in older sealed-of-another garbage nothing; do
        path=$(plant a:x <"$tmp/$what")
        [ "$(items_count kind=record profile=a:x)" = 2 ] || fail "an item is planted beside ($what)"
        for n in 1 2 3 4 5; do
            run get a:x
            printed "$(token 3)" || break
        done
        if [ "$n" -eq 5 ] && [ "$status" -eq 0 ]; then
            ok "an item planted beside ($what) keeps the true one from no one"
        else
            fail "an item planted beside ($what) keeps the true one away ($(outcome))" "$err"
        fi
        "$lib/keychain-items.py" delete "$path"
    done

    # A paste replaces it, and nothing else is left.
    item_of secret a:x >"$tmp/true"
    local codes
    for what in older sealed-of-another garbage nothing; do
        "$lib/keychain-items.py" set "$true_item" <"$tmp/$what"
        codes=''
        for n in 1 2 3 4 5; do
            request main/a:x main/a:y
            run resolve
            codes+="$(json "$out" "d.get('errors', {}).get('main/a:x', {}).get('code', 'served'), 'main/a:y' in d['values']")
"
        done
        same "$(sort -u <<<"${codes%?}" | wc -l)" 1 "what is planted over it ($what) has one answer: $(head -n 1 <<<"$codes")"
        if grep -q "served\|False" <<<"$codes"; then fail "what is planted over it ($what) is refused, and its neighbour served" "$out"; fi
        run get a:x
        if [ "$what" = older ]; then
            # An older item of the vault opens; a person gets it, with a warning.
            has "$err" 'older' 'get warns of the older one'
        else
            holds "get refuses what is planted ($what)" test "$status" -ne 0
        fi
    done
    "$lib/keychain-items.py" set "$true_item" <"$tmp/true"
    gives "$(token 3)" 'the true one put back is served' get a:x

    # secret-tool stores items by its own rules: in place of the real one, or next to it.
    local id planted=no
    id=$(json "$vault/vault.json" "d['vaultId']")
    # KWallet refuses one key exchange of libsecret in 256.
    for _ in {1..8}; do
        if secret-tool store --label=planted application strongroom vault "$id" home "$(realpath "$vault")" \
            kind record agent main profile a:x <"$tmp/garbage"; then planted=yes; break; fi
    done
    same "$planted" yes 'secret-tool plants an item'
    run get a:x
    if printed "$(token 3)"; then
        ok "what secret-tool plants lies beside, and the true one is served"
    elif [ "$status" -eq 65 ] && [ "$(items_count kind=record profile=a:x)" = 1 ]; then
        ok "what secret-tool plants took the item's place, and is refused: $(code_of_error)"
    else
        fail "what secret-tool plants ($(outcome))" "$err"
    fi
    pasted a:x 4
    gives "$(token 4)" 'a paste over it wins' get a:x
    gives "$(token 2)" 'its neighbour is untouched' get a:y
}

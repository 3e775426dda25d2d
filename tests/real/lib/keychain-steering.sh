# To be sourced after checks.sh: whatever someone without the key writes into a home deletes nothing from the keychain
# and hides nothing in it: an older index, a note that an item should be removed, a line of a log.
# shellcheck shell=bash
# Set by checks.sh, or read there.
# shellcheck disable=SC2154,SC2034

steering_checks() {
    section check_older_index
    section check_planted_note
    section check_planted_removal
    section check_planted_elsewhere
}

# is_there WHAT: both readers read token 1 of a:x, and its single item exists.
is_there() {
    gives "$(token 1)" "$1: get" get a:x
    request main/a:x
    run resolve
    same "$(json "$out" "d['values'].get('main/a:x') == '$(token 1)'")" True "$1: resolve" shown
    same "$(items_count kind=record profile=a:x)" 1 "$1: the item is there" shown
}
# is_reported WHAT: verify and doctor report a:x as changed.
is_reported() {
    local verb
    for verb in verify doctor; do
        run "$verb"
        if [ "$status" -eq 65 ] && grep -qF a:x "$out"; then ok "$1: $verb reports it"; else fail "$1: $verb reports it ($(outcome))" "$out"; fi
    done
}

# A vault whose only copy of a:x is its item, with the index of that time in $tmp/index.
one_item() {
    new_world
    must init --store keychain --unlock key-file
    pasted a:x 1
    pasted b:y 1 --store file
    holds 'the sealed copies go' settle
    cp "$vault/agents/main/auth-profiles.json" "$tmp/index"
}
# says_file: changes one word of the index.
says_file() {
    "$rig_python" - "$vault/agents/main/auth-profiles.json" <<'PY'
import json, sys
index = json.load(open(sys.argv[1]))
assert index["profiles"]["a:x"]["strongroom"]["store"] == "keychain"
index["profiles"]["a:x"]["strongroom"]["store"] = "file"
json.dump(index, open(sys.argv[1], "w"), indent=2)
PY
}
# note ID_IN_FILE_NAMES: creates an empty file that says that its item should be removed.
note() { (umask 077; mkdir -p "$pending"; : >"$pending/$1.age.gone"); }

# Without an attacker: records were moved into the keychain, and then one file came back from a backup.
check_older_index() {
    new_world
    must init --store file --unlock key-file
    pasted a:x 1
    cp "$vault/agents/main/auth-profiles.json" "$tmp/index"
    must store move a:x --to keychain
    holds 'the sealed copies go' settle
    cp "$tmp/index" "$vault/agents/main/auth-profiles.json"
    is_there 'an older index'
    is_reported 'an older index'
    run doctor --repair
    is_there 'an older index, after doctor --repair'
    same "$(store_of a:x)" keychain 'doctor --repair lists it where it rests' shown
    pasted c:z 1
    is_there 'an older index, after a paste'
    clean 'verify after it'
}

# One word of the index, and an empty file: the next paste of another profile deletes nothing.
check_planted_note() {
    one_item
    says_file
    is_there 'an index that says file'
    is_reported 'an index that says file'
    note a_3ax
    pasted c:z 1 --store file
    is_there 'an index that says file and a note'
    pasted c:z 2 --store keychain
    is_there 'and after a paste into the keychain'
    run doctor --repair
    is_there 'and after doctor --repair'
    same "$(store_of a:x)" keychain 'doctor --repair lists it where it rests' shown
    clean 'verify after it'

    # A note alone, and one with an index that lacks the entry.
    one_item
    note a_3ax
    pasted c:z 1 --store file
    is_there 'a note alone'
    printf '{"version":1,"profiles":{}}\n' >"$vault/agents/main/auth-profiles.json"
    note a_3ax
    pasted c:z 2 --store file
    is_there 'a note and an emptied index'
    run doctor --repair
    is_there 'and after doctor --repair'
    same "$(store_of a:x)" keychain 'it is listed again' shown
    clean 'verify after it'
}

# A line that says that it was removed, made without a key.
check_planted_removal() {
    local log
    one_item
    log=$vault/agents/main/log.jsonl
    "$rig_python" - "$log" <<'PY'
import sys
lines = open(sys.argv[1]).read().splitlines()
line = next(line for line in lines if '"profile":"a:x"' in line)
lines.insert(-2, line.replace('"op":"paste"', '"op":"remove"'))
open(sys.argv[1], "w").write("\n".join(lines) + "\n")
PY
    note a_3ax
    says_file
    is_there 'a planted removal'
    pasted c:z 1 --store file
    is_there 'a planted removal, after a paste'
    run doctor --repair
    is_there 'a planted removal, after doctor --repair'
    pasted c:z 2 --store keychain
    is_there 'and after a paste into the keychain'
    run doctor --repair
    same "$(store_of a:x)" keychain 'it is listed where it rests' shown
    clean 'verify after it'
}

# A file that pretends to be the other copy: garbage, and the record of another profile.
check_planted_elsewhere() {
    local planted
    for planted in garbage another; do
        one_item
        says_file
        note a_3ax
        if [ "$planted" = garbage ]; then
            (umask 077; printf 'no record' >"$records/a_3ax.age")
        else
            cp "$records/b_3ay.age" "$records/a_3ax.age"
        fi
        pasted c:z 1 --store file
        same "$(items_count kind=record profile=a:x)" 1 "$planted in the place of a record: the item is there" shown
        rm -f "$records/a_3ax.age"
        run doctor --repair
        is_there "$planted in the place of a record, taken away again"
        clean 'verify after it'
    done
}

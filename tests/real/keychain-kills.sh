#!/usr/bin/env bash
# Strongroom killed on a real GNOME Keyring: commands that replace, remove and bring back a profile in the keychain, at
# each of their calls that change something, the messages to the keychain among them.
#
#   STRONGROOM=target/debug/strongroom tests/real/keychain-kills.sh
#
# budget: 240 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Needs no display, no systemd, no network.
# shellcheck source=tests/real/lib/checks.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/checks.sh"
# shellcheck source=tests/real/lib/killed.sh
. "$lib/killed.sh"

need gnome-keyring-daemon dbus-daemon strace

calls=rename,renameat,renameat2,unlinkat,fsync,fdatasync,ftruncate,sendmsg

# reads TOKEN...: the profile reads as one of these tokens, or is not found if a token is `none`. Sets which.
reads() {
    local one
    run get anthropic:work
    for one in "$@"; do
        which=$one
        if [ "$one" = none ] && [ "$status" -eq 66 ]; then return 0; fi
        if [ "$one" != none ] && printed "$(token "$one")"; then return 0; fi
    done
    which=unknown
    return 1
}

# at_each WHAT STEP ARGS...: STEP prepares a command, kills it by calling kill_at with its arguments, and checks what is
# left; it returns non-zero if that is wrong.
at_each() {
    local what=$1 step=$2 call n planned=0 bad=0
    local -a list
    delivered=0
    mapfile -t list < <("plan_$step")
    for one in "${list[@]}"; do
        read -r call n <<<"$one"
        planned=$((planned + 1))
        "$step" "$call" "$n" || {
            bad=$((bad + 1))
            printf '      %s %s: %s, %s\n' "$call" "$n" "$(outcome)" "$(tail -n 2 "$err" | tr '\n' ' ')"
        }
        if ! sr verify >"$out" 2>"$err"; then
            bad=$((bad + 1))
            printf '      %s %s: verify: %s\n' "$call" "$n" "$(tail -n 3 "$out" "$err" | tr '\n' ' ')"
        fi
    done
    printf '      %s: %d kills planned, %d delivered\n' "$what" "$planned" "$delivered"
    same "$bad" 0 "$what that is killed is done or not, and the next command finishes it"
    holds "$what: most kills were delivered" test $((delivered * 10)) -ge $((planned * 8))
}

fresh_world() {
    new_world
    must init --store keychain --unlock key-file
    current=1
    pasted anthropic:work 1
}

plan_overwrite() {
    feed "$(token 1)"
    moments paste-token --provider anthropic --profile-id anthropic:work
}
overwrite() {
    feed "$(token $((current + 1)))"
    kill_at "$1" "$2" paste-token --provider anthropic --profile-id anthropic:work
    reads "$current" $((current + 1)) || return 1
    current=$((current + 2))
    pasted anthropic:work "$current" && reads "$current"
}

plan_removal() {
    moments remove anthropic:work --yes
    must undo anthropic:work --yes
}
removal() {
    kill_at "$1" "$2" remove anthropic:work --yes
    reads "$current" none || return 1
    [ "$which" != none ] || must undo anthropic:work --yes
    reads "$current"
}

plan_undo() {
    pasted anthropic:work 2
    moments undo anthropic:work --yes
}
undo() {
    pasted anthropic:work $((current + 1)) || return 1
    pasted anthropic:work $((current + 2)) || return 1
    kill_at "$1" "$2" undo anthropic:work --yes
    reads $((current + 1)) $((current + 2)) || return 1
    current=$((current + 3))
    pasted anthropic:work "$current" && reads "$current"
}

check_overwrite() { fresh_world && at_each 'an overwrite' overwrite; }
check_removal() { fresh_world && at_each 'a removal' removal; }
check_undo() { fresh_world && at_each 'an undo' undo; }

rig gnome
section check_overwrite
section check_removal
section check_undo
finish keychain-kills

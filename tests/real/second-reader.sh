#!/usr/bin/env bash
# The second implementation of docs/formats.md reads a home that the program created: large enough for shards, with two
# agents, changes of every kind and a rekey. Then the same home with one byte changed, or an older record put back.
#
#   STRONGROOM=target/debug/strongroom tests/real/second-reader.sh
#
# budget: 60 s
# Prints a line `ok: ...` or `FAILED: ...` for each check.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary

# The python3 in PATH may not be the one with Debian's packages.
for python in python3 /usr/bin/python3 ''; do
    if [ -n "$python" ] && "$python" -c 'import cryptography' 2>/dev/null; then break; fi
done
[ -n "$python" ] || { printf 'no python3 has cryptography; run scripts/install-test-deps.sh\n' >&2; exit 1; }
reader() { env -i PATH=/usr/bin:/bin PYTHONDONTWRITEBYTECODE=1 "$(command -v "$python")" "$root/tests/interop/read_vault.py" "$@"; }

mkdir "$tmp/user"
vault=$tmp/user/.local/share/strongroom
key=$tmp/user/.config/strongroom/key
main=$vault/agents/main
strongroom() { env -i -C "$tmp" HOME="$tmp/user" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$binary" --no-input "$@"; }
# quietly COMMAND...: shows its output only if it fails.
quietly() { strongroom "$@" >"$tmp/said" 2>&1 || { fail "strongroom $1 (exit $?)" "$tmp/said"; finish second-reader; }; }

# --- a home with all that there is ------------------------------------------------------------------------

many=600
# profiles FIRST LAST: prints a file like OpenClaw's. Every secret contains the name of its profile.
profiles() {
    local n
    printf '{"version":1,"profiles":{'
    for ((n = $1; n <= $2; n++)); do
        printf '"mistral:p%03d":{"type":"api_key","provider":"mistral","key":"made-up-secret-%03d"}' "$n" "$n"
        [ "$n" -eq "$2" ] || printf ','
    done
    printf '}}'
}
quietly init --store file
profiles 1 "$many" | quietly import -
printf 'made-up-secret-of-ops' | quietly --agent ops paste-token --provider groq --expires-in 30d
quietly order set --provider mistral mistral:p007 mistral:p003 mistral:p005
quietly remove mistral:p004 --yes
quietly rename mistral:p005 mistral:Renamed_5
quietly rekey --yes
cp "$main/records/mistral_3ap006.age" "$tmp/older-record"
printf 'made-up-secret-006-again' | quietly rotate mistral:p006

expect() {
    local n
    for ((n = 1; n <= many; n++)); do
        case "$n" in
            4) ;;
            5) printf 'mistral:Renamed_5 "made-up-secret-005"\n' ;;
            6) printf 'mistral:p006 "made-up-secret-006-again"\n' ;;
            *) printf 'mistral:p%03d "made-up-secret-%03d"\n' "$n" "$n" ;;
        esac
    done
    printf 'groq:manual "made-up-secret-of-ops"\n'
}
expect | LC_ALL=C sort >"$tmp/expected"

# --- read by the second reader ----------------------------------------------------------------------------

status=0
reader "$vault" "$key" >"$tmp/read" 2>&1 || status=$?
exits "$status" 0 'the second reader reads the home' "$tmp/read"
shards=$(find "$main" -name 'ledger-*' | wc -l)
holds 'its ledger is in shards' test "$shards" -gt 1
sed -n 's/^  \([a-z]*:[^ ]*\)  [a-z_]*  generation [0-9]*  /\1 /p' "$tmp/read" | LC_ALL=C sort >"$tmp/found"
holds 'every profile and secret is what was stored' cmp -s "$tmp/found" "$tmp/expected"
lacks "$tmp/read" 'NOT THE LISTED ONE' 'every record is the one that the index lists'
has "$tmp/read" 'order {"mistral": ["mistral:p007", "mistral:p003", "mistral:Renamed_5"]}' 'the order is the one that was set, with the new name'

for profile in p001 p002 p003 Renamed_5 p006 p007 p256 p257 p600; do
    strongroom get "mistral:$profile" >"$tmp/got"
    has "$tmp/found" "mistral:$profile \"$(cat "$tmp/got")\"" "the program reads the same secret of mistral:$profile"
done
strongroom --agent ops get groq:manual >"$tmp/got"
has "$tmp/found" "groq:manual \"$(cat "$tmp/got")\"" 'the program reads the same secret of groq:manual'
strongroom list --all-agents --json >"$tmp/list"
same "$(grep -c '"profileId"' "$tmp/list")" "$(wc -l <"$tmp/found")" 'the program lists as many profiles' shown

# log WHOSE DIRECTORY: checks that every line of the log verifies, and that there are no others.
log() {
    local lines
    lines=$(cat "$2"/log*.jsonl | wc -l)
    if grep -qxF "  log of $1: $lines lines verify" "$tmp/read"; then
        ok "every line of the log of $1 verifies ($lines)"
    else
        fail "not every line of the log of $1 verifies ($lines lines): $(grep "log of $1:" "$tmp/read")"
    fi
}
log 'the vault' "$vault"
log 'agent main' "$main"
log 'agent ops' "$vault/agents/ops"

# --- after a loss of power --------------------------------------------------------------------------------

# The files of the last change are gone, and the mark of its journal is from another boot.
mv "$vault" "$tmp/whole"
cp -a "$tmp/whole" "$vault"
printf 'x' | dd of="$main/journal" bs=1 seek=22 conv=notrunc status=none
rm "$main/records/mistral_3ap006.age"
: >"$main/ledger"
status=0
reader "$vault" "$key" >"$tmp/lost" 2>&1 || status=$?
exits "$status" 0 'the second reader reads through a journal' "$tmp/lost"
sed -n 's/^  \([a-z]*:[^ ]*\)  [a-z_]*  generation [0-9]*  /\1 /p' "$tmp/lost" | LC_ALL=C sort >"$tmp/found-again"
holds 'every profile and secret is there' cmp -s "$tmp/found-again" "$tmp/expected"
same "$(strongroom get mistral:p006)" 'made-up-secret-006-again' 'the program reads through it too'
rm -r "$vault"
mv "$tmp/whole" "$vault"

# --- what it has to refuse --------------------------------------------------------------------------------

# flip FILE OFFSET: changes the lowest bit of one byte.
flip() {
    local byte
    byte=$(od -An -tu1 -j "$2" -N 1 "$1")
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\$(printf '%03o' $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
# refused WHAT: checks that the reader refuses the current home.
refused() {
    local status=0
    reader "$vault" "$key" >"$tmp/read" 2>"$tmp/said" || status=$?
    if [ "$status" -eq 1 ] && grep -q '^refused: ' "$tmp/said"; then
        ok "$1 is refused: $(sed -n 's/^refused: //p' "$tmp/said")"
    else
        fail "$1 is not refused (exit $status)" "$tmp/said"
    fi
}
# altered WHAT FILE: checks that a change of its first, middle or last byte is refused.
altered() {
    local size at
    size=$(stat -c %s "$2")
    cp -p "$2" "$tmp/kept"
    for at in 0 $((size / 2)) $((size - 1)); do
        flip "$2" "$at"
        refused "$1 with another byte $at of $size"
        cp -p "$tmp/kept" "$2"
    done
}
altered "an agent's ledger" "$main/ledger"
altered "the vault's own ledger" "$vault/ledger"
altered 'a shard' "$(find "$main" -name 'ledger-*' | sort | head -n 1)"
altered 'a record' "$main/records/mistral_3ap300.age"
altered 'settings.json' "$vault/settings.json"
altered 'an unlock file' "$vault/unlock/key-file.age"

record=$main/records/mistral_3ap006.age
cp -p "$record" "$tmp/kept"
cp "$tmp/older-record" "$record"
refused 'an older record in the place of the newer one'
has "$tmp/said" 'is not the one that the ledger names' '... for what it is'
cp -p "$tmp/kept" "$record"

mv "$main/ledger" "$tmp/kept"
refused "an agent's records without a ledger"
has "$tmp/said" 'the ledger of main is missing' '... because it is missing'
mv "$tmp/kept" "$main/ledger"

# A log is history, not a secret: damage is reported, and the rest is read.
cp -p "$main/log.jsonl" "$tmp/kept"
flip "$main/log.jsonl" "$(($(wc -c <"$main/log.jsonl") - 10))"
reader "$vault" "$key" >"$tmp/read" 2>&1
has "$tmp/read" 'was altered' 'a line of a log with another byte is told'
cp -p "$tmp/kept" "$main/log.jsonl"

status=0
reader "$vault" "$key" >"$tmp/read" 2>&1 || status=$?
exits "$status" 0 'as it was, the home is read again' "$tmp/read"

# --- the vectors ------------------------------------------------------------------------------------------

status=0
reader --vectors "$root/docs/vectors.json" >"$tmp/said" 2>&1 || status=$?
exits "$status" 0 'the second reader computes every vector of docs/vectors.json' "$tmp/said"
cat "$tmp/said"

finish second-reader

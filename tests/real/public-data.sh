#!/usr/bin/env bash
# Published test data (JSONTestSuite, the big list of naughty strings, the age test vectors) as every kind of input
# of the program: no panic, no hang, no raw control character in the output, and a refused input changes nothing.
#
#   STRONGROOM=target/debug/strongroom tests/real/public-data.sh [FOLDER]
#
# FOLDER contains json-test-suite/, naughty-strings/ and age-vectors/ as published; the default is ../shared/data next
# to this checkout. None of it is part of the project: without it, a small set of self-made input of the same kinds is
# used.
#
# budget: 120 s
# Prints a line `ok: ...` or `FAILED: ...` for each check, with counts. Needs no network.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need python3

folder=${1-}
if [ -n "$folder" ]; then
    [ -d "$folder" ] || { printf '%s is not a directory\n' "$folder" >&2; exit 1; }
elif [ -d "$root/../shared/data" ]; then
    folder=$root/../shared/data
else
    printf '    ran without the public data: no %s\n' '../shared/data beside this checkout, and no folder given'
fi
mkdir "$tmp/homes"
python3 -B "$lib/public_data" "$binary" "$tmp/homes" ${folder:+"$folder"} || failed=1
finish 'public data'

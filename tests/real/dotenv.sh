#!/usr/bin/env bash
# Compares how Strongroom reads `.env` files with the parser inside the real OpenClaw 2026.6.1: 10,000 random files in
# the reader itself, 100 of them on the command line. Also checks that the answers in the unit tests are still right.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       [UNIT_TESTS=<the library's test program>] [SEED=n] tests/real/dotenv.sh
#
# Without the test program, cargo builds and runs it. The seed is shown; the default is the date.
# budget: 60 s
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need_openclaw
parser=$OPENCLAW_DIR/node_modules/dotenv
fixture=$root/tests/fixtures/dotenv/answers.jsonl
files=10000
imports=100
seed=${SEED:-$(date -u +%Y%m%d)}

dotenv() { "$node" "$root/tests/real/dotenv.mjs" "$@"; }
# The reader's test, with more answers; its output goes to the file.
reader() {
    local test=transfer::dotenv_answers::what_is_read_is_what_the_clients_parser_reads
    if [ -n "${UNIT_TESTS-}" ]; then
        "$UNIT_TESTS" "$test" --exact --nocapture
    else
        (cd "$root" && cargo test --quiet --locked --lib -- "$test" --exact --nocapture)
    fi
}

version=$("$node" -p 'require(process.argv[1]).version' "$parser/package.json")
same "$version" 17.4.2 "the parser is dotenv 17.4.2" shown
recorded=$(dotenv check "$fixture" "$parser") && status=0 || status=$?
exits "$status" 0 "$recorded recorded answers are the parser's"
holds 'there are at least 60 of them' test "$recorded" -ge 60

dotenv generate "$seed" "$files" "$parser" >"$tmp/answers"
STRONGROOM_DOTENV_ANSWERS=$tmp/answers reader >"$tmp/said" 2>&1 && status=0 || status=$?
exits "$status" 0 "seed $seed: $(grep -o "$files files: .*" "$tmp/said" || true)" "$tmp/said"
has "$tmp/said" "$files files: " "all $files were looked at"
has "$tmp/said" '; 0 wrong' 'none is silently different, none silently missing'

dotenv import "$seed" "$imports" "$parser" "$binary" >"$tmp/tally" 2>"$tmp/wrong"
printf '    %s\n' "$(cat "$tmp/tally")"
has "$tmp/tally" "\"files\":$imports," "$imports were imported by the command line"
has "$tmp/tally" '"different":0,"missing":0' 'what get gives is what the parser reads, or was named'
lacks "$tmp/tally" '"taken":0,' 'and keys were among them'
finish dotenv

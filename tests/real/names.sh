#!/usr/bin/env bash
# Compares the variables for provider keys with the manifests of the real OpenClaw 2026.6.1: the list in the unit
# tests is that of the installed client, and an import takes or names every one of them.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       tests/real/names.sh
#
# budget: 20 s
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need_openclaw
need python3
recorded=$root/tests/fixtures/env_names/openclaw-2026.6.1.txt

python3 "$root/tests/real/names.py" "$client/dist" >"$tmp/names"
if cmp -s "$tmp/names" "$recorded"; then
    ok "the recorded list is that of the installed manifests ($(wc -l <"$recorded") providers)"
else
    fail 'the recorded list is that of the installed manifests'
    diff "$tmp/names" "$recorded" | head -n 20
fi

cut -d: -f2 "$root"/tests/fixtures/env_names/*.txt | tr ' ' '\n' | sort -u | sed '/^$/d; s/$/=made-up-value/' >"$tmp/all.env"
run() { env -i -C "$tmp" HOME="$tmp" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$binary" "$@"; }
run init --store file >/dev/null 2>&1
run import all.env --dry-run --json >"$tmp/plan" 2>"$tmp/said"
python3 - "$tmp/all.env" "$tmp/plan" >"$tmp/verdict" <<'PYTHON'
import json, sys
names = [line.split("=")[0] for line in open(sys.argv[1])]
plan = json.load(open(sys.argv[2]))
told = {row["place"].split(" (")[0] for kind in ("entries", "skipped") for row in plan[kind]}
settings = {"AZURE_SPEECH_REGION", "SPEECH_REGION", "VOLCENGINE_TTS_APPID"}
print(len(names), "variables; missing:", *sorted(set(names) - told - settings))
print("taken though no key:", *sorted(told & settings))
PYTHON
sed 's/^/    /' "$tmp/verdict"
has "$tmp/verdict" 'missing:' 'the plan was read'
holds 'every variable of both versions is taken or named' grep -q 'missing:$' "$tmp/verdict"
holds 'and no setting is taken for a key' grep -q '^taken though no key:$' "$tmp/verdict"
finish names

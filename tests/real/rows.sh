#!/usr/bin/env bash
# The commands in OpenClaw's documentation, typed literally: for the real OpenClaw 2026.6.1, and for Strongroom with its
# name instead. Both store the same, and end with the same exit status if that matters.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       tests/real/rows.sh
#
# budget: 180 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Needs no network.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need_openclaw
need python3

# Made up, with the lengths and prefixes that OpenClaw requires.
filler=$(printf 'EXAMPLE%02d-' {1..20})
token=sk-ant-oat01-${filler:0:95}
key=sk-ant-api03-${filler:0:95}

# What a client has stored: one line for each profile, with the days until it expires and the secret.
cat >"$tmp/theirs.py" <<'PYTHON'
import json, pathlib, sys, time
path = pathlib.Path(sys.argv[1], ".openclaw/agents/main/agent/auth-profiles.json")
profiles = json.loads(path.read_text())["profiles"] if path.exists() else {}
for id, profile in sorted(profiles.items()):
    days = round((profile["expires"] / 1000 - time.time()) / 86400) if "expires" in profile else "-"
    print(id, profile["type"], profile["provider"], days, profile.get("token") or profile.get("key"))
PYTHON
cat >"$tmp/ours.py" <<'PYTHON'
import json, subprocess, sys, time
home, binary = sys.argv[1:]
def run(*arguments):
    environment = {"HOME": home, "PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": home}
    return subprocess.run([binary, *arguments], env=environment, capture_output=True, text=True).stdout
listed = run("list", "--json")
for profile in sorted(json.loads(listed)["agents"][0]["profiles"] if listed else [], key=lambda p: p["profileId"]):
    expires = profile.get("expires")
    days = round((expires / 1000 - time.time()) / 86400) if expires else "-"
    print(profile["profileId"], profile["type"], profile["provider"], days, run("get", profile["profileId"]).strip())
PYTHON

ours=$tmp/ours-home theirs=$tmp/theirs-home
begin() {
    rm -rf "$ours" "$theirs"
    mkdir -p "$ours" "$theirs/.openclaw"
    # A provider in use, as in a client that is set up.
    printf '{"agents":{"defaults":{"model":{"primary":"anthropic/claude-opus-4-6"}}}}\n' >"$theirs/.openclaw/openclaw.json"
    mkdir -p "$ours/.openclaw"
    cp "$theirs/.openclaw/openclaw.json" "$ours/.openclaw/"
    alone "$ours" "$binary" init >/dev/null 2>&1
}
# alone HOME COMMAND...: runs it with nothing of this environment except `variables`.
variables=()
alone() {
    local home=$1
    shift
    env -i -C "$home" HOME="$home" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$home" TMPDIR="$tmp" NO_COLOR=1 CI=1 \
        OPENCLAW_NO_AUTO_UPDATE=1 OPENCLAW_NO_RESPAWN=1 OPENCLAW_SKIP_CHANNELS=1 "${variables[@]}" timeout -k 5 120 "$@"
}
input=''
# both ARGUMENTS...: runs the command line with both; sets `their_status` and `our_status`.
both() {
    their_status=0 our_status=0
    alone "$theirs" "$node" "$openclaw" "$@" <<<"$input" >"$tmp/theirs.out" 2>&1 || their_status=$?
    alone "$ours" "$binary" "$@" <<<"$input" >"$tmp/ours.out" 2>&1 || our_status=$?
}
told() {
    fail "$1"
    sed 's/^/    OpenClaw: /' "$tmp/theirs.out" | tail -n 12
    sed 's/^/    Strongroom: /' "$tmp/ours.out" | tail -n 12
}
# kept WHAT: both succeeded, and stored the same.
kept() {
    python3 "$tmp/theirs.py" "$theirs" >"$tmp/theirs.kept"
    python3 "$tmp/ours.py" "$ours" "$binary" >"$tmp/ours.kept"
    if [ "$their_status $our_status" = '0 0' ] && [ -s "$tmp/ours.kept" ] && cmp -s "$tmp/theirs.kept" "$tmp/ours.kept"; then
        ok "$1"
    else
        told "$1: status $their_status and $our_status"
        diff "$tmp/theirs.kept" "$tmp/ours.kept" | sed "s/${filler:0:40}[^ ]*/…/" || true
    fi
}
# status STATUS WHAT: both ended with that status.
status() {
    if [ "$their_status $our_status" = "$1 $1" ]; then ok "$2"; else told "$2: status $their_status and $our_status, not $1"; fi
}
# refused WHAT: both failed, and neither stored anything.
refused() {
    python3 "$tmp/theirs.py" "$theirs" >"$tmp/theirs.kept"
    python3 "$tmp/ours.py" "$ours" "$binary" >"$tmp/ours.kept"
    if [ "$their_status" -ne 0 ] && [ "$our_status" -ne 0 ] && ! [ -s "$tmp/theirs.kept" ] && ! [ -s "$tmp/ours.kept" ]; then
        ok "$1"
    else
        told "$1: status $their_status and $our_status"
    fi
}
# says PATTERN WHAT: the output of Strongroom matches the pattern.
says() { if grep -q -- "$1" "$tmp/ours.out"; then ok "$2"; else told "$2"; fi; }

# S1, S9: a key in the environment.
begin
both models status --check
status 1 'S9: models status --check, with no credential'
variables=(ANTHROPIC_API_KEY="$key")
both models status --check
status 0 'S1: models status --check, with ANTHROPIC_API_KEY'
both models status
status 0 'S1: models status'
says 'anthropic: ANTHROPIC_API_KEY in the process environment' '... shows the key and where it stands'
rm -rf "$ours/.local" "$ours/.config"
both models status --check
status 0 '... and without a vault'
variables=()

# S2, S4: a daemon's `.env`; variables of the process take precedence.
begin
printf 'ANTHROPIC_API_KEY=%s\n' "$key" | tee "$ours/.openclaw/.env" >"$theirs/.openclaw/.env"
chmod 600 "$ours/.openclaw/.env" "$theirs/.openclaw/.env"
both models status --check
status 0 'S2: models status --check, with the key in ~/.openclaw/.env'
both models status
says 'anthropic: ANTHROPIC_API_KEY in .*/.openclaw/.env' '... and models status shows where'
variables=(ANTHROPIC_API_KEY="$key")
both models status
says 'ANTHROPIC_API_KEY in the process environment is used; it takes precedence over' 'S4: the process environment goes before it'
both doctor --help
status 0 'S2: doctor is a command of both'
variables=()

# S6: a token from another machine.
begin
input=$token
# OpenClaw keeps no expiry of a setup-token unless one is given. Strongroom gives it the year for which it is valid, and
# `never` refuses that (docs/commands.md, paste-token).
both models auth paste-token --provider anthropic
python3 "$tmp/ours.py" "$ours" "$binary" >"$tmp/ours.kept"
if grep -q '^anthropic:manual token anthropic 365 ' "$tmp/ours.kept"; then
    ok 'S6: models auth paste-token --provider anthropic: with the known year'
else
    told 'S6: models auth paste-token --provider anthropic: with the known year'
fi
alone "$ours" "$binary" models auth paste-token --provider anthropic --expires-in never <<<"$input" >"$tmp/ours.out" 2>&1
kept 'S6: models auth paste-token --provider anthropic, and for us --expires-in never'
both models auth paste-token --provider anthropic --profile-id anthropic:work --expires-in 365d
kept 'S6: ... --profile-id anthropic:work --expires-in 365d'

# S9: each exit status.
both models status --check
status 0 'S9: models status --check, all usable'
begin
both models auth paste-token --provider anthropic --expires-in 1h
both models status --check
status 2 'S9: models status --check, one expires within 24 hours'
begin
both models auth paste-token --provider anthropic --expires-in 25h
both models status --check
status 0 'S9: models status --check, one expires in 25 hours'

# S5, S11: setup-token needs a terminal.
begin
input=''
both models auth setup-token --provider anthropic
refused 'S5, S11: models auth setup-token --provider anthropic, without a terminal'
says 'needs a person at a terminal' '... says so'
says 'paste-token --provider anthropic' '... and how else'

# S3, S17: onboarding without a person. OpenClaw's own flags mean the same to both.
quiet=(--non-interactive --accept-risk --mode local --skip-health --skip-skills --skip-channels --skip-ui --no-install-daemon)
begin
variables=(ANTHROPIC_API_KEY="$key")
both onboard "${quiet[@]}" --auth-choice apiKey --anthropic-api-key "$key"
kept 'S3, S17: onboard --anthropic-api-key'
variables=()
# Without an id, OpenClaw replaces anthropic:default, contrary to its own help; Strongroom follows the help
# (docs/decisions/0017).
begin
both onboard "${quiet[@]}" --auth-choice token --token-profile-id anthropic:manual --token-provider anthropic --token "$token" --token-expires-in 365d
kept 'S17: onboard --auth-choice token --token-provider anthropic --token'
begin
both onboard "${quiet[@]}" --auth-choice setup-token --token "$token" --token-expires-in 365d
kept 'S17: onboard --auth-choice setup-token --token'
finish rows.sh

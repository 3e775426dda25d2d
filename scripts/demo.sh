#!/usr/bin/env bash
# Shows Strongroom's main job on throw-away vaults: made-up credentials go in, an agent asks for one, a
# second machine receives them. Touches nothing outside a temporary directory and cargo's own directories.
#
#   scripts/demo.sh
#
# STRONGROOM=/path/to/strongroom runs an existing binary instead of building one.
set -euo pipefail
given=${STRONGROOM-}
unset "${!STRONGROOM_@}" STRONGROOM # the demo must not touch the reader's own vault

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
say() { printf '\n# %s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 1; }

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

if [ -n "$given" ]; then
    STRONGROOM=$given
else
    # shellcheck source=scripts/find-cargo.sh
    . "$root/scripts/find-cargo.sh"
    find_cargo "$root" || die 'or set STRONGROOM to a binary that is built already'
    # shellcheck source=scripts/build.sh
    . "$root/scripts/build.sh"
    printf '# Building strongroom: the first time about 5 minutes on two idle cores, and 1.6 GB\n'
    build_strongroom "$root" "$tmp" || die 'cargo could not build it; the reason stands above'
fi
[ -x "$STRONGROOM" ] || die "$STRONGROOM cannot be run"
# Set after the build, because it would make the build directory private.
umask 077

# Each vault has its own home, and the key that opens it is outside that home.
desktop() { STRONGROOM_HOME=$tmp/desktop/vault STRONGROOM_KEY_FILE=$tmp/desktop/key "$STRONGROOM" --no-input "$@"; }
server() { STRONGROOM_HOME=$tmp/server/vault STRONGROOM_KEY_FILE=$tmp/server/key "$STRONGROOM" --no-input "$@"; }
# Prints the command as a person would type it, then runs it.
on() {
    local machine=$1
    shift
    printf '[%s]$ strongroom %s\n' "$machine" "${*//$tmp\//}" >&2
    "$machine" "$@"
}
mkdir "$tmp/desktop" "$tmp/server"
sample=$tmp/desktop/auth-profiles.json
cp "$root/tests/fixtures/sample/auth-profiles.json" "$sample"
chmod 600 "$sample"

say '1. A new vault on encrypted files, opened by a key file'
on desktop init --store file --unlock key-file

say "2. Import an agent's plaintext auth-profiles.json: a dry run, then all of it or nothing"
on desktop import "$sample" --dry-run
on desktop import "$sample"

say '3. Paste a setup-token: it comes by standard input, never as an argument. It is to be used first'
token=sk-ant-oat01-$(printf 'EXAMPLE-DEMO-%.0s' 1 2 3 4 5 6 7)MADE
on desktop models auth paste-token --provider anthropic --profile-id anthropic:demo --expires-in 365d <<<"$token"
on desktop models auth order set --provider anthropic anthropic:demo anthropic:team anthropic:default

say '4. What is there, and how long it lasts: read from the index, in which no secret is'
on desktop list
on desktop models status

say '5. An agent asks for the key of its provider, as OpenClaw does, over standard input and output'
request='{"protocolVersion":1,"provider":"strongroom","ids":["providers/anthropic/apiKey","main/nobody:here"]}'
printf '%s\n' "$request"
answer=$(on desktop resolve <<<"$request")
printf '%s\n' "$answer"
grep -qF -- "\"providers/anthropic/apiKey\":\"$token\"" <<<"$answer" || die 'resolve did not give back the token that was pasted'

say '6. Another machine: its recipient, a sealed bundle for it, and the same credential there'
on server init --store file --unlock key-file
recipient=$(on server recipient)
on desktop export anthropic:demo --to "$recipient" --out "$tmp/bundle.age"
on server import "$tmp/bundle.age"
[ "$(on server get anthropic:demo)" = "$token" ] || die 'the token arrived changed on the second vault'

# The main promise, checked on everything that was just written.
if grep -rqaF -- "$token" "$tmp"; then
    die 'the token was found in plaintext in a file'
fi
index=$tmp/desktop/vault/agents/main/auth-profiles.json
grep -qF '"main/anthropic:demo"' "$index" || die "the index has no reference to the pasted token"

say "The demo worked: a pasted token and the imported sample are sealed in the vault, resolve gave the
# made-up token back, a second vault received it by a sealed bundle, and no file of either vault holds it."
if [ -z "$given" ]; then
    say "Next: a vault of your own.
#   cargo install --path '$root' --locked
#   strongroom onboard"
fi

#!/usr/bin/env bash
# The real skopeo and Docker's own client library (docker from PyPI) get their login through docker-credential-strongroom, from
# registries on loopback. A stranger's registry gets nothing, also if it names another's tokens.
#
#   STRONGROOM=target/debug/strongroom DOCKER_PY_DIR=<directory made by scripts/install-test-deps.sh> \
#       tests/real/helper-registry.sh
#
# budget: 60 s
# once: as root
# shellcheck source=tests/real/lib/helper-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/helper-world.sh"
# Set by the files that are sourced.
# shellcheck disable=SC2154
need skopeo openssl
python=${DOCKER_PY_DIR:?set it to the directory of docker}/bin/python3
[ -x "$python" ] || { printf 'no docker library in %s; run scripts/install-test-deps.sh\n' "$DOCKER_PY_DIR" >&2; exit 1; }
# shellcheck source=tests/real/lib/helper-registry.sh
. "$lib/helper-registry.sh"

skopeo --version
inspect=(skopeo inspect --raw)
for registry in "$own" "$bearer"; do
    attempt "${inspect[@]}" "docker://$registry/a:b"
    exits "$status" 0 'skopeo reads an image' "$tmp/said"
    has "$tmp/said" schemaVersion 'and has its manifest'
    asked 'a login' 0
    without_secrets 'a login'
done
attempt skopeo --insecure-policy copy "docker://$own/a:b" "dir:$tmp/home/image"
exits "$status" 0 'it copies an image' "$tmp/said"
attempt skopeo --insecure-policy copy "dir:$tmp/home/image" "docker://$bearer/a:c"
exits "$status" 0 'and pushes it' "$tmp/said"

for registry in "$stranger" "$thief"; do
    attempt "${inspect[@]}" "docker://$registry/a:b"
    gives_up "a stranger's registry"
    asked "a stranger's registry" 1
done

# What skopeo wants to keep is not kept, and what it wants to remove stays.
attempt skopeo login --username me --password-stdin "$own"
gives_up 'skopeo login without a password'
printf '%s' made-up-other-secret >"$tmp/other"
status=0
client skopeo login --username someone --password-stdin "$stranger" <"$tmp/other" >"$tmp/said" 2>&1 || status=$?
gives_up 'skopeo login at a stranger'
same "$(in_vault good list --json | grep -c '"profileId"')" 1 'no profile came of it' shown
attempt skopeo logout "$own"
attempt "${inspect[@]}" "docker://$own/a:b"
exits "$status" 0 'after a logout the login is still there' "$tmp/said"

# Docker's own client of the protocol.
cat >"$tmp/store.py" <<'PY'
import sys

import docker
from docker import auth, credentials

own, stranger, secret = sys.argv[1:4]
print("docker", docker.__version__)
store = credentials.Store("strongroom")
login = auth.load_config().resolve_authconfig(own)
print("resolved", login["Username"], login["Password"] == secret)
print("got", store.get(f"https://{own}/v2/")["Secret"] == secret)
store.store(own, "me", secret)
print("stored what is there")
for name, server, value in (("other", own, "made-up-other"), ("stranger", stranger, secret)):
    try:
        store.store(server, "me", value)
        print("stored", name)
    except credentials.StoreError as error:
        print("refused", name, error)
store.erase(own)
print("after erase", store.get(own)["Secret"] == secret)
print("listed", store.list())
for name in (stranger, f"http://{own}", f"me@{own}", "127.0.0.1:" + own.split(":")[1], f"{own}\n{stranger}", ""):
    try:
        print("gave", repr(name), len(store.get(name)["Secret"]))
    except credentials.errors.CredentialsNotFound:
        print("not found")
    except credentials.StoreError as error:
        print("error", error)
PY
in_vault good edit registry:one --helper docker >/dev/null
attempt "$python" "$tmp/store.py" "$own" "$stranger" "$secret"
exits "$status" 0 "Docker's library is served" "$tmp/said"
grep '^docker ' "$tmp/said"
has "$tmp/said" 'nothing was removed from the vault' 'an erase says that it removes nothing'
has "$tmp/said" 'resolved me True' 'it resolves a login'
has "$tmp/said" 'got True' 'it gets one by URL'
has "$tmp/said" 'stored what is there' 'it may store what is there'
has "$tmp/said" 'refused other' 'and nothing else'
has "$tmp/said" 'refused stranger' 'for no one else'
has "$tmp/said" 'after erase True' 'and removes nothing'
has "$tmp/said" "'https://$own': 'me'" 'it lists who, not what'
same "$(grep -c '^not found' "$tmp/said")" 6 'six servers that are not its own are not found' shown
without_secrets "Docker's library"
asked "Docker's library"
in_vault good edit registry:one --no-helper docker >/dev/null

cat >"$tmp/get.py" <<'PY'
import sys

from docker import auth

login = auth.load_config().resolve_authconfig(sys.argv[1])
print(login)
sys.exit(0 if login else 1)
PY
# get_by CLIENT: sets $gets, its command.
get_by() {
    case "$1" in
        skopeo) gets=("${inspect[@]}" "docker://$own/a:b") ;;
        docker) gets=("$python" "$tmp/get.py" "$own") ;;
    esac
}

vault=hostile
attempt "$python" "$tmp/store.py" "$own" "$stranger" "$hostile"
has "$tmp/said" 'resolved me True' 'a secret of quotes and commands is carried as it is'
get_by skopeo
attempt "${gets[@]}"
has "$log" "$(python3 -c 'import sys; print(("me:" + sys.argv[1]).encode())' "$hostile")" 'by skopeo too'
holds 'nor run' [ ! -e "$tmp/home/owned" ]

terminal_prompts
for one in 'locked 1 LOCKED' 'missing 1' 'none 1 NO_VAULT' 'expired 1 EXPIRED'; do
    read -r vault expected code <<<"$one"
    for name in skopeo docker; do
        get_by "$name"
        for how in attempt at_terminal; do
            "$how" "${gets[@]}"
            gives_up "$name, $vault, $how"
            asked "$name, $vault, $how" "$expected"
            [ -z "$code" ] || has "$tmp/said" "[$code]" "$name, $vault, $how: the person is told why"
        done
    done
done
vault=good
strangers_saw_nothing
finish helper-registry

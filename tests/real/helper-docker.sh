#!/usr/bin/env bash
# Docker's own command line gets its login through docker-credential-strongroom: `docker manifest` talks to a registry without a
# daemon.
#
#   STRONGROOM=target/debug/strongroom tests/real/helper-docker.sh
#
# budget: 60 s
# once: as root
# only: with --all
# shellcheck source=tests/real/lib/helper-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/helper-world.sh"
# Set by the files that are sourced.
# shellcheck disable=SC2154
need docker openssl
# shellcheck source=tests/real/lib/helper-registry.sh
. "$lib/helper-registry.sh"
variables+=(DOCKER_CLI_EXPERIMENTAL=enabled DOCKER_HOST="unix://$tmp/no-daemon")
inspect=(docker manifest inspect --insecure)

docker --version
for registry in "$own" "$bearer"; do
    attempt "${inspect[@]}" "$registry/a:b"
    exits "$status" 0 'docker reads a manifest' "$tmp/said"
    has "$tmp/said" schemaVersion 'and has it'
    asked 'a login' 0
    without_secrets 'a login'
done
for registry in "$stranger" "$thief"; do
    attempt "${inspect[@]}" "$registry/a:b"
    gives_up "a stranger's registry"
    asked "a stranger's registry" 1
done
attempt docker logout "$own"
has "$tmp/said" 'nothing was removed from the vault' 'docker logout says that nothing was removed'
attempt "${inspect[@]}" "$own/a:b"
exits "$status" 0 'after a logout the login is still there' "$tmp/said"

terminal_prompts
for one in 'locked LOCKED' 'missing' 'none NO_VAULT' 'expired EXPIRED'; do
    read -r vault code <<<"$one"
    for how in attempt at_terminal; do
        "$how" "${inspect[@]}" "$own/a:b"
        gives_up "$vault, $how"
        asked "$vault, $how" 1
        [ -z "$code" ] || has "$tmp/said" "[$code]" "$vault, $how: the person is told why"
    done
done
vault=good
strangers_saw_nothing
finish helper-docker

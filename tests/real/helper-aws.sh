#!/usr/bin/env bash
# The real aws (awscli from PyPI) signs its requests with a key that `strongroom helper aws` gives it through `credential_process`. A
# stand-in on loopback checks the signatures with botocore.
#
#   STRONGROOM=target/debug/strongroom AWS_DIR=<directory made by scripts/install-test-deps.sh> tests/real/helper-aws.sh
#
# budget: 60 s
# once: as root
# shellcheck source=tests/real/lib/helper-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/helper-world.sh"
# Set by helper-world.sh.
# shellcheck disable=SC2154
aws=${AWS_DIR:?set it to the directory of aws}/bin/aws
[ -x "$aws" ] || { printf 'no aws in %s; run scripts/install-test-deps.sh\n' "$AWS_DIR" >&2; exit 1; }

key=AKIAIOSFODNN7EXAMPLE
variables=(AWS_EC2_METADATA_DISABLED=true AWS_PAGER='' AWS_MAX_ATTEMPTS=1)
make_vaults aws:one --helper aws --username "$key"
printf '%s %s\n' "$key" "$secret" >"$tmp/secrets"
serve "$AWS_DIR/bin/python3" "$lib/helper-aws.py" "$tmp"
own=http://localhost:${ports[0]}
other=http://localhost:${ports[1]}
log=$tmp/log

# configure COMMAND: the user's own configuration.
configure() {
    mkdir -p "$tmp/home/.aws"
    printf '[default]\nregion = us-east-1\ncredential_process = %s\n' "$1" >"$tmp/home/.aws/config"
}
who_am_i=("$aws" sts get-caller-identity --output text --endpoint-url)
# verdict: what the stand-in said of the last signature.
verdict() { tail -n 1 "$log" | cut -d ' ' -f 1-3; }

"$aws" --version
for command in "$tmp/bin/strongroom helper aws" "\"$tmp/bin/strongroom\" helper aws aws:one"; do
    configure "$command"
    attempt "${who_am_i[@]}" "$own"
    exits "$status" 0 'aws signs with the key' "$tmp/said"
    same "$(verdict)" "own right $key" 'and the signature is right' shown
    asked 'a key' 0
    without_secrets 'a key'
done
in_vault good edit aws:one --expires-in 2m >/dev/null 2>&1
attempt "${who_am_i[@]}" "$own"
same "$status $(verdict)" "0 own right $key" 'a key that ends in two minutes is used' shown
in_vault good edit aws:one --no-expiry >/dev/null 2>&1

# Another secret, under the same id.
printf 'made-up-other-secret' | in_vault good rotate aws:one >/dev/null 2>&1
attempt "${who_am_i[@]}" "$own"
same "$(verdict)" "own wrong $key" "another secret's signature is wrong" shown
has "$tmp/said" SignatureDoesNotMatch 'and aws says so'
printf '%s' "$secret" | in_vault good rotate aws:one >/dev/null 2>&1

# What signs is never sent, wherever the request goes.
printf '[default]\nregion = us-east-1\nendpoint_url = %s\ncredential_process = %s helper aws\n' "$other" "$tmp/bin/strongroom" >"$tmp/evil"
variables+=(AWS_CONFIG_FILE="$tmp/evil")
attempt "$aws" sts get-caller-identity --output text
same "$status $(verdict)" "0 stranger right $key" 'a hostile configuration sends the request elsewhere' shown
asked 'a stranger' 0
variables=("${variables[@]:0:3}")

vault=hostile
printf '%s %s\n' "$key" "$hostile" >"$tmp/secrets"
attempt "${who_am_i[@]}" "$own"
same "$status $(verdict)" "0 own right $key" 'a secret of quotes and commands is carried as it is' shown
lacks "$tmp/said" "$hostile" 'and not shown'
holds 'nor run' [ ! -e "$tmp/home/owned" ]
printf '%s %s\n' "$key" "$secret" >"$tmp/secrets"

requests=$(wc -l <"$log")
terminal_prompts
for one in 'locked 77 LOCKED' 'missing 66 NOT_FOUND' 'none 66 NO_VAULT' 'expired 65 EXPIRED'; do
    read -r vault expected code <<<"$one"
    for how in attempt at_terminal; do
        "$how" "${who_am_i[@]}" "$own"
        gives_up "$vault, $how"
        asked "$vault, $how" "$expected"
        has "$tmp/said" "[$code]" "$vault, $how: aws says why"
    done
done
vault=good
in_vault good edit aws:one --no-helper aws >/dev/null 2>&1
configure "$tmp/bin/strongroom helper aws aws:one"
attempt "${who_am_i[@]}" "$own"
gives_up 'a profile that does not name aws'
has "$tmp/said" '[DENIED]' 'a profile that does not name aws: it is denied'
same "$(wc -l <"$log")" "$requests" 'none of these sent a request' shown

lacks "$log" "$secret" "no server saw the secret ($requests requests)"
lacks "$log" made-up-other-secret 'nor the other'
finish helper-aws

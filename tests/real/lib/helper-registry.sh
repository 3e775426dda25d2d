# To be sourced after helper-world.sh: registries on loopback, vaults with a login for two of them, and the user's own configuration,
# which names the helper for all.
# shellcheck shell=bash
# Many variables set here are for the scripts that source this file.
# shellcheck disable=SC2034,SC2154
certificates "$tmp"
serve python3 "$lib/helper-registry.py" "$tmp" "$secret"
own=localhost:${ports[0]}
bearer=localhost:${ports[1]}
stranger=localhost:${ports[2]}
thief=localhost:${ports[3]}
log=$tmp/log
variables=(SSL_CERT_FILE="$tmp/ca.pem")
make_vaults registry:one --host "https://$own" --host "https://$bearer" --username me
mkdir "$tmp/home/.docker"
printf '{"credHelpers":{"%s":"strongroom","%s":"strongroom","%s":"strongroom","%s":"strongroom"}}\n' "$own" "$bearer" "$stranger" "$thief" \
    >"$tmp/home/.docker/config.json"
cp "$tmp/home/.docker/config.json" "$tmp/config-before"

# strangers_saw_nothing: neither `stranger` nor `thief` was given a credential, in however many requests.
strangers_saw_nothing() {
    grep -E '^(stranger|thief) ' "$log" >"$tmp/elsewhere" || true
    holds "others were asked ($(wc -l <"$tmp/elsewhere") requests)" [ -s "$tmp/elsewhere" ]
    lacks "$tmp/elsewhere" "$secret" 'and saw no secret'
    lacks "$tmp/elsewhere" "b'me:" 'nor any login'
    same "$(<"$tmp/home/.docker/config.json")" "$(<"$tmp/config-before")" 'the configuration is as it was'
}

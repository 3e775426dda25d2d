# To be sourced after verdict.sh: stand-ins on loopback, and certificates for them.
# shellcheck shell=bash
# Set by verdict.sh, and for the scripts that source this file.
# shellcheck disable=SC2034,SC2154

# certificates DIRECTORY: ca.pem, cert.pem and key.pem for servers on loopback.
certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=made-up-ca \
        -keyout "$tmp/ca.key" -out "$1/ca.pem" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
        -keyout "$1/key.pem" -out "$tmp/csr" 2>/dev/null
    printf 'subjectAltName=DNS:localhost,DNS:evil.localhost,IP:127.0.0.1\n' >"$tmp/names"
    openssl x509 -req -in "$tmp/csr" -CA "$1/ca.pem" -CAkey "$tmp/ca.key" -CAcreateserial -days 2 \
        -extfile "$tmp/names" -out "$1/cert.pem" 2>/dev/null
}

# The stand-ins import one another; nothing is to be left in this directory.
export PYTHONDONTWRITEBYTECODE=1
# serve COMMAND...: starts a stand-in, which writes its ports into the FIFO $tmp/ports, and ends it in the end.
serve() { serve_in "$tmp" "$@"; }
# serve_in DIRECTORY COMMAND...: the same with the FIFO in another directory.
serve_in() {
    local directory=$1
    shift
    mkdir -p "$directory"
    mkfifo "$directory/ports"
    "$@" &
    stand_ins+=("$!")
    read -ra ports <"$directory/ports"
}
stand_ins=()
end_stand_ins() { [ "${#stand_ins[@]}" = 0 ] || kill "${stand_ins[@]}"; }
at_end+=(end_stand_ins)

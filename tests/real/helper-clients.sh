#!/usr/bin/env bash
# The real git, cargo and kubectl get their credential through `strongroom helper`, from servers on loopback. A stranger's
# server that a repository, a registry or a kubeconfig names gets nothing.
#
#   STRONGROOM=target/debug/strongroom tests/real/helper-clients.sh
#
# budget: 60 s
# once: as root
# shellcheck source=tests/real/lib/helper-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/helper-world.sh"
# Set by helper-world.sh.
# shellcheck disable=SC2154
need git cargo kubectl openssl

mkdir "$tmp/served" "$tmp/cargo"
variables=(
    GIT_TERMINAL_PROMPT=0 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@x.io GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@x.io
    CARGO_HOME="$tmp/cargo" RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" CARGO_HTTP_CAINFO="$tmp/served/ca.pem"
    CARGO_TERM_COLOR=never
)

# Returns what servers were given, in a log, decoded.
given() {
    local credential
    while read -r credential; do
        printf '%s\n' "$credential"
        printf '%s' "$credential" | base64 -d 2>/dev/null || true
        echo
    done < <(awk '{ print $NF }' "$1")
}

certificates "$tmp/served"
git init -q --bare -b main "$tmp/served/repositories/a.git"
git -C "$tmp/served/repositories/a.git" config http.receivepack true
serve_in "$tmp/served" python3 "$lib/helper-server.py" "$tmp/served" "$secret"
port=${ports[0]} stranger=${ports[1]}
own=https://localhost:$port
other=https://localhost:$stranger
log=$tmp/served/log

run() { in_vault good "$@"; }
make_vaults made-up:one --host "$own" --username me
client git config --global http.sslCAInfo "$tmp/served/ca.pem"
client git config --global credential.helper strongroom

git --version
holds 'clone gets a password' client git clone -q "$own/a.git" "$tmp/home/a" 2>/dev/null
at=$tmp/home/a
printf 'one\n' >"$at/file"
client git add file
client git commit -qm one
holds 'push too' client git push -q origin HEAD:main
holds 'fetch too' client git fetch -q origin
same "$(client git rev-parse origin/main)" "$(git -C "$tmp/served/repositories/a.git" rev-parse main)" 'the commit is there'

# A repository with submodules on other origins: another port, another name, an address, a user that looks like a host.
commit=$(client git rev-parse HEAD)
n=0
for url in "$other/a.git" "https://evil.localhost:$port/a.git" "https://127.0.0.1:$port/a.git" \
    "https://localhost:$port@localhost:$stranger/a.git" "https://localhost%0ahost=localhost:$port/a.git"; do
    n=$((n + 1))
    client git config -f .gitmodules "submodule.s$n.path" "s$n"
    client git config -f .gitmodules "submodule.s$n.url" "$url"
    client git update-index --add --cacheinfo "160000,$commit,s$n"
done
client git add .gitmodules
client git commit -qm submodules
client git push -q origin HEAD:main
before=$(wc -l <"$log")
for n in 1 2 3 4 5; do
    at=$tmp/home
    rm -rf "$tmp/home/b"
    client git clone -q "$own/a.git" "$tmp/home/b"
    at=$tmp/home/b
    status=0
    client git submodule update -q --init "s$n" >"$tmp/said" 2>&1 </dev/null || status=$?
    holds "submodule $n fails" [ "$status" != 0 ]
    lacks "$tmp/said" "$secret" "submodule $n: nothing is shown"
done
at=$tmp/home/a
tail -n +"$((before + 1))" "$log" >"$tmp/seen"
grep -v "^own localhost:$port " "$tmp/seen" >"$tmp/elsewhere" || true
holds "other origins were asked ($(wc -l <"$tmp/elsewhere") requests)" [ -s "$tmp/elsewhere" ]
given "$tmp/elsewhere" >"$tmp/given"
has "$tmp/given" "localhost:$port" 'one got what its own URL names as user and password'
lacks "$tmp/given" "$secret" 'none got the password'

# A password that the server refuses is reported, and stays.
printf 'made-up-wrong' | run rotate made-up:one >/dev/null
status=0
client git ls-remote "$own/a.git" >"$tmp/said" 2>&1 || status=$?
holds 'a wrong password fails' [ "$status" != 0 ]
run status --json >"$tmp/status"
has "$tmp/status" '"cooling' 'git tells the helper, and the profile cools down'
same "$(run get made-up:one)" made-up-wrong 'and is still there'
printf '%s' "$secret" | run rotate made-up:one >/dev/null 2>&1
holds 'the right one works again' client git fetch -q "$own/a.git"

cargo --version
project() { # NAME INDEX PROVIDER
    mkdir -p "$tmp/$1/src" "$tmp/$1/.cargo"
    printf '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nmade-up = { version = "0.1", registry = "x" }\n' >"$tmp/$1/Cargo.toml"
    : >"$tmp/$1/src/lib.rs"
    printf '[registries.x]\nindex = "%s"\ncredential-provider = %s\n' "$2" "$3" >"$tmp/$1/.cargo/config.toml"
}
fetch() {
    local status=0
    rm -rf "$tmp/cargo/registry"
    at=$tmp/$1 client cargo fetch >"$tmp/said" 2>&1 </dev/null || status=$?
    same "$status" "$2" "$3" shown
    [ "$status" = "$2" ] || sed 's/^/      | /' "$tmp/said"
    lacks "$tmp/said" "$secret" "$3: nothing is shown"
}
plugin="[\"$tmp/bin/strongroom\", \"helper\", \"cargo\"]"
plain="[\"cargo:token-from-stdout\", \"$tmp/bin/strongroom\", \"helper\", \"cargo\"]"
project plugin "sparse+$own/index/" "$plugin"
project plain "sparse+$own/index/" "$plain"
project hostile "sparse+$other/index/" "$plugin"
project hostile-plain "sparse+$other/index/" "$plain"
fetch plugin 0 'the plugin gives a token'
fetch plain 0 'cargo:token-from-stdout gives a token'
has "$log" "own localhost:$port GET /index/dl/" 'the crate was downloaded'
fetch hostile 101 "a stranger's registry gets nothing from the plugin"
fetch hostile-plain 101 "a stranger's registry gets nothing from cargo:token-from-stdout"

printf 'kubectl %s\n' "$(kubectl version --client 2>/dev/null | sed -n 1p)"
kubeconfig() { # NAME SERVER VERSION MORE ID
    cat >"$tmp/$1.yaml" <<YAML
apiVersion: v1
kind: Config
current-context: c
contexts: [{name: c, context: {cluster: k, user: u}}]
clusters: [{name: k, cluster: {server: "$2", certificate-authority: "$tmp/served/ca.pem"}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/$3
      command: "$tmp/bin/strongroom"
      args: [helper, kubectl$5]
      $4
YAML
}
reach() { # NAME STATUS WHAT
    local status=0
    client kubectl --kubeconfig "$tmp/$1.yaml" get --raw /api >"$tmp/said" 2>&1 </dev/null || status=$?
    [ "$status" = 0 ] || status=other
    same "$status" "$2" "$3" shown
    [ "$status" = "$2" ] || sed 's/^/      | /' "$tmp/said"
    lacks "$tmp/said" "$secret" "$3: nothing is shown"
}
versions='v1beta1'
# Debian 12 has 1.20, v1 is of 1.22.
kubectl version --client 2>/dev/null | grep -q 'v1\.2[01]\.' || versions='v1beta1 v1'
for version in $versions; do
    mode=''
    [ "$version" = v1beta1 ] || mode='interactiveMode: Never'
    cluster="provideClusterInfo: true
      $mode"
    kubeconfig own "$own" "$version" "$cluster" ''
    kubeconfig hostile "$other" "$version" "$cluster" ''
    kubeconfig named "$own" "$version" "$mode" ', made-up:one'
    reach own 0 "$version: kubectl gets a token for its cluster"
    reach hostile other "$version: a stranger's cluster gets none"
    reach named other "$version: a profile that does not name kubectl is not given"
done
run edit made-up:one --helper kubectl >/dev/null
reach named 0 'one that names it is'
client kubectl --kubeconfig "$tmp/own.yaml" config view >"$tmp/said"
lacks "$tmp/said" "$secret" 'kubectl config view shows no token'

# A vault that gives nothing. git hears nothing of a profile that does not exist, and cargo's plugin says in an answer what failed.
at=$tmp/home
# get_by CLIENT: sets $gets, its command.
get_by() {
    case "$1" in
        git) gets=(git ls-remote "$own/a.git") ;;
        kubectl) gets=(kubectl --kubeconfig "$tmp/own.yaml" get --raw /api) ;;
        *) gets=(cargo fetch --manifest-path "$tmp/$1/Cargo.toml" --config "$tmp/$1/.cargo/config.toml") ;;
    esac
}
terminal_prompts
for one in 'locked 1 77 LOCKED' 'missing 0 66 NOT_FOUND' 'none 1 66 NO_VAULT' 'expired 1 65 EXPIRED' 'hostile 0 0'; do
    read -r vault to_git to_others code <<<"$one"
    for name in git plugin plain kubectl; do
        get_by "$name"
        expected=$to_others
        case "$name" in git) expected=$to_git ;; plugin) expected=0 ;; esac
        for how in attempt at_terminal; do
            rm -rf "$tmp/cargo/registry"
            what="$name, $vault, $how"
            "$how" "${gets[@]}"
            gives_up "$what"
            asked "$what"
            has "$tmp/asked" " $expected " "$what: the helper says $expected"
            # cargo's plugin has words of its own.
            [ -z "$code" ] || [ "$expected" = 0 ] || has "$tmp/said" "[$code]" "$what: the person is told why"
            lacks "$tmp/said" "$hostile" "$what: no other secret is shown"
        done
    done
done
vault=good
given "$log" >"$tmp/given"
has "$tmp/given" "me:$hostile" 'a secret of quotes and commands is carried by git as it is'
has "$log" "GET /api Bearer $hostile" 'and by kubectl'
has "$log" "GET /index/config.json $hostile" 'and by cargo'
holds 'and not run' [ ! -e "$tmp/home/owned" ]

grep '^stranger ' "$log" >"$tmp/stranger"
given "$tmp/stranger" | cat - "$tmp/stranger" >"$tmp/given"
lacks "$tmp/given" "$secret" "the stranger's server never saw the secret ($(wc -l <"$tmp/stranger") requests)"
given "$log" >"$tmp/given"
has "$tmp/given" "me:$secret" 'while our own did'
finish helper-clients

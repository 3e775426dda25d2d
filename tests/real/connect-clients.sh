#!/usr/bin/env bash
# `strongroom connect` for the real git, cargo, kubectl, aws, skopeo and Claude Code: connected, each gets its credential; its
# files hold none; disconnected, they are what they were. The home, the vault and this program are in paths that a shell could
# take for commands.
#
#   STRONGROOM=target/debug/strongroom AWS_DIR=DIR CLAUDE_DIR=DIR tests/real/connect-clients.sh
#
# budget: 120 s
# once: as root
# shellcheck source=tests/real/lib/helper-world.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/helper-world.sh"
# Set by helper-world.sh.
# shellcheck disable=SC2154
need git cargo kubectl skopeo openssl
aws=${AWS_DIR:?set it to the directory of aws}/bin/aws
claude=${CLAUDE_DIR:?set it to the Claude Code install directory}/claude
for one in "$aws" "$claude"; do
    [ -x "$one" ] || { printf "%s cannot be run; run scripts/install-test-deps.sh\n" "$one" >&2; exit 1; }
done

# shellcheck disable=SC2016 # it is not to be expanded
odd='it'\''s a "home" $(touch owned) `touch owned`;#'
home=$tmp/$odd
mkdir -p "$home/vault" "$tmp/p $odd" "$tmp/served"
cp "$binary" "$tmp/p $odd/strongroom"
program="$tmp/p $odd/strongroom"
rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
client() {
    env -i -C "${at:-$home}" HOME="$home" PATH="$home/.local/bin:$PATH" XDG_RUNTIME_DIR="$tmp/run" GIT_TERMINAL_PROMPT=0 \
        RUSTUP_HOME="$rustup_home" CARGO_TERM_COLOR=never CARGO_HTTP_CAINFO="$tmp/served/ca.pem" SSL_CERT_FILE="$tmp/served/ca.pem" \
        "${variables[@]}" "$@"
}
vault() { client "$program" --home "$home/vault" "$@"; }

certificates "$tmp/served"
git init -q --bare -b main "$tmp/served/repositories/a.git"
serve_in "$tmp/served" python3 "$lib/helper-server.py" "$tmp/served" "$secret"
port=${ports[0]} stranger=${ports[1]}
own=https://localhost:$port
other=https://localhost:$stranger
log=$tmp/served/log

vault init --store file >/dev/null 2>&1
printf '%s' "$secret" | vault paste-token --provider made-up --profile-id made-up:one --host "$own" --username me >/dev/null 2>&1

# put NAME TEXT: a file of the home, kept to compare.
put() {
    mkdir -p "$(dirname "$home/$1")"
    printf '%s' "$2" >"$home/$1"
    cp "$home/$1" "$tmp/before"
}
# connects CLIENT FILE FLAGS...
connects() {
    local name=$1 file=$2 status=0
    shift 2
    vault connect "$name" "$@" --yes >"$tmp/said" 2>&1 || status=$?
    exits "$status" 0 "$name is connected" "$tmp/said"
    lacks "$tmp/said" "$secret" "$name: the change shows no secret"
    lacks "$home/$file" "$secret" "$name: its file has none"
}
# disconnects CLIENT FILE
disconnects() {
    local status=0
    vault disconnect "$1" --yes >"$tmp/said" 2>&1 || status=$?
    exits "$status" 0 "$1 is disconnected" "$tmp/said"
    holds "$1: its file is what it was" cmp "$home/$2" "$tmp/before"
    holds "$1: no path was run as a command" [ -z "$(find "$tmp" -name owned)" ]
}
# works WHAT COMMAND...
works() {
    local what=$1
    shift
    attempt "$@"
    exits "$status" 0 "$what" "$tmp/said"
    without_secrets "$what"
}
fails() {
    local what=$1
    shift
    attempt "$@"
    if [ "$status" != 0 ]; then ok "$what"; else fail "$what" "$tmp/said"; fi
}

git --version
put .gitconfig "# mine
[http]
	sslCAInfo = \"$tmp/served/ca.pem\" ; here
[user]
	name = a
	email = a@x.io"
fails 'git gets no password before' git ls-remote "$own/a.git"
connects git .gitconfig
works 'git gets one' git ls-remote "$own/a.git"
works 'git clones' git clone -q "$own/a.git" "$tmp/clone"
fails "a stranger's server gets none" git ls-remote "$other/a.git"
holds 'nothing is in the work tree' bash -c "! grep -rqF '$secret' '$tmp/clone'"
disconnects git .gitconfig
fails 'git gets no password afterwards' git ls-remote "$own/a.git"
# A dotfile that is a link into a work tree.
git init -q "$tmp/dotfiles"
mv "$home/.gitconfig" "$tmp/dotfiles/gitconfig"
ln -s "$tmp/dotfiles/gitconfig" "$home/.gitconfig"
connects git .gitconfig
has "$tmp/said" '(a link to ' 'the link is shown'
works 'git gets a password through the link' git ls-remote "$own/a.git"
disconnects git .gitconfig
holds 'the link is one still' [ -L "$home/.gitconfig" ]
# Another helper and a stored password stay.
printf 'https://me:made-up@localhost:%s\n' "$port" >"$home/.git-credentials"
status=0
vault connect git --yes >"$tmp/said" 2>&1 || status=$?
exits "$status" 73 'a stored password stays' "$tmp/said"
rm "$home/.git-credentials"

cargo --version
mkdir -p "$tmp/project/src"
printf '[package]\nname = "a"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nmade-up = { version = "0.1", registry = "x" }\n' >"$tmp/project/Cargo.toml"
: >"$tmp/project/src/lib.rs"
put .cargo/config.toml "# mine
[registries.x]
index = \"sparse+$own/index/\" # here

[net]
retry = 1"
connects cargo .cargo/config.toml
at=$tmp/project
works 'cargo gets a token' cargo fetch
at=''
disconnects cargo .cargo/config.toml
rm -rf "$home/.cargo/registry" "$tmp/project/Cargo.lock"
at=$tmp/project
fails 'cargo gets no token afterwards' cargo fetch
at=''

printf 'kubectl %s\n' "$(kubectl version --client 2>/dev/null | sed -n 1p)"
put .kube/config "apiVersion: v1
kind: Config # mine
current-context: c
contexts: [{name: c, context: {cluster: k, user: strongroom}}, {name: d, context: {cluster: l, user: strongroom}}]
clusters:
  - {name: k, cluster: {server: \"$own\", certificate-authority: \"$tmp/served/ca.pem\"}}
  - {name: l, cluster: {server: \"$other\", certificate-authority: \"$tmp/served/ca.pem\"}}
users:
  - name: other
    user:
      username: someone

preferences: {}
"
client kubectl config view --raw -o json >"$tmp/view"
connects kubectl .kube/config --host "$own"
works 'kubectl gets a token for its cluster' kubectl get --raw /api
fails "a stranger's cluster gets none" kubectl --context d get --raw /api
disconnects kubectl .kube/config
client kubectl config view --raw -o json >"$tmp/view-after"
holds 'kubectl reads what it read before' cmp "$tmp/view" "$tmp/view-after"
connects kubectl .kube/config --profile made-up:one
works 'without a host, the named profile' kubectl get --raw /api
disconnects kubectl .kube/config
vault edit made-up:one --no-helper kubectl >/dev/null 2>&1 || true

seen=$(grep '^stranger ' "$log" || true)
holds "the stranger saw no secret ($(grep -c '^stranger ' "$log") requests)" bash -c \
    "! grep '^stranger ' '$log' | grep -qF -e '$secret' -e '$(printf 'me:%s' "$secret" | base64)'"
[ -n "$seen" ] || fail 'the stranger was asked'

skopeo --version
mkdir "$tmp/registry"
cp "$tmp/served"/*.pem "$tmp/registry"
serve_in "$tmp/registry" python3 "$lib/helper-registry.py" "$tmp/registry" "$secret"
vault edit made-up:one --host "https://localhost:${ports[0]}" >/dev/null 2>&1
put .docker/config.json '{
	"auths": {},
	"detachKeys": "ctrl-x"
}'
connects docker .docker/config.json --host "https://localhost:${ports[0]}"
works 'skopeo gets a login' skopeo inspect --raw "docker://localhost:${ports[0]}/a:b"
fails "a stranger's registry gets none" skopeo inspect --raw "docker://localhost:${ports[2]}/a:b"
disconnects docker .docker/config.json
fails 'skopeo gets no login afterwards' skopeo inspect --raw "docker://localhost:${ports[0]}/a:b"
holds 'the program of that name is gone' [ ! -e "$home/.local/bin/docker-credential-strongroom" ]

"$aws" --version
key=AKIAIOSFODNN7EXAMPLE
printf '%s' "$secret" | vault paste-api-key --provider aws --username "$key" >/dev/null 2>&1
mkdir "$tmp/aws"
printf '%s %s\n' "$key" "$secret" >"$tmp/aws/secrets"
serve_in "$tmp/aws" "$AWS_DIR/bin/python3" "$lib/helper-aws.py" "$tmp/aws"
put .aws/config '# mine
[default]
region = us-east-1

[profile work]
region = us-east-1'
connects aws .aws/config --profile aws:default --name work
variables=(AWS_EC2_METADATA_DISABLED=true AWS_PAGER='' AWS_MAX_ATTEMPTS=1)
works 'aws signs' "$aws" --profile work sts get-caller-identity --output text --endpoint-url "http://localhost:${ports[0]}"
same "$(tail -n 1 "$tmp/aws/log" | cut -d ' ' -f 1-3)" "own right $key" 'and the signature is right' shown
disconnects aws .aws/config
fails 'aws has no key afterwards' "$aws" --profile work sts get-caller-identity --endpoint-url "http://localhost:${ports[0]}"
variables=()

printf 'Claude Code %s\n' "$(client "$claude" --version)"
serve_in "$tmp/claude" python3 "$lib/helper-api.py" "$tmp/claude"
url=http://localhost:${ports[0]}
variables=(
    HTTPS_PROXY=http://127.0.0.1:9 NO_PROXY=localhost DISABLE_AUTOUPDATER=1 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
    SHELL=/bin/sh LANG=C.UTF-8
)
printf '%s' "$secret" | vault paste-api-key --provider anthropic >/dev/null 2>&1
printf 'made-up-mcp-secret' | vault paste-token --provider mcp --host "$url" >/dev/null 2>&1
printf '{"hasCompletedOnboarding":true,"projects":{},"mcpServers":{"x":{"type":"http","url":"%s/mcp"}}}\n' "$url" >"$home/.claude.json"
status=0
vault connect claude-mcp --yes >"$tmp/said" 2>&1 || status=$?
exits "$status" 0 'MCP servers are connected' "$tmp/said"
put .claude/settings.json "{
    \"env\": { \"ANTHROPIC_BASE_URL\": \"$url\" },
    \"model\": \"sonnet\"
}"
connects claude-code .claude/settings.json
works 'Claude Code gets an answer' "$claude" -p hi
has "$tmp/claude/log" "$secret" 'the key arrived'
has "$tmp/claude/log" 'Bearer made-up-mcp-secret' 'and the headers of the MCP server'
disconnects claude-code .claude/settings.json
status=0
vault disconnect claude-mcp --yes >"$tmp/said" 2>&1 || status=$?
exits "$status" 0 'MCP servers are disconnected, in a file that Claude Code has written since' "$tmp/said"
lacks "$home/.claude.json" headersHelper 'and the helper is gone'
fails 'Claude Code has no key afterwards' "$claude" -p hi
# A login stays.
printf '{"claudeAiOauth":{"accessToken":"made-up"}}' >"$home/.claude/.credentials.json"
status=0
vault connect claude-code --yes >"$tmp/said" 2>&1 || status=$?
exits "$status" 73 'a login stays' "$tmp/said"
finish connect-clients

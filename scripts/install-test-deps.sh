#!/usr/bin/env bash
# Installs what the tests need: Debian packages, clippy and rustfmt, the real OpenClaw client with a Node.js of its own, the real
# Claude Code, the SDKs of model providers, aws and Docker's library and, with --all, the first OpenClaw that has references, Codex, Hermes, Docker's command
# line, cargo-deny and what scripts/cross.sh needs. Reports what it does; skips what is already installed.
#
#   scripts/install-test-deps.sh [--all]
#
# Debian packages need root. The rest goes to ${STRONGROOM_TEST_CACHE:-~/.cache/strongroom-tests}.
set -euo pipefail
umask 022

# One line for each command or file that the tests use, with its Debian packages. A file is a pattern.
debian_needs() {
    cat <<'LINES'
cc gcc libc6-dev
age age
flock util-linux
setpriv util-linux
pgrep procps
busybox busybox
shellcheck shellcheck
git git
kubectl kubernetes-client
skopeo skopeo
openssl openssl
strace strace
valgrind valgrind
systemd-analyze systemd
unshare util-linux
tmux tmux
vim vim
less less
xxd xxd
top procps
zsh zsh
fish fish
/usr/share/bash-completion/bash_completion bash-completion
npm npm
ps procps
gnome-keyring-daemon gnome-keyring
dbus-daemon dbus
dbus-send dbus-bin
secret-tool libsecret-tools
keyctl keyutils
kwalletd5 libkf5wallet-bin
/usr/lib/*/qca-qt5/crypto/libqca-ossl.so libqca-qt5-2-plugins
/usr/bin/python3 python3
/usr/lib/python3*/ensurepip/__main__.py python3-venv
/usr/lib/python3/dist-packages/jeepney python3-jeepney
/usr/lib/python3/dist-packages/cryptography python3-cryptography
Xvfb xvfb
xclip xclip
wl-copy wl-clipboard
sway sway
sudo sudo
socat socat
useradd passwd
script bsdutils
LINES
    [ "$all" = yes ] || return 0
    # For helpers, for scripts/proxy-speed.sh, and for other platforms (scripts/cross.sh): a Rust that includes the source of std,
    # a linker, Wine.
    cat <<'LINES'
docker docker.io
/usr/sbin/nginx nginx
/usr/bin/rustc rustc-web
/usr/bin/cargo cargo-web
/usr/bin/cargo-clippy rust-web-clippy
/usr/lib/rustlib/src/rust/library/std/Cargo.toml rust-web-src
x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
/usr/lib/wine/wine64 wine64
LINES
}

openclaw_version=2026.6.1
# The client that keeps its credentials in SQLite.
openclaw_sqlite_version=2026.9.6
# The first client that has references.
openclaw_first_version=2026.2.26
node_version=24.21.0
claude_version=2.1.329
awscli_version=1.46.3
docker_py_version=7.2.0
# The SDKs of model providers, for Node.js and for Python.
anthropic_npm_version=1.14.0
openai_npm_version=7.59.0
anthropic_pypi_version=2.14.0
openai_pypi_version=3.57.0
google_genai_version=3.6.1
codex_version=0.171.0
hermes_version=0.19.0
cargo_deny_version=0.20.2

say() { printf 'install-test-deps: %s\n' "$*"; }
die() { printf 'install-test-deps: %s\n' "$*" >&2; exit 1; }

# thrice COMMAND...: tries up to three times, because a registry may be briefly unavailable.
thrice() {
    "$@" && return
    for _ in 1 2; do
        printf 'again in 10 s: %s\n' "$1"
        sleep 10
        "$@" && return
    done
    return 1
}

all=no
case "${1-}" in
    '') ;;
    --all) all=yes ;;
    *) die "unknown argument '$1'; usage: scripts/install-test-deps.sh [--all]" ;;
esac

cache=${STRONGROOM_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/strongroom-tests}

is_there() {
    case "$1" in
        /*) compgen -G "$1" >/dev/null ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

install_debian() {
    local need missing=()
    while read -ra need; do
        is_there "${need[0]}" || missing+=("${need[@]:1}")
    done < <(debian_needs)
    [ "${#missing[@]}" -gt 0 ] || { say 'Debian packages: all there'; return; }
    mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
    install_packages "${missing[@]}"
}

# install_packages PACKAGE...
install_packages() {
    local missing=("$@")
    command -v apt-get >/dev/null ||
        die "missing, and there is no apt-get to install them with: ${missing[*]}"
    [ "$(id -u)" -eq 0 ] ||
        die "missing Debian packages; as root run: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"

    say "installing Debian packages: ${missing[*]}"
    local log
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    local install=(apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}")
    # The package lists may be missing or outdated: then they are fetched.
    if ! "${install[@]}" >"$log" 2>&1 </dev/null; then
        say 'fetching the package lists first'
        if ! { thrice apt-get update && thrice "${install[@]}"; } >"$log" 2>&1 </dev/null; then
            tail -n 20 "$log" >&2
            rm -f "$log"
            die "apt-get could not install: ${missing[*]}"
        fi
    fi
    rm -f "$log"
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) npm_arch=x64 ;;
    Linux-aarch64) npm_arch=arm64 ;;
    *) npm_arch= ;;
esac

# What an installation has as its package.json: a function that writes it into a directory.
manifest=plain_manifest
plain_manifest() { printf '{"private":true}\n' >"$1/package.json"; }

# from_npm NAME VERSION SIZE LINK TARGET PACKAGE...: installs packages into their own directory, with a LINK to
# TARGET unless it is empty. says_version_of_NAME DIRECTORY VERSION checks the result. No install script of a package runs.
from_npm() {
    local name=$1 version=$2 size=$3 link=$4 linked=$5 target staging
    shift 5
    target=$cache/$name-$version
    if [ -f "$target/complete" ]; then
        say "$name $version: there"
        return
    fi
    [ -n "$npm_arch" ] || die "no package of $name is known for $(uname -s) on $(uname -m)"
    say "installing $name $version from npm into $target ($size)"
    staging=$(mktemp -d "$cache/$name.XXXXXX")
    chmod 755 "$staging"
    # shellcheck disable=SC2064 # the name is meant to be expanded now
    trap "rm -rf '$staging'" EXIT
    "$manifest" "$staging"
    (cd "$staging" && thrice npm install --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error \
        --save-exact "$@" </dev/null)
    [ -z "$link" ] || ln -s "$linked" "$staging/$link"
    "says_version_of_${name//-/_}" "$staging" "$version"
    rm -rf "$target"
    mv "$staging" "$target"
    trap - EXIT
    : >"$target/complete"
}
# says NAME VERSION WHAT_IT_SAID PATTERN
says() {
    # shellcheck disable=SC2053 # the last is a pattern
    [[ $3 == $4 ]] || die "the installed $1 says '$3' instead of $2"
}

# Node.js comes as a plain package that contains the binary.
# install_openclaw VERSION SIZE
install_openclaw() {
    from_npm openclaw "$1" "$2" \
        node "node_modules/node-linux-$npm_arch/bin/node" \
        "openclaw@$1" "node-linux-$npm_arch@$node_version"
}
says_version_of_openclaw() {
    says OpenClaw "$2" " $("$1/node" "$1/node_modules/openclaw/openclaw.mjs" --version) " "* $2 *"
}

install_openclaw_first() {
    local manifest=first_manifest
    install_openclaw "$openclaw_first_version" '740 MB, about a minute'
}
# Two packages are replaced by empty ones: libsignal is in a git repository, outside the npm registry, and is loaded with
# every agent but used for WhatsApp only; node-llama-cpp runs models on this machine and takes 800 MB.
first_manifest() {
    local stubs=$1/stubs name
    for name in libsignal node-llama-cpp; do
        mkdir -p "$stubs/$name/src"
        printf '{"name":"%s","version":"0.0.0"}\n' "$name" >"$stubs/$name/package.json"
        : >"$stubs/$name/index.js"
    done
    # These names are imported.
    printf 'exports.%s = undefined;\n' calculateMAC decrypt deriveSecrets encrypt >"$stubs/libsignal/src/crypto.js"
    printf 'exports.%s = undefined;\n' calculateSignature generateKeyPair verifySignature >"$stubs/libsignal/src/curve.js"
    printf '{"private":true,"overrides":{"libsignal":"file:./stubs/libsignal","node-llama-cpp":"file:./stubs/node-llama-cpp"}}\n' \
        >"$1/package.json"
}

# Claude Code's package for a platform is one executable. The main package would link it in with an install
# script; without that, the executable is run where it is.
install_claude() {
    from_npm claude-code "$claude_version" '380 MB, about ten seconds' \
        claude "node_modules/@anthropic-ai/claude-code-linux-$npm_arch/claude" \
        "@anthropic-ai/claude-code@$claude_version" "@anthropic-ai/claude-code-linux-$npm_arch@$claude_version"
}
says_version_of_claude_code() {
    says 'Claude Code' "$2" "$(HOME="$1" DISABLE_AUTOUPDATER=1 "$1/claude" --version </dev/null)" "$2 *"
}

# Codex' package chooses the one of the platform.
install_codex() {
    from_npm codex "$codex_version" '430 MB, about ten seconds' \
        codex "node_modules/@openai/codex-linux-$npm_arch/vendor/$(uname -m)-unknown-linux-musl/bin/codex" \
        "@openai/codex@$codex_version"
}
says_version_of_codex() { says Codex "$2" "$(HOME="$1" "$1/codex" --version 2>/dev/null </dev/null)" "codex-cli $2"; }

# from_pypi NAME VERSION SIZE PACKAGE...: installs packages into a virtual environment of their own, which has to stay at its
# path. says_version_of_NAME DIRECTORY VERSION checks the result.
from_pypi() {
    local name=$1 version=$2 size=$3 target
    shift 3
    target=$cache/$name-$version
    if [ -f "$target/complete" ]; then
        say "$name $version: there"
        return
    fi
    say "installing $name $version from PyPI into $target ($size)"
    rm -rf "$target"
    /usr/bin/python3 -m venv "$target"
    thrice "$target/bin/pip" install --quiet --disable-pip-version-check --no-input "$@" </dev/null
    "says_version_of_${name//-/_}" "$target" "$version"
    : >"$target/complete"
}

# It includes botocore.
install_awscli() { from_pypi awscli "$awscli_version" '190 MB, about ten seconds' "awscli==$awscli_version"; }
says_version_of_awscli() { says aws "$2" "$("$1/bin/aws" --version)" "aws-cli/$2 *"; }

# Docker's own library, whose store is a client of credential helpers.
install_docker_py() { from_pypi docker-py "$docker_py_version" '30 MB, some seconds' "docker==$docker_py_version"; }
says_version_of_docker_py() {
    says "Docker's library" "$2" "$("$1/bin/python3" -c 'import docker; print(docker.__version__)')" "$2"
}

# They are used with OpenClaw's Node.js.
install_node_sdks() {
    from_npm node-sdks "$anthropic_npm_version-$openai_npm_version" '70 MB, some seconds' '' '' \
        "@anthropic-ai/sdk@$anthropic_npm_version" "openai@$openai_npm_version"
}
says_version_of_node_sdks() {
    local name said=()
    for name in @anthropic-ai/sdk openai; do
        said+=("$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$1/node_modules/$name/package.json")")
    done
    says 'set of SDKs for Node.js' "$2" "${said[0]}-${said[1]}" "$2"
}

install_python_sdks() {
    from_pypi python-sdks "$anthropic_pypi_version-$openai_pypi_version-$google_genai_version" '150 MB, about ten seconds' \
        "anthropic==$anthropic_pypi_version" "openai==$openai_pypi_version" "google-genai==$google_genai_version"
}
says_version_of_python_sdks() {
    local said
    said=$("$1/bin/python3" -c 'import importlib.metadata as m; print("-".join(m.version(n) for n in ("anthropic", "openai", "google-genai")))')
    says 'set of SDKs for Python' "$2" "$said" "$2"
}

install_hermes() { from_pypi hermes "$hermes_version" '230 MB, about half a minute' "hermes-agent==$hermes_version"; }
says_version_of_hermes() {
    local said
    said=$("$1/bin/python3" -c 'import importlib.metadata; print(importlib.metadata.version("hermes-agent"))')
    says Hermes "$2" "$said" "$2"
}

# The lint and the formatter come with most toolchains, but not with all.
install_rust_parts() {
    local part debian missing=() packages=()
    for part in clippy:rust-web-clippy fmt:rustfmt-web; do
        debian=${part#*:} part=${part%%:*}
        if ! cargo "$part" --version >/dev/null 2>&1; then
            missing+=("$part") packages+=("$debian")
        fi
    done
    [ "${#missing[@]}" -gt 0 ] || { say 'clippy and rustfmt: there'; return; }
    case "$(command -v cargo)" in
        /usr/bin/cargo) install_packages "${packages[@]}" ;;
        *)
            command -v rustup >/dev/null ||
                die "missing: cargo ${missing[*]}; install them beside $(command -v cargo), the same version as its rustc"
            missing=("${missing[@]/#fmt/rustfmt}")
            say "installing with rustup: ${missing[*]}"
            rustup component add "${missing[@]}" </dev/null ||
                die "rustup could not install them; run: rustup component add ${missing[*]}"
            ;;
    esac
    for part in clippy fmt; do
        cargo "$part" --version >/dev/null || die "cargo $part does not run"
    done
}

install_cargo_deny() {
    local target="$cache/cargo-deny-$cargo_deny_version"
    if [ -f "$target/complete" ]; then
        say "cargo-deny $cargo_deny_version: there"
        return
    fi
    say "building cargo-deny $cargo_deny_version into $target (about four minutes on two cores)"
    cargo install cargo-deny --version "$cargo_deny_version" --locked --quiet --root "$target" </dev/null
    : >"$target/complete"
}

install_debian
install_rust_parts
mkdir -p "$cache"
# Concurrent runs take turns.
exec 9>"$cache/lock"
flock 9
install_openclaw "$openclaw_version" '550 MB, about half a minute'
install_openclaw "$openclaw_sqlite_version" '850 MB, about half a minute'
install_claude
install_awscli
install_docker_py
install_node_sdks
install_python_sdks
[ "$all" = no ] || install_openclaw_first
[ "$all" = no ] || install_codex
[ "$all" = no ] || install_hermes
[ "$all" = no ] || install_cargo_deny

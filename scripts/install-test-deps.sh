#!/usr/bin/env bash
# Installs what the tests need: Debian packages, the real OpenClaw client with a Node.js of its own,
# the real Claude Code and, with --all, cargo-deny and what scripts/cross.sh needs. Says what it does; does nothing for what is already there.
#
#   scripts/install-test-deps.sh [--all]
#
# Debian packages need root. The rest goes to ${STRONGROOM_TEST_CACHE:-~/.cache/strongroom-tests}.
set -euo pipefail
umask 022

# One command or file that the tests use a line, and the Debian packages that bring it. A file is a pattern.
debian_needs() {
    cat <<'LINES'
cc gcc libc6-dev
age age
flock util-linux
setpriv util-linux
pgrep procps
shellcheck shellcheck
strace strace
systemd-analyze systemd
unshare util-linux
tmux tmux
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
/usr/lib/python3/dist-packages/jeepney python3-jeepney
Xvfb xvfb
LINES
    [ "$all" = yes ] || return 0
    # For other platforms (scripts/cross.sh): a Rust whose std comes as source too, a linker, Wine.
    cat <<'LINES'
/usr/bin/rustc rustc-web
/usr/bin/cargo cargo-web
/usr/bin/cargo-clippy rust-web-clippy
/usr/lib/rustlib/src/rust/library/std/Cargo.toml rust-web-src
x86_64-w64-mingw32-gcc gcc-mingw-w64-x86-64-win32
/usr/lib/wine/wine64 wine64
LINES
}

openclaw_version=2026.6.1
node_version=24.21.0
claude_version=2.1.329
cargo_deny_version=0.20.2

say() { printf 'install-test-deps: %s\n' "$*"; }
die() { printf 'install-test-deps: %s\n' "$*" >&2; exit 1; }

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
    command -v apt-get >/dev/null ||
        die "missing, and there is no apt-get to install them with: ${missing[*]}"
    [ "$(id -u)" -eq 0 ] ||
        die "missing Debian packages; as root run: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"

    say "installing Debian packages: ${missing[*]}"
    local log
    log=$(mktemp)
    export DEBIAN_FRONTEND=noninteractive
    local install=(apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 "${missing[@]}")
    # The lists on a machine may be absent or too old to find a package with: then they are fetched.
    if ! "${install[@]}" >"$log" 2>&1 </dev/null; then
        say 'fetching the package lists first'
        if ! { apt-get update && "${install[@]}"; } >"$log" 2>&1 </dev/null; then
            tail -n 20 "$log" >&2
            rm -f "$log"
            die "apt-get could not install: ${missing[*]}"
        fi
    fi
    rm -f "$log"
}

# Node.js comes as a plain package with the binary inside, so no install script has to run.
install_openclaw() {
    local target="$cache/openclaw-$openclaw_version" arch staging
    if [ -f "$target/complete" ]; then
        say "OpenClaw $openclaw_version: there"
        return
    fi
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) arch=x64 ;;
        Linux-aarch64) arch=arm64 ;;
        *) die "no Node.js package is known for $(uname -s) on $(uname -m)" ;;
    esac
    say "installing OpenClaw $openclaw_version and Node.js $node_version from npm into $target (550 MB, about half a minute)"
    staging=$(mktemp -d "$cache/openclaw.XXXXXX")
    chmod 755 "$staging"
    # shellcheck disable=SC2064 # the name is meant to be the one of now
    trap "rm -rf '$staging'" EXIT
    printf '{"private":true}\n' >"$staging/package.json"
    (cd "$staging" && npm install --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error \
        --save-exact "openclaw@$openclaw_version" "node-linux-$arch@$node_version" </dev/null)
    local said
    said=$("$staging/node_modules/node-linux-$arch/bin/node" "$staging/node_modules/openclaw/openclaw.mjs" --version)
    case "$said" in
        *" $openclaw_version "*) ;;
        *) die "the installed OpenClaw says '$said' instead of $openclaw_version" ;;
    esac
    ln -s "node_modules/node-linux-$arch/bin/node" "$staging/node"
    rm -rf "$target"
    mv "$staging" "$target"
    trap - EXIT
    : >"$target/complete"
}

# Claude Code's package for a platform is one executable. The main package would link it in by an install
# script; without that, the executable is run where it lies.
install_claude() {
    local target="$cache/claude-code-$claude_version" arch staging said
    if [ -f "$target/complete" ]; then
        say "Claude Code $claude_version: there"
        return
    fi
    case "$(uname -s)-$(uname -m)" in
        Linux-x86_64) arch=x64 ;;
        Linux-aarch64) arch=arm64 ;;
        *) die "no Claude Code package is known for $(uname -s) on $(uname -m)" ;;
    esac
    say "installing Claude Code $claude_version from npm into $target (380 MB, about ten seconds)"
    staging=$(mktemp -d "$cache/claude-code.XXXXXX")
    chmod 755 "$staging"
    # shellcheck disable=SC2064 # the name is meant to be the one of now
    trap "rm -rf '$staging'" EXIT
    printf '{"private":true}\n' >"$staging/package.json"
    (cd "$staging" && npm install --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error \
        --save-exact "@anthropic-ai/claude-code@$claude_version" \
        "@anthropic-ai/claude-code-linux-$arch@$claude_version" </dev/null)
    ln -s "node_modules/@anthropic-ai/claude-code-linux-$arch/claude" "$staging/claude"
    said=$(HOME="$staging" DISABLE_AUTOUPDATER=1 "$staging/claude" --version </dev/null)
    case "$said" in
        "$claude_version "*) ;;
        *) die "the installed Claude Code says '$said' instead of $claude_version" ;;
    esac
    rm -rf "$target"
    mv "$staging" "$target"
    trap - EXIT
    : >"$target/complete"
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
mkdir -p "$cache"
# Two runs at once take turns.
exec 9>"$cache/lock"
flock 9
install_openclaw
install_claude
[ "$all" = no ] || install_cargo_deny

#!/usr/bin/env bash
# Runs every test: group by group, with the time each took, and a count at the end.
#
#   scripts/test.sh [--all]
#
# --all adds what takes too long for every change: the first OpenClaw that has references, Codex, Hermes and Docker's command
# line, licences and sources of all dependencies, documentation, and other platforms (macOS type-checked, the Windows keychain under Wine).
# As root the tests run twice, the second time as an ordinary user, because root passes permission and lock
# tests for the wrong reason. As an ordinary user they run once.
set -uo pipefail
umask 022

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 1
case "${1-}" in
    '') all=no ;;
    --all) all=yes ;;
    *) printf "test: unknown argument '%s'; usage: scripts/test.sh [--all]\n" "$1" >&2; exit 64 ;;
esac

cache=${STRONGROOM_TEST_CACHE:-${XDG_CACHE_HOME:-${HOME:?HOME is not set}/.cache}/strongroom-tests}
ordinary=65534 # the user id without any right of its own
tmp=$(mktemp -d)
chmod 755 "$tmp"
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

passed=0 failed=0 failures=() left_out=() only_all=()

# --- counting ---------------------------------------------------------------------------------------------

# Adds up the numbers before WORD in cargo's lines "test result: ok. 3 passed; 0 failed; ...".
cargo_count() { awk -v word="$1;" '/^test result: / { for (i = 2; i <= NF; i++) if ($i == word) n += $(i - 1) } END { print n + 0 }' "$2"; }

# group NAME BUDGET COMMAND...: runs it with its output shown, and adds its counts: cargo's tests, the
# "ok:" and "FAILED:" lines of our scripts, or else the command itself. Reports a group that is over budget; ends it
# as hung after four times the budget (and at least five minutes).
group() {
    local name=$1 budget=$2 status=0 log="$tmp/log" start=$SECONDS limit
    shift 2
    limit=$((budget * 4 > 300 ? budget * 4 : 300))
    printf '\n== %s\n' "$name"
    timeout -k 15 "$limit" "$@" 2>&1 </dev/null | tee "$log" || status=$?
    local took=$((SECONDS - start)) good bad ignored
    good=$(($(cargo_count passed "$log") + $(grep -c '^  ok: ' "$log")))
    bad=$(($(cargo_count failed "$log") + $(grep -c '^  FAILED: ' "$log")))
    ignored=$(cargo_count ignored "$log")
    if [ "$ignored" -gt 0 ]; then
        printf '%d tests are ignored: there may be none\n' "$ignored"
        bad=$((bad + ignored))
    fi
    if [ "$status" -eq 124 ]; then printf 'ended after %d s: it hung\n' "$limit"; fi
    if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
    if [ $((good + bad)) -eq 0 ]; then
        # A test runner that ran nothing proves nothing; any other command is itself the test.
        if grep -q '^test result: ' "$log"; then bad=1; else good=1; fi
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    local verdict='ok'
    if [ "$bad" -gt 0 ]; then
        verdict='FAILED'
        failures+=("$name")
    fi
    if [ "$took" -gt "$budget" ]; then verdict="$verdict, OVER BUDGET"; fi
    printf -- '-- %s: %s, %d passed, %d failed in %d s of %d s\n' "$name" "$verdict" "$good" "$bad" "$took" "$budget"
    [ "$bad" -eq 0 ]
}

finish() {
    printf '\n'
    for script in "${left_out[@]}"; do printf 'NOT RUN, because only root can: %s\n' "$script"; done
    for script in "${only_all[@]}"; do printf 'NOT RUN without --all: %s\n' "$script"; done
    if [ "$failed" -eq 0 ]; then
        printf 'All tests passed in %d s, as %s.\n' "$SECONDS" "$(id -un)"
    else
        printf 'Failed in %d s: ' "$SECONDS"
        printf '%s; ' "${failures[@]}"
        printf 'look for FAILED above.\n'
    fi
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
    exit
}

# --- the same tests as an ordinary user -------------------------------------------------------------------

# Prints paths from cargo's messages: `built test` the test programs, `built bin` the binary.
built() {
    case "$1" in
        test) grep '"profile":{[^}]*"test":true' "$tmp/artifacts" ;;
        bin) grep '"kind":\["bin"\].*"name":"strongroom"' "$tmp/artifacts" | grep '"profile":{[^}]*"test":false' ;;
    esac | sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | sort -u
}

# Copies what the tests read to a place that every user can reach, wherever this checkout is.
stage_for_ordinary_user() {
    local program
    mkdir -p "$tmp/ordinary/source" "$tmp/ordinary/programs" "$tmp/ordinary/home" "$tmp/ordinary/tmp"
    tar --exclude=./target --exclude=./.git -cf - . | tar -C "$tmp/ordinary/source" --no-same-owner -xf -
    built test | while IFS= read -r program; do cp "$program" "$tmp/ordinary/programs/"; done
    cp "$binary" "$tmp/ordinary/strongroom"
    chmod -R a+rX "$tmp/ordinary"
    chown "$ordinary:$ordinary" "$tmp/ordinary/home" "$tmp/ordinary/tmp"
    chmod 700 "$tmp/ordinary/home" "$tmp/ordinary/tmp"
    # The real clients too.
    stage "$openclaw" openclaw
    stage "$openclaw_sqlite" openclaw-sqlite
    [ "$all" = no ] || stage "$openclaw_first" openclaw-first
    stage "$claude" claude
    stage "$node_sdks" node-sdks
    stage "$python_sdks" python-sdks
}
# stage DIRECTORY NAME: copies it; hard links cost nothing if they are supported.
stage() {
    cp -al "$1" "$tmp/ordinary/$2" 2>/dev/null || { rm -rf "$tmp/ordinary/$2" && cp -a "$1" "$tmp/ordinary/$2"; }
}

# Goes before a command: drops root's rights, groups, capabilities and variables. Test programs find the binary
# and the source tree through variables, because the paths that cargo compiled in are out of reach.
as_ordinary_user=(
    setpriv --reuid "$ordinary" --regid "$ordinary" --clear-groups --inh-caps=-all --no-new-privs
    env -i -C "$tmp/ordinary/source" HOME="$tmp/ordinary/home" TMPDIR="$tmp/ordinary/tmp"
    PATH=/usr/local/bin:/usr/bin:/bin CARGO_MANIFEST_DIR="$tmp/ordinary/source"
    STRONGROOM_TEST_BIN="$tmp/ordinary/strongroom" STRONGROOM="$tmp/ordinary/strongroom"
    OPENCLAW_DIR="$tmp/ordinary/openclaw" OPENCLAW_SQLITE_DIR="$tmp/ordinary/openclaw-sqlite" CLAUDE_DIR="$tmp/ordinary/claude"
    OPENCLAW_FIRST_DIR="$tmp/ordinary/openclaw-first"
    NODE_SDKS_DIR="$tmp/ordinary/node-sdks" PYTHON_SDKS_DIR="$tmp/ordinary/python-sdks"
    ${STRONGROOM_TEST_WRITES:+STRONGROOM_TEST_WRITES="$STRONGROOM_TEST_WRITES"}
)

# --- the groups -------------------------------------------------------------------------------------------

# shellcheck source=scripts/find-cargo.sh
. scripts/find-cargo.sh
if ! find_cargo .; then
    failed=1 failures+=('cargo')
    finish
fi
if [ "$all" = yes ]; then
    group 'what the tests need' 600 scripts/install-test-deps.sh --all || finish
else
    group 'what the tests need' 300 scripts/install-test-deps.sh || finish
fi
openclaw=$cache/openclaw-2026.6.1
openclaw_sqlite=$cache/openclaw-2026.9.6
openclaw_first=$cache/openclaw-2026.2.26
claude=$cache/claude-code-2.1.329
awscli=$cache/awscli-1.46.3
docker_py=$cache/docker-py-7.2.0
node_sdks=$cache/node-sdks-1.14.0-7.59.0
python_sdks=$cache/python-sdks-2.14.0-3.57.0-3.6.1
codex=$cache/codex-0.171.0
hermes=$cache/hermes-0.19.0

mapfile -t scripts < <(find scripts tests .ci contrib -type f \( -name '*.sh' -o -path .ci/run -o -path 'contrib/*' -name 'strongroom-*' -perm -100 \) | sort)
group 'shell scripts' 30 shellcheck "${scripts[@]}"
group 'format' 30 cargo fmt --all --check
group 'words' 30 scripts/words.sh
group 'lint' 300 cargo clippy --workspace --all-targets --locked -- -D warnings
group 'lint without keychains' 120 cargo clippy --no-default-features --locked -- -D warnings
# Each of the 64 writers writes as often as tests/it/contention.rs says; with --all, this often. The proxy answers this many.
[ "$all" = no ] || export STRONGROOM_TEST_WRITES=100 STRONGROOM_WIRE_REQUESTS=100000
# The benchmarks are a separate package, which no test needs.
group "tests as $(id -un)" 1000 cargo test --locked

# Everything is built by now; this only asks for the paths. The integration tests include the binary; built
# separately, it could need other features of its dependencies, and minutes.
cargo test --locked --no-run --message-format=json >"$tmp/artifacts" 2>"$tmp/build-log" || cat "$tmp/build-log"
binary=$(built bin)
if [ -z "$binary" ]; then
    cargo build --locked --message-format=json >>"$tmp/artifacts" 2>"$tmp/build-log" || cat "$tmp/build-log"
    binary=$(built bin)
fi
if [ -z "$binary" ]; then
    printf 'the strongroom binary was not built: the groups that run it are left out\n'
    failed=$((failed + 1)) failures+=('build')
    finish
fi

# The test programs of a target of that name, from cargo's messages.
program_of() {
    grep "\"name\":\"$1\"" "$tmp/artifacts" | grep '"profile":{[^}]*"test":true' | grep "\"kind\":\[\"$2\"\]" |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | head -n 1
}
# Container engines refuse the kernel keyring by default. All tests that use it also run that way.
group "tests as $(id -un), if the kernel refuses its keyring" 120 \
    tests/real/lib/without-keyctl.py "$(program_of it test)" cache planted_ways_in attacks::given_up goldens::doctor goldens::rolled_back goldens::unlock

group "instructions of the program's start" 60 env STRONGROOM="$binary" scripts/start.sh
group 'demo' 30 env STRONGROOM="$binary" scripts/demo.sh
# The library's unit tests, which tests/real/dotenv.sh runs with more input.
unit_tests=$(program_of strongroom lib)
budget_of() { sed -n 's/^# budget: \([0-9]*\) s$/\1/p' "$1"; }
# A script says if it runs only once: as an ordinary user, because it takes long and root would see the same, or as
# root, because it needs root.
once_as() { grep -qx "# once: as $1" "$2"; }
# A script says if it runs only with --all.
real=()
for script in tests/real/*.sh; do
    if [ "$all" = no ] && grep -qx '# only: with --all' "$script"; then only_all+=("$script"); else real+=("$script"); fi
done
for script in "${real[@]}"; do
    if [ "$(id -u)" -eq 0 ]; then
        if once_as 'an ordinary user' "$script"; then continue; fi
    elif once_as root "$script"; then
        left_out+=("$script")
        continue
    fi
    group "$script as $(id -un)" "$(budget_of "$script")" env STRONGROOM="$binary" UNIT_TESTS="$unit_tests" OPENCLAW_DIR="$openclaw" OPENCLAW_SQLITE_DIR="$openclaw_sqlite" OPENCLAW_FIRST_DIR="$openclaw_first" CLAUDE_DIR="$claude" AWS_DIR="$awscli" DOCKER_PY_DIR="$docker_py" NODE_SDKS_DIR="$node_sdks" PYTHON_SDKS_DIR="$python_sdks" CODEX_DIR="$codex" HERMES_DIR="$hermes" bash "$script"
done

if [ "$(id -u)" -eq 0 ]; then
    stage_for_ordinary_user
    # shellcheck disable=SC2016 # the inner shell is to expand it
    group "tests as uid $ordinary" 600 "${as_ordinary_user[@]}" \
        bash -c 'status=0; for program in "$0"/*; do "$program" || status=1; done; exit $status' "$tmp/ordinary/programs"
    group "demo as uid $ordinary" 30 "${as_ordinary_user[@]}" bash scripts/demo.sh
    for script in "${real[@]}"; do
        if once_as root "$script"; then continue; fi
        group "$script as uid $ordinary" "$(budget_of "$script")" "${as_ordinary_user[@]}" \
            UNIT_TESTS="$tmp/ordinary/programs/${unit_tests##*/}" bash "$script"
    done
fi

if [ "$all" = yes ]; then
    # At all system calls that change something, not only at those that commit and some others.
    group 'a rekey that is killed at every moment' 1800 env STRONGROOM_TEST_EVERY_KILL=yes \
        STRONGROOM_TEST_BIN="$binary" "$(program_of it test)" rekey_kills --nocapture
    group 'a day of use of the proxy, in 20 minutes' 1500 env STRONGROOM="$binary" STRONGROOM_TEST_DAY=1200 bash tests/real/proxy-day.sh
    # Advisories are left out, because their database is outside the package registries.
    cargo_deny=$(find "$cache" -path '*/cargo-deny-*/bin/cargo-deny' | sort | tail -n 1)
    group 'licences, sources and bans of dependencies' 60 "$cargo_deny" check --hide-inclusion-graph bans licenses sources
    group 'documentation' 180 env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
    # Most of the time goes into building std and the dependencies once.
    group 'macOS: types and lint' 600 scripts/cross.sh macos
    group 'Windows: the keychain under Wine' 420 scripts/cross.sh windows
fi
finish

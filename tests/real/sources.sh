#!/usr/bin/env bash
# Which key of a provider is used if there are several outside the vault: compares Strongroom's status with what the
# real OpenClaw 2026.6.1 does with the same files and variables.
#
#   STRONGROOM=target/debug/strongroom OPENCLAW_DIR=<directory made by scripts/install-test-deps.sh> \
#       tests/real/sources.sh
#
# budget: 180 s
# once: as an ordinary user
# Prints a line `ok: ...` or `FAILED: ...` for each check. Needs no network.
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
need_binary
need_openclaw
need python3

# The last characters of a value, which OpenClaw shows, say where it comes from.
made_up() { printf 'made-up-value-of-no-use-%s' "$1"; }

# Prints what OpenClaw uses for a provider: `profile`, or the variable and the end of its value, or `none`.
cat >"$tmp/theirs.py" <<'PYTHON'
import json, sys
for provider in json.load(sys.stdin)["auth"]["providers"]:
    if provider["provider"] == sys.argv[1]:
        effective = provider["effective"]
        if effective["kind"] == "profiles":
            print("profile")
        elif effective["kind"] == "models.json":
            print(f"models.providers.{sys.argv[1]}.apiKey config_provider")
        elif effective["kind"] == "missing":
            print("none")
        else:
            # OpenClaw does not show the end of a value that it takes for a sign-in.
            end = effective["detail"][-7:] if "..." in effective["detail"] else ""
            print(provider["env"]["source"].split(": ")[1], {"process": "process", "-dotenv": "dotenv", "-config": "config", "n_shell": "login_shell"}.get(end, "?"))
        break
else:
    print("none")
PYTHON
cat >"$tmp/ours.py" <<'PYTHON'
import json, sys
for provider in json.load(sys.stdin)["sources"]["providers"]:
    if provider["provider"] == sys.argv[1] and "winner" in provider:
        winner = provider["winner"]
        print("profile" if winner["kind"] == "profile" else f'{winner["name"]} {"?" if "OAUTH" in winner["name"] else winner["kind"]}')
        break
else:
    print("none")
PYTHON

# agree WHAT PROVIDER EXPECTED [VARIABLE=VALUE...]: both say the same, and it is the expected answer.
agree() {
    local what=$1 provider=$2 expected=$3 clean theirs ours
    shift 3
    clean=(env -i -C "$tmp/home" HOME="$tmp/home" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$@")
    "${clean[@]}" "$node" "$openclaw" models status --json >"$tmp/theirs" 2>/dev/null
    "${clean[@]}" "$binary" status --sources --json >"$tmp/ours" 2>/dev/null
    theirs=$(python3 "$tmp/theirs.py" "$provider" <"$tmp/theirs")
    ours=$(python3 "$tmp/ours.py" "$provider" <"$tmp/ours")
    if [ "$theirs" = "$expected" ] && [ "$ours" = "$expected" ]; then
        printf '  ok: %s\n' "$what"
    else
        failed=$((failed + 1))
        printf '  FAILED: %s (expected %s; OpenClaw: %s; Strongroom: %s)\n' "$what" "$expected" "$theirs" "$ours"
    fi
}
fresh() {
    rm -rf "${tmp:?}/home"
    mkdir -p "$tmp/home/.openclaw"
    env -i HOME="$tmp/home" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$binary" init --store file >/dev/null 2>&1
}

process=$(made_up process) dotenv=$(made_up dotenv) config=$(made_up config) shell=$(made_up login_shell)

fresh
printf 'GROQ_API_KEY=%s\nANTHROPIC_OAUTH_TOKEN=%s\n' "$dotenv" "$dotenv" >"$tmp/home/.openclaw/.env"
printf "{ env: { GROQ_API_KEY: '%s', XAI_API_KEY: '%s' } }\n" "$config" "$config" >"$tmp/home/.openclaw/openclaw.json"
agree 'the process before the .env file' groq 'GROQ_API_KEY process' GROQ_API_KEY="$process"
agree 'the .env file before the configuration' groq 'GROQ_API_KEY dotenv'
agree 'the configuration if nothing else sets it' xai 'XAI_API_KEY config'
agree 'a variable set to nothing hides the file, not the configuration' groq 'GROQ_API_KEY config' GROQ_API_KEY=
agree 'a stronger name in a weaker place' anthropic 'ANTHROPIC_OAUTH_TOKEN ?' ANTHROPIC_API_KEY="$process"

fresh
# shellcheck disable=SC2016 # back quotes that quote
printf 'GOOGLE_API_KEY=%s\nGROQ_API_KEY: `%s` # mine\nXAI_API_KEY=\n"%s"\nMISTRAL_API_KEY="unclosed\nTOGETHER_API_KEY=%s#mine\n' "$dotenv" "$dotenv" "$dotenv" "$dotenv" >"$tmp/home/.openclaw/.env"
agree 'a name that only the manifests have' google 'GOOGLE_API_KEY dotenv'
agree 'a colon, back quotes and a comment' groq 'GROQ_API_KEY dotenv'
agree 'a value in quotes on the next line' xai 'XAI_API_KEY dotenv'
agree 'a comment begins at once' together 'TOGETHER_API_KEY dotenv'
printf 'MINIMAX_API_KEY=%s\nCHUTES_OAUTH_TOKEN=%s\n' "$dotenv" "$dotenv" >"$tmp/home/.openclaw/.env"
agree 'the order of a provider with three' minimax 'MINIMAX_CODE_PLAN_KEY process' MINIMAX_CODE_PLAN_KEY="$process"
agree 'an API key before a sign-in, if the manifest says so' chutes 'CHUTES_API_KEY process' CHUTES_API_KEY="$process"

fresh
printf 'GROQ_API_KEY=%s\nFAL_KEY=%s\n' "$config" "$config" >"$tmp/home/.env"
agree 'a key in the working directory is not taken' groq none
agree 'nor one of a provider that is no model' fal none
printf 'GROQ_API_KEY=%s\n' "$dotenv" >"$tmp/home/.openclaw/.env"
agree "the client's own file beside it" groq 'GROQ_API_KEY dotenv'

fresh
printf "{ env: { shellEnv: { enabled: true } } }\n" >"$tmp/home/.openclaw/openclaw.json"
printf 'export XAI_API_KEY=%s\n' "$shell" >"$tmp/home/.profile"
agree 'the login shell if it is enabled' xai 'XAI_API_KEY login_shell'
agree 'a variable set to nothing hides the shell' xai none XAI_API_KEY=

fresh
mkdir "$tmp/home/.clawdbot"
printf 'GROQ_API_KEY=%s\n' "$dotenv" >"$tmp/home/.clawdbot/.env"
agree 'an older directory is not read beside a newer one' groq none
rm -r "$tmp/home/.openclaw"
agree 'an older directory alone is read' groq 'GROQ_API_KEY dotenv'

fresh
mkdir -p "$tmp/home/.openclaw/agents/main/agent"
printf '{"version":1,"profiles":{"groq:default":{"type":"api_key","provider":"groq","key":"%s"}}}\n' "$(made_up profile)" \
    >"$tmp/home/.openclaw/agents/main/agent/auth-profiles.json"
made_up profile | env -i HOME="$tmp/home" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$binary" paste-api-key --provider groq >/dev/null 2>&1
agree 'a profile before every variable' groq profile GROQ_API_KEY="$process"

fresh
entry() { printf '%s: { baseUrl: "https://127.0.0.1:9/v1", models: [], apiKey: %s }' "$1" "$2"; }
# shellcheck disable=SC2016 # OpenClaw is to expand them
entries="$(entry groq "'$config'"), $(entry xai '"${MY_KEY}"'), $(entry mistral '"${NOT_SET}"')"
printf '{ models: { providers: { %s } } }\n' "$entries" >"$tmp/home/.openclaw/openclaw.json"
agree "a provider's entry in the configuration" groq 'models.providers.groq.apiKey config_provider'
agree "a variable before the provider's entry" groq 'GROQ_API_KEY process' GROQ_API_KEY="$process"
agree "the pool after the provider's entry" groq 'models.providers.groq.apiKey config_provider' GROQ_API_KEY_2="$process"
agree "an entry that names a variable" xai 'models.providers.xai.apiKey config_provider' MY_KEY="$process"
agree "an entry that refers to a variable that is not set" mistral none MY_KEY="$process"
printf '%s' "$(made_up profile)" | env -i HOME="$tmp/home" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$binary" paste-api-key --provider groq >/dev/null 2>&1
mkdir -p "$tmp/home/.openclaw/agents/main/agent"
printf '{"version":1,"profiles":{"groq:default":{"type":"api_key","provider":"groq","key":"%s"}}}\n' "$(made_up profile)" \
    >"$tmp/home/.openclaw/agents/main/agent/auth-profiles.json"
agree "a profile before the provider's entry" groq profile

# missing WHAT EXPECTED [VARIABLE=VALUE...]: both name the same providers in use without a key, and exit with 1 or 0.
printf 'import json, sys\nprint(*json.load(sys.stdin)["auth"]["missingProvidersInUse"])\n' >"$tmp/missing.py"
missing() {
    local what=$1 expected=$2 clean theirs ours status
    shift 2
    clean=(env -i -C "$tmp/home" HOME="$tmp/home" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$@")
    "${clean[@]}" "$node" "$openclaw" models status --agent "$agent" --json --check >"$tmp/theirs" 2>/dev/null && status=0 || status=$?
    theirs="$(python3 "$tmp/missing.py" <"$tmp/theirs"), exit $status"
    "${clean[@]}" "$binary" status --agent "$agent" --json --check >"$tmp/ours" 2>/dev/null && status=0 || status=$?
    ours="$(python3 "$tmp/missing.py" <"$tmp/ours"), exit $status"
    if [ "$theirs" = "$expected" ] && [ "$ours" = "$expected" ]; then
        ok "$what"
    else
        fail "$what (expected $expected; OpenClaw: $theirs; Strongroom: $ours)"
    fi
}
# Both have a profile of anthropic for each agent.
in_use() {
    fresh
    printf '%s\n' "$1" >"$tmp/home/.openclaw/openclaw.json"
    for agent in ops main; do
        mkdir -p "$tmp/home/.openclaw/agents/$agent/agent"
        # OpenClaw stores it in plain text; it would look up a reference to Strongroom.
        printf '{"version":1,"profiles":{"anthropic:default":{"type":"api_key","provider":"anthropic","key":"%s"}}}\n' "$(made_up profile)" \
            >"$tmp/home/.openclaw/agents/$agent/agent/auth-profiles.json"
        made_up profile | env -i HOME="$tmp/home" PATH=/usr/bin:/bin XDG_RUNTIME_DIR="$tmp" "$binary" paste-api-key --provider anthropic --agent "$agent" >/dev/null 2>&1
    done
}
in_use '{ agents: { defaults: { model: { primary: "openai/gpt-5" } } } }'
missing 'a primary model of a provider without a key' 'openai, exit 1'
missing 'a variable serves it' ', exit 0' OPENAI_API_KEY="$process"
missing 'a variable that is set to nothing does not' 'openai, exit 1' OPENAI_API_KEY=
made_up dotenv | sed 's/^/OPENAI_API_KEY=/' >"$tmp/home/.openclaw/.env"
missing 'the .env file serves it' ', exit 0'

in_use "{ env: { XAI_API_KEY: '$config' }, models: { providers: { $(entry groq "'$config'") } }, agents: {
    defaults: { model: { primary: 'Anthropic/x', fallbacks: ['quick', 'groq/y', 'xai/z', 'claude-cli/w'] },
        imageModel: { primary: 'google/i', fallbacks: ['zai/j'] },
        models: { 'mistral/m': { alias: 'Quick' }, 'together/only-allowed': {} } },
    list: [{ id: 'main' }, { id: 'ops', model: { primary: 'deepseek/d' } }, { id: 'dev', model: { fallbacks: ['cerebras/c'] } }] } }"
missing 'fallbacks, an alias and models for images; what the configuration serves, programs and what is only allowed not' 'google mistral zai, exit 1'
missing 'variables that serve a provider by another name' 'mistral zai, exit 1' GOOGLE_API_KEY="$process"
agent=ops
missing "an agent's own model has no fallbacks of the defaults" 'deepseek google zai, exit 1'
in_use '{ agents: { defaults: { model: { primary: "groq/x", fallbacks: ["xai/y"] } }, list: [{ id: "main" }, { id: "ops", model: { fallbacks: ["zai/z"] } }] } }'
agent=ops
missing "an agent's own fallbacks stand with the primary model of the defaults" 'groq zai, exit 1'

finish sources

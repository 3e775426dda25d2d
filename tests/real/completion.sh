#!/usr/bin/env bash
# Completion in real shells: bash, zsh and fish in a terminal, with the scripts of `strongroom completions` in the files
# in which each shell looks for them. Keys are typed, and the screen is read.
#
#   STRONGROOM=target/debug/strongroom tests/real/completion.sh
#
# budget: 60 s
# shellcheck source=tests/real/lib/verdict.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/verdict.sh"
# shellcheck source=tests/real/lib/within.sh
. "$lib/within.sh"
need_binary
need tmux bash zsh fish

terminal() { SHELL=/bin/sh tmux -f /dev/null -S "$tmp/tmux" "$@"; }
end_terminal() { terminal kill-server 2>/dev/null; }
at_end+=(end_terminal)

# --- a vault, and the scripts where the documents say ---------------------------------------------------------

home=$tmp/home
# The server stays while shells come and go.
terminal new-session -d -s keep cat
mkdir -p "$home/bin" "$home/.local/share/bash-completion/completions" "$home/.zfunc" "$home/.config/fish/completions"
ln -s "$binary" "$home/bin/strongroom"
ours() { env -i HOME="$home" PATH="$home/bin:/usr/bin:/bin" "$@"; }
ours strongroom init --store file --unlock key-file >"$tmp/said" 2>&1
store() { printf 'made-up-key' | ours strongroom paste-api-key "$@" >"$tmp/said" 2>&1; }
store --provider anthropic --profile-id anthropic:home
store --provider anthropic --profile-id anthropic:work
store --provider openai --profile-id openai:me+x@example.com
store --agent ops --provider groq --profile-id groq:ops
# Nothing of this needs the key.
rm "$home/.config/strongroom/key"
# An index is not authenticated, and bash inserts what it is offered as it is.
# shellcheck disable=SC2016 # the shells are not to expand it either
sed -i 's/"anthropic:home"/"anthropic:hostile$(touch planted)": {"type":"api_key","provider":"anthropic","strongroom":{"store":"file","generation":1}},\n    &/' \
    "$home/.local/share/strongroom/agents/main/auth-profiles.json"
has "$home/.local/share/strongroom/agents/main/auth-profiles.json" hostile 'the index has an id that a shell would run'
ours strongroom completions bash >"$home/.local/share/bash-completion/completions/strongroom"
ours strongroom completions zsh >"$home/.zfunc/_strongroom"
ours strongroom completions fish >"$home/.config/fish/completions/strongroom.fish"
printf '%s\n' '. /usr/share/bash-completion/bash_completion' "PS1='ready> '" >"$home/.bashrc"
# shellcheck disable=SC2016 # zsh is to expand it
printf '%s\n' 'fpath=(~/.zfunc $fpath)' 'autoload -U compinit && compinit -u' "PS1='ready> '" >"$home/.zshrc"
printf '%s\n' "function fish_prompt; printf 'ready> '; end" 'set -g fish_greeting' \
    'set -g fish_autosuggestion_enabled 0' >"$home/.config/fish/config.fish"
mkdir -p "$home/files/a directory"
: >"$home/files/a file.json"

# --- a shell in a terminal ------------------------------------------------------------------------------------

screen() { terminal capture-pane -p -J -t shell: >"$tmp/screen"; }
# shows TEXT: the screen shows it.
shows() { screen && grep -qF -- "$1" "$tmp/screen"; }
# The last line is an empty prompt; only_prompt: there is no other.
at_prompt() { screen && [ "$(sed 's/ *$//; /^$/d' "$tmp/screen" | tail -n 1)" = 'ready>' ]; }
only_prompt() { screen && [ "$(sed 's/ *$//; /^$/d' "$tmp/screen")" = 'ready>' ]; }
# What was typed before is given up. A shell that takes an interrupt loses what is typed meanwhile, and one that is busy
# loses the interrupt.
given_up() {
    at_prompt && return
    terminal send-keys -t shell: C-c
    local end=$((SECONDS + 2))
    until at_prompt; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.02
    done
}
# begin SHELL COMMAND...
begin() {
    shell=$1
    shift
    terminal new-session -d -x 120 -y 40 -s shell -c "$home/files" \
        "env -i HOME='$home' PATH='$home/bin:/usr/bin:/bin' TERM=screen LANG=C.UTF-8 XDG_DATA_DIRS=/usr/share $*"
    holds "$shell: starts" within at_prompt
}
end() { terminal kill-session -t shell; }
# types TEXT KEY... WHAT EXPECTED: on an empty line, types the text and the keys; the screen then shows what is expected.
types() {
    local text=$1 what=${*: -2:1} expected=${*: -1}
    local keys=("${@:2:$#-3}")
    within given_up || true
    terminal send-keys -t shell: C-l
    within only_prompt || true
    terminal send-keys -t shell: -l -- "$text"
    terminal send-keys -t shell: "${keys[@]}"
    if within shows "$expected"; then ok "$shell: $what"; else fail "$shell: $what (no '$expected')" "$tmp/screen"; fi
}
# says_only LINE: nothing else is on the screen.
says_only() { same "$(sed 's/ *$//; /^$/d' "$tmp/screen")" "$1" "$shell: nothing is said in the middle of the line" shown; }
in_each_shell() {
    types 'strongroom get anth' Tab 'a profile, as far as all have it in common' 'strongroom get anthropic:'
    types 'strongroom get anthropic:w' Tab 'a profile, after its colon' 'strongroom get anthropic:work '
    types 'strongroom get op' Tab 'an address' 'strongroom get openai:me+x@example.com '
    types 'strongroom get openai:me+x@ex' Tab 'an address, after its at sign' 'strongroom get openai:me+x@example.com '
    types 'strongroom get anthropic:h' Tab 'what a shell would run is not offered' 'strongroom get anthropic:home '
    types 'strongroom get anthropic:' Tab Tab 'the list of profiles' 'home'
    lacks "$tmp/screen" hostile "$shell: the list has nothing that a shell would run"
    # What is typed after the tab stands where the shell left the cursor.
    types 'strongroom rename anthropic:work anth' Tab Z 'a new id is not completed' 'rename anthropic:work anthZ'
    types 'strongroom get --agent o' Tab 'an agent' 'strongroom get --agent ops '
    types 'strongroom --agent ops get gr' Tab 'a profile of the agent on the line' 'strongroom --agent ops get groq:ops '
    types 'strongroom log --profile=anthropic:w' Tab 'a profile, after an equals sign' 'strongroom log --profile=anthropic:work '
    types 'strongroom status --explain openr' Tab 'a provider' 'strongroom status --explain openrouter '
    types 'strongroom unlock-method remove ke' Tab 'an unlock method' 'strongroom unlock-method remove key-file '
    types 'strongroom unlock-m' Tab 'a command' 'strongroom unlock-method '
    types 'strongroom get --rev' Tab 'an option' 'strongroom get --reveal '
    types 'true; strongroom get anthropic:w' Tab 'the second command of a line' 'strongroom get anthropic:work '
    types 'strongroom import a\ f' Tab 'a file, quoted' 'strongroom import a\ file.json '
    types 'strongroom --home a' Tab 'a directory, quoted' 'strongroom --home a\ directory/'
    types 'strongroom get nothing' Tab Z 'what is not there is not completed' 'strongroom get nothingZ'
    says_only 'ready> strongroom get nothingZ'
}

begin bash bash --noprofile -i
in_each_shell
types "strongroom get 'anthropic:w" Tab 'a profile in quotes' "strongroom get 'anthropic:work' "
end
begin zsh zsh -i
in_each_shell
end
begin fish fish -i
in_each_shell
end
if [ -e "$home/files/planted" ]; then fail 'nothing was run'; else ok 'nothing was run'; fi

# --- without what the scripts ask for -------------------------------------------------------------------------

rm "$home/bin/strongroom"
for one in 'bash --noprofile -i' 'zsh -i' 'fish -i'; do
    # shellcheck disable=SC2086 # the words of a command
    begin "${one%% *}" $one
    types 'strongroom get anth' Tab Z 'without the program nothing is completed' 'strongroom get anthZ'
    says_only 'ready> strongroom get anthZ'
    end
done
finish completion

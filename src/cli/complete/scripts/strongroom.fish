# Completions of strongroom for fish 3.1 and later.
#
#   strongroom completions fish > ~/.config/fish/completions/strongroom.fish

function __strongroom_complete
    set -l current (commandline --current-token --cut-at-cursor)
    set -l before (commandline --current-process --tokenize --cut-at-cursor)
    set -l found (_STRONGROOM_COMPLETE=fish command strongroom -- $before "$current" 2>/dev/null)
    # What stands before the value of --option=value.
    set -l kept (string match --regex -- '^--[^=]*=' "$current"; or echo '')
    set -l value (string replace --regex -- '^--[^=]*=' '' "$current" | string unescape)
    switch "$found[1]"
        case :files
            printf '%s\n' $kept(__fish_complete_path "$value")
        case :directories
            printf '%s\n' $kept(__fish_complete_directories "$value" '')
        case '*'
            printf '%s\n' $found
    end
end

complete --command strongroom --no-files --arguments '(__strongroom_complete)'

# Completions of strongroom for bash 4.4 and later.
#
#   strongroom completions bash > ~/.local/share/bash-completion/completions/strongroom
#
# Without the package bash-completion, put this into ~/.bashrc: source <(strongroom completions bash)

_strongroom() {
    # Bash splits words at colons and equals signs too, which are parts of ids. Here they are joined again.
    local rest=${COMP_LINE:0:COMP_POINT} words=() last=-1 word space i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        space=${rest%%[![:space:]]*}
        rest=${rest#"$space"}
        ((i < COMP_CWORD)) || word=$rest
        if [[ -n $space || $i -eq 0 ]]; then
            words[++last]=$word
        else
            words[last]+=$word
        fi
        rest=${rest#"$word"}
    done
    # Bash keeps what stands before its own last word.
    local kept=${words[last]%"$2"}
    COMPREPLY=()
    mapfile -t COMPREPLY < <(_STRONGROOM_COMPLETE=bash command strongroom -- "${words[@]}" 2>/dev/null)
    case ${COMPREPLY[0]-} in
        :files) COMPREPLY=() && compopt -o default ;;
        :directories) COMPREPLY=() && compopt -o dirnames ;;
        *) COMPREPLY=("${COMPREPLY[@]#"$kept"}") ;;
    esac
}

complete -F _strongroom strongroom

#compdef strongroom
# Completions of strongroom for zsh.
#
#   mkdir -p ~/.zfunc && strongroom completions zsh > ~/.zfunc/_strongroom
#
# and in ~/.zshrc, before compinit: fpath=(~/.zfunc $fpath)

_strongroom() {
    local -a found
    found=("${(@f)$(_STRONGROOM_COMPLETE=zsh command strongroom -- "${(@)words[1,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
    case ${found[1]-} in
        '') return 1 ;;
        :files|:directories)
            [[ $PREFIX != --*=* ]] || compset -P '*='
            if [[ $found[1] = :files ]]; then _files; else _files -/; fi
            ;;
        *) _describe strongroom found ;;
    esac
}

if [[ ${funcstack[1]-} = _strongroom ]]; then
    _strongroom "$@"
else
    compdef _strongroom strongroom
fi

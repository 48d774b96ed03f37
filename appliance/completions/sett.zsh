#compdef sett
# zsh completion for sett. The rows in it are made from the table of operations
# (sett completion zsh); what exists on the box is asked of it, for at most 300 ms.

# What there is of a noun: lines of a name, a tab and what it is.
_sett_names() {
    local -a names
    names=(${(f)"$(_call_program names ${(q)sett_program} completion names $1 ${(q)PREFIX} 2>/dev/null)"})
    names=(${${names//:/\\:}/$'\t'/:})
    _describe -t names $1 names
}

# The verbs of a noun.
_sett_verbs() {
    case $1 in
@VERBS@
    esac
}

# What a command takes, as _arguments wants it.
_sett_takes() {
    case $1 in
@TAKES@
    *) return 1 ;;
    esac
}

_sett() {
    local curcontext=$curcontext state line ret=1
    local -a nouns verbs takes sett_program
    local -A opt_args

    sett_program=(${words[1]:-sett})
    _arguments -C \
        '--root=[folder of the box]:FOLDER:_files -/' \
        '(-o --output)'{-o,--output=}'[form of the answer]:FORM:(table json plain)' \
        '--json[the objects as they are]' '(-q --quiet)'{-q,--quiet}'[ids alone]' \
        '--confirm=[name of what dies]:NAME:' '--no-input[ask nothing]' '--no-color[no colours]' \
        '(-h --help)'{-h,--help}'[what a command takes]' \
        '1: :->noun' '*:: :->rest' && ret=0
    [[ -n ${opt_args[--root]} ]] && sett_program+=(--root ${opt_args[--root]})

    case $state in
    noun)
        nouns=(
@NOUNS@
        )
        _describe -t nouns noun nouns && ret=0
        ;;
    rest)
        _sett_verbs $words[1]
        if ((CURRENT == 2 && $#verbs)); then
            _describe -t verbs verb verbs && ret=0
        fi
        if _sett_takes "$words[1] $words[2]"; then
            shift words
            ((CURRENT--))
        else
            _sett_takes $words[1] || return ret
        fi
        ((CURRENT > 1)) && _arguments -S $takes '(-h --help)'{-h,--help}'[what it takes]' && ret=0
        ;;
    esac
    return ret
}

if [[ $funcstack[1] == _sett ]]; then
    _sett "$@"
else
    compdef _sett sett
fi

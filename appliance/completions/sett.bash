# bash completion for sett. The rows in it are made from the table of operations
# (sett completion bash); what exists on the box is asked of it, for at most 300 ms.

_sett_nouns()
{
    nouns=(
@NOUNS@
    )
}

# The verbs of a noun.
_sett_verbs()
{
    case $1 in
@VERBS@
    esac
}

# What stands at each place behind the words of a command, and its options. A kind is @NOUN (one of
# those), % (a file), ! (a flag), a,b (one of these) or - (anything).
_sett_takes()
{
    case $1 in
@TAKES@
    *) return 1 ;;
    esac
}

# Candidates of a kind that begin with what is typed, into COMPREPLY.
_sett_of()
{
    local kind=$1 typed=$2 line
    case $kind in
    @*)
        while IFS=$'\t' read -r line _; do
            printf -v line %q "$line"
            COMPREPLY+=("$line")
        done < <("${program[@]}" completion names "${kind#@}" "$typed" 2>/dev/null)
        ;;
    %)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$typed")
        ;;
    '!') mapfile -t COMPREPLY < <(compgen -W 'true false' -- "$typed") ;;
    -) ;;
    *) mapfile -t COMPREPLY < <(compgen -W "${kind//,/ }" -- "$typed") ;;
    esac
}

_sett()
{
    local typed=${COMP_WORDS[COMP_CWORD]} option='' at='' options='' words=() program nouns verbs=()
    local global='--root:% --output:table,json,plain --json:! --quiet:! --confirm:- --no-input:! --no-color:! --help:!'
    local i word kind known
    program=("${COMP_WORDS[0]}")
    COMPREPLY=()

    # The bare words before this one, and the option whose value this one is; readline parts words
    # at "=".
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == '=' ]]; then
            option=${COMP_WORDS[i - 1]}
            continue
        fi
        if [[ -n $option && $option != '!' ]]; then
            [[ $option == --root ]] && program+=(--root "$word")
            option=''
            continue
        fi
        option=''
        if [[ $word != -* ]]; then
            words+=("$word")
            _sett_takes "${words[*]:0:2}" || true
            continue
        fi
        [[ $word == -o ]] && word=--output
        for known in $global $options; do
            [[ ${known%%:*} == "$word" && ${known#*:} != '!' ]] && option=$word
        done
    done
    if [[ $typed == '=' ]]; then
        option=${COMP_WORDS[COMP_CWORD - 1]}
        typed=''
    fi

    if [[ -n $option ]]; then
        for known in $global $options; do
            [[ ${known%%:*} == "$option" ]] && _sett_of "${known#*:}" "$typed"
        done
        return
    fi
    if [[ $typed == -* ]]; then
        kind=''
        for known in $options $global; do
            kind+=" ${known%%:*}"
        done
        mapfile -t COMPREPLY < <(compgen -W "$kind" -- "$typed")
        return
    fi
    if [[ ${#words[@]} -eq 0 ]]; then
        _sett_nouns
        mapfile -t COMPREPLY < <(compgen -W "${nouns[*]%%:*}" -- "$typed")
        return
    fi
    _sett_verbs "${words[0]}"
    i=$((${#words[@]} - 2))
    if [[ ${#words[@]} -eq 1 ]]; then
        mapfile -t COMPREPLY < <(compgen -W "${verbs[*]%%:*}" -- "$typed")
        i=0
    elif [[ ${#verbs[@]} -eq 0 ]]; then
        i=$((${#words[@]} - 1))
    fi
    for kind in $at; do
        ((i-- == 0)) && [[ ${#COMPREPLY[@]} -eq 0 ]] && _sett_of "$kind" "$typed"
    done
    return 0
}
complete -F _sett sett

# fish completion for sett. The rows in it are made from the table of operations
# (sett completion fish); what exists on the box is asked of it, for at most 300 ms.

function __sett_nouns
@NOUNS@
end

# The verbs of a noun.
function __sett_verbs
    switch $argv[1]
@VERBS@
    end
end

# What stands at each place behind the words of a command, and its options: NAME:KIND:HELP. A kind is
# @NOUN (one of those), % (a file), ! (a flag), a,b (one of these) or - (anything).
function __sett_takes --no-scope-shadowing
    set at
    set options
    switch "$argv"
@TAKES@
    end
end

# Candidates of a kind, each behind what stands before it in its word.
function __sett_of --argument-names kind typed before
    switch $kind
        case '@*'
            command $program completion names (string sub --start 2 -- $kind) $typed 2>/dev/null | string replace --regex '^' -- $before
        case '%'
            __fish_complete_path $before$typed
        case -
        case '!'
            printf '%s\n' $before{true,false}
        case '*'
            printf '%s\n' $before(string split , -- $kind)
    end
end

function __sett_complete
    set -l at
    set -l options
    set -l words
    set -l option
    set -l tokens (commandline -opc)
    set -l typed (commandline -ct)
    set -l global --root:%: --output:table,json,plain: --json:!: --quiet:!: --confirm:-: --no-input:!: --no-color:!: --help:!:
    set -g program $tokens[1]

    for token in $tokens[2..]
        if set -q option[1]
            test $option = --root; and set program $program --root $token
            set -e option
        else if string match --quiet -- '-*' $token
            for known in $global $options
                set -l parts (string split --max 2 : -- $known)
                test $parts[1] = $token; and test $parts[2] != '!'; and set option $token
            end
        else
            set words $words $token
            test (count $words) -le 2; and __sett_takes $words
        end
    end

    # The value of an option, behind it or after "=".
    set -l before ''
    if string match --quiet -- '--*=*' $typed
        set option (string replace --regex '=.*' '' -- $typed)
        set before $option=
        set typed (string replace --regex '^[^=]*=' '' -- $typed)
    end
    if set -q option[1]
        for known in $global $options
            set -l parts (string split --max 2 : -- $known)
            test $parts[1] = $option; and __sett_of $parts[2] "$typed" $before
        end
        return
    end
    if string match --quiet -- '-*' $typed
        for known in $options $global
            set -l parts (string split --max 2 : -- $known)
            printf '%s\t%s\n' $parts[1] $parts[3]
        end
        return
    end
    if not set -q words[1]
        __sett_nouns
        return
    end
    set -l verbs (__sett_verbs $words[1])
    set -l place (math (count $words) - 1)
    if test (count $words) -eq 1
        set -q verbs[1]; and printf '%s\n' $verbs
        set place 1
    else if not set -q verbs[1]
        set place (count $words)
    end
    set -q at[$place]; and __sett_of $at[$place] "$typed" ''
    return 0
end

complete --command sett --no-files --arguments '(__sett_complete)'

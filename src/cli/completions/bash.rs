//! The script for bash 4.4 and later; it needs no package beside.

use super::{Entry, Position, Table, quoted};
use crate::cli::values::Values;

/// The script.
pub fn script(table: &Table<'_>) -> String {
    let function = format!("_{}", table.program.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    let mut text = format!(
        "# bash completion for {0}; made from its table of commands by `{0} generate completions DIR`.\n\n",
        table.program
    );
    text += "# What a command has: next parts of its name, flags, those of them that take a value.\n";
    text += &format!("{function}_table() {{\n    names='' flags='' valued=''\n    case $1 in\n");
    table.entries.iter().for_each(|entry| text += &row(entry));
    text += "    esac\n}\n\n# What a value is: of a flag, or of the word with this number.\n";
    text += &format!("{function}_values() {{\n    kind='' choices=''\n    case $1:$2 in\n");
    table.entries.iter().for_each(|entry| text += &values(entry));
    text += "    esac\n}\n\n";
    text += &WALK.replace("_PROGRAM", &function);
    text += &format!("\ncomplete -F {function} {}\n", table.program);
    text
}

fn row(entry: &Entry) -> String {
    let join = |words: Vec<&str>| quoted(&words.join(" "), false);
    let names = join(entry.children.iter().map(|(name, _)| *name).collect());
    let flags = join(entry.flags.iter().map(|flag| flag.name.as_str()).collect());
    let valued = join(entry.flags.iter().filter(|flag| flag.takes_value).map(|flag| flag.name.as_str()).collect());
    format!(
        "        {})\n            names={names}\n            flags={flags}\n            valued={valued}\n            ;;\n",
        quoted(&entry.name, false)
    )
}

fn values(entry: &Entry) -> String {
    let flags = entry.flags.iter().map(|flag| (flag.name.clone(), flag.values));
    let words = entry.words.iter().map(|(position, values)| match position {
        Position::At(place) => (place.to_string(), *values),
        Position::All => ("[0-9]*".to_owned(), *values),
    });
    let mut text = String::new();
    for (place, values) in flags.chain(words) {
        let what = match values {
            Values::Nothing => continue,
            Values::OneOf(choices) => format!("choices={}", quoted(&choices.join(" "), false)),
            Values::Files => "kind=files".to_owned(),
            Values::Directories => "kind=directories".to_owned(),
            Values::Known(_) => "kind=known".to_owned(),
        };
        text += &format!("        {}:{place}) {what} ;;\n", quoted(&entry.name, false));
    }
    text
}

/// The walk over the words. Bash ends words at `:` and `=` too, so they are put together again first; what stands in front of
/// the last such place stays on the line and must not be repeated.
const WALK: &str = r#"_PROGRAM() {
    local names flags valued kind choices word flag='' place=name command='' count=0 i rest=$COMP_LINE
    local -a words=()
    COMPREPLY=()
    for ((i = 0; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if ((i > 0)) && [[ $rest == "$word"* && $rest != [[:blank:]]* ]]; then
            words[${#words[@]} - 1]+=$word
        else
            rest=${rest#"${rest%%[![:blank:]]*}"}
            words+=("$word")
        fi
        rest=${rest#"$word"}
    done
    local last=$((${#words[@]} - 1))
    local typed=${words[last]}

    _PROGRAM_table ''
    for ((i = 1; i < last; i++)); do
        word=${words[i]}
        if [[ $place == name ]]; then
            if [[ " $names " == *" $word "* ]]; then
                command="${command:+$command }$word"
                _PROGRAM_table "$command"
                continue
            fi
            [[ -n $command ]] || return 0
            place=flag
        fi
        if [[ $place == word ]]; then
            ((count += 1))
        elif [[ -n $flag ]]; then
            flag=''
        elif [[ $word == -- ]]; then
            place=word
        elif [[ $word == -?* ]]; then
            [[ $word == --* ]] && word=${word#-}
            [[ " $valued " == *" $word "* ]] && flag=$word
        else
            place=word count=1
        fi
    done

    if [[ -n $flag ]]; then
        _PROGRAM_values "$command" "$flag"
    elif [[ $place != word && $typed == -*=* ]]; then
        word=${typed%%=*}
        [[ $word == --* ]] && word=${word#-}
        _PROGRAM_values "$command" "$word"
        typed=${typed#*=}
    elif [[ $place != word && $typed == -* ]]; then
        [[ $typed == --* ]] && typed=${typed#-}
        mapfile -t COMPREPLY < <(compgen -W "$flags" -- "$typed")
        return 0
    elif [[ $place == name && -n $names ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$names" -- "$typed")
        return 0
    else
        _PROGRAM_values "$command" "$count"
    fi

    if [[ -n $choices ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$choices" -- "$typed")
    elif [[ $kind == known ]]; then
        mapfile -t COMPREPLY < <(COMP_LINE=$COMP_LINE COMP_POINT=$COMP_POINT COMP_TYPE=9 "${1/#\~\//$HOME/}" "$1" "$2" 2>/dev/null)
        # a folder is not the end of a key
        [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
    elif [[ $kind == files ]]; then
        compopt -o default 2>/dev/null
    elif [[ $kind == directories ]]; then
        compopt -o dirnames 2>/dev/null
    fi
    return 0
}
"#;

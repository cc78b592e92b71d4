//! The script for zsh: a function for `fpath`.

use super::{Entry, Position, Table, quoted};
use crate::cli::values::Values;

/// The script.
pub fn script(table: &Table<'_>) -> String {
    let function = format!("_{}", table.program);
    let mut text = format!(
        "#compdef {0}\n# zsh completion for {0}; made from its table of commands by `{0} generate completions DIR`.\n\n",
        table.program
    );
    text += "# What a command has: next parts of its name, flags, those of them that take a value.\n";
    text += &format!("{function}_table() {{\n    names=() flags=() valued=()\n    case $1 in\n");
    table.entries.iter().for_each(|entry| text += &row(entry));
    text += "    esac\n}\n\n# What a value is: of a flag, or of the word with this number.\n";
    text += &format!("{function}_values() {{\n    kind='' choices=()\n    case $1:$2 in\n");
    table.entries.iter().for_each(|entry| text += &values(entry));
    text += "    esac\n}\n\n";
    text += &WALK.replace("_PROGRAM", &function);
    text += &format!("\n{function} \"$@\"\n");
    text
}

fn row(entry: &Entry) -> String {
    let list = |rows: Vec<(&str, &str)>| {
        let lines: String = rows
            .iter()
            .map(|(name, about)| format!("                {}\n", quoted(&format!("{name}:{about}"), false)))
            .collect();
        if lines.is_empty() { "()".to_owned() } else { format!("(\n{lines}            )") }
    };
    let names = list(entry.children.clone());
    let flags = list(entry.flags.iter().map(|flag| (flag.name.as_str(), flag.about.as_str())).collect());
    let valued: Vec<_> = entry.flags.iter().filter(|flag| flag.takes_value).map(|flag| flag.name.as_str()).collect();
    format!(
        "        {})\n            names={names}\n            flags={flags}\n            valued=({})\n            ;;\n",
        quoted(&entry.name, false),
        valued.join(" ")
    )
}

fn values(entry: &Entry) -> String {
    let flags = entry.flags.iter().map(|flag| (flag.name.clone(), flag.values));
    let words = entry.words.iter().map(|(position, values)| match position {
        Position::At(place) => (place.to_string(), *values),
        Position::All => ("<->".to_owned(), *values),
    });
    let mut text = String::new();
    for (place, values) in flags.chain(words) {
        let what = match values {
            Values::Nothing => continue,
            Values::OneOf(choices) => format!("choices=({})", choices.join(" ")),
            Values::Files => "kind=files".to_owned(),
            Values::Directories => "kind=directories".to_owned(),
            Values::Known(_) => "kind=known".to_owned(),
        };
        text += &format!("        {}:{place}) {what} ;;\n", quoted(&entry.name, false));
    }
    text
}

/// The walk over the words; zsh quotes what is inserted.
const WALK: &str = r#"_PROGRAM() {
    emulate -L zsh
    setopt extended_glob
    local -a names flags valued choices found folders
    local kind word flag='' place=name command='' typed=${(Q)PREFIX}
    local -i count=0 i

    _PROGRAM_table ''
    for (( i = 2; i < CURRENT; i++ )); do
        word=${(Q)words[i]}
        if [[ $place == name ]]; then
            if (( ${names[(I)${(b)word}:*]} )); then
                command="${command:+$command }$word"
                _PROGRAM_table $command
                continue
            fi
            [[ -n $command ]] || return 1
            place=flag
        fi
        if [[ $place == word ]]; then
            (( count += 1 ))
        elif [[ -n $flag ]]; then
            flag=''
        elif [[ $word == -- ]]; then
            place=word
        elif [[ $word == -?* ]]; then
            [[ $word == --* ]] && word=${word#-}
            (( ${valued[(Ie)$word]} )) && flag=$word
        else
            place=word count=1
        fi
    done

    if [[ -n $flag ]]; then
        _PROGRAM_values "$command" $flag
    elif [[ $place != word && $typed == -*=* ]]; then
        word=${typed%%=*}
        [[ $word == --* ]] && word=${word#-}
        _PROGRAM_values "$command" $word
        compset -P '*='
    elif [[ $place != word && $typed == -* ]]; then
        [[ $typed == --* ]] && compset -P -
        _describe -o 'flag' flags
        return
    elif [[ $place == name ]] && (( $#names )); then
        _describe 'command' names
        return
    else
        _PROGRAM_values "$command" $count
    fi

    if (( $#choices )); then
        compadd -a choices
    elif [[ $kind == known ]]; then
        found=( ${(f)"$(${~${(Q)words[1]}} generate candidates -- "${(@Q)words[2,CURRENT-1]}" "$typed" 2>/dev/null)"} )
        # a folder is not the end of a key
        folders=( ${(M)found:#*/} )
        found=( ${found:#*/} )
        (( $#folders )) && compadd -S '' -a folders
        compadd -a found
    elif [[ $kind == files ]]; then
        _files
    elif [[ $kind == directories ]]; then
        _files -/
    else
        return 1
    fi
}
"#;

//! The script for fish 3.

use super::{Entry, Position, Table, quoted};
use crate::cli::values::Values;

/// The script.
pub fn script(table: &Table<'_>) -> String {
    let function = format!("__{}", table.program.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
    let mut text = format!(
        "# fish completion for {0}; made from its table of commands by `{0} generate completions DIR`.\n\n",
        table.program
    );
    text += "# What a command has: next parts of its name, each with what it does.\n";
    text += &format!("function {function}_names\n    switch \"$argv\"\n");
    for entry in table.entries.iter().filter(|entry| !entry.children.is_empty()) {
        text += &case(&entry.name, entry.children.iter().copied());
    }
    text += "    end\nend\n\n# Flags, each with what it is for.\n";
    text += &format!("function {function}_flags\n    switch \"$argv\"\n");
    for entry in table.entries.iter().filter(|entry| !entry.flags.is_empty()) {
        text += &case(&entry.name, entry.flags.iter().map(|flag| (flag.name.as_str(), flag.about.as_str())));
    }
    text += "    end\nend\n\n# Flags that take a value.\n";
    text += &format!("function {function}_valued\n    switch \"$argv\"\n");
    for entry in &table.entries {
        let valued: Vec<_> = entry.flags.iter().filter(|flag| flag.takes_value).map(|flag| &*flag.name).collect();
        if !valued.is_empty() {
            let lines = valued.join(" ");
            text += &format!(
                "        case {}\n            string split ' ' -- {}\n",
                quoted(&entry.name, true),
                quoted(&lines, true)
            );
        }
    }
    text += "    end\nend\n\n# What a value is: of a flag, or of the word with this number.\n";
    text += &format!("function {function}_values\n    switch \"$argv[1]:$argv[2]\"\n");
    table.entries.iter().for_each(|entry| text += &values(entry));
    text += "    end\nend\n\n";
    text += &WALK.replace("__PROGRAM", &function);
    text += &format!("\ncomplete -c {} -f -a '({function}_complete)'\n", table.program);
    text
}

/// Lines with a name, a tab and a description.
fn case<'a>(name: &str, rows: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let lines: String =
        rows.map(|(name, about)| format!(" \\\n                {}\\t{}", name, quoted(about, true))).collect();
    format!("        case {}\n            printf '%s\\n'{lines}\n", quoted(name, true))
}

fn values(entry: &Entry) -> String {
    let flags = entry.flags.iter().map(|flag| (flag.name.clone(), flag.values));
    let words = entry.words.iter().map(|(position, values)| match position {
        Position::At(place) => (place.to_string(), *values),
        Position::All => ("*".to_owned(), *values),
    });
    let mut text = String::new();
    for (place, values) in flags.chain(words) {
        let what = match values {
            Values::Nothing => continue,
            Values::OneOf(choices) => format!("printf '%s\\n' {}", choices.join(" ")),
            Values::Files => "echo :files".to_owned(),
            Values::Directories => "echo :directories".to_owned(),
            Values::Known(_) => "echo :known".to_owned(),
        };
        text += &format!("        case {}\n            {what}\n", quoted(&format!("{}:{place}", entry.name), true));
    }
    text
}

/// The walk over the words; fish quotes what is inserted.
const WALK: &str = r#"function __PROGRAM_complete
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l typed (commandline -ct | string unescape)
    test (count $typed) -gt 0
    or set typed (commandline -ct | string trim -l -c '\'"')
    set -l place name
    set -l command
    set -l flag
    set -l count 0
    set -l valued
    for word in $words
        if test $place = name
            if __PROGRAM_names $command | string match -q -- "$word"\t'*'
                set -a command $word
                set valued (__PROGRAM_valued $command)
                continue
            end
            test (count $command) -gt 0
            or return
            set place flag
        end
        if test $place = word
            set count (math $count + 1)
        else if test -n "$flag"
            set flag
        else if test "$word" = --
            set place word
        else if string match -q -- '-?*' "$word"
            set word (string replace -r -- '^--' - "$word")
            contains -- $word $valued
            and set flag $word
        else
            set place word
            set count 1
        end
    end

    set -l before ''
    set -l kind
    if test -n "$flag"
        set kind (__PROGRAM_values "$command" $flag)
    else if test $place != word; and string match -q -- '-*=*' "$typed"
        set -l parts (string split -m 1 = -- "$typed")
        set before $parts[1]=
        set typed $parts[2]
        set kind (__PROGRAM_values "$command" (string replace -r -- '^--' - $parts[1]))
    else if test $place != word; and string match -q -- '-*' "$typed"
        # two dashes are as good as one
        set -l dash (string match -q -- '--*' "$typed"; and echo -)
        string replace -r -- '^' "$dash" (__PROGRAM_flags $command)
        return
    else if test $place = name; and __PROGRAM_names $command | string length -q
        __PROGRAM_names $command
        return
    else
        set kind (__PROGRAM_values "$command" $count)
    end

    switch "$kind[1]"
        case ''
            return
        case :known
            set -l found (command $program generate candidates -- $words "$before$typed" 2>/dev/null)
            test (count $found) -gt 0
            and printf '%s\n' $before$found
        case :files
            printf '%s\n' $before(__fish_complete_path "$typed")
        case :directories
            printf '%s\n' $before(__fish_complete_directories "$typed" '')
        case '*'
            printf '%s\n' $before$kind
    end
end
"#;

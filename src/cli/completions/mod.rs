//! Completion scripts for bash, zsh and fish, made from the table of commands.
//!
//! A script knows all commands, flags and fixed values. What only an agent knows it asks this program for, by way of
//! [`crate::cli::complete`]. `completions/` holds the scripts of this version; `tribune generate completions` writes them.

mod bash;
mod fish;
mod zsh;

use crate::cli::Command;
use crate::cli::complete::{TOP_FLAGS, shown_flags};
use crate::cli::flags::Flag;
use crate::cli::values::{self, Values};

/// File names and contents of all scripts.
pub fn scripts(program: &str, commands: &[&Command]) -> Vec<(String, String)> {
    let table = Table::new(program, commands);
    vec![
        (format!("{program}.bash"), bash::script(&table)),
        (format!("_{program}"), zsh::script(&table)),
        (format!("{program}.fish"), fish::script(&table)),
    ]
}

/// What the scripts need to know, in the order in which they say it.
struct Table<'a> {
    program: &'a str,
    entries: Vec<Entry>,
}

/// One command, or the program itself with an empty name.
struct Entry {
    name: String,
    /// Next parts of names, each with what it does.
    children: Vec<(&'static str, &'static str)>,
    /// Flags, each with what it is for.
    flags: Vec<Row>,
    /// What its words are.
    words: Vec<(Position, Values)>,
}

struct Row {
    /// With its dash.
    name: String,
    about: String,
    takes_value: bool,
    values: Values,
}

/// Which words behind the flags.
#[derive(Clone, Copy)]
enum Position {
    At(usize),
    All,
}

impl<'a> Table<'a> {
    fn new(program: &'a str, commands: &[&Command]) -> Table<'a> {
        let mut sorted = commands.to_vec();
        sorted.sort_by_key(|command| command.path);
        let children = |path: &[&str]| -> Vec<_> {
            let direct = sorted.iter().filter(|command| command.path.len() == path.len() + 1);
            direct.filter(|c| c.path.starts_with(path)).map(|c| (c.path[path.len()], c.synopsis)).collect()
        };
        let top = TOP_FLAGS.iter().map(|name| Row {
            name: (*name).to_owned(),
            about: top_about(name).to_owned(),
            takes_value: false,
            values: Values::Nothing,
        });
        let mut entries =
            vec![Entry { name: String::new(), children: children(&[]), flags: top.collect(), words: Vec::new() }];
        entries.extend(sorted.iter().map(|command| Entry {
            name: command.name(),
            children: children(command.path),
            flags: shown_flags(command).map(|flag| Row::new(command, &flag)).collect(),
            words: words(command),
        }));
        Table { program, entries }
    }
}

impl Row {
    fn new(command: &Command, flag: &Flag) -> Row {
        Row {
            name: format!("-{}", flag.name),
            about: summary(flag.help),
            takes_value: !flag.kind.is_bool(),
            values: values::of_flag(command, flag),
        }
    }
}

fn top_about(flag: &str) -> &'static str {
    match flag {
        "-autocomplete-install" => "Install completion for your shells",
        "-autocomplete-uninstall" => "Remove completion from your shells",
        "-help" => "List the commands",
        _ => "Print the version",
    }
}

/// Words of a command that are known; beyond these few places all are the same.
fn words(command: &Command) -> Vec<(Position, Values)> {
    const PLACES: usize = 8;
    let all: Vec<_> = (0..PLACES).map(|place| values::of_word(command, place)).collect();
    if all.iter().all(|values| *values == all[0]) {
        return if all[0] == Values::Nothing { Vec::new() } else { vec![(Position::All, all[0])] };
    }
    let known = all.into_iter().enumerate().filter(|(_, values)| *values != Values::Nothing);
    known.map(|(place, values)| (Position::At(place), values)).collect()
}

/// The first sentence of a description, without its full stop.
fn summary(help: &str) -> String {
    let text = help.replace('`', "").replace('\n', " ");
    let end = text.find(". ").unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

/// A text in single quotes, for all three shells: bash and zsh have no escapes inside of them, fish has two.
fn quoted(text: &str, fish: bool) -> String {
    match fish {
        true => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::ALL;
    use std::path::Path;

    #[test]
    fn the_committed_scripts_are_those_of_this_table() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
        for (name, text) in scripts("tribune", ALL) {
            let committed = std::fs::read_to_string(folder.join(&name)).unwrap_or_default();
            assert!(
                committed == text,
                "completions/{name} is not that of the table of commands; write it again with\n\
                 \n    cargo run -- generate completions completions\n"
            );
        }
        let count = std::fs::read_dir(&folder).expect("a folder").count();
        assert_eq!(count, 3, "nothing else is in completions/");
    }

    #[test]
    fn a_summary_is_the_first_sentence() {
        assert_eq!(summary("The `address` of it: host:port. More."), "The address of it: host:port");
        assert_eq!(summary("Path."), "Path");
    }
}

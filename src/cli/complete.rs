//! Shell completion: the `complete -C` protocol (`COMP_LINE`), answered by clap's engine on a tree built from the table of
//! commands. The engine knows two dashes only; the words are translated on the way in and out.

use crate::cli::Command;
use crate::cli::flags::Kind;
use clap::{Arg, ArgAction, ValueHint};
use std::ffi::OsString;

/// The table of commands as a clap tree.
pub fn tree(program: &str, commands: &[&Command]) -> clap::Command {
    node(clap::Command::new(program.to_string()), &[], commands)
}

fn node(root: clap::Command, path: &[&str], commands: &[&Command]) -> clap::Command {
    let children = commands.iter().filter(|c| c.path.len() == path.len() + 1 && c.path.starts_with(path));
    children.fold(
        root.disable_help_flag(true).disable_version_flag(true).disable_help_subcommand(true),
        |root, child| {
            let name = child.path[path.len()];
            let leaf = clap::Command::new(name).about(child.synopsis).args(child.all_flags().into_iter().map(|flag| {
                let action = match flag.kind {
                    kind if kind.is_bool() => ArgAction::SetTrue,
                    Kind::List | Kind::Map | Kind::ColonMap => ArgAction::Append,
                    _ => ArgAction::Set,
                };
                Arg::new(flag.name).long(flag.name).action(action).hide(flag.hidden)
            }));
            let has_children =
                commands.iter().any(|c| c.path.len() > child.path.len() && c.path.starts_with(child.path));
            let words = Arg::new("words").num_args(0..).value_hint(ValueHint::AnyPath);
            let leaf = if has_children { leaf } else { leaf.arg(words) };
            root.subcommand(node(leaf, child.path, commands))
        },
    )
}

/// Candidates for the last word of a command line, which was typed up to `point` (bytes).
pub fn candidates(program: &str, commands: &[&Command], line: &str, point: Option<usize>) -> Vec<String> {
    let typed = point.and_then(|point| line.get(..point)).unwrap_or(line);
    let mut words: Vec<OsString> = typed.split_whitespace().map(doubled).collect();
    if words.is_empty() || typed.ends_with(char::is_whitespace) {
        words.push(OsString::new());
    }
    let last = words.len() - 1;
    let found = clap_complete::engine::complete(&mut tree(program, commands), words, last, None).unwrap_or_default();
    found.iter().map(|candidate| single(&candidate.get_value().to_string_lossy())).collect()
}

/// `-name` as the engine wants it: `--name`.
fn doubled(word: &str) -> OsString {
    let one_dash = word.starts_with('-') && !word.starts_with("--");
    OsString::from(if one_dash { format!("-{word}") } else { word.to_string() })
}

fn single(word: &str) -> String {
    if word.starts_with("--") { word[1..].to_string() } else { word.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::ALL;

    fn complete(line: &str) -> Vec<String> {
        candidates("tribune", ALL, line, None)
    }

    #[test]
    fn commands_and_their_children_are_offered() {
        assert_eq!(complete("tribune ke"), ["keygen", "keyring"]);
        assert_eq!(complete("tribune kv e"), ["export"]);
        assert!(complete("tribune ").contains(&"members".to_string()));
    }

    #[test]
    fn flags_have_one_dash() {
        assert_eq!(complete("tribune kv get -det"), ["-detailed"]);
        assert_eq!(complete("tribune kv get -stale -det"), ["-detailed"]);
    }

    #[test]
    fn what_stands_behind_the_cursor_does_not_count() {
        assert_eq!(candidates("tribune", ALL, "tribune kv ge xyz", Some(13)), ["get"]);
    }

    #[test]
    fn the_tree_is_sound() {
        tree("tribune", ALL).debug_assert();
    }
}

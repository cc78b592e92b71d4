//! Help texts, built from the table of commands (`spec/cli.md` 3).

use crate::cli::command::{CLIENT_FLAGS, Command, SERVER_FLAGS};
use crate::cli::flags::Flag;

/// Width of a flag's description.
const WIDTH: usize = 67;

/// The list of first-level commands, with its trailing empty line.
pub fn top_level(program: &str, commands: &[&Command]) -> String {
    let rows: Vec<_> = commands.iter().filter(|c| c.path.len() == 1).map(|c| (c.path[0], c.synopsis)).collect();
    let usage = format!("Usage: {program} [--version] [--help] <command> [<args>]\n\nAvailable commands are:\n");
    usage + &name_list(rows) + "\n"
}

/// Help of one command: usage, flag sections, children; ends with one newline.
pub fn command(program: &str, command: &Command, commands: &[&Command]) -> String {
    let mut text = command.usage.replace("{program}", program).trim().to_string();
    let mut flags = command.all_flags();
    flags.retain(|flag| !flag.hidden);
    flags.sort_by_key(|flag| flag.name);
    let (http, own): (Vec<_>, Vec<_>) = flags.iter().partition(|flag| is_http(flag.name));
    for (title, flags) in [("HTTP API Options", http), ("Command Options", own)] {
        if !flags.is_empty() {
            text.push_str(&format!("\n\n{title}"));
            flags.into_iter().for_each(|flag| text.push_str(&section(flag)));
        }
    }
    let depth = command.path.len();
    let children: Vec<_> = commands
        .iter()
        .filter(|c| c.path.len() == depth + 1 && c.path.starts_with(command.path))
        .map(|c| (c.path[depth], c.synopsis))
        .collect();
    if !children.is_empty() {
        text.push_str("\n\nSubcommands:\n");
        text.push_str(name_list(children).trim_end());
    }
    text.push('\n');
    text
}

/// True for flags that say where the agent is and how to ask it.
pub fn is_http(name: &str) -> bool {
    CLIENT_FLAGS.iter().chain(SERVER_FLAGS).any(|flag| flag.name == name)
}

fn name_list(mut rows: Vec<(&str, &str)>) -> String {
    rows.sort();
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    rows.iter().map(|(name, synopsis)| format!("    {name:width$}    {synopsis}\n")).collect()
}

fn section(flag: &Flag) -> String {
    let word = flag.value_word();
    let head = if word.is_empty() { format!("-{}", flag.name) } else { format!("-{}=<{word}>", flag.name) };
    let body: Vec<String> = wrap(flag.help, WIDTH).into_iter().map(|line| format!("     {line}")).collect();
    format!("\n\n  {head}\n{}", body.join("\n"))
}

/// Breaks a text into lines of at most `width` characters with the least total raggedness (sum of squared gaps; the last
/// line is free).
fn wrap(text: &str, width: usize) -> Vec<String> {
    const TOO_LONG: usize = 100_000;
    let text = text.trim().replace('\n', " ");
    let words: Vec<&str> = text.split(' ').collect();
    let count = words.len();
    let mut ends = vec![count; count];
    let mut costs = vec![usize::MAX / 2; count + 1];
    costs[count] = 0;
    for start in (0..count).rev() {
        let mut length = words[start].chars().count();
        let whole = length + words[start + 1..].iter().map(|word| 1 + word.chars().count()).sum::<usize>();
        if whole <= width {
            costs[start] = 0;
            continue;
        }
        for end in start + 1..count {
            let gap = width.abs_diff(length);
            let cost = gap * gap + costs[end] + if length > width { TOO_LONG } else { 0 };
            if cost < costs[start] {
                costs[start] = cost;
                ends[start] = end;
            }
            length += 1 + words[end].chars().count();
        }
    }
    let mut lines = Vec::new();
    let mut start = 0;
    while start < count {
        lines.push(words[start..ends[start]].join(" "));
        start = ends[start];
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_balanced_not_greedy() {
        assert_eq!(wrap("aaa bb cc ddddd", 6), ["aaa", "bb cc", "ddddd"]);
        assert_eq!(wrap("short  text\nhere", 20), ["short  text here"]);
    }

    #[test]
    fn a_word_longer_than_the_line_makes_one_long_line() {
        let long = "x".repeat(80);
        assert_eq!(wrap(&format!("{long} b"), WIDTH), [long.as_str(), "b"]);
    }
}

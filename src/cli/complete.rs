//! Shell completion: where on a command line the cursor stands, and what can stand there.
//!
//! Two doors lead here. `complete -C` (`-autocomplete-install`) gives the typed line in `COMP_LINE`; the generated scripts
//! ([`crate::cli::completions`]) know commands and flags themselves and ask `generate candidates` for values only.

use crate::cli::flags::Flag;
use crate::cli::values::{self, Values};
use crate::cli::{Command, shell};
use std::ffi::OsString;

/// What the word under the cursor is.
pub enum Place<'a> {
    /// Behind words that are no command.
    Nowhere,
    /// The next part of a command's name, below these parts.
    Name(Vec<&'a str>),
    /// The name of a flag.
    Flag(&'a Command),
    /// The value of a flag.
    Value(&'a Command, Flag),
    /// A word behind the flags; how many stand before it.
    Word(&'a Command, usize),
}

/// Where the cursor stands.
pub struct Cursor<'a> {
    /// What belongs there.
    pub place: Place<'a>,
    /// What was typed of it.
    pub typed: &'a str,
    /// Behind a flag and `=`: what stands in front of the value.
    pub before: &'a str,
    /// Flags in front of the cursor, with their values.
    pub flags: Vec<OsString>,
}

impl<'a> Cursor<'a> {
    /// Reads the words after the program's name; the last one is the one under the cursor.
    pub fn read(commands: &[&'a Command], words: &'a [String]) -> Cursor<'a> {
        let (typed, done) = words.split_last().map_or(("", &[][..]), |(last, done)| (last.as_str(), done));
        let mut path: Vec<&str> = Vec::new();
        let mut command = None;
        let mut rest = done;
        while let Some((word, after)) = rest.split_first() {
            let longer = [&path[..], &[word.as_str()]].concat();
            if !commands.iter().any(|command| command.path.starts_with(&longer)) {
                break;
            }
            command = commands.iter().find(|command| command.path == longer).copied();
            path = longer;
            rest = after;
        }
        let bare = Cursor { place: Place::Name(path.clone()), typed, before: "", flags: Vec::new() };
        let deeper = commands.iter().any(|command| command.path.len() > path.len() && command.path.starts_with(&path));
        match command {
            Some(command) if !deeper || !rest.is_empty() || typed.starts_with('-') => bare.behind(command, rest),
            _ if !rest.is_empty() => Cursor { place: Place::Nowhere, ..bare },
            _ => bare,
        }
    }

    /// Walks over the words of a command as its own parser does.
    fn behind(mut self, command: &'a Command, words: &'a [String]) -> Cursor<'a> {
        let flags = command.all_flags();
        let known = |name: &str| flags.iter().find(|flag| flag.name == name).copied();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some((name, value)) = split_flag(word) else {
                // a word, or the `--` in front of words
                let words = words.count() + usize::from(word != "--");
                self.place = Place::Word(command, words);
                return self;
            };
            let Some(flag) = known(name) else { continue };
            if value.is_none() && !flag.kind.is_bool() {
                let Some(value) = words.next() else {
                    self.place = Place::Value(command, flag);
                    return self;
                };
                self.flags.extend([OsString::from(word), OsString::from(value)]);
            } else {
                self.flags.push(word.into());
            }
        }
        self.place = match split_flag(self.typed) {
            Some((name, Some(value))) => {
                let Some(flag) = known(name) else { return self };
                (self.before, self.typed) = self.typed.split_at(self.typed.len() - value.len());
                Place::Value(command, flag)
            }
            Some(_) => Place::Flag(command),
            None if self.typed.starts_with('-') => Place::Flag(command),
            None => Place::Word(command, 0),
        };
        self
    }

    /// What a value can be here.
    pub fn values(&self) -> Values {
        match &self.place {
            Place::Value(command, flag) => values::of_flag(command, flag),
            Place::Word(command, before) => values::of_word(command, *before),
            Place::Nowhere | Place::Name(_) | Place::Flag(_) => Values::Nothing,
        }
    }
}

/// Name and value of a flag; none for words and for `--`.
fn split_flag(word: &str) -> Option<(&str, Option<&str>)> {
    let body = word.strip_prefix('-')?;
    let body = body.strip_prefix('-').unwrap_or(body);
    if body.is_empty() {
        return None;
    }
    Some(body.split_once('=').map_or((body, None), |(name, value)| (name, Some(value))))
}

/// Flags in front of any command.
pub const TOP_FLAGS: [&str; 4] = ["-autocomplete-install", "-autocomplete-uninstall", "-help", "-version"];

/// What a shell says with `complete -C`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// `COMP_LINE`.
    pub line: &'a str,
    /// `COMP_POINT`, characters.
    pub point: Option<usize>,
    /// The word as the shell sees it; bash begins a new one behind `:` and `=`.
    pub word: Option<&'a str>,
    /// What the shell does with candidates.
    pub style: Style,
}

/// What a shell does with candidates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// It quotes them: fish.
    #[default]
    Plain,
    /// It inserts them as they are: bash, which tells its kind of completion (`COMP_TYPE`).
    Quoted,
    /// It splits them at blanks, then unquotes them and quotes them as the line needs it: zsh with `bashcompinit`, which tells `COMP_CWORD` alone.
    Split,
}

impl Style {
    /// The style of the shell that set these variables.
    pub fn of(is_set: impl Fn(&str) -> bool) -> Style {
        match (is_set("COMP_TYPE"), is_set("COMP_CWORD")) {
            (true, _) => Style::Quoted,
            (false, true) => Style::Split,
            (false, false) => Style::Plain,
        }
    }
}

/// The candidates as they replace the word.
pub fn answer(commands: &[&Command], request: Request<'_>) -> Vec<String> {
    let end = request.point.and_then(|point| request.line.char_indices().nth(point)).map(|(at, _)| at);
    let words = shell::split(&request.line[..end.unwrap_or(request.line.len())]);
    let Some(last) = words.last() else { return Vec::new() };
    let texts: Vec<String> = words.iter().skip(1).map(|word| word.text.clone()).collect();
    let kept = request.word.and_then(|word| last.raw.strip_suffix(word)).map(shell::unquote).unwrap_or_default();
    let cursor = Cursor::read(commands, &texts);
    let mut found = candidates(commands, &cursor);
    // zsh takes a blank at the end for the end of the word, and half a name is worse than none
    found.retain(|candidate| request.style != Style::Split || !candidate.ends_with(' '));
    let whole = found.into_iter().map(|candidate| format!("{}{candidate}", cursor.before));
    let parts = whole.map(|candidate| candidate.strip_prefix(&*kept).map(str::to_owned).unwrap_or(candidate));
    let quote = |part: String| match request.style {
        Style::Plain => part,
        Style::Quoted => shell::quote(&part, last.open),
        Style::Split => shell::without_blanks(&part),
    };
    parts.map(quote).collect()
}

/// What can stand at the cursor, without what stands in front of a value; sorted.
pub fn candidates(commands: &[&Command], cursor: &Cursor<'_>) -> Vec<String> {
    let mut found = match &cursor.place {
        Place::Nowhere => Vec::new(),
        Place::Name(path) if path.is_empty() && cursor.typed.starts_with('-') => {
            TOP_FLAGS.iter().map(|flag| (*flag).to_owned()).collect()
        }
        Place::Name(path) => {
            let below = commands.iter().filter(|command| command.path.starts_with(path));
            below.filter_map(|command| command.path.get(path.len())).map(|name| (*name).to_owned()).collect()
        }
        Place::Flag(command) => shown_flags(command).map(|flag| format!("-{}", flag.name)).collect(),
        Place::Value(..) | Place::Word(..) => values::find(cursor),
    };
    // a name with a line end or the like cannot be told to a shell
    found.retain(|candidate| candidate.starts_with(cursor.typed) && !candidate.contains(char::is_control));
    found.sort();
    found.dedup();
    found
}

/// The flags of a command that are offered.
pub fn shown_flags(command: &Command) -> impl Iterator<Item = Flag> {
    let mut flags = command.all_flags();
    flags.retain(|flag| !flag.hidden);
    flags.sort_by_key(|flag| flag.name);
    flags.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::commands::ALL;

    fn complete(line: &str) -> Vec<String> {
        answer(ALL, Request { line, ..Request::default() })
    }

    #[test]
    fn commands_and_their_children_are_offered() {
        assert_eq!(complete("tribune ke"), ["keygen", "keyring"]);
        assert_eq!(complete("tribune kv e"), ["export"]);
        assert!(complete("tribune ").contains(&"members".to_string()));
        assert_eq!(complete("tribune operator raft tr"), ["transfer-leader"]);
        assert_eq!(complete("tribune nosuch "), Vec::<String>::new());
        assert!(!complete("tribune ").contains(&"generate".to_string()), "what is hidden is not offered");
    }

    #[test]
    fn flags_have_one_dash_and_end_at_the_first_word() {
        assert_eq!(complete("tribune kv get -det"), ["-detailed"]);
        assert_eq!(complete("tribune kv get -stale -det"), ["-detailed"]);
        assert_eq!(complete("tribune kv get -separator -x -det"), ["-detailed"]);
        assert_eq!(complete("tribune kv get key -det"), Vec::<String>::new());
        assert_eq!(complete("tribune -ver"), ["-version"]);
    }

    #[test]
    fn values_of_flags_are_offered_behind_a_blank_and_behind_an_equals_sign() {
        assert_eq!(complete("tribune watch -type key"), ["key", "keyprefix"]);
        assert_eq!(complete("tribune watch -type=key"), ["-type=key", "-type=keyprefix"]);
        assert_eq!(complete("tribune monitor -log-level d"), ["debug"]);
        assert_eq!(complete("tribune kv get -separator "), Vec::<String>::new());
        let bash =
            Request { line: "tribune watch -type=key", word: Some("key"), style: Style::Quoted, ..Request::default() };
        assert_eq!(answer(ALL, bash), ["key", "keyprefix"], "bash keeps what stands in front of the value");
    }

    #[test]
    fn what_stands_behind_the_cursor_does_not_count() {
        let request = Request { line: "tribune kv ge xyz", point: Some(13), ..Request::default() };
        assert_eq!(answer(ALL, request), ["get"]);
    }
}

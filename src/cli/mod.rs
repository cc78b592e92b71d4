//! The command tree: one file a command, one table of commands, Go-style flags, tables and JSON on stdout, errors on stderr.

pub mod command;
pub mod commands;
pub mod complete;
pub mod completions;
pub mod connect;
pub mod data;
pub mod flags;
pub mod help;
pub mod install;
pub mod man;
pub mod output;
pub mod pattern;
pub mod shell;
pub mod values;

pub use command::{Command, Context, Exit, Groups, OrExit, at_most};
pub use complete::Place;
pub use flags::{Flag, Kind, Matches};

use crate::types::secret::hidden;
use std::ffi::OsString;
use std::path::Path;

/// Runs the command line and returns the exit code.
pub fn run(args: Vec<OsString>) -> i32 {
    let name = args.first().and_then(|path| Path::new(path).file_name());
    let program = name.map_or_else(|| "tribune".to_string(), |name| name.to_string_lossy().into_owned());
    let cx = Context::stdio(program);
    if let Some(line) = std::env::var("COMP_LINE").ok().filter(|line| !line.is_empty()) {
        // bash and zsh call with the program's name, the word and the one before it
        let word = args.get(2).map(|word| word.to_string_lossy());
        let request = complete::Request {
            line: &line,
            point: std::env::var("COMP_POINT").ok().and_then(|point| point.parse().ok()),
            word: word.as_deref(),
            style: complete::Style::of(|name| std::env::var_os(name).is_some()),
        };
        complete::answer(commands::ALL, request).iter().for_each(|word| cx.output(word));
        return 0;
    }
    dispatch(&cx, args.get(1..).unwrap_or_default())
}

/// What the words before and around the command ask for (`spec/cli.md` 1).
#[derive(derive_more::Debug, Default)]
struct Request<'a> {
    help: bool,
    version: bool,
    install: bool,
    uninstall: bool,
    top_flags: bool,
    command: Option<&'static Command>,
    known_words: bool,
    #[debug("{}", hidden(args))]
    args: &'a [OsString],
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Command({})", self.name())
    }
}

impl<'a> Request<'a> {
    fn read(words: &'a [OsString]) -> Request<'a> {
        let mut request = Request::default();
        for (position, word) in words.iter().enumerate() {
            let word = word.to_string_lossy();
            match &*word {
                "--" => break,
                "-h" | "-help" | "--help" => request.help = true,
                "-autocomplete-install" | "--autocomplete-install" => request.install = true,
                "-autocomplete-uninstall" | "--autocomplete-uninstall" => request.uninstall = true,
                "-v" | "-version" | "--version" if !request.known_words => request.version = true,
                word if request.known_words || word.is_empty() => {}
                word if word.starts_with('-') => request.top_flags = true,
                _ => {
                    request.known_words = true;
                    let path = command_words(&words[position..]);
                    request.command = find(&path);
                    let used = request.command.map_or(1, |command| command.path.len());
                    request.args = &words[position + used..];
                }
            }
        }
        request
    }
}

/// The words that may belong to a command's name: up to the first that is empty, has a space or starts with a dash.
fn command_words(words: &[OsString]) -> Vec<String> {
    let texts = words.iter().map(|word| word.to_string_lossy().into_owned());
    texts.take_while(|word| !word.is_empty() && !word.contains(' ') && !word.starts_with('-')).collect()
}

/// The longest registered command whose words begin `words`.
fn find(words: &[String]) -> Option<&'static Command> {
    let begins = |command: &&&'static Command| {
        command.path.len() <= words.len() && command.path.iter().zip(words).all(|(a, b)| a == b)
    };
    commands::ALL.iter().chain(commands::HIDDEN).filter(begins).max_by_key(|command| command.path.len()).copied()
}

fn dispatch(cx: &Context, words: &[OsString]) -> i32 {
    let request = Request::read(words);
    let version = commands::ALL.iter().find(|command| command.path == ["version"]);
    if let (true, Some(version)) = (request.version, version) {
        return execute(cx, version, &[]);
    }
    if request.help && !request.known_words {
        cx.output(help::top_level(&cx.program, commands::ALL));
        return 0;
    }
    if request.install || request.uninstall {
        return autocomplete(cx, request.install, request.uninstall);
    }
    match request.command {
        None => {
            cx.error(help::top_level(&cx.program, commands::ALL));
            127
        }
        Some(command) if request.help => {
            cx.write(help::command(&cx.program, command, commands::ALL));
            0
        }
        Some(command) if request.top_flags => {
            cx.error("Invalid flags before the subcommand. If these flags are for\nthe subcommand, please put them after the subcommand.\n");
            cx.error(help::command(&cx.program, command, commands::ALL).trim_end());
            1
        }
        Some(command) => execute(cx, command, request.args),
    }
}

fn autocomplete(cx: &Context, install: bool, uninstall: bool) -> i32 {
    let both = "Either the autocomplete install or uninstall flag may be specified, but not both.";
    let changed = match (install && uninstall, std::env::current_exe()) {
        (true, _) => Err(both.to_string()),
        (false, Ok(binary)) => install::change(install, &install::home(), &cx.program, &binary.to_string_lossy()),
        (false, Err(error)) => Err(crate::client::os_text(&error)),
    };
    match changed {
        Ok(()) => 0,
        Err(error) => {
            cx.error(format!("Error executing CLI: {error}"));
            1
        }
    }
}

fn execute(cx: &Context, command: &Command, words: &[OsString]) -> i32 {
    let flags = command.all_flags();
    let is_child = |c: &&Command| c.path.len() > command.path.len() && c.path.starts_with(command.path);
    let group = !command.has_flags() && commands::ALL.iter().any(is_child);
    let matches = match flags::parse(&flags, words) {
        Ok(matches) => matches,
        Err(_) if group => Matches::default(),
        Err(error) => {
            cx.error(format!("{error}\n{}", flags::listing(&flags).trim_end()));
            if let Some(prefix) = command.flag_error {
                cx.error(format!("{prefix}{error}"));
            }
            return 1;
        }
    };
    match (command.run)(cx, &matches) {
        Ok(()) => 0,
        Err(exit) => {
            if let Some(message) = exit.message {
                cx.error(message);
            }
            if exit.help {
                cx.error(help::command(&cx.program, command, commands::ALL).trim_end());
            }
            exit.code
        }
    }
}

/// Returns when the user (SIGINT) or the system (SIGTERM) asks the command to end.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let hooks = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = hooks else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("not poisoned").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("UTF-8")
        }
    }

    /// Exit code, stdout and stderr of a command line.
    fn outcome(words: &[&str]) -> (i32, String, String) {
        let (out, err) = (Captured::default(), Captured::default());
        let cx = Context::new("tribune".into(), Box::new(out.clone()), Box::new(err.clone()));
        let code = dispatch(&cx, &words.iter().map(OsString::from).collect::<Vec<_>>());
        (code, out.text(), err.text())
    }

    #[test]
    fn an_unknown_command_gets_the_list_on_stderr_and_127() {
        for words in [&[][..], &["nosuch"], &["help"], &["kv get"], &["-http-addr=x"]] {
            let (code, out, err) = outcome(words);
            assert_eq!((code, out.as_str()), (127, ""), "{words:?}");
            assert!(
                err.starts_with("Usage: tribune [--version] [--help] <command> [<args>]\n\nAvailable commands are:\n")
            );
            assert!(err.ends_with("\n\n"), "an empty line ends the list");
        }
    }

    #[test]
    fn help_goes_to_stdout_from_anywhere_before_the_double_dash() {
        for words in [&["-h"][..], &["--help", "-x"]] {
            assert_eq!(outcome(words).0, 0);
            assert!(outcome(words).1.starts_with("Usage: tribune [--version]"));
        }
        let (code, out, err) = outcome(&["kv", "get", "key", "-help"]);
        assert_eq!((code, err.as_str()), (0, ""));
        assert!(out.starts_with("Usage: tribune kv get [options] [KEY_OR_PREFIX]\n\n"), "{out}");
        assert!(out.contains("\n\nHTTP API Options\n\n  -ca-file=<value>\n     "), "{out}");
        assert!(out.contains("\n\nCommand Options\n\n  -base64\n     "), "{out}");
        assert!(out.contains("\n\n  -separator=<String>\n     "), "{out}");
        assert!(out.ends_with("\n") && !out.ends_with("\n\n"));
    }

    #[test]
    fn a_group_lists_its_children_on_stderr() {
        for words in [&["kv"][..], &["kv", "nosuch"], &["kv", "-nosuch"]] {
            let (code, out, err) = outcome(words);
            assert_eq!((code, out.as_str()), (1, ""), "{words:?}");
            assert!(err.contains("\n\nSubcommands:\n    delete    Removes data"), "{err}");
        }
    }

    #[test]
    fn version_beats_help_but_only_before_the_command() {
        assert!(outcome(&["-v", "-h"]).1.starts_with("Tribune v"));
        assert!(outcome(&["--version"]).1.ends_with("compatible agents)\n\n"));
        assert_eq!(outcome(&["kv", "-v"]).0, 1);
    }

    #[test]
    fn flags_left_of_the_command_are_refused() {
        let (code, out, err) = outcome(&["-http-addr=x", "kv", "get", "k"]);
        assert_eq!((code, out.as_str()), (1, ""));
        let first = "Invalid flags before the subcommand. If these flags are for\nthe subcommand, please put them after the subcommand.\n\nUsage: tribune kv get";
        assert!(err.starts_with(first), "{err}");
    }

    #[test]
    fn flag_errors_come_with_a_listing_and_the_commands_own_line() {
        let (code, _, err) = outcome(&["operator", "raft", "list-peers", "-nosuch"]);
        assert_eq!(code, 1);
        assert!(err.starts_with("flag provided but not defined: -nosuch\nUsage:\n  -ca-file value\n    \t"), "{err}");
        assert!(err.ends_with("\nFailed to parse args: flag provided but not defined: -nosuch\n"), "{err}");
    }

    #[test]
    fn arguments_are_checked_before_anything_is_sent() {
        let cases = [
            (&["kv", "get", "a", "-detailed"][..], "Too many arguments (expected 1, got 2)\n"),
            (&["kv", "get"], "Error! Missing KEY argument\n"),
            (
                &["kv", "delete", "-cas", "a"],
                "Cannot delete a key that does not exist. Provide a -modify-index greater than than 0.\n",
            ),
            (&["snapshot", "save"], "Missing FILE argument\n"),
            (&["watch", "-type=key"], "Must specify a single key to watch\n"),
            (&["maint", "-enable", "-disable"], "Only one of -enable or -disable may be provided\n"),
            (
                &["kv", "get", "-http-addr=foo://x", "a"],
                "Error connecting to Consul agent: Unknown protocol scheme: foo\n",
            ),
        ];
        for (words, error) in cases {
            assert_eq!(outcome(words), (1, String::new(), error.to_string()), "{words:?}");
        }
    }

    #[test]
    fn every_command_has_a_parent_and_tells_how_to_use_it() {
        for command in commands::ALL {
            let parent = &command.path[..command.path.len() - 1];
            assert!(parent.is_empty() || commands::ALL.iter().any(|c| c.path == parent), "{command:?} has no parent");
            assert!(command.usage.starts_with(&format!("Usage: {{program}} {}", command.name())), "{command:?}");
            assert!(!command.synopsis.is_empty(), "{command:?}");
        }
    }
}

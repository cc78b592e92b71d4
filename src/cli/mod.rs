//! The command tree: one file a command, one table of commands, Go-style flags, tables and JSON on stdout, errors on stderr.

pub mod command;
pub mod commands;
pub mod connect;
pub mod data;
pub mod flags;
pub mod help;
pub mod output;
pub mod pattern;

pub use command::{Command, Context, Exit, Groups, OrExit, at_most};
pub use flags::{Flag, Kind, Matches};

use std::ffi::OsString;
use std::path::Path;

/// Runs the command line and returns the exit code.
pub fn run(args: Vec<OsString>) -> i32 {
    let name = args.first().and_then(|path| Path::new(path).file_name());
    let program = name.map_or_else(|| "tribune".to_string(), |name| name.to_string_lossy().into_owned());
    dispatch(&Context::stdio(program), args.get(1..).unwrap_or_default())
}

/// What the words before and around the command ask for (`spec/cli.md` 1).
#[derive(Debug, Default)]
struct Request<'a> {
    help: bool,
    version: bool,
    top_flags: bool,
    command: Option<&'static Command>,
    known_words: bool,
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
    commands::ALL.iter().filter(begins).max_by_key(|command| command.path.len()).copied()
}

fn dispatch(cx: &Context, words: &[OsString]) -> i32 {
    let request = Request::read(words);
    let version = commands::ALL.iter().find(|command| command.path == ["version"]);
    if let (true, Some(version)) = (request.version, version) {
        return execute(cx, version, &[]);
    }
    match request.command {
        None if request.help && !request.known_words => {
            cx.output(help::top_level(&cx.program, commands::ALL));
            0
        }
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

fn execute(cx: &Context, command: &Command, words: &[OsString]) -> i32 {
    let flags = command.all_flags();
    let is_child = |c: &&Command| c.path.len() > command.path.len() && c.path.starts_with(command.path);
    let group = !command.has_flags() && commands::ALL.iter().any(|c| is_child(&c));
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

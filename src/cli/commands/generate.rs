//! `generate`: what packages need that is made from the table of commands. Not listed: users have no need of it.

use super::ALL;
use crate::cli::complete::{self, Cursor};
use crate::cli::{Command, Context, Exit, Groups, Matches, completions, man};
use crate::client::os_text;
use std::path::Path;

/// The command.
pub static COMMAND: Command = Command {
    path: &["generate"],
    synopsis: "Writes completion scripts and manual pages",
    usage: "Usage: {program} generate completions|man DIR

  Writes completion scripts for bash, zsh and fish, or the manual pages of the
  program and of every command, to a directory. For packages; the files are
  those of the name that the program is called by.

      $ {program} generate completions completions
      $ {program} generate man man/man1",
    groups: Groups::NONE,
    flags: &[],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let files = match m.args() {
        [what, words @ ..] if what == "candidates" => {
            candidates(cx, words);
            return Ok(());
        }
        [what, _] if what == "completions" => completions::scripts(&cx.program, ALL),
        [what, _] if what == "man" => man::pages(&cx.program, ALL, man::date()),
        _ => return Err(Exit::usage("Expected what to write, and a directory")),
    };
    let folder = Path::new(&m.args()[1]);
    let failed = |path: &Path, error: std::io::Error| Exit::error(format!("{}: {}", path.display(), os_text(&error)));
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| failed(&path, error))?;
        cx.output(path.display().to_string());
    }
    Ok(())
}

/// What scripts ask for: candidates for the last of these words, which stand behind the program's name, a line each.
fn candidates(cx: &Context, words: &[String]) {
    let words = words.strip_prefix(&["--".to_owned()][..]).unwrap_or(words);
    let cursor = Cursor::read(ALL, words);
    complete::candidates(ALL, &cursor).iter().for_each(|candidate| cx.output(candidate));
}

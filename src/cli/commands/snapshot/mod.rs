//! `snapshot`: archives of the servers' state (`spec/cli.md` 25, `spec/snapshot.md`).

pub mod decode;
pub mod inspect;
pub mod restore;
pub mod save;

use crate::cli::{Command, Exit, Matches, at_most};
use crate::client::os_text;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The group.
pub static COMMAND: Command = Command::group(
    &["snapshot"],
    "Saves, restores and inspects snapshots of Consul server state",
    "Usage: {program} snapshot <subcommand> [options] [args]

  Saves the state of the servers to a file, restores it, and shows what a
  file holds. With ACLs on, a management token is needed.

      $ {program} snapshot save backup.snap
      $ {program} snapshot inspect backup.snap
      $ {program} snapshot restore backup.snap",
);

/// The one FILE argument.
fn file_argument(m: &Matches) -> Result<PathBuf, Exit> {
    at_most(1, m)?;
    m.raw_arg(0).map(PathBuf::from).ok_or_else(|| Exit::error("Missing FILE argument"))
}

fn open(path: &Path) -> Result<File, Exit> {
    File::open(path).map_err(|error| {
        Exit::error(format!("Error opening snapshot file: open {}: {}", path.display(), os_text(&error)))
    })
}

//! `tls`: certificates for a cluster of its own (`spec/cli.md` 26). Files go to the working directory.

pub mod ca;
pub mod cert;

use crate::cli::{Command, Context, Exit};
use crate::client::os_text;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Seconds of a day.
const DAY: i64 = 86_400;

/// No certificate lives longer: a hundred years.
const DAYS_LIMIT: i64 = 36_525;

/// The group.
pub static COMMAND: Command = Command::group(
    &["tls"],
    "Builtin helpers for creating CAs and certificates",
    "Usage: {program} tls <subcommand> <subcommand> [options]

  Makes what a cluster needs to speak TLS: an authority of its own, and the
  certificates of servers, client agents and users.

      $ {program} tls ca create
      $ {program} tls cert create -server
      $ {program} tls cert create -client
      $ {program} tls cert create -cli",
);

/// The moment at which a certificate ends that begins now.
fn end(from: i64, days: i64) -> Result<i64, Exit> {
    if days > DAYS_LIMIT {
        return Err(Exit::error(format!("-days cannot be more than {DAYS_LIMIT}")));
    }
    Ok(from + days * DAY)
}

/// Writes a new file and says so.
fn save(cx: &Context, path: &str, text: &str, mode: u32) -> Result<(), Exit> {
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|error| Exit::error(format!("open {path}: {}", os_text(&error))))?;
    cx.output(format!("==> Saved {path}"));
    Ok(())
}

fn exists(path: &str) -> bool {
    Path::new(path).symlink_metadata().is_ok()
}

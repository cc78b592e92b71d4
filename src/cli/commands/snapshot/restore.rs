//! `snapshot restore` (`spec/cli.md` 25).

use super::{file_argument, open};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::client::{Body, Params};

/// The command.
pub static COMMAND: Command = Command {
    path: &["snapshot", "restore"],
    synopsis: "Restores snapshot of Consul server state",
    usage: "Usage: {program} snapshot restore [options] FILE

  Replaces the whole state of the servers by that of a file. The cluster's
  own servers stay as they are. There is no way back but another snapshot.

      $ {program} snapshot restore backup.snap",
    groups: Groups::CS,
    flags: &[],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let path = file_argument(m)?;
    let client = connect(cx, m)?;
    let file = open(&path)?;
    let restored = cx.block_on(async { client.put("/v1/snapshot", Params::new(), Some(Body::file(file))).await });
    restored.or_exit("Error restoring snapshot")?;
    cx.output("Restored snapshot");
    Ok(())
}

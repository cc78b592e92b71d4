//! `keygen`: a key for gossip encryption.

use crate::cli::{Command, Context, Exit, Groups, Matches};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rand::RngCore;

/// Prints 32 random bytes in base64 (`spec/cli.md` 17).
pub static COMMAND: Command = Command {
    path: &["keygen"],
    synopsis: "Generates a new encryption key",
    usage: "Usage: {program} keygen

  Generates a new 32-byte encryption key that can be used to configure the
  agent to encrypt traffic. The output of this command is already in the
  proper format that the agent expects.",
    groups: Groups::NONE,
    flags: &[],
    flag_error: None,
    run,
};

fn run(cx: &Context, _: &Matches) -> Result<(), Exit> {
    let mut key = [0u8; 32];
    rand::rng().fill_bytes(&mut key);
    cx.output(STANDARD.encode(key));
    Ok(())
}

//! `kv`: the key/value store.

pub mod delete;
pub mod export;
pub mod get;
pub mod import;
pub mod put;

use crate::cli::Command;
use base64::DecodeError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The group.
pub static COMMAND: Command = Command::group(
    &["kv"],
    "Interact with the key-value store",
    "Usage: {program} kv <subcommand> [options] [args]

  Reads and writes the key-value store. Some examples; each subcommand has
  more in its own help.

  Write the value \"5\" to a key, creating it if necessary:

      $ {program} kv put redis/config/connections 5

  Read it back:

      $ {program} kv get redis/config/connections

  Show everything that is known about the key:

      $ {program} kv get -detailed redis/config/connections

  Delete it:

      $ {program} kv delete redis/config/connections",
);

/// Keys are written without a leading slash; one that was typed is dropped.
fn without_slash(key: &str) -> &str {
    key.strip_prefix('/').unwrap_or(key)
}

/// Decodes base64 as Go does: line ends are skipped; what was whole before an error is kept.
fn decode(text: &[u8]) -> (Vec<u8>, Option<String>) {
    let text: Vec<u8> = text.iter().copied().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let error = match STANDARD.decode(&text) {
        Ok(decoded) => return (decoded, None),
        Err(error) => error,
    };
    let offset = match error {
        DecodeError::InvalidByte(offset, _) | DecodeError::InvalidLastSymbol(offset, _) => offset,
        DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => text.len() / 4 * 4,
    };
    let whole = text.chunks_exact(4).map_while(|four| STANDARD.decode(four).ok());
    (whole.flatten().collect(), Some(format!("illegal base64 data at input byte {offset}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_base64_keeps_what_was_whole() {
        let error = |offset| Some(format!("illegal base64 data at input byte {offset}"));
        assert_eq!(decode(b"aGVs\nbG8=\n"), (b"hello".to_vec(), None));
        assert_eq!(decode(b"aGVs!bG8="), (b"hel".to_vec(), error(4)));
        assert_eq!(decode(b"aGVsbG8"), (b"hel".to_vec(), error(4)));
    }
}

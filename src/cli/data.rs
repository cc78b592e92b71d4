//! Arguments that name data: `@file`, `-` for stdin, or the text itself (`spec/cli.md` 6, type 1).

use crate::client::os_text;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;

/// Loads a type 1 argument, byte for byte.
///
/// # Errors
/// `Failed to read file: open <path>: ...`, `Failed to read stdin: ...`.
pub fn load(argument: &OsStr) -> Result<Vec<u8>, String> {
    match argument.as_bytes() {
        b"-" => read_stdin(),
        [b'@', path @ ..] => read_file(OsStr::from_bytes(path)),
        text => Ok(text.to_vec()),
    }
}

fn read_stdin() -> Result<Vec<u8>, String> {
    let mut data = Vec::new();
    std::io::stdin().read_to_end(&mut data).map_err(|error| format!("Failed to read stdin: {}", os_text(&error)))?;
    Ok(data)
}

fn read_file(path: &OsStr) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("Failed to read file: open {}: {}", path.display(), os_text(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    #[test]
    fn text_stands_for_itself_and_an_at_sign_names_a_file() {
        assert_eq!(load(OsStr::new("-foo")), Ok(b"-foo".to_vec()));
        assert_eq!(load(OsStr::new("")), Ok(Vec::new()));
        let file = tempfile::NamedTempFile::new().expect("temporary file");
        std::fs::write(file.path(), b"\xff\n").expect("write");
        let mut argument = OsString::from("@");
        argument.push(file.path());
        assert_eq!(load(&argument), Ok(b"\xff\n".to_vec()));
        assert_eq!(
            load(OsStr::new("@/nonexistent/f")),
            Err("Failed to read file: open /nonexistent/f: no such file or directory".into())
        );
    }
}

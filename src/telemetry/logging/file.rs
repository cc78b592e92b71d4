//! A log file with rotation by size and age (`spec/agent-config.md` 8).

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Permissions of the agent's log.
pub const MODE: u32 = 0o640;

/// Where to log and when to rotate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// The active file.
    pub path: PathBuf,
    /// Age at which it is rotated; zero for never.
    pub duration: Duration,
    /// Size at which it is rotated; 0 for never.
    pub bytes: u64,
    /// Rotated files to keep: 0 all, negative none.
    pub max_files: i64,
    /// Permissions of a new file.
    pub mode: u32,
}

impl Rotation {
    /// The active file of a configured path: a directory (a path that ends in `/`) gets `consul.log`.
    pub fn path_of(configured: &str) -> PathBuf {
        if configured.ends_with('/') { Path::new(configured).join("consul.log") } else { configured.into() }
    }

    /// Name without extension, and the extension with its dot (`.log` when there is none).
    fn name_parts(&self) -> (String, String) {
        let part = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        let extension =
            part(self.path.extension()).map_or_else(|| ".log".to_owned(), |extension| format!(".{extension}"));
        (part(self.path.file_stem()).unwrap_or_default(), extension)
    }
}

/// An open log file.
pub struct LogFile {
    rotation: Rotation,
    file: File,
    created: SystemTime,
    written: u64,
    rotates: bool,
}

impl LogFile {
    /// Opens the active file for append.
    ///
    /// # Errors
    /// What the system said, with the path.
    pub fn open(rotation: Rotation) -> io::Result<LogFile> {
        let file = open_active(&rotation.path, rotation.mode)?;
        let metadata = file.metadata()?;
        let created = metadata.created().unwrap_or_else(|_| SystemTime::now());
        // renaming a device or a pipe would take it away from everybody
        let rotates = metadata.is_file();
        Ok(LogFile { rotates, file, created, written: metadata.len(), rotation })
    }

    /// Appends a line, after a rotation if one is due. A failed rotation keeps the active file.
    pub fn write(&mut self, line: &[u8], now: SystemTime) -> io::Result<()> {
        let age = now.duration_since(self.created).unwrap_or_default();
        let too_big = self.rotation.bytes > 0 && self.written >= self.rotation.bytes;
        let too_old = !self.rotation.duration.is_zero() && age >= self.rotation.duration;
        if self.rotates && (too_big || too_old) {
            self.rotate(now)?;
        }
        self.file.write_all(line)?;
        self.written += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self, now: SystemTime) -> io::Result<()> {
        let (name, extension) = self.rotation.name_parts();
        let nanos = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
        let archived = self.rotation.path.with_file_name(format!("{name}-{nanos}{extension}"));
        std::fs::rename(&self.rotation.path, archived)?;
        self.file = open_active(&self.rotation.path, self.rotation.mode)?;
        (self.created, self.written) = (now, 0);
        self.prune()
    }

    /// Deletes the oldest rotated files beyond the limit.
    fn prune(&self) -> io::Result<()> {
        let keep = match self.rotation.max_files {
            0 => return Ok(()),
            limit => usize::try_from(limit).unwrap_or(0),
        };
        let mut rotated = self.rotated()?;
        rotated.sort_unstable();
        let surplus = rotated.len().saturating_sub(keep);
        rotated.into_iter().take(surplus).try_for_each(|(_, path)| std::fs::remove_file(path))
    }

    /// Rotated files with the time in their names.
    fn rotated(&self) -> io::Result<Vec<(u128, PathBuf)>> {
        let (name, extension) = self.rotation.name_parts();
        let directory = self.rotation.path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let entries = std::fs::read_dir(directory.unwrap_or(Path::new(".")))?;
        let stamp = |path: &Path| {
            let file_name = path.file_name()?.to_str()?;
            file_name.strip_prefix(&name)?.strip_prefix('-')?.strip_suffix(&extension)?.parse::<u128>().ok()
        };
        Ok(entries.flatten().map(|entry| entry.path()).filter_map(|path| Some((stamp(&path)?, path))).collect())
    }
}

fn open_active(path: &Path, mode: u32) -> io::Result<File> {
    let opened = OpenOptions::new().create(true).append(true).mode(mode).open(path);
    opened.map_err(|error| io::Error::new(error.kind(), format!("open {}: {}", path.display(), plain(&error))))
}

/// The words of a system error without the number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::from_secs(1_800_000_000);

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + START + Duration::from_secs(seconds)
    }

    fn open(directory: &Path, name: &str, bytes: u64, duration: u64, max_files: i64) -> LogFile {
        let rotation = Rotation {
            path: directory.join(name),
            duration: Duration::from_secs(duration),
            bytes,
            max_files,
            mode: MODE,
        };
        let mut file = LogFile::open(rotation).expect("a writable directory");
        file.created = at(0);
        file
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).expect("a directory").flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_full_file_is_renamed_and_the_active_one_keeps_its_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut file = open(directory.path(), "agent.txt", 10, 0, 0);
        file.write(b"0123456789\n", at(1)).expect("written");
        file.write(b"next\n", at(2)).expect("written");
        assert_eq!(names(directory.path()), ["agent-1800000002000000000.txt", "agent.txt"]);
        assert_eq!(std::fs::read(directory.path().join("agent.txt")).expect("read"), b"next\n");
    }

    #[test]
    fn an_old_file_is_rotated_and_surplus_files_are_deleted() {
        for (max_files, kept) in [(0, 4), (2, 2), (-1, 0)] {
            let directory = tempfile::tempdir().expect("a directory");
            let mut file = open(directory.path(), "agent", 0, 60, max_files);
            for minute in 1..=4 {
                file.write(b"line\n", at(minute * 60)).expect("written");
            }
            let rotated = names(directory.path()).iter().filter(|name| name.ends_with(".log")).count();
            assert_eq!(rotated, kept, "log_rotate_max_files = {max_files}");
        }
    }

    #[test]
    fn what_is_no_file_is_never_renamed() {
        let directory = tempfile::tempdir().expect("a directory");
        let pipe = directory.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        let _reader = OpenOptions::new().read(true).write(true).open(&pipe).expect("its other end");
        let mut file = open(directory.path(), "pipe", 1, 1, 0);
        file.write(b"one\n", at(1)).expect("written");
        file.write(b"two\n", at(100)).expect("written");
        assert_eq!(names(directory.path()), ["pipe"]);
    }

    #[test]
    fn a_path_that_ends_in_a_slash_is_a_directory() {
        assert_eq!(Rotation::path_of("/var/log/x/"), Path::new("/var/log/x/consul.log"));
        assert_eq!(Rotation::path_of("/var/log/x.log"), Path::new("/var/log/x.log"));
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named() {
        let rotation = Rotation {
            path: "/nonexistent/agent.log".into(),
            duration: Duration::ZERO,
            bytes: 0,
            max_files: 0,
            mode: MODE,
        };
        let error = LogFile::open(rotation).err().expect("there is no such directory");
        assert_eq!(error.to_string(), "open /nonexistent/agent.log: no such file or directory");
    }
}

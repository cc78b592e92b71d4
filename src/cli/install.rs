//! `-autocomplete-install` and `-autocomplete-uninstall`: a line in the rc file of each shell that the user has
//! (`spec/cli.md` 1).

use crate::client::os_text;
use std::fs;
use std::path::{Path, PathBuf};

/// A shell's file and what belongs into it.
struct Target {
    file: PathBuf,
    /// The lines to add, or the whole content.
    text: String,
    /// The folder of a shell for which the file holds nothing else.
    folder: Option<PathBuf>,
}

/// Shells whose files exist below `home`.
fn targets(home: &Path, program: &str, binary: &str) -> Vec<Target> {
    let mut targets = Vec::new();
    if let Some(file) = [".bashrc", ".bash_profile"].iter().map(|name| home.join(name)).find(|file| file.exists()) {
        targets.push(Target { file, text: format!("complete -C {binary} {program}\n"), folder: None });
    }
    let zshrc = home.join(".zshrc");
    if zshrc.exists() {
        let text = format!("autoload -U +X bashcompinit && bashcompinit\ncomplete -o nospace -C {binary} {program}\n");
        targets.push(Target { file: zshrc, text, folder: None });
    }
    let fish = home.join(".config/fish");
    if fish.is_dir() {
        let text = format!(
            "function __complete_{program}\n    set -lx COMP_LINE (commandline -cp)\n    test -z (commandline -ct)\n    \
             and set COMP_LINE \"$COMP_LINE \"\n    {binary}\nend\ncomplete -f -c {program} -a \"(__complete_{program})\"\n\n"
        );
        let file = fish.join("completions").join(format!("{program}.fish"));
        targets.push(Target { file, text, folder: Some(fish) });
    }
    targets
}

impl Target {
    fn content(&self) -> String {
        fs::read_to_string(&self.file).unwrap_or_default()
    }

    /// The line that tells whether it is installed.
    fn mark(&self) -> &str {
        self.text.trim_end().lines().last().unwrap_or_default()
    }

    fn installed(&self) -> bool {
        self.content().lines().any(|line| line == self.mark())
    }

    fn install(&self) -> Result<(), String> {
        if self.installed() {
            let at = if self.folder.is_some() { "at" } else { "in" };
            return Err(format!("already installed {at} {}", self.file.display()));
        }
        let old = if self.folder.is_some() { String::new() } else { self.content() };
        // A line that another program's completion put there is not repeated.
        let is_there = |line: &str| !line.is_empty() && old.lines().any(|old| old == line);
        let missing: String =
            self.text.lines().filter(|line| !is_there(line)).map(|line| format!("{line}\n")).collect();
        self.write(&format!("{old}\n{missing}"))
    }

    fn uninstall(&self) -> Result<(), String> {
        if !self.installed() {
            let place = self.folder.as_ref().unwrap_or(&self.file);
            return Err(format!("does not installed in {}", place.display()));
        }
        if self.folder.is_some() {
            return fs::remove_file(&self.file).map_err(|error| self.failure("remove", &error));
        }
        let rest: String =
            self.content().lines().filter(|line| *line != self.mark()).map(|line| format!("{line}\n")).collect();
        self.write(&rest)
    }

    fn write(&self, text: &str) -> Result<(), String> {
        let directory = self.file.parent().map_or(Ok(()), fs::create_dir_all);
        directory.and_then(|()| fs::write(&self.file, text)).map_err(|error| self.failure("open", &error))
    }

    fn failure(&self, action: &str, error: &std::io::Error) -> String {
        format!("{action} {}: {}", self.file.display(), os_text(error))
    }
}

/// Installs or removes completion for all shells of the user whose home this is; texts and files are the reference's.
///
/// # Errors
/// There are no shells, or `N error(s) occurred:` with a line each.
pub fn change(install: bool, home: &Path, program: &str, binary: &str) -> Result<(), String> {
    let targets = targets(home, program, binary);
    if targets.is_empty() {
        return Err(format!("Did not find any shells to {}", if install { "install" } else { "uninstall" }));
    }
    let changed = targets.iter().map(|target| if install { target.install() } else { target.uninstall() });
    let errors: Vec<String> = changed.filter_map(Result::err).collect();
    let count = match errors.len() {
        0 => return Ok(()),
        1 => "1 error".to_string(),
        more => format!("{more} errors"),
    };
    let list: String = errors.iter().map(|error| format!("\t* {error}\n")).collect();
    Err(format!("{count} occurred:\n{list}\n"))
}

/// Home directory of the user who runs this, by the user database.
pub fn home() -> PathBuf {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten();
    user.map_or_else(|| PathBuf::from("/"), |user| user.dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_added_once_and_removed_again() {
        let home = tempfile::tempdir().expect("temporary directory");
        let rc = home.path().join(".bashrc");
        fs::write(&rc, "alias x=y").expect("write");
        let run = |install| change(install, home.path(), "tribune", "/usr/bin/tribune");
        assert_eq!(run(true), Ok(()));
        assert_eq!(fs::read_to_string(&rc).expect("read"), "alias x=y\ncomplete -C /usr/bin/tribune tribune\n");
        assert_eq!(run(true), Err(format!("1 error occurred:\n\t* already installed in {}\n\n", rc.display())));
        assert_eq!(run(false), Ok(()));
        assert_eq!(fs::read_to_string(&rc).expect("read"), "alias x=y\n");
        assert_eq!(run(false), Err(format!("1 error occurred:\n\t* does not installed in {}\n\n", rc.display())));
    }

    #[test]
    fn a_home_without_shells_is_told() {
        let home = tempfile::tempdir().expect("temporary directory");
        for (install, text) in
            [(true, "Did not find any shells to install"), (false, "Did not find any shells to uninstall")]
        {
            assert_eq!(change(install, home.path(), "tribune", "/usr/bin/tribune"), Err(text.to_owned()));
        }
    }

    #[test]
    fn fish_gets_a_file_of_its_own() {
        let home = tempfile::tempdir().expect("temporary directory");
        fs::create_dir_all(home.path().join(".config/fish")).expect("directory");
        let file = home.path().join(".config/fish/completions/consul.fish");
        assert_eq!(change(true, home.path(), "consul", "/usr/bin/consul"), Ok(()));
        assert!(fs::read_to_string(&file).expect("read").contains("complete -f -c consul"));
        assert_eq!(change(false, home.path(), "consul", "/usr/bin/consul"), Ok(()));
        assert!(!file.exists());
    }
}

//! The shared files of AWS tools (`~/.aws/config`, `~/.aws/credentials`): profiles with settings.

use super::super::os_text;
use super::Credentials;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

/// The settings that make credentials. They count together or not at all.
const KEYS: [&str; 3] = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];

/// The texts of both files, the configuration first.
#[derive(Default)]
pub(super) struct Files {
    paths: Vec<PathBuf>,
    texts: Vec<String>,
    unreadable: Vec<String>,
}

/// The settings of a profile.
#[derive(Default)]
pub(super) struct Profile(BTreeMap<String, String>);

impl Files {
    /// Reads the files that the environment names, those in the home folder otherwise. A file that is not there is empty.
    pub(super) fn read(variable: &dyn Fn(&str) -> Option<String>) -> Files {
        let path = |name: &str, below_home: &str| {
            let home = || variable("HOME").map(|home| PathBuf::from(home).join(below_home));
            variable(name).map(PathBuf::from).or_else(home)
        };
        let mut files = Files::default();
        for path in [path("AWS_CONFIG_FILE", ".aws/config"), path("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")] {
            let Some(path) = path else { continue };
            match std::fs::read_to_string(&path) {
                Ok(text) => files.texts.push(text),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => files.unreadable.push(format!("{} ({})", path.display(), os_text(&error))),
            }
            files.paths.push(path);
        }
        files
    }

    /// What was read, and what could not be.
    pub(super) fn described(&self) -> String {
        let list = |items: Vec<String>| items.join(", ");
        let mut text = match self.paths.as_slice() {
            [] => "no file, since HOME is not set".to_owned(),
            paths => list(paths.iter().map(|path| path.display().to_string()).collect()),
        };
        if !self.unreadable.is_empty() {
            text.push_str(&format!("; cannot be read: {}", list(self.unreadable.clone())));
        }
        text
    }

    /// The profile of this name; what the credentials file says of it counts for more.
    pub(super) fn profile(&self, name: &str) -> Option<Profile> {
        let mut found = None;
        for text in &self.texts {
            let Some(mut section) = section(text, name) else { continue };
            let merged: &mut BTreeMap<_, _> = found.get_or_insert_default();
            let whole = KEYS[..2].iter().all(|key| section.contains_key(*key));
            // A file that has one of the keys says nothing, one that has both says everything.
            let dropped = if whole { &mut *merged } else { &mut section };
            dropped.retain(|key, _| !KEYS.contains(&key.as_str()));
            merged.extend(section);
        }
        found.map(Profile)
    }
}

impl Profile {
    /// A setting that is not empty.
    pub(super) fn get(&self, key: &str) -> Option<String> {
        self.0.get(key).filter(|value| !value.is_empty()).cloned()
    }

    /// The keys in it.
    pub(super) fn keys(&self) -> Option<Credentials> {
        let [id, secret, token] = KEYS.map(|key| self.get(key));
        Credentials::of(id, secret, token)
    }
}

/// The settings of `[profile name]`, else those of `[name]`.
fn section(text: &str, profile: &str) -> Option<BTreeMap<String, String>> {
    let mut sections: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    let (mut current, mut nested) = (None, false);
    for line in text.lines() {
        let (indented, line) = (line.starts_with([' ', '\t']), uncommented(line));
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.split(']').next().unwrap_or_default();
            let name = name.split_whitespace().map(|word| word.trim_matches('"')).collect::<Vec<_>>().join(" ");
            sections.entry(name.clone()).or_default();
            (current, nested) = (Some(name), false);
        } else if let (Some((key, value)), Some(name)) = (line.split_once('='), &current) {
            // What is indented below a setting without a value belongs to that setting.
            if indented && nested {
                continue;
            }
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().to_owned());
            nested = value.is_empty();
            sections.entry(name.clone()).or_default().insert(key, value);
        }
    }
    let of_config = sections.remove(&format!("profile {profile}"));
    of_config.or_else(|| sections.remove(profile))
}

/// A line without its comment: `#` or `;` at its begin or behind a blank.
fn uncommented(line: &str) -> &str {
    let line = line.trim();
    let begins = line
        .char_indices()
        .find(|(at, letter)| matches!(letter, '#' | ';') && (*at == 0 || line[..*at].ends_with([' ', '\t'])));
    begins.map_or(line, |(at, _)| &line[..at]).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_are_read_from_both_files() {
        let config = "# mine\n[default]\nregion = eu-west-1 ; near\naws_access_key_id = a\naws_secret_access_key=b=#;c\n\
                      aws_session_token = old\ns3 =\n  region = no\n  addressing_style = path\noutput = json\n\
                      [profile  x]\n  REGION=us-east-2\n[x]\nregion = wrong\n[profile \"two words\"]\nregion = r\n\
                      [half]\naws_access_key_id = a\n[profile empty]\n";
        let credentials = "[default]\naws_access_key_id=c\naws_secret_access_key=d\n[half]\naws_secret_access_key=e\n\
                           [x] # here\naws_access_key_id=f\naws_secret_access_key=g\naws_session_token = h\n";
        let files =
            |texts: &[&str]| Files { texts: texts.iter().map(ToString::to_string).collect(), ..Files::default() };
        let both = files(&[config, credentials]);
        // files, profile, region, access key, secret, session token
        let cases = [
            (&both, "default", "eu-west-1", "c", "d", ""),
            (&both, "x", "us-east-2", "f", "g", "h"),
            (&both, "two words", "r", "", "", ""),
            (&both, "half", "", "", "", ""),
            (&both, "empty", "", "", "", ""),
            (&files(&[config]), "default", "eu-west-1", "a", "b=#;c", "old"),
            (&files(&[credentials]), "x", "", "f", "g", "h"),
        ];
        for (files, name, region, id, secret, token) in cases {
            let profile = files.profile(name).expect(name);
            let keys = profile.keys().unwrap_or_default();
            let found = (keys.access_key_id.as_str(), keys.secret_access_key.as_str(), keys.session_token.as_str());
            assert_eq!(
                (profile.get("region").unwrap_or_default().as_str(), found),
                (region, (id, secret, token)),
                "{name}"
            );
        }
        for name in ["y", "profile", "profile y", ""] {
            assert!(both.profile(name).is_none(), "{name}");
        }
    }

    #[test]
    fn files_are_where_the_environment_says() {
        let home = tempfile::tempdir().expect("a folder");
        let path = |name: &str| home.path().join(name);
        std::fs::create_dir_all(path(".aws/folder")).expect("a folder");
        std::fs::write(path(".aws/config"), "[default]\nregion = a").expect("written");
        std::fs::write(path("other"), "[default]\nregion = b").expect("written");
        let text = |name: &str| path(name).display().to_string();
        // AWS_CONFIG_FILE, the region found, the end of what is said of the files
        let cases = [
            (None, Some("a"), "/.aws/config, ".to_owned() + &text(".aws/credentials")),
            (Some("other"), Some("b"), "/other, ".to_owned() + &text(".aws/credentials")),
            (Some("none"), None, "/none, ".to_owned() + &text(".aws/credentials")),
            (Some(".aws/folder"), None, format!("; cannot be read: {} (is a directory)", text(".aws/folder"))),
        ];
        for (file, region, described) in cases {
            let files = Files::read(&|name: &str| match name {
                "HOME" => Some(home.path().display().to_string()),
                "AWS_CONFIG_FILE" => file.map(text),
                _ => None,
            });
            assert_eq!(files.profile("default").and_then(|profile| profile.get("region")).as_deref(), region);
            assert!(files.described().ends_with(&described), "{}", files.described());
        }
        assert_eq!(Files::read(&|_| None).described(), "no file, since HOME is not set");
    }
}

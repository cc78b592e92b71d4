//! `auto_reload_config`: a changed configuration file reloads the agent (`spec/agent-config.md` 8).

use super::Agent;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time between looks at the files; a change counts when the files have been still for this long.
const INTERVAL: Duration = Duration::from_secs(1);

/// What changes when a file is written, replaced, made or removed.
type Mark = Option<(u64, u64, i64, i64)>;

fn mark(path: &Path) -> Mark {
    let found = std::fs::metadata(path).ok()?;
    Some((found.ino(), found.size(), found.mtime(), found.mtime_nsec()))
}

fn marks(paths: &[PathBuf]) -> Vec<Mark> {
    paths.iter().map(|path| mark(path)).collect()
}

/// Tells a change that has ended from one under way and from none.
struct Watcher {
    paths: Vec<PathBuf>,
    /// The files as they were loaded.
    loaded: Vec<Mark>,
    /// The files at the last look.
    last: Vec<Mark>,
}

impl Watcher {
    fn new(paths: Vec<PathBuf>) -> Watcher {
        let loaded = marks(&paths);
        Watcher { paths, last: loaded.clone(), loaded }
    }

    /// Watches these files; what is known of one stays known, so that no change since is missed.
    fn with_paths(self, paths: Vec<PathBuf>) -> Watcher {
        let before = |path: &PathBuf| self.paths.iter().position(|known| known == path).map(|at| self.loaded[at]);
        let loaded: Vec<Mark> = paths.iter().map(|path| before(path).unwrap_or_else(|| mark(path))).collect();
        Watcher { paths, last: loaded.clone(), loaded }
    }

    /// Looks at the files; true when they have changed and are still now.
    fn changed(&mut self) -> bool {
        let now = marks(&self.paths);
        let still = now == self.last;
        self.last = now;
        still && self.last != self.loaded
    }
}

impl Agent {
    /// Files and directories that the configuration came from, with the certificates that it names.
    fn watched_paths(&self) -> Vec<PathBuf> {
        let config = self.config();
        let tls = [&config.tls.internal_rpc, &config.tls.https, &config.tls.grpc];
        let certificates = tls.into_iter().flat_map(|tls| [&tls.cert_file, &tls.key_file]);
        let certificates = certificates.filter(|path| !path.is_empty()).map(PathBuf::from);
        let mut paths: Vec<PathBuf> =
            self.inner.load.files.iter().chain(&config.config_files).cloned().chain(certificates).collect();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Reloads whenever the files have changed; never returns.
    pub(super) async fn reload_on_change(self) {
        let mut watcher = Watcher::new(self.watched_paths());
        loop {
            tokio::time::sleep(INTERVAL).await;
            if !watcher.changed() {
                continue;
            }
            tracing::debug!(target: "agent", "auto-reload config triggered");
            watcher.loaded = watcher.last.clone();
            match self.reload().await {
                Ok(()) => watcher = watcher.with_paths(self.watched_paths()),
                Err(error) => tracing::error!(target: "agent", error = %error, "error reloading config"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_once_the_files_are_still() {
        let directory = tempfile::tempdir().expect("a directory");
        let (present, absent) = (directory.path().join("a.hcl"), directory.path().join("b.hcl"));
        std::fs::write(&present, "one").expect("a file");
        let mut watcher = Watcher::new(vec![present.clone(), absent.clone()]);
        assert!(!watcher.changed(), "nothing happened");
        std::fs::write(&present, "other").expect("a file");
        assert!(!watcher.changed(), "still under way");
        assert!(watcher.changed());
        watcher.loaded = watcher.last.clone();
        assert!(!watcher.changed(), "loaded");
        std::fs::write(&absent, "").expect("a file");
        assert!(!watcher.changed() && watcher.changed());
    }
}

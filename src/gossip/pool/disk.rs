//! The slow work of a pool: its snapshot and its keyring file, in order and off the core.

use super::driver::Link;
use super::snapshot::{Record, Snapshot};
use crate::gossip::keyring::Keyring;
use crate::gossip::serf::keys::{KeyOperation, encode_response};
use crate::gossip::serf::{Answering, Layer, Logger};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

/// How long clocks may wait to be written together.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// How long members may: whoever is killed just after it has joined must find the others again.
const FLUSH_MEMBERS: Duration = Duration::from_millis(20);

/// Work for the disk.
pub(super) enum Job {
    /// Record this soon.
    Record(Record),
    /// Work on the keyring and answer.
    Keys(KeyOperation, Answering),
}

/// Carries out jobs until nobody can send any more.
pub(super) struct Disk {
    pub jobs: mpsc::Receiver<Job>,
    pub snapshot: Option<Snapshot>,
    pub keyring: Option<Arc<Keyring>>,
    pub keyring_file: Option<PathBuf>,
    pub link: Link,
    pub log: Logger,
}

impl Disk {
    pub async fn run(mut self) {
        let mut records = Vec::new();
        let mut flush_at = Instant::now();
        loop {
            let job = tokio::select! {
                job = self.jobs.recv() => job,
                () = tokio::time::sleep_until(flush_at), if !records.is_empty() => {
                    self.write(&mut records).await;
                    continue;
                }
            };
            match job {
                Some(Job::Record(record)) => {
                    if self.snapshot.is_none() {
                        continue;
                    }
                    let patience = match record {
                        Record::Alive(..) | Record::NotAlive(_) => FLUSH_MEMBERS,
                        _ => FLUSH_INTERVAL,
                    };
                    let due = Instant::now() + patience;
                    flush_at = if records.is_empty() { due } else { flush_at.min(due) };
                    let urgent = record == Record::Leave;
                    records.push(record);
                    if urgent {
                        self.write(&mut records).await;
                    }
                }
                Some(Job::Keys(operation, query)) => self.keys(operation, query).await,
                None => break,
            }
        }
        self.write(&mut records).await;
    }

    async fn write(&mut self, records: &mut Vec<Record>) {
        let records = std::mem::take(records);
        let Some(mut snapshot) = self.snapshot.take().filter(|_| !records.is_empty()) else { return };
        let written = spawn_blocking(move || {
            snapshot.append(&records);
            snapshot
        });
        self.snapshot = written.await.ok();
    }

    async fn keys(&self, operation: KeyOperation, query: Answering) {
        let (keyring, file) = (self.keyring.clone(), self.keyring_file.clone());
        let applied = spawn_blocking({
            let operation = operation.clone();
            move || operation.apply(keyring.as_deref(), file.as_deref())
        });
        let Ok(response) = applied.await else { return };
        self.log.info(Layer::Serf, format_args!("Received {} query", operation.name()));
        if !response.result {
            let text = format_args!("Failed {} query: {}", operation.name(), response.message);
            self.log.error(Layer::Serf, text);
        }
        match encode_response(&query, response) {
            // A pool that shuts down answers no more.
            Ok(encoded) => drop(self.link.run(move |driver| driver.answer(&query, encoded)).await),
            Err(error) => self.log.error(Layer::Serf, format_args!("Failed to respond to key query: {error}")),
        }
    }
}

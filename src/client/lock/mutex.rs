//! One holder at a time: a key that is acquired with a session.

use super::{DELAYED, Exclusion, Failure, Held, Options, Patience, Result, blocking, failed, monitor, session, settle};
use crate::client::kv::KvPair;
use crate::client::{Client, Params};

/// Marks a key as a lock of this kind.
pub const FLAGS: u64 = 0x2ddc_cbc0_58a5_0c18;

/// A lock on one key.
#[derive(Debug)]
pub struct Mutex {
    client: Client,
    key: String,
    options: Options,
}

fn conflict() -> Failure {
    Failure::Other("Existing key does not match lock use".into())
}

impl Mutex {
    /// A lock on a key; nothing is asked yet.
    pub fn new(client: Client, key: String, options: Options) -> Mutex {
        Mutex { client, key, options }
    }

    async fn read(&self, params: Params) -> Result<(u64, Option<KvPair>)> {
        self.client.kv_get_indexed(&self.key, params).await.map_err(failed("failed to read lock"))
    }

    /// Waits until the key is free and takes it; false when the patience is over.
    async fn take(&self, session: &str) -> Result<bool> {
        let mut patience = Patience::new(self.options.patience);
        let mut index = 0;
        while let Some(wait) = patience.next() {
            let (seen, pair) = self.read(blocking(index, Some(wait))).await?;
            if pair.as_ref().is_some_and(|pair| pair.flags != FLAGS) {
                return Err(conflict());
            }
            let holder = pair.map(|pair| pair.session).unwrap_or_default();
            if holder == session {
                return Ok(true);
            }
            if !holder.is_empty() {
                index = seen;
                continue;
            }
            let params = Params::new().with("acquire", session).with("flags", FLAGS);
            let taken = self.client.kv_put(&self.key, Vec::new(), params).await;
            if taken.map_err(failed("failed to acquire lock"))? {
                return Ok(true);
            }
            let (seen, pair) = self.read(Params::new()).await?;
            let held = pair.is_some_and(|pair| !pair.session.is_empty());
            index = if held { seen } else { 0 };
            if !held {
                patience.sleep(DELAYED).await;
            }
        }
        Ok(false)
    }
}

impl Exclusion for Mutex {
    async fn acquire(&self) -> Result<Option<Held>> {
        let session = session(&self.client, &self.options, false).await?;
        let attempt = self.take(session.id()).await;
        settle(session, attempt).await
    }

    async fn lost(&self, held: &Held) {
        let read = async |params| self.client.kv_get_indexed(&self.key, params).await;
        let own = |pair: Option<KvPair>| pair.is_some_and(|pair| pair.session == held.session.id());
        monitor(&self.options, read, own).await;
    }

    async fn release(&self, held: Held) -> Result<()> {
        let params = Params::new().with("release", held.session.id()).with("flags", FLAGS);
        let released = self.client.kv_put(&self.key, Vec::new(), params).await;
        // A session that cannot be destroyed ends with its time to live.
        let _ = held.session.end().await;
        released.map(drop).map_err(failed("failed to release lock"))
    }

    async fn destroy(&self) -> Result<()> {
        let (_, pair) = self.read(Params::new()).await?;
        let Some(pair) = pair else { return Ok(()) };
        if pair.flags != FLAGS {
            return Err(conflict());
        }
        if !pair.session.is_empty() {
            return Err(Failure::InUse);
        }
        let params = Params::new().with("cas", pair.modify_index);
        let removed = self.client.kv_delete(&self.key, params).await;
        if removed.map_err(failed("failed to remove lock"))? { Ok(()) } else { Err(Failure::InUse) }
    }
}

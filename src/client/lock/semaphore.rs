//! A limited number of holders: a coordination key under a prefix lists them, and each holds a key of its own.

use super::{Exclusion, Failure, Held, Options, Patience, Result, blocking, failed, monitor, session, settle};
use crate::client::kv::KvPair;
use crate::client::{Client, Error, Params};
use crate::types::value::null_default;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Marks keys as those of a semaphore.
pub const FLAGS: u64 = 0xe0f6_9a2b_aa41_4de0;

/// A semaphore under a prefix.
#[derive(Debug)]
pub struct Semaphore {
    client: Client,
    prefix: String,
    limit: i64,
    options: Options,
}

/// Value of the coordination key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Coordination {
    limit: i64,
    #[serde(deserialize_with = "null_default")]
    holders: BTreeMap<String, bool>,
}

/// The coordination key as it was read; index 0 when it is not there.
struct Found {
    coordination: Coordination,
    modify_index: u64,
}

impl Semaphore {
    /// A semaphore with room for `limit`; nothing is asked yet.
    pub fn new(client: Client, prefix: String, limit: i64, options: Options) -> Semaphore {
        Semaphore { client, prefix, limit, options }
    }

    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.prefix.trim_end_matches('/'))
    }

    /// The coordination key among those under the prefix, without holders whose own key is gone or free.
    fn find(&self, pairs: &[KvPair]) -> Result<Found> {
        let key = self.key(".lock");
        let pair = pairs.iter().find(|pair| pair.key == key);
        if pair.is_some_and(|pair| pair.flags != FLAGS) {
            return Err(Failure::Other("Existing key does not match semaphore use".into()));
        }
        let mut found = self.decode(pair)?;
        let alive = |session: &String| pairs.iter().any(|pair| pair.session == *session);
        found.coordination.holders.retain(|session, _| alive(session));
        Ok(found)
    }

    fn decode(&self, pair: Option<&KvPair>) -> Result<Found> {
        let empty = Coordination { limit: self.limit, holders: BTreeMap::new() };
        let Some(pair) = pair else { return Ok(Found { coordination: empty, modify_index: 0 }) };
        let coordination = match pair.value.is_empty() {
            true => empty,
            false => serde_json::from_slice(&pair.value.0)
                .map_err(|error| Failure::Other(format!("lock decoding failed: {error}")))?,
        };
        Ok(Found { coordination, modify_index: pair.modify_index })
    }

    async fn list(&self, params: Params) -> Result<(u64, Vec<KvPair>)> {
        self.client.kv_list_indexed(&self.prefix, params).await.map_err(failed("failed to read prefix"))
    }

    /// Writes the coordination key if nobody else has since it was read.
    async fn swap(&self, found: &Found) -> Result<bool> {
        let value = serde_json::to_vec(&found.coordination).expect("a map of flags is JSON");
        let params = Params::new().with("cas", found.modify_index).with("flags", FLAGS);
        self.client.kv_put(&self.key(".lock"), value, params).await.map_err(failed("failed to update lock"))
    }

    /// Waits until there is room and enters; false when the patience is over.
    async fn enter(&self, session: &str) -> Result<bool> {
        let params = Params::new().with("acquire", session).with("flags", FLAGS);
        let contending = "failed to make contender entry";
        if !self.client.kv_put(&self.key(session), Vec::new(), params).await.map_err(failed(contending))? {
            return Err(Failure::Other(format!("{contending}: <nil>")));
        }
        let mut patience = Patience::new(self.options.patience);
        let mut index = 0;
        while let Some(wait) = patience.next() {
            let (seen, pairs) = self.list(blocking(index, Some(wait))).await?;
            let mut found = self.find(&pairs)?;
            let (theirs, ours) = (found.coordination.limit, self.limit);
            if theirs != ours {
                return Err(Failure::Other(format!("semaphore limit conflict (lock: {theirs}, local: {ours})")));
            }
            if found.coordination.holders.len() as i64 >= ours {
                index = seen;
                continue;
            }
            found.coordination.holders.insert(session.to_owned(), true);
            if self.swap(&found).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes a session from the coordination key, and its own key.
    async fn exit(&self, session: &str) -> Result<()> {
        let other = |error: Error| Failure::Other(error.to_string());
        loop {
            let pair = self.client.kv_get(&self.key(".lock"), Params::new()).await.map_err(other)?;
            let mut found = self.decode(pair.as_ref())?;
            if found.coordination.holders.remove(session).is_none() || self.swap(&found).await? {
                break;
            }
        }
        self.client.kv_delete(&self.key(session), Params::new()).await.map(drop).map_err(other)
    }
}

impl Exclusion for Semaphore {
    async fn acquire(&self) -> Result<Option<Held>> {
        let session = session(&self.client, &self.options, true).await?;
        let attempt = self.enter(session.id()).await;
        settle(session, attempt).await
    }

    async fn lost(&self, held: &Held) {
        let read = async |params| self.client.kv_list_indexed(&self.prefix, params).await;
        let own = |pairs: Vec<KvPair>| {
            self.find(&pairs).is_ok_and(|found| found.coordination.holders.contains_key(held.session.id()))
        };
        monitor(&self.options, read, own).await;
    }

    async fn release(&self, held: Held) -> Result<()> {
        let left = self.exit(held.session.id()).await;
        // A session that cannot be destroyed ends with its time to live.
        let _ = held.session.end().await;
        left
    }

    async fn destroy(&self) -> Result<()> {
        let (_, pairs) = self.list(Params::new()).await?;
        let found = self.find(&pairs)?;
        if found.modify_index == 0 {
            return Ok(());
        }
        if !found.coordination.holders.is_empty() {
            return Err(Failure::InUse);
        }
        let params = Params::new().with("cas", found.modify_index);
        let removed = self.client.kv_delete(&self.key(".lock"), params).await;
        if removed.map_err(failed("failed to remove semaphore"))? { Ok(()) } else { Err(Failure::InUse) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Settings;
    use crate::types::Blob;
    use std::time::Duration;

    fn semaphore() -> Semaphore {
        let client = Client::new(Settings::for_address("127.0.0.1:1").expect("valid")).expect("client");
        let options =
            Options { session_name: String::new(), patience: None, monitor_retries: 0, monitor_pause: Duration::ZERO };
        Semaphore::new(client, "p".into(), 2, options)
    }

    fn pair(key: &str, value: &str, session: &str) -> KvPair {
        let value = Blob::from(value);
        KvPair { key: key.into(), value, session: session.into(), flags: FLAGS, modify_index: 9, ..KvPair::default() }
    }

    #[test]
    fn holders_without_a_live_key_of_their_own_do_not_count() {
        let lock = r#"{"Limit":2,"Holders":{"alive":true,"freed":true,"gone":true}}"#;
        let pairs = [pair("p/.lock", lock, ""), pair("p/alive", "", "alive"), pair("p/freed", "", "")];
        let found = semaphore().find(&pairs).expect("decodes");
        assert_eq!(found.coordination.holders.keys().collect::<Vec<_>>(), ["alive"]);
        assert_eq!(found.modify_index, 9);
    }

    #[test]
    fn a_missing_or_null_list_is_an_empty_one() {
        let none = semaphore().find(&[]).expect("empty");
        assert_eq!((none.coordination.limit, none.modify_index), (2, 0));
        let null = semaphore().find(&[pair("p/.lock", r#"{"Limit":2,"Holders":null}"#, "")]).expect("decodes");
        assert!(null.coordination.holders.is_empty());
        let bad = semaphore().find(&[pair("p/.lock", "x", "")]).map(|found| found.modify_index);
        assert!(matches!(bad, Err(Failure::Other(text)) if text.starts_with("lock decoding failed: ")));
    }

    #[test]
    fn a_key_with_other_flags_is_left_alone() {
        let foreign = KvPair { flags: 0, ..pair("p/.lock", "x", "") };
        let refusal = semaphore().find(&[foreign]).map(drop).expect_err("refused");
        assert_eq!(refusal.to_string(), "Existing key does not match semaphore use");
    }

    #[test]
    fn the_value_is_that_of_other_libraries() {
        let coordination = Coordination { limit: 2, holders: [("a".to_owned(), true)].into() };
        let text = serde_json::to_string(&coordination).expect("JSON");
        assert_eq!(text, r#"{"Limit":2,"Holders":{"a":true}}"#);
    }
}

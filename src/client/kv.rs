//! Key/value calls and the client's shape of an entry.

use super::{Body, Client, Error, Method, Params, Result};
use crate::types::Blob;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// An entry in the field order of client libraries (`spec/semantics.md` 21.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KvPair {
    /// Key.
    pub key: String,
    /// Raft index of the insert.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// Acquisitions so far.
    pub lock_index: u64,
    /// Opaque number.
    pub flags: u64,
    /// Value.
    pub value: Blob,
    /// Holder of the lock.
    pub session: String,
}

impl Client {
    /// One entry, none when the key is missing.
    ///
    /// # Errors
    /// No answer or an unexpected status.
    pub async fn kv_get(&self, key: &str, params: Params) -> Result<Option<KvPair>> {
        Ok(self.kv_get_indexed(key, params).await?.1)
    }

    /// One entry, none when the key is missing, and the index of the answer.
    ///
    /// # Errors
    /// No answer or an unexpected status.
    pub async fn kv_get_indexed(&self, key: &str, params: Params) -> Result<(u64, Option<KvPair>)> {
        let (index, pairs) = self.kv_read::<Vec<KvPair>>(key, params).await?;
        Ok((index, pairs.and_then(|pairs| pairs.into_iter().next())))
    }

    /// All entries below a prefix.
    ///
    /// # Errors
    /// No answer or an unexpected status.
    pub async fn kv_list(&self, prefix: &str, params: Params) -> Result<Vec<KvPair>> {
        Ok(self.kv_list_indexed(prefix, params).await?.1)
    }

    /// All entries below a prefix, and the index of the answer.
    ///
    /// # Errors
    /// No answer or an unexpected status.
    pub async fn kv_list_indexed(&self, prefix: &str, params: Params) -> Result<(u64, Vec<KvPair>)> {
        let (index, pairs) = self.kv_read::<Vec<KvPair>>(prefix, params.with("recurse", "")).await?;
        Ok((index, pairs.unwrap_or_default()))
    }

    /// Keys below a prefix, folded at the separator unless it is empty.
    ///
    /// # Errors
    /// No answer or an unexpected status.
    pub async fn kv_keys(&self, prefix: &str, separator: &str, params: Params) -> Result<Vec<String>> {
        let params = params.with_if(!separator.is_empty(), "separator", separator);
        Ok(self.kv_keys_indexed(prefix, params).await?.1)
    }

    /// Keys below a prefix, and the index of the answer.
    ///
    /// # Errors
    /// No answer or an unexpected status.
    pub async fn kv_keys_indexed(&self, prefix: &str, params: Params) -> Result<(u64, Vec<String>)> {
        let (index, keys) = self.kv_read::<Vec<String>>(prefix, params.with("keys", "")).await?;
        Ok((index, keys.unwrap_or_default()))
    }

    async fn kv_read<T: serde::de::DeserializeOwned>(&self, key: &str, params: Params) -> Result<(u64, Option<T>)> {
        let path = format!("/v1/kv/{}", key.strip_prefix('/').unwrap_or(key));
        let response = self.send(Method::GET, &path, params, None).await?;
        if response.status == 404 {
            return Ok((response.index, None));
        }
        let index = response.index;
        response.success()?.json().map(|found| (index, Some(found)))
    }

    /// Writes a value; false when a condition among the parameters does not hold.
    ///
    /// # Errors
    /// A key that begins with a slash, no answer or an unexpected status.
    pub async fn kv_put(&self, key: &str, value: impl Into<Bytes>, params: Params) -> Result<bool> {
        if key.starts_with('/') {
            return Err(Error::Other(format!("Invalid key. Key must not begin with a '/': {key}")));
        }
        let body = self.put(&format!("/v1/kv/{key}"), params, Some(Body::bytes(value))).await?;
        Ok(contains_true(&body))
    }

    /// Deletes a key or, with `recurse` among the parameters, a prefix; false when a condition does not hold.
    ///
    /// # Errors
    /// No answer or an unexpected status.
    pub async fn kv_delete(&self, key: &str, params: Params) -> Result<bool> {
        let path = format!("/v1/kv/{}", key.strip_prefix('/').unwrap_or(key));
        let response = self.send(Method::DELETE, &path, params, None).await?.success()?;
        Ok(contains_true(&response.body))
    }
}

fn contains_true(body: &[u8]) -> bool {
    body.windows(4).any(|window| window == b"true")
}

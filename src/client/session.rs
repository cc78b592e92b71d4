//! Sessions that live as long as their owner: created, renewed in the background, destroyed at the end.

use super::{Body, Client, Params, Result};
use crate::types::GoDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// Pause after a renewal that failed.
const RENEW_RETRY: Duration = Duration::from_secs(1);

/// What a new session is like.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Name for humans.
    pub name: String,
    /// Time to live, also the measure of renewals.
    pub ttl: Duration,
    /// Held keys are deleted with the session, not released.
    pub delete: bool,
    /// Another node than the agent's, and then without any checks.
    pub node: Option<String>,
}

/// A session of ours. Renewing ends when it is dropped; [`Session::end`] also destroys it.
#[derive(Debug)]
pub struct Session {
    client: Client,
    id: String,
    renewal: JoinHandle<()>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Created {
    #[serde(rename = "ID")]
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Renewed {
    #[serde(rename = "TTL")]
    ttl: String,
}

impl Session {
    /// Creates a session and begins to renew it every `every`, or every half of its time to live.
    ///
    /// # Errors
    /// No answer or a refusal.
    pub async fn create(client: &Client, wanted: &Wanted, every: Option<Duration>) -> Result<Session> {
        let behavior = if wanted.delete { "delete" } else { "release" };
        let ttl = GoDuration::from(wanted.ttl).to_string();
        let mut body = json!({ "Name": wanted.name, "TTL": ttl, "Behavior": behavior });
        if let Some(node) = &wanted.node {
            body["Node"] = json!(node);
            body["Checks"] = Value::Array(Vec::new());
        }
        let answer = client.put("/v1/session/create", Params::new(), Some(Body::json(&body))).await?;
        let id = serde_json::from_slice::<Created>(&answer).map_err(|error| super::Error::Other(error.to_string()))?.id;
        let renewal = tokio::spawn(renew(client.clone(), id.clone(), wanted.ttl, every));
        Ok(Session { client: client.clone(), id, renewal })
    }

    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Stops renewing and destroys it.
    ///
    /// # Errors
    /// No answer or a refusal; the session then ends with its time to live.
    pub async fn end(self) -> Result<()> {
        self.renewal.abort();
        let path = format!("/v1/session/destroy/{}", self.id);
        self.client.put(&path, Params::new(), None).await.map(drop)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Renews until the session is gone or could not be renewed within its time to live.
async fn renew(client: Client, id: String, mut ttl: Duration, every: Option<Duration>) {
    let path = format!("/v1/session/renew/{id}");
    let mut pause = every.unwrap_or(ttl / 2);
    let mut renewed = Instant::now();
    while renewed.elapsed() <= ttl {
        tokio::time::sleep(pause).await;
        match client.put(&path, Params::new(), None).await {
            Ok(answer) => {
                // The server may have set another time to live.
                let rows: Vec<Renewed> = serde_json::from_slice(&answer).unwrap_or_default();
                let told = rows.first().and_then(|row| row.ttl.parse::<GoDuration>().ok());
                ttl = told.map_or(ttl, GoDuration::to_std);
                pause = every.unwrap_or(ttl / 2);
                renewed = Instant::now();
            }
            Err(error) if error.status() == Some(404) => return,
            Err(_) => pause = RENEW_RETRY,
        }
    }
}

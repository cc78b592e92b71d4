//! Key operations across the pool (`spec/gossip.md` 4.5, 6.7).

use super::{KeyReply, Pool};
use crate::gossip::serf::keys::KeyOperation;
use crate::gossip::serf::message::{self, KeyResponse, Kind};
use crate::gossip::serf::{Layer, QueryReply, QueryRequest};
use crate::types::error::Result;
use bytes::Bytes;

impl Pool {
    /// Adds a key to every keyring.
    pub async fn install_key(&self, key: &[u8], relay_factor: u8) -> KeyReply {
        self.change_keys(KeyOperation::Install(Bytes::copy_from_slice(key)), relay_factor).await
    }

    /// Makes an installed key the one that everybody encrypts with.
    pub async fn use_key(&self, key: &[u8], relay_factor: u8) -> KeyReply {
        self.change_keys(KeyOperation::Use(Bytes::copy_from_slice(key)), relay_factor).await
    }

    /// Takes a key from every keyring.
    pub async fn remove_key(&self, key: &[u8], relay_factor: u8) -> KeyReply {
        self.change_keys(KeyOperation::Remove(Bytes::copy_from_slice(key)), relay_factor).await
    }

    /// Counts who holds which keys.
    pub async fn list_keys(&self, relay_factor: u8) -> KeyReply {
        let _turn = self.shared.key_operations.read().await;
        self.ask_for_keys(KeyOperation::List, relay_factor).await
    }

    async fn change_keys(&self, operation: KeyOperation, relay_factor: u8) -> KeyReply {
        let _turn = self.shared.key_operations.write().await;
        self.ask_for_keys(operation, relay_factor).await
    }

    async fn ask_for_keys(&self, operation: KeyOperation, relay_factor: u8) -> KeyReply {
        let mut reply = KeyReply::default();
        let outcome = self.collect(&operation, relay_factor, &mut reply).await;
        let (asked, answered, refused) = (reply.num_nodes, reply.num_responses, reply.num_errors);
        reply.error = match outcome {
            Err(error) => Some(error.text),
            Ok(()) if refused > 0 => Some(format!("{refused}/{asked} nodes reported failure")),
            Ok(()) if answered != asked => Some(format!("{answered}/{asked} nodes reported success")),
            Ok(()) => None,
        };
        reply
    }

    /// Asks, and waits until all have answered or the time is over.
    async fn collect(&self, operation: &KeyOperation, relay_factor: u8, reply: &mut KeyReply) -> Result<()> {
        let (name, payload) = operation.query();
        let request = QueryRequest { name, payload, relay_factor, ..QueryRequest::default() };
        let mut responses = self.query(request).await?;
        reply.num_nodes = responses.members();
        while reply.num_responses < reply.num_nodes {
            match responses.next().await {
                Some(QueryReply::Response { from, payload }) => self.count_in(reply, from, &payload),
                Some(QueryReply::Ack { .. }) => {}
                None => break,
            }
        }
        Ok(())
    }

    fn count_in(&self, reply: &mut KeyReply, from: String, payload: &[u8]) {
        reply.num_responses += 1;
        let decoded = match payload.split_first() {
            Some((&kind, body)) if kind == Kind::KeyResponse as u8 => message::decode::<KeyResponse>(body)
                .map_err(|_| format!("Failed to decode key query response: {payload:?}")),
            _ => Err(format!("Invalid key query response type: {payload:?}")),
        };
        let response = match decoded {
            Ok(response) => response,
            Err(text) => {
                reply.num_errors += 1;
                reply.messages.insert(from, text);
                return;
            }
        };
        if !response.result {
            reply.num_errors += 1;
        } else if !response.message.is_empty() {
            self.shared.config.log.warn(Layer::Serf, format_args!("{}", response.message));
        }
        if !response.result || !response.message.is_empty() {
            reply.messages.insert(from, response.message);
        }
        for key in response.keys.unwrap_or_default() {
            *reply.keys.entry(key).or_default() += 1;
        }
        if !response.primary_key.is_empty() {
            *reply.primary_keys.entry(response.primary_key).or_default() += 1;
        }
    }
}

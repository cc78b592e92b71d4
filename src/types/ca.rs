//! The certificate authority of the mesh, which also signs the certificates of agents (`spec/mesh.md` 4, 6;
//! `spec/snapshot.md` 3.3).

use super::requests::{ReadReply, Request, replies, writes};
use super::secret::hidden;
use super::{Index, QueryMeta, StringMap, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A root of the authority.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaRoot {
    /// SHA-1 of the certificate, hexadecimal with colons.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name for humans.
    pub name: String,
    /// Serial number of the certificate.
    pub serial_number: u64,
    /// Identifier of the key that signs leaves, hexadecimal with colons.
    #[serde(rename = "SigningKeyID")]
    pub signing_key_id: String,
    /// Cluster id under which it was made.
    pub external_trust_domain: String,
    /// Valid from.
    pub not_before: Timestamp,
    /// Valid until.
    pub not_after: Timestamp,
    /// The certificate, PEM.
    pub root_cert: String,
    /// Certificates that go behind each leaf, PEM.
    pub intermediate_certs: Option<Vec<String>>,
    /// Never filled in by the built-in provider.
    pub signing_cert: String,
    /// Never filled in by the built-in provider.
    #[debug("{}", hidden(signing_key))]
    pub signing_key: String,
    /// The one that signs.
    pub active: bool,
    /// When another one took over; the zero instant before.
    pub rotated_out_at: Timestamp,
    /// `ec` or `rsa`.
    pub private_key_type: String,
    /// Length of the key.
    pub private_key_bits: i64,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// Free settings of a provider, as they were given.
pub type CaProviderConfig = Option<BTreeMap<String, serde_json::Value>>;

/// The authority's configuration.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaConfiguration {
    /// Id of the cluster, a UUID; never changes.
    #[serde(rename = "ClusterID")]
    pub cluster_id: String,
    /// `consul` is the built-in one.
    pub provider: String,
    /// Settings of the provider; a private key may be among them.
    #[debug("{}", hidden(config))]
    pub config: CaProviderConfig,
    /// What a provider keeps for itself.
    pub state: StringMap,
    /// A change of the root may leave those without trust who know only the old one.
    pub force_without_cross_signing: bool,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// What the built-in provider keeps.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaProviderState {
    /// Hash of the settings that it belongs to.
    #[serde(rename = "ID")]
    pub id: String,
    /// The key that signs.
    #[debug("{}", hidden(private_key))]
    pub private_key: String,
    /// The root, PEM.
    pub root_cert: String,
    /// The intermediate certificate of a secondary datacenter, PEM.
    pub intermediate_cert: String,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// What a [`CaRequest`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaOp {
    /// Nothing: a request of an operator says by its method what it is.
    #[default]
    #[serde(rename = "")]
    Nothing,
    /// Stores the configuration.
    SetConfig,
    /// Replaces all roots, if they are still as old as the index says.
    SetRoots,
    /// Both at once, or nothing.
    SetRootsConfig,
    /// Stores what the provider keeps.
    SetProviderState,
    /// Removes what the provider keeps.
    DeleteProviderState,
    /// Takes a serial number.
    IncrementProviderSerial,
}

/// A change of the authority.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaRequest {
    /// What is to be done.
    pub op: CaOp,
    /// Target datacenter.
    pub datacenter: String,
    /// Index of the roots that the new ones replace.
    pub index: Index,
    /// The configuration.
    pub config: Option<CaConfiguration>,
    /// What the provider keeps.
    pub provider_state: Option<CaProviderState>,
    /// The roots.
    pub roots: Option<Vec<CaRoot>>,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// What a [`CaLeafRequest`] does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CaLeafOp {
    /// A leaf is being signed.
    #[default]
    IncrementIndex,
}

/// A leaf is being signed: it gets a serial number, and the index of leaves moves.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaLeafRequest {
    /// What is done.
    pub op: CaLeafOp,
    /// Target datacenter.
    pub datacenter: String,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// A certificate is wanted.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaSignRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// The request of its holder, PEM.
    #[serde(rename = "CSR")]
    pub csr: String,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// A certificate that was signed.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct IssuedCert {
    /// Serial number, hexadecimal with colons.
    pub serial_number: String,
    /// The certificate with its chain, PEM.
    #[serde(rename = "CertPEM")]
    pub cert_pem: String,
    /// Filled in by its holder only.
    #[serde(rename = "PrivateKeyPEM")]
    #[debug("{}", hidden(private_key_pem))]
    pub private_key_pem: String,
    /// Name of the agent.
    pub agent: String,
    /// Its identity.
    #[serde(rename = "AgentURI")]
    pub agent_uri: String,
    /// Valid from.
    pub valid_after: Timestamp,
    /// Valid until.
    pub valid_before: Timestamp,
    /// Raft index of its signing.
    pub create_index: Index,
    /// Raft index of its signing.
    pub modify_index: Index,
}

replies! {
    /// The roots.
    IndexedCaRoots {
        /// Id of the one that signs.
        #[serde(rename = "ActiveRootID")]
        active_root_id: String,
        /// `<cluster id>.consul`; identities begin with it.
        trust_domain: String,
        /// The roots.
        roots: Vec<Arc<CaRoot>>,
    }
}

/// What an agent gets that asked for its first certificate.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SignedResponse {
    /// Its certificate.
    pub issued_cert: IssuedCert,
    /// The roots of the authority.
    #[serde(rename = "ConnectCARoots")]
    pub connect_ca_roots: IndexedCaRoots,
    /// The authorities that the servers are configured with, PEM.
    #[serde(rename = "ManualCARoots", deserialize_with = "super::value::null_default")]
    pub manual_ca_roots: Vec<String>,
    /// Never filled in.
    pub gossip_key: String,
    /// The names of servers are to be checked.
    pub verify_server_hostname: bool,
}

writes!(CaRequest, CaSignRequest);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::msgpack;

    #[test]
    fn private_keys_are_carried_and_not_shown() {
        let state = CaProviderState { private_key: "a secret".into(), ..CaProviderState::default() };
        let config = BTreeMap::from([("PrivateKey".to_owned(), "a secret".into())]);
        let config = CaConfiguration { config: Some(config), ..CaConfiguration::default() };
        let root = CaRoot { signing_key: "a secret".into(), ..CaRoot::default() };
        let cert = IssuedCert { private_key_pem: "a secret".into(), ..IssuedCert::default() };
        let request = CaRequest {
            config: Some(config),
            provider_state: Some(state),
            roots: Some(vec![root]),
            ..CaRequest::default()
        };
        let shown = format!("{request:?} {cert:?}");
        assert!(!shown.contains("a secret") && shown.contains("<hidden>"), "{shown}");
        let bytes = msgpack::to_vec(&request).expect("encodes");
        assert_eq!(msgpack::from_slice::<CaRequest>(&bytes).expect("decodes"), request);
    }
}

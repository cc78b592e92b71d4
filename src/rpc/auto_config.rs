//! The messages of `AutoConfig.InitialConfiguration` (`spec/rpc.md` 13, `spec/acl-and-tls.md` 17), and their form on disk:
//! protobuf's JSON with all fields, in which 64-bit numbers are texts.

use crate::types::ca::{CaRoot, IndexedCaRoots, IssuedCert as OwnCert};
use crate::types::requests::Request;
use crate::types::secret::hidden;
use crate::types::{Blob, Timestamp as Instant};
use prost::Message;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A message inside of a call: a byte string.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Protobuf(pub Blob);

impl Protobuf {
    /// Encodes a message.
    pub fn of(message: &impl Message) -> Protobuf {
        Protobuf(message.encode_to_vec().into())
    }

    /// Decodes a message.
    ///
    /// # Errors
    /// Bytes of another shape.
    pub fn read<M: Message + Default>(&self) -> Result<M, String> {
        M::decode(self.0.0.clone()).map_err(|error| error.to_string())
    }
}

impl Request for Protobuf {
    fn datacenter(&self) -> &str {
        ""
    }

    fn token(&self) -> &str {
        ""
    }
}

/// What an agent says that asks for its configuration.
#[derive(Clone, PartialEq, Message, derive_more::Debug)]
#[prost(skip_debug)]
pub struct AutoConfigRequest {
    #[prost(string, tag = "1")]
    pub datacenter: String,
    #[prost(string, tag = "2")]
    pub node: String,
    #[prost(string, tag = "4")]
    pub segment: String,
    #[prost(string, tag = "5")]
    #[debug("{}", hidden(jwt))]
    pub jwt: String,
    /// Token that it has already.
    #[prost(string, tag = "6")]
    #[debug("{}", hidden(consul_token))]
    pub consul_token: String,
    /// Request for a certificate, PEM.
    #[prost(string, tag = "7")]
    pub csr: String,
    #[prost(string, tag = "8")]
    pub partition: String,
}

/// What it gets.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutoConfigResponse {
    #[prost(message, optional, tag = "1")]
    pub config: Option<Config>,
    #[prost(message, optional, tag = "2")]
    #[serde(rename = "CARoots")]
    pub ca_roots: Option<CaRoots>,
    #[prost(message, optional, tag = "3")]
    pub certificate: Option<IssuedCert>,
    /// The authorities that the servers are configured with, PEM.
    #[prost(string, repeated, tag = "4")]
    #[serde(rename = "ExtraCACertificates")]
    pub extra_ca_certificates: Vec<String>,
}

/// The configuration that servers hand out.
#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Config {
    #[prost(string, tag = "1")]
    pub datacenter: String,
    #[prost(string, tag = "2")]
    pub primary_datacenter: String,
    #[prost(string, tag = "3")]
    pub node_name: String,
    #[prost(string, tag = "4")]
    pub segment_name: String,
    #[prost(message, optional, tag = "5")]
    #[serde(rename = "ACL")]
    pub acl: Option<Acl>,
    #[prost(message, optional, tag = "7")]
    pub gossip: Option<Gossip>,
    #[prost(message, optional, tag = "8")]
    #[serde(rename = "TLS")]
    pub tls: Option<Tls>,
    #[prost(string, tag = "9")]
    pub partition: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Acl {
    #[prost(bool, tag = "1")]
    pub enabled: bool,
    #[prost(string, tag = "2")]
    #[serde(rename = "PolicyTTL")]
    pub policy_ttl: String,
    #[prost(string, tag = "3")]
    #[serde(rename = "RoleTTL")]
    pub role_ttl: String,
    #[prost(string, tag = "4")]
    #[serde(rename = "TokenTTL")]
    pub token_ttl: String,
    #[prost(string, tag = "5")]
    pub down_policy: String,
    #[prost(string, tag = "6")]
    pub default_policy: String,
    #[prost(bool, tag = "7")]
    pub enable_key_list_policy: bool,
    #[prost(message, optional, tag = "8")]
    pub tokens: Option<AclTokens>,
    #[prost(bool, tag = "10")]
    pub enable_token_persistence: bool,
}

/// Tokens for the agent; only its own is handed out.
#[derive(Clone, PartialEq, Message, derive_more::Debug, Serialize, Deserialize)]
#[prost(skip_debug)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclTokens {
    #[prost(string, tag = "4")]
    #[debug("{}", hidden(default))]
    pub default: String,
    #[prost(string, tag = "5")]
    #[debug("{}", hidden(agent))]
    pub agent: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Gossip {
    #[prost(message, optional, tag = "1")]
    pub encryption: Option<GossipEncryption>,
    #[prost(string, repeated, tag = "2")]
    #[serde(rename = "RetryJoinLAN")]
    pub retry_join_lan: Vec<String>,
}

#[derive(Clone, PartialEq, Message, derive_more::Debug, Serialize, Deserialize)]
#[prost(skip_debug)]
#[serde(rename_all = "PascalCase", default)]
pub struct GossipEncryption {
    #[prost(string, tag = "1")]
    #[debug("{}", hidden(key))]
    pub key: String,
    #[prost(bool, tag = "2")]
    pub verify_incoming: bool,
    #[prost(bool, tag = "3")]
    pub verify_outgoing: bool,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Tls {
    #[prost(bool, tag = "1")]
    pub verify_outgoing: bool,
    #[prost(bool, tag = "2")]
    pub verify_server_hostname: bool,
    /// Names, separated by commas.
    #[prost(string, tag = "3")]
    pub cipher_suites: String,
    /// Empty for the usual one.
    #[prost(string, tag = "4")]
    pub min_version: String,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CaRoots {
    #[prost(string, tag = "1")]
    #[serde(rename = "ActiveRootID")]
    pub active_root_id: String,
    #[prost(string, tag = "2")]
    pub trust_domain: String,
    #[prost(message, repeated, tag = "3")]
    pub roots: Vec<Root>,
}

#[derive(Clone, PartialEq, Message, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Root {
    #[prost(string, tag = "1")]
    #[serde(rename = "ID")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub name: String,
    #[prost(uint64, tag = "3")]
    #[serde(with = "text")]
    pub serial_number: u64,
    #[prost(string, tag = "4")]
    #[serde(rename = "SigningKeyID")]
    pub signing_key_id: String,
    #[prost(string, tag = "5")]
    pub external_trust_domain: String,
    #[prost(message, optional, tag = "6")]
    #[serde(with = "moment")]
    pub not_before: Option<Moment>,
    #[prost(message, optional, tag = "7")]
    #[serde(with = "moment")]
    pub not_after: Option<Moment>,
    #[prost(string, tag = "8")]
    pub root_cert: String,
    #[prost(string, repeated, tag = "9")]
    pub intermediate_certs: Vec<String>,
    #[prost(bool, tag = "12")]
    pub active: bool,
    #[prost(message, optional, tag = "13")]
    #[serde(with = "moment")]
    pub rotated_out_at: Option<Moment>,
    #[prost(string, tag = "14")]
    pub private_key_type: String,
    #[prost(int32, tag = "15")]
    pub private_key_bits: i32,
    #[prost(message, optional, tag = "16")]
    pub raft_index: Option<RaftIndex>,
}

#[derive(Clone, PartialEq, Message, derive_more::Debug, Serialize, Deserialize)]
#[prost(skip_debug)]
#[serde(rename_all = "PascalCase", default)]
pub struct IssuedCert {
    #[prost(string, tag = "1")]
    pub serial_number: String,
    #[prost(string, tag = "2")]
    #[serde(rename = "CertPEM")]
    pub cert_pem: String,
    /// Filled in by its holder, on disk only.
    #[prost(string, tag = "3")]
    #[serde(rename = "PrivateKeyPEM")]
    #[debug("{}", hidden(private_key_pem))]
    pub private_key_pem: String,
    #[prost(string, tag = "6")]
    pub agent: String,
    #[prost(string, tag = "7")]
    #[serde(rename = "AgentURI")]
    pub agent_uri: String,
    #[prost(message, optional, tag = "8")]
    #[serde(with = "moment")]
    pub valid_after: Option<Moment>,
    #[prost(message, optional, tag = "9")]
    #[serde(with = "moment")]
    pub valid_before: Option<Moment>,
    #[prost(message, optional, tag = "11")]
    pub raft_index: Option<RaftIndex>,
}

#[derive(Clone, Copy, PartialEq, Message, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftIndex {
    #[prost(uint64, tag = "1")]
    #[serde(with = "text")]
    pub create_index: u64,
    #[prost(uint64, tag = "2")]
    #[serde(with = "text")]
    pub modify_index: u64,
}

/// Time since 1970.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Moment {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// Numbers as texts; numbers are read as well.
mod text {
    use serde::de::{self, Deserializer, Visitor};
    use serde::{Serialize, Serializer};
    use std::fmt;

    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        number.to_string().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = u64;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or its text")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<u64, E> {
                Ok(number)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// Moments as RFC 3339.
mod moment {
    use super::{Instant, Moment};
    use serde::de::{Deserializer, Error};
    use serde::{Deserialize, Serialize, Serializer};

    pub fn serialize<S: Serializer>(moment: &Option<Moment>, serializer: S) -> Result<S::Ok, S::Error> {
        moment.map(|moment| Instant::from(moment).to_string()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Moment>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse::<Instant>().map(Moment::from)).transpose().map_err(D::Error::custom)
    }
}

impl From<Instant> for Moment {
    fn from(instant: Instant) -> Moment {
        Moment { seconds: instant.unix(), nanos: 0 }
    }
}

impl From<Moment> for Instant {
    fn from(moment: Moment) -> Instant {
        Instant::from_unix(moment.seconds)
    }
}

fn indexes(create_index: u64, modify_index: u64) -> Option<RaftIndex> {
    Some(RaftIndex { create_index, modify_index })
}

impl From<&CaRoot> for Root {
    fn from(root: &CaRoot) -> Root {
        Root {
            id: root.id.clone(),
            name: root.name.clone(),
            serial_number: root.serial_number,
            signing_key_id: root.signing_key_id.clone(),
            external_trust_domain: root.external_trust_domain.clone(),
            not_before: Some(root.not_before.into()),
            not_after: Some(root.not_after.into()),
            root_cert: root.root_cert.clone(),
            intermediate_certs: root.intermediate_certs.clone().unwrap_or_default(),
            active: root.active,
            rotated_out_at: (!root.rotated_out_at.is_zero()).then(|| root.rotated_out_at.into()),
            private_key_type: root.private_key_type.clone(),
            private_key_bits: i32::try_from(root.private_key_bits).unwrap_or(0),
            raft_index: indexes(root.create_index, root.modify_index),
        }
    }
}

impl From<&Root> for CaRoot {
    fn from(root: &Root) -> CaRoot {
        let instant = |moment: Option<Moment>| moment.map(Instant::from).unwrap_or_default();
        let index = root.raft_index.unwrap_or_default();
        CaRoot {
            id: root.id.clone(),
            name: root.name.clone(),
            serial_number: root.serial_number,
            signing_key_id: root.signing_key_id.clone(),
            external_trust_domain: root.external_trust_domain.clone(),
            not_before: instant(root.not_before),
            not_after: instant(root.not_after),
            root_cert: root.root_cert.clone(),
            intermediate_certs: Some(root.intermediate_certs.clone()).filter(|certs| !certs.is_empty()),
            active: root.active,
            private_key_type: root.private_key_type.clone(),
            private_key_bits: root.private_key_bits.into(),
            create_index: index.create_index,
            modify_index: index.modify_index,
            ..CaRoot::default()
        }
    }
}

impl From<&IndexedCaRoots> for CaRoots {
    fn from(roots: &IndexedCaRoots) -> CaRoots {
        CaRoots {
            active_root_id: roots.active_root_id.clone(),
            trust_domain: roots.trust_domain.clone(),
            roots: roots.roots.iter().map(|root| Root::from(&**root)).collect(),
        }
    }
}

impl From<&CaRoots> for IndexedCaRoots {
    fn from(roots: &CaRoots) -> IndexedCaRoots {
        IndexedCaRoots {
            active_root_id: roots.active_root_id.clone(),
            trust_domain: roots.trust_domain.clone(),
            roots: roots.roots.iter().map(|root| Arc::new(CaRoot::from(root))).collect(),
            ..IndexedCaRoots::default()
        }
    }
}

impl From<&OwnCert> for IssuedCert {
    fn from(cert: &OwnCert) -> IssuedCert {
        IssuedCert {
            serial_number: cert.serial_number.clone(),
            cert_pem: cert.cert_pem.clone(),
            private_key_pem: cert.private_key_pem.clone(),
            agent: cert.agent.clone(),
            agent_uri: cert.agent_uri.clone(),
            valid_after: Some(cert.valid_after.into()),
            valid_before: Some(cert.valid_before.into()),
            raft_index: indexes(cert.create_index, cert.modify_index),
        }
    }
}

impl From<&IssuedCert> for OwnCert {
    fn from(cert: &IssuedCert) -> OwnCert {
        let instant = |moment: Option<Moment>| moment.map(Instant::from).unwrap_or_default();
        let index = cert.raft_index.unwrap_or_default();
        OwnCert {
            serial_number: cert.serial_number.clone(),
            cert_pem: cert.cert_pem.clone(),
            private_key_pem: cert.private_key_pem.clone(),
            agent: cert.agent.clone(),
            agent_uri: cert.agent_uri.clone(),
            valid_after: instant(cert.valid_after),
            valid_before: instant(cert.valid_before),
            create_index: index.create_index,
            modify_index: index.modify_index,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response() -> AutoConfigResponse {
        let root = CaRoot { id: "a:b".into(), serial_number: 9, active: true, ..CaRoot::default() };
        let roots = IndexedCaRoots { roots: vec![Arc::new(root)], ..IndexedCaRoots::default() };
        let cert = OwnCert {
            cert_pem: "cert".into(),
            private_key_pem: "a secret".into(),
            valid_before: Instant::from_unix(1_796_000_000),
            ..OwnCert::default()
        };
        let tokens = Some(AclTokens { agent: "a secret".into(), ..AclTokens::default() });
        let encryption = Some(GossipEncryption { key: "a secret".into(), ..GossipEncryption::default() });
        AutoConfigResponse {
            config: Some(Config {
                node_name: "web-1".into(),
                acl: Some(Acl { enabled: true, tokens, ..Acl::default() }),
                gossip: Some(Gossip { encryption, retry_join_lan: vec!["127.0.0.1:8301".into()] }),
                ..Config::default()
            }),
            ca_roots: Some((&roots).into()),
            certificate: Some((&cert).into()),
            extra_ca_certificates: vec!["ca".into()],
        }
    }

    #[test]
    fn a_response_comes_back_from_protobuf_and_from_disk_and_shows_no_secret() {
        let response = response();
        let bytes = Protobuf::of(&response);
        assert!(bytes.read::<AutoConfigResponse>().expect("decodes") == response);
        let json = serde_json::to_string(&response).expect("encodes");
        assert!(
            json.contains(r#""ValidBefore":"2026-11-30T00:53:20Z""#) && json.contains(r#""SerialNumber":"9""#),
            "{json}"
        );
        assert!(serde_json::from_str::<AutoConfigResponse>(&json).expect("decodes") == response);
        assert!(!format!("{response:?}").contains("a secret"));
        let cert: OwnCert = response.certificate.as_ref().expect("a certificate").into();
        assert_eq!(IssuedCert::from(&cert).cert_pem, "cert");
    }

    #[test]
    fn what_the_reference_wrote_is_read() {
        let text = include_str!("../../tests/vectors/auto-config.json");
        let read: AutoConfigResponse = serde_json::from_str(text).expect("decodes");
        let (config, roots) = (read.config.expect("a configuration"), read.ca_roots.expect("roots"));
        assert_eq!((config.node_name.as_str(), config.datacenter.as_str()), ("c1", "dc1"));
        assert_eq!(config.gossip.expect("gossip").retry_join_lan, ["127.77.0.1:8301"]);
        assert_eq!((roots.roots.len(), roots.roots[0].serial_number), (1, 10));
        let cert: OwnCert = (&read.certificate.expect("a certificate")).into();
        assert_eq!(cert.valid_before.to_string(), "2026-12-03T16:23:02Z");
        assert!(crate::tls::pem::identity_of(cert.cert_pem.as_bytes(), cert.private_key_pem.as_bytes()).is_ok());
    }
}

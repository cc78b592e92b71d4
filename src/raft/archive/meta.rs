//! `meta.json` of a snapshot archive (`spec/snapshot.md` 2).

use base64::Engine as _;
use serde::{Deserialize, Serialize};

/// Version that every snapshot written here carries.
pub const VERSION: u32 = 1;

/// Raft metadata of a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Meta {
    /// Format version: 0 or 1.
    pub version: u32,
    /// `<term>-<index>-<unix milliseconds>`.
    #[serde(rename = "ID")]
    pub id: String,
    /// Index of the last entry in the snapshot.
    pub index: u64,
    /// Term of that entry.
    pub term: u64,
    /// Old form of the server addresses: base64 of a msgpack array. Written, never read.
    #[serde(deserialize_with = "crate::raft::archive::meta::null_as_default")]
    pub peers: String,
    /// The servers at that index.
    #[serde(deserialize_with = "crate::raft::archive::meta::null_as_default")]
    pub configuration: Configuration,
    /// Log index of that configuration.
    pub configuration_index: u64,
    /// Bytes of `state.bin`.
    pub size: u64,
    /// What this server needs to continue its own log; readers of the reference ignore it. Absent in the usual case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_position: Option<LogPosition>,
}

/// A server set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Configuration {
    /// The servers.
    #[serde(deserialize_with = "crate::raft::archive::meta::null_as_default")]
    pub servers: Vec<Server>,
}

/// One server of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Server {
    /// 0 voter, 1 non-voter, 2 staging.
    pub suffrage: u8,
    /// Node id.
    #[serde(rename = "ID")]
    pub id: String,
    /// `ip:port`.
    pub address: String,
}

/// Where a snapshot stands in this server's own log, where that does not follow from the other fields.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct LogPosition {
    /// How far the index is ahead of the position in the log.
    pub offset: u64,
    /// Term of the configuration.
    pub configuration_term: u64,
    /// Voter ids of each half of a change that was under way.
    pub joint: Vec<Vec<String>>,
}

/// `null` reads as the empty value, as the reference's decoder has it.
pub(crate) fn null_as_default<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

impl Meta {
    /// The old form of the addresses: a msgpack array of byte strings, in base64.
    pub fn encode_peers(addresses: &[&str]) -> String {
        let mut bytes = Vec::new();
        let write = |bytes: &mut Vec<u8>| -> Result<(), rmp::encode::ValueWriteError> {
            rmp::encode::write_array_len(bytes, addresses.len() as u32)?;
            for address in addresses {
                match address.len() {
                    len @ 0..=31 => bytes.push(0xa0 | len as u8),
                    len => {
                        bytes.push(0xda);
                        bytes.extend_from_slice(&(len as u16).to_be_bytes());
                    }
                }
                bytes.extend_from_slice(address.as_bytes());
            }
            Ok(())
        };
        write(&mut bytes).expect("writing to a vector does not fail");
        base64::engine::general_purpose::STANDARD.encode(bytes)
    }
}

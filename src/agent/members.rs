//! Members of the gossip pool as the API shows them (`spec/http-api.md` 3.2.4).

use crate::filter::{Field, Filterable, Kind, Typed, Value};
use crate::gossip::{self, MemberStatus};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A member of a gossip pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Member {
    /// Node name; `node.dc` in the WAN pool.
    pub name: String,
    /// IP address.
    pub addr: String,
    /// Gossip port.
    pub port: u16,
    /// What it announces about itself.
    pub tags: BTreeMap<String, String>,
    /// Gossip status.
    pub status: MemberStatus,
    /// Oldest gossip protocol it understands.
    pub protocol_min: u8,
    /// Newest gossip protocol it understands.
    pub protocol_max: u8,
    /// Gossip protocol it speaks.
    pub protocol_cur: u8,
    /// Oldest delegate protocol it understands.
    pub delegate_min: u8,
    /// Newest delegate protocol it understands.
    pub delegate_max: u8,
    /// Delegate protocol it speaks.
    pub delegate_cur: u8,
}

impl From<&gossip::Member> for Member {
    fn from(member: &gossip::Member) -> Member {
        let [protocol_min, protocol_max, protocol_cur, delegate_min, delegate_max, delegate_cur] = member.protocol;
        Member {
            name: member.name.clone(),
            addr: member.address.to_string(),
            port: member.port,
            tags: (*member.tags).clone(),
            status: member.status,
            protocol_min,
            protocol_max,
            protocol_cur,
            delegate_min,
            delegate_max,
            delegate_cur,
        }
    }
}

impl Filterable for Member {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "Name", kind: Kind::Str, get: |row| row.name.value() },
        Field { name: "Addr", kind: Kind::Bytes, get: |row| Value::Ip(row.addr.parse().ok()) },
        Field { name: "Port", kind: Kind::Uint(16), get: |row| row.port.value() },
        Field { name: "Tags", kind: Kind::Map(&Kind::Str), get: |row| row.tags.value() },
        Field { name: "Status", kind: Kind::Int, get: |row| Value::Int(row.status as i64) },
        Field { name: "ProtocolMin", kind: Kind::Uint(8), get: |row| row.protocol_min.value() },
        Field { name: "ProtocolMax", kind: Kind::Uint(8), get: |row| row.protocol_max.value() },
        Field { name: "ProtocolCur", kind: Kind::Uint(8), get: |row| row.protocol_cur.value() },
        Field { name: "DelegateMin", kind: Kind::Uint(8), get: |row| row.delegate_min.value() },
        Field { name: "DelegateMax", kind: Kind::Uint(8), get: |row| row.delegate_max.value() },
        Field { name: "DelegateCur", kind: Kind::Uint(8), get: |row| row.delegate_cur.value() },
    ];
}

#[cfg(test)]
mod filter_tests {
    use super::*;
    use crate::filter::Filter;

    #[test]
    fn members_are_filtered_by_their_own_fields() {
        let tags = BTreeMap::from([("role".to_owned(), "consul".to_owned())]);
        let status = MemberStatus::Alive;
        let member =
            Member { addr: "127.0.0.1".into(), port: 8301, tags, status, protocol_cur: 2, ..Member::default() };
        for (text, wanted) in [
            ("127 in Addr", Ok(true)),
            ("9 in Addr", Ok(false)),
            ("Addr is empty", Ok(false)),
            ("Port == 8301", Ok(true)),
            ("Status == 1", Ok(true)),
            ("Tags.role == consul", Ok(true)),
            (
                "300 in Addr",
                Err("\"300\" for selector \"Addr\": strconv.ParseUint: parsing \"300\": value out of range"),
            ),
            (
                "ProtocolCur == x",
                Err("\"x\" for selector \"ProtocolCur\": strconv.ParseUint: parsing \"x\": invalid syntax"),
            ),
        ] {
            let answer = Filter::<Member>::parse(text).map(|filter| filter.matches(&member));
            let prefix = "Failed to create boolean expression evaluator: Failed to coerce value ";
            assert_eq!(answer.map_err(|error| error.text), wanted.map_err(|rest| format!("{prefix}{rest}")), "{text}");
        }
    }
}

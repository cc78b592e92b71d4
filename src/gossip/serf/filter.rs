//! Who has to answer a query (`spec/gossip.md` 4.1).

use super::member::Tags;
use super::message;
use crate::types::msgpack;
use bytes::Bytes;
use regex::RegexBuilder;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Filter by node names.
const NODES: u8 = 0;
/// Filter by a tag.
const TAG: u8 = 1;

/// Memory that the regular expression of a stranger may take, bytes.
const REGEX_SIZE: usize = 1 << 20;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TagFilter {
    tag: String,
    expr: String,
}

/// Encodes filters; none when everybody is asked.
pub fn encode(nodes: &[String], tags: &BTreeMap<String, String>) -> Option<Vec<Bytes>> {
    let mut filters = Vec::new();
    if !nodes.is_empty() {
        filters.push(with_kind(NODES, nodes));
    }
    for (tag, expr) in tags {
        filters.push(with_kind(TAG, &TagFilter { tag: tag.clone(), expr: expr.clone() }));
    }
    (!filters.is_empty()).then_some(filters)
}

fn with_kind<T: Serialize + ?Sized>(kind: u8, filter: &T) -> Bytes {
    let mut out = vec![kind];
    msgpack::to_end_of(&mut out, filter).expect("filters are plain structs");
    out.into()
}

/// All filters let a node of this name and these tags through; the error says why a filter cannot be understood.
pub fn matches(filters: &[Bytes], name: &str, tags: &Tags) -> Result<bool, String> {
    for filter in filters {
        if !matches_one(filter, name, tags)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn matches_one(filter: &[u8], name: &str, tags: &Tags) -> Result<bool, String> {
    let (kind, body) = filter.split_first().ok_or("query has an empty filter")?;
    match *kind {
        NODES => {
            let names: Vec<String> =
                message::decode(body).map_err(|error| format!("failed to decode filterNodeType: {error}"))?;
            Ok(names.iter().any(|wanted| wanted == name))
        }
        TAG => {
            let wanted: TagFilter =
                message::decode(body).map_err(|error| format!("failed to decode filterTagType: {error}"))?;
            let regex = RegexBuilder::new(&wanted.expr)
                .size_limit(REGEX_SIZE)
                .build()
                .map_err(|error| format!("failed to compile filter regex ({}): {error}", wanted.expr))?;
            Ok(regex.is_match(tags.get(&wanted.tag).map_or("", String::as_str)))
        }
        other => Err(format!("query has unrecognized filter type: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_filters_must_match() {
        let own = Tags::from([("role".into(), "consul".into())]);
        let tags = |tag: &str, expr: &str| BTreeMap::from([(tag.to_owned(), expr.to_owned())]);
        for (nodes, tags, wanted) in [
            (vec![], BTreeMap::new(), Ok(true)),
            (vec!["srv1", "srv2"], BTreeMap::new(), Ok(true)),
            (vec!["srv2"], BTreeMap::new(), Ok(false)),
            (vec![], tags("role", "^consul$"), Ok(true)),
            (vec![], tags("role", "sul"), Ok(true)),
            (vec![], tags("role", "^node$"), Ok(false)),
            (vec![], tags("missing", "^$"), Ok(true)),
            (vec!["srv2"], tags("role", "consul"), Ok(false)),
            (vec![], tags("role", "("), Err(())),
        ] {
            let nodes: Vec<String> = nodes.into_iter().map(str::to_owned).collect();
            let filters = encode(&nodes, &tags).unwrap_or_default();
            assert_eq!(matches(&filters, "srv1", &own).map_err(|_| ()), wanted, "{nodes:?} {tags:?}");
        }
    }

    #[test]
    fn filters_have_the_bytes_of_the_reference() {
        let tags = BTreeMap::from([("role".to_owned(), "^consul$".to_owned())]);
        let filters = encode(&["srv1".to_owned()], &tags).unwrap();
        assert_eq!(filters[0][..], *b"\x00\x91\xa4srv1");
        assert_eq!(filters[1][..], *b"\x01\x82\xa4Expr\xa8^consul$\xa3Tag\xa4role");
        assert_eq!(encode(&[], &BTreeMap::new()), None);
    }

    #[test]
    fn what_cannot_be_understood_matches_nobody() {
        for filter in [&b""[..], b"\x02\xa4srv1", b"\x00\xff", b"\x01\x91"] {
            assert!(matches(&[Bytes::copy_from_slice(filter)], "srv1", &Tags::new()).is_err(), "{filter:?}");
        }
    }
}

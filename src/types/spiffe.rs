//! Identities of agents as certificates carry them (`spec/mesh.md` 5).

use super::PATH_SEGMENT;
use percent_encoding::{percent_decode_str, utf8_percent_encode};

/// The trust domain of an agent that does not know it yet.
pub const UNKNOWN_DOMAIN: &str = "unknown";

/// `spiffe://<trust domain>/agent/client/dc/<datacenter>/id/<node>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentId {
    /// Trust domain.
    pub host: String,
    /// Datacenter.
    pub datacenter: String,
    /// Name of the node.
    pub node: String,
}

impl AgentId {
    /// Reads a URI.
    ///
    /// # Errors
    /// `SPIFFE ID must have 'spiffe' scheme`, `SPIFFE ID is not in the expected format: <uri>`.
    pub fn parse(uri: &str) -> Result<AgentId, String> {
        let rest = uri.strip_prefix("spiffe://").ok_or("SPIFFE ID must have 'spiffe' scheme")?;
        AgentId::read(rest).ok_or_else(|| format!("SPIFFE ID is not in the expected format: {uri}"))
    }

    fn read(rest: &str) -> Option<AgentId> {
        let parts: Vec<&str> = rest.split('/').collect();
        let [host, "agent", "client", "dc", datacenter, "id", node] = parts[..] else { return None };
        let text = |part: &str| {
            let decoded = percent_decode_str(part).decode_utf8().ok()?.into_owned();
            (!decoded.is_empty()).then_some(decoded)
        };
        Some(AgentId { host: host.to_owned(), datacenter: text(datacenter)?, node: text(node)? })
    }

    /// The URI.
    pub fn uri(&self) -> String {
        let escaped = |part| utf8_percent_encode(part, PATH_SEGMENT);
        format!("spiffe://{}/agent/client/dc/{}/id/{}", self.host, escaped(&self.datacenter), escaped(&self.node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities_come_back_from_their_uris() {
        for node in ["web-1", "a node", "a/b", "ä"] {
            let id = AgentId { host: "unknown".into(), datacenter: "dc1".into(), node: node.into() };
            assert_eq!(AgentId::parse(&id.uri()), Ok(id));
        }
    }

    #[test]
    fn other_uris_are_refused() {
        assert_eq!(AgentId::parse("https://a"), Err("SPIFFE ID must have 'spiffe' scheme".into()));
        for uri in [
            "spiffe://a",
            "spiffe://a/ns/default/dc/dc1/svc/web",
            "spiffe://a/agent/client/dc//id/n",
            "spiffe://a/agent/client/dc/dc1/id/",
            "spiffe://a/agent/client/dc/dc1/id/n/more",
            "spiffe://a/agent/server/dc/dc1",
            "spiffe://a/agent/client/dc/dc1/id/%ff",
        ] {
            assert_eq!(AgentId::parse(uri), Err(format!("SPIFFE ID is not in the expected format: {uri}")));
        }
    }
}

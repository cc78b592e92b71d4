//! Calls that arrive at the server port in the audit log (`docs/audit.md`).

use super::Server;
use super::wire::map_header;
use crate::acl::Authorizer;
use crate::rpc::Called;
use crate::telemetry::audit::{self, Auditor, Kind, Request, Trail};
use crate::types::{Result, msgpack};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// How the audit log names a caller.
pub fn owner(resolved: Result<Authorizer>) -> String {
    match resolved {
        Ok(authorizer) if authorizer.accessor().is_empty() => "anonymous".to_owned(),
        Ok(authorizer) => authorizer.accessor().to_owned(),
        Err(_) => "unknown".to_owned(),
    }
}

/// A call, if it may come to the audit log.
pub struct Audited<'a> {
    auditor: Arc<Auditor>,
    server: &'a Server,
    method: &'a str,
    write: bool,
    secret: String,
    from: SocketAddr,
    /// It was written already.
    trail: Option<Trail>,
}

/// Refusals that mean that the caller may not do it.
const DENIALS: [&str; 2] = ["Permission denied", "ACL not found"];

impl<'a> Audited<'a> {
    /// Writes that a call begins, if it is to be written. `secret` is looked at only while there is an audit log.
    pub async fn begin(
        server: &'a Server,
        method: &'a str,
        write: bool,
        secret: impl FnOnce() -> String,
        from: SocketAddr,
    ) -> Option<Audited<'a>> {
        let auditor = audit::current().filter(|auditor| auditor.covers(Kind::Rpc))?;
        let mut audited = Audited { auditor, server, method, write, secret: secret(), from, trail: None };
        if audited.auditor.follows(Kind::Rpc, write) {
            audited.trail = Some(audited.trail().await.begin());
        }
        Some(audited)
    }

    /// Writes how a call ended; `error` is empty for success.
    pub async fn end(mut self, error: &str) {
        let denied = DENIALS.iter().any(|denial| error.contains(denial));
        let trail = match self.trail.take() {
            None if denied => self.trail().await,
            None => return,
            Some(trail) => trail,
        };
        trail.end(if error.is_empty() { "ok" } else { "error" }, error);
    }

    /// [`Audited::end`] of a call that was served.
    pub async fn end_called(self, called: &Called) {
        let error = match called {
            Called::Reply(_) => "",
            Called::Failed(error) | Called::Undecodable(error) => error,
            Called::Unknown => "unknown method",
        };
        self.end(error).await;
    }

    async fn trail(&self) -> Trail {
        let request = Request {
            operation: if self.write { "write" } else { "read" }.to_owned(),
            endpoint: self.method.to_owned(),
            remote_addr: self.from.to_string(),
            user_agent: String::new(),
            host: String::new(),
            query_params: BTreeMap::new(),
        };
        Trail::new(self.auditor.clone(), Kind::Rpc, self.server.accessor(&self.secret).await, request)
    }
}

/// The token in an encoded request; empty when there is none.
pub fn secret(body: &[u8]) -> String {
    let Some((fields, mut at)) = map_header(body) else { return String::new() };
    for _ in 0..fields {
        let Ok((name, len)) = msgpack::from_prefix::<String>(&body[at..]) else { break };
        at += len;
        if name == "Token" {
            return msgpack::from_prefix(&body[at..]).map(|(token, _)| token).unwrap_or_default();
        }
        let Ok(len) = msgpack::value_len(&body[at..]) else { break };
        at += len;
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::requests::KeyRequest;
    use crate::types::{KvRequest, QueryOptions};

    #[test]
    fn the_token_is_found_in_reads_and_writes_and_in_nothing_else() {
        let query = QueryOptions { token: "some secret".into(), ..QueryOptions::default() };
        let read = msgpack::to_vec(&KeyRequest { key: "a".into(), query, ..KeyRequest::default() }).expect("encoded");
        let write = msgpack::to_vec(&KvRequest { token: "another".into(), ..KvRequest::default() }).expect("encoded");
        assert_eq!((secret(&read).as_str(), secret(&write).as_str()), ("some secret", "another"));
        for cut in 0..write.len() {
            let found = secret(&write[..cut]);
            assert!(found.is_empty() || found == "another");
        }
        assert_eq!(secret(&[0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1, b'x']), "");
    }
}

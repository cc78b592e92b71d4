//! What arrives at the server port, for `crate::fuzzing`.

use super::auto_config::{AutoConfigRequest, AutoConfigResponse, CaRoots};
use super::budget::{Budget, Share};
use super::codec::ValueReader;
use super::links::wire::{Chunks, Messages, greeted};
use super::service::{Archive, Called, HealthView, Service};
use super::snapshot::{self, SnapshotReply, SnapshotRequest};
use super::subscribe::messages::SubscribeRequest;
use super::{method, serve, yamux};
use crate::raft::Raft;
use crate::types::ca::{IndexedCaRoots, IssuedCert};
use crate::types::requests::ServiceRequest;
use crate::types::{Error, Result, msgpack};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use prost::Message;
use std::future::Future;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, join, sink};
use tokio::runtime::{Builder, Runtime};

/// Bytes that a stream may hold.
const BUDGET: usize = 16 << 20;

const FROM: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8300);

/// Runs what sets itself deadlines, which need a clock.
fn run<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a clock needs nothing");
    }
    RUNTIME.with(|runtime| runtime.block_on(future))
}

/// A server that only decodes what it is asked.
struct Decoding;

impl Service for Decoding {
    fn call<'a>(&'a self, method: &'a str, body: Bytes, _from: SocketAddr) -> BoxFuture<'a, Called> {
        let called = match method::recode_args(method, &body) {
            None => Called::Unknown,
            Some(Err(error)) => Called::Undecodable(error.to_string()),
            Some(Ok(bytes)) => {
                let again = method::recode_args(method, &bytes).and_then(|again| again.ok());
                assert_eq!(again.as_deref(), Some(&bytes[..]), "a request of {method} changes on its way");
                Called::Reply(bytes.into())
            }
        };
        async { called }.boxed()
    }

    fn snapshot<'a>(
        &'a self,
        request: SnapshotRequest,
        mut archive: Archive,
        _from: SocketAddr,
    ) -> BoxFuture<'a, Result<SnapshotReply>> {
        async move {
            let mut read = Vec::new();
            archive.read_to_end(&mut read).await?;
            Err(Error::new(format!("{} bytes from {}", read.len(), request.datacenter)))
        }
        .boxed()
    }

    fn raft(&self) -> Option<Raft> {
        None
    }

    fn health<'a>(&'a self, _request: ServiceRequest) -> BoxFuture<'a, Result<HealthView>> {
        async { Ok(HealthView::default()) }.boxed()
    }
}

/// Serves the requests of a stream.
pub fn calls(data: &[u8]) {
    let io = join(data, sink());
    let share = Share::of(&Budget::of_port(BUDGET));
    let _ = run(serve::requests(io, pending(), &Decoding, FROM, share, false));
}

/// Decodes the reply of a method.
pub fn reply(name: &str, body: &[u8]) {
    if let Some(Ok(bytes)) = method::recode_reply(name, body) {
        let again = method::recode_reply(name, &bytes).and_then(|again| again.ok());
        assert_eq!(again.as_deref(), Some(&bytes[..]), "a reply of {name} changes on its way");
    }
}

/// Serves a snapshot exchange.
pub fn snapshot(data: &[u8]) {
    let stream = Box::new(join(std::io::Cursor::new(data.to_vec()), sink()));
    run(snapshot::serve(stream, &Decoding, FROM));
}

/// Decodes the request for an event stream.
pub fn subscribe(data: &[u8]) {
    let _ = SubscribeRequest::decode(data);
}

/// Decodes a message of `auto_config` (`request`, `response`), or what an agent keeps of it (`kept`).
pub fn auto_config(what: &str, data: &[u8]) {
    match what {
        "request" => drop(AutoConfigRequest::decode(data)),
        "response" => {
            let Ok(response) = AutoConfigResponse::decode(data) else { return };
            // what the agent makes of it, and keeps
            let roots = response.ca_roots.as_ref().map(IndexedCaRoots::from);
            let _ = (roots.as_ref().map(CaRoots::from), response.certificate.as_ref().map(IssuedCert::from));
            let text = serde_json::to_vec(&response).expect("texts and numbers can be written");
            serde_json::from_slice::<AutoConfigResponse>(&text).expect("what was written is read");
        }
        "kept" => drop(serde_json::from_slice::<AutoConfigResponse>(data)),
        _ => {}
    }
}

/// Reads a hello, then messages, or the chunks of a snapshot.
pub fn link(data: &[u8]) {
    let read = async {
        let mut stream = data;
        let Ok(Some(_)) = greeted(&mut stream).await else { return };
        let rest = stream;
        let mut messages = Messages::new(rest);
        while let Ok(Some((_, payload))) = messages.next().await {
            assert!(payload.len() <= data.len(), "more than there is");
        }
        let mut archive = Vec::new();
        let _ = Chunks::new(rest).read_to_end(&mut archive).await;
        assert!(archive.len() <= data.len(), "more than there is");
    };
    read.now_or_never().expect("nothing waits");
}

/// Drives the rules of a session.
pub fn yamux(data: &[u8]) {
    yamux::fuzz::session(data);
}

/// Whole values of a stream, found as they arrive: the same ends as in memory, unless they are nested deeper than a stream may.
pub fn values(data: &[u8]) {
    let mut stream = data;
    let mut reader = ValueReader::default();
    let value = reader.value(&mut stream, data.len()).now_or_never().expect("nothing waits");
    let too_deep = value.as_ref().err().is_some_and(|error| error.to_string().contains("nested deeper"));
    let found = value.ok().flatten().map(|value| value.len());
    let expected = msgpack::value_len(data).ok();
    assert!(too_deep || found == expected, "where a value ends: {found:?}, {expected:?}");
}

/// The message that an agent has kept, for seeds.
#[cfg(test)]
pub fn response_of(kept: &str) -> Vec<u8> {
    serde_json::from_str::<AutoConfigResponse>(kept).expect("recorded").encode_to_vec()
}

//! Event streams on the server port: gRPC `subscribe.StateChangeSubscription/Subscribe` for the health of services
//! (`spec/rpc.md` 12).
//!
//! A client agent keeps one HTTP/2 connection to one server and a stream on it for every service that it watches. Subscribers
//! of one service share one [`feed`]: what changed is found and encoded once, however many there are.

mod convert;
mod feed;
pub(super) mod messages;
#[cfg(test)]
mod tests;

use super::security::AnyStream;
use super::service::Service;
use bytes::Bytes;
use feed::{Events, Feeds, Subject};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use messages::{Event, NamedSubject, Payload, SubscribeRequest, Topic};
use prost::Message;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tonic::body::Body;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Request, Response, Status};

/// The one method that is served.
const SUBSCRIBE: &str = "/subscribe.StateChangeSubscription/Subscribe";

/// Largest request.
const REQUEST_LIMIT: usize = 1 << 20;

/// Streams of one connection: one per service that an agent watches.
const STREAMS: u32 = 8192;

/// Silence on a connection before a ping, and how long its answer may take. Clients ping by themselves every 30 s.
const PING_AFTER: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Serves event streams on any number of connections.
pub(super) struct Streams {
    feeds: Feeds,
    offered: bool,
}

impl Streams {
    /// Streams of what `service` says; when they are not `offered`, subscribers are told so.
    pub(super) fn new(service: Arc<dyn Service>, offered: bool) -> Arc<Streams> {
        Arc::new(Streams { feeds: Feeds::new(service), offered })
    }

    /// Serves one HTTP/2 connection until it ends.
    pub(super) async fn serve(self: Arc<Self>, stream: AnyStream, from: SocketAddr) {
        let mut http = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        http.timer(TokioTimer::new())
            .keep_alive_interval(PING_AFTER)
            .keep_alive_timeout(PING_TIMEOUT)
            .max_concurrent_streams(STREAMS);
        let service = hyper::service::service_fn(move |request| {
            let streams = self.clone();
            async move { Ok::<_, Infallible>(streams.answer(request, from).await) }
        });
        if let Err(error) = http.serve_connection(TokioIo::new(stream), service).await {
            tracing::debug!(target: "agent.server.grpc", "connection ended: error={error}");
        }
    }

    async fn answer(self: Arc<Self>, request: hyper::Request<Incoming>, from: SocketAddr) -> hyper::Response<Body> {
        if request.uri().path() != SUBSCRIBE || !self.offered {
            let (service, method) = request.uri().path().trim_start_matches('/').split_once('/').unwrap_or_default();
            return Status::unimplemented(format!("unknown service {service} or method {method}")).into_http();
        }
        if let Err(error) = self.feeds.service().admit_subscription(from) {
            return Status::resource_exhausted(error.text).into_http();
        }
        let mut grpc = tonic::server::Grpc::new(EventCodec).max_decoding_message_size(REQUEST_LIMIT);
        grpc.server_streaming(Subscription(self), request).await
    }

    async fn subscribe(&self, request: SubscribeRequest) -> Result<Events, Status> {
        let SubscribeRequest { topic, key, token, index, datacenter, peer_name, subject } = request;
        let connect = match Topic::try_from(topic) {
            Ok(Topic::ServiceHealth) => false,
            Ok(Topic::ServiceHealthConnect) => true,
            Ok(Topic::Unknown) | Err(_) => {
                return Err(Status::invalid_argument("a known Topic is required"));
            }
            Ok(topic) => return Err(Status::unimplemented(format!("topic {topic:?} is not served"))),
        };
        let named = match subject {
            Some(messages::Subject::Named(named)) => named,
            Some(messages::Subject::Wildcard(true)) => {
                return Err(Status::invalid_argument("service health has no wildcard subscriptions"));
            }
            _ => NamedSubject { key, peer_name },
        };
        if named.key.is_empty() {
            return Err(Status::invalid_argument("either WildcardSubject or NamedSubject.Key is required"));
        }
        if !named.peer_name.is_empty() {
            return Ok(nothing());
        }
        tracing::trace!(target: "agent.server.subscribe", "new subscription: key={} index={index}", named.key);
        self.feeds.subscribe(Subject { connect, service: named.key, datacenter, token }, index).await
    }
}

/// Nothing is imported from peers: an empty snapshot, and no events.
fn nothing() -> Events {
    let end = Event { index: 1, payload: Some(Payload::EndOfSnapshot(true)) };
    stream::iter([Ok(Bytes::from(end.encode_to_vec()))]).chain(stream::pending()).boxed()
}

/// The method, as the gRPC library calls it.
struct Subscription(Arc<Streams>);

impl tonic::server::ServerStreamingService<SubscribeRequest> for Subscription {
    type Response = Bytes;
    type ResponseStream = Events;
    type Future = BoxFuture<'static, Result<Response<Events>, Status>>;

    fn call(&mut self, request: Request<SubscribeRequest>) -> Self::Future {
        let streams = self.0.clone();
        Box::pin(async move { streams.subscribe(request.into_inner()).await.map(Response::new) })
    }
}

/// Requests are decoded; events are encoded already.
struct EventCodec;

impl Codec for EventCodec {
    type Encode = Bytes;
    type Decode = SubscribeRequest;
    type Encoder = EventCodec;
    type Decoder = EventCodec;

    fn encoder(&mut self) -> EventCodec {
        EventCodec
    }

    fn decoder(&mut self) -> EventCodec {
        EventCodec
    }
}

impl Encoder for EventCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, event: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        bytes::BufMut::put(into, event);
        Ok(())
    }
}

impl Decoder for EventCodec {
    type Item = SubscribeRequest;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<SubscribeRequest>, Status> {
        let request = SubscribeRequest::decode(from);
        request.map(Some).map_err(|error| Status::invalid_argument(error.to_string()))
    }
}

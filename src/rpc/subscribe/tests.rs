//! Subscribers over real sockets, against a service whose views the test sets.

use super::feed::Feeds;
use super::messages::{self as wire, Op};
use super::*;
use crate::raft::Raft;
use crate::rpc::{Archive, Called, HealthView, PortLimits, SnapshotReply, SnapshotRequest, listen, service::Service};
use crate::types::requests::{IndexedCheckServiceNodes, ServiceRequest};
use crate::types::service::ConnectProxyConfig;
use crate::types::{
    CheckDefinition, CheckServiceNode, Error, GoDuration, HealthCheck, Index, Node, NodeService, ServiceAddress,
    Weights,
};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Streaming};

/// A service whose view the test sets.
struct Fake {
    view: watch::Sender<HealthView>,
    looks: AtomicUsize,
}

impl Service for Fake {
    fn call<'a>(&'a self, _method: &'a str, _body: Bytes, _from: SocketAddr) -> BoxFuture<'a, Called> {
        Box::pin(async { Called::Unknown })
    }

    fn snapshot<'a>(
        &'a self,
        _request: SnapshotRequest,
        _archive: Archive,
        _from: SocketAddr,
    ) -> BoxFuture<'a, crate::types::Result<SnapshotReply>> {
        Box::pin(async { Err(Error::new("no snapshots")) })
    }

    fn raft(&self) -> Option<Raft> {
        None
    }

    fn health<'a>(&'a self, request: ServiceRequest) -> BoxFuture<'a, crate::types::Result<HealthView>> {
        Box::pin(async move {
            self.looks.fetch_add(1, Ordering::SeqCst);
            if request.query.token == "wrong" {
                return Err(Error::new("Permission denied: no service:read"));
            }
            let seen = request.query.min_query_index;
            let mut views = self.view.subscribe();
            let view = views.wait_for(|view| seen == 0 || view.index != seen).await;
            Ok(view.expect("the test has the sender").clone())
        })
    }
}

/// A served port with a fake service behind it.
struct Served {
    address: SocketAddr,
    fake: Arc<Fake>,
    _stop: watch::Sender<bool>,
}

async fn served(streaming: bool) -> Served {
    let limits = PortLimits { streaming, ..PortLimits::default() };
    let port = listen(SocketAddr::from(([127, 0, 0, 1], 0)), limits).await.expect("a port");
    let fake = Arc::new(Fake { view: watch::Sender::new(view(5, &[])), looks: AtomicUsize::new(0) });
    let (address, stop) = (port.address(), watch::Sender::new(false));
    tokio::spawn(port.serve(fake.clone(), stop.subscribe()));
    Served { address, fake, _stop: stop }
}

fn row(node: &str, id: &str, status: &str) -> CheckServiceNode {
    let check = HealthCheck { check_id: "c".into(), status: status.into(), ..HealthCheck::default() };
    CheckServiceNode {
        node: Arc::new(Node { node: node.into(), address: "10.0.0.1".into(), ..Node::default() }),
        service: Arc::new(NodeService { id: id.into(), service: "web".into(), port: 80, ..NodeService::default() }),
        checks: vec![Arc::new(check)],
    }
}

fn view(index: Index, rows: &[CheckServiceNode]) -> HealthView {
    let instances = IndexedCheckServiceNodes { nodes: rows.to_vec(), ..IndexedCheckServiceNodes::default() };
    HealthView { index, instances: Arc::new(instances) }
}

impl Served {
    async fn channel(&self) -> Channel {
        let address = self.address;
        let connector = tower::service_fn(move |_| async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(&[8]).await?;
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        });
        Endpoint::from_static("http://server").connect_with_connector(connector).await.expect("connects")
    }

    fn set(&self, view: HealthView) {
        self.fake.view.send_replace(view);
    }
}

async fn subscribe(channel: &Channel, request: SubscribeRequest) -> Result<Streaming<Event>, Status> {
    let mut grpc = tonic::client::Grpc::new(channel.clone());
    grpc.ready().await.expect("connected");
    let codec = tonic_prost::ProstCodec::<SubscribeRequest, Event>::default();
    let path = hyper::http::uri::PathAndQuery::from_static(SUBSCRIBE);
    Ok(grpc.server_streaming(Request::new(request), path, codec).await?.into_inner())
}

fn web(index: Index) -> SubscribeRequest {
    let named = NamedSubject { key: "web".into(), ..NamedSubject::default() };
    SubscribeRequest {
        topic: Topic::ServiceHealth as i32,
        index,
        subject: Some(messages::Subject::Named(named)),
        ..SubscribeRequest::default()
    }
}

async fn next(stream: &mut Streaming<Event>) -> (Index, String) {
    let event = stream.message().await.expect("no error").expect("an event");
    (event.index, shown(event.payload.expect("a payload")))
}

fn shown(payload: Payload) -> String {
    match payload {
        Payload::EndOfSnapshot(_) => "end".into(),
        Payload::NewSnapshotToFollow(_) => "new".into(),
        Payload::Batch(batch) => {
            let events = batch.events.into_iter().map(|event| shown(event.payload.expect("a payload")));
            events.collect::<Vec<_>>().join(",")
        }
        Payload::ServiceHealth(update) => {
            let row = update.check_service_node.clone().expect("a row");
            let sign = if update.op == Op::Register as i32 { '+' } else { '-' };
            let status: Vec<_> = row.checks.iter().map(|check| check.status.clone()).collect();
            format!("{sign}{}/{}:{}", row.node.unwrap().node, row.service.unwrap().id, status.join("+"))
        }
    }
}

#[tokio::test]
async fn many_subscribers_of_one_service_share_one_look_at_each_change() {
    let served = served(true).await;
    served.set(view(7, &[row("n1", "web", "passing"), row("n2", "web", "passing")]));
    let mut streams = Vec::new();
    for _ in 0..5 {
        let channel = served.channel().await;
        for _ in 0..20 {
            streams.push(subscribe(&channel, web(0)).await.expect("served"));
        }
    }
    for stream in &mut streams {
        assert_eq!(next(stream).await, (7, "+n1/web:passing".into()));
        assert_eq!(next(stream).await, (7, "+n2/web:passing".into()));
        assert_eq!(next(stream).await, (7, "end".into()));
    }
    let before = served.fake.looks.load(Ordering::SeqCst);
    served.set(view(9, &[row("n1", "web", "critical"), row("n2", "web", "passing")]));
    for stream in &mut streams {
        assert_eq!(next(stream).await, (9, "+n1/web:critical".into()));
    }
    served.set(view(12, &[row("n3", "web", "passing")]));
    for stream in &mut streams {
        assert_eq!(next(stream).await, (12, "+n3/web:passing,-n1/web:,-n2/web:".into()));
    }
    let looks = served.fake.looks.load(Ordering::SeqCst) - before;
    assert!(looks <= 2, "{looks} looks for two changes");
}

#[tokio::test]
async fn a_subscriber_resumes_where_it_was_or_starts_anew() {
    let served = served(true).await;
    served.set(view(7, &[row("n1", "web", "passing")]));
    let channel = served.channel().await;
    let mut current = subscribe(&channel, web(7)).await.expect("served");
    served.set(view(8, &[row("n1", "web", "warning")]));
    assert_eq!(next(&mut current).await, (8, "+n1/web:warning".into()));
    for index in [7, 100] {
        let mut other = subscribe(&channel, web(index)).await.expect("served");
        let events = [next(&mut other).await, next(&mut other).await, next(&mut other).await];
        assert_eq!(events, [(8, "new".into()), (8, "+n1/web:warning".into()), (8, "end".into())]);
    }
    // an index that moves without a difference is as good as the last event
    served.set(view(10, &[row("n1", "web", "warning")]));
    served.set(view(11, &[row("n1", "web", "passing")]));
    assert_eq!(next(&mut current).await, (11, "+n1/web:passing".into()));
}

#[tokio::test]
async fn a_service_without_instances_has_a_snapshot_of_nothing() {
    let served = served(true).await;
    served.set(view(0, &[]));
    let channel = served.channel().await;
    let old = SubscribeRequest { topic: Topic::ServiceHealthConnect as i32, key: "web".into(), ..Default::default() };
    let mut stream = subscribe(&channel, old).await.expect("clients before 1.13 send only the key");
    assert_eq!(next(&mut stream).await, (1, "end".into()));
    let imported = SubscribeRequest { key: "web".into(), peer_name: "p".into(), subject: None, ..web(0) };
    assert_eq!(next(&mut subscribe(&channel, imported).await.expect("served")).await, (1, "end".into()));
}

#[tokio::test]
async fn a_state_that_was_replaced_resets_the_streams() {
    let served = served(true).await;
    served.set(view(7, &[row("n1", "web", "passing")]));
    let channel = served.channel().await;
    let mut stream = subscribe(&channel, web(7)).await.expect("served");
    served.set(view(8, &[]));
    assert_eq!(next(&mut stream).await, (8, "-n1/web:".into()));
    served.set(view(3, &[row("n1", "web", "passing")]));
    assert_eq!(stream.message().await.expect_err("ended").code(), Code::Aborted);
    let mut again = subscribe(&channel, web(0)).await.expect("served");
    assert_eq!(next(&mut again).await, (3, "+n1/web:passing".into()));
}

#[tokio::test]
async fn what_is_not_served_is_refused_clearly() {
    let yes = served(true).await;
    let no = served(false).await;
    let named = |topic| SubscribeRequest { topic, ..web(0) };
    let subject = |subject| SubscribeRequest { subject, ..web(0) };
    let wildcard = Some(messages::Subject::Wildcard(true));
    let cases = [
        (&yes, named(0), Code::InvalidArgument),
        (&yes, named(99), Code::InvalidArgument),
        (&yes, named(Topic::MeshConfig as i32), Code::Unimplemented),
        (&yes, subject(wildcard), Code::InvalidArgument),
        (&yes, subject(None), Code::InvalidArgument),
        (&yes, SubscribeRequest { token: "wrong".into(), ..web(0) }, Code::PermissionDenied),
        (&no, web(0), Code::Unimplemented),
    ];
    for (served, request, code) in cases {
        let refused = subscribe(&served.channel().await, request.clone()).await.expect_err("refused");
        assert_eq!(refused.code(), code, "{request:?}: {refused}");
    }
}

#[tokio::test]
async fn a_feed_ends_with_its_last_subscriber() {
    let fake = Arc::new(Fake { view: watch::Sender::new(view(5, &[])), looks: AtomicUsize::new(0) });
    let feeds = Feeds::new(fake);
    let subject = |service: &str| Subject {
        connect: false,
        service: service.into(),
        datacenter: String::new(),
        token: String::new(),
    };
    let one = feeds.subscribe(subject("a"), 0).await.expect("served");
    let two = feeds.subscribe(subject("a"), 0).await.expect("served");
    let other = feeds.subscribe(subject("b"), 0).await.expect("served");
    assert_eq!(feeds.len(), 2);
    drop((one, other));
    assert_eq!(feeds.len(), 1);
    drop(two);
    assert_eq!(feeds.len(), 0);
}

#[test]
fn rows_keep_their_fields() {
    let mut row = row("n1", "web-1", "passing");
    let pairs = |name: &str| Some([(name.to_owned(), "x".to_owned())].into());
    row.node =
        Arc::new(Node { tagged_addresses: pairs("lan"), meta: pairs("m"), modify_index: 4, ..(*row.node).clone() });
    row.service = Arc::new(NodeService {
        tags: Some(vec!["a".into(), "b".into()]),
        weights: Some(Weights { passing: 3, warning: 0 }),
        tagged_addresses: Some([("wan".to_owned(), ServiceAddress { address: "1.2.3.4".into(), port: 5 })].into()),
        proxy: ConnectProxyConfig {
            config: Some([("k".to_owned(), serde_json::json!({"n": 1.5, "l": [true, null]}))].into()),
            ..ConnectProxyConfig::default()
        },
        ..(*row.service).clone()
    });
    row.checks[0] = Arc::new(HealthCheck {
        definition: CheckDefinition {
            interval: GoDuration(1_500_000_000),
            header: Some([("h".to_owned(), vec!["v".to_owned()])].into()),
            ..CheckDefinition::default()
        },
        ..(*row.checks[0]).clone()
    });
    let bytes = wire::CheckServiceNode::from(&row).encode_to_vec();
    let read = wire::CheckServiceNode::decode(&*bytes).expect("decodes");
    let (node, service) = (read.node.expect("a node"), read.service.expect("a service"));
    assert_eq!((node.tagged_addresses["lan"].as_str(), node.meta["m"].as_str()), ("x", "x"));
    assert_eq!(node.raft_index.expect("indexes").modify_index, 4);
    assert_eq!(service.tags, ["a", "b"]);
    assert_eq!(service.weights, Some(wire::Weights { passing: 3, warning: 0 }));
    assert_eq!(service.tagged_addresses["wan"].port, 5);
    let config = service.proxy.and_then(|proxy| proxy.config).expect("a configuration");
    let Some(wire::Kind::Struct(inner)) = &config.fields["k"].kind else { panic!("{config:?}") };
    assert_eq!(inner.fields["n"].kind, Some(wire::Kind::Number(1.5)));
    let definition = read.checks[0].definition.clone().expect("a definition");
    assert_eq!(definition.interval, Some(wire::Duration { seconds: 1, nanos: 500_000_000 }));
    assert_eq!(definition.header["h"].value, ["v"]);
}

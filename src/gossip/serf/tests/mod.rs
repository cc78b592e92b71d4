//! The layer by itself: nodes come and go, messages arrive, time passes; what it does is read from its outputs.

mod events;
mod keys;
mod members;
mod messages;
mod queries;
mod scenarios;
mod states;

use super::message::{self, Kind};
use super::*;
use crate::gossip::swim::{Delegate, Node, State};
use serde::Serialize;
use std::time::Duration;

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A node of the failure detector, alive, with tags.
pub(super) fn node(name: &str, port: u16, own: &[(&str, &str)]) -> Node {
    let own: Tags = own.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Node {
        name: name.into(),
        address: address(port),
        meta: tags::encode(&own).unwrap(),
        versions: [1, 5, 2, 2, 5, 4],
        incarnation: 1,
        state: State::Alive,
        since: Duration::ZERO,
    }
}

pub(super) fn settings(name: &str) -> Settings {
    Settings::new(name, address(7946))
}

/// The node `own` alone in its pool, its own join already told.
pub(super) fn alone(settings: Settings) -> Serf {
    let own = node(&settings.name, settings.address.port(), &[]);
    let mut serf = Serf::new(settings, Clocks::default(), Duration::ZERO, 7).unwrap();
    serf.joined(Duration::ZERO, &own);
    serf.outputs().for_each(drop);
    serf
}

/// The node `own` with other members, alive.
pub(super) fn with(others: &[&str]) -> Serf {
    let mut serf = alone(settings("own"));
    for (place, name) in others.iter().enumerate() {
        serf.joined(Duration::ZERO, &node(name, 8000 + place as u16, &[]));
    }
    serf.outputs().for_each(drop);
    serf
}

pub(super) fn tell<T: Serialize>(serf: &mut Serf, now: Duration, kind: Kind, body: &T) {
    serf.user_message(now, &message::encode(kind, body));
}

pub(super) fn status(serf: &Serf, name: &str) -> MemberStatus {
    serf.member(name).map_or(MemberStatus::None, |member| member.status)
}

/// What would be sent now, decoded by nobody: the type bytes of the broadcasts in their order.
pub(super) fn broadcast_kinds(serf: &mut Serf) -> Vec<u8> {
    serf.broadcasts(Duration::ZERO, 3, 1400).iter().map(|message| message[0]).collect()
}

/// The outputs in words, one for each.
pub(super) fn told(serf: &mut Serf) -> Vec<String> {
    let names =
        |members: &[Arc<Member>]| members.iter().map(|member| member.name.clone()).collect::<Vec<_>>().join(",");
    serf.outputs()
        .map(|output| match output {
            Output::Event(Event::Join(members)) => format!("join {}", names(&members)),
            Output::Event(Event::Leave(members)) => format!("leave {}", names(&members)),
            Output::Event(Event::Failed(members)) => format!("failed {}", names(&members)),
            Output::Event(Event::Update(members)) => format!("update {}", names(&members)),
            Output::Event(Event::Reap(members)) => format!("reap {}", names(&members)),
            Output::Event(Event::User(event)) => format!("event {} at {}", event.name, event.ltime),
            Output::Event(Event::Query(_)) => unreachable!("queries leave as Output::Query"),
            Output::Query(query) => format!("query {} of {}", query.name, query.source),
            Output::Keys(operation, _) => format!("keys {}", operation.name()),
            Output::Send { to, message } => format!("send {} to {}", message[0], to.port()),
            Output::Reply(_, QueryReply::Ack { from }) => format!("ack {from}"),
            Output::Reply(_, QueryReply::Response { from, payload }) => {
                format!("response {from} {}", String::from_utf8_lossy(&payload))
            }
            Output::QueryEnded(_) => "query ended".into(),
            Output::Sent(_) => "sent".into(),
            Output::Position { node, .. } => format!("position {node}"),
            Output::Reconnect(address) => format!("reconnect {address}"),
            Output::ConflictLost => "conflict lost".into(),
        })
        .collect()
}

//! Packets, streams and messages of a pool, for `crate::fuzzing`.

use super::coordinate;
use super::keyring::Keyring;
use super::serf::{self, Clocks, Serf, tags};
use super::swim::{Config, Delegate, Node, State, Swim, Timing};
use super::wire::{self, Layers, StreamMessage};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Key of the pools that have one; the recorded vectors use it too.
const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, last], 8301))
}

/// A member with both layers.
struct Own {
    swim: Swim,
    serf: Serf,
    now: Duration,
}

impl Own {
    fn new(keyring: Option<Arc<Keyring>>) -> Own {
        let mut config = Config::new("srv1", address(1), Timing::lan());
        config.keyring = keyring;
        let now = Duration::from_secs(100);
        let settings = serf::Settings::new("srv1", address(1));
        let mut serf = Serf::new(settings, Clocks::default(), now, 7).expect("no tags are short enough");
        let swim = Swim::new(config, now, 7, &mut serf);
        Own { swim, serf, now }
    }

    /// Lets time pass and throws away what is to be done.
    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.swim.tick(self.now, &mut self.serf);
        self.serf.tick(self.now);
        self.swim.outputs().for_each(drop);
        self.serf.outputs().for_each(drop);
    }

    fn packet(&mut self, datagram: &[u8]) {
        self.swim.packet(self.now, address(2), datagram, &mut self.serf);
        self.pass(Duration::from_millis(300));
    }

    fn stream(&mut self, message: Result<StreamMessage, wire::Error>) {
        let answer = self.swim.accept_stream(self.now, address(3), message, &mut self.serf);
        if let Some(state) = answer.merge {
            let _ = self.swim.merge(self.now, address(3), *state, &mut self.serf);
        }
        self.pass(Duration::from_millis(300));
    }
}

/// Hands packets to a member, then lets it gossip about what it heard.
pub fn packets(packets: &[&[u8]]) {
    let mut own = Own::new(None);
    packets.iter().for_each(|packet| own.packet(packet));
    (0..4).for_each(|_| own.pass(Duration::from_secs(5)));
}

fn keyring() -> Arc<Keyring> {
    Arc::new(Keyring::new(&[KEY]).expect("a key of 16 bytes"))
}

/// Hands bytes to a member of an encrypted pool as packet and as stream, raw and, as other members would, sealed.
pub fn encrypted(data: &[u8]) {
    let mut own = Own::new(Some(keyring()));
    let layers = Layers {
        keyring: Some(keyring()),
        verify_incoming: true,
        verify_outgoing: true,
        compression: data.len().is_multiple_of(2),
        label: "".into(),
    };
    own.packet(data);
    let sealed = layers.seal_packet(data, true);
    let opened = layers.open_packet(&sealed).expect("our own seal");
    assert!(layers.compression || opened.ends_with(data), "a packet changes on its way");
    own.packet(&sealed);
    for bytes in [data, &layers.seal_stream(data, false)] {
        let message = layers.stream_reader(false).read(bytes);
        if let Some(message) = message.transpose() {
            own.stream(message);
        }
    }
}

/// Reads a stream in pieces of the size that the first byte tells, and at once, which must be the same.
pub fn stream(data: &[u8]) {
    let Some((size, data)) = data.split_first() else { return };
    let layers = Layers::plain();
    let whole = layers.stream_reader(false).read(data);
    let mut reader = layers.stream_reader(false);
    let mut pieced = Ok(None);
    for piece in data.chunks(usize::from(*size).max(1)) {
        pieced = reader.read(piece);
        if !matches!(pieced, Ok(None)) {
            break;
        }
    }
    assert_eq!(whole, pieced, "the size of the pieces matters");
    if let Some(message) = whole.transpose() {
        let mut own = Own::new(None);
        own.stream(message);
        own.pass(Duration::from_secs(5));
    }
}

/// Unpacks a compressed message, and packs the input itself.
pub fn compressed(data: &[u8]) {
    const LIMIT: usize = 1 << 20;
    if let Ok(plain) = wire::decompress(data, LIMIT) {
        assert!(plain.len() <= LIMIT, "more than allowed");
    }
    let packed = wire::compress(data);
    let unpacked = wire::decompress(&packed[1..], data.len()).expect("our own packing");
    assert_eq!(unpacked, data, "packing changes");
}

/// Hands user messages and states to the layer above the failure detector; the first byte of each chooses.
pub fn messages(messages: &[&[u8]]) {
    let mut own = Own::new(None);
    let others = [("n2", 2), ("n3", 3)].map(|(name, last)| Node {
        name: name.into(),
        address: address(last),
        meta: tags::encode(&serf::Tags::default()).expect("no tags are short enough"),
        versions: [1, 5, 2, 2, 5, 4],
        incarnation: 1,
        state: State::Alive,
        since: own.now,
    });
    others.iter().for_each(|node| own.serf.joined(own.now, node));
    for message in messages {
        let Some((choice, body)) = message.split_first() else { continue };
        match choice {
            0 => own.serf.merge_state(own.now, body, false),
            1 => own.serf.merge_state(own.now, body, true),
            2 => own.serf.ping_done(own.now, &others[0], Duration::from_millis(2), body),
            3 => {
                tags::decode(body);
                let node = Node { meta: body.to_vec().into(), ..others[0].clone() };
                own.serf.updated(own.now, &node);
            }
            4 => {
                coordinate::decode_payload(body);
            }
            _ => own.serf.user_message(own.now, body),
        }
        own.pass(Duration::from_millis(300));
    }
    own.serf.local_state(true);
    (0..3).for_each(|_| own.pass(Duration::from_secs(20)));
}

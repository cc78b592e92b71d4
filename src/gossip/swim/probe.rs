//! Probing, one member after the other, and probing for others (`spec/gossip.md` 3.3).

use super::noise::Problem;
use super::timers::Timer;
use super::{Delegate, Dial, Exchange, Node, Output, State, Swim, Time, figures};
use crate::gossip::wire::{self, Ack, AddressBytes, IndirectPing, Message, Nack, Ping, Suspect};
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::Level;

/// Pings for others under way; more are not taken on.
const MAX_RELAYS: usize = 4096;
/// Versions from which a peer takes pings over streams, and answers with nacks.
const STREAM_PING: u8 = 3;
const NACK: u8 = 4;

/// The probe that runs.
#[derive(Debug)]
pub(super) struct Probe {
    seq: u32,
    name: Arc<str>,
    /// What we knew when it began: an accusation is about that.
    incarnation: u32,
    start: Time,
    /// When it is over at the latest.
    end: Time,
    /// The direct answer is not late yet.
    direct: bool,
    expected_nacks: u32,
    nacks: u32,
    stream_answered: bool,
}

/// A ping for somebody else.
#[derive(Debug)]
pub(super) struct Relay {
    to: SocketAddr,
    seq: u32,
    nack: bool,
}

impl Swim {
    /// The ticker of probes. While a probe runs, one more tick is kept for its end.
    pub(super) fn probe_tick(&mut self, now: Time, d: &mut dyn Delegate) {
        if self.probe.is_some() {
            self.probe_waiting = true;
            return;
        }
        let keep = self.config.timing.gossip_to_the_dead;
        let Some(node) = self.members.next_probe(&self.name, now, keep, &mut self.rng).cloned() else { return };
        self.start_probe(now, node, d);
    }

    fn start_probe(&mut self, now: Time, node: Node, d: &mut dyn Delegate) {
        let seq = self.next_seq();
        let scale = self.health + 1;
        if scale > 1 {
            figures::DEGRADED_PROBE.add(1);
        }
        let end = now + self.config.timing.probe_interval * scale;
        self.timers.set(now + self.config.timing.probe_timeout, Timer::ProbeLate(seq));
        self.timers.set(end, Timer::ProbeOver(seq));
        self.probe = Some(Probe {
            seq,
            name: node.name.clone(),
            incarnation: node.incarnation,
            start: now,
            end,
            direct: true,
            expected_nacks: 0,
            nacks: 0,
            stream_answered: false,
        });
        let source = AddressBytes::new(self.config.advertise.ip());
        let ping = Message::Ping(Ping {
            seq,
            node: &node.name,
            source_address: source.as_slice(),
            source_port: self.config.advertise.port(),
            source_node: &self.name,
        })
        .encode();
        if node.state == State::Alive {
            self.send(now, node.address, ping, d);
        } else {
            // The suspect hears of it at once, so that it can refute.
            let (incarnation, name) = (node.incarnation, &node.name);
            let suspect = Message::Suspect(Suspect { incarnation, node: name, from: &self.name }).encode();
            self.send_parts(node.address, &[ping, suspect], node.takes_checksum());
        }
    }

    /// The direct answer did not come in time: ask others, and try a stream.
    pub(super) fn probe_late(&mut self, now: Time, seq: u32, d: &mut dyn Delegate) {
        let Some(probe) = self.probe.as_mut().filter(|probe| probe.seq == seq) else { return };
        probe.direct = false;
        let (name, end) = (probe.name.clone(), probe.end);
        let Some(target) = self.members.get(&name) else { return };
        let (address, protocol_max) = (target.address, target.protocol_max());
        let own = self.name.clone();
        let fits = |node: &Node| node.state == State::Alive && *node.name != *name && *node.name != *own;
        let helpers: Vec<_> = self.members.draw(self.config.timing.indirect_checks, &mut self.rng, fits);
        let helpers: Vec<_> = helpers.into_iter().map(|node| (node.address, node.protocol_max() >= NACK)).collect();
        let expected = helpers.iter().filter(|(_, nack)| *nack).count() as u32;
        if let Some(probe) = &mut self.probe {
            probe.expected_nacks = expected;
        }
        let (source, target) = (AddressBytes::new(self.config.advertise.ip()), AddressBytes::new(address.ip()));
        for (helper, nack) in helpers {
            let ping = Message::IndirectPing(IndirectPing {
                seq,
                target: target.as_slice(),
                port: address.port(),
                node: &name,
                nack,
                source_address: source.as_slice(),
                source_port: self.config.advertise.port(),
                source_node: &own,
            });
            self.send(now, helper, ping.encode(), d);
        }
        if self.config.stream_pings && protocol_max >= STREAM_PING {
            let exchange = Exchange::Ping { seq, node: name.clone() };
            self.outputs.push(Output::Dial(Dial { to: address, name: Some(name), exchange, deadline: end }));
        }
    }

    /// The time of a probe is up.
    pub(super) fn probe_over(&mut self, now: Time, seq: u32, d: &mut dyn Delegate) {
        let Some(probe) = self.probe.take_if(|probe| probe.seq == seq) else { return };
        if probe.stream_answered {
            let problem = (Problem::Exchange, &probe.name);
            self.complain(now, Level::WARN, problem, || {
                format!(
                    "Was able to connect to {} over TCP but UDP probes failed, network may be misconfigured",
                    probe.name
                )
            });
            self.end_probe(now, &probe, -1, d);
            return;
        }
        let missed = match probe.expected_nacks {
            0 => 1,
            expected => expected.saturating_sub(probe.nacks) as i32,
        };
        self.log(Level::INFO, format!("Suspect {} has failed, no acks received", probe.name));
        let suspect = Suspect { incarnation: probe.incarnation, node: &probe.name, from: &self.name.clone() };
        self.suspect(now, &suspect);
        self.end_probe(now, &probe, missed, d);
    }

    /// Everything after the outcome of a probe, which changed our own health by `delta`.
    fn end_probe(&mut self, now: Time, probe: &Probe, delta: i32, d: &mut dyn Delegate) {
        self.change_health(delta);
        figures::PROBE.add((now - probe.start).as_secs_f64() * 1e3);
        if std::mem::take(&mut self.probe_waiting) {
            self.probe_tick(now, d);
        }
    }

    /// An answer to a ping of ours, direct or through a helper.
    pub(super) fn ack(&mut self, now: Time, ack: &Ack, d: &mut dyn Delegate) {
        if let Some(relay) = self.relays.remove(&ack.seq) {
            let answer = Message::Ack(Ack { seq: relay.seq, payload: &[] }).encode();
            self.send(now, relay.to, answer, d);
            return;
        }
        let Some(probe) = self.probe.take_if(|probe| probe.seq == ack.seq) else { return };
        if probe.direct
            && let Some(node) = self.members.get(&probe.name)
        {
            d.ping_done(now, node, now.saturating_sub(probe.start), ack.payload);
        }
        self.end_probe(now, &probe, -1, d);
    }

    /// A helper could not reach the one that we probe.
    pub(super) fn nack(&mut self, nack: &Nack) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.seq == nack.seq) {
            probe.nacks += 1;
        }
    }

    /// The stream that backs up a probe was answered.
    pub(super) fn stream_ack(&mut self, seq: u32) {
        if let Some(probe) = self.probe.as_mut().filter(|probe| probe.seq == seq) {
            probe.stream_answered = true;
        }
    }

    /// Somebody asks whether we are there.
    pub(super) fn ping(&mut self, now: Time, from: SocketAddr, ping: &Ping, d: &mut dyn Delegate) {
        if !ping.node.is_empty() && ping.node != &*self.name {
            self.complain(now, Level::WARN, (Problem::WrongNode, from.ip()), || {
                format!("Got ping for unexpected node '{}' from={from}", ping.node)
            });
            return;
        }
        let payload = d.ack_payload();
        let answer = Message::Ack(Ack { seq: ping.seq, payload: &payload }).encode();
        self.send(now, answer_address(from, ping.source_address, ping.source_port), answer, d);
    }

    /// Somebody asks us to ping another member.
    pub(super) fn indirect_ping(&mut self, now: Time, from: SocketAddr, asked: &IndirectPing, d: &mut dyn Delegate) {
        let Some(target) = wire::ip_of(asked.target) else { return };
        if self.relays.len() >= MAX_RELAYS {
            return;
        }
        let port = if asked.port == 0 { self.config.advertise.port() } else { asked.port };
        let seq = self.next_seq();
        let to = answer_address(from, asked.source_address, asked.source_port);
        self.relays.insert(seq, Relay { to, seq: asked.seq, nack: asked.nack });
        self.timers.set(now + self.config.timing.probe_timeout, Timer::Relay(seq));
        let source = AddressBytes::new(self.config.advertise.ip());
        let ping = Message::Ping(Ping {
            seq,
            node: asked.node,
            source_address: source.as_slice(),
            source_port: self.config.advertise.port(),
            source_node: &self.name,
        });
        self.send(now, SocketAddr::new(target, port), ping.encode(), d);
    }

    /// The time of a ping for somebody else is up.
    pub(super) fn relay_over(&mut self, now: Time, seq: u32, d: &mut dyn Delegate) {
        if let Some(relay) = self.relays.remove(&seq).filter(|relay| relay.nack) {
            let answer = Message::Nack(Nack { seq: relay.seq }).encode();
            self.send(now, relay.to, answer, d);
        }
    }

    fn next_seq(&mut self) -> u32 {
        self.seq = self.seq.wrapping_add(1);
        self.seq
    }
}

/// Where the answer to a ping goes: to whom it names, else to where it came from.
fn answer_address(from: SocketAddr, address: &[u8], port: u16) -> SocketAddr {
    match wire::ip_of(address) {
        Some(ip) if port != 0 => SocketAddr::new(ip, port),
        _ => from,
    }
}
